"""Pairs that may be near, and those of them that are: by a kernel where numba is installed, elsewhere by numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cg_models.schnet.convolution import KERNELS

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Pairs i, j, and what to add to x_j − x_i [length] for the image of j that is near i."""

    i: Rows
    j: Rows
    images: Array

    def __getitem__(self, which: npt.NDArray[np.bool_]) -> Candidates:
        return Candidates(self.i[which], self.j[which], self.images[which])


def within(x: Array, pairs: Candidates, cutoff: float) -> tuple[Rows, Rows, Array, Array]:
    """Return i, j, distance [length] and unit vector from i to j of the pairs nearer than the cutoff.

    >>> x = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 9.0], [5.0, 0.0, 0.0]])
    >>> one, other = np.array([0, 0], np.int32), np.array([1, 2], np.int32)
    >>> i, j, d, direction = within(x, Candidates(one, other, np.array([[0.0, 0.0, -10.0], [0.0, 0.0, 0.0]])), 2.0)
    >>> i.tolist(), j.tolist(), d.tolist(), direction.tolist()
    ([0], [1], [1.0], [[0.0, 0.0, -1.0]])
    """
    if KERNELS:
        from cg_models.schnet import pair_kernels

        found: tuple[Rows, Rows, Array, Array] = pair_kernels.within(x, pairs.i, pairs.j, pairs.images, cutoff)
        return found
    return by_numpy(x, pairs, cutoff)


def by_numpy(x: Array, pairs: Candidates, cutoff: float) -> tuple[Rows, Rows, Array, Array]:
    """Return the same by arrays of all pairs."""
    vectors = x[pairs.j] - x[pairs.i] + pairs.images
    d = np.sqrt(np.einsum("pk,pk->p", vectors, vectors))
    near = d < cutoff
    return pairs.i[near], pairs.j[near], d[near], vectors[near] / d[near, None]
