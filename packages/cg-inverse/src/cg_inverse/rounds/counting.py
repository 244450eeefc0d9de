"""The observable of an inversion: how many pairs each shell holds, frame by frame, with the splines' sums."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cg_data import pair_name
from cg_inverse.problems.basis import PairBasis
from cg_inverse.problems.bins import Bins
from cg_sim import Context, Frame, Recorder
from cg_sim.observables.pair_histogram import pair_histogram

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, slots=True, eq=False)
class PairSeries:
    """Per frame: pairs in each shell, Σ_pairs B_k(r) of each spline, and the pressure with the ideal part ρkT."""

    bins: Bins
    pairs: tuple[str, ...]
    basis: PairBasis

    def start(self, context: Context) -> Recorder:
        return _Recorder(self, context)


class _Recorder:
    def __init__(self, record: PairSeries, context: Context) -> None:
        state = context.state
        self.record, self.kT = record, context.kT
        names = [pair_name(p) for p in combinations_with_replacement(state.names, 2)]
        self.rows = [names.index(p) for p in record.pairs]
        self.averages = [record.basis.spline(p).averages(record.bins) for p in record.pairs]
        self.columns = [record.basis.part(p) for p in record.pairs]
        self.series: list[npt.NDArray[np.float64]] = []

    def sample(self, frame: Frame) -> None:
        state, bins = frame.state, self.record.bins
        found = pair_histogram(state.positions, state.box, state.types, len(state.names), bins.r_max, bins.parts)
        sums = np.zeros(self.record.basis.size)
        for row, average, column in zip(self.rows, self.averages, self.columns, strict=True):
            sums[column] = found[row] @ average
        pressure = state.density * self.kT + float(np.trace(frame.virial)) / (3 * state.volume)
        counts = bins.coarse(found[self.rows])
        self.series.append(np.concatenate([counts.ravel(), sums, [pressure, frame.energy / state.n, state.volume]]))

    def result(self) -> xr.Dataset:
        import xarray as xr

        return xr.Dataset({"pair_series": (("frame", "column"), self._array(), {"units": "1"})})

    def _array(self) -> npt.NDArray[np.float64]:
        width = len(self.rows) * self.record.bins.count + self.record.basis.size + 3
        return np.array(self.series).reshape(len(self.series), width)

    def memory(self) -> dict[str, npt.NDArray[Any]]:
        return {"series": self._array()}

    def remember(self, memory: dict[str, npt.NDArray[Any]]) -> None:
        self.series = list(memory["series"])
