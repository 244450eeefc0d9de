"""Anything MDAnalysis reads, through a Universe or an AtomGroup. Å, kJ/mol, u, ps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr

from cg_data.errors import FileError, missing_extra
from cg_data.trajectories.frames import Frame, assemble
from cg_data.units import Units

NATIVE = Units("angstrom", "kJ/mol", "g/mol")
_PICOSECOND = 1e-12 / NATIVE.seconds()


def from_mdanalysis(atoms: Any, *, frames: slice | None = None) -> xr.Dataset:
    """Return the dataset of a Universe's or AtomGroup's trajectory; residues become molecules."""
    try:
        import MDAnalysis  # noqa: F401
    except ImportError:
        raise missing_extra("MDAnalysis", "mdanalysis", "reading through MDAnalysis") from None
    group = atoms.atoms
    name = str(getattr(group.universe.trajectory, "filename", None) or "MDAnalysis")

    def chosen() -> Iterator[Frame]:
        for step in group.universe.trajectory[frames or slice(None)]:
            yield _frame(group, step, name)

    return assemble(chosen(), name, NATIVE)


def _frame(group: Any, step: Any, name: str) -> Frame:
    box = step.triclinic_dimensions
    if box is None or not abs(np.linalg.det(box)) > 0:
        raise FileError(name, f"frame {step.frame} has no periodic box", remedy="set the dimensions first")
    # MDAnalysis' positions are single precision; the box keeps its own.
    frame = Frame(group.positions.astype(np.float64), np.array(box, dtype=np.float64), _types(group))
    frame.values["time"] = float(step.time) * _PICOSECOND
    if hasattr(group, "masses") and np.all(group.masses > 0):
        frame.scalars["mass"] = np.array(group.masses, dtype=np.float64)
    if hasattr(group, "resindices"):
        frame.scalars["molecule"] = np.array(group.resindices, dtype=np.float64)
    if step.has_velocities:  # Å/ps
        frame.vectors["velocity"] = group.velocities.astype(np.float64) / _PICOSECOND
    if step.has_forces:  # kJ/(mol Å)
        frame.vectors["force"] = group.forces.astype(np.float64)
    return frame


def _types(group: Any) -> list[str]:
    return [str(t) for t in (group.names if hasattr(group, "names") else group.types)]
