"""Layers of tanh as Deep Potential has them, with the derivatives of what they return along a line."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Layers(nn.Module):
    """x → δ tanh(x W + b) + x, where x has as many numbers, or (x, x) with half as many, or none is added.

    δ is 1 without `steps`. `linear` ends with a layer of one number, without tanh.
    """

    def __init__(self, sizes: Sequence[int], *, steps: bool, linear: bool, noise: torch.Generator) -> None:
        super().__init__()
        shapes = list(itertools.pairwise(sizes))
        self.matrix = nn.ParameterList(_normal(noise, n, m) / math.sqrt(n + m) for n, m in shapes)
        self.bias = nn.ParameterList(_normal(noise, m) for _, m in shapes)
        self.step = nn.ParameterDict(
            {str(k): 0.1 + 0.001 * _normal(noise, m) for k, (n, m) in enumerate(shapes) if steps and m in (n, 2 * n)}
        )
        if linear:
            self.last = nn.Parameter(_normal(noise, sizes[-1], 1) / math.sqrt(sizes[-1] + 1))
            self.offset = nn.Parameter(torch.zeros(1, dtype=torch.float64))
        self.linear = linear

    def forward(self, x: Tensor, *along: Tensor) -> list[Tensor]:
        """Return the values at x (point, number), and their first and second derivatives with those of x `along` a line."""
        given = [x, *along]
        for k, (matrix, bias) in enumerate(zip(self.matrix, self.bias, strict=True)):
            z = list((torch.cat(given) @ matrix).chunk(len(given)))
            z[0] = z[0] + bias
            found = _tanh(z)
            if str(k) in self.step:
                found = [y * self.step[str(k)] for y in found]
            given = [_beside(y, x) for y, x in zip(found, given, strict=True)]
        if self.linear:
            given = [y @ self.last for y in given]
            given[0] = given[0] + self.offset
        return given

    @torch.no_grad()
    def slopes(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the one number that `linear` layers end with (point, 1), and its slopes (point, number) by x."""
        hidden = []
        for k, (matrix, bias) in enumerate(zip(self.matrix, self.bias, strict=True)):
            y = torch.addmm(bias, x, matrix).tanh_()
            hidden.append(y)
            x = _beside(y * self.step[str(k)] if str(k) in self.step else y, x)
        out, back = torch.addmm(self.offset, x, self.last), self.last.T.expand(len(x), -1)
        for k, (matrix, y) in reversed(list(enumerate(zip(self.matrix, hidden, strict=True)))):
            bent = (back * self.step[str(k)] if str(k) in self.step else back) * (1 - y * y)
            straight = back
            back = bent @ matrix.T
            match matrix.shape[1] / matrix.shape[0]:
                case 1:
                    back += straight
                case 2:
                    back += sum(straight.chunk(2, dim=1))
        return out, back


def _beside(y: Tensor, x: Tensor) -> Tensor:
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


def _normal(noise: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=noise, dtype=torch.float64)
