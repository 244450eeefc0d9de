"""Rollouts side by side: one per replica or state point, over threads or over the thread blocks of a GPU."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from cg_data import Interactions, Potential
from cg_sim.differentiable.cotangents import Cotangents, Gradients
from cg_sim.differentiable.rollout import Engine, Replica, Rollout, on_gpu, planned, ran
from cg_sim.differentiable.trajectory import Differentiable, Trajectory
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
    engine: Engine = "cpu",
) -> tuple[Rollout, ...]:
    """Return a rollout per state, of one potential and kT or of one for each; replica k takes the noise of seed + k.

    Results do not depend on `threads`, all cores unless given. With engine="cuda" all run side by side on the GPU, a thread
    block for each, where their paths stay: 48 bytes per particle and step. Both engines agree to rounding.
    """
    each = list(potentials) if isinstance(potentials, Sequence) else [potentials] * len(states)
    warmth = list(kT) if isinstance(kT, Sequence) else [kT] * len(states)
    if not len(states) == len(each) == len(warmth):
        raise ValueError(f"{len(states)} states, {len(each)} potentials and {len(warmth)} kT do not go together")

    def plan(k: int) -> Trajectory:
        return planned(states[k], each[k], warmth[k], steps, dt, thermostat, every, seed + k, checkpoints)

    match engine:
        case "cpu":
            return over_threads(lambda k: ran(plan(k)), len(states), threads)
        case "cuda":
            return on_gpu([plan(k) for k in range(len(states))])
        case _:
            raise ValueError(f"engine must be 'cpu' or 'cuda', got {engine!r}")


def vjp_batch(
    rollouts: Sequence[Rollout], given: Sequence[Cotangents], *, threads: int | None = None
) -> tuple[Gradients, ...]:
    """Return the gradients of each rollout; those of one batch on the GPU go back together."""
    if len(rollouts) != len(given):
        raise ValueError(f"{len(rollouts)} rollouts need as many cotangents, got {len(given)}")
    sources = [one._source for one in rollouts]
    replicas = [source for source in sources if isinstance(source, Replica)]
    if not replicas:
        return over_threads(lambda k: rollouts[k].vjp(given[k]), len(rollouts), threads)
    wanted = {source.index: g for source, g in zip(replicas, given, strict=False)}
    if len(wanted) < len(rollouts) or len({id(source.batch) for source in replicas}) > 1:
        return tuple(one.vjp(g) for one, g in zip(rollouts, given, strict=True))
    found = replicas[0].batch.vjp(wanted)
    return tuple(found[source.index] for source in replicas)


def over_threads(one: Callable[[int], T], count: int, threads: int | None) -> tuple[T, ...]:
    """Return one(0) … one(count − 1)."""
    workers = min(count, threads or os.cpu_count() or 1)
    if workers <= 1:
        return tuple(one(k) for k in range(count))
    with ThreadPoolExecutor(workers) as pool:
        return tuple(pool.map(one, range(count)))
