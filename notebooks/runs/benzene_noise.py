"""The floor under a force-matching loss: how much the forces on beads that stand still vary with what the atoms do.

python notebooks/runs/benzene_noise.py WORK [--frames 2] [--samples 100] [--beads 1 3]

After benzene_reference.py. Centers of mass of molecules, or of thirds of them, are tied to where a frame has them, by springs stiff enough
to let them move by 0.002 nm; forces are those of the force field alone. What of a force follows the displacements of the beads of its molecule, by
linear regression, is not noise: thirds of a molecule are bound more stiffly than they are tied. Writes notebooks/results/02/noise.json: the
root of the mean variance of a force component that is left, and of the whole; of sums of forces, and of the map of least noise.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import benzene_beads as beads
import numpy as np
import numpy.typing as npt
import openmm as mm
import xarray as xr
from benzene_force_field import ATOMS, KCAL, MASSES, system
from benzene_reference import KELVIN, heavier
from openmm import unit

Array = npt.NDArray[np.float64]
STIFF = 6e5  # kJ/mol/nm²: of springs
STEP, FRICTION = 0.004, 2.0  # ps, 1/ps
SETTLE, BETWEEN = 1000, {1: 250, 3: 25}  # steps: a molecule has to turn many times, whose thirds are held need not


def weights_of(molecules: int, per: int) -> Array:
    """Return the shares (bead, atom) of atoms in the positions of beads."""
    [(molecule, _)] = beads.mapping(per).molecules
    each = np.zeros((per, ATOMS))
    for row, bead in zip(each, molecule.beads, strict=True):
        row[list(bead.atoms)] = MASSES[list(bead.atoms)] / MASSES[list(bead.atoms)].sum()
    return np.kron(np.eye(molecules), each)


def maps(work: Path, per: int) -> dict[str, Array]:
    """Return what forces on beads are made of (bead, atom of the molecule): sums, and what has the least noise in the data."""
    return {name: coefficients(beads.mapped(work, per, 50, name)) for name in ("basic", "optimal")}  # type: ignore[arg-type]


def coefficients(data: xr.Dataset) -> Array:
    return np.array(list(json.loads(data.attrs["force_map_coefficients"])[0]["beads"].values()))


def sampled(x: Array, edge: float, per: int, samples: int, seed: int) -> tuple[Array, Array]:
    """Return displacements of beads (sample, bead, 3) [nm] that are held where they are, and forces (sample, atom, 3) [kJ/mol/nm]."""
    molecules = len(x) // ATOMS
    held = mm.CustomCentroidBondForce(1, "0.5*stiff*((x1-x0)^2+(y1-y0)^2+(z1-z0)^2)")
    held.addGlobalParameter("stiff", STIFF)
    for name in ("x0", "y0", "z0"):
        held.addPerBondParameter(name)
    held.setForceGroup(2)
    weights = weights_of(molecules, per)
    at = weights @ x
    for k, row in enumerate(weights):
        held.addGroup([int(atom) for atom in np.flatnonzero(row)], [float(w) for w in row[row > 0]])
        held.addBond([k], at[k])
    made = system(molecules, edge)
    heavier(made)
    made.addForce(held)
    integrator = mm.LangevinMiddleIntegrator(KELVIN, FRICTION, STEP)
    integrator.setRandomNumberSeed(seed)
    context = mm.Context(made, integrator, mm.Platform.getPlatformByName("CPU"), {"Threads": "1"})
    context.setPositions(x)
    context.setVelocitiesToTemperature(KELVIN, seed)
    integrator.step(SETTLE)
    moved, forces = [], []
    for _ in range(samples):
        integrator.step(BETWEEN[per])
        state = context.getState(positions=True, forces=True, groups={0, 1})
        moved.append(weights @ state.getPositions(asNumpy=True).value_in_unit(unit.nanometer) - at)
        forces.append(state.getForces(asNumpy=True).value_in_unit(unit.kilojoule_per_mole / unit.nanometer))
    return np.array(moved), np.array(forces)


def unexplained(moved: Array, forces: Array, per: int) -> float:
    """Return the mean variance of force components (sample, bead, 3) that does not follow the beads of the molecule.

    >>> noise = np.random.default_rng(0)
    >>> moved = noise.normal(size=(400, 30, 3))
    >>> forces = -50 * moved + 2 * noise.normal(size=moved.shape)
    >>> round(unexplained(moved, forces, 3) ** 0.5, 1)
    2.0
    """
    samples, found = len(forces), []
    for k in range(0, forces.shape[1], per):
        design = np.column_stack([np.ones(samples), moved[:, k : k + per].reshape(samples, -1)])
        mine = forces[:, k : k + per].reshape(samples, -1)
        left = mine - design @ np.linalg.lstsq(design, mine)[0]
        found.append((left**2).sum() / (samples - design.shape[1]) / mine.shape[1])
    return float(np.mean(found))


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("work", type=Path)
    words.add_argument("--frames", type=int, default=2)
    words.add_argument("--samples", type=int, default=100)
    words.add_argument("--beads", type=int, nargs="+", default=(1, 3), choices=(1, 3))
    words.add_argument("--out", type=Path, default=beads.RESULTS / "noise.json")
    options = words.parse_args()
    files = sorted(options.work.glob("part-????.npz"))
    chosen = [files[k] for k in np.linspace(0, len(files) - 1, options.frames).astype(int)]
    known = json.loads(options.out.read_text()) if options.out.exists() else {}
    for per in options.beads:
        found: dict[str, list[tuple[float, float]]] = {"basic": [], "optimal": []}
        for seed, file in enumerate(chosen):
            part = np.load(file)
            moved, atoms = sampled(part["x"].astype(float), float(part["edge"]), per, options.samples, seed + 1)
            for name, weights in maps(options.work, per).items():
                forces = np.einsum("ba,smax->smbx", weights, atoms.reshape(len(atoms), -1, ATOMS, 3)) / KCAL / 10
                forces = forces.reshape(len(atoms), -1, 3)
                found[name].append((unexplained(moved, forces, per), float((forces**2).mean())))
                half, (noise, whole) = (
                    unexplained(moved[: len(moved) // 2], forces[: len(moved) // 2], per) ** 0.5,
                    np.sqrt(found[name][-1]),
                )
                print(
                    f"{per} beads, {name}, frame {seed}: noise {noise:.3f} ({half:.3f} in half the time) of {whole:.3f} kcal/mol/Å",
                    flush=True,
                )
        for name, rows in found.items():
            (noise, whole), spread = np.mean(rows, axis=0) ** 0.5, np.std([v for v, _ in rows], ddof=1)
            known[f"{per} {name}"] = {
                "noise": float(noise), "noise_stderr": float(spread / (2 * noise * len(rows) ** 0.5)), "whole": float(whole),
                "frames": len(rows), "samples": options.samples,
            }  # fmt: skip
    options.out.write_text(json.dumps(known, indent=1) + "\n")


if __name__ == "__main__":
    main()
