"""Reading and writing trajectories by format name, file suffix or the shape of a folder: one row per format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import xarray as xr

from cg_data.errors import FileError
from cg_data.schemas import check
from cg_data.trajectories import ase_trajectory, deepmd, extended_xyz, gsd_file, lammps_dump
from cg_data.units import Units


class Reader(Protocol):
    """How a format's module reads: the same four keywords everywhere."""

    def __call__(
        self, path: str | Path, *, units: Units | None, types: Sequence[str] | None, frames: slice | None
    ) -> xr.Dataset: ...


@dataclass(frozen=True, slots=True)
class TrajectoryFormat:
    """How one kind of trajectory is read and written; None where ASE's own writer should be used."""

    name: str
    suffixes: tuple[str, ...]
    read: Reader
    write: Callable[[xr.Dataset, Path], None] | None
    about: str


TRAJECTORY_FORMATS = (
    TrajectoryFormat("lammps", (".dump", ".lammpstrj"), lammps_dump.read, lammps_dump.write, "LAMMPS text dump"),
    TrajectoryFormat("xyz", (".xyz", ".extxyz"), extended_xyz.read, extended_xyz.write, "extended XYZ"),
    TrajectoryFormat("gsd", (".gsd",), gsd_file.read, gsd_file.write, "HOOMD-blue's GSD [gsd]"),
    TrajectoryFormat("deepmd", (), deepmd.read, deepmd.write, "DeePMD system folder"),
    TrajectoryFormat("ase", (".traj",), ase_trajectory.read, None, "whatever ASE reads [ase]"),
)


def read_trajectory(
    path: str | Path,
    *,
    format: str | None = None,
    units: Units | None = None,
    types: Sequence[str] | None = None,
    frames: slice | None = None,
) -> xr.Dataset:
    """Return the `trajectory` dataset of a file or folder.

    `units` overrides what the format implies, `types` names numeric types in order, `frames` selects by
    slice(start, stop, step). A `.nc` file is a dataset saved before. For MDAnalysis use `from_mdanalysis`.
    """
    if str(path).endswith(".nc") and format is None:
        from cg_data.stores.netcdf import load

        ds = load(path, "trajectory")
        return ds if frames is None else ds.isel(frame=frames)
    return _format(path, format).read(path, units=units, types=types, frames=frames)


def write_trajectory(ds: xr.Dataset, path: str | Path, *, format: str | None = None) -> Path:
    """Write a `trajectory` dataset; `.nc` keeps everything, a name without suffix becomes a DeePMD folder."""
    check(ds, "trajectory")
    if str(path).endswith(".nc") and format is None:
        from cg_data.stores.netcdf import save

        return save(ds, path)
    found = _format(path, format or ("deepmd" if not Path(path).suffix else None))
    if found.write is None:
        raise ValueError(f"{found.name} is read only: write lammps, xyz, gsd, deepmd or .nc")
    found.write(ds, Path(path))
    return Path(path)


def _format(path: str | Path, name: str | None) -> TrajectoryFormat:
    known = ", ".join(f.name for f in TRAJECTORY_FORMATS)
    if name is not None:
        for row in TRAJECTORY_FORMATS:
            if row.name == name:
                return row
        raise ValueError(f"unknown format {name!r}: one of {known}")
    if Path(path).is_dir():
        return next(f for f in TRAJECTORY_FORMATS if f.name == "deepmd")
    lower = Path(path).name.lower()
    for row in TRAJECTORY_FORMATS:
        if lower.endswith(row.suffixes or ("\0",)):
            return row
    if not Path(path).exists():
        raise FileError(path, "no such file", remedy="check the path")
    raise ValueError(f"{path}: the suffix names no trajectory format: give format=, one of {known}")
