"""Pair forces from table rows over a half list, and their exact transpose.

A list holds every particle's later neighbors; distances follow from the positions, so that a list may be older than they
are and derivatives go through every distance.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"
from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from cg_sim.differentiable.kernels.half_rows import deposit_kernel, forces_kernel, transpose_kernel
from cg_sim.engines.cpu.kernels.cells import PADDING, TURN
from cg_sim.engines.cpu.kernels.forces_of_rows import LANES
from cg_sim.engines.cpu.kernels.list_of_rows import row_orthorhombic, row_triclinic

_kernel = njit(nogil=True, error_model="numpy")
_MARGIN = 1 + 1e-6  # distances are single precision where pairs are listed


class Rows(NamedTuple):
    """Cubics of all tables: `rows` (row, 4), each table's followed by a row of zeros, and per ordered pair of types
    where they begin [length], knots per length, how many rows, and the first (types², 4)."""

    rows: Any
    pairs: Any
    types: Any


class Listed(NamedTuple):
    """A half list: `rows[i, :counts[i]]` are i's later neighbors, padded with i itself to whole vectors."""

    rows: Any
    counts: Any


@_kernel
def list_pairs(x, box, inverse, reach, width):
    """Return the half list of all pairs within `reach`, its rows at least `width` wide."""
    n = len(x)
    grid, runs, of_integers = (
        np.empty((3, n + PADDING), np.int32),
        np.empty(2, np.int64),
        (box / TURN).astype(np.float32),
    )
    tilted = _tilted(box)
    for i in range(n):
        for a in range(3):
            f = x[i, 0] * inverse[0, a] + x[i, 1] * inverse[1, a] + x[i, 2] * inverse[2, a]
            grid[a, i] = np.int32(np.int64((f - math.floor(f)) * TURN))
    counts, reach2 = np.empty(n, np.int64), reach * reach * _MARGIN
    while True:
        rows, longest = np.empty((n, width), np.int32), 0
        for i in range(n):
            runs[0], runs[1] = i + 1, n
            if tilted:
                count = row_triclinic(grid, i, runs, 1, of_integers, reach2, rows)
            else:
                count = row_orthorhombic(grid, i, runs, 1, of_integers, reach2, rows)
            counts[i] = (count + LANES - 1) // LANES * LANES
            longest = max(longest, counts[i] + PADDING)
            for k in range(count, min(counts[i], width)):
                rows[i, k] = i
        if longest <= width:
            return Listed(rows, counts)
        width = longest + longest // 4


@_kernel
def _tilted(box):
    return box[0, 1] != 0 or box[0, 2] != 0 or box[1, 0] != 0 or box[1, 2] != 0 or box[2, 0] != 0 or box[2, 1] != 0


@_kernel
def outdated(x, reference, slack):
    """Return whether any particle is more than `slack` from where the list was made."""
    limit = slack * slack
    for i in range(len(x)):
        d = (x[i, 0] - reference[i, 0]) ** 2 + (x[i, 1] - reference[i, 1]) ** 2 + (x[i, 2] - reference[i, 2]) ** 2
        if not d <= limit:
            return True
    return False


@_kernel
def _points(x, kinds, inverse, points):
    """Write fractions of the box and the type."""
    for i in range(len(x)):
        for a in range(3):
            f = x[i, 0] * inverse[0, a] + x[i, 1] * inverse[1, a] + x[i, 2] * inverse[2, a]
            points[i, a] = f - math.floor(f)
        points[i, 3] = kinds[i]


def _force_loop(row_forces):
    @_kernel
    def loop(points, box, table, listed, forces):
        energy = virial = lowest = 0.0
        for i in range(len(points)):
            f0, f1, f2, u, w, least = row_forces(
                points, i, listed.rows, listed.counts[i], box, table.pairs, table.rows, table.types, forces
            )
            energy += u
            virial += w
            lowest = least if least < lowest else lowest
            forces[i, 0] += f0
            forces[i, 1] += f1
            forces[i, 2] += f2
        return energy, virial, lowest >= 0 and math.isfinite(virial)

    return loop


def _transpose_loop(row_transpose):
    @_kernel
    def loop(points, box, table, listed, forces, g_forces, g_energy, g_virial, g_x, g_rows):
        for i in range(len(points)):
            f0, f1, f2, g0, g1, g2 = row_transpose(
                points, i, listed.rows, listed.counts[i], box, table.pairs, table.rows, table.types, forces, g_forces,
                g_energy, g_virial, g_x, g_rows,
            )  # fmt: skip
            forces[i, 0] += f0
            forces[i, 1] += f1
            forces[i, 2] += f2
            g_x[i, 0] += g0
            g_x[i, 1] += g1
            g_x[i, 2] += g2

    return loop


_plain, _any = (_force_loop(forces_kernel(triclinic=a, typed=a)) for a in (False, True))  # compiling takes seconds each
_plain_back, _any_back = (_transpose_loop(transpose_kernel(triclinic=a, typed=a)) for a in (False, True))


def _deposit_loop(row_deposit):
    @_kernel
    def loop(points, box, table, listed, sums):
        for i in range(len(points)):
            row_deposit(points, i, listed.rows, listed.counts[i], box, table.pairs, table.rows, table.types, sums)

    return loop


_plain_deposit, _any_deposit = (_deposit_loop(deposit_kernel(triclinic=a, typed=a)) for a in (False, True))


@_kernel
def deposit(x, system, table, listed, points, sums):
    """Add Σ (1, t, t², t³) over the pairs that lie on each row to `sums`."""
    _points(x, system.kinds, system.inverse, points)
    if table.types > 1 or _tilted(system.box):
        _any_deposit(points, system.box, table, listed, sums)
    else:
        _plain_deposit(points, system.box, table, listed, sums)


@_kernel
def pair_forces(x, system, table, listed, points, forces):
    """Write the forces (n, 4); return energy, virial Σ r F(r), and whether every pair lies on its table."""
    _points(x, system.kinds, system.inverse, points)
    forces[:] = 0.0
    if table.types > 1 or _tilted(system.box):
        return _any(points, system.box, table, listed, forces)
    return _plain(points, system.box, table, listed, forces)


@_kernel
def pair_forces_vjp(x, system, table, listed, points, forces, g_forces, g_energy, g_virial, g_x, g_rows):
    """Add to `g_x` (n, 4) and `g_rows` what the adjoints of forces (n, 4), energy and virial say of positions and rows.

    The forces themselves are computed once more on the way.
    """
    _points(x, system.kinds, system.inverse, points)
    forces[:] = 0.0
    box = system.box
    if table.types > 1 or _tilted(box):
        _any_back(points, box, table, listed, forces, g_forces, g_energy, g_virial, g_x, g_rows)
    else:
        _plain_back(points, box, table, listed, forces, g_forces, g_energy, g_virial, g_x, g_rows)
