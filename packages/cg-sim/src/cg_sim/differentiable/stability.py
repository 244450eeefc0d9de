"""How fast small differences grow along a rollout, and so how long a window its gradient is good for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cg_sim.differentiable.cotangents import Cotangents
from cg_sim.differentiable.rollout import Rollout

_TOLERABLE = 100.0  # growth of a gradient's noise over a window


@dataclass(frozen=True, slots=True)
class Growth:
    """`factor` = |dL/dx(0)|/|dL/dx(T)| of random dL/dx(T), and the rate λ = ln(factor)/T [1/time] it comes to.

    `window` is after how many steps a gradient has grown a hundredfold: from there on a sample of it says little of its mean.
    """

    factor: float
    rate: float
    window: int


def growth(ran: Rollout, *, seed: int = 0, samples: int = 1) -> Growth:
    """Measure by `vjp`s how a rollout carries random directions back: the Lyapunov exponent of its time."""
    rng, found = np.random.default_rng(seed), []
    for _ in range(samples):
        given = np.zeros_like(ran.positions)
        given[-1] = rng.standard_normal(given[-1].shape)
        back = ran.vjp(Cotangents(positions=given)).positions
        found.append(np.log(np.linalg.norm(back) / np.linalg.norm(given[-1])))
    steps = (len(ran.positions) - 1) * ran.every
    rate = float(np.mean(found)) / (steps * ran.dt)
    window = int(np.log(_TOLERABLE) / (rate * ran.dt)) if rate > 0 else np.iinfo(np.int64).max
    return Growth(float(np.exp(np.mean(found))), rate, window)
