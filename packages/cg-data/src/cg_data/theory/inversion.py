"""U(r) from g(r) by the closures of `liquid_theory`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator

from cg_data.potentials.pair_potential import Array
from cg_data.theory.factorization import direct_correlation_within
from cg_data.theory.liquid_theory import Closure

_NOTHING = 1e-100  # of g: slopes of less have no inverse
_LEAST = 1e-3  # of 1 + γ, whose logarithm Percus and Yevick take
_SECANTS, _SAME, _LOOSE = 12, 1e-6, 50.0  # for S(0), which is not larger


def theory_inversion(r: npt.ArrayLike, g: npt.ArrayLike, density: float, kT: float = 1.0, *, closure: Closure = "hnc",
                     particles: int | None = None) -> Array:  # fmt: skip
    """Return U(r) [energy] that a closure says makes g(r); inf where g is 0.

    Beyond the last r, where g is not known, U and c are taken to be nothing. `particles` is how many there were in the
    simulation that g is from, where their fixed number makes g go to 1 + (1 − S(0))/N, not 1: dense liquids show it.

    >>> import numpy as np
    >>> float(abs(theory_inversion(np.linspace(0.1, 5, 50), np.ones(50), 0.3)).max())
    0.0
    """
    x, y = np.asarray(r, dtype=float), np.asarray(g, dtype=float)
    if x.ndim != 1 or x.shape != y.shape or len(x) < 8 or np.any(np.diff(x) <= 0):
        raise ValueError(f"r must increase and g have its length, got shapes {x.shape} and {y.shape}")
    if closure not in ("hnc", "py"):
        raise ValueError(f"a closure of an inversion is hnc or py, got {closure!r}")
    width = float(np.median(np.diff(x)))
    even = (np.arange(max(round(float(x[-1]) / width + 0.5), 8)) + 0.5) * width
    same = len(even) == len(x) and np.allclose(even, x, rtol=0, atol=1e-6 * width)
    seen = np.where(np.abs(y) < _NOTHING, 0.0, y)
    known = y if same else PchipInterpolator(x, seen)(np.clip(even, x[0], x[-1]))
    infinite = known if particles is None else infinite_liquid(known, density, width, particles)
    c, _ = direct_correlation_within(infinite - 1, density, width)
    gamma = infinite - 1 - c
    gamma, at = (gamma, infinite) if same else (np.interp(x, even, gamma), np.interp(x, even, infinite))
    with np.errstate(divide="ignore", invalid="ignore"):
        inner = gamma if closure == "hnc" else np.log(np.maximum(1 + gamma, _LEAST))
        return np.asarray(kT * np.where(y > 0, inner - np.log(np.where(same, at, y)), np.inf))


def infinite_liquid(g: npt.ArrayLike, density: npt.ArrayLike, width: float, particles: npt.ArrayLike) -> Array:
    """Return g (…, bin) of an infinite liquid: g (1 − 1/N + S(0)/N), by the S(0) that then comes out of it (secants).

    `g` was counted in bins of one `width` [length] from r = 0 on, per pair of N(N − 1)/2, in a box that held N.
    """
    counted, n = np.asarray(g, dtype=np.float64), np.asarray(particles, dtype=np.float64)[..., None]
    rho = np.asarray(density, dtype=np.float64)

    def with_(s: Array) -> Array:
        return np.asarray(counted * (1 + (s[..., None] - 1) / n))

    s, last, last_off = np.zeros_like(rho), np.full_like(rho, np.nan), np.full_like(rho, np.nan)
    off = first = direct_correlation_within(with_(s) - 1, rho, width)[1]
    for _ in range(_SECANTS):
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = (off - last_off) / (s - last)
            following = s - off / np.where(slope < 0, slope, -1.0)
        last, last_off, s = s, off, np.clip(following, 0.0, _LOOSE)
        off = direct_correlation_within(with_(s) - 1, rho, width)[1] - s
        if np.all(np.abs(off) < _SAME):
            break
    return with_(np.where(np.abs(off) < 1e3 * _SAME, s, np.minimum(first, 1.0)))
