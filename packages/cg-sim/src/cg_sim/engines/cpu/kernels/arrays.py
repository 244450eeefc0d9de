"""The arrays that the compiled loop works on, grouped by what they describe. Particles are sorted in space."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from cg_sim.box import Array, is_orthorhombic
from cg_sim.curves import Curves
from cg_sim.engines.cpu.kernels.cells import PADDING, TURN
from cg_sim.state import State

CHUNK = 1024  # sums run over chunks of this many particles in a fixed order, whatever the number of threads


class Particles(NamedTuple):
    """Per particle; vectors are (3, n). `points` and `exact` (n, 4) are fractions of the box and the type."""

    position: Any
    velocity: Any
    force: Any
    reference: Any  # positions at the last list build
    scratch: Any
    mass: Any
    kind: Any
    id: Any
    points: Any
    exact: Any


class Neighbors(NamedTuple):
    grid: Any
    order: Any
    cell_of: Any
    starts: Any
    cells: Any
    rows: Any
    counts: Any


class Geometry(NamedTuple):
    """The box (rows are lattice vectors), its inverse, and as nine factors of fractional differences."""

    box: Any
    inverse: Any
    of_integers: Any  # box / 2³², single precision
    of_fractions: Any  # box, double precision


class Pairs(NamedTuple):
    rows: Any
    pairs: Any
    exact_rows: Any
    exact_pairs: Any
    types: int
    triclinic: bool


class Shared(NamedTuple):
    """What threads tell each other: per thread how many particles moved, how far inside its curve
    the nearest pair is and the smallest r², per chunk sums."""

    sync: Any
    displaced: Any
    nearest: Any
    longest: Any
    sums: Any


def make_particles(state: State, single: bool) -> Particles:
    n = state.n
    points = np.zeros((n, 4), dtype=np.int32 if single else np.float64)
    exact = np.zeros((n, 4)) if single else points
    return Particles(
        np.array(state.positions.T, order="C"),
        np.array(state.velocities.T, order="C"),
        np.zeros((3, n)),
        np.zeros((3, n)),
        np.empty((3, n)),
        state.masses.copy(),
        state.types.copy(),
        np.arange(n, dtype=np.int64),
        points,
        exact,
    )


def most_cells(n: int) -> int:
    """Return the largest number of cells worth having: a few per particle at most, or 3 × 3 × 12."""
    return max(2 * n, 27 * 4)


def make_neighbors(n: int, width: int) -> Neighbors:
    """Return an empty list with rows for `width` neighbors."""
    return Neighbors(
        np.zeros((3, n + PADDING), dtype=np.int32),
        np.empty(n, dtype=np.int32),
        np.empty(n, dtype=np.int32),
        np.zeros(most_cells(n) + 1, dtype=np.int32),
        np.ones(3, dtype=np.int64),
        np.empty((n, width), dtype=np.int32),
        np.zeros(n, dtype=np.int32),
    )


def make_geometry(box: Array) -> Geometry:
    b = np.ascontiguousarray(box, dtype=np.float64).copy()
    return Geometry(b, np.linalg.inv(b), (b / TURN).astype(np.float32).ravel(), b.ravel().copy())


def make_pairs(working: Curves, exact: Curves, box: Array) -> Pairs:
    return Pairs(working.rows, working.pairs, exact.rows, exact.pairs, exact.types, not is_orthorhombic(box))


def make_shared(n: int, threads: int) -> Shared:
    lines = (threads, 8)  # a cache line each
    return Shared(
        np.zeros(32, dtype=np.int64), np.zeros(lines, dtype=np.int64), np.zeros(lines),
        np.zeros(lines, dtype=np.int64),
        np.zeros(((n + CHUNK - 1) // CHUNK, 8)),
    )  # fmt: skip


def thread_bounds(n: int, threads: int) -> Any:
    """Return the first particle of each thread and n: whole chunks, as even as they allow."""
    chunks = (n + CHUNK - 1) // CHUNK
    edges = [round(chunks * k / threads) * CHUNK for k in range(threads + 1)]
    return np.minimum(np.array(edges, dtype=np.int64), n)
