"""The transpose of all steps of every replica in one launch, a thread block for each: `differentiable.kernels.steps`,
its loops over particles shared by the threads.

One step back is: what was observed joins · (chain) · adjoints of forces · barrier that also asks whether the list is stale ·
forces and adjoints of positions and rows · adjoints of the kick and of the drift (noise) · (chain).
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"
from __future__ import annotations

from functools import cache
from typing import Any

from numba import cuda, float64

from cg_sim.differentiable.cuda.adjoints import (
    Adjoints,
    Own,
    Seen,
    block_largest,
    join,
    larger,
    noisy_drift,
    plain_drift,
    pushes,
)
from cg_sim.differentiable.cuda.chain import Chain, half_step_back
from cg_sim.differentiable.cuda.fixed_point import drain, unit_and_scale
from cg_sim.differentiable.cuda.forward_kernel import CODE, DONE, GROW, MOST_THREADS, NEEDED, refer
from cg_sim.differentiable.cuda.packing import START
from cg_sim.differentiable.cuda.pairs import Listed, pair_functions, width
from cg_sim.differentiable.kernels.steps import CHAIN, LANGEVIN
from cg_sim.differentiable.kernels.steps import DT as G_DT
from cg_sim.differentiable.kernels.steps import KT as G_KT
from cg_sim.engines.cuda.device import crowded
from cg_sim.engines.cuda.packing import DT, FIRST, PAIR, SLACK2, THERMOSTAT, TYPES, N
from cg_sim.engines.cuda.pair_functions import Law
from cg_sim.engines.cuda.particle_functions import Particles
from cg_sim.engines.cuda.reductions import block_sum


@cuda.jit(device=True)
def _moved2(c, position, reference):
    """Return how far a particle is from where its list was made, squared."""
    d2 = 0.0
    for k in range(3):
        d2 += (position[k, c] - reference[k, c]) ** 2
    return d2


@cache
def backward_kernel(*, triclinic: bool, typed: bool) -> Any:
    """Return the kernel that takes all adjoints from the last state to the first. Block b does replica chosen[b]."""
    place, list_neighbors, _, pull_back = pair_functions(triclinic=triclinic, typed=typed)

    @cuda.jit(device=True)
    def push_back(
        t, threads, n, first, o, v, mass, points, listed, numbers, law, g, energy, virial, noisy, scale, force
    ):
        """Do the adjoints of the pairs and of what their forces were multiplied with; return this thread's share of dt's."""
        total = 0.0
        for c in range(first + t, first + n, threads):
            fx, fy, fz, hx, hy, hz = pull_back(
                c, points, listed, numbers, law, g.forces, energy, virial, g.fixed, scale
            )
            force[0, c], force[1, c], force[2, c] = fx, fy, fz
            g.x[0, c] += hx
            g.x[1, c] += hy
            g.x[2, c] += hz
            total += pushes(c, v, mass, force, noisy, numbers, g)
        return total

    @crowded(MOST_THREADS, 1)
    def backward(
        chosen, reals, wholes, seeds, mass, kinds, curves, shapes, firsts, x, v, force, reference, points, rows, counts,
        chain_masses, momenta, kinetics, factors, every, seen_x, seen_v, seen_energy, seen_virial, g_x, g_v, g_masses,
        g_forces, kicks, drifts, g_rows, fixed, g_chain, tape, g_numbers, outcome,
    ):  # fmt: skip
        r, t, threads = chosen[cuda.blockIdx.x], cuda.threadIdx.x, cuda.blockDim.x
        numbers, whole, seed = reals[r], wholes[r], seeds[r]
        n, first, ensemble, half = whole[N], whole[FIRST], whole[THERMOSTAT], 0.5 * numbers[DT]
        scratch = cuda.shared.array(0, float64)
        listed, law = Listed(rows, counts), Law(curves, shapes, firsts, whole[PAIR], whole[TYPES])
        past = Chain(chain_masses[r], momenta[r], kinetics[r], factors[r])
        seen = Seen(seen_x, seen_v)
        g = Adjoints(g_x, g_v, g_masses, g_forces, kicks, drifts, g_rows, fixed)
        own = Own(g_chain[r], tape[r], g_numbers[r])
        g_kT, g_dt, stale, longest, code = 0.0, 0.0, 1, 0, DONE
        for back in range(len(x)):
            o = len(x) - 1 - back
            energy, virial, ending, largest = 0.0, 0.0, 1.0, 0.0
            if o % every == 0:
                join(t, threads, n, first, o // every, seen, g)
                energy, virial = seen_energy[r, o // every], seen_virial[r, o // every]
            if ensemble == CHAIN and o > 0:
                ending = past.factors[2 * o - 1]
                half_step_back(
                    t, threads, n, first, 2 * o - 1, v[o], ending, past, whole, numbers, mass, g, own, scratch
                )
            p = Particles(x[o], v[o], force, reference, mass, kinds)
            for c in range(first + t, first + n, threads):
                square = 0.0
                for k in range(3):
                    pushed = g.kicks[k, c] + (g.v[k, c] if o > 0 else 0.0)
                    g.forces[4 * c + k] = half / mass[c] * pushed
                    square += g.forces[4 * c + k] ** 2
                largest = larger(largest, square)
                place(points, c, n, p, c, numbers)
                if not _moved2(c, p.position, reference) <= numbers[SLACK2]:
                    stale = 1
            if cuda.syncthreads_or(stale) != 0:
                refer(t, threads, n, first, p.position, reference)
                longest = list_neighbors(t, threads, n, first, points, listed, numbers)
                if cuda.syncthreads_or(1 if longest > width(listed) else 0) != 0:
                    code = GROW
                    break
            stale = 0
            largest = block_largest(largest, scratch, t, threads)
            unit, scale = unit_and_scale(largest, energy, virial, whole, numbers)
            g_dt += push_back(
                t, threads, n, first, o, v[o], mass, points, listed, numbers, law, g, energy, virial,
                ensemble == LANGEVIN, scale, force,
            )  # fmt: skip
            cuda.syncthreads()
            drain(t, threads, g.fixed, g.rows, whole, unit)
            if o > 0:
                if ensemble == LANGEVIN:
                    step = whole[START] + o - 1
                    warm, late = noisy_drift(t, threads, n, first, v[o], mass, force, seed, step, numbers, g)
                    g_kT += warm
                    g_dt += late
                else:
                    g_dt += plain_drift(t, threads, n, first, v[o], ending, mass, force, numbers, g)
                if ensemble == CHAIN:
                    half_step_back(
                        t, threads, n, first, 2 * o - 2, v[o - 1], 1.0, past, whole, numbers, mass, g, own, scratch
                    )  # fmt: skip
        g_kT, g_dt = block_sum(g_kT, scratch, t, threads), block_sum(g_dt, scratch, t, threads)
        if code == GROW:
            cuda.atomic.max(outcome, (r, NEEDED), longest)
        if t == 0:
            outcome[r, CODE] = code
            own.numbers[G_KT] += g_kT
            own.numbers[G_DT] += g_dt

    return backward
