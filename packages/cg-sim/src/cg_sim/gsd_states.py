"""State ↔ GSD frame, HOOMD-blue's format: a box centered on the origin with tilt factors, positions inside it, images.

The origin stays where it is: an unwrapped position is the one in the box and its images' lattice vectors.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from cg_sim.box import Array
from cg_sim.standard_cell import images, standard_cell
from cg_sim.state import State

_COMMAND = 'pip install "cg-sim[gsd]"'


def from_gsd(path_or_frame: Any, frame: int = -1) -> State:
    """Return the state of a GSD frame, or of the frame of that number in a file; positions unwrapped by its images."""
    found = _read(Path(path_or_frame), frame) if isinstance(path_or_frame, str | Path) else path_or_frame
    if found.configuration.box is None or not found.particles.N:
        raise ValueError("a State needs a box and particles, this GSD frame has none")
    particles, n = found.particles, int(found.particles.N)
    cell = _cell(np.asarray(found.configuration.box, dtype=np.float64))
    x = np.asarray(_or(particles.position, np.zeros((n, 3))), dtype=np.float64)
    turns = np.asarray(_or(particles.image, np.zeros((n, 3))), dtype=np.float64)
    return State(
        x + turns @ cell,
        cell,
        _or(particles.velocity, np.zeros((n, 3))),
        _or(particles.mass, np.ones(n)),
        np.asarray(_or(particles.typeid, np.zeros(n)), dtype=np.int32),
        names=tuple(_or(particles.types, ["A"])),
        step=int(found.configuration.step or 0),
    )


def to_gsd(state: State) -> Any:
    """Return the `gsd.hoomd.Frame` of a state, in double precision; the file's precision is chosen on writing.

    A box that is not lower-triangular is turned into one, positions and velocities with it.
    """
    try:
        from gsd.hoomd import Frame
    except ImportError:
        raise ImportError(f"GSD frames need gsd: {_COMMAND}") from None
    cell, turn = standard_cell(state.box)
    x = state.positions @ turn.T
    turns = images(x + 0.5 * cell.sum(axis=0), cell)
    frame = Frame()
    frame.configuration.step = state.step
    frame.configuration.box = _box(cell)
    frame.particles.N = state.n
    frame.particles.types = list(state.names)
    frame.particles.typeid = state.types.astype(np.uint32)
    frame.particles.mass = np.array(state.masses)
    frame.particles.position = x - turns @ cell
    frame.particles.velocity = state.velocities @ turn.T
    frame.particles.image = turns.astype(np.int32)
    return frame


def _box(cell: Array) -> Array:
    """Return Lx, Ly, Lz and the tilt factors xy = a₂ₓ/Ly, xz = a₃ₓ/Lz, yz = a₃ᵧ/Lz."""
    (lx, _, _), (xy, ly, _), (xz, yz, lz) = cell
    return np.array([lx, ly, lz, xy / ly, xz / lz, yz / lz])


def _cell(box: Array) -> Array:
    lx, ly, lz, xy, xz, yz = box
    return np.array([[lx, 0, 0], [xy * ly, ly, 0], [xz * lz, yz * lz, lz]])


def _or(given: Any, default: Any) -> Any:
    return default if given is None else given


def _read(path: Path, frame: int) -> Any:
    try:
        import gsd.hoomd
    except ImportError:
        raise ImportError(f"reading {path} needs gsd: {_COMMAND}") from None
    with gsd.hoomd.open(str(path)) as file:
        if not -len(file) <= frame < len(file):
            raise ValueError(f"{path} has {len(file)} frames, asked for frame {frame}")
        return file[frame]
