"""Cell grid and neighbor list: particles sorted in space, every particle's neighbors in one padded row.

Cells are numbered with the first axis fastest, so that the cells beside a particle along it are one run of
consecutive particles. Fractions of the box are 32-bit integers: differences wrap to the nearest image.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"
from __future__ import annotations

import math

import numpy as np
from numba import njit

from cg_sim.engines.cpu.kernels.list_of_rows import row_orthorhombic, row_triclinic

TURN = 4294967296.0  # 2³² = one box length in integer fractions
PADDING = 16  # lanes of the list kernel, which reads past the last particle
FINE = 4  # cells per reach along the first axis: a run then ends nearer to where it must
_compiled = njit(nogil=True, error_model="numpy")


@_compiled
def count_cells(box_widths, reach, most, cells):
    """Write how many cells of at least `reach` (a quarter of it along the first axis) fit, at most `most` in all."""
    for k in range(3):
        cells[k] = max(1, int(box_widths[k] * (FINE if k == 0 else 1) / reach))
    while cells[0] * cells[1] * cells[2] > most:
        k = 0
        for other in (1, 2):
            if cells[other] > cells[k]:
                k = other
        cells[k] = (cells[k] + 1) // 2


@_compiled
def sort_by_cell(positions, inverse, cells, order, starts, cell_of):
    """Fill `order` with the particles cell by cell (stable), and `starts` with the first of each cell."""
    n = positions.shape[1]
    total = cells[0] * cells[1] * cells[2]
    starts[: total + 1] = 0
    for i in range(n):
        x, y, z = positions[0, i], positions[1, i], positions[2, i]
        c = 0
        for k in range(2, -1, -1):
            s = x * inverse[0, k] + y * inverse[1, k] + z * inverse[2, k]
            s -= math.floor(s)
            c = c * cells[k] + max(min(int(s * cells[k]), cells[k] - 1), 0)
        cell_of[i] = c
        starts[c + 1] += 1
    for c in range(total):
        starts[c + 1] += starts[c]
    for i in range(n):
        c = cell_of[i]
        order[starts[c]] = i
        starts[c] += 1
    for c in range(total, 0, -1):
        starts[c] = starts[c - 1]
    starts[0] = 0


@_compiled
def to_grid(lo, hi, positions, inverse, grid):
    """Write fractional coordinates · 2³² into grid (3, n + padding), as wrapping 32-bit integers."""
    for i in range(np.uint64(lo), np.uint64(hi)):
        x, y, z = positions[0, i], positions[1, i], positions[2, i]
        for k in range(3):
            s = x * inverse[0, k] + y * inverse[1, k] + z * inverse[2, k]
            s -= math.floor(s)
            grid[k, i] = np.int32(np.int64(s * TURN))


@_compiled
def _beside(cell, count, out):
    """Write the distinct cells within one of `cell` on a ring of `count`; return how many."""
    if count <= 3:
        for k in range(count):
            out[k] = k
        return count
    for k in range(3):
        out[k] = (cell + k - 1 + count) % count
    return 3


@_compiled
def _runs_around(line, cx, cells, starts, ys, zs, runs):
    """Write first and end of every run of particles in cells around cell cx of `line`; return how many runs."""
    ny, nz = _beside(line % cells[1], cells[1], ys), _beside(line // cells[1], cells[2], zs)
    low, high = cx - FINE, cx + FINE + 1
    whole = cells[0] <= 2 * FINE + 1
    count = 0
    for kz in range(nz):
        for ky in range(ny):
            row = (zs[kz] * cells[1] + ys[ky]) * cells[0]
            first, end = max(low, 0), min(high, cells[0])
            if whole:
                first, end = 0, cells[0]
            elif low < 0:
                runs[2 * count], runs[2 * count + 1] = starts[row + low + cells[0]], starts[row + cells[0]]
                count += 1
            elif high > cells[0]:
                runs[2 * count], runs[2 * count + 1] = starts[row], starts[row + high - cells[0]]
                count += 1
            runs[2 * count], runs[2 * count + 1] = starts[row + first], starts[row + end]
            count += 1
    return count


def _lister(list_row):
    @_compiled
    def list_cells(first, last, grid, cells, starts, box, reach2, rows, counts):
        """List the neighbors of the particles in lines of cells first…last−1; return the width of row they need."""
        ys, zs, runs = np.empty(3, np.int64), np.empty(3, np.int64), np.empty(36, np.int64)
        longest = 0
        for line in range(first, last):
            for cx in range(cells[0]):
                home = line * cells[0] + cx
                if starts[home] == starts[home + 1]:
                    continue
                n_runs = _runs_around(line, cx, cells, starts, ys, zs, runs)
                for i in range(np.int64(starts[home]), np.int64(starts[home + 1])):
                    count = list_row(grid, i, runs, n_runs, box, reach2, rows)
                    counts[i] = count
                    padded = (count + PADDING - 1) // PADDING * PADDING
                    longest = max(longest, padded + PADDING)
                    if padded <= rows.shape[1]:
                        for k in range(count, padded):
                            rows[i, k] = i
        return longest

    return list_cells


list_orthorhombic, list_triclinic = _lister(row_orthorhombic), _lister(row_triclinic)
