"""Formulas whose parameters learn."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from cg_models.curves.pair_curve import PairCurve, brought_to_zero


class _Formula(PairCurve):
    """A law with positive parameters, kept as logarithms, ending with zero value and slope at the cutoff."""

    def __init__(self, cutoff: float, **values: float) -> None:
        super().__init__()
        if not (cutoff > 0 and all(v > 0 for v in values.values())):
            raise ValueError(f"{type(self).__name__} needs a positive cutoff and positive parameters, got {values}")
        self.cutoff = float(cutoff)
        self.settings: dict[str, Any] = {"cutoff": self.cutoff, **values}
        self.logs = nn.ParameterDict(
            {name: nn.Parameter(torch.tensor(float(v), dtype=torch.float64).log()) for name, v in values.items()}
        )
        self._law = _Law(self)

    @property
    def values(self) -> dict[str, float]:
        """Today's parameters."""
        return {name: float(log.detach().exp()) for name, log in self.logs.items()}

    def law(self, r: Tensor, **values: Tensor) -> Tensor:
        raise NotImplementedError

    def energy(self, r: Tensor) -> Tensor:
        return brought_to_zero(self._law, r, self.cutoff)


class _Law(nn.Module):
    """The formula without what is done at its cutoff; it holds its owner's weights without owning them."""

    def __init__(self, owner: _Formula) -> None:
        super().__init__()
        self._owner = (owner,)

    def forward(self, r: Tensor) -> Tensor:
        owner = self._owner[0]
        return owner.law(r, **{name: log.exp() for name, log in owner.logs.items()})


class LennardJonesPair(_Formula):
    """4ε[(σ/r)¹² − (σ/r)⁶]."""

    def __init__(self, cutoff: float, *, epsilon: float = 1.0, sigma: float = 1.0) -> None:
        super().__init__(cutoff, epsilon=epsilon, sigma=sigma)

    def law(self, r: Tensor, **values: Tensor) -> Tensor:
        s6 = (values["sigma"] / r) ** 6
        return 4 * values["epsilon"] * s6 * (s6 - 1)


class MorsePair(_Formula):
    """ε[e^(−2α(r − r₀)) − 2e^(−α(r − r₀))]."""

    def __init__(self, cutoff: float, *, epsilon: float = 1.0, alpha: float = 6.0, r0: float = 1.1) -> None:
        super().__init__(cutoff, epsilon=epsilon, alpha=alpha, r0=r0)

    def law(self, r: Tensor, **values: Tensor) -> Tensor:
        e = torch.exp(-values["alpha"] * (r - values["r0"]))
        return values["epsilon"] * e * (e - 2)
