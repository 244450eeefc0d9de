"""The linear maps of one kind of molecule as matrices (bead, atom): positions, forces, masses."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cg_data.mapping.bead_mapping import Bead, MoleculeMapping

Array = npt.NDArray[np.float64]


def weight_matrix(molecule: MoleculeMapping, mass: Array | None) -> Array:
    """Return c (bead, atom), rows summing to 1; `mass` (atom,) is needed for weights = "mass".

    >>> from cg_data.mapping.bead_mapping import one_bead
    >>> weight_matrix(one_bead("W", ["O", "H", "H"]).molecules[0][0], np.array([16.0, 1.0, 1.0])) * 18
    array([[16.,  1.,  1.]])
    """
    matrix = np.zeros((len(molecule.beads), len(molecule.atoms)))
    for row, bead in zip(matrix, molecule.beads, strict=True):
        atoms = list(bead.atoms)
        match bead.weights:
            case "equal":
                row[atoms] = 1.0 / len(atoms)
            case "mass" if mass is None:
                raise ValueError(
                    f"molecule {molecule.name}, bead {bead.name}: weights = 'mass' but the dataset has no mass; "
                    "add the variable mass(particle), or choose weights = 'equal' or numbers"
                )
            case "mass":
                row[atoms] = mass[atoms] / mass[atoms].sum()  # type: ignore[index]
            case weights:
                row[atoms] = weights
    return matrix


def basic_force_matrix(molecule: MoleculeMapping, weights: Array) -> Array:
    """Return b (bead, atom) with b cᵀ = 1: F_I = Σ_i b_Ii f_i (Noid 2008, eq 19 with d = c over the own atoms).

    With S the atoms that move bead I and no other bead, b_Ii = 1/Σ_S c_Ii on S: for disjoint beads the plain sum of
    the bead's forces, so that Σ_I F_I = Σ_i f_i if every atom is in one bead. A bead with `force_weights` d has
    b_Ii = d_i/c_Ii; one with other `force_atoms` has b_Ii = 1 on them. (c cᵀ)⁻¹ c is another valid map; for
    centers of mass it weighs light atoms less and does not keep the net force, so it is not used.
    """
    held = np.count_nonzero(weights, axis=0)
    matrix = np.zeros_like(weights)
    for row, c, bead in zip(matrix, weights, molecule.beads, strict=True):
        if bead.force_weights is not None:
            _divide_weights(row, c, bead, bead.force_weights)
        elif bead.force_atoms == "bead":
            own = (c != 0) & (held == 1)
            row[own] = 1.0 / c[own].sum() if np.any(held[c != 0] > 1) else 1.0
        elif bead.force_atoms == "molecule":
            row[:] = 1.0
        else:
            row[list(bead.force_atoms)] = 1.0
    return matrix


def check_constraints(molecule: MoleculeMapping, forces: Array) -> None:
    """Raise ValueError if two atoms at a constrained distance have different coefficients in `forces`."""
    for i, j in molecule.constraints:
        differ = np.abs(forces[:, i] - forces[:, j]) > 1e-9
        if differ.any():
            bead = molecule.beads[int(np.argmax(differ))].name
            raise ValueError(
                f"molecule {molecule.name}, bead {bead}: atoms {i} and {j} are held at a fixed distance, but only one "
                "gives its force to the bead: the constraint force is missing from the mean force; "
                "set force_atoms = 'molecule' (or name both atoms), or use force_map='optimal'"
            )


def bead_masses(molecule: MoleculeMapping, mass: Array) -> Array:
    """Return the mass of each bead [mass]: Σ m_i over its atoms, an atom in k beads giving 1/k to each.

    The total is the mass of the mapped atoms. It is the mass for which the kinetic energy of the beads is canonical
    (Noid 2008, 1/M = Σ c²/m) if the beads are disjoint centers of mass.
    """
    held = np.zeros(len(molecule.atoms))
    for bead in molecule.beads:
        held[list(bead.atoms)] += 1
    return np.array([(mass[list(b.atoms)] / held[list(b.atoms)]).sum() for b in molecule.beads])


def _divide_weights(row: Array, c: Array, bead: Bead, d: tuple[float, ...]) -> None:
    for atom, force_weight in zip(bead.atoms, d, strict=True):
        if force_weight != 0.0:
            row[atom] = force_weight / c[atom]
