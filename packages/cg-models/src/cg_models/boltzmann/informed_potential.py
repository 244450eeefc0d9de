"""g(r) and ρ → U(r) by a network that is given what the theory of liquids makes of g, and corrects it.

The Ornstein–Zernike equation is exact: of g on [0, 5σ], with U = 0 beyond, γ = h − c comes out by one system of equations.
U = −ln g + γ would be the hypernetted chain's answer. What that leaves out (the bridge function), the noise of g, and the
core where g is 0 are what the network learns.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cg_models.boltzmann.networks import POINTS
from cg_models.boltzmann.options import CAP

_LEAST = 1e-4  # of g, where its logarithm is asked for
_NOISE = 0.1  # beside |h|: what the chain leaves out is of order h², errors by noise are anywhere
_ABOUT = 5.0  # kT: U and γ are divided by it


class InformedPotential(nn.Module):
    """U [kT] on the 50 points, of g there (that of an infinite liquid), the γ = h − c that it implies, and densities."""

    def __init__(self, width: int = 256, layers: int = 3, *, seed: int = 0) -> None:
        super().__init__()
        self.width, self.layers = width, layers
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.first = nn.Linear(4 * POINTS + 2, width)
            self.blocks = nn.ModuleList(
                nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width)) for _ in range(layers)
            )
            self.last = nn.Linear(width, POINTS)
            with torch.no_grad():
                self.last.weight.mul_(0.1)
                self.last.bias.zero_()

    def forward(self, g: Tensor, gamma: Tensor, density: Tensor) -> Tensor:
        """Return U [kT]; above the cap of 20 kT it is nothing in particular."""
        h, start = g - 1, -torch.log(g.clamp(min=_LEAST))
        chain = (start + gamma).clamp(-CAP, CAP)
        numbers = torch.stack([2 * density - 1, torch.log(density)], dim=1)
        x = nn.functional.gelu(
            self.first(torch.cat([start / _ABOUT, h, gamma / _ABOUT, chain / _ABOUT, numbers], dim=1))
        )
        for block in self.blocks:
            x = x + block(x)
        out: Tensor = chain + (h.abs().clamp(max=1) + _NOISE) * self.last(x)
        return out
