"""What the transpose does to one replica's particles, each by the thread that owns it."""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"
from __future__ import annotations

import math
from typing import Any, NamedTuple

from numba import cuda

from cg_sim.differentiable.cuda.packing import FRICTION
from cg_sim.engines.cuda.formulas import gaussians
from cg_sim.engines.cuda.packing import C1, DT, KT, SPREAD


class Seen(NamedTuple):
    """What a loss says of the frames' positions and velocities (frame, 3, particle)."""

    x: Any
    v: Any


class Adjoints(NamedTuple):
    """Of positions and velocities (3, particle), masses (particle), forces (4·particle), of the velocities that the last
    kick gave and what is left of the noisy step after it (3, particle), and of rows (row, 4), in doubles and in units."""

    x: Any
    v: Any
    masses: Any
    forces: Any
    kicks: Any
    drifts: Any
    rows: Any
    fixed: Any


class Own(NamedTuple):
    """One replica's adjoints of the chain's masses and momenta (2, m), the tape of a half step, adjoints of kT and dt."""

    chain: Any
    tape: Any
    numbers: Any


@cuda.jit(device=True)
def larger(a, b):
    """Return the larger of two numbers, or NaN if either is."""
    return b if b > a or b != b else a


@cuda.jit(device=True)
def block_largest(square, scratch, t, threads):
    """Return the root of the largest of a block's numbers."""
    cuda.syncthreads()
    scratch[t] = square
    cuda.syncthreads()
    half = threads // 2
    while half > 0:
        if t < half:
            scratch[t] = larger(scratch[t], scratch[t + half])
        cuda.syncthreads()
        half //= 2
    return math.sqrt(scratch[0])


@cuda.jit(device=True)
def join(t, threads, n, first, frame, seen, g):
    for c in range(first + t, first + n, threads):
        for k in range(3):
            g.x[k, c] += seen.x[frame, k, c]
            g.v[k, c] += seen.v[frame, k, c]


@cuda.jit(device=True)
def pushes(c, v, mass, force, noisy, numbers, g):
    """Take what the force on a particle pushed to its mass; return dt's share."""
    pushed, total = 0.0, 0.0
    for k in range(3):
        pushed += g.forces[4 * c + k] * force[k, c]
        if noisy:
            total += g.drifts[k, c] * (v[k, c] + 0.5 * numbers[DT] / mass[c] * force[k, c])
    g.masses[c] -= pushed / mass[c]
    return total + pushed / numbers[DT]


@cuda.jit(device=True)
def plain_drift(t, threads, n, first, v, ending, mass, force, numbers, g):
    """x′ = x + dt u, u = (velocity) + kick; return this thread's share of dt's adjoint."""
    total = 0.0
    for c in range(first + t, first + n, threads):
        for k in range(3):
            u = v[k, c] / ending - 0.5 * numbers[DT] / mass[c] * force[k, c]
            total += g.x[k, c] * u
            g.v[k, c] += numbers[DT] * g.x[k, c]
            g.kicks[k, c] = g.v[k, c]
    return total


@cuda.jit(device=True)
def noisy_drift(t, threads, n, first, v, mass, force, seed, step, numbers, g):
    """x₁ = x + dt/2 u, w = c1 u + spread ξ, x′ = x₁ + dt/2 w; return this thread's shares of kT's and dt's adjoints."""
    warm, late, c1, half = 0.0, 0.0, numbers[C1], 0.5 * numbers[DT]
    dying = 1 - c1 * c1
    for i in range(t, n, threads):
        c, along = first + i, 0.0
        spread, noise = numbers[SPREAD] / math.sqrt(mass[c]), gaussians(seed, step, i, 0)
        for k in range(3):
            w = v[k, c] - half / mass[c] * force[k, c]
            late += 0.5 * g.x[k, c] * w
            g_w = g.v[k, c] + half * g.x[k, c]
            along += g_w * noise[k] * spread
            g.v[k, c] = c1 * g_w + half * g.x[k, c]
            g.drifts[k, c] = -numbers[FRICTION] * c1 * g_w + 0.5 * g.x[k, c]
            g.kicks[k, c] = g.v[k, c]
        if numbers[KT] > 0:
            warm += 0.5 * along / numbers[KT]
        if dying > 0:
            late += along * numbers[FRICTION] * c1 * c1 / dying
        g.masses[c] -= 0.5 * along / mass[c]
    return warm, late
