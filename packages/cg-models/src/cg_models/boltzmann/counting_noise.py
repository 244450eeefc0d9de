"""The noise of a g(r) that was counted: what a run of N particles and so many independent frames would have given.

Waves of a density fluctuate by their own mean: S(k) of n independent ones is known within S/√n. So the error of g has long
waves only as far as the liquid has them: in a dense liquid errors of neighboring bins all but cancel, and S(0) is known
well though each bin is not. (Independent noise on every bin would drown it.)
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from cg_data import shell_volumes
from cg_data.theory.factorization import direct_correlation_within
from cg_models.boltzmann.table import R

_WIDTH = float(2 * R[0])
_STEP, _WAVES = 0.1, 310  # of k, up to half a wave in a bin
_K = (torch.arange(_WAVES) + 0.5) * _STEP
_POINTS = torch.tensor(R, dtype=torch.float32)
_FORWARD = torch.tensor(shell_volumes(R), dtype=torch.float32)[:, None] * torch.sinc(_K * _POINTS[:, None] / math.pi)
_BACK = (_K[:, None] ** 2 * _STEP / (2 * math.pi**2)) * torch.sinc(_K[:, None] * _POINTS / math.pi)
_BACK = _BACK * torch.sinc(_K[:, None] * (_WIDTH / 2) / math.pi)  # means over a bin


def structure_factors(g: Tensor, density: Tensor) -> Tensor:
    """Return S on the waves of the noise, from c within the reach of g (row, point)."""
    c, _ = direct_correlation_within(g.double().numpy() - 1, density.double().numpy(), _WIDTH)
    inverse = 1 - density[:, None] * (torch.from_numpy(c.astype(np.float32)) @ _FORWARD)
    return 1 / inverse.clamp(min=0.05)


def counted(
    g: Tensor,
    density: Tensor,
    structure: Tensor,
    noise: torch.Generator,
    *,
    particles: int = 1000,
    frames: float = 250.0,
) -> Tensor:
    """Return g as a run would have counted it; `frames` independent ones (250 is what the campaign's errors say)."""
    volume = particles / density[:, None]
    waves = frames * volume * _K**2 * _STEP / (4 * math.pi**2)
    random = torch.randn(structure.shape, generator=noise) * structure / waves.sqrt()
    off = (random / density[:, None]) @ _BACK
    return (g + off * g.clamp(min=0, max=1).sqrt()).clamp(min=0)
