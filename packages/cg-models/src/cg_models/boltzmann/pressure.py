"""U(r) and ρ → P by a network (paper 01, section 3.1): directly, by an effective B₂*, or by virial coefficients."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from cg_models.boltzmann.networks import CurveNetwork
from cg_models.boltzmann.options import CAP, VIRIALS, PressureOptions

_SCALE = 10.0  # kT/σ³: of P where it comes out of the network itself


class PressureModel(nn.Module):
    """P [kT/σ³] of curves and densities; `coefficients` are what the network itself says."""

    def __init__(self, options: PressureOptions, *, seed: int = 0) -> None:
        super().__init__()
        self.options = options
        density_counts = options.target != "Bn"
        self.network = CurveNetwork(
            options.architecture, curves=1 + ("f" in options.options), numbers=density_counts + ("i" in options.options),
            outputs=len(VIRIALS) if options.target == "Bn" else 1, seed=seed,
        )  # fmt: skip

    def coefficients(self, curves: Tensor, density: Tensor, estimate: Tensor) -> Tensor:
        numbers = [density] if self.options.target != "Bn" else []
        if "i" in self.options.options:
            numbers.append(estimate / _SCALE)
        joined = torch.stack(numbers, dim=1) if numbers else curves.new_zeros((len(curves), 0))
        found: Tensor = self.network(curves, joined)
        return found

    def forward(self, curves: Tensor, density: Tensor, estimate: Tensor) -> Tensor:
        found = self.coefficients(curves, density, estimate)
        match self.options.target:
            case "P":
                return _SCALE * found[:, 0]
            case "B2":
                return density + density**2 * found[:, 0]
            case "Bn":
                return density + sum_of_powers(found, density)


def sum_of_powers(coefficients: Tensor, density: Tensor) -> Tensor:
    """Return Σ B_i ρ^i, the layer without weights (fig. 2b)."""
    powers = torch.stack([density**i for i in VIRIALS], dim=-1)
    return (coefficients * powers).sum(dim=-1)


def input_curves(u: Tensor, force: Tensor, options: str) -> Tensor:
    """Return (batch, 1 or 2, point) of βU and βF as the letters of table 1 want them; they are scaled to about 1."""
    if "e" in options:
        first = torch.exp(-u.clamp(max=200.0))
        second = force * first
    else:
        first = (u.clamp(max=CAP) if "c" in options else u) / CAP
        second = force / CAP
    return torch.stack([first, second] if "f" in options else [first], dim=1)


def pressure_errors(found: Tensor, wanted: Tensor) -> Mapping[str, float]:
    """Return the mean relative absolute error, and R² = 1 − Σ(P − P̂)²/Σ(P − ⟨P⟩)².

    >>> pressure_errors(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]))["mrae"]
    0.25
    """
    relative = ((found - wanted) / wanted).abs().mean()
    r2 = 1 - ((found - wanted) ** 2).sum() / ((wanted - wanted.mean()) ** 2).sum()
    return {"mrae": float(relative), "r2": float(r2)}
