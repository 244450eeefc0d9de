"""The arrays of one run: steps forward, kept whole or from checkpoint to checkpoint, and their transpose backward."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cg_data import Interactions
from cg_sim.box import check_reach, widths
from cg_sim.differentiable.cotangents import Cotangents, Gradients
from cg_sim.differentiable.kernels import steps as kernels
from cg_sim.differentiable.table_rows import Array, TableRows, table_rows
from cg_sim.engines.protocol import BlowUp
from cg_sim.ensembles import NVE, Langevin, NoseHoover, degrees_of_freedom
from cg_sim.state import State

_SKIN = 0.07  # of the cutoff: lists are cheap
Differentiable = NVE | Langevin | NoseHoover


@dataclass(frozen=True, slots=True, eq=False)
class Trajectory:
    """What a run consists of; `steps` in all, shown every `every`, `segment` of them in memory at once."""

    state: State
    tables: TableRows
    system: kernels.System
    settings: kernels.Settings
    chain_masses: Array
    steps: int
    every: int
    segment: int

    @classmethod
    def planned(
        cls, state: State, interactions: Interactions, kT: float, steps: int, dt: float, thermostat: Differentiable,
        every: int, seed: int, checkpoints: bool,
    ) -> Trajectory:  # fmt: skip
        tables = table_rows(interactions, state.names)
        check_reach(state.box, tables.cutoff, "cutoff")
        reach = min((1 + _SKIN) * tables.cutoff, 0.5 * float(widths(state.box).min()))
        freedom = degrees_of_freedom(state.n, thermostat)
        chain, substeps, friction, ensemble = np.ones(1), 1, 0.0, kernels.PLAIN
        if isinstance(thermostat, NoseHoover):
            ensemble, substeps = kernels.CHAIN, thermostat.substeps
            chain = np.full(thermostat.chain, kT * thermostat.tau**2)
            chain[0] *= freedom
        elif isinstance(thermostat, Langevin):
            ensemble, friction = kernels.LANGEVIN, thermostat.friction
        box = np.array(state.box)
        system = kernels.System(
            np.array(state.masses), np.array(state.types, dtype=np.int64), box, np.linalg.inv(box)
        )  # fmt: skip
        settings = kernels.Settings(
            ensemble, dt, kT, friction, freedom, substeps, reach, tables.cutoff, seed, state.step
        )
        segment = math.ceil(math.sqrt(steps)) if checkpoints else steps
        return cls(state, tables, system, settings, chain, steps, every, segment)

    @property
    def chain_length(self) -> int:
        return len(self.chain_masses)

    def segments(self) -> list[tuple[int, int]]:
        """Return first and last step of each segment."""
        starts = range(0, self.steps, self.segment)
        return [(first, min(first + self.segment, self.steps)) for first in starts]

    def path(self, x: Array, v: Array, momenta: Array) -> kernels.Path:
        """Return room for a segment that begins so."""
        steps, n, m = self.segment, self.state.n, self.chain_length
        path = kernels.Path(
            np.empty((steps + 1, n, 3)), np.empty((steps + 1, n, 3)), np.zeros((2 * steps + 1, m)),
            np.zeros(2 * steps), np.empty(steps + 1), np.empty(steps + 1),
        )  # fmt: skip
        begin(path, x, v, momenta)
        return path

    def forward(self, first: int, last: int, path: kernels.Path) -> None:
        """Do a segment; raise BlowUp where two particles come too near."""
        lost = kernels.forward(
            self.system, self.tables.rows, self.settings, self.chain_masses, first, last, path
        )  # fmt: skip
        if lost >= 0:
            raise BlowUp(
                f"after {lost} steps two particles are nearer than a table's first knot: begin the table further in "
                "(r_min), or take a smaller time step or a start without overlaps",
                step=self.state.step + lost,
            )

    def backward(self, given: Cotangents, paths: Iterator[tuple[int, int, kernels.Path]]) -> Gradients:
        """Return the gradients, given the segments' paths from the last to the first."""
        n, rows = self.state.n, self.tables.rows.rows
        g = kernels.Adjoints(
            np.zeros((n, 4)), np.zeros((n, 3)), np.zeros(n), np.zeros_like(rows), np.zeros((2, self.chain_length)),
            np.zeros(2),
        )  # fmt: skip
        seen = self._seen(given)
        kicks, drifts = np.zeros((n, 3)), np.zeros((n, 3))
        for first, last, path in paths:
            kernels.backward(
                self.system, self.tables.rows, self.settings, self.chain_masses, first, last, self.every, path, *seen, g,
                kicks, drifts,
            )  # fmt: skip
        kT = float(g.numbers[kernels.KT])
        if self.settings.ensemble == kernels.CHAIN and self.settings.kT > 0:
            kT += float(g.chain[0] @ self.chain_masses) / self.settings.kT
        masses = g.masses if given.masses is None else g.masses + given.masses
        positions = np.ascontiguousarray(g.x[:, :3])
        return Gradients(positions, g.v, self.tables.knots(g.rows), masses, kT, float(g.numbers[kernels.DT]))

    def _seen(self, given: Cotangents) -> list[Array]:
        frames, n = self.steps // self.every + 1, self.state.n
        shapes: dict[str, tuple[int, ...]] = {
            "positions": (frames, n, 3), "velocities": (frames, n, 3), "energy": (frames,), "virial": (frames,)
        }  # fmt: skip
        ready = []
        for name, shape in shapes.items():
            value = getattr(given, name)
            if value is None:
                ready.append(np.broadcast_to(0.0, shape).copy())
                continue
            ready.append(np.ascontiguousarray(value, dtype=np.float64))
            if ready[-1].shape != shape:
                raise ValueError(f"the derivative of {name} must be {shape} as the frames, got {ready[-1].shape}")
        return ready


def begin(path: kernels.Path, x: Array, v: Array, momenta: Array) -> None:
    """Let a path begin with a state."""
    path.x[0], path.v[0], path.momenta[0] = x, v, momenta
