"""A mapping applied: the trajectory of the beads from the trajectory of the atoms."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from cg_data.mapping.assignment import Group, assign
from cg_data.mapping.bead_mapping import Mapping
from cg_data.mapping.matrices import basic_force_matrix, bead_masses, check_constraints, weight_matrix
from cg_data.mapping.optimal_forces import optimal_force_map
from cg_data.mapping.whole import make_whole, spanning_tree
from cg_data.schemas import check, labeled

Array = npt.NDArray[np.float64]
ForceMap = Literal["basic", "optimal"]
_CARRIED = ("box", "energy", "time", "step")


@dataclass(frozen=True, slots=True)
class _Maps:
    """The matrices of one group; `noise_ratio` is None unless the force map was optimized."""

    group: Group
    weights: Array
    forces: Array
    mass: Array | None
    noise_ratio: Array | None


def map_trajectory(
    ds: xr.Dataset,
    mapping: Mapping,
    *,
    force_map: ForceMap = "basic",
    names: Literal["match", "ignore"] = "match",
) -> xr.Dataset:
    """Return the `trajectory` of the beads: X_I = Σ c_Ii x_i, V_I = Σ c_Ii v_i, F_I = Σ b_Ii f_i, M_I = Σ m_i.

    Each molecule is first made whole along its bonds, from its first atom on, so beads do not depend on how atoms
    were wrapped; bead positions are not wrapped into the box. Box, energy, time and step are carried over, and each
    bead keeps the index of its molecule. Beads follow each other molecule by molecule in the order of the mapping.

    `force_map`: "basic" sums the forces of a bead's atoms (`basic_force_matrix`, or what the bead's `force_atoms`
    say); "optimal" finds the map of least noise from the forces themselves (`optimal_force_map`).
    attrs: `mapping` (JSON), `mapping_digest`, `mapping_notes`, `force_map`, its coefficients, and with "optimal" the
    ratio of the mean square force to that of the basic map, per bead.
    """
    check(ds, "trajectory")
    maps = [_maps(ds, group, force_map) for group in assign(ds, mapping, names=names) if group.molecule.beads]
    variables: dict[str, object] = {"position": (_joined(_positions(ds, m) for m in maps), _units(ds, "position"))}
    if "velocity" in ds:
        variables["velocity"] = _linear(ds, "velocity", [(m.group, m.weights) for m in maps])
    if "force" in ds:
        variables["force"] = _linear(ds, "force", [(m.group, m.forces) for m in maps])
    if "mass" in ds:
        variables["mass"] = (np.concatenate([_bead_mass(m) for m in maps]), _units(ds, "mass"))
    for name in _CARRIED:
        if name in ds:
            variables[name] = (ds[name].values, _units(ds, name))
    beads = [(g, [bead.type for bead in g.molecule.beads]) for g in (m.group for m in maps)]
    variables["type"] = np.array([kind for g, kinds in beads for _ in g.ids for kind in kinds], dtype=str)
    variables["molecule"] = np.concatenate([np.repeat(g.ids, len(kinds)) for g, kinds in beads])
    mapped = labeled("trajectory", variables)
    dropped = ("mapping_notes", "force_map", "force_map_coefficients", "force_noise_ratio")
    mapped.attrs = {**{k: v for k, v in ds.attrs.items() if k not in dropped}, **_attrs(mapping, maps, force_map, ds)}
    return mapped


def _maps(ds: xr.Dataset, group: Group, force_map: ForceMap) -> _Maps:
    mass = _masses(ds, group)
    weights = weight_matrix(group.molecule, mass)
    basic = basic_force_matrix(group.molecule, weights)
    match force_map:
        case "basic":
            if "force" in ds:
                check_constraints(group.molecule, basic)
            return _Maps(group, weights, basic, mass, None)
        case "optimal":
            if "force" not in ds:
                raise ValueError("force_map='optimal' needs forces, the dataset has none; use force_map='basic'")
            sampled = ds["force"].values[:, group.atoms].reshape(-1, group.atoms.shape[1], 3)
            found = optimal_force_map(sampled, weights, basic, constraints=group.molecule.constraints)
            return _Maps(group, weights, found.coefficients, mass, found.noise_ratio)
        case _:
            raise ValueError(f"force_map must be 'basic' or 'optimal', got {force_map!r}")


def _masses(ds: xr.Dataset, group: Group) -> Array | None:
    if "mass" not in ds:
        return None
    mass = ds["mass"].values[group.atoms].astype(np.float64)
    differ = np.any(np.abs(mass - mass[0]) > 1e-6 * mass[0], axis=1)
    if differ.any():
        raise ValueError(
            f"molecule {group.ids[int(np.argmax(differ))]} of kind {group.molecule.name} has other masses than the "
            "first of its kind; describe isotopes as kinds of their own"
        )
    return np.asarray(mass[0])


def _positions(ds: xr.Dataset, maps: _Maps) -> Array:
    molecule, box = maps.group.molecule, ds["box"].values
    edges = spanning_tree(len(molecule.atoms), molecule.bonds)
    whole = make_whole(ds["position"].values[:, maps.group.atoms], box, edges, name=molecule.name)
    return _beads(maps.weights, whole)


def _linear(ds: xr.Dataset, name: str, matrices: list[tuple[Group, Array]]) -> tuple[Array, str]:
    values = ds[name].values
    return _joined(_beads(matrix, values[:, group.atoms]) for group, matrix in matrices), _units(ds, name)


def _beads(matrix: Array, values: Array) -> Array:
    """Return (frame, molecule × bead, 3) from (bead, atom) and (frame, molecule, atom, 3)."""
    mapped = np.matmul(matrix, values)
    return np.asarray(mapped.reshape(len(values), -1, 3), dtype=np.float64)


def _joined(parts: Iterable[Array]) -> Array:
    return np.concatenate(list(parts), axis=1)


def _bead_mass(maps: _Maps) -> Array:
    assert maps.mass is not None  # the dataset has masses, see _masses
    return np.tile(bead_masses(maps.group.molecule, maps.mass), len(maps.group.ids))


def _units(ds: xr.Dataset, name: str) -> str:
    return str(ds[name].attrs.get("units", ""))


def _attrs(mapping: Mapping, maps: list[_Maps], force_map: ForceMap, ds: xr.Dataset) -> dict[str, object]:
    attrs: dict[str, object] = {
        "schema": "trajectory",
        "mapping": mapping.to_json(),
        "mapping_digest": mapping.digest,
    }
    if mapping.notes:
        attrs["mapping_notes"] = "; ".join(mapping.notes)
    if "force" in ds:
        attrs["force_map"] = force_map
        attrs["force_map_coefficients"] = _per_bead((m, m.forces.tolist()) for m in maps)
        if force_map == "optimal":
            attrs["force_noise_ratio"] = _per_bead(
                (m, m.noise_ratio.tolist()) for m in maps if m.noise_ratio is not None
            )
    return attrs


def _per_bead(rows: Iterable[tuple[_Maps, list[object]]]) -> str:
    """Return JSON [{"molecule": name, "beads": {name: value}}], one entry per kind of molecule."""
    found = []
    for m, values in rows:
        beads = {bead.name: value for bead, value in zip(m.group.molecule.beads, values, strict=True)}
        found.append({"molecule": m.group.molecule.name, "beads": beads})
    return json.dumps(found)
