"""The time steps of the embedded engine, kept, and their exact transpose.

Velocity Verlet, BAOAB with frozen noise, and Verlet between half steps of a Nosé–Hoover chain, as `engines.cpu` does them.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"
from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from cg_sim.differentiable.kernels.chain import chain_half_step_vjp
from cg_sim.differentiable.kernels.pairs import list_pairs, outdated, pair_forces, pair_forces_vjp
from cg_sim.engines.cpu.kernels.compiled import compiled
from cg_sim.engines.cpu.kernels.thermostats import chain_half_step
from cg_sim.noise import gaussians

_kernel = njit(nogil=True, error_model="numpy")
PLAIN, LANGEVIN, CHAIN = 0, 1, 2
KT, DT = 0, 1  # of the adjoints of numbers
_WIDTH = 64  # of the list's rows at first


class System(NamedTuple):
    """What does not move: masses (n,), type codes, box, its inverse."""

    masses: Any
    kinds: Any
    box: Any
    inverse: Any


class Settings(NamedTuple):
    ensemble: int
    dt: float
    kT: float
    friction: float
    freedom: int
    substeps: int
    reach: float
    cutoff: float
    seed: int
    step: int


class Path(NamedTuple):
    """All that the transpose needs of some steps: x and v (step, n, 3), momenta of the chain before each of its half
    steps (2 step, m), the kinetic energies these saw (2 step), energy and virial (step)."""

    x: Any
    v: Any
    momenta: Any
    kinetic: Any
    energy: Any
    virial: Any


class Adjoints(NamedTuple):
    """Of positions (n, 4; the last means nothing) and velocities (n, 3), masses (n,), rows (row, 4), chain masses and
    momenta (2, m), and of kT and dt."""

    x: Any
    v: Any
    masses: Any
    rows: Any
    chain: Any
    numbers: Any


@_kernel
def kinetic_energy(v, masses):
    total = 0.0
    for i in range(len(v)):
        total += 0.5 * masses[i] * (v[i, 0] ** 2 + v[i, 1] ** 2 + v[i, 2] ** 2)
    return total


@compiled
def forward(system, table, s, chain_masses, first, last, path):
    """Do steps `first` to `last` of a run into the path, which begins with the state after step `first`.

    Return the step after which a pair has left its table, or −1.
    """
    masses, n = system.masses, len(system.masses)
    forces, points = np.empty((n, 4)), np.empty((n, 4))
    x, v = path.x[0].copy(), path.v[0].copy()
    p_eta, eta = path.momenta[0].copy(), np.zeros(len(chain_masses))
    reference, slack = x.copy(), 0.5 * (s.reach - s.cutoff)
    listed = list_pairs(x, system.box, system.inverse, s.reach, _WIDTH)
    path.energy[0], path.virial[0], sound = pair_forces(x, system, table, listed, points, forces)
    kinetic = kinetic_energy(v, masses)
    c1 = math.exp(-s.friction * s.dt)
    c2 = math.sqrt(s.kT * (1 - c1 * c1))
    half = 0.5 * s.dt
    for o in range(last - first):
        if not sound:
            return first + o
        scale = 1.0
        if s.ensemble == CHAIN:
            path.kinetic[2 * o] = kinetic
            scale = chain_half_step(eta, p_eta, chain_masses, kinetic, s.freedom, s.kT, s.dt, s.substeps)
        for i in range(n):
            h = half / masses[i]
            if s.ensemble == LANGEVIN:
                spread = c2 / math.sqrt(masses[i])
                noise = gaussians(s.seed, s.step + first + o, i, 0)
                for k in range(3):
                    u = v[i, k] + h * forces[i, k]
                    w = c1 * u + spread * noise[k]
                    x[i, k] += half * u
                    x[i, k] += half * w
                    v[i, k] = w
            else:
                for k in range(3):
                    v[i, k] = scale * v[i, k] + h * forces[i, k]
                    x[i, k] += s.dt * v[i, k]
        if outdated(x, reference, slack):
            listed = list_pairs(x, system.box, system.inverse, s.reach, listed.rows.shape[1])
            reference[:] = x
        path.energy[o + 1], path.virial[o + 1], sound = pair_forces(x, system, table, listed, points, forces)
        for i in range(n):
            h = half / masses[i]
            for k in range(3):
                v[i, k] += h * forces[i, k]
        if s.ensemble == CHAIN:
            path.momenta[2 * o + 1] = p_eta
            kinetic = kinetic_energy(v, masses)
            path.kinetic[2 * o + 1] = kinetic
            scale = chain_half_step(eta, p_eta, chain_masses, kinetic, s.freedom, s.kT, s.dt, s.substeps)
            path.momenta[2 * o + 2] = p_eta
            v *= scale
            kinetic *= scale * scale
        path.x[o + 1] = x
        path.v[o + 1] = v
    return -1 if sound else last


@compiled
def backward(system, table, s, chain_masses, first, last, every, path, g_x, g_v, g_energy, g_virial, g, kicks, drifts):
    """Take the adjoints `g` of the state after step `last` of a run back to step `first`, where the path begins.

    The adjoints of what was observed, every `every` steps, join at steps first < t ≤ last (and at 0). `kicks` are those
    of the velocity that the half kick after step `last` gave, `drifts` what is left of the noisy step after it.
    """
    masses, n = system.masses, len(system.masses)
    forces, g_forces, points = np.empty((n, 4)), np.zeros((n, 4)), np.empty((n, 4))
    x = path.x[last - first]
    reference, slack = x.copy(), 0.5 * (s.reach - s.cutoff)
    listed = list_pairs(x, system.box, system.inverse, s.reach, _WIDTH)
    c1 = math.exp(-s.friction * s.dt)
    c2 = math.sqrt(s.kT * (1 - c1 * c1))
    half = 0.5 * s.dt
    g_p = g.chain[1]
    for t in range(last, first - (first == 0), -1):
        o = t - first
        x, v = path.x[o], path.v[o]
        seen_energy = seen_virial = 0.0
        if t % every == 0:
            f = t // every
            g.x[:, :3] += g_x[f]
            g.v[:] += g_v[f]
            seen_energy, seen_virial = g_energy[f], g_virial[f]
        ending = 1.0
        if s.ensemble == CHAIN and t > 0:
            ending = _end_of_chain(system, s, chain_masses, o, path, v, g, g_p)
        for i in range(n):
            for k in range(3):
                g_forces[i, k] = half / masses[i] * (kicks[i, k] + (g.v[i, k] if t > 0 else 0.0))
        if outdated(x, reference, slack):
            listed = list_pairs(x, system.box, system.inverse, s.reach, listed.rows.shape[1])
            reference[:] = x
        pair_forces_vjp(
            x, system, table, listed, points, forces, g_forces, seen_energy, seen_virial, g.x, g.rows
        )  # fmt: skip
        for i in range(n):
            pushed = 0.0
            for k in range(3):
                pushed += g_forces[i, k] * forces[i, k]
                if s.ensemble == LANGEVIN:
                    g.numbers[DT] += drifts[i, k] * (v[i, k] + half / masses[i] * forces[i, k])
            g.numbers[DT] += pushed / s.dt
            g.masses[i] -= pushed / masses[i]
        if t == 0:
            return
        if s.ensemble == LANGEVIN:
            _noisy_step(system, s, t, c1, c2, v, forces, g, kicks, drifts)
        else:
            _plain_step(system, s, v, ending, forces, g, kicks)
        if s.ensemble == CHAIN:
            _start_of_chain(system, s, chain_masses, o, path, kicks, g, g_p)


@_kernel
def _plain_step(system, s, v, ending, forces, g, kicks):
    """x′ = x + dt u, u = (velocity) + kick."""
    half = 0.5 * s.dt
    for i in range(len(v)):
        for k in range(3):
            u = v[i, k] / ending - half / system.masses[i] * forces[i, k]
            g.numbers[DT] += g.x[i, k] * u
            g.v[i, k] += s.dt * g.x[i, k]
            kicks[i, k] = g.v[i, k]


@_kernel
def _noisy_step(system, s, t, c1, c2, v, forces, g, kicks, drifts):
    """x₁ = x + dt/2 u, w = c1 u + spread ξ, x′ = x₁ + dt/2 w."""
    half = 0.5 * s.dt
    dying = 1 - c1 * c1
    for i in range(len(v)):
        spread = c2 / math.sqrt(system.masses[i])
        noise = gaussians(s.seed, s.step + t - 1, i, 0)
        along = 0.0
        for k in range(3):
            w = v[i, k] - half / system.masses[i] * forces[i, k]
            g.numbers[DT] += 0.5 * g.x[i, k] * w
            g_w = g.v[i, k] + half * g.x[i, k]
            along += g_w * noise[k] * spread
            g.v[i, k] = c1 * g_w + half * g.x[i, k]
            drifts[i, k] = -s.friction * c1 * g_w + 0.5 * g.x[i, k]
            kicks[i, k] = g.v[i, k]
        if s.kT > 0:
            g.numbers[KT] += 0.5 * along / s.kT
        if dying > 0:
            g.numbers[DT] += along * s.friction * c1 * c1 / dying
        g.masses[i] -= 0.5 * along / system.masses[i]


@_kernel
def _end_of_chain(system, s, chain_masses, o, path, v, g, g_p):
    """v = factor·v″, the factor from v″'s kinetic energy; return the factor and leave the adjoint of v″."""
    p_eta = path.momenta[2 * o - 1]
    after, eta = p_eta.copy(), np.zeros(len(p_eta))
    kinetic = path.kinetic[2 * o - 1]
    factor = chain_half_step(eta, after, chain_masses, kinetic, s.freedom, s.kT, s.dt, s.substeps)
    _chain(system, s, chain_masses, p_eta, kinetic, factor, v, factor, g, g_p)
    return factor


@_kernel
def _start_of_chain(system, s, chain_masses, o, path, kicks, g, g_p):
    """As the end of a step, with the velocity before it."""
    p_eta = path.momenta[2 * o - 2]
    after, eta = p_eta.copy(), np.zeros(len(p_eta))
    kinetic = path.kinetic[2 * o - 2]
    factor = chain_half_step(eta, after, chain_masses, kinetic, s.freedom, s.kT, s.dt, s.substeps)
    _chain(system, s, chain_masses, p_eta, kinetic, factor, path.v[o - 1], 1.0, g, g_p)


@_kernel
def _chain(system, s, chain_masses, p_eta, kinetic, factor, v, scaled, g, g_p):
    """Take the adjoint of factor·u to that of u = v/scaled."""
    g_factor = 0.0
    for i in range(len(v)):
        for k in range(3):
            g_factor += g.v[i, k] * v[i, k] / scaled
    g_kinetic, g_kT, g_dt = chain_half_step_vjp(
        p_eta, chain_masses, kinetic, s.freedom, s.kT, s.dt, s.substeps, g_factor, g_p, g.chain[0]
    )
    g.numbers[KT] += g_kT
    g.numbers[DT] += g_dt
    for i in range(len(v)):
        square = 0.0
        for k in range(3):
            u = v[i, k] / scaled
            g.v[i, k] = factor * g.v[i, k] + g_kinetic * system.masses[i] * u
            square += u * u
        g.masses[i] += 0.5 * g_kinetic * square
