"""Guessing from a path and its first lines what a file holds."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path
from typing import Literal

from cg_data.safe_files import text_lines

Kind = Literal["target", "table", "trajectory", "dataset", "project", "mapping"]
_BY_SUFFIX: tuple[tuple[str, Kind], ...] = (
    (".nc", "dataset"),
    (".toml", "mapping"),
    (".table", "table"), (".lammps", "table"), (".npz", "table"), (".tab", "table"),
    (".pot", "table"), (".pot.in", "table"), (".pot.new", "table"), (".pot.cur", "table"),
    (".dist.tgt", "target"), (".dist.new", "target"), (".dist", "target"), (".tgt", "target"),
    (".dump", "trajectory"), (".lammpstrj", "trajectory"), (".xyz", "trajectory"), (".extxyz", "trajectory"),
    (".gsd", "trajectory"), (".traj", "trajectory"), (".gro", "trajectory"), (".xtc", "trajectory"),
)  # fmt: skip


def kind_of(path: str | Path) -> Kind:
    """Return what the file at `path` holds; an unreadable one raises the FileError that says why."""
    file = Path(path)
    if file.is_dir() and (file / "type.raw").exists():
        return "trajectory"
    lower = file.name.lower()
    for suffix, kind in _BY_SUFFIX:
        if lower.endswith(suffix):
            return kind
    if lower.endswith(".xml"):
        molecule = any("<cg_molecule" in line for _, line in islice(text_lines(file), 50))
        return "mapping" if molecule else "project"
    return _kind_of_columns(file)


def _kind_of_columns(file: Path) -> Kind:
    """Return `table` for a header that names u, or for a GROMACS table's seven columns; else `target`."""
    for _, line in islice(text_lines(file), 200):
        text = line.strip()
        if not text or text[0] in "#@":
            continue
        if re.search(r"(^|[,;\s])(u|energy|potential)\b", text, re.IGNORECASE):
            return "table"
        # GROMACS names its tables table*.xvg: seven columns, bonded ones three.
        width = len(text.split())
        is_table = width == 7 or (width == 3 and file.name.startswith("table"))
        return "table" if is_table and file.suffix == ".xvg" else "target"
    return "target"
