"""Thermostats and barostats as records: what the user chooses; engines carry it out."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real

_HUGE = 1e100  # beyond, squares overflow


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not isinstance(value, Real) or not 0 < value < _HUGE:
            raise ValueError(f"{name} must be positive and finite, got {value!r}")


def _count(**values: int) -> None:
    for name, value in values.items():
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")


@dataclass(frozen=True, slots=True)
class NVE:
    """Velocity Verlet, no thermostat."""


@dataclass(frozen=True, slots=True)
class Langevin:
    """Langevin dynamics by BAOAB (Leimkuhler & Matthews 2013); `friction` γ [1/time] in dv = −γ v dt + …"""

    friction: float = 1.0

    def __post_init__(self) -> None:
        _positive(friction=self.friction)


@dataclass(frozen=True, slots=True)
class NoseHoover:
    """Nosé–Hoover chain (Martyna, Klein & Tuckerman 1992); masses Q₁ = N_f kT τ², Q_k = kT τ².

    `tau` [time] is τ; `chain` thermostats; `substeps` splits each half step's Suzuki–Yoshida integration.
    """

    tau: float = 0.5
    chain: int = 3
    substeps: int = 1

    def __post_init__(self) -> None:
        _positive(tau=self.tau)
        _count(chain=self.chain, substeps=self.substeps)


@dataclass(frozen=True, slots=True)
class Bussi:
    """Stochastic velocity rescaling (Bussi, Donadio & Parrinello 2007) with time constant `tau` [time]."""

    tau: float = 0.5

    def __post_init__(self) -> None:
        _positive(tau=self.tau)


@dataclass(frozen=True, slots=True)
class CellRescaling:
    """Isotropic stochastic cell rescaling (Bernetti & Bussi 2020), used with the thermostat of the run.

    `pressure` [energy/length³]; `tau` [time]; `compressibility` [length³/energy], an estimate that only sets the
    speed; the box moves every `every` steps.
    """

    pressure: float
    tau: float = 2.0
    compressibility: float = 0.1
    every: int = 10

    def __post_init__(self) -> None:
        _positive(tau=self.tau, compressibility=self.compressibility)
        _count(every=self.every)
        if not abs(self.pressure) < float("inf"):
            raise ValueError(f"pressure must be finite, got {self.pressure}")


Thermostat = NVE | Langevin | NoseHoover | Bussi
Barostat = CellRescaling


def degrees_of_freedom(n: int, thermostat: Thermostat) -> int:
    """Return what kinetic energy is shared among: 3N with Langevin, else 3N − 3 (momentum is conserved).

    >>> degrees_of_freedom(2, Langevin()), degrees_of_freedom(2, NVE())
    (6, 3)
    """
    return 3 * n if isinstance(thermostat, Langevin) or n == 1 else 3 * n - 3
