"""All steps of every replica in one launch, a thread block for each, every state kept.

One step is: (chain) · half kick, drift (noise) · barrier that also asks whether the list is stale · forces, half kick ·
barrier that also asks whether a pair is too near · (chain).
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"
from __future__ import annotations

from functools import cache
from typing import Any

from numba import cuda, float64

from cg_sim.differentiable.cuda.chain import Chain, half_step
from cg_sim.differentiable.cuda.packing import START
from cg_sim.differentiable.cuda.pairs import Listed, pair_functions, width
from cg_sim.differentiable.kernels.steps import CHAIN
from cg_sim.engines.cuda.device import SIMULATED, crowded
from cg_sim.engines.cuda.packing import DT, FIRST, PAIR, SLACK2, THERMOSTAT, TYPES, N
from cg_sim.engines.cuda.pair_functions import Law
from cg_sim.engines.cuda.particle_functions import Particles, kick, move, twice_kinetic
from cg_sim.engines.cuda.reductions import block_sum

MOST_THREADS = 4 if SIMULATED else 512  # per block; a power of two
CODE, STEP, NEEDED, OUTCOME = range(4)
DONE, GROW, TOO_NEAR = range(3)
_FAR2 = 1e300  # no squared distance but NaN


@cuda.jit(device=True)
def _kinetic(t, threads, n, first, p, scratch):
    total = 0.0
    for i in range(t, n, threads):
        total += twice_kinetic(first + i, p)
    return 0.5 * block_sum(total, scratch, t, threads)


@cuda.jit(device=True)
def _advance(t, threads, n, first, before, p, scale, seed, step, numbers):
    """Half kick and drift from the state before into p; return whether the list is stale, and whether one is lost."""
    stale, lost = 0, 0
    for i in range(t, n, threads):
        c = first + i
        for k in range(3):
            p.position[k, c], p.velocity[k, c] = before.position[k, c], before.velocity[k, c]
        d2 = move(c, p, scale, seed, step, i, numbers)
        if not d2 <= numbers[SLACK2]:
            stale = 1
        if not d2 <= _FAR2:
            lost = 1
    return stale, lost


@cuda.jit(device=True)
def refer(t, threads, n, first, position, reference):
    """Keep the positions that a list is made for."""
    for i in range(t, n, threads):
        for k in range(3):
            reference[k, first + i] = position[k, first + i]


@cache
def forward_kernel(*, triclinic: bool, typed: bool) -> Any:
    """Return the kernel that fills x and v (step, 3, particle), energies and virials (replica, frame) and the chains'
    past; `outcome` says of every replica whether it is done, which step broke it, how long a row must be."""
    place, list_neighbors, pull, _ = pair_functions(triclinic=triclinic, typed=typed)

    @cuda.jit(device=True)
    def forces(t, threads, n, first, p, points, listed, numbers, law, time):
        """Compute forces and let them act for `time`; return this thread's energy, virial and whether a pair is too near."""
        energy, virial, near = 0.0, 0.0, 0
        for c in range(first + t, first + n, threads):
            fx, fy, fz, u, w, close = pull(c, points, listed, numbers, law)
            kick(c, p, fx, fy, fz, time)
            energy += 0.5 * u
            virial += 0.5 * w
            near = max(near, close)
        return energy, virial, near

    @crowded(MOST_THREADS, 1)
    def forward(
        reals, wholes, seeds, mass, kinds, curves, shapes, firsts, x, v, force, reference, points, rows, counts, links,
        chain_masses, momenta, kinetics, factors, energies, virials, every, outcome,
    ):  # fmt: skip
        r, t, threads = cuda.blockIdx.x, cuda.threadIdx.x, cuda.blockDim.x
        numbers, whole, seed = reals[r], wholes[r], seeds[r]
        n, first, coupled, half = whole[N], whole[FIRST], whole[THERMOSTAT] == CHAIN, 0.5 * numbers[DT]
        scratch = cuda.shared.array(0, float64)
        listed, law = Listed(rows, counts), Law(curves, shapes, firsts, whole[PAIR], whole[TYPES])
        past = Chain(chain_masses[r], momenta[r], kinetics[r], factors[r])
        kinetic, longest, code, last = 0.0, 0, DONE, 0
        if coupled:
            kinetic = _kinetic(t, threads, n, first, Particles(x[0], v[0], force, reference, mass, kinds), scratch)
        for o in range(len(x)):
            p = Particles(x[o], v[o], force, reference, mass, kinds)
            stale, lost, last = 1, 0, o
            if o > 0:
                scale = 1.0
                if coupled:
                    scale = half_step(t, 2 * o - 2, links[r], past, whole, numbers, kinetic)
                before = Particles(x[o - 1], v[o - 1], force, reference, mass, kinds)
                step = whole[START] + o - 1
                stale, lost = _advance(t, threads, n, first, before, p, scale, seed, step, numbers)
            for c in range(first + t, first + n, threads):
                place(points, c, n, p, c, numbers)
            if cuda.syncthreads_or(stale) != 0:
                refer(t, threads, n, first, p.position, reference)
                longest = list_neighbors(t, threads, n, first, points, listed, numbers)
                if cuda.syncthreads_or(1 if longest > width(listed) else 0) != 0:
                    code = GROW
                    break
            time = half if o > 0 else 0.0
            energy, virial, near = forces(t, threads, n, first, p, points, listed, numbers, law, time)
            if cuda.syncthreads_or(max(lost, near)) != 0:
                code = TOO_NEAR
                break
            if o % every == 0:
                energies[r, o // every] = block_sum(energy, scratch, t, threads)
                virials[r, o // every] = block_sum(virial, scratch, t, threads)
            if coupled and o > 0:
                kinetic = _kinetic(t, threads, n, first, p, scratch)
                scale = half_step(t, 2 * o - 1, links[r], past, whole, numbers, kinetic)
                kinetic *= scale * scale
                for c in range(first + t, first + n, threads):
                    for k in range(3):
                        p.velocity[k, c] *= scale
        if code == GROW:
            cuda.atomic.max(outcome, (r, NEEDED), longest)
        if t == 0:
            outcome[r, CODE], outcome[r, STEP] = code, last

    return forward
