"""Pair forces from table rows over a half list, and their exact transpose.

A list holds, per particle, later particles and the lattice shift of their image; distances follow from the positions, so
that a list may be older than they are and derivatives go through every distance.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"
from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

_kernel = njit(nogil=True, error_model="numpy")


class Rows(NamedTuple):
    """Cubics of all tables: `rows` (row, 4), and per ordered pair of types where they are, as `Curves` has them."""

    rows: Any
    pairs: Any
    types: int


class Pairs(NamedTuple):
    """A half list: `others[starts[i]:starts[i + 1]]` are i's partners, `shifts` the vectors to their images."""

    starts: Any
    others: Any
    shifts: Any


@_kernel
def list_pairs(x, box, inverse, reach, room):
    """Return the half list of all pairs within `reach`, with room for at least `room` of them."""
    n = len(x)
    starts = np.zeros(n + 1, dtype=np.int64)
    while True:
        others, shifts = np.empty(room, dtype=np.int32), np.empty((room, 3))
        found = _fill(x, box, inverse, reach * reach, starts, others, shifts)
        if found <= room:
            return Pairs(starts, others, shifts)
        room = found + found // 4


@_kernel
def _fill(x, box, inverse, reach2, starts, others, shifts):
    n, count, room = len(x), 0, len(others)
    for i in range(n):
        for j in range(i + 1, n):
            d0, d1, d2 = x[j, 0] - x[i, 0], x[j, 1] - x[i, 1], x[j, 2] - x[i, 2]
            n0 = np.rint(d0 * inverse[0, 0] + d1 * inverse[1, 0] + d2 * inverse[2, 0])
            n1 = np.rint(d0 * inverse[0, 1] + d1 * inverse[1, 1] + d2 * inverse[2, 1])
            n2 = np.rint(d0 * inverse[0, 2] + d1 * inverse[1, 2] + d2 * inverse[2, 2])
            s0 = -(n0 * box[0, 0] + n1 * box[1, 0] + n2 * box[2, 0])
            s1 = -(n0 * box[0, 1] + n1 * box[1, 1] + n2 * box[2, 1])
            s2 = -(n0 * box[0, 2] + n1 * box[1, 2] + n2 * box[2, 2])
            if (d0 + s0) ** 2 + (d1 + s1) ** 2 + (d2 + s2) ** 2 < reach2:
                if count < room:
                    others[count] = j
                    shifts[count, 0], shifts[count, 1], shifts[count, 2] = s0, s1, s2
                count += 1
        starts[i + 1] = count
    return count


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
def pair_forces(x, kinds, table, listed, forces):
    """Write the forces; return energy, virial Σ r F(r), and whether every pair lies on its table."""
    forces[:] = 0.0
    energy = virial = 0.0
    sound = True
    for i in range(len(x)):
        f0 = f1 = f2 = 0.0
        for p in range(listed.starts[i], listed.starts[i + 1]):
            j = listed.others[p]
            d0 = x[j, 0] - x[i, 0] + listed.shifts[p, 0]
            d1 = x[j, 1] - x[i, 1] + listed.shifts[p, 1]
            d2 = x[j, 2] - x[i, 2] + listed.shifts[p, 2]
            r = math.sqrt(d0 * d0 + d1 * d1 + d2 * d2)
            start, per, count, first = table.pairs[kinds[i] * table.types + kinds[j]]
            y = (r - start) * per
            if not y < count:
                sound &= y >= count
                continue
            sound &= y >= 0
            k = max(int(y), 0)
            t = y - k
            c0, c1, c2, c3 = table.rows[int(first) + k]
            force = -(c1 + t * (2 * c2 + 3 * t * c3)) * per
            energy += c0 + t * (c1 + t * (c2 + t * c3))
            virial += r * force
            s = force / r
            f0 -= s * d0
            f1 -= s * d1
            f2 -= s * d2
            forces[j, 0] += s * d0
            forces[j, 1] += s * d1
            forces[j, 2] += s * d2
        forces[i, 0] += f0
        forces[i, 1] += f1
        forces[i, 2] += f2
    return energy, virial, sound


@_kernel
def pair_forces_vjp(x, kinds, table, listed, g_forces, g_energy, g_virial, forces, g_x, g_rows):
    """Add to `g_x` and `g_rows` what the adjoints of forces, energy and virial say of positions and rows.

    The forces themselves are computed once more on the way.
    """
    forces[:] = 0.0
    for i in range(len(x)):
        f0 = f1 = f2 = h0 = h1 = h2 = 0.0
        for p in range(listed.starts[i], listed.starts[i + 1]):
            j = listed.others[p]
            d0 = x[j, 0] - x[i, 0] + listed.shifts[p, 0]
            d1 = x[j, 1] - x[i, 1] + listed.shifts[p, 1]
            d2 = x[j, 2] - x[i, 2] + listed.shifts[p, 2]
            r = math.sqrt(d0 * d0 + d1 * d1 + d2 * d2)
            start, per, count, first = table.pairs[kinds[i] * table.types + kinds[j]]
            y = (r - start) * per
            if not y < count:
                continue
            k = max(int(y), 0)
            t = y - k
            _, c1, c2, c3 = table.rows[int(first) + k]
            force = -(c1 + t * (2 * c2 + 3 * t * c3)) * per
            slope = -(2 * c2 + 6 * t * c3) * per * per
            inverse = 1.0 / r
            s = force * inverse
            b0 = g_forces[j, 0] - g_forces[i, 0]
            b1 = g_forces[j, 1] - g_forces[i, 1]
            b2 = g_forces[j, 2] - g_forces[i, 2]
            along = (d0 * b0 + d1 * b1 + d2 * b2) * inverse
            q = (along * (slope - s) - g_energy * force + g_virial * (force + r * slope)) * inverse
            q0, q1, q2 = s * b0 + q * d0, s * b1 + q * d1, s * b2 + q * d2
            f0 -= s * d0
            f1 -= s * d1
            f2 -= s * d2
            forces[j, 0] += s * d0
            forces[j, 1] += s * d1
            forces[j, 2] += s * d2
            h0 -= q0
            h1 -= q1
            h2 -= q2
            g_x[j, 0] += q0
            g_x[j, 1] += q1
            g_x[j, 2] += q2
            w = -(along + g_virial * r) * per
            row = int(first) + k
            g_rows[row, 0] += g_energy
            g_rows[row, 1] += w + g_energy * t
            g_rows[row, 2] += t * (2 * w + g_energy * t)
            g_rows[row, 3] += t * t * (3 * w + g_energy * t)
        forces[i, 0] += f0
        forces[i, 1] += f1
        forces[i, 2] += f2
        g_x[i, 0] += h0
        g_x[i, 1] += h1
        g_x[i, 2] += h2
