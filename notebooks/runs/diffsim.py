"""Run the fits of paper 03, resumable: python notebooks/runs/diffsim.py lj|morse|hot-morse|mixture [--replicates 10] [--work DIR].

Every target, fit and simulation is a file of its own in the work folder, made once; what they say together is written to
notebooks/results/03/.
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
from diffsim_systems import CUTOFF, MIXED, PURE, Liquid, hot_morse, lennard_jones, mixtures, morse

import cg_data as cd
import cg_inverse as ci
import cg_models as cm
import cg_sim as cs

RESULTS = Path(__file__).parents[1] / "results" / "03"
GRID = np.linspace(0.6, CUTOFF, 381)  # of U
REACH, BINS = 3.2, 160  # of g: half the box at the highest density
N = 256  # of targets, windows and tests alike: at kT = 1 most of these densities lie between gas and liquid, where g knows N
LATE = 100  # epochs whose potentials are averaged


def simulated(liquid: Liquid, potentials: cd.Interactions, steps: int, seed: int, precision: str) -> xr.Dataset:
    """Return g and P of a liquid under some potential, melted from a lattice."""
    state = cs.fcc(N, liquid.density, kT=liquid.kT, composition=dict(liquid.composition), seed=seed)
    run = cs.simulate(state, potentials, kT=liquid.kT, steps=steps, equilibration=max(10_000, steps // 5), dt=0.005,
                      thermostat=cs.Langevin(1.0), observe=[cs.RDF(REACH, BINS), cs.Pressure()], sample_every=25,
                      threads=1, precision=precision, seed=seed)  # fmt: skip
    return run.data


def target(liquid: Liquid, steps: int, work: Path) -> xr.Dataset:
    """Return the liquid's own g: 500 000 steps after 100 000, as the paper's."""
    file = work / f"target-{liquid.name}-{steps}.nc"
    if not file.exists():
        data = simulated(liquid, liquid.potentials, steps, 99, liquid.precision)
        found = cd.target(data)
        found.attrs["pressure"] = float(data.pressure)
        cd.save(found, file)
    return cd.load(file)


def fit(liquids: list[Liquid], recipe: ci.Recipe, seed: int, steps: int, work: Path, label: str) -> xr.Dataset:
    """Return what one replicate learned from one liquid or several together: U of each pair, and the losses."""
    file = work / f"fit-{label}-{recipe.epochs}-{seed}.nc"
    if file.exists():
        return xr.load_dataset(file)
    targets = [target(liquid, steps, work) for liquid in liquids]
    pairs = liquids[0].pairs
    mixed = len(pairs) > 1
    prior = cm.RepulsivePrior(2.0, 1.0, 6) if mixed else cm.RepulsivePrior(0.4, 0.9, 10)
    models = {
        pair: cm.NeuralPair(CUTOFF, smear=0.15**2 if mixed else 0.1**2, prior=prior, seed=1000 * seed + k,
                            activation="selu" if mixed else "elu")
        for k, pair in enumerate(pairs)
    }  # fmt: skip
    if mixed:  # as the paper does for mixtures, not for one kind
        pretrain(models, targets[0])
    began = time.perf_counter()
    losses, late, notes = [], [], []
    for epoch in ci.learn(targets, models, replace(recipe, seed=seed)):
        losses.append(epoch.loss)
        notes += [f"{epoch.number}: {epoch.note}"] * bool(epoch.note)
        if epoch.number >= recipe.epochs - LATE:
            late.append([epoch.tables[0][cd.pair_of(p)].energy(GRID) for p in pairs])
    u = np.mean(late or [[epoch.tables[0][cd.pair_of(p)].energy(GRID) for p in pairs]], axis=0)
    found = xr.Dataset(
        {"u": (("pair", "r_u"), u), "loss": ("epoch", losses)}, {"pair": pairs, "r_u": GRID},
        {"seconds": time.perf_counter() - began, "seed": seed, "notes": "; ".join(notes),
         "r_min": float(epoch.tables[0][cd.pair_of(pairs[0])].r_min)},
    )  # fmt: skip
    found.to_netcdf(file)
    return found


def pretrain(models: dict[str, cm.NeuralPair], data: xr.Dataset) -> None:
    """Set networks to −kT ln g."""
    for pair, model in models.items():
        r, g = data.r.values, data.g.sel(pair=pair).values
        known = (g > 0.02) & (r < CUTOFF)
        cm.pretrain(model, r[known], -np.log(g[known]), ceiling=4.0, steps=600)


def potentials_of(found: xr.Dataset) -> cd.Interactions:
    """Return the potentials of a fit."""
    return cd.Interactions({
        cd.pair_of(str(pair)): cd.PairTable.from_knots(GRID[0], CUTOFF, found.u.sel(pair=pair).values)
        for pair in found.pair.values
    })  # fmt: skip


def tested(found: xr.Dataset, liquid: Liquid, steps: int, seed: int, work: Path, label: str) -> xr.Dataset:
    """Return g and P of a liquid under learned potentials."""
    file = work / f"test-{label}-on-{liquid.name}-{steps}-{seed}.nc"
    if file.exists():
        return xr.load_dataset(file)
    try:
        data = simulated(liquid, potentials_of(found), steps, seed + 7, "double")[["g", "pressure"]]
    except cs.BlowUp as error:
        data = xr.Dataset(attrs={"failed": str(error)[:200]})
    data = data.drop_attrs() if hasattr(data, "drop_attrs") else data
    data.to_netcdf(file)
    return data


def inverted(liquid: Liquid, steps: int, work: Path) -> xr.Dataset:
    """Return IBI's potential for a liquid, as the paper's baseline: at most 20 rounds."""
    file = work / f"ibi-{liquid.name}.nc"
    if not file.exists():
        found = ci.fit(  # not ibi, whose preflight refuses a g that does not tend to 1: some targets are between gas and liquid
            ci.IBI(target(liquid, steps, work), CUTOFF),
            simulation=ci.Simulation(particles=N, threads=1),
            control=ci.Control(rounds=20, steps=50_000),
        )
        u = [found.potential[cd.pair_of(p)].energy(GRID) for p in liquid.pairs]
        attrs = {
            "seconds": float(found.history.seconds.sum()),
            "evaluations": float(found.history.force_evaluations.sum()),
        }
        xr.Dataset({"u": (("pair", "r_u"), u)}, {"pair": liquid.pairs, "r_u": GRID}, attrs).to_netcdf(file)
    return xr.load_dataset(file)


def jobs(kind: str, replicates: int) -> list[tuple[str, list[Liquid], list[Liquid], int]]:
    """Return label, the liquids learned from, those tested on, and the seed of each fit; seed −1 is IBI's."""
    seeds = range(-1, replicates)
    match kind:
        case "lj":
            return [(a.name, [a], lennard_jones(), seed) for seed in seeds for a in lennard_jones()]
        case "morse":
            return [(a.name, [a], [a], seed) for seed in seeds for a in morse()]
        case "hot-morse":
            return [(a.name, [a], [a], seed) for seed in seeds if seed >= 0 for a in hot_morse()]
        case "mixture":
            single = [(mixtures()[0].name, [mixtures()[0]], mixtures(), seed) for seed in seeds]
            return single + [("mixture-joint", mixtures(), mixtures(), seed) for seed in seeds if seed >= 0]
        case _:
            raise ValueError(f"there are lj, morse, hot-morse and mixture, not {kind!r}")


def one(job: tuple[str, list[Liquid], list[Liquid], int], steps: int, test_steps: int, work: Path, epochs: int) -> str:
    label, learned, on, seed = job
    recipe = replace(MIXED if len(learned[0].pairs) > 1 else PURE, epochs=epochs, threads=1)
    found = inverted(learned[0], steps, work) if seed < 0 else fit(learned, recipe, seed, steps, work, label)
    for liquid in on:
        tested(found, liquid, test_steps, seed, work, "ibi-" + label if seed < 0 else f"{label}-{epochs}")
    return f"{label} {seed}: {found.attrs['seconds']:.1f} s"


def collected(kind: str, replicates: int, steps: int, test_steps: int, work: Path, epochs: int) -> xr.Dataset:
    """Return everything of a kind as one dataset: the targets' g, each fit's U, losses, and g where it was tested."""
    every = jobs(kind, replicates)
    labels = list(dict.fromkeys(label for label, *_ in every))
    liquids = {liquid.name: liquid for _, a, b, _ in every for liquid in (*a, *b)}
    pairs, seeds = next(iter(liquids.values())).pairs, list(range(-1, replicates))
    shape = (len(labels), len(seeds), len(pairs))
    u = np.full((*shape, len(GRID)), np.nan)
    loss = np.full((len(labels), len(seeds), epochs), np.nan)
    seconds = np.full((len(labels), len(seeds)), np.nan)
    g = np.full((len(labels), len(seeds), len(liquids), len(pairs), BINS), np.nan)
    p = np.full((len(labels), len(seeds), len(liquids)), np.nan)
    for label, learned, on, seed in every:
        at = labels.index(label), seeds.index(seed)
        ibi = seed < 0
        found = xr.load_dataset(work / (f"ibi-{learned[0].name}.nc" if ibi else f"fit-{label}-{epochs}-{seed}.nc"))
        u[at], seconds[at] = found.u.values, found.attrs["seconds"]
        if not ibi:
            loss[at][: found.sizes["epoch"]] = found.loss.values
        for liquid in on:
            name = "ibi-" + label if ibi else f"{label}-{epochs}"
            seen = xr.load_dataset(work / f"test-{name}-on-{liquid.name}-{test_steps}-{seed}.nc")
            if "g" in seen:
                k = list(liquids).index(liquid.name)
                g[(*at, k)], p[(*at, k)] = seen.g.values, float(seen.pressure)
    known = [target(liquid, steps, work) for liquid in liquids.values()]
    true = [[liquid.potentials[cd.pair_of(q)].energy(GRID) for q in pairs] for liquid in liquids.values()]
    return xr.Dataset(
        {"u": (("fit", "seed", "pair", "r_u"), u.astype(np.float32)), "loss": (("fit", "seed", "epoch"), loss.astype(np.float32)),
         "seconds": (("fit", "seed"), seconds), "pressure": (("fit", "seed", "liquid"), p),
         "g": (("fit", "seed", "liquid", "pair", "r"), g.astype(np.float32)),
         "g_target": (("liquid", "pair", "r"), [t.g.values for t in known]),
         "pressure_target": ("liquid", [t.attrs["pressure"] for t in known]),
         "density": ("liquid", [liquid.density for liquid in liquids.values()]),
         "u_true": (("liquid", "pair", "r_u"), true)},
        {"fit": labels, "seed": seeds, "pair": pairs, "r_u": GRID, "r": known[0].r.values, "liquid": list(liquids)},
        {"command": f"python notebooks/runs/diffsim.py {kind} --replicates {replicates} --epochs {epochs} --steps {steps} "
                    f"--test-steps {test_steps}", "seed_-1": "IBI", "packages": f"cg-sim {cs.__version__}, cg-inverse {ci.__version__}"},
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["lj", "morse", "hot-morse", "mixture"])
    parser.add_argument("--replicates", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=500)
    parser.add_argument("--steps", type=int, default=500_000, help="of each target")
    parser.add_argument("--test-steps", type=int, default=40_000)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--work", type=Path, default=Path("diffsim-runs"))
    parser.add_argument("--results", type=Path, default=RESULTS)
    a = parser.parse_args()
    a.work.mkdir(parents=True, exist_ok=True)
    every = jobs(a.kind, a.replicates)
    with ProcessPoolExecutor(a.processes) as pool:
        liquids = {liquid.name: liquid for _, learned, on, _ in every for liquid in (*learned, *on)}
        list(pool.map(target, liquids.values(), [a.steps] * len(liquids), [a.work] * len(liquids)))
        n = len(every)
        done = pool.map(one, every, [a.steps] * n, [a.test_steps] * n, [a.work] * n, [a.epochs] * n)
        for k, said in enumerate(done):
            print(f"{k + 1}/{n} {said}", flush=True)
    a.results.mkdir(parents=True, exist_ok=True)
    data = collected(a.kind, a.replicates, a.steps, a.test_steps, a.work, a.epochs)
    data.to_netcdf(a.results / f"{a.kind}.nc", encoding={name: {"zlib": True} for name in data.data_vars})


if __name__ == "__main__":
    main()
