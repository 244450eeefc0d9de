"""What every curve with weights can do: U(r) as a tensor, and U and F at the knots of a table, differentiably."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from cg_data import PairTable


@dataclass(frozen=True, slots=True, eq=False)
class Knots:
    """U and F = −U′ at equal distances from `r_min` to `cutoff`, both included; gradients go on to the curve's weights."""

    r_min: float
    cutoff: float
    u: Tensor
    f: Tensor

    def table(self) -> PairTable:
        """Return the table that an engine takes."""
        u, f = (x.detach().to("cpu", torch.float64).numpy() for x in (self.u, self.f))
        return PairTable.from_forces(self.r_min, self.cutoff, np.array(u), np.array(f))

    def backward(self, g_u: np.ndarray, g_f: np.ndarray) -> None:
        """Add dL/dweights to the weights' gradients, given what a loss changes with the table's knots."""
        given = [
            torch.as_tensor(np.array(g), dtype=x.dtype, device=x.device) for g, x in ((g_u, self.u), (g_f, self.f))
        ]
        torch.autograd.backward([self.u, self.f], given)


class PairCurve(nn.Module):
    """U(r) with weights. A new one defines `energy` and sets `cutoff` [length], beyond which it is 0.

    Every energy of the package goes to zero at its cutoff with zero slope, so that dynamics conserve energy.
    """

    cutoff: float

    def energy(self, r: Tensor) -> Tensor:
        """Return U [energy] at distances r ≤ cutoff [length]."""
        raise NotImplementedError

    def forward(self, r: Tensor) -> Tensor:
        return self.energy(r)

    def knots(self, n: int = 400, *, r_min: float) -> Knots:
        """Return n knots of U and F from `r_min` [length] to the cutoff."""
        weight = next(self.parameters(), torch.zeros(1))
        r = torch.linspace(r_min, self.cutoff, n, dtype=weight.dtype, device=weight.device).requires_grad_()
        u = self.energy(r)
        (slope,) = torch.autograd.grad(u.sum(), r, create_graph=True)
        inside = torch.ones_like(u)
        inside[-1] = 0.0
        return Knots(float(r_min), float(self.cutoff), u * inside, -slope * inside)

    def table(self, n: int = 400, *, r_min: float) -> PairTable:
        """Return the table of today's weights."""
        return self.knots(n, r_min=r_min).table()


def switched(r: Tensor, cutoff: float, width: float) -> Tensor:
    """Return 1 − 10x³ + 15x⁴ − 6x⁵, x from 0 to 1 over the last `width` [length]: to zero with two derivatives.

    >>> switched(torch.tensor([0.5, 1.75, 2.0]), 2.0, 0.5)
    tensor([1.0000, 0.5000, 0.0000])
    """
    x = ((r - cutoff + width) / width).clamp(0.0, 1.0)
    return 1 - x**3 * (10 - 15 * x + 6 * x * x)


def brought_to_zero(law: nn.Module, r: Tensor, cutoff: float) -> Tensor:
    """Return law(r) − law(cutoff) − (r − cutoff)·law′(cutoff): zero value and slope at the cutoff."""
    with torch.enable_grad():
        end = torch.full((1,), cutoff, dtype=r.dtype, device=r.device, requires_grad=True)
        value = cast(Tensor, law(end))
        (slope,) = torch.autograd.grad(value.sum(), end, create_graph=True)
    return cast(Tensor, law(r)) - value - (r - end) * slope
