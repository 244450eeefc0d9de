"""Layers of tanh as Deep Potential has them, with the derivatives of what they return along a line."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Layers(nn.Module):
    """x → δ tanh(x W + b) + x, where x has as many numbers, or (x, x) with half as many, or none is added.

    δ is 1 without `steps`.
    """

    def __init__(self, sizes: Sequence[int], *, steps: bool, noise: torch.Generator) -> None:
        super().__init__()
        shapes = list(itertools.pairwise(sizes))
        self.matrix = nn.ParameterList(normal(noise, n, m) / math.sqrt(n + m) for n, m in shapes)
        self.bias = nn.ParameterList(normal(noise, m) for _, m in shapes)
        self.step = nn.ParameterDict(
            {str(k): 0.1 + 0.001 * normal(noise, m) for k, (n, m) in enumerate(shapes) if steps and m in (n, 2 * n)}
        )

    def forward(self, x: Tensor, *along: Tensor) -> list[Tensor]:
        """Return the values at x (point, number), and their first and second derivatives with those of x `along` a line."""
        given = [x, *along]
        for k, (matrix, bias) in enumerate(zip(self.matrix, self.bias, strict=True)):
            z = list((torch.cat(given) @ matrix).chunk(len(given)))
            z[0] = z[0] + bias
            found = _tanh(z)
            if (step := self.step_of(k)) is not None:
                found = [y * step for y in found]
            given = [beside(y, x) for y, x in zip(found, given, strict=True)]
        return given

    def step_of(self, k: int) -> Tensor | None:
        """Return δ of layer k, None where it is 1."""
        return self.step.get(str(k))


def beside(y: Tensor, x: Tensor) -> Tensor:
    """Return y + x, or y + (x, x), or y if it has neither as many numbers as x nor twice as many."""
    match y.shape[1] / x.shape[1]:
        case 1:
            return y + x
        case 2:
            return y + torch.cat([x, x], dim=1)
        case _:
            return y


def _tanh(z: list[Tensor]) -> list[Tensor]:
    y = torch.tanh(z[0])
    slope = 1 - y * y
    return [y, *(slope * dz for dz in z[1:2]), *(slope * (ddz - 2 * y * z[1] ** 2) for ddz in z[2:3])]


def normal(noise: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=noise, dtype=torch.float64)
