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
import textwrap
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cg_data.errors import FileError
from cg_data.mapping.bead_mapping import Mapping
from cg_data.mapping.records import RecordError, as_record, from_record
from cg_data.mapping.votca_xml import mapping_from_xml
from cg_data.safe_files import atomic_path, text_lines

_BYTES = 2**20
_DOTS = 64  # tomllib's time grows as the square of the length of a dotted key
_DEFAULTS: dict[str, object] = {"bonds": [], "constraints": [], "force_atoms": "bead", "force_weights": None}
_BLOCK = re.compile(r"\s*\[\[\s*molecule\s*(\.\s*bead\s*)?\]\]")


def read_mapping(path: str | Path, *, atoms: Sequence[str] | None = None) -> Mapping:
    """Return the mapping in a TOML file (layout of the page on formats) or a VOTCA XML file, told apart by their first character.

    `atoms`, for XML only: all atoms of the molecule in the order of the trajectory, as RESID:RESNAME:ATOM or
    names; without it they are taken in the order in which the beads list them.
    """
    lines = [line for _, line in text_lines(path, max_bytes=_BYTES, what="mapping")]
    text = "\n".join(lines) + "\n"
    if text.lstrip().startswith("<"):
        return mapping_from_xml(text, path, atoms)
    if atoms is not None:
        raise ValueError("atoms= is for VOTCA's XML; a TOML mapping lists the atoms itself: leave it out")
    for number, line in enumerate(lines, 1):
        key = line.rpartition("=")[0] or (line if line.lstrip().startswith("[") else "")
        if key.count(".") > _DOTS:
            raise FileError(path, f"has more than {_DOTS} dots in a key", line=number,
                            remedy="only [[molecule.bead]] needs one")  # fmt: skip
    return _from_toml(text, path)


def write_mapping(mapping: Mapping, path: str | Path) -> None:
    """Write the TOML from which `read_mapping` gives the same mapping, with the same digest."""
    with atomic_path(path) as draft:
        draft.write_text(_toml(mapping), encoding="utf-8")


def _from_toml(text: str, path: str | Path) -> Mapping:
    try:
        return from_record(tomllib.loads(text))
    except RecordError as error:
        raise FileError(path, str(error), line=_line_of(text, error),
                        remedy="see cg_data.mapping.mapping_files for the layout") from None  # fmt: skip
    except (ValueError, RecursionError, OverflowError, MemoryError) as error:
        at = re.search(r"at line (\d+)", str(error))
        what = str(error).split(" (at ")[0][:100]
        raise FileError(path, f"is not TOML ({what})", line=int(at[1]) if at else None,
                        remedy="correct the syntax; a VOTCA mapping begins with <cg_molecule>") from None  # fmt: skip


def _line_of(text: str, error: RecordError) -> int | None:
    """Return the line of the [[molecule]] or [[molecule.bead]] that the error is about."""
    molecule = bead = -1
    found = None
    for number, line in enumerate(text.splitlines(), 1):
        if not (header := _BLOCK.match(line)):
            continue
        molecule, bead = (molecule, bead + 1) if header[1] else (molecule + 1, -1)
        if molecule == error.molecule and bead in (-1, error.bead):
            found = number
    return found


def _toml(mapping: Mapping) -> str:
    blocks = []
    for molecule in as_record(mapping)["molecule"]:
        beads = molecule.pop("bead")
        blocks.append("[[molecule]]\n" + _entries(molecule))
        blocks += ["[[molecule.bead]]\n" + _entries(bead) for bead in beads]
    return "\n".join(blocks)


def _entries(record: dict[str, Any]) -> str:
    """Return key = value lines, defaults left out, long lists wrapped; JSON and TOML agree on words and numbers."""
    lines = []
    for key, value in record.items():
        if key in _DEFAULTS and value == _DEFAULTS[key]:
            continue
        text = f"{key} = {json.dumps(value, ensure_ascii=False)}"
        lines += textwrap.wrap(text, 100, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines) + "\n"
