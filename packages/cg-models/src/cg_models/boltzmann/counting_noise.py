"""The noise of a g(r) that was counted: what a run of N particles and so many independent frames would have given.

Waves of a density fluctuate by their own mean: S(k) of n independent ones is known within S/√n. So the error of g has long
waves only as far as the liquid has them: in a dense liquid errors of neighboring bins all but cancel, and S(0) is known
well though each bin is not. (Independent noise on every bin would drown it.)
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from cg_data import shell_volumes
from cg_data.theory.factorization import direct_correlation_within
from cg_models.boltzmann.table import FINE, REACH, LiquidTable, indirect, joined

_WIDTH = REACH / FINE
_STEP, _WAVES = 0.1, 620  # of k, up to half a wave in a bin
_MIDDLE = (np.arange(FINE) + 0.5) * _WIDTH
_K = (torch.arange(_WAVES) + 0.5) * _STEP
_POINTS = torch.tensor(_MIDDLE, dtype=torch.float32)
_FORWARD = torch.tensor(shell_volumes(_MIDDLE), dtype=torch.float32)[:, None] * torch.sinc(
    _K * _POINTS[:, None] / math.pi
)
_BACK = (_K[:, None] ** 2 * _STEP / (2 * math.pi**2)) * torch.sinc(_K[:, None] * _POINTS / math.pi)
_BACK = _BACK * torch.sinc(_K[:, None] * (_WIDTH / 2) / math.pi)  # means over a bin


def noisy(liquids: LiquidTable, *, seed: int, rows: int = 1000) -> LiquidTable:
    """Return the liquids with g, and the γ that is made of it, as counted in runs; so many rows at once.

    γ is made of g with all of the noise. Where g is nothing it cannot have any, but noise that is only left out there has
    long waves that no liquid has, and γ of a dense one is lost in them.
    """
    noise = torch.Generator().manual_seed(seed)
    fine, gamma = liquids.fine.clone(), liquids.gamma.clone()
    for part in (slice(k, k + rows) for k in range(0, len(fine), rows)):
        g, density = liquids.fine[part], liquids.density[part]
        off = counting_error(structure_factors(g, density), density, noise)
        gamma[part] = torch.from_numpy(indirect((g + off).double().numpy(), density.double().numpy()))
        fine[part] = (g + off * g.clamp(min=0, max=1).sqrt()).clamp(min=0)
    counts = fine.double().numpy()
    g_joined, _ = joined(counts, np.zeros_like(counts))
    return replace(liquids, fine=fine, g=torch.from_numpy(g_joined).float(), gamma=gamma)


def structure_factors(g: Tensor, density: Tensor) -> Tensor:
    """Return S on the waves of the noise, from c within the reach of g (row, bin)."""
    c, _ = direct_correlation_within(g.double().numpy() - 1, density.double().numpy(), _WIDTH)
    inverse = 1 - density[:, None] * (torch.from_numpy(c.astype(np.float32)) @ _FORWARD)
    return 1 / inverse.clamp(min=0.05)


def counting_error(structure: Tensor, density: Tensor, noise: torch.Generator, *, particles: int = 1000,
                   frames: float = 250.0) -> Tensor:  # fmt: skip
    """Return an error of g (row, bin) by counting `frames` independent ones (250 is what the campaign's errors say)."""
    volume = particles / density[:, None]
    waves = frames * volume * _K**2 * _STEP / (4 * math.pi**2)
    random = torch.randn(structure.shape, generator=noise) * structure / waves.sqrt()
    return (random / density[:, None]) @ _BACK
