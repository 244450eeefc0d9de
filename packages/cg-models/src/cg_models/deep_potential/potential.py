"""U = Σ_i N(D_i) + offsets: a deep potential of smooth environments or of local frames, with forces and virials."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from cg_models.deep_potential.environments import Environments, Prepared
from cg_models.deep_potential.fitting import FittingNetwork, Passed
from cg_models.deep_potential.local_frames import LocalFrames
from cg_models.deep_potential.options import LocalFrameOptions, Options, SmoothOptions
from cg_models.deep_potential.priors import prior_of
from cg_models.deep_potential.smooth import SmoothEnvironments
from cg_models.deep_potential.structures import Structures, structure
from cg_models.many_body.neighborhoods import Neighborhoods
from cg_models.schnet.bead_potential import Prior

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

    Weights begin at random, by `seed`. A `prior` keeps atoms apart where there are no data; it is added to all that is returned.
    Everything is in double precision; after `potential.networks.float()` what follows the environments is in single.
    """

    offset: Tensor

    def __init__(self, options: Options, prior: Prior | None = None, *, seed: int = 0) -> None:
        super().__init__()
        noise = torch.Generator().manual_seed(seed)
        self.options, self.prior = options, prior or Prior()
        _check_prior(self.prior, options)
        self.environments: Environments = _environments(options, noise)
        sizes = (self.environments.size, *options.fitting)
        steps = isinstance(options, SmoothOptions) and options.fitting_steps
        self.networks = nn.ModuleList(FittingNetwork(sizes, steps=steps, noise=noise) for _ in range(options.types))
        self.register_buffer("offset", torch.zeros(options.types, dtype=torch.float64))

    @property
    def fitting(self) -> list[FittingNetwork]:
        """The networks, by type."""
        return cast(list[FittingNetwork], list(self.networks))

    def networks_of(self, types: Tensor) -> Iterator[tuple[FittingNetwork, Tensor]]:
        """Yield networks, and the numbers of the atoms they are of."""
        for kind, network in enumerate(self.fitting):
            if len(of := torch.nonzero(types == kind)[:, 0]):
                yield network, of

    def passed(self, types: Tensor, given: Tensor) -> list[Passed]:
        """Return what networks say of what environments are given, each of its atoms."""
        features = self.environments.features(types, given)[0].to(self.fitting[0].offset.dtype)
        return [n.passed(features if len(of) == len(types) else features[of]) for n, of in self.networks_of(types)]

    def gathered(self, types: Tensor, found: Sequence[Passed]) -> tuple[Tensor, Tensor]:
        """Return energies (atom,) without offsets, and slopes by features (atom, feature), of all atoms in their order."""
        energies = torch.empty(len(types), dtype=torch.float64)
        by = torch.empty(len(types), self.environments.size, dtype=torch.float64)
        for (_, of), some in zip(self.networks_of(types), found, strict=True):
            energies[of], by[of] = some.energies.double(), some.slopes.double()
        return energies, by

    def check_types(self, types: npt.NDArray[np.int64]) -> None:
        """Raise ValueError if one is none of the potential's."""
        if types.min() < 0 or types.max() >= self.options.types:
            raise ValueError(
                f"the potential has types 0 to {self.options.types - 1}, got {types.min()} to {types.max()}"
            )

    def evaluate(self, structures: Structures) -> Found:
        """Return what there is of frames as `structure` and `joined` make them."""
        self.check_types(structures.types)
        prepared, types = self.environments.prepared(structures), torch.from_numpy(structures.types)
        energies, by = self.gathered(types, self.passed(types, prepared.given))
        return self.found(structures, prepared, energies, by)

    def found(self, structures: Structures, prepared: Prepared, energies: Tensor, by: Tensor) -> Found:
        """Return energies with offsets and the prior's, and forces of slopes by features with the prior's."""
        types = torch.from_numpy(structures.types)
        slopes = prepared.slopes(self.environments.back(types, prepared.given, by))
        each = (energies + self.offset[types]).numpy()
        if self.prior.between:
            known, known_slopes = prior_of(self.prior, structures)
            each, slopes = each + known, slopes + known_slopes
        return Found(each, *structures.forces(slopes))

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
    match options:
        case SmoothOptions():
            return SmoothEnvironments(options, noise)
        case LocalFrameOptions():
            return LocalFrames(options)
        case _:
            raise TypeError(f"options must be SmoothOptions or LocalFrameOptions, got {type(options).__name__}")


def _check_prior(prior: Prior, options: Options) -> None:
    if prior.inside:
        raise ValueError("a deep potential has priors between atoms only, not inside molecules")
    for pair, potential in prior.between.items():
        if potential.cutoff > options.cutoff * (1 + 1e-9):
            raise ValueError(f"the prior of {pair} ends at {potential.cutoff:g}, environments at {options.cutoff:g}")
