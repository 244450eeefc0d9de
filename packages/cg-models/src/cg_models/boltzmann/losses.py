"""Losses of curves (paper 01, eqs. 1–8): of points, of second differences, and of differences k points apart."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

Kind = Literal["squares", "absolute", "logcosh"]
LAPLACE, FARTHEST = 2.0, 4  # weight of second differences; the largest k


def of_points(kind: Kind) -> Callable[[Tensor], Tensor]:
    """Return l of a difference y − ŷ (eqs. 1–3).

    >>> round(float(of_points("logcosh")(torch.tensor(20.0))), 3)
    19.307
    """
    match kind:
        case "squares":
            return torch.square
        case "absolute":
            return torch.abs
        case "logcosh":
            return lambda d: d.abs() + torch.nn.functional.softplus(-2 * d.abs()) - math.log(2)
        case _:
            raise ValueError(f"a loss is squares, absolute or logcosh, got {kind!r}")


def of_curves(
    found: Tensor, wanted: Tensor, known: Tensor, *, kind: Kind = "logcosh", correlated: bool = True
) -> Tensor:
    """Return L of each curve (…, point) → (…): eq. 5, or with `correlated` off only the mean over points (eq. 4).

    Points that are not `known` (above the cap) do not count, nor do differences that touch them.
    """
    loss, off = of_points(kind), torch.where(known, found - wanted, 0.0)
    total = _mean(loss(off), known)
    if not correlated:
        return total
    bend = off[..., 2:] - 2 * off[..., 1:-1] + off[..., :-2]
    total = total + LAPLACE * _mean(loss(bend), known[..., 2:] & known[..., 1:-1] & known[..., :-2])
    for k in range(1, FARTHEST + 1):
        total = total + _mean(loss(off[..., k:] - off[..., :-k]), known[..., k:] & known[..., :-k])
    return total


def _mean(values: Tensor, known: Tensor) -> Tensor:
    return (values * known).sum(dim=-1) / known.sum(dim=-1).clamp(min=1)
