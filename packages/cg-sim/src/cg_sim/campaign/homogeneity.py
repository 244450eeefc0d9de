"""Whether a configuration is one liquid: density waves by a Fourier transform.

W(k) = ⟨|Σ exp(ik·r)|²⟩/N² is S(k)/N, which sinks as 1/N where there is no order and stays where there is: about a half
for the Bragg peaks of a crystal or of a crystal of clusters, a tenth or more at the smallest k for a drop, a slab or a void.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cg_sim.box import Array
from cg_sim.state import State

_CELLS = 64  # per side: waves down to 2 cells


class Wave(NamedTuple):
    """The strongest density wave: W and |k| in units of the smallest one."""

    weight: float
    order: float


def waves(state: State) -> Array:
    """Return |Σ exp(ik·r)|²/N² on the half grid of wave vectors, particles at their nearest grid point."""
    fractions = state.positions @ np.linalg.inv(state.box)
    cell = ((fractions % 1.0) * _CELLS).astype(np.int64) % _CELLS
    flat = (cell[:, 0] * _CELLS + cell[:, 1]) * _CELLS + cell[:, 2]
    density = np.bincount(flat, minlength=_CELLS**3).reshape(_CELLS, _CELLS, _CELLS).astype(np.float64)
    found = np.abs(np.fft.rfftn(density)) ** 2 / state.n**2
    found[0, 0, 0] = 0.0
    return np.asarray(found)


def strongest(mean: Array) -> Wave:
    """Return the strongest wave of averaged `waves`."""
    at = np.unravel_index(int(np.argmax(mean)), mean.shape)
    h = [k - _CELLS * (k > _CELLS // 2) for k in at]
    return Wave(float(mean[at]), float(np.linalg.norm(h)))
