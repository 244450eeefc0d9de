"""Who is near whom: pairs of a frame once each, with their distances and directions, by vesin's neighbor list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from cg_models.schnet.convolution import KERNELS
from cg_models.schnet.network import Neighbors

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """Pairs of one or several frames: i, j, distance [length] and unit vector from i to j; `frame` says whose each bead is."""

    i: Tensor
    j: Tensor
    d: Tensor
    direction: Tensor
    types: Tensor
    frame: Tensor
    frames: int = 1
    inside: Graph | None = None

    def near(self, d: Tensor | None = None) -> Neighbors:
        """Return the pairs as a network takes them, at other distances if they are given."""
        return Neighbors(self.i, self.j, self.d if d is None else d)

    def forces(self, slopes: Tensor) -> Tensor:
        """Return the forces on beads (bead, 3) of dU/dd of the pairs."""
        if KERNELS and slopes.device.type == "cpu" and not slopes.requires_grad:
            from cg_models.schnet import pair_kernels

            out = np.zeros((len(self.types), 3), slopes.numpy().dtype)
            pair_kernels.forces(slopes.numpy(), self.direction.numpy(), self.i.numpy(), self.j.numpy(), out)
            return torch.from_numpy(out)
        along = slopes[:, None] * self.direction
        none = torch.zeros(len(self.types), 3, dtype=along.dtype, device=along.device)
        return none.index_add(0, self.i.long(), along).index_add(0, self.j.long(), -along)

    def to(self, where: torch.dtype | torch.device | str) -> Graph:
        """Return the pairs on another device, or with distances and directions of another kind of numbers."""
        what = ["d", "direction"] if isinstance(where, torch.dtype) else ["i", "j", "d", "direction", "types", "frame"]
        inside = None if self.inside is None else self.inside.to(where)
        moved: dict[str, Any] = {name: getattr(self, name).to(where) for name in what}
        return replace(self, inside=inside, **moved)


def graph(
    positions: npt.ArrayLike,
    box: npt.ArrayLike | None,
    cutoff: float,
    *,
    types: npt.ArrayLike | None = None,
    molecule: npt.ArrayLike | None = None,
    inner_cutoff: float = 0.0,
    dtype: torch.dtype = torch.float32,
) -> Graph:
    """Return the pairs of one frame within the cutoff [length]; `box` (3, 3) or edges, None without.

    With `molecule` numbers, pairs of the same molecule are apart from the others, in `inside`, up to the inner cutoff.
    """
    x = np.asarray(positions, dtype=np.float64)
    if x.ndim != 2 or x.shape[1] != 3 or not np.isfinite(x).all():
        raise ValueError(f"positions must be finite and (bead, 3), got {x.shape}")
    kinds = (
        torch.zeros(len(x), dtype=torch.long) if types is None else torch.as_tensor(np.array(types), dtype=torch.long)
    )
    i, j, vectors = pairs_within(x, box, max(cutoff, inner_cutoff))
    d = np.linalg.norm(vectors, axis=1)
    if len(d) and d.min() == 0:
        raise ValueError("two beads are at the same place")
    same = np.zeros(len(d), dtype=bool) if molecule is None else np.asarray(molecule)[i] == np.asarray(molecule)[j]

    def chosen(which: npt.NDArray[np.bool_], inside: Graph | None) -> Graph:
        return Graph(
            torch.from_numpy(i[which]), torch.from_numpy(j[which]), torch.as_tensor(d[which], dtype=dtype),
            torch.as_tensor(vectors[which] / d[which, None], dtype=dtype), kinds, torch.zeros_like(kinds), inside=inside,
        )  # fmt: skip

    inner = chosen(same & (d < inner_cutoff), None) if molecule is not None else None
    return chosen(~same & (d < cutoff), inner)


def joined(graphs: Sequence[Graph]) -> Graph:
    """Return several frames as one."""
    starts = [int(s) for s in np.cumsum([0, *(len(g.types) for g in graphs)])[:-1]]
    inner = [g.inside for g in graphs if g.inside is not None]
    return Graph(
        torch.cat([g.i + s for g, s in zip(graphs, starts, strict=True)]),
        torch.cat([g.j + s for g, s in zip(graphs, starts, strict=True)]),
        torch.cat([g.d for g in graphs]), torch.cat([g.direction for g in graphs]), torch.cat([g.types for g in graphs]),
        torch.cat([g.frame + k for k, g in enumerate(graphs)]), len(graphs),
        joined(inner) if len(inner) == len(graphs) else None,
    )  # fmt: skip


def pairs_within(
    x: Array, box: npt.ArrayLike | None, cutoff: float
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], Array]:
    """Return i, j and x_j − x_i [length] of every pair, sorted by i and j."""
    import vesin

    cell = np.zeros((3, 3)) if box is None else np.asarray(box, dtype=np.float64)
    cell = np.diag(cell) if cell.ndim == 1 else cell
    search = vesin.NeighborList(cutoff=float(cutoff), full_list=False)
    i, j, vectors = search.compute(points=x, box=cell, periodic=box is not None, quantities="ijD")
    order = np.argsort(i.astype(np.int64) * len(x) + j.astype(np.int64), kind="stable")
    return i[order].astype(np.int32), j[order].astype(np.int32), np.ascontiguousarray(vectors[order])
