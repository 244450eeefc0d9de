"""States as HOOMD snapshots and back, particles in the order of the state (HOOMD's tags).

HOOMD's box is the `standard_cell` centered on the origin. An unwrapped position is one inside the box and a count of
images.
"""

from __future__ import annotations

from typing import Any

import hoomd
import numpy as np

from cg_sim.box import Array
from cg_sim.standard_cell import images, standard_cell
from cg_sim.state import State


def snapshot_of(state: State, communicator: Any = None) -> Any:
    """Return a `hoomd.Snapshot` of the state, its data on rank 0 as HOOMD wants it."""
    cell, turn = standard_cell(state.box)
    snapshot = hoomd.Snapshot(communicator)
    snapshot.configuration.box = _parameters(cell)
    if snapshot.communicator.rank == 0:
        turned = state.positions @ turn.T
        image = images(turned + 0.5 * cell.sum(axis=0), cell)
        particles = snapshot.particles
        particles.N = state.n
        particles.types = list(state.names)
        particles.typeid[:] = state.types
        particles.mass[:] = state.masses
        particles.position[:] = turned - image @ cell
        particles.image[:] = image
        particles.velocity[:] = state.velocities @ turn.T
    return snapshot


def state_of(snapshot: Any, *, step: int, turn: Array | None = None) -> State:
    """Return the state in a snapshot (on rank 0), in the orientation that `turn` of `standard_cell` undoes."""
    particles, turn = snapshot.particles, np.eye(3) if turn is None else turn
    cell = _matrix(*snapshot.configuration.box)
    return State(
        (particles.position + particles.image @ cell) @ turn,
        cell @ turn,
        velocities=particles.velocity @ turn,
        masses=particles.mass,
        types=particles.typeid.astype(np.int32),
        names=tuple(particles.types),
        step=step,
    )


def _parameters(cell: Array) -> list[float]:
    (lx, _, _), (bx, ly, _), (cx, cy, lz) = cell.tolist()
    return [lx, ly, lz, bx / ly, cx / lz, cy / lz]


def _matrix(lx: float, ly: float, lz: float, xy: float, xz: float, yz: float) -> Array:
    return np.array([[lx, 0.0, 0.0], [xy * ly, ly, 0.0], [xz * lz, yz * lz, lz]])
