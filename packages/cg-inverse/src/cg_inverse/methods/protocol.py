"""What a method is: `init` gives coefficients to start from, `update` the change that a round's samples ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import xarray as xr
from scipy.linalg import solve_triangular

from cg_data import Interactions, Potential
from cg_inverse.methods.regularized import Solution, solved
from cg_inverse.problems.bins import Array
from cg_inverse.problems.spline_problem import Problem, problem
from cg_inverse.rounds.sample import Sample

Targets = xr.Dataset | Sequence[xr.Dataset] | Problem
Initial = Potential | Interactions | Literal["network", "theory"] | None
_JITTER = 1e-8  # of the variance: errors that sums share exactly leave no inverse


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Linear equations rows·Δc = wanted ± sigma for the change of the coefficients."""

    rows: Array
    wanted: Array
    sigma: Array


def whitened(rows: Array, wanted: Array, covariance: Array) -> Rows:
    """Return equations with independent unit errors from ones whose errors have a covariance."""
    scale = np.sqrt(np.maximum(np.diag(covariance), 1e-300))
    factor = np.linalg.cholesky(covariance / np.outer(scale, scale) + _JITTER * np.eye(len(scale)))
    white = solve_triangular(factor, np.column_stack([rows, wanted]) / scale[:, None], lower=True)
    return Rows(white[:, :-1], white[:, -1], np.ones(len(wanted)))


class Method(Protocol):
    """A way to change coefficients until samples agree with the targets; it keeps nothing between rounds."""

    @property
    def problem(self) -> Problem: ...

    def init(self) -> Array:
        """Return the coefficients to start from."""

    def update(self, coefficients: Array, samples: Sequence[Sample]) -> Solution:
        """Return the change of the coefficients that the samples, one per state, ask for."""


def as_problem(given: Targets, cutoff: float | None, weights: Sequence[float] | None, knots: float | None) -> Problem:
    """Return the problem given, or that of targets up to a cutoff [length]."""
    if isinstance(given, Problem):
        if cutoff is not None or weights is not None or knots is not None:
            raise ValueError("a Problem already has its cutoff, weights and knots: give them to problem()")
        return given
    if cutoff is None:
        raise ValueError("give cutoff=, where the potential shall end [length]")
    return problem(given, cutoff=cutoff, weights=weights, knots=knots)


def combined(given: Problem, equations: Sequence[Rows]) -> Solution:
    """Return the step that all equations ask for together."""
    rows = np.concatenate([e.rows for e in equations])
    wanted, sigma = np.concatenate([e.wanted for e in equations]), np.concatenate([e.sigma for e in equations])
    return solved(rows, wanted, sigma, given.basis.roughness())
