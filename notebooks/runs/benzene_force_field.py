"""Benzene in the force field of Cornell et al. (J. Am. Chem. Soc. 117, 5179, 1995), for OpenMM and by hand.

Numbers of the types CA and HA as in the paper's tables and in OpenMM's amber96.xml (which agree): bonds 469 and 367 kcal/mol/Å² at
1.40 and 1.08 Å, bends 63 (CA–CA–CA) and 35 (CA–CA–HA) kcal/mol/rad² at 120°, torsions X–CA–CA–X 14.5/4 and out of plane 1.1 kcal/mol, both
twofold; Lennard-Jones R* 1.9080 and 1.4590 Å, ε 0.0860 and 0.0150 kcal/mol; pairs three bonds apart by 1/2 and 1/1.2. Charges ±0.13 e: a
RESP fit to HF/6-31G* as the force field prescribes; no published value for benzene could be verified.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt
import openmm as mm

Array = npt.NDArray[np.float64]
ATOMS, HYDROGENS = 12, 6  # C1 … C6, H1 … H6
KCAL, COULOMB = 4.184, 138.935456  # kJ/mol; kJ/mol nm/e²
MASSES = np.repeat([12.01078, 1.007947], 6)
CHARGE = 0.13
SIGMA = 0.2 * np.repeat([1.9080, 1.4590], 6) / 2 ** (1 / 6)  # nm
EPSILON = KCAL * np.repeat([0.0860, 0.0150], 6)
CHARGES = np.repeat([-CHARGE, CHARGE], 6)
CUTOFF = 1.0  # nm
LJ_14, COULOMB_14 = 1 / 2.0, 1 / 1.2


class Molecule:
    """Who is bound to whom."""

    bonds = [(k, (k + 1) % 6) for k in range(6)] + [(k, k + 6) for k in range(6)]

    @staticmethod
    def shape() -> Array:
        """Return positions [nm] of a flat molecule about its center."""
        angle = np.arange(6) * np.pi / 3
        ring = np.stack([np.cos(angle), np.sin(angle), np.zeros(6)], axis=1)
        return np.concatenate([0.140 * ring, 0.248 * ring])

    @staticmethod
    def bends() -> list[tuple[int, int, int]]:
        return [triple for k in range(6) for triple in
                (((k - 1) % 6, k, (k + 1) % 6), ((k - 1) % 6, k, k + 6), ((k + 1) % 6, k, k + 6))]  # fmt: skip

    @staticmethod
    def torsions() -> list[tuple[int, int, int, int]]:
        found = []
        for k in range(6):
            a, b = k, (k + 1) % 6
            found += [(left, a, b, right) for left in ((k - 1) % 6, a + 6) for right in ((k + 2) % 6, b + 6)]
        return found

    @staticmethod
    def impropers() -> list[tuple[int, int, int, int]]:
        """Return those of each carbon, the third as Amber has it."""
        return [((k - 1) % 6, (k + 1) % 6, k, k + 6) for k in range(6)]

    @staticmethod
    def apart() -> dict[tuple[int, int], int]:
        """Return how many bonds are between two atoms."""
        steps = np.full((ATOMS, ATOMS), 99)
        np.fill_diagonal(steps, 0)
        for a, b in Molecule.bonds:
            steps[a, b] = steps[b, a] = 1
        for k in range(ATOMS):
            steps = np.minimum(steps, steps[:, k, None] + steps[k])
        return {(a, b): int(steps[a, b]) for a, b in combinations(range(ATOMS), 2)}


def system(molecules: int, edge: float, *, cutoff: float = CUTOFF) -> mm.System:
    """Return a periodic box; bonds, bends and torsions are group 0, charges and Lennard-Jones group 1. C–H bonds are rigid."""
    made = mm.System()
    made.setDefaultPeriodicBoxVectors(*(edge * np.eye(3)))
    bonds, bends, torsions, pairs = (
        mm.HarmonicBondForce(),
        mm.HarmonicAngleForce(),
        mm.PeriodicTorsionForce(),
        mm.NonbondedForce(),
    )
    pairs.setNonbondedMethod(mm.NonbondedForce.PME)
    pairs.setCutoffDistance(cutoff)
    pairs.setUseDispersionCorrection(True)
    pairs.setForceGroup(1)
    apart = Molecule.apart()
    for molecule in range(molecules):
        first = molecule * ATOMS
        for k in range(ATOMS):
            made.addParticle(MASSES[k])
            pairs.addParticle(CHARGES[k], SIGMA[k], EPSILON[k])
        for a, b in Molecule.bonds:
            if b >= 6:
                made.addConstraint(first + a, first + b, 0.108)
            else:
                bonds.addBond(first + a, first + b, 0.140, 2 * 469 * KCAL * 100)
        for a, b, c in Molecule.bends():
            bends.addAngle(first + a, first + b, first + c, 2 * np.pi / 3, 2 * (35 if c >= 6 else 63) * KCAL)
        for four in Molecule.torsions():
            torsions.addTorsion(*(first + k for k in four), 2, np.pi, 14.5 / 4 * KCAL)
        for four in Molecule.impropers():
            torsions.addTorsion(*(first + k for k in four), 2, np.pi, 1.1 * KCAL)
        for (a, b), steps in apart.items():
            if steps > 3:
                continue
            charge, sigma, epsilon = _pair(a, b) if steps == 3 else (0.0, 0.3, 0.0)
            pairs.addException(first + a, first + b, charge * COULOMB_14, sigma, epsilon * LJ_14)
    for force in (bonds, bends, torsions, pairs):
        made.addForce(force)
    return made


def intramolecular(positions: Array) -> float:
    """Return what charges and Lennard-Jones of atoms of the same molecule give [kJ/mol]."""
    x = np.asarray(positions, dtype=float).reshape(-1, ATOMS, 3)
    total = 0.0
    for (a, b), steps in Molecule.apart().items():
        if steps < 3:
            continue
        charge, sigma, epsilon = _pair(a, b)
        r = np.linalg.norm(x[:, a] - x[:, b], axis=1)
        six = (sigma / r) ** 6
        near = steps == 3
        total += float(np.sum((COULOMB_14 if near else 1.0) * COULOMB * charge / r
                              + (LJ_14 if near else 1.0) * 4 * epsilon * (six**2 - six)))  # fmt: skip
    return total


def _pair(a: int, b: int) -> tuple[float, float, float]:
    return float(CHARGES[a] * CHARGES[b]), float(0.5 * (SIGMA[a] + SIGMA[b])), float(np.sqrt(EPSILON[a] * EPSILON[b]))
