"""A mapping as plain tables: the one layout that JSON attributes and TOML files share, read strictly.

{"molecule": [{"name": "water", "count": "all", "atoms": ["O", "H", "H"], "bonds": [[0, 1], [0, 2]],
               "bead": [{"name": "W", "type": "W", "atoms": [0, 1, 2], "weights": "mass"}]}]}
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from cg_data.mapping.bead_mapping import Bead, Mapping, MoleculeMapping

_MOLECULE = ("name", "count", "atoms", "bonds", "constraints", "bead")
_BEAD = ("name", "type", "atoms", "weights", "force_atoms", "force_weights")
Places = dict[str, int | None]  # None where several atoms have the name


class RecordError(ValueError):
    """A table that is no mapping; `molecule` and `bead` count from 0, None for the whole."""

    def __init__(self, what: str, molecule: int | None = None, bead: int | None = None) -> None:
        super().__init__(what)
        self.molecule, self.bead = molecule, bead


def to_json(mapping: Mapping) -> str:
    """Return the canonical JSON: sorted keys, no spaces, shortest exact numbers."""
    return json.dumps(as_record(mapping), sort_keys=True, separators=(",", ":"), allow_nan=False)


def from_json(text: str) -> Mapping:
    """Return the mapping in `text`; ValueError if it is none."""
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not the JSON of a mapping ({str(error)[:80]}); write it with to_json()") from None
    return from_record(record)


def as_record(mapping: Mapping) -> dict[str, Any]:
    """Return the tables of a mapping, every field spelled out."""
    return {"molecule": [_molecule_record(molecule, count) for molecule, count in mapping.molecules]}


def from_record(record: object) -> Mapping:
    """Return the mapping in `record`; RecordError says what is wrong and in which molecule and bead."""
    try:
        tables = _table(record, ("molecule",), "the mapping").get("molecule")
        if not isinstance(tables, list) or not tables:
            raise ValueError("there is no molecule: write at least one [[molecule]]")
        return Mapping(tuple(_molecule(table, k) for k, table in enumerate(tables)))
    except RecordError:
        raise
    except (ValueError, TypeError) as error:
        raise RecordError(str(error)) from None


def _molecule_record(molecule: MoleculeMapping, count: int | str) -> dict[str, Any]:
    return {
        "name": molecule.name,
        "count": count,
        "atoms": list(molecule.atoms),
        "bonds": [list(pair) for pair in molecule.bonds],
        "constraints": [list(pair) for pair in molecule.constraints],
        "bead": [{key: _plain(getattr(bead, key)) for key in _BEAD} for bead in molecule.beads],
    }


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _molecule(table: object, k: int) -> tuple[MoleculeMapping, Any]:
    try:
        found = _table(table, _MOLECULE, f"molecule {k + 1}", required=("name", "atoms"))
        atoms = found["atoms"]
        if not isinstance(atoms, list):
            raise ValueError(f'molecule {k + 1}: atoms must be a list of names, as ["O", "H", "H"]')
        tables = found.get("bead", [])
        if not isinstance(tables, list):
            raise ValueError(f"molecule {k + 1}: write its beads as [[molecule.bead]]")
        places = _places(atoms)
        beads = tuple(_bead(bead, places, k, j) for j, bead in enumerate(tables))
        bonds, fixed = (_named_pairs(found.get(key, []), places) for key in ("bonds", "constraints"))
        return MoleculeMapping(found["name"], tuple(atoms), beads, bonds, fixed), found.get("count", "all")
    except RecordError:
        raise
    except (ValueError, TypeError, OverflowError) as error:
        raise RecordError(str(error), k) from None


def _bead(table: object, places: Places, k: int, j: int) -> Bead:
    where = f"molecule {k + 1}, bead {j + 1}"
    try:
        found = _table(table, _BEAD, where, required=("name", "atoms"))
        return Bead(
            found["name"],
            found.get("type", found["name"]),
            _numbers(found["atoms"], places),
            _listed(found.get("weights", "mass")),
            _numbers(found.get("force_atoms", "bead"), places),
            _listed(found.get("force_weights")),
        )
    except (ValueError, TypeError, OverflowError) as error:
        raise RecordError(str(error), k, j) from None


def _table(value: object, keys: tuple[str, ...], where: str, required: tuple[str, ...] = ()) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{where} must be a table, got {type(value).__name__}")
    if unknown := [str(key)[:40] for key in value if key not in keys]:
        raise ValueError(f"{where}: unknown key {unknown[0]!r}; known are {', '.join(keys)}")
    if missing := [key for key in required if key not in value]:
        raise ValueError(f"{where}: {missing[0]} is missing")
    return value


def _listed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _places(atoms: list[Any]) -> Places:
    times = Counter(atom for atom in atoms if isinstance(atom, str))
    return {atom: i if times[atom] == 1 else None for i, atom in enumerate(atoms) if isinstance(atom, str)}


def _numbers(given: Any, places: Places) -> Any:
    """Return atoms by number, names replaced by their place in the molecule."""
    return tuple(_number(atom, places) for atom in given) if isinstance(given, list) else given


def _number(atom: Any, places: Places) -> Any:
    if not isinstance(atom, str):
        return atom
    if atom not in places:
        raise ValueError(f"atom {atom[:40]!r} is not in the molecule's atoms")
    if places[atom] is None:
        raise ValueError(f"several atoms of the molecule are called {atom[:40]!r}: give the number, from 0")
    return places[atom]


def _named_pairs(pairs: Any, places: Places) -> Any:
    return tuple(_numbers(pair, places) for pair in pairs) if isinstance(pairs, list) else pairs
