"""Correlated samples of one number: how many count, from which on, and the error of their mean."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cg_sim.box import Array

_SHORTEST = 3  # lags that count whatever their sign: one negative value early on is noise or an oscillation
_STARTS = 64  # of each kind that `equilibration` tries


class Equilibration(NamedTuple):
    """Where a series is in equilibrium, and what it is worth from there on."""

    t0: int  # first sample of the equilibrium part
    inefficiency: float
    samples: float  # effective


class MeanError(NamedTuple):
    """A mean, its standard error, and the number of independent samples that would have the same."""

    mean: float
    stderr: float
    samples: float


def inefficiency(x: npt.ArrayLike) -> float:
    """Return g = 1 + 2 Σ (1 − t/N) C(t) ≥ 1, the number of samples that are worth one independent sample.

    C is the normalized autocorrelation, summed up to its first zero beyond lag 3 (Chodera et al. 2007, J. Chem.
    Theory Comput. 3, 26); constants and fewer than three samples have g = 1.

    >>> inefficiency([1.0, 1.0, 1.0, 1.0]), inefficiency(np.repeat(np.random.default_rng(0).normal(size=4000), 2)) > 1.9
    (1.0, True)
    """
    values = _series(x)
    deviation = values - values.mean()
    n, variance = len(values), float(np.mean(deviation**2))
    if n < 3 or variance <= (1e-14 * float(np.max(np.abs(values)))) ** 2:  # a constant and its rounding
        return 1.0
    lags = np.arange(1, n - 1)
    correlation = _autocovariance(deviation)[1 : n - 1] / ((n - lags) * variance)
    crossed = np.flatnonzero(correlation[_SHORTEST:] <= 0)
    end = _SHORTEST + int(crossed[0]) if len(crossed) else len(lags)
    return max(1.0, 1 + 2 * float(np.sum((1 - lags[:end] / n) * correlation[:end])))


def equilibration(x: npt.ArrayLike) -> Equilibration:
    """Return from which sample on a series is in equilibrium: t0 maximizes (N − t0)/g(t0) (Chodera 2016).

    Tried are all t0 of short series; of long ones 64 evenly and 64 geometrically spaced, since most transients are
    short. A series that drifts to its end has few effective samples from any t0: look at `samples`.

    >>> rng = np.random.default_rng(1)
    >>> 190 <= equilibration(np.concatenate([np.linspace(20, 0, 200), rng.normal(size=1000)])).t0 <= 230
    True
    """
    values = _series(x)
    n = len(values)
    even = np.linspace(0, n - 1, min(n, _STARTS)).astype(int)
    geometric = np.geomspace(1, n, _STARTS).astype(int) - 1
    starts = np.arange(n) if n <= 2 * _STARTS else np.union1d(even, geometric)
    ratios = np.array([inefficiency(values[t:]) for t in starts])
    best = int(np.argmax((n - starts) / ratios))
    t0 = int(starts[best])
    return Equilibration(t0, float(ratios[best]), (n - t0) / float(ratios[best]))


def mean_error(x: npt.ArrayLike) -> MeanError:
    """Return the mean of correlated samples, its standard error √(σ²/(N/g − 1)) and the effective samples N/g.

    σ² is the mean squared deviation; one sample has no error to speak of (nan).

    >>> mean_error([1.0, 2.0, 3.0]).mean
    2.0
    """
    values = _series(x)
    offset = values - values[0]  # exactly zero of a constant
    samples = len(values) / inefficiency(offset)
    error = float(np.std(offset)) / np.sqrt(samples - 1) if samples > 1 else np.nan
    return MeanError(float(values[0] + offset.mean()), float(error), samples)


def _autocovariance(deviation: Array) -> Array:
    """Return Σ_i x_i x_{i+t} of each lag t; padded with zeros, so that the end does not meet the beginning."""
    size = 1 << (2 * len(deviation) - 1).bit_length()
    spectrum = np.fft.rfft(deviation, size)
    return np.fft.irfft(spectrum * spectrum.conj(), size)[: len(deviation)]


def _series(x: npt.ArrayLike) -> Array:
    values = np.asarray(x, dtype=np.float64)
    if values.ndim != 1 or len(values) == 0:
        raise ValueError(f"a series is one-dimensional and not empty, got shape {values.shape}")
    if not np.all(np.isfinite(values)):
        raise ValueError(
            f"sample {int(np.argmin(np.isfinite(values)))} is {values[~np.isfinite(values)][0]}: "
            "leave out what was not measured"
        )
    return values
