"""Many small systems, a thread block for each: all steps of a call in one launch, positions in shared memory.

Threads loop over the particles of their replica. One step is: (chain) · half kick, drift (noise) · barrier that also
asks whether the list is stale · forces, half kick · barrier that also asks whether a pair is too near · (chain or
rescaling). Rows list neighbors in ascending order and those out of reach add exactly nothing: when a list is built
changes no bit of the result.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"
from __future__ import annotations

from functools import cache
from typing import Any

from numba import cuda, float64

from cg_sim.engines.cpu.kernels import loop
from cg_sim.engines.cuda.device import SIMULATED, crowded
from cg_sim.engines.cuda.formulas import chain_half_step, rescaling_factor
from cg_sim.engines.cuda.packing import (
    CHAIN,
    DT,
    FAR2,
    FIRST,
    FREEDOM,
    KT,
    NEAREST2,
    PAIR,
    REACH2,
    SLACK2,
    SUBSTEPS,
    TAU,
    THERMOSTAT,
    TYPES,
    N,
)
from cg_sim.engines.cuda.pair_functions import Flavor, Law, flavor
from cg_sim.engines.cuda.particle_functions import Particles, kick, move, twice_kinetic
from cg_sim.engines.cuda.reductions import block_sum

MOST_THREADS = 4 if SIMULATED else 256  # per block; a power of two
STEP, END, CODE, REBUILDS, STAGE, NEEDED, PROGRESS = range(7)
DONE, GROW, TOO_NEAR, TOO_FAR = loop.DONE, loop.GROW, loop.TOO_NEAR, loop.TOO_FAR
READY, START, MOVED = loop.READY, loop.START, loop.MOVED
LANGEVIN, COUPLED, RESCALING = loop.LANGEVIN, loop.CHAIN, loop.RESCALING


@cuda.jit(device=True)
def _kinetic(t, threads, n, first, p, scratch):
    total = 0.0
    for i in range(t, n, threads):
        total += twice_kinetic(first + i, p)
    return 0.5 * block_sum(total, scratch, t, threads)


@cuda.jit(device=True)
def _chain_factor(t, threads, links, whole, numbers, kinetic, scratch):
    """Let one thread advance the thermostat chain by half a step; return its factor to all."""
    cuda.syncthreads()  # all have read the factor before
    if t == 0:
        m = whole[CHAIN]
        scratch[threads] = chain_half_step(
            links[0, :m], links[1, :m], links[2, :m], kinetic, numbers[FREEDOM], numbers[KT], numbers[DT],
            whole[SUBSTEPS],
        )  # fmt: skip
    cuda.syncthreads()
    return scratch[threads]


@cuda.jit(device=True)
def _global_factor(t, threads, links, whole, numbers, kinetic, seed, step, scratch):
    """Return the factor of the velocities at the end of a step, from the chain or by stochastic rescaling."""
    if whole[THERMOSTAT] == COUPLED:
        return _chain_factor(t, threads, links, whole, numbers, kinetic, scratch)
    cuda.syncthreads()
    if t == 0:
        scratch[threads] = rescaling_factor(
            kinetic, numbers[FREEDOM], numbers[KT], numbers[DT], numbers[TAU], seed, step
        )
    cuda.syncthreads()
    return scratch[threads]


def _phases(f: Flavor) -> tuple[Any, Any]:
    """Return the phases that depend on precision: list the neighbors, and forces with the half kick."""
    offset, factors, pull, real = f.offset, f.factors, f.pull, f.real

    @cuda.jit(device=True)
    def list_neighbors(t, threads, n, first, p, points, rows, counts, numbers):
        """List all pairs in reach; return the longest row of this thread's particles."""
        longest, stride, box, reach2 = 0, len(counts), factors(numbers), real(numbers[REACH2])
        width = len(rows) // stride
        for i in range(t, n, threads):
            x, y, z, count = points[i], points[n + i], points[2 * n + i], 0
            for j in range(n):
                dx, dy, dz = offset(x, y, z, points[j], points[n + j], points[2 * n + j], box)
                if dx * dx + dy * dy + dz * dz < reach2 and j != i:
                    if count < width:
                        rows[count * stride + first + i] = j
                    count += 1
            counts[first + i] = count
            longest = max(longest, count)
        return longest

    @cuda.jit(device=True)
    def forces(t, threads, n, first, p, points, rows, counts, listed, numbers, law, time, closest):
        """Compute forces and let them act for `time`; return whether a pair is nearer than it may be."""
        box, least, near = factors(numbers), real(numbers[NEAREST2]), 0
        for i in range(t, n, threads):
            fx, fy, fz, nearest = pull(i, first + i, n, points, rows, counts, listed, box, law)
            kick(first + i, p, fx, fy, fz, time)
            closest[first + i] = min(closest[first + i], nearest)
            if nearest < least:
                near = 1
        return near

    return list_neighbors, forces


@cache
def run_kernel(*, single: bool, triclinic: bool, typed: bool) -> Any:
    """Return the kernel that steps every replica to progress[:, END], or until it needs the host."""
    f = flavor(single=single, triclinic=triclinic, typed=typed, planes=True)
    list_neighbors, forces = _phases(f)
    place, kind, per_double = f.place, f.kind, 2 if single else 1

    @crowded(MOST_THREADS, 2)
    def run(
        listed, reals, wholes, seeds, position, velocity, force, reference, mass, kinds, rows, counts, table, shapes,
        firsts, chains, closest, progress,
    ):  # fmt: skip
        r, t, threads = cuda.blockIdx.x, cuda.threadIdx.x, cuda.blockDim.x
        numbers, whole, seed, links = reals[r], wholes[r], seeds[r], chains[r]
        n, first, thermostat = whole[N], whole[FIRST], whole[THERMOSTAT]
        step, end, stage, code = progress[r, STEP], progress[r, END], progress[r, STAGE], progress[r, CODE]
        rebuilds, longest, kinetic, scale = 0, 0, 0.0, 1.0
        scratch = cuda.shared.array(0, float64)
        points = cuda.shared.array(0, kind)[per_double * (threads + 1) :]
        p = Particles(position, velocity, force, reference, mass, kinds)
        law = Law(table, shapes, firsts, whole[PAIR], whole[TYPES])
        if code == GROW:
            code = DONE
        if thermostat >= COUPLED:
            kinetic = _kinetic(t, threads, n, first, p, scratch)
        while code == DONE and (stage != READY or step < end):
            stale, far = 1, 0
            if stage == READY:
                stale = 0
                if thermostat == COUPLED:
                    scale = _chain_factor(t, threads, links, whole, numbers, kinetic, scratch)
                for i in range(t, n, threads):
                    d2 = move(first + i, p, scale, seed, step, i, numbers)
                    if not d2 <= numbers[SLACK2]:  # a NaN is stale
                        stale = 1
                    if not d2 <= numbers[FAR2]:
                        far = 1
                scale = 1.0
                stage = MOVED
            for i in range(t, n, threads):
                place(points, i, n, p, first + i, numbers)
            stale = cuda.syncthreads_or(stale)
            if stale != 0:
                if cuda.syncthreads_or(far) != 0:
                    code = TOO_FAR
                    break
                for i in range(t, n, threads):
                    for k in range(3):
                        reference[k, first + i] = position[k, first + i]
                if listed:
                    longest = list_neighbors(t, threads, n, first, p, points, rows, counts, numbers)
                    rebuilds += 1
                    if cuda.syncthreads_or(1 if longest * len(counts) > len(rows) else 0) != 0:
                        code = GROW
                        break
            time = 0.5 * numbers[DT] if stage == MOVED else 0.0
            near = forces(t, threads, n, first, p, points, rows, counts, listed, numbers, law, time, closest)
            if cuda.syncthreads_or(near) != 0:
                code = TOO_NEAR
            if stage == MOVED:
                step += 1
                if thermostat >= COUPLED:
                    kinetic = _kinetic(t, threads, n, first, p, scratch)
                    scale = _global_factor(t, threads, links, whole, numbers, kinetic, seed, step, scratch)
                    kinetic *= scale * scale
                    for i in range(t, n, threads):
                        for k in range(3):
                            velocity[k, first + i] *= scale
                    scale = 1.0
            stage = READY
        if longest > 0:
            cuda.atomic.max(progress, (r, NEEDED), longest)
        cuda.syncthreads()
        if t == 0:
            progress[r, STEP], progress[r, STAGE], progress[r, CODE] = step, stage, code
            progress[r, REBUILDS] += rebuilds

    return run


@cache
def survey_kernel(*, triclinic: bool, typed: bool) -> Any:
    """Return the kernel that writes exact forces, and per replica energy and virial, for the lists as they are."""
    f = flavor(single=False, triclinic=triclinic, typed=typed, planes=True)
    place, factors, look = f.place, f.factors, f.survey

    @cuda.jit
    def survey(listed, reals, wholes, position, mass, kinds, rows, counts, table, shapes, firsts, out, sums):
        r, t, threads = cuda.blockIdx.x, cuda.threadIdx.x, cuda.blockDim.x
        numbers, whole = reals[r], wholes[r]
        n, first = whole[N], whole[FIRST]
        scratch = cuda.shared.array(0, float64)
        points = cuda.shared.array(0, float64)[threads + 1 :]
        p = Particles(position, position, position, position, mass, kinds)
        law = Law(table, shapes, firsts, whole[PAIR], whole[TYPES])
        for i in range(t, n, threads):
            place(points, i, n, p, first + i, numbers)
        cuda.syncthreads()
        box = factors(numbers)
        u, xx, yy, zz, xy, xz, yz = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(t, n, threads):
            a = look(i, first + i, n, points, rows, counts, listed, box, law)
            out[0, first + i], out[1, first + i], out[2, first + i] = a[0], a[1], a[2]
            u += 0.5 * a[3]
            xx += 0.5 * a[4]
            yy += 0.5 * a[5]
            zz += 0.5 * a[6]
            xy += 0.5 * a[7]
            xz += 0.5 * a[8]
            yz += 0.5 * a[9]
        sums[r, 0] = block_sum(u, scratch, t, threads)
        sums[r, 1] = block_sum(xx, scratch, t, threads)
        sums[r, 2] = block_sum(yy, scratch, t, threads)
        sums[r, 3] = block_sum(zz, scratch, t, threads)
        sums[r, 4] = block_sum(xy, scratch, t, threads)
        sums[r, 5] = block_sum(xz, scratch, t, threads)
        sums[r, 6] = block_sum(yz, scratch, t, threads)

    return survey
