"""Potentials through points: Akima, cubic and B-splines, and tables read from files.

All are one `Curve`: a piecewise polynomial on [r[0], r[-1]] with a named rule below, zero beyond.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.interpolate import Akima1DInterpolator, BSpline, CubicHermiteSpline, CubicSpline, PPoly

from cg_data.potentials.inward import Inner, Wall
from cg_data.potentials.pair_potential import Array, PairPotential


@dataclass(frozen=True, slots=True, eq=False)
class Curve(PairPotential):
    """A piecewise polynomial U(r); make one with `akima`, `cubic_spline`, `b_spline` or `tabulated`."""

    poly: PPoly
    inner: Inner = "linear"
    _slope: PPoly = field(init=False, repr=False)
    _wall: Wall = field(init=False, repr=False)

    def __post_init__(self) -> None:
        slope = self.poly.derivative()
        r0 = float(self.poly.x[0])
        if r0 < 0:
            raise ValueError(f"distances must not be negative, the curve starts at r = {r0}")
        object.__setattr__(self, "_slope", slope)
        u0, f0, k0 = float(self.poly(r0)), -float(slope(r0)), -float(slope(r0, 1))
        object.__setattr__(self, "_wall", Wall(self.inner, r0, u0, f0, k0))

    @property
    def trusted_from(self) -> float:
        return float(self.poly.x[0])

    @property
    def cutoff(self) -> float:
        return float(self.poly.x[-1])

    def u(self, r: Array) -> Array:
        return self._piecewise(self.poly, r, 0)

    def du(self, r: Array) -> Array:
        return self._piecewise(self._slope, r, 1)

    def _piecewise(self, poly: PPoly, r: Array, which: Literal[0, 1]) -> Array:
        value = np.array(poly(np.clip(r, self.trusted_from, self.cutoff)))
        below = r < self.trusted_from
        if np.any(below):
            value[below] = self._wall(r[below])[which] * (1 if which == 0 else -1)
        return value


def akima(r: npt.ArrayLike, u: npt.ArrayLike, *, inner: Inner = "linear") -> Curve:
    """Return Akima's spline through (r [length], u [energy]): C¹, local, no overshoot next to a flat part."""
    x, y = _points(r, u)
    return Curve(Akima1DInterpolator(x, y), inner)


def cubic_spline(
    r: npt.ArrayLike, u: npt.ArrayLike, *, slopes: tuple[float, float] | None = None, inner: Inner = "linear"
) -> Curve:
    """Return the C² cubic spline through (r, u); `slopes` are dU/dr at both ends (not-a-knot without)."""
    x, y = _points(r, u)
    ends = "not-a-knot" if slopes is None else ((1, slopes[0]), (1, slopes[1]))
    return Curve(CubicSpline(x, y, bc_type=ends), inner)


def b_spline(knots: npt.ArrayLike, coefficients: npt.ArrayLike, degree: int, *, inner: Inner = "linear") -> Curve:
    """Return the B-spline of `degree` on its base interval [knots[degree], knots[-degree-1]]."""
    t, c = np.asarray(knots, dtype=np.float64), np.asarray(coefficients, dtype=np.float64)
    if len(t) != len(c) + degree + 1:
        raise ValueError(
            f"a B-spline of degree {degree} with {len(c)} coefficients needs {len(c) + degree + 1} knots, got {len(t)}"
        )
    full = PPoly.from_spline(BSpline(t, c, degree))
    pieces = slice(degree, len(t) - degree - 1)
    x = np.unique(t[degree : len(t) - degree])
    kept = np.diff(t[degree : len(t) - degree]) > 0
    return Curve(PPoly(full.c[:, pieces][:, kept], x), inner)


def tabulated(
    r: npt.ArrayLike, u: npt.ArrayLike, force: npt.ArrayLike | None = None, *, inner: Inner = "linear"
) -> Curve:
    """Return the curve of a table: cubic Hermite where the force is given, else the C² cubic spline.

    Either way F is the exact derivative of U, whatever the columns' own consistency.
    """
    if force is None:
        return cubic_spline(r, u, inner=inner)
    x, y = _points(r, u)
    _, f = _points(r, force)
    return Curve(CubicHermiteSpline(x, y, -f), inner)


def _points(r: npt.ArrayLike, u: npt.ArrayLike) -> tuple[Array, Array]:
    x, y = np.asarray(r, dtype=np.float64), np.asarray(u, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"r and u must be two columns of one length, got shapes {x.shape} and {y.shape}")
    if len(x) < 4:
        raise ValueError(f"a curve needs at least 4 points, got {len(x)}")
    if not (np.all(np.isfinite(x)) and np.all(np.isfinite(y))):
        raise ValueError("r and u must be finite: cut the table where U is infinite or not known")
    if not np.all(np.diff(x) > 0):
        at = int(np.argmax(np.diff(x) <= 0))
        raise ValueError(f"r must increase, but r[{at + 1}] = {x[at + 1]} follows r[{at}] = {x[at]}")
    return x, y
