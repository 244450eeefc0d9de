"""Reference g(r) of oxygen in SPC/E water at 1 g/cm³, for notebook 03.

    python notebooks/runs/spce.py simulate --kelvin 288 [--molecules 1500] [--blocks 50]   # needs openmm and numpy
    python notebooks/runs/spce.py collect                                                  # needs cg-data

`simulate` keeps every block of 20 ps as a file of its own and goes on from the last one after a kill; `collect` writes
notebooks/results/03/spce.nc, errors from the scatter of blocks.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

RESULTS = Path(__file__).parents[1] / "results" / "03"
DENSITY = 33.4279  # molecules/nm³: 1 g/cm³ of 18.0154 g/mol
LENGTH, ANGLE = 0.1, np.deg2rad(109.47)  # SPC/E (Berendsen 1987): O-H [nm], H-O-H
CHARGE, SIGMA, EPSILON = 0.4238, 0.31656, 0.650194  # of H [e]; of O [nm, kJ/mol]
MASSES = (15.9994, 1.00794, 1.00794)
REACH, BINS = 1.2, 240  # of g [nm]
CUTOFF = 1.0  # of Lennard-Jones and of PME's real part [nm]
STEPS, EVERY = 10_000, 100  # of 2 fs: a block of 20 ps, a frame every 0.2 ps
MELTING = 5  # blocks thrown away
GAS_CONSTANT = 8.314462618e-3  # kJ/mol/K


def lattice(molecules: int, side: float, seed: int) -> np.ndarray:
    """Return molecules of random direction on a cubic lattice as (3 molecules, 3) [nm]."""
    rng = np.random.default_rng(seed)
    each = int(np.ceil(molecules ** (1 / 3)))
    sites = np.stack(np.meshgrid(*[np.arange(each)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    chosen = sites[rng.permutation(len(sites))[:molecules]] + 0.5
    a, b = rng.standard_normal((2, molecules, 3))
    a /= np.linalg.norm(a, axis=1, keepdims=True)
    b -= (a * b).sum(axis=1, keepdims=True) * a
    b /= np.linalg.norm(b, axis=1, keepdims=True)
    oxygen = chosen * (side / each)
    hydrogens = [oxygen + LENGTH * (np.cos(ANGLE / 2) * a + sign * np.sin(ANGLE / 2) * b) for sign in (1, -1)]
    return np.stack([oxygen, *hydrogens], axis=1).reshape(-1, 3)


def water(molecules: int, side: float) -> Any:
    """Return the OpenMM system."""
    import openmm as mm

    system, nonbonded = mm.System(), mm.NonbondedForce()
    system.setDefaultPeriodicBoxVectors(*(side * np.eye(3)))
    nonbonded.setNonbondedMethod(mm.NonbondedForce.PME)
    nonbonded.setCutoffDistance(CUTOFF)
    nonbonded.setUseDispersionCorrection(False)
    for k in range(molecules):
        for mass, charge, epsilon in zip(MASSES, (-2 * CHARGE, CHARGE, CHARGE), (EPSILON, 0.0, 0.0), strict=True):
            system.addParticle(mass)
            nonbonded.addParticle(charge, SIGMA, epsilon)
        o = 3 * k
        for i, j, distance in ((0, 1, LENGTH), (0, 2, LENGTH), (1, 2, 2 * LENGTH * np.sin(ANGLE / 2))):
            system.addConstraint(o + i, o + j, distance)
            nonbonded.addException(o + i, o + j, 0.0, 1.0, 0.0)
    system.addForce(nonbonded)
    return system


def counted(oxygen: np.ndarray, side: float) -> np.ndarray:
    """Return how many pairs lie in each bin."""
    counts = np.zeros(BINS, dtype=np.int64)
    for k in range(len(oxygen) - 1):
        d = oxygen[k + 1 :] - oxygen[k]
        d -= side * np.rint(d / side)
        r = np.sqrt((d * d).sum(axis=1))
        counts += np.bincount((r[r < REACH] * (BINS / REACH)).astype(int), minlength=BINS)[:BINS]
    return counts


def simulate(kelvin: float, molecules: int, blocks: int, folder: Path) -> None:
    """Run what is missing of `blocks` blocks."""
    import openmm as mm

    folder.mkdir(parents=True, exist_ok=True)
    side = (molecules / DENSITY) ** (1 / 3)
    integrator = mm.LangevinMiddleIntegrator(kelvin, 1.0, 0.002)
    integrator.setRandomNumberSeed(int(kelvin))
    context = mm.Context(water(molecules, side), integrator, mm.Platform.getPlatformByName("CPU"), {"Threads": "1"})
    name = f"spce-{kelvin:g}-{molecules}"
    state = folder / f"{name}.state.xml"
    if state.exists():
        context.setState(mm.XmlSerializer.deserialize(state.read_text()))
    else:
        context.setPositions(lattice(molecules, side, int(kelvin)))
        mm.LocalEnergyMinimizer.minimize(context, 100.0, 200)
        context.setVelocitiesToTemperature(kelvin, int(kelvin))
    for block in range(blocks + MELTING):
        file = folder / f"{name}-{block:03d}.npz"
        if file.exists():
            continue
        counts = np.zeros(BINS, dtype=np.int64)
        for _ in range(STEPS // EVERY):
            integrator.step(EVERY)
            x = context.getState(getPositions=True).getPositions(asNumpy=True)
            counts += counted(np.asarray(x._value)[::3], side)
        saved = context.getState(getPositions=True, getVelocities=True)
        draft = state.with_suffix(".draft")
        draft.write_text(mm.XmlSerializer.serialize(saved))
        np.savez(file, counts=counts, frames=STEPS // EVERY, kelvin=kelvin, molecules=molecules, side=side)
        draft.replace(state)
        print(f"{name}: block {block + 1} of {blocks + MELTING}", flush=True)


def collect(folder: Path, results: Path) -> None:
    """Write what all temperatures found as one file."""
    import xarray as xr

    r = (np.arange(BINS) + 0.5) * (REACH / BINS)
    shells = 4 / 3 * np.pi * np.diff((np.arange(BINS + 1) * (REACH / BINS)) ** 3)
    found: dict[float, list[np.ndarray]] = {}
    for file in sorted(folder.glob("spce-*-*-*.npz")):
        data = np.load(file)
        if int(file.stem.rsplit("-", 1)[1]) >= MELTING:
            n, volume = int(data["molecules"]), float(data["side"]) ** 3
            ideal = 0.5 * n * (n - 1) * shells / volume * int(data["frames"])
            found.setdefault(float(data["kelvin"]), []).append(data["counts"] / ideal)
    kelvins = sorted(found)
    g = [np.mean(found[t], axis=0) for t in kelvins]
    error = [np.std(found[t], axis=0, ddof=1) / np.sqrt(len(found[t])) for t in kelvins]
    data = xr.Dataset(
        {"g": (("kelvin", "r"), g), "g_stderr": (("kelvin", "r"), error), "blocks": ("kelvin", [len(found[t]) for t in kelvins]),
         "kT": ("kelvin", [GAS_CONSTANT * t for t in kelvins], {"units": "kJ/mol"})},
        {"kelvin": kelvins, "r": ("r", r, {"units": "nm"})},
        {"density": DENSITY, "molecules": n, "normalization": "N(N-1)", "command": "python notebooks/runs/spce.py", "model":
         "SPC/E, rigid, PME and Lennard-Jones to 1.0 nm, Langevin 1/ps, 2 fs, OpenMM; blocks of 20 ps"},
    )  # fmt: skip
    results.mkdir(parents=True, exist_ok=True)
    data.to_netcdf(results / "spce.nc")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["simulate", "collect"])
    parser.add_argument("--kelvin", type=float, default=288.0)
    parser.add_argument("--molecules", type=int, default=1500)
    parser.add_argument("--blocks", type=int, default=50)
    parser.add_argument("--folder", type=Path, default=Path("spce-runs"))
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args()
    if given.action == "simulate":
        simulate(given.kelvin, given.molecules, given.blocks, given.folder)
    else:
        collect(given.folder, given.results)


if __name__ == "__main__":
    main()
