# mypy: disable-error-code="untyped-decorator"
"""Count-exact histograms of pair distances in a periodic box.

Distances are binned in single precision by a loop that vectorizes; the few within their rounding error of a bin's
edge are marked, and binned again in double precision. So each pair is where double precision puts it.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from cg_sim.box import Array, check_reach, widths
from cg_sim.observables.pair_columns import BLOCK, FULL, LANES, Columns, columns, find_runs

_SPREAD = 16  # slots for distances beyond r_max: one alone would make each addition wait for the one before

Counts = npt.NDArray[np.int64]


class Ruler(NamedTuple):
    """How a distance becomes a bin, in single precision (scale, error) and in double (positions, box, r_max)."""

    scale: tuple[np.float32, ...]  # lower triangle of the box, in bins per unit of fixed point
    error: float  # bound on a bin coordinate's error
    positions: Array
    box: Array
    inverse: Array
    r_max: float
    bins: int
    n_types: int


def pair_histogram(
    positions: Array, box: Array, types: npt.NDArray[np.int32], n_types: int, r_max: float, bins: int
) -> Counts:
    """Return how many unordered pairs of each two types lie at r_max·[k, k+1)/bins, as (pair of types, bin).

    Pairs of types are (0, 0), (0, 1), … (1, 1), …; distances are to the nearest image, so that r_max [length] is at
    most half the box's smallest width. `positions` may lie outside the box.

    >>> pair_histogram(np.array([[0.1, 0, 0], [9.5, 0, 0]]), np.eye(3) * 10, np.zeros(2, np.int32), 1, 1.0, 4).tolist()
    [[0, 0, 1, 0]]
    """
    if not (r_max > 0 and bins >= 1):
        raise ValueError(f"a histogram needs r_max > 0 and bins ≥ 1, got r_max = {r_max}, bins = {bins}")
    check_reach(box, r_max, "r_max")
    x = np.ascontiguousarray(positions, dtype=np.float64)
    if not np.all(np.isfinite(x)):
        raise ValueError(f"the position of particle {int(np.argwhere(~np.isfinite(x))[0][0])} is not finite")
    if len(types) != len(x) or np.min(types, initial=0) < 0 or np.max(types, initial=0) >= n_types:
        raise ValueError(f"types must be one code 0…{n_types - 1} for each of {len(x)} particles")
    at, reach = columns(x, box, r_max)
    slot = np.zeros(len(x) + LANES, dtype=np.uint32)
    slot[: len(x)] = np.asarray(types)[at.order] * bins
    counts = _counted(at, reach, slot, _ruler(x, box, n_types, r_max, bins))
    return _unordered(counts.reshape(n_types, n_types, bins))


def _unordered(ordered: Counts) -> Counts:
    """Return counts (pair of types, bin) from counts by the types of both particles."""
    both = ordered + ordered.transpose(1, 0, 2)
    both[np.diag_indices(len(ordered))] //= 2
    return both[np.triu_indices(len(ordered))]


def _ruler(positions: Array, box: Array, n_types: int, r_max: float, bins: int) -> Ruler:
    """Return the ruler; the box may be rotated, so that its matrix is triangular.

    In single precision a distance up to r_max is wrong by less than (5κ + 3)·2⁻²⁴ of itself, κ = Σ|a_k|/w_k over
    lattice vectors and widths; fixed point adds less than 2⁻³¹ Σ|a_k|.
    """
    triangle: Array = np.linalg.qr(box.T).R.T * (bins / r_max / FULL)
    lengths = np.linalg.norm(box, axis=1)
    rounding = (bins + 1) * (5 * float(np.sum(lengths / widths(box))) + 3) * 2.0**-24
    error = min(0.5, rounding + 2 / FULL * float(np.sum(lengths)) * bins / r_max)
    scale = tuple(np.float32(v) for v in triangle[np.tril_indices(3)])
    cell, inverse = np.ascontiguousarray(box), np.asarray(np.linalg.inv(box), dtype=np.float64)
    return Ruler(scale, error, positions, cell, inverse, float(r_max), int(bins), int(n_types))


@njit(nogil=True, cache=True)
def _counted(at: Columns, reach: Any, slot: Any, ruler: Ruler) -> Any:
    """Return counts, flat over (type of one, type of the other, bin)."""
    slots = ruler.n_types * ruler.n_types * ruler.bins
    counts = np.zeros(slots + _SPREAD + 1, dtype=np.int64)
    near = np.empty((4, len(slot) + LANES), dtype=np.uint32)
    binned = np.empty(len(slot) + LANES, dtype=np.uint32)
    runs = np.empty((2 * len(reach.offsets), 2), dtype=np.int64)
    x, y, z, to = near[0], near[1], near[2], near[3]
    for column in range(at.cells[1] * at.cells[2]):
        end = at.first[(column + 1) * at.cells[0]]
        for start in range(at.first[column * at.cells[0]], end, BLOCK):
            stop = min(start + BLOCK, end)
            n_runs = find_runs(at, reach, column, start, stop, runs)
            n = _gather(at, slot, runs, n_runs, x, y, z, to)
            for i in range(stop - start):
                _bin(x, y, z, to, i, n, ruler.scale, ruler.error, ruler.bins, ruler.n_types, slots, binned)
                _add(binned, n - i - 1, counts)
                if counts[-1]:
                    counts[-1] = 0
                    _settle(binned, start, i, runs, n, at.order, slot, counts, ruler)
    return counts[:slots]


@njit(nogil=True, cache=True)
def _gather(at: Columns, slot: Any, runs: Any, n_runs: Any, x: Any, y: Any, z: Any, to: Any) -> Any:
    """Copy runs one after the other, and return how many particles they hold."""
    n = np.uint64(0)
    for k in range(n_runs):
        first, length = np.uint64(runs[k, 0]), np.uint64(runs[k, 1])
        for j in range(length):
            x[n + j], y[n + j], z[n + j] = at.x[first + j], at.y[first + j], at.z[first + j]
            to[n + j] = slot[first + j]
        n += length
    return np.int64(n)


@njit(nogil=True, cache=True, fastmath={"contract"})
def _bin(
    x: Any,
    y: Any,
    z: Any,
    to: Any,
    i: Any,
    n: Any,
    scale: Any,
    error: Any,
    bins: Any,
    n_types: Any,
    slots: Any,
    binned: Any,
) -> Any:
    """Write the slots of the distances from particle i to those after it; the last slot of all marks doubt."""
    after, whole_vectors = np.uint64(i + 1), np.uint64((n - i - 1 + LANES - 1) // LANES * LANES)
    xx, yx, yy, zx, zy, zz = scale
    xi, yi, zi, own = x[i], y[i], z[i], np.int32(to[i] * n_types)
    half, clear, last = np.float32(0.5), np.float32(0.5 - error), np.int32(bins)
    outside, doubtful = np.int32(slots), np.int32(slots + _SPREAD)
    for k in range(whole_vectors):
        sx = np.float32(np.int32(x[after + k] - xi))
        sy = np.float32(np.int32(y[after + k] - yi))
        sz = np.float32(np.int32(z[after + k] - zi))
        dx, dy, dz = sx * xx + sy * yx + sz * zx, sy * yy + sz * zy, sz * zz
        r = math.sqrt(dx * dx + dy * dy + dz * dz)
        whole = np.int32(r)
        found = np.int32(own + to[after + k] + whole) if whole < last else np.int32(outside + (whole & (_SPREAD - 1)))
        binned[k] = doubtful if abs(r - np.float32(whole) - half) > clear and whole <= last else found


@njit(nogil=True, cache=True)
def _add(binned: Any, n: Any, counts: Any) -> Any:
    for k in range(n):
        counts[binned[k]] += 1


@njit(nogil=True, cache=True)
def _settle(
    binned: Any, start: Any, i: Any, runs: Any, n: Any, order: Any, slot: Any, counts: Any, ruler: Ruler
) -> Any:
    """Count the doubtful pairs of the block's particle i by their distance in double precision."""
    doubtful, own = len(counts) - 1, slot[start + i] * ruler.n_types
    for k in range(n - i - 1):
        if binned[k] == doubtful:
            j = _located(runs, i + 1 + k)
            whole = np.int64(_distance(order[start + i], order[j], ruler) * (ruler.bins / ruler.r_max))
            if whole < ruler.bins:
                counts[own + slot[j] + whole] += 1


@njit(nogil=True, cache=True)
def _located(runs: Any, entry: Any) -> Any:
    """Return which sorted particle was gathered as `entry`."""
    run = 0
    while entry >= runs[run, 1]:
        entry -= runs[run, 1]
        run += 1
    return runs[run, 0] + entry


@njit(nogil=True, cache=True)
def _distance(i: Any, j: Any, ruler: Ruler) -> Any:
    x, inverse, box = ruler.positions, ruler.inverse, ruler.box
    dx, dy, dz = x[j, 0] - x[i, 0], x[j, 1] - x[i, 1], x[j, 2] - x[i, 2]
    px = py = pz = 0.0
    for k in range(3):
        s = dx * inverse[0, k] + dy * inverse[1, k] + dz * inverse[2, k]
        s -= np.rint(s)
        px, py, pz = px + s * box[k, 0], py + s * box[k, 1], pz + s * box[k, 2]
    return math.sqrt(px * px + py * py + pz * pz)
