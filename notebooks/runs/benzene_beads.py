"""From atoms to beads: the frames of benzene_reference.py mapped on one and on three beads a molecule.

python notebooks/runs/benzene_beads.py WORK [--frames 2000 400] [--out notebooks/results/02]

Writes beads-1-*.nc and beads-3-*.nc: positions [Å] to 0.001 Å, forces [kcal/mol/Å] to 0.002 or 0.01, energies [kcal/mol], of which `between` is
that between molecules. Three beads also have `optimal_force`, of the linear map with the least noise. In parts, so that no file is large;
`read` puts them together.
"""

from __future__ import annotations

import argparse
import json
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr
from benzene_force_field import ATOMS, KCAL, MASSES, Molecule

import cg_data as cd

RESULTS = Path(__file__).parents[1] / "results" / "02"
NAMES = ("C1", "C2", "C3", "C4", "C5", "C6", "H1", "H2", "H3", "H4", "H5", "H6")
UNITS = cd.Units("angstrom", "kcal/mol", "g/mol")
PER_FILE = {1: 500, 3: 100}  # frames: no file above 2 MB
POSITION, FORCE = 1e-3, {1: 2e-3, 3: 1e-2}  # Å, kcal/mol/Å: of a step of what is written


def mapping(beads: int) -> cd.Mapping:
    """Return one bead, or three of two carbons and their hydrogens, at centers of mass."""
    groups = {1: [tuple(range(ATOMS))], 3: [(a, a + 1, a + 6, a + 7) for a in (0, 2, 4)]}[beads]
    made = tuple(cd.Bead(f"B{k + 1}", "B", atoms) for k, atoms in enumerate(groups))
    rigid = tuple((k, k + 6) for k in range(6))
    return cd.Mapping(((cd.MoleculeMapping("BENZ", NAMES, made, tuple(Molecule.bonds), rigid), "all"),))


def mapped(work: Path, beads: int, frames: int, force_map: Literal["basic", "optimal"] = "basic") -> xr.Dataset:
    """Return a `trajectory` of beads with the energy between molecules."""
    parts: list[Any] = []
    for file in sorted(work.glob("part-????.npz")):
        if sum(len(part["energy"]) for part in parts) < frames:
            parts.append(np.load(file))
    x, force, energy, between = (np.concatenate([part[name] for part in parts])[:frames]
                                 for name in ("position", "force", "energy", "between"))  # fmt: skip
    molecules = x.shape[1] // ATOMS
    atoms = cd.trajectory(
        x * 10.0, np.full(3, 10 * float(parts[0]["edge"])), NAMES * molecules, units=UNITS, force=force / KCAL / 10,
        energy=energy / KCAL, mass=np.tile(MASSES, molecules), molecule=np.repeat(np.arange(molecules), ATOMS),
    )  # fmt: skip
    found = cd.map_trajectory(atoms, mapping(beads), force_map=force_map)
    return found.assign(between=("frame", between / KCAL, {"units": "kcal/mol"}))


def write(found: xr.Dataset, folder: Path, beads: int) -> None:
    """Write parts of a trajectory, rounded and compressed; positions are put back into the box."""
    whole = found.assign(position=found.position % float(found.box[0, 0, 0]))
    steps = {"position": POSITION} | {n: FORCE[beads] for n in ("force", "optimal_force") if n in whole}
    encoding = {n: {"dtype": "int16", "scale_factor": step, "_FillValue": -32768, "zlib": True, "shuffle": True} for n, step in steps.items()}  # fmt: skip
    marks = [*range(0, whole.sizes["frame"], PER_FILE[beads]), whole.sizes["frame"]]
    for number, (first, last) in enumerate(pairwise(marks)):
        whole.isel(frame=slice(first, last)).to_netcdf(folder / f"beads-{beads}-{number:02d}.nc", encoding=encoding)


def read(name: str, folder: Path = RESULTS) -> xr.Dataset:
    """Return all parts of a trajectory."""
    parts = [xr.load_dataset(file) for file in sorted(folder.glob(f"{name}-[0-9]*.nc"))]
    return xr.concat(parts, "frame", data_vars="minimal", coords="minimal", compat="override", join="override")


def largest(values: npt.NDArray[np.float64]) -> float:
    return float(np.abs(values).max())


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("work", type=Path)
    words.add_argument(
        "--frames", type=int, nargs=2, default=(2000, 400), help="of one bead, of three beads a molecule"
    )
    words.add_argument("--out", type=Path, default=RESULTS)
    options = words.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    about = json.loads((options.work / "about.json").read_text())
    for beads, frames in zip((1, 3), options.frames, strict=True):
        whole = mapped(options.work, beads, frames)
        if beads == 3:
            best = mapped(options.work, beads, frames, "optimal")
            whole = whole.assign(optimal_force=best.force).assign_attrs(
                {f"optimal_{name}": best.attrs[name] for name in ("force_map_coefficients", "force_noise_ratio")}
            )
        if largest(whole.force.values) > 32767 * FORCE[beads]:
            raise SystemExit(f"forces up to {largest(whole.force.values):.1f} kcal/mol/Å do not fit into the file")
        write(whole.assign_attrs(reference=json.dumps(about)), options.out, beads)
        print(
            f"{beads} beads: {whole.sizes['frame']} frames, rms force {float((whole.force**2).mean()) ** 0.5:.3f} kcal/mol/Å"
        )


if __name__ == "__main__":
    main()
