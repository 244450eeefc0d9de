"""Sums over neighbors that know nothing of environments: from slopes of vectors to forces, and back."""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

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
def edge_changes(first: Any, j: Any, vectors: Any, frame: Any, u: Any, strain: Any, out: Any) -> None:
    """Set u_j − u_i + strain · vector."""
    for i in range(len(first) - 1):
        f = frame[i]
        for e in range(first[i], first[i + 1]):
            for a in range(3):
                out[e, a] = u[j[e], a] - u[i, a]
                for b in range(3):
                    out[e, a] += strain[f, a, b] * vectors[e, b]
