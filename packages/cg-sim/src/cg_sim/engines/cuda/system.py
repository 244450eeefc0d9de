"""One large system on the GPU: kernels are launched ahead, and the host looks about as often as lists go stale."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import cuda

from cg_sim.box import Array, is_orthorhombic, volume, widths
from cg_sim.engines.cpu.diagnosis import Wreck, diagnosis
from cg_sim.engines.cpu.kernels import loop
from cg_sim.engines.cpu.kernels.thermostats import cell_factor
from cg_sim.engines.cuda import step_kernels as kernels
from cg_sim.engines.cuda.cell_kernels import place_kernel
from cg_sim.engines.cuda.device import THREADS, blocks, launch
from cg_sim.engines.cuda.packing import chain_of, potentials, reach_of, real_numbers, row_width, settings_of
from cg_sim.engines.cuda.replicas import frame_of
from cg_sim.engines.cuda.system_arrays import NeighborList, carried
from cg_sim.engines.protocol import BlowUp, Frame, Job
from cg_sim.state import State

_BLOCK = 1000  # steps after which the present state is kept as good
_FIRST_PATIENCE = 8  # steps launched ahead before it is known how long a list lasts
_SCRATCH = 8 * THREADS  # bytes
_CLEAR = np.array([kernels.NEVER, 0, 0], dtype=np.int64)


class CudaSession:
    """Device arrays of one simulation, and the loop that launches kernels over them."""

    def __init__(self, job: Job) -> None:
        state, n, types = job.state, job.state.n, len(job.state.names)
        tables = potentials([job])
        self._seed = np.uint64(job.seed & 0xFFFFFFFFFFFFFFFF)
        self._job, self._box, self._step = job, state.box, state.step
        self._settings = settings_of(job, tables.curves[0])
        single, triclinic, typed = job.precision == "single", not is_orthorhombic(state.box), types > 1
        self._move = kernels.move_kernel(single=single)
        self._forces = kernels.force_kernel(single=single, triclinic=triclinic, typed=typed)
        self._place = place_kernel(single=False)
        self._survey = kernels.survey_kernel(triclinic=triclinic, typed=typed)
        self._particles, self._grid = carried(state), blocks(n)
        self._force, self._reference, self._out = (cuda.to_device(np.zeros((3, n))) for _ in range(3))
        self._working = [*(cuda.to_device(a) for a in tables.working), types]
        self._exact = [*(cuda.to_device(a) for a in tables.exact), types]
        width = row_width(n, state.density, self._settings.reach)
        self._list = NeighborList(n, width, single=single, triclinic=triclinic)
        self._fine = cuda.device_array(4 * n, dtype=np.float64)
        self._links = cuda.to_device(chain_of(job))
        self._closest = cuda.to_device(np.full(n, float(job.extra.get("closest", 1e15)) ** 2))
        self._scalars = cuda.to_device(np.array([0.0, 1.0]))
        self._sums = cuda.to_device(np.zeros(self._grid))
        self._seven = cuda.to_device(np.zeros((self._grid, 7)))
        self._patience, self._built = _FIRST_PATIENCE, state.step
        self._good: State | None = None
        self._status = cuda.to_device(_CLEAR)
        self._upload_numbers()
        self._rebuild()
        self._pull(2 * state.step - 1, 0.0)
        self._heed()
        self._settle()

    def _upload_numbers(self) -> None:
        self._numbers = cuda.to_device(real_numbers(self._settings, self._box))

    def advance(self, steps: int) -> None:
        """Integrate `steps` steps, stopping at every move of the box."""
        end, every = self._step + steps, self._settings.every
        while self._step < end:
            if self._good is None or self._step - self._good.step >= _BLOCK:
                self._good = self.state()
            stop = min(end, self._good.step + _BLOCK)
            if every > 0:
                stop = min(stop, (self._step // every + 1) * every)
            self._run(stop)
            if every > 0 and stop % every == 0:
                self._move_box()
        self._settle()

    def _run(self, end: int) -> None:
        while self._step < end:
            ahead = min(max(2, self._built + self._patience - self._step), end - self._step)
            for step in range(self._step, self._step + ahead):
                self._launch_step(step)
            self._step += ahead
            while self._heed():
                pass

    def _launch_step(self, step: int) -> None:
        p, s = self._particles, self._settings
        if s.ensemble == loop.CHAIN:
            self._couple(2 * step, kernels.BEFORE, step)
        launch(
            self._move, self._grid, THREADS, step, self._seed, p.position, p.velocity,
            self._force, self._reference, p.mass, p.kind, p.ids, self._list.points, self._numbers, self._scalars,
            self._status,
        )  # fmt: skip
        self._finish(step)

    def _finish(self, step: int) -> None:
        """Launch what follows the move of a step."""
        self._pull(2 * step + 1, 0.5)
        if self._settings.ensemble >= loop.CHAIN:
            self._couple(2 * step + 1, kernels.AFTER, step + 1)

    def _pull(self, phase: int, share: float) -> None:
        p, list_ = self._particles, self._list
        launch(
            self._forces, self._grid, THREADS, phase, share, p.position, p.velocity, self._force, self._reference,
            p.mass, p.kind, list_.points, list_.rows, list_.counts, self._numbers, *self._working, self._closest,
            self._status,
        )  # fmt: skip

    def _couple(self, phase: int, half: int, step: int) -> None:
        p, s = self._particles, self._settings
        if half != kernels.BEFORE:
            launch(
                kernels.kinetic_sums, self._grid, THREADS, phase, p.velocity, p.mass, self._sums, self._status,
                shared=_SCRATCH,
            )  # fmt: skip
        launch(
            kernels.thermostat, 1, THREADS, phase, half, s.ensemble, self._seed, step,
            s.substeps, self._links, self._sums, self._numbers, self._scalars, self._status, shared=_SCRATCH,
        )  # fmt: skip

    def _heed(self) -> bool:
        """Wait for the device; mend a stale list and launch again what it kept from running, or raise BlowUp."""
        stop, far, _ = (int(x) for x in self._status.copy_to_host())
        if stop == kernels.NEVER:
            return False
        step, end = stop // 2, self._step
        if stop % 2 or far:
            self._step = step + stop % 2
            raise self._blow_up(loop.TOO_FAR if far else loop.TOO_NEAR)
        self._patience = step - self._built
        self._built = step
        self._rebuild()
        self._finish(step)
        for later in range(step + 1, end):
            self._launch_step(later)
        return True

    def _rebuild(self) -> None:
        """Sort the particles, list their neighbors, and let kernels run again."""
        self._status.copy_to_device(_CLEAR)
        while True:
            self._particles = self._list.build(
                self._particles, self._reference, box=self._box, reach=self._settings.reach, numbers=self._numbers,
                status=self._status, at=kernels.LONGEST,
            )  # fmt: skip
            longest = int(self._status.copy_to_host()[kernels.LONGEST])
            if longest <= self._list.width:
                return
            self._list.widen(longest)

    def _settle(self) -> None:
        """Leave velocities and kinetic energy as a new session would find them."""
        if self._settings.ensemble < loop.CHAIN:
            return
        launch(kernels.settle_velocities, self._grid, THREADS, self._particles.velocity, self._scalars)
        self._couple(2 * self._step, kernels.SURVEY, self._step)

    def _move_box(self) -> None:
        """Measure the pressure and rescale box, positions and velocities (stochastic cell rescaling)."""
        s, v = self._settings, volume(self._box)
        self._settle()
        frame = self.frame()
        pressure = float(np.trace(frame.pressure_tensor)) / 3
        factor = float(
            cell_factor(
                pressure, v, s.pressure, s.kT, s.every * s.dt, s.pressure_tau, s.compressibility, s.seed, self._step
            )
        )
        p = self._particles
        launch(kernels.rescale_box, self._grid, THREADS, factor, p.position, p.velocity)
        self._box = self._box * factor
        self._settings = s._replace(reach=reach_of(self._box, s.cutoff))
        self._upload_numbers()
        if widths(self._box).min() < 2 * s.cutoff:
            raise self._blow_up(loop.TOO_SMALL)
        self._rebuild()  # pairs may have come into reach
        self._pull(2 * self._step - 1, 0.0)
        self._couple(2 * self._step - 1, kernels.SURVEY, self._step)
        self._heed()

    def _blow_up(self, code: int) -> BlowUp:
        positions, velocities = self._ordered(self._particles.position), self._ordered(self._particles.velocity)
        return diagnosis(code, Wreck(self._step, positions, velocities, self._box), self._good, self._settings)

    def _ordered(self, vectors: Any) -> Array:
        """Return (n, 3) vectors in the order of the initial state."""
        out = np.empty((self._job.state.n, 3))
        out[self._particles.ids.copy_to_host()] = vectors.copy_to_host().T
        return out

    def frame(self) -> Frame:
        """Return the present configuration; its forces and energies are exact in either precision."""
        list_ = self._list
        launch(
            self._place, self._grid, THREADS, self._particles.position, self._particles.kind, self._numbers, self._fine
        )
        launch(
            self._survey, self._grid, THREADS, self._fine, list_.rows, list_.counts, self._numbers, *self._exact,
            self._out, self._seven, shared=_SCRATCH,
        )  # fmt: skip
        return frame_of(
            self.state(), self._step * self._job.dt, self._seven.copy_to_host().sum(axis=0), self._ordered(self._out)
        )

    def state(self) -> State:
        p, before = self._particles, self._job.state
        return before.moved(self._ordered(p.position), self._ordered(p.velocity), self._box, self._step)

    def extra(self) -> dict[str, npt.NDArray[Any]]:
        """Return thermostat chain and closest pair."""
        eta, p_eta, _ = self._links.copy_to_host()
        return {"eta": eta.copy(), "p_eta": p_eta.copy(), "closest": np.array(self.closest)}

    @property
    def closest(self) -> float:
        """The smallest distance of two particles met so far [length]."""
        return float(np.sqrt(self._closest.copy_to_host().min()))

    def close(self) -> None:
        """Nothing is held but device memory, which goes with the session."""
