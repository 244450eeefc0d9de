"""What corrections do, in runs of their own: g(r), S(q), density and D of liquid aluminium with and without. Resumable, a row a run.

python notebooks/runs/aluminium_checks.py WORK --potential ani:FOLDER [--corrections none own …] [--fits …/fits.nc] [--out …/checks.nc]

Corrections: `none`; `own`, fitted at the temperature; `dense`, there led to the density too; `between`, u(r; T) linear between 943 and 1323 K; `both`, one u(r) fitted at these
two; the last two are tried at the temperatures between, which they have not seen. Zero pressure for the density; then the
density found and weakly rescaled velocities for the rest. Errors are of blocks. After aluminium_fits.py.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aluminium as al
import aluminium_fits as fitting
import numpy as np
import xarray as xr

import cg_data as cd
import cg_inverse as ci
import cg_models as cm
import cg_sim as cs

CORRECTIONS = ("none", "own", "dense", "between", "both")
BETWEEN = tuple(t for t in al.TEMPERATURES if t not in fitting.ENDS)
BINS, LAGS, BLOCKS = 160, 30, 5  # shells of 0.05 Å; lags of 0.1 ps
Q_MAX, Q_SHELLS = 8.0, 80
SETTLE, FREE, REST, MOVE = 2.0, 8.0, 1.0, 20.0  # ps: zero pressure, not counted and counted; density found, likewise
RESULTS: dict[str, Any] = {
    "g": (("r",), (BINS,), "float64", "1"), "g_stderr": (("r",), (BINS,), "float64", "1"), "s": (("q",), (Q_SHELLS,), "float64", "1"),
    "density": ((), (), "float64", "angstrom^-3"), "density_stderr": ((), (), "float64", "angstrom^-3"),
    "pressure": ((), (), "float64", "eV/angstrom^3"), "pressure_stderr": ((), (), "float64", "eV/angstrom^3"),
    "diffusion": ((), (), "float64", "angstrom^2/ps"), "diffusion_stderr": ((), (), "float64", "angstrom^2/ps"), "seconds": ((), (), "float64", "s"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Check:
    """Runs one potential with one correction at one temperature."""

    potential: str
    fits: Path
    results: Path = al.RESULTS
    atoms: int = 256
    share: float = 1.0  # of the lengths above
    seed: int = 40

    def correction(self, name: str, kelvin: int) -> Any:
        """Return u(r), None for none."""
        if name == "none":
            return None
        fits, kind = xr.load_dataset(self.fits), al.kind(self.potential)

        def fitted(which: str) -> cd.PairTable:
            return fitting.correction(fitting.best(fits, kind, which))

        match name:
            case "own":
                return fitted(f"paper-{kelvin}")
            case "dense":
                return fitted(f"dense-{kelvin}")
            case "between":
                ends = {al.KELVIN * t: fitted(f"paper-{t}") for t in fitting.ENDS}
                return ci.BetweenTemperatures(ends).at(al.KELVIN * kelvin)["A", "A"]
            case "both":
                return fitted(fitting.JOINT)
            case _:
                raise ValueError(f"a correction is one of {', '.join(CORRECTIONS)}, got {name!r}")

    def start(self, kelvin: int) -> cs.State:
        """Return a liquid of the bare potential at about its density, that of another potential."""
        problem = ci.PairCorrection(
            al.target(kelvin, BINS * al.WIDTH, self.results / "targets.nc"), BINS * al.WIDTH
        ).problem
        settings = ci.Simulation(particles=self.atoms, runs=1, dt=al.DT, base=al.model(self.potential))
        return settings.liquids(problem, self.seed).start()[0][0]

    def __call__(self, row: Mapping[str, Any]) -> dict[str, Any]:
        kelvin, name = int(row["temperature"]), str(row["correction"])
        u, began = self.correction(name, kelvin), time.process_time()
        forces = al.model(self.potential) if u is None else cm.Sum(al.model(self.potential), u)

        def run(
            state: cs.State, picoseconds: float, settle: float, *observe: Any, **ensemble: Any
        ) -> tuple[xr.Dataset, cs.State]:
            steps = [round(self.share * t * al.PICOSECOND / al.DT) for t in (picoseconds, settle)]
            done = cs.simulate(state, forces, steps=steps[0], equilibration=steps[1], observe=observe, sample_every=al.SAMPLED, seed=self.seed + state.step,
                               kT=al.KELVIN * kelvin, dt=al.DT, engine="ase", units=al.UNITS, **ensemble)  # fmt: skip
            return done.data, done.state

        state, free = self.start(kelvin), []
        for k in range(BLOCKS):
            found, state = run(
                state,
                FREE / BLOCKS,
                SETTLE if k == 0 else 0.0,
                cs.RDF(6.0),
                thermostat=cs.Langevin(al.FRICTION),
                barostat=al.BAROSTAT,
            )
            free.append(float(found.density[0]))
        state, moved = at_density(state, float(np.mean(free))), []
        for k in range(BLOCKS):
            found, state = run(state, MOVE / BLOCKS, REST if k == 0 else 0.0, cs.RDF(BINS * al.WIDTH, BINS), cs.StructureFactor(Q_MAX, Q_SHELLS), cs.Pressure(),
                               cs.MSD(lags=round(LAGS * self.share), spacing=1, remove_drift=True), thermostat=cs.Bussi(1.0 * al.PICOSECOND))  # fmt: skip
            moved.append(found)
        g, pressure, diffusion = (
            np.array([np.squeeze(m[name].values) for m in moved]) for name in ("g", "pressure", "diffusion")
        )
        return {
            "g": g.mean(axis=0), "g_stderr": al.stderr(g), "s": on_shells(moved), "density": np.mean(free), "density_stderr": al.stderr(free),
            "pressure": pressure.mean(), "pressure_stderr": al.stderr(pressure), "diffusion": diffusion.mean() * al.PICOSECOND,
            "diffusion_stderr": al.stderr(diffusion) * al.PICOSECOND, "seconds": time.process_time() - began,
        }  # fmt: skip


def at_density(state: cs.State, density: float) -> cs.State:
    """Return the state in a box of that density [1/Å³]."""
    scale = (state.density / density) ** (1 / 3)
    return replace(state, positions=state.positions * scale, box=state.box * scale)


def on_shells(found: Sequence[xr.Dataset]) -> al.Array:
    """Return the mean S(q) of runs in one box on all shells, nan in those without a vector."""
    curve = np.full(Q_SHELLS, np.nan)
    number = (found[0].q.values / (Q_MAX / Q_SHELLS)).astype(int).clip(max=Q_SHELLS - 1)
    curve[number] = np.mean([f.structure_factor.values for f in found], axis=0)
    return curve


def collected(work: Path, check: Check) -> xr.Dataset:
    """Return all runs of a potential that are below a folder."""
    stores = [cd.Campaign.open(path) for path in sorted(work.glob(f"{al.kind(check.potential)}-*.zarr"))]
    found = xr.concat([store.dataset().reset_coords(drop=True) for store in stores], "row")
    return found.assign_coords(r=("r", al.WIDTH * (np.arange(BINS) + 0.5), {"units": "angstrom"}),
                               q=("q", Q_MAX / Q_SHELLS * (np.arange(Q_SHELLS) + 0.5), {"units": "1/angstrom"})).assign_attrs(
        potential=al.kind(check.potential), atoms=check.atoms, seed=check.seed, share=check.share, settle_ps=SETTLE, free_ps=FREE, move_ps=MOVE,
        dt_fs=al.DT / al.FEMTOSECOND, command="python notebooks/runs/aluminium_checks.py WORK --potential ani:FOLDER",
    )  # fmt: skip


def run(work: Path, check: Check, correction: str, temperatures: Sequence[int]) -> None:
    """Do what is missing of one correction."""
    kelvins = [t for t in temperatures if correction not in ("between", "both") or t in BETWEEN]
    columns = {"correction": [correction] * len(kelvins), "temperature": kelvins}
    store = cd.Campaign.create(work / f"{al.kind(check.potential)}-{correction}.zarr", columns, RESULTS)
    tally = cs.campaign.run(store, check, report=lambda t: print(correction, t.there, "of", t.rows, flush=True))
    if tally.failures:
        raise SystemExit(str(tally.failures))


def main(arguments: Sequence[str] | None = None) -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("work", type=Path)
    words.add_argument("--potential", required=True)
    words.add_argument("--corrections", nargs="+", default=list(CORRECTIONS), choices=CORRECTIONS)
    words.add_argument("--temperatures", nargs="+", type=int, default=list(al.TEMPERATURES))
    words.add_argument("--atoms", type=int, default=256)
    words.add_argument("--share", type=float, default=1.0, help="of the usual length")
    words.add_argument("--fits", type=Path, default=al.RESULTS / "fits.nc")
    words.add_argument("--results", type=Path, default=al.RESULTS, help="where targets.nc is")
    words.add_argument("--out", type=Path)
    options = words.parse_args(arguments)
    check = Check(options.potential, options.fits, options.results, options.atoms, options.share)
    options.work.mkdir(parents=True, exist_ok=True)
    for correction in options.corrections:
        run(options.work, check, correction, options.temperatures)
    out = options.out or al.RESULTS / f"checks-{al.kind(check.potential)}.nc"
    found = collected(options.work, check)
    found.to_netcdf(out, encoding={str(n): {"zlib": True} for n in found.data_vars if found[n].ndim > 1})
    shown = [
        "correction",
        "temperature",
        "density",
        "density_stderr",
        "pressure",
        "diffusion",
        "diffusion_stderr",
        "seconds",
    ]
    print(found[shown].to_dataframe().to_string())


if __name__ == "__main__":
    main()
