"""Second moments beside T: 1/N Σ_j S_ij ⊗ G(s_ij) with S = w/(r³ σ″) (x², y², z², √2 xy, √2 xz, √2 yz), so that S·S′ has cos² θ.

As `smooth_kernels`, with whose rows, tables and s they go; what is beyond the cutoff adds nothing.
"""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numpy as np

from cg_models.deep_potential.jit import njit
from cg_models.deep_potential.smooth_kernels import _bends, _knots, _place
from cg_models.many_body.lanes import load, store, total

_ROOT = float(np.sqrt(2.0))
ROWS = 6


@njit(inline="always")
def _switched(x: Any, y: Any, z: Any, of: Any, c: Any) -> Any:
    """Return 1/r, s, ds/dr, w/(r³ σ″) and its slope by r."""
    r = np.sqrt(x * x + y * y + z * z)
    inverse = 1 / r
    width = 1 / (of.cutoff - of.smooth_from)
    u = min(max((r - of.smooth_from) * width, 0.0), 1.0)
    w = u * u * u * (u * (15 - 6 * u) - 10) + 1
    dw = -30 * width * u * u * (1 - u) * (1 - u)
    p = w * inverse * inverse * inverse * of.quadratic[c]
    dp = dw * inverse * inverse * inverse * of.quadratic[c] - 3 * p * inverse
    s = w * inverse
    return inverse, (s - of.mean[c]) * of.radial[c], (dw - s) * inverse * of.radial[c], p, dp


@njit(inline="always")
def _squares(x: Any, y: Any, z: Any, p: Any, row: Any) -> None:
    row[0], row[1], row[2] = p * x * x, p * y * y, p * z * z
    row[3], row[4], row[5] = _ROOT * p * x * y, _ROOT * p * x * z, _ROOT * p * y * z


@njit(inline="always")
def _along(x: Any, y: Any, z: Any, u: Any, of: Any, c: Any, row: Any, turn: Any) -> Any:
    """Fill S and its change when the vector changes by u; return s and its change."""
    inverse, s, ds, p, dp = _switched(x, y, z, of, c)
    closer = (x * u[0] + y * u[1] + z * u[2]) * inverse
    _squares(x, y, z, p, row)
    _squares(x, y, z, dp * closer, turn)
    turn[0] += 2 * p * x * u[0]
    turn[1] += 2 * p * y * u[1]
    turn[2] += 2 * p * z * u[2]
    turn[3] += _ROOT * p * (x * u[1] + y * u[0])
    turn[4] += _ROOT * p * (x * u[2] + z * u[0])
    turn[5] += _ROOT * p * (y * u[2] + z * u[1])
    return s, ds * closer


@njit(cache=True, nogil=True, error_model="numpy")
def values(types: Any, first: Any, j: Any, vectors: Any, of: Any, table: Any, out: Any) -> None:
    """Set the moments (atom, 6, channel)."""
    kinds, knots, width = table.shape[0], table.shape[2], table.shape[4]
    row, b, sums = np.empty(6), np.empty(6), np.empty(6 * width)
    norm = 1 / np.sum(of.count)
    for i in range(len(types)):
        c = types[i]
        sums[:] = 0.0
        for e in range(first[i], first[i + 1]):
            x, y, z = vectors[e, 0], vectors[e, 1], vectors[e, 2]
            if x * x + y * y + z * z < of.cutoff * of.cutoff:
                _, s, _, p, _ = _switched(x, y, z, of, c)
                _squares(x, y, z, p, row)
                k, place = _place(s, of, c, knots)
                _knots(place, b)
                at = ((c * kinds + types[j[e]]) * knots + k) * 3 * width
                for m in range(0, width, 8):
                    g = b[0] * load(table, at + m, 8)
                    for n in range(1, 6):
                        g = g + b[n] * load(table, at + n * width + m, 8)
                    for a in range(6):
                        store(sums, a * width + m, load(sums, a * width + m, 8) + row[a] * g)
        for m in range(0, 6 * width, 8):
            store(out, i * 6 * width + m, norm * load(sums, m, 8))


@njit(cache=True, nogil=True, error_model="numpy")
def slopes(types: Any, first: Any, j: Any, vectors: Any, of: Any, table: Any, by: Any, out: Any) -> None:
    """Add dE/dvector (edge, 3) of an E with the slopes `by` (atom, 6, channel) of the moments."""
    kinds, knots, width = table.shape[0], table.shape[2], table.shape[4]
    row, b, d, q = np.empty(6), np.empty(6), np.empty(6), np.empty(6)
    norm = 1 / np.sum(of.count)
    for i in range(len(types)):
        c, start = types[i], i * 6 * width
        for e in range(first[i], first[i + 1]):
            x, y, z = vectors[e, 0], vectors[e, 1], vectors[e, 2]
            if x * x + y * y + z * z < of.cutoff * of.cutoff:
                inverse, s, ds, p, dp = _switched(x, y, z, of, c)
                _squares(x, y, z, 1.0, row)
                k, place = _place(s, of, c, knots)
                _knots(place, b)
                _bends(place, of.inverse, d)
                at = ((c * kinds + types[j[e]]) * knots + k) * 3 * width
                v = load(table, at, 8)
                q0, q1, q2, q3, q4, q5, t = 0.0 * v, 0.0 * v, 0.0 * v, 0.0 * v, 0.0 * v, 0.0 * v, 0.0 * v
                for m in range(0, width, 8):
                    v = load(table, at + m, 8)
                    g, h = b[0] * v, d[0] * v
                    for n in range(1, 6):
                        v = load(table, at + n * width + m, 8)
                        g, h = g + b[n] * v, h + d[n] * v
                    a0, a1, a2 = (
                        load(by, start + m, 8),
                        load(by, start + width + m, 8),
                        load(by, start + 2 * width + m, 8),
                    )
                    a3, a4 = load(by, start + 3 * width + m, 8), load(by, start + 4 * width + m, 8)
                    a5 = load(by, start + 5 * width + m, 8)
                    q0, q1, q2, q3, q4, q5 = (
                        q0 + a0 * g,
                        q1 + a1 * g,
                        q2 + a2 * g,
                        q3 + a3 * g,
                        q4 + a4 * g,
                        q5 + a5 * g,
                    )
                    t = t + (row[0] * a0 + row[1] * a1 + row[2] * a2 + row[3] * a3 + row[4] * a4 + row[5] * a5) * h
                q[0], q[1], q[2] = total(q0), total(q1), total(q2)
                q[3], q[4], q[5] = total(q3) / _ROOT, total(q4) / _ROOT, total(q5) / _ROOT
                mx, my, mz = (
                    q[0] * x + q[3] * y + q[4] * z,
                    q[3] * x + q[1] * y + q[5] * z,
                    q[4] * x + q[5] * y + q[2] * z,
                )
                along = norm * inverse * (dp * (x * mx + y * my + z * mz) + p * ds * total(t))
                out[e, 0] += along * x + 2 * norm * p * mx
                out[e, 1] += along * y + 2 * norm * p * my
                out[e, 2] += along * z + 2 * norm * p * mz


@njit(cache=True, nogil=True, error_model="numpy")
def changes(types: Any, first: Any, j: Any, vectors: Any, of: Any, table: Any, u: Any, out: Any) -> None:
    """Set how moments (atom, 6, channel) change when vectors change by u (edge, 3)."""
    kinds, knots, width = table.shape[0], table.shape[2], table.shape[4]
    row, turn, b, d, sums = np.empty(6), np.empty(6), np.empty(6), np.empty(6), np.empty(6 * width)
    norm = 1 / np.sum(of.count)
    for i in range(len(types)):
        c = types[i]
        sums[:] = 0.0
        for e in range(first[i], first[i + 1]):
            x, y, z = vectors[e, 0], vectors[e, 1], vectors[e, 2]
            if x * x + y * y + z * z < of.cutoff * of.cutoff:
                s, ds = _along(x, y, z, u[e], of, c, row, turn)
                k, place = _place(s, of, c, knots)
                _knots(place, b)
                _bends(place, of.inverse * ds, d)
                at = ((c * kinds + types[j[e]]) * knots + k) * 3 * width
                for m in range(0, width, 8):
                    v = load(table, at + m, 8)
                    g, h = b[0] * v, d[0] * v
                    for n in range(1, 6):
                        v = load(table, at + n * width + m, 8)
                        g, h = g + b[n] * v, h + d[n] * v
                    for a in range(6):
                        store(sums, a * width + m, load(sums, a * width + m, 8) + (turn[a] * g + row[a] * h))
        for m in range(0, 6 * width, 8):
            store(out, i * 6 * width + m, norm * load(sums, m, 8))


@njit(cache=True, nogil=True, error_model="numpy")
def table_slopes(
    types: Any, first: Any, j: Any, vectors: Any, of: Any, u: Any, by: Any, by_change: Any, out: Any
) -> None:
    """Add dL/dtable of an L with slopes `by` of moments and `by_change` of their change along u, both (atom, 6, channel)."""
    kinds, knots, width = out.shape[0], out.shape[2], out.shape[4]
    row, turn, b, d = np.empty(6), np.empty(6), np.empty(6), np.empty(6)
    norm = 1 / np.sum(of.count)
    for i in range(len(types)):
        c, start = types[i], i * 6 * width
        for e in range(first[i], first[i + 1]):
            x, y, z = vectors[e, 0], vectors[e, 1], vectors[e, 2]
            if x * x + y * y + z * z < of.cutoff * of.cutoff:
                s, ds = _along(x, y, z, u[e], of, c, row, turn)
                k, place = _place(s, of, c, knots)
                _knots(place, b)
                _bends(place, of.inverse * ds, d)
                at = ((c * kinds + types[j[e]]) * knots + k) * 3 * width
                for m in range(0, width, 8):
                    v = load(by_change, start + m, 8)
                    g, h = row[0] * load(by, start + m, 8) + turn[0] * v, row[0] * v
                    for a in range(1, 6):
                        v = load(by_change, start + a * width + m, 8)
                        g, h = g + (row[a] * load(by, start + a * width + m, 8) + turn[a] * v), h + row[a] * v
                    g, h = norm * g, norm * h
                    for n in range(6):
                        store(out, at + n * width + m, load(out, at + n * width + m, 8) + (b[n] * g + d[n] * h))
