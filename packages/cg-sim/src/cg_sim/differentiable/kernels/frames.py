"""Sums over the pairs of every frame, and their transpose."""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"
from __future__ import annotations

import numpy as np

from cg_sim.differentiable.kernels.pairs import deposit, list_pairs, pair_forces
from cg_sim.engines.cpu.kernels.compiled import compiled

_WIDTH = 64  # of the list's rows at first


@compiled
def deposits(frames, system, table, reach, sums):
    """Add Σ (1, t, t², t³) over all frames' pairs within reach to each row of `sums`."""
    points, width = np.empty((frames.shape[1], 4)), _WIDTH
    for f in range(len(frames)):
        listed = list_pairs(frames[f], system.box, system.inverse, reach, width)
        width = listed.rows.shape[1]
        deposit(frames[f], system, table, listed, points, sums)


@compiled
def gradients(frames, system, table, reach, out):
    """Write the derivatives of the sum of the table over all frames' pairs with respect to positions."""
    n, width = frames.shape[1], _WIDTH
    points, forces = np.empty((n, 4)), np.empty((n, 4))
    for f in range(len(frames)):
        listed = list_pairs(frames[f], system.box, system.inverse, reach, width)
        width = listed.rows.shape[1]
        pair_forces(frames[f], system, table, listed, points, forces)
        for i in range(n):
            for k in range(3):
                out[f, i, k] = -forces[i, k]
