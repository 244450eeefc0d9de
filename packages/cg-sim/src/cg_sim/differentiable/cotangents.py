"""What a loss changes with the frames of a rollout, and what that comes to for all that went into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cg_sim.differentiable.table_rows import Array, Knots


@dataclass(frozen=True, slots=True, eq=False)
class Cotangents:
    """Derivatives of a loss with respect to a rollout's frames: positions and velocities (frame, n, 3), energy and virial
    (frame), and the masses (n,) where the loss reads them itself; None is zero. Those of two losses add up.
    """

    positions: Array | None = None
    velocities: Array | None = None
    energy: Array | None = None
    virial: Array | None = None
    masses: Array | None = None

    def __add__(self, other: Cotangents) -> Cotangents:
        return Cotangents(
            _sum(self.positions, other.positions), _sum(self.velocities, other.velocities),
            _sum(self.energy, other.energy), _sum(self.virial, other.virial), _sum(self.masses, other.masses),
        )  # fmt: skip


def _sum(a: Array | None, b: Array | None) -> Array | None:
    if a is None or b is None:
        return a if b is None else b
    return np.asarray(a + b)


@dataclass(frozen=True, slots=True, eq=False)
class Gradients:
    """What a loss changes with the initial positions and velocities, each table's knots ("A-B" → `Knots`), masses, kT, dt."""

    positions: Array
    velocities: Array
    tables: Mapping[str, Knots]
    masses: Array
    kT: float
    dt: float
