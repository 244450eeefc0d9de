"""Networks for liquid benzene under many settings, each taught and then tried in dynamics: the scans of paper 02, resumable.

python notebooks/runs/benzene_scan.py WORK [--scan one|three|tables] [--rows 60] [--frames 1000 400] [--epochs 20] [--workers 2]

After benzene_beads.py. `one` and `three` beads: what the paper's figures compare, one after another; `tables`: settings drawn from its tables 3.1 and 3.2. A row is one
training and one trial; what is there already is not done again. The networks stay in WORK. Writes notebooks/results/02/scan-<scan>.nc.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import benzene_beads as beads
import numpy as np
import torch

import cg_data as cd
import cg_sim as cs
from cg_models.schnet.bead_potential import BeadPotential, Prior
from cg_models.schnet.cores import core_of
from cg_models.schnet.force_matching import ForceMatcher, Matching, samples, split
from cg_models.schnet.graph import Graph, graph
from cg_models.schnet.network import SchNet, SchNetOptions
from cg_models.schnet.storage import save_beads
from cg_models.schnet.trial import Trial, distribution

KT = 0.0019872043 * 300.0  # kcal/mol
FEMTOSECOND = 1 / 48.888213  # of the unit of time, Å (g/kcal)^½
MASS = 78.1121  # g/mol, of a molecule
REACH, BINS = 12.0, 240
STEPS, EVERY = 5000, 25
SYSTEMS = {1: 4, 3: 2}
TIME_STEP = {1: 5.0, 3: 2.0}  # fs


@dataclass(frozen=True, slots=True)
class Settings:
    """What a network is, and how it is taught; lengths [Å], energies [kcal/mol].

    `exponent` 0 is a core that is read off g(r), `stiffness` 0 a bond as stiff as the data's, "optimal" `forces` are those of the least noise.
    """

    beads: int = 1
    cutoff: float = 8.0
    sigma: float = 5.0
    exponent: int = 7
    energy_weight: float = 0.1
    stiffness: float = 0.0
    blocks: int = 2
    inner_blocks: int = 0
    features: int = 64
    activation: str = "tanh"
    batch: int = 10
    rule: str = "block"
    forces: str = "basic"
    envelope: str = "smooth"
    seed: int = 0

    @property
    def name(self) -> str:
        return "-".join(f"{value}" for value in asdict(self).values())


ONE, THREE = Settings(), Settings(beads=3, cutoff=6.0, sigma=3.0, exponent=6, stiffness=1000.0)
OWN_ONE = replace(ONE, exponent=0, energy_weight=0.0)  # nothing to scan: cores and bonds of the data, forces alone
OWN_THREE = replace(THREE, exponent=0, energy_weight=0.0, stiffness=0.0, inner_blocks=1, forces="optimal")
ANGSTROMS, WEIGHTS = (2.0, 2.5, 3.0, 3.5, 4.0), (0.0, 1e-2, 0.1, 1.0)


def one() -> list[Settings]:
    """Return what figs. 3.1 to 3.3 compare, and cores from data at λ = 0."""
    found = [*(replace(ONE, energy_weight=w) for w in WEIGHTS), OWN_ONE,
             *(replace(ONE, cutoff=c, exponent=6, energy_weight=1.0) for c in (6.0, 8.0, 9.0)),
             *(replace(ONE, envelope="none", energy_weight=w) for w in (0.0, 0.1)),
             *(replace(ONE, envelope="none", cutoff=c, exponent=6, energy_weight=1.0) for c in (6.0, 8.0, 9.0)),
             replace(OWN_ONE, energy_weight=0.1), replace(OWN_ONE, rule="random")]  # fmt: skip
    return list(dict.fromkeys(found))


def three() -> list[Settings]:
    """Return what figs. 3.5 to 3.14 compare, and priors and forces from data at λ = 0."""
    found = [*(replace(THREE, sigma=s) for s in ANGSTROMS), *(replace(THREE, sigma=2.0, exponent=n) for n in (5, 8)),
             *(replace(THREE, sigma=2.0, stiffness=k) for k in (100.0, 400.0)),
             *(replace(THREE, envelope="none", energy_weight=w) for w in (0.0, 0.1)),
             *(replace(THREE, sigma=s, energy_weight=w) for s in (3.0, 4.0) for w in (0.0, 1e-2, 1.0)),
             OWN_THREE, *(replace(OWN_THREE, inner_blocks=b, forces=f, stiffness=k)
                          for b, f, k in ((0, "basic", 1000.0), (0, "basic", 0.0), (0, "optimal", 0.0)))]  # fmt: skip
    return list(dict.fromkeys(found))


def tables(rows: int, seed: int = 0) -> list[Settings]:
    """Return settings drawn at random from tables 3.1 and 3.2, half of each; widths and depths as small as two cores ask for."""
    noise, found = np.random.default_rng(seed), dict[Settings, None]()

    def one_of(*values: Any) -> Any:
        return values[int(noise.integers(len(values)))]

    while len(found) < rows:
        weight = one_of(0.0, 1e-6, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
        if len(found) % 2:
            drawn = Settings(1, one_of(5.0, 7.0, 8.0, 9.0), one_of(2.0, 3.0, 4.0, 4.5, 5.0, 6.0, 6.5, 7.0), one_of(5, 6, 7, 8, 9), weight,
                             blocks=one_of(1, 2, 3), activation=one_of("tanh", "shifted_softplus"), batch=one_of(5, 10, 15))  # fmt: skip
        else:
            drawn = Settings(3, one_of(6.0, 7.0), one_of(2.0, 2.1667, 2.334, 2.5, 3.5, 4.0), one_of(5, 6, 7, 8), weight,
                             one_of(100.0, 400.0, 1000.0), one_of(2, 3), one_of(0, 1), batch=one_of(10, 15, 20))  # fmt: skip
        found[drawn] = None
    return list(found)


@dataclass(frozen=True, slots=True)
class Data:
    """Frames of beads: positions (frame, bead, 3), forces by their map, energies between molecules, and g of what is there.

    `bond` are the mean distance of the beads of a molecule and its variance.
    """

    position: np.ndarray
    forces: Mapping[str, np.ndarray]
    energy: np.ndarray
    edge: float
    molecule: np.ndarray
    r: np.ndarray
    g: np.ndarray
    bond: tuple[float, float]

    @property
    def masses(self) -> float:
        return MASS * len(np.unique(self.molecule)) / len(self.molecule)


@cache
def known(per: int, frames: int, folder: Path = beads.RESULTS) -> Data:
    """Return the frames of one mapping."""
    stored = beads.read(f"beads-{per}", folder).isel(frame=slice(frames))
    x, edge, molecule = stored.position.values.astype(float), float(stored.box.values.flat[0]), stored.molecule.values
    r, g = distribution(x[:: max(len(x) // 200, 1)], np.full(3, edge), min(REACH, 0.5 * edge), BINS, molecule)
    bond = np.zeros(1)
    if per == 3:
        apart = x.reshape(len(x), -1, 3, 3)[:, :, 1] - x.reshape(len(x), -1, 3, 3)[:, :, 0]
        bond = np.linalg.norm(apart - edge * np.round(apart / edge), axis=-1)
    forces = {name: stored[of].values.astype(float) for name, of in (("basic", "force"), ("optimal", "optimal_force")) if of in stored}  # fmt: skip
    return Data(
        x, forces, stored.between.values.astype(float), edge, molecule, r, g, (float(bond.mean()), float(bond.var()))
    )


def potential_of(settings: Settings, data: Data) -> BeadPotential:
    """Return the network, not taught, and its priors."""
    s = settings
    options = SchNetOptions(cutoff=s.cutoff, features=s.features, filters=s.features, blocks=s.blocks, inner_blocks=s.inner_blocks,
                            inner_cutoff=4.0, activation=s.activation, envelope=s.envelope)  # type: ignore[arg-type]  # fmt: skip
    core = (cd.PowerLaw(1.0, s.sigma, s.exponent, s.cutoff).force_shifted() if s.exponent
            else core_of(data.r, data.g, KT, cutoff=s.cutoff))  # fmt: skip
    length, variance = data.bond
    inside = {(0, 0): cd.Harmonic(2 * s.stiffness or KT / variance, length, 4.0)} if s.beads == 3 else {}
    return BeadPotential(SchNet(options, seed=s.seed), Prior({(0, 0): core}, inside))


def graphs(settings: Settings, data: Data) -> list[Graph]:
    """Return the pairs of all frames; molecules count only where they have several beads."""
    molecule = data.molecule if settings.beads > 1 else None
    inner = 4.0 if settings.beads > 1 else 0.0
    return [graph(x, np.full(3, data.edge), settings.cutoff, molecule=molecule, inner_cutoff=inner) for x in data.position]  # fmt: skip


def centers(x: np.ndarray, edge: float, per: int) -> np.ndarray:
    """Return the centers of molecules (frame, molecule, 3), whose beads may be in different images."""
    beads_of = np.asarray(x, dtype=float).reshape(len(x), x.shape[1] // per, per, 3)
    apart = beads_of - beads_of[:, :, :1]
    return np.asarray(beads_of[:, :, 0] + (apart - edge * np.round(apart / edge)).mean(axis=2))


def taught(settings: Settings, data: Data, epochs: int) -> tuple[BeadPotential, list[tuple[float, float, float]]]:
    """Return a network that learned of the frames, and its errors by epoch: of forces it saw, forces and energies per bead it did not."""
    potential = potential_of(settings, data)
    pairs = graphs(settings, data)
    bound = [
        float(Prior(inside=potential.prior.inside)(each)[0]) for each in pairs
    ]  # of molecules: not in the data's energy between them
    every = samples(potential, pairs, data.forces[settings.forces], data.energy + np.array(bound))
    learn, held = split(len(every), kind=settings.rule, gap=5 if settings.rule == "block" else 0)  # type: ignore[arg-type]
    matcher = ForceMatcher(potential, [every[k] for k in learn], [every[k] for k in held],
                           Matching(epochs, settings.batch, settings.energy_weight, seed=settings.seed))  # fmt: skip
    history = []
    for epoch in matcher.run():
        print(f"  {epoch.line()}", flush=True)
        history.append((epoch.force, epoch.validation_force, epoch.validation_energy))
    return matcher.finish(), history


def trial(settings: Settings, data: Data, **changed: Any) -> Trial:
    """Return short dynamics from frames far apart."""
    starts = data.position[np.linspace(0, len(data.position) - 1, SYSTEMS[settings.beads]).astype(int)]
    molecule = data.molecule if settings.beads > 1 else None
    given = {
        "steps": STEPS,
        "every": EVERY,
        "dt": TIME_STEP[settings.beads] * FEMTOSECOND,
        "friction": 1 / (1000 * FEMTOSECOND),
    } | changed
    return Trial(starts, np.full(3, data.edge), data.masses, KT, molecule=molecule, reach=float(data.r[-1] + 0.5 * (data.r[1] - data.r[0])),
                 bins=BINS, **given)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scan:
    """Rows of settings over the same frames."""

    settings: tuple[Settings, ...]
    frames: Mapping[int, int]
    epochs: int
    work: Path
    folder: Path

    def campaign(self, path: Path) -> cd.Campaign:
        columns: dict[str, Any] = {f.name: [getattr(s, f.name) for s in self.settings] for f in fields(Settings)}
        columns |= {
            "frames": [self.frames[s.beads] for s in self.settings],
            "epochs": [self.epochs] * len(self.settings),
        }
        number = ((), (), "float64", "")
        results = dict.fromkeys(
            ("learned_error", "force_error", "energy_error", "lasted", "kT", "closest", "seconds"), number
        )
        return cd.Campaign.create(
            path,
            columns,
            {
                **results,
                "stable": ((), (), "bool", ""),
                "g": (("r",), (BINS,), "float64", ""),
                "center_g": (("r",), (BINS,), "float64", ""),
                "trace": (("sample",), (STEPS // EVERY,), "float64", "kcal/mol"),
                "history": (("epoch", "error"), (self.epochs, 3), "float64", ""),
            },
        )

    def __call__(self, row: Mapping[str, Any]) -> dict[str, Any]:
        torch.set_num_threads(1)
        kinds = {f.name: type(f.default) for f in fields(Settings)}
        settings = Settings(**{name: kind(row[name]) for name, kind in kinds.items()})
        data, began = known(settings.beads, self.frames[settings.beads], self.folder), os.times().user
        potential, history = taught(settings, data, self.epochs)
        save_beads(potential, self.work / f"{settings.name}.safetensors", ("B",), beads.UNITS)
        verdict = trial(settings, data)(potential)
        trace = np.full(STEPS // EVERY, np.nan)
        trace[: len(verdict.trace)] = verdict.trace.mean(axis=1)
        _, center_g = distribution(
            centers(verdict.frames, data.edge, settings.beads), np.full(3, data.edge), REACH, BINS
        )
        return dict(zip(("learned_error", "force_error", "energy_error"), history[-1], strict=True)) | {
            "lasted": verdict.lasted, "kT": verdict.kT, "closest": verdict.closest, "stable": verdict.stable, "g": verdict.g,
            "center_g": center_g, "trace": trace,
            "history": np.array(history),
            "seconds": os.times().user - began,
        }  # fmt: skip


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("work", type=Path)
    words.add_argument("--scan", choices=("one", "three", "tables"), default="one")
    words.add_argument("--rows", type=int, default=60)
    words.add_argument(
        "--frames", type=int, nargs=2, default=(1000, 400), help="of one bead, of three beads a molecule"
    )
    words.add_argument("--epochs", type=int, default=20)
    words.add_argument("--workers", type=int, default=2)
    words.add_argument("--folder", type=Path, default=beads.RESULTS)
    options = words.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    chosen = tuple({"one": one, "three": three, "tables": partial(tables, options.rows)}[options.scan]())
    scan = Scan(chosen, dict(zip((1, 3), options.frames, strict=True)), options.epochs, options.work, options.folder)
    store = scan.campaign(options.work / f"{options.scan}.zarr")
    tally = cs.campaign.run(
        store, scan, workers=options.workers, report=lambda t: print(t.there, "of", t.rows, flush=True)
    )
    if tally.failures:
        raise SystemExit(str(tally.failures))
    found = store.dataset()
    found.to_netcdf(options.folder / f"scan-{options.scan}.nc", encoding={str(n): {"zlib": True, "dtype": "float32"} for n in found.data_vars if found[n].ndim > 1})  # fmt: skip


if __name__ == "__main__":
    main()
