"""GROMACS .xvg: distributions (`gmx rdf`), and tables of user potentials.

A GROMACS table has seven columns r, f, −f′, g, −g′, h, −h′ from r = 0 in equal steps; U = h and F = −h′ stand in
the last two here, as VOTCA writes them, the others are zero. GROMACS takes the step from the first two rows and
interpolates each interval by the cubic through U and F at both ends. It never reads below r = 0.04 nm unless atoms
get there, so values are finite down to r = 0. Beyond the cutoff rows of zeros follow for one more unit of length,
the table extension that mdrun asks for. Native units nm, kJ/mol.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from cg_data.errors import FileError
from cg_data.formats.columns import (
    CurveFile,
    TableFile,
    TableRows,
    distances,
    header,
    metadata,
    nonnegative,
    positive_from,
    read_columns,
    trusted_rows,
    units_from,
)
from cg_data.formats.sampling import require_core, sample, trusted_from
from cg_data.interactions import Pair, pair_name, type_name
from cg_data.potentials.pair_potential import Potential
from cg_data.safe_files import atomic_path
from cg_data.units import Units

EXTENSION = 1.0  # [length] beyond the cutoff
UNNAMED = "?"  # begins the name of a column that the file gives no pair
_LEGEND = re.compile(r'^@\s*s(\d+)\s+legend\s+"(.*)"')
_REFERENCE = re.compile(r'^@\s*subtitle\s+"reference (.+)"')


def read_targets(path: str | Path) -> CurveFile:
    """Return g(r) from `gmx rdf`: pairs of the reference in the subtitle and the selections in the legends.

    Legends of the form A-B name pairs themselves; where nothing names them, columns are `?0`, `?1`, … to be renamed.
    """
    columns = read_columns(path)
    r = distances(columns)
    names = _pairs(columns.comments, columns.values.shape[1] - 1)
    said = metadata(columns.comments)
    g = {name: nonnegative(columns, i + 1) for i, name in enumerate(names)}
    return CurveFile(r, g, None, units_from(path, said), said)


def write_targets(curves: CurveFile, path: str | Path, units: Units) -> None:
    """Write g(r) as xmgrace columns with legends; errors have no place in this format and stay out."""
    lines = header(units, **curves.metadata)
    lines += [
        '@    title "Radial distribution"',
        f'@    xaxis  label "r ({units.length})"',
        '@    yaxis  label "g(r)"',
    ]
    lines += ["@TYPE xy", *(f'@ s{i} legend "{name}"' for i, name in enumerate(curves.g))]
    rows = np.stack([curves.r, *curves.g.values()], axis=1)
    lines += [" ".join(f"{v:.17g}" for v in row) for row in rows]
    with atomic_path(path) as draft:
        draft.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_tables(path: str | Path) -> TableFile:
    """Return the one non-zero function of a GROMACS table."""
    columns = read_columns(path)
    r, width = distances(columns), columns.values.shape[1]
    if width not in (3, 7):
        raise FileError(path, f"has {width} columns, a GROMACS table has 7 (or 3 for a bonded one)",
                        remedy="for a distribution use read_target")  # fmt: skip
    used = [c for c in range(1, width, 2) if np.any(columns.values[:, c : c + 2])] or [width - 2]
    if len(used) > 1:
        raise FileError(path, f"mixes {len(used)} non-zero functions (Coulomb, dispersion, repulsion)",
                        remedy="they are scaled by charges and C6, C12 in GROMACS: add them up first")  # fmt: skip
    said = metadata(columns.comments)
    cutoff = positive_from(path, said, "cutoff")
    u, f = columns.values[:, used[0]], columns.values[:, used[0] + 1]
    end = _end_of_table(r, u, f) if cutoff is None else int(np.searchsorted(r, cutoff * (1 - 1e-9)))
    end = min(max(end, 3), len(r) - 1)
    kept = r[: end + 1]
    rows = TableRows(("A", "A"), kept, u[: end + 1], f[: end + 1], trusted_rows(path, said, kept), cutoff)
    return TableFile((rows,), units_from(path, said))


def write_table(potential: Potential, pair: Pair, path: str | Path, units: Units, n: int) -> None:
    """Write the seven-column table with n rows from 0 to the cutoff and zeros beyond."""
    require_core(potential, "GROMACS")
    step = potential.cutoff / (n - 1)
    rows = sample(potential, pair, np.linspace(0.0, potential.cutoff, n))
    beyond = potential.cutoff + step * np.arange(1, int(np.ceil(EXTENSION / step)) + 1)
    lines = header(units, cutoff=potential.cutoff, trusted_from=trusted_from(potential))
    zeros = " 0 0 0 0 "
    lines += [f"{r:.15g}{zeros}{u:.15g} {f:.15g}" for r, u, f in rows.rows()]
    lines += [f"{r:.15g}{zeros}0 0" for r in beyond]
    with atomic_path(path) as draft:
        draft.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _end_of_table(r: np.ndarray, u: np.ndarray, f: np.ndarray) -> int:
    """Return the row of the cutoff: the last non-zero one where U jumps to zero, else the first zero one."""
    live = np.flatnonzero((u != 0) | (f != 0))
    if len(live) == 0 or live[-1] >= len(r) - 2:
        return len(r) - 1
    last = int(live[-1])
    jumps = abs(u[last]) > 2 * abs(f[last]) * (r[last + 1] - r[last])
    return last if jumps or u[last] == 0 else last + 1


def _pairs(comments: tuple[str, ...], count: int) -> list[str]:
    """Return one pair name per column."""
    found = (_LEGEND.match(line) for line in comments)
    legends = {int(m.group(1)[:6]): m.group(2) for m in found if m}
    reference = next((m.group(1) for m in map(_REFERENCE.match, comments) if m), None)
    names = [_pair(reference, legends.get(i)) for i in range(count)]
    if None in names or len(set(names)) < count:
        return ["A-A"] if count == 1 else [f"{UNNAMED}{i}" for i in range(count)]
    return [n for n in names if n is not None]


def _pair(reference: str | None, legend: str | None) -> str | None:
    if legend is None:
        return None
    if reference is not None:
        return pair_name((type_name(reference), type_name(legend)))
    words = legend.split("-")
    return pair_name((type_name(words[0]), type_name(words[1]))) if len(words) == 2 and all(words) else None
