"""The phases of a time step over a range of particles; each is one simple loop."""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"
from __future__ import annotations

import math

import numpy as np
from numba import njit
from numba.extending import overload, register_jitable

from cg_sim.engines.cpu.kernels.arrays import CHUNK
from cg_sim.engines.cpu.kernels.cells import TURN
from cg_sim.engines.cpu.kernels.forces_of_rows import LANES, double_kernel, single_kernel
from cg_sim.noise import gaussians

_phase = njit(nogil=True, error_model="numpy")


@_phase
def draw(lo, hi, out, seed, step, ids):
    """Write three standard normal numbers per particle into `out`."""
    for i in range(np.uint64(lo), np.uint64(hi)):
        a, b, c, _ = gaussians(seed, step, ids[i], 0)
        out[0, i] = a
        out[1, i] = b
        out[2, i] = c


@_phase
def move(lo, hi, p, dt, scale, c1, kT, slack, stride):
    """Half kick and drift, with the Ornstein–Uhlenbeck step between two half drifts if c1 < 1.

    Velocities are scaled first. Return how many particles have moved more than `slack` since the last list build,
    and how many more than slack + stride (or are not finite): counts, because they vectorize and a maximum does not.
    """
    if c1 < 1.0:
        return _move_langevin(lo, hi, p, dt, c1, kT, slack**2, (slack + stride) ** 2)
    return _move_plainly(lo, hi, p, dt, scale, slack**2, (slack + stride) ** 2)


@_phase
def _move_langevin(lo, hi, p, dt, c1, kT, slack2, far2):
    half, c2 = 0.5 * dt, math.sqrt(kT * (1 - c1 * c1))
    moved = far = 0
    for i in range(np.uint64(lo), np.uint64(hi)):
        inverse = 1.0 / p.mass[i]
        spread = c2 * math.sqrt(inverse)
        d2 = 0.0
        for k in range(3):
            v = p.velocity[k, i] + half * inverse * p.force[k, i]
            x = p.position[k, i] + half * v
            v = c1 * v + spread * p.scratch[k, i]
            x += half * v
            p.velocity[k, i] = v
            p.position[k, i] = x
            d2 += (x - p.reference[k, i]) ** 2
        moved += not d2 <= slack2
        far += not d2 <= far2
    return moved, far


@_phase
def _move_plainly(lo, hi, p, dt, scale, slack2, far2):
    half = 0.5 * dt
    moved = far = 0
    for i in range(np.uint64(lo), np.uint64(hi)):
        inverse = 1.0 / p.mass[i]
        d2 = 0.0
        for k in range(3):
            v = p.velocity[k, i] * scale + half * inverse * p.force[k, i]
            x = p.position[k, i] + dt * v
            p.velocity[k, i] = v
            p.position[k, i] = x
            d2 += (x - p.reference[k, i]) ** 2
        moved += not d2 <= slack2
        far += not d2 <= far2
    return moved, far


@_phase
def kick(lo, hi, p, dt):
    """Half kick."""
    half = 0.5 * dt
    for i in range(np.uint64(lo), np.uint64(hi)):
        h = half / p.mass[i]
        for k in range(3):
            p.velocity[k, i] += h * p.force[k, i]


@_phase
def scale_velocities(lo, hi, p, scale):
    for k in range(3):
        for i in range(np.uint64(lo), np.uint64(hi)):
            p.velocity[k, i] *= scale


@_phase
def kinetic_sums(lo, hi, p, sums):
    """Write the kinetic energy of each chunk into sums[:, 0]."""
    for first in range(lo, hi, CHUNK):
        total = 0.0
        for i in range(first, min(first + CHUNK, hi)):
            v2 = p.velocity[0, i] ** 2 + p.velocity[1, i] ** 2 + p.velocity[2, i] ** 2
            total += 0.5 * p.mass[i] * v2
        sums[first // CHUNK, 0] = total


@_phase
def pack(lo, hi, points, p, inverse):
    """Write fractions of the box and the type into points (n, 4): floats, or integers · 2³² that wrap."""
    for i in range(np.uint64(lo), np.uint64(hi)):
        x, y, z = p.position[0, i], p.position[1, i], p.position[2, i]
        for k in range(3):
            s = x * inverse[0, k] + y * inverse[1, k] + z * inverse[2, k]
            s -= math.floor(s)
            _put(points, i, k, s)
        points[i, 3] = p.kind[i]


def _put(points, i, k, s):
    points[i, k] = s


@overload(_put, inline="always")
def _put_typed(points, i, k, s):
    if points.dtype.name == "int32":

        def integers(points, i, k, s):
            points[i, k] = np.int32(np.int64(s * TURN))

        return integers

    def floats(points, i, k, s):
        points[i, k] = s

    return floats


def _force_loop(kernel):
    @register_jitable
    def loop(lo, hi, p, rows, counts, scales, pairs, curve, types):
        least = nearest = 1e30
        for i in range(lo, hi):
            count = (counts[i] + LANES - 1) // LANES * LANES
            fx, fy, fz, x, r2 = kernel(p.points, i, rows, count, scales, pairs, curve, np.int32(types))
            p.force[0, i] = fx
            p.force[1, i] = fy
            p.force[2, i] = fz
            least = min(least, x)
            nearest = min(nearest, r2)
        return least, nearest

    return loop


_FLAVORS = [(triclinic, typed) for triclinic in (False, True) for typed in (False, True)]
_single = [_force_loop(single_kernel(triclinic=a, typed=b)) for a, b in _FLAVORS]
_double = [_force_loop(double_kernel(triclinic=a, typed=b, energies=False)) for a, b in _FLAVORS]
_S0, _S1, _S2, _S3 = _single
_D0, _D1, _D2, _D3 = _double


def forces(lo, hi, p, list_, geometry, pairs):
    """Write the forces on particles lo…hi−1; return how far inside its curve the nearest pair is, and the smallest r²."""
    raise NotImplementedError("compiled code only")


@overload(forces)
def _forces(lo, hi, p, list_, geometry, pairs):
    if p.types[p.fields.index("points")].dtype.name == "int32":

        def single(lo, hi, p, list_, geometry, pairs):
            a, b, c = list_.rows, list_.counts, geometry.of_integers
            if pairs.types == 1:
                if pairs.triclinic:
                    return _S2(lo, hi, p, a, b, c, pairs.pairs, pairs.rows, pairs.types)
                return _S0(lo, hi, p, a, b, c, pairs.pairs, pairs.rows, pairs.types)
            if pairs.triclinic:
                return _S3(lo, hi, p, a, b, c, pairs.pairs, pairs.rows, pairs.types)
            return _S1(lo, hi, p, a, b, c, pairs.pairs, pairs.rows, pairs.types)

        return single

    def double(lo, hi, p, list_, geometry, pairs):
        a, b, c = list_.rows, list_.counts, geometry.of_fractions
        if pairs.types == 1:
            if pairs.triclinic:
                return _D2(lo, hi, p, a, b, c, pairs.pairs, pairs.rows, pairs.types)
            return _D0(lo, hi, p, a, b, c, pairs.pairs, pairs.rows, pairs.types)
        if pairs.triclinic:
            return _D3(lo, hi, p, a, b, c, pairs.pairs, pairs.rows, pairs.types)
        return _D1(lo, hi, p, a, b, c, pairs.pairs, pairs.rows, pairs.types)

    return double


_measure = double_kernel(triclinic=True, typed=True, energies=True)


@_phase
def measure(lo, hi, p, list_, geometry, pairs, out, sums):
    """Write exact forces into out (3, n) and per chunk energy and virial (xx, yy, zz, xy, xz, yz) into sums[:, 1:8]."""
    for first in range(lo, hi, CHUNK):
        for k in range(1, 8):
            sums[first // CHUNK, k] = 0.0
        for i in range(first, min(first + CHUNK, hi)):
            count = (list_.counts[i] + LANES - 1) // LANES * LANES
            a = _measure(p.exact, i, list_.rows, count, geometry.of_fractions, pairs.exact_pairs, pairs.exact_rows,
                         np.int32(pairs.types))  # fmt: skip
            out[0, i] = a[0]
            out[1, i] = a[1]
            out[2, i] = a[2]
            for k in range(7):
                sums[first // CHUNK, k + 1] += 0.5 * a[3 + k]
