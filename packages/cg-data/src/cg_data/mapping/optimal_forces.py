"""The linear force map with the least noise (Krämer et al., J. Phys. Chem. Lett. 14, 3970, 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class OptimalForceMap:
    """`coefficients` b (bead, atom), and per bead `noise_ratio` = ⟨|F|²⟩ with b / ⟨|F|²⟩ with the reference map."""

    coefficients: Array
    noise_ratio: Array


def optimal_force_map(
    force: Array,
    weights: Array,
    reference: Array,
    *,
    constraints: Sequence[tuple[int, int]] = (),
) -> OptimalForceMap:
    """Return the b that minimizes ⟨|Σ_i b_Ii f_i|²⟩ per bead I while b cᵀ = 1 keeps the mean force.

    `force` (sample, atom, 3) holds every frame and every molecule of one kind, `weights` c and `reference` are
    (bead, atom). ⟨|F|²⟩ = ⟨|mean force|²⟩ + noise and the first does not depend on b, so least square is least noise.
    The coefficients are numbers per atom, alike for all molecules, frames and axes: the map is equivariant to
    rotations and indifferent to translations. Atoms joined by `constraints` share one coefficient.
    """
    samples, n, _ = force.shape
    if 3 * samples < 10 * n:
        raise ValueError(
            f"{samples} samples (frames × molecules) are too few to optimize {n} coefficients: give at least "
            f"{-(-10 * n // 3)}, or use force_map='basic'"
        )
    moments = np.einsum("six,sjx->ij", force, force, optimize=True) / samples
    groups = _groups(n, constraints)
    reduced = _least(groups @ moments @ groups.T, weights @ groups.T)
    coefficients = reduced @ groups
    before, after = (np.einsum("bi,ij,bj->b", b, moments, b) for b in (reference, coefficients))
    ratio = np.divide(after, before, out=np.ones_like(after), where=before > 0)
    return OptimalForceMap(coefficients, ratio)


def _least(moments: Array, weights: Array) -> Array:
    """Return rows y_I that minimize y C yᵀ subject to c y_I = e_I, by elimination of the constraints."""
    beads = len(weights)
    start = np.linalg.pinv(weights)
    if not np.allclose(weights @ start, np.eye(beads), rtol=0, atol=1e-9):
        raise ValueError(
            "no force map is valid: a fixed distance (constraints) joins atoms of two beads, or two beads move alike; "
            "put atoms at fixed distances into one bead"
        )
    free = np.linalg.svd(weights)[2][beads:].T  # columns span the y with c y = 0
    curvature = free.T @ moments @ free
    shift = np.linalg.lstsq(curvature, -free.T @ moments @ start, rcond=1e-12)[0]
    return np.asarray((start + free @ shift).T)


def _groups(n: int, constraints: Sequence[tuple[int, int]]) -> Array:
    """Return 0/1 (group, atom): atoms joined by constraints, directly or not, are one group."""
    label = np.arange(n)
    for i, j in constraints:
        label[label == label[j]] = label[i]
    return np.asarray(np.unique(label)[:, None] == label[None, :], dtype=np.float64)
