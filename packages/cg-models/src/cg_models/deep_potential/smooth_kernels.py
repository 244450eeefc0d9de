"""Smooth environments of all atoms on the CPU: T = 1/N Σ_j R_ij ⊗ G(s_ij), its slopes, its change along a displacement, and its table's.

R = ((w/r − μ)/σ, w x/(r² σ′), …) with the switch w(r), s is its first number, and G a table of quintics in s with values, first and
second derivatives at its knots: what is returned is the derivative of the table, exactly. Nothing of the size of edges × channels
is made. Tables are (center, neighbor, knot, 3, channel) with channels a multiple of eight, derivatives in units of the knots' distance.
"""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from cg_models.deep_potential.jit import njit
from cg_models.many_body.lanes import load, store, total


class Rows(NamedTuple):
    """How R and s are made, by type of center: μ, 1/σ, 1/σ′, 1/σ″ and s of what is beyond the cutoff, where its tables begin."""

    cutoff: float
    smooth_from: float
    mean: Any
    radial: Any
    angular: Any
    start: Any
    inverse: float
    count: Any
    quadratic: Any


@njit(inline="always")
def _row(x: Any, y: Any, z: Any, of: Any, c: Any, row: Any) -> Any:
    """Fill R; return 1/r, w/r², and the slopes by r of w/r and of w/r²."""
    r = np.sqrt(x * x + y * y + z * z)
    inverse = 1 / r
    width = 1 / (of.cutoff - of.smooth_from)
    u = min(max((r - of.smooth_from) * width, 0.0), 1.0)
    w = u * u * u * (u * (15 - 6 * u) - 10) + 1
    dw = -30 * width * u * u * (1 - u) * (1 - u)
    s = w * inverse
    ds = (dw - s) * inverse
    q = s * inverse
    row[0] = (s - of.mean[c]) * of.radial[c]
    row[1], row[2], row[3] = q * x * of.angular[c], q * y * of.angular[c], q * z * of.angular[c]
    return inverse, q, ds, (ds - q) * inverse


@njit(inline="always")
def _knots(t: Any, b: Any) -> None:
    """Fill the quintics of values, slopes and second derivatives at the left knot and at the right one."""
    t2 = t * t
    t3 = t2 * t
    b[3] = t3 * (10 + t * (6 * t - 15))
    b[0] = 1 - b[3]
    b[1] = t - t3 * (6 + t * (3 * t - 8))
    b[4] = -t3 * (4 + t * (3 * t - 7))
    b[2] = t2 * (0.5 - t * (1.5 - t * (1.5 - 0.5 * t)))
    b[5] = t3 * (0.5 - t * (1 - 0.5 * t))


@njit(inline="always")
def _bends(t: Any, inverse: Any, e: Any) -> None:
    """Fill their derivatives by s."""
    t2 = t * t
    e[3] = 30 * t2 * (1 - t) * (1 - t) * inverse
    e[0] = -e[3]
    e[1] = (1 - t2 * (18 - t * (32 - 15 * t))) * inverse
    e[4] = -t2 * (12 - t * (28 - 15 * t)) * inverse
    e[2] = t * (1 - t * (4.5 - t * (6 - 2.5 * t))) * inverse
    e[5] = t2 * (1.5 - t * (4 - 2.5 * t)) * inverse


@njit(inline="always")
def _place(s: Any, of: Any, c: Any, knots: Any) -> Any:
    p = (s - of.start[c]) * of.inverse
    k = max(min(int(p), knots - 2), 0)
    return k, p - k


@njit(cache=True, nogil=True, error_model="numpy")
def values(types: Any, first: Any, j: Any, vectors: Any, of: Any, table: Any, out: Any) -> None:
    """Set T (atom, 4, channel)."""
    kinds, knots, width = table.shape[0], table.shape[2], table.shape[4]
    row, b, sums = np.empty(4), np.empty(6), np.empty(4 * width)
    left = np.empty(kinds)
    norm = 1 / np.sum(of.count)
    for i in range(len(types)):
        c = types[i]
        sums[:], left[:] = 0.0, of.count
        for e in range(first[i], first[i + 1]):
            x, y, z = vectors[e, 0], vectors[e, 1], vectors[e, 2]
            if x * x + y * y + z * z < of.cutoff * of.cutoff:
                t = types[j[e]]
                left[t] -= 1
                _row(x, y, z, of, c, row)
                k, place = _place(row[0], of, c, knots)
                _knots(place, b)
                at = ((c * kinds + t) * knots + k) * 3 * width
                for m in range(0, width, 8):
                    g = b[0] * load(table, at + m, 8)
                    for p in range(1, 6):
                        g = g + b[p] * load(table, at + p * width + m, 8)
                    for a in range(4):
                        store(sums, a * width + m, load(sums, a * width + m, 8) + row[a] * g)
        for t in range(kinds):
            at = (c * kinds + t) * knots * 3 * width
            for m in range(0, width, 8):
                store(sums, m, load(sums, m, 8) + (left[t] * of.start[c]) * load(table, at + m, 8))
        for m in range(0, 4 * width, 8):
            store(out, i * 4 * width + m, norm * load(sums, m, 8))


@njit(cache=True, nogil=True, error_model="numpy")
def slopes(types: Any, first: Any, j: Any, vectors: Any, of: Any, table: Any, by: Any, out: Any) -> None:
    """Set dE/dvector (edge, 3) of an E with the slopes `by` (atom, 4, channel) of T."""
    kinds, knots, width = table.shape[0], table.shape[2], table.shape[4]
    row, b, d, q = np.empty(4), np.empty(6), np.empty(6), np.empty(4)
    norm = 1 / np.sum(of.count)
    for i in range(len(types)):
        c, start = types[i], i * 4 * width
        for e in range(first[i], first[i + 1]):
            x, y, z = vectors[e, 0], vectors[e, 1], vectors[e, 2]
            out[e, 0], out[e, 1], out[e, 2] = 0.0, 0.0, 0.0
            if x * x + y * y + z * z < of.cutoff * of.cutoff:
                inverse, over, ds, dq = _row(x, y, z, of, c, row)
                k, place = _place(row[0], of, c, knots)
                _knots(place, b)
                _bends(place, of.inverse, d)
                at = ((c * kinds + types[j[e]]) * knots + k) * 3 * width
                r0, r1, r2, r3 = row[0], row[1], row[2], row[3]
                v = load(table, at, 8)
                q0, q1, q2, q3 = 0.0 * v, 0.0 * v, 0.0 * v, 0.0 * v
                for m in range(0, width, 8):
                    v = load(table, at + m, 8)
                    g, h = b[0] * v, d[0] * v
                    for p in range(1, 6):
                        v = load(table, at + p * width + m, 8)
                        g, h = g + b[p] * v, h + d[p] * v
                    a0, a1 = load(by, start + m, 8), load(by, start + width + m, 8)
                    a2, a3 = load(by, start + 2 * width + m, 8), load(by, start + 3 * width + m, 8)
                    q0 = q0 + (a0 * g + (r0 * a0 + r1 * a1 + r2 * a2 + r3 * a3) * h)
                    q1, q2, q3 = q1 + a1 * g, q2 + a2 * g, q3 + a3 * g
                q[0] = norm * of.radial[c] * total(q0)
                q[1], q[2], q[3] = total(q1), total(q2), total(q3)
                for a in range(1, 4):
                    q[a] *= norm * of.angular[c]
                along = (q[0] * ds + (q[1] * x + q[2] * y + q[3] * z) * dq) * inverse
                out[e, 0], out[e, 1], out[e, 2] = (
                    along * x + over * q[1],
                    along * y + over * q[2],
                    along * z + over * q[3],
                )


@njit(inline="always")
def _along(x: Any, y: Any, z: Any, u: Any, of: Any, c: Any, row: Any, turn: Any) -> None:
    """Fill R and its change when the vector changes by u."""
    inverse, over, ds, dq = _row(x, y, z, of, c, row)
    closer = (x * u[0] + y * u[1] + z * u[2]) * inverse
    turn[0] = ds * closer * of.radial[c]
    turn[1] = (dq * closer * x + over * u[0]) * of.angular[c]
    turn[2] = (dq * closer * y + over * u[1]) * of.angular[c]
    turn[3] = (dq * closer * z + over * u[2]) * of.angular[c]


@njit(cache=True, nogil=True, error_model="numpy")
def changes(types: Any, first: Any, j: Any, vectors: Any, of: Any, table: Any, u: Any, out: Any) -> None:
    """Set how T (atom, 4, channel) changes when vectors change by u (edge, 3)."""
    kinds, knots, width = table.shape[0], table.shape[2], table.shape[4]
    row, turn, b, d, sums = np.empty(4), np.empty(4), np.empty(6), np.empty(6), np.empty(4 * width)
    norm = 1 / np.sum(of.count)
    for i in range(len(types)):
        c = types[i]
        sums[:] = 0.0
        for e in range(first[i], first[i + 1]):
            x, y, z = vectors[e, 0], vectors[e, 1], vectors[e, 2]
            if x * x + y * y + z * z < of.cutoff * of.cutoff:
                _along(x, y, z, u[e], of, c, row, turn)
                k, place = _place(row[0], of, c, knots)
                _knots(place, b)
                _bends(place, of.inverse * turn[0], d)
                at = ((c * kinds + types[j[e]]) * knots + k) * 3 * width
                for m in range(0, width, 8):
                    v = load(table, at + m, 8)
                    g, h = b[0] * v, d[0] * v
                    for p in range(1, 6):
                        v = load(table, at + p * width + m, 8)
                        g, h = g + b[p] * v, h + d[p] * v
                    for a in range(4):
                        store(sums, a * width + m, load(sums, a * width + m, 8) + (turn[a] * g + row[a] * h))
        for m in range(0, 4 * width, 8):
            store(out, i * 4 * width + m, norm * load(sums, m, 8))


@njit(cache=True, nogil=True, error_model="numpy")
def table_slopes(
    types: Any, first: Any, j: Any, vectors: Any, of: Any, u: Any, by: Any, by_change: Any, out: Any
) -> None:
    """Add dL/dtable of an L with slopes `by` of T and `by_change` of its change along u, both (atom, 4, channel)."""
    kinds, knots, width = out.shape[0], out.shape[2], out.shape[4]
    row, turn, b, d = np.empty(4), np.empty(4), np.empty(6), np.empty(6)
    left = np.empty(kinds)
    norm = 1 / np.sum(of.count)
    for i in range(len(types)):
        c, start = types[i], i * 4 * width
        left[:] = of.count
        for e in range(first[i], first[i + 1]):
            x, y, z = vectors[e, 0], vectors[e, 1], vectors[e, 2]
            if x * x + y * y + z * z < of.cutoff * of.cutoff:
                t = types[j[e]]
                left[t] -= 1
                _along(x, y, z, u[e], of, c, row, turn)
                k, place = _place(row[0], of, c, knots)
                _knots(place, b)
                _bends(place, of.inverse * turn[0], d)
                at = ((c * kinds + t) * knots + k) * 3 * width
                for m in range(0, width, 8):
                    v = load(by_change, start + m, 8)
                    g, h = row[0] * load(by, start + m, 8) + turn[0] * v, row[0] * v
                    for a in range(1, 4):
                        v = load(by_change, start + a * width + m, 8)
                        g, h = g + (row[a] * load(by, start + a * width + m, 8) + turn[a] * v), h + row[a] * v
                    g, h = norm * g, norm * h
                    for p in range(6):
                        store(out, at + p * width + m, load(out, at + p * width + m, 8) + (b[p] * g + d[p] * h))
        for t in range(kinds):
            at = (c * kinds + t) * knots * 3 * width
            for m in range(0, width, 8):
                store(out, at + m, load(out, at + m, 8) + (norm * left[t] * of.start[c]) * load(by, start + m, 8))
