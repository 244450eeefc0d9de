"""Iterative Boltzmann inversion and its relatives: ΔU = α kT w(r) ln(g/g*), shell by shell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from cg_inverse.methods.boltzmann import both_counted, log_g, shell_rows, within
from cg_inverse.methods.protocol import Initial, Rows, Targets, as_problem, combined
from cg_inverse.methods.regularized import Solution
from cg_inverse.methods.starting import started
from cg_inverse.problems.bins import Array
from cg_inverse.problems.spline_problem import Problem
from cg_inverse.problems.state_point import StatePoint
from cg_inverse.rounds.sample import Sample

Weight = Callable[[Array, Array], Array] | Literal["uniform"]  # positive, of r and the target's g; or 1: plain IBI
_LEAST_WEIGHT = 1e-3  # of the largest: a shell without weight asks for no change, but not infinitely firmly


@dataclass(frozen=True, eq=False)
class IBI:
    """Iterative Boltzmann inversion: U ← U + α kT ln(g/g*) (Reith, Pütz & Müller-Plathe 2003).

    With several targets, multi-state IBI (Moore, Iacovella & McCabe 2014): the weighted mean over states of each
    one's own change. `alpha` is dimensionless.
    """

    target: Targets
    cutoff: float | None = None
    alpha: float = 1.0
    weights: Sequence[float] | None = None
    knots: float | None = None
    initial: Initial = None
    problem: Problem = field(init=False, repr=False)

    def __post_init__(self) -> None:
        require_alpha(self.alpha)
        object.__setattr__(self, "problem", as_problem(self.target, self.cutoff, self.weights, self.knots))

    def init(self) -> Array:
        return started(self.problem, self.initial)

    def update(self, coefficients: Array, samples: Sequence[Sample]) -> Solution:
        return _combined(self.problem, [logarithms(self.problem, s) for s in samples], self.alpha)


@dataclass(frozen=True, eq=False)
class WIBI:
    """Weighted IBI: U ← U + α kT w(r) ln(g/g*), w = g* unless another positive weight of (r, g*) is given.

    α is dimensionless, kT an energy. w = g* asks for no change in the core, where g* has no information.
    """

    target: Targets
    cutoff: float | None = None
    alpha: float = 0.5
    weight: Weight | None = None
    weights: Sequence[float] | None = None
    knots: float | None = None
    initial: Initial = None
    problem: Problem = field(init=False, repr=False)

    def __post_init__(self) -> None:
        require_alpha(self.alpha)
        object.__setattr__(self, "problem", as_problem(self.target, self.cutoff, self.weights, self.knots))
        for state in self.problem.states:
            shell_weights(self.weight, state)

    def init(self) -> Array:
        return started(self.problem, self.initial)

    def update(self, coefficients: Array, samples: Sequence[Sample]) -> Solution:
        return _combined(
            self.problem, [weighted(self.problem, s, shell_weights(self.weight, s.state)) for s in samples], self.alpha
        )


def shell_weights(weight: Weight | None, state: StatePoint) -> Array:
    """Return w(r, g*) as (pair, shell), g* itself if `weight` is None, 1 if it is "uniform"."""
    if weight is None:
        return state.g
    if isinstance(weight, str):
        if weight != "uniform":
            raise ValueError(f"weight must be a function of (r, g) or 'uniform', got {weight!r}")
        return np.ones_like(state.g)
    w = np.stack([np.asarray(weight(state.bins.r, g), dtype=np.float64) for g in state.g])
    if w.shape != state.g.shape or not np.all(np.isfinite(w)) or np.any(w < 0) or not np.any(w > 0):
        raise ValueError("weight(r, g) must give one number ≥ 0 per shell, not all zero")
    return w


def logarithms(problem: Problem, sample: Sample) -> Rows:
    """Return the equations ΔU = kT ln(g/g*) of one state."""
    return weighted(problem, sample, np.ones_like(sample.state.g))


def weighted(problem: Problem, sample: Sample, w: Array) -> Rows:
    """Return the equations ΔU = kT w ln(g/g*) of one state; errors are of both g's counts."""
    state, found = sample.state, []
    for k, pair in enumerate(state.pairs):
        kept = within(problem, state, pair) & both_counted(state.counts[k], sample.g[k] * sample.exposure[k])
        (ours, error), (theirs, known) = log_g(sample.g[k], sample.exposure[k]), log_g(state.g[k], state.exposure[k])
        sigma = np.hypot(error, known) * np.maximum(w[k], _LEAST_WEIGHT * np.max(w[k]))
        rows = shell_rows(problem, state, pair)
        found.append(Rows(rows[kept], state.kT * (w[k] * (ours - theirs))[kept], state.kT * sigma[kept]))
    return joined(found)


def joined(equations: Sequence[Rows]) -> Rows:
    parts = zip(*((e.rows, e.wanted, e.sigma) for e in equations), strict=True)
    return Rows(*(np.concatenate(part) for part in parts))


def _combined(problem: Problem, equations: Sequence[Rows], alpha: float) -> Solution:
    shares = problem.weights * len(equations)
    found = combined(problem, [replace(e, sigma=e.sigma / np.sqrt(w)) for e, w in zip(equations, shares, strict=True)])
    return replace(found, step=alpha * found.step, covariance=alpha**2 * found.covariance)


def require_alpha(alpha: float) -> None:
    if not 0 < alpha < 10:
        raise ValueError(f"alpha is a dimensionless factor of the step, of order 1, got {alpha}")
