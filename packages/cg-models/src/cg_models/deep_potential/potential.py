"""U = Σ_i N(D_i) + offsets: a deep potential of smooth environments or of local frames, with forces and virials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from cg_models.deep_potential.environments import Environments
from cg_models.deep_potential.layers import Layers
from cg_models.deep_potential.options import Options, SmoothOptions
from cg_models.deep_potential.structures import Structures, structure
from cg_models.many_body.neighborhoods import Neighborhoods

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Energies of atoms (atom,), forces (atom, 3) and virials Σ f ⊗ r (frame, 3, 3)."""

    energies: Array
    forces: Array
    virials: Array

    @property
    def energy(self) -> float:
        """U of all atoms together."""
        return float(self.energies.sum())

    @property
    def virial(self) -> Array:
        """Σ f ⊗ r (3, 3) of all atoms together."""
        return np.asarray(self.virials.sum(axis=0))


class DeepPotential(nn.Module):
    """A network for each type of atom, of its environment. `offset` (type,) is an atom's energy beside what networks say.

    Weights begin at random, by `seed`; in double precision, which is what `smooth` environments are computed in.
    """

    offset: Tensor

    def __init__(self, options: Options, *, seed: int = 0) -> None:
        super().__init__()
        noise = torch.Generator().manual_seed(seed)
        self.options = options
        self.environments: Environments = _environments(options, noise)
        sizes = (self.environments.size, *options.fitting)
        steps = isinstance(options, SmoothOptions) and options.fitting_steps
        self.networks = nn.ModuleList(
            Layers(sizes, steps=steps, linear=True, noise=noise) for _ in range(options.types)
        )
        self.register_buffer("offset", torch.zeros(options.types, dtype=torch.float64))

    @property
    def fitting(self) -> list[Layers]:
        """The networks, by type."""
        return cast(list[Layers], list(self.networks))

    def energies(self, types: Tensor, given: Tensor, *along: Tensor) -> list[Tensor]:
        """Return energies of atoms without offsets, and their changes with those of what environments are given."""
        features = self.environments.features(types, given, *along)
        out = [torch.zeros(len(types), dtype=x.dtype) for x in features]
        for kind, network in enumerate(self.fitting):
            of = torch.nonzero(types == kind)[:, 0]
            if len(of):
                alone = len(of) == len(types)
                found = network(*(x if alone else x[of] for x in features))
                out = [x.index_copy(0, of, y[:, 0]) for x, y in zip(out, found, strict=True)]
        return out

    @torch.no_grad()
    def slopes(self, types: Tensor, given: Tensor) -> tuple[Tensor, Tensor]:
        """Return energies of atoms without offsets, and their slopes by what environments are given."""
        given = given.to(self.fitting[0].offset.dtype)
        (features,) = self.environments.features(types, given)
        energies, by = torch.empty(len(types), dtype=torch.float64), torch.empty_like(features)
        for kind, network in enumerate(self.fitting):
            of = torch.nonzero(types == kind)[:, 0]
            if len(of):
                found = network.slopes(features[of])
                energies[of], by[of] = found[0][:, 0].double(), found[1]
        return energies, self.environments.back(types, given, by)

    def evaluate(self, structures: Structures) -> Found:
        """Return what there is of frames as `structure` and `joined` make them."""
        _check_types(structures.types, self.options.types)
        prepared, types = self.environments.prepared(structures), torch.from_numpy(structures.types)
        energies, by = self.slopes(types, prepared.given)
        forces, virials = structures.forces(prepared.slopes(by))
        return Found((energies + self.offset[types]).numpy(), forces, virials)

    def forward(
        self, positions: npt.ArrayLike, cell: npt.ArrayLike | None, types: npt.ArrayLike, *,
        periodic: npt.ArrayLike = True, near: Neighborhoods | None = None,
    ) -> Found:  # fmt: skip
        """Return energies and forces of positions (atom, 3) [length] in a cell of three vectors or edges.

        With the same `near` from call to call, neighbors are looked for only when atoms have moved far.
        """
        near = near or Neighborhoods(self.options.cutoff, skin=0.0)
        return self.evaluate(structure(positions, cell, types, near, periodic=periodic))


def _environments(options: Options, noise: torch.Generator) -> Environments:
    if isinstance(options, SmoothOptions):
        from cg_models.deep_potential.smooth import SmoothEnvironments

        return SmoothEnvironments(options, noise)
    raise NotImplementedError


def _check_types(types: npt.NDArray[np.int64], known: int) -> None:
    if types.min() < 0 or types.max() >= known:
        raise ValueError(f"the potential has types 0 to {known - 1}, got {types.min()} to {types.max()}")
