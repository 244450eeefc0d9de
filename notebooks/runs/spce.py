"""Reference g(r) of oxygen in SPC/E water at 1 g/cm³ by GROMACS, for notebook 03 (the paper ran LAMMPS).

    python notebooks/runs/spce.py simulate --kelvin 288 [--molecules 1500] [--picoseconds 500]   # needs gmx on the PATH
    python notebooks/runs/spce.py collect                            # needs MDAnalysis; writes notebooks/results/03/spce.nc

`simulate` goes on from the last checkpoint after a kill; errors come from ten blocks of the trajectory.
"""

from __future__ import annotations

import argparse
import os
import subprocess
from pathlib import Path

import MDAnalysis as mda
import numpy as np
import xarray as xr

import cg_data as cd
import cg_sim as cs

RESULTS = Path(__file__).parents[1] / "results" / "03"
DENSITY = 33.4279  # molecules/nm³: 1 g/cm³ of 18.0154 g/mol
LENGTH, ANGLE = 0.1, np.deg2rad(109.47)  # SPC/E (Berendsen 1987): O-H [nm], H-O-H
CHARGE, SIGMA, EPSILON = 0.4238, 0.31656, 0.650194  # of H [e]; of O [nm, kJ/mol]
ACROSS = 2 * LENGTH * np.sin(ANGLE / 2)
REACH, BINS = 1.2, 240  # of g [nm]
MELTING, EVERY, BLOCKS = 100, 0.2, 10  # thrown away [ps], a frame [ps], blocks for the error

TOPOLOGY = f"""\
[ defaults ]
1 2 no 1.0 1.0
[ atomtypes ]
OW 8 15.9994 {-2 * CHARGE} A {SIGMA} {EPSILON}
HW 1 1.00794 {CHARGE} A 0 0
[ moleculetype ]
SOL 2
[ atoms ]
1 OW 1 SOL OW 1 {-2 * CHARGE} 15.9994
2 HW 1 SOL HW1 1 {CHARGE} 1.00794
3 HW 1 SOL HW2 1 {CHARGE} 1.00794
#ifdef FLEXIBLE
[ bonds ]
1 2 1 {LENGTH} 345000 {LENGTH} 345000
1 3 1 {LENGTH} 345000 {LENGTH} 345000
[ angles ]
2 1 3 1 {np.rad2deg(ANGLE)} 383 {np.rad2deg(ANGLE)} 383
#else
[ settles ]
1 1 {LENGTH} {ACROSS}
#endif
[ exclusions ]
1 2 3
2 1 3
3 1 2
[ system ]
SPC/E water
[ molecules ]
SOL """
FIELD = "coulombtype = PME\nrcoulomb = 1.0\nrvdw = 1.0\n"
MINIMISE = FIELD + "integrator = steep\nnsteps = 2000\ndefine = -DFLEXIBLE\n"
DYNAMICS = (
    FIELD
    + """\
integrator = md
dt = 0.002
nsteps = {steps}
tcoupl = v-rescale
tau-t = 0.1
tc-grps = system
ref-t = {kelvin}
gen-vel = yes
gen-temp = {kelvin}
gen-seed = {seed}
nstxout-compressed = {every}
compressed-x-grps = OW
"""
)


def lattice(molecules: int, side: float, seed: int) -> np.ndarray:
    """Return molecules of random direction on a cubic lattice as (molecules, 3 atoms, 3) [nm]."""
    rng = np.random.default_rng(seed)
    each = int(np.ceil(molecules ** (1 / 3)))
    sites = np.stack(np.meshgrid(*[np.arange(each)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    oxygen = (sites[rng.permutation(len(sites))[:molecules]] + 0.5) * (side / each)
    a, b = rng.standard_normal((2, molecules, 3))
    a /= np.linalg.norm(a, axis=1, keepdims=True)
    b -= (a * b).sum(axis=1, keepdims=True) * a
    b /= np.linalg.norm(b, axis=1, keepdims=True)
    hydrogens = [oxygen + LENGTH * (np.cos(ANGLE / 2) * a + sign * np.sin(ANGLE / 2) * b) for sign in (1, -1)]
    return np.stack([oxygen, *hydrogens], axis=1)


def gro(atoms: np.ndarray, side: float) -> str:
    """Return molecules as a GROMACS file."""
    lines = [f"{m % 99999 + 1:5d}SOL  {name:>5s}{(3 * m + k) % 99999 + 1:5d}" + "".join(f"{x:8.3f}" for x in atoms[m, k])
             for m in range(len(atoms)) for k, name in enumerate(("OW", "HW1", "HW2"))]  # fmt: skip
    return "\n".join(["SPC/E", str(len(lines)), *lines, (3 * f"{side:10.5f}")]) + "\n"


def simulate(kelvin: float, molecules: int, picoseconds: float, folder: Path) -> None:
    """Melt and run, or go on where a run was stopped."""
    folder.mkdir(parents=True, exist_ok=True)

    def gmx(*words: str) -> None:
        subprocess.run(["gmx", *words], cwd=folder, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})

    def prepare(name: str, start: str, control: str, *more: str) -> None:
        (folder / f"{name}.mdp").write_text(control)
        gmx("grompp", "-f", f"{name}.mdp", "-c", f"{start}.gro", "-p", "topol.top", "-o", f"{name}.tpr", *more)

    if not (folder / "run.tpr").exists():
        side = (molecules / DENSITY) ** (1 / 3)
        (folder / "start.gro").write_text(gro(lattice(molecules, side, int(kelvin)), side))
        (folder / "topol.top").write_text(f"{TOPOLOGY}{molecules}\n")
        (folder / "index.ndx").write_text(
            f"[ system ]\n{numbers(3 * molecules, 1)}\n[ OW ]\n{numbers(3 * molecules, 3)}\n"
        )
        prepare("least", "start", MINIMISE)
        gmx("mdrun", "-deffnm", "least", "-nt", "1")
        steps = round((MELTING + picoseconds) / 0.002)
        control = DYNAMICS.format(steps=steps, kelvin=kelvin, seed=int(kelvin), every=round(EVERY / 0.002))
        prepare("run", "least", control, "-n", "index.ndx")
    gmx("mdrun", "-deffnm", "run", "-nt", "1", "-cpt", "1", *(["-cpi"] if (folder / "run.cpt").exists() else []))


def numbers(last: int, every: int) -> str:
    return "\n".join(str(k) for k in range(1, last + 1, every))


def measured(folder: Path) -> tuple[float, np.ndarray, np.ndarray, int]:
    """Return the temperature, g, its standard error, and the number of molecules of one run."""
    words = dict(line.split(" = ") for line in (folder / "run.mdp").read_text().splitlines())
    atoms = mda.Universe(folder / "run.gro").select_atoms("name OW")
    oxygen = mda.Merge(atoms).load_new(str(folder / "run.xtc"))
    frames = cd.from_mdanalysis(oxygen)
    frames = frames.isel(frame=slice(round(MELTING / EVERY) + 1, None))
    blocks = np.array_split(np.arange(frames.sizes["frame"]), BLOCKS)
    g = np.array([cs.measure(frames.isel(frame=b), [cs.RDF(10 * REACH, BINS)]).g.values[0] for b in blocks])
    return float(words["ref-t"]), g.mean(axis=0), g.std(axis=0, ddof=1) / np.sqrt(BLOCKS), len(atoms)


def collect(folder: Path, results: Path) -> None:
    """Write what all temperatures found as one file."""
    found = sorted(measured(run) for run in folder.iterdir() if (run / "run.gro").exists())
    kelvins = [kelvin for kelvin, *_ in found]
    r = (np.arange(BINS) + 0.5) * (REACH / BINS)
    data = xr.Dataset(
        {"g": (("kelvin", "r"), [f[1] for f in found]), "g_stderr": (("kelvin", "r"), [f[2] for f in found]),
         "kT": ("kelvin", [cd.thermal_energy(t, "kJ/mol") for t in kelvins], {"units": "kJ/mol"})},
        {"kelvin": kelvins, "r": ("r", r, {"units": "nm"})},
        {"density": DENSITY, "molecules": found[0][3], "normalization": "N(N-1)", "command": "python notebooks/runs/spce.py",
         "model": "SPC/E, rigid, PME and Lennard-Jones to 1.0 nm, v-rescale 0.1 ps, 2 fs, GROMACS"},
    )  # fmt: skip
    results.mkdir(parents=True, exist_ok=True)
    data.to_netcdf(results / "spce.nc")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["simulate", "collect"])
    parser.add_argument("--kelvin", type=float, default=288.0)
    parser.add_argument("--molecules", type=int, default=1500)
    parser.add_argument("--picoseconds", type=float, default=500.0, help=f"after {MELTING} thrown away")
    parser.add_argument("--folder", type=Path, default=Path("spce-runs"))
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args()
    if given.action == "simulate":
        simulate(given.kelvin, given.molecules, given.picoseconds, given.folder / f"{given.kelvin:g}")
    else:
        collect(given.folder, given.results)


if __name__ == "__main__":
    main()
