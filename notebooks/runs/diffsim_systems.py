"""The systems of paper 03, with every choice that its text leaves open."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cg_data as cd
import cg_inverse as ci

CUTOFF = 2.5
MORSE = {"MM(6.5,-0.45)": (6.5, -0.45), "MM(5.5,0.44)": (5.5, 0.44), "MM(4.5,1.52)": (4.5, 1.52)}
SIGMA = {"A-A": 0.9, "A-B": 1.0, "B-B": 1.1}


@dataclass(frozen=True)
class Liquid:
    """A known potential at a density, composition and kT: 1, as for Lennard-Jones and in the authors' code, unless said."""

    name: str
    potentials: cd.Interactions
    density: float
    composition: tuple[tuple[str, float], ...] = (("A", 1.0),)
    precision: str = "single"  # of the target's run
    kT: float = 1.0

    @property
    def pairs(self) -> list[str]:
        return [cd.pair_name(p) for p in self.potentials]


def pure(name: str, potential: cd.Potential, density: float, precision: str = "single") -> Liquid:
    return Liquid(f"{name}-{density:g}", cd.Interactions({("A", "A"): potential}), density, precision=precision)


def lennard_jones() -> list[Liquid]:
    """Cut at 2.5 and shifted in energy: the dynamics of the plain cut potential, which the paper's LAMMPS runs have."""
    return [pure("lj", cd.LennardJones(1.0, 1.0, CUTOFF).shifted(), rho) for rho in (0.3, 0.5, 0.7)]


def morse() -> list[Liquid]:
    """Eq. 14 with the exponents divided by ψ where the paper's text lost it (Cheng & Yang's form).

    Soft enough at r = 0 that F/r has no smooth table in single precision.
    """
    return [pure(name, cd.ModifiedMorse(*p, CUTOFF).shifted(), rho, "double")
            for name, p in MORSE.items() for rho in (0.3, 0.5, 0.7, 0.9)]  # fmt: skip


def hot_morse() -> list[Liquid]:
    """The same at kT = 2, where every density is one phase; at kT = 1 the lower ones lie between gas and liquid."""
    return [replace(liquid, name=f"hot-{liquid.name}", kT=2.0) for liquid in morse()]


def mixtures() -> list[Liquid]:
    """x of A; the paper gives no density: 0.6, where the mixture is one liquid."""
    potentials = cd.Interactions({cd.pair_of(p): cd.LennardJones(1.0, s, CUTOFF).shifted() for p, s in SIGMA.items()})
    return [Liquid(f"mixture-{x:g}", potentials, 0.6, (("A", x), ("B", 1 - x))) for x in (0.25, 0.5, 0.75)]


# Appendix A of the paper; "sphere" of its code is left out, as it hides the compressibility.
PURE = ci.Recipe(epochs=500, steps=120, every=5, rate=2e-3, dt=0.005, particles=256)
MIXED = ci.Recipe(epochs=500, steps=120, every=5, rate=3e-4, dt=0.005, particles=256, replicas=2)
