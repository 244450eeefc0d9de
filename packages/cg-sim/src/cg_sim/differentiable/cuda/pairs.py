"""The pairs of one particle on the device: which are near, the force on it, and what a loss says of where it is.

Every particle has all its neighbors in its row of the list, so that forces and adjoints of positions are gathered by the
thread that owns them: no atomics, and an order that never changes. Rows ascend and pairs beyond the tables add nothing:
when a list was made changes no bit. Points are fractions of the box and the type at 4·c + k, c a particle's column among
those of all replicas.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"
from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import cuda

from cg_sim.differentiable.cuda.fixed_point import add
from cg_sim.engines.cuda.packing import REACH2
from cg_sim.engines.cuda.pair_functions import flavor


class Listed(NamedTuple):
    """The neighbors of particle c are rows[k·stride + c], k < counts[c]."""

    rows: Any
    counts: Any


class Pairs(NamedTuple):
    """Device functions for one kind of box, and for one type or any."""

    place: Any
    list_neighbors: Any
    pull: Any
    pull_back: Any


@cuda.jit(device=True)
def width(listed):
    """Return how many neighbors a row can hold."""
    return len(listed.rows) // len(listed.counts)


@cuda.jit(device=True)
def _curve(pair, law):
    """Return start, 1/spacing and number of rows of a pair's curve, and its first row."""
    return law.shapes[pair, 0], law.shapes[pair, 1], law.shapes[pair, 2], law.firsts[pair]


@cache
def pair_functions(*, triclinic: bool, typed: bool) -> Pairs:
    """Return the device functions of one kind of box."""
    f = flavor(single=False, triclinic=triclinic, typed=typed, planes=False)
    apart, visit = _visiting(f.offset, typed=typed)
    return Pairs(f.place, _listing(apart, f.factors), _pulling(visit, f.factors), _pulling_back(visit, f.factors))


def _visiting(offset, *, typed):
    @cuda.jit(device=True)
    def apart(a, b, points, box):
        """Return the vector from b to the nearest image of a, and its length squared."""
        dx, dy, dz = offset(
            points[4 * a], points[4 * a + 1], points[4 * a + 2], points[4 * b], points[4 * b + 1], points[4 * b + 2],
            box,
        )  # fmt: skip
        return dx, dy, dz, dx * dx + dy * dy + dz * dz

    @cuda.jit(device=True)
    def visit(a, b, points, box, law):
        """Return a pair's vector, r, its row of the tables (−1 beyond), the place in it, 1/spacing, and r − start."""
        dx, dy, dz, r2 = apart(a, b, points, box)
        pair, r = law.first_pair, math.sqrt(r2)
        if typed:
            pair += np.int32(points[4 * a + 3]) * law.types + np.int32(points[4 * b + 3])
        start, per, last, first = _curve(pair, law)
        place = max((r - start) * per, 0.0)
        row, t = np.int32(-1), 0.0
        if place < last:
            row = np.int32(place)
            t = place - row
            row += first
        return dx, dy, dz, r, row, t, per, r - start

    return apart, visit


def _listing(apart, factors):
    @cuda.jit(device=True)
    def list_neighbors(t, threads, n, first, points, listed, numbers):
        """List all pairs in reach; return the longest row of this thread's particles."""
        box, stride, room, longest = factors(numbers), len(listed.counts), width(listed), 0
        for a in range(first + t, first + n, threads):
            count = 0
            for b in range(first, first + n):
                _, _, _, r2 = apart(a, b, points, box)
                if r2 < numbers[REACH2] and a != b:
                    if count < room:
                        listed.rows[count * stride + a] = b
                    count += 1
            listed.counts[a] = min(count, room)
            longest = max(longest, count)
        return longest

    return list_neighbors


def _pulling(visit, factors):
    @cuda.jit(device=True)
    def pull(a, points, listed, numbers, law):
        """Return the force on a particle, twice its energy and virial, and whether a pair is nearer than it may be."""
        box, stride, near = factors(numbers), len(listed.counts), 0
        fx, fy, fz, energy, virial = 0.0, 0.0, 0.0, 0.0, 0.0
        for k in range(listed.counts[a]):
            dx, dy, dz, r, row, t, per, beyond = visit(a, listed.rows[k * stride + a], points, box, law)
            if not beyond >= 0.0:  # a NaN is near
                near = 1
            if row >= 0:
                c1, c2, c3 = law.rows[row, 1], law.rows[row, 2], law.rows[row, 3]
                force = -((3.0 * c3 * t + 2.0 * c2) * t + c1) * per
                energy += ((c3 * t + c2) * t + c1) * t + law.rows[row, 0]
                virial += force * r
                s = force / r
                fx += s * dx
                fy += s * dy
                fz += s * dz
        return fx, fy, fz, energy, virial, near

    return pull


def _pulling_back(visit, factors):
    @cuda.jit(device=True)
    def pull_back(a, points, listed, numbers, law, g_forces, g_energy, g_virial, fixed, scale):
        """Return the force on a particle and the adjoint of its position; add those of rows, of pairs with later ones.

        h = s(ḡ_a − ḡ_b) + q d, the same with both signs for both, s = F/r.
        """
        box, stride = factors(numbers), len(listed.counts)
        mx, my, mz = g_forces[4 * a], g_forces[4 * a + 1], g_forces[4 * a + 2]
        fx, fy, fz, hx, hy, hz = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for k in range(listed.counts[a]):
            b = listed.rows[k * stride + a]
            dx, dy, dz, r, row, t, per, _ = visit(a, b, points, box, law)
            if row >= 0:
                c1, c2, c3 = law.rows[row, 1], law.rows[row, 2], law.rows[row, 3]
                s = -((3.0 * c3 * t + 2.0 * c2) * t + c1) * per / r
                slope = -2.0 * (3.0 * c3 * t + c2) * per * per
                gx, gy, gz = mx - g_forces[4 * b], my - g_forces[4 * b + 1], mz - g_forces[4 * b + 2]
                along = (dx * gx + dy * gy + dz * gz) / r
                q = along * (slope - s) / r + g_virial * (s + slope) - g_energy * s
                fx += s * dx
                fy += s * dy
                fz += s * dz
                hx += s * gx + q * dx
                hy += s * gy + q * dy
                hz += s * gz + q * dz
                if b > a:
                    w = -(g_virial * r + along) * per
                    add(fixed, row, t, g_energy, w, scale)
        return fx, fy, fz, hx, hy, hz

    return pull_back
