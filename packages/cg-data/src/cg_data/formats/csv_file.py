"""CSV: `r [nm],g(A-B),g_stderr(A-B)` or `r [nm],u(A-B) [kJ/mol],f(A-B)`, facts as `# key = value` above.

A file without a header row is read by position: r, value, then the error (targets) or the force (tables).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from cg_data.errors import FileError
from cg_data.formats.columns import (
    Columns,
    CurveFile,
    TableFile,
    TableRows,
    distances,
    header,
    is_number,
    metadata,
    nonnegative,
    positive_from,
    read_columns,
    units_from,
)
from cg_data.interactions import pair_name, pair_of
from cg_data.safe_files import atomic_path, text_lines
from cg_data.units import Units, canonical, is_unit

_TITLE = re.compile(r"^\s*\"?(?P<name>\w+)\s*(\((?P<pair>[^()]*)\))?\s*(\[(?P<unit>[^\]]*)\])?\"?\s*$")
_NAMES = {"rdf": "g", "gr": "g", "g": "g", "energy": "u", "potential": "u", "force": "f", "error": "g_stderr",
          "g_error": "g_stderr", "stderr": "g_stderr", "g_std": "g_stderr", "distance": "r", "x": "r"}  # fmt: skip
_DECIMAL_COMMA = re.compile(r"^\s*-?\d+,\d+\s*[;\t]")


def read_targets(path: str | Path) -> CurveFile:
    """Return the distributions of a CSV file."""
    columns, titles, said = _read(path, ("r", "g", "g_stderr"))
    units = units_from(path, said) or _units_of_titles(path, titles)
    if not any(t[0] == "g" for t in titles):
        named = ", ".join(dict.fromkeys(t[0] for t in titles))
        raise FileError(path, f"has no column g, only {named[:80]}", remedy="name the columns r,g or r,g(A-B),g(B-B)")
    r = distances(columns, _only(path, titles, "r"))
    g = {p: nonnegative(columns, i) for i, (n, p, _) in enumerate(titles) if n == "g"}
    errors = {p: nonnegative(columns, i) for i, (n, p, _) in enumerate(titles) if n == "g_stderr"}
    if errors and set(errors) != set(g):
        raise FileError(path, "g_stderr is not given for the same pairs as g", remedy="give both for each pair")
    return CurveFile(r, g, errors or None, units, said)


def read_tables(path: str | Path) -> TableFile:
    """Return the potential tables of a CSV file."""
    columns, titles, said = _read(path, ("r", "u", "f"))
    r = distances(columns, _only(path, titles, "r"))
    forces = {p: columns.values[:, i] for i, (n, p, _) in enumerate(titles) if n == "f"}
    tables = tuple(
        TableRows(pair_of(p), r, columns.values[:, i], forces.get(p), cutoff=positive_from(path, said, "cutoff"))
        for i, (n, p, _) in enumerate(titles)
        if n == "u"
    )
    if not tables:
        raise FileError(path, "has no column u", remedy="name the columns r,u,f or r,u(A-B),f(A-B)")
    return TableFile(tables, units_from(path, said) or _units_of_titles(path, titles))


def write_tables(tables: tuple[TableRows, ...], path: str | Path, units: Units) -> None:
    """Write pair tables that share one grid."""
    r = tables[0].r
    if any(not np.array_equal(t.r, r) for t in tables):
        raise ValueError("pairs with different cutoffs do not fit one CSV: write one file per pair")
    cutoffs = {t.cutoff for t in tables}
    titles = [f"r [{units.length}]"]
    data = [r]
    for t in tables:
        titles.append(f"u({pair_name(t.pair)}) [{units.energy}]")
        data.append(t.u)
        if t.f is not None:
            titles.append(f"f({pair_name(t.pair)}) [{units.force()}]")
            data.append(t.f)
    _write(path, header(units, cutoff=cutoffs.pop() if len(cutoffs) == 1 else None), titles, data)


def write_targets(curves: CurveFile, path: str | Path, units: Units) -> None:
    """Write distributions with what is known of them."""
    titles, data = [f"r [{units.length}]"], [curves.r]
    for name, g in curves.g.items():
        titles.append(f"g({name})")
        data.append(g)
        if curves.g_stderr is not None:
            titles.append(f"g_stderr({name})")
            data.append(curves.g_stderr[name])
    _write(path, header(units, **curves.metadata), titles, data)


def _write(path: str | Path, head: list[str], titles: list[str], data: list[np.ndarray]) -> None:
    rows = (",".join(repr(float(v)) for v in row) for row in np.stack(data, axis=1))
    with atomic_path(path) as draft:
        draft.write_text("\n".join([*head, ",".join(titles), *rows]) + "\n", encoding="utf-8")


def _read(path: str | Path, order: tuple[str, str, str]) -> tuple[Columns, list[tuple[str, str, str]], dict[str, str]]:
    """Return the numbers, (name, pair, unit) of each column, and the metadata."""
    stream = text_lines(path)
    comments, titles, rest = [], None, []
    for number, line in stream:
        text = line.strip()
        if not text or text[0] == "#":
            comments.append(text)
            continue
        _refuse_decimal_commas(path, number, text)
        first = re.split(r"[,;\s]", text.strip('"'), maxsplit=1)[0]
        if is_number(first) or re.fullmatch(r"[+-]?(nan|inf)", first, re.IGNORECASE):
            rest = [(number, line)]
        else:
            titles = _titles(path, number, text)
        break
    columns = read_columns(path, comment="#", lines=_trimmed(path, chain(rest, stream)))
    width = columns.values.shape[1]
    if titles is None:
        if width > 3:
            raise FileError(path, f"has {width} columns and no header row", remedy=f"name them: {','.join(order)}")
        if (
            width == 3
            and order[2] == "g_stderr"
            and np.all(np.diff(columns.values[:, 2]) >= 0)
            and columns.values[-1, 2] > 2
        ):
            raise FileError(path, "its third column grows steadily, as a coordination number does",
                            remedy="delete it, or name the columns: r,g,g_stderr")  # fmt: skip
        titles = [(name, "A-A", "") for name in order[:width]]
    if len(titles) != width:
        raise FileError(path, f"names {len(titles)} columns but has {width}", remedy="name every column")
    return columns, titles, metadata([*comments, *columns.comments])


def _refuse_decimal_commas(path: str | Path, line: int, text: str) -> None:
    if _DECIMAL_COMMA.match(text):
        raise FileError(path, "uses decimal commas", line=line, remedy="write 0.5 for 0,5")


def _trimmed(path: str | Path, lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Yield lines without the separators that spreadsheets leave at the end of rows."""
    for number, line in lines:
        _refuse_decimal_commas(path, number, line)
        yield number, line.rstrip(" \t,;")


def _titles(path: str | Path, line: int, text: str) -> list[tuple[str, str, str]]:
    found = []
    text = text.rstrip(" \t,;")
    for title in re.split(r"[,;\t]", text) if re.search(r"[,;\t]", text) else text.split():
        match = _TITLE.match(title)
        if not match:
            raise FileError(path, f"{title.strip()[:40]!r} is not a column name", line=line,
                            remedy="name columns like r [nm], g(A-B), g_stderr(A-B), u, f")  # fmt: skip
        name = match["name"] if match["name"] in ("r", "u", "f", "g") else match["name"].lower()
        name, pair, unit = _NAMES.get(name, name), match["pair"] or "", match["unit"] or ""
        if is_unit(pair) or name == "r":  # spreadsheets write r (nm)
            unit, pair = unit or pair, ""
        if name in ("r", "u") and unit and not is_unit(unit):
            raise FileError(path, f"column {name} is in {unit[:20]!r}", line=line,
                            remedy="known units are nm, angstrom, sigma …; kJ/mol, kcal/mol, eV, epsilon …")  # fmt: skip
        try:
            found.append((name, pair_name(pair_of(pair if pair not in ("r", "") else "A-A")), unit))
        except ValueError as error:
            raise FileError(path, str(error), line=line) from None
    keys = [f[:2] for f in found]
    if len(set(keys)) < len(keys):
        raise FileError(path, "names one column twice", line=line, remedy="give each pair its own name: g(A-B)")
    return found


def _only(path: str | Path, titles: list[tuple[str, str, str]], name: str) -> int:
    at = [i for i, (n, _, _) in enumerate(titles) if n == name]
    if len(at) != 1:
        raise FileError(path, f"has {len(at)} columns named {name}", remedy=f"name exactly one column {name}")
    return at[0]


def _units_of_titles(path: str | Path, titles: list[tuple[str, str, str]]) -> Units | None:
    said = {n: {canonical(u) for m, _, u in titles if m == n and u} for n in ("r", "u")}
    for name, units in said.items():
        if len(units) > 1:
            raise FileError(path, f"mixes the units {sorted(units)} for {name}", remedy="convert the columns to one")
    if not said["r"] and not said["u"]:
        return None
    try:
        return Units(*(next(iter(said[n]), default) for n, default in (("r", "sigma"), ("u", "epsilon"))))
    except ValueError as error:
        raise FileError(path, str(error), remedy="correct the units in the header row") from None
