"""Our smooth deep potential with deepmd-kit's weights: energies, forces and virials of positions that move, or steps of training."""

from itertools import cycle

import numpy as np
import torch
from serving import OPTIONS, serve

import cg_data as cd
import cg_models as cm

torch.set_num_threads(OPTIONS["threads"])
frames = np.load(OPTIONS["frames"])
stored, cell, types = cm.read_deepmd(OPTIONS["weights"]), frames["cell"], frames["types"]
potential, near = stored.potential, cm.Neighborhoods(stored.potential.options.cutoff, skin=1.0)
positions = cycle(frames["positions"])


def force(count):
    for _ in range(count):
        found = potential(next(positions), cell, types, near=near)
    return found


def training():
    """Return steps of one frame each, whose forces ought to be zero."""
    x = frames["positions"]
    known = cm.BeadFrames(
        x, np.tile(cell, (len(x), 1, 1)), stored.types, types, cd.Units("angstrom", "eV", "g/mol"), forces=np.zeros_like(x)
    )  # fmt: skip
    trainer = cm.DeepTrainer(potential.train(), known, cm.DeepTraining(batch=1), normalize=False)

    def advance(count):
        for _ in range(count):
            trainer.learn()

    return advance


advance = training() if OPTIONS["work"] == "training" else force
found = advance(1)
if "answer" in OPTIONS:
    np.savez(OPTIONS["answer"], energy=found.energy, forces=found.forces)
serve(advance, per_step=1, facts=lambda: {"version": cm.__version__, "atoms": len(types)})
