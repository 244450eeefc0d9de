"""The ratio of two sampled means, with an error that knows they vary together."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from cg_sim.box import Array
from cg_sim.statistics.blocks import BlockMean

_PARTS = ("numerator", "denominator", "both")


class RatioMean:
    """⟨a⟩/⟨b⟩ of samples a of `shape` and b that broadcast to it; nan where ⟨b⟩ = 0.

    To first order its variance is that of a − (⟨a⟩/⟨b⟩) b over ⟨b⟩²; the covariance is from the variance of a + b,
    which is blocked as those of a and b are.
    """

    def __init__(self, shape: tuple[int, ...], per: tuple[int, ...]) -> None:
        self.numerator, self.denominator, self.both = BlockMean(shape), BlockMean(per), BlockMean(shape)

    def add(self, a: Array, b: Array) -> None:
        self.numerator.add(a)
        self.denominator.add(b)
        self.both.add(a + b)

    def mean(self) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.denominator.mean() != 0, self.numerator.mean() / self.denominator.mean(), np.nan)

    def stderr(self) -> Array:
        a, b, both = (part.stderr() ** 2 for part in (self.numerator, self.denominator, self.both))
        ratio = self.mean()
        variance = a - ratio * (both - a - b) + ratio**2 * b
        return np.asarray(np.sqrt(np.maximum(variance, 0.0)) / np.abs(self.denominator.mean()))

    def samples(self) -> Array:
        """Return the effective number of samples of a."""
        return self.numerator.samples()

    def memory(self) -> dict[str, npt.NDArray[Any]]:
        return {f"{part}_{k}": a for part in _PARTS for k, a in getattr(self, part).memory().items()}

    def remember(self, memory: dict[str, npt.NDArray[Any]]) -> None:
        for part in _PARTS:
            getattr(self, part).remember(own(memory, part))


def own(memory: dict[str, npt.NDArray[Any]], part: str) -> dict[str, npt.NDArray[Any]]:
    """Return what `part` put into a memory under names that begin with its own.

    >>> own({"a_x": np.zeros(1), "b_x": np.ones(1)}, "b")
    {'x': array([1.])}
    """
    return {name.removeprefix(f"{part}_"): a for name, a in memory.items() if name.startswith(f"{part}_")}
