"""PairTable: the one curve that every engine evaluates, whatever the potential was made of.

U is a cubic in each interval of a uniform grid; F is its exact derivative. Knots carry U and F = −U′,
so the table is a cubic Hermite curve; made by `from_potential` or `from_knots` its slopes solve the C²
conditions, made by `from_forces` they are given and the curve is C¹.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from numbers import Integral

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq

from cg_data.potentials.inward import Inner, Wall
from cg_data.potentials.pair_potential import Array, PairPotential, Potential, just_inside

_HUGE = 1e100  # [length], beyond which powers overflow, as they vanish below its inverse
_CORE_OVER_WELL = 1e4  # default first knot: where U stands 10⁴ characteristic energies above its minimum
_FOOT_OVER_WELL = 10.0  # a table never starts further out than where U stands this high
_PROBES = 8  # points inside each interval at which the table is compared with its source


@dataclass(frozen=True, slots=True, eq=False)
class PairTable(PairPotential):
    """Uniform cubic table on [r_min, cutoff]; below r_min the rule `inner`, from the cutoff on exactly 0.

    `max_error` and `max_force_error` are the largest differences from the source over [r_min, cutoff),
    each relative to the larger of the local value and the source's characteristic one (see `error_scale`).

    >>> from cg_data import LennardJones
    >>> table = LennardJones(cutoff=2.5).table(1000)
    >>> float(table.energy(2.5)), table.max_error < 1e-7
    (0.0, True)
    """

    r_min: float
    cutoff: float
    u_knots: Array
    f_knots: Array
    inner: Inner = "linear"
    max_error: float = np.nan
    max_force_error: float = np.nan
    _coefficients: Array = field(init=False, repr=False)
    _wall: Wall = field(init=False, repr=False)

    def __post_init__(self) -> None:
        u, f = (np.array(k, dtype=np.float64) for k in (self.u_knots, self.f_knots))
        if u.ndim != 1 or u.shape != f.shape or len(u) < 4:
            raise ValueError(f"a table needs at least 4 knots of U and as many of F, got {u.shape} and {f.shape}")
        if not (0 <= self.r_min < self.cutoff < _HUGE and self.cutoff > 1 / _HUGE):
            raise ValueError(f"a table needs 0 ≤ r_min < cutoff < ∞, got r_min {self.r_min}, cutoff {self.cutoff}")
        if not (np.all(np.isfinite(u)) and np.all(np.isfinite(f))):
            at = float(self.r_min + (self.cutoff - self.r_min) / (len(u) - 1) * np.argmin(np.isfinite(u + f)))
            raise ValueError(f"U or F is not finite at r = {at:.6g}: raise r_min above it")
        h = (self.cutoff - self.r_min) / (len(u) - 1)
        with np.errstate(over="ignore", invalid="ignore"):
            rise, a, b = np.diff(u), -h * f[:-1], -h * f[1:]
            coefficients = np.stack([u[:-1], a, 3 * rise - 2 * a - b, a + b - 2 * rise], axis=1)
            k0 = -2 * coefficients[0, 2] / h**2
        if not (np.isfinite(k0) and np.all(np.isfinite(coefficients))):
            largest = np.abs(u).max()
            raise ValueError(
                f"U reaches {largest:.3g}, whose second derivative is not finite: raise r_min above the core"
            )
        for array in (u, f, coefficients):
            array.flags.writeable = False
        for name, value in (("u_knots", u), ("f_knots", f), ("_coefficients", coefficients)):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "_wall", Wall(self.inner, self.r_min, float(u[0]), float(f[0]), float(k0)))

    @classmethod
    def from_potential(
        cls, source: Potential, n: int = 1000, *, r_min: float | None = None, inner: Inner = "linear"
    ) -> PairTable:
        """Return the C² table of n knots through a potential, its end slopes the potential's own.

        Without `r_min` the table starts at `first_knot`: high on the wall, 0 for a soft potential,
        never below the first trusted point of the source.
        """
        if not isinstance(n, Integral) or not 4 <= n <= 10_000_000:
            raise ValueError(f"a table needs a whole number of knots from 4 to ten million, got n = {n!r}")
        if not source.cutoff < _HUGE:
            raise ValueError("a table needs a finite cutoff: give the potential one")
        start = first_knot(source, n) if r_min is None else float(r_min)
        r = np.linspace(start, source.cutoff, n)
        r[-1] = just_inside(source.cutoff)
        u = source.energy(r)
        slopes = (-float(source.force(r[0])), -float(source.force(r[-1])))
        if not np.all(np.isfinite(u)) or not np.all(np.isfinite(slopes)):
            raise ValueError(f"the potential is not finite at r = {start:.6g}: raise r_min above it")
        bare = cls.from_knots(start, source.cutoff, u, slopes=slopes, inner=inner)
        energy_error, force_error = _errors(bare, source)
        return cls(start, source.cutoff, u, bare.f_knots, inner, energy_error, force_error)

    @classmethod
    def from_knots(
        cls,
        r_min: float,
        cutoff: float,
        u: npt.ArrayLike,
        *,
        slopes: tuple[float, float] | None = None,
        inner: Inner = "linear",
    ) -> PairTable:
        """Return the C² table through U values on a uniform grid; `slopes` are dU/dr at both ends."""
        y = np.asarray(u, dtype=np.float64)
        ends = "not-a-knot" if slopes is None else ((1, slopes[0]), (1, slopes[1]))
        bare = cls(float(r_min), float(cutoff), y, np.zeros_like(y))  # checks the grid before it is solved on
        r = bare.knots
        return cls(float(r_min), float(cutoff), y, -CubicSpline(r, y, bc_type=ends)(r, 1), inner)

    @classmethod
    def from_forces(
        cls, r_min: float, cutoff: float, u: npt.ArrayLike, f: npt.ArrayLike, *, inner: Inner = "linear"
    ) -> PairTable:
        """Return the C¹ table with given U and F at its knots."""
        return cls(float(r_min), float(cutoff), np.asarray(u), np.asarray(f), inner)

    @property
    def n(self) -> int:
        return len(self.u_knots)

    @property
    def spacing(self) -> float:
        """Distance between knots [length]."""
        return (self.cutoff - self.r_min) / (self.n - 1)

    @property
    def knots(self) -> Array:
        """Distances of the knots [length], both ends included."""
        return np.linspace(self.r_min, self.cutoff, self.n)

    @property
    def coefficients(self) -> Array:
        """c[i, p] of U = Σ_p c[i, p] tᵖ with t = (r − rᵢ)/spacing ∈ [0, 1): what a kernel reads."""
        return self._coefficients

    @property
    def trusted_from(self) -> float:
        return self.r_min

    def u(self, r: Array) -> Array:
        return self._evaluate(r, slope=False)

    def du(self, r: Array) -> Array:
        return self._evaluate(r, slope=True)

    def _evaluate(self, r: Array, *, slope: bool) -> Array:
        x = (np.clip(np.nan_to_num(r), self.r_min, self.cutoff) - self.r_min) / self.spacing
        i = np.minimum(x.astype(np.int64), self.n - 2)
        t = x - i
        c0, c1, c2, c3 = np.moveaxis(self._coefficients[i], -1, 0)
        if slope:
            value = (c1 + t * (2 * c2 + 3 * t * c3)) / self.spacing
        else:
            value = c0 + t * (c1 + t * (c2 + t * c3))
        below = r < self.r_min
        if np.any(below):
            value = np.array(value)
            u, f = self._wall(r[below])
            value[below] = -f if slope else u
        return value


def first_knot(source: Potential, n: int = 1000) -> float:
    """Return where a table of n knots should start [length]: high on the wall, or 0 if there is none.

    "High" is 10⁴ characteristic energies above the minimum, but ten spacings from r = 0 where U still is 10 such
    energies high there: a singularity such as 1/r is no curve for a cubic, and few knots don't cost the wall.
    """
    trusted = float(getattr(source, "trusted_from", 0.0))
    r = np.linspace(trusted, float(source.cutoff), 2001)[1:-1]
    u = source.energy(r)
    if not np.isfinite(u).any():
        raise ValueError("the potential is finite nowhere within its cutoff: there is nothing to make a table of")
    bottom, energy = float(np.nanmin(u)), error_scale(source)[0]
    ceiling = bottom + _CORE_OVER_WELL * energy
    foot = np.flatnonzero(~(u <= bottom + _FOOT_OVER_WELL * energy))
    away = min(10 * source.cutoff / n, float(r[foot[-1] if len(foot) else 0]))
    too_high = np.flatnonzero(~(u <= ceiling))
    if len(too_high) == 0:
        edge = float(source.energy(np.array([trusted]))[0])
        return trusted if edge <= ceiling else max(float(r[0]), away)
    last = int(too_high[-1])
    if last == len(r) - 1:
        raise ValueError("the potential is not finite up to its cutoff")
    wall = brentq(lambda x: _above(source, x, ceiling), r[last], r[last + 1])
    return max(float(wall), away)


def _above(source: Potential, x: float, ceiling: float) -> float:
    """Return how far U is above a ceiling; far, where it is no number."""
    u = float(source.energy(x))
    return 1e300 if np.isnan(u) else min(u - ceiling, 1e300)


def error_scale(source: Potential) -> tuple[float, float]:
    """Return the characteristic energy E* and force F* = 10 E*/r_c of a potential.

    E* is the larger of its well depth and of |U| beyond r_c/2; of a sum, the largest E* of its terms.

    >>> from cg_data import LennardJones
    >>> [round(x, 3) for x in error_scale(LennardJones())]
    [1.0, 4.0]
    """
    parts = getattr(source, "parts", ())
    if len(parts) > 1:
        energy = max(error_scale(part)[0] for part in parts)
        return energy, 10 * energy / source.cutoff
    trusted = float(getattr(source, "trusted_from", 0.0))
    middle = max(trusted, source.cutoff / 2)
    outer = source.energy(np.linspace(middle, just_inside(source.cutoff), 512))
    inner = source.energy(np.linspace(trusted, middle, 2001)[1:])
    energy = max(float(np.max(np.abs(outer))), -float(np.nanmin(inner)))
    return energy, 10 * energy / source.cutoff


def _errors(table: PairTable, source: Potential) -> tuple[float, float]:
    inside = (np.arange(_PROBES) + 0.5) / _PROBES
    r = (table.knots[:-1, None] + table.spacing * inside).ravel()

    def worst(ours: Array, true: Array, scale: float) -> float:
        return float(np.max(np.abs(ours - true) / np.maximum(np.abs(true), scale or 1.0)))

    energy_scale, force_scale = error_scale(source)
    return (
        worst(table.energy(r), source.energy(r), energy_scale),
        worst(table.force(r), source.force(r), force_scale),
    )
