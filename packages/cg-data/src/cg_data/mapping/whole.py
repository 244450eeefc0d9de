"""Molecules made whole across the box, along a tree of bonds."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Edges = tuple[tuple[int, int], ...]


def spanning_tree(n: int, bonds: Sequence[tuple[int, int]]) -> Edges:
    """Return n − 1 edges (parent, child) that reach every atom from atom 0, parents first.

    Without bonds the edges join consecutive atoms.

    >>> spanning_tree(3, ()), spanning_tree(4, [(2, 0), (2, 1), (3, 2)])
    (((0, 1), (1, 2)), ((0, 2), (2, 1), (2, 3)))
    """
    if not bonds:
        return tuple((i, i + 1) for i in range(n - 1))
    near: list[list[int]] = [[] for _ in range(n)]
    for i, j in bonds:
        near[i].append(j)
        near[j].append(i)
    edges, seen, queue = [], {0}, deque([0])
    while queue:
        parent = queue.popleft()
        for child in near[parent]:
            if child not in seen:
                seen.add(child)
                queue.append(child)
                edges.append((parent, child))
    if len(seen) < n:
        missing = min(set(range(n)) - seen)
        raise ValueError(f"bonds do not reach atom {missing} from atom 0: add the bond, or give no bonds at all")
    return tuple(edges)


def heights(box: Array) -> Array:
    """Return the three distances between opposite faces of each cell [length], (..., 3), from rows (..., 3, 3)."""
    return np.asarray(1.0 / np.linalg.norm(np.linalg.inv(box), axis=-2))


def make_whole(position: Array, box: Array, edges: Edges, *, name: str = "molecule") -> Array:
    """Return positions [length] (frame, molecule, atom, 3) in which every edge is a shortest image.

    Atom 0 stays where it is. In fractional coordinates s, each step along an edge becomes Δs − round(Δs), which is
    the shortest image for any cell as long as the step is below half the smallest height of the cell; a longer step
    has no unique image and raises ValueError.
    """
    whole = np.array(position, dtype=np.float64)
    inverse = np.linalg.inv(box)
    longest = 0.5 * heights(box).min(axis=-1)
    for parent, child in edges:
        ds = np.einsum("fmx,fxk->fmk", position[:, :, child] - position[:, :, parent], inverse)
        step = np.einsum("fmk,fkx->fmx", ds - np.round(ds), box)
        far = np.linalg.norm(step, axis=-1) >= longest[:, None]
        if far.any():
            frame, which = (int(i) for i in np.argwhere(far)[0])
            raise ValueError(
                f"{name} {which}, frame {frame}: atoms {parent} and {child} are "
                f"{np.linalg.norm(step[frame, which]):.4g} apart, more than half the height {2 * longest[frame]:.4g} "
                "of the box; are atoms assigned to the right molecules? If so, give the molecule's bonds"
            )
        whole[:, :, child] = whole[:, :, parent] + step
    return whole
