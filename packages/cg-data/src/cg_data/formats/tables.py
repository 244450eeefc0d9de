"""Reading and writing potential tables, whatever their format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import xarray as xr

from cg_data.errors import FileError
from cg_data.formats.columns import TableFile, TableRows
from cg_data.formats.registry import TABLE_FORMATS, find_format
from cg_data.formats.sampling import tabled
from cg_data.interactions import Interactions, Pair, as_interactions, pair_name, pair_of
from cg_data.pair_table import PairTable
from cg_data.potentials.curves import Curve, tabulated
from cg_data.potentials.inward import Inner
from cg_data.potentials.pair_potential import Potential
from cg_data.schemas import labeled
from cg_data.units import Units, factor

Given = Potential | Mapping[Pair, Potential]
_LARGEST = 1e100  # beyond, differences overflow


def read_table(
    path: str | Path, *, format: str | None = None, units: Units | None = None, pair: str | None = None
) -> xr.Dataset:
    """Return the `pair-table` dataset of a file: U (and F) per pair on the file's own grid.

    `units` overrides what the file says or its format implies; `pair` selects one section of several.
    """
    file, chosen = _tables(path, format, units, pair)
    if any(not np.array_equal(t.r, file.tables[0].r) for t in file.tables):
        names = ", ".join(pair_name(t.pair) for t in file.tables)
        raise FileError(path, f"its sections {names} have different grids",
                        remedy="select one with pair= (--pair), or use read_sections")  # fmt: skip
    return _dataset(file.tables, chosen, path)


def read_sections(
    path: str | Path, *, format: str | None = None, units: Units | None = None, pair: str | None = None
) -> tuple[xr.Dataset, ...]:
    """Return one `pair-table` dataset per pair, each on its own grid."""
    file, chosen = _tables(path, format, units, pair)
    return tuple(_dataset((table,), chosen, path) for table in file.tables)


def _dataset(tables: tuple[TableRows, ...], units: Units, path: str | Path) -> xr.Dataset:
    forces = [t.f for t in tables if t.f is not None]
    masks = [np.ones(len(t.r), bool) if t.trusted is None else t.trusted for t in tables]
    return labeled(
        "pair-table",
        {
            "pair": np.array([pair_name(t.pair) for t in tables]),
            "r": (tables[0].r, units.length),
            "u": (np.stack([t.u for t in tables]), units.energy),
            "f": (np.stack(forces), units.force()) if len(forces) == len(tables) else None,
            "trusted": np.stack(masks),
        },
        units_length=units.length,
        units_energy=units.energy,
        units_mass=units.mass,
        source=Path(path).name,
    )


def read_interactions(
    path: str | Path,
    *,
    format: str | None = None,
    units: Units | None = None,
    pair: str | None = None,
    inner: Inner = "linear",
) -> Interactions:
    """Return the potentials of a table file, one curve per pair; rows not trusted below the wall are left out."""
    file, _ = _tables(path, format, units, pair)
    return Interactions({t.pair: _curve(path, t, inner) for t in file.tables})


def read_potential(
    path: str | Path,
    *,
    format: str | None = None,
    units: Units | None = None,
    pair: str | None = None,
    inner: Inner = "linear",
) -> Curve:
    """Return the one potential of a table file, or the one named `pair`."""
    file, _ = _tables(path, format, units, pair)
    if len(file.tables) > 1:
        names = ", ".join(pair_name(t.pair) for t in file.tables)
        raise FileError(
            path, f"holds the pairs {names}", remedy="select one with pair= (--pair), or use read_interactions"
        )
    return _curve(path, file.tables[0], inner)


def write_table(
    potential: Given,
    path: str | Path,
    *,
    format: str | None = None,
    n: int = 2000,
    pair: str = "A-A",
    units: Units | None = None,
    convert_to: Units | None = None,
) -> Path:
    """Write potential(s) for an engine; returns the path.

    n counts the rows up to the cutoff. `units` says what the numbers mean, `convert_to` what the file shall hold
    (both reduced by default). A potential that is not a table yet is made one first: file and engines share a curve.
    """
    found = find_format(path, format, TABLE_FORMATS)
    if n < 4:
        raise ValueError(f"a table needs at least 4 rows, got n = {n}")
    source = units or Units()
    given = as_interactions(potential)
    if not isinstance(potential, Mapping):
        given = Interactions({pair_of(pair): given["A", "A"]})
    tables: dict[Pair, Potential] = {key: tabled(p, n) for key, p in given.items()}
    goal = convert_to or source
    if goal != source:
        tables = {key: _in_units(p, source, goal) for key, p in tables.items()}
    found.write(Interactions(tables), Path(path), goal, n)
    return Path(path)


def _tables(path: str | Path, format: str | None, units: Units | None, pair: str | None) -> tuple[TableFile, Units]:
    found = find_format(path, format, TABLE_FORMATS)
    file = found.read(path)
    if pair is not None:
        chosen = tuple(t for t in file.tables if t.pair == pair_of(pair))
        if not chosen and len(file.tables) == 1:
            chosen = (replace(file.tables[0], pair=pair_of(pair)),)
        if not chosen:
            names = ", ".join(pair_name(t.pair) for t in file.tables)
            raise FileError(path, f"holds no pair {pair}", remedy=f"it holds {names}")
        file = replace(file, tables=chosen)
    return file, units or file.units or found.native


def _curve(path: str | Path, rows: TableRows, inner: Inner) -> Curve:
    """Return the curve through a table's data, from the first trusted row to the cutoff."""
    trusted = np.ones(len(rows.r), bool) if rows.trusted is None else rows.trusted
    data = np.flatnonzero(trusted)
    if len(data) < 4:
        raise FileError(path, f"only {len(data)} rows are data, not extrapolation", remedy="sample the wall better")
    kept = slice(int(data[0]), int(data[-1]) + 1)
    columns = (rows.r[kept], rows.u[kept], None if rows.f is None else rows.f[kept])
    if any(c is not None and np.max(np.abs(c)) > _LARGEST for c in columns):
        raise FileError(path, f"holds values beyond {_LARGEST:g}", remedy="cut the table where U is that high")
    try:
        with np.errstate(all="raise", under="ignore"):
            return tabulated(*columns, inner=inner)
    except (ValueError, FloatingPointError) as error:
        raise FileError(path, f"its rows make no curve ({error})", remedy="check the columns r, U, F") from None


def _in_units(potential: Potential, source: Units, goal: Units) -> PairTable:
    assert isinstance(potential, PairTable)
    length, energy = factor(source.length, goal.length), factor(source.energy, goal.energy)
    return PairTable.from_forces(
        potential.r_min * length,
        potential.cutoff * length,
        potential.u_knots * energy,
        potential.f_knots * (energy / length),
        inner=potential.inner,
    )
