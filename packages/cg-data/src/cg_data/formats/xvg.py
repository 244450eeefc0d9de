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
    units_from,
)
from cg_data.formats.sampling import require_core, sample
from cg_data.interactions import Pair
from cg_data.potentials.pair_potential import Potential
from cg_data.safe_files import atomic_path
from cg_data.units import Units

NATIVE = Units("nm", "kJ/mol", "g/mol")
EXTENSION = 1.0  # [length] beyond the cutoff
_LEGEND = re.compile(r'^@\s*s(\d+)\s+legend\s+"(.*)"')


def read_targets(path: str | Path) -> CurveFile:
    """Return g(r) from `gmx rdf` output; several columns become pairs named by their legends s0, s1, …"""
    columns = read_columns(path)
    r = distances(columns)
    found = (_LEGEND.match(line) for line in columns.comments)
    legends = {int(m.group(1)): m.group(2) for m in found if m}
    width = columns.values.shape[1]
    names = ["A-A"] if width == 2 else [_pair_of_legend(legends.get(i, f"s{i}")) for i in range(width - 1)]
    if len(set(names)) < len(names):
        names = [f"s{i}-s{i}" for i in range(width - 1)]
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
    trusted_from = positive_from(path, said, "trusted_from")
    trusted = np.ones(end + 1, bool) if trusted_from is None else r[: end + 1] >= trusted_from * (1 - 1e-9)
    rows = TableRows(("A", "A"), r[: end + 1], u[: end + 1], f[: end + 1], trusted, cutoff)
    return TableFile((rows,), units_from(path, said))


def write_table(potential: Potential, pair: Pair, path: str | Path, units: Units, n: int) -> None:
    """Write the seven-column table with n rows from 0 to the cutoff and zeros beyond."""
    require_core(potential, "GROMACS")
    step = potential.cutoff / (n - 1)
    rows = sample(potential, pair, np.linspace(0.0, potential.cutoff, n))
    beyond = potential.cutoff + step * np.arange(1, int(np.ceil(EXTENSION / step)) + 1)
    lines = header(units, cutoff=potential.cutoff, trusted_from=getattr(potential, "trusted_from", None) or None)
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


def _pair_of_legend(legend: str) -> str:
    """Return "A-B" for legends like A-B or A; anything else becomes one type's name."""
    words = re.findall(r"[\w+*]+", legend)
    return "-".join(sorted(words)) if len(words) == 2 else f"{legend or 'A'}-{legend or 'A'}".replace(" ", "_")
