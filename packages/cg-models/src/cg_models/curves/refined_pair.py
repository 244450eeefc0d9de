"""A pair potential that is known already, and a smooth change of it that learns."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from cg_models.curves.pair_curve import PairCurve
from cg_models.curves.spline_pair import SplinePair


class RefinedPair(PairCurve):
    """u(r) = u₀(r) + Δu(r), both cubic B-splines from `core` to the cutoff [length]: u₀ on `intervals`, as `set_to` sets it
    and left alone by training, Δu on the few of `learning`, 0 at first.

    A change of few coefficients averages more of a noisy gradient into each, and cannot ripple.
    """

    def __init__(self, cutoff: float, *, core: float, intervals: int = 50, learning: int = 12) -> None:
        super().__init__()
        self.cutoff = float(cutoff)
        self.settings: dict[str, Any] = {
            "cutoff": self.cutoff, "core": float(core), "intervals": int(intervals), "learning": int(learning),
        }  # fmt: skip
        self.change = SplinePair(cutoff, core=core, intervals=learning)
        self.known = SplinePair(cutoff, core=core, intervals=intervals)
        self.known.requires_grad_(False)

    def energy(self, r: Tensor) -> Tensor:
        return self.known.energy(r) + self.change.energy(r)

    @torch.no_grad()
    def set_to(self, r: np.ndarray, u: np.ndarray) -> None:
        """Set u₀ to the least-squares fit of a curve, and Δu to 0."""
        self.known.set_to(r, u)
        self.change.coefficients.zero_()
