"""Neighbors of every particle within a cutoff, sorted, by a cell list in fractional coordinates."""

# mypy: disable-error-code="untyped-decorator"
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from cg_sim.box import Array, check_reach, widths

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Neighbors:
    """The neighbors of particle i are `index[start[i]:start[i+1]]`, ascending, at `vector` = x_j − x_i [length]."""

    start: Indices
    index: Indices
    vector: Array
    distance: Array


def neighbors_within(positions: Array, box: Array, cutoff: float, what: str = "cutoff") -> Neighbors:
    """Return all ordered pairs with |x_j − x_i| < cutoff, nearest images, i ≠ j.

    >>> found = neighbors_within(np.array([[0.1, 0, 0], [-0.1, 0, 0], [2.0, 0, 0]]), np.eye(3) * 4, 1.0)
    >>> found.start.tolist(), found.index.tolist(), found.vector[:, 0].round(12).tolist()
    ([0, 1, 2, 2], [1, 0], [-0.2, 0.2])
    """
    if not cutoff > 0:
        raise ValueError(f"{what} must be positive, got {cutoff}")
    check_reach(box, cutoff, what)
    if not np.all(np.isfinite(positions)):
        raise ValueError(f"the position of particle {int(np.argwhere(~np.isfinite(positions))[0][0])} is not finite")
    cells = np.clip(
        (widths(box) / (cutoff * (1 + 1e-9))).astype(np.int64), 1, max(1, round(2 * len(positions) ** (1 / 3)))
    )
    fraction = np.asarray(positions, dtype=np.float64) @ np.linalg.inv(box)
    fraction -= np.floor(fraction)
    order, first = _cell_lists(fraction, cells)
    rows = _rows(fraction[order], np.ascontiguousarray(box), float(cutoff), cells, first)
    return Neighbors(*_sorted_rows(order, *rows))


@njit(cache=True, nogil=True)
def _cell_of(fraction: Array, cells: Indices, axis: int) -> int:
    return min(np.int64(fraction[axis] * cells[axis]), cells[axis] - 1)


@njit(cache=True, nogil=True)
def _cell_lists(fraction: Array, cells: Indices) -> tuple[Indices, Indices]:
    """Return the particles ordered by cell, and where each cell begins among them."""
    n = len(fraction)
    cell = np.empty(n, np.int64)
    first = np.zeros(cells[0] * cells[1] * cells[2] + 1, np.int64)
    for i in range(n):
        f = fraction[i]
        cell[i] = (_cell_of(f, cells, 0) * cells[1] + _cell_of(f, cells, 1)) * cells[2] + _cell_of(f, cells, 2)
        first[cell[i] + 1] += 1
    first = np.cumsum(first)
    order, filled = np.empty(n, np.int64), first[:-1].copy()
    for i in range(n):
        order[filled[cell[i]]] = i
        filled[cell[i]] += 1
    return order, first


@njit(cache=True, nogil=True)
def _surrounding(fraction: Array, cells: Indices, out: Indices) -> int:
    # Along an axis of one or two cells the ones below and above are the same: visit each once.
    lowest, highest, at = np.empty(3, np.int64), np.empty(3, np.int64), np.empty(3, np.int64)
    for a in range(3):
        at[a] = _cell_of(fraction, cells, a)
        lowest[a] = -1 if cells[a] > 2 else 0
        highest[a] = 1 if cells[a] > 1 else 0
    count = 0
    for i in range(lowest[0], highest[0] + 1):
        for j in range(lowest[1], highest[1] + 1):
            for k in range(lowest[2], highest[2] + 1):
                x, y, z = (at[0] + i) % cells[0], (at[1] + j) % cells[1], (at[2] + k) % cells[2]
                out[count] = (x * cells[1] + y) * cells[2] + z
                count += 1
    return count


@njit(cache=True, nogil=True)
def _rows(fraction: Array, box: Array, cutoff: float, cells: Indices, first: Indices) -> tuple[Indices, Indices, Array]:
    """Return the neighbors of each particle, all numbered by cell."""
    n = len(fraction)
    nearby, around = np.empty(27, np.int64), 0
    start = np.zeros(n + 1, np.int64)
    index, vector = np.empty(16 * n, np.int64), np.empty((16 * n, 3))
    found, cell = 0, -1
    for i in range(n):
        while first[cell + 1] <= i:
            cell += 1
            around = _surrounding(fraction[i], cells, nearby)
        for c in range(around):
            begin, end = first[nearby[c]], first[nearby[c] + 1]
            if found + end - begin > len(index):
                index, vector = _grown(index, vector, found, 2 * len(index) + end - begin)
            for j in range(begin, end):
                f = fraction[j, 0] - fraction[i, 0]
                g = fraction[j, 1] - fraction[i, 1]
                h = fraction[j, 2] - fraction[i, 2]
                f, g, h = f - np.rint(f), g - np.rint(g), h - np.rint(h)
                x = f * box[0, 0] + g * box[1, 0] + h * box[2, 0]
                y = f * box[0, 1] + g * box[1, 1] + h * box[2, 1]
                z = f * box[0, 2] + g * box[1, 2] + h * box[2, 2]
                index[found] = j
                vector[found, 0], vector[found, 1], vector[found, 2] = x, y, z
                # Kept by moving on: no branch to mispredict.
                found += (x * x + y * y + z * z < cutoff * cutoff) & (i != j)
        start[i + 1] = found
    return start, index[:found], vector[:found]


@njit(cache=True, nogil=True)
def _grown(index: Indices, vector: Array, used: int, room: int) -> tuple[Indices, Array]:
    index_, vector_ = np.empty(room, np.int64), np.empty((room, 3))
    index_[:used], vector_[:used] = index[:used], vector[:used]
    return index_, vector_


@njit(cache=True, nogil=True)
def _sorted_rows(
    order: Indices, start: Indices, index: Indices, vector: Array
) -> tuple[Indices, Indices, Array, Array]:
    """Return rows and columns numbered as the particles are, ascending."""
    # The list holds each pair both ways, so its transpose is itself; and transposing row by row sorts the columns.
    n = len(order)
    row, begin = np.empty(n, np.int64), np.zeros(n + 1, np.int64)
    for k in range(n):
        row[order[k]] = k
        begin[order[k] + 1] = start[k + 1] - start[k]
    begin = np.cumsum(begin)
    filled = begin[:-1].copy()
    index_, vector_, distance = np.empty_like(index), np.empty_like(vector), np.empty(len(index))
    for i in range(n):
        for p in range(start[row[i]], start[row[i] + 1]):
            j = order[index[p]]
            place = filled[j]
            x, y, z = -vector[p, 0], -vector[p, 1], -vector[p, 2]
            index_[place] = i
            vector_[place, 0], vector_[place, 1], vector_[place, 2] = x, y, z
            distance[place] = np.sqrt(x * x + y * y + z * z)
            filled[j] += 1
    return begin, index_, vector_, distance
