"""The pair law on the device: nearest image, table look-up, and the sums over one particle's neighbors.

Points are fractions of the box: float64 in double precision; in single precision 32-bit integers (fraction · 2³²),
whose differences wrap to the nearest image by themselves. Coordinates 0 … 2 and the type of particle i are at
i + n·k of a flat array in shared memory (`planes`: no bank conflicts between neighbors in a row), at 4·i + k in
global memory (one sector of 32 bytes).
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"
from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import cuda, types

from cg_sim.engines.cpu.kernels.cells import TURN
from cg_sim.engines.cuda.packing import BOX
from cg_sim.engines.cuda.particle_functions import fraction

_FAR = 1e30
_RUN = 16  # single-precision forces are added up in runs of this many neighbors, runs in double


class Law(NamedTuple):
    """The tables a kernel reads, and which of their pairs of types are this system's."""

    rows: Any
    shapes: Any
    firsts: Any
    first_pair: int
    types: int


class Flavor(NamedTuple):
    """Device functions for one precision, kind of box and layout of points; `kind` is the Numba type of a coordinate."""

    kind: Any
    real: Any  # NumPy scalar type of distances and forces
    place: Any
    factors: Any
    offset: Any
    pull: Any
    survey: Any


@cache
def flavor(*, single: bool, triclinic: bool, typed: bool, planes: bool) -> Flavor:
    """Return the device functions of one precision."""
    real, kind = (np.float32, types.int32) if single else (np.float64, types.float64)
    factors = _single_factors if single else _double_factors
    offset = _offset(_single_difference if single else _double_difference, triclinic=triclinic)
    law = _single_law if single else _double_law
    place = _placing(np.int32 if single else np.float64, TURN if single else 1.0, planes=planes)
    pull, survey = _sums(offset, law, real, typed=typed, planes=planes)
    return Flavor(kind, real, place, factors, offset, pull, survey)


def _placing(kind, turn, *, planes):
    whole = np.int64 if kind is np.int32 else np.float64  # past 2³¹ the integers wrap

    @cuda.jit(device=True)
    def place(points, i, n, p, c, numbers):
        """Write the point of particle i, whose arrays begin at column c."""
        at, step = (i, n) if planes else (4 * i, 1)
        for k in range(3):
            points[at + k * step] = kind(whole(fraction(p.position, c, k, numbers) * turn))
        points[at + 3 * step] = kind(p.kind[c])

    return place


@cuda.jit(device=True)
def _double_difference(a, b):
    s = a - b
    s = s - 1.0 if s > 0.5 else s
    return s + 1.0 if s < -0.5 else s


@cuda.jit(device=True)
def _single_difference(a, b):
    return np.float32(np.int32(np.int64(a) - np.int64(b)))


@cuda.jit(device=True)
def _double_factors(numbers):
    return (
        numbers[BOX], numbers[BOX + 1], numbers[BOX + 2], numbers[BOX + 3], numbers[BOX + 4], numbers[BOX + 5],
        numbers[BOX + 6], numbers[BOX + 7], numbers[BOX + 8],
    )  # fmt: skip


@cuda.jit(device=True)
def _single_factors(numbers):
    h = _double_factors(numbers)
    return (
        np.float32(h[0] / TURN), np.float32(h[1] / TURN), np.float32(h[2] / TURN),
        np.float32(h[3] / TURN), np.float32(h[4] / TURN), np.float32(h[5] / TURN),
        np.float32(h[6] / TURN), np.float32(h[7] / TURN), np.float32(h[8] / TURN),
    )  # fmt: skip


def _offset(difference, *, triclinic):
    @cuda.jit(device=True)
    def offset(ax, ay, az, bx, by, bz, h):
        """Return the vector from b to the nearest image of a."""
        x, y, z = difference(ax, bx), difference(ay, by), difference(az, bz)
        if triclinic:
            return (
                x * h[0] + y * h[3] + z * h[6], x * h[1] + y * h[4] + z * h[7], x * h[2] + y * h[5] + z * h[8]
            )  # fmt: skip
        return x * h[0], y * h[4], z * h[8]

    return offset


@cuda.jit(device=True)
def _shape(pair, law):
    """Return start, 1/spacing and number of rows of a pair's curve, its squared cutoff and its first row."""
    return law.shapes[pair, 0], law.shapes[pair, 1], law.shapes[pair, 2], law.shapes[pair, 3], law.firsts[pair]


@cuda.jit(device=True)
def _double_law(r2, shape, rows):
    """Return F/r and U at r² from the cubics of U in r."""
    r = math.sqrt(r2)
    place = min(max((r - shape[0]) * shape[1], 0.0), shape[2])
    k = np.int32(place)
    t = place - k
    at = 4 * (shape[4] + k)
    c0, c1, c2, c3 = rows[at], rows[at + 1], rows[at + 2], rows[at + 3]
    slope = (3.0 * c3 * t + 2.0 * c2) * t + c1
    return -slope * shape[1] / max(r, 1e-30), ((c3 * t + c2) * t + c1) * t + c0


@cuda.jit(device=True)
def _single_law(r2, shape, rows):
    """Return F/r at r² from its cubics in r², and nothing for U."""
    zero = np.float32(0.0)
    place = min(max((r2 - shape[0]) * shape[1], zero), shape[2])
    k = np.int32(place)
    t = place - np.float32(k)
    at = 4 * (shape[4] + k)
    c0, c1, c2, c3 = rows[at], rows[at + 1], rows[at + 2], rows[at + 3]
    return ((c3 * t + c2) * t + c1) * t + c0, zero


def _sums(offset, pair_law, real, *, typed, planes):
    @cuda.jit(device=True)
    def visit(x, y, z, own, points, j, n, box, shape, law):
        """Return F/r and U between a particle at a point and particle j, the vector between them and r²."""
        at, step = (j, n) if planes else (4 * j, 1)
        dx, dy, dz = offset(x, y, z, points[at], points[at + step], points[at + 2 * step], box)
        r2 = dx * dx + dy * dy + dz * dz
        if typed:
            shape = _shape(law.first_pair + own + np.int32(points[at + 3 * step]), law)
        w, u = real(0.0), real(0.0)
        if r2 < shape[3]:
            w, u = pair_law(r2, shape, law.rows)
        return w, u, dx, dy, dz, r2

    @cuda.jit(device=True)
    def pull(i, column, n, points, rows, counts, listed, box, law):
        """Return the force on particle i from its row of neighbors (all particles if not listed) and the least r²."""
        at, step = (i, n) if planes else (4 * i, 1)
        x, y, z = points[at], points[at + step], points[at + 2 * step]
        own, shape = np.int32(points[at + 3 * step]) * law.types, _shape(law.first_pair, law)
        count, stride, slot = counts[column] if listed else n, len(counts), column
        fx, fy, fz, nearest = 0.0, 0.0, 0.0, real(_FAR)
        for first in range(0, count, _RUN):
            gx, gy, gz = real(0.0), real(0.0), real(0.0)
            for k in range(first, min(first + _RUN, count)):
                j = np.int32(rows[slot]) if listed else np.int32(k)
                slot += stride
                if j != i:
                    w, _, dx, dy, dz, r2 = visit(x, y, z, own, points, j, n, box, shape, law)
                    nearest = min(nearest, r2)
                    gx += w * dx
                    gy += w * dy
                    gz += w * dz
            fx += gx
            fy += gy
            fz += gz
        return fx, fy, fz, nearest

    @cuda.jit(device=True)
    def survey(i, column, n, points, rows, counts, listed, box, law):
        """Return force, and twice the energy and virial (xx, yy, zz, xy, xz, yz), of particle i."""
        at, step = (i, n) if planes else (4 * i, 1)
        x, y, z = points[at], points[at + step], points[at + 2 * step]
        own, shape = np.int32(points[at + 3 * step]) * law.types, _shape(law.first_pair, law)
        count, stride = counts[column] if listed else n, len(counts)
        fx, fy, fz, energy, xx, yy, zz, xy, xz, yz = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for k in range(count):
            j = np.int32(rows[k * stride + column]) if listed else np.int32(k)
            if j != i:
                w, u, dx, dy, dz, _ = visit(x, y, z, own, points, j, n, box, shape, law)
                energy += u
                fx += w * dx
                fy += w * dy
                fz += w * dz
                xx += w * dx * dx
                yy += w * dy * dy
                zz += w * dz * dz
                xy += w * dx * dy
                xz += w * dx * dz
                yz += w * dy * dz
        return fx, fy, fz, energy, xx, yy, zz, xy, xz, yz

    return pull, survey
