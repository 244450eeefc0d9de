"""What a network of paper 01 is given and asked for: tables 1 and 2, as letters."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product
from typing import Literal, get_args

from cg_models.boltzmann.networks import ARCHITECTURES, Architecture

Target = Literal["P", "B2", "Bn"]
TARGETS: tuple[Target, ...] = get_args(Target)
CAP = 20.0  # kT: where U is cut for c, and above which it is not learned
VIRIALS = (2, 3, 4, 5)


@dataclass(frozen=True, slots=True)
class PressureOptions:
    """U(r) → P. `c`: U clipped at 20 kT; `e`: exp(−βU) instead; `f`: the force beside it; `i`: P₀ of the second virial
    coefficient as a number. `target`: P itself, an effective B₂*, or B₂…B₅ of which P is made without weights."""

    architecture: Architecture = "UN"
    options: str = "c"
    target: Target = "Bn"

    def __post_init__(self) -> None:
        _checked(self.options, "cefi", self.architecture)
        if {"c", "e"} <= set(self.options):
            raise ValueError("exp(−βU) is bounded: choose c or e, not both")
        if self.target not in TARGETS:
            raise ValueError(f"the target is P, B2 or Bn, got {self.target!r}")
        if self.target == "Bn" and "i" in self.options:
            raise ValueError("virial coefficients do not know the density: P₀ cannot be their input")

    @property
    def name(self) -> str:
        return f"{self.architecture}/{self.options or 'x'}→{self.target}"


@dataclass(frozen=True, slots=True)
class PotentialOptions:
    """g(r) → U(r). `b`: U₀ = −kT ln g instead of g; `f`: differences in the loss; `e`: exp(−βU) is what comes out."""

    architecture: Architecture = "CN"
    options: str = "f"

    def __post_init__(self) -> None:
        _checked(self.options, "bef", self.architecture)

    @property
    def name(self) -> str:
        return f"{self.architecture}/{self.options or 'x'}"


def pressure_grid() -> tuple[PressureOptions, ...]:
    """Return the paper's 90 networks of fig. 3.

    >>> len(pressure_grid()), pressure_grid()[0].name
    (90, 'DN/x→P')
    """
    letters = ["".join(s) for k in range(4) for s in combinations("cefi", k) if not {"c", "e"} <= set(s)]
    return tuple(
        PressureOptions(a, o, t) for a, t, o in product(ARCHITECTURES, TARGETS, letters) if not (t == "Bn" and "i" in o)
    )


def potential_grid() -> tuple[PotentialOptions, ...]:
    """Return the paper's 24 networks of fig. 6.

    >>> len(potential_grid()), potential_grid()[-1].name
    (24, 'UN/bef')
    """
    letters = ["".join(s) for k in range(4) for s in combinations("bef", k)]
    return tuple(PotentialOptions(a, o) for a in ARCHITECTURES for o in letters)


def _checked(options: str, known: str, architecture: str) -> None:
    if architecture not in ARCHITECTURES:
        raise ValueError(f"an architecture is DN, CN or UN, got {architecture!r}")
    if set(options) - set(known) or len(set(options)) < len(options):
        raise ValueError(f"options are letters of {known!r}, each once, got {options!r}")
