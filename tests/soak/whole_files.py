"""One small whole file for every reader of ours that is not of a table, a target, a mapping or a trajectory, and how it is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import cg_data as cd
import cg_inverse as ci
import cg_models as cm
import cg_sim as cs
from cg_data.units import METAL
from cg_inverse.cli.config import read_config as read_inverse_config
from cg_inverse.fits.run_folder import ledger_of
from cg_models.boltzmann.shipped import load_ensemble
from cg_sim.campaign.liquids import read_liquids
from cg_sim.checkpoints import Checkpoint
from cg_sim.cli.config import read_config as read_sim_config

READERS = ["run", "checkpoint", "campaign-of-liquids", "settings-of-a-run", "settings-of-a-fit", "progress-of-a-fit",
           "pair", "settings-of-a-pair", "networks-that-are-shipped", "deep", "training", "deepmd-kit", "beads",
           "hip-nn", "labels", "ani-data", "campaign", "column-of-a-campaign"]  # fmt: skip
LIQUIDS = '[potentials]\nformulas = ["lj:cutoff=2.5"]\n[rows]\ndensity = [0.1, 0.4]\nkT = [1.0]\nseed = [0, 1]\n[run]\nmost = 9000\n'
RUN = 'potential = "lj:cutoff=2.5"\n[state]\ndensity = 0.5\n[run]\nsteps = 100\nkT = 1.0\n'
Reads = tuple[Path, bytes, Callable[[], Any]]


def whole_files(folder: Path) -> dict[str, Reads]:
    """Write all of them; return file to damage, its bytes, and what reads it."""
    made: dict[str, tuple[Path, Callable[[], Any]]] = {
        **of_simulations(folder), **of_fits(folder), **of_models(folder), **of_many_bodies(folder), **of_campaigns(folder)
    }  # fmt: skip
    return {name: (file, file.read_bytes(), read) for name, (file, read) in made.items()}


def of_simulations(folder: Path) -> dict[str, tuple[Path, Callable[[], Any]]]:
    run, kept = folder / "run.nc", folder / "checkpoint.npz"
    cs.simulate(cs.fcc(108, 0.8), cd.WCA(), kT=1.0, dt=0.004, steps=40, observe=[cs.RDF(2.0, 20)], seed=1,
                checkpoint=kept).save(run)  # fmt: skip
    liquids, settings = folder / "liquids.toml", folder / "run.toml"
    liquids.write_text(LIQUIDS)
    settings.write_text(RUN)
    return {
        "run": (run, lambda: cd.load(run)),
        "checkpoint": (kept, lambda: Checkpoint.load(kept)),
        "campaign-of-liquids": (liquids, lambda: read_liquids(liquids)),
        "settings-of-a-run": (settings, lambda: read_sim_config(str(settings))),
    }


def of_fits(folder: Path) -> dict[str, tuple[Path, Callable[[], Any]]]:
    known = cd.liquid_theory(cd.WCA(), 0.4, kT=1.0)
    near = known.r < 3
    target = cd.make_target(known.r[near], np.maximum(known.g[near], 0), density=0.4, kT=1.0)
    fit = folder / "fit"
    control = ci.Control(rounds=1, steps=1000, first_steps=200, equilibration=50, melting=50)
    ci.ibi(target, 1.6, simulation=ci.Simulation(particles=108, runs=1), control=control, folder=fit)
    return {
        "settings-of-a-fit": (fit / "config.toml", lambda: read_inverse_config(str(fit / "config.toml"))),
        "progress-of-a-fit": (fit / "progress.npz", lambda: ledger_of(fit)),
    }


def of_models(folder: Path) -> dict[str, tuple[Path, Callable[[], Any]]]:
    cm.save(cm.NeuralPair(2.5, seed=1), folder / "pair")
    shipped = folder / "networks.safetensors"
    shipped.write_bytes((Path(cm.__file__).parent / "boltzmann/weights/UN-c-Bn.safetensors").read_bytes())
    beads = folder / "beads.safetensors"
    network = cm.SchNet(cm.SchNetOptions(features=8, filters=8, blocks=1, radial=6, cutoff=5.0))
    cm.save_beads(cm.BeadPotential(network, cm.Prior()), beads, ["A"], METAL)
    return {
        "pair": (folder / "pair.safetensors", lambda: cm.load(folder / "pair")),
        "settings-of-a-pair": (folder / "pair.toml", lambda: cm.load(folder / "pair")),
        "networks-that-are-shipped": (shipped, lambda: load_ensemble(shipped)),
        "beads": (beads, lambda: cm.load_beads(beads)),
    }


def of_many_bodies(folder: Path) -> dict[str, tuple[Path, Callable[[], Any]]]:
    deep, training, theirs = folder / "deep.safetensors", folder / "deep.training", folder / "model.ckpt-8.pt"
    options, noise = cm.SmoothOptions(3.0, 1.0, (9,), (4, 8), 4, (8,), moments=2), np.random.default_rng(0)
    cm.save_deep(cm.DeepPotential(options), deep, ["O"], METAL)
    x, boxes = noise.uniform(0, 7, (4, 12, 3)), np.broadcast_to(7.0 * np.eye(3), (4, 3, 3))
    frames = cm.BeadFrames(x, boxes, ("O",), np.zeros(12, dtype=int), METAL, forces=noise.normal(size=x.shape))
    trainer = cm.DeepTrainer(cm.DeepPotential(options), frames, cm.DeepTraining(4, batch=2))
    list(trainer.run(report=2))
    trainer.save(training)
    theirs.write_bytes((Path(__file__).parents[1] / "cg_models/deepmd_models/one_side.pt").read_bytes())
    return {
        "deep": (deep, lambda: cm.load_deep(deep)),
        "training": (training, lambda: trainer.load(training)),
        "deepmd-kit": (theirs, lambda: cm.read_deepmd(theirs)),
        **of_aluminium(folder, noise),
    }


def of_aluminium(folder: Path, noise: np.random.Generator) -> dict[str, tuple[Path, Callable[[], Any]]]:
    import h5py

    hip, labels, ani = folder / "hip.safetensors", folder / "labels.nc", folder / "data.h5"
    settings = cm.HipOptions(features=4, sensitivities=5, atom_layers=1, soft_min=1.25, soft_max=5.5, hard_max=6.0)
    import torch

    weights = {n: torch.from_numpy(noise.normal(size=s)) for n, s in settings.shapes().items()}
    cm.save_hipnn(cm.hipnn(cm.HipNetwork("Al", settings, -1.5, weights)), hip)
    x, cells = noise.uniform(0, 8, (3, 6, 3)), np.broadcast_to(8.0 * np.eye(3), (3, 3, 3))
    cm.save_labels(
        cm.Labels("Al", x.reshape(-1, 3), cells, noise.normal(size=3), noise.normal(size=(18, 3)), np.full(3, 6)),
        labels,
    )
    with h5py.File(ani, "w") as file:
        group = file.create_group("some/Al6")
        for name, values in {"coordinates": x, "cell": cells, "energy": np.zeros(3), "force": x}.items():
            group.create_dataset(name, data=values)
        group.create_dataset("species", data=np.array([b"Al"] * 6))
    return {
        "hip-nn": (hip, lambda: cm.hipnn(hip)),
        "labels": (labels, lambda: cm.load_labels(labels)),
        "ani-data": (ani, lambda: cm.read_ani_h5(ani)),
    }


def of_campaigns(folder: Path) -> dict[str, tuple[Path, Callable[[], Any]]]:
    settings, store = folder / "campaign.toml", folder / "store"
    settings.write_text(LIQUIDS)
    read_liquids(settings).campaign(store)
    column = next(p for p in sorted(store.rglob("c/0")) if p.is_file())
    return {
        "campaign": (store / "zarr.json", lambda: cd.Campaign.open(store)),
        "column-of-a-campaign": (column, lambda: cd.Campaign.open(store)),
    }
