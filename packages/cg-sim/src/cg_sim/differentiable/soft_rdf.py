"""Radial distribution functions that change smoothly with positions, and the transpose of that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import combinations_with_replacement
from typing import Literal

import numpy as np

from cg_data import pair_name
from cg_sim.box import check_reach
from cg_sim.differentiable.cotangents import Cotangents
from cg_sim.differentiable.kernels.frames import deposits, gradients
from cg_sim.differentiable.kernels.pairs import Rows
from cg_sim.differentiable.kernels.steps import System
from cg_sim.differentiable.rollout import Rollout
from cg_sim.differentiable.table_rows import Array
from cg_sim.state import State

_FINE = 8  # rows per width of a kernel: a cubic there is the Gaussian to 2e-6 of its height
_TAIL = 5.0  # widths: e^(−12.5) of a kernel's height is left out
Pull = Callable[[Array], Cotangents]


@dataclass(frozen=True, slots=True)
class SoftRDF:
    """g(r) of every pair of types with Gaussians for shells: `bins` centers (k + ½) r_max/bins, each kernel `width` wide
    (its standard deviation [length], the distance of two centers unless given).

    "count" divides by what an ideal gas of these N particles would give, kernels included: g is right as it is, 1 without
    correlation, and pairs up to five widths beyond r_max count. "sphere" is paper 03's eq. 6: each pair within r_max counts 1,
    shared among all kernels, and g is scaled to a mean of 1 in the sphere. The literal exponent of eq. 6, (μ − r)²/d with d
    the distance of centers, is `width` = √(d/2).
    """

    r_max: float
    bins: int = 100
    width: float | None = None
    normalization: Literal["count", "sphere"] = "count"

    def __post_init__(self) -> None:
        if not (0 < self.r_max < np.inf and self.bins >= 2 and (self.width is None or self.width > 0)):
            raise ValueError(f"SoftRDF needs r_max > 0, bins ≥ 2 and a positive width, got {self}")
        if self.normalization not in ("count", "sphere"):
            raise ValueError(f"normalization must be 'count' or 'sphere', got {self.normalization!r}")

    @property
    def r(self) -> Array:
        """Centers of the kernels [length]."""
        return np.asarray((np.arange(self.bins) + 0.5) * (self.r_max / self.bins))

    @property
    def reach(self) -> float:
        """How far pairs count [length]."""
        return self.r_max + (_TAIL * self._width if self.normalization == "count" else 0.0)

    @property
    def _width(self) -> float:
        return self.width or self.r_max / self.bins

    def __call__(self, ran: Rollout) -> tuple[Array, Pull]:
        """Return g (pair, bin), averaged over a rollout's frames, and the function from dL/dg to the frames' cotangents.

        Pairs are in the order of `pairs_of(state)`.
        """
        g, pull = self.of(ran.positions, ran.state)
        return g, lambda g_g: Cotangents(positions=pull(g_g))

    def of(self, positions: Array, state: State) -> tuple[Array, Callable[[Array], Array]]:
        """Return the same of frames (frame, n, 3) of particles like a state's, and from dL/dg to dL/dpositions."""
        check_reach(state.box, self.reach, "the reach of SoftRDF")
        kernel, chosen = _kernel(self), _chosen(state)
        frames = np.ascontiguousarray(positions, dtype=np.float64)
        table = kernel.table(state, chosen, np.zeros((len(chosen), kernel.rows, 4)))
        sums, system = np.zeros_like(table.rows), _system(state)
        deposits(frames, system, table, self.reach, sums)
        sums = sums.reshape(len(chosen), kernel.rows + 1, 4)[:, :-1]
        counts = sums.reshape(len(chosen), -1) @ kernel.curves.reshape(self.bins, -1).T / len(frames)
        g, back = self._normalized(counts, kernel, state, chosen)

        def pull(g_g: Array) -> Array:
            per_count = back(np.asarray(g_g, dtype=np.float64).reshape(g.shape)) / len(frames)
            curve = np.einsum("pk,krc->prc", per_count, kernel.curves)
            out = np.empty_like(frames)
            gradients(frames, system, kernel.table(state, chosen, curve), self.reach, out)
            return out

        return g, pull

    def _normalized(
        self, counts: Array, kernel: _Kernel, state: State, chosen: list[tuple[int, int]]
    ) -> tuple[Array, Callable[[Array], Array]]:
        """Return g from the pairs each kernel counts, and from dL/dg to dL/dcounts."""
        if self.normalization == "count":
            n = np.bincount(state.types, minlength=len(state.names)).astype(float)
            pairs = np.array([n[a] * (n[a] - 1) / 2 if a == b else n[a] * n[b] for a, b in chosen])
            scale = state.volume / (pairs[:, None] * kernel.volumes)
            return counts * scale, lambda g_g: g_g * scale
        total = counts.sum(axis=1, keepdims=True)
        scale = kernel.volumes.sum() / (total * kernel.volumes)
        g = counts * scale
        return g, lambda g_g: g_g * scale - np.sum(g_g * g, axis=1, keepdims=True) / total

    def smeared(self, r: Array, g: Array) -> Array:
        """Return what the kernels make of a curve g(r): a target seen as a rollout is, 1 beyond its last point."""
        kernel = _kernel(self)
        curve = np.interp(kernel.at, r, g, left=0.0, right=1.0)
        return np.asarray((kernel.weights @ curve) / kernel.volumes)


def pairs_of(state: State) -> list[str]:
    """Return the names of the pairs that a soft RDF of a state has: present types, each pair once."""
    return [pair_name((state.names[a], state.names[b])) for a, b in _chosen(state)]


def _chosen(state: State) -> list[tuple[int, int]]:
    n = np.bincount(state.types, minlength=len(state.names))
    present = [k for k in range(len(n)) if n[k]]
    return [(a, b) for a, b in combinations_with_replacement(present, 2) if a != b or n[a] > 1]


def _system(state: State) -> System:
    box = np.array(state.box)
    return System(np.ones(state.n), np.array(state.types, dtype=np.int64), box, np.linalg.inv(box))


@dataclass(frozen=True, slots=True, eq=False)
class _Kernel:
    """The kernels as cubics on a fine grid from 0 to `reach`: `curves` (bin, row, 4), and the volume each one sees."""

    curves: Array
    volumes: Array
    at: Array
    weights: Array
    reach: float

    @property
    def rows(self) -> int:
        return self.curves.shape[1]

    def table(self, state: State, chosen: list[tuple[int, int]], curve: Array) -> Rows:
        """Return a table of one curve per chosen pair of types, a row of zeros at the end of each; others lie on zeros."""
        types = len(state.names)
        pairs = np.zeros((types * types, 4))
        pairs[:, 3] = self.rows
        for k, (a, b) in enumerate(chosen):
            pairs[[a * types + b, b * types + a]] = 0.0, self.rows / self.reach, self.rows, k * (self.rows + 1)
        rows = np.concatenate([curve, np.zeros((len(chosen), 1, 4))], axis=1)
        return Rows(rows.reshape(-1, 4), pairs, np.int32(types))


@cache
def _kernel(soft: SoftRDF) -> _Kernel:
    width, reach = soft._width, soft.reach
    rows = int(np.ceil(reach / width * _FINE))
    knots, h = np.linspace(0, reach, rows + 1), reach / rows

    def value_and_slope(r: Array) -> tuple[Array, Array]:
        x = (r - soft.r[:, None]) / width
        e = np.exp(-0.5 * x * x)
        de = -x / width * e
        if soft.normalization == "sphere":
            total, steep = e.sum(axis=0), de.sum(axis=0)
            return e / total, de / total - e * steep / total**2
        return e, de

    u, s = value_and_slope(knots)
    rise, a, b = np.diff(u, axis=1), h * s[:, :-1], h * s[:, 1:]
    curves = np.stack([u[:, :-1], a, 3 * rise - 2 * a - b, a + b - 2 * rise], axis=2)
    nodes, share = np.polynomial.legendre.leggauss(3)
    at = (knots[:-1, None] + 0.5 * h * (nodes + 1)).ravel()
    weights = value_and_slope(at)[0] * 4 * np.pi * at**2 * np.tile(0.5 * h * share, rows)
    return _Kernel(curves, weights.sum(axis=1), at, weights, reach)
