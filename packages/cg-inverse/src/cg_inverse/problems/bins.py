"""The shells in which a target counts pairs, each divided into finer ones so that spline averages are nearly exact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
_PARTS = 8  # even: shells centered on multiples of their width begin at half of one
_UNEVEN = 0.02  # of the width: a grid of centers that varies more is resampled


@dataclass(frozen=True, slots=True)
class Bins:
    """`count` shells of `width` [length], the first centered at `first`; what lies below r = 0 of it is cut off.

    >>> Bins(0.0, 0.1, 3).edges.tolist(), Bins(0.05, 0.1, 2).edges.round(3).tolist()
    ([0.0, 0.05, 0.15000000000000002, 0.25], [0.0, 0.1, 0.2])
    """

    first: float
    width: float
    count: int

    @property
    def r(self) -> Array:
        """Centers [length]."""
        return np.asarray(self.first + self.width * np.arange(self.count))

    @property
    def edges(self) -> Array:
        inner = self.first + self.width * (np.arange(self.count + 1) - 0.5)
        return np.maximum(inner, 0.0)

    @property
    def r_max(self) -> float:
        """Outer edge of the last shell [length]."""
        return self.first + self.width * (self.count - 0.5)

    @property
    def volumes(self) -> Array:
        """Volumes of the shells [length³]."""
        return 4 / 3 * np.pi * np.diff(self.edges**3)

    @property
    def parts(self) -> int:
        """Number of fine shells from r = 0 to r_max."""
        return round(self.r_max * _PARTS / self.width)

    @property
    def fine_edges(self) -> Array:
        return np.linspace(0.0, self.r_max, self.parts + 1)

    @property
    def fine_starts(self) -> npt.NDArray[np.int64]:
        """Index of the first fine shell of each shell; fine shells before the first belong to none."""
        starts = np.rint(self.edges[:-1] * _PARTS / self.width).astype(np.int64)
        return np.asarray(starts)

    def coarse(self, fine: npt.ArrayLike) -> Array:
        """Return what fine shells hold in all, per shell, along the last axis."""
        return np.add.reduceat(np.asarray(fine, dtype=np.float64), self.fine_starts, axis=-1)


def bins_of(r: npt.ArrayLike) -> Bins:
    """Return the shells centered at `r` [length]: equally spaced, on whole multiples of half a width.

    >>> bins_of([0.05, 0.15, 0.25])
    Bins(first=0.05, width=0.1, count=3)
    """
    x = np.asarray(r, dtype=np.float64)
    width = float((x[-1] - x[0]) / (len(x) - 1))
    if np.max(np.abs(np.diff(x) - width)) > _UNEVEN * width:
        raise ValueError("r must be equally spaced: resample the target")
    halves = round(2 * float(x[0]) / width)
    if abs(2 * float(x[0]) / width - halves) > 2 * _UNEVEN:
        raise ValueError(
            f"r must lie on multiples of half its step {width:.6g}, r[0] = {x[0]:.6g}: resample the target"
        )
    width = float(f"{width:.12g}")
    return Bins(halves * width / 2, width, len(x))


def resampled(r: npt.ArrayLike, values: npt.ArrayLike) -> tuple[Array, Array]:
    """Return (r, values) on an equally spaced grid that shells can be centered on; untouched if they already are."""
    x, y = np.asarray(r, dtype=np.float64), np.asarray(values, dtype=np.float64)
    try:
        return bins_of(x).r, y
    except ValueError:
        width = float(f"{np.median(np.diff(x)):.6g}")
        grid = width * (np.arange(np.ceil(x[0] / width - 0.5 - 1e-9), np.floor(x[-1] / width - 0.5 + 1e-9) + 1) + 0.5)
        rows = np.atleast_2d(y)
        return grid, np.reshape([np.interp(grid, x, row) for row in rows], (*y.shape[:-1], len(grid)))


def whole_core(bins: Bins) -> tuple[Bins, int]:
    """Return the shells continued down to r = 0, and how many were missing.

    >>> whole_core(Bins(0.25, 0.1, 10))
    (Bins(first=0.05, width=0.1, count=12), 2)
    """
    halves = round(2 * bins.first / bins.width)
    missing = halves // 2
    first = bins.width / 2 if halves % 2 else 0.0
    return Bins(first, bins.width, bins.count + missing), missing
