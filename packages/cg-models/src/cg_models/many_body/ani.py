"""ANI potentials of one element: U = Σ atoms of the mean of several networks of each atom's environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from cg_data.units import factor
from cg_models.many_body.ensemble import Ensemble
from cg_models.many_body.environment import Environment
from cg_models.many_body.environments import Environments, environments_of
from cg_models.many_body.many_body import Array, ManyBody, check_neighbors, checked, deviation
from cg_models.many_body.neighborhoods import Neighborhoods
from cg_models.many_body.neurochem import Published, read_neurochem

Precision = Literal["double", "single"]
_AT_ONCE = 1024  # atoms: what their hidden layers need stays in a processor's cache


@dataclass(frozen=True, slots=True, eq=False)
class Ani:
    """A published potential as a function of positions, made by `ani`; `self_energy` [eV] is that of an atom without its networks.

    It has learned condensed phases: energies of isolated atoms, of small clusters and of dilute vapor mean nothing.
    """

    element: str
    environment: Environment
    networks: Ensemble
    self_energy: float
    _environments: Environments = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_environments", environments_of(self.environment, self.networks.weights[0]))

    @property
    def cutoff(self) -> float:
        """How far atoms see [Å]."""
        return self.environment.radial_cutoff

    def __call__(
        self, positions: npt.ArrayLike, cell: npt.ArrayLike | None, *, periodic: npt.ArrayLike = True,
        neighborhoods: Neighborhoods | None = None, force_spread: bool = False,
    ) -> ManyBody:  # fmt: skip
        """Return energy and forces of positions (atom, 3) [Å] in a cell of three vectors, repeated where `periodic`; None: no cell.

        With the same `neighborhoods` from call to call, neighbors are looked for only when atoms have moved far.
        """
        x, vectors, along = checked(positions, cell, periodic)
        near = (neighborhoods or Neighborhoods(self.cutoff, skin=0.0))(x, vectors, along)
        given, back = self._environments(x, near)
        if not torch.isfinite(given).all():
            raise ValueError("two atoms are at the same place")
        check_neighbors(given.double().cpu().numpy(), self.cutoff)
        energies, slopes = self._learned(given, each=force_spread)
        found = [back(weights) for weights in slopes]
        forces, virial = (np.mean([f[k] for f in found], axis=0) for k in (0, 1))
        return ManyBody(
            float(energies.mean(axis=0).sum()) + self.self_energy * len(x), energies.mean(axis=0) + self.self_energy,
            forces, virial, float(deviation(energies.mean(axis=1))),
            np.sqrt((deviation(np.stack([f for f, _ in found])) ** 2).sum(axis=1)) if force_spread else None,
        )  # fmt: skip

    def _learned(self, given: Tensor, *, each: bool) -> tuple[Array, Tensor]:
        """Return energies (network, atom) and the slopes of each network, or of their mean (1, atom, feature)."""
        energies, slopes = [], []
        with torch.no_grad():
            for some in torch.split(given, _AT_ONCE):
                energy, slope = self.networks.slopes(some)
                energies.append(energy.double().cpu().numpy())
                slopes.append(slope if each else slope.mean(dim=0, keepdim=True))
        return np.concatenate(energies, axis=1), torch.cat(slopes, dim=1)


def ani(folder: str | Path, *, precision: Precision = "double", device: torch.device | str = "cpu") -> Ani:
    """Return the ANI potential of one element whose NeuroChem files are below a folder, such as a clone of ani-al.

    In single precision its networks are; on the CPU, environments and sums are always double.
    """
    match precision:
        case "double" | "single":
            kind = torch.float64 if precision == "double" else torch.float32
        case _:
            raise ValueError(f"precision must be 'double' or 'single', got {precision!r}")
    published = read_neurochem(folder)
    networks = _ensemble(published).to(device=device, dtype=kind)
    return Ani(published.element, published.environment, networks, published.self_energy * factor("hartree", "eV"))


def _ensemble(published: Published) -> Ensemble:
    """Return the networks with energies in eV."""
    layers = [
        [torch.from_numpy(np.stack(k)).double() for k in zip(*same, strict=True)]
        for same in zip(*published.networks, strict=True)
    ]
    layers[-1] = [numbers * factor("hartree", "eV") for numbers in layers[-1]]
    return Ensemble([w.transpose(1, 2).contiguous() for w, _ in layers], [b[:, None] for _, b in layers])
