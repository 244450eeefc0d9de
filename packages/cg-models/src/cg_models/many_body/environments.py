"""Environments of all atoms, and the forces of an energy with given slopes of them: by kernels on the CPU, elsewhere by torch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from cg_models.many_body.environment import Environment, vectors_of
from cg_models.many_body.neighborhoods import Neighbors
from cg_models.schnet.convolution import KERNELS

Array = npt.NDArray[np.float64]
Back = Callable[[Tensor], tuple[Array, Array]]  # of slopes (atom, size), forces (atom, 3) and the virial Σ f ⊗ r (3, 3)
Environments = Callable[[Array, Neighbors], tuple[Tensor, Back]]


def environments_of(environment: Environment, like: Tensor) -> Environments:
    """Return vectors (atom, size), as numbers like these, and what leads from their slopes to forces, of positions."""
    if KERNELS and like.device.type == "cpu":
        from cg_models.many_body.environment_kernels import curves_of

        if (curves := curves_of(environment)) is not None:
            return _by_kernels(environment, curves, like)
    return by_torch(environment, like)


def _by_kernels(environment: Environment, curves: object, like: Tensor) -> Environments:
    from cg_models.many_body.environment_kernels import kernels

    values, slopes = kernels(len(environment.angular_shifts), len(environment.sections))

    def evaluated(x: Array, near: Neighbors) -> tuple[Tensor, Back]:
        vectors = np.empty((len(x), environment.size))
        values(x, near.first, near.j, near.images, curves, near.most, vectors)

        def back(weights: Tensor) -> tuple[Array, Array]:
            forces, virial = np.zeros_like(x), np.zeros((3, 3))
            given = weights.to(torch.float64).contiguous().numpy()
            slopes(x, near.first, near.j, near.images, curves, near.most, given, forces, virial)
            return forces, virial

        return torch.from_numpy(vectors).to(like.dtype), back

    return evaluated


def by_torch(environment: Environment, like: Tensor) -> Environments:
    """Return the same by torch, on the device and in the precision of `like`."""

    def evaluated(x: Array, near: Neighbors) -> tuple[Tensor, Back]:
        i, j = near.i.astype(np.int64), near.j.astype(np.int64)
        apart = x[j] - x[i] + near.images
        chosen = np.einsum("ek,ek->e", apart, apart) < environment.radial_cutoff**2
        one, other = (torch.from_numpy(k[chosen]).to(like.device) for k in (i, j))
        edges = torch.from_numpy(apart[chosen]).to(like).requires_grad_()
        vectors = vectors_of(environment, one, edges, len(x))

        def back(weights: Tensor) -> tuple[Array, Array]:
            (slopes,) = torch.autograd.grad(vectors, edges, weights.to(like), retain_graph=True)
            pull, along = slopes.double(), edges.detach().double()
            forces = torch.zeros(len(x), 3, dtype=torch.float64, device=like.device)
            forces = forces.index_add(0, one, pull).index_add(0, other, -pull)
            return forces.cpu().numpy(), -(pull.T @ along).cpu().numpy()

        return vectors.detach(), back

    return evaluated
