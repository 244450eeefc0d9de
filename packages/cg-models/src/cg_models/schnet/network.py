"""SchNet (Schütt et al., J. Chem. Phys. 148, 241722, 2018) for beads: energies that sum up, of neighbors within a cutoff."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cg_models.schnet.convolution import Pairs, convolved
from cg_models.schnet.filters import Activation, Envelope, Filter, activation_of


@dataclass(frozen=True, slots=True)
class SchNetOptions:
    """What is not learned. Lengths are in the units of the data; `inner` blocks see the other beads of a molecule alone."""

    types: int = 1
    cutoff: float = 8.0
    features: int = 128
    filters: int = 128
    blocks: int = 3
    inner_blocks: int = 0
    inner_cutoff: float = 5.0
    radial: int = 20
    activation: Activation = "shifted_softplus"
    envelope: Envelope = "smooth"

    def __post_init__(self) -> None:
        for name in ("types", "features", "filters", "radial"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not (self.cutoff > 0 and self.inner_cutoff > 0 and self.blocks >= 1 and self.inner_blocks >= 0):
            raise ValueError("cutoffs must be positive and there must be a block")


@dataclass(frozen=True, slots=True, eq=False)
class Neighbors:
    """Every pair once and its distance [length]."""

    i: Tensor
    j: Tensor
    d: Tensor


class Interaction(nn.Module):
    """What a bead learns of its neighbors in one block."""

    def __init__(self, options: SchNetOptions, cutoff: float) -> None:
        super().__init__()
        self.into = nn.Linear(options.features, options.filters, bias=False)
        self.filter = Filter(options.filters, options.radial, cutoff, options.activation, options.envelope)
        self.out = nn.Sequential(
            nn.Linear(options.filters, options.features), activation_of(options.activation),
            nn.Linear(options.features, options.features),
        )  # fmt: skip

    def forward(self, x: Tensor, near: Neighbors, knots: Tensor | None, *, splines: bool) -> Tensor:
        y = self.into(x)
        if splines:
            pairs = Pairs(near.i, near.j, self.filter.spacing)
            gathered = convolved(y, self.filter.knots() if knots is None else knots, near.d, pairs)
        else:
            w, i, j = self.filter(near.d), near.i.long(), near.j.long()
            gathered = torch.zeros_like(y).index_add(0, i, w * y[j]).index_add(0, j, w * y[i])
        found: Tensor = self.out(gathered)
        return found


class SchNet(nn.Module):
    """Energies [energy] of beads of `types`, from their neighbors."""

    def __init__(self, options: SchNetOptions | None = None, *, seed: int = 0) -> None:
        super().__init__()
        self.options = o = options or SchNetOptions()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.embedding = nn.Embedding(o.types, o.features)
            self.blocks = nn.ModuleList(Interaction(o, o.cutoff) for _ in range(o.blocks))
            self.inner_embedding = nn.Embedding(o.types, o.features) if o.inner_blocks else None
            self.inner_blocks = nn.ModuleList(Interaction(o, o.inner_cutoff) for _ in range(o.inner_blocks))
            self.readout = nn.Sequential(
                nn.Linear(o.features, o.features // 2), activation_of(o.activation), nn.Linear(o.features // 2, 1)
            )

    def forward(self, types: Tensor, near: Neighbors, inside: Neighbors | None = None, *,
                knots: list[Tensor] | None = None, splines: bool = True) -> Tensor:  # fmt: skip
        """Return the energy of each bead; `inside` are pairs of a molecule, `near` the others if there are inner blocks.

        `knots` of the filters' splines, from `tabulated`, where weights stay as they are; `splines=False` evaluates every filter
        for every pair.
        """
        x, tables = self.embedding(types), iter(knots) if knots is not None else None
        for block in self.blocks:
            x = x + block(x, near, next(tables) if tables else None, splines=splines)
        if self.inner_embedding is not None:
            if inside is None:
                raise ValueError("inner blocks need the pairs inside molecules")
            z = self.inner_embedding(types)
            for block in self.inner_blocks:
                z = z + block(z, inside, next(tables) if tables else None, splines=splines)
            x = x + z
        energies: Tensor = self.readout(x)[:, 0]
        return energies

    def tabulated(self) -> list[Tensor]:
        """Return the knots of all filters, for many calls with the same weights."""
        with torch.no_grad():
            return [block.filter.knots() for block in [*self.blocks, *self.inner_blocks]]
