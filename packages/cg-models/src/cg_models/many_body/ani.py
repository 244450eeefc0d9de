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
from cg_models.many_body.neighborhoods import Neighborhoods
from cg_models.many_body.neurochem import Published, read_neurochem

Array = npt.NDArray[np.float64]
Precision = Literal["double", "single"]
_AT_ONCE = 1024  # atoms: what their hidden layers need stays in a processor's cache


@dataclass(frozen=True, slots=True, eq=False)
class ManyBody:
    """Energy [eV], energies of atoms (atom,), forces (atom, 3) [eV/Å], virial Σ f ⊗ r (3, 3) [eV].

    `spread` [eV per atom] is the standard deviation of the energy per atom over the networks; `force_spread` (atom,) [eV/Å]
    that of forces, the root of the sum of the variances of x, y and z: None unless asked for. One network alone has no spread, nan.
    """

    energy: float
    energies: Array
    forces: Array
    virial: Array
    spread: float
    force_spread: Array | None = None


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
        x, vectors, along = _checked(positions, cell, periodic)
        near = (neighborhoods or Neighborhoods(self.cutoff, skin=0.0))(x, vectors, along)
        given, back = self._environments(x, near)
        self._check(given)
        energies, slopes = self._learned(given, each=force_spread)
        found = [back(weights) for weights in slopes]
        forces, virial = (np.mean([f[k] for f in found], axis=0) for k in (0, 1))
        return ManyBody(
            float(energies.mean(axis=0).sum()) + self.self_energy * len(x), energies.mean(axis=0) + self.self_energy,
            forces, virial, float(_deviation(energies.mean(axis=1))),
            np.sqrt((_deviation(np.stack([f for f, _ in found])) ** 2).sum(axis=1)) if force_spread else None,
        )  # fmt: skip

    def _check(self, given: Tensor) -> None:
        if not torch.isfinite(given).all():
            raise ValueError("two atoms are at the same place")
        if alone := torch.nonzero((given == 0).all(dim=1)).flatten().tolist():
            near = f"have no neighbor within {self.cutoff:g} Å"
            raise ValueError(f"atoms {alone[:5]} {near}: the potential has learned condensed phases, no lone atoms")

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


def _checked(
    positions: npt.ArrayLike, cell: npt.ArrayLike | None, periodic: npt.ArrayLike
) -> tuple[Array, Array, npt.NDArray[np.bool_]]:
    x = np.ascontiguousarray(positions, dtype=np.float64)
    vectors = np.zeros((3, 3)) if cell is None else np.ascontiguousarray(cell, dtype=np.float64)
    if x.ndim != 2 or x.shape[1:] != (3,) or vectors.shape != (3, 3) or len(x) == 0:
        raise ValueError(f"positions must be (atom, 3) and the cell (3, 3), got {x.shape} and {vectors.shape}")
    if not (np.isfinite(x).all() and np.isfinite(vectors).all()):
        raise FloatingPointError("positions or cell are not finite: the dynamics broke down")
    along = np.asarray(periodic, dtype=np.bool_) & (cell is not None)
    return x, vectors, np.broadcast_to(along, 3).copy()


def _deviation(values: Array) -> Array:
    """Return the standard deviation along the first axis; of one value alone, nan."""
    return np.std(values, axis=0, ddof=1) if len(values) > 1 else np.full(values.shape[1:], np.nan)
