"""Mean squared displacements and velocity autocorrelations of a rollout, and the transpose of both."""

from __future__ import annotations

import numpy as np

from cg_sim.differentiable.cotangents import Cotangents
from cg_sim.differentiable.rollout import Rollout
from cg_sim.differentiable.soft_rdf import Pull
from cg_sim.differentiable.table_rows import Array


def msd(ran: Rollout, lags: int) -> tuple[Array, Pull]:
    """Return ⟨|x(t + τ) − x(t)|²⟩ over particles and frames t for τ = 0 … lags − 1 frames [length²], and the way back."""
    x = ran.positions
    frames, n = _checked(x, lags)

    def pull(g: Array) -> Cotangents:
        out = np.zeros_like(x)
        for lag in range(1, lags):
            moved = 2 * g[lag] / ((frames - lag) * n) * (x[lag:] - x[: frames - lag])
            out[lag:] += moved
            out[: frames - lag] -= moved
        return Cotangents(positions=out)

    return np.array([np.sum((x[lag:] - x[: frames - lag]) ** 2) / ((frames - lag) * n) for lag in range(lags)]), pull


def vacf(ran: Rollout, lags: int) -> tuple[Array, Pull]:
    """Return ⟨v(t + τ)·v(t)⟩ over particles and frames t for τ = 0 … lags − 1 frames [velocity²], and the way back."""
    v = ran.velocities
    frames, n = _checked(v, lags)

    def pull(g: Array) -> Cotangents:
        out = np.zeros_like(v)
        for lag in range(lags):
            share = g[lag] / ((frames - lag) * n)
            out[lag:] += share * v[: frames - lag]
            out[: frames - lag] += share * v[lag:]
        return Cotangents(velocities=out)

    return np.array([np.sum(v[lag:] * v[: frames - lag]) / ((frames - lag) * n) for lag in range(lags)]), pull


def _checked(frames: Array, lags: int) -> tuple[int, int]:
    if not 1 <= lags <= len(frames):
        raise ValueError(f"lags must be between 1 and the number of frames, {len(frames)}, got {lags}")
    return frames.shape[0], frames.shape[1]
