"""The neighbors of every atom, from both sides, looked for again only when atoms or the cell have moved by a skin."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
_MOST_PAIRS = 1e9  # in a cube around each atom; a list of half of them has 18 GB


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
    """Candidates within cutoff + skin [length] of positions (atom, 3); call it whenever they, or the cell, have moved.

    A cell that is strained a little keeps its candidates: only their images move with it.
    """

    def __init__(self, cutoff: float, *, skin: float = 1.0) -> None:
        if not (cutoff > 0 and skin >= 0):
            raise ValueError(f"cutoff must be positive and skin ≥ 0, got {cutoff} and {skin}")
        self.cutoff, self.skin, self.rebuilt = cutoff, skin, 0
        self._from, self._cell, self._periodic = np.empty((0, 3)), np.zeros((3, 3)), np.zeros(3, dtype=np.bool_)
        self._found: _Found

    def __call__(self, x: Array, cell: Array, periodic: npt.NDArray[np.bool_]) -> Neighbors:
        """Return them for a cell of these vectors (rows), which is repeated along those that are periodic."""
        if not self._hold(x, cell, periodic):
            self._found = _search(x, cell, periodic, self.cutoff + self.skin)
            self._from, self._cell, self._periodic = x.copy(), cell.copy(), periodic.copy()
            self.rebuilt += 1
        return self._found.at(cell)

    def _hold(self, x: Array, cell: Array, periodic: npt.NDArray[np.bool_]) -> bool:
        """Return whether no other pair can be within the cutoff.

        Two atoms now d apart were at most ‖F⁻¹‖ (d + 2 s) apart, with F the strain since then and s the farthest that an
        atom has gone beside it.
        """
        if x.shape != self._from.shape or not np.array_equal(periodic, self._periodic):
            return False
        if np.array_equal(cell, self._cell):
            return _farthest(x - self._from) <= self.skin / 2
        if not periodic.all():
            return False
        strain = np.linalg.solve(self._cell, cell)
        widest = 1 / float(np.linalg.svd(strain, compute_uv=False).min())
        return widest * (self.cutoff + 2 * _farthest(x - self._from @ strain)) <= self.cutoff + self.skin


class _Found(NamedTuple):
    """Candidates as numbers that hold in any cell: pairs i, j and how many vectors of the cell lie between (pair, 3)."""

    i: npt.NDArray[np.int32]
    j: npt.NDArray[np.int32]
    shifts: Array
    first: npt.NDArray[np.int64]
    most: int

    def at(self, cell: Array) -> Neighbors:
        return Neighbors(self.i, self.j, self.shifts @ cell, self.first, self.most)


def _search(x: Array, cell: Array, periodic: npt.NDArray[np.bool_], cutoff: float) -> _Found:
    """Return them in an order that depends on nothing but who they are: i, then j, then the image."""
    try:
        import vesin
    except ImportError:
        raise ImportError('neighbors of atoms need vesin: pip install "cg-models[ani]"') from None

    _bounded(len(x), cell, periodic, cutoff)
    search = vesin.NeighborList(cutoff=cutoff, full_list=True, sorted=True)
    try:
        i, j, shifts = search.compute(points=x, box=cell, periodic=periodic, quantities="ijS")
    except RuntimeError as error:
        raise ValueError(f"neighbors within {cutoff:g} of {len(x)} atoms cannot be looked for: {error}") from error
    wide = 2 * int(np.abs(shifts).max(initial=0)) + 1
    image = shifts.astype(np.int64) @ [wide * wide, wide, 1]
    order = np.argsort((i.astype(np.int64) * len(x) + j.astype(np.int64)) * wide**3 + image, kind="stable")
    i, j = i[order].astype(np.int32), j[order].astype(np.int32)
    first = np.searchsorted(i, np.arange(len(x) + 1))
    return _Found(i, j, shifts[order].astype(np.float64), first, int(np.diff(first).max(initial=0)))


def _bounded(atoms: int, cell: Array, periodic: npt.NDArray[np.bool_], cutoff: float) -> None:
    """Raise ValueError where a cutoff reaches over so many images of the cell that their pairs would fill the memory."""
    around = np.cross(cell[[1, 2, 0]], cell[[2, 0, 1]])
    with np.errstate(all="ignore"):
        widths = np.abs(np.einsum("ab,ab->a", cell, around)) / np.linalg.norm(around, axis=1)
        pairs = atoms**2 * float(np.prod(np.where(periodic, 2 * cutoff / widths, 1.0)))
    if pairs > _MOST_PAIRS:
        raise ValueError(f"a cutoff of {cutoff:g} reaches over about {pairs:.1e} pairs of {atoms} atoms and their images: "
                         "take a shorter one; is it in the unit of the cell?")  # fmt: skip


def _farthest(steps: Array) -> float:
    return float(np.sqrt((steps**2).sum(axis=-1).max(initial=0)))
