"""Potentials made of potentials: sums, multiples, shifts and smooth cuts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cg_data.potentials.pair_potential import Array, PairPotential, Potential, just_inside, require_finite


@dataclass(frozen=True, slots=True)
class Sum(PairPotential):
    """U = Σ Uᵢ, each term ending at its own cutoff.

    >>> from cg_data.potentials.formulas import WCA, GaussianCore
    >>> float((WCA() + GaussianCore(1.0, 1.0, 3.0)).cutoff)
    3.0
    """

    terms: tuple[Potential, ...]

    def __post_init__(self) -> None:
        if not self.terms:
            raise ValueError("a sum needs at least one potential, got none")
        flat: list[Potential] = []
        for term in self.terms:
            if not isinstance(term, Potential):
                raise TypeError(f"only potentials can be added, got {type(term).__name__}")
            flat.extend(term.terms if isinstance(term, Sum) else (term,))
        object.__setattr__(self, "terms", tuple(flat))

    @property
    def cutoff(self) -> float:
        return max(t.cutoff for t in self.terms)

    @property
    def parts(self) -> tuple[Potential, ...]:
        return self.terms

    def u(self, r: Array) -> Array:
        return np.sum([t.energy(r) for t in self.terms], axis=0)

    def du(self, r: Array) -> Array:
        return -np.sum([t.force(r) for t in self.terms], axis=0)


@dataclass(frozen=True, slots=True)
class Scaled(PairPotential):
    """U = a·U₁; 0 everywhere for a = 0, also where U₁ is infinite."""

    source: Potential
    scale: float

    def __post_init__(self) -> None:
        if not isinstance(self.source, Potential):
            raise TypeError(f"only potentials can be scaled or subtracted, got {type(self.source).__name__}")
        require_finite(self, "scale")

    @property
    def cutoff(self) -> float:
        return self.source.cutoff

    @property
    def parts(self) -> tuple[Potential, ...]:
        return (self.source,)

    def u(self, r: Array) -> Array:
        return self.scale * self.source.energy(r) if self.scale else np.zeros_like(r)

    def du(self, r: Array) -> Array:
        return -self.scale * self.source.force(r) if self.scale else np.zeros_like(r)


@dataclass(frozen=True, slots=True)
class Shifted(PairPotential):
    """U = U₁(r) − U₁(r_c): the force is untouched, the energy ends at zero."""

    source: Potential

    @property
    def cutoff(self) -> float:
        return self.source.cutoff

    @property
    def parts(self) -> tuple[Potential, ...]:
        return (self.source,)

    def u(self, r: Array) -> Array:
        return self.source.energy(r) - self.source.energy(just_inside(self.cutoff))

    def du(self, r: Array) -> Array:
        return -self.source.force(r)


@dataclass(frozen=True, slots=True)
class ForceShifted(PairPotential):
    """U = U₁(r) − U₁(r_c) + (r − r_c) F₁(r_c): energy and force end at zero."""

    source: Potential

    @property
    def cutoff(self) -> float:
        return self.source.cutoff

    @property
    def parts(self) -> tuple[Potential, ...]:
        return (self.source,)

    def u(self, r: Array) -> Array:
        edge = just_inside(self.cutoff)
        at_edge = self.source.energy(edge) - (r - self.cutoff) * self.source.force(edge)
        return self.source.energy(r) - at_edge

    def du(self, r: Array) -> Array:
        return -self.source.force(r) + self.source.force(just_inside(self.cutoff))


@dataclass(frozen=True, slots=True)
class SmoothCut(PairPotential):
    """U = S(t) U₁(r), t = (r − onset)/(r_c − onset), S = 1 − 10t³ + 15t⁴ − 6t⁵: C² at both ends."""

    source: Potential
    onset: float

    def __post_init__(self) -> None:
        if not 0 <= self.onset < self.source.cutoff:
            raise ValueError(
                f"the smooth cut must start inside the cutoff {self.source.cutoff}, got onset {self.onset}"
            )

    @property
    def cutoff(self) -> float:
        return self.source.cutoff

    @property
    def parts(self) -> tuple[Potential, ...]:
        return (self.source,)

    @property
    def breaks(self) -> tuple[float, ...]:
        return tuple(sorted({self.onset, *PairPotential.breaks.fget(self)}))  # type: ignore[attr-defined]

    def _switch(self, r: Array) -> tuple[Array, Array]:
        width = self.cutoff - self.onset
        t = np.clip((r - self.onset) / width, 0.0, 1.0)
        return 1 - t**3 * (10 - 15 * t + 6 * t**2), -30 * t**2 * (1 - t) ** 2 / width

    def u(self, r: Array) -> Array:
        return self._switch(r)[0] * self.source.energy(r)

    def du(self, r: Array) -> Array:
        s, ds = self._switch(r)
        with np.errstate(invalid="ignore"):
            return np.where(ds == 0, 0.0, ds * self.source.energy(r)) - s * self.source.force(r)
