"""What is left of g(r) after learning forces, taken away by paper 04's correction of pairs, for notebook 05; resumable.

python notebooks/runs/water_corrected.py WORK [--kinds frame smooth] [--rounds 5] [--picoseconds 200] [--out …/05]

After water_beads.py and water_trajectory.py: u(r) is added to the model of a kind so that 64 beads have the atoms' g(r), by Gauss–Newton steps with the response
as sampled. Angles are not asked for. Writes …/05/beads-{kind}-corrected.safetensors, the model with u(r) in its prior, for water_structure.py, and corrected.nc.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import water
import water_beads
import water_ibi
import water_structure as structure
import xarray as xr

import cg_inverse as ci
import cg_models as cm

SEED, SAMPLED, STEP = 21, 25, 4.0  # fs
U_R = np.arange(2.3, water.CUTOFF + 0.01, 0.025)  # Å


def fitted(work: Path, results: Path, kind: str, rounds: int, picoseconds: float) -> ci.Fit:
    """Return a fit, gone on with if it was begun."""
    base, kept = cm.calculator(structure.model_of(results, kind)), work / kind
    if (kept / "progress.npz").exists():
        return ci.resume(kept, base=base)
    steps = round(1000 * picoseconds / STEP)
    target = water_ibi.target(results).assign_coords(type=["O"], pair=["O-O"])
    return ci.wibi(
        target, water.CUTOFF, base=base, rule="imc", folder=kept,
        control=ci.Control(rounds=rounds, first_steps=steps, steps=steps, equilibration=steps // 10, melting=steps // 10, stop_at_noise=False, seed=SEED),
        simulation=ci.Simulation(
            particles=structure.start_of(results).n, runs=1, mass=water.BEAD, dt=STEP * water.FEMTOSECOND, friction=water.FRICTION, sample_every=SAMPLED
        ),
    )  # fmt: skip


def corrected(model: cm.StoredDeep, fit: ci.Fit) -> cm.DeepPotential:
    """Return the model with u(r) beside its core."""
    known = model.potential.prior.between
    together = cm.DeepPotential(
        model.potential.options, cm.Prior(between={(0, 0): fit.potential["O", "O"] + known[0, 0]})
    )
    together.load_state_dict(model.potential.state_dict())
    return together


def main(arguments: Sequence[str] | None = None) -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("work", type=Path)
    words.add_argument("--kinds", nargs="+", choices=water_beads.KINDS, default=list(water_beads.KINDS))
    words.add_argument("--rounds", type=int, default=5)
    words.add_argument("--picoseconds", type=float, default=200.0, help="of a round")
    words.add_argument("--out", type=Path, default=water.RESULTS)
    options = words.parse_args(arguments)
    about = {"rounds": options.rounds, "picoseconds": options.picoseconds}
    water.claimed(options.work, **about)
    found = []
    for kind in options.kinds:
        fit = fitted(options.work, options.out, kind, options.rounds, options.picoseconds)
        model = structure.model_of(options.out, kind)
        cm.save_deep(corrected(model, fit), options.out / f"beads-{kind}-corrected.safetensors", ["O"], water.UNITS)
        h = fit.history
        found.append(xr.Dataset({"u": ("u_r", fit.potential["O", "O"].energy(U_R), {"units": "eV"}), "residual": ("round", h.residual.values),
                                 "noise": ("round", h.noise.values), "seconds": ("round", h.seconds.values)}))  # fmt: skip
        print(kind, fit.reason, np.round(h.residual.values, 4), np.round(h.noise.values, 4), flush=True)
    whole = xr.concat(found, "kind", join="outer").assign_coords(kind=options.kinds, u_r=("u_r", U_R, {"units": "angstrom"}))  # fmt: skip
    command = (
        f"python notebooks/runs/water_corrected.py WORK --rounds {options.rounds} --picoseconds {options.picoseconds:g}"
    )
    water.written(whole, options.out / "corrected.nc", **about, command=command, seed=SEED)


if __name__ == "__main__":
    main()
