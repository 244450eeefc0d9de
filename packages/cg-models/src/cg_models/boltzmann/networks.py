"""The three architectures of paper 01: dense (DN), convolutional (CN) and U-shaped (UN) networks of curves on 50 points.

Each curve of the input (U, F, …) goes through a trunk of its own; what comes out is joined with numbers such as the density
and goes through dense layers (figs. 2 and 5 of the paper). The paper found sizes by a grid search that it does not print.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

Architecture = Literal["DN", "CN", "UN"]
ARCHITECTURES: tuple[Architecture, ...] = ("DN", "CN", "UN")
POINTS = 50


class DenseTrunk(nn.Module):
    """Layers of all points with all points."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for a, b in pairwise([POINTS, *widths]):
            layers += [nn.Linear(a, b), nn.ELU()]
        self.layers, self.features = nn.Sequential(*layers), widths[-1]

    def forward(self, curve: Tensor) -> Tensor:
        out: Tensor = self.layers(curve)
        return out


class ConvolutionalTrunk(nn.Module):
    """Filters over neighboring points."""

    def __init__(self, filters: Sequence[int], width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for a, b in pairwise([1, *filters]):
            layers += [nn.Conv1d(a, b, width, padding="same"), nn.ELU()]
        self.layers, self.features = nn.Sequential(*layers), filters[-1] * POINTS

    def forward(self, curve: Tensor) -> Tensor:
        out: Tensor = self.layers(curve[:, None])
        return out.flatten(1)


class UTrunk(nn.Module):
    """Down to half and a quarter of the points and up again, joined on the way with what was there before."""

    def __init__(self, filters: int, width: int) -> None:
        super().__init__()
        self.whole, self.halved = _filtered(1, filters, width), _filtered(filters, 2 * filters, width)
        self.quartered = _filtered(2 * filters, 4 * filters, width)
        self.up, self.back = _filtered(6 * filters, 2 * filters, width), _filtered(3 * filters, filters, width)
        self.features = filters * POINTS

    def forward(self, curve: Tensor) -> Tensor:
        first = self.whole(curve[:, None])
        half = self.halved(nn.functional.avg_pool1d(first, 2))
        quarter = self.quartered(nn.functional.avg_pool1d(half, 2))
        up = self.up(torch.cat([_stretched(quarter, half.shape[-1]), half], dim=1))
        out: Tensor = self.back(torch.cat([_stretched(up, POINTS), first], dim=1))
        return out.flatten(1)


class CurveNetwork(nn.Module):
    """(batch, curves, 50 points) and (batch, numbers) → (batch, outputs)."""

    def __init__(self, architecture: Architecture, curves: int, numbers: int, outputs: int, *, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            trunks = [_trunk(architecture) for _ in range(curves)]
            self.trunks = nn.ModuleList(trunks)
            joined = sum(trunk.features for trunk in trunks) + numbers
            self.head = nn.Sequential(
                nn.Linear(joined, 64), nn.ELU(), nn.Linear(64, 64), nn.ELU(), nn.Linear(64, outputs)
            )

    def forward(self, curves: Tensor, numbers: Tensor) -> Tensor:
        found = [trunk(curves[:, k]) for k, trunk in enumerate(self.trunks)]
        out: Tensor = self.head(torch.cat([*found, numbers], dim=1))
        return out


def _trunk(architecture: Architecture) -> DenseTrunk | ConvolutionalTrunk | UTrunk:
    match architecture:
        case "DN":
            return DenseTrunk((96, 96, 64))
        case "CN":
            return ConvolutionalTrunk((16, 16, 8), 5)
        case "UN":
            return UTrunk(8, 3)
        case _:
            raise ValueError(f"an architecture is DN, CN or UN, got {architecture!r}")


def _filtered(a: int, b: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(a, b, width, padding="same"), nn.ELU(), nn.Conv1d(b, b, width, padding="same"), nn.ELU()
    )


def _stretched(x: Tensor, points: int) -> Tensor:
    return nn.functional.interpolate(x, size=points, mode="linear", align_corners=False)
