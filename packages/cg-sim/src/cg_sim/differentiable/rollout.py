"""A trajectory that can be differentiated: time steps forward, and the exact transpose of every operation backward."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from cg_data import Interactions, Potential, as_interactions
from cg_sim.box import check_reach, widths
from cg_sim.differentiable.kernels import steps as kernels
from cg_sim.differentiable.table_rows import Array, Knots, TableRows, table_rows
from cg_sim.engines.protocol import BlowUp
from cg_sim.ensembles import NVE, Langevin, NoseHoover, degrees_of_freedom
from cg_sim.state import State

_SKIN = 0.14  # of the cutoff
Differentiable = NVE | Langevin | NoseHoover


@dataclass(frozen=True, slots=True, eq=False)
class Gradients:
    """What a loss changes with the initial positions and velocities, each table's knots ("A-B" → `Knots`), masses, kT, dt."""

    positions: Array
    velocities: Array
    tables: Mapping[str, Knots]
    masses: Array
    kT: float
    dt: float


@dataclass(frozen=True, slots=True, eq=False)
class Rollout:
    """Frames of a trajectory, every `every` steps from the start on, and `vjp` to differentiate what is made of them.

    `positions`, `velocities` (frame, n, 3), unwrapped; `energy` and `virial` = Σ r F(r) of the pairs (frame).
    """

    positions: Array
    velocities: Array
    energy: Array
    virial: Array
    state: State
    every: int
    _run: _Run = field(repr=False)

    def vjp(
        self,
        positions: Array | None = None,
        velocities: Array | None = None,
        energy: Array | None = None,
        virial: Array | None = None,
    ) -> Gradients:
        """Return the gradients of a loss, given its derivatives with respect to the frames."""
        given = {"positions": positions, "velocities": velocities, "energy": energy, "virial": virial}
        ready = {}
        for name, value in given.items():
            shape = getattr(self, name).shape
            ready[name] = np.zeros(shape) if value is None else np.ascontiguousarray(value, dtype=np.float64)
            if ready[name].shape != shape:
                raise ValueError(f"the derivative of {name} must be {shape} as the frames, got {ready[name].shape}")
        return self._run.back(self.every, **ready)


def rollout(
    state: State,
    potential: Potential | Interactions,
    *,
    kT: float,
    steps: int,
    dt: float,
    thermostat: Differentiable = NVE(),
    every: int = 1,
    seed: int = 0,
) -> Rollout:
    """Integrate `steps` steps as `simulate` does, in double precision, and keep what the transpose needs.

    `every` must divide `steps`. Every table must reach down to where particles come: nearer, the run ends with BlowUp.
    """
    if steps < 1 or every < 1 or steps % every:
        raise ValueError(f"steps must be a multiple of every, both ≥ 1, got {steps} and {every}")
    if not isinstance(thermostat, NVE | Langevin | NoseHoover):
        raise TypeError(f"there is no transpose of {type(thermostat).__name__}: take NVE, Langevin or NoseHoover")
    if not (dt > 0 and kT >= 0):
        raise ValueError(f"dt must be positive and kT not negative, got {dt} and {kT}")
    run = _Run.started(state, as_interactions(potential, state.names[0]), kT, steps, dt, thermostat, seed)
    return run.forth(every)


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """One trajectory's arrays."""

    state: State
    tables: TableRows
    system: kernels.System
    settings: kernels.Settings
    chain_masses: Array
    path: kernels.Path
    steps: int

    @classmethod
    def started(
        cls, state: State, interactions: Interactions, kT: float, steps: int, dt: float, thermostat: Differentiable,
        seed: int,
    ) -> _Run:  # fmt: skip
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
        system = kernels.System(
            np.array(state.masses), np.array(state.types, dtype=np.int64), np.array(state.box), np.linalg.inv(state.box)
        )
        settings = kernels.Settings(
            ensemble, dt, kT, friction, freedom, substeps, reach, tables.cutoff, seed, state.step
        )
        path = kernels.Path(
            np.empty((steps + 1, state.n, 3)), np.empty((steps + 1, state.n, 3)), np.zeros((2 * steps + 1, len(chain))),
            np.zeros(2 * steps), np.empty(steps + 1), np.empty(steps + 1),
        )  # fmt: skip
        path.x[0], path.v[0] = state.positions, state.velocities
        return cls(state, tables, system, settings, chain, path, steps)

    def forth(self, every: int) -> Rollout:
        lost = kernels.forward(
            self.system, self.tables.rows, self.settings, self.chain_masses, 0, self.steps, self.path
        )
        if lost >= 0:
            raise BlowUp(
                f"after {lost} steps two particles are nearer than a table's first knot: begin the table further in "
                "(r_min), or take a smaller time step or a start without overlaps",
                step=self.state.step + lost,
            )
        p = self.path
        end = self.state.moved(p.x[-1].copy(), p.v[-1].copy(), np.array(self.state.box), self.state.step + self.steps)
        return Rollout(p.x[::every], p.v[::every], p.energy[::every], p.virial[::every], end, every, self)

    def back(self, every: int, positions: Array, velocities: Array, energy: Array, virial: Array) -> Gradients:
        n, rows = self.state.n, self.tables.rows.rows
        m = len(self.chain_masses)
        g = kernels.Adjoints(
            np.zeros((n, 3)), np.zeros((n, 3)), np.zeros(n), np.zeros_like(rows), np.zeros((2, m)), np.zeros(2)
        )
        kicks, drifts = np.zeros((n, 3)), np.zeros((n, 3))
        kernels.backward(
            self.system, self.tables.rows, self.settings, self.chain_masses, 0, self.steps, every, self.path, positions,
            velocities, energy, virial, g, kicks, drifts,
        )  # fmt: skip
        kT = float(g.numbers[kernels.KT])
        if self.settings.ensemble == kernels.CHAIN and self.settings.kT > 0:
            kT += float(g.chain[0] @ self.chain_masses) / self.settings.kT
        return Gradients(g.x, g.v, self.tables.knots(g.rows), g.masses, kT, float(g.numbers[kernels.DT]))
