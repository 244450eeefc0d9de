"""Mapping files: a small TOML of our own, and VOTCA's XML.

    [[molecule]]                 # in the order of the trajectory
    name = "water"
    count = "all"                # or a number
    atoms = ["O", "H", "H"]      # every atom, mapped or not
    bonds = [[0, 1], [0, 2]]     # optional; without, each atom is near the one before

    [[molecule.bead]]
    name = "W"
    type = "W"                   # optional; the name if left out
    atoms = [0, 1, 2]            # from 0, or names where they are unique
    weights = "mass"             # or "equal", or [16, 1, 1]
    force_atoms = "bead"         # optional; or "molecule", or atoms
    force_weights = [16, 1, 1]   # optional; the d of Noid 2008

A molecule may also have `constraints`, pairs of atoms held at fixed distances.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

from cg_data.errors import FileError
from cg_data.mapping.bead_mapping import Mapping
from cg_data.mapping.records import RecordError, as_record, from_record
from cg_data.mapping.votca_xml import mapping_from_xml
from cg_data.safe_files import atomic_path, text_lines

_BYTES = 2**20
_LINE = 16_384  # the time of tomllib is quadratic in the length of a dotted key
_WRAP = 100


def read_mapping(path: str | Path, *, atoms: Sequence[str] | None = None) -> Mapping:
    """Return the mapping in a TOML file (layout above) or a VOTCA XML file, told apart by their first character.

    `atoms`, for XML only: all atoms of the molecule in the order of the trajectory, as RESID:RESNAME:ATOM or
    names; without it they are taken in the order in which the beads list them.
    """
    lines = []
    for number, line in text_lines(path, max_bytes=_BYTES, what="mapping"):
        if len(line) > _LINE:
            raise FileError(path, f"a line is longer than {_LINE} characters", line=number,
                            remedy="break lists over several lines")  # fmt: skip
        lines.append(line)
    text = "\n".join(lines) + "\n"
    if text.lstrip().startswith("<"):
        return mapping_from_xml(text.lstrip("\n"), path, atoms) if lines[0] else _shifted_xml(path)
    if atoms is not None:
        raise ValueError("atoms= is for VOTCA's XML; a TOML mapping lists the atoms itself")
    return _from_toml(text, path)


def write_mapping(mapping: Mapping, path: str | Path) -> None:
    """Write the TOML from which `read_mapping` gives the same mapping, with the same digest."""
    with atomic_path(path) as draft:
        draft.write_text(mapping_toml(mapping), encoding="utf-8")


def mapping_toml(mapping: Mapping) -> str:
    """Return the TOML of a mapping, fields left out where they have their default."""
    blocks = []
    for molecule in as_record(mapping)["molecule"]:
        beads = molecule.pop("bead")
        blocks.append("[[molecule]]\n" + _entries(molecule))
        blocks += ["[[molecule.bead]]\n" + _entries(bead) for bead in beads]
    return "\n".join(blocks)
