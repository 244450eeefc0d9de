"""Continuous-filter convolution over pairs on the CPU: nothing of the size of pairs × channels is ever made.

A filter is a cubic B-spline, w_m(d) = Σ_k B_k(t) C[q + k, m] with q + t = d/spacing. All that learning needs are derivatives
of one form, S = Σ over pairs ij and channels m of w_m(d_ij) (a_im y_jm + a_jm y_im): first ones, and first ones of these.
"""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numba
import numpy as np

_FAST = {"nsz", "arcp", "contract", "reassoc"}


@numba.njit(inline="always")
def _knots(d: Any, inverse: Any, last: Any, b: Any, e: Any) -> Any:
    """Fill values and slopes of the four B-splines at d; return the number of the first."""
    x = d * inverse
    q = min(int(x), last)
    t = x - q
    s = 1 - t
    b[0], b[3] = s * s * s / 6, t * t * t / 6
    b[1], b[2] = (3 * t * t * t - 6 * t * t + 4) / 6, (3 * s * s * s - 6 * s * s + 4) / 6
    half = inverse / 2
    e[0], e[3] = -s * s * half, t * t * half
    e[1], e[2] = (3 * t * t - 4 * t) * half, (4 * s - 3 * s * s) * half
    return q


@numba.njit(fastmath=_FAST, cache=True, nogil=True)
def gather(y: Any, c: Any, i: Any, j: Any, d: Any, inverse: Any, out: Any) -> None:
    """Add Σ_j w(d_ij) y_j to every row i of `out`."""
    last, n = c.shape[0] - 4, y.shape[1]
    b, e = np.empty(4, y.dtype), np.empty(4, y.dtype)
    for p in range(len(d)):
        q = _knots(d[p], inverse, last, b, e)
        b0, b1, b2, b3 = b[0], b[1], b[2], b[3]
        c0, c1, c2, c3 = c[q], c[q + 1], c[q + 2], c[q + 3]
        yi, yj, oi, oj = y[i[p]], y[j[p]], out[i[p]], out[j[p]]
        for m in range(n):
            w = b0 * c0[m] + b1 * c1[m] + b2 * c2[m] + b3 * c3[m]
            oi[m] += w * yj[m]
            oj[m] += w * yi[m]


@numba.njit(fastmath=_FAST, cache=True, nogil=True)
def slopes(a: Any, y: Any, c: Any, i: Any, j: Any, d: Any, inverse: Any, out: Any, g_y: Any) -> None:
    """Set dS/dd of every pair and add dS/dy."""
    last, n = c.shape[0] - 4, y.shape[1]
    b, e = np.empty(4, y.dtype), np.empty(4, y.dtype)
    for p in range(len(d)):
        q = _knots(d[p], inverse, last, b, e)
        b0, b1, b2, b3 = b[0], b[1], b[2], b[3]
        e0, e1, e2, e3 = e[0], e[1], e[2], e[3]
        c0, c1, c2, c3 = c[q], c[q + 1], c[q + 2], c[q + 3]
        ai, aj, yi, yj, gi, gj = a[i[p]], a[j[p]], y[i[p]], y[j[p]], g_y[i[p]], g_y[j[p]]
        total = y.dtype.type(0)
        for m in range(n):
            w = b0 * c0[m] + b1 * c1[m] + b2 * c2[m] + b3 * c3[m]
            v = e0 * c0[m] + e1 * c1[m] + e2 * c2[m] + e3 * c3[m]
            gi[m] += w * aj[m]
            gj[m] += w * ai[m]
            total += v * (ai[m] * yj[m] + aj[m] * yi[m])
        out[p] = total


@numba.njit(fastmath=_FAST, cache=True, nogil=True)
def knots_gradient(a: Any, y: Any, i: Any, j: Any, d: Any, inverse: Any, g_c: Any) -> None:
    """Add dS/dC."""
    last, n = g_c.shape[0] - 4, y.shape[1]
    b, e = np.empty(4, y.dtype), np.empty(4, y.dtype)
    for p in range(len(d)):
        q = _knots(d[p], inverse, last, b, e)
        b0, b1, b2, b3 = b[0], b[1], b[2], b[3]
        g0, g1, g2, g3 = g_c[q], g_c[q + 1], g_c[q + 2], g_c[q + 3]
        ai, aj, yi, yj = a[i[p]], a[j[p]], y[i[p]], y[j[p]]
        for m in range(n):
            s = ai[m] * yj[m] + aj[m] * yi[m]
            g0[m] += b0 * s
            g1[m] += b1 * s
            g2[m] += b2 * s
            g3[m] += b3 * s


@numba.njit(fastmath=_FAST, cache=True, nogil=True)
def second(
    u: Any, v_d: Any, a: Any, y: Any, c: Any, i: Any, j: Any, d: Any, inverse: Any, g_a: Any, g_y: Any, g_c: Any
) -> None:
    """Add the derivatives by a, y and C of Σ u·dS/dy + Σ v·dS/dd."""
    last, n = c.shape[0] - 4, y.shape[1]
    b, e = np.empty(4, y.dtype), np.empty(4, y.dtype)
    for p in range(len(d)):
        q = _knots(d[p], inverse, last, b, e)
        for k in range(4):
            e[k] *= v_d[p]
        b0, b1, b2, b3 = b[0], b[1], b[2], b[3]
        e0, e1, e2, e3 = e[0], e[1], e[2], e[3]
        c0, c1, c2, c3 = c[q], c[q + 1], c[q + 2], c[q + 3]
        g0, g1, g2, g3 = g_c[q], g_c[q + 1], g_c[q + 2], g_c[q + 3]
        k, l = i[p], j[p]
        ai, aj, yi, yj, ui, uj = a[k], a[l], y[k], y[l], u[k], u[l]
        gai, gaj, gyi, gyj = g_a[k], g_a[l], g_y[k], g_y[l]
        for m in range(n):
            w = b0 * c0[m] + b1 * c1[m] + b2 * c2[m] + b3 * c3[m]
            v = e0 * c0[m] + e1 * c1[m] + e2 * c2[m] + e3 * c3[m]
            s = ai[m] * uj[m] + aj[m] * ui[m]
            t = ai[m] * yj[m] + aj[m] * yi[m]
            g0[m] += b0 * s + e0 * t
            g1[m] += b1 * s + e1 * t
            g2[m] += b2 * s + e2 * t
            g3[m] += b3 * s + e3 * t
            gai[m] += w * uj[m] + v * yj[m]
            gaj[m] += w * ui[m] + v * yi[m]
            gyi[m] += v * aj[m]
            gyj[m] += v * ai[m]


@numba.njit(cache=True, nogil=True)
def within(x: Any, i: Any, j: Any, images: Any, cutoff: Any) -> Any:
    """Return i, j, distance and direction of the pairs nearer than the cutoff."""
    one, other, d, direction = np.empty_like(i), np.empty_like(j), np.empty(len(i)), np.empty_like(images)
    n = 0
    for p in range(len(i)):
        k, l = i[p], j[p]
        a, b = x[l, 0] - x[k, 0] + images[p, 0], x[l, 1] - x[k, 1] + images[p, 1]
        c = x[l, 2] - x[k, 2] + images[p, 2]
        r = np.sqrt(a * a + b * b + c * c)
        if r < cutoff:
            one[n], other[n], d[n], s = k, l, r, 1 / r
            direction[n, 0], direction[n, 1], direction[n, 2] = s * a, s * b, s * c
            n += 1
    return one[:n], other[:n], d[:n], direction[:n]


@numba.njit(cache=True, nogil=True)
def forces(slopes: Any, direction: Any, i: Any, j: Any, out: Any) -> None:
    """Add the forces of dU/dd."""
    for p in range(len(slopes)):
        k, l = i[p], j[p]
        for m in range(3):
            along = slopes[p] * direction[p, m]
            out[k, m] += along
            out[l, m] -= along


@numba.njit(cache=True, nogil=True)
def curves(
    d: Any, i: Any, j: Any, types: Any, number: Any, first: Any, start: Any, end: Any, inverse: Any, c: Any,
    energy: Any, slope: Any,
) -> Any:  # fmt: skip
    """Set U and dU/dd of every pair, nan where it is nearer than its table begins; return how many of those there are."""
    left, known = 0, len(number)
    for p in range(len(d)):
        a, b, r = types[i[p]], types[j[p]], np.float64(d[p])
        k = number[a, b] if a < known and b < known else -1
        if k < 0 or r >= end[k]:
            energy[p] = slope[p] = 0.0
        elif r < start[k]:
            energy[p] = slope[p] = np.nan
            left += 1
        else:
            x = (r - start[k]) * inverse[k]
            q = min(int(x), first[k + 1] - first[k] - 1)
            t, u = x - q, c[first[k] + q]
            energy[p] = u[0] + t * (u[1] + t * (u[2] + t * (u[3] + t * (u[4] + t * u[5]))))
            slope[p] = (u[1] + t * (2 * u[2] + t * (3 * u[3] + t * (4 * u[4] + t * 5 * u[5])))) * inverse[k]
    return left
