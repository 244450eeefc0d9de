"""Velocity autocorrelation and the diffusion coefficient from it (Green–Kubo)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import xarray as xr

from cg_sim.engines.protocol import Frame
from cg_sim.observables.msd import FINITE_SIZE
from cg_sim.observables.protocol import Context
from cg_sim.observables.time_origins import TimeOrigins, check_lags, products, relative


@dataclass(frozen=True, slots=True)
class VACF:
    """C(t) = ⟨v_i(t₀ + t) · v_i(t₀)⟩ [length²/time²] up to `lags` frames, overall and per type, and C(t)/C(0).

    D = ⅓ ∫ C dt [length²/time] over all lags, by the trapezoidal rule: frames must be close enough to follow C, and
    `lags` many enough for C to have died out. A new time origin t₀ is taken every `spacing` frames; standard errors
    are from whole curves of single origins, in blocks. `remove_drift` measures from the center of mass.
    """

    lags: int = 100
    spacing: int = 10
    remove_drift: bool = False
    needs: ClassVar[dict[str, tuple[str, ...]]] = {"vacf": ("velocity",)}

    def __post_init__(self) -> None:
        check_lags(self.lags, self.spacing)

    def start(self, context: Context) -> _Recorder:
        return _Recorder(self, context)


class _Recorder:
    def __init__(self, record: VACF, context: Context) -> None:
        self.record = record
        trapezoid = np.full(record.lags + 1, context.every * context.dt)
        trapezoid[[0, -1]] /= 2
        self.origins = TimeOrigins(context, products, record.lags, record.spacing, trapezoid / 3)

    def sample(self, frame: Frame) -> None:
        self.origins.see(relative(frame.state.velocities, frame.state, self.record.remove_drift), frame.time)

    def result(self) -> xr.Dataset:
        text = {"integrated_to": float(self.origins.times[-1]), "finite_size": FINITE_SIZE}
        found = self.origins.dataset("vacf", "length^2/time^2", "diffusion_green_kubo", text)
        mean = self.origins.mean()
        with np.errstate(invalid="ignore", divide="ignore"):  # particles at rest have no C/C(0)
            normalized = mean / mean[:, :1]
        for suffix, array in (("", normalized), ("_stderr", self.origins.whole.stderr())):
            found[f"vacf_normalized{suffix}"] = ("vacf_lag", array[0], {"units": "1"})
            found[f"vacf_normalized_of_type{suffix}"] = (("type", "vacf_lag"), array[1:], {"units": "1"})
        return found

    def memory(self) -> dict[str, npt.NDArray[Any]]:
        return self.origins.memory()

    def remember(self, memory: dict[str, npt.NDArray[Any]]) -> None:
        self.origins.remember(memory)
