"""What priors have of neighbors: potentials between pairs, which are found in both directions, half of each."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from cg_models.deep_potential.edge_kernels import edge_curves
from cg_models.deep_potential.structures import Structures
from cg_models.schnet.bead_potential import Prior
from cg_models.schnet.graph import Graph

Array = npt.NDArray[np.float64]


def prior_of(prior: Prior, structures: Structures) -> tuple[Array, Array]:
    """Return energies (atom,) and their slopes by vectors (edge, 3)."""
    s, tables = structures, prior.tables
    if tables is not None:
        energies, slopes = np.zeros(len(s.types)), np.zeros_like(s.vectors)
        if not edge_curves(s.types, s.first, s.j, s.vectors, *tables, energies, slopes):
            return energies, slopes
    return _asked(prior, structures)


def _asked(prior: Prior, structures: Structures) -> tuple[Array, Array]:
    """Return them by the potentials themselves, where pairs are nearer than tables begin."""
    d = np.sqrt(np.einsum("ek,ek->e", structures.vectors, structures.vectors))
    i, j, apart, types, frame = (
        torch.from_numpy(np.asarray(k)) for k in (structures.i, structures.j, d, structures.types, structures.frame)
    )
    direction = structures.vectors / d[:, None]
    energies, slopes = np.zeros(len(structures.types)), np.zeros_like(structures.vectors)
    for _, energy, slope in prior.each(Graph(i, j, apart, torch.from_numpy(direction), types, frame)):
        energies += np.bincount(structures.i, energy.numpy() / 2, len(energies))
        slopes += slope.numpy()[:, None] * direction / 2
    return energies, slopes
