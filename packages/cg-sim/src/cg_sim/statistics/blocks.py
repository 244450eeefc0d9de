"""Means of arrays that are sampled during a run, with errors from blocks, in memory that does not grow."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from cg_sim.box import Array

_FULL = 64  # blocks: then neighbors are merged and blocks are twice as long
_MOST = 32  # blocks that the error is taken from


class BlockMean:
    """The mean of correlated samples x of one shape, and its standard error.

    Sums over blocks of consecutive samples are kept; when there are 64, neighbors are merged. The error is the
    spread of the block means of 16 to 32 blocks (fewer before 16 samples): right once a block is several correlation
    times long, that is, once the run is a hundred or more.
    """

    def __init__(self, shape: tuple[int, ...] = ()) -> None:
        self._sums = np.zeros((_FULL, *shape))
        self._first = np.zeros(shape)
        self._partial, self._squares = np.zeros(shape), np.zeros(shape)
        self._count, self._length, self._blocks = 0, 1, 0

    @property
    def count(self) -> int:
        """Samples so far."""
        return self._count

    def add(self, x: npt.ArrayLike) -> None:
        """Take in one sample."""
        values = np.asarray(x, dtype=np.float64)
        if values.shape != self._first.shape:
            raise ValueError(f"samples have shape {self._first.shape}, got {values.shape}")
        if self._count == 0:
            self._first = values.copy()
        self._count += 1
        deviation = values - self._first  # from any one sample: squares of large numbers would cancel
        self._partial = self._partial + deviation
        self._squares = self._squares + deviation**2
        if self._count % self._length == 0:
            self._close_block()

    def _close_block(self) -> None:
        self._sums[self._blocks] = self._partial
        self._partial = np.zeros_like(self._partial)
        self._blocks += 1
        if self._blocks == _FULL:
            self._sums[: _FULL // 2] = self._sums[::2] + self._sums[1::2]
            self._blocks, self._length = _FULL // 2, 2 * self._length

    def mean(self) -> Array:
        """Return the mean of all samples; nan before the first."""
        if self._count == 0:
            return np.full(self._first.shape, np.nan)
        return np.asarray(self._first + self._offset())

    def stderr(self) -> Array:
        """Return the standard error of the mean from 16–32 complete blocks; nan before the second block."""
        sums, length, blocks = self._sums[: self._blocks], self._length, self._blocks
        if blocks > _MOST:
            blocks, length = blocks // 2, 2 * length
            sums = sums[: 2 * blocks : 2] + sums[1 : 2 * blocks : 2]
        if blocks < 2:
            return np.full(self._first.shape, np.nan)
        return np.asarray(np.std(sums / length, axis=0, ddof=1) / np.sqrt(blocks))

    def samples(self) -> Array:
        """Return the effective number of samples: variance of one over squared error, between 1 and the count."""
        if self._count == 0:
            return np.zeros(self._first.shape)
        variance = np.maximum(self._squares / self._count - self._offset() ** 2, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = variance * self._count / max(self._count - 1, 1) / self.stderr() ** 2
        return np.clip(np.where(np.isfinite(ratio), ratio, self._count), 1.0, self._count)

    def _offset(self) -> Array:
        return np.asarray((self._sums[: self._blocks].sum(axis=0) + self._partial) / self._count)

    def memory(self) -> dict[str, npt.NDArray[Any]]:
        """Return all that is known, as copies."""
        numbers = np.array([self._count, self._length, self._blocks], dtype=np.int64)
        arrays = {"sums": self._sums, "first": self._first, "partial": self._partial, "squares": self._squares}
        return {"numbers": numbers, **{name: np.array(array) for name, array in arrays.items()}}

    def remember(self, memory: dict[str, npt.NDArray[Any]]) -> None:
        """Continue from a memory, bit for bit."""
        if memory["sums"].shape != self._sums.shape:
            given, own = memory["sums"].shape[1:], self._first.shape
            raise ValueError(f"the memory is of samples of shape {given}, not {own}: start with the same options")
        self._count, self._length, self._blocks = (int(number) for number in memory["numbers"])
        self._sums, self._first = np.array(memory["sums"]), np.array(memory["first"])
        self._partial, self._squares = np.array(memory["partial"]), np.array(memory["squares"])
