"""Pairs of beads that move: looked for again only when one has gone half of a skin, for one system or many side by side."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from cg_models.schnet.candidates import Candidates, within
from cg_models.schnet.graph import Graph, pairs_within

Array = npt.NDArray[np.float64]


class MovingGraph:
    """The graph of (system, bead, 3) positions in boxes of the same edges or vectors; call it whenever they have moved."""

    def __init__(
        self, types: npt.ArrayLike, box: npt.ArrayLike, cutoff: float, *, skin: float = 1.0,
        molecule: npt.ArrayLike | None = None, inner_cutoff: float = 0.0, dtype: torch.dtype = torch.float32,
    ) -> None:  # fmt: skip
        if not (cutoff > 0 and skin >= 0):
            raise ValueError(f"cutoff must be positive and skin ≥ 0, got {cutoff} and {skin}")
        self.types = torch.as_tensor(np.array(types), dtype=torch.long)
        self.molecule = None if molecule is None else np.asarray(molecule)
        self.box, self.cutoff, self.inner, self.skin, self.dtype = (
            np.asarray(box, float),
            cutoff,
            inner_cutoff,
            skin,
            dtype,
        )
        self.rebuilt = 0
        self._from: Array | None = None
        self._whose: tuple[torch.Tensor, torch.Tensor]
        self._between: Candidates
        self._inside: Candidates | None

    def __call__(self, positions: npt.ArrayLike) -> Graph:
        """Return the pairs of positions as they are now."""
        x = np.asarray(positions, dtype=np.float64)
        x = x[None] if x.ndim == 2 else x
        if x.shape[1:] != (len(self.types), 3):
            raise ValueError(f"positions must be (system, {len(self.types)}, 3), got {x.shape}")
        if not np.isfinite(x).all():
            raise FloatingPointError("positions are not finite: the dynamics broke down")
        if self._from is None or self._from.shape != x.shape or _farthest(x - self._from) > self.skin / 2:
            self._look(x)
        inside = None if self._inside is None else self._graph(x, self._inside, self.inner, None)
        return self._graph(x, self._between, self.cutoff, inside)

    def _graph(self, x: Array, pairs: Candidates, cutoff: float, inside: Graph | None) -> Graph:
        i, j, d, direction = (torch.from_numpy(found) for found in within(x.reshape(-1, 3), pairs, cutoff))
        return Graph(i, j, d.to(self.dtype), direction.to(self.dtype), *self._whose, len(x), inside)

    def _look(self, x: Array) -> None:
        """Find all pairs within the cutoff and the skin, and which image of j is near i."""
        n, reach = len(self.types), max(self.cutoff, self.inner) + self.skin
        i, j, images = [], [], []
        for k, at in enumerate(x):
            one, other, vectors = pairs_within(at, self.box, reach)
            i.append(one + k * n)
            j.append(other + k * n)
            images.append(vectors - (at[other] - at[one]))
        found = Candidates(*(np.concatenate(parts) for parts in (i, j, images)))
        self._between, self._inside, self._from, self.rebuilt = found, None, x.copy(), self.rebuilt + 1
        self._whose = self.types.repeat(len(x)), torch.arange(len(x)).repeat_interleave(n)
        if self.molecule is not None:
            same = self.molecule[found.i % n] == self.molecule[found.j % n]
            self._between, self._inside = found[~same], found[same]


def _farthest(steps: Array) -> float:
    return float(np.sqrt((steps**2).sum(axis=-1).max()))
