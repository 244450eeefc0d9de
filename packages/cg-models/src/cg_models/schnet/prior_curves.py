"""What priors have of pairs: from tables of quintics where numba is installed, else from the potentials themselves.

A potential is a function of one variable, whatever the number of pairs, as a filter is. Where a table has no row, because a
pair is nearer than it begins or its potential is no such curve, the potential itself is asked: nothing is extrapolated.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from cg_data.pair_table import PairTable, error_scale, first_knot
from cg_data.potentials.pair_potential import Potential, just_inside
from cg_models.schnet.convolution import KERNELS
from cg_models.schnet.graph import Graph

Array = npt.NDArray[np.float64]
TypePair = tuple[int, int]
INTERVALS = 500
ALLOWED = 1e-6  # of the force, or of the potential's characteristic one where that is larger
_PROBES = (np.arange(8) + 0.5) / 8  # of each interval, where a table is compared with its potential


class Tables(NamedTuple):
    """U = Σ_p c[k, p] tᵖ in interval k, 0 ≤ t < 1: the intervals of all potentials, one potential after the other.

    `number` (type, type) is that of a pair's potential, −1 without; it has the intervals from `first` to the next one's, from
    `start` on to `end` [length], `inverse` of them per length.
    """

    number: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]
    start: Array
    end: Array
    inverse: Array
    c: Array


@dataclass(frozen=True, slots=True, eq=False)
class PriorCurves:
    """Potentials by pairs of types, as a function of pairs."""

    potentials: Mapping[TypePair, Potential]
    tables: Tables | None = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tables", tables_of(self.potentials) if KERNELS and self.potentials else None)

    @property
    def cutoff(self) -> float:
        """The largest cutoff [length]."""
        return max(potential.cutoff for potential in self.potentials.values())

    def __call__(self, graph: Graph) -> tuple[Tensor, Tensor]:
        """Return U and dU/dd of every pair, which are not differentiated, in double precision on the CPU."""
        d, i, j, types = (k.detach().cpu().numpy() for k in (graph.d, graph.i, graph.j, graph.types))
        if self.tables is None:
            one, other = (types.take(i), types.take(j)) if types.any() else (0, 0)  # most systems are of one type
            energy, slope = exact(self.potentials, d.astype(np.float64), one, other)
        else:
            from cg_models.schnet import pair_kernels

            energy, slope = np.empty(len(d)), np.empty(len(d))
            if pair_kernels.curves(d, i, j, types, *self.tables, energy, slope):
                left = np.flatnonzero(np.isnan(slope))
                apart = d[left].astype(np.float64)
                energy[left], slope[left] = exact(self.potentials, apart, types[i[left]], types[j[left]])
        return torch.from_numpy(energy), torch.from_numpy(slope)


def exact(
    potentials: Mapping[TypePair, Potential], d: Array, one: npt.ArrayLike, other: npt.ArrayLike
) -> tuple[Array, Array]:
    """Return U and dU/dd of pairs of the types `one` and `other` by the potentials themselves."""
    energy, slope = np.zeros_like(d), np.zeros_like(d)
    for (a, b), potential in potentials.items():
        near = (np.equal(one, a) & np.equal(other, b) | np.equal(one, b) & np.equal(other, a)) & (d < potential.cutoff)
        apart = d if (every := near.all()) else d[near]
        chosen = slice(None) if every else near
        energy[chosen], slope[chosen] = potential.energy(apart), -np.asarray(potential.force(apart))
    return energy, slope


def tables_of(potentials: Mapping[TypePair, Potential]) -> Tables:
    """Return what a kernel reads: tables as they are, others as quintics, and no interval of what those do not follow."""
    size = 1 + max(max(pair) for pair in potentials)
    number = np.full((size, size), -1)
    for k, (a, b) in enumerate(potentials):
        number[a, b] = number[b, a] = k
    start, inverse, rows = zip(*map(_intervals, potentials.values()), strict=True)
    end = [float(potential.cutoff) for potential in potentials.values()]
    first = np.cumsum([0, *map(len, rows)])
    return Tables(number, first, np.array(start), np.array(end), np.array(inverse), np.concatenate(rows))


def quintics(potential: Potential, start: float, intervals: int) -> Array:
    """Return c (interval, 6) of the curve from `start` to the cutoff with the U and F of ends and middles of intervals."""
    powers, t = np.arange(6), np.array([[0.0], [0.5], [1.0]])
    conditions = np.concatenate([t**powers, powers * t ** np.maximum(powers - 1, 0)])
    r = np.linspace(start, potential.cutoff, 2 * intervals + 1)
    r[-1] = just_inside(potential.cutoff)
    width = (potential.cutoff - start) / intervals
    given = [x[k : k + 2 * intervals : 2] for x in (potential.energy(r), -width * potential.force(r)) for k in range(3)]
    return np.ascontiguousarray(np.linalg.solve(conditions, np.stack(given)).T)


def _intervals(potential: Potential) -> tuple[float, float, Array]:
    """Return where the table of a potential begins [length], intervals per length, and their coefficients."""
    if isinstance(potential, PairTable):
        return potential.r_min, 1 / potential.spacing, np.pad(potential.coefficients, ((0, 0), (0, 2)))
    with suppress(ValueError), np.errstate(all="ignore"):  # of a potential that is not defined where a table would be
        if np.isfinite(potential.cutoff):
            start = first_knot(potential, INTERVALS)
            c = quintics(potential, start, INTERVALS)
            if _error(potential, start, c) <= ALLOWED:
                return start, INTERVALS / (potential.cutoff - start), c
    return np.inf, 0.0, np.empty((0, 6))


def _error(potential: Potential, start: float, c: Array) -> float:
    """Return the largest error of forces, of the force there or of the characteristic one."""
    width = (potential.cutoff - start) / len(c)
    right = np.asarray(potential.force(start + width * (np.arange(len(c))[:, None] + _PROBES)))
    found = -(c[:, 1:] * np.arange(1, 6)) @ _PROBES ** np.arange(5)[:, None] / width
    return float(np.max(np.abs(found - right) / np.maximum(np.abs(right), error_scale(potential)[1] or 1.0)))
