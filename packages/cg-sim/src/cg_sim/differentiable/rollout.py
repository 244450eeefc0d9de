"""A trajectory that can be differentiated: time steps forward, and the exact transpose of every operation backward."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import reduce
from operator import add

import numpy as np

from cg_data import Interactions, Potential, as_interactions
from cg_sim.differentiable.cotangents import Cotangents, Gradients
from cg_sim.differentiable.kernels.steps import Path
from cg_sim.differentiable.table_rows import Array
from cg_sim.differentiable.trajectory import Differentiable, Trajectory, begin
from cg_sim.ensembles import NVE, Langevin, NoseHoover
from cg_sim.state import State

Begin = tuple[Array, Array, Array]  # positions, velocities, momenta of the chain


@dataclass(frozen=True, slots=True, eq=False)
class Rollout:
    """Frames of a trajectory, every `every` steps from the start on, and `vjp` to differentiate what is made of them.

    `positions`, `velocities` (frame, n, 3), unwrapped; `energy` and `virial` = Σ r F(r) of the pairs (frame). `state` is
    the last.
    """

    positions: Array
    velocities: Array
    energy: Array
    virial: Array
    state: State
    every: int
    dt: float
    _trajectory: Trajectory = field(repr=False)
    _begins: list[Begin] = field(repr=False)
    _path: Path = field(repr=False)

    def vjp(self, *given: Cotangents) -> Gradients:
        """Return the gradients of a loss, given its derivatives with respect to the frames; several add up."""
        return self._trajectory.backward(reduce(add, given, Cotangents()), self._paths())

    def _paths(self) -> Iterator[tuple[int, int, Path]]:
        """Give the segments from the last to the first, those no longer in memory done again from where they began."""
        *earlier, (first, last) = self._trajectory.segments()
        if not earlier:
            yield first, last, self._path
            return
        path = self._trajectory.path(*self._begins[-1])
        for k in range(len(earlier), -1, -1):
            first, last = self._trajectory.segments()[k]
            begin(path, *self._begins[k])
            self._trajectory.forward(first, last, path)
            yield first, last, path


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
    checkpoints: bool = False,
) -> Rollout:
    """Integrate `steps` steps as `simulate` does, in double precision, and keep what the transpose needs.

    `every` must divide `steps`. Every table must reach down to where particles come: nearer, the run ends with BlowUp.
    With `checkpoints` memory grows with the root of the steps instead of the steps, and `vjp` repeats the run on its way.
    """
    if steps < 1 or every < 1 or steps % every:
        raise ValueError(f"steps must be a multiple of every, both ≥ 1, got {steps} and {every}")
    if not isinstance(thermostat, NVE | Langevin | NoseHoover):
        raise TypeError(f"there is no transpose of {type(thermostat).__name__}: take NVE, Langevin or NoseHoover")
    if not (dt > 0 and kT >= 0):
        raise ValueError(f"dt must be positive and kT not negative, got {dt} and {kT}")
    interactions = as_interactions(potential, state.names[0])
    plan = Trajectory.planned(state, interactions, kT, steps, dt, thermostat, every, seed, checkpoints)
    return _ran(plan)


def _ran(plan: Trajectory) -> Rollout:
    """Run a trajectory from its start, segment by segment."""
    state, every = plan.state, plan.every
    begins: list[Begin] = [(np.array(state.positions), np.array(state.velocities), np.zeros(plan.chain_length))]
    path = plan.path(*begins[0])
    if plan.segment >= plan.steps:
        plan.forward(0, plan.steps, path)
        frames = path.x[::every], path.v[::every], path.energy[::every], path.virial[::every]
    else:
        shown, n = plan.steps // every + 1, state.n
        frames = np.empty((shown, n, 3)), np.empty((shown, n, 3)), np.empty(shown), np.empty(shown)
        for first, last in plan.segments():
            begin(path, *begins[-1])
            plan.forward(first, last, path)
            k, seen = last - first, np.arange(-(-first // every), last // every + 1)
            for to, kept in zip(frames, (path.x, path.v, path.energy, path.virial), strict=True):
                to[seen] = kept[seen * every - first]
            begins.append((path.x[k].copy(), path.v[k].copy(), path.momenta[2 * k].copy()))
    x, v = frames[0][-1].copy(), frames[1][-1].copy()
    end = state.moved(x, v, np.array(state.box), state.step + plan.steps)
    if plan.segment < plan.steps:
        begins, path = begins[:-1], Path(*(part[:1].copy() for part in path))
    return Rollout(*frames, end, every, plan.settings.dt, plan, begins, path)
