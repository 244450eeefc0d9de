"""Rollouts that run together on the GPU: their arrays one after another, their paths in its memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any

import numpy as np
from numba import cuda

from cg_sim.box import is_orthorhombic
from cg_sim.differentiable.cotangents import Cotangents, Gradients
from cg_sim.differentiable.cuda import forward_kernel as kernels
from cg_sim.differentiable.cuda import packing
from cg_sim.differentiable.cuda.backward_kernel import backward_kernel
from cg_sim.differentiable.cuda.chain import operations
from cg_sim.differentiable.kernels.steps import CHAIN, DT, KT
from cg_sim.differentiable.table_rows import Array
from cg_sim.differentiable.trajectory import Trajectory
from cg_sim.engines.cuda.device import launch
from cg_sim.engines.protocol import BlowUp

Frames = tuple[Array, Array, Array, Array]  # positions, velocities, energy, virial


class Batch:
    """Rollouts of one thermostat, dt, number of steps and `every`, run when made."""

    def __init__(self, plans: Sequence[Trajectory]) -> None:
        self._plans, self._lock = list(plans), Lock()
        self._edges = packing.edges([plan.state.n for plan in plans])
        self._largest = max(plan.state.n for plan in plans)
        self._threads = min(kernels.MOST_THREADS, max(32, 1 << (self._largest - 1).bit_length()))
        self._shared = 8 * (self._threads + 1)
        self._flavor = {
            "triclinic": not all(is_orthorhombic(plan.state.box) for plan in plans),
            "typed": any(len(plan.state.names) > 1 for plan in plans),
        }
        self._place()
        self._make_rows(packing.width(plans))
        self._run()

    def _place(self) -> None:
        """Copy everything to the device, and make room for the paths."""
        plans, put, total = self._plans, cuda.to_device, self._edges[-1]
        first, replicas, half_steps = plans[0], len(plans), 2 * plans[0].steps
        _check_memory(2 * 8 * (first.steps + 1) * 3 * total)
        tables = packing.tables(plans)
        seeds = np.array([plan.settings.seed for plan in plans], dtype=np.int64).view(np.uint64)
        masses = np.concatenate([plan.system.masses for plan in plans])
        kinds = np.concatenate([plan.system.kinds for plan in plans]).astype(np.int32)
        self._system = [
            put(a) for a in (packing.reals(plans), packing.wholes(plans), seeds, masses, kinds, *tables)
        ]  # fmt: skip
        self._x, self._v = (cuda.device_array((first.steps + 1, 3, total), np.float64) for _ in range(2))
        self._x[0].copy_to_device(np.concatenate([plan.state.positions.T for plan in plans], axis=1))
        self._v[0].copy_to_device(np.concatenate([plan.state.velocities.T for plan in plans], axis=1))
        self._working = [put(np.zeros(shape)) for shape in ((3, total), (3, total), (4 * total,))]
        past = half_steps if first.settings.ensemble == CHAIN else 1
        shapes = (replicas, past, first.chain_length), (replicas, past), (replicas, past)
        self._past = [put(np.stack([plan.chain_masses for plan in plans])), *(put(np.zeros(s)) for s in shapes)]
        self._sums = [put(np.zeros((replicas, first.steps // first.every + 1))) for _ in range(2)]
        self._table_rows = len(tables.rows)

    def _make_rows(self, width: int) -> None:
        total = self._edges[-1]
        width = max(1, min(width, self._largest))
        self._listed = [cuda.device_array(width * total, np.int32), cuda.to_device(np.zeros(total, dtype=np.int32))]

    def _until_rows_suffice(self, once: Callable[[Any], None]) -> Any:
        """Do something that fills `outcome`, again with longer rows as long as a replica's neighbors do not fit."""
        while True:
            outcome = cuda.to_device(np.zeros((len(self._plans), kernels.OUTCOME), dtype=np.int64))
            once(outcome)
            found = outcome.copy_to_host()
            if not np.any(found[:, kernels.CODE] == kernels.GROW):
                return found
            needed = int(found[:, kernels.NEEDED].max())
            self._make_rows(needed + needed // 4)

    def _run(self) -> None:
        found = self._until_rows_suffice(self._forward)
        for plan, (code, step, _) in zip(self._plans, found, strict=True):
            if code == kernels.TOO_NEAR:
                raise BlowUp(
                    f"after {step} steps two particles are nearer than a table's first knot: begin the table further in "
                    "(r_min), or take a smaller time step or a start without overlaps",
                    step=plan.state.step + int(step),
                )

    def _forward(self, outcome: Any) -> None:
        first = self._plans[0]
        links = cuda.to_device(np.zeros((len(self._plans), 2, first.chain_length)))
        launch(
            kernels.forward_kernel(**self._flavor), len(self._plans), self._threads, *self._system, self._x, self._v,
            *self._working, *self._listed, links, *self._past, *self._sums, first.every, outcome, shared=self._shared,
        )  # fmt: skip

    def frames(self) -> list[Frames]:
        """Return what each rollout shows."""
        x, v = self._shown(self._x), self._shown(self._v)
        energy, virial = (sums.copy_to_host() for sums in self._sums)
        return [
            (self._own(x, r), self._own(v, r), energy[r].copy(), virial[r].copy()) for r in range(len(self._plans))
        ]  # fmt: skip

    def _shown(self, path: Any) -> Array:
        """Return every so many steps of a path."""
        every = self._plans[0].every
        out = np.empty((self._plans[0].steps // every + 1, *path.shape[1:]))
        for f, frame in enumerate(out):
            path[f * every].copy_to_host(frame)
        return out

    def _own(self, frames: Array, r: int) -> Array:
        """Return a replica's part of (…, 3, particle) as (…, n, 3)."""
        return np.ascontiguousarray(np.swapaxes(frames[..., self._edges[r] : self._edges[r + 1]], -1, -2))

    def vjp(self, given: Mapping[int, Cotangents]) -> dict[int, Gradients]:
        """Return the gradients of each of the given rollouts."""
        with self._lock:
            seen = self._seen(given)
            adjoints: dict[str, Any] = {}

            def once(outcome: Any) -> None:
                adjoints.update(self._zeros())
                self._backward(sorted(given), seen, adjoints, outcome)

            self._until_rows_suffice(once)
            host = {name: adjoints[name].copy_to_host() for name in ("x", "v", "masses", "rows", "chain", "numbers")}
        return {r: self._gradients(r, cotangents, host) for r, cotangents in given.items()}

    def _seen(self, given: Mapping[int, Cotangents]) -> list[Any]:
        """Copy the derivatives of what was observed to the device, zeros for rollouts that are not given."""
        frames, total = self._plans[0].steps // self._plans[0].every + 1, self._edges[-1]
        vectors, sums = np.zeros((2, frames, 3, total)), np.zeros((2, len(self._plans), frames))
        for r, cotangents in given.items():
            *of_particles, sums[0, r], sums[1, r] = self._plans[r]._seen(cotangents)
            for to, derivative in zip(vectors, of_particles, strict=True):
                to[..., self._edges[r] : self._edges[r + 1]] = np.swapaxes(derivative, 1, 2)
        return [cuda.to_device(a) for a in (*vectors, *sums)]

    def _zeros(self) -> dict[str, Any]:
        """Return room for all adjoints, in the kernel's order."""
        plan, total, replicas = self._plans[0], self._edges[-1], len(self._plans)
        m, rows = plan.chain_length, self._table_rows
        tape = operations(plan.settings.substeps, m) + 1 if plan.settings.ensemble == CHAIN else 1
        shapes: dict[str, tuple[int, ...]] = {
            "x": (3, total), "v": (3, total), "masses": (total,), "forces": (4 * total,), "kicks": (3, total),
            "drifts": (3, total), "rows": (rows, 4), "fixed": (rows, 4), "chain": (replicas, 2, m),
            "tape": (replicas, tape, m + 1), "numbers": (replicas, 2),
        }  # fmt: skip
        kinds = {"fixed": np.int64}
        return {name: cuda.to_device(np.zeros(shape, kinds.get(name, np.float64))) for name, shape in shapes.items()}

    def _backward(self, chosen: list[int], seen: list[Any], adjoints: dict[str, Any], outcome: Any) -> None:
        blocks = cuda.to_device(np.array(chosen, dtype=np.int64))
        launch(
            backward_kernel(**self._flavor), len(chosen), self._threads, blocks, *self._system, self._x, self._v,
            *self._working, *self._listed, *self._past, self._plans[0].every, *seen, *adjoints.values(), outcome,
            shared=self._shared,
        )  # fmt: skip

    def _gradients(self, r: int, given: Cotangents, host: dict[str, Array]) -> Gradients:
        plan, own = self._plans[r], slice(self._edges[r], self._edges[r + 1])
        first = sum(len(p.tables.rows.rows) for p in self._plans[:r])
        rows = host["rows"][first : first + len(plan.tables.rows.rows)]
        kT, dt = float(host["numbers"][r, KT]), float(host["numbers"][r, DT])
        if plan.settings.ensemble == CHAIN and plan.settings.kT > 0:
            kT += float(host["chain"][r, 0] @ plan.chain_masses) / plan.settings.kT
        masses = host["masses"][own] + (0.0 if given.masses is None else given.masses)
        return Gradients(self._own(host["x"], r), self._own(host["v"], r), plan.tables.knots(rows), masses, kT, dt)


def _check_memory(needed: int) -> None:
    free = cuda.current_context().get_memory_info().free
    if needed > free:
        raise MemoryError(
            f"the paths take {needed / 1e9:.1f} GB and the GPU has {free / 1e9:.1f} GB to spare: take fewer steps or replicas "
            "at once, or engine='cpu' with checkpoints=True"
        )
