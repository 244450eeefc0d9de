"""Liquid water as networks see it, atoms and beads that move a little from frame to frame, at 330 K's density."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

EDGE, PER_EDGE, BOND = 12.4447, 4, 0.97  # Å, of 64 molecules
FRAMES, STEP = 40, 0.01  # Å, that a coordinate moves from frame to frame


@cache
def moving(beads: int) -> Path:
    """Return frames of 64 molecules' 192 atoms (beads = 0), or of so many beads without hydrogens, 64 or 512."""
    noise = np.random.default_rng(0)
    oxygens = EDGE / PER_EDGE * np.array(list(np.ndindex(PER_EDGE, PER_EDGE, PER_EDGE)))
    oxygens = oxygens + noise.normal(0, 0.3, oxygens.shape)
    copies = 2 if beads == 512 else 1
    shifts = EDGE * np.array(list(np.ndindex(copies, copies, copies)))
    x = (shifts[:, None] + oxygens).reshape(-1, 3)
    types = np.zeros(len(x), dtype=np.int64)
    if not beads:
        arms = noise.normal(size=(2 * len(x), 3))
        arms *= BOND / np.linalg.norm(arms, axis=1, keepdims=True)
        x, types = np.concatenate([x, np.repeat(x, 2, axis=0) + arms]), np.repeat([0, 1], [len(x), 2 * len(x)])
    steps = np.cumsum(noise.normal(0, STEP, (FRAMES // 2, *x.shape)), axis=0)
    path = Path(mkdtemp()) / f"water-{beads}.npz"
    np.savez(path, positions=x + np.concatenate([steps, steps[::-1]]), cell=copies * EDGE * np.eye(3), types=types)
    return path
