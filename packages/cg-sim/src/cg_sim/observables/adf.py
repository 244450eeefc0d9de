"""Angle distribution of triplets within cutoffs."""

# mypy: disable-error-code="untyped-decorator"
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from numba import njit

from cg_sim.box import Array, check_reach
from cg_sim.engines.protocol import Frame
from cg_sim.observables.neighbor_pairs import Indices, neighbors_within
from cg_sim.observables.protocol import Context
from cg_sim.observables.ratio_mean import RatioMean
from cg_sim.state import State

Mask = npt.NDArray[np.bool_]
_GUESSES = 4096  # a table from the cosine to the bin, right or a few bins low


@dataclass(frozen=True, slots=True)
class ADF:
    """P(θ) [1/radian] of the angle j–i–k at i, over pairs j < k of neighbors both nearer than a cutoff [length].

    One curve per cutoff, ∫₀^π P dθ = 1; `adf_isotropic` is 2P/sin θ, where uncorrelated directions give 1 (the bin's
    mean of sin θ is used). `center` and `ends` keep triplets of these types only. `adf_triplets` is their mean
    number per central particle.
    """

    cutoffs: tuple[float, ...]
    bins: int = 180
    center: str | None = None
    ends: str | None = None

    def __post_init__(self) -> None:
        ordered = tuple(sorted({float(c) for c in np.atleast_1d(self.cutoffs)}))
        if not ordered or not ordered[0] > 0 or self.bins < 1:
            raise ValueError(f"ADF needs positive cutoffs and bins, got cutoffs = {self.cutoffs}, bins = {self.bins}")
        object.__setattr__(self, "cutoffs", ordered)

    def start(self, context: Context) -> _Recorder:
        return _Recorder(self, context)


def angle_counts(
    positions: Array,
    box: Array,
    cutoffs: tuple[float, ...],
    bins: int,
    center: Mask | None = None,
    ends: Mask | None = None,
) -> Indices:
    """Return how many triplets have their angle in each of `bins` equal bins over [0, π], per ascending cutoff.

    An angle on an edge falls on either side of it by rounding.

    >>> water = np.array([[1.0, 1, 1], [2.0, 1, 1], [1.0, 2, 1]])
    >>> angle_counts(water, np.eye(3) * 9, (1.1, 1.5), 3).tolist()
    [[0, 1, 0], [2, 1, 0]]
    """
    found = neighbors_within(positions, box, max(cutoffs), "the ADF's cutoff")
    every = np.ones(len(positions), dtype=np.bool_)
    at, to = every if center is None else center, every if ends is None else ends
    unit = found.vector / np.where(found.distance > 0, found.distance, np.nan)[:, None]
    # The square of a distance may be below the square of a cutoff that the distance itself rounds to.
    shell = np.minimum(np.searchsorted(np.array(cutoffs), found.distance, side="right"), len(cutoffs) - 1)
    edges = np.cos(np.linspace(0, np.pi, bins + 1))
    guesses = np.searchsorted(-edges, -np.linspace(-1, 1, _GUESSES + 1), side="right") - 1
    shortest = _angles(found.start, found.index, unit, shell, len(cutoffs), edges, guesses, at, to)
    return np.asarray(np.cumsum(shortest, axis=0))


@njit(cache=True, nogil=True)
def _angles(
    start: Indices,
    index: Indices,
    unit: Array,
    shell: Indices,
    shells: int,
    edges: Array,
    guesses: Indices,
    center: Mask,
    ends: Mask,
) -> Indices:
    """Count each triplet once, at the shortest cutoff that holds it; an angle is found by its cosine in `edges`."""
    bins = len(edges) - 1
    counts = np.zeros((shells, bins), np.int64)
    for i in range(len(start) - 1):
        if not center[i]:
            continue
        for p in range(start[i], start[i + 1]):
            if not ends[index[p]]:
                continue
            for q in range(p + 1, start[i + 1]):
                cosine = unit[p, 0] * unit[q, 0] + unit[p, 1] * unit[q, 1] + unit[p, 2] * unit[q, 2]
                if ends[index[q]] and not np.isnan(cosine):  # particles at one place have no angle
                    cosine = min(1.0, max(-1.0, cosine))
                    found = guesses[min(_GUESSES, int((cosine + 1) * (_GUESSES / 2)) + 1)]
                    while found < bins - 1 and cosine < edges[found + 1]:
                        found += 1
                    counts[max(shell[p], shell[q]), found] += 1
    return counts


class _Recorder:
    def __init__(self, record: ADF, context: Context) -> None:
        check_reach(context.state.box, max(record.cutoffs), "the ADF's cutoff")
        self.record = record
        self.center, self.ends = _of_type(context.state, record.center), _of_type(context.state, record.ends)
        self.shares = RatioMean((len(record.cutoffs), record.bins), (len(record.cutoffs), 1))

    def sample(self, frame: Frame) -> None:
        state, record = frame.state, self.record
        counts = angle_counts(state.positions, state.box, record.cutoffs, record.bins, self.center, self.ends)
        per_center = counts / max(1, int(np.sum(self.center)))
        self.shares.add(per_center, per_center.sum(axis=1, keepdims=True))

    def result(self) -> xr.Dataset:
        edges = np.linspace(0, np.pi, self.record.bins + 1)
        width, uncorrelated = np.diff(edges), (np.cos(edges[:-1]) - np.cos(edges[1:])) / 2
        share, stderr, triplets = self.shares.mean(), self.shares.stderr(), self.shares.denominator
        dims, kept = ("adf_cutoff", "angle"), {"center": self.record.center or "all", "ends": self.record.ends or "all"}
        adf = {"units": "1/radian", "normalization": "integral over the angle is 1"} | kept
        isotropic = {"units": "1", "normalization": "1 where directions are independent"} | kept
        number = {"units": "1", "per": "central particle"} | kept
        return xr.Dataset(
            {
                "adf": (dims, share / width, adf),
                "adf_stderr": (dims, stderr / width, {"units": "1/radian"}),
                "adf_samples": (dims, self.shares.samples(), {"units": "1"}),
                "adf_isotropic": (dims, share / uncorrelated, isotropic),
                "adf_isotropic_stderr": (dims, stderr / uncorrelated, {"units": "1"}),
                "adf_triplets": ("adf_cutoff", triplets.mean()[:, 0], number),
                "adf_triplets_stderr": ("adf_cutoff", triplets.stderr()[:, 0], {"units": "1"}),
                "adf_triplets_samples": ("adf_cutoff", triplets.samples()[:, 0], {"units": "1"}),
            },
            coords={
                "adf_cutoff": ("adf_cutoff", np.array(self.record.cutoffs), {"units": "length"}),
                "angle": ("angle", 0.5 * (edges[:-1] + edges[1:]), {"units": "radian"}),
            },
        )

    def memory(self) -> dict[str, npt.NDArray[Any]]:
        return self.shares.memory()

    def remember(self, memory: dict[str, npt.NDArray[Any]]) -> None:
        self.shares.remember(memory)


def _of_type(state: State, name: str | None) -> Mask:
    if name is None:
        return np.ones(state.n, dtype=np.bool_)
    if name not in state.names:
        raise ValueError(f"there are no particles of type {name!r}, the state has {state.names}")
    return np.asarray(state.types == state.names.index(name))
