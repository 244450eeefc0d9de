"""Curves set to a known potential before anything is simulated."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from cg_models.curves.pair_curve import PairCurve


def pretrain(
    curve: PairCurve,
    r: npt.ArrayLike,
    u: npt.ArrayLike,
    *,
    ceiling: float = np.inf,
    steps: int = 1000,
    rate: float = 2e-3,
    tolerance: float = 1e-3,
) -> float:
    """Fit a curve to U(r) [energy], such as −kT ln g, by Adam; return the root mean square of what is left.

    Where U is above `ceiling` [energy] it is not fitted: a wall says where particles are not, no more. It ends after
    `steps`, or when what is left is below `tolerance` [energy].
    """
    weight = next(curve.parameters())
    keep = np.asarray(u) <= ceiling
    at, wanted = (
        torch.as_tensor(np.asarray(x, dtype=float)[keep], dtype=weight.dtype, device=weight.device) for x in (r, u)
    )
    if len(at) < 4:
        raise ValueError(f"U is below the ceiling {ceiling:g} at fewer than 4 points: there is nothing to fit")
    optimizer = torch.optim.Adam(curve.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps, eta_min=0.01 * rate)
    left = np.inf
    for _ in range(steps):
        optimizer.zero_grad()
        loss = ((curve.energy(at) - wanted) ** 2).mean()
        left = float(loss.detach()) ** 0.5
        if left < tolerance:
            break
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()
    return left
