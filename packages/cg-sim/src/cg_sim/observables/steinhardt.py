"""Bond-orientational order: Steinhardt parameters averaged over the first shell, with smooth neighbor weights."""

# mypy: disable-error-code="untyped-decorator"
from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from numba import njit
from numpy.polynomial import Polynomial, legendre
from scipy.special import factorial

from cg_sim.box import Array, check_reach
from cg_sim.engines.protocol import Frame
from cg_sim.observables.neighbor_pairs import Indices, neighbors_within
from cg_sim.observables.protocol import Context
from cg_sim.observables.ratio_mean import RatioMean, own


@dataclass(frozen=True, slots=True)
class Steinhardt:
    """Distribution and mean of q̄_l (Lechner & Dellago 2008) for each order in `l`, neighbors weighted by s(r).

    q_lm(i) = Σ_j s(r_ij) Y_lm(r̂_ij) / Σ_j s(r_ij); q̄_lm(i) = [q_lm(i) + Σ_j s(r_ij) q_lm(j)] / [1 + Σ_j s(r_ij)];
    q̄_l(i) = [4π/(2l+1) Σ_m |q̄_lm(i)|²]^½, or with `averaged=False` the same of q_lm. s falls from 1 at `r_min` to 0
    at `r_max` [length] as ½ + ½ cos π(r − r_min)/(r_max − r_min); r_min = r_max is a plain cutoff. The histogram has
    `bins` on [0, 1] and ∫ P dq = 1; particles without neighbors have no q and are left out.
    """

    r_min: float
    r_max: float
    l: tuple[int, ...] = (4, 6)
    bins: int = 200
    averaged: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "l", tuple(int(l) for l in np.atleast_1d(self.l)))
        _check_orders(self.l)
        if not 0 < self.r_min <= self.r_max or self.bins < 1:
            raise ValueError(
                f"Steinhardt needs 0 < r_min ≤ r_max and bins ≥ 1, got {self.r_min}, {self.r_max}, {self.bins}"
            )

    def start(self, context: Context) -> _Recorder:
        return _Recorder(self, context)


def bond_order(
    positions: Array,
    box: Array,
    *,
    r_min: float,
    r_max: float,
    l: tuple[int, ...] = (4, 6),
    averaged: bool = True,
) -> Array:
    """Return q̄_l (or q_l) of every particle and order, (n, len(l)); NaN for a particle without neighbors.

    >>> pair = np.array([[0.0, 0, 0], [0.6, 0, 0.8]])  # two particles: one direction, |Y_l| is largest
    >>> bond_order(pair, np.eye(3) * 4, r_min=1.1, r_max=1.2, averaged=False).round(9).tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    _check_orders(l)
    found = neighbors_within(positions, box, r_max, "r_max of Steinhardt")
    weight = switching(found.distance, r_min, r_max)
    first, power, coefficients = _harmonics(tuple(l))
    moments, totals = _local_moments(found.start, found.vector, found.distance, weight, power, coefficients)
    if averaged:
        moments = _shell_average(found.start, found.index, weight, moments)
    q = np.sqrt(np.add.reduceat(np.einsum("nrc,nrc->nr", moments, moments), first, axis=1))
    q[totals == 0] = np.nan
    return np.asarray(q)


def switching(r: Array, r_min: float, r_max: float) -> Array:
    """Return s(r): 1 below r_min, 0 from r_max on, half a cosine wave between.

    >>> switching(np.array([0.30, 0.335, 0.36]), 0.31, 0.36).round(12).tolist()
    [1.0, 0.5, 0.0]
    """
    between = np.clip((r - r_min) / (r_max - r_min), 0.0, 1.0) if r_max > r_min else np.where(r < r_max, 0.0, 1.0)
    return 0.5 + 0.5 * np.cos(np.pi * between)


def _check_orders(l: tuple[int, ...]) -> None:
    if not l or min(l) < 1 or max(l) > 12 or len(set(l)) != len(l):
        raise ValueError(f"l must be distinct orders from 1 to 12, got {l}")


@lru_cache
def _harmonics(orders: tuple[int, ...]) -> tuple[Indices, Indices, Array]:
    """Return where each order begins, the m of each row, and its polynomial in z.

    On the unit sphere √(4π/(2l+1)) Y_lm = c_lm (x + iy)^m dᵐP_l(z)/dzᵐ; rows m > 0 carry √2 for −m.
    """
    rows: list[Array] = []
    power: list[int] = []
    first: list[int] = []
    for l in orders:
        first.append(len(rows))
        for m in range(l + 1):
            polynomial = Polynomial(legendre.leg2poly([0] * l + [1])).deriv(m).coef
            norm = np.sqrt(factorial(l - m) / factorial(l + m) * (2 if m else 1))
            rows.append(np.pad(norm * polynomial, (0, max(orders) + 1 - len(polynomial))))
            power.append(m)
    return np.array(first), np.array(power), np.array(rows)


@njit(cache=True, nogil=True)
def _local_moments(
    start: Indices, vector: Array, distance: Array, weight: Array, power: Indices, coefficients: Array
) -> tuple[Array, Array]:
    """Return Σ_j s Y / Σ_j s as (particle, row, real and imaginary), and Σ_j s."""
    n, rows, highest = len(start) - 1, len(power), coefficients.shape[1] - 1
    moments, totals = np.zeros((n, rows, 2)), np.zeros(n)
    real, imaginary = np.ones(highest + 1), np.zeros(highest + 1)
    for i in range(n):
        for p in range(start[i], start[i + 1]):
            if weight[p] == 0 or distance[p] == 0:
                continue
            x, y, z = vector[p, 0] / distance[p], vector[p, 1] / distance[p], vector[p, 2] / distance[p]
            for m in range(highest):
                real[m + 1] = real[m] * x - imaginary[m] * y
                imaginary[m + 1] = real[m] * y + imaginary[m] * x
            for row in range(rows):
                value = 0.0
                for k in range(highest - power[row], -1, -1):
                    value = value * z + coefficients[row, k]
                moments[i, row, 0] += weight[p] * value * real[power[row]]
                moments[i, row, 1] += weight[p] * value * imaginary[power[row]]
            totals[i] += weight[p]
        if totals[i] > 0:
            moments[i] /= totals[i]
    return moments, totals


@njit(cache=True, nogil=True)
def _shell_average(start: Indices, index: Indices, weight: Array, moments: Array) -> Array:
    averaged = moments.copy()
    for i in range(len(start) - 1):
        total = 1.0
        for p in range(start[i], start[i + 1]):
            for row in range(moments.shape[1]):
                averaged[i, row, 0] += weight[p] * moments[index[p], row, 0]
                averaged[i, row, 1] += weight[p] * moments[index[p], row, 1]
            total += weight[p]
        averaged[i] /= total
    return averaged


class _Recorder:
    def __init__(self, record: Steinhardt, context: Context) -> None:
        check_reach(context.state.box, record.r_max, "r_max of Steinhardt")
        self.record = record
        orders = len(record.l)
        self.shares, self.means = RatioMean((orders, record.bins), ()), RatioMean((orders,), ())

    def sample(self, frame: Frame) -> None:
        state, r = frame.state, self.record
        q = bond_order(state.positions, state.box, r_min=r.r_min, r_max=r.r_max, l=r.l, averaged=r.averaged)
        known = q[~np.isnan(q[:, 0])]
        bins = np.minimum((known * r.bins).astype(np.int64), r.bins - 1)  # q = 1 belongs to the last bin
        counts = np.array([np.bincount(column, minlength=r.bins) for column in bins.T])
        have_one = np.array(len(known) / state.n)
        self.shares.add(counts / state.n, have_one)
        self.means.add(known.sum(axis=0) / state.n, have_one)

    def result(self) -> xr.Dataset:
        r = self.record
        dims, name = ("l", "q_l"), "q̄_l" if r.averaged else "q_l"
        attrs = {"units": "1", "of": name, "r_min": r.r_min, "r_max": r.r_max}
        return xr.Dataset(
            {
                "steinhardt": (dims, self.shares.mean() * r.bins, attrs),
                "steinhardt_stderr": (dims, self.shares.stderr() * r.bins, {"units": "1"}),
                "steinhardt_samples": (dims, self.shares.samples(), {"units": "1"}),
                "steinhardt_mean": ("l", self.means.mean(), attrs),
                "steinhardt_mean_stderr": ("l", self.means.stderr(), {"units": "1"}),
                "steinhardt_mean_samples": ("l", self.means.samples(), {"units": "1"}),
            },
            coords={
                "l": ("l", np.array(r.l), {"units": "1"}),
                "q_l": ("q_l", (np.arange(r.bins) + 0.5) / r.bins, {"units": "1"}),
            },
        )

    def memory(self) -> dict[str, npt.NDArray[Any]]:
        shares = {f"shares_{name}": a for name, a in self.shares.memory().items()}
        return shares | {f"means_{name}": a for name, a in self.means.memory().items()}

    def remember(self, memory: dict[str, npt.NDArray[Any]]) -> None:
        self.shares.remember(own(memory, "shares"))
        self.means.remember(own(memory, "means"))
