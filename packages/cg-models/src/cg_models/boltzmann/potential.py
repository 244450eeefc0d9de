"""g(r) and ρ → U(r) by a network (paper 01, section 3.2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cg_models.boltzmann.losses import of_curves
from cg_models.boltzmann.networks import POINTS, CurveNetwork
from cg_models.boltzmann.options import CAP, PotentialOptions

_LEAST = 1e-6  # of g, where U₀ is asked for


class PotentialModel(nn.Module):
    """U [kT] on the 50 points, or exp(−U) of it, of g there and densities."""

    def __init__(self, options: PotentialOptions, *, seed: int = 0) -> None:
        super().__init__()
        self.options = options
        self.network = CurveNetwork(options.architecture, curves=1, numbers=1, outputs=POINTS, seed=seed)

    def forward(self, g: Tensor, density: Tensor) -> Tensor:
        """Return U [kT]; above the cap of 20 kT it is nothing in particular."""
        raw = self.raw(g, density)
        return -torch.log(raw.clamp(min=torch.exp(torch.tensor(-CAP)))) if "e" in self.options.options else raw

    def raw(self, g: Tensor, density: Tensor) -> Tensor:
        """Return what the network itself gives: U, or exp(−U); with `b` on top of U₀."""
        start = boltzmann_inverted(g) if "b" in self.options.options else g
        found: Tensor = self.network((start / CAP if "b" in self.options.options else start)[:, None], density[:, None])
        return found if "e" in self.options.options else CAP * found

    def loss(self, raw: Tensor, u: Tensor) -> Tensor:
        """Return the loss of each curve: eq. 5 with `f`, else its first term; not where U is above the cap."""
        known, letters = u <= CAP, self.options.options
        wanted = torch.exp(-u) if "e" in letters else u.clamp(max=CAP)
        return of_curves(raw, wanted, known, correlated="f" in letters)


def boltzmann_inverted(g: Tensor) -> Tensor:
    """Return U₀ = −ln g [kT] (eq. 12); where g is 0, what a millionth would give."""
    return -torch.log(g.clamp(min=_LEAST))


def curve_errors(found: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean absolute and mean square error [kT] of each curve where U is not above the cap."""
    known = wanted <= CAP
    absolute = of_curves(found, wanted, known, kind="absolute", correlated=False)
    return absolute, of_curves(found, wanted, known, kind="squares", correlated=False)
