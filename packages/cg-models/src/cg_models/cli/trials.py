"""A short simulation with a potential that was learned: does it run, and what does it look like?"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from cg_data import Units
from cg_models.schnet.bead_frames import BeadFrames
from cg_models.schnet.trial import Trial, Verdict

Array = npt.NDArray[np.float64]
_SYSTEMS = 4  # side by side, where all boxes are one
_SLOW = 0.05  # of 1/ω: what forces and kT say of the fastest motion
_RELAXED = 100  # steps, in which friction forgets a velocity
_SKIN = 0.12  # of the cutoff
_BEYOND = 1.25  # times the cutoff: as far as g(r) is looked at
_BINS = 100


def trial_of(options: argparse.Namespace, frames: BeadFrames, kT: float | None, cutoff: float) -> Trial | None:
    """Return the trial that the options ask for, from frames of the trajectory; None if they ask for none."""
    if options.no_trial:
        return None
    if kT is None:
        raise ValueError("a trial needs kT, and the trajectory has no velocities that say it: give --kT, or --no-trial")
    if frames.masses is None:
        raise ValueError("a trial needs masses, and the trajectory has none: give --mass, or --no-trial")
    dt = options.dt or time_step(frames, kT)
    some = np.unique(np.linspace(0, len(frames) - 1, _SYSTEMS if frames.one_box else 1).astype(int))
    return Trial(
        frames.positions[some], frames.boxes[some[0]], frames.masses, kT=kT, dt=dt, friction=options.friction or 1 / (_RELAXED * dt),
        types=frames.codes, molecule=frames.molecule, steps=options.trial_steps, reach=reach(frames, cutoff), bins=_BINS,
        skin=_SKIN * cutoff, seed=options.seed,
    )  # fmt: skip


def reach(frames: BeadFrames, cutoff: float) -> float:
    """Return how far g(r) is looked at [length]."""
    return min(_BEYOND * cutoff, 0.5 * frames.narrowest)


def distribution_of(frames: BeadFrames, cutoff: float) -> tuple[Array, Array]:
    """Return r [length] and g(r) of all beads of different molecules, in the bins of a trial."""
    alike = replace(frames, types=("all",), codes=np.zeros_like(frames.codes))
    r, g = alike.distributions(reach(frames, cutoff), _BINS)
    return r, g[0, 0]


def time_step(frames: BeadFrames, kT: float) -> float:
    """Return a time step that is short for the fastest type: √(m kT)/F is 1/ω of a spring [length·√(mass/energy)]."""
    assert frames.forces is not None
    assert frames.masses is not None
    square = (frames.forces**2).mean(axis=(0, 2))
    times = [
        float(np.sqrt(frames.masses[of].mean() * kT / max(square[of].mean(), 1e-300)))
        for code in range(len(frames.types))
        if (of := frames.codes == code).any()
    ]
    return _SLOW * min(times)


def in_words(verdict: Verdict, trial: Trial, units: Units, seen: Array) -> str:
    """Return the verdict in one line; `seen` are the distances [length] of pairs in the trajectory."""
    systems = len(np.asarray(trial.positions))
    what = f"trial: {trial.steps} steps of {trial.dt:.3g} with {systems} system(s) at kT = {trial.kT:.4g}"
    if not verdict.stable:
        return f"{what}: broke down after {verdict.lasted:.0%} of them"
    return f"{what}: stable, kT = {verdict.kT:.4g} at the end, closest pair {verdict.closest:.3g} {units.length} ({min(seen, default=np.inf):.3g} in the trajectory)"
