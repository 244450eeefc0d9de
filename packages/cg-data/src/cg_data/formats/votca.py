"""VOTCA's tables: `.dist.tgt`, `.dist.new`, `.pot` (x y [error] flag) and `.tab` (r U F, generic engines).

Flags: i = in range, o = out of range (extrapolated), u = undefined. An optional first line holds the number of rows.
Native units nm, kJ/mol.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from cg_data.errors import FileError
from cg_data.formats.columns import (
    Columns,
    CurveFile,
    TableFile,
    TableRows,
    as_number,
    distances,
    header,
    is_number,
    metadata,
    nonnegative,
    positive_from,
    read_columns,
    trusted_rows,
    units_from,
)
from cg_data.formats.sampling import require_core, sample, trusted_from
from cg_data.interactions import Pair, pair_name
from cg_data.potentials.pair_potential import Potential
from cg_data.safe_files import atomic_path, text_lines
from cg_data.units import Units

FLAGS = ("i", "o", "u")


def read_targets(path: str | Path) -> CurveFile:
    """Return the distribution of a `.dist.*` file; the pair is that of the file's name, X-Y.dist.tgt."""
    columns = _read_flagged(path)
    r, g = distances(columns), nonnegative(columns, 1)
    name = pair_name(_pair_of_file(path))
    errors = {name: nonnegative(columns, 2)} if columns.values.shape[1] == 3 else None
    said = metadata(columns.comments)
    return CurveFile(r, {name: g}, errors, units_from(path, said), said)


def write_targets(curves: CurveFile, path: str | Path, units: Units) -> None:
    """Write one distribution; VOTCA keeps one pair per file."""
    if len(curves.g) != 1:
        raise ValueError(f"a VOTCA file holds one pair, got {sorted(curves.g)}: write one file per pair")
    ((name, g),) = curves.g.items()
    data = [curves.r, g] + ([] if curves.g_stderr is None else [curves.g_stderr[name]])
    lines = header(units, **curves.metadata)
    lines += [" ".join(f"{v:.17g}" for v in row) + " i" for row in np.stack(data, axis=1)]
    with atomic_path(path) as draft:
        draft.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_tables(path: str | Path) -> TableFile:
    """Return the potential of a `.pot` file; rows flagged o or u are there but not trusted."""
    columns = _read_flagged(path)
    r, said = distances(columns), metadata(columns.comments)
    trusted = np.array([w in ("", "i") for w in columns.words])
    rows = TableRows(_pair_of_file(path), r, columns.values[:, 1], None, trusted, positive_from(path, said, "cutoff"))
    return TableFile((rows,), units_from(path, said))


def write_table(potential: Potential, pair: Pair, path: str | Path, units: Units, n: int) -> None:
    """Write r U flag from r = 0 to the cutoff; rows below the first trusted point carry the flag o."""
    require_core(potential, "VOTCA")
    rows = sample(potential, pair, np.linspace(0.0, potential.cutoff, n))
    flags = np.where(rows.r >= (trusted_from(potential) or 0.0) * (1 - 1e-12), "i", "o")
    lines = header(units, cutoff=potential.cutoff)
    lines += [f"{r:.17g} {u:.17g} {flag}" for r, u, flag in zip(rows.r, rows.u, flags, strict=True)]
    with atomic_path(path) as draft:
        draft.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_tab(path: str | Path) -> TableFile:
    """Return the table r U F of a generic `.tab` file (VOTCA for ESPResSo++ and HOOMD-blue)."""
    columns = read_columns(path, comment="#", at_least=3, at_most=3)
    r, said = distances(columns), metadata(columns.comments)
    u, f = columns.values[:, 1], columns.values[:, 2]
    rows = TableRows(_pair_of_file(path), r, u, f, trusted_rows(path, said, r), positive_from(path, said, "cutoff"))
    return TableFile((rows,), units_from(path, said))


def write_tab(potential: Potential, pair: Pair, path: str | Path, units: Units, n: int) -> None:
    """Write r U F from r = 0 to the cutoff."""
    require_core(potential, "a .tab reader")
    rows = sample(potential, pair, np.linspace(0.0, potential.cutoff, n))
    lines = header(units, cutoff=potential.cutoff, trusted_from=trusted_from(potential))
    lines += [f"{r:.17g} {u:.17g} {f:.17g}" for r, u, f in rows.rows()]
    with atomic_path(path) as draft:
        draft.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _pair_of_file(path: str | Path) -> Pair:
    found = re.match(r"([\w+*]+)-([\w+*]+)\.", Path(path).name)
    a, b = sorted(found.groups()) if found else ("A", "A")
    return a, b


def _read_flagged(path: str | Path) -> Columns:
    lines = list(text_lines(path))
    data = [(k, t) for k, (_, line) in enumerate(lines) if (t := line.split("#")[0].split("@")[0].split())]
    count = None
    if data and len(data[0][1]) == 1 and is_number(data[0][1][0]):
        at, (token,) = data[0]
        count = as_number(token)
        lines = lines[:at] + lines[at + 1 :]
    columns = read_columns(path, word_column=True, at_most=3, lines=lines)
    unknown = [i for i, w in enumerate(columns.words) if w not in ("", *FLAGS)]
    if unknown:
        raise columns.fail(unknown[0], f"the flag {columns.words[unknown[0]][:20]!r} is unknown", "flags are i, o, u")
    if count is not None and count != len(columns.values):
        raise FileError(path, f"announces {count:g} rows but holds {len(columns.values)}", remedy="is it truncated?")
    return columns
