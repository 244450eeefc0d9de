"""Hot fcc aluminium whose atoms move 0.006 Å a call along each axis, forth and back: as at 1000 K with steps of 1 fs."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import numpy as np
from ase.build import bulk

STEP, CALLS = 0.006, 40


@cache
def moving(cells: int) -> Path:
    """Return an .npz of positions (call, atom, 3) [Å] and the cell of cells × cells × cells cubes."""
    atoms, noise = bulk("Al", "fcc", 4.12, cubic=True).repeat((cells, cells, cells)), np.random.default_rng(0)
    start, way = (noise.normal(size=(len(atoms), 3)) for _ in range(2))
    along = STEP * (np.arange(CALLS) - CALLS / 2)
    x = atoms.positions + 0.15 * start + along[:, None, None] * way
    path = Path(tempfile.mkdtemp(prefix="ani")) / "moving.npz"
    np.savez(path, positions=np.concatenate([x, x[::-1]]), cell=atoms.cell.array)
    return path
