"""Units are names carried by files and datasets; numbers are converted only at the edges.

Inside the packages nothing knows a unit. `Units` names what the numbers of one file or dataset mean;
`factor(a, b)` is the multiplier between two names of the same dimension. CODATA 2018 constants.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

AVOGADRO = 6.02214076e23
BOLTZMANN = 1.380649e-23  # J/K
_ELEMENTARY = 1.602176634e-19  # J per eV
_HARTREE = 4.3597447222071e-18  # J

_LENGTHS = {"m": 1.0, "nm": 1e-9, "angstrom": 1e-10, "pm": 1e-12, "bohr": 5.29177210903e-11}
_ENERGIES = {
    "J": 1.0,
    "kJ/mol": 1e3 / AVOGADRO,
    "kcal/mol": 4184.0 / AVOGADRO,
    "eV": _ELEMENTARY,
    "meV": 1e-3 * _ELEMENTARY,
    "hartree": _HARTREE,
    "K": BOLTZMANN,
}
_MASSES = {"kg": 1.0, "g/mol": 1e-3 / AVOGADRO}
_ALIASES = {
    "Å": "angstrom", "\u212b": "angstrom", "A": "angstrom", "Angstrom": "angstrom", "ang": "angstrom",
    "a0": "bohr", "Bohr": "bohr", "Hartree": "hartree", "Ha": "hartree", "kJ mol^-1": "kJ/mol",
    "kcal mol^-1": "kcal/mol", "amu": "g/mol", "u": "g/mol", "Da": "g/mol", "dalton": "g/mol",
}  # fmt: skip
REDUCED = ("sigma", "epsilon", "m")
# "MeV" and "mev" are not told apart by case alone, and m is a metre or the reduced mass: neither is guessed.
_BY_LOWER = {n.lower(): n for n in (*_LENGTHS, *_ENERGIES, *_MASSES, *REDUCED) if n not in ("meV", "m")}


def canonical(name: str) -> str:
    """Return the one spelling used in attributes.

    >>> canonical("Å"), canonical("Ha"), canonical("sigma")
    ('angstrom', 'hartree', 'sigma')
    """
    plain = name.strip()
    return _ALIASES.get(plain, _BY_LOWER.get(plain.lower(), plain))


def is_unit(name: str) -> bool:
    """Return whether a name is one of a physical or reduced unit."""
    return canonical(name) in {*_LENGTHS, *_ENERGIES, *_MASSES, *REDUCED}


def factor(source: str, target: str) -> float:
    """Return x such that value[target] = x · value[source].

    >>> factor("nm", "angstrom"), round(factor("eV", "kJ/mol"), 4), factor("sigma", "sigma")
    (10.0, 96.4853, 1.0)
    """
    a, b = canonical(source), canonical(target)
    if a == b:
        return 1.0
    for scale in (_LENGTHS, _ENERGIES, _MASSES):
        if a in scale and b in scale:
            return float(f"{scale[a] / scale[b]:.15g}")
    known = ", ".join([*_LENGTHS, *_ENERGIES, *_MASSES])
    raise ValueError(
        f"cannot convert {source!r} to {target!r}: give two units of one dimension among {known} "
        f"(reduced units such as 'sigma' have no size: say what the numbers are, units= or --units)"
    )


def thermal_energy(temperature: float, energy: str) -> float:
    """Return kT [energy] at `temperature` [K].

    >>> round(thermal_energy(300.0, "kJ/mol"), 5)
    2.49434
    """
    return temperature * factor("K", energy)


@dataclass(frozen=True, slots=True)
class Units:
    """Names of the units of length, energy and mass; time is length·√(mass/energy).

    >>> Units("Å", "kcal/mol").length
    'angstrom'
    """

    length: str = "sigma"
    energy: str = "epsilon"
    mass: str = "m"

    def __post_init__(self) -> None:
        for position, (field, scale) in enumerate((("length", _LENGTHS), ("energy", _ENERGIES), ("mass", _MASSES))):
            name = canonical(getattr(self, field))
            object.__setattr__(self, field, name)
            if name not in REDUCED and name in (_LENGTHS | _ENERGIES | _MASSES) and name not in scale:
                raise ValueError(f"{name!r} is not a unit of {field}: choose among {', '.join(scale)}")
            if name not in scale and name != REDUCED[position]:
                near = difflib.get_close_matches(name, [*scale, REDUCED[position]], n=1, cutoff=0.5)
                hint = f", did you mean {near[0]}?" if near else ""
                known = ", ".join([*scale, REDUCED[position]])
                raise ValueError(f"unknown unit of {field} {name!r}{hint} Known are {known}")

    def time(self) -> str:
        """Return the derived unit of time as a formula.

        >>> Units("nm", "kJ/mol", "g/mol").time()
        'nm*sqrt(g/mol/(kJ/mol))'
        """
        return f"{self.length}*sqrt({self.mass}/({self.energy}))"

    def seconds(self) -> float:
        """Return the derived unit of time in seconds; raises for reduced units.

        >>> round(Units("nm", "kJ/mol", "g/mol").seconds() * 1e12, 9), round(Units("Å", "eV", "u").seconds() * 1e15, 4)
        (1.0, 10.1805)
        """
        try:
            return float(_LENGTHS[self.length] * (_MASSES[self.mass] / _ENERGIES[self.energy]) ** 0.5)
        except KeyError as name:
            raise ValueError(f"the reduced unit {name} has no size in seconds") from None

    def force(self) -> str:
        """Return the derived unit of force.

        >>> Units("nm", "kJ/mol").force()
        'kJ/mol/nm'
        """
        return f"{self.energy}/{self.length}"


LJ = Units()
REAL = Units("angstrom", "kcal/mol", "g/mol")
METAL = Units("angstrom", "eV", "g/mol")  # of LAMMPS, and of ASE, DeePMD and extended XYZ
GROMACS = Units("nm", "kJ/mol", "g/mol")  # and of VOTCA
LAMMPS_STYLES = {"lj": LJ, "real": REAL, "metal": METAL}
