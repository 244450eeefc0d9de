"""Priors that keep beads apart, from data: what g(r) says of contact, not a scan over σ and n."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cg_data import PairPotential, PowerLaw

_EXPONENTS = np.arange(4, 25)
_TOP = 0.8  # of g: up to there the core is what it rises by
_LEAST = 4  # points


def core_of(r: npt.ArrayLike, g: npt.ArrayLike, kT: float, *, cutoff: float) -> PairPotential:
    """Return kT (σ/r)ⁿ, ending smoothly at the cutoff, that rises as −kT ln g does where g falls to nothing.

    What packing adds to −kT ln g there is taken for a constant, and does not count.

    >>> r = np.linspace(0.5, 3, 100)
    >>> g = 1.7 * np.exp(-((1.1 / r) ** 9))
    >>> bare = core_of(r, g, 1.0, cutoff=2.5)
    >>> round(float(bare.energy(0.8) - bare.energy(0.9)), 2), round((1.1 / 0.8) ** 9 - (1.1 / 0.9) ** 9, 2)
    (11.48, 11.48)
    """
    x, y = np.asarray(r, dtype=np.float64), np.asarray(g, dtype=np.float64)
    if not (x.ndim == 1 and x.shape == y.shape and kT > 0 and cutoff > 0):
        raise ValueError("r and g must be rows of one length, kT and cutoff positive")
    first = int(np.argmax(y >= _TOP * min(float(y.max()), 1.0)))
    near = np.flatnonzero((y[:first] > 0) & (x[:first] > 0))
    near = near[near > np.max(np.flatnonzero(y[:first] <= 0), initial=-1)]
    if len(near) < _LEAST:
        raise ValueError(
            f"g rises to {_TOP:g} within {len(near)} points above nothing, {_LEAST} are needed: use finer bins"
        )
    u, weight = -kT * np.log(y[near]), np.sqrt(y[near])
    fits = [np.linalg.lstsq(weight[:, None] * np.stack([np.ones_like(u), x[near] ** -float(n)], axis=1), weight * u)
            for n in _EXPONENTS]  # fmt: skip
    left = [float(np.sum(weight**2 * (u - f[0][0] - f[0][1] * x[near] ** -float(n)) ** 2)) for f, n in zip(fits, _EXPONENTS, strict=True)]  # fmt: skip
    best = int(np.argmin(left))
    n, height = float(_EXPONENTS[best]), float(fits[best][0][1])
    if height <= 0:
        raise ValueError("g does not fall towards contact: there is no core")
    return PowerLaw(epsilon=kT, sigma=(height / kT) ** (1 / n), exponent=n, cutoff=cutoff).force_shifted()


def wall_of(r: npt.ArrayLike, g: npt.ArrayLike, height: float) -> PairPotential:
    """Return a wall that ends at the last point r₀ before the data begin: what is learned from them stays as it is.

    ε ((r₀/r)¹² − 1 + 12 (r/r₀ − 1)) with ε = `height` [energy]: as much as ε where atoms are 9 % nearer than r₀.

    >>> wall = wall_of([0.9, 1.0, 1.1], [0.0, 0.0, 0.2], 2.0)
    >>> wall.cutoff, round(float(wall.energy(0.91)), 1), float(wall.energy(1.0)), float(wall.force(1.0))
    (1.0, 2.0, 0.0, 0.0)
    """
    x, y = np.asarray(r, dtype=np.float64), np.asarray(g, dtype=np.float64)
    if not (x.ndim == 1 and x.shape == y.shape and height > 0):
        raise ValueError("r and g must be rows of one length, and the height positive")
    if not np.any(seen := (y > 0) & (x > 0)):
        raise ValueError("g is nothing everywhere: there is no nearest distance")
    first = float(x[max(int(np.argmax(seen)) - 1, 0)])
    return PowerLaw(epsilon=height, sigma=first, exponent=12, cutoff=first).force_shifted()
