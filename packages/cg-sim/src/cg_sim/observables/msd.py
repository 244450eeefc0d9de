"""Mean-squared displacement and the diffusion coefficient from it (Einstein relation)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy import fft

from cg_sim.box import Array
from cg_sim.engines.protocol import Frame
from cg_sim.observables.protocol import Context
from cg_sim.observables.time_origins import TimeOrigins, check_lags, relative, squared_displacements
from cg_sim.state import State

XI = 2.837297  # Ewald sum of a cubic lattice, Yeh & Hummer 2004
FINITE_SIZE = (
    "D of this box; for a cubic box of side L and momentum-conserving dynamics D(∞) = D + 2.837297 kT/(6 π η L) "
    "with the viscosity η (Yeh & Hummer, J. Phys. Chem. B 108, 15873 (2004)); not under a Langevin thermostat"
)


@dataclass(frozen=True, slots=True)
class MSD:
    """⟨|x_i(t₀ + t) − x_i(t₀)|²⟩ [length²] up to `lags` frames, overall and per type, and D = slope/6 [length²/time].

    A new time origin t₀ is taken every `spacing` frames. The slope is that of the least-squares line over lags
    between the fractions `fit` of the longest; its standard error is that of the slopes of single origins, in blocks.
    `remove_drift` measures from the center of mass. With a `viscosity` [energy·time/length³] the finite-size
    correction of Yeh & Hummer is added as `diffusion_corrected`. The box must not change during the run.
    """

    lags: int = 100
    spacing: int = 10
    fit: tuple[float, float] = (0.25, 1.0)
    remove_drift: bool = False
    viscosity: float | None = None

    def __post_init__(self) -> None:
        check_lags(self.lags, self.spacing)
        if not 0 <= self.fit[0] < self.fit[1] <= 1 or np.sum(self.fitted()) < 2:
            raise ValueError(
                f"fit must be two fractions 0 ≤ a < b ≤ 1 with at least two lags between them, "
                f"got {self.fit} of {self.lags} lags"
            )
        if self.viscosity is not None and not self.viscosity > 0:
            raise ValueError(f"viscosity must be positive, got {self.viscosity}")

    def fitted(self) -> npt.NDArray[np.bool_]:
        """Return which of the lags 0…`lags` the line is fitted to."""
        fraction = np.arange(self.lags + 1) / self.lags
        return (fraction >= self.fit[0]) & (fraction <= self.fit[1])

    def start(self, context: Context) -> _Recorder:
        return _Recorder(self, context)


class _Recorder:
    def __init__(self, record: MSD, context: Context) -> None:
        self.record = record
        times = np.arange(record.lags + 1) * context.every * context.dt
        chosen = np.where(record.fitted(), times - times[record.fitted()].mean(), 0.0)
        slope = chosen / np.sum(chosen**2)
        self.origins = TimeOrigins(context, squared_displacements, record.lags, record.spacing, slope / 6)
        self.correction = _yeh_hummer(context, record.viscosity) if record.viscosity is not None else None

    def sample(self, frame: Frame) -> None:
        self.origins.see(relative(frame.state.positions, frame.state, self.record.remove_drift), frame.time)

    def result(self) -> xr.Dataset:
        fitted = self.origins.times[self.record.fitted()]
        text = {"fit_from": float(fitted[0]), "fit_to": float(fitted[-1]), "finite_size": FINITE_SIZE}
        found = self.origins.dataset("msd", "length^2", "diffusion", text)
        if self.correction is not None:
            attrs = {"units": "length^2/time", "correction": self.correction, "viscosity": self.record.viscosity}
            found["diffusion_corrected"] = found["diffusion"] + self.correction
            found["diffusion_corrected"].attrs = attrs
        return found

    def memory(self) -> dict[str, npt.NDArray[Any]]:
        return self.origins.memory()

    def remember(self, memory: dict[str, npt.NDArray[Any]]) -> None:
        self.origins.remember(memory)


def _yeh_hummer(context: Context, viscosity: float) -> float:
    state: State = context.state
    side = state.volume ** (1 / 3)
    if not np.allclose(state.box @ state.box.T, side**2 * np.eye(3), rtol=0, atol=1e-9 * side**2):
        raise ValueError(f"the finite-size correction needs a cubic box, got {state.box.tolist()}: leave out viscosity")
    return float(XI * context.kT / (6 * np.pi * viscosity * side))


def msd_of(positions: npt.ArrayLike) -> Array:
    """Return the mean-squared displacement [length²] of a trajectory (frame, particle, 3) at lags of 0…frames − 1.

    All time origins and particles count. Positions must be unwrapped. By fast Fourier transform, frames·log(frames)
    (Calandrini et al. 2011): ⟨|x(t₀+t)|² + |x(t₀)|²⟩ − 2 ⟨x(t₀+t)·x(t₀)⟩.

    >>> msd_of(np.arange(4.0)[:, None, None] * [2.0, 0, 0]).round(12).tolist()
    [0.0, 4.0, 16.0, 36.0]
    """
    x = np.asarray(positions, dtype=np.float64)
    if x.ndim != 3 or x.shape[-1] != 3 or 0 in x.shape:
        raise ValueError(f"positions must be (frame, particle, 3), got {x.shape}")
    frames, n, _ = x.shape
    total = np.zeros(frames)
    chunk = max(1, 2_000_000 // frames)
    for begin in range(0, 3 * n, chunk):
        total += _displacements(x.reshape(frames, 3 * n)[:, begin : begin + chunk])
    total /= n * np.arange(frames, 0, -1)
    total[0] = 0.0
    return total


def _displacements(x: Array) -> Array:
    """Return Σ over columns and origins of (x(t₀+t) − x(t₀))²."""
    x = x - x.mean(axis=0)  # displacements do not feel the origin, rounding does
    frames = len(x)
    spectrum = fft.rfft(x, n=fft.next_fast_len(2 * frames, real=True), axis=0)
    power = np.sum(spectrum.real**2 + spectrum.imag**2, axis=1)
    correlation = fft.irfft(power, n=fft.next_fast_len(2 * frames, real=True))[:frames]
    squares = np.sum(x**2, axis=1)
    later = np.cumsum(squares[::-1])[::-1]  # Σ_{t ≥ lag}
    earlier = np.cumsum(squares)[::-1]  # Σ_{t < frames − lag}
    return np.asarray(later + earlier - 2 * correlation)
