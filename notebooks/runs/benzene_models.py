"""Long runs of chosen networks for liquid benzene: structure, pressure, motion, other sizes and temperatures; resumable.

python notebooks/runs/benzene_models.py WORK SCAN [--workers 2] [--scale 1]

After benzene_scan.py --scan one and --scan three, whose networks are in SCAN. Writes notebooks/results/02/models.nc, a row for every run, and the networks
it ran, as files of cg-models. `--scale` makes every run so many times as long.
"""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import benzene_beads as beads
import numpy as np
import numpy.typing as npt
import torch
from benzene_scan import (
    BINS,
    FEMTOSECOND,
    KT,
    MASS,
    ONE,
    OWN_ONE,
    OWN_THREE,
    REACH,
    THREE,
    Settings,
    centers,
)

import cg_data as cd
import cg_sim as cs
from cg_models.schnet.bead_potential import BeadPotential
from cg_models.schnet.dynamics import BeadDynamics
from cg_models.schnet.engine_forces import of_beads
from cg_models.schnet.moving import MovingGraph
from cg_models.schnet.storage import load_beads
from cg_models.schnet.trial import distribution

Array = npt.NDArray[np.float64]
KELVIN = KT / 300.0  # kcal/mol
ATMOSPHERE = 68568.4  # of kcal/mol/Å³
MODELS: dict[str, Settings] = {
    "1 bead, λ = 0.1": ONE,
    "1 bead, λ = 0, prior of data": OWN_ONE,
    "3 beads, λ = 0.1": replace(THREE, sigma=3.5),
    "3 beads, λ = 0, priors of data": OWN_THREE,
}
SYSTEMS = {1: 4, 3: 2}
SETTLE, SAMPLE, EVERY = {1: 15.0, 3: 10.0}, {1: 40.0, 3: 30.0}, 0.5  # ps: not counted, counted, between frames
MOTION, OFTEN, FIT = 30.0, 0.1, (5.0, 15.0)  # ps: without friction, between frames, of the line through the MSD
TIME_STEP = {1: 5.0, 3: 2.5}  # fs


@dataclass(frozen=True, slots=True)
class Plan:
    """A run: of which network, with how many molecules, how hot; `motion` is without friction."""

    model: str
    molecules: int = 200
    kelvin: float = 300.0
    motion: bool = False


def plans() -> list[Plan]:
    """Return every run."""
    found = []
    for model, settings in MODELS.items():
        found += [Plan(model), Plan(model, motion=True)]
        if settings.beads == 1:
            found.append(Plan(model, kelvin=350.0))
        if settings == ONE:
            found += [Plan(model, molecules=n) for n in (500, 1000)]
    return found


def file_of(model: str) -> str:
    """Return the name of a network's file.

    >>> file_of("1 bead, λ = 0, prior of data")
    'beads-1-data.safetensors'
    """
    return f"beads-{model[0]}-{'data' if 'data' in model else 'paper'}.safetensors"


def start(plan: Plan, folder: Path = beads.RESULTS) -> tuple[Array, float, npt.NDArray[np.intp]]:
    """Return positions (system, bead, 3) [Å] at the density of the data, the edge, and whose each bead is."""
    per = MODELS[plan.model].beads
    data = beads.read(f"beads-{per}", folder)
    edge, x = float(data.box.values.flat[0]), data.position.values.astype(float)
    own = x.shape[1] // per
    if plan.molecules != own:  # on a lattice, which melts
        if per > 1:
            raise ValueError("other sizes are for single beads")
        edge *= (plan.molecules / own) ** (1 / 3)
        side = int(np.ceil(plan.molecules ** (1 / 3)))
        sites = np.array(list(np.ndindex(side, side, side)), dtype=float)
        noise = np.random.default_rng(plan.molecules)
        at = [(noise.permutation(sites)[: plan.molecules] + 0.05 * noise.normal(size=(plan.molecules, 3))) * edge / side
              for _ in range(SYSTEMS[per])]  # fmt: skip
        return np.array(at), edge, np.arange(plan.molecules)
    return x[np.linspace(0, len(x) - 1, SYSTEMS[per]).astype(int)], edge, np.repeat(np.arange(own), per)


def mean_square(x: Array, most: int) -> Array:
    """Return the MSD (lag, system) of frames (frame, system, molecule, 3), of all pairs of frames so far apart."""
    return np.array([((x[k:] - x[: len(x) - k]) ** 2).sum(-1).mean(axis=(0, 2)) for k in range(most + 1)])


def of_blocks(values: Array) -> tuple[float, float]:
    """Return the mean of samples (sample, system) and its standard error, by the means of two halves of every system."""
    halves = np.array([part.mean(axis=0) for part in np.array_split(values, 2)])
    return float(values.mean()), float(halves.std(ddof=1) / np.sqrt(halves.size))


@dataclass(frozen=True, slots=True)
class Runs:
    """Rows of runs; networks are in `scan`."""

    scan: Path
    folder: Path
    scale: float

    def campaign(self, path: Path) -> cd.Campaign:
        rows = plans()
        columns: dict[str, Any] = {f.name: [getattr(p, f.name) for p in rows] for f in fields(Plan)}
        columns["scale"] = [self.scale] * len(rows)
        kcal, single = "kcal/mol", ((), (), "float64", "1")
        curve, lag = (("r",), (BINS,), "float64", "1"), (("lag",), (self._lags() + 1,), "float64", "angstrom**2")
        return cd.Campaign.create(path, columns, {
            "kT": ((), (), "float64", kcal), "energy": ((), (), "float64", kcal), "energy_error": ((), (), "float64", kcal),
            "pressure": ((), (), "float64", "atm"), "pressure_error": ((), (), "float64", "atm"), "lasted": single,
            "diffusion": ((), (), "float64", "1e-9*m**2/s"), "diffusion_error": ((), (), "float64", "1e-9*m**2/s"),
            "g": curve, "g_error": curve, "center_g": curve, "center_g_error": curve, "msd": lag, "msd_error": lag,
            "minutes": ((), (), "float64", "min"),
        })  # fmt: skip

    def _lags(self) -> int:
        return round(MOTION * self.scale / OFTEN / 2)

    def __call__(self, row: Mapping[str, Any]) -> dict[str, Any]:
        torch.set_num_threads(1)
        began = os.times().user
        plan = Plan(str(row["model"]), int(row["molecules"]), float(row["kelvin"]), bool(row["motion"]))
        settings = MODELS[plan.model]
        potential = load_beads(self.scan / f"{settings.name}.safetensors").potential
        x, edge, molecule = start(plan, self.folder)
        per, options, box = settings.beads, potential.network.options, np.full(3, edge)
        graph = MovingGraph(np.zeros(x.shape[1], int), box, options.cutoff, molecule=molecule if per > 1 else None,
                            inner_cutoff=options.inner_cutoff)  # fmt: skip
        kT, step = KELVIN * plan.kelvin, TIME_STEP[per]
        moving = BeadDynamics(potential, graph, x, MASS / per, kT=kT, dt=step * FEMTOSECOND, friction=1e-3 / FEMTOSECOND, seed=1)  # fmt: skip
        settle, (sample, every) = SETTLE[per], (MOTION, OFTEN) if plan.motion else (SAMPLE[per], EVERY)
        moving.run(round(1000 * settle / step), every=1000, keep=False)
        if plan.motion:
            moving.friction = 0.0
            moving.v -= moving.v.mean(axis=1, keepdims=True)
        run = moving.run(round(1000 * sample * self.scale / step), every=round(1000 * every / step))
        n = plan.molecules
        energy, energy_error = of_blocks(run.energy / n)
        found = {
            "kT": float(run.kT.mean()),
            "energy": energy,
            "energy_error": energy_error,
            "lasted": float(run.stable),
        }
        found |= dict(zip(("pressure", "pressure_error"), virial_pressure(potential, graph, run.positions, kT, edge), strict=True))  # fmt: skip
        for name, frames, whose in (("g", run.positions, molecule), ("center_g", _whole(run.positions, edge, per), np.arange(n))):  # fmt: skip
            each = np.array([distribution(half[:, k], box, min(REACH, edge / 2), BINS, whose)[1]
                             for half in np.array_split(frames, 2) for k in range(len(x))])  # fmt: skip
            found |= {name: each.mean(axis=0), f"{name}_error": each.std(axis=0, ddof=1) / np.sqrt(len(each))}
        msd, D = np.full((self._lags() + 1, len(x)), np.nan), np.full(len(x), np.nan)
        if plan.motion:
            msd = mean_square(_whole(run.positions, edge, per), self._lags())
            time = OFTEN * np.arange(len(msd))
            chosen = (time >= FIT[0]) & (time <= FIT[1])
            D = np.polyfit(time[chosen], msd[chosen], 1)[0] / 6 * 10  # Å²/ps are 1e-8 m²/s
        root = np.sqrt(len(x))
        return found | {
            "msd": msd.mean(axis=1), "msd_error": msd.std(axis=1, ddof=1) / root, "diffusion": float(D.mean()),
            "diffusion_error": float(D.std(ddof=1) / root), "minutes": (os.times().user - began) / 60,
        }  # fmt: skip


def virial_pressure(
    potential: BeadPotential, graph: MovingGraph, frames: Array, kT: float, edge: float
) -> tuple[float, float]:
    """Return the pressure [atm] of every fourth of some frames (frame, system, bead, 3), and its standard error."""
    found = []
    for x in frames[::4]:
        virials = of_beads(potential, graph(x), potential.network.tabulated()).virials[:, [0, 3, 5]]
        found.append(virials.reshape(len(x), -1).sum(axis=1) / 3)
    return of_blocks((np.array(found) + frames.shape[2] * kT) / edge**3 * ATMOSPHERE)


def _whole(frames: Array, edge: float, per: int) -> Array:
    """Return centers of molecules (frame, system, molecule, 3), which go on through the walls of the box."""
    return centers(frames.reshape(-1, *frames.shape[2:]), edge, per).reshape(*frames.shape[:2], -1, 3)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("work", type=Path)
    words.add_argument("scan", type=Path)
    words.add_argument("--workers", type=int, default=2)
    words.add_argument("--scale", type=float, default=1.0)
    words.add_argument("--folder", type=Path, default=beads.RESULTS)
    options = words.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    runs = Runs(options.scan, options.folder, options.scale)
    store = runs.campaign(options.work / "models.zarr")
    tally = cs.campaign.run(
        store, runs, workers=options.workers, report=lambda t: print(t.there, "of", t.rows, flush=True)
    )
    if tally.failures:
        raise SystemExit(str(tally.failures))
    found = store.dataset().assign_attrs(settings=str({name: asdict(s) for name, s in MODELS.items()}))
    found.to_netcdf(options.folder / "models.nc", encoding={str(n): {"zlib": True, "dtype": "float32"} for n in found.data_vars if found[n].ndim > 1})  # fmt: skip
    for model, settings in MODELS.items():
        shutil.copyfile(options.scan / f"{settings.name}.safetensors", options.folder / file_of(model))


if __name__ == "__main__":
    main()
