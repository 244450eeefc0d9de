"""HIP-NN potentials of one element as functions of positions: kernels sum over neighbors, small networks do the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from cg_models.many_body.hip_files import load_networks, save_networks
from cg_models.many_body.hip_network import Committee, HipNetwork
from cg_models.many_body.hip_sums import Surroundings
from cg_models.many_body.many_body import Array, ManyBody, check_neighbors, checked, deviation
from cg_models.many_body.neighborhoods import Neighborhoods
from cg_models.schnet.convolution import KERNELS

_AT_ONCE = 1024  # atoms: what their hidden layers need stays in a processor's cache


@dataclass(frozen=True, slots=True, eq=False)
class HipNN:
    """One network, or the mean of several with their spread, as a function of positions; in double precision, on the CPU.

    Like every network it knows what it has learned of: phases and densities that its training had.
    """

    networks: tuple[HipNetwork, ...]
    _committee: Committee = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.networks:
            raise ValueError("a potential needs at least one network")
        if len({(network.element, network.options) for network in self.networks}) > 1:
            raise ValueError("networks of a committee must be of the same element and options")
        if not KERNELS:
            raise ImportError('HIP-NN needs numba: pip install "cg-models[hipnn]"')
        object.__setattr__(self, "_committee", Committee(self.networks))

    @property
    def element(self) -> str:
        return self.networks[0].element

    @property
    def cutoff(self) -> float:
        """How far atoms see [Å]."""
        return self.networks[0].options.hard_max

    def __call__(
        self, positions: npt.ArrayLike, cell: npt.ArrayLike | None, *, periodic: npt.ArrayLike = True,
        neighborhoods: Neighborhoods | None = None, force_spread: bool = False,
    ) -> ManyBody:  # fmt: skip
        """Return energy and forces of positions (atom, 3) [Å] in a cell of three vectors, repeated where `periodic`; None: no cell.

        With the same `neighborhoods` from call to call, neighbors are looked for only when atoms have moved far.
        """
        x, vectors, along = checked(positions, cell, periodic)
        near = (neighborhoods or Neighborhoods(self.cutoff, skin=0.0))(x, vectors, along)
        around = Surroundings.of(x, near, self.cutoff)
        energies, slopes = self._learned(self._sums(around))
        forces, virial = self._pull(around, slopes / len(self.networks), slice(None))
        each = (
            [self._pull(around, slopes[k : k + 1], slice(k, k + 1))[0] for k in range(len(slopes))]
            if force_spread
            else []
        )
        return ManyBody(
            float(energies.mean(axis=0).sum()), energies.mean(axis=0), forces, virial, float(deviation(energies.mean(axis=1))),
            np.sqrt((deviation(np.stack(each)) ** 2).sum(axis=1)) if force_spread else None,
        )  # fmt: skip

    def _sums(self, around: Surroundings) -> Array:
        """Return sums (atom, sensitivity) of all networks side by side."""
        from cg_models.many_body.hip_kernels import sums

        found, shortest = sums(around, self._shape(slice(None)))
        if shortest < self.networks[0].options.soft_min:
            raise ValueError(f"two atoms are {shortest:.3g} Å apart, nearer than any that networks tell from none")
        check_neighbors(found, self.cutoff)
        return found

    def _learned(self, sums: Array) -> tuple[Array, Array]:
        """Return energies (network, atom) and their slopes (network, atom, sensitivity)."""
        given, found = torch.from_numpy(sums).reshape(len(sums), len(self.networks), -1).transpose(0, 1), []
        with torch.no_grad():
            found = [self._committee(some) for some in torch.split(given, _AT_ONCE, dim=1)]
        energies, slopes = (torch.cat(parts, dim=1).numpy() for parts in zip(*found, strict=True))
        return energies, slopes

    def _pull(self, around: Surroundings, slopes: Array, which: slice) -> tuple[Array, Array]:
        """Return forces (atom, 3) and the virial Σ f ⊗ r (3, 3) of slopes of the sums of some networks."""
        from cg_models.many_body import hip_kernels

        return hip_kernels.slopes(around, self._shape(which), slopes.transpose(1, 0, 2).reshape(len(around.x), -1))

    def _shape(self, which: slice) -> Any:
        """Return the sensitivities of some networks as kernels take them."""
        from cg_models.many_body.hip_kernels import sensitivities

        return sensitivities((1 / self._committee.mu[which]).numpy(), self._committee.sigma[which].numpy(), self.cutoff)


def hipnn(*models: str | Path | HipNetwork) -> HipNN:
    """Return the potential of files of `save_hipnn`, and of networks that were just trained: together, they are a committee."""
    found = [(m,) if isinstance(m, HipNetwork) else load_networks(m) for m in models]
    return HipNN(tuple(network for networks in found for network in networks))


def save_hipnn(potential: HipNN, path: str | Path, about: Mapping[str, str | float] | None = None) -> None:
    """Write its networks as one safetensors file; `about` is kept beside them: a command, a seed, errors."""
    save_networks(potential.networks, path, about)
