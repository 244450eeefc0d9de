"""Sums of sensitivities and their forces as torch differentiates them: to first order by weights, as a loss of forces needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from cg_models.many_body.many_body import Array
from cg_models.many_body.neighborhoods import Neighbors


class Surroundings(NamedTuple):
    """Positions (atom, 3) and neighbors as kernels take them, of one configuration or of several that see nothing of each other."""

    x: Array
    first: npt.NDArray[np.int64]
    j: npt.NDArray[np.int32]
    images: Array
    most: int
    cutoff: float

    @classmethod
    def of(cls, x: Array, near: Neighbors, cutoff: float) -> Surroundings:
        return cls(x, near.first, near.j, near.images, near.most, cutoff)

    @classmethod
    def joined(cls, parts: Sequence[Surroundings]) -> Surroundings:
        atoms, pairs = (
            np.cumsum([0, *(len(k) for k in each)]) for each in ([p.x for p in parts], [p.j for p in parts])
        )
        first = [part.first[:-1] + begin for part, begin in zip(parts, pairs, strict=False)]
        j = [part.j + np.int32(begin) for part, begin in zip(parts, atoms, strict=False)]
        x, images = (np.concatenate(k) for k in ([p.x for p in parts], [p.images for p in parts]))
        most = max(part.most for part in parts)
        return cls(x, np.concatenate([*first, pairs[-1:]]), np.concatenate(j), images, most, parts[0].cutoff)


class Sums(torch.autograd.Function):
    """Σ_j s(r_ij) (atom, sensitivity) of 1/μ and σ (sensitivity,)."""

    @staticmethod
    def forward(ctx: Any, inverse: Tensor, sigma: Tensor, around: Surroundings) -> Tensor:
        ctx.around, ctx.of = around, _of(inverse, sigma, around)
        return torch.from_numpy(_kernels().sums(around, ctx.of)[0])

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *given: Any) -> Any:
        return *map(torch.from_numpy, _kernels().sums_gradient(ctx.around, ctx.of, given[0].numpy())), None


class Forces(torch.autograd.Function):
    """Forces (atom, 3) of slopes dE/dΣ (atom, sensitivity) of the energy."""

    @staticmethod
    def forward(ctx: Any, slopes: Tensor, inverse: Tensor, sigma: Tensor, around: Surroundings) -> Tensor:
        ctx.save_for_backward(slopes)
        ctx.around, ctx.of = around, _of(inverse, sigma, around)
        return torch.from_numpy(_kernels().slopes(around, ctx.of, slopes.detach().numpy())[0])

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *given: Any) -> Any:
        slopes, pull = ctx.saved_tensors[0].detach().numpy(), given[0].contiguous().numpy()
        return *map(torch.from_numpy, _kernels().slopes_gradient(ctx.around, ctx.of, slopes, pull)), None


def _kernels() -> Any:
    from cg_models.many_body import hip_kernels

    return hip_kernels


def _of(inverse: Tensor, sigma: Tensor, around: Surroundings) -> Any:
    return _kernels().sensitivities(*(k.detach().numpy()[None] for k in (inverse, sigma)), around.cutoff)
