"""Theory of liquids: g(r) and P from U(r), and U(r) from g(r), by the Ornstein–Zernike equation and a closure.

γ = h − c and h = g − 1 obey γ̂ = ρ ĉ²/(1 − ρ ĉ); the closures are g = exp(−βU + γ) (hypernetted chain, "hnc") and
g = exp(−βU)(1 + γ) (Percus–Yevick, "py"). No simulation: milliseconds, and near the truth for soft or dilute liquids.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.fft import dst, idst

from cg_data.potentials.pair_potential import Array, Potential

Closure = Literal["hnc", "py"]
_POINTS, _REACH = 2048, 12.0  # of the grid; cutoffs that it covers
_REMEMBERED = 8  # residuals of Anderson's mixing
_SOLVED = 1e-6  # mean residual of γ
_WALL = 60.0  # kT: where g is nothing


@dataclass(frozen=True, slots=True, eq=False)
class LiquidTheory:
    """g, c and γ on `r` [length], the virial pressure [energy/length³] and S(0) = ρkT·κ; `residual` of γ, 0 if solved."""

    r: Array
    g: Array
    c: Array
    gamma: Array
    pressure: float
    compressibility: float
    residual: float
    iterations: int

    @property
    def solved(self) -> bool:
        return self.residual < _SOLVED


def liquid_theory(potential: Potential, density: float, kT: float = 1.0, *, closure: Closure = "hnc",
                  iterations: int = 1000) -> LiquidTheory:  # fmt: skip
    """Return what a closure says of a liquid; look at `solved`: a dense or attractive one may have no solution.

    >>> from cg_data import WCA
    >>> found = liquid_theory(WCA(), 0.3)
    >>> found.solved, round(found.pressure, 2)
    (True, 0.63)
    """
    if not (density > 0 and kT > 0):
        raise ValueError(f"density and kT must be positive, got {density} and {kT}")
    grid = _Grid(_REACH * max(potential.cutoff, density ** (-1 / 3)))
    with np.errstate(over="ignore"):
        beta_u = np.minimum(_inside(potential, potential.energy, grid.r) / kT, _WALL)
    boltzmann = np.exp(-beta_u)

    gamma, residual, used = _continued(grid, boltzmann, closure, density, iterations)
    c = _direct(closure, boltzmann, gamma)
    g = 1 + c + gamma
    slope = -_inside(potential, potential.force, grid.r)
    integrand = np.where(beta_u < _WALL, grid.r**3 * slope * g, 0.0)
    pressure = density * kT - 2 / 3 * np.pi * density**2 * float(np.trapezoid(integrand, grid.r))
    held = 1 / (1 - density * 4 * np.pi * float(np.trapezoid(grid.r**2 * c, grid.r)))
    return LiquidTheory(grid.r, g, c, gamma, pressure, held, residual, used)


def _continued(grid: _Grid, boltzmann: Array, closure: Closure, density: float, most: int) -> tuple[Array, float, int]:
    """Return γ, its residual and the iterations taken: at once, or else on the way up from low densities."""

    def solved_at(rho: float, start: Array, most: int) -> tuple[Array, float, int]:
        return _fixed_point(lambda x: grid.ornstein_zernike(_direct(closure, boltzmann, x), rho), start, most)

    gamma, residual, used = solved_at(density, np.zeros_like(grid.r), most // 5)
    if residual < _SOLVED:
        return gamma, residual, used
    gamma, reached, stride = np.zeros_like(grid.r), 0.0, density / 16
    while used < most and stride > density / 1000:
        goal = min(density, reached + stride)
        found, residual, more = solved_at(goal, gamma, most // 8)
        used += more
        if residual > _SOLVED:
            stride /= 3
        elif goal == density:
            return found, residual, used
        else:
            gamma, reached, stride = found, goal, 1.5 * stride
    return gamma, max(residual, 1.0), used


def theory_inversion(r: npt.ArrayLike, g: npt.ArrayLike, density: float, kT: float = 1.0, *,
                     closure: Closure = "hnc", iterations: int = 500) -> Array:  # fmt: skip
    """Return U(r) [energy] that a closure says makes g(r); inf where g is 0.

    Beyond the last r, where g is not known, U is taken to be 0 and the closure gives g.

    >>> import numpy as np
    >>> float(abs(theory_inversion(np.linspace(0.1, 5, 50), np.ones(50), 0.3)).max())
    0.0
    """
    x, y = np.asarray(r, dtype=float), np.asarray(g, dtype=float)
    if x.ndim != 1 or x.shape != y.shape or len(x) < 8 or np.any(np.diff(x) <= 0):
        raise ValueError(f"r must increase and g have its length, got shapes {x.shape} and {y.shape}")
    grid = _Grid(max(_REACH * density ** (-1 / 3), 3 * float(x[-1])))
    inside = grid.r <= x[-1]
    h = np.where(inside, np.interp(grid.r, x, y, left=y[0]) - 1, 0.0)

    def step(tail: Array) -> Array:
        whole = np.where(inside, h, tail)
        gamma = whole - grid.direct(whole, density)
        return np.where(inside, 0.0, np.expm1(np.clip(gamma, -1.0, 1.0)) if closure == "hnc" else gamma)

    tail, _, _ = _fixed_point(step, np.zeros_like(grid.r), iterations)
    whole = np.where(inside, h, tail)
    gamma = np.interp(x, grid.r, whole - grid.direct(whole, density))
    with np.errstate(divide="ignore", invalid="ignore"):
        inner = gamma if closure == "hnc" else np.log(np.maximum(1 + gamma, 1e-3))
        return np.asarray(kT * np.where(y > 0, inner - np.log(y), np.inf))


def _inside(potential: Potential, of: Callable[[Array], Array], r: Array) -> Array:
    values = np.zeros_like(r)
    within = r < potential.cutoff
    values[within] = of(r[within])
    return values


def _direct(closure: Closure, boltzmann: Array, gamma: Array) -> Array:
    if closure == "hnc":
        return np.asarray(boltzmann * np.exp(np.clip(gamma, -_WALL, _WALL)) - 1 - gamma)
    return np.asarray((1 + gamma) * (boltzmann - 1))


class _Grid:
    """Radial Fourier transforms by sine transforms."""

    def __init__(self, reach: float) -> None:
        self.dr = reach / _POINTS
        self.r = np.asarray((np.arange(_POINTS) + 0.5) * self.dr, dtype=np.float64)
        self.k = np.asarray(np.pi * (np.arange(_POINTS) + 1) / reach, dtype=np.float64)

    def forward(self, f: Array) -> Array:
        return np.asarray(2 * np.pi * self.dr / self.k * dst(self.r * f, type=2))

    def back(self, f: Array) -> Array:
        return np.asarray(idst(self.k * f, type=2) / (2 * np.pi * self.dr) / self.r)

    def ornstein_zernike(self, c: Array, density: float) -> Array:
        """Return γ of c."""
        transformed = self.forward(c)
        return self.back(density * transformed**2 / _positive(1 - density * transformed))

    def direct(self, h: Array, density: float) -> Array:
        """Return c of h."""
        transformed = self.forward(h)
        return self.back(transformed / _positive(1 + density * transformed))


def _positive(x: Array) -> Array:
    """Return what S(k) or its inverse is, kept from zero: an iteration may pass through what is not stable."""
    return np.maximum(x, 0.02)


def _fixed_point(step: Callable[[Array], Array], start: Array, most: int) -> tuple[Array, float, int]:
    """Solve x = step(x) by Anderson's mixing; return x, the last residual, and the steps taken."""
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
