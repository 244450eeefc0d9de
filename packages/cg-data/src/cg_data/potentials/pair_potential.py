"""What a potential is: `energy(r)`, `force(r)` = −dU/dr and a cutoff; and how potentials combine.

A new potential is a frozen dataclass with two formulas, `u(r)` and `du(r)` = dU/dr, valid inside the cutoff:

    @dataclass(frozen=True, slots=True)
    class Yukawa(PairPotential):
        epsilon: float
        kappa: float
        cutoff: float

        def u(self, r):
            return self.epsilon * np.exp(-self.kappa * r) / r

        def du(self, r):
            return -self.u(r) * (self.kappa + 1 / r)
"""

from __future__ import annotations

from math import isfinite
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from cg_data.pair_table import PairTable
    from cg_data.potentials.combined import ForceShifted, Scaled, Shifted, SmoothCut, Sum

Array = npt.NDArray[np.float64]
_HUGE = 1e100  # beyond it powers overflow, as they vanish below its inverse


@runtime_checkable
class Potential(Protocol):
    """Anything with an energy, a force and a cutoff, vectorised over r [length]."""

    @property
    def cutoff(self) -> float: ...

    def energy(self, r: npt.ArrayLike) -> Array: ...

    def force(self, r: npt.ArrayLike) -> Array: ...


class PairPotential:
    """Two formulas inside the cutoff, exact zero from the cutoff on, and the algebra of potentials."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def cutoff(self) -> float: ...

    def u(self, r: Array) -> Array:
        """Return U(r) [energy] by the formula, whatever the cutoff."""
        raise TypeError(f"{type(self).__name__} must define u(r), its energy inside the cutoff")

    def du(self, r: Array) -> Array:
        """Return dU/dr [energy/length] by the formula, whatever the cutoff."""
        raise TypeError(f"{type(self).__name__} must define du(r), its slope inside the cutoff")

    @property
    def parts(self) -> tuple[Potential, ...]:
        """The potentials this one is made of."""
        return ()

    @property
    def breaks(self) -> tuple[float, ...]:
        """Distances where the curve is not smooth: where quadrature must be split [length]."""
        found = {b for part in self.parts for b in getattr(part, "breaks", (part.cutoff,))} | {self.cutoff}
        return tuple(sorted(b for b in found if np.isfinite(b)))

    @property
    def trusted_from(self) -> float:
        """The distance below which the curve is a rule rather than data or formula [length]."""
        return max((float(getattr(part, "trusted_from", 0.0)) for part in self.parts), default=0.0)

    def energy(self, r: npt.ArrayLike) -> Array:
        """Return U(r) [energy]; 0 for r ≥ cutoff."""
        return self._inside(self.u, r)

    def force(self, r: npt.ArrayLike) -> Array:
        """Return F(r) = −dU/dr [energy/length]; 0 for r ≥ cutoff."""
        return self._inside(lambda x: -self.du(x), r)

    def _inside(self, formula: Any, r: npt.ArrayLike) -> Array:
        x = np.asarray(r, dtype=np.float64)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            value = np.asarray(formula(x), dtype=np.float64)  # of whole numbers beyond 2⁶³ NumPy makes objects
            return np.where(x < self.cutoff, value, np.where(np.isnan(x), x, 0.0))

    def __add__(self, other: Potential) -> Sum:
        from cg_data.potentials.combined import Sum

        return Sum((self, other))

    def __radd__(self, other: Potential | Literal[0]) -> PairPotential:
        from cg_data.potentials.combined import Sum

        if isinstance(other, Real) and other == 0:  # where Python's sum() starts
            return self
        return Sum((other, self))  # type: ignore[arg-type]

    def __neg__(self) -> Scaled:
        return self * -1.0

    def __sub__(self, other: Potential) -> Sum:
        from cg_data.potentials.combined import Scaled

        return self + Scaled(other, -1.0)

    def __mul__(self, scale: float) -> Scaled:
        from cg_data.potentials.combined import Scaled

        return Scaled(self, float(scale))

    __rmul__ = __mul__

    def __truediv__(self, divisor: float) -> Scaled:
        return self * (1 / float(divisor))

    def shifted(self) -> Shifted:
        """Return U(r) − U(r_c): continuous energy at the cutoff."""
        from cg_data.potentials.combined import Shifted

        return Shifted(self)

    def force_shifted(self) -> ForceShifted:
        """Return U(r) − U(r_c) + (r − r_c) F(r_c): continuous energy and force at the cutoff."""
        from cg_data.potentials.combined import ForceShifted

        return ForceShifted(self)

    def smooth_cut(self, onset: float) -> SmoothCut:
        """Return S(r) U(r), S falling from 1 at `onset` [length] to 0 at the cutoff, C² at both."""
        from cg_data.potentials.combined import SmoothCut

        return SmoothCut(self, float(onset))

    def table(
        self,
        n: int = 1000,
        *,
        r_min: float | None = None,
        inner: Literal["linear", "power", "error"] = "linear",
    ) -> PairTable:
        """Return the PairTable of n knots that every engine evaluates instead of the formula."""
        from cg_data.pair_table import PairTable

        return PairTable.from_potential(self, n, r_min=r_min, inner=inner)


def just_inside(cutoff: float) -> float:
    """Return the largest distance below the cutoff: the left limit of a truncated curve."""
    return float(np.nextafter(cutoff, 0.0))


def require_positive(record: object, *names: str) -> None:
    """Raise unless each named field of the record is a positive number whose powers are numbers too (cutoff may be inf)."""
    for name in names:
        value = getattr(record, name)
        if not isinstance(value, Real) or not float(value) > 0 or (name != "cutoff" and not isfinite(value)):
            raise ValueError(f"{type(record).__name__}: {name} must be a positive number, got {value!r}")
        if isfinite(value) and not 1 / _HUGE < float(value) < _HUGE:
            raise ValueError(f"{type(record).__name__}: {name} must be from {1 / _HUGE:g} to {_HUGE:g}, got {value!r}")
        _as_float(record, name)


def require_finite(record: object, *names: str) -> None:
    """Raise unless each named field of the record is a number of either sign whose powers are numbers too."""
    for name in names:
        value = getattr(record, name)
        if not isinstance(value, Real) or not isfinite(value) or abs(float(value)) > _HUGE:
            raise ValueError(
                f"{type(record).__name__}: {name} must be a finite number, at most {_HUGE:g}, got {value!r}"
            )
        _as_float(record, name)


def _as_float(record: object, name: str) -> None:
    """Make whole numbers beyond 2⁵³ floats: of those NumPy would make objects."""
    value = getattr(record, name)
    if isinstance(value, int) and abs(value) > 2**53:
        object.__setattr__(record, name, float(value))
