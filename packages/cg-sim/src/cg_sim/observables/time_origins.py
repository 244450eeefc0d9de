"""Correlation over time, streamed: what each frame is to earlier frames (the time origins), per type and overall."""

# mypy: disable-error-code="untyped-decorator"
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from numba import njit

from cg_sim.box import Array
from cg_sim.observables.protocol import Context
from cg_sim.observables.ratio_mean import RatioMean, own
from cg_sim.state import State
from cg_sim.statistics.blocks import BlockMean

_ARRAYS = ("origins", "curves", "sums", "counts", "clock")
Kernel = Callable[[Array, Array, npt.NDArray[np.int32], int], Array]


class TimeOrigins:
    """C(t) = ⟨c(x_i(t₀ + t), x_i(t₀))⟩ over particles and origins t₀, for lags of 0…`lags` frames.

    Every `spacing` frames a new origin is kept, for `lags` frames: memory 24·n·(lags/spacing + 1) bytes. Means use
    every frame that an origin has met; errors come from the origins whose curve is complete, as do those of one
    linear functional of the curve, Σ_t `weights`(t) C(t). Row 0 is all particles, then one row per type.
    """

    def __init__(self, context: Context, kernel: Kernel, lags: int, spacing: int, weights: Array) -> None:
        state = context.state
        self.kernel, self.lags, self.spacing, self.weights = kernel, lags, spacing, weights
        self.interval = context.every * context.dt
        kinds, codes = np.unique(state.types, return_inverse=True)
        self.names = tuple(state.names[k] for k in kinds)
        self.codes = codes.astype(np.int32)
        self.per_row = np.concatenate([[state.n], np.bincount(codes)]).astype(np.float64)
        slots, rows = lags // spacing + 1, len(kinds) + 1
        self.origins = np.zeros((slots, state.n, 3))
        self.curves = np.full((slots, rows, lags + 1), np.nan)
        self.sums = np.zeros((rows, lags + 1))
        self.counts = np.zeros(lags + 1, dtype=np.int64)
        self.clock = np.array([0.0, np.nan])  # frames seen, time of the last one
        self.whole = RatioMean((rows, lags + 1), (rows, 1))  # over C(0)
        self.functional = BlockMean((rows,))

    def see(self, values: Array, time: float) -> None:
        """Correlate one frame's `values` (n, 3) with the origins kept."""
        frame = self._count(time)
        values = np.ascontiguousarray(values)
        if frame % self.spacing == 0:
            self.origins[frame // self.spacing % len(self.origins)] = values
        kept = min(frame // self.spacing + 1, len(self.origins))
        found = self.kernel(values, self.origins[:kept], self.codes, len(self.names))
        found = np.concatenate([found.sum(axis=1, keepdims=True), found], axis=1) / self.per_row
        for slot in range(kept):
            age = (frame - slot * self.spacing) % (len(self.origins) * self.spacing)
            if age <= self.lags:
                self._record(slot, age, found[slot])

    def _count(self, time: float) -> int:
        seen, last = self.clock
        if seen and abs(time - last - self.interval) > 1e-6 * self.interval + 1e-12 * abs(time):
            raise ValueError(
                f"frames must come every {self.interval:.6g} in time to give time correlations, "
                f"got one at {time:.10g} after {last:.10g}"
            )
        self.clock = np.array([seen + 1, time])
        return int(seen)

    def _record(self, slot: int, age: int, found: Array) -> None:
        self.curves[slot, :, age] = found
        self.sums[:, age] += found
        self.counts[age] += 1
        if age == self.lags:
            self.whole.add(self.curves[slot], self.curves[slot, :, :1])
            self.functional.add(self.curves[slot] @ self.weights)

    @property
    def times(self) -> Array:
        """Lags in units of time."""
        return np.arange(self.lags + 1, dtype=np.float64) * self.interval

    def mean(self) -> Array:
        """Return C per row and lag, NaN at lags not met yet."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.sums / self.counts, dtype=np.float64)

    def dataset(self, name: str, units: str, integral: str, attrs: dict[str, object]) -> xr.Dataset:
        """Return the curve as `name` over `name`_lag and the linear functional as `integral`, overall and per type."""
        lag = f"{name}_lag"
        curves = {"": self.mean(), "_stderr": self.whole.numerator.stderr(), "_samples": self.whole.samples()}
        numbers = {"": curves[""] @ self.weights}
        numbers |= {"_stderr": self.functional.stderr(), "_samples": self.functional.samples()}
        values: dict[str, Any] = {}
        for suffix in curves:
            counted = suffix == "_samples"
            curve, number = curves[suffix], numbers[suffix]
            of_curve = {"units": "1" if counted else units}
            of_number = {"units": "1"} if counted else {"units": "length^2/time"} | attrs
            values[f"{name}{suffix}"] = (lag, curve[0], of_curve)
            values[f"{name}_of_type{suffix}"] = (("type", lag), curve[1:], of_curve)
            values[f"{integral}{suffix}"] = ((), number[0], of_number)
            values[f"{integral}_of_type{suffix}"] = ("type", number[1:], of_number)
        coords = {lag: (lag, self.times, {"units": "time"}), "type": ("type", list(self.names))}
        return xr.Dataset(values, coords=coords)

    def memory(self) -> dict[str, npt.NDArray[Any]]:
        arrays = {name: getattr(self, name).copy() for name in _ARRAYS}
        whole = {f"whole_{name}": array for name, array in self.whole.memory().items()}
        functional = {f"functional_{name}": array for name, array in self.functional.memory().items()}
        return arrays | whole | functional

    def remember(self, memory: dict[str, npt.NDArray[Any]]) -> None:
        for name in _ARRAYS:
            if memory[name].shape != getattr(self, name).shape:
                raise ValueError(
                    f"the memory has {name} of shape {memory[name].shape}, not {getattr(self, name).shape}: "
                    f"start with the same options and particles"
                )
            setattr(self, name, np.array(memory[name]))
        self.whole.remember(own(memory, "whole"))
        self.functional.remember(own(memory, "functional"))


def check_lags(lags: int, spacing: int) -> None:
    """Raise unless `spacing` ≥ 1 divides `lags`."""
    if lags < 1 or spacing < 1 or lags % spacing:
        raise ValueError(f"lags must be a positive multiple of spacing, got lags = {lags}, spacing = {spacing}")


def relative(values: Array, state: State, remove_drift: bool) -> Array:
    """Return positions or velocities, relative to the center of mass if its drift is to be removed."""
    return values - state.masses @ values / state.masses.sum() if remove_drift else values


@njit(cache=True, nogil=True)
def squared_displacements(now: Array, origins: Array, codes: npt.NDArray[np.int32], kinds: int) -> Array:
    """Return Σ_i |x_i − x_i⁰|² per origin and type."""
    total = np.zeros((len(origins), kinds))
    for o in range(len(origins)):
        for i in range(len(now)):
            x, y, z = now[i, 0] - origins[o, i, 0], now[i, 1] - origins[o, i, 1], now[i, 2] - origins[o, i, 2]
            total[o, codes[i]] += x * x + y * y + z * z
    return total


@njit(cache=True, nogil=True)
def products(now: Array, origins: Array, codes: npt.NDArray[np.int32], kinds: int) -> Array:
    """Return Σ_i v_i · v_i⁰ per origin and type."""
    total = np.zeros((len(origins), kinds))
    for o in range(len(origins)):
        for i in range(len(now)):
            x, y, z = now[i, 0] * origins[o, i, 0], now[i, 1] * origins[o, i, 1], now[i, 2] * origins[o, i, 2]
            total[o, codes[i]] += x + y + z
    return total
