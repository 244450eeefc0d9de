"""A trajectory that can be differentiated: time steps forward, and the exact transpose of every operation backward."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from typing import Literal, Protocol

import numpy as np

from cg_data import Interactions, Potential, as_interactions
from cg_sim.differentiable.cotangents import Cotangents, Gradients
from cg_sim.differentiable.kernels.steps import Path
from cg_sim.differentiable.table_rows import Array
from cg_sim.differentiable.trajectory import Differentiable, Trajectory, begin
from cg_sim.ensembles import NVE, Langevin, NoseHoover
from cg_sim.state import State

Begin = tuple[Array, Array, Array]  # positions, velocities, momenta of the chain
Engine = Literal["cpu", "cuda"]


class Together(Protocol):
    """Rollouts that were run together and go back together."""

    def vjp(self, given: Mapping[int, Cotangents]) -> Mapping[int, Gradients]:
        """Return the gradients of each of the given rollouts."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Replica:
    """One rollout of a batch that was run together."""

    batch: Together
    index: int

    def vjp(self, given: Cotangents) -> Gradients:
        return self.batch.vjp({self.index: given})[self.index]


@dataclass(frozen=True, slots=True, eq=False)
class Alone:
    """One rollout's segments: where each begins, and the path of the last."""

    trajectory: Trajectory
    begins: list[Begin]
    path: Path

    def vjp(self, given: Cotangents) -> Gradients:
        return self.trajectory.backward(given, self._paths())

    def _paths(self) -> Iterator[tuple[int, int, Path]]:
        """Give the segments from the last to the first, those no longer in memory done again from where they began."""
        *earlier, (first, last) = self.trajectory.segments()
        if not earlier:
            yield first, last, self.path
            return
        path = self.trajectory.path(*self.begins[-1])
        for k in range(len(earlier), -1, -1):
            first, last = self.trajectory.segments()[k]
            begin(path, *self.begins[k])
            self.trajectory.forward(first, last, path)
            yield first, last, path


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
    _source: Alone | Replica = field(repr=False)

    def vjp(self, *given: Cotangents) -> Gradients:
        """Return the gradients of a loss, given its derivatives with respect to the frames; several add up."""
        return self._source.vjp(reduce(add, given, Cotangents()))


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
    engine: Engine = "cpu",
) -> Rollout:
    """Integrate `steps` steps as `simulate` does, in double precision, and keep what the transpose needs.

    kT is in energy, dt in time. `every` must divide `steps`. Every table must reach down to where particles come: nearer, the run ends with BlowUp.
    With `checkpoints` memory grows with the root of the steps instead of the steps, and `vjp` repeats the run on its way.
    A GPU is filled by many: see `rollout_batch`.
    """
    plan = planned(state, potential, kT, steps, dt, thermostat, every, seed, checkpoints)
    match engine:
        case "cpu":
            return ran(plan)
        case "cuda":
            return on_gpu([plan])[0]
        case _:
            raise ValueError(f"engine must be 'cpu' or 'cuda', got {engine!r}")


def planned(
    state: State, potential: Potential | Interactions, kT: float, steps: int, dt: float, thermostat: Differentiable,
    every: int, seed: int, checkpoints: bool,
) -> Trajectory:  # fmt: skip
    """Return what a rollout consists of, or say why there is none."""
    if steps < 1 or every < 1 or steps % every:
        raise ValueError(f"steps must be a multiple of every, both ≥ 1, got {steps} and {every}")
    if not isinstance(thermostat, NVE | Langevin | NoseHoover):
        raise TypeError(f"there is no transpose of {type(thermostat).__name__}: take NVE, Langevin or NoseHoover")
    if not (dt > 0 and kT >= 0):
        raise ValueError(f"dt must be positive and kT not negative, got {dt} and {kT}")
    interactions = as_interactions(potential, state.names[0])
    return Trajectory.planned(state, interactions, float(kT), steps, float(dt), thermostat, every, seed, checkpoints)


def end_of(plan: Trajectory, positions: Array, velocities: Array) -> State:
    """Return the state after the last of these frames."""
    state = plan.state
    return state.moved(positions[-1].copy(), velocities[-1].copy(), np.array(state.box), state.step + plan.steps)


def on_gpu(plans: Sequence[Trajectory]) -> tuple[Rollout, ...]:
    """Run trajectories side by side on the GPU."""
    from cg_sim.differentiable.cuda import run  # numba-cuda is an extra

    return run(plans)


def ran(plan: Trajectory) -> Rollout:
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
    if plan.segment < plan.steps:
        begins, path = begins[:-1], Path(*(part[:1].copy() for part in path))
    return Rollout(*frames, end_of(plan, *frames[:2]), every, plan.settings.dt, Alone(plan, begins, path))
