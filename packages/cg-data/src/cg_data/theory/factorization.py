"""c(r) of an h(r) that is known up to a distance, beyond which c is nothing: Baxter's factorization.

1 − ρĉ(k) = |Q̂(k)|² with Q(r) of the reach of c (Baxter, Aust. J. Phys. 21, 563, 1968). Inside the reach,
r h(r) = −Q′(r) + 2πρ ∫ (r − s) h(|r − s|) Q(s) ds is linear in Q (Dixon and Hutchinson, Mol. Phys. 33, 1663, 1977): one
system of equations, no iteration, no Fourier transform of a curve that is cut off, and S(k) = 1/|Q̂|² is positive.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cg_data.potentials.pair_potential import Array


def direct_correlation_within(h: npt.ArrayLike, density: npt.ArrayLike, width: float) -> tuple[Array, Array]:
    """Return c like h (…, bin), in bins of one `width` [length] from r = 0 on, and S(0) (…), of liquids of `density` (…).

    >>> c, s = direct_correlation_within(np.zeros((2, 50)), [0.1, 0.5], 0.1)
    >>> float(abs(c).max()), s.tolist()
    (0.0, [1.0, 1.0])
    """
    wanted, rho = np.asarray(h, dtype=np.float64), np.asarray(density, dtype=np.float64)[..., None]
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
    return c, 1 / (1 - 2 * np.pi * rho[..., 0] * (q * weights).sum(axis=-1)) ** 2
