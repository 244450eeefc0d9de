"""A plain solver of the hypernetted chain with Ornstein–Zernike, for comparison: any number of types, on a fine grid."""

from __future__ import annotations

import numpy as np
from scipy.fft import dst

POINTS, STEP = 4096, 0.005
R = STEP * np.arange(1, POINTS)
K = np.pi / (POINTS * STEP) * np.arange(1, POINTS)


def hnc(beta_u: np.ndarray, densities: np.ndarray, *, mixing: float = 0.5) -> np.ndarray:
    """Return g(r) as (type, type, r) for βu of the same shape; h = Ĉ(1 − ρĈ)⁻¹ and g = exp(−βu + h − c)."""
    gamma, rho = np.zeros_like(beta_u), np.diag(densities)
    one = np.eye(len(densities))
    for _ in range(3000):
        c = np.exp(-beta_u + gamma) - gamma - 1
        c_k = np.moveaxis(2 * np.pi * STEP / K * dst(R * c, type=1, axis=-1), -1, 0)
        h_k = np.linalg.solve(one - c_k @ rho, c_k)
        indirect = np.moveaxis(h_k - c_k, 0, -1)
        new = K[0] / (4 * np.pi**2) / R * dst(K * indirect, type=1, axis=-1)
        off = float(np.abs(new - gamma).max())
        gamma = (1 - mixing) * gamma + mixing * new
        if off < 1e-13:
            return np.exp(-beta_u + gamma)
    raise RuntimeError(f"the iteration has not converged: {off:.1e}")


def shell_means(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return means over the volume of shells (edges on the grid), by the trapezoidal rule."""
    weighted = R**2 * values
    whole = np.concatenate([np.zeros((*values.shape[:-1], 1)), weighted], axis=-1)
    running = np.cumsum(0.5 * STEP * (whole[..., 1:] + whole[..., :-1]), axis=-1)
    running = np.concatenate([np.zeros((*values.shape[:-1], 1)), running], axis=-1)
    at = np.rint(edges / STEP).astype(int)
    return 3 * np.diff(running[..., at], axis=-1) / np.diff(edges**3)
