"""What pairs alone can do: a pair potential by iterative inversion of water's g(r) of oxygens, and its angles and q̄, for notebook 05; resumable.

python notebooks/runs/water_ibi.py WORK [--rounds 24] [--steps 64000] [--check 100000] [--out …/05]

After water_trajectory.py. IBI in the atomistic box; then blocks from other random numbers with 64 and 512 beads. WORK keeps every round.
Writes ibi.nc: u(r), and the same curves as structure.nc with their largest differences from the atoms.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import water
import water_structure as structure
import xarray as xr

import cg_data as cd
import cg_inverse as ci
import cg_sim as cs

CUTOFF = 6.0  # Å: where all models of beads end
U_R = np.arange(2.3, CUTOFF + 0.01, 0.025)  # Å
BLOCKS, SAMPLED, SETTLING, SEED = 10, 40, 4000, 11
DT, FRICTION = 4 * water.FEMTOSECOND, 1 / (0.5 * water.PICOSECOND)


def target(results: Path) -> xr.Dataset:
    """Return g(r) of the atomistic oxygens."""
    atoms, one = xr.load_dataset(results / "trajectory.nc"), structure.start_of(results)
    return cd.make_target(atoms.r.values, atoms.g.values, density=one.density, kT=water.KT, g_stderr=atoms.g_stderr.values,
                          particles=one.n, normalization="N(N-1)", units=water.UNITS, source="atoms")  # fmt: skip


def fitted(work: Path, results: Path, rounds: int, steps: int) -> Any:
    """Return the fit, gone on with if it was begun."""
    kept = work / "ibi"
    if (kept / "progress.npz").exists():
        return ci.resume(kept)
    return ci.ibi(
        target(results), cutoff=CUTOFF, folder=kept, control=ci.Control(rounds=rounds, steps=steps, seed=SEED),
        simulation=ci.Simulation(particles=structure.start_of(results).n, mass=water.BEAD, runs=1, threads=1),
    )  # fmt: skip


def checked(potential: cd.Interactions, state: cs.State, steps: int) -> xr.Dataset:
    """Return the structure of an independent run, with errors of blocks."""
    found = []
    for block in range(BLOCKS):
        run = cs.simulate(
            state, potential, kT=water.KT, dt=DT, steps=steps // BLOCKS, equilibration=SETTLING if block == 0 else 0,
            thermostat=cs.Langevin(FRICTION), sample_every=SAMPLED, observe=water.observables(float(state.box[0, 0])), seed=SEED + 1,
            units=water.UNITS,
        )  # fmt: skip
        state = run.state
        found.append(run.data)
    return water.averaged(found)


def main(arguments: Sequence[str] | None = None) -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("work", type=Path)
    words.add_argument("--rounds", type=int, default=24)
    words.add_argument("--steps", type=int, default=64_000, help="of a round, at most")
    words.add_argument("--check", type=int, default=100_000, help="steps of each run that is compared")
    words.add_argument("--beads", nargs="+", type=int, default=[64, 512])
    words.add_argument("--out", type=Path, default=water.RESULTS)
    options = words.parse_args(arguments)
    about = {"rounds": options.rounds, "steps": options.steps}
    water.claimed(options.work, **about)
    began = time.process_time()
    fit = fitted(options.work, options.out, options.rounds, options.steps)
    one = structure.start_of(options.out)
    starts = [structure.start_of(options.out, structure.copies_of(n, one.n)) for n in options.beads]
    # Types of states and of potentials must be one: fits of one kind of beads call it A.
    states = [cs.State(s.positions, s.box, masses=s.masses) for s in starts]
    blocks = [checked(fit.potential, state, options.check) for state in states]
    found = xr.concat(blocks, "row", join="outer", combine_attrs="drop_conflicts")
    found = structure.beside_atoms(found.assign_coords(beads=("row", options.beads)), options.out)
    u = fit.potential["A", "A"].energy(U_R)
    found = found.assign(u=("u_r", u, {"units": "eV"})).assign_coords(u_r=("u_r", U_R, {"units": "angstrom"}))
    command = f"python notebooks/runs/water_ibi.py WORK --rounds {options.rounds} --steps {options.steps} --check {options.check}"
    water.written(found, options.out / "ibi.nc", **about, check=options.check, command=command, seed=SEED, seconds=time.process_time() - began,
                  reason=fit.reason, cutoff=CUTOFF)  # fmt: skip
    print(structure.in_words(found))


if __name__ == "__main__":
    main()
