"""The transpose of a Nosé–Hoover chain's half step."""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"
from __future__ import annotations

import math

import numpy as np
from numba import njit

from cg_sim.engines.cpu.kernels.thermostats import YOSHIDA, push

_kernel = njit(nogil=True, error_model="numpy")


@_kernel
def chain_half_step_vjp(p_eta, masses, kinetic, freedom, kT, dt, substeps, g_scale, g_p, g_masses):
    """Return the adjoints of kinetic energy, kT (at given masses) and dt, from those of the factor and the momenta.

    `p_eta` are the momenta before the half step; `g_p` those of the momenta after it, and then before it; `g_masses` is
    added to.
    """
    m = len(p_eta)
    operations = substeps * 3 * (2 * m + 1)
    tape = np.empty((operations, m + 1))
    eta_p, scale, at = p_eta.copy(), 1.0, 0
    for _ in range(substeps):
        for w in YOSHIDA:
            h = w * dt / (2 * substeps)
            for o in range(2 * m + 1):
                tape[at, :m] = eta_p
                tape[at, m] = scale
                at += 1
                if o == m:
                    scale *= math.exp(-h * eta_p[0] / masses[0])
                else:
                    push(eta_p, eta_p, masses, _which(o, m), 2 * kinetic * scale * scale, freedom, kT, h)
    g_kinetic = g_kT = g_dt = 0.0
    for at in range(operations - 1, -1, -1):
        o = at % (2 * m + 1)
        share = YOSHIDA[(at // (2 * m + 1)) % 3] / (2 * substeps)
        h, p, scale = share * dt, tape[at, :m], tape[at, m]
        if o == m:
            factor = math.exp(-h * p[0] / masses[0])
            g = -scale * factor * g_scale
            g_scale *= factor
            g_h = g * p[0] / masses[0]
            g_p[0] += g * h / masses[0]
            g_masses[0] -= g * h * p[0] / masses[0] ** 2
        else:
            k = _which(o, m)
            drag = math.exp(-0.25 * h * p[k + 1] / masses[k + 1]) if k + 1 < m else 1.0
            force = 2 * kinetic * scale * scale - freedom * kT if k == 0 else p[k - 1] ** 2 / masses[k - 1] - kT
            g = g_p[k]
            g_p[k] = g * drag * drag
            g_force, g_h = 0.5 * g * h * drag, 0.5 * g * force * drag
            if k + 1 < m:
                g_argument = -0.25 * drag * g * (2 * p[k] * drag + 0.5 * h * force)
                g_h += g_argument * p[k + 1] / masses[k + 1]
                g_p[k + 1] += g_argument * h / masses[k + 1]
                g_masses[k + 1] -= g_argument * h * p[k + 1] / masses[k + 1] ** 2
            if k == 0:
                g_kinetic += 2 * g_force * scale * scale
                g_scale += 4 * g_force * kinetic * scale
                g_kT -= g_force * freedom
            else:
                g_p[k - 1] += 2 * g_force * p[k - 1] / masses[k - 1]
                g_masses[k - 1] -= g_force * p[k - 1] ** 2 / masses[k - 1] ** 2
                g_kT -= g_force
        g_dt += g_h * share
    return g_kinetic, g_kT, g_dt


@_kernel
def _which(operation, m):
    """Return which momentum an operation pushes: from the last to the first, and after the factor back again."""
    return m - 1 - operation if operation < m else operation - m - 1
