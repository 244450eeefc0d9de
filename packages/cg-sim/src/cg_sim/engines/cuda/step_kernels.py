"""One large system: the kernels of a time step, launched one after another without waiting for them.

The move of step s has the phase 2s, what follows it 2s + 1. A kernel that finds the neighbor list stale, or a pair
too near, writes its phase to status[STOP]; kernels of later phases then do nothing, until the host looks and mends it.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"
from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numba import cuda, float64

from cg_sim.engines.cpu.kernels.loop import CHAIN, RESCALING
from cg_sim.engines.cuda.formulas import chain_half_step, rescaling_factor
from cg_sim.engines.cuda.packing import DT, FAR2, FREEDOM, KT, NEAREST2, SLACK2, TAU
from cg_sim.engines.cuda.pair_functions import Law, flavor
from cg_sim.engines.cuda.particle_functions import Particles, kick, move, twice_kinetic
from cg_sim.engines.cuda.reductions import block_sum

STOP, FAR, LONGEST, STATUS = range(4)
NEVER = np.iinfo(np.int64).max
KINETIC, SCALE, SCALARS = range(3)  # SCALE is the factor that the velocities have yet to be given
BEFORE, AFTER, SURVEY = 0, 1, 2  # the thermostat's half step before and after; take the kinetic energy only


@cache
def move_kernel(*, single: bool) -> Any:
    """Return the kernel of the half kick and drift, which checks displacements."""
    place = flavor(single=single, triclinic=False, typed=False, planes=False).place

    @cuda.jit
    def move_all(
        step, seed, position, velocity, force, reference, mass, kind, ids, points, numbers, scalars, status
    ):  # fmt: skip
        i, n = cuda.grid(1), len(mass)
        if i < n and status[STOP] >= 2 * step:
            p = Particles(position, velocity, force, reference, mass, kind)
            d2 = move(i, p, scalars[SCALE], seed, step, ids[i], numbers)
            place(points, i, n, p, i, numbers)
            if not d2 <= numbers[SLACK2]:  # a NaN is stale
                cuda.atomic.min(status, STOP, 2 * step)
                if not d2 <= numbers[FAR2]:
                    cuda.atomic.max(status, FAR, 1)

    return move_all


@cache
def force_kernel(*, single: bool, triclinic: bool, typed: bool) -> Any:
    """Return the kernel of forces and half kick; `share` of a step is 0.5, or 0 for forces only."""
    f = flavor(single=single, triclinic=triclinic, typed=typed, planes=False)
    pull, factors, real = f.pull, f.factors, f.real

    @cuda.jit
    def forces(
        phase, share, position, velocity, force, reference, mass, kind, points, rows, counts, numbers, table, shapes,
        firsts, types, closest, status,
    ):  # fmt: skip
        i, n = cuda.grid(1), len(mass)
        if i < n and status[STOP] >= phase:
            p = Particles(position, velocity, force, reference, mass, kind)
            law = Law(table, shapes, firsts, 0, types)
            fx, fy, fz, nearest = pull(i, i, n, points, rows, counts, True, factors(numbers), law)
            kick(i, p, fx, fy, fz, share * numbers[DT])
            closest[i] = min(closest[i], nearest)
            if nearest < real(numbers[NEAREST2]):
                cuda.atomic.min(status, STOP, phase)

    return forces


@cuda.jit
def kinetic_sums(phase, velocity, mass, sums, status):
    """Write the kinetic energy of each block's particles."""
    i, t = cuda.grid(1), cuda.threadIdx.x
    scratch = cuda.shared.array(0, float64)
    if status[STOP] >= phase:
        p = Particles(velocity, velocity, velocity, velocity, mass, mass)
        own = twice_kinetic(i, p) if i < len(mass) else 0.0
        total = block_sum(own, scratch, t, cuda.blockDim.x)
        if t == 0:
            sums[cuda.blockIdx.x] = 0.5 * total


@cuda.jit
def thermostat(phase, half, ensemble, seed, step, substeps, links, sums, numbers, scalars, status):
    """Advance the thermostat: one block, its first thread. It leaves the factor of the velocities in scalars."""
    t, threads = cuda.threadIdx.x, cuda.blockDim.x
    scratch = cuda.shared.array(0, float64)
    if status[STOP] >= phase:
        own = 0.0
        for b in range(t, len(sums), threads):
            own += sums[b]
        total = block_sum(own, scratch, t, threads)
        if t == 0:
            kinetic = scalars[KINETIC] if half == BEFORE else total
            scale = 1.0
            if half != SURVEY and ensemble == CHAIN:
                scale = chain_half_step(
                    links[0], links[1], links[2], kinetic, numbers[FREEDOM], numbers[KT], numbers[DT], substeps
                )
            elif half == AFTER and ensemble == RESCALING:
                scale = rescaling_factor(kinetic, numbers[FREEDOM], numbers[KT], numbers[DT], numbers[TAU], seed, step)
            scalars[KINETIC] = kinetic * scale * scale
            scalars[SCALE] = scalars[SCALE] * scale if half == BEFORE else scale


@cuda.jit
def settle_velocities(velocity, scalars):
    """Give the velocities the factor that is due to them."""
    i = cuda.grid(1)
    if i < velocity.shape[1]:
        for k in range(3):
            velocity[k, i] *= scalars[SCALE]


@cuda.jit
def rescale_box(factor, position, velocity):
    i = cuda.grid(1)
    if i < position.shape[1]:
        for k in range(3):
            position[k, i] *= factor
            velocity[k, i] /= factor


@cache
def survey_kernel(*, triclinic: bool, typed: bool) -> Any:
    """Return the kernel of exact forces, and per block energy and virial (xx, yy, zz, xy, xz, yz)."""
    f = flavor(single=False, triclinic=triclinic, typed=typed, planes=False)
    look, factors = f.survey, f.factors

    @cuda.jit
    def survey(points, rows, counts, numbers, table, shapes, firsts, types, out, sums):
        i, t, n, threads = cuda.grid(1), cuda.threadIdx.x, out.shape[1], cuda.blockDim.x
        b = cuda.blockIdx.x
        scratch = cuda.shared.array(0, float64)
        a = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        if i < n:
            law = Law(table, shapes, firsts, 0, types)
            a = look(i, i, n, points, rows, counts, True, factors(numbers), law)
            out[0, i], out[1, i], out[2, i] = a[0], a[1], a[2]
        u = 0.5 * block_sum(a[3], scratch, t, threads)
        xx, yy = 0.5 * block_sum(a[4], scratch, t, threads), 0.5 * block_sum(a[5], scratch, t, threads)
        zz, xy = 0.5 * block_sum(a[6], scratch, t, threads), 0.5 * block_sum(a[7], scratch, t, threads)
        xz, yz = 0.5 * block_sum(a[8], scratch, t, threads), 0.5 * block_sum(a[9], scratch, t, threads)
        if t == 0:
            sums[b, 0], sums[b, 1], sums[b, 2], sums[b, 3] = u, xx, yy, zz
            sums[b, 4], sums[b, 5], sums[b, 6] = xy, xz, yz

    return survey
