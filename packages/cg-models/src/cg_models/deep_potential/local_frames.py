"""Environments in local frames, as paper 05 has them: sorted neighbors, the nearest with directions. They jump where order changes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from cg_models.deep_potential import frame_kernels
from cg_models.deep_potential.options import LocalFrameOptions
from cg_models.deep_potential.structures import Structures

Array = npt.NDArray[np.float64]
_LEAST = 1e-2  # of spreads


class LocalFrames(nn.Module):
    """Descriptors D of fig. 1, less their `mean` and over their `spread` (type of center, number)."""

    mean: Tensor
    spread: Tensor

    def __init__(self, options: LocalFrameOptions) -> None:
        super().__init__()
        self.options, self.reach = options, (math.inf, 0.0)
        self.full = np.concatenate([np.arange(n) < f for n, f in zip(options.count, options.full, strict=True)])
        width = np.where(self.full, 4, 1)
        self.place = np.cumsum(width) - width
        self.size = int(width.sum())
        self.register_buffer("mean", torch.zeros(options.types, self.size, dtype=torch.float64))
        self.register_buffer("spread", torch.ones(options.types, self.size, dtype=torch.float64))

    def prepared(self, structures: Structures, *, learning: bool = False, unchanged: bool = False) -> FramesPrepared:
        """Return D of all atoms."""
        if not structures.shortest > 0:
            raise ValueError("two atoms are at the same place")
        return FramesPrepared(self, structures)

    def features(self, types: Tensor, given: Tensor, *along: Tensor) -> list[Tensor]:
        """Return D (atom, size) as networks take it, and its change."""
        return [(given - self.mean[types]) / self.spread[types], *(x / self.spread[types] for x in along)]

    def back(self, types: Tensor, given: Tensor, by: Tensor) -> Tensor:
        """Return slopes of D of those of features."""
        return by / self.spread[types]

    def remeasure(self) -> None:
        """There are no tables."""

    def normalize(self, structures: Structures) -> None:
        """Set means and spreads so that numbers are of size 1: one of each for all 1/R of a center, a spread for all directions."""
        given, types = self.prepared(structures).given, torch.from_numpy(structures.types)
        radial = torch.zeros(self.size, dtype=torch.bool)
        radial[torch.from_numpy(self.place)] = True
        for c in range(self.options.types):
            of = given[types == c]
            if len(of):
                self.mean[c] = torch.where(radial, of[:, radial].mean(), 0.0)
                self.spread[c, radial] = of[:, radial].std(correction=0).clamp(min=_LEAST)
            if len(of) and not radial.all():
                self.spread[c, ~radial] = of[:, ~radial].square().mean().sqrt().clamp(min=_LEAST)


@dataclass(frozen=True, slots=True, eq=False)
class FramesPrepared:
    """Some structures, who sits where in them, and D (atom, number), `given`."""

    environments: LocalFrames
    structures: Structures
    seats: npt.NDArray[np.int64] = field(init=False)
    ends: npt.NDArray[np.int64] = field(init=False)
    given: Tensor = field(init=False)

    def __post_init__(self) -> None:
        s, of = self.structures, self.environments
        seats = np.empty((len(s.types), len(of.place)), dtype=np.int64)
        ends, given = np.empty((len(s.types), 2), dtype=np.int64), np.zeros((len(s.types), of.size))
        count = np.array(of.options.count, dtype=np.int64)
        frame_kernels.ordered(s.types, s.first, s.j, s.vectors, of.options.cutoff, count, seats, ends)
        frame_kernels.values(seats, ends, of.place, of.full, s.vectors, given)
        for name, value in (("seats", seats), ("ends", ends), ("given", torch.from_numpy(given))):
            object.__setattr__(self, name, value)

    def slopes(self, by: Tensor) -> Array:
        """Return dE/dvector (edge, 3) of dE/dD."""
        out = np.zeros_like(self.structures.vectors)
        of = self.environments
        given = by.contiguous().numpy()
        frame_kernels.slopes(self.seats, self.ends, of.place, of.full, self.structures.vectors, given, out)
        return out

    def changes(self, u: Array) -> Tensor:
        """Return the change of D along u (edge, 3)."""
        out, of = np.zeros((len(self.seats), self.environments.size)), self.environments
        frame_kernels.changes(self.seats, self.ends, of.place, of.full, self.structures.vectors, u, out)
        return torch.from_numpy(out)

    def learn(self, u: Array, change: Tensor, by: Tensor, by_change: Tensor) -> None:
        """There are no weights to learn."""
