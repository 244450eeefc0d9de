"""What every run of notebook 04 shares: temperatures, units, potentials of aluminium by name, and g(r) to correct them to.

Potentials are named as on the command line: ani:FOLDER (a clone of ani-al), hipnn:FILE (of aluminium_hipnn.py), eam:FILE, emt.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import numpy.typing as npt
import xarray as xr
from ase import units as ase_units

import cg_data as cd
import cg_models as cm
import cg_sim as cs
from cg_data.units import METAL

Array = npt.NDArray[np.float64]
RESULTS = Path(__file__).resolve().parents[1] / "results" / "04"
UNITS = METAL  # Å, eV, u
TEMPERATURES = (1023, 1148, 1198, 1323)  # K
FEMTOSECOND, KELVIN = ase_units.fs, ase_units.kB
PICOSECOND = 1000 * FEMTOSECOND
MASS = 26.9815385  # u
WIDTH = 0.05  # Å, of a shell
GRAMS = 1.66053906660 * MASS  # (g/cm³) / (atoms/Å³)
DT = 2 * FEMTOSECOND
SAMPLED = 50  # steps between samples: 0.1 ps
FRICTION = 1 / (0.5 * PICOSECOND)
BAROSTAT = cs.CellRescaling(pressure=0.0, tau=0.3 * PICOSECOND, compressibility=4.0)  # Å³/eV, that of liquid aluminium


@cache
def model(name: str) -> Any:
    """Return the ASE calculator of a potential: ani:FOLDER, hipnn:FILE, eam:FILE or emt."""
    kind, _, where = name.partition(":")
    match kind:
        case "ani":
            return cm.calculator(cm.ani(where, precision="single"))
        case "hipnn":
            return cm.calculator(cm.hipnn(where))
        case "eam":
            from ase.calculators.eam import EAM

            return EAM(potential=where, form="fs" if where.endswith(".fs") else "alloy")
        case "emt":
            from ase.calculators.emt import EMT

            return EMT()
        case _:
            raise ValueError(f"a potential is ani:FOLDER, hipnn:FILE, eam:FILE or emt, got {name!r}")


def kind(name: str) -> str:
    """Return what a potential is called in figures."""
    return {"ani": "ANI-Al", "hipnn": "HIP-NN", "eam": "EAM", "emt": "EMT"}[name.partition(":")[0]]


@cache
def surrogate(folder: Path = RESULTS) -> xr.Dataset:
    """Return what aluminium_targets.py wrote."""
    return xr.load_dataset(folder / "targets.nc")


def target(kelvin: float, reach: float, folder: Path = RESULTS) -> xr.Dataset:
    """Return g(r) up to `reach` [Å] of the surrogate at a temperature, to correct a potential to."""
    found = surrogate(folder).sel(temperature=kelvin)
    found = found.isel(r=found.r.values < reach + WIDTH)
    return cd.make_target(found.r.values, found.g.values, density=float(found.density), kT=KELVIN * kelvin, g_stderr=found.g_stderr.values,
                          particles=int(found.attrs["atoms"]), normalization="N(N-1)", units=UNITS, source=found.attrs["source"]).assign_coords(type=["Al"], pair=["Al-Al"])  # fmt: skip


def stderr(blocks: npt.ArrayLike) -> Array:
    """Return the standard error of a mean over blocks, the first axis."""
    values = np.asarray(blocks, dtype=float)
    return np.asarray(values.std(axis=0, ddof=1) / np.sqrt(len(values)))
