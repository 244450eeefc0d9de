"""`cg-models evaluate`: how far a potential's forces are from a trajectory's, whether it runs, and how fast it is."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cg_data import FileError
from cg_models.cli.pictures import picture_possible, save_picture
from cg_models.cli.trajectories import frames_given, thermal_energy_of
from cg_models.cli.trials import distribution_of, in_words, trial_of
from cg_models.schnet.bead_frames import BeadFrames
from cg_models.schnet.bead_potential import BeadPotential
from cg_models.schnet.engine_forces import EngineForces
from cg_models.schnet.storage import StoredBeads, load_beads

Array = npt.NDArray[np.float64]
_CALLS = 11


@dataclass(frozen=True, slots=True, eq=False)
class Predicted:
    """Forces (frame, bead, 3) and energies (frame,) of a potential for frames."""

    forces: Array
    energies: Array


def evaluate(options: argparse.Namespace) -> int:
    """Print errors, speed and the verdict of a trial; 1 if the potential does not run."""
    picture_possible(options.picture)
    model = load_beads(options.model)
    frames, data = frames_given(options, types=model.types, units=model.units)
    frames = _as_learned(options, model, frames)
    potential, cutoff = model.potential.to(options.device), model.potential.network.options.cutoff
    trial = trial_of(options, frames, thermal_energy_of(options, frames, data), cutoff)
    found = predicted(potential, frames)
    print(f"{options.model} on {options.trajectory}: {len(frames)} frames of {len(frames.codes)} beads")
    print("\n".join([*force_errors(found, frames), *energy_errors(found, frames)]))
    print(f"time: {seconds_per_call(potential, frames) * 1e3:.3g} ms per call of forces ({options.device})")
    r, g = distribution_of(frames, cutoff)
    verdict = None if trial is None else trial(potential)
    if trial is not None and verdict is not None:
        print(in_words(verdict, trial, model.units, r[g > 0]))
        if verdict.stable:
            print(
                f"g(r): differs by {np.abs(verdict.g - g).mean():.3g} in the mean up to {trial.reach:.4g} {model.units.length}"
            )
    if options.picture is not None:
        from cg_models.plots import plot_evaluated

        assert frames.forces is not None
        figure = plot_evaluated(
            frames.forces, found.forces, r, g, verdict if verdict and verdict.stable else None, model.units
        )
        print(f"picture: {save_picture(figure, Path(options.picture))}")
    if verdict is not None and not verdict.stable:
        print(f"cg-models: {options.model} does not run: it broke down in the trial", file=sys.stderr)
        return 1
    return 0


def _as_learned(options: argparse.Namespace, model: StoredBeads, frames: BeadFrames) -> BeadFrames:
    """Return the frames with molecules if the potential knows what is inside them."""
    if not (model.potential.prior.inside or model.potential.network.options.inner_blocks):
        return frames.alike()
    if frames.molecule is None:
        raise FileError(options.trajectory, "does not say which beads are a molecule, and the potential has bonds or inner blocks",
                        remedy="give a trajectory with molecules, such as cg-data map writes")  # fmt: skip
    return frames


def predicted(potential: BeadPotential, frames: BeadFrames) -> Predicted:
    """Return what the potential says of every frame."""
    o, forces, energies = potential.network.options, [], []
    for k in range(len(frames)):
        (pairs,) = replace(frames, positions=frames.positions[k : k + 1], boxes=frames.boxes[k : k + 1]).graphs(
            o.cutoff, inner_cutoff=o.inner_cutoff
        )
        energy, force = potential(pairs)
        forces.append(force.detach().double().cpu().numpy())
        energies.append(float(energy[0].detach()))
    return Predicted(np.array(forces), np.array(energies))


def force_errors(found: Predicted, frames: BeadFrames) -> list[str]:
    """Return the root mean square errors of force components in words, of all beads and by types."""
    assert frames.forces is not None
    wanted, unit = frames.forces, frames.units.force()
    known = (
        float(np.corrcoef(found.forces.ravel(), wanted.ravel())[0, 1]) if wanted.any() and found.forces.any() else 0.0
    )
    lines = [
        f"forces: error {rms(found.forces - wanted):.4g} of {rms(wanted):.4g} {unit} (rms), correlation {known:.3f}"
    ]
    if len(frames.types) > 1:
        for code, name in enumerate(frames.types):
            of = frames.codes == code
            lines.append(f"  {name}: error {rms((found.forces - wanted)[:, of]):.4g} of {rms(wanted[:, of]):.4g}")
    return lines


def energy_errors(found: Predicted, frames: BeadFrames) -> list[str]:
    """Return the error of energies per bead in words, and what of it is not the same in every frame."""
    if frames.energies is None:
        return []
    off = (found.energies - frames.energies) / len(frames.codes)
    return [f"energies: error {rms(off):.4g} {frames.units.energy} per bead (rms), {off.std():.4g} beside their mean"]


def seconds_per_call(potential: BeadPotential, frames: BeadFrames) -> float:
    """Return the time of one call of forces [s], the median of some, with pairs that are known already."""
    forces = EngineForces(potential, molecule=frames.molecule)
    taken = []
    for _ in range(_CALLS + 1):
        begin = time.perf_counter()
        forces(frames.positions[0], frames.boxes[0], frames.codes)
        taken.append(time.perf_counter() - begin)
    return float(np.median(taken[1:]))


def rms(values: Array) -> float:
    return float(np.sqrt(np.mean(values**2))) if values.size else 0.0
