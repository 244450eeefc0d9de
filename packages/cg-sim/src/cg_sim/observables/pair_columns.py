# mypy: disable-error-code="untyped-decorator"
"""Particles of a periodic box in columns along its first lattice vector, so that a particle's partners are a few runs.

Coordinates are fractions of the box in 32-bit fixed point: they wrap as the box does, and the difference of two, read
as a signed number, is the nearest image. Columns divide the box along the second and third lattice vector; within a
column, cells along the first keep the order.
"""

from __future__ import annotations

import math
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from cg_sim.box import Array, is_orthorhombic, volume, widths

LANES = 16  # arrays are padded for whole vectors
FULL = 2.0**32  # fixed point: one box
BLOCK = 8  # particles that share a list of partners
_RUN = 40  # wanted length of a run: shorter ones cost overhead, longer ones hold more partners out of reach
_THIN = 16  # cells along a column per reach

Words = npt.NDArray[np.uint32]
Ints = npt.NDArray[np.int64]


class Columns(NamedTuple):
    """Sorted particles: fixed-point fractions, original indices, where cells begin, and the cells along each vector."""

    x: Words
    y: Words
    z: Words
    order: Ints
    first: Ints
    cells: tuple[int, int, int]


class Reach(NamedTuple):
    """Columns (dy, dz, opposite) to look into, and the reach as a fraction of each width."""

    offsets: Ints
    fraction: tuple[float, float, float]
    orthorhombic: bool


def columns(positions: Array, box: Array, reach: float) -> tuple[Columns, Reach]:
    """Return the particles in columns, and the half of the columns around each that come within `reach` [length].

    Of the columns (dy, dz) and (−dy, −dz) one is kept. A column that is its own opposite, half a box away, would be
    met from both sides: it is marked, to be looked into from one of them.
    """
    width, n = widths(box), len(positions)
    fine = float(np.clip(np.sqrt(2 * reach**3 * n / (volume(box) * _RUN)), 1.0, 4.0))
    across = [int(np.clip(w * fine / reach, 1, max(math.isqrt(n), 1))) for w in width[1:]]
    along = max(min(_THIN * width[0] / reach, 8 * n / math.prod(across)), 1.0)
    cells = (2 ** math.ceil(math.log2(along)), across[0], across[1])
    fraction = [float(f) for f in reach / width * (1 + 1e-6)]
    far = [math.ceil(f * m) for f, m in zip(fraction[1:], across, strict=True)]
    around = [sorted({d % m for d in range(-f, f + 1)}) for f, m in zip(far, across, strict=True)]
    offsets = [(0, 0, 0)]
    for dy, dz in product(*around):
        opposite = (-dy % across[0], -dz % across[1])
        if (dy, dz) != (0, 0) and (dy, dz) <= opposite:
            offsets.append((dy, dz, int((dy, dz) == opposite)))
    within = Reach(np.array(offsets), (fraction[0], fraction[1], fraction[2]), is_orthorhombic(box))
    return _sorted(positions, np.linalg.inv(box), cells), within


@njit(nogil=True, cache=True)
def _sorted(positions: Any, inverse: Any, cells: Any) -> Any:
    n, (nx, ny, nz) = len(positions), cells
    fixed, cell = np.empty((3, n), dtype=np.uint32), np.empty(n, dtype=np.int64)
    first = np.zeros(nx * ny * nz + 1, dtype=np.int64)
    for i in range(n):
        for k in range(3):
            s = positions[i, 0] * inverse[0, k] + positions[i, 1] * inverse[1, k] + positions[i, 2] * inverse[2, k]
            fixed[k, i] = np.uint32(np.int64((s - math.floor(s)) * FULL))  # a fraction rounded to 1 wraps to 0
        a, b, c = np.int64(fixed[0, i]), np.int64(fixed[1, i]), np.int64(fixed[2, i])
        cell[i] = ((c * nz >> 32) * ny + (b * ny >> 32)) * nx + (a * nx >> 32)
        first[cell[i] + 1] += 1
    for k in range(len(first) - 1):
        first[k + 1] += first[k]
    order, at = np.empty(n, dtype=np.int64), first[:-1].copy()
    for i in range(n):
        order[at[cell[i]]] = i
        at[cell[i]] += 1
    placed = np.zeros((3, n + LANES), dtype=np.uint32)
    for k in range(3):
        for i in range(n):
            placed[k, i] = fixed[k, order[i]]
    return Columns(placed[0], placed[1], placed[2], order, first, cells)


@njit(nogil=True, cache=True)
def find_runs(at: Any, reach: Any, column: Any, start: Any, stop: Any, runs: Any) -> Any:
    """Write the runs (first, length) that hold the partners of particles start…stop − 1, and return how many.

    Each unordered pair is found once: in its own column a particle's partners come after it, and the first run begins
    with the particles themselves.
    """
    nx, ny, nz = at.cells
    cy, cz = column % ny, column // ny
    (x_low, x_high), (y_low, y_high), (z_low, z_high) = (
        _ends(at.x, start, stop),
        _ends(at.y, start, stop),
        _ends(at.z, start, stop),
    )
    n_runs = 0
    for k in range(len(reach.offsets)):
        dy, dz, both = reach.offsets[k]
        other = (cz + dz) % nz * ny + (cy + dy) % ny
        if both and other < column:
            continue
        gap_y = _gap(y_low * (ny / FULL) - cy, y_high * (ny / FULL) - cy, dy, ny) / reach.fraction[1]
        gap_z = _gap(z_low * (nz / FULL) - cz, z_high * (nz / FULL) - cz, dz, nz) / reach.fraction[2]
        if reach.orthorhombic:
            left = 1 - gap_y * gap_y - gap_z * gap_z
        else:  # gaps are measured along normals that are not at right angles: each alone is a bound
            left = 1.0 if max(gap_y, gap_z) <= 1 else -1.0
        if left < 0:
            continue
        half = np.int64(reach.fraction[0] * math.sqrt(left) * FULL) + 4
        low, high = (x_low - half) & 0xFFFFFFFF, (x_high + half) & 0xFFFFFFFF
        a, b = low * nx >> 32, high * nx >> 32
        if x_high - x_low + 2 * half >= 0xFFFFFFFF or (low > high and a <= b):
            a, b = 0, nx - 1
        after, base = start if k == 0 else 0, other * nx
        if a > b:  # through the box's face; cells from 0 on come first, where a block that starts there is
            n_runs = _append(runs, n_runs, max(after, at.first[base]), at.first[base + b + 1])
            b = nx - 1
        n_runs = _append(runs, n_runs, max(after, at.first[base + a]), at.first[base + b + 1])
    return n_runs


@njit(nogil=True, cache=True)
def _ends(values: Any, start: Any, stop: Any) -> Any:
    low = high = np.int64(values[start])
    for i in range(start + 1, stop):
        low, high = min(low, np.int64(values[i])), max(high, np.int64(values[i]))
    return low, high


@njit(nogil=True, cache=True)
def _gap(low: Any, high: Any, step: Any, n: Any) -> Any:
    """Return the fraction of the box between particles at low…high of their column and the column `step` ahead."""
    return max(0.0, min(step - high, low + n - step - 1)) / n if step else 0.0


@njit(nogil=True, cache=True)
def _append(runs: Any, n_runs: Any, start: Any, stop: Any) -> Any:
    if stop <= start:
        return n_runs
    runs[n_runs, 0], runs[n_runs, 1] = start, stop - start
    return n_runs + 1
