"""The trajectory dataset: positions, boxes and what else a file held, for atoms and beads alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import xarray as xr

from cg_data.schemas import labeled
from cg_data.units import Units


def trajectory(
    position: npt.ArrayLike,
    box: npt.ArrayLike,
    types: Sequence[str],
    *,
    units: Units,
    force: npt.ArrayLike | None = None,
    velocity: npt.ArrayLike | None = None,
    energy: npt.ArrayLike | None = None,
    mass: npt.ArrayLike | None = None,
    molecule: npt.ArrayLike | None = None,
    time: npt.ArrayLike | None = None,
    step: npt.ArrayLike | None = None,
    **attrs: object,
) -> xr.Dataset:
    """Return a checked `trajectory` dataset.

    `position`, `force`, `velocity` are (frame, particle, 3); `box` is (frame, 3, 3) with lattice vectors as rows,
    or (3, 3), (3,) for a constant box; `energy`, `time`, `step` are per frame, the rest per particle.

    >>> ds = trajectory(np.zeros((2, 3, 3)), [4.0, 4.0, 5.0], ["O", "H", "H"], units=Units("nm", "kJ/mol", "g/mol"))
    >>> ds.sizes["frame"], float(ds.box[0, 2, 2]), ds.position.attrs["units"]
    (2, 5.0, 'nm')
    """
    x = np.asarray(position, dtype=np.float64)
    if x.ndim != 3 or x.shape[-1] != 3:
        raise ValueError(f"positions must be (frame, particle, 3), got {x.shape}")
    cell = np.asarray(box, dtype=np.float64)
    if cell.shape == (3,):
        cell = np.diag(cell)
    if cell.shape == (3, 3):
        cell = np.broadcast_to(cell, (len(x), 3, 3))
    times = units.time()

    def floats(values: npt.ArrayLike | None, unit: str) -> tuple[np.ndarray, str] | None:
        return None if values is None else (np.asarray(values, dtype=np.float64), unit)

    return labeled(
        "trajectory",
        {
            "position": (x, units.length),
            "box": (cell, units.length),
            "type": np.asarray([str(t) for t in types], dtype=str),
            "force": floats(force, units.force()),
            "velocity": floats(velocity, f"{units.length}/({times})"),
            "energy": floats(energy, units.energy),
            "mass": floats(mass, units.mass),
            "molecule": None if molecule is None else np.asarray(molecule, dtype=np.int64),
            "time": floats(time, times),
            "step": None if step is None else np.asarray(step, dtype=np.int64),
        },
        units_length=units.length,
        units_energy=units.energy,
        units_mass=units.mass,
        **attrs,
    )


def units_of(ds: xr.Dataset) -> Units:
    """Return the units named in a dataset's attributes."""
    return Units(*(str(ds.attrs.get(f"units_{k}", v)) for k, v in
                   (("length", "sigma"), ("energy", "epsilon"), ("mass", "m"))))  # fmt: skip
