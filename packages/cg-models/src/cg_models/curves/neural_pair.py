"""A network for a pair potential (paper 03, eqs. 7 and 8)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn

from cg_models.curves.pair_curve import PairCurve, brought_to_zero, switched

_ACTIVATIONS: dict[str, type[nn.Module]] = {"elu": nn.ELU, "selu": nn.SELU, "tanh": nn.Tanh, "silu": nn.SiLU}
_SWITCH = 0.2  # of the cutoff: where the network is led to zero


class RepulsivePrior(nn.Module):
    """ε(σ/r)ⁿ, without weights: what keeps particles apart while a network knows nothing."""

    def __init__(self, epsilon: float = 0.4, sigma: float = 0.9, power: int = 10) -> None:
        super().__init__()
        if not (epsilon >= 0 and sigma > 0 and power >= 1):
            raise ValueError(f"a prior needs ε ≥ 0, σ > 0 and a power ≥ 1, got {epsilon}, {sigma}, {power}")
        self.epsilon, self.sigma, self.power = float(epsilon), float(sigma), int(power)

    def forward(self, r: Tensor) -> Tensor:
        return self.epsilon * (self.sigma / r) ** self.power


class NeuralPair(PairCurve):
    """u(r) = MLP(e(r))·s(r) + prior, e_k = exp(−(μ_k − r)²/d_k) on K centers from 0 to the cutoff (eq. 7), d_k learnable.

    `smear` is d_k at first [length²]: the square of 6 center distances unless given (about eq. 7's r_cut/K in
    the paper's units, where it has none). `prior` is ε(σ/r)ⁿ, shifted so that it ends at the cutoff as s(r) makes the network end: with zero
    value and slope. The paper's public code does neither, and its potential jumps there.
    """

    def __init__(
        self,
        cutoff: float,
        *,
        gaussians: int = 100,
        smear: float | None = None,
        hidden: int = 128,
        layers: int = 3,
        activation: Literal["elu", "selu", "tanh", "silu"] = "elu",
        prior: RepulsivePrior | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if not (cutoff > 0 and gaussians >= 2 and hidden >= 1 and layers >= 1):
            raise ValueError(f"a network needs cutoff > 0, 2 or more gaussians, hidden and layers ≥ 1, got {cutoff}")
        if activation not in _ACTIVATIONS:
            raise ValueError(f"activation must be one of {', '.join(_ACTIVATIONS)}, got {activation!r}")
        self.cutoff = float(cutoff)
        first = smear if smear is not None else (6 * cutoff / gaussians) ** 2
        self.settings: dict[str, Any] = {
            "cutoff": self.cutoff, "gaussians": gaussians, "smear": float(first), "hidden": hidden, "layers": layers,
            "activation": activation, "seed": seed,
            "prior": None if prior is None else [prior.epsilon, prior.sigma, prior.power],
        }  # fmt: skip
        self.register_buffer("centers", torch.linspace(0.0, self.cutoff, gaussians))
        self.log_smear = nn.Parameter(torch.full((gaussians,), float(torch.log(torch.tensor(first)))))
        widths = [gaussians, *[hidden] * layers]
        parts: list[nn.Module] = []
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            for a, b in pairwise(widths):
                parts += [nn.Linear(a, b), _ACTIVATIONS[activation]()]
            parts.append(nn.Linear(hidden, 1))
            self.network = nn.Sequential(*parts)
        self.prior = prior

    def energy(self, r: Tensor) -> Tensor:
        e = torch.exp(-((cast(Tensor, self.centers) - r[:, None]) ** 2) / torch.exp(self.log_smear))
        u = cast(Tensor, self.network(e))[:, 0] * switched(r, self.cutoff, _SWITCH * self.cutoff)
        return u if self.prior is None else u + brought_to_zero(self.prior, r, self.cutoff)
