"""500 beads as dense as those of benzene, one a molecule, at 300 K: a Lennard-Jones liquid made as large as theirs [Å]."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from starting_points import frames

BEADS, EDGE, FRAMES = 500, 41.9, 10
_DENSITY = 0.85  # of the Lennard-Jones liquid: σ becomes 5.0 Å
_GRID = 2.0**-16  # differences of its multiples are exact in single precision


@cache
def benzene() -> Path:
    """Return an .npz of frames (frame, bead, 3) and the edge, which single and double precision hold alike."""
    made = frames(BEADS, _DENSITY, FRAMES)
    with np.load(made) as given:
        x = given["positions"] * (EDGE / float(given["side"]))
    path = made.with_name("benzene.npz")
    np.savez(path, positions=_on_grid(x), side=_on_grid(np.float64(EDGE)))
    return path


def _on_grid(x: np.ndarray) -> np.ndarray:
    return np.round(x / _GRID) * _GRID
