"""Molecular dynamics with predicted potentials (paper 01, fig. 10), resumable.

python notebooks/runs/boltzmann_md.py WORK [--workers 2]

After `boltzmann_informed.py`. One potential that was learned from and one of the test, at ρ = 0.244 and 0.512: of those with
liquids at both, the one whose U₀ is the median worst. g of the true U, of the predictions and of U₀ from runs of the same length;
the prediction is made from the campaign's g, as a user would. Writes notebooks/results/01/md.nc.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import boltzmann_data as data
import numpy as np
import xarray as xr

import cg_data as cd
import cg_sim as cs
from cg_models.boltzmann.prediction import through

DENSITIES = (0.244, 0.512)
CURVES = {"truth": None, "again": None, "informed": "u_informed", "paper": "u_paper", "boltzmann": "u0"}
LIQUID = cs.campaign.Liquid(particles=4000, box=16.0, bins=100, least=20_000, most=20_000)


@dataclass(frozen=True, slots=True)
class Checks:
    """Runs of some rows with every potential."""

    predictions: Path
    names: Path

    def chosen(self) -> list[tuple[str, str, float, int]]:
        """Return part, potential, density and row of the four cases."""
        found = []
        with xr.open_dataset(self.predictions) as table, xr.open_dataset(self.names) as runs:
            names = runs["potential"].values[runs["kind"].values == 0].astype(str)
            off = np.abs(table["u0"] - table["u"]).where(table["u"] <= 20).mean("r").values
            for part, which in (("training", ~table["test"].values), ("test", table["test"].values)):
                at = {
                    rho: {names[i]: i for i in np.flatnonzero(which & np.isclose(table["density"], rho))}
                    for rho in DENSITIES
                }
                both = sorted(set(at[DENSITIES[0]]) & set(at[DENSITIES[1]]), key=lambda n: off[at[DENSITIES[1]][n]])
                name = both[len(both) // 2]
                found += [(part, name, rho, int(at[rho][name])) for rho in DENSITIES]
        return found

    def campaign(self, path: Path) -> cd.Campaign:
        rows = list(product(self.chosen(), CURVES))
        columns = {"part": [r[0][0] for r in rows], "potential": [r[0][1] for r in rows], "density": ([r[0][2] for r in rows], "sigma^-3"),
                   "number": [r[0][3] for r in rows], "curve": [r[1] for r in rows]}  # fmt: skip
        found = LIQUID.results(cd.Units())
        kept = {name: found[name] for name in ("g", "g_stderr", "pressure", "pressure_stderr", "kind")}
        return cd.Campaign.create(path, columns, kept)

    def __call__(self, row: Mapping[str, Any]) -> dict[str, Any]:
        curve, density = str(row["curve"]), float(row["density"])
        column = CURVES[curve]
        potential: cd.Potential = data.potentials()[str(row["potential"])]
        if column is not None:
            with xr.open_dataset(self.predictions) as table:
                number = int(row["number"])
                potential = through(table[column].values[number].astype(float), table["g"].values[number].astype(float))
        found = cs.campaign.measured(
            potential, density=density, kT=1.0, seed=21 if curve == "truth" else 22, liquid=LIQUID
        )
        return {name: found[name] for name in ("g", "g_stderr", "pressure", "pressure_stderr", "kind")}


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("work", type=Path)
    words.add_argument("--workers", type=int, default=2)
    words.add_argument("--predictions", type=Path, default=data.RESULTS / "predictions.nc")
    words.add_argument("--runs", type=Path, default=data.LIQUIDS)
    words.add_argument("--out", type=Path, default=data.RESULTS / "md.nc")
    options = words.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    checks = Checks(options.predictions, options.runs)
    store = checks.campaign(options.work / "md.zarr")
    tally = cs.campaign.run(
        store, checks, workers=options.workers, report=lambda t: print(t.there, "of", t.rows, flush=True)
    )
    if tally.failures:
        raise SystemExit(str(tally.failures))
    found = store.dataset().assign_coords(r=("r", LIQUID.r))
    found.attrs = {}
    found.to_netcdf(options.out, encoding={str(n): {"zlib": True} for n in found.data_vars if found[n].ndim})


if __name__ == "__main__":
    main()
