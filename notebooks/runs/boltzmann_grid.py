"""One network of the grids of notebook 01, trained on four folds: the work of a campaign whose rows are networks."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import boltzmann_data as data
import torch

import cg_data as cd
from cg_models.boltzmann.ensembles import Epochs
from cg_models.boltzmann.losses import Kind
from cg_models.boltzmann.options import PotentialOptions, PressureOptions, potential_grid, pressure_grid
from cg_models.boltzmann.training import fitted, scores

Task = Literal["pressure", "potential"]
SCORES = {"pressure": ("mrae", "r2"), "potential": ("mae", "mse")}


@dataclass(frozen=True, slots=True)
class Grid:
    """All networks of a task, each on every fold."""

    task: Task
    runs: Path
    steps: int = 3000
    batch: int = 64
    rate: float = 2e-3
    kinds: tuple[str, ...] = ("liquid",)
    loss: Kind = "logcosh"

    def campaign(self, path: Path) -> cd.Campaign:
        """Return the store, made if it is not there."""
        options = pressure_grid() if self.task == "pressure" else potential_grid()
        rows = {"network": [o.name for o in options], "steps": [self.steps] * len(options),
                "kinds": [" ".join(self.kinds)] * len(options), "loss": [self.loss] * len(options)}  # fmt: skip
        folded = (("fold",), (data.FOLDS,), "float64", "")
        results = {f"{score}_{part}": folded for score in SCORES[self.task] for part in ("train", "validation")}
        return cd.Campaign.create(path, rows, {**results, "seconds": ((), (), "float64", "s")})

    def __call__(self, row: Mapping[str, Any]) -> dict[str, Any]:
        torch.set_num_threads(1)
        began, table = time.process_time(), data.table(self.runs, self.kinds)
        grid: dict[str, PressureOptions | PotentialOptions]
        grid = {o.name: o for o in (pressure_grid() if self.task == "pressure" else potential_grid())}
        options = grid[str(row["network"])]
        test = data.of_test(table.potential)
        out = data.left_out(table.potential, test)
        weights = (~out & ~test).float()
        models = fitted(options, table, weights, Epochs(self.steps, self.batch, self.rate), kind=self.loss)
        found = {
            part: [scores(options, model, table[rows]) for model, rows in zip(models, which, strict=True)]
            for part, which in (("train", weights.bool()), ("validation", out))
        }
        each = {f"{name}_{part}": [s[name] for s in many] for part, many in found.items() for name in SCORES[self.task]}
        return {**each, "seconds": time.process_time() - began}
