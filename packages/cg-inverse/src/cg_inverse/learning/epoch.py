"""One epoch: every box runs a window, is compared with its target, and says what to change in the tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cg_data import Interactions
from cg_inverse.bins import Array
from cg_inverse.learning.progress import Boxes
from cg_inverse.learning.recipe import Recipe
from cg_inverse.learning.systems import System
from cg_sim.differentiable import Cotangents, Gradients, Rollout, rollout
from cg_sim.differentiable.batch import over_threads


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

    def forth(job: tuple[int, int]) -> tuple[Rollout, Array, Callable[[Array], Array]]:
        s, k = job
        system = systems[s]
        ran = rollout(boxes[s][k], potentials[s], kT=system.point.kT, steps=recipe.steps, dt=system.dt,
                      thermostat=system.thermostat, every=recipe.every)  # fmt: skip
        return ran, *system.soft.of(ran.positions[1:], ran.state)  # the first frame knows nothing of the potential

    ran = over_threads(lambda at: forth(jobs[at]), len(jobs), recipe.threads)
    residuals = [np.stack([g for (s, _), (_, g, _) in zip(jobs, ran, strict=True) if s == k]) - systems[k].target
                 for k in range(len(systems))]  # fmt: skip
    losses = [_loss(e, system, recipe) for e, system in zip(residuals, systems, strict=True)]

    def back(at: int) -> Gradients:
        s, k = jobs[at]
        done, _, pull = ran[at]
        given = np.zeros_like(done.positions)
        given[1:] = pull(losses[s][2][k])
        return done.vjp(Cotangents(positions=given))

    gradients = over_threads(back, len(jobs), recipe.threads)
    return Window(
        sum(value for value, _, _ in losses), sum(excess for _, excess, _ in losses),
        tuple(_summed([g for (s, _), g in zip(jobs, gradients, strict=True) if s == k]) for k in range(len(systems))),
        tuple(e.mean(axis=0) + system.target for e, system in zip(residuals, systems, strict=True)),
        tuple(tuple(done.state for (s, _), (done, _, _) in zip(jobs, ran, strict=True) if s == k)
              for k in range(len(systems))),
    )  # fmt: skip


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
