"""Coordination-preserving iterative Boltzmann inversion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.linalg import block_diag

from cg_inverse.methods.boltzmann import shell_rows, within
from cg_inverse.methods.ibi import require_alpha
from cg_inverse.methods.protocol import Initial, Targets, as_problem
from cg_inverse.methods.regularized import Solution, solved_apart
from cg_inverse.methods.starting import started
from cg_inverse.problems.bins import Array
from cg_inverse.problems.spline_problem import Problem
from cg_inverse.rounds.sample import Sample


@dataclass(frozen=True, eq=False)
class CIBI:
    """Coordination-preserving IBI: U ← U + α kT ln(C/C*), C(r) = 4π∫₀ʳ g r² dr (de Oliveira et al. 2016).

    It matches running coordination, so Kirkwood–Buff integrals; slower than IBI at the first peak.
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
        parts = [coordinations(self.problem, s) for s in samples]
        shares = np.concatenate(
            [np.full(len(w), x) for (_, w, _), x in zip(parts, self.problem.weights * len(parts), strict=True)]
        )
        rows, wanted = np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
        covariance = block_diag(*(p[2] for p in parts)) / np.sqrt(np.outer(shares, shares))
        found = solved_apart(rows, wanted, covariance, self.problem.basis.roughness())
        return replace(found, step=self.alpha * found.step, covariance=self.alpha**2 * found.covariance)


def coordinations(problem: Problem, sample: Sample) -> tuple[Array, Array, Array]:
    """Return rows, wanted and covariance of ΔU = kT ln(C/C*) of one state; running sums share their shells' errors."""
    state, found = sample.state, []
    volumes = state.bins.volumes
    for k, pair in enumerate(state.pairs):
        ours, theirs = np.cumsum(sample.g[k] * volumes), np.cumsum(state.g[k] * volumes)
        kept = np.flatnonzero(within(problem, state, pair) & state.trusted[k] & (ours > 0) & (theirs > 0))
        variance = np.cumsum((sample.g_stderr[k] ** 2 + state.g_stderr[k] ** 2) * volumes**2)
        shared = np.minimum.outer(variance[kept], variance[kept]) / np.outer(theirs[kept], theirs[kept])
        wanted = state.kT * np.log(ours[kept] / theirs[kept])
        found.append((shell_rows(problem, state, pair)[kept], wanted, state.kT**2 * shared))
    rows, wanted_all, covariances = zip(*found, strict=True)
    return np.concatenate(rows), np.concatenate(wanted_all), np.asarray(block_diag(*covariances))
