"""Energy, pressure and temperature: numbers of which every sample is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from cg_data import Units
from cg_sim.engines.protocol import Frame, temperature
from cg_sim.observables.protocol import Context, Recorder
from cg_sim.statistics.blocks import BlockMean
from cg_sim.statistics.series import MeanError, mean_error

if TYPE_CHECKING:
    import xarray as xr

_UNITS = Units()
_PRESSURE = f"{_UNITS.energy}/{_UNITS.length}^3"
Needs = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Energy:
    """Potential energy per particle as `energy`, with the kinetic energy as `total_energy` [energy].

    All samples are kept as `energy_series` and `total_energy_series`, at `sample_time`.
    """

    needs: ClassVar[Needs] = {"energy": ("energy",), "total_energy": ("energy", "velocity")}

    def start(self, context: Context) -> Recorder:
        quantities = {"energy": _potential_energy, "total_energy": _total_energy}
        return _Scalars(quantities, _UNITS.energy, "per particle", series=True)


@dataclass(frozen=True, slots=True)
class Pressure:
    """Virial pressure P = (Σ m v² + Σ f·r)/3V [energy/length³]; with `tensor` also `pressure_tensor(axis, axis2)`."""

    tensor: bool = False
    needs: ClassVar[Needs] = {"pressure": ("velocity", "virial"), "pressure_tensor": ("velocity", "virial")}

    def start(self, context: Context) -> Recorder:
        scalar = _Scalars({"pressure": _pressure}, _PRESSURE, "virial pressure")
        return _Tensor(scalar) if self.tensor else scalar


@dataclass(frozen=True, slots=True)
class Temperature:
    """Kinetic temperature 2K/N_f as `temperature` [energy]; N_f degrees of freedom share the kinetic energy."""

    needs: ClassVar[Needs] = {"temperature": ("velocity",)}

    def start(self, context: Context) -> Recorder:
        kinetic = partial(_temperature, freedom=context.freedom)
        return _Scalars({"temperature": kinetic}, _UNITS.energy, f"of {context.freedom} degrees of freedom")


def _potential_energy(frame: Frame) -> float:
    return frame.energy / frame.state.n


def _total_energy(frame: Frame) -> float:
    return (frame.energy + frame.state.kinetic_energy) / frame.state.n


def _pressure(frame: Frame) -> float:
    return float(np.trace(frame.pressure_tensor)) / 3


def _temperature(frame: Frame, freedom: int) -> float:
    return temperature(frame.state, freedom)


class _Scalars:
    """Keeps every sample of some numbers; the error of their means is from their autocorrelation."""

    def __init__(
        self, quantities: Mapping[str, Callable[[Frame], float]], units: str, of: str, series: bool = False
    ) -> None:
        self.quantities, self.attrs, self.series = quantities, {"units": units, "of": of}, series
        self.samples: dict[str, list[float]] = {name: [] for name in quantities}
        self.times: list[float] = []

    def sample(self, frame: Frame) -> None:
        self.times.append(frame.time)
        for name, quantity in self.quantities.items():
            self.samples[name].append(quantity(frame))

    def result(self) -> xr.Dataset:
        import xarray as xr  # late: it takes longer to import than everything else before the first step

        found: dict[str, Any] = {}
        for name, samples in self.samples.items():
            known = bool(samples) and bool(np.all(np.isfinite(samples)))
            mean, stderr, worth = mean_error(samples) if known else MeanError(np.nan, np.nan, 0.0)
            found |= {name: ((), mean, self.attrs), f"{name}_stderr": ((), stderr, self.attrs)}
            found[f"{name}_samples"] = ((), worth, {"units": "1", "of": "independent samples"})
            if self.series:
                found[f"{name}_series"] = ("sample", np.array(samples), self.attrs)
        times = {"sample_time": ("sample", np.array(self.times), {"units": _UNITS.time()})}
        return xr.Dataset(found, coords=times if self.series else {})

    def memory(self) -> dict[str, npt.NDArray[Any]]:
        return {"times": np.array(self.times), **{name: np.array(x) for name, x in self.samples.items()}}

    def remember(self, memory: dict[str, npt.NDArray[Any]]) -> None:
        self.times = memory["times"].tolist()
        self.samples = {name: memory[name].tolist() for name in self.quantities}


class _Tensor:
    """The pressure and its tensor."""

    def __init__(self, scalar: _Scalars) -> None:
        self.scalar, self.blocks = scalar, BlockMean((3, 3))

    def sample(self, frame: Frame) -> None:
        self.scalar.sample(frame)
        self.blocks.add(frame.pressure_tensor)

    def result(self) -> xr.Dataset:
        found, dims = self.scalar.result(), ("axis", "axis2")
        axes = {"axis": ["x", "y", "z"], "axis2": ["x", "y", "z"]}
        values = {
            "pressure_tensor": (dims, self.blocks.mean(), {"units": _PRESSURE}),
            "pressure_tensor_stderr": (dims, self.blocks.stderr(), {"units": _PRESSURE}),
            "pressure_tensor_samples": (dims, self.blocks.samples(), {"units": "1", "of": "independent samples"}),
        }
        return found.assign_coords(axes).assign(values)

    def memory(self) -> dict[str, npt.NDArray[Any]]:
        return {**self.scalar.memory(), **{f"tensor_{name}": x for name, x in self.blocks.memory().items()}}

    def remember(self, memory: dict[str, npt.NDArray[Any]]) -> None:
        self.scalar.remember(memory)
        self.blocks.remember({name[7:]: x for name, x in memory.items() if name.startswith("tensor_")})
