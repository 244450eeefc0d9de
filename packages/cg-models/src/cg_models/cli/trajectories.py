"""The trajectory of a command: read, in the units of a model if there is one, and what it says of kT and masses."""

from __future__ import annotations

import argparse
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import torch
import xarray as xr

from cg_data import FileError, Units, in_units, read_trajectory, units_of
from cg_models.schnet.bead_frames import BeadFrames, bead_frames


def frames_given(
    options: argparse.Namespace, *, types: tuple[str, ...] | None = None, units: Units | None = None
) -> tuple[BeadFrames, xr.Dataset]:
    """Return the frames that the options name, with forces and masses if they are known, and the dataset they are of."""
    if find_spec("vesin") is None:
        raise ImportError('pairs of beads are found by vesin: pip install "cg-models[schnet]"')
    _check_device(options.device)
    names = options.types.split(",") if options.types else None
    data = read_trajectory(options.trajectory, format=options.source_format, units=options.units, types=names,
                           frames=options.frames)  # fmt: skip
    if "force" not in data:
        raise FileError(
            options.trajectory, "holds no forces", remedy="write them with the positions; cg-data map keeps them"
        )
    if units is not None and units_of(data) != units:
        try:
            data = in_units(data, units)
        except ValueError as error:
            raise FileError(options.trajectory, f"is in other units than the potential ({error})",
                            remedy="say what its numbers are: --units") from None  # fmt: skip
    try:
        frames = bead_frames(data, types)
    except ValueError as error:
        raise FileError(options.trajectory, str(error), remedy="name its types in order: --types A,B") from None
    return replace(frames, masses=_masses(options, frames)), data


def _check_device(name: str) -> None:
    """Raise ValueError if torch has no such device here."""
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"--device {name} is not here: {str(error).splitlines()[0]}") from None


def _masses(options: argparse.Namespace, frames: BeadFrames) -> np.ndarray | None:
    given = options.mass
    if given is None:
        return frames.masses
    each = given if isinstance(given, dict) else dict.fromkeys(frames.types, given)
    if set(each) != set(frames.types):
        raise ValueError(f"--mass must name each of the types {', '.join(frames.types)} once")
    return np.array([each[name] for name in frames.types])[frames.codes]


def thermal_energy_of(options: argparse.Namespace, frames: BeadFrames, data: xr.Dataset) -> float | None:
    """Return kT [energy] as it is given, or as velocities say; None if neither does."""
    if options.kT is not None:
        return float(options.kT)
    if "velocity" not in data or frames.masses is None or not data["velocity"].values.any():
        return None
    v = data["velocity"].values
    return float((frames.masses[:, None] * v**2).sum() / (3 * (v.shape[1] - 1) * len(v)))
