"""Energy and pressure of a rollout's frames, and the transpose of both."""

from __future__ import annotations

import numpy as np

from cg_sim.differentiable.cotangents import Cotangents
from cg_sim.differentiable.rollout import Rollout
from cg_sim.differentiable.soft_rdf import Pull
from cg_sim.differentiable.table_rows import Array


def energy(ran: Rollout) -> tuple[Array, Pull]:
    """Return the potential energy per particle of each frame [energy], and the way back."""
    n = ran.state.n
    return ran.energy / n, lambda g: Cotangents(energy=np.asarray(g) / n)


def pressure(ran: Rollout) -> tuple[Array, Pull]:
    """Return (Σ m v² + Σ r F)/(3 V) of each frame [energy/length³], and the way back."""
    volume, m, v = ran.state.volume, ran.state.masses[:, None], ran.velocities

    def pull(g: Array) -> Cotangents:
        share = np.asarray(g) / (3 * volume)
        squares = np.einsum("fik,fik,f->i", v, v, share)
        return Cotangents(velocities=2 * share[:, None, None] * m * v, virial=share, masses=squares)

    return (np.einsum("fik,fik,i->f", v, v, m[:, 0]) + ran.virial) / (3 * volume), pull
