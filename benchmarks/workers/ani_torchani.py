"""torchani's ensemble with its adaptive neighbor list: energy and forces of positions that move."""

import warnings
from itertools import cycle
from pathlib import Path

import numpy as np
import torch
from serving import OPTIONS, serve

warnings.simplefilter("ignore")
from torchani import __version__, neurochem  # noqa: E402
from torchani.arch import ANI  # noqa: E402

torch.set_num_threads(OPTIONS["threads"])
hartree, kind = 27.211386245988, torch.float32 if OPTIONS["precision"] == "single" else torch.float64
home = next(Path(OPTIONS["folder"]).rglob("train0")).parent
computer, symbols = neurochem.load_aev_computer_and_symbols(next(home.glob("*.params")), neighborlist="adaptive")
networks = neurochem.load_ensemble(symbols, home / "train", len(list(home.glob("train*"))))
model = ANI(symbols, computer, networks, neurochem.load_sae(home / "sae_linfit.dat"), periodic_table_index=True).to(
    kind
)
frames = np.load(OPTIONS["frames"])
cell, periodic, positions = (
    torch.tensor(frames["cell"], dtype=kind),
    torch.tensor([True] * 3),
    cycle(frames["positions"]),
)
elements = torch.full((1, frames["positions"].shape[1]), 13)


def advance(count):
    for _ in range(count):
        x = torch.tensor(next(positions), dtype=kind)[None].requires_grad_()
        energy = model((elements, x), cell, periodic).energies.sum()
        (slope,) = torch.autograd.grad(energy, x)
    return energy, slope


energy, slope = advance(1)
if "answer" in OPTIONS:
    np.savez(OPTIONS["answer"], energy=hartree * energy.item(), forces=-hartree * slope[0].numpy())
serve(advance, per_step=1, facts=lambda: {"version": __version__})
