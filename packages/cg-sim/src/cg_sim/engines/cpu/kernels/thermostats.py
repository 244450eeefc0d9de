"""The global thermostats and the barostat as scalar updates: every thread computes the same numbers.

Nosé–Hoover chain: Martyna, Tuckerman, Tobias & Klein 1996, eqs 25–29, third-order Suzuki–Yoshida. Stochastic velocity rescaling: Bussi, Donadio & Parrinello
2007, eq A7. Stochastic cell rescaling: Bernetti & Bussi 2020, eq 9 (isotropic).
"""

# mypy: disable-error-code="no-untyped-def,untyped-decorator"
from __future__ import annotations

import math

import numpy as np
from numba import njit

from cg_sim.noise import BAROSTAT, RESCALING, gaussians, log_uniform, philox

_CBRT2 = 2.0 ** (1 / 3)
YOSHIDA = (1 / (2 - _CBRT2), -_CBRT2 / (2 - _CBRT2), 1 / (2 - _CBRT2))


@njit(nogil=True, cache=True, error_model="numpy")
def chain_half_step(eta, p_eta, masses, kinetic, freedom, kT, dt, substeps):
    """Advance chain positions `eta` and momenta `p_eta` by dt/2 and return the factor for the velocities."""
    m = len(eta)
    scale = 1.0
    twice = 2 * kinetic
    for _ in range(substeps):
        for w in YOSHIDA:
            h = w * dt / (2 * substeps)
            for k in range(m - 1, -1, -1):
                push(eta, p_eta, masses, k, twice * scale * scale, freedom, kT, h)
            scale *= math.exp(-h * p_eta[0] / masses[0])
            for k in range(m):
                eta[k] += h * p_eta[k] / masses[k]
            for k in range(m):
                push(eta, p_eta, masses, k, twice * scale * scale, freedom, kT, h)
    return scale


@njit(nogil=True, cache=True, error_model="numpy", inline="always")
def push(eta, p_eta, masses, k, twice_kinetic, freedom, kT, h):
    drag = math.exp(-0.25 * h * p_eta[k + 1] / masses[k + 1]) if k + 1 < len(eta) else 1.0
    force = twice_kinetic - freedom * kT if k == 0 else p_eta[k - 1] ** 2 / masses[k - 1] - kT
    p_eta[k] = (p_eta[k] * drag + 0.5 * h * force) * drag


@njit(nogil=True, cache=True, error_model="numpy")
def chain_energy(eta, p_eta, masses, freedom, kT):
    """Return the chain's part of the conserved quantity."""
    energy = freedom * kT * eta[0]
    for k in range(len(eta)):
        energy += 0.5 * p_eta[k] ** 2 / masses[k]
        if k > 0:
            energy += kT * eta[k]
    return energy


@njit(nogil=True, cache=True, error_model="numpy")
def gamma_variate(shape, seed, step):
    """Return a Gamma(shape, 1) number, shape ≥ ½, by Marsaglia & Tsang 2000 on the counter-based stream."""
    boost = shape < 1.0
    a = shape + 1.0 if boost else shape
    d = a - 1 / 3
    c = 1 / math.sqrt(9 * d)
    low = np.uint64(0xFFFFFFFF)
    for attempt in range(1, 1000):
        g, u = 0.0, 0.0
        g, _, _, _ = gaussians(seed, step, attempt, RESCALING)
        key = np.uint64(seed)
        words = philox(np.uint64(attempt), np.uint64(step) & low, np.uint64(step) >> np.uint64(32),
                       np.uint64(RESCALING + 16), key & low, key >> np.uint64(32))  # fmt: skip
        u = log_uniform(words[0])
        v = (1 + c * g) ** 3
        if v > 0 and u < 0.5 * g * g + d - d * v + d * math.log(v):
            value = d * v
            return value * math.exp(log_uniform(words[1]) / shape) if boost else value
    return d


@njit(nogil=True, cache=True, error_model="numpy")
def rescaling_factor(kinetic, freedom, kT, dt, tau, seed, step):
    """Return the factor of the velocities in one step of stochastic velocity rescaling."""
    if kinetic <= 0:
        return 1.0
    c = math.exp(-dt / tau)
    g, _, _, _ = gaussians(seed, step, 0, RESCALING)
    others = 2 * gamma_variate(0.5 * (freedom - 1), seed, step) if freedom > 1 else 0.0
    ratio = 0.5 * kT / kinetic
    square = c + ratio * (1 - c) * (g * g + others) + 2 * g * math.sqrt(c * (1 - c) * ratio)
    sign = 1.0 if g + math.sqrt(c / ((1 - c) * ratio)) >= 0 else -1.0
    return sign * math.sqrt(square)


@njit(nogil=True, cache=True, error_model="numpy")
def cell_factor(pressure, volume, target, kT, interval, tau, compressibility, seed, step):
    """Return the factor of the box's edges, one Euler–Maruyama step of ε = ln V with the instantaneous pressure.

    dε = −(β/τ)(P₀ − P) dt + √(2 kT β/(V τ)) dW (Itô): the kT/V of the equation for V cancels in that for ln V.
    """
    g, _, _, _ = gaussians(seed, step, 0, BAROSTAT)
    rate = compressibility * interval / tau
    change = -rate * (target - pressure) + math.sqrt(2 * kT * rate / volume) * g
    return math.exp(change / 3)
