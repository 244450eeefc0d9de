"""What a round of simulation found at one state point: pair counts over frames, and all that follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from cg_inverse.problems.bins import Array
from cg_inverse.problems.state_point import StatePoint

_BLOCKS = 24
_LENGTHS = (24, 12, 6)  # numbers of blocks
_NEIGHBORS = 9  # shells over which the error of counts is averaged: 24 blocks alone give it to 15 %
_LEAST_INEFFICIENCY = 0.1  # pairs of a dense liquid fluctuate less than independent ones, but not this much less


@dataclass(frozen=True, eq=False)
class Sample:
    """Frames of one or more independent runs (`run` numbers each frame's): counts per (frame, pair, shell), splines'
    sums per (frame, k), pressure and energy per frame; `particles` per type.
    """

    state: StatePoint
    counts: Array
    sums: Array
    pressures: Array
    energies: Array
    volumes: Array
    run: Array
    particles: dict[str, int]
    steps: int

    @property
    def frames(self) -> int:
        return len(self.counts)

    @cached_property
    def ideal(self) -> Array:
        """Pairs expected per shell and frame without correlation, in a box of the target's N, as (pair, shell)."""
        numbers = np.array([self._pairs(p) for p in self.state.pairs])
        size = self.state.closed_system(sum(self.particles.values()))
        return np.asarray(numbers[:, None] * self.state.bins.volumes * (size * np.mean(1 / self.volumes)))

    def _pairs(self, pair: str) -> float:
        a, b = pair.split("-")
        n, m = self.particles.get(a, 0), self.particles.get(b, 0)
        return n * (n - 1) / 2 if a == b else n * m

    @cached_property
    def g(self) -> Array:
        """g(r) as (pair, shell), like pairs counted against N(N−1)."""
        return np.asarray(self.counts.mean(axis=0) / self.ideal)

    def blocks(self, wanted: int = _BLOCKS) -> npt.NDArray[np.int64]:
        """Return the block of each frame: consecutive frames of one run, about `wanted` blocks in all."""
        runs, numbers = np.unique(self.run, return_counts=True)
        each = max(1 if len(runs) > 1 else 2, round(wanted / len(runs)))
        parts = [k * each + np.minimum(np.arange(n) * each // n, each - 1) for k, n in enumerate(numbers)]
        order = np.argsort(self.run, kind="stable")
        out = np.empty(self.frames, dtype=np.int64)
        out[order] = np.concatenate(parts)
        return np.asarray(np.unique(out, return_inverse=True)[1], dtype=np.int64)

    def block_means(self, values: Array, wanted: int = _BLOCKS) -> Array:
        """Return means over blocks, as (block, …)."""
        blocks = self.blocks(wanted)
        number = np.bincount(blocks)
        sums = np.zeros((len(number), *values.shape[1:]))
        np.add.at(sums, blocks, values)
        return np.asarray(sums / number.reshape(-1, *[1] * (values.ndim - 1)))

    def error(self, values: Array, wanted: int = _BLOCKS) -> Array:
        """Return the standard error of the mean over frames, from blocks."""
        means = self.block_means(values, wanted)
        return np.asarray(np.std(means, axis=0, ddof=1) / np.sqrt(len(means)))

    @cached_property
    def inefficiency(self) -> Array:
        """Variance of each shell's pairs over that of as many independent ones, averaged over neighboring shells.

        The largest of several lengths of blocks: slow modes are longer than the shortest blocks of a short run.
        """
        total = self.counts.sum(axis=0)
        window = np.ones(min(_NEIGHBORS, total.shape[1]))
        return np.max([self._inefficiency(total, window, wanted) for wanted in _LENGTHS], axis=0)

    def _inefficiency(self, total: Array, window: Array, wanted: int) -> Array:
        spread = (self.error(self.counts, wanted) * self.frames) ** 2
        rows = [
            np.convolve(v, window, "same") / np.maximum(np.convolve(t, window, "same"), 1.0)
            for v, t in zip(spread, total, strict=True)
        ]
        return np.maximum(np.stack(rows), _LEAST_INEFFICIENCY)

    @cached_property
    def exposure(self) -> Array:
        """Independent pairs that each shell would have counted at g = 1: so that g ± √(g/exposure)."""
        return np.asarray(self.frames * self.ideal / self.inefficiency)

    @cached_property
    def g_stderr(self) -> Array:
        """Standard error of g; where nothing was counted, that of one pair."""
        return np.asarray(np.sqrt(np.maximum(self.g * self.exposure, 1.0)) / self.exposure)

    @property
    def pressure(self) -> float:
        return float(self.pressures.mean())

    @property
    def pressure_stderr(self) -> float:
        return float(self.error(self.pressures))

    @property
    def density(self) -> float:
        return sum(self.particles.values()) / float(self.volumes.mean())

    @property
    def density_stderr(self) -> float:
        return self.density * float(self.error(self.volumes)) / float(self.volumes.mean())
