"""`cg-models deep`: a deep potential taught by frames of atoms or beads, resumable."""

from __future__ import annotations

import argparse
import math
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cg_data import FileError
from cg_models.cli.interrupts import interruptible
from cg_models.cli.priors import described, prior_of
from cg_models.cli.train import clock
from cg_models.cli.training_record import TrainingRecord, digest
from cg_models.cli.trajectories import frames_given
from cg_models.deep_potential.options import LocalFrameOptions, Options, SmoothOptions
from cg_models.deep_potential.potential import DeepPotential
from cg_models.deep_potential.storage import save_deep
from cg_models.deep_potential.training import DeepTrainer, DeepTraining
from cg_models.many_body.neighborhoods import Neighborhoods
from cg_models.schnet.bead_frames import BeadFrames

_COUNTED = 20  # frames, in which neighbors are counted
_ROOM = 1.25  # times as many neighbors as were seen
_MADE_OF = (
    "cutoff", "environments", "smooth_from", "embedding", "axes", "full", "fitting", "prior", "kT", "atomistic", "steps", "batch",
    "rate", "last_rate", "validate_share", "seed",
)  # fmt: skip


def deep(options: argparse.Namespace) -> int:
    """Teach; 0 when done, 130 when stopped."""
    output = Path(options.output)
    if output.is_dir() or not output.parent.is_dir():
        raise FileError(output, "cannot be written there", remedy="give a file's name in a folder that exists")
    frames, virials = _read(options)
    if options.atomistic and frames.energies is None:
        raise FileError(options.trajectories[0], "holds no energies", remedy="leave out --atomistic")
    learn, held = _parted(len(frames), options.validate_share, options.seed)
    about = {name: _plain(getattr(options, name)) for name in _MADE_OF} | {"frames": digest(frames)}
    record = TrainingRecord.of(output, about, resume=options.resume)
    trainer = _trainer(options, frames, virials, learn, record)
    record.open(resume=options.resume)
    try:
        with interruptible():
            _teach(trainer, record, options)
    except KeyboardInterrupt:
        kept = (
            "the same command with --resume goes on from the last report"
            if record.checkpoint.exists()
            else "nothing was written"
        )
        print(f"cg-models: interrupted after step {trainer.step}; {kept}", file=sys.stderr)
        return 130
    save_deep(trainer.potential, output, frames.types, frames.units)
    record.close()
    errors, weights = trainer.errors(_some(frames, held)), sum(p.numel() for p in trainer.potential.parameters())
    energies = "" if frames.energies is None else f", energies {errors.energy:.4g} {frames.units.energy} per atom"
    print(f"{' '.join(options.trajectories)} → {output}: {weights} weights, {trainer.step} steps; of {len(held)} other frames forces are wrong"
          f" by {errors.force:.4g} {frames.units.force()}{energies}")  # fmt: skip
    return 0


def _read(options: argparse.Namespace) -> tuple[BeadFrames, npt.NDArray[np.float64] | None]:
    """Return the frames of all trajectories as one, without molecules, and their virials if all have some."""
    given = {**vars(options), "device": "cpu", "mass": None}
    read = [frames_given(argparse.Namespace(**given, trajectory=path)) for path in options.trajectories]
    first = read[0][0].alike()
    for path, (frames, _) in zip(options.trajectories, read, strict=True):
        if (frames.types, frames.units) != (first.types, first.units) or not np.array_equal(frames.codes, first.codes):
            raise FileError(path, f"holds other atoms, or in another order, than {options.trajectories[0]}", remedy="teach them apart")  # fmt: skip
    whole: dict[str, Any] = {
        n: _joined([getattr(f, n) for f, _ in read]) for n in ("positions", "boxes", "forces", "energies")
    }
    virials = _joined([data["virial"].values if "virial" in data else None for _, data in read])
    return replace(first, **whole), virials


def _joined(parts: list[npt.NDArray[np.float64] | None]) -> npt.NDArray[np.float64] | None:
    known = [part for part in parts if part is not None]
    return np.concatenate(known) if len(known) == len(parts) else None


def _parted(frames: int, share: float, seed: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return numbers of frames to learn from and of others, one at least of each."""
    if frames < 2:
        raise ValueError("one frame is none to learn from: some are held out to validate with")
    order, held = np.random.default_rng(seed).permutation(frames), min(frames - 1, max(1, round(share * frames)))
    return np.sort(order[held:]), np.sort(order[:held])


def _some(frames: BeadFrames, chosen: npt.NDArray[np.int64]) -> BeadFrames:
    assert frames.forces is not None
    energies = None if frames.energies is None else frames.energies[chosen]
    return replace(frames, positions=frames.positions[chosen], boxes=frames.boxes[chosen], forces=frames.forces[chosen], energies=energies)  # fmt: skip


def _trainer(
    options: argparse.Namespace, frames: BeadFrames, virials: npt.NDArray[np.float64] | None, learn: npt.NDArray[np.int64],
    record: TrainingRecord,
) -> DeepTrainer:  # fmt: skip
    kinds = _options(options, frames)
    prior = prior_of(options.prior, [], frames, cutoff=options.cutoff, inner_cutoff=1.0, kT=options.kT)
    both = (1000.0, 1.0) if options.atomistic else (1.0, 1.0)
    wanted = virials if options.atomistic else None
    settings = DeepTraining(
        options.steps, options.batch, options.rate, min(options.last_rate, options.rate), force=both,
        energy=(0.02, 1.0) if options.atomistic else (0.0, 0.0), virial=(0.02, 1.0) if wanted is not None else (0.0, 0.0), seed=options.seed,
    )  # fmt: skip
    going_on = options.resume and record.checkpoint.exists()
    trainer = DeepTrainer(DeepPotential(kinds, prior, seed=options.seed), _some(frames, learn), settings,
                          virials=None if wanted is None else wanted[learn], normalize=not going_on)  # fmt: skip
    if going_on:
        trainer.load(record.checkpoint)
        print(f"going on after step {trainer.step} ({record.checkpoint})", file=sys.stderr, flush=True)
    elif not options.quiet:
        learned = "forces, energies and virials" if wanted is not None else "forces and energies" if options.atomistic else "forces"  # fmt: skip
        print(f"{len(learn)} of {len(frames)} frames of {len(frames.codes)} atoms ({', '.join(frames.types)}) to learn {learned} from",
              *described(prior, frames.types), sep="\n", file=sys.stderr)  # fmt: skip
    return trainer


def _options(options: argparse.Namespace, frames: BeadFrames) -> Options:
    count = neighbors_seen(frames, options.cutoff)
    if options.environments == "frame":
        full = tuple(min(options.full, n) for n in count)
        return LocalFrameOptions(options.cutoff, count, full, options.fitting or (120, 60, 30, 15))
    start = options.cutoff / 12 if options.smooth_from is None else options.smooth_from
    return SmoothOptions(options.cutoff, start, count, options.embedding, options.axes, options.fitting or (240, 240, 240))  # fmt: skip


def neighbors_seen(frames: BeadFrames, cutoff: float) -> tuple[int, ...]:
    """Return for each type a quarter more neighbors than any atom has of it within the cutoff, in some of the frames."""
    near, most = Neighborhoods(cutoff, skin=0.0), np.ones(len(frames.types), dtype=np.int64)
    for k in np.unique(np.linspace(0, len(frames) - 1, min(len(frames), _COUNTED)).astype(int)):
        found = near(frames.positions[k], frames.boxes[k], np.ones(3, dtype=np.bool_))
        for kind in range(len(most)):
            of = found.i[frames.codes[found.j] == kind]
            most[kind] = max(most[kind], np.bincount(of, minlength=1).max())
    return tuple(math.ceil(_ROOM * n) for n in most)


def _teach(trainer: DeepTrainer, record: TrainingRecord, options: argparse.Namespace) -> None:
    began, first, units = time.monotonic(), trainer.step, trainer.frames.units
    for errors in trainer.run(report=options.report):
        if not math.isfinite(errors.force):
            raise ValueError(f"step {trainer.step}: forces are not finite, the training diverged: lower --rate")
        trainer.save(record.checkpoint)
        if not options.quiet:
            left = (time.monotonic() - began) / (trainer.step - first) * (options.steps - trainer.step)
            energies = f", energies {errors.energy:.4g} {units.energy} per atom" if options.atomistic else ""
            print(f"step {trainer.step}: forces {errors.force:.4g} {units.force()}{energies}, {clock(left)} left", file=sys.stderr, flush=True)  # fmt: skip


def _plain(value: object) -> object:
    """Return what JSON gives back."""
    return list(value) if isinstance(value, tuple) else value
