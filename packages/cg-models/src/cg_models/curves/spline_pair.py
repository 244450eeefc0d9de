"""A pair potential of cubic B-splines."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from cg_models.curves.neural_pair import RepulsivePrior
from cg_models.curves.pair_curve import PairCurve, brought_to_zero


class SplinePair(PairCurve):
    """u(r) = Σ c_k B_k(r) on uniform knots from `core` to the cutoff [length], ending with zero value and two derivatives.

    Below the core it goes on as a straight line. c is 0 at first.
    """

    def __init__(
        self, cutoff: float, *, core: float, intervals: int = 50, prior: RepulsivePrior | None = None
    ) -> None:  # fmt: skip
        super().__init__()
        if not (0 <= core < cutoff and intervals >= 4):
            raise ValueError(
                f"splines need 0 ≤ core < cutoff and 4 or more intervals, got {core}, {cutoff}, {intervals}"
            )
        self.cutoff, self.core, self.intervals, self.prior = float(cutoff), float(core), int(intervals), prior
        self.settings: dict[str, Any] = {
            "cutoff": self.cutoff, "core": self.core, "intervals": intervals,
            "prior": None if prior is None else [prior.epsilon, prior.sigma, prior.power],
        }  # fmt: skip
        self.coefficients = nn.Parameter(torch.zeros(intervals, dtype=torch.float64))

    def energy(self, r: Tensor) -> Tensor:
        h = (self.cutoff - self.core) / self.intervals
        x = (r - self.core) / h
        inside = x.clamp(0.0, float(self.intervals))
        k = inside.detach().floor().clamp(max=self.intervals - 1).long()
        t = inside - k
        weights = torch.stack([(1 - t) ** 3, 4 - 6 * t**2 + 3 * t**3, 1 + 3 * t + 3 * t**2 - 3 * t**3, t**3]) / 6
        c = torch.cat([self.coefficients, self.coefficients.new_zeros(3)])
        u = (weights * torch.stack([c[k + j] for j in range(4)])).sum(dim=0)
        u = u + 0.5 * (c[2] - c[0]) * (x - inside).clamp(max=0.0)  # the slope at the core, in intervals
        return u if self.prior is None else u + brought_to_zero(self.prior, r, self.cutoff)

    @torch.no_grad()
    def set_to(self, r: np.ndarray, u: np.ndarray) -> None:
        """Set the coefficients to the least-squares fit of a curve, the prior taken off."""
        at = torch.as_tensor(r, dtype=torch.float64)
        given = torch.as_tensor(u, dtype=torch.float64)
        self.coefficients.zero_()
        rest = given - self.energy(at)
        rows = []
        for k in range(len(self.coefficients)):
            self.coefficients.zero_()
            self.coefficients[k] = 1.0
            rows.append(self.energy(at) - (given - rest))
        matrix = torch.stack(rows, dim=1)
        ridge = 1e-10 * torch.eye(matrix.shape[1], dtype=torch.float64)
        self.coefficients.copy_(torch.linalg.solve(matrix.T @ matrix + ridge, matrix.T @ rest))
