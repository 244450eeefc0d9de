"""HIP-NN for aluminium, taught by the labels of aluminium_labels.py, for notebook 04; resumable.

    python notebooks/runs/aluminium_hipnn.py WORK [--networks 2] [--epochs 15] [--rounds 88]

Networks and loss are the paper's (appendix A). Of its hundreds of epochs by Adam there are a few here, then rounds of 25 iterations by
L-BFGS, which get further in a minute than Adam in an hour with a set this small; networks can be taught at the same time, one
process for each `--seed` with `--networks 1`, and be put together by a last call. Writes
notebooks/results/04/hipnn.safetensors, which `cm.hipnn` reads, with what was measured of it beside the weights.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from ase.build import bulk

import cg_models as cm

RESULTS = Path(__file__).parents[1] / "results" / "04"


def taught(labels: cm.Labels, checkpoint: Path, settings: cm.Teaching, rounds: int) -> tuple[cm.HipNetwork, float]:
    """Return a network that learned nine tenths of the labels and was chosen by the last tenth, and the minutes that it took."""
    trainer = cm.HipTrainer(*labels.split(0.1, seed=settings.seed), settings=settings)
    spent, began = checkpoint.with_suffix(".minutes"), time.process_time()
    before = 0.0
    if checkpoint.exists():
        trainer.load(checkpoint)
        before = float(spent.read_text())
    for epoch in all_of(trainer, rounds):
        trainer.save(checkpoint)
        spent.write_text(f"{before + (time.process_time() - began) / 60:.3f}")
        print(f"epoch {epoch.number}: {1000 * epoch.energy:.2f} meV/atom, {epoch.force:.4f} eV/Å, loss {epoch.loss:.3f}", flush=True)  # fmt: skip
    return trainer.best(), float(spent.read_text())


def all_of(trainer: cm.HipTrainer, rounds: int) -> Iterator[cm.HipEpoch]:
    """Yield what is left of epochs by Adam, then of rounds by L-BFGS."""
    yield from trainer.run()
    yield from trainer.polish(trainer.settings.epochs + rounds - trainer.number)


def errors(potential: cm.HipNN, labels: cm.Labels) -> tuple[float, float]:
    """Return root mean square errors of energies [meV/atom] and of components of forces [eV/Å]."""
    energies, forces = [], []
    for x, cell, energy, pull in labels:
        found = potential(x, cell)
        energies.append((found.energy - energy) / len(x))
        forces.append((found.forces - pull).ravel())
    return 1000 * float(np.sqrt(np.mean(np.square(energies)))), float(np.sqrt(np.mean(np.concatenate(forces) ** 2)))


def lattice_constant(potential: cm.HipNN) -> float:
    """Return a of fcc [Å] with the least energy, by a parabola through energies about it."""
    a = np.linspace(3.9, 4.2, 301)
    cells = [bulk("Al", "fcc", k, cubic=True) for k in a]
    energies = np.array([potential(atoms.positions, atoms.cell.array).energy for atoms in cells])
    near = np.abs(a - a[energies.argmin()]) < 0.02
    by_two = np.polyfit(a[near], energies[near], 2)
    return float(-by_two[1] / (2 * by_two[0]))


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("work", type=Path)
    words.add_argument("--networks", type=int, default=2)
    words.add_argument("--epochs", type=int, default=15)
    words.add_argument("--rounds", type=int, default=88)
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--labels", type=Path, default=RESULTS)
    words.add_argument("--out", type=Path, default=RESULTS)
    options = words.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    labels, held = (cm.load_labels(options.labels / f"{name}.nc") for name in ("labels", "labels_held"))
    found = []
    for seed in range(options.seed, options.seed + options.networks):
        settings = cm.Teaching(epochs=options.epochs, batch=4, seed=seed)
        found.append(taught(labels, options.work / f"{seed}.safetensors", settings, options.rounds))
    potential = cm.hipnn(*(network for network, _ in found))
    energy, force = errors(potential, held)
    command = f"python notebooks/runs/aluminium_hipnn.py --networks {options.networks} --epochs {options.epochs} --rounds {options.rounds} --seed {options.seed}"
    about = {
        "command": command, "reference": "ANI-Al", "configurations": len(labels), "held_out_configurations": len(held),
        "held_out_energy_rmse_meV_per_atom": energy, "held_out_force_rmse_eV_per_angstrom": force,
        "fcc_lattice_constant_angstrom": lattice_constant(potential), "minutes": sum(minutes for _, minutes in found),
    }  # fmt: skip
    cm.save_hipnn(potential, options.out / "hipnn.safetensors", about)
    print(about)


if __name__ == "__main__":
    main()
