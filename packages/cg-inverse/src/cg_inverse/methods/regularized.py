"""Linear problems with noise: the step that data ask for, as smooth as their noise demands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from cg_inverse.problems.bins import Array

_RIDGES = np.logspace(-10, 8, 109)  # candidates, in units of the largest squared singular value
_NOTHING = 1e-140  # a singular value whose square, times the smallest candidate, is no number
_WELL_KNOWN = 0.5  # share of a coefficient's prior variance below which data have determined it


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """The step, its covariance given the data, and how many of its directions the data determine.

    `limited` says that the step goes only as far as the frames still speak, however long the round. Errors were taken to be
    `inflation` times as large as said.
    """

    step: Array
    covariance: Array
    determined: float
    ridge: float
    limited: bool = False
    inflation: float = 1.0


def solved(rows: Array, wanted: Array, sigma: Array, roughness: Array, *, ridge: float | None = None) -> Solution:
    """Return the x that minimises Σ((rows·x − wanted)/sigma)² + ridge·xᵀ roughness x.

    The ridge is that of largest evidence: with x drawn from the prior exp(−½ ridge xᵀ roughness x) and noise of
    `sigma`, `wanted` is then least surprising. A residual that is nothing but noise so gives almost no step, and a
    residual that noise cannot explain gives almost the least-squares step.

    >>> found = solved(np.eye(3), np.array([1.0, 2.0, 3.0]), np.full(3, 1e-6), np.eye(3))
    >>> found.step.round(6).tolist()
    [1.0, 2.0, 3.0]
    """
    lower = np.linalg.cholesky(roughness)
    white = solve_triangular(lower, (rows / sigma[:, None]).T, lower=True).T
    left, s, right = np.linalg.svd(white, full_matrices=False)
    z, b = left.T @ (wanted / sigma), wanted / sigma
    noise = _inflation(float(b @ b - z @ z), len(b) - len(s)) if ridge is None else 1.0
    s, z = s / noise, z / noise
    if ridge is None:
        ridge = _most_evident(s, z)
    gain = s / (s**2 + ridge)
    back = solve_triangular(lower, right.T, lower=True, trans="T")
    share = ridge / (s**2 + ridge)  # of each direction's prior variance that is left
    outside = np.linalg.inv(roughness) - back @ back.T if len(s) < len(roughness) else 0.0
    covariance = (back * (share / ridge)) @ back.T + outside / ridge
    return Solution(back @ (gain * z), covariance, float(np.sum(share < _WELL_KNOWN)), ridge, inflation=noise)


def solved_apart(rows: Array, wanted: Array, covariance: Array, roughness: Array) -> Solution:
    """Return the step that treats every equation for itself, although their errors have a covariance.

    For equations that are a recipe rather than a measurement: each shall hold, not only what their errors leave.
    """
    sigma = np.sqrt(np.maximum(np.diag(covariance), 1e-12 * float(np.max(np.diag(covariance)))))
    ridge = solved(rows, wanted, sigma, roughness).ridge
    weighed = (rows / sigma[:, None] ** 2).T
    inverse = np.linalg.inv(weighed @ rows + ridge * roughness)
    map_ = inverse @ weighed
    spread = map_ @ covariance @ map_.T + ridge * inverse @ roughness @ inverse
    return Solution(map_ @ wanted, np.asarray(spread), float(np.sum(np.diag(map_ @ rows) > _WELL_KNOWN)), ridge)


def _inflation(rest: float, spare: int) -> float:
    """Return by how much noise exceeds what was said, seen in what no x can explain; never less than 1."""
    return float(np.sqrt(max(1.0, rest / spare))) if spare > 0 else 1.0


def _most_evident(s: Array, z: Array) -> float:
    """Return the ridge of largest evidence; of equations that say nothing, one that leaves no step."""
    if not s[0] > _NOTHING:
        return 1.0
    ridges = _RIDGES * float(s[0]) ** 2
    variance = 1.0 + s[None, :] ** 2 / ridges[:, None]
    evidence = -0.5 * np.sum(np.log(variance) + z[None, :] ** 2 / variance, axis=1)
    return float(ridges[np.argmax(evidence)])


def newton(gradient: Array, hessian: Array, noise: Array, roughness: Array) -> Solution:
    """Return the Newton step −hessian⁻¹ gradient, as smooth as the gradient's noise covariance demands."""
    scale = np.sqrt(np.maximum(np.diag(noise), 1e-300))
    whitener = np.linalg.cholesky(noise / np.outer(scale, scale) + 1e-9 * np.eye(len(noise)))
    rows = solve_triangular(whitener, hessian / scale[:, None], lower=True)
    wanted = solve_triangular(whitener, -gradient / scale, lower=True)
    return solved(rows, wanted, np.ones(len(wanted)), roughness)
