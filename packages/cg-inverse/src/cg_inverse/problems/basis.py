"""What a potential can be: cubic B-splines on equal knots from the core to the cutoff, where U = U′ = U″ = 0.

U is linear in its coefficients, so that every method's update is a vector. Below the first knot r₀, where no target
has pairs, a wall goes on with the same force and at least the same slope of it: F = F₀ + A[(r₀/r)¹² − 1].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.interpolate import BSpline

from cg_data import Interactions, PairTable, Potential, pair_of
from cg_inverse.problems.bins import Array, Bins

_DROPPED = 3  # of the last coefficients: U, U′ and U″ vanish at the cutoff
_TABLE_KNOTS = 1200  # of the table for engines
_POWER = 12
_DEEPEST = 0.3  # of the core's radius: a wall is tabled so far inwards, or up to
_HIGHEST = 200.0  # times its hardness


@dataclass(frozen=True, slots=True)
class SplineBasis:
    """`intervals` equal knot intervals on [core, cutoff] [length]; below, a wall of at least `hardness` [energy]."""

    core: float
    cutoff: float
    intervals: int
    hardness: float

    @property
    def size(self) -> int:
        """Number of coefficients."""
        return self.intervals + 3 - _DROPPED

    @property
    def spacing(self) -> float:
        return (self.cutoff - self.core) / self.intervals

    @property
    def knots(self) -> Array:
        return np.linspace(self.core, self.cutoff, self.intervals + 1)

    def __call__(self, r: npt.ArrayLike, order: int = 0) -> Array:
        """Return B_k(r) (or its derivative of `order`) as (r, k); below the core what they do to the wall, to 2nd order."""
        x = np.asarray(r, dtype=np.float64)
        h = self.spacing
        t = self.core + h * np.arange(-3, self.intervals + 4)
        inside = np.clip(x, self.core, self.cutoff)
        spline = BSpline(t, np.eye(self.intervals + 3), 3)
        below = np.where(x < self.core, x - self.core, 0.0)[:, None]
        value = spline(inside, nu=order)
        if np.any(below) and order < 2:
            first, second = spline(inside, nu=1), spline(inside, nu=2)
            value = value + (below * first + 0.5 * below**2 * second if order == 0 else below * second)
        out = value[:, : self.size]
        out[x >= self.cutoff] = 0.0
        return np.asarray(out)

    def table(self, coefficients: Array) -> PairTable:
        """Return the potential with these coefficients, wall included, as engines evaluate it."""
        r = np.linspace(self._deepest(coefficients), self.cutoff, _TABLE_KNOTS)
        u, f = self.curve(coefficients, r)
        return PairTable.from_knots(r[0], self.cutoff, u, slopes=(-f[0], 0.0))

    def curve(self, coefficients: Array, r: npt.ArrayLike) -> tuple[Array, Array]:
        """Return U and F at r > 0, wall included."""
        x = np.asarray(r, dtype=np.float64)
        u, f = self(x) @ coefficients, -self(x, 1) @ coefficients
        below = x < self.core
        u0, f0, a = self._wall(coefficients)
        inwards, ratio = self.core - x[below], self.core / x[below]
        f[below] = f0 + a * (ratio**_POWER - 1)
        u[below] = u0 + f0 * inwards + a * (self.core / (_POWER - 1) * (ratio ** (_POWER - 1) - 1) - inwards)
        return u, f

    def _wall(self, coefficients: Array) -> tuple[float, float, float]:
        """Return U₀, F₀ and A at the core."""
        edge = np.array([self.core])
        u0, f0, k0 = (float((self(edge, k) @ coefficients)[0]) for k in range(3))
        return u0, -f0, max(self.core * k0 / _POWER, self.hardness / max(self.core, 1e-300))

    def _deepest(self, coefficients: Array) -> float:
        """Return where a table may start: far up the wall, or at r = 0 if there is none."""
        if self.core < self.spacing:
            return self.core
        r = np.linspace(_DEEPEST, 1.0, 200) * self.core
        high = np.flatnonzero(self.curve(coefficients, r)[0] > _HIGHEST * self.hardness)
        return float(r[high[-1] if len(high) else 0])

    def projected(self, potential: Potential, *, ceiling: float) -> Array:
        """Return the coefficients nearest to a potential; where U > `ceiling` [energy] it counts less and less."""
        r = self.core + (self.cutoff - self.core) * (np.arange(8 * self.intervals) + 0.5) / (8 * self.intervals)
        u = np.asarray(potential.energy(r), dtype=np.float64)
        known = np.isfinite(u)
        weight = 1 / np.maximum(1.0, np.abs(u[known]) / ceiling)
        found = np.linalg.lstsq(self(r[known]) * weight[:, None], u[known] * weight, rcond=1e-12)[0]
        return np.asarray(found)

    def averages(self, bins: Bins) -> Array:
        """Return B_k averaged over the volume of each fine shell of `bins`, as (fine shell, k)."""
        return shell_averages(self, bins)


class Curves(Protocol):
    """What the potential of a pair can be: linear in its coefficients, up to how they are interpolated."""

    @property
    def core(self) -> float: ...
    @property
    def cutoff(self) -> float: ...
    @property
    def intervals(self) -> int: ...
    @property
    def spacing(self) -> float: ...
    @property
    def size(self) -> int: ...
    @property
    def knots(self) -> Array: ...
    def __call__(self, r: npt.ArrayLike, order: int = 0) -> Array: ...
    def averages(self, bins: Bins) -> Array: ...
    def curve(self, coefficients: Array, r: npt.ArrayLike) -> tuple[Array, Array]: ...
    def table(self, coefficients: Array) -> PairTable: ...
    def projected(self, potential: Potential, *, ceiling: float) -> Array: ...


def shell_averages(curves: Curves, bins: Bins) -> Array:
    """Return what each coefficient adds to the mean of U over each fine shell of `bins`, as (fine shell, k)."""
    nodes, weights = np.polynomial.legendre.leggauss(3)
    edges = bins.fine_edges
    middle, half = 0.5 * (edges[1:] + edges[:-1]), 0.5 * np.diff(edges)
    r = middle[:, None] + half[:, None] * nodes
    volume = weights * r**2
    values = curves(r.ravel()).reshape(*r.shape, curves.size)
    return np.asarray(np.einsum("fq,fqk->fk", volume / volume.sum(axis=1, keepdims=True), values))


@dataclass(frozen=True, slots=True)
class PairBasis:
    """One basis per pair of types; coefficients of all pairs in one vector."""

    pairs: tuple[str, ...]
    splines: tuple[Curves, ...]

    @property
    def size(self) -> int:
        return sum(spline.size for spline in self.splines)

    @property
    def cutoff(self) -> float:
        return max(spline.cutoff for spline in self.splines)

    def part(self, pair: str) -> slice:
        """Return where a pair's coefficients are."""
        k = self.pairs.index(pair)
        start = sum(spline.size for spline in self.splines[:k])
        return slice(start, start + self.splines[k].size)

    def spline(self, pair: str) -> Curves:
        return self.splines[self.pairs.index(pair)]

    def potential(self, coefficients: Array) -> Interactions:
        tables = {pair_of(p): self.spline(p).table(coefficients[self.part(p)]) for p in self.pairs}
        return Interactions(tables)

    def energies(self, coefficients: Array, r: Array) -> Array:
        """Return U(r) [energy] as (pair, r)."""
        return np.stack([self.spline(p)(r) @ coefficients[self.part(p)] for p in self.pairs])

    def projected(self, potentials: Interactions, *, ceiling: float) -> Array:
        found = [
            s.projected(potentials[pair_of(p)], ceiling=ceiling) for p, s in zip(self.pairs, self.splines, strict=True)
        ]
        return np.concatenate(found)

    def roughness(self) -> Array:
        """Return the penalty matrix: squared second differences of coefficients, a little of first ones and of all.

        Where data say nothing a step so penalised goes on as it was, and never far.
        """
        blocks = []
        for spline in self.splines:
            n = spline.size
            full = np.eye(n + _DROPPED)[:, :n]
            second, first = np.diff(full, 2, axis=0), np.diff(full, axis=0)
            blocks.append(second.T @ second + 1e-3 * first.T @ first + 1e-6 * np.eye(n))
        out = np.zeros((self.size, self.size))
        start = 0
        for block in blocks:
            stop = start + len(block)
            out[start:stop, start:stop] = block
            start = stop
        return out
