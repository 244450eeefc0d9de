"""Liquid benzene with every atom, the reference of notebook 02: positions, forces and energies; resumable.

python notebooks/runs/benzene_reference.py WORK [--molecules 200] [--frames 2000] [--every 250] [--step 4] [--platform CPU] [--threads 1]
       [--like OTHER] [--kelvin 300] [--friction 1]

Minimized, 250 ps at 300 K and 1 atm, of which the last 150 give the volume; then at that volume: 50 ps, and a frame every 1 ps. In parts of
50 frames; each part begins where the last ended, with random numbers of its own, so a part is repeated whatever was killed.
Steps of 4 fs, for which hydrogens take 2 amu each from their carbons: positions at a temperature do not depend on masses, times do, so
`--step 2` has the masses of nature. 200 molecules: an hour of one core. The paper's own: --molecules 500 --frames 10000.
`--like` begins where another run of this command did, in its volume: at another temperature, or with little friction for diffusion.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import openmm as mm
from benzene_force_field import ATOMS, HYDROGENS, MASSES, Molecule, intramolecular, system
from openmm import unit

Array = npt.NDArray[np.float64]
KELVIN, ATMOSPHERE = 300.0, 1.01325  # K, bar
PART = 50  # frames
MELTING, PRESSED, SETTLED = 100.0, 150.0, 50.0  # ps; the volume is the mean of the second
HEAVY = 2.0  # amu: what a hydrogen takes from its carbon where steps are longer than 2 fs
THIN = 0.62  # g/cm³: of the lattice that melts


@dataclass(frozen=True, slots=True)
class Reference:
    """One box of benzene in a folder."""

    work: Path
    molecules: int
    every: int
    platform: str
    step: float = 4.0  # fs
    threads: int = 1
    kelvin: float = KELVIN
    friction: float = 1.0  # 1/ps
    like: Path | None = None

    def steps(self, picoseconds: float) -> int:
        return round(1000 * picoseconds / self.step)

    def start(self) -> tuple[Array, Array, float]:
        """Return positions, velocities [nm, nm/ps] and edge [nm] at 300 K and the volume of 1 atm, made once."""
        file = self.work / "start.npz"
        if not file.exists() and self.like is not None:
            other = np.load(self.like / file.name)
            context = self._context(float(other["edge"]), seed=3)
            context.setPositions(other["x"])
            context.setVelocitiesToTemperature(self.kelvin, 3)
            context.getIntegrator().step(self.steps(SETTLED))
            self._keep(file, context, edge=other["edge"])
        elif not file.exists():
            edge = (self.molecules * 78.11 / THIN / 602.214) ** (1 / 3)
            context = self._context(edge, seed=1, barostat=True)
            context.setPositions(lattice(self.molecules, edge))
            mm.LocalEnergyMinimizer.minimize(context, 10.0, 200)
            context.setVelocitiesToTemperature(self.kelvin, 1)
            context.getIntegrator().step(self.steps(MELTING))
            edges = []
            for _ in range(self.steps(PRESSED) // 250):
                context.getIntegrator().step(250)
                edges.append(context.getState().getPeriodicBoxVolume().value_in_unit(unit.nanometer**3))
            state = context.getState(positions=True, velocities=True)
            now = np.diag(np.array(state.getPeriodicBoxVectors().value_in_unit(unit.nanometer)))[0]
            edge = float(np.mean(edges)) ** (1 / 3)
            x = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer).reshape(-1, ATOMS, 3)
            x = x + x.mean(axis=1, keepdims=True) * (edge / now - 1)  # molecules keep their shape
            context = self._context(edge, seed=2)
            context.setPositions(x.reshape(-1, 3))
            context.setVelocities(state.getVelocities())
            context.getIntegrator().step(self.steps(SETTLED))
            self._keep(file, context, edge=edge, volumes=edges)
        known = np.load(file)
        return known["x"], known["v"], float(known["edge"])

    def part(self, number: int) -> bool:
        """Make 50 frames if they are not there; return if they were made."""
        file = self.work / f"part-{number:04d}.npz"
        if file.exists():
            return False
        x, v, edge = self.start()
        if number:
            before = np.load(self.work / f"part-{number - 1:04d}.npz")
            x, v = before["x"], before["v"]
        context = self._context(edge, seed=100 + number)
        context.setPositions(x)
        context.setVelocities(v)
        found: dict[str, list[npt.NDArray[np.floating]] | list[float]] = {
            "position": [],
            "force": [],
            "energy": [],
            "between": [],
        }
        for _ in range(PART):
            context.getIntegrator().step(self.every)
            state = context.getState(positions=True, forces=True, energy=True)
            at = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
            pairs = (
                context.getState(energy=True, groups={1}).getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole)
            )
            found["position"].append(at.astype(np.float32))
            found["force"].append(
                state.getForces(asNumpy=True).value_in_unit(unit.kilojoule_per_mole / unit.nanometer).astype(np.float32)
            )
            found["energy"].append(state.getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole))
            found["between"].append(pairs - intramolecular(at))
        self._keep(file, context, edge=edge, **{name: np.array(values) for name, values in found.items()})
        return True

    def _keep(self, file: Path, context: mm.Context, **arrays: object) -> None:
        state = context.getState(positions=True, velocities=True)
        x = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
        v = state.getVelocities(asNumpy=True).value_in_unit(unit.nanometer / unit.picosecond)
        draft = file.with_suffix(".draft.npz")
        np.savez(draft, x=x, v=v, **arrays)  # type: ignore[arg-type]
        draft.replace(file)

    def _context(self, edge: float, *, seed: int, barostat: bool = False) -> mm.Context:
        made = system(self.molecules, edge)
        if self.step > 2:
            heavier(made)
        if barostat:
            pressure = mm.MonteCarloBarostat(ATMOSPHERE, self.kelvin, 25)
            pressure.setRandomNumberSeed(seed)
            made.addForce(pressure)
        integrator = mm.LangevinMiddleIntegrator(self.kelvin, self.friction, self.step / 1000)
        integrator.setRandomNumberSeed(seed)
        settings = {"Threads": str(self.threads)} if self.platform == "CPU" else {}
        return mm.Context(made, integrator, mm.Platform.getPlatformByName(self.platform), settings)


def heavier(made: mm.System) -> None:
    """Give hydrogens mass of their carbons, for steps of 4 fs."""
    for k in range(made.getNumParticles()):
        made.setParticleMass(k, MASSES[k % ATOMS] + (HEAVY if k % ATOMS >= HYDROGENS else -HEAVY))


def lattice(molecules: int, edge: float) -> Array:
    """Return molecules turned at random on a cubic lattice."""
    noise, per = np.random.default_rng(0), int(np.ceil(molecules ** (1 / 3)))
    sites = np.array(list(np.ndindex(per, per, per)))[:molecules] * (edge / per)
    shape = Molecule.shape()
    turned = [shape @ np.linalg.qr(noise.normal(size=(3, 3)))[0] for _ in range(molecules)]
    return np.concatenate([site + each for site, each in zip(sites, turned, strict=True)])


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("work", type=Path)
    words.add_argument("--molecules", type=int, default=200)
    words.add_argument("--frames", type=int, default=2000)
    words.add_argument("--every", type=int, default=250, help="steps between frames")
    words.add_argument("--step", type=float, default=4.0, help="fs")
    words.add_argument("--platform", default="CPU")
    words.add_argument("--threads", type=int, default=1)
    words.add_argument("--like", type=Path)
    words.add_argument("--kelvin", type=float, default=KELVIN)
    words.add_argument("--friction", type=float, default=1.0, help="1/ps")
    options = words.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    about = {"molecules": options.molecules, "every": options.every, "step": options.step, "openmm": mm.__version__}
    about |= {"kelvin": options.kelvin, "friction": options.friction}
    file = options.work / "about.json"
    if file.exists() and json.loads(file.read_text()) != about:
        raise SystemExit(f"{options.work} holds another run: {file.read_text()}")
    file.write_text(json.dumps(about))
    run = Reference(options.work, options.molecules, options.every, options.platform, options.step, options.threads,
                    options.kelvin, options.friction, options.like)  # fmt: skip
    _, _, edge = run.start()
    density = options.molecules * 78.11 / (edge**3 * 602.214)
    print(
        f"{options.molecules} molecules in {edge:.4f} nm: {density:.4f} g/cm³; {HYDROGENS} hydrogens each", flush=True
    )
    parts = -(-options.frames // PART)
    for number in range(parts):
        if run.part(number):
            print(f"{(number + 1) * PART} of {options.frames} frames", flush=True)


if __name__ == "__main__":
    main()
