"""Device memory of one large system, sorted in space, and its neighbor list."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import cuda

from cg_sim.box import Array, widths
from cg_sim.engines.cuda import cell_kernels as kernels
from cg_sim.engines.cuda.device import SIMULATED, THREADS, blocks, launch
from cg_sim.state import State

_STARTING_THREADS = THREADS if SIMULATED else kernels.STARTING_THREADS


class Carried(NamedTuple):
    """What particles carry along when they are sorted; vectors are (3, n)."""

    position: Any
    velocity: Any
    mass: Any
    kind: Any
    ids: Any


def carried(state: State) -> Carried:
    """Return the arrays of a state on the device."""
    arrays = (
        state.positions.T, state.velocities.T, state.masses, state.types, np.arange(state.n, dtype=np.int64)
    )  # fmt: skip
    return Carried(*(cuda.to_device(np.array(a, order="C")) for a in arrays))


class NeighborList:
    """Cells and rows of neighbors of n particles; entry k of row i is rows[k·n + i], so that threads read side by side."""

    def __init__(self, n: int, width: int, *, single: bool, triclinic: bool) -> None:
        self._n = n
        self._spare: Carried | None = None
        self._shape: list[int] = []
        self._order, self._cell_of = (cuda.device_array(n, dtype=np.int32) for _ in range(2))
        self._list = kernels.list_kernel(single=single, triclinic=triclinic)
        self._place = kernels.place_kernel(single=single)
        self.points = cuda.device_array(4 * n, dtype=np.int32 if single else np.float64)
        self.counts = cuda.device_array(n, dtype=np.int32)
        self.widen(width)

    def widen(self, width: int) -> None:
        """Make rows for `width` neighbors; their contents are lost."""
        self.width, self.rows = width, cuda.device_array(width * self._n, dtype=np.int32)

    def place(self, p: Carried, numbers: Any) -> None:
        """Write the points of all particles."""
        launch(self._place, blocks(self._n), THREADS, p.position, p.kind, numbers, self.points)

    def _make_cells(self, shape: Any) -> None:
        total = int(np.prod(shape))
        self._shape, self._cells = shape.tolist(), cuda.to_device(shape)
        self._in_cell = cuda.to_device(np.zeros(total, dtype=np.int32))
        self._starts, self._cursors = (cuda.device_array(k, dtype=np.int32) for k in (total + 1, total))

    def build(
        self, p: Carried, reference: Any, *, box: Array, reach: float, numbers: Any, status: Any, at: int
    ) -> Carried:
        """Sort the particles and list all pairs in reach, the longest row to status[at]; return the sorted arrays."""
        n, grid = self._n, blocks(self._n)
        shape = cell_counts(box, reach, n)
        if shape.tolist() != self._shape:
            self._make_cells(shape)
        cells, starts = self._cells, self._starts
        launch(kernels.count_particles, grid, THREADS, p.position, numbers, cells, self._cell_of, self._in_cell)
        shared = 4 * _STARTING_THREADS
        launch(kernels.start_cells, 1, _STARTING_THREADS, self._in_cell, starts, self._cursors, shared=shared)
        launch(kernels.fill_cells, grid, THREADS, self._cell_of, self._cursors, self._order)
        launch(kernels.rank_cells, blocks(len(self._cursors)), THREADS, starts, p.ids, self._order)
        new = Carried(*(cuda.device_array(a.shape, dtype=a.dtype) for a in p)) if self._spare is None else self._spare
        launch(kernels.sort_particles, grid, THREADS, self._order, *p, *new, reference)
        self._spare = p
        self.place(new, numbers)
        launch(
            self._list, grid, THREADS, self._order, self._cell_of, cells, starts, self.points, numbers, self.rows,
            self.counts, status, at,
        )  # fmt: skip
        return new


def cell_counts(box: Array, reach: float, n: int) -> Any:
    """Return how many cells of at least `reach` there are along each axis, about two a particle at most in all."""
    cells = np.maximum(1, (widths(box) / reach).astype(np.int64))
    while np.prod(cells) > max(2 * n, 27):
        k = int(np.argmax(cells))
        cells[k] = (cells[k] + 1) // 2
    return cells
