"""The data set of notebook 01 and how it is divided into what networks learn from and what they are tested on."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch
import xarray as xr
from torch import Tensor

import cg_data as cd
from cg_models.boltzmann.ensembles import folds
from cg_models.boltzmann.table import LiquidTable, liquid_table

RESULTS = Path(__file__).parents[1] / "results" / "01"
LIQUIDS = RESULTS / "liquids.nc"
DENSE = {"splines": 2000, "hard_cores": 1200, "seed": 1}  # random splines of which boltzmann_dense.py ran some
FOLDS, NINTHS = 4, 9  # the paper kept 101 of its 891 rows for the test


@cache
def potentials(splines: int = 657, hard_cores: int | None = 344, seed: int = 0) -> dict[str, cd.Potential]:
    """Return the potentials by the names that the campaign gives them."""
    made = cd.random_splines(splines, hard_cores=hard_cores, seed=seed)
    return {f"spline-{seed}-{k:04d}": potential for k, potential in enumerate(made)}


def table(runs: Path = LIQUIDS, kinds: tuple[str, ...] = ("liquid",)) -> LiquidTable:
    """Return the rows of the campaign that networks see."""
    with xr.open_dataset(runs) as data:
        return liquid_table(data.load(), potentials(), kinds=kinds)


def dense(runs: Path = RESULTS / "dense.nc") -> LiquidTable:
    """Return the further rows of high pressure."""
    with xr.open_dataset(runs) as found:
        return liquid_table(found.load(), potentials(**DENSE))


def of_test(groups: Tensor, *, by_row: bool = False) -> Tensor:
    """Return which rows are kept for the test: a ninth of the potentials with all their rows, or of the rows as in the paper."""
    return folds(torch.arange(len(groups)) if by_row else groups, NINTHS, seed=1)[0]


def left_out(groups: Tensor, test: Tensor, *, by_row: bool = False) -> Tensor:
    """Return (fold, row) of what each fold is validated with; rows of the test are in none."""
    inside = torch.where(~test)[0]
    out = torch.zeros((FOLDS, len(groups)), dtype=torch.bool)
    out[:, inside] = folds(torch.arange(len(inside)) if by_row else groups[inside], FOLDS, seed=2)
    return out
