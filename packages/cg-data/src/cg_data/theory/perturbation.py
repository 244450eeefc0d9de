"""P of a liquid whose wells are a perturbation of its repulsion: for attractive liquids that no closure solves as a whole.

U = U₀ + U₁ with U₀ = max(U, 0) (Barker and Henderson's division). To first order the free energy is that of the repulsive
liquid and F₁/N = ρ/2 ∫ g₀(r) U₁(r) dr; P₁ = ρ² ∂(F₁/N)/∂ρ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cg_data.potentials.pair_potential import Array, Potential
from cg_data.theory.liquid_theory import LiquidTheory, liquid_theory

_APART = 0.02  # of the density: between the free energies of a derivative


@dataclass(frozen=True, slots=True)
class Repulsion:
    """The part of a potential that is above 0."""

    source: Potential

    @property
    def cutoff(self) -> float:
        return self.source.cutoff

    def energy(self, r: npt.ArrayLike) -> Array:
        return np.maximum(self.source.energy(r), 0.0)

    def force(self, r: npt.ArrayLike) -> Array:
        return np.where(self.source.energy(r) > 0, self.source.force(r), 0.0)


def perturbation_pressure(potential: Potential, density: float, kT: float = 1.0, *, iterations: int = 1000) -> float:
    """Return P [energy/length³] to first order in the wells of a potential; nan if its repulsion has no solution.

    >>> from cg_data import LennardJones
    >>> round(perturbation_pressure(LennardJones(cutoff=2.5), 0.9, 1.0), 1)
    3.3
    """
    core = Repulsion(potential)
    found = _solved(core, density, kT, iterations)
    sides = [_solved(core, density * (1 + s), kT, iterations) for s in (-_APART, _APART)]
    if found is None or sides[0] is None or sides[1] is None:
        return float("nan")
    energies = [
        density * (1 + s) * _well(potential, side) for s, side in zip((-_APART, _APART), sides, strict=True) if side
    ]
    return found.pressure + density**2 * (energies[1] - energies[0]) / (2 * _APART * density)


def _well(potential: Potential, reference: LiquidTheory) -> float:
    """Return ½ ∫ g₀ U₁ dr over space."""
    r = reference.r[reference.r < potential.cutoff]
    wells = np.minimum(potential.energy(r), 0.0)
    return 2 * np.pi * float(np.trapezoid(r**2 * reference.g[: len(r)] * wells, r))


def _solved(core: Potential, density: float, kT: float, iterations: int) -> LiquidTheory | None:
    """Return the consistent solution or else the hypernetted chain's."""
    for closure in ("ry", "hnc"):
        found = liquid_theory(core, density, kT, closure=closure, iterations=iterations)
        if found.solved:
            return found
    return None
