"""U(r) and ρ → P by a network that is given what theories of liquids say, and corrects them.

Where Rogers and Young's closure has a consistent solution it is right within a percent or two; the hypernetted chain and
Percus and Yevick lie on either side; attractive liquids that no closure solves are known to first order in their wells.
What is left is a small share of the pressure, which depends on how far these are apart and on the shape of U.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from cg_data import LiquidTheory, liquid_theory, low_density_pressure, perturbation_pressure
from cg_data.potentials.pair_potential import Array, Potential
from cg_models.boltzmann.networks import POINTS

ESTIMATES = 9  # numbers that `estimates` returns
SECOND_VIRIAL, CHAIN_SOLVED = 4, 5  # places of two of them
_CONSISTENT = 0.3  # mismatch of a solution that is believed
_MOST = 3.0  # scales between an estimate and the best one that still tell something
_CORRECTION = 0.5  # of |P| + ρ: the network changes the best estimate by less
_WELL = -0.1  # kT: what is nowhere lower has no wells
_ITERATIONS, _POINTS = 600, 200


class InformedPressure(nn.Module):
    """P [kT/σ³] of exp(−U) on the 50 points, densities and `estimates`."""

    def __init__(self, width: int = 32, *, seed: int = 0) -> None:
        super().__init__()
        self.width = width
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.shape = nn.Sequential(nn.Linear(POINTS, width), nn.GELU(), nn.Linear(width, width // 4), nn.GELU())
            self.head = nn.Sequential(nn.Linear(width // 4 + ESTIMATES + 1, width), nn.GELU(), nn.Linear(width, 1))
            last = self.head[-1]
            assert isinstance(last, nn.Linear)
            with torch.no_grad():
                last.weight.mul_(0.1)
                last.bias.zero_()

    def forward(self, u: Tensor, density: Tensor, estimates: Tensor) -> Tensor:
        best, scale = estimates[:, 0], estimates[:, 0].abs() + density
        told = torch.cat(
            [((estimates[:, 1:5] - best[:, None]) / scale[:, None]).clamp(-_MOST, _MOST), estimates[:, 5:]], dim=1
        )
        curve = self.shape(torch.exp(-u).clamp(max=_MOST))
        numbers = torch.stack([density, torch.log(scale / density) / _MOST], dim=1)
        share = self.head(torch.cat([curve, numbers, told], dim=1))[:, 0]
        out: Tensor = best + scale * _CORRECTION * torch.tanh(share / _CORRECTION)
        return out


def estimates(potential: Potential, density: float, kT: float = 1.0, sigma: float = 1.0) -> Array:
    """Return Pσ³/kT: the best, of HNC, PY, RY, of the second virial coefficient; and whether solved, and how consistently.

    The best is Rogers and Young's if it is consistent, else the hypernetted chain's; where neither has a solution that of
    first-order perturbation for a potential with wells, and for others the chain's with the g of a lower density.
    """
    chain, percus, consistent = (
        liquid_theory(potential, density, kT, closure=closure, iterations=_ITERATIONS)
        for closure in ("hnc", "py", "ry")
    )
    unit = sigma**3 / kT
    believed = consistent.solved and abs(consistent.mismatch or 0.0) < _CONSISTENT
    if believed or chain.solved:
        first = consistent.pressure if believed else chain.pressure
    elif np.min(potential.energy(np.linspace(0.01, 1.0, _POINTS) * potential.cutoff)) > _WELL * kT:
        first = chain.pressure  # with the g of a density as near as it went
    else:
        first = perturbation_pressure(potential, density, kT, iterations=_ITERATIONS)
    if not np.isfinite(first):
        first = low_density_pressure(potential, density, kT=kT)
    off = float(np.clip(consistent.mismatch or 0.0, -1, 1)) if consistent.solved else 1.0
    pressures = [first, *(_or(found, first) for found in (chain, percus, consistent)),
                 low_density_pressure(potential, density, kT=kT)]  # fmt: skip
    return np.array([*(unit * p for p in pressures), float(chain.solved), float(percus.solved), float(believed), off])


def _or(found: LiquidTheory, otherwise: float) -> float:
    return found.pressure if found.solved else otherwise
