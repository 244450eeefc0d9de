"""A long run of heavy water by the atomistic model: where oxygens are and what pulls at them, for notebook 05; resumable.

python notebooks/runs/water_trajectory.py WORK [--run 0] [--picoseconds 400] [--piece 2] [--step 1] [--every 10] [--out …/05]

After water_reference.py. NVT by Langevin, in the box of DFT, from one of its frames. In pieces of 2 ps; each begins where the last ended, with random numbers
of its own, so whatever was killed, the run is the same bit for bit. Several runs (`--run 1`, …) can go on at the same time. Of every
tenth step a piece keeps the oxygens, the force on each (what the paper learns) and the force on each molecule, in single precision.

Eq. 7 leaves the direction of a force estimator free where ∇ξ_i·b_j = δ_ij (eq. 5). The paper has b_i = 1 on oxygen i. It may as well move
the two hydrogens of its molecule along, since ξ does not depend on them: no divergence, the same mean at fixed oxygens (eq. 6), but the stretching
of O–D is gone, which is most of the noise. A force on a molecule is that sum, of the hydrogens that were its own at the start.

A thermostat with BAOAB samples positions of fast vibrations well up to steps where ω dt ≈ 1: 1 fs is ω dt = 0.5 for O–D; the paper has 0.5 fs.
Writes trajectory.nc, with g(r), angles and q̄ of the oxygens beside those of DFT.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import water
import xarray as xr

import cg_data as cd
import cg_models as cm
import cg_sim as cs
from cg_data.safe_files import atomic_path

Array = npt.NDArray[np.float64]
FORCES = ("oxygen", "molecule")
SETTLED = 4.0  # ps at the start that are not used
HOT = 1.3  # times the temperature: a piece of so much is no water of that temperature
MEASURED = 4000  # frames that the structure is taken from
FRICTION = 1 / (0.5 * water.PICOSECOND)


@dataclass(frozen=True, slots=True, eq=False)
class Trajectory:
    """One run in a folder; `piece` in ps, `step` in fs, a frame every so many steps."""

    folder: Path
    model: cm.StoredDeep
    start: cs.State
    piece: float = 2.0
    step: float = 1.0
    every: int = 10
    seed: int = 1

    def owners(self) -> npt.NDArray[np.int64]:
        """Return the molecule of every atom, by where they were at the start."""
        names = [self.start.names[k] for k in self.start.types]
        first = cd.trajectory(self.start.positions[None], self.start.box, names, units=water.UNITS)
        return cd.molecules_by_distance(first)

    def file(self, number: int) -> Path:
        return self.folder / f"piece-{number:05d}.npz"

    def before(self, number: int) -> cs.State:
        """Return the state that a piece begins with."""
        if number == 0:
            return self.start.with_velocities(water.KT, self.seed)
        with np.load(self.file(number - 1)) as last:
            return self.start.moved(last["x"], last["v"], self.start.box, int(last["steps"]))

    def make(self, number: int) -> bool:
        """Make a piece if it is not there; return if it was made."""
        if self.file(number).exists():
            return False
        began, steps = time.process_time(), round(1000 * self.piece / self.step)
        run = cs.simulate(
            self.before(number), cm.calculator(self.model), kT=water.KT, dt=self.step * water.FEMTOSECOND, steps=steps,
            sample_every=self.every, frames_every=self.every, thermostat=cs.Langevin(FRICTION), engine="ase", seed=self.seed,
            units=water.UNITS,
        )  # fmt: skip
        assert run.trajectory is not None
        kelvin = float(run.data.temperature) / water.ase_units.kB
        if not kelvin < HOT * water.KELVIN:
            raise SystemExit(
                f"piece {number} has {kelvin:.0f} K: the model has broken down where no data are; has it a guard?"
            )
        kept = reduced(run.trajectory.position.values, run.trajectory.force.values, self.owners(), self.oxygens)
        with atomic_path(self.file(number)) as draft, draft.open("wb") as stream:
            np.savez(
                stream, x=run.state.positions, v=run.state.velocities, steps=run.state.step, until=run.state.step * self.step / 1000, energy=run.trajectory.energy.values,
                kelvin=kelvin, edge=self.start.box[0, 0], seconds=time.process_time() - began,
                **kept,
            )  # fmt: skip
        return True

    @property
    def oxygens(self) -> npt.NDArray[np.bool_]:
        return np.asarray(self.start.types == self.start.names.index("O"))


def reduced(x: Array, forces: Array, owners: npt.NDArray[np.int64], oxygens: npt.NDArray[np.bool_]) -> dict[str, npt.NDArray[np.float32]]:  # fmt: skip
    """Return what is kept of frames (frame, atom, 3): oxygens, forces on them, and forces on their molecules."""
    whole = np.zeros((len(x), int(oxygens.sum()), 3))
    np.add.at(whole, (slice(None), owners), forces)
    found = {"position": x[:, oxygens], "oxygen_force": forces[:, oxygens], "molecule_force": whole}
    return {name: values.astype(np.float32) for name, values in found.items()}


def start_of(results: Path) -> cs.State:
    """Return a frame of DFT with heavy hydrogens."""
    known = xr.load_dataset(results / "reference.nc")
    types = known.type.values.astype(str)
    return cs.State(known.start.values, known.edge, masses=np.where(types == "O", water.OXYGEN, water.DEUTERIUM), types=types)  # fmt: skip


def pieces_of(work: Path, *, settled: float | None = None) -> list[dict[str, Array]]:
    """Return the pieces of all runs below a folder, without the first ps of each."""
    first = SETTLED if settled is None else settled
    found = [dict(np.load(file)) for file in sorted(work.glob("run-*/piece-*.npz"))]
    return [piece for piece in found if piece["until"] > first + 1e-9]


def frames_of(work: Path, force: str = "molecule", *, settled: float | None = None) -> cm.BeadFrames:
    """Return oxygens of all runs with the force of the paper ("oxygen") or the less noisy one ("molecule")."""
    pieces = pieces_of(work, settled=settled)
    if not pieces:
        raise FileNotFoundError(
            f"{work} holds no piece after the first {SETTLED if settled is None else settled:g} ps: run water_trajectory.py longer"
        )
    x, f = (np.concatenate([p[name] for p in pieces]) for name in ("position", f"{force}_force"))
    return water.beads_of(x, float(pieces[0]["edge"]), f)


def reported(work: Path, results: Path, **about: object) -> xr.Dataset:
    """Write and return what the runs say of oxygens so far, beside DFT."""
    frames, pieces, known = frames_of(work), pieces_of(work), xr.load_dataset(results / "reference.nc")
    some = np.unique(np.linspace(0, len(frames) - 1, min(len(frames), MEASURED)).astype(int))
    found = water.measured(water.some_of(frames, some))
    dft = known[[water.of_dft(f"{n}{s}") for n in water.CURVES for s in ("", "_stderr")]]
    found = found.merge(dft, join="exact")
    spread = {
        f"{n}_force_rms": float(np.sqrt(np.mean(np.concatenate([p[f"{n}_force"] for p in pieces]) ** 2)))
        for n in FORCES
    }
    kelvin, seconds = ([float(p[n]) for p in pieces] for n in ("kelvin", "seconds"))
    water.written(
        found, results / "trajectory.nc", frames=len(frames), kelvin_measured=np.mean(kelvin), kelvin_stderr=float(water.stderr(kelvin)),
        seconds=sum(seconds), **spread, **about,
    )  # fmt: skip
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("work", type=Path)
    words.add_argument("--run", type=int, default=0, help="its number, which its random numbers depend on")
    words.add_argument("--picoseconds", type=float, default=400.0, help="of this run, with those that are there")
    words.add_argument("--piece", type=float, default=2.0, help="ps")
    words.add_argument("--step", type=float, default=1.0, help="fs")
    words.add_argument("--every", type=int, default=10, help="steps between frames")
    words.add_argument("--out", type=Path, default=water.RESULTS, help="where reference.nc and .safetensors are")
    options = words.parse_args(arguments)
    about = {
        "piece_ps": options.piece,
        "step_fs": options.step,
        "every": options.every,
        "friction_per_ps": FRICTION * water.PICOSECOND,
    }
    water.claimed(options.work, **about)
    folder = options.work / f"run-{options.run}"
    folder.mkdir(exist_ok=True)
    run = Trajectory(folder, cm.load_deep(options.out / "reference.safetensors"), start_of(options.out), options.piece,
                     options.step, options.every, 100 + options.run)  # fmt: skip
    for number in range(round(options.picoseconds / options.piece)):
        if run.make(number):
            print(f"run {options.run}: {(number + 1) * options.piece:g} of {options.picoseconds:g} ps", flush=True)
    command = f"python notebooks/runs/water_trajectory.py WORK --step {options.step:g} --every {options.every}"
    found = reported(options.work, options.out, **about, command=command, seed=100, settled_ps=SETTLED)
    difference, error = water.largest_difference(found, water.dft_of(found))
    print(f"largest difference from g of DFT: {float(difference):.3f} ± {float(error):.3f}")


if __name__ == "__main__":
    main()
