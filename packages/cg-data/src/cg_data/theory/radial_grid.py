"""Radial functions and their Fourier transforms, and the Ornstein–Zernike equation between h, c and γ = h − c."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.fft import dst, idst

from cg_data.potentials.pair_potential import Array

POINTS, REACH = 2048, 12.0  # of the grid; cutoffs that it covers
SOLVED = 1e-6  # mean residual of γ
_REMEMBERED = 8  # residuals of Anderson's mixing


class RadialGrid:
    """Points in r and k, with sine transforms between them."""

    def __init__(self, reach: float) -> None:
        self.dr = reach / POINTS
        self.r = np.asarray((np.arange(POINTS) + 0.5) * self.dr, dtype=np.float64)
        self.k = np.asarray(np.pi * (np.arange(POINTS) + 1) / reach, dtype=np.float64)

    def forward(self, f: Array) -> Array:
        return np.asarray(2 * np.pi * self.dr / self.k * dst(self.r * f, type=2))

    def back(self, f: Array) -> Array:
        return np.asarray(idst(self.k * f, type=2) / (2 * np.pi * self.dr) / self.r)

    def ornstein_zernike(self, c: Array, density: float) -> Array:
        """Return γ of c."""
        transformed = self.forward(c)
        return self.back(density * transformed**2 / _positive(1 - density * transformed))

    def integral(self, f: Array) -> float:
        """Return ∫ f dr over space."""
        return 4 * np.pi * float(np.trapezoid(self.r**2 * f, self.r))


def _positive(x: Array) -> Array:
    """Return what S(k) or its inverse is, kept from zero: an iteration may pass through what is not stable."""
    return np.maximum(x, 0.02)


def fixed_point(step: Callable[[Array], Array], start: Array, most: int) -> tuple[Array, float, int]:
    """Solve x = step(x) by Anderson's mixing; return x, the last residual, and the steps taken."""
    with np.errstate(over="ignore", invalid="ignore"):  # astray it may go, and is brought back
        return _mixed(step, start, most)


def _mixed(step: Callable[[Array], Array], start: Array, most: int) -> tuple[Array, float, int]:
    x, xs, residuals, off = start, list[Array](), list[Array](), np.inf
    best, least = start, np.inf
    for k in range(most):
        residual = step(x) - x
        off = float(np.sqrt(np.mean(residual**2)))
        if not np.isfinite(off):
            x, xs, residuals = 0.5 * best, [], []
            continue
        if off < least:
            best, least = x, off
        if off < 1e-9:
            return x, off, k
        if off > 10 * least and len(xs) > 1:  # astray: begin again from the best
            x, xs, residuals = best, [], []
            residual = step(x) - x
        xs, residuals = [*xs, x][-_REMEMBERED:], [*residuals, residual][-_REMEMBERED:]
        damping = 0.3
        if len(xs) > 1:
            change = np.array([residuals[-1] - other for other in residuals[:-1]])
            normal = change @ change.T
            normal[np.diag_indices_from(normal)] *= 1 + 1e-10
            weights = np.linalg.lstsq(normal, change @ residuals[-1], rcond=None)[0]
            mixed = x - weights @ np.array([x - other for other in xs[:-1]])
            x = mixed + damping * (residual - weights @ change)
        else:
            x = x + damping * residual
    return best, least, most
