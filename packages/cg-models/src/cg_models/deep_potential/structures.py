"""Frames as kernels read them: neighbors of every atom, one after the other, and the vectors to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cg_models.deep_potential.edge_kernels import edge_changes, edge_forces
from cg_models.many_body.neighborhoods import Neighborhoods, Neighbors

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Structures:
    """Neighbors j of atoms i at `vectors` (edge, 3) [length], in both directions; those of i are first[i] … first[i + 1] − 1.

    Some may be beyond the cutoff. `frame` says whose each atom is.
    """

    types: npt.NDArray[np.int64]
    i: npt.NDArray[np.int32]
    j: npt.NDArray[np.int32]
    first: npt.NDArray[np.int64]
    vectors: Array
    frame: npt.NDArray[np.int64]
    frames: int = 1

    @property
    def shortest(self) -> float:
        """The shortest distance [length]; infinite without neighbors."""
        return float(np.sqrt(np.einsum("ek,ek->e", self.vectors, self.vectors).min(initial=np.inf)))

    def forces(self, slopes: Array) -> tuple[Array, Array]:
        """Return forces (atom, 3) and virials Σ f ⊗ r (frame, 3, 3) of dE/dvector (edge, 3)."""
        found, virials = np.zeros((len(self.types), 3)), np.zeros((self.frames, 3, 3))
        edge_forces(self.first, self.j, self.vectors, self.frame, slopes, found, virials)
        return found, virials

    def along(self, u: Array, strain: Array) -> Array:
        """Return how vectors change (edge, 3) when atoms move by u (atom, 3) and frames are strained by `strain` (frame, 3, 3)."""
        found = np.empty_like(self.vectors)
        edge_changes(self.first, self.j, self.vectors, self.frame, u, strain, found)
        return found


def structure(
    positions: npt.ArrayLike, cell: npt.ArrayLike | None, types: npt.ArrayLike, near: Neighborhoods,
    *, periodic: npt.ArrayLike = True,
) -> Structures:  # fmt: skip
    """Return one frame of positions (atom, 3) [length] and types (atom,) in a cell of three vectors or edges; None: no cell."""
    x, kinds = np.ascontiguousarray(positions, dtype=np.float64), np.asarray(types, dtype=np.int64)
    vectors = np.zeros((3, 3)) if cell is None else np.array(cell, dtype=np.float64)
    vectors = np.diag(vectors) if vectors.ndim == 1 else vectors
    if x.ndim != 2 or x.shape != (len(kinds), 3) or vectors.shape != (3, 3) or len(x) == 0:
        raise ValueError(f"positions must be (atom, 3), types (atom,) and the cell (3, 3), got {x.shape}, {kinds.shape}, {vectors.shape}")  # fmt: skip
    if not (np.isfinite(x).all() and np.isfinite(vectors).all()):
        raise FloatingPointError("positions or cell are not finite: the dynamics broke down")
    along = np.broadcast_to(np.asarray(periodic, dtype=np.bool_) & (cell is not None), 3).copy()
    found: Neighbors = near(x, vectors, along)
    apart = x[found.j] - x[found.i] + found.images
    return Structures(kinds, found.i, found.j, found.first, apart, np.zeros_like(kinds))


def joined(some: Sequence[Structures]) -> Structures:
    """Return several frames as one."""
    starts = np.cumsum([0, *(len(s.types) for s in some)])
    edges = np.cumsum([0, *(len(s.i) for s in some)])
    return Structures(
        np.concatenate([s.types for s in some]),
        np.concatenate([s.i + k for s, k in zip(some, starts, strict=False)]).astype(np.int32),
        np.concatenate([s.j + k for s, k in zip(some, starts, strict=False)]).astype(np.int32),
        np.concatenate([[0], *(s.first[1:] + k for s, k in zip(some, edges, strict=False))]),
        np.concatenate([s.vectors for s in some]),
        np.concatenate([s.frame + k for k, s in enumerate(some)]), len(some),
    )  # fmt: skip
