"""Configurations of aluminium with energies and forces of ANI-Al, chosen where networks that learn them disagree, for notebook 04.

    ANI_AL=~/ani-al python notebooks/runs/aluminium_labels.py [--rounds 4] [--seed 1]

The data set of the paper is DFT's and needs a download; this one is a stand-in that a laptop makes. It begins with crystals, strained
and shaken, and frames of liquids that ANI-Al moved. In every round two HIP-NNs learn what there is, move crystals and liquids from
300 to 2000 K, and frames in which their forces differ most are labelled, too. Writes labels.nc and, of runs of ANI-Al itself that nothing
is learned from, labels_held.nc into notebooks/results/04.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import numpy.typing as npt
from ase import Atoms, units
from ase.build import bulk
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution

import cg_models as cm

Array = npt.NDArray[np.float64]
RESULTS = Path(__file__).parents[1] / "results" / "04"
MASS = 26.9815385 * 1.66053906660  # of an atom [g/cm³ Å³]
STEP, FRICTION, EVERY = 2 * units.fs, 0.01 / units.fs, 25
BROKEN = 1.0  # eV/Å: of atoms on average; networks that disagree more have lost their way
LIQUIDS = [(1023, 2.343), (1323, 2.25), (1700, 2.15), (2000, 2.45)]  # K, g/cm³
HELD = [(300, 2.68), (700, 2.6), (943, 2.38), (1173, 2.3), (1323, 2.25), (1600, 2.4)]
FIRST, LATER = cm.Teaching(epochs=150, batch=4, patience=10), cm.Teaching(epochs=40, batch=4, patience=6)


def crystal(name: str, volume: float, cells: int = 2) -> Atoms:
    """Return fcc, hcp or bcc of a volume per atom [Å³]."""
    match name:
        case "fcc":
            return bulk("Al", "fcc", (4 * volume) ** (1 / 3), cubic=True).repeat(cells)
        case "bcc":
            return bulk("Al", "bcc", (2 * volume) ** (1 / 3), cubic=True).repeat(cells)
        case "hcp":
            a = (volume * np.sqrt(2)) ** (1 / 3)
            return bulk("Al", "hcp", a, c=a * np.sqrt(8 / 3), orthorhombic=True).repeat((cells, cells, cells))
        case _:
            raise ValueError(f"no crystal {name}")


def crystals(noise: np.random.Generator, shaken: int = 24) -> Iterator[Atoms]:
    """Yield crystals at rest of many volumes, then ones that are strained and shaken."""
    for name in ("fcc", "hcp", "bcc"):
        for volume in np.linspace(13.5, 20.5, 12):
            yield crystal(name, volume, 1)
        for _ in range(shaken):
            atoms = crystal(name, noise.uniform(14.5, 19), 3 if name == "bcc" else 2)
            strain = np.eye(3) + noise.normal(0, noise.uniform(0, 0.04), size=(3, 3))
            atoms.set_cell(atoms.cell.array @ strain, scale_atoms=True)
            atoms.positions += noise.normal(0, noise.uniform(0.02, 0.25), size=atoms.positions.shape)
            yield atoms


def moved(atoms: Atoms, calc: Any, kelvin: float, steps: int, noise: np.random.Generator) -> Iterator[Atoms]:
    """Yield the atoms after every so many steps of dynamics; they end where the potential does not know what to say."""
    atoms.calc = calc
    MaxwellBoltzmannDistribution(atoms, temperature_K=2 * kelvin, rng=noise)
    dynamics = Langevin(atoms, STEP, temperature_K=kelvin, friction=FRICTION, rng=noise, fixcm=False)
    for _ in range(steps // EVERY):
        try:
            dynamics.run(EVERY)
            atoms.get_forces()
        except (ValueError, FloatingPointError):
            return
        yield atoms


def melt(kelvin: float, density: float, noise: np.random.Generator) -> Atoms:
    """Return atoms for a run at so many kelvin: fcc if it is to stay one, else 54 or 108 that are shaken far."""
    volume = MASS / density
    if kelvin < 900:
        return crystal("fcc", volume, 3)
    atoms = crystal("bcc", volume, 3) if noise.random() < 0.5 else crystal("fcc", volume, 3)
    atoms.positions += noise.normal(0, 0.35, size=atoms.positions.shape)
    return atoms


def runs(
    calc: Any, noise: np.random.Generator, plan: list[tuple[float, float]], settle: int, steps: int
) -> list[Atoms]:
    """Return frames of runs of a potential, as they are after it has settled."""
    found = []
    for kelvin, density in plan:
        frames = [a.copy() for a in moved(melt(kelvin, density, noise), calc, kelvin, settle + steps, noise)]
        found += frames[settle // EVERY :]
        print(f"  {kelvin} K, {density} g/cm³: {len(frames)} frames", flush=True)
    return found


def held_out(calc: Any, noise: np.random.Generator) -> list[Atoms]:
    return runs(calc, noise, HELD, settle=400, steps=250)


def beginning(calc: Any, noise: np.random.Generator) -> list[Atoms]:
    return [*crystals(noise), *runs(calc, noise, LIQUIDS, settle=300, steps=200)]


def doubtful(
    committee: cm.HipNN, noise: np.random.Generator, wanted: int, steps: int = 1500
) -> tuple[list[Atoms], Array]:
    """Return frames in which the committee's forces differ most, at most one in six of every run, and how much they do [eV/Å]."""
    calc, found = cm.ManyBodyCalculator(committee, force_spread=True), []
    hot = [(kelvin, noise.uniform(2.1, 2.55)) for kelvin in (943, 1023, 1150, 1323, 1600, 2000)]
    cold = [(kelvin, noise.uniform(2.5, 2.8)) for kelvin in (300, 600, 850)]
    starts = [(k, melt(k, d, noise)) for k, d in hot + cold]
    starts += [
        (k, crystal(name, noise.uniform(15.5, 17.5), 2 + (name == "bcc")))
        for k in (300, 900)
        for name in ("hcp", "bcc")
    ]
    for kelvin, atoms in starts:
        frames = []
        for frame in moved(atoms, calc, kelvin, steps, noise):
            spread = float(calc.results["force_spread"].mean())
            if spread > BROKEN:
                break
            frames.append((spread, frame.copy()))
        found += sorted(frames, key=lambda pair: -pair[0])[: max(1, len(frames) // 6)]
    chosen = sorted(found, key=lambda pair: -pair[0])[:wanted]
    return [atoms for _, atoms in chosen], np.array([spread for spread, _ in chosen])


def labelled(frames: list[Atoms], calc: Any) -> cm.Labels:
    """Return labels of positions as files have them, in single precision."""
    for atoms in frames:
        atoms.positions = atoms.positions.astype(np.float32)
        atoms.calc = calc
    return cm.Labels.of_atoms([_after(atoms) for atoms in frames])


def _after(atoms: Atoms) -> Atoms:
    """Return atoms that keep what their calculator said of them."""
    from ase.calculators.singlepoint import SinglePointCalculator

    energy, forces = atoms.get_potential_energy(), atoms.get_forces()
    atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces)
    return atoms


def committee_of(labels: cm.Labels, before: cm.HipNN | None, seed: int) -> tuple[cm.HipNN, cm.HipEpoch]:
    """Return two networks that learned different parts of what there is, and the last epoch of one."""
    networks = []
    for k in range(2):
        learn, validate = labels.split(0.1, seed=seed + k)
        settings = replace(LATER if before else FIRST, seed=seed + k)
        trainer = cm.HipTrainer(learn, validate, settings=settings, start=before.networks[k] if before else None)
        *_, last = trainer.run()
        networks.append(trainer.best())
    return cm.hipnn(*networks), last


def ani_al(words: argparse.ArgumentParser) -> Path:
    """Return the folder that --ani or ANI_AL names."""
    words.add_argument(
        "--ani", type=Path, default=os.environ.get("ANI_AL"), help="a clone of github.com/atomistic-ml/ani-al"
    )
    folder: Path | None = words.parse_args().ani
    if folder is None:
        raise SystemExit("name a clone of github.com/atomistic-ml/ani-al: --ani, or ANI_AL")
    return folder


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--rounds", type=int, default=4)
    words.add_argument("--per-round", type=int, default=50)
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--out", type=Path, default=RESULTS)
    folder = ani_al(words)
    options, began = words.parse_args(), time.process_time()
    options.out.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(options.seed)
    calc, fast = (cm.calculator(cm.ani(folder, precision=kind)) for kind in ("double", "single"))
    about = {"reference": "ANI-Al", "command": f"python notebooks/runs/aluminium_labels.py --seed {options.seed}"}
    for name, begin in (("labels_held", held_out), ("labels", beginning)):
        if not (options.out / f"{name}.nc").exists():
            cm.save_labels(labelled(begin(fast, noise), calc), options.out / f"{name}.nc", **about)
    labels = cm.load_labels(options.out / "labels.nc")
    committee = None
    for number in range(1, options.rounds + 1):
        committee, last = committee_of(labels, committee, 10 * number)
        frames, spread = doubtful(committee, noise, options.per_round)
        print(
            f"round {number}: {len(labels)} configurations, {1000 * last.energy:.2f} meV/atom, {last.force:.3f} eV/Å;",
            end=" ",
        )
        print(f"of {len(frames)} frames forces differ by {spread.mean():.3f} eV/Å", end=", ")
        print(f"{(time.process_time() - began) / 60:.1f} minutes", flush=True)
        labels = cm.Labels.joined([labels, labelled(frames, calc)])
        minutes = (time.process_time() - began) / 60
        cm.save_labels(labels, options.out / "labels.nc", **about, rounds=number, minutes=minutes)


if __name__ == "__main__":
    main()
