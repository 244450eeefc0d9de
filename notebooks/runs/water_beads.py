"""Beads of water for notebook 05: deep potentials that learn forces on the oxygens of water_trajectory.py, by eq. 9; resumable.

python notebooks/runs/water_beads.py WORK --trajectory WORK_OF_TRAJECTORY [--kinds frame smooth] [--shares …] [--models 0 1 2 3 4 5]
       [--steps 100000] [--minutes M] [--force molecule|oxygen] [--guard core|none] [--out …/05]

Two kinds: `frame` has the paper's local frames (16 neighbors with directions, others by distance, 6 Å, 120-60-30-15) and `smooth` is
continuous. Six models of each differ in how their weights begin and in the order of frames, for three lengths of data: the paper's 2, 5 and 15 ns are shares of
ours. The last tenth of the data is never learned from. Forces are those on whole molecules, whose mean at fixed oxygens is that of
forces on oxygens (see water_trajectory.py) with less noise; `--force oxygen` has the paper's. A core, made of g(r), keeps
beads apart where there are no data; `--guard none` leaves it out, as the paper does.

Several of these commands may go on at the same time, each with models of its own. Models go to WORK; beads.nc has the errors of all that are there, and
…/05/beads-{kind}.safetensors the first model of the longest data.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from pathlib import Path

import numpy as np
import water
import water_trajectory as trajectory
import xarray as xr

import cg_models as cm

KINDS = ("frame", "smooth")
SHARES = (2 / 15, 5 / 15, 1.0)  # the paper's 2, 5 and 15 ns
FEWEST = 0.4  # of the steps
HELD = 0.1  # of all frames, the last
RATES = {
    "frame": 5e-3,
    "smooth": 3e-3,
}  # at first; a hundredth of it at last (smooth ones with 1e-2 can stop learning: tanh saturates)
CORE_BINS, CORE_REACH = 0.02, 5.0  # Å


def options_of(kind: str) -> cm.LocalFrameOptions | cm.SmoothOptions:
    """Return the paper's environments, or smooth ones with about as many weights."""
    match kind:
        case "frame":
            return cm.LocalFrameOptions(water.CUTOFF, (water.COUNT["O"],))
        case "smooth":
            return cm.SmoothOptions(water.CUTOFF, 4.0, (water.COUNT["O"],), (16, 32, 32), 8, (100, 50, 25), moments=2)
        case _:
            raise ValueError(f"a kind of beads is one of {', '.join(KINDS)}, got {kind!r}")


@dataclass(frozen=True, eq=False)
class Beads:
    """What is learned from, and how."""

    work: Path
    frames: cm.BeadFrames
    steps: int = 100_000
    guard: str = "core"
    _first: dict[float, cm.FrameStructures] = field(default_factory=dict, repr=False)

    @cached_property
    def learned(self) -> int:
        """How many frames there are to learn from; the others are held out."""
        return len(self.frames) - max(1, round(HELD * len(self.frames)))

    @cached_property
    def held(self) -> cm.BeadFrames:
        """At most 1000 of the frames held out: the paper's deviations are of as many."""
        rest = np.arange(self.learned, len(self.frames))
        return water.some_of(
            self.frames, rest[np.unique(np.linspace(0, len(rest) - 1, min(1000, len(rest))).astype(int))]
        )

    @cached_property
    def prior(self) -> cm.Prior:
        return self.core(water.KT)

    def core(self, kT: float) -> cm.Prior:
        """Return what keeps beads apart where there are no data, in the unit of kT; nothing without a guard."""
        if self.guard == "none":
            return cm.Prior()
        r, g = self.frames.distributions(CORE_REACH, round(CORE_REACH / CORE_BINS), most=2000)
        return cm.Prior(between={(0, 0): cm.core_of(r, g[0, 0], kT, cutoff=CORE_REACH)})

    def first(self, share: float) -> cm.FrameStructures:
        """Return the first part of what there is to learn from, whose neighbors all models share."""
        if share not in self._first:
            some = water.some_of(self.frames, np.arange(max(1, round(share * self.learned))))
            self._first[share] = cm.FrameStructures(some, water.CUTOFF)
        return self._first[share]

    def trainer(self, kind: str, share: float, model: int, checkpoint: Path) -> cm.DeepTrainer:
        """Return the trainer of one model."""
        seed, first, steps = 1000 * model + round(100 * share), self.first(share), steps_of(self.steps, share)
        return cm.DeepTrainer(
            cm.DeepPotential(options_of(kind), self.prior, seed=seed), first.frames,
            cm.DeepTraining(steps, batch=4, rate=RATES[kind], last_rate=RATES[kind] / 100, seed=seed),
            normalize=not checkpoint.exists(), structures=first,
        )  # fmt: skip

    def teach(self, kind: str, share: float, model: int, *, minutes: float | None, report: int) -> float:
        """Teach a model to its end, or for so many minutes; return those that it took now."""
        file = file_of(self.work, kind, share, model)
        if file.exists():
            return 0.0
        checkpoint = file.with_suffix(".training")
        trainer = self.trainer(kind, share, model, checkpoint)
        before = history_of(checkpoint)
        history = water.taught(trainer, checkpoint, minutes=minutes, report=report)
        if history.done:
            held = trainer.errors(self.held).force
            water.written(history, file.with_suffix(".nc"), kind=kind, share=share, model=model, held_out_force_rmse=held,
                          frames=len(trainer.frames), steps=trainer.settings.steps)  # fmt: skip
            cm.save_deep(trainer.potential, file, ["O"], water.UNITS)
        return (float(history.seconds[-1]) - before) / 60


def steps_of(steps: int, share: float) -> int:
    """Return the steps of a model with a share of the data: two fifths are enough where data are short.

    >>> steps_of(100_000, 2 / 15), steps_of(100_000, 1.0)
    (40000, 100000)
    """
    return round(steps * max(share, FEWEST))


def history_of(checkpoint: Path) -> float:
    """Return the seconds that a training has taken so far."""
    file = checkpoint.with_suffix(".json")
    if not file.exists():
        return 0.0
    import json

    return float(json.loads(file.read_text())[-1][3])


def file_of(work: Path, kind: str, share: float, model: int) -> Path:
    """Return where a model is."""
    return work / f"{kind}-{100 * share:03.0f}-{model}.safetensors"


def collected(work: Path) -> xr.Dataset:
    """Return the errors of all models that are there, a row each."""
    found = [xr.load_dataset(file) for file in sorted(work.glob("*-*-*.nc"))]
    rows = {
        n: [f.attrs[n] for f in found] for n in ("kind", "share", "model", "frames", "steps", "held_out_force_rmse")
    }
    last = {
        "training_force_rmse": [float(f.force_rmse[-1]) for f in found],
        "seconds": [float(f.seconds[-1]) for f in found],
    }
    return xr.Dataset({n: ("row", np.array(values)) for n, values in (rows | last).items()})


def first_of_longest(found: xr.Dataset, kind: str) -> tuple[float, int] | None:
    """Return share and number of the first model of the longest data there are, whichever command has made it."""
    rows = [(-float(s), int(m)) for k, s, m in zip(found.kind.values, found.share.values, found.model.values, strict=True) if k == kind]  # fmt: skip
    return (-min(rows)[0], min(rows)[1]) if rows else None


def main(arguments: Sequence[str] | None = None) -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("work", type=Path)
    words.add_argument("--trajectory", type=Path, required=True, help="the WORK of water_trajectory.py")
    words.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    words.add_argument("--shares", nargs="+", type=float, default=list(SHARES))
    words.add_argument("--models", nargs="+", type=int, default=list(range(6)))
    words.add_argument("--steps", type=int, default=100_000, help="with all data")
    words.add_argument("--force", choices=trajectory.FORCES, default="molecule")
    words.add_argument("--guard", choices=("core", "none"), default="core")
    words.add_argument("--minutes", type=float, help="of processor time, after which to stop for now")
    words.add_argument("--report", type=int, default=1000, help="steps between reports, each of which is a checkpoint")
    words.add_argument("--out", type=Path, default=water.RESULTS)
    options = words.parse_args(arguments)
    frames = trajectory.frames_of(options.trajectory, options.force)
    about = {"force": options.force, "guard": options.guard, "frames": len(frames)}
    water.claimed(options.work, **about)
    beads, left = Beads(options.work, frames, options.steps, options.guard), options.minutes
    for kind, share, model in product(options.kinds, options.shares, options.models):
        if left is not None and left <= 0:
            print("stopped: the same command goes on")
            break
        spent = beads.teach(kind, share, model, minutes=left, report=options.report)
        left = None if left is None else left - spent
    found, rms = collected(options.work), float(np.sqrt(np.mean(np.square(frames.forces))))
    command = f"python notebooks/runs/water_beads.py WORK --trajectory … --steps {options.steps} --force {options.force} --guard {options.guard}"
    water.written(
        found,
        options.out / "beads.nc",
        **about,
        force_rms=rms,
        held=len(beads.held),
        command=command,
        seed="1000 model + 100 share",
    )
    for kind in options.kinds:
        if (longest := first_of_longest(found, kind)) is not None:
            (options.out / f"beads-{kind}.safetensors").write_bytes(file_of(options.work, kind, *longest).read_bytes())
    print(found.to_dataframe().to_string())


if __name__ == "__main__":
    main()
