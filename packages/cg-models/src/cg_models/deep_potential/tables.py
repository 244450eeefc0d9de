"""Embedding networks as tables: each is a function of one number, whatever the number of neighbors it is asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from cg_models.deep_potential.layers import Layers

LANES = 8
_FIRST, _MOST = 8, 2**15  # intervals per unit of s to begin with, and knots at most


def tabulated(networks: Sequence[Layers], start: Tensor, knots: int, spacing: float) -> Tensor:
    """Return (center, neighbor, knot, 3, channel): values at start + k spacing, slopes · spacing, second derivatives · spacing².

    `networks` are by center and neighbor, one after the other, or by neighbor alone.
    """
    kinds = len(start)
    s = start[:, None] + spacing * torch.arange(knots, dtype=start.dtype)
    rows = []
    for c in range(kinds):
        for t in range(kinds):
            rows.append(_jets(networks[t if len(networks) == kinds else c * kinds + t], s[c], spacing))
    found = torch.stack(rows).reshape(kinds, kinds, knots, 3, -1)
    return pad(found, (0, -found.shape[-1] % LANES))


def spacing_for(networks: Sequence[Layers], start: Tensor, end: Tensor, allowed: float) -> float:
    """Return a distance of knots where no table is further than `allowed` from its network, of the largest value there is.

    The error is measured, in the middles of intervals, for slopes by s too; the distance is halved until it is small enough.
    """
    spacing = 1 / _FIRST
    while (knots := knots_for(start, end, spacing)) <= _MOST:
        if error(networks, start, knots, spacing) <= allowed:
            return spacing
        spacing /= 2
    raise ValueError(f"no table of {_MOST} knots is enough: atoms are too near to each other, or weights too large")


def knots_for(start: Tensor, end: Tensor, spacing: float) -> int:
    """Return how many knots it takes to go from start to end, whichever center's is longest."""
    return math.ceil(float((end - start).max()) / spacing) + 2


def error(networks: Sequence[Layers], start: Tensor, knots: int, spacing: float) -> float:
    """Return the largest error of tables' values and slopes in the middles of intervals, of the largest of each."""
    with torch.no_grad():
        return _error(networks, start, knots, spacing)


def _error(networks: Sequence[Layers], start: Tensor, knots: int, spacing: float) -> float:
    table = tabulated(networks, start, knots, spacing)
    right = tabulated(networks, start + spacing / 2, knots - 1, spacing)[..., :2, :]
    left, ahead = table[:, :, :-1], table[:, :, 1:]
    value = (left[..., 0, :] + ahead[..., 0, :]) / 2 + 5 / 32 * (left[..., 1, :] - ahead[..., 1, :])
    value = value + (left[..., 2, :] + ahead[..., 2, :]) / 64
    slope = 15 / 8 * (ahead[..., 0, :] - left[..., 0, :]) - 7 / 16 * (left[..., 1, :] + ahead[..., 1, :])
    slope = slope + (ahead[..., 2, :] - left[..., 2, :]) / 32
    wrong = (torch.stack([value, slope], dim=-2) - right).abs().amax(dim=(0, 1, 2, 4))
    largest = right.abs().amax(dim=(0, 1, 2, 4))
    return float((wrong / largest.clamp(min=np.finfo(float).tiny)).max())


def _jets(network: Layers, s: Tensor, spacing: float) -> Tensor:
    """Return (knot, 3, channel) of one network."""
    point = s[:, None]
    return torch.stack(network(point, torch.full_like(point, spacing), torch.zeros_like(point)), dim=1)
