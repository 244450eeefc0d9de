"""A Nosé–Hoover chain's half step on the device, by one thread of a block, and its transpose."""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"
from __future__ import annotations

import math
from typing import Any, NamedTuple

from numba import cuda

from cg_sim.differentiable.kernels import chain
from cg_sim.differentiable.kernels.steps import DT as G_DT
from cg_sim.differentiable.kernels.steps import KT as G_KT
from cg_sim.engines.cpu.kernels import thermostats
from cg_sim.engines.cpu.kernels.thermostats import YOSHIDA
from cg_sim.engines.cuda.device import rebound
from cg_sim.engines.cuda.formulas import chain_half_step
from cg_sim.engines.cuda.packing import DT, FREEDOM, KT, SUBSTEPS
from cg_sim.engines.cuda.reductions import block_sum

_push = rebound(thermostats.push)
_which = rebound(chain._which)


class Chain(NamedTuple):
    """One replica's chain: its masses (m,), and of every half step the momenta (2 steps, m) and the kinetic energy
    (2 steps) before it and the factor (2 steps) it gave."""

    masses: Any
    momenta: Any
    kinetic: Any
    factors: Any


def operations(substeps: int, links: int) -> int:
    """Return how many operations a half step is made of."""
    return substeps * len(YOSHIDA) * (2 * links + 1)


@cuda.jit(device=True)
def half_step(t, h, links, past, whole, numbers, kinetic):
    """Advance positions and momenta of the chain (`links`, 2, m), keep what was before; return the factor to all."""
    cuda.syncthreads()
    if t == 0:
        for k in range(len(past.masses)):
            past.momenta[h, k] = links[1, k]
        past.kinetic[h] = kinetic
        past.factors[h] = chain_half_step(
            links[0], links[1], past.masses, kinetic, numbers[FREEDOM], numbers[KT], numbers[DT], whole[SUBSTEPS]
        )
    cuda.syncthreads()
    return past.factors[h]


@cuda.jit(device=True)
def half_step_back(t, threads, n, first, h, v, scaled, past, whole, numbers, mass, g, own, scratch):
    """Take the adjoint of factor·u to that of u = v/scaled, with the kinetic energy of u in the factor."""
    along = 0.0
    for i in range(t, n, threads):
        for k in range(3):
            along += g.v[k, first + i] * v[k, first + i]
    along = block_sum(along, scratch, t, threads)
    if t == 0:
        g_kinetic, g_kT, g_dt = _transpose(past, h, whole, numbers, along / scaled, own.chain, own.tape)
        own.numbers[G_KT] += g_kT
        own.numbers[G_DT] += g_dt
        scratch[threads] = g_kinetic
    cuda.syncthreads()
    g_kinetic, factor = scratch[threads], past.factors[h]
    for i in range(t, n, threads):
        c, square = first + i, 0.0
        for k in range(3):
            u = v[k, c] / scaled
            g.v[k, c] = factor * g.v[k, c] + g_kinetic * mass[c] * u
            square += u * u
        g.masses[c] += 0.5 * g_kinetic * square


@cuda.jit(device=True)
def _record(past, h, whole, numbers, tape):
    """Do a half step again, operation by operation; row k of the tape is momenta and scale before operation k."""
    m, substeps = len(past.masses), whole[SUBSTEPS]
    for k in range(m):
        tape[0, k] = past.momenta[h, k]
    tape[0, m] = 1.0
    for at in range(substeps * 3 * (2 * m + 1)):
        o, part = at % (2 * m + 1), (at // (2 * m + 1)) % 3
        time = YOSHIDA[part] * numbers[DT] / (2 * substeps)
        for k in range(m + 1):
            tape[at + 1, k] = tape[at, k]
        p, scale = tape[at + 1, :m], tape[at, m]
        if o == m:
            tape[at + 1, m] = scale * math.exp(-time * p[0] / past.masses[0])
        else:
            twice = 2 * past.kinetic[h] * scale * scale
            _push(p, p, past.masses, _which(o, m), twice, numbers[FREEDOM], numbers[KT], time)


@cuda.jit(device=True)
def _transpose(past, h, whole, numbers, g_scale, g_chain, tape):
    """Return the adjoints of kinetic energy, kT and dt as `chain_half_step_vjp` does, which makes its tape itself as no
    device function can. `g_chain` (2, m) are those of masses, added to, and of momenta, after the half step and then before.
    """
    _record(past, h, whole, numbers, tape)
    masses, kinetic, freedom, kT, dt = past.masses, past.kinetic[h], numbers[FREEDOM], numbers[KT], numbers[DT]
    m, g_masses, g_p = len(masses), g_chain[0], g_chain[1]
    g_kinetic, g_kT, g_dt = 0.0, 0.0, 0.0
    for at in range(whole[SUBSTEPS] * 3 * (2 * m + 1) - 1, -1, -1):
        o, part = at % (2 * m + 1), (at // (2 * m + 1)) % 3
        share = YOSHIDA[part] / (2 * whole[SUBSTEPS])
        time, p, scale = share * dt, tape[at, :m], tape[at, m]
        if o == m:
            factor = math.exp(-time * p[0] / masses[0])
            g = -scale * factor * g_scale
            g_scale *= factor
            g_time = g * p[0] / masses[0]
            g_p[0] += g * time / masses[0]
            g_masses[0] -= g * time * p[0] / masses[0] ** 2
        else:
            k = _which(o, m)
            drag = math.exp(-0.25 * time * p[k + 1] / masses[k + 1]) if k + 1 < m else 1.0
            force = 2 * kinetic * scale * scale - freedom * kT if k == 0 else p[k - 1] ** 2 / masses[k - 1] - kT
            g = g_p[k]
            g_p[k] = g * drag * drag
            g_force, g_time = 0.5 * g * time * drag, 0.5 * g * force * drag
            if k + 1 < m:
                g_argument = -0.25 * drag * g * (2 * p[k] * drag + 0.5 * time * force)
                g_time += g_argument * p[k + 1] / masses[k + 1]
                g_p[k + 1] += g_argument * time / masses[k + 1]
                g_masses[k + 1] -= g_argument * time * p[k + 1] / masses[k + 1] ** 2
            if k == 0:
                g_kinetic += 2 * g_force * scale * scale
                g_scale += 4 * g_force * kinetic * scale
                g_kT -= g_force * freedom
            else:
                g_p[k - 1] += 2 * g_force * p[k - 1] / masses[k - 1]
                g_masses[k - 1] -= g_force * p[k - 1] ** 2 / masses[k - 1] ** 2
                g_kT -= g_force
        g_dt += g_time * share
    return g_kinetic, g_kT, g_dt
