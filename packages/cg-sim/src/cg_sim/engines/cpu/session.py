"""The embedded engine: a Session whose time loop is compiled."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import numpy as np
import numpy.typing as npt

from cg_sim.box import check_reach
from cg_sim.curves import exact_curves, fast_curves, tables_of, unreachable_energy
from cg_sim.engines.cpu.diagnosis import Wreck, diagnosis
from cg_sim.engines.cpu.kernels import loop
from cg_sim.engines.cpu.kernels.arrays import (
    make_geometry,
    make_neighbors,
    make_pairs,
    make_particles,
    make_shared,
    thread_bounds,
)
from cg_sim.engines.cpu.kernels.cells import PADDING
from cg_sim.engines.cpu.skin import best_skin, first_skin
from cg_sim.engines.protocol import BlowUp, Frame, Job
from cg_sim.ensembles import NVE, Bussi, Langevin, NoseHoover, degrees_of_freedom
from cg_sim.state import State

_REBUILDS = 5  # that must be seen before the skin is chosen anew
_BLOCK = 1000  # steps between looks at how long the neighbor list lasts


def start(job: Job) -> CpuSession:
    """Return a session of the embedded engine."""
    return CpuSession(job)


class CpuSession:
    """Arrays of one simulation, the compiled loop over them, and the adaptive neighbor list."""

    def __init__(self, job: Job) -> None:
        state, types = job.state, len(job.state.names)
        tables = tables_of(job.interactions, state.names)
        ceiling = unreachable_energy(state, job.kT)
        exact = exact_curves(tables, types, ceiling=ceiling)
        working = exact if job.precision == "double" else fast_curves(tables, types, ceiling=ceiling)
        check_reach(state.box, exact.cutoff, "cutoff")
        self._job, self._cutoff, self._density = job, exact.cutoff, state.density
        self._threads = max(1, min(job.threads, (state.n + 1023) // 1024))
        self._bounds = thread_bounds(state.n, self._threads)
        self._particles = make_particles(state, job.precision == "single")
        self._geometry = make_geometry(state.box)
        self._pairs = make_pairs(working, exact, state.box)
        self._shared = make_shared(state.n, self._threads)
        self._chain = _chain(job)
        self._progress = loop.Progress(np.zeros(6, dtype=np.int64), np.zeros(1), np.full(1, 1e30))
        self._progress.counters[[loop.STEP, loop.END]] = state.step
        self._progress.counters[loop.STAGE] = loop.START
        self._progress.closest[0] = float(job.extra.get("closest", 1e15)) ** 2
        skin = float(job.extra["skin"]) if "skin" in job.extra else first_skin(self._cutoff)
        self._settings = _settings(job, self._cutoff, exact.nearest, skin)
        self._neighbors = make_neighbors(state.n, self._row_width())
        self._widths = np.zeros(3)
        self._pool = ThreadPoolExecutor(self._threads) if self._threads > 1 else None
        self._good: State | None = None
        self._seen = np.zeros(2, dtype=np.int64)  # steps and rebuilds since the skin was chosen
        self._run(state.step)

    def _row_width(self) -> int:
        n = self._particles.position.shape[1]
        expected = 4.19 * self._settings.reach**3 * self._density
        width = min(expected + 2 * np.sqrt(expected), n) + PADDING
        return int(np.ceil(width / PADDING)) * PADDING

    def advance(self, steps: int) -> None:
        """Integrate `steps` steps, in blocks after each of which the skin follows the measured displacements."""
        end = int(self._progress.counters[loop.STEP]) + steps
        while (here := int(self._progress.counters[loop.STEP])) < end:
            before = int(self._progress.counters[loop.REBUILDS])
            block = min(_BLOCK, end - here)
            if self._good is None or here - self._good.step >= _BLOCK:
                self._good = self.state()
            self._run(here + block)
            self._adapt(block, int(self._progress.counters[loop.REBUILDS]) - before)

    def _adapt(self, steps: int, rebuilds: int) -> None:
        self._seen += (steps, rebuilds)
        steps, rebuilds = (int(number) for number in self._seen)
        if rebuilds < _REBUILDS:
            return
        self._seen[:] = 0
        reach = self._cutoff + best_skin(
            self._settings.reach - self._cutoff, steps / rebuilds, self._cutoff, self._density
        )
        if abs(reach - self._settings.reach) > 0.02 * self._cutoff:
            self._settings = self._settings._replace(reach=reach)
            self._widen(self._row_width())
            self._progress.counters[loop.STAGE] = loop.START
            self._run(int(self._progress.counters[loop.STEP]))  # lists anew, so that frames find a list

    def _widen(self, width: int) -> None:
        """See that rows of neighbors have at least `width` places."""
        if width > self._neighbors.rows.shape[1]:
            del self._neighbors  # the old list goes before the new one comes: both would not fit a large system
            self._neighbors = make_neighbors(self._particles.position.shape[1], width)

    def _run(self, end: int) -> None:
        counters = self._progress.counters
        counters[loop.END] = end
        while counters[loop.STAGE] != loop.READY or counters[loop.STEP] < end:
            self._together()
            match int(counters[loop.CODE]):
                case loop.DONE:
                    return
                case loop.GROW:
                    self._widen(int(counters[loop.NEEDED]))
                case code:
                    raise self._diagnosis(code)

    def _together(self) -> None:
        arguments: tuple[Any, ...] = (
            self._threads, self._bounds, self._particles, self._neighbors, self._geometry, self._pairs, self._shared,
            self._chain, self._widths, self._settings, self._progress,
        )  # fmt: skip
        if self._pool is None:
            loop.advance(0, *arguments)
            return
        tasks = [self._pool.submit(loop.advance, k, *arguments) for k in range(self._threads)]
        try:
            wait(tasks)
        finally:  # after Ctrl-C too: the arrays are nobody's before all have finished
            for task in tasks:
                task.result()

    def _diagnosis(self, code: int) -> BlowUp:
        p, step = self._particles, int(self._progress.counters[loop.STEP])
        order = np.argsort(p.id)
        positions, velocities = p.position.T[order], p.velocity.T[order]
        return diagnosis(code, Wreck(step, positions, velocities, self._geometry.box), self._good, self._settings)

    def frame(self) -> Frame:
        loop.survey(
            self._particles, self._neighbors, self._geometry, self._pairs, self._particles.scratch, self._shared.sums
        )
        energy, xx, yy, zz, xy, xz, yz = self._shared.sums[:, 1:8].sum(axis=0)
        state = self.state()
        forces = np.empty((state.n, 3))
        forces[self._particles.id] = self._particles.scratch.T
        return Frame(
            state,
            state.step * self._job.dt,
            float(energy),
            np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]),
            forces,
        )

    def state(self) -> State:
        p, base = self._particles, self._job.state
        positions, velocities = np.empty((base.n, 3)), np.empty((base.n, 3))
        positions[p.id], velocities[p.id] = p.position.T, p.velocity.T
        step = int(self._progress.counters[loop.STEP])
        return base.moved(positions, velocities, self._geometry.box.copy(), step)

    def extra(self) -> dict[str, npt.NDArray[Any]]:
        """Return thermostat chain and skin."""
        return {
            "eta": self._chain.eta.copy(),
            "p_eta": self._chain.p_eta.copy(),
            "skin": np.array(self._settings.reach - self._cutoff),
            "closest": np.array(self.closest),
        }

    @property
    def closest(self) -> float:
        """The smallest distance of two particles met so far [length]."""
        return float(np.sqrt(self._progress.closest[0]))

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown()


def _chain(job: Job) -> loop.Chain:
    match job.thermostat:
        case NoseHoover(tau, length, _):
            masses = np.full(length, job.kT * tau**2)
            masses[0] *= degrees_of_freedom(job.state.n, job.thermostat)
        case _:
            masses = np.ones(1)
    extra: Mapping[str, npt.NDArray[Any]] = job.extra
    eta, p_eta = (np.array(extra.get(name, np.zeros(len(masses)))) for name in ("eta", "p_eta"))
    return loop.Chain(eta, p_eta, masses)


def _settings(job: Job, cutoff: float, nearest: float, skin: float) -> loop.Settings:
    friction, tau, substeps = 0.0, 1.0, 1
    match job.thermostat:
        case NVE():
            ensemble = loop.NVE
        case Langevin(friction):
            ensemble = loop.LANGEVIN
        case NoseHoover(tau, _, substeps):
            ensemble = loop.CHAIN
        case Bussi(tau):
            ensemble = loop.RESCALING
        case other:
            raise TypeError(f"unknown thermostat {other!r}: NVE, Langevin, NoseHoover or Bussi")
    box = job.barostat
    return loop.Settings(
        ensemble, float(job.dt), float(job.kT), float(friction), float(tau),
        float(degrees_of_freedom(job.state.n, job.thermostat)), cutoff, cutoff + skin, nearest, cutoff,
        int(job.seed), int(substeps), int(box.every) if box else 0, float(box.pressure) if box else 0.0,
        float(box.tau) if box else 1.0, float(box.compressibility) if box else 0.0,
    )  # fmt: skip
