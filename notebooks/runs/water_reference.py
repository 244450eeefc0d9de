"""The atomistic model of notebook 05: a smooth deep potential of DFT water, and its errors on frames it has not seen; resumable.

python notebooks/runs/water_reference.py WORK --data FOLDER [--steps 60000] [--size laptop|deepmd|tiny] [--minutes M] [--guard wall|none] [--out …/05]

FOLDER holds DeePMD systems of H2O: deepmd-kit's examples/water/data. One in ten frames is held out, by chance. WORK keeps the training: the same
command goes on after the last report, and `--minutes` of processor time end it early. At the end it writes reference.safetensors,
with what training, held-out frames and the structure of oxygens say in reference.nc.

A few hundred frames say nothing of oxygens at 2 Å, and there the network has a hole: without a guard two fall into it after some ps,
and the liquid is at thousands of K. The guard is a wall between every two types where no frame has been. It takes no part in learning.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import water
import xarray as xr

import cg_models as cm

SIZES: dict[str, dict[str, object]] = {
    "tiny": {"embedding": (4, 8), "axes": 4, "fitting": (16, 16)},
    "laptop": {"embedding": (16, 32, 64), "axes": 8, "fitting": (120, 120, 120)},
    "deepmd": {},  # that of deepmd-kit's example: 25-50-100, 16 axes, 240-240-240
}
HELD = 0.1  # of the frames
SOURCE = "PBE0+TS, 64 H2O, 330 K: deepmd-kit, examples/water/data (LGPL-3.0)"
WALL, WALL_BINS, WALL_REACH = 2.0, 0.02, 3.0  # eV where atoms are 9 % too near; Å
SCATTERED = 20  # held-out frames whose forces are kept beside those of DFT


def parted(frames: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers of frames to learn from, and of those held out: the frames have no order in time."""
    order = np.random.default_rng(seed).permutation(frames)
    held = max(1, round(HELD * frames))
    return np.sort(order[held:]), np.sort(order[:held])


def model(size: str, seed: int) -> cm.DeepPotential:
    """Return the potential of O and H before it learns."""
    count = tuple(water.COUNT[t] for t in water.TYPES)
    return cm.DeepPotential(cm.SmoothOptions(water.CUTOFF, 0.5, count, **SIZES[size]), seed=seed)  # type: ignore[arg-type]


def settings(steps: int, batch: int, seed: int) -> cm.DeepTraining:
    """Return deepmd-kit's weights for water, forces at first and energies in the end, and a rate that ends where a short run still learns."""
    return cm.DeepTraining(steps, batch, rate=1e-3, last_rate=1e-6, force=(1000, 1), energy=(0.02, 1), seed=seed)


def walls(frames: cm.BeadFrames) -> cm.Prior:
    """Return walls that begin at the nearest distance between any two atoms of each pair of types."""
    r, g = frames.distributions(WALL_REACH, round(WALL_REACH / WALL_BINS), most=len(frames))
    return cm.Prior(between={pair: cm.wall_of(r, found, WALL) for pair, found in g.items() if np.any(found)})


def scattered(potential: cm.DeepPotential, held: cm.BeadFrames) -> xr.Dataset:
    """Return forces of some held-out frames by DFT and by the model, and energies per atom of all of them."""
    found = [potential(x, box, held.codes) for x, box in zip(held.positions, held.boxes, strict=True)]
    energies = np.array([f.energy for f in found]) / len(held.codes)
    forces = np.array([f.forces for f in found[:SCATTERED]], dtype=np.float32)
    assert held.forces is not None
    assert held.energies is not None
    known, dims = held.energies / len(held.codes), ("scattered", "atom", "axis")
    return xr.Dataset({
        "force_dft": (dims, held.forces[:SCATTERED].astype(np.float32), {"units": "eV/angstrom"}),
        "force_model": (dims, forces, {"units": "eV/angstrom"}),
        "energy_dft": ("held", known, {"units": "eV per atom"}), "energy_model": ("held", energies, {"units": "eV per atom"}),
    })  # fmt: skip


def only_oxygens(frames: cm.BeadFrames) -> tuple[np.ndarray, float]:
    """Return positions of the oxygens, and the edge of the box, which is one cube."""
    edge = float(frames.boxes[0, 0, 0])
    if not np.allclose(frames.boxes, np.eye(3) * edge):
        raise ValueError("the frames must have one cubic box")
    return frames.positions[:, frames.codes == 0], edge


def beside(oxygens: xr.Dataset) -> xr.Dataset:
    """Return curves by names that say that they are those of DFT."""
    return oxygens.rename({n: water.of_dft(n) for n in map(str, oxygens.data_vars)})


def errors(trainer: cm.DeepTrainer, held: cm.BeadFrames) -> dict[str, float]:
    """Return errors of forces [eV/Å] and of energies [eV per atom], on both sets."""
    found: dict[str, float] = {}
    for name, frames in (("training", trainer.frames), ("held_out", held)):
        some = water.some_of(frames, np.arange(min(len(frames), 40)))
        said = trainer.errors(some)
        found |= {f"{name}_force_rmse": said.force, f"{name}_energy_rmse": said.energy}
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("work", type=Path)
    words.add_argument("--data", type=Path, required=True, help="a folder of DeePMD systems")
    words.add_argument("--steps", type=int, default=60_000)
    words.add_argument("--batch", type=int, default=1)
    words.add_argument("--size", choices=sorted(SIZES), default="laptop")
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--minutes", type=float, help="of processor time, after which to stop for now")
    words.add_argument("--guard", choices=("wall", "none"), default="wall")
    words.add_argument("--report", type=int, default=500, help="steps between reports, each of which is a checkpoint")
    words.add_argument("--out", type=Path, default=water.RESULTS)
    options = words.parse_args(arguments)
    frames = water.dft(options.data)
    about = {n: getattr(options, n) for n in ("steps", "batch", "size", "seed")} | {"frames": len(frames)}
    water.claimed(options.work, **about)
    learn, hold = parted(len(frames), options.seed)
    held, checkpoint = water.some_of(frames, hold), options.work / "reference.training"
    trainer = cm.DeepTrainer(
        model(options.size, options.seed), water.some_of(frames, learn),
        settings(options.steps, options.batch, options.seed), normalize=not checkpoint.exists(),
    )  # fmt: skip
    history = water.taught(trainer, checkpoint, minutes=options.minutes, report=options.report)
    if not history.done:
        print(f"stopped at step {trainer.step} of {options.steps}: the same command goes on")
        return
    if options.guard == "wall":
        trainer.potential.prior = walls(frames)
    said = errors(trainer, held)
    oxygens = water.measured(water.beads_of(*only_oxygens(frames)))
    found = xr.merge([history, scattered(trainer.potential, held), beside(oxygens)],
                     combine_attrs="drop")  # fmt: skip
    about["guard"] = options.guard
    found = found.assign(start=(("atom", "axis"), held.positions[0], {"units": "angstrom"}),
                         type=("atom", np.array(water.TYPES)[held.codes]))  # fmt: skip
    command = f"python notebooks/runs/water_reference.py WORK --data FOLDER --steps {options.steps} --size {options.size} --seed {options.seed}"
    more = {
        "edge": float(frames.boxes[0, 0, 0]),
        "kelvin": water.KELVIN,
        "source": SOURCE,
        "minutes": float(history.seconds[-1]) / 60,
    }
    options.out.mkdir(parents=True, exist_ok=True)
    cm.save_deep(trainer.potential, options.out / "reference.safetensors", water.TYPES, water.UNITS)
    water.written(found, options.out / "reference.nc", **about, **more, **said, held=len(held), command=command)
    print(", ".join(f"{name} {value:.4g}" for name, value in said.items()))


if __name__ == "__main__":
    main()
