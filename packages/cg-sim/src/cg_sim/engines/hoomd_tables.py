"""Pair tables as `md.pair.Table`, and a watch over pairs that have come too near.

HOOMD interpolates U and F linearly and separately between points at k r_c/n, k = 0 … n−1, and to zero at r_c. So the
force is off by up to (r_c/n)² max|F″|/8, and a curve that is truncated at U(r_c) ≠ 0 by up to |U(r_c)| within the last
r_c/n. For Lennard-Jones with r_c = 2.5 and n = 20 000 that is 1e-5 in U and 2e-4 in F (of 320) from r = 0.85 on.
Below a table's first knot the points follow its inner rule, where HOOMD alone would apply no force at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import hoomd
import numpy as np

from cg_data import PairTable
from cg_data.formats.hoomd_table import hoomd_arrays
from cg_sim.box import Array, widths
from cg_sim.curves import nearest_distance

Tables = Mapping[tuple[int, int], PairTable]
_SKIN = 0.15  # of the cutoff; 0.3–0.4 was fastest at a cutoff of 2.5


def neighbor_list(box: Array, cutoff: float) -> Any:
    """Return a cell list whose skin is as wide as the box allows, 0.15 of the cutoff at most."""
    room = 0.5 * float(widths(box).min()) - cutoff
    if room <= 1e-3 * cutoff:
        raise ValueError(
            f"the box is {2 * (room + cutoff):.6g} wide, HOOMD needs more than twice the cutoff {cutoff:.6g} "
            f"and a skin: take a larger box or a shorter cutoff"
        )
    return hoomd.md.nlist.Cell(buffer=min(_SKIN * cutoff, 0.9 * room), exclusions=())


def pair_force(tables: Tables, names: tuple[str, ...], neighbors: Any, points: int) -> Any:
    """Return the force of the tables, each sampled at `points` distances; a table of zeros costs nothing."""
    force = hoomd.md.pair.Table(neighbors)
    for (a, b), table in tables.items():
        if np.any(table.u_knots) or np.any(table.f_knots):
            arrays = hoomd_arrays(table, points)
            _set(force, (names[a], names[b]), table.cutoff, np.asarray(arrays["U"]), np.asarray(arrays["F"]))
        else:
            _set(force, (names[a], names[b]), 0.0, np.zeros(1), np.zeros(1))
    return force


def core_watch(tables: Tables, names: tuple[str, ...], neighbors: Any, ceiling: float) -> Any:
    """Return an observer whose energy is positive exactly if a pair has an energy no equilibrium visits."""
    watch = hoomd.md.pair.Table(neighbors)
    for (a, b), table in tables.items():
        acts = np.any(table.u_knots) or np.any(table.f_knots)
        _set(watch, (names[a], names[b]), nearest_distance(table, ceiling) if acts else 0.0, np.ones(2), np.zeros(2))
    return watch


def interpolation_error(table: PairTable, points: int) -> tuple[float, float]:
    """Return the largest differences of U and F between HOOMD's rule and the table, from r_min to r_c − r_c/n."""
    arrays = hoomd_arrays(table, points)
    grid = table.cutoff / points * np.arange(points)
    probe = grid[:-1, None] + table.cutoff / points * np.array([0.1, 0.3, 0.5, 0.7, 0.9])
    probe = probe[probe >= table.r_min]
    du = np.interp(probe, grid, np.asarray(arrays["U"])) - table.energy(probe)
    df = np.interp(probe, grid, np.asarray(arrays["F"])) - table.force(probe)
    return float(np.abs(du).max()), float(np.abs(df).max())


def _set(force: Any, pair: tuple[str, str], cutoff: float, u: Array, f: Array) -> None:
    force.params[pair] = {"r_min": 0.0, "U": u, "F": f}
    force.r_cut[pair] = cutoff
