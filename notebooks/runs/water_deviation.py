"""How much six models of the beads differ, Σ_i of eq. 15, for three lengths of data, and whether they do where forces are large; notebook 05.

python notebooks/runs/water_deviation.py WORK_OF_BEADS --trajectory WORK_OF_TRAJECTORY [--frames 1000] [--force molecule|oxygen] [--out …/05]

After water_beads.py, of which all models of a kind and a length count. On frames that none has learned from. Writes deviation.nc.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import ase
import numpy as np
import numpy.typing as npt
import water
import water_beads
import water_trajectory as trajectory
import xarray as xr

import cg_models as cm

Array = npt.NDArray[np.float64]
LIMIT = 0.05  # eV/Å: below it are 99.3 % of the paper's
EDGES = np.linspace(0.0, 0.25, 126)  # eV/Å, of Σ
FORCES = np.linspace(0.0, 2.0, 21)  # eV/Å, of |F|
BLOCKS = 10


def deviations(models: Sequence[cm.StoredDeep], held: cm.BeadFrames) -> tuple[Array, Array]:
    """Return Σ_i (frame, bead) and the magnitudes of mean forces (frame, bead) [eV/Å]."""
    several, each, forces = cm.ensemble(models), [], []
    for x, box in zip(held.positions, held.boxes, strict=True):
        found = several.deviation(ase.Atoms(["O"] * len(x), positions=x, cell=box, pbc=True))
        each.append(found.each)
        forces.append(np.linalg.norm(found.forces, axis=1))
    return np.array(each), np.array(forces)


def row(each: Array, forces: Array) -> xr.Dataset:
    """Return the distribution of Σ, the share below the limit with its error over blocks of frames, and Σ by |F|."""
    blocks = np.array_split(each < LIMIT, min(BLOCKS, len(each)))
    number = np.clip(np.digitize(forces.ravel(), FORCES) - 1, 0, len(FORCES) - 2)
    count = np.bincount(number, minlength=len(FORCES) - 1)
    total = np.bincount(number, each.ravel(), minlength=len(FORCES) - 1)
    with np.errstate(invalid="ignore"):
        by_force = total / count
    return xr.Dataset(
        {"density": ("deviation", np.histogram(each, EDGES)[0] / each.size / np.diff(EDGES), {"units": "angstrom/eV"}),
         "below": ((), float((each < LIMIT).mean())), "below_stderr": ((), float(water.stderr([b.mean() for b in blocks]))),
         "mean": ((), float(each.mean()), {"units": "eV/angstrom"}), "force_mean": ((), float(forces.mean()), {"units": "eV/angstrom"}),
         "correlation": ((), float(np.corrcoef(each.ravel(), forces.ravel())[0, 1])),
         "by_force": ("force", by_force, {"units": "eV/angstrom"}), "force_count": ("force", count)},
        {"deviation": ("deviation", 0.5 * (EDGES[1:] + EDGES[:-1]), {"units": "eV/angstrom"}),
         "force": ("force", 0.5 * (FORCES[1:] + FORCES[:-1]), {"units": "eV/angstrom"})},
    )  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("work", type=Path)
    words.add_argument("--trajectory", type=Path, required=True)
    words.add_argument("--frames", type=int, default=1000, help="at most")
    words.add_argument("--force", choices=trajectory.FORCES, default="molecule", help="as water_beads.py was told")
    words.add_argument("--out", type=Path, default=water.RESULTS)
    options = words.parse_args(arguments)
    beads = water_beads.Beads(options.work, trajectory.frames_of(options.trajectory, options.force))
    held = water.some_of(beads.held, np.arange(min(options.frames, len(beads.held))))
    known, found, names = water_beads.collected(options.work), [], []
    for (kind, share), rows in known.to_dataframe().groupby(["kind", "share"]):
        if len(rows) > 1:
            files = [water_beads.file_of(options.work, str(kind), float(share), int(m)) for m in rows.model]
            found.append(row(*deviations([cm.load_deep(f) for f in files], held)))
            names.append((str(kind), int(rows.frames.iloc[0]), len(rows), int(rows.steps.iloc[0])))
            print(
                f"{kind}, {names[-1][1]} frames, {len(rows)} models: {100 * float(found[-1].below):.2f} % below {LIMIT} eV/Å",
                flush=True,
            )
    if not found:
        raise SystemExit(f"{options.work} holds no two models of one kind and one length")
    kinds, lengths, models, steps = (("row", list(column)) for column in zip(*names, strict=True))
    whole = xr.concat(found, "row").assign_coords(kind=kinds, frames=lengths, models=models, steps=steps)
    command = f"python notebooks/runs/water_deviation.py WORK --trajectory … --frames {options.frames}"
    water.written(
        whole, options.out / "deviation.nc", limit=LIMIT, held=len(held), command=command, seed="none: nothing is drawn"
    )


if __name__ == "__main__":
    main()
