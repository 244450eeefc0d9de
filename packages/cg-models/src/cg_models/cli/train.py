"""`cg-models train`: force matching of a mapped trajectory, resumable, with a trial at the end."""

from __future__ import annotations

import argparse
import math
import shlex
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from cg_data import FileError
from cg_models.cli.interrupts import interruptible
from cg_models.cli.priors import described, longest_inside, prior_of
from cg_models.cli.training_record import TrainingRecord, digest, made_of
from cg_models.cli.trajectories import frames_given, thermal_energy_of
from cg_models.cli.trials import distribution_of, in_words, trial_of
from cg_models.schnet.bead_frames import BeadFrames
from cg_models.schnet.bead_potential import BeadPotential
from cg_models.schnet.force_matching import ForceMatcher, Matching, Sample, samples, split
from cg_models.schnet.network import SchNet, SchNetOptions
from cg_models.schnet.storage import save_beads
from cg_models.schnet.trial import Trial


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What is taught, with what, and how it is tried."""

    frames: BeadFrames
    matcher: ForceMatcher
    trial: Trial | None
    record: TrainingRecord


def train(options: argparse.Namespace) -> int:
    """Teach; 0 when done, 1 if what was learned does not run, 130 when stopped."""
    plan = _planned(options)
    try:
        with interruptible():
            _teach(plan, options)
    except KeyboardInterrupt:
        return _stopped(plan)
    potential = plan.matcher.finish().to("cpu")
    save_beads(potential, options.output, plan.frames.types, plan.frames.units)
    plan.record.close()
    weights = sum(p.numel() for p in potential.parameters())
    print(f"{options.trajectory} → {options.output}: {weights} weights, {plan.matcher.number} epochs,"
          f" best validation {plan.matcher.best:.4g} {plan.frames.units.force()}")  # fmt: skip
    return _ended(plan, options, potential)


def _planned(options: argparse.Namespace) -> Plan:
    output = Path(options.output)
    if output.is_dir() or not output.parent.is_dir():
        raise FileError(output, "cannot be written there", remedy="give a file's name in a folder that exists")
    frames, data = frames_given(options)
    if options.alike:
        frames = frames.alike()
    if options.energy_weight and frames.energies is None:
        raise FileError(options.trajectory, "holds no energies", remedy="leave out --energy-weight")
    if frames.molecule is not None and not (options.bonds or options.inner_blocks):
        raise ValueError(
            "the trajectory has molecules of several beads, whose beads see one another by bonds or inner blocks alone:"
            " give --bonds harmonic, --inner-blocks 1, or --alike for none"
        )
    kT = thermal_energy_of(options, frames, data)
    inner = options.inner_cutoff or longest_inside(frames) or 1.0
    prior = prior_of(options.prior, options.bonds, frames, cutoff=options.cutoff, inner_cutoff=inner, kT=kT)
    settings = Matching(options.epochs, options.batch, options.energy_weight, options.rate, min(options.last_rate, options.rate),
                        patience=options.patience, seed=options.seed)  # fmt: skip
    learn, held = split(len(frames), options.validate_share, kind=options.split, gap=options.gap, seed=options.seed)
    trial = trial_of(options, frames, kT, options.cutoff)
    record = TrainingRecord.of(output, made_of(options, digest(frames)), resume=options.resume)
    network = SchNet(SchNetOptions(
        types=len(frames.types), cutoff=options.cutoff, features=options.features, filters=options.filters or options.features,
        blocks=options.blocks, inner_blocks=options.inner_blocks, inner_cutoff=inner, radial=options.radial,
    ), seed=options.seed)  # fmt: skip
    potential = BeadPotential(network, prior).to(options.device)
    given = _samples(potential, frames, options.cutoff, inner)
    if not options.quiet:
        print(f"{len(learn)} frames to learn from and {len(held)} to validate with, of {len(frames.codes)} beads ({', '.join(frames.types)})", file=sys.stderr)  # fmt: skip
        for line in described(prior, frames.types):
            print(line, file=sys.stderr)
    matcher = ForceMatcher(
        potential, [given[k] for k in learn], [given[k] for k in held], settings, offset=frames.energies is not None
    )
    return Plan(frames, matcher, trial, record)


def _samples(potential: BeadPotential, frames: BeadFrames, cutoff: float, inner: float) -> list[Sample]:
    assert frames.forces is not None
    energies = frames.energies if frames.energies is not None else [0.0] * len(frames)
    return samples(potential, frames.graphs(cutoff, inner_cutoff=inner), frames.forces, energies)


def _teach(plan: Plan, options: argparse.Namespace) -> None:
    matcher, record = plan.matcher, plan.record
    if options.resume and record.checkpoint.exists():
        matcher.load(record.checkpoint)
        print(f"going on after epoch {matcher.number} ({record.checkpoint})", file=sys.stderr, flush=True)
    elif options.resume:
        print(f"no {record.checkpoint} yet: starting from the beginning", file=sys.stderr)
    record.open(resume=options.resume)
    begin, first = time.monotonic(), matcher.number
    for epoch in matcher.run():
        if not math.isfinite(epoch.force + epoch.validation_force):
            raise ValueError(f"epoch {epoch.number}: forces are not finite, the training diverged: lower --rate")
        matcher.save(record.checkpoint)
        if not options.quiet:
            left = (time.monotonic() - begin) / (epoch.number - first) * (matcher.settings.epochs - epoch.number)
            words = epoch.line(options.floor, energies=plan.frames.energies is not None)
            print(f"{words}, {clock(left)} left" if left else words, file=sys.stderr, flush=True)


def _stopped(plan: Plan) -> int:
    done = plan.record.checkpoint.exists()
    kept = "the same command with --resume goes on after the last whole one" if done else "nothing was written"
    print(f"cg-models: interrupted in epoch {plan.matcher.number + 1}; {kept}", file=sys.stderr)
    return 130


def _ended(plan: Plan, options: argparse.Namespace, potential: BeadPotential) -> int:
    unstable = False
    if plan.trial is not None:
        try:
            verdict = plan.trial(potential)
        except KeyboardInterrupt:
            print(f"cg-models: interrupted in the trial; {options.output} is written", file=sys.stderr)
            return 130
        unstable = not verdict.stable
        r, g = distribution_of(plan.frames, options.cutoff)
        print(in_words(verdict, plan.trial, plan.frames.units, r[g > 0]))
    print(f"next: {shlex.join(['cg-models', 'evaluate', options.output, options.trajectory])}")
    if unstable:
        print("cg-models: what was learned is written, but does not run: more data, epochs, or a --prior that keeps beads apart",
              file=sys.stderr)  # fmt: skip
    return int(unstable)


def clock(seconds: float) -> str:
    """Return a time as h:mm:ss or m:ss.

    >>> clock(59.6), clock(3725)
    ('1:00', '1:02:05')
    """
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours}:{m:02d}:{s:02d}" if hours else f"{m}:{s:02d}"
