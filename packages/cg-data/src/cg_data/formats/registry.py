"""The formats of tables and targets: a new one is a module with `read` and `write`, and one row here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from cg_data.formats import csv_file, hoomd_table, lammps_table, votca, xvg
from cg_data.formats.columns import CurveFile, TableFile
from cg_data.formats.sampling import sample
from cg_data.interactions import Interactions, Pair, pair_name
from cg_data.potentials.pair_potential import Potential
from cg_data.units import GROMACS, Units


@dataclass(frozen=True, slots=True)
class TableFormat:
    """How one kind of potential table is read and written."""

    name: str
    suffixes: tuple[str, ...]
    read: Callable[[str | Path], TableFile]
    write: Callable[[Interactions, Path, Units, int], None]
    native: Units  # what numbers mean where the file does not say
    about: str


@dataclass(frozen=True, slots=True)
class TargetFormat:
    """How one kind of distribution file is read and written."""

    name: str
    suffixes: tuple[str, ...]
    read: Callable[[str | Path], CurveFile]
    write: Callable[[CurveFile, Path, Units], None]
    native: Units
    about: str


def _single(
    write: Callable[[Potential, Pair, Path, Units, int], None],
) -> Callable[[Interactions, Path, Units, int], None]:
    def write_one(given: Interactions, path: Path, units: Units, n: int) -> None:
        if len(given) != 1:
            pairs = ", ".join(pair_name(p) for p in given)
            raise ValueError(f"this format holds one pair per file, got {pairs}: write each pair to its own file")
        ((pair, potential),) = given.items()
        write(potential, pair, path, units, n)

    return write_one


def _csv(given: Interactions, path: Path, units: Units, n: int) -> None:
    rows = [sample(p, k, np.linspace(getattr(p, "trusted_from", 0.0), p.cutoff, n)) for k, p in given.items()]
    csv_file.write_tables(tuple(rows), path, units)


def _rsq(given: Interactions, path: Path, units: Units, n: int) -> None:
    lammps_table.write_tables(given, path, units, n, "RSQ")


_LAMMPS = lammps_table.read_tables, lammps_table.write_tables, Units()
TABLE_FORMATS = (
    TableFormat("csv", (".csv", ".txt", ".dat"), csv_file.read_tables, _csv, Units(), "r,u,f with a header row"),
    TableFormat("lammps", (".table", ".lammps"), *_LAMMPS, "pair_style table, rows equally spaced in r"),
    TableFormat("lammps-rsq", (), lammps_table.read_tables, _rsq, Units(), "the same, equally spaced in r²"),
    TableFormat("gromacs", (".xvg",), xvg.read_tables, _single(xvg.write_table), GROMACS, "user table of mdrun"),
    TableFormat("hoomd", (".npz",), hoomd_table.read_tables, hoomd_table.write_tables, Units(), "md.pair.Table arrays"),
    TableFormat("votca", (".pot", ".pot.in", ".pot.new", ".pot.cur"), votca.read_tables,
                _single(votca.write_table), GROMACS, "r U flag"),
    TableFormat("votca-tab", (".tab",), votca.read_tab, _single(votca.write_tab), GROMACS, "r U F, generic"),
)  # fmt: skip
TARGET_FORMATS = (
    TargetFormat("csv", (".csv", ".txt", ".dat"), csv_file.read_targets, csv_file.write_targets, Units(),
                 "r,g[,g_stderr] with a header row"),
    TargetFormat("xvg", (".xvg",), xvg.read_targets, xvg.write_targets, GROMACS, "gmx rdf"),
    TargetFormat("votca", (".dist.tgt", ".dist.new", ".dist", ".tgt"), votca.read_targets, votca.write_targets,
                 GROMACS, "r g [error] flag"),
)  # fmt: skip


_F = TypeVar("_F", TableFormat, TargetFormat)


def find_format(path: str | Path, name: str | None, known: tuple[_F, ...]) -> _F:
    """Return the format of that name, else the one whose suffix is the longest match of the path's."""
    names = ", ".join(f.name for f in known)
    if name is not None:
        for row in known:
            if row.name == name:
                return row
        raise ValueError(f"unknown format {name!r}: one of {names}")
    lower = Path(path).name.lower()
    hits = [(len(s), row) for row in known for s in row.suffixes if lower.endswith(s)]
    if not hits:
        raise ValueError(f"{path}: the suffix names no format: give format=, one of {names}")
    return max(hits, key=lambda hit: hit[0])[1]
