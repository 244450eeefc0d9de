"""What is done to one particle: the steps of the integrator, and its place in the box as kernels see it."""

# mypy: disable-error-code="no-untyped-def,untyped-decorator"
from __future__ import annotations

import math
from typing import Any, NamedTuple

from numba import cuda

from cg_sim.engines.cuda.formulas import gaussians
from cg_sim.engines.cuda.packing import C1, DT, INVERSE, SPREAD


class Particles(NamedTuple):
    """Per particle; vectors are (3, n), `reference` positions are those of the last neighbor list."""

    position: Any
    velocity: Any
    force: Any
    reference: Any
    mass: Any
    kind: Any


@cuda.jit(device=True)
def move(c, p, scale, seed, step, particle, numbers):
    """Half kick and drift of particle c, with the Ornstein–Uhlenbeck step between two half drifts if c1 < 1.

    The velocity is scaled first. Return the squared displacement since the last neighbor list.
    """
    half, c1 = 0.5 * numbers[DT], numbers[C1]
    inverse = 1.0 / p.mass[c]
    vx = p.velocity[0, c] * scale + half * inverse * p.force[0, c]
    vy = p.velocity[1, c] * scale + half * inverse * p.force[1, c]
    vz = p.velocity[2, c] * scale + half * inverse * p.force[2, c]
    x = p.position[0, c] + half * vx
    y = p.position[1, c] + half * vy
    z = p.position[2, c] + half * vz
    if c1 < 1.0:
        gx, gy, gz, _ = gaussians(seed, step, particle, 0)
        spread = numbers[SPREAD] * math.sqrt(inverse)
        vx = c1 * vx + spread * gx
        vy = c1 * vy + spread * gy
        vz = c1 * vz + spread * gz
    x += half * vx
    y += half * vy
    z += half * vz
    p.velocity[0, c], p.velocity[1, c], p.velocity[2, c] = vx, vy, vz
    p.position[0, c], p.position[1, c], p.position[2, c] = x, y, z
    dx, dy, dz = x - p.reference[0, c], y - p.reference[1, c], z - p.reference[2, c]
    return dx * dx + dy * dy + dz * dz


@cuda.jit(device=True)
def kick(c, p, fx, fy, fz, time):
    """Keep the force on particle c and let it act for `time`."""
    p.force[0, c], p.force[1, c], p.force[2, c] = fx, fy, fz
    h = time / p.mass[c]
    p.velocity[0, c] += h * fx
    p.velocity[1, c] += h * fy
    p.velocity[2, c] += h * fz


@cuda.jit(device=True)
def twice_kinetic(c, p):
    v2 = p.velocity[0, c] ** 2 + p.velocity[1, c] ** 2 + p.velocity[2, c] ** 2
    return p.mass[c] * v2


@cuda.jit(device=True)
def fraction(position, c, axis, numbers):
    """Return the fractional coordinate of particle c along a lattice vector, in [0, 1]."""
    s = (
        position[0, c] * numbers[INVERSE + axis]
        + position[1, c] * numbers[INVERSE + 3 + axis]
        + position[2, c] * numbers[INVERSE + 6 + axis]
    )
    return s - math.floor(s)
