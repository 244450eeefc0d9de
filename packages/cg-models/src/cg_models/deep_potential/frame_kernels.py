"""Local frames of all atoms on the CPU (fig. 1 of paper 05): descriptors, their slopes, and their change along a displacement.

Of atom i: x towards its nearest neighbor a, z along a × b with b the second nearest, y = z × x. Neighbors of each type come in the
order of their distances; `full` of them have four numbers, 1/R and x/R², y/R², z/R², the others 1/R; places without a neighbor 0.
"""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numpy as np

from cg_models.deep_potential.jit import njit


@njit(cache=True, nogil=True)
def ordered(types: Any, first: Any, j: Any, vectors: Any, cutoff: Any, count: Any, seats: Any, ends: Any) -> None:
    """Set the edges of the seats (atom, seat), −1 where there is none, and those of a and b (atom, 2)."""
    starts = np.cumsum(count) - count
    taken = np.empty_like(count)
    for i in range(len(types)):
        edges = np.arange(first[i], first[i + 1])
        d = np.empty(len(edges))
        for k in range(len(edges)):
            v = vectors[edges[k]]
            d[k] = v[0] * v[0] + v[1] * v[1] + v[2] * v[2]
        taken[:], seats[i], ends[i] = 0, -1, -1
        for rank, k in enumerate(np.argsort(d, kind="mergesort")):
            if d[k] >= cutoff * cutoff:
                break
            if rank < 2:
                ends[i, rank] = edges[k]
            t = types[j[edges[k]]]
            if taken[t] < count[t]:
                seats[i, starts[t] + taken[t]] = edges[k]
                taken[t] += 1


@njit(inline="always")
def _cross(a: Any, b: Any, out: Any) -> None:
    out[0], out[1], out[2] = a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


@njit(inline="always")
def _dot(a: Any, b: Any) -> Any:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@njit(inline="always")
def _axes(ends: Any, i: Any, vectors: Any, axes: Any) -> Any:
    """Fill x, y, z of atom i (axis, 3); return |a| and |a × b|, both 0 where there is no frame, which axes of 0 say too."""
    axes[:] = 0.0
    if ends[i, 1] < 0:
        return 0.0, 0.0
    a, b = vectors[ends[i, 0]], vectors[ends[i, 1]]
    _cross(a, b, axes[2])
    along, area = np.sqrt(_dot(a, a)), np.sqrt(_dot(axes[2], axes[2]))
    if area == 0:
        return 0.0, 0.0
    for k in range(3):
        axes[0, k] = a[k] / along
        axes[2, k] /= area
    _cross(axes[2], axes[0], axes[1])
    return along, area


@njit(cache=True, nogil=True)
def values(seats: Any, ends: Any, place: Any, full: Any, vectors: Any, out: Any) -> None:
    """Set descriptors (atom, number), which are 0 before; `place` is where the numbers of a seat begin, `full` whether they are four."""
    axes = np.empty((3, 3))
    for i in range(len(seats)):
        _axes(ends, i, vectors, axes)
        for k in range(len(place)):
            if seats[i, k] >= 0:
                v = vectors[seats[i, k]]
                square = _dot(v, v)
                out[i, place[k]] = 1 / np.sqrt(square)
                if full[k]:
                    for axis in range(3):
                        out[i, place[k] + 1 + axis] = _dot(v, axes[axis]) / square


@njit(cache=True, nogil=True)
def changes(seats: Any, ends: Any, place: Any, full: Any, vectors: Any, u: Any, out: Any) -> None:
    """Set how descriptors, which are 0 before, change when vectors change by u (edge, 3)."""
    axes, turns, work = np.empty((3, 3)), np.empty((3, 3)), np.empty((2, 3))
    for i in range(len(seats)):
        along, area = _axes(ends, i, vectors, axes)
        turns[:] = 0.0
        if area > 0:
            a, b, da, db = vectors[ends[i, 0]], vectors[ends[i, 1]], u[ends[i, 0]], u[ends[i, 1]]
            _cross(da, b, work[0])
            _cross(a, db, work[1])
            work[0] += work[1]
            turns[0] = (da - _dot(axes[0], da) * axes[0]) / along
            turns[2] = (work[0] - _dot(axes[2], work[0]) * axes[2]) / area
            _cross(turns[2], axes[0], work[0])
            _cross(axes[2], turns[0], work[1])
            turns[1] = work[0] + work[1]
        for k in range(len(place)):
            if seats[i, k] >= 0:
                v, du = vectors[seats[i, k]], u[seats[i, k]]
                square = _dot(v, v)
                closer = _dot(v, du) / square
                out[i, place[k]] = -closer / np.sqrt(square)
                if full[k]:
                    for axis in range(3):
                        turned = _dot(du, axes[axis]) + _dot(v, turns[axis]) - 2 * closer * _dot(v, axes[axis])
                        out[i, place[k] + 1 + axis] = turned / square


@njit(cache=True, nogil=True)
def slopes(seats: Any, ends: Any, place: Any, full: Any, vectors: Any, by: Any, out: Any) -> None:
    """Add dE/dvector (edge, 3) of an E with the slopes `by` (atom, number) of descriptors."""
    axes, back, pull = np.empty((3, 3)), np.empty((3, 3)), np.empty((3, 3))
    for i in range(len(seats)):
        along, area = _axes(ends, i, vectors, axes)
        back[:] = 0.0
        for k in range(len(place)):
            e = seats[i, k]
            if e >= 0:
                v = vectors[e]
                square = _dot(v, v)
                closer = -by[i, place[k]] / np.sqrt(square)
                if full[k]:
                    for axis in range(3):
                        q = by[i, place[k] + 1 + axis] / square
                        closer -= 2 * q * _dot(v, axes[axis])
                        for x in range(3):  # expressions of arrays would make one each time
                            out[e, x] += q * axes[axis, x]
                            back[axis, x] += q * v[x]
                for x in range(3):
                    out[e, x] += closer / square * v[x]
        if area > 0:
            a, b = vectors[ends[i, 0]], vectors[ends[i, 1]]
            _cross(axes[0], back[1], pull[0])  # y = z × x, so dE/dz has x × dE/dy and dE/dx has dE/dy × z
            back[2] += pull[0]
            _cross(back[1], axes[2], pull[1])
            back[0] += pull[1]
            pull[2] = (back[2] - _dot(back[2], axes[2]) * axes[2]) / area  # by a × b
            _cross(b, pull[2], pull[0])
            _cross(pull[2], a, pull[1])
            out[ends[i, 0]] += pull[0] + (back[0] - _dot(back[0], axes[0]) * axes[0]) / along
            out[ends[i, 1]] += pull[1]
