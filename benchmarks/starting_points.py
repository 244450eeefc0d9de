"""The same equilibrated Lennard-Jones liquid, table and frames for every program, as files."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import numpy as np

import cg_data as cd
import cg_sim as cs

POTENTIAL = cd.LennardJones(cutoff=2.5)
_R_MIN = 0.5  # of tables for others; no pair comes nearer than about 0.8 at kT = 1
_TILED = 8000


@cache
def _scratch() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="cg-sim-benchmarks-")


@cache
def liquid(n: int, density: float) -> Path:
    """Return an .npz of positions and velocities at kT = 1, the box's side, and a table r, u, f of 1001 points."""
    state = _liquid(n, density)
    r = np.linspace(_R_MIN, POTENTIAL.cutoff * (1 - 1e-12), 1001)
    path = Path(_scratch().name) / f"liquid-{n}-{density}.npz"
    arrays = {"positions": state.positions, "velocities": state.velocities, "side": state.box[0, 0]}
    np.savez(path, **arrays, r=r, u=POTENTIAL.energy(r), f=POTENTIAL.force(r))
    return path


@cache
def _liquid(n: int, density: float) -> cs.State:
    """Return a liquid; a large one is eight copies of a smaller one, which the noise soon sets apart."""
    if n > _TILED and n % 8 == 0:
        part = _liquid(n // 8, density)
        side = part.box[0, 0]
        corners = side * np.stack(np.meshgrid(*[[0, 1]] * 3, indexing="ij"), axis=-1).reshape(8, 1, 3)
        positions = (part.positions % side + corners).reshape(-1, 3)
        return cs.State(positions, 2 * side, np.tile(part.velocities, (8, 1)))
    return cs.simulate(cs.fcc(n, density, kT=4.0), POTENTIAL, kT=1.0, steps=2000, precision="single").state


@cache
def lammps_table() -> Path:
    """Return a LAMMPS table of 1000 points, keyword A-A."""
    return cd.write_table(POTENTIAL.table(1000), Path(_scratch().name) / "lj.table", format="lammps", n=1000)


@cache
def frames(n: int, density: float, count: int) -> Path:
    """Return an .npz of `count` frames 100 steps apart, and the box's side."""
    start = np.load(liquid(n, density))
    state = cs.State(start["positions"], float(start["side"]), start["velocities"])
    run = cs.simulate(state, POTENTIAL, kT=1.0, steps=100 * count, frames_every=100, precision="single")
    path = Path(_scratch().name) / f"frames-{n}-{density}.npz"
    assert run.trajectory is not None
    np.savez(path, positions=run.trajectory.position.values, side=float(start["side"]))
    return path
