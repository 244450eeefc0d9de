"""What every run of notebook 05 shares: units, liquid water of DFT in a DeePMD folder, what is measured of oxygens, training that goes on.

The DFT frames (PBE0+TS, 64 H2O, 330 K) are deepmd-kit's example `water`; runs take the folder that holds its data_0, data_1, … by path.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import replace
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
from cg_data.safe_files import atomic_path
from cg_data.units import METAL

Array = npt.NDArray[np.float64]
RESULTS = Path(__file__).resolve().parents[1] / "results" / "05"
UNITS = METAL  # Å, eV, u
KELVIN = 330.0
KT = KELVIN * ase_units.kB
FEMTOSECOND = ase_units.fs
PICOSECOND = 1000 * FEMTOSECOND
TYPES = ("O", "H")
OXYGEN, DEUTERIUM = 15.999, 2.014  # u; the paper's water is heavy, so that steps can be longer
BEAD = OXYGEN + 2 * DEUTERIUM
CUTOFF = 6.0  # Å, of all models of the paper
WIDTH = 0.05  # Å, of a shell
ANGLES = (2.7, 3.7, 4.5, 6.0)  # Å: fig. 4 has four cutoffs, whose values stand in the picture alone
SHELL = (3.1, 3.6)  # Å: r_min and r_max of s(r), appendix A
FRICTION = 1 / (0.1 * PICOSECOND)  # the paper's, of beads
COUNT = {"O": 46, "H": 92}  # neighbors of a type within 6 Å, at most; `sel` of deepmd-kit's example


def dft(folder: Path) -> cm.BeadFrames:
    """Return all frames of the DeePMD systems below a folder, O and H, with forces and energies."""
    systems = sorted(path.parent for path in folder.glob("**/type.raw"))
    if not systems:
        raise FileNotFoundError(f"{folder} holds no DeePMD system: give deepmd-kit's examples/water/data")
    found = [cm.bead_frames(cd.read_trajectory(s, format="deepmd"), TYPES) for s in systems]
    if any(not np.array_equal(f.codes, found[0].codes) for f in found):
        raise ValueError(f"the systems below {folder} hold other atoms in another order")
    arrays = {n: np.concatenate([getattr(f, n) for f in found]) for n in ("positions", "boxes", "forces", "energies")}
    return replace(found[0], **arrays)


def some_of(frames: cm.BeadFrames, chosen: npt.NDArray[np.int64]) -> cm.BeadFrames:
    """Return a few of the frames."""
    arrays = {n: getattr(frames, n) for n in ("positions", "boxes", "forces", "energies")}
    return replace(frames, **{n: None if a is None else a[chosen] for n, a in arrays.items()})


def beads_of(positions: npt.ArrayLike, edge: float, forces: npt.ArrayLike | None = None) -> cm.BeadFrames:
    """Return frames (frame, bead, 3) of oxygens in a cube."""
    x = np.asarray(positions, dtype=np.float64)
    boxes = np.tile(np.eye(3) * edge, (len(x), 1, 1))
    return cm.BeadFrames(x, boxes, ("O",), np.zeros(x.shape[1], dtype=np.int64), UNITS,
                         forces=None if forces is None else np.asarray(forces, dtype=np.float64))  # fmt: skip


def observables(edge: float) -> list[Any]:
    """Return g(r) up to half the box, angles at the four cutoffs, q̄4 and q̄6."""
    bins = int(0.5 * edge / WIDTH)
    return [cs.RDF(bins * WIDTH, bins), cs.ADF(ANGLES, bins=90), cs.Steinhardt(*SHELL, bins=100)]


CURVES: dict[str, tuple[str, ...]] = {
    "g": (),
    "adf_isotropic": ("adf_cutoff",),
    "steinhardt": ("l",),
}  # what is compared, for each of what


def measured(frames: cm.BeadFrames, blocks: int = 10) -> xr.Dataset:
    """Return the structure of frames of oxygens, with errors of blocks."""
    parts = [some_of(frames, b) for b in np.array_split(np.arange(len(frames)), blocks)]
    return averaged([_measured(part) for part in parts])


def _measured(frames: cm.BeadFrames) -> xr.Dataset:
    ds = cd.trajectory(frames.positions, frames.boxes, ["O"] * len(frames.codes), units=UNITS)
    return cs.measure(ds, observables(float(frames.boxes[0, 0, 0])), kT=KT)


def averaged(blocks: Sequence[xr.Dataset]) -> xr.Dataset:
    """Return means of blocks of one box, each with its standard error over blocks."""
    found: dict[str, Any] = {}
    for name in CURVES:
        values = np.array([np.squeeze(b[name].values) for b in blocks])
        dims = [d for d in blocks[0][name].dims if d != "pair"]
        found[name] = (dims, values.mean(axis=0), {"units": "1"})
        found[f"{name}_stderr"] = (dims, stderr(values), {"units": "1"})
    coords = {n: blocks[0][n] for n in ("r", "adf_cutoff", "angle", "l", "q_l")}
    coords["r"] = coords["r"].round(6)  # shells of other boxes are at the same places, but for the last bit
    return xr.Dataset(found, coords, {"blocks": len(blocks)})


def of_dft(name: str) -> str:
    """Return what a curve of DFT is called beside others.

    >>> of_dft("g_stderr")
    'dft_g_stderr'
    """
    return f"dft_{name}"


def dft_of(found: xr.Dataset) -> xr.Dataset:
    """Return the curves of DFT by the names of others."""
    return xr.Dataset({n: found[of_dft(n)] for c in CURVES for n in (c, f"{c}_stderr")})


def angular(found: xr.Dataset) -> xr.Dataset:
    """Return curves with P(θ) [1/rad], ∫₀^π P dθ = 1, and its error: ½ sin θ times what is 1 where directions are independent."""
    weight, names = 0.5 * np.sin(found.angle), ("adf_isotropic", "adf_isotropic_stderr")
    return found.assign({n.replace("adf_isotropic", "p"): found[n] * weight for n in names})


def stderr(blocks: npt.ArrayLike) -> Array:
    """Return the standard error of a mean over blocks, the first axis; nan of one block."""
    values = np.asarray(blocks, dtype=float)
    if len(values) < 2:
        return np.full(values.shape[1:], np.nan)
    return np.asarray(values.std(axis=0, ddof=1) / np.sqrt(len(values)))


def largest_difference(one: xr.Dataset, other: xr.Dataset, name: str = "g") -> tuple[Array, Array]:
    """Return max |Δ| of a curve where both reach, of each cutoff or order there is, and its standard error where it is largest."""
    a, b = xr.align(one, other, join="inner", exclude=["l", "adf_cutoff"])
    off = np.abs(a[name].values - b[name].values)
    worst = np.nan_to_num(off, nan=-1.0).argmax(axis=-1)[..., None]
    error = np.hypot(a[f"{name}_stderr"].values, b[f"{name}_stderr"].values)
    largest, at_it = (np.take_along_axis(x, worst, -1)[..., 0] for x in (off, error))
    return largest, at_it


def claimed(folder: Path, **about: object) -> None:
    """Make a folder for a run of these settings; SystemExit if it holds one of others."""
    folder.mkdir(parents=True, exist_ok=True)
    file, said = folder / "about.json", json.dumps(about, indent=1)
    if file.exists() and json.loads(file.read_text()) != json.loads(said):
        raise SystemExit(f"{folder} holds a run of other settings:\n{file.read_text()}\nname another folder")
    with atomic_path(file) as draft:
        draft.write_text(said)


def written(found: xr.Dataset, file: Path, **about: object) -> None:
    """Write results with what repeats them; arrays are compressed."""
    file.parent.mkdir(parents=True, exist_ok=True)
    packages = f"cg-data {cd.__version__}, cg-sim {cs.__version__}, cg-models {cm.__version__}"
    encoding = {str(n): {"zlib": True} for n in found.data_vars if found[n].ndim}
    with atomic_path(file) as draft:
        found.assign_attrs(about, packages=packages).to_netcdf(draft, encoding=encoding)


def taught(trainer: cm.DeepTrainer, checkpoint: Path, *, minutes: float | None = None, report: int = 500) -> xr.Dataset:
    """Teach from the checkpoint on, if there is one, to the last step or for so many minutes of processor time; return the history.

    `done` in its attributes says whether the last step was reached; what is killed loses what came after the last report.
    """
    file, rows = checkpoint.with_suffix(".json"), list[list[float]]()
    if checkpoint.exists():
        trainer.load(checkpoint)
        rows = [row for row in json.loads(file.read_text()) if row[0] <= trainer.step]
    began, before = time.process_time(), rows[-1][3] if rows else 0.0
    for errors in trainer.run(report=report):
        spent = time.process_time() - began
        rows.append([trainer.step, errors.force, errors.energy, before + spent])
        with atomic_path(file) as draft:
            draft.write_text(json.dumps(rows))
        trainer.save(checkpoint)
        print(f"{checkpoint.stem} step {trainer.step}: {errors.force:.4f} eV/Å, {before + spent:.0f} s", flush=True)
        if minutes is not None and spent >= 60 * minutes:
            break
    step, force, energy, seconds = np.array(rows).reshape(-1, 4).T
    return xr.Dataset(
        {"force_rmse": ("step", force, {"units": "eV/angstrom"}), "energy_rmse": ("step", energy, {"units": "eV"}),
         "seconds": ("step", seconds, {"units": "s"})},
        {"step": step.astype(np.int64)}, {"done": int(trainer.step >= trainer.settings.steps)},
    )  # fmt: skip
