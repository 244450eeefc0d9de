"""Run the water fits of paper 03, resumable: python notebooks/runs/diffsim_water.py [--replicates 10] [--work DIR].

From results/03/spce.nc (made by spce.py): fits at one temperature each and at all three together, IBI beside them, and every
potential simulated at every temperature. Lengths in Å, energies in kcal/mol, masses in u. Written: results/03/water.nc.
"""

from __future__ import annotations

import argparse
import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import xarray as xr

import cg_data as cd
import cg_inverse as ci
import cg_models as cm
import cg_sim as cs

RESULTS = Path(__file__).parents[1] / "results" / "03"
KCAL, PS = 4.184, 1e3 / 48.88821291  # [kJ/mol]; of √(u Å²/(kcal/mol)), the unit of time
MASS, DENSITY = 18.0154, 0.0334279  # [u, 1/Å³]
CUTOFF = 6.25  # [Å] the paper's, of IBI and of its simulations; it gives none for the network
REACH, BINS = 9.6, 192  # of g [Å], within half the box of a window
GRID = np.linspace(2.0, CUTOFF, 341)
LATE = 100  # epochs whose potentials are averaged
# Appendix A: 180 steps of 2 fs at one temperature, 190 at three; σ and ε of its prior are printed one for the other.
SINGLE = ci.Recipe(epochs=500, steps=180, every=5, rate=6.5e-4, dt=0.002 * PS, tau=0.2 * PS, mass=MASS, particles=256,
                   bins=160, replicas=2, threads=1)  # fmt: skip
JOINT = replace(SINGLE, steps=190)
PRIOR = cm.RepulsivePrior(epsilon=40.0, sigma=1.7, power=10)


def target(kelvin: float, references: xr.Dataset) -> xr.Dataset:
    """Return the reference of one temperature as a target."""
    seen = references.sel(kelvin=kelvin)
    r = 10 * seen.r.values
    keep = r < REACH
    return cd.make_target(
        r[keep], seen.g.values[keep], density=DENSITY, kT=float(seen.kT) / KCAL, normalization="N(N-1)"
    )


def network(seed: int, prior: cm.RepulsivePrior | None = PRIOR) -> cm.NeuralPair:
    return cm.NeuralPair(CUTOFF, gaussians=120, smear=0.15**2, hidden=115, prior=prior, seed=seed)


def fit(targets: list[xr.Dataset], kelvins: list[float], seed: int, work: Path, epochs: int) -> xr.Dataset:
    """Return U learned from one temperature, or u₁ − kT u₂ from several, at each of `kelvins`."""
    label = "joint" if len(targets) > 1 else f"{kelvins[0]:g}"
    file = work / f"fit-water-{label}-{epochs}-{seed}.nc"
    if file.exists():
        return xr.load_dataset(file)
    joint = len(targets) > 1
    model = cm.TemperaturePair(network(1000 * seed), network(1000 * seed + 1, None)) if joint else network(1000 * seed)
    pretrain(model, targets)
    began, losses, late, notes = time.perf_counter(), [], [], []
    recipe = replace(JOINT if joint else SINGLE, epochs=epochs, seed=seed)
    for epoch in ci.learn(targets, model, recipe):
        losses.append(epoch.loss)
        notes += [f"{epoch.number}: {epoch.note}"] * bool(epoch.note)
        late = [*late, [table["A", "A"].energy(GRID) for table in epoch.tables]][-LATE:]
    found = xr.Dataset(
        {"u": (("kelvin", "r_u"), np.mean(late, axis=0)), "loss": ("epoch", losses)}, {"kelvin": kelvins, "r_u": GRID},
        {"seconds": time.perf_counter() - began, "seed": seed, "notes": "; ".join(notes)},
    )  # fmt: skip
    found.to_netcdf(file)
    return found


def pretrain(model: cm.NeuralPair | cm.TemperaturePair, targets: list[xr.Dataset]) -> None:
    """Set a network to −kT ln g, u₁ − kT u₂ to the straight line through it of several temperatures."""
    r, kT = targets[0].r.values, np.array([float(data.kT) for data in targets])
    g = np.array([data.g.values[0] for data in targets])
    known = (g > 0.02).all(axis=0) & (r < CUTOFF)
    u = -kT[:, None] * np.log(g[:, known])
    if isinstance(model, cm.NeuralPair):
        cm.pretrain(model, r[known], u[0], ceiling=2.0, steps=600)
        return
    slope, start = np.polyfit(kT, u, 1)
    cm.pretrain(model.energetic, r[known], start, ceiling=6.0, steps=600)
    cm.pretrain(model.entropic, r[known], -slope, ceiling=6.0, steps=600)


def inverted(data: xr.Dataset, kelvin: float, work: Path) -> xr.Dataset:
    """Return IBI's U of one temperature, at most 20 rounds as the paper's."""
    file = work / f"ibi-water-{kelvin:g}.nc"
    if not file.exists():
        found = ci.ibi(data, CUTOFF, simulation=ci.Simulation(particles=500, dt=0.002 * PS, mass=MASS, threads=1),
                       control=ci.Control(rounds=20, steps=50_000))  # fmt: skip
        u = found.potential["A", "A"].energy(GRID)
        seconds = float(found.history.seconds.sum())
        xr.Dataset({"u": (("kelvin", "r_u"), [u])}, {"kelvin": [kelvin], "r_u": GRID}, {"seconds": seconds}).to_netcdf(
            file
        )
    return xr.load_dataset(file)


def simulated(u: np.ndarray, kelvin: float, kT: float, steps: int, seed: int) -> xr.Dataset:
    """Return g and P of beads under a learned potential."""
    table = cd.PairTable.from_knots(GRID[0], CUTOFF, u)
    run = cs.simulate(cs.fcc(500, DENSITY, kT=kT, masses=MASS, seed=seed), table, kT=kT, steps=steps,
                      equilibration=10_000, dt=0.002 * PS, thermostat=cs.Langevin(2.0 / PS), sample_every=20,
                      observe=[cs.RDF(REACH, BINS), cs.Pressure()], threads=1, precision="double", seed=seed)  # fmt: skip
    return run.data[["g", "pressure"]].drop_attrs().assign_coords(kelvin=kelvin)


def one(label: str, seed: int, references: xr.Dataset, steps: int, work: Path, epochs: int) -> str:
    """Fit (seed −1: by IBI) and simulate at every temperature what it found."""
    every = [float(t) for t in references.kelvin.values]
    kelvins = every if label == "joint" else [float(label)]
    targets = [target(t, references) for t in kelvins]
    found = inverted(targets[0], kelvins[0], work) if seed < 0 else fit(targets, kelvins, seed, work, epochs)
    file = work / f"test-water-{label}-{epochs}-{steps}-{seed}.nc"
    if not file.exists():
        tests = []
        for k, (kelvin, kT) in enumerate(zip(every, references.kT.values / KCAL, strict=True)):
            u = found.u.values[k if label == "joint" else 0]
            try:
                tests.append(simulated(u, kelvin, float(kT), steps, seed + 7))
            except cs.BlowUp as error:
                print(f"{label} {seed} at {kelvin:g} K: {error}", flush=True)
        xr.concat(tests, "kelvin").to_netcdf(file)
    return f"{label} {seed}: {found.attrs['seconds']:.1f} s"


def jobs(references: xr.Dataset, replicates: int) -> list[tuple[str, int]]:
    single = [f"{t:g}" for t in references.kelvin.values]
    return [
        (label, seed) for seed in range(-1, replicates) for label in [*single, "joint"] if label in single or seed >= 0
    ]


def collected(references: xr.Dataset, replicates: int, steps: int, work: Path, epochs: int) -> xr.Dataset:
    """Return everything as one dataset; NaN where there is nothing, as of IBI's joint fit."""
    every, seeds = [float(t) for t in references.kelvin.values], list(range(-1, replicates))
    labels = [*(f"{t:g}" for t in every), "joint"]
    shape = (len(labels), len(seeds), len(every))
    u, g = np.full((*shape, len(GRID)), np.nan, np.float32), np.full((*shape, BINS), np.nan, np.float32)
    pressure, seconds = np.full(shape, np.nan), np.full(shape[:2], np.nan)
    loss = np.full((*shape[:2], epochs), np.nan, np.float32)
    for label, seed in jobs(references, replicates):
        at = labels.index(label), seeds.index(seed)
        source = f"ibi-water-{label}.nc" if seed < 0 else f"fit-water-{label}-{epochs}-{seed}.nc"
        learned = xr.load_dataset(work / source)
        u[at], seconds[at] = learned.u.values, learned.attrs["seconds"]  # of one temperature: the same at all
        if "loss" in learned:
            loss[at][: learned.sizes["epoch"]] = learned.loss.values
        tests = xr.load_dataset(work / f"test-water-{label}-{epochs}-{steps}-{seed}.nc")
        for kelvin in tests.kelvin.values:
            k = every.index(float(kelvin))
            g[(*at, k)], pressure[(*at, k)] = (
                tests.g.sel(kelvin=kelvin).values[0],
                float(tests.pressure.sel(kelvin=kelvin)),
            )
    known = [target(t, references) for t in every]
    axes = ("fit", "seed", "kelvin")
    return xr.Dataset(
        {"u": ((*axes, "r_u"), u), "g": ((*axes, "r"), g), "pressure": (axes, pressure), "seconds": (axes[:2], seconds),
         "loss": ((*axes[:2], "epoch"), loss), "g_target": (("kelvin", "r"), [t.g.values[0] for t in known])},
        {"fit": labels, "seed": seeds, "kelvin": every, "r_u": GRID, "r": known[0].r.values},
        {"density": DENSITY, "command": f"python notebooks/runs/diffsim_water.py --replicates {replicates} --epochs {epochs}",
         "seed_-1": "IBI", "packages": f"cg-sim {cs.__version__}, cg-inverse {ci.__version__}"},
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=500)
    parser.add_argument("--test-steps", type=int, default=40_000)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--work", type=Path, default=Path("diffsim-runs"))
    parser.add_argument("--results", type=Path, default=RESULTS)
    a = parser.parse_args()
    a.work.mkdir(parents=True, exist_ok=True)
    references = xr.load_dataset(a.results / "spce.nc")
    every = jobs(references, a.replicates)
    n = len(every)
    with ProcessPoolExecutor(a.processes) as pool:
        labels, seeds = zip(*every, strict=True)
        done = pool.map(one, labels, seeds, [references] * n, [a.test_steps] * n, [a.work] * n, [a.epochs] * n)
        for k, said in enumerate(done):
            print(f"{k + 1}/{n} {said}", flush=True)
    data = collected(references, a.replicates, a.test_steps, a.work, a.epochs)
    data.to_netcdf(a.results / "water.nc", encoding={name: {"zlib": True} for name in data.data_vars})


if __name__ == "__main__":
    main()
