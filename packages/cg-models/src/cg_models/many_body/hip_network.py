"""A HIP-NN of one element with one interaction layer (Lubbers et al. 2018), and several of them evaluated as one.

All atoms start with the same features, so that what an atom's network reads of its neighbors are sums of sensitivities alone:
U = Σ_i N(Σ_j s_1(r_ij), Σ_j s_2(r_ij), …), as an embedded atom of several densities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import softplus


@dataclass(frozen=True, slots=True)
class HipOptions:
    """Widths of layers, and where sensitivities are [Å]: their first and last middle, and the end of all.

    Defaults are those of paper 04, appendix A, but for `hard_max`: it says 5 Å, which is below its soft maximum; its authors'
    example for aluminium has 7.5 Å.
    """

    features: int = 15
    sensitivities: int = 20
    atom_layers: int = 3
    soft_min: float = 1.25
    soft_max: float = 7.0
    hard_max: float = 7.5

    def __post_init__(self) -> None:
        if min(self.features, self.atom_layers) < 1 or self.sensitivities < 2:
            raise ValueError("features and atom_layers must be at least 1, sensitivities 2")
        if not 0 < self.soft_min < self.soft_max < self.hard_max:
            found = f"got {self.soft_min}, {self.soft_max} and {self.hard_max}"
            raise ValueError(f"distances must be 0 < soft_min < soft_max < hard_max, {found}")

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the names that hippynn gives to weights of its `Hipnn` and `HEnergy`, and their shapes."""
        n, first = self.features, "network.blocks.0.0"
        found: dict[str, tuple[int, ...]] = {
            f"{first}.base_layer.int_weights": (self.sensitivities, n, 1),
            f"{first}.base_layer.sensitivity.mu": (1, self.sensitivities),
            f"{first}.base_layer.sensitivity.sigma": (1, self.sensitivities),
            f"{first}.base_layer.selfint.weight": (n, 1), f"{first}.base_layer.selfint.bias": (n,),
            f"{first}.adjust_layer.weight": (n, 1),
            "head.layers.0.weight": (1, 1), "head.layers.1.weight": (1, n), "head.layers.1.bias": (1,),
        }  # fmt: skip
        for k in range(self.atom_layers + 1):
            for part in ("base_layer", "res_layer")[k == 0 :]:
                found |= {f"network.blocks.0.{k}.{part}.{name}": s for name, s in (("weight", (n, n)), ("bias", (n,)))}
        return found


@dataclass(frozen=True, slots=True, eq=False)
class HipNetwork:
    """What was learned: weights by hippynn's names, of energies [eV] beyond `self_energy` per atom, distances in Å."""

    element: str
    options: HipOptions
    self_energy: float
    weights: Mapping[str, Tensor]

    def __post_init__(self) -> None:
        wanted, found = self.options.shapes(), {name: tuple(w.shape) for name, w in self.weights.items()}
        if wrong := sorted({n for n, _ in wanted.items() ^ found.items()}):
            raise ValueError(f"these are no weights of a network of such options: {', '.join(wrong[:3])}")
        if not all(torch.isfinite(w).all() for w in self.weights.values()):
            raise ValueError("its weights are not finite")


class Committee:
    """Networks of the same options as functions of sums of sensitivities (network, atom, sensitivity), in double precision."""

    def __init__(self, members: Sequence[HipNetwork]) -> None:
        self._members, first = members, "blocks.0.0"
        self.mu, self.sigma = (self._all(f"{first}.base_layer.sensitivity.{k}")[:, 0] for k in ("mu", "sigma"))
        self._into = self._all(f"{first}.base_layer.int_weights")[..., 0]
        own = self._all(f"{first}.base_layer.selfint.weight")[..., 0]
        self._into_bias = (own + self._all(f"{first}.base_layer.selfint.bias"))[:, None]
        self._out, out_bias = self._linear(f"{first}.res_layer")
        self._out_bias = out_bias + self._all(f"{first}.adjust_layer.weight")[:, None, :, 0]
        self._layers = [
            (*self._linear(f"blocks.0.{k}.base_layer"), *self._linear(f"blocks.0.{k}.res_layer"))
            for k in range(1, members[0].options.atom_layers + 1)
        ]
        self._head = self._all("layers.1.weight", "head").transpose(1, 2)
        constant = torch.tensor([m.self_energy for m in members], dtype=torch.float64)
        same = self._all("layers.0.weight", "head")[:, 0, 0]
        self._constant = self._all("layers.1.bias", "head") + (same + constant)[:, None]

    def __call__(self, sums: Tensor) -> tuple[Tensor, Tensor]:
        """Return energies [eV] (network, atom) and their slopes (network, atom, sensitivity)."""
        first = torch.baddbmm(self._into_bias, sums, self._into)
        values, inner = torch.baddbmm(self._out_bias, softplus(first), self._out), []
        for weight, bias, back_weight, back_bias in self._layers:
            inner.append(torch.baddbmm(bias, values, weight))
            values = values + torch.baddbmm(back_bias, softplus(inner[-1]), back_weight)
        energies = (values @ self._head)[..., 0] + self._constant
        slope = self._head.transpose(1, 2).expand_as(values)
        for before, (weight, _, back_weight, _) in zip(reversed(inner), reversed(self._layers), strict=True):
            slope = slope + _through(slope, before, back_weight) @ weight.transpose(1, 2)
        return energies, _through(slope, first, self._out) @ self._into.transpose(1, 2)

    def _all(self, name: str, part: str = "network") -> Tensor:
        return torch.stack([m.weights[f"{part}.{name}"].double() for m in self._members])

    def _linear(self, name: str) -> tuple[Tensor, Tensor]:
        return self._all(f"{name}.weight").transpose(1, 2), self._all(f"{name}.bias")[:, None]


def _through(slope: Tensor, before: Tensor, weight: Tensor) -> Tensor:
    """Return the slope of what softplus was taken of, before a linear layer."""
    return (slope @ weight.transpose(1, 2)) * torch.sigmoid(before)
