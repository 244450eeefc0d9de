"""The floor under a force-matching loss: how much the forces on beads that stand still vary with what the atoms do.

python notebooks/runs/benzene_noise.py WORK [--frames 8] [--samples 400]

After benzene_reference.py. Centers of mass of molecules, or of thirds of them, are tied to where a frame has them, by springs stiff enough
to let them move by 0.002 nm; forces are those of the force field alone. Writes notebooks/results/02/noise.json: the root of the mean variance of a force
component, and what share of the whole it is.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import benzene_beads as beads
import numpy as np
import numpy.typing as npt
import openmm as mm
from benzene_force_field import ATOMS, KCAL, MASSES, system
from benzene_reference import KELVIN
from openmm import unit

Array = npt.NDArray[np.float64]
STIFF = 6e5  # kJ/mol/nm²: of springs
STEP, FRICTION = 0.001, 5.0  # ps, 1/ps
SETTLE, BETWEEN = 2000, 100  # steps


def groups(molecules: int, per: int) -> list[list[int]]:
    """Return the atoms of every bead."""
    [(molecule, _)] = beads.mapping(per).molecules
    return [[ATOMS * k + a for a in bead.atoms] for k in range(molecules) for bead in molecule.beads]


def sampled(x: Array, edge: float, per: int, samples: int, seed: int) -> Array:
    """Return forces on beads (sample, bead, 3) [kJ/mol/nm] that are held where they are."""
    molecules = len(x) // ATOMS
    held = mm.CustomCentroidBondForce(1, "0.5*stiff*((x1-x0)^2+(y1-y0)^2+(z1-z0)^2)")
    held.addGlobalParameter("stiff", STIFF)
    for name in ("x0", "y0", "z0"):
        held.addPerBondParameter(name)
    held.setForceGroup(2)
    parts = groups(molecules, per)
    for k, atoms in enumerate(parts):
        held.addGroup(atoms)
        held.addBond([k], np.average(x[atoms], axis=0, weights=MASSES[np.array(atoms) % ATOMS]))
    made = system(molecules, edge)
    made.addForce(held)
    integrator = mm.LangevinMiddleIntegrator(KELVIN, FRICTION, STEP)
    integrator.setRandomNumberSeed(seed)
    context = mm.Context(made, integrator, mm.Platform.getPlatformByName("CPU"), {"Threads": "1"})
    context.setPositions(x)
    context.setVelocitiesToTemperature(KELVIN, seed)
    integrator.step(SETTLE)
    found = []
    for _ in range(samples):
        integrator.step(BETWEEN)
        force = context.getState(forces=True, groups={0, 1}).getForces(asNumpy=True).value_in_unit(unit.kilojoule_per_mole / unit.nanometer)  # fmt: skip
        found.append([force[atoms].sum(axis=0) for atoms in parts])
    return np.array(found)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("work", type=Path)
    words.add_argument("--frames", type=int, default=8)
    words.add_argument("--samples", type=int, default=400)
    words.add_argument("--out", type=Path, default=beads.RESULTS / "noise.json")
    options = words.parse_args()
    files = sorted(options.work.glob("part-????.npz"))
    chosen = [files[k] for k in np.linspace(0, len(files) - 1, options.frames).astype(int)]
    known = {}
    for per in (1, 3):
        variances, squares = [], []
        for seed, file in enumerate(chosen):
            part = np.load(file)
            forces = sampled(part["x"].astype(float), float(part["edge"]), per, options.samples, seed + 1) / KCAL / 10
            variances.append(forces.var(axis=0, ddof=1).mean())
            squares.append((forces**2).mean())
            print(f"{per} beads, frame {seed}: noise {variances[-1] ** 0.5:.3f} of {squares[-1] ** 0.5:.3f} kcal/mol/Å", flush=True)  # fmt: skip
        known[str(per)] = {
            "noise": float(np.mean(variances)) ** 0.5,
            "noise_stderr": float(np.std(variances, ddof=1)) / (2 * float(np.mean(variances)) ** 0.5 * len(variances) ** 0.5),
            "whole": float(np.mean(squares)) ** 0.5, "frames": len(chosen), "samples": options.samples,
        }  # fmt: skip
    options.out.write_text(json.dumps(known, indent=1) + "\n")


if __name__ == "__main__":
    main()
