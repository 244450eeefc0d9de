"""Many small systems side by side: their arrays one after another, a thread block for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import cuda

from cg_sim.box import Array, is_orthorhombic
from cg_sim.engines.cpu.diagnosis import Wreck, diagnosis
from cg_sim.engines.cuda import replica_kernels as kernels
from cg_sim.engines.cuda.device import SHARED_MEMORY, launch
from cg_sim.engines.cuda.packing import (
    REALS,
    WHOLES,
    chain_of,
    potentials,
    real_numbers,
    row_width,
    settings_of,
    whole_numbers,
)
from cg_sim.engines.protocol import BlowUp, Frame, Job
from cg_sim.state import State

_BLOCK = 1000  # steps after which the present state is kept as good
_LISTLESS = 64  # up to this many particles all pairs are tried
_POINT = 32  # bytes of shared memory per particle


class BatchSession:
    """Replicas under way on the GPU. A replica that breaks down stops, the others go on; see `failures`."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = list(jobs)
        _check(self._jobs)
        states = [job.state for job in self._jobs]
        self._edges = np.cumsum([0, *(state.n for state in states)])
        tables = potentials(self._jobs)
        self._settings = [settings_of(job, c) for job, c in zip(self._jobs, tables.curves, strict=True)]
        largest = max(state.n for state in states)
        self._threads = min(kernels.MOST_THREADS, max(32, 1 << (largest - 1).bit_length()))
        self._shared = 8 * (self._threads + 1) + _POINT * largest
        if self._shared > SHARED_MEMORY:
            most = (SHARED_MEMORY - 8 * (self._threads + 1)) // _POINT
            raise ValueError(
                f"a replica of {largest} particles does not fit in a block's shared memory: at most {most}; "
                f"simulate larger systems one by one"
            )
        self._listed = largest > _LISTLESS
        flavor = {
            "triclinic": not all(is_orthorhombic(state.box) for state in states),
            "typed": any(len(state.names) > 1 for state in states),
        }
        self._run_kernel = kernels.run_kernel(single=self._jobs[0].precision == "single", **flavor)
        self._survey_kernel = kernels.survey_kernel(**flavor)
        self._place(tables)
        self._progress = np.zeros((len(states), kernels.PROGRESS), dtype=np.int64)
        self._progress[:, kernels.STEP] = [state.step for state in states]
        self._progress[:, kernels.STAGE] = kernels.START
        self._good = self._configurations()
        self.failures: dict[int, BlowUp] = {}
        self._news: list[BlowUp] = []
        self._run(0)

    def _place(self, tables: Any) -> None:
        """Copy everything to the device."""
        states, put = [job.state for job in self._jobs], cuda.to_device
        chains = [chain_of(job) for job in self._jobs]
        longest = max(chain.shape[1] for chain in chains)
        packed = np.ones((len(states), 3, longest))
        reals, wholes = np.zeros((len(states), REALS)), np.zeros((len(states), WHOLES), dtype=np.int64)
        for r, (job, s, chain) in enumerate(zip(self._jobs, self._settings, chains, strict=True)):
            packed[r, :, : chain.shape[1]] = chain
            reals[r] = real_numbers(s, job.state.box)
            wholes[r] = whole_numbers(job, s, int(self._edges[r]), tables.first_pair[r], chain.shape[1])
        self._reals, self._wholes, self._chains = put(reals), put(wholes), put(packed)
        self._seeds = put(np.array([s.seed for s in self._settings], dtype=np.int64).view(np.uint64))
        position = np.concatenate([state.positions.T for state in states], axis=1)
        self._position, self._reference = put(position), put(position)
        self._velocity = put(np.concatenate([state.velocities.T for state in states], axis=1))
        self._force, self._out = put(np.zeros_like(position)), put(np.zeros_like(position))
        self._mass = put(np.concatenate([state.masses for state in states]))
        self._kind = put(np.concatenate([state.types for state in states]))
        self._counts = put(np.zeros(position.shape[1], dtype=np.int32))
        self._working = [put(a) for a in (tables.working.rows, tables.working.shapes, tables.working.firsts)]
        self._exact = [put(a) for a in (tables.exact.rows, tables.exact.shapes, tables.exact.firsts)]
        self._sums = put(np.zeros((len(states), 7)))
        closest = [float(job.extra.get("closest", 1e15)) ** 2 for job in self._jobs]
        self._closest = put(np.repeat(closest, np.diff(self._edges)))
        widths = [row_width(s.n, s.density, c.reach) for s, c in zip(states, self._settings, strict=True)]
        self._make_rows(max(widths) if self._listed else 1)

    def _make_rows(self, width: int) -> None:
        self._rows = cuda.device_array(width * (int(self._edges[-1]) if self._listed else 1), dtype=np.int16)

    def advance(self, steps: int) -> None:
        """Integrate `steps` steps of every replica that has not failed; raise the first new BlowUp at the end."""
        while steps > 0:
            block = min(_BLOCK, steps)
            self._run(block)
            steps -= block
        if self._news:
            first, self._news = self._news[0], []
            raise first

    def _run(self, steps: int) -> None:
        progress, code = self._progress, self._progress[:, kernels.CODE]
        going = code == kernels.DONE
        progress[going, kernels.END] = progress[going, kernels.STEP] + steps
        while True:
            progress[:, kernels.NEEDED] = 0
            on_device = cuda.to_device(progress)
            launch(
                self._run_kernel, len(self._jobs), self._threads, self._listed, self._reals, self._wholes, self._seeds,
                self._position, self._velocity, self._force, self._reference, self._mass, self._kind, self._rows,
                self._counts, *self._working, self._chains, self._closest, on_device, shared=self._shared,
            )  # fmt: skip
            progress[:] = on_device.copy_to_host()
            if not np.any(code == kernels.GROW):
                break
            self._make_rows(int(progress[:, kernels.NEEDED].max()))
            progress[code == kernels.DONE, kernels.STAGE] = kernels.START  # their rows are gone as well
        self._judge(going)

    def _judge(self, going: npt.NDArray[np.bool_]) -> None:
        """Explain the replicas that broke down just now, and keep the others' states as good."""
        now = self._configurations()
        for r in (int(k) for k in np.flatnonzero(going)):
            code, step = (int(self._progress[r, k]) for k in (kernels.CODE, kernels.STEP))
            if code == kernels.DONE:
                self._good[r] = now[r]
                continue
            positions, velocities, _ = now[r]
            wreck = Wreck(step, positions, velocities, self._jobs[r].state.box)
            found = diagnosis(code, wreck, self._state(r, *self._good[r]), self._settings[r])
            error = BlowUp(f"replica {r}: {found.what}", step=step, particles=found.particles, state=found.state)
            self.failures[r] = error
            self._news.append(error)

    def _configurations(self) -> list[tuple[Array, Array, int]]:
        """Return positions, velocities and step of every replica."""
        vectors = (self._position.copy_to_host(), self._velocity.copy_to_host())
        positions, velocities = (np.ascontiguousarray(a.T) for a in vectors)
        bounds = list(zip(self._edges[:-1], self._edges[1:], strict=True))
        steps = self._progress[:, kernels.STEP]
        return [(positions[a:b], velocities[a:b], int(k)) for (a, b), k in zip(bounds, steps, strict=True)]

    def _state(self, r: int, positions: Array, velocities: Array, step: int) -> State:
        return self._jobs[r].state.moved(positions, velocities, self._jobs[r].state.box, step)

    def states(self) -> list[State]:
        """Return the present states; of a replica that failed, its last good one."""
        return [self._state(r, *good) for r, good in enumerate(self._good)]

    def frames(self) -> list[Frame]:
        """Return the present configurations; energy, virial and forces of a replica that failed are NaN."""
        launch(
            self._survey_kernel, len(self._jobs), self._threads, self._listed, self._reals, self._wholes,
            self._position, self._mass, self._kind, self._rows, self._counts, *self._exact, self._out, self._sums,
            shared=self._shared,
        )  # fmt: skip
        sums, forces = self._sums.copy_to_host(), self._out.copy_to_host().T
        for r in self.failures:
            sums[r], forces[self._edges[r] : self._edges[r + 1]] = np.nan, np.nan
        return [
            frame_of(state, state.step * job.dt, sums[r], forces[self._edges[r] : self._edges[r + 1]])
            for r, (state, job) in enumerate(zip(self.states(), self._jobs, strict=True))
        ]

    def extras(self) -> list[dict[str, npt.NDArray[Any]]]:
        """Return thermostat chain and closest pair of every replica."""
        chains = self._chains.copy_to_host()
        lengths = [chain_of(job).shape[1] for job in self._jobs]
        return [
            {"eta": chain[0, :m].copy(), "p_eta": chain[1, :m].copy(), "closest": np.array(r)}
            for chain, m, r in zip(chains, lengths, self.closest, strict=True)
        ]

    @property
    def closest(self) -> list[float]:
        """The smallest distance of two particles met so far in each replica [length]."""
        return [float(r) for r in np.sqrt(np.minimum.reduceat(self._closest.copy_to_host(), self._edges[:-1]))]

    def close(self) -> None:
        """Nothing is held but device memory, which goes with the session."""


def frame_of(state: State, time: float, sums: Array, forces: Array) -> Frame:
    """Return a frame from energy and virial (xx, yy, zz, xy, xz, yz)."""
    energy, xx, yy, zz, xy, xz, yz = sums
    return Frame(state, time, float(energy), np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]), forces)


def _check(jobs: list[Job]) -> None:
    if not jobs:
        raise ValueError("a batch needs at least one job, got none")
    if len({job.precision for job in jobs}) > 1:
        raise ValueError("all jobs of a batch run in one precision, got both: make two batches")
    for r, job in enumerate(jobs):
        if job.barostat is not None:
            raise ValueError(f"job {r} has a barostat, which a batch has not: simulate it alone")
