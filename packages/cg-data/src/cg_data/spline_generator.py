"""Random spline potentials: the 657 training potentials of the BoltzmaNN paper, from a seed.

Each is a smoothing spline of degree k ∈ [2, 5] through 6–10 base points with r uniform in [0, r_cut] and heights
uniform in [0, 15] kT, r_cut uniform in (0, 5σ]; F(r_cut) = 0 is built into the fit and U(r_cut) = 0 by a shift.
344 of the 657 carry a WCA core (ε = kT, σ = 1). Energies are in kT, lengths in σ.

The spline has as many coefficients as base points, on uniform knots; it minimizes
Σᵢ (U(rᵢ) − hᵢ)² + λ Σⱼ (Δ²cⱼ)². Where it would still swing beyond the heights it is scaled back: |U| ≤ 15 kT.
"""

from __future__ import annotations

from numbers import Integral

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy.interpolate import BSpline

from cg_data.potentials.combined import Sum
from cg_data.potentials.curves import b_spline
from cg_data.potentials.formulas import WCA
from cg_data.potentials.pair_potential import Array, Potential
from cg_data.schemas import labeled

PAPER_SET, PAPER_CORES = 657, 344
DEGREES = (2, 5)
BASE_POINTS = (6, 10)
_SMOOTHING = 0.1


def random_splines(
    n: int = PAPER_SET,
    *,
    hard_cores: int | None = None,
    seed: int = 0,
    max_cutoff: float = 5.0,
    max_height: float = 15.0,
) -> tuple[Potential, ...]:
    """Return n random potentials, `hard_cores` of them (at random places) with a WCA core added.

    Without `hard_cores` the paper's share of them, 344 of 657, carries a core.

    >>> first, *_ = random_splines(10, hard_cores=3, seed=1)
    >>> 0 < first.cutoff <= 5, float(first.energy(first.cutoff))
    (True, 0.0)
    """
    for name, value, least in (("n", n, 1), ("seed", seed, 0)):
        if not isinstance(value, Integral) or value < least:
            raise ValueError(f"{name} must be a whole number from {least} on, got {value!r}")
    cores = round(n * PAPER_CORES / PAPER_SET) if hard_cores is None else hard_cores
    if not isinstance(cores, Integral) or not 0 <= cores <= n:
        raise ValueError(f"hard_cores must be a whole number between 0 and n = {n}, got {hard_cores!r}")
    if not (max_cutoff > 0 and max_height > 0):
        raise ValueError(f"max_cutoff and max_height must be positive, got {max_cutoff} and {max_height}")
    noise = np.random.default_rng(seed)
    cored = set(noise.permutation(n)[:cores].tolist())
    draws = noise.random((n, 3 + 2 * BASE_POINTS[1]))
    cutoffs = max_cutoff * (1 - draws[:, 0])
    degrees = DEGREES[0] + (draws[:, 1] * (DEGREES[1] - DEGREES[0] + 1)).astype(int)
    points = BASE_POINTS[0] + (draws[:, 2] * (BASE_POINTS[1] - BASE_POINTS[0] + 1)).astype(int)
    places, heights = draws[:, 3 : 3 + BASE_POINTS[1]], max_height * draws[:, 3 + BASE_POINTS[1] :]
    splines: dict[int, Potential] = {}
    for k in range(DEGREES[0], DEGREES[1] + 1):
        for m in range(BASE_POINTS[0], BASE_POINTS[1] + 1):
            rows = np.flatnonzero((degrees == k) & (points == m))
            knots = _knots(m, k)
            fitted = _fit(knots, k, places[rows, :m], heights[rows, :m], max_height)
            for row, coefficients in zip(rows.tolist(), fitted, strict=True):
                splines[row] = b_spline(knots * cutoffs[row], coefficients, k)
    return tuple(Sum((splines[i], WCA())) if i in cored else splines[i] for i in range(n))


def _knots(m: int, k: int) -> Array:
    """Return clamped uniform knots on [0, 1] for m coefficients of degree k."""
    return np.concatenate([np.zeros(k), np.linspace(0.0, 1.0, m - k + 1), np.ones(k)])


def _fit(knots: Array, k: int, x: Array, heights: Array, limit: float) -> Array:
    """Return coefficients (rows, m) of the smoothing splines, flat and zero at the right end."""
    rows, m = x.shape
    if rows == 0:
        return np.empty((0, m))
    basis = BSpline.design_matrix(x.ravel(), knots, k).toarray().reshape(rows, m, m)
    # F(r_cut) = 0: the last two coefficients are one unknown.
    tie = np.vstack([np.eye(m - 1), np.eye(m - 1)[-1]])
    bend = np.diff(np.eye(m), n=2, axis=0) @ tie
    a = basis @ tie
    normal = a.transpose(0, 2, 1) @ a + _SMOOTHING * bend.T @ bend
    free = np.linalg.solve(normal, (a.transpose(0, 2, 1) @ heights[..., None]))[..., 0]
    coefficients = free @ tie.T
    coefficients -= coefficients[:, -1:]
    grid = BSpline.design_matrix(np.linspace(0, 1, 401), knots, k).toarray()
    swing = np.max(np.abs(coefficients @ grid.T), axis=1) * 1.001
    return coefficients * np.minimum(1.0, limit / np.maximum(swing, 1e-300))[:, None]


def potentials_dataset(
    potentials: tuple[Potential, ...], *, r: npt.ArrayLike | None = None, seed: int | None = None
) -> xr.Dataset:
    """Return the `potentials` dataset: U on r [σ] (default: 50 points on [0, 5σ], what the networks see)."""
    x = np.linspace(0.0, 5.0, 50) if r is None else np.asarray(r, dtype=np.float64)
    return labeled(
        "potentials",
        {
            "r": (x, "sigma"),
            "u": (np.stack([p.energy(x) for p in potentials]), "kT"),
            "cutoff": (np.array([p.cutoff for p in potentials]), "sigma"),
            "hard_core": np.array([isinstance(p, Sum) for p in potentials]),
            "kT": (1.0, "kT"),
        },
        seed=seed,
    )
