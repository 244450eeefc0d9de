"""How particles move under a potential: self-diffusion, viscosity, and which time steps keep the energy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy import fft

import cg_sim as cs
from cg_data import Interactions
from cg_inverse.cards.records import Measured, Motion, Stability, TimeStep
from cg_inverse.problems.bins import Array
from cg_sim.observables.msd import XI
from cg_sim.statistics.series import inefficiency

Engine = Literal["cpu", "cuda", "lammps", "hoomd"]
_EVERY, _LAGS = 4, 400  # stresses of a liquid are followed every 0.02 and displacements up to 8 thermal times
_SHORTEST = 3  # lags of the stress that count whatever their sign
_FACTORS = (1.0, 1.5, 2.0, 3.0, 4.0)  # of the run's time step
DRIFT_STEPS = 4000
_DRIFT_EVERY = 10
_MOST_DRIFT = 1e-4  # kT per particle and 1000 steps


def motion(
    start: cs.State, potential: Interactions, *, kT: float, dt: float, steps: int, engine: Engine, seed: int
) -> Motion:
    """Return self-diffusion and viscosity at `kT`, thermostatted so weakly that momentum is kept and motion is free.

    D(∞) = D + ξkT/(6πηL) with ξ = 2.837297 (Yeh & Hummer 2004).
    """
    spacing = max(1, min(_LAGS, steps // _EVERY // 6) // 10)
    data = cs.simulate(
        start, potential, kT=kT, steps=steps, dt=dt, thermostat=cs.Bussi(tau=1000 * dt), engine=engine, seed=seed,
        observe=[cs.MSD(10 * spacing, spacing, remove_drift=True), Stress()], sample_every=_EVERY,
    ).data  # fmt: skip
    viscosity = Measured(float(data["viscosity"]), float(data["viscosity_stderr"]))
    correction = XI * kT / (6 * np.pi * viscosity.value * start.volume ** (1 / 3))
    unsure = correction * viscosity.error / viscosity.value
    names = [str(t) for t in data["diffusion_of_type"]["type"].values]
    columns = (data["diffusion_of_type"].values, data["diffusion_of_type_stderr"].values)
    found = {t: Measured(float(d), float(e)) for t, d, e in zip(names, *columns, strict=True)}
    infinite = {t: Measured(d.value + correction, float(np.hypot(d.error, unsure))) for t, d in found.items()}
    return Motion(found, infinite, viscosity)


@dataclass(frozen=True, slots=True)
class Stress:
    """Shear viscosity η = V/kT ∫⟨σ(0)σ(t)⟩dt [energy·time/length³] over the five independent shear stresses.

    The integral ends where their mean correlation first falls to zero; its error is that of the mean of the five.
    """

    needs: ClassVar[dict[str, tuple[str, ...]]] = {"viscosity": ("velocity", "virial")}

    def start(self, context: cs.Context) -> cs.Recorder:
        return _Stresses(context)


class _Stresses:
    def __init__(self, context: cs.Context) -> None:
        self.scale = context.state.volume / context.kT
        self.interval = context.every * context.dt
        self.series: list[Array] = []

    def sample(self, frame: cs.Frame) -> None:
        p = frame.pressure_tensor
        normal = ((p[0, 0] - p[1, 1]) / 2, (p[0, 0] + p[1, 1] - 2 * p[2, 2]) / np.sqrt(12))
        self.series.append(np.array([p[0, 1], p[0, 2], p[1, 2], *normal]))

    def result(self) -> xr.Dataset:
        found = green_kubo(np.array(self.series).reshape(-1, 5), self.interval)
        attrs = {"units": "energy*time/length^3"}
        return xr.Dataset(
            {"viscosity": ((), self.scale * found.value, attrs), "viscosity_stderr": ((), self.scale * found.error, attrs)}
        )  # fmt: skip

    def memory(self) -> dict[str, npt.NDArray[Any]]:
        return {"series": np.array(self.series).reshape(-1, 5)}

    def remember(self, memory: dict[str, npt.NDArray[Any]]) -> None:
        self.series = list(memory["series"])


def green_kubo(series: Array, interval: float) -> Measured:
    """Return ∫⟨x(0)x(t)⟩dt of independent signals (frame, signal) of mean zero, up to their first common zero."""
    frames = len(series)
    lags = frames // 4
    if lags <= _SHORTEST:
        return Measured(np.nan, np.nan)
    size = fft.next_fast_len(2 * frames, real=True)
    power = np.abs(fft.rfft(series, n=size, axis=0)) ** 2
    correlation = fft.irfft(power, n=size, axis=0)[:lags] / np.arange(frames, frames - lags, -1)[:, None]
    crossed = np.flatnonzero(correlation.mean(axis=1)[_SHORTEST:] <= 0)
    end = _SHORTEST + int(crossed[0]) if len(crossed) else lags
    integrals = interval * (correlation[:end].sum(axis=0) - 0.5 * correlation[0])
    return Measured(float(integrals.mean()), float(np.std(integrals, ddof=1) / np.sqrt(series.shape[1])))


def time_steps(dt: float) -> tuple[float, ...]:
    """Return the time steps to try, the run's own first."""
    return tuple(factor * dt for factor in _FACTORS)


def drift(start: cs.State, potential: Interactions, *, kT: float, dt: float, engine: Engine) -> TimeStep:
    """Return how the total energy changes in 4000 steps at constant energy: the slope of its least-squares line."""
    try:
        data = cs.simulate(
            start, potential, kT=kT, steps=DRIFT_STEPS, dt=dt, thermostat=cs.NVE(), observe=[cs.Energy()],
            sample_every=_DRIFT_EVERY, engine=engine,
        ).data  # fmt: skip
    except cs.BlowUp:
        return TimeStep(dt, None, None, False)
    energies = data["total_energy_series"].values
    time = _DRIFT_EVERY / 1000 * np.arange(len(energies))
    time -= time.mean()
    slope = float(time @ energies / (time @ time))
    rest = energies - energies.mean() - slope * time
    fluctuation = float(np.sqrt(np.mean(rest**2)))
    error = fluctuation * float(np.sqrt(inefficiency(rest) / (time @ time)))
    return TimeStep(dt, Measured(slope, error), fluctuation, abs(slope) < _MOST_DRIFT * kT + 2 * error)


def stability(tried: Sequence[TimeStep]) -> Stability:
    """Return the largest time step up to which none drifts by more than 10⁻⁴ kT per particle and 1000 steps."""
    largest = None
    for one in tried:
        if not one.stable:
            break
        largest = one.dt
    return Stability(tuple(tried), largest)
