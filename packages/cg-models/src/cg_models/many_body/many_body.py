"""What potentials of many bodies return of positions, and what they ask of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from cg_models.many_body.neighborhoods import Neighborhoods

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ManyBody:
    """Energy [eV], energies of atoms (atom,), forces (atom, 3) [eV/Å], virial Σ f ⊗ r (3, 3) [eV].

    `spread` [eV per atom] is the standard deviation of the energy per atom over the networks; `force_spread` (atom,) [eV/Å]
    that of forces, the root of the sum of the variances of x, y and z: None unless asked for. One network alone has no spread, nan.
    """

    energy: float
    energies: Array
    forces: Array
    virial: Array
    spread: float
    force_spread: Array | None = None


class ManyBodyPotential(Protocol):
    """A potential of one element as a function of positions; atoms see each other within `cutoff` [Å]."""

    @property
    def element(self) -> str: ...

    @property
    def cutoff(self) -> float: ...

    def __call__(
        self, positions: npt.ArrayLike, cell: npt.ArrayLike | None, *, periodic: npt.ArrayLike = True,
        neighborhoods: Neighborhoods | None = None, force_spread: bool = False,
    ) -> ManyBody: ...  # fmt: skip


def checked(
    positions: npt.ArrayLike, cell: npt.ArrayLike | None, periodic: npt.ArrayLike
) -> tuple[Array, Array, npt.NDArray[np.bool_]]:
    """Return positions (atom, 3), the cell's vectors (3, 3) and which of them are periodic; errors if they are no such."""
    x = np.ascontiguousarray(positions, dtype=np.float64)
    vectors = np.zeros((3, 3)) if cell is None else np.ascontiguousarray(cell, dtype=np.float64)
    if x.ndim != 2 or x.shape[1:] != (3,) or vectors.shape != (3, 3) or len(x) == 0:
        raise ValueError(f"positions must be (atom, 3) and the cell (3, 3), got {x.shape} and {vectors.shape}")
    if not (np.isfinite(x).all() and np.isfinite(vectors).all()):
        raise FloatingPointError("positions or cell are not finite: the dynamics broke down")
    along = np.asarray(periodic, dtype=np.bool_) & (cell is not None)
    return x, vectors, np.broadcast_to(along, 3).copy()


def check_neighbors(given: Array, cutoff: float) -> None:
    """Refuse atoms whose numbers (atom, feature) of their neighbors are all 0: they have none."""
    if alone := np.flatnonzero((given == 0).all(axis=1)).tolist():
        near = f"have no neighbor within {cutoff:g} Å"
        raise ValueError(f"atoms {alone[:5]} {near}: the potential has learned condensed phases, no lone atoms")


def deviation(values: Array) -> Array:
    """Return the standard deviation along the first axis; of one value alone, nan."""
    return np.std(values, axis=0, ddof=1) if len(values) > 1 else np.full(values.shape[1:], np.nan)
