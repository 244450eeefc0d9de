"""What the rule that drops rows does to the networks of notebook 01: the paper's final ones with and without it, resumable.

python notebooks/runs/boltzmann_rule.py WORK [--runs liquids.nc] [--steps 3000]

UN/c→Bn and CN/f on four folds that hold the same potentials: learned from liquids, or from every row that ran to its end; each
judged on liquids and on what the rule drops. And of which rows the hypernetted chain has a solution: where it has none, there
rarely is a liquid. A quarter of an hour of a core. Writes notebooks/results/01/rule.nc.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import boltzmann_data as data
import numpy as np
import numpy.typing as npt
import torch
import xarray as xr
from boltzmann_grid import SCORES, Task

import cg_data as cd
import cg_sim as cs
from cg_models.boltzmann.ensembles import Epochs
from cg_models.boltzmann.options import PotentialOptions, PressureOptions
from cg_models.boltzmann.training import fitted, scores

NETWORKS: dict[Task, PressureOptions | PotentialOptions] = {
    "pressure": PressureOptions("UN", "c", "Bn"),
    "potential": PotentialOptions("CN", "f"),
}
RULES = ("liquids", "everything")
ENDED = ("liquid", "drifting", "separated", "ordered")


@dataclass(frozen=True, slots=True)
class Rule:
    """The two networks under the two rules."""

    runs: Path
    steps: int

    def campaign(self, path: Path) -> cd.Campaign:
        rows = [(task, rule) for task in NETWORKS for rule in RULES]
        columns = {"task": [r[0] for r in rows], "learned": [r[1] for r in rows], "steps": [self.steps] * len(rows)}
        folded = (("fold",), (data.FOLDS,), "float64", "")
        return cd.Campaign.create(path, columns, {f"{kind}_{score}": folded for kind in ("liquids", "dropped") for score in ("error", "other")})  # fmt: skip

    def __call__(self, row: Mapping[str, Any]) -> dict[str, Any]:
        torch.set_num_threads(1)
        task: Task = "pressure" if row["task"] == "pressure" else "potential"
        table, options = data.table(self.runs, ENDED), NETWORKS[task]
        with xr.open_dataset(self.runs) as runs:
            kind = runs["kind"].values[runs["done"].values & (runs["kind"].values < len(ENDED))]
        liquid = torch.from_numpy(kind == 0)
        usable = torch.isfinite(table.g).all(dim=1) & torch.isfinite(table.pressure)
        table, liquid = table[usable], liquid[usable]
        test = data.of_test(table.potential)
        out = data.left_out(table.potential, test)
        learned = ~out & ~test & (liquid if row["learned"] == "liquids" else True)
        models = fitted(options, table, learned.float(), Epochs(self.steps, 64, 2e-3))
        found: dict[str, list[float]] = {}
        for name, which in (("liquids", liquid), ("dropped", ~liquid)):
            each = [scores(options, m, table[rows & which]) for m, rows in zip(models, out, strict=True)]
            for place, score in zip(("error", "other"), SCORES[task], strict=True):
                found[f"{name}_{place}"] = [e[score] for e in each]
        return found


def solved(work: Path, runs: Path) -> npt.NDArray[np.bool_]:
    """Return of which rows of the campaign the hypernetted chain has a solution."""
    file = work / "solved.npy"
    if not file.exists():
        with xr.open_dataset(runs) as table:
            rows = zip(table["potential"].values.astype(str), table["density"].values, strict=True)
        potentials = data.potentials()
        np.save(file, [cd.liquid_theory(potentials[n], float(x), iterations=600).solved for n, x in rows])
    found: npt.NDArray[np.bool_] = np.load(file)
    return found


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("work", type=Path)
    words.add_argument("--runs", type=Path, default=data.LIQUIDS)
    words.add_argument("--steps", type=int, default=3000)
    words.add_argument("--out", type=Path, default=data.RESULTS / "rule.nc")
    options = words.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    rule = Rule(options.runs, options.steps)
    store = rule.campaign(options.work / "rule.zarr")
    tally = cs.campaign.run(store, rule, workers=1, report=lambda t: print(t.there, "of", t.rows, flush=True))
    if tally.failures:
        raise SystemExit(str(tally.failures))
    found = store.dataset().drop_vars("done").assign(solved=("run", solved(options.work, options.runs)))
    for row in range(found.sizes["row"]):
        print(*(f"{found[n].values[row]}" for n in ("task", "learned")),
              *(f"{n} {np.mean(found[n].values[row]):.3f}" for n in found.data_vars if found[n].ndim == 2))  # fmt: skip
    found.to_netcdf(options.out)


if __name__ == "__main__":
    main()
