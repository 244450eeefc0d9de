"""A SchNet that learns the same forces on beads of water as the deep potentials do, and its structure, for notebook 05; resumable.

python notebooks/runs/water_schnet.py WORK --trajectory WORK_OF_TRAJECTORY [--frames 4000] [--epochs 40] [--features 64] [--blocks 2] [--minutes M]
       [--beads 64 512] [--parts 10] [--picoseconds 20] [--out …/05]

After water_trajectory.py. Frames are as many as are told of those that water_beads.py learns from, evenly, and the same are held out; the core is the
same. WORK keeps the training after every epoch, and the parts of the runs: the same command goes on. Its structure is measured as
water_structure.py does. Writes beads-schnet.safetensors and schnet.nc, with a row for every number of beads that did not break down.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import water
import water_beads
import water_structure as structure
import water_trajectory as trajectory
import xarray as xr

import cg_data as cd
import cg_models as cm
from cg_data.safe_files import atomic_path

UNITS = cd.Units("angstrom", "kcal/mol", "g/mol")  # of what is learned: forces of about 1
ENERGY = cd.factor(water.UNITS.energy, UNITS.energy)


@dataclass(frozen=True, eq=False)
class Taught:
    """What is learned from, and by how large a network."""

    beads: water_beads.Beads
    frames: int = 4000
    epochs: int = 40
    features: int = 64
    blocks: int = 2
    seed: int = 0

    @cached_property
    def potential(self) -> cm.BeadPotential:
        options = cm.SchNetOptions(
            cutoff=water.CUTOFF, features=self.features, filters=self.features, blocks=self.blocks
        )
        return cm.BeadPotential(cm.SchNet(options, seed=self.seed), self.beads.core(ENERGY * water.KT))

    def samples(self, frames: cm.BeadFrames) -> list[cm.schnet.force_matching.Sample]:
        assert frames.forces is not None
        return cm.samples(self.potential, frames.graphs(water.CUTOFF), ENERGY * frames.forces, np.zeros(len(frames)))

    @cached_property
    def matcher(self) -> cm.ForceMatcher:
        learned = self.beads.learned
        some = np.unique(np.linspace(0, learned - 1, min(self.frames, learned)).astype(int))
        settings = cm.Matching(self.epochs, batch=4, seed=self.seed)
        return cm.ForceMatcher(
            self.potential, self.samples(water.some_of(self.beads.frames, some)), self.samples(self.beads.held), settings, offset=False
        )  # fmt: skip

    def teach(self, checkpoint: Path, minutes: float | None = None) -> xr.Dataset:
        """Teach from the checkpoint on, to the last epoch or for so many minutes of processor time; return the history."""
        file, rows = checkpoint.with_suffix(".json"), list[list[float]]()
        if checkpoint.exists():
            self.matcher.load(checkpoint)
            rows = json.loads(file.read_text())[: self.matcher.number]
        began, before = time.process_time(), rows[-1][2] if rows else 0.0
        for epoch in self.matcher.run():
            spent = time.process_time() - began
            rows.append([epoch.force / ENERGY, epoch.validation_force / ENERGY, before + spent])
            with atomic_path(file) as draft:
                draft.write_text(json.dumps(rows))
            self.matcher.save(checkpoint)
            print(f"{epoch.line(energies=False)} kcal/mol/Å, {before + spent:.0f} s", flush=True)
            if minutes is not None and spent >= 60 * minutes:
                break
        learned, held, seconds = np.array(rows).reshape(-1, 3).T
        return xr.Dataset(
            {"force_rmse": ("epoch", learned, {"units": "eV/angstrom"}), "held_out_force_rmse": ("epoch", held, {"units": "eV/angstrom"})},
            {"epoch": 1 + np.arange(len(rows))},
            {"done": int(self.matcher.number >= self.epochs), "seconds": float(seconds[-1]), "frames": len(self.matcher.learn)},
        )  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("work", type=Path)
    words.add_argument("--trajectory", type=Path, required=True, help="the WORK of water_trajectory.py")
    words.add_argument("--frames", type=int, default=4000, help="to learn from, at most")
    words.add_argument("--epochs", type=int, default=40)
    words.add_argument("--features", type=int, default=64)
    words.add_argument("--blocks", type=int, default=2, help="of the network")
    words.add_argument("--force", choices=trajectory.FORCES, default="molecule")
    words.add_argument("--guard", choices=("core", "none"), default="core")
    words.add_argument("--minutes", type=float, help="of processor time, after which to stop for now")
    words.add_argument("--beads", nargs="+", type=int, default=[64, 512])
    words.add_argument("--parts", type=int, default=10, help="of a run, beside the first, which is left out")
    words.add_argument("--picoseconds", type=float, default=20.0, help="of a part")
    words.add_argument("--out", type=Path, default=water.RESULTS)
    options = words.parse_args(arguments)
    names = ("frames", "epochs", "features", "blocks", "force", "guard", "picoseconds")
    about = {name: getattr(options, name) for name in names}
    frames = trajectory.frames_of(options.trajectory, options.force)
    water.claimed(options.work, **about, known=len(frames))
    beads = water_beads.Beads(options.work, frames, guard=options.guard)
    taught = Taught(beads, options.frames, options.epochs, options.features, options.blocks)
    history = taught.teach(options.work / "schnet.training", options.minutes)
    if not history.done:
        print(f"stopped after epoch {history.sizes['epoch']} of {options.epochs}: the same command goes on")
        return
    cm.save_beads(taught.matcher.finish(), options.out / "beads-schnet.safetensors", ["O"], UNITS)
    runs = [structure.Structure(options.work, options.out, "schnet", n, options.picoseconds) for n in options.beads]
    whole = [run.beads for run in runs if run.complete(options.parts)]
    found = history
    if whole:
        rows = [("schnet", n) for n in whole]
        found = history.merge(structure.beside_atoms(structure.collected(options.work, options.out, rows), options.out))
    command = f"python notebooks/runs/water_schnet.py WORK --trajectory … --frames {options.frames} --epochs {options.epochs} --force {options.force}"
    water.written(found, options.out / "schnet.nc", **history.attrs | about | {"frames": history.attrs["frames"]}, command=command, seed=taught.seed)  # fmt: skip
    print(f"held out: {float(history.held_out_force_rmse[-1]):.4f} eV/Å" + (f"\n{structure.in_words(found)}" if whole else ""))  # fmt: skip


if __name__ == "__main__":
    main()
