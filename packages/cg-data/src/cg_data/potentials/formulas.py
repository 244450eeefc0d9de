"""Analytic pair potentials. One law, one dataclass, two formulas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cg_data.potentials.pair_potential import Array, PairPotential, require_finite, require_positive


@dataclass(frozen=True, slots=True)
class LennardJones(PairPotential):
    """U = 4ε[(σ/r)¹² − (σ/r)⁶], plainly truncated; `.shifted()` and `.force_shifted()` make it continuous.

    >>> lj = LennardJones(epsilon=1.0, sigma=1.0, cutoff=2.5)
    >>> float(lj.energy(2 ** (1 / 6))), float(lj.force(1.0)), float(lj.energy(2.5))
    (-1.0, 24.0, 0.0)
    """

    epsilon: float = 1.0
    sigma: float = 1.0
    cutoff: float = 2.5

    def __post_init__(self) -> None:
        require_positive(self, "sigma", "cutoff")
        require_finite(self, "epsilon")

    def u(self, r: Array) -> Array:
        s6 = (self.sigma / r) ** 6
        return 4 * self.epsilon * s6 * (s6 - 1)

    def du(self, r: Array) -> Array:
        s6 = (self.sigma / r) ** 6
        return -24 * self.epsilon * s6 * (2 * s6 - 1) / r


@dataclass(frozen=True, slots=True)
class WCA(PairPotential):
    """Weeks–Chandler–Andersen: Lennard-Jones cut at its minimum r_c = 2^(1/6) σ and raised by ε.

    >>> float(WCA(epsilon=1.0, sigma=1.0).energy(1.0))
    1.0
    """

    epsilon: float = 1.0
    sigma: float = 1.0

    def __post_init__(self) -> None:
        require_positive(self, "epsilon", "sigma")

    @property
    def cutoff(self) -> float:
        return float(2 ** (1 / 6) * self.sigma)

    def u(self, r: Array) -> Array:
        s6 = (self.sigma / r) ** 6
        return 4 * self.epsilon * s6 * (s6 - 1) + self.epsilon

    def du(self, r: Array) -> Array:
        s6 = (self.sigma / r) ** 6
        return -24 * self.epsilon * s6 * (2 * s6 - 1) / r


@dataclass(frozen=True, slots=True)
class ModifiedMorse(PairPotential):
    """U = ε (e^{2x} − 2eˣ − A)/(1 + A), x = ρ (1 − (r/r₀)^ψ)/ψ; the minimum −ε is at r₀.

    Eq. 14 of the DiffSim paper with two corrections. The exponent is divided by ψ (as in its own A), and
    A = e^{2ρ/ψ} − 2e^{ρ/ψ} belongs to ψ < 0, where x → ρ/ψ as r → ∞: only so does U vanish at infinity.
    For ψ > 0, x → −∞ and A = 0. Limits: ψ = 1 is Morse with range ρ; ψ → 0 is r^{−2ρ} − 2r^{−ρ}, which
    is Lennard-Jones 12-6 at ρ = 6.

    >>> m = ModifiedMorse(rho=6.0, psi=0.0, cutoff=2.5)
    >>> float(m.energy(1.0)), bool(np.isclose(m.energy(1.3), 1.3**-12 - 2 * 1.3**-6))
    (-1.0, True)
    """

    rho: float
    psi: float
    cutoff: float
    epsilon: float = 1.0
    r0: float = 1.0

    def __post_init__(self) -> None:
        require_positive(self, "rho", "r0", "cutoff")
        require_finite(self, "psi", "epsilon")

    @property
    def _offset(self) -> float:
        return float(np.exp(2 * self.rho / self.psi) - 2 * np.exp(self.rho / self.psi)) if self.psi < 0 else 0.0

    def _exponent(self, x: Array) -> Array:
        if self.psi == 0:
            return -self.rho * np.log(x)
        return -self.rho * np.expm1(self.psi * np.log(x)) / self.psi

    def u(self, r: Array) -> Array:
        b = np.exp(self._exponent(r / self.r0))
        return self.epsilon * (b * (b - 2) - self._offset) / (1 + self._offset)

    def du(self, r: Array) -> Array:
        x = r / self.r0
        b = np.exp(self._exponent(x))
        slope = -self.rho * x ** (self.psi - 1) / self.r0
        return self.epsilon * 2 * b * (b - 1) * slope / (1 + self._offset)


@dataclass(frozen=True, slots=True)
class PowerLaw(PairPotential):
    """U = ε (σ/r)ⁿ, the excluded-volume prior of force matching and DiffSim.

    >>> float(PowerLaw(epsilon=2.0, sigma=1.0, exponent=10, cutoff=3.0).energy(1.0))
    2.0
    """

    epsilon: float = 1.0
    sigma: float = 1.0
    exponent: float = 12.0
    cutoff: float = 2.5

    def __post_init__(self) -> None:
        require_positive(self, "sigma", "exponent", "cutoff")
        require_finite(self, "epsilon")

    def u(self, r: Array) -> Array:
        return self.epsilon * (self.sigma / r) ** self.exponent

    def du(self, r: Array) -> Array:
        return -self.exponent * self.u(r) / r


@dataclass(frozen=True, slots=True)
class Yukawa(PairPotential):
    """U = ε e^{−κr}/r: screened charges; ε carries [energy·length].

    >>> round(float(Yukawa(epsilon=1.0, kappa=1.0, cutoff=5.0).energy(1.0)), 6)
    0.367879
    """

    epsilon: float
    kappa: float
    cutoff: float

    def __post_init__(self) -> None:
        require_positive(self, "kappa", "cutoff")
        require_finite(self, "epsilon")

    def u(self, r: Array) -> Array:
        return self.epsilon * np.exp(-self.kappa * r) / r

    def du(self, r: Array) -> Array:
        return -self.u(r) * (self.kappa + 1 / r)


@dataclass(frozen=True, slots=True)
class GaussianCore(PairPotential):
    """U = ε e^{−(r/σ)²}: interpenetrating coils.

    >>> float(GaussianCore(epsilon=2.0, sigma=1.0, cutoff=4.0).energy(0.0))
    2.0
    """

    epsilon: float
    sigma: float
    cutoff: float

    def __post_init__(self) -> None:
        require_positive(self, "sigma", "cutoff")
        require_finite(self, "epsilon")

    def u(self, r: Array) -> Array:
        return self.epsilon * np.exp(-((r / self.sigma) ** 2))

    def du(self, r: Array) -> Array:
        return -2 * r / self.sigma**2 * self.u(r)


@dataclass(frozen=True, slots=True)
class Harmonic(PairPotential):
    """U = ½ k (r − r₀)², a bond; no cutoff unless one is given.

    >>> float(Harmonic(k=100.0, r0=1.0).energy(1.1))  # doctest: +ELLIPSIS
    0.5000000000000...
    """

    k: float
    r0: float
    cutoff: float = np.inf

    def __post_init__(self) -> None:
        require_positive(self, "k", "cutoff")
        require_finite(self, "r0")

    def u(self, r: Array) -> Array:
        return 0.5 * self.k * (r - self.r0) ** 2

    def du(self, r: Array) -> Array:
        return self.k * (r - self.r0)
