"""Which atoms of a trajectory make which molecule of a mapping."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from cg_data.mapping.bead_mapping import Mapping, MoleculeMapping

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Group:
    """All molecules of one kind: `atoms` (molecule, atom) are particle numbers, `ids` (molecule,) their indices."""

    molecule: MoleculeMapping
    atoms: Ints
    ids: Ints


def assign(ds: xr.Dataset, mapping: Mapping, *, names: Literal["match", "ignore"] = "match") -> list[Group]:
    """Return the molecules of each kind, taken in the order in which they begin in the trajectory.

    Molecules are the equal values of `ds.molecule`, atoms in file order; without that variable, consecutive blocks of
    count × atoms. With names="match" the types of the atoms must be those of the mapping, in its order or, if all its
    names differ, in any order; "ignore" trusts the order.
    """
    sizes = [len(molecule.atoms) for molecule, _ in mapping.molecules]
    if "molecule" in ds:
        ids, particles, starts = _by_index(ds["molecule"].values)
        counts = _counts(mapping, [1] * len(sizes), len(ids), "molecules")
    else:
        counts = _counts(mapping, sizes, ds.sizes["particle"], "particles")
        starts = np.concatenate([[0], np.cumsum(np.repeat(sizes, counts))])
        ids, particles = np.arange(sum(counts)), np.arange(ds.sizes["particle"])
    types = ds["type"].values.astype(str)
    groups, first = [], 0
    for (molecule, _), count in zip(mapping.molecules, counts, strict=True):
        atoms = _block(molecule, particles, starts[first : first + count + 1], ids[first : first + count])
        groups.append(Group(molecule, _ordered(molecule, atoms, types, names), ids[first : first + count]))
        first += count
    return groups


def _by_index(molecule: npt.NDArray[np.generic]) -> tuple[Ints, Ints, Ints]:
    values, first, which, sizes = np.unique(molecule, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(first)
    rank = np.argsort(order)
    particles = np.argsort(rank[which.reshape(-1)], kind="stable")
    starts = np.concatenate([[0], np.cumsum(sizes[order])])
    return values[order].astype(np.int64), particles, starts


def _counts(mapping: Mapping, sizes: list[int], total: int, what: str) -> list[int]:
    """Return the count of each kind, "all" being what the others leave of `total`."""
    given = sum(size * count for size, (_, count) in zip(sizes, mapping.molecules, strict=True) if count != "all")
    counts = []
    for size, (molecule, count) in zip(sizes, mapping.molecules, strict=True):
        rest, remainder = divmod(total - given, size)
        if count == "all" and (rest < 1 or remainder):
            raise ValueError(
                f"molecule {molecule.name}: {total - given} {what} are left for 'all' of it, {size} {what} each; "
                "does the mapping list every atom and every kind of molecule?"
            )
        counts.append(rest if count == "all" else int(count))
    used = sum(size * count for size, count in zip(sizes, counts, strict=True))
    if used != total:
        raise ValueError(f"the mapping describes {used} {what}, the trajectory has {total}; correct the counts")
    return counts


def _block(molecule: MoleculeMapping, particles: Ints, starts: Ints, ids: Ints) -> Ints:
    n = len(molecule.atoms)
    wrong = np.flatnonzero(np.diff(starts) != n)
    if wrong.size:
        k = int(wrong[0])
        raise ValueError(
            f"molecule {ids[k]} has {starts[k + 1] - starts[k]} atoms, the mapping of {molecule.name} lists {n}; "
            "list every atom of the molecule, mapped or not"
        )
    return np.asarray(particles[starts[0] : starts[-1]].reshape(-1, n), dtype=np.int64)


def _ordered(molecule: MoleculeMapping, atoms: Ints, types: npt.NDArray[np.str_], names: str) -> Ints:
    match names:
        case "ignore":
            return atoms
        case "match":
            pass
        case _:
            raise ValueError(f"names must be 'match' or 'ignore', got {names!r}")
    wanted = np.array(molecule.atoms)
    found = types[atoms[0]]
    if len(set(molecule.atoms)) == len(wanted) and set(found) == set(molecule.atoms):
        atoms = atoms[:, np.argsort(found)[np.argsort(np.argsort(wanted))]]
    wrong = np.flatnonzero(np.any(types[atoms] != wanted, axis=1))
    if wrong.size:
        raise ValueError(
            f"molecule {int(wrong[0])} of kind {molecule.name} has atoms {_some(types[atoms[wrong[0]]])}, the mapping "
            f"names {_some(wanted)}; correct the names or their order, give the dataset a molecule variable if the "
            "atoms of a molecule are not consecutive (molecules_by_distance), or say names='ignore' (cg-data map --ignore-names)"
        )
    return atoms


def _some(names: npt.NDArray[np.str_]) -> str:
    return " ".join(names[:8]) + (" ..." if len(names) > 8 else "")
