"""How far an input is from what a network has learned of: 1 is as far as one in a hundred of its own training rows."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

REFUSED = 2.0  # score beyond which a prediction would be a guess
_AXES = 24
_USUAL = 0.99  # of the training rows have a score below 1
_WIDEST = 1.1  # times the densities learned from


class OutsideDomain(ValueError):
    """An input unlike everything that a network has learned of; the message says in what."""


@dataclass(frozen=True, slots=True, eq=False)
class Domain:
    """Principal axes of the training rows' inputs; a score is the distance along them, or off them, in units of the usual."""

    mean: Tensor
    axes: Tensor
    spread: Tensor
    usual: Tensor
    densities: Tensor

    @staticmethod
    def of(curves: Tensor, density: Tensor) -> Domain:
        """Return the domain of training rows (row, feature)."""
        mean = curves.mean(dim=0)
        _, sizes, axes = torch.linalg.svd(curves - mean, full_matrices=False)
        kept = axes[:_AXES]
        spread = (sizes[:_AXES] / len(curves) ** 0.5).clamp(min=1e-6)
        found = Domain(mean, kept, spread, torch.ones(2), torch.stack([density.min(), density.max()]))
        return Domain(mean, kept, spread, torch.quantile(found._distances(curves), _USUAL, dim=0), found.densities)

    def score(self, curves: Tensor) -> Tensor:
        """Return the score of each row."""
        return (self._distances(curves) / self.usual).amax(dim=1)

    def check(self, curves: Tensor, density: Tensor, what: str) -> Tensor:
        """Return the scores; OutsideDomain if a row's is above 2 or its density was not learned of."""
        low, high = self._range()
        if not bool(((density >= low) & (density <= high)).all()):
            raise OutsideDomain(
                f"networks know densities from {low:.3g} to {high:.3g} σ⁻³, not {density.tolist()}: simulate"
            )
        scores = self.score(curves)
        if float(scores.max()) > REFUSED:
            raise OutsideDomain(
                f"{what} is unlike everything that the networks learned of (score {float(scores.max()):.2f}, {REFUSED:g} at most):"
                " simulate, or choose another sigma"
            )
        return scores

    def farness(self, curves: Tensor, density: Tensor) -> float:
        """Return the largest score; infinite where a density was not learned of."""
        low, high = self._range()
        known = bool(((density >= low) & (density <= high)).all())
        return float(self.score(curves).max()) if known else float("inf")

    def _range(self) -> tuple[float, float]:
        return float(self.densities[0]) / _WIDEST, float(self.densities[1]) * _WIDEST

    def _distances(self, curves: Tensor) -> Tensor:
        """Return the distance along the axes and the one off them of each row."""
        off = curves - self.mean
        along = off @ self.axes.T
        rest = off - along @ self.axes
        return torch.stack([((along / self.spread) ** 2).mean(dim=1).sqrt(), (rest**2).mean(dim=1).sqrt()], dim=1)


def of_potentials(u: Tensor) -> Tensor:
    """Return what tells potentials apart: exp(−U), and U up to 20 kT."""
    return torch.cat([torch.exp(-u).clamp(max=3.0), u.clamp(-5.0, 20.0) / 5.0], dim=1)


def of_distributions(g: Tensor) -> Tensor:
    """Return what tells g(r) apart: its logarithm down to 1/100."""
    return torch.log(g + 0.01)
