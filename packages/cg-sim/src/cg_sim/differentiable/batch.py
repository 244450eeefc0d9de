"""Rollouts side by side: one per replica or state point, over threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from cg_data import Interactions, Potential
from cg_sim.differentiable.cotangents import Cotangents, Gradients
from cg_sim.differentiable.rollout import Rollout, rollout
from cg_sim.differentiable.trajectory import Differentiable
from cg_sim.ensembles import NVE
from cg_sim.state import State

T = TypeVar("T")


def rollout_batch(
    states: Sequence[State],
    potentials: Potential | Interactions | Sequence[Potential | Interactions],
    *,
    kT: float | Sequence[float],
    steps: int,
    dt: float,
    thermostat: Differentiable = NVE(),
    every: int = 1,
    seed: int = 0,
    checkpoints: bool = False,
    threads: int | None = None,
) -> tuple[Rollout, ...]:
    """Return a rollout per state, of one potential and kT or of one for each; replica k takes the noise of seed + k.

    Results do not depend on `threads`, all cores unless given.
    """
    each = list(potentials) if isinstance(potentials, Sequence) else [potentials] * len(states)
    warmth = list(kT) if isinstance(kT, Sequence) else [kT] * len(states)
    if not len(states) == len(each) == len(warmth):
        raise ValueError(f"{len(states)} states, {len(each)} potentials and {len(warmth)} kT do not go together")

    def one(k: int) -> Rollout:
        return rollout(states[k], each[k], kT=warmth[k], steps=steps, dt=dt, thermostat=thermostat, every=every,
                       seed=seed + k, checkpoints=checkpoints)  # fmt: skip

    return over_threads(one, len(states), threads)


def vjp_batch(
    rollouts: Sequence[Rollout], given: Sequence[Cotangents], *, threads: int | None = None
) -> tuple[Gradients, ...]:
    """Return the gradients of each rollout."""
    if len(rollouts) != len(given):
        raise ValueError(f"{len(rollouts)} rollouts need as many cotangents, got {len(given)}")
    return over_threads(lambda k: rollouts[k].vjp(given[k]), len(rollouts), threads)


def over_threads(one: Callable[[int], T], count: int, threads: int | None) -> tuple[T, ...]:
    """Return one(0) … one(count − 1)."""
    workers = min(count, threads or os.cpu_count() or 1)
    if workers <= 1:
        return tuple(one(k) for k in range(count))
    with ThreadPoolExecutor(workers) as pool:
        return tuple(pool.map(one, range(count)))
