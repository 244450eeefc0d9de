"""LAMMPS `pair_style table` files: sections of index, r, E, F under a keyword.

LAMMPS splines the file's E and F separately (end slopes −F and, with `FPRIME`, the given dF/dr) and samples the splines
at equal steps of r². Rows with `R` are equally spaced in r, with `RSQ` in r². A pair closer than the first row is an
error in LAMMPS, and the first r must be positive, so a core is written down to `_CLOSEST` of the cutoff unless the
table's own rule is `error`. The `UNITS:` tag lets LAMMPS refuse a table in other units.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from cg_data.errors import FileError
from cg_data.formats.columns import (
    TableFile,
    TableRows,
    as_number,
    header,
    is_number,
    metadata,
    trusted_rows,
    units_from,
)
from cg_data.formats.sampling import sample, trusted_from
from cg_data.interactions import Interactions, pair_name, pair_of, type_name
from cg_data.potentials.pair_potential import Potential, just_inside
from cg_data.safe_files import atomic_path, text_lines
from cg_data.units import LAMMPS_STYLES, Units

Spacing = Literal["R", "RSQ"]
_CLOSEST = 1e-3


def write_tables(interactions: Interactions, path: str | Path, units: Units, n: int, spacing: Spacing = "R") -> None:
    """Write one section of n rows per pair, keyword A-B, and the pair_coeff lines as comments."""
    style = next((s for s, u in LAMMPS_STYLES.items() if (u.length, u.energy) == (units.length, units.energy)), None)
    lines = [f"# cg-data pair tables{f' UNITS: {style}' if style else ''}", *header(units)]
    lines += [f"# use: pair_style table linear {n} | pair_coeff <{a}> <{b}> {Path(path).name} {a}-{b} {p.cutoff:.15g}"
              for (a, b), p in interactions.items()]  # fmt: skip
    for pair, potential in interactions.items():
        start = trusted_from(potential)
        lines += [] if start is None else [f"# trusted_from {pair_name(pair)} = {start!r}"]
    for pair, potential in interactions.items():
        lines += ["", *_section(potential, pair_name(pair), n, spacing)]
    with atomic_path(path) as draft:
        draft.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _section(potential: Potential, keyword: str, n: int, spacing: Spacing) -> list[str]:
    first = potential.cutoff * _CLOSEST
    if getattr(potential, "inner", "") == "error":
        first = max(first, float(getattr(potential, "trusted_from", 0.0)))
    r = _grid(spacing, first, potential.cutoff, n)
    rows = sample(potential, pair_of(keyword), r)
    h = 1e-6 * potential.cutoff
    near, edge = float(potential.force(first + h) - rows.f[0]) / h, just_inside(potential.cutoff)  # type: ignore[index]
    far = float(potential.force(edge) - potential.force(edge - h)) / h
    ends = f"N {n} {spacing} {first:.17g} {potential.cutoff:.17g} FPRIME {near:.17g} {far:.17g}"
    body = (f"{i} {x:.17g} {u:.17g} {f:.17g}" for i, (x, u, f) in enumerate(rows.rows(), 1))
    return [keyword, ends, "", *body]


def _grid(spacing: str, low: float, high: float, n: int) -> np.ndarray:
    r = np.sqrt(np.linspace(low**2, high**2, n)) if spacing == "RSQ" else np.linspace(low, high, n)
    r[0], r[-1] = low, high
    return r


def read_tables(path: str | Path) -> TableFile:
    """Return every section of a LAMMPS pair table; the keyword names the pair (A-B, else X-X)."""
    lines = list(text_lines(path))
    comments = [line for _, line in lines if line.lstrip().startswith("#")]
    said = metadata(comments)
    stream = iter([(k, line.split("#", 1)[0].strip()) for k, line in lines if not line.lstrip().startswith("#")])
    tables = []
    for number, line in stream:
        if not line:
            continue
        tables.append(_read_section(path, number, line.split()[0], stream, said))
        if len(tables) > 1000:
            raise FileError(path, "has more than 1000 sections", line=number, remedy="is this a pair table?")
    if not tables:
        raise FileError(path, "has no section", remedy="a section is a keyword, a line N …, a blank line and rows")
    pairs = [t.pair for t in tables]
    if len(set(pairs)) < len(pairs):
        raise FileError(path, "two sections name the same pair", remedy="give each section its own keyword")
    return TableFile(tuple(tables), units_from(path, said) or _style_units(path, comments))


def _style_units(path: str | Path, comments: list[str]) -> Units | None:
    words = " ".join(comments).split()
    style = words[words.index("UNITS:") + 1] if "UNITS:" in words[:-1] else None
    if style is not None and style not in LAMMPS_STYLES:
        raise FileError(
            path, f"is in the units {style[:20]!r}", remedy=f"convert it to one of {', '.join(LAMMPS_STYLES)}"
        )
    return None if style is None else LAMMPS_STYLES[style]


def _read_section(
    path: str | Path, start: int, keyword: str, stream: Iterator[tuple[int, str]], said: dict[str, str]
) -> TableRows:
    number, line = next(stream, (start, ""))
    n, spacing, low, high = _parameters(path, number, line)
    rows: list[list[float]] = []
    numbers: list[int] = []
    blank = next(stream, (number, ""))
    if blank[1]:
        raise FileError(path, "the line after 'N …' must be blank", line=blank[0], remedy="LAMMPS skips it unread")
    for k, text in stream:
        if not text and rows:
            break
        tokens = text.split()
        if len(tokens) != 4 or not all(is_number(t) for t in tokens):
            raise FileError(path, f"expected index r E F, got {text[:40]!r}", line=k,
                            remedy=f"section {keyword[:20]} announces {n} rows of four numbers")  # fmt: skip
        rows.append([as_number(t) for t in tokens[1:]])
        numbers.append(k)
        if len(rows) == n:
            break
    if len(rows) != n:
        raise FileError(path, f"section {keyword[:20]} announces {n} rows but holds {len(rows)}", line=start,
                        remedy="is the file truncated?")  # fmt: skip
    table = _checked(path, keyword, numbers, np.array(rows), spacing, low, high)
    return replace(table, trusted=trusted_rows(path, said, table.r, f"trusted_from {pair_name(table.pair)}"))


def _checked(
    path: str | Path,
    keyword: str,
    numbers: list[int],
    values: np.ndarray,
    spacing: str,
    low: float,
    high: float,
) -> TableRows:
    r = values[:, 0] if not spacing else _grid(spacing, low, high, len(values))
    if not np.all(np.isfinite(values)):
        row = int(np.argmin(np.all(np.isfinite(values), axis=1)))
        raise FileError(path, "a value is out of range", line=numbers[row], remedy="every value must be finite")
    bad = np.flatnonzero(np.diff(values[:, 0]) <= 0)
    if len(bad) or values[0, 0] <= 0:
        line = numbers[int(bad[0]) + 1] if len(bad) else numbers[0]
        raise FileError(path, "r must be positive and increase", line=line, remedy="sort the rows by r")
    off = np.abs(values[:, 0] - r) > 1e-3 * np.max(np.diff(r))
    if np.any(off):
        row = int(np.argmax(off))
        raise FileError(path, f"r = {values[row, 0]:.8g} stands where '{spacing}' puts {r[row]:.8g}", line=numbers[row],
                        remedy="LAMMPS ignores this column: correct it or the line N")  # fmt: skip
    words = [type_name(w) for w in keyword.split("-")]
    pair = pair_of((words[0], words[1])) if len(words) == 2 else (type_name(keyword), type_name(keyword))
    return TableRows(pair, r, values[:, 1], values[:, 2], None, float(r[-1]))


def _parameters(path: str | Path, number: int, line: str) -> tuple[int, str, float, float]:
    """Return (N, spacing or "", low, high) of a parameter line."""
    words = iter(line.split())
    n, spacing, low, high = 0, "", 0.0, 0.0
    try:
        for word in words:
            match word:
                case "N":
                    n = int(next(words))
                case "R" | "RSQ":
                    spacing, low, high = word, float(next(words)), float(next(words))
                case "FPRIME" | "FP":
                    float(next(words)), float(next(words))
                case "BITMAP":
                    raise FileError(path, "BITMAP tables are not read", line=number, remedy="write it with R or RSQ")
                case _:
                    raise FileError(path, f"unknown table parameter {word[:20]!r}", line=number,
                                    remedy="expected: N count [R|RSQ low high] [FPRIME low high]")  # fmt: skip
    except (ValueError, StopIteration, OverflowError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(path, f"cannot read the table parameters {line[:60]!r}", line=number,
                        remedy="expected: N count [R|RSQ low high] [FPRIME low high]") from None  # fmt: skip
    if not 4 <= n <= 2_000_000 or (spacing and not 0 < low < high < np.inf):
        raise FileError(path, f"the table parameters {line[:60]!r} make no table", line=number,
                        remedy="N ≥ 4 and 0 < low < high")  # fmt: skip
    return n, spacing, low, high
