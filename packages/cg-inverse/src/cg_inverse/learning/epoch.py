"""One epoch: every box runs a window, is compared with its target, and says what to change in the tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cg_data import Interactions
from cg_inverse.learning.progress import Boxes
from cg_inverse.learning.recipe import Recipe
from cg_inverse.learning.systems import System
from cg_inverse.problems.bins import Array
from cg_sim.differentiable import Cotangents, Gradients, Rollout, rollout_batch, vjp_batch
from cg_sim.differentiable.batch import over_threads
from cg_sim.state import State


@dataclass(frozen=True, eq=False)
class Window:
    """What an epoch found: the loss, its unbiased part if there are replicas, dL/dknots of each state's tables ("A-B" → U and
    F), g of each state (pair, bin), and where the boxes are now."""

    loss: float
    excess: float
    knots: tuple[dict[str, tuple[Array, Array]], ...]
    g: tuple[Array, ...]
    boxes: Boxes


def window(
    systems: Sequence[System], potentials: Sequence[Interactions], boxes: Boxes, recipe: Recipe
) -> Window:  # fmt: skip
    """Run a window of every box under its state's potential."""
    jobs = [(s, k) for s in range(len(systems)) for k in range(recipe.replicas)]
    ran = _rolled(systems, potentials, boxes, recipe, jobs)

    def look(at: int) -> tuple[Array, Callable[[Array], Array]]:  # the first frame knows nothing of the potential
        return systems[jobs[at][0]].soft.of(ran[at].positions[1:], ran[at].state)

    seen = over_threads(look, len(jobs), recipe.threads)
    residuals = [np.stack([g for (s, _), (g, _) in zip(jobs, seen, strict=True) if s == k]) - systems[k].target
                 for k in range(len(systems))]  # fmt: skip
    losses = [_loss(e, system, recipe) for e, system in zip(residuals, systems, strict=True)]

    def cotangents(at: int) -> Cotangents:
        s, k = jobs[at]
        given = np.zeros_like(ran[at].positions)
        given[1:] = seen[at][1](losses[s][2][k])
        return Cotangents(positions=given)

    gradients = _back(ran, over_threads(cotangents, len(jobs), recipe.threads), recipe)
    return Window(
        sum(value for value, _, _ in losses), sum(excess for _, excess, _ in losses),
        tuple(_summed([g for (s, _), g in zip(jobs, gradients, strict=True) if s == k]) for k in range(len(systems))),
        tuple(e.mean(axis=0) + system.target for e, system in zip(residuals, systems, strict=True)),
        tuple(tuple(done.state for (s, _), done in zip(jobs, ran, strict=True) if s == k)
              for k in range(len(systems))),
    )  # fmt: skip


def _rolled(systems: Sequence[System], potentials: Sequence[Interactions], boxes: Boxes, recipe: Recipe,
            jobs: Sequence[tuple[int, int]]) -> tuple[Rollout, ...]:  # fmt: skip
    """Return the rollout of every job: over threads, or a state's replicas side by side on the GPU."""

    def of(s: int, states: Sequence[State]) -> tuple[Rollout, ...]:
        system = systems[s]
        return rollout_batch(states, potentials[s], kT=system.point.kT, steps=recipe.steps, dt=system.dt,
                             thermostat=system.thermostat, every=recipe.every, threads=1, engine=recipe.engine)  # fmt: skip

    if recipe.engine == "cuda":
        return tuple(done for s in range(len(systems)) for done in of(s, boxes[s]))
    return over_threads(lambda at: of(jobs[at][0], [boxes[jobs[at][0]][jobs[at][1]]])[0], len(jobs), recipe.threads)


def _back(ran: Sequence[Rollout], given: Sequence[Cotangents], recipe: Recipe) -> tuple[Gradients, ...]:
    """Return the gradients of every job, those of a state's replicas together."""
    if recipe.engine == "cpu":
        return vjp_batch(ran, given, threads=recipe.threads)
    starts = range(0, len(ran), recipe.replicas)
    batches = [slice(k, k + recipe.replicas) for k in starts]
    return tuple(g for at in batches for g in vjp_batch(ran[at], given[at]))


def _loss(residual: Array, system: System, recipe: Recipe) -> tuple[float, float, Array]:
    """Return the loss of a state's replicas, its unbiased part, and dL/dg of each (replica, pair, bin)."""
    n, measure = len(residual), system.weight * system.bin
    squares = measure * float(np.sum(residual**2)) / n
    if n == 1:
        return squares, np.nan, 2 * measure * residual
    others = residual.sum(axis=0) - residual
    products = measure * float(np.sum(residual * others)) / (n * (n - 1))
    if recipe.loss == "products":
        return products, products, 2 * measure * others / (n * (n - 1))
    return squares, products, 2 * measure * residual / n


def _summed(gradients: Sequence[Gradients]) -> dict[str, tuple[Array, Array]]:
    return {
        pair: (sum(g.tables[pair].u for g in gradients), sum(g.tables[pair].f for g in gradients))  # type: ignore[misc]
        for pair in gradients[0].tables
    }
