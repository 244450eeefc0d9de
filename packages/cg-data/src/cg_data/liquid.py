"""Arithmetic of the liquid state: virial coefficients, Boltzmann inversion, entropy and Kirkwood–Buff integrals.

Integrals over a potential use Gauss–Legendre panels between the potential's own breaks; integrals over a measured
g(r) sum bin values times exact shell volumes, so that a coordination number counts what the histogram counted.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

from cg_data.potentials.pair_potential import Array, Potential

_NODES = 16  # of Gauss–Legendre in each panel
_PANELS = np.unique([*np.linspace(0, 1, 33), *2.0 ** -np.arange(0, 16, 0.25)])  # finer towards small r
_ROUNDS, _MOST_PANELS = 60, 100_000  # of halving the panels that are not accurate yet
_TOLERANCE = 1e-11  # of ∫|f| r² dr


def mayer_f(potential: Potential, r: npt.ArrayLike, *, kT: float) -> Array:
    """Return f(r) = e^{−U/kT} − 1 (BoltzmaNN eq. 10).

    >>> from cg_data import WCA
    >>> float(mayer_f(WCA(), 0.0, kT=1.0)), bool(mayer_f(WCA(), 2.0, kT=1.0) == 0)
    (-1.0, True)
    """
    return np.expm1(-potential.energy(r) / _positive(kT, "kT"))


def b2(potential: Potential, *, kT: float) -> float:
    """Return the second virial coefficient −2π∫f r² dr [length³] (BoltzmaNN eq. 9)."""
    if not np.isfinite(potential.cutoff):
        raise ValueError("B₂ needs a finite cutoff: give the potential one (a bond without end has no B₂)")
    inner = {b for b in getattr(potential, "breaks", ()) if 0 < b < potential.cutoff}
    edges = [low + (high - low) * _PANELS for low, high in pairwise(sorted({0.0, potential.cutoff, *inner}))]
    low, high = np.concatenate([e[:-1] for e in edges]), np.concatenate([e[1:] for e in edges])
    done = magnitude = 0.0
    for _ in range(_ROUNDS):
        middle = 0.5 * (low + high)
        coarse = _panel_integrals(potential, low, high, kT)
        halves = _panel_integrals(potential, low, middle, kT), _panel_integrals(potential, middle, high, kT)
        error, fine = np.abs(halves[0] + halves[1] - coarse), halves[0] + halves[1]
        whole = magnitude + float(np.sum(np.abs(fine)))
        rough = error > _TOLERANCE * whole / len(low)
        if float(np.sum(error)) <= _TOLERANCE * whole:
            return -2 * np.pi * (done + float(np.sum(fine)))
        done, magnitude = done + float(np.sum(fine[~rough])), magnitude + float(np.sum(np.abs(fine[~rough])))
        low, middle, high = low[rough], middle[rough], high[rough]
        low, high = np.concatenate([low, middle]), np.concatenate([middle, high])
        if len(low) > _MOST_PANELS:
            break
    raise ValueError(f"B₂ did not converge near r = {low[0]:.6g}: does the potential name its `breaks`?")


def _panel_integrals(potential: Potential, low: Array, high: Array, kT: float) -> Array:
    """Return ∫f r² dr [length³] of each panel."""
    x, w = np.polynomial.legendre.leggauss(_NODES)
    half = 0.5 * (high - low)[:, None]
    r = low[:, None] + half * (x + 1)
    with np.errstate(over="ignore", invalid="ignore"):
        values = half * w * mayer_f(potential, r, kT=kT) * r**2
    if not np.all(np.isfinite(values)):
        at = float(r.ravel()[np.argmin(np.isfinite(values))])
        raise ValueError(f"B₂ is not finite: e^(−U/kT) has no number at r = {at:.6g}, where U is too low or unknown")
    return np.sum(values, axis=1)


def low_density_pressure(potential: Potential, density: float, *, kT: float) -> float:
    """Return P₀ = kT (ρ + B₂ρ²) [energy/length³] (BoltzmaNN eq. 11)."""
    return _positive(kT, "kT") * (_not_negative(density, "density") + b2(potential, kT=kT) * density**2)


def boltzmann_inversion(g: npt.ArrayLike, *, kT: float) -> Array:
    """Return U₀ = −kT ln g [energy] (BoltzmaNN eq. 12); ∞ where g = 0: nothing was seen there.

    >>> boltzmann_inversion([0.0, 1.0, np.e], kT=2.0).tolist()
    [inf, -0.0, -2.0]
    """
    values = _distribution(g)
    with np.errstate(divide="ignore"):
        return np.asarray(-_positive(kT, "kT") * np.log(values))


def shell_volumes(r: npt.ArrayLike) -> Array:
    """Return 4π/3 (r₊³ − r₋³) [length³], shells meeting half-way between the centers r, the first from 0 or r₋.

    >>> volumes = shell_volumes([0.5, 1.5, 2.5])
    >>> bool(np.isclose(volumes.sum(), 4 / 3 * np.pi * 3**3))
    True
    """
    x = np.asarray(r, dtype=np.float64)
    if x.ndim != 1 or len(x) < 2 or not (np.all(np.isfinite(x)) and np.all(np.diff(x) > 0)) or x[0] < 0:
        raise ValueError("r must be at least two increasing distances from 0 on, all of them finite")
    inner = 0.5 * (x[1:] + x[:-1])
    edges = np.concatenate([[max(0.0, x[0] - (inner[0] - x[0]))], inner, [x[-1] + (x[-1] - inner[-1])]])
    return 4 / 3 * np.pi * np.diff(edges**3)


def running_coordination(r: npt.ArrayLike, g: npt.ArrayLike, *, density: float) -> Array:
    """Return ρ∫g dV from 0 to the outer edge of each shell; `density` of the surrounding species [length⁻³]."""
    volumes = shell_volumes(r)
    return _not_negative(density, "density") * np.cumsum(_distribution(g, len(volumes)) * volumes)


def coordination_number(r: npt.ArrayLike, g: npt.ArrayLike, *, density: float, upto: float) -> float:
    """Return the mean number of neighbors within `upto` [length], linear in volume inside a shell."""
    running = np.concatenate([[0.0], running_coordination(r, g, density=density)])
    inner = _inner_edge(r) ** 3
    edges = np.concatenate([[inner], np.cumsum(shell_volumes(r)) / (4 / 3 * np.pi) + inner])
    if _not_negative(upto, "upto") ** 3 > edges[-1] * (1 + 1e-9):
        raise ValueError(f"g is known up to r = {np.cbrt(edges[-1]):.6g}, cannot count neighbors up to {upto}")
    return float(np.interp(upto**3, edges, running))


def excess_entropy(r: npt.ArrayLike, g: npt.ArrayLike, *, density: float) -> float:
    """Return the pair entropy s₂/k = −2πρ∫(g ln g − g + 1) r² dr per particle."""
    volumes = _shells_from_zero(r)
    values = _distribution(g, len(volumes))
    with np.errstate(divide="ignore", invalid="ignore"):
        integrand = np.where(values > 0, values * np.log(values), 0.0) - values + 1
    return float(-0.5 * _not_negative(density, "density") * np.sum(integrand * volumes))


def kirkwood_buff(
    r: npt.ArrayLike, g: npt.ArrayLike, *, weight: Literal["running", "extrapolated"] = "running"
) -> Array:
    """Return the Kirkwood–Buff integral up to each distance R, G(R) [length³].

    `running` is 4π∫(g − 1) r² dr truncated at R: in a closed box it does not converge, because g → 1 − O(1/N)
    and the deficit is weighted with r²; look for a plateau and do not read the last value.
    `extrapolated` weights with 1 − 23x³/8 + 3x⁴/4 + 9x⁵/8, x = r/R (Krüger and Vlugt 2018), the estimate of the
    infinite system from a finite sphere. Neither repairs a g normalized with N² or sampled beyond L/2.
    """
    volumes, centers = _shells_from_zero(r), np.asarray(r, dtype=np.float64)
    excess = _distribution(g, len(volumes)) - 1
    match weight:
        case "running":
            return np.cumsum(excess * volumes)
        case "extrapolated":
            edges = np.cbrt(np.cumsum(volumes) / (4 / 3 * np.pi))
            x = np.minimum(centers[None, :] / edges[:, None], 1.0)
            kernel = 1 - x**3 * (23 / 8 - 3 / 4 * x - 9 / 8 * x**2)
            kernel[np.arange(len(centers))[None, :] > np.arange(len(edges))[:, None]] = 0.0
            return kernel @ (excess * volumes)
        case _:
            raise ValueError(f"weight must be 'running' or 'extrapolated', got {weight!r}")


def _inner_edge(r: npt.ArrayLike) -> float:
    x = np.asarray(r, dtype=np.float64)
    return max(0.0, float(x[0] - 0.5 * (x[1] - x[0])))


def _shells_from_zero(r: npt.ArrayLike) -> Array:
    """Return shell volumes whose first shell reaches down to r = 0: what is not listed below r[0] is a core."""
    volumes = shell_volumes(r)
    volumes[0] += 4 / 3 * np.pi * _inner_edge(r) ** 3
    return volumes


def _distribution(g: npt.ArrayLike, length: int | None = None) -> Array:
    """Return g as an array, checked: finite, not negative and, where it belongs to an r, of that length."""
    values = np.asarray(g, dtype=np.float64)
    if length is not None and values.shape != (length,):
        raise ValueError(f"r and g must have one length, got {length} distances and g of shape {values.shape}")
    if not np.all(np.isfinite(values)):
        raise ValueError(f"g must be finite, found {values[~np.isfinite(values)][0]}: leave out what is not known")
    if np.any(values < 0):
        raise ValueError(f"g must not be negative, found {values.min():.4g}")
    return values


def _not_negative(value: float, name: str) -> float:
    if not (value >= 0 and np.isfinite(value)):
        raise ValueError(f"{name} must be a number from 0 on, got {value!r}")
    return value


def _positive(value: float, name: str) -> float:
    if not (value > 0 and np.isfinite(value)):
        raise ValueError(f"{name} must be a positive number, got {value!r}")
    return value
