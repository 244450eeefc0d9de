"""The network of an atom's features, with its slopes, and the slopes of these: by hand, so that nothing is computed twice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from cg_models.deep_potential.layers import Layers, beside, normal


@dataclass(frozen=True, slots=True, eq=False)
class Passed:
    """Energies E (atom,) and slopes dE/dx (atom, feature), and what of each layer led there: x, tanh z, dE/dz and δ dE/dout."""

    energies: Tensor
    slopes: Tensor
    inputs: list[Tensor]
    tanh: list[Tensor]
    by_z: list[Tensor]
    by_out: list[Tensor]


class FittingNetwork(Layers):
    """Layers, and one without tanh that leaves one number, the energy E(x) of an atom with features x."""

    def __init__(self, sizes: Sequence[int], *, steps: bool, noise: torch.Generator) -> None:
        super().__init__(sizes, steps=steps, noise=noise)
        self.last = nn.Parameter(normal(noise, sizes[-1], 1) / math.sqrt(sizes[-1] + 1))
        self.offset = nn.Parameter(torch.zeros(1, dtype=torch.float64))

    @torch.no_grad()
    def passed(self, x: Tensor) -> Passed:
        """Return E of features (atom, feature), and dE/dx."""
        inputs, tanh = [x], []
        for k, (matrix, bias) in enumerate(zip(self.matrix, self.bias, strict=True)):
            y, step = torch.addmm(bias, inputs[-1], matrix).tanh_(), self.step_of(k)
            tanh.append(y)
            inputs.append(beside(y if step is None else y * step, inputs[-1]))
        energies, back = torch.addmv(self.offset, inputs[-1], self.last[:, 0]), self.last.T.expand(len(x), -1)
        by_z: list[Tensor] = []
        by_out: list[Tensor] = []
        for k in reversed(range(len(tanh))):
            step = self.step_of(k)
            by_out.insert(0, back if step is None else back * step)
            by_z.insert(0, torch.addcmul(by_out[0], by_out[0], tanh[k] * tanh[k], value=-1))
            back = through(by_z[0] @ self.matrix[k].T, back)
        return Passed(energies, back, inputs, tanh, by_z, by_out)

    @torch.no_grad()
    def learn(self, of: Passed, change: Tensor, weight: Tensor) -> Tensor:
        """Add to gradients those of S = Σ weight E − dE, where features change by `change`; return dS/dx.

        dS/d change is − dE/dx, layer by layer what `passed` has found.
        """
        changes, turns = [change], []
        for k, matrix in enumerate(self.matrix):
            turn, step = changes[-1] @ matrix, self.step_of(k)  # dz
            turns.append(turn)
            bent = torch.addcmul(turn, turn, of.tanh[k] * of.tanh[k], value=-1)
            changes.append(beside(bent if step is None else bent * step, changes[-1]))
        _add(self.last, of.inputs[-1].T @ weight[:, None] - changes[-1].sum(dim=0)[:, None])
        _add(self.offset, weight.sum()[None])
        back = weight[:, None] * self.last.T
        for k in reversed(range(len(turns))):
            y, step = of.tanh[k], self.step_of(k)
            z = (back if step is None else back * step) + 2 * y * of.by_out[k] * turns[k]
            z.addcmul_(z, y * y, value=-1)
            if step is not None:
                straight = torch.addcmul(turns[k], turns[k], y * y, value=-1) * of.by_out[k] / step
                _add(step, (back * y - straight).sum(dim=0))
            _add(self.bias[k], z.sum(dim=0))
            _add(self.matrix[k], torch.addmm(of.inputs[k].T @ z, changes[k].T, of.by_z[k], alpha=-1))
            back = through(z @ self.matrix[k].T, back)
        return back


def through(back: Any, straight: Any) -> Any:
    """Return slopes (atom, number) by the input of a layer, with those of what is beside its tanh; of tensors or of arrays."""
    match straight.shape[1] / back.shape[1]:
        case 1:
            return back + straight
        case 2:
            return back + straight[:, : back.shape[1]] + straight[:, back.shape[1] :]
        case _:
            return back


def _add(parameter: Tensor, slope: Tensor) -> None:
    parameter.grad = slope if parameter.grad is None else parameter.grad + slope
