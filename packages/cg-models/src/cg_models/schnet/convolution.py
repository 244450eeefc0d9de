"""The continuous-filter convolution of SchNet with derivatives of first and second order, as learning from forces needs them.

On the CPU, where numba is installed, by kernels that make nothing of the size of pairs × channels; elsewhere by torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from torch import Tensor

KERNELS = find_spec("numba") is not None


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Which rows are neighbors: every pair once. `spacing` [length] is that of the filters' knots."""

    i: Tensor
    j: Tensor
    spacing: float


def convolved(y: Tensor, knots: Tensor, d: Tensor, pairs: Pairs) -> Tensor:
    """Return Σ_j w(d_ij) y_j (row, channel), w the cubic B-spline of `knots` (knot, channel), for distances d of the pairs.

    Gradients are differentiable by y and the knots, not once more by d.
    """
    if KERNELS and y.device.type == "cpu":
        found: Tensor = _Convolution.apply(y, knots, d, pairs)  # type: ignore[no-untyped-call]
        return found
    return by_torch(y, knots, d, pairs)


def by_torch(y: Tensor, knots: Tensor, d: Tensor, pairs: Pairs) -> Tensor:
    """Return the same by tensors of all pairs, on any device."""
    w = spline(knots, d, pairs.spacing)
    i, j = pairs.i.long(), pairs.j.long()
    return torch.zeros_like(y).index_add(0, i, w * y[j]).index_add(0, j, w * y[i])


def spline(knots: Tensor, d: Tensor, spacing: float) -> Tensor:
    """Return the cubic B-spline (distance, channel) whose coefficients start one knot before 0."""
    q = (d.detach() / spacing).long().clamp(max=len(knots) - 4)
    t = (d.double() / spacing - q).to(d.dtype)[:, None]
    a, b, c, e = (knots[q + k] for k in range(4))
    cubed, squared, slope = (
        (3 * (b - c) + e - a) / 6,
        (a - 2 * b + c) / 2,
        (c - a) / 2,
    )  # differences: slopes are exact to rounding
    return (a + 4 * b + c) / 6 + t * (slope + t * (squared + t * cubed))


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, y: Tensor, knots: Tensor, d: Tensor, pairs: Pairs) -> Tensor:
        ctx.save_for_backward(y, knots, d)
        ctx.pairs = pairs
        out = torch.zeros_like(y)
        _kernels().gather(*_arrays(y, knots, *_of(pairs), d), *_inverse(y, pairs), *_arrays(out))
        return out

    @staticmethod
    def backward(ctx: Any, *given: Any) -> Any:
        a, form = given[0].contiguous(), (*ctx.saved_tensors, ctx.pairs)
        g_y, g_d = _Slopes.apply(a, *form)  # type: ignore[no-untyped-call]
        g_knots = _KnotsGradient.apply(a, *form) if ctx.needs_input_grad[1] else None  # type: ignore[no-untyped-call]
        return g_y, g_knots, g_d, None


class _Slopes(torch.autograd.Function):
    """dS/dy and dS/dd of S = Σ a·(w ∗ y)."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, y: Tensor, knots: Tensor, d: Tensor, pairs: Pairs) -> Any:
        ctx.save_for_backward(a, y, knots, d)
        ctx.pairs = pairs
        g_y, g_d = torch.zeros_like(y), torch.empty_like(d)
        _kernels().slopes(*_arrays(a, y, knots, *_of(pairs), d), *_inverse(y, pairs), *_arrays(g_d, g_y))
        return g_y, g_d

    @staticmethod
    def backward(ctx: Any, *given: Any) -> Any:
        a, y, knots, d = ctx.saved_tensors
        u, v = (x.contiguous() for x in given)
        out = [torch.zeros_like(x) for x in (a, y, knots)]
        _kernels().second(*_arrays(u, v, a, y, knots, *_of(ctx.pairs), d), *_inverse(y, ctx.pairs), *_arrays(*out))
        return *out, None, None


class _KnotsGradient(torch.autograd.Function):
    """dS/dC; it is not differentiated again: no loss is made of gradients of weights."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, y: Tensor, knots: Tensor, d: Tensor, pairs: Pairs) -> Tensor:
        out = torch.zeros_like(knots)
        _kernels().knots_gradient(*_arrays(a, y, *_of(pairs), d), *_inverse(y, pairs), *_arrays(out))
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *given: Any) -> Any:
        raise NotImplementedError("gradients of weights are not differentiated again")


def _kernels() -> Any:
    from cg_models.schnet import pair_kernels

    return pair_kernels


def _of(pairs: Pairs) -> tuple[Tensor, Tensor]:
    return pairs.i, pairs.j


def _arrays(*tensors: Tensor) -> list[np.ndarray]:
    return [x.detach().numpy() for x in tensors]


def _inverse(y: Tensor, pairs: Pairs) -> list[np.floating[Any]]:
    return [np.float64(1 / pairs.spacing) if y.dtype == torch.float64 else np.float32(1 / pairs.spacing)]
