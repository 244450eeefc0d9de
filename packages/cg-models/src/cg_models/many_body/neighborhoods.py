"""The neighbors of every atom, from both sides, looked for again only when an atom has gone half of a skin or the cell changes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


class Neighbors(NamedTuple):
    """Pairs i, j of candidates, in both directions, at x_j − x_i + image; those of atom i are first[i] … first[i + 1] − 1.

    No atom has more than `most`.
    """

    i: npt.NDArray[np.int32]
    j: npt.NDArray[np.int32]
    images: Array
    first: npt.NDArray[np.int64]
    most: int


class Neighborhoods:
    """Candidates within cutoff + skin [length] of positions (atom, 3); call it whenever they have moved."""

    def __init__(self, cutoff: float, *, skin: float = 1.0) -> None:
        if not (cutoff > 0 and skin >= 0):
            raise ValueError(f"cutoff must be positive and skin ≥ 0, got {cutoff} and {skin}")
        self.cutoff, self.skin, self.rebuilt = cutoff, skin, 0
        self._of, self._from = b"", np.empty((0, 3))
        self._found: Neighbors

    def __call__(self, x: Array, cell: Array, periodic: npt.NDArray[np.bool_]) -> Neighbors:
        """Return them for a cell of these vectors (rows), which is repeated along those that are periodic."""
        of = cell.tobytes() + periodic.tobytes()
        if of != self._of or x.shape != self._from.shape or _farthest(x - self._from) > self.skin / 2:
            self._found = neighbors(x, cell, periodic, self.cutoff + self.skin)
            self._of, self._from, self.rebuilt = of, x.copy(), self.rebuilt + 1
        return self._found


def neighbors(x: Array, cell: Array, periodic: npt.NDArray[np.bool_], cutoff: float) -> Neighbors:
    """Return them in an order that depends on nothing but who they are: i, then j, then the image."""
    try:
        import vesin
    except ImportError:
        raise ImportError('neighbors of atoms need vesin: pip install "cg-models[ani]"') from None

    search = vesin.NeighborList(cutoff=cutoff, full_list=True, sorted=True)
    i, j, shifts = search.compute(points=x, box=cell, periodic=periodic, quantities="ijS")
    wide = 2 * int(np.abs(shifts).max(initial=0)) + 1
    image = shifts.astype(np.int64) @ [wide * wide, wide, 1]
    order = np.argsort((i.astype(np.int64) * len(x) + j.astype(np.int64)) * wide**3 + image, kind="stable")
    i, j, images = i[order].astype(np.int32), j[order].astype(np.int32), shifts[order] @ cell
    first = np.searchsorted(i, np.arange(len(x) + 1))
    return Neighbors(i, j, images, first, int(np.diff(first).max(initial=0)))


def _farthest(steps: Array) -> float:
    return float(np.sqrt((steps**2).sum(axis=-1).max(initial=0)))
