"""Liquids by theory and networks that learned of them, the first stage of the informed networks of notebook 01:

python notebooks/runs/boltzmann_theory.py WORK [--members 4] [--steps 16000]

About 40 minutes for the liquids and 8 for each network, of one core; what is in WORK already is not done again, and two
such commands may run at once.
"""

from __future__ import annotations

import argparse
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from cg_models.boltzmann.counting_noise import noisy
from cg_models.boltzmann.informed_potential import InformedPotential
from cg_models.boltzmann.informed_training import learn_potential
from cg_models.boltzmann.table import LiquidTable
from cg_models.boltzmann.theory_liquids import theory_liquids

SEEDS, POTENTIALS = range(1001, 1017), 3000
COUNTED = 6
PEAK = 3000.0  # of g: clusters beyond are no liquids


def theory_table(work: Path, seeds: range = SEEDS) -> LiquidTable:
    """Return the liquids of some seeds, made if they are not there."""
    whole: LiquidTable | None = None
    for seed in seeds:
        file = work / f"theory-{seed}.npz"
        if not file.exists():
            table = theory_liquids(POTENTIALS, seed=seed)
            draft = file.with_suffix(".draft.npz")
            np.savez_compressed(draft, **{f.name: getattr(table, f.name).numpy() for f in fields(table)})
            draft.replace(file)
            print(f"{file.name}: {len(table)} liquids", flush=True)
        stored = np.load(file)
        table = LiquidTable(*(torch.from_numpy(stored[f.name]) for f in fields(LiquidTable)))
        whole = table if whole is None else whole.with_rows(table)
    assert whole is not None
    return whole[whole.g.amax(dim=1) < PEAK]


def counted_table(work: Path) -> LiquidTable:
    """Return every liquid as counted in runs of different seeds, made if they are not there."""
    file = work / "counted.npz"
    theory = theory_table(work)
    if not file.exists():
        again = [noisy(theory, seed=seed) for seed in range(COUNTED)]
        names = ("g", "gamma", "fine")
        np.savez(
            file.with_suffix(".draft.npz"), **{n: np.concatenate([getattr(t, n).numpy() for t in again]) for n in names}
        )
        file.with_suffix(".draft.npz").replace(file)
    stored = np.load(file)
    rows = torch.arange(len(theory)).repeat(COUNTED)
    return replace(theory[rows], **{n: torch.from_numpy(stored[n]) for n in stored.files})


def pretrained(work: Path, member: int, steps: int) -> InformedPotential:
    """Return a network that learned of theory's liquids only, trained if it is not there."""
    file, model = work / f"pretrained-{member}-{steps}.safetensors", InformedPotential(seed=member)
    if file.exists():
        model.load_state_dict(load_file(file))
        return model
    theory = counted_table(work)
    for step, loss in enumerate(learn_potential(model, theory, steps=steps, seed=member)):
        if step % 1000 == 999:
            print(f"network {member}: step {step + 1} of {steps}, loss {loss:.4f}", flush=True)
    draft = file.with_suffix(".draft")
    save_file(model.state_dict(), draft)
    draft.replace(file)
    return model


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("work", type=Path)
    words.add_argument("--members", type=int, default=4)
    words.add_argument("--steps", type=int, default=16_000)
    options = words.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    print(f"{len(theory_table(options.work))} liquids by theory")
    for member in range(options.members):
        pretrained(options.work, member, options.steps)


if __name__ == "__main__":
    main()
