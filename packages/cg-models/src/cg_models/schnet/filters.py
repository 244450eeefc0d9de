"""Filters of SchNet: networks of a distance, and the splines through them that convolutions use.

A filter is a function of one variable, whatever the number of pairs. It is evaluated at a few hundred distances, and a cubic
B-spline goes through them: in dynamics always, in learning too, where gradients return through the spline to the weights.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

Activation = Literal["shifted_softplus", "tanh", "silu"]
Envelope = Literal["smooth", "cosine", "none"]
INTERVALS = 600


class ShiftedSoftplus(nn.Module):
    """ln(½ + ½ eˣ)."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.softplus(x) - math.log(2.0)


def activation_of(name: Activation) -> nn.Module:
    match name:
        case "shifted_softplus":
            return ShiftedSoftplus()
        case "tanh":
            return nn.Tanh()
        case "silu":
            return nn.SiLU()
        case _:
            raise ValueError(f"an activation is shifted_softplus, tanh or silu, got {name!r}")


class Filter(nn.Module):
    """(distance) → (distance, channel): Gaussians of the distance, two layers, and an envelope that ends at the cutoff.

    With the envelope "none" energies have a step there, as where SchNet's filters end without one; dynamics then heat.
    """

    centers: Tensor

    def __init__(self, channels: int, radial: int, cutoff: float, activation: Activation, envelope: Envelope) -> None:
        super().__init__()
        if envelope not in get_args(Envelope):
            raise ValueError(f"an envelope is {', '.join(get_args(Envelope))}, got {envelope!r}")
        self.cutoff, self.envelope, self.spacing = cutoff, envelope, cutoff / INTERVALS
        self.layers = nn.Sequential(
            nn.Linear(radial, channels), activation_of(activation), nn.Linear(channels, channels)
        )
        self.register_buffer("centers", torch.linspace(0, cutoff, radial), persistent=False)

    def forward(self, d: Tensor) -> Tensor:
        """Return the filter itself."""
        width = self.cutoff / (len(self.centers) - 1)
        out: Tensor = self.layers(torch.exp(-0.5 * ((d[:, None] - self.centers) / width) ** 2))
        return out * self._envelope(d)[:, None]

    def knots(self) -> Tensor:
        """Return the coefficients (knot, channel) of the spline through it.

        They are made in double precision: slopes are differences of coefficients that are nearly the same.
        """
        points, inverse = _interpolation(self.centers.device)
        weights = {name: p.double() for name, p in self.named_parameters()}
        found: Tensor = inverse @ functional_call(self, weights, (points * self.spacing,))
        return found.to(next(self.parameters()).dtype)

    def _envelope(self, d: Tensor) -> Tensor:
        x = (d / self.cutoff).clamp(max=1)
        if self.envelope == "none":
            return torch.ones_like(d)
        if self.envelope == "cosine":
            return 0.5 * (torch.cos(math.pi * x) + 1)
        return 1 - x**3 * (10 - 15 * x + 6 * x**2)


@cache
def _interpolation(device: torch.device) -> tuple[Tensor, Tensor]:
    points, inverse = interpolation(INTERVALS)
    return torch.from_numpy(points).to(device), torch.from_numpy(inverse).to(device)


def interpolation(intervals: int) -> tuple[np.ndarray, np.ndarray]:
    """Return where a cubic B-spline of so many unit intervals is given, and the matrix from values there to coefficients.

    At all knots and, as each end leaves one coefficient free, half a unit inside of them.

    >>> points, inverse = interpolation(4)
    >>> points.tolist(), inverse.shape
    ([0.0, 0.5, 1.0, 2.0, 3.0, 3.5, 4.0], (7, 7))
    """
    points = np.sort(np.concatenate([np.arange(intervals + 1), [0.5, intervals - 0.5]]))
    q = np.minimum(points.astype(int), intervals - 1)
    t = points - q
    s = 1 - t
    matrix = np.zeros((intervals + 3, intervals + 3))
    for k, b in enumerate((s**3, 3 * t**3 - 6 * t**2 + 4, 3 * s**3 - 6 * s**2 + 4, t**3)):
        matrix[np.arange(len(points)), q + k] += b / 6
    return points, np.linalg.inv(matrix)
