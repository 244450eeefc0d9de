"""Sums over neighbors that know nothing of environments: from slopes of vectors to forces, and back."""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numpy as np

from cg_models.deep_potential.jit import njit


@njit(cache=True, nogil=True)
def edge_forces(first: Any, j: Any, vectors: Any, frame: Any, slopes: Any, forces: Any, virials: Any) -> None:
    """Add the forces and virials Σ f ⊗ r of dE/dvector."""
    for i in range(len(first) - 1):
        f = frame[i]
        for e in range(first[i], first[i + 1]):
            for a in range(3):
                forces[i, a] += slopes[e, a]
                forces[j[e], a] -= slopes[e, a]
                for b in range(3):
                    virials[f, a, b] -= slopes[e, a] * vectors[e, b]


@njit(cache=True, nogil=True)
def edge_curves(
    types: Any, first: Any, j: Any, vectors: Any, number: Any, begin: Any, start: Any, end: Any, inverse: Any, c: Any,
    energies: Any, slopes: Any,
) -> Any:  # fmt: skip
    """Add half of every pair's U to its first atom and half of dU/dvector to its edge; return how many are nearer than tables begin."""
    left, known = 0, len(number)
    for i in range(len(first) - 1):
        for e in range(first[i], first[i + 1]):
            a, b = types[i], types[j[e]]
            k = number[a, b] if a < known and b < known else -1
            square = vectors[e, 0] ** 2 + vectors[e, 1] ** 2 + vectors[e, 2] ** 2
            if k >= 0 and square < end[k] * end[k]:
                r = np.sqrt(square)
                if r < start[k]:
                    left += 1
                    continue
                x = (r - start[k]) * inverse[k]
                q = min(int(x), begin[k + 1] - begin[k] - 1)
                t, u = x - q, c[begin[k] + q]
                energies[i] += 0.5 * (u[0] + t * (u[1] + t * (u[2] + t * (u[3] + t * (u[4] + t * u[5])))))
                along = u[1] + t * (2 * u[2] + t * (3 * u[3] + t * (4 * u[4] + t * 5 * u[5])))
                for m in range(3):
                    slopes[e, m] += 0.5 * along * inverse[k] / r * vectors[e, m]
    return left


@njit(cache=True, nogil=True)
def edge_changes(first: Any, j: Any, vectors: Any, frame: Any, u: Any, strain: Any, out: Any) -> None:
    """Set u_j − u_i + strain · vector."""
    for i in range(len(first) - 1):
        f = frame[i]
        for e in range(first[i], first[i + 1]):
            for a in range(3):
                out[e, a] = u[j[e], a] - u[i, a]
                for b in range(3):
                    out[e, a] += strain[f, a, b] * vectors[e, b]
