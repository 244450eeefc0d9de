"""What the smaller boxes of notebook 01 cost: three potentials at four densities, N up to 64 000, resumable.

python notebooks/runs/boltzmann_sizes.py WORK [--workers 2]

About half an hour of a core. Writes notebooks/results/01/sizes.nc.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import boltzmann_data as data
import numpy as np

import cg_data as cd
import cg_sim as cs

DENSITIES = (0.125, 0.244, 0.512, 1.0)
POTENTIALS = (
    "spline-0-0010",
    "spline-0-0017",
    "spline-0-0027",
)  # a short one, a soft tail, a hard one: liquids at all four
STEPS = {1000: 40_000, 8000: 16_000, 64_000: 6_000}


@dataclass(frozen=True, slots=True)
class Sizes:
    """The same row at several N."""

    bins: int = 100
    reach: float = 5.0
    numbers: Mapping[int, int] = field(default_factory=lambda: STEPS)

    def campaign(self, path: Path) -> cd.Campaign:
        rows = list(product(POTENTIALS, DENSITIES, self.numbers))
        columns = {
            "potential": [r[0] for r in rows],
            "density": ([r[1] for r in rows], "sigma^-3"),
            "particles": [r[2] for r in rows],
        }
        found = cs.campaign.Liquid(bins=self.bins, reach=self.reach).results(cd.Units())
        found = {name: found[name] for name in ("g", "g_stderr", "pressure", "pressure_stderr", "kind", "steps")}
        return cd.Campaign.create(path, columns, found)

    def __call__(self, row: Mapping[str, Any]) -> dict[str, Any]:
        n, density = int(row["particles"]), float(row["density"])
        steps = self.numbers[n]
        liquid = cs.campaign.Liquid(particles=n, box=round((n / density) ** (1 / 3), 9), least=steps, most=steps,
                                    bins=self.bins, reach=self.reach)  # fmt: skip
        potential = data.potentials()[str(row["potential"])]
        found = cs.campaign.measured(potential, density=density, kT=1.0, seed=11, liquid=liquid)
        return {name: found[name] for name in ("g", "g_stderr", "pressure", "pressure_stderr", "kind", "steps")}


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("work", type=Path)
    words.add_argument("--workers", type=int, default=2)
    words.add_argument("--out", type=Path, default=data.RESULTS / "sizes.nc")
    options = words.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    sizes = Sizes()
    store = sizes.campaign(options.work / "sizes.zarr")
    tally = cs.campaign.run(
        store, sizes, workers=options.workers, report=lambda t: print(t.there, "of", t.rows, flush=True)
    )
    if tally.failures:
        raise SystemExit(str(tally.failures))
    found = store.dataset().assign_coords(r=("r", (np.arange(sizes.bins) + 0.5) * sizes.reach / sizes.bins))
    found.attrs = {}
    found.to_netcdf(options.out, encoding={str(n): {"zlib": True} for n in found.data_vars if found[n].ndim})


if __name__ == "__main__":
    main()
