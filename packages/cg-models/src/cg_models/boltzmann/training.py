"""Fitting the networks of paper 01 to a table of liquids: one kind of network, as many of it at once as there are folds."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from cg_models.boltzmann.ensembles import Epochs, train_together
from cg_models.boltzmann.losses import Kind, of_points
from cg_models.boltzmann.options import PotentialOptions, PressureOptions
from cg_models.boltzmann.potential import PotentialModel, curve_errors
from cg_models.boltzmann.pressure import PressureModel, input_curves, pressure_errors
from cg_models.boltzmann.table import LiquidTable

Options = PressureOptions | PotentialOptions
_RELATIVE = 20.0  # a relative error of 1/20 is where logcosh turns from squares to absolute values


def fitted(
    options: Options, table: LiquidTable, weights: Tensor, epochs: Epochs, *, kind: Kind = "logcosh", seed: int = 0
) -> list[nn.Module]:
    """Return a network for each row of `weights` (network, row of the table), which say what it learns from."""
    seeds = [seed + k for k in range(len(weights))]
    if isinstance(options, PressureOptions):
        models: list[nn.Module] = [PressureModel(options, seed=k) for k in seeds]
        taught: list[nn.Module] = models
    else:
        potentials = [PotentialModel(options, seed=k) for k in seeds]
        models, taught = list(potentials), [_AsLearned(model) for model in potentials]
    exhaust(train_together(taught, inputs(options, table), loss(options, table, kind), weights, epochs))
    return models


class _AsLearned(nn.Module):
    """A model of potentials that answers with what its loss is of: exp(−U), if that is what the network gives."""

    def __init__(self, model: PotentialModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, *given: Tensor) -> Tensor:
        raw: Tensor = self.model.raw(*given)
        return raw


def inputs(options: Options, table: LiquidTable) -> tuple[Tensor, ...]:
    """Return what a network is given of every row."""
    if isinstance(options, PressureOptions):
        return input_curves(table.u, table.force, options.options), table.density, table.estimate
    return table.g, table.density


def loss(options: Options, table: LiquidTable, kind: Kind) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the loss of what was found of rows: of the pressure as a share of |P| + ρ, or of curves by eqs. 4–7."""
    if isinstance(options, PressureOptions):
        point, scale = of_points(kind), (table.pressure.abs() + table.density) / _RELATIVE
        return lambda found, rows: point((found - table.pressure[rows]) / scale[rows])
    shell = PotentialModel(options)
    return lambda raw, rows: shell.loss(raw, table.u[rows])


def scores(options: Options, model: nn.Module, table: LiquidTable) -> dict[str, float]:
    """Return errors over a table: mrae and r2 of pressures, or mae and mse [kT] of potentials."""
    with torch.no_grad():
        found = model(*inputs(options, table))
    if isinstance(options, PressureOptions):
        return dict(pressure_errors(found, table.pressure))
    absolute, square = curve_errors(found, table.u)
    return {"mae": float(absolute.mean()), "mse": float(square.mean())}


def exhaust(steps: Iterable[object]) -> None:
    for _ in steps:
        pass
