"""The grids of paper 01, figs. 3 and 6: 90 networks U(r) → P and 24 networks g(r) → U(r), each on four folds, resumable.

python notebooks/runs/boltzmann_nets.py WORK [--runs liquids.nc] [--workers 2] [--steps 3000]

Writes notebooks/results/01/grids.nc when all are trained.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import xarray as xr
from boltzmann_data import LIQUIDS, RESULTS
from boltzmann_grid import Grid, Task

import cg_sim as cs

TASKS: tuple[Task, ...] = ("pressure", "potential")


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("work", type=Path)
    words.add_argument("--runs", type=Path, default=LIQUIDS)
    words.add_argument("--workers", type=int, default=2)
    words.add_argument("--steps", type=int, default=3000)
    words.add_argument("--out", type=Path, default=RESULTS / "grids.nc")
    options = words.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    groups: dict[str, xr.Dataset] = {}
    for task in TASKS:
        grid = Grid(task, options.runs, options.steps)
        store = grid.campaign(options.work / f"{task}-{options.steps}.zarr")
        tally = cs.campaign.run(
            store, grid, workers=options.workers, report=lambda t: print(t.there, "of", t.rows, flush=True)
        )
        if tally.failures:
            raise SystemExit(f"{task}: {tally.failures}")
        groups[task] = store.dataset().drop_vars("done")
    xr.DataTree.from_dict(groups).to_netcdf(options.out)
    seconds = sum(float(g["seconds"].sum()) for g in groups.values())
    print(f"{options.out}: {seconds / 60:.0f} minutes of one core")


if __name__ == "__main__":
    main()
