"""c(r) of an h(r) that is known up to a distance, beyond which c is nothing: Baxter's factorization.

1 − ρĉ(k) = |Q̂(k)|² with Q(r) of the reach of c (Baxter, Aust. J. Phys. 21, 563, 1968). Inside the reach,
r h(r) = −Q′(r) + 2πρ ∫ (r − s) h(|r − s|) Q(s) ds is linear in Q (Dixon and Hutchinson, Mol. Phys. 33, 1663, 1977): one
system of equations, no iteration, no Fourier transform of a curve that is cut off, and S(k) = 1/|Q̂|² is positive.

A dense liquid is hardly compressible: what Q̂(0) = S(0)^(−1/2) misses by the width of the bins would be a long-ranged U of tens
of kT. So the bins are halved, by a curve through what they have counted, and both answers extrapolated to no width.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.interpolate import Akima1DInterpolator

from cg_data.potentials.pair_potential import Array


def direct_correlation_within(h: npt.ArrayLike, density: npt.ArrayLike, width: float) -> tuple[Array, Array]:
    """Return c like h (…, bin), means in bins of one `width` [length] from r = 0 on, and S(0) (…), of liquids of `density` (…).

    Both are NaN where h is not finite.

    >>> c, s = direct_correlation_within(np.zeros((2, 50)), [0.1, 0.5], 0.1)
    >>> float(abs(c).max()), s.tolist()
    (0.0, [1.0, 1.0])
    """
    given, rho = np.asarray(h, dtype=np.float64), np.asarray(density, dtype=np.float64)
    known = np.asarray(np.isfinite(given).all(axis=-1))
    wanted = np.where(known[..., None], given, 0.0)
    halves = halved(wanted, width)
    c, q = _factorized(wanted, rho, width)
    c_halves, q_halves = _factorized(halves, rho, width / 2)
    gamma = wanted - c + (4 * (_at_centers(halves - c_halves) - (wanted - c))) / 3
    return np.where(known[..., None], wanted - gamma, np.nan), np.where(known, ((4 * q_halves - q) / 3) ** -2, np.nan)


def halved(h: Array, width: float) -> Array:
    """Return means of h (…, bin) in bins of half the width, from Akima's curve through ∫ h dr³; those of a pair make up its own.

    >>> halved(np.zeros(8), 0.1).shape
    (16,)
    """
    edges = np.arange(2 * h.shape[-1] + 1) * (width / 2)
    counted = np.cumsum(h * np.diff(edges[::2] ** 3), axis=-1)
    curve = Akima1DInterpolator(edges[::2], np.concatenate([np.zeros((*h.shape[:-1], 1)), counted], axis=-1), axis=-1)
    return np.asarray(np.diff(curve(edges), axis=-1) / np.diff(edges**3))


def _at_centers(halves: Array) -> Array:
    """Return a smooth curve, known in the middle of halved bins, in the middle of the bins: cubic, at the ends linear."""
    left, right = halves[..., ::2], halves[..., 1::2]
    found = 0.5 * (left + right)
    found[..., 1:-1] = (9 * (left + right)[..., 1:-1] - right[..., :-2] - left[..., 2:]) / 16
    return found


def _factorized(wanted: Array, density: Array, width: float) -> tuple[Array, Array]:
    """Return c (…, bin) and Q̂(0) (…)."""
    rho = density[..., None]
    bins = wanted.shape[-1]
    edge, r = np.arange(bins + 1), (np.arange(bins) + 0.5) * width
    primitive = np.concatenate([np.zeros((*wanted.shape[:-1], 1)), np.cumsum(wanted * r * width, axis=-1)], axis=-1)
    apart = np.abs(edge[:, None] - edge)
    weights = np.full(bins + 1, width)
    weights[[0, -1]] = width / 2
    kernel = (primitive[..., bins - edge][..., None, :] - primitive[..., apart]) * weights
    system = np.eye(bins + 1) + 2 * np.pi * rho[..., None] * kernel
    q = np.linalg.solve(system, (primitive[..., -1:] - primitive)[..., None])[..., 0]
    slope = np.diff(q, axis=-1) / width
    c = np.empty_like(wanted)
    for k in range(bins):
        along = weights[: bins - k].copy()
        along[-1] = width
        along[0] = width / 2
        both = (slope[..., k:] * q[..., : bins - k] * along).sum(axis=-1)
        c[..., k] = (-slope[..., k] + 2 * np.pi * rho[..., 0] * both) / r[k]
    return c, 1 - 2 * np.pi * rho[..., 0] * (q * weights).sum(axis=-1)
