"""What every run of notebook 04 shares: temperatures, units, potentials of aluminium by name, and g(r) to correct them to.

Potentials are named as on the command line: ani:FOLDER (a clone of ani-al), hipnn:FILE (of aluminium_hipnn.py), eam:FILE, emt.
"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import numpy.typing as npt
import xarray as xr
from ase import units as ase_units
from safetensors import safe_open
from scipy.interpolate import Akima1DInterpolator

import cg_data as cd
import cg_models as cm
import cg_sim as cs
from cg_data.units import METAL

Array = npt.NDArray[np.float64]
RESULTS = Path(__file__).resolve().parents[1] / "results" / "04"
UNITS = METAL  # Å, eV, u
TEMPERATURES = (1023, 1148, 1198, 1323)  # K
FITTED = (943, *TEMPERATURES)
FEMTOSECOND, KELVIN = ase_units.fs, ase_units.kB
PICOSECOND = 1000 * FEMTOSECOND
MASS = 26.9815385  # u
MILLIPASCAL_SECOND = 0.0062415091  # eV ps/Å³
COVALENT_RADIUS = 1.21  # Å
WIDTH = 0.05  # Å, of a shell
GRAMS = 1.66053906660 * MASS  # (g/cm³) / (atoms/Å³)
DT = 2 * FEMTOSECOND
SAMPLED = 50  # steps between samples: 0.1 ps
FRICTION = 1 / (0.5 * PICOSECOND)
EXPERIMENT = (
    "Al_ref_{943,1023,1148,1198,1323}K_Gr.txt of github.com/lanl/hippynn, examples/exp_train/Al_rdf_training/data"
)
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
    """Return what aluminium_targets.py wrote: the liquid of an EAM, of which everything is known."""
    return xr.load_dataset(folder / "targets.nc")


def target(kelvin: int, reach: float, source: Path) -> xr.Dataset:
    """Return g(r) up to `reach` [Å] at a temperature, to correct a potential to: of tables in a folder, or of targets.nc."""
    count = round(reach / WIDTH) + 1
    if source.is_dir():
        r, g, error = WIDTH * (np.arange(count) + 0.5), measured(kelvin, source), None
        values = {"g": np.maximum(g(r), 0.0), "density": density_measured(kelvin), "source": EXPERIMENT}
    else:
        found = xr.load_dataset(source).sel(temperature=kelvin).isel(r=slice(count))
        r, error = found.r.values, found.g_stderr.values
        values = {
            "g": found.g.values,
            "density": float(found.density),
            "particles": int(found.attrs["atoms"]),
            "source": found.attrs["source"],
        }
    return cd.make_target(r, kT=KELVIN * kelvin, g_stderr=error, normalization="N(N-1)", units=UNITS, **values).assign_coords(type=["Al"], pair=["Al-Al"])  # fmt: skip


def measured(kelvin: int, folder: Path) -> Akima1DInterpolator:
    """Return g(r) of experiments, tabulated in the authors' public repository: see EXPERIMENT."""
    file = folder / f"Al_ref_{kelvin}K_Gr.txt"
    if not file.exists():
        raise FileNotFoundError(f"{file} is missing: bring a folder with {EXPERIMENT}, two columns, r [Å] and g")
    return Akima1DInterpolator(*np.loadtxt(file, delimiter=",").T, extrapolate=True)  # by half a shell


def density_measured(kelvin: float) -> float:
    """Return the density of liquid aluminium [atoms/Å³] by Assael et al., J. Phys. Chem. Ref. Data 35, 285 (2006), good to 0.7 %."""
    return (2.37723 - 0.000311 * (kelvin - 933.47)) / GRAMS


def viscosity_measured(kelvin: float) -> float:
    """Return the viscosity of liquid aluminium [eV ps/Å³] by the same, good to 14 %."""
    return float(10 ** (-0.7324 + 803.49 / kelvin)) * MILLIPASCAL_SECOND


def diffusion_measured(kelvin: float) -> float:
    """Return D of liquid aluminium [Å²/ps] as its viscosity has it, kT/(4πηR) with the covalent radius.

    Kargl et al., J. Phys. Conf. Ser. 340, 012077 (2012), found this to hold for the D they measured by neutrons at 980 to 1060 K.
    """
    return KELVIN * kelvin / (4 * np.pi * viscosity_measured(kelvin) * COVALENT_RADIUS)


def slowed(kelvin: float, density: float, atoms: int) -> float:
    """Return by how much D [Å²/ps] is too small in a periodic cube (Yeh & Hummer 2004), with the measured viscosity."""
    side = (atoms / density) ** (1 / 3)
    return 2.837297 * KELVIN * kelvin / (6 * np.pi * viscosity_measured(kelvin) * side)


def network(file: Path) -> dict[str, Any]:
    """Return what aluminium_hipnn.py wrote beside its networks: how they were taught and how well."""
    with safe_open(file, "np") as opened:
        known = json.loads(json.loads(opened.metadata()["cg-models"])["hipnn"])["about"]
    return dict(known)


def stderr(blocks: npt.ArrayLike) -> Array:
    """Return the standard error of a mean over blocks, the first axis."""
    values = np.asarray(blocks, dtype=float)
    return np.asarray(values.std(axis=0, ddof=1) / np.sqrt(len(values)))
