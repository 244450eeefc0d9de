"""g(r) and P of a liquid from U(r), without a simulation.

γ = h − c and h = g − 1 obey γ̂ = ρ ĉ²/(1 − ρ ĉ); a closure g = exp(−βU) [1 + (exp(γf) − 1)/f] makes the equation whole. It is
the hypernetted chain ("hnc") for f = 1 and Percus and Yevick's ("py") for f = 0. Rogers and Young's ("ry", Phys. Rev. A 30,
999, 1984) goes from one near contact to the other far away, f(r) = 1 − exp(−αr), with the α for which the pressure's slope
and the compressibility agree: near the truth for repulsive potentials, some solutions instead of one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from cg_data.potentials.pair_potential import Array, Potential
from cg_data.theory.radial_grid import REACH, SOLVED, RadialGrid, fixed_point

Closure = Literal["hnc", "py"]
_HUGE = 1e100  # of densities, kT and cutoffs: beyond, their powers overflow
_WALL = 60.0  # kT: where g is nothing
_APART = 0.02  # of the density: between the two pressures of a slope
_ALPHAS = (20.0, 3.0, 1.0, 0.35, 0.1)  # 1/r: looked at in this order
_AGREED, _TRIES = 3e-3, 8  # ln of slope over inverse compressibility; α's tried between two


@dataclass(frozen=True, slots=True, eq=False)
class LiquidTheory:
    """g, c and γ on `r` [length], the virial pressure [energy/length³] and S(0) = ρkT·κ; `residual` of γ, 0 if solved.

    Of Rogers and Young's closure also `alpha` [1/length] and `mismatch`, the logarithm of βdP/dρ·S(0) that is left.
    """

    r: Array
    g: Array
    c: Array
    gamma: Array
    pressure: float
    compressibility: float
    residual: float
    iterations: int
    alpha: float | None = None
    mismatch: float | None = None

    @property
    def solved(self) -> bool:
        return self.residual < SOLVED


def liquid_theory(potential: Potential, density: float, kT: float = 1.0, *, closure: Closure | Literal["ry"] = "hnc",
                  iterations: int = 1000) -> LiquidTheory:  # fmt: skip
    """Return what a closure says of a liquid; look at `solved`: a dense or attractive one may have no solution.

    >>> from cg_data import WCA
    >>> found = liquid_theory(WCA(), 0.3)
    >>> found.solved, round(found.pressure, 2)
    (True, 0.63)
    """
    if not (0 < density < _HUGE and 0 < kT < _HUGE):
        raise ValueError(f"density and kT must be positive and finite, got {density} and {kT}")
    if not 0 < potential.cutoff < _HUGE:
        raise ValueError(f"the theory of a liquid needs a potential that ends: its cutoff is {potential.cutoff}")
    if closure not in ("hnc", "py", "ry"):
        raise ValueError(f"a closure is hnc, py or ry, got {closure!r}")
    liquid = _Liquid(potential, density, kT, iterations)
    if closure == "ry":
        return _consistent(liquid, density)
    return liquid.at(density, np.full_like(liquid.grid.r, 1.0 if closure == "hnc" else 0.0))


def direct_correlation(boltzmann: Array, gamma: Array, switch: Array) -> Array:
    """Return c of γ by the closure, where `switch` is its f(r)."""
    soft, f = np.clip(gamma, -_WALL, _WALL), np.maximum(switch, 1e-6)
    inner = np.where(switch > 1e-6, np.expm1(np.clip(soft * f, -_WALL, _WALL)) / f, gamma)
    return np.asarray(boltzmann * (1 + inner) - 1 - gamma)


class _Liquid:
    """A potential at one temperature, to be solved at densities near the one asked for."""

    def __init__(self, potential: Potential, density: float, kT: float, iterations: int) -> None:
        self.grid, self.kT, self.most = RadialGrid(REACH * max(potential.cutoff, density ** (-1 / 3))), kT, iterations
        r, self.slope = self.grid.r, np.zeros_like(self.grid.r)
        within, beta_u = r < potential.cutoff, np.zeros_like(r)
        with np.errstate(over="ignore", invalid="ignore"):
            beta_u[within] = np.minimum(potential.energy(r[within]) / kT, _WALL)
            self.slope[within] = -potential.force(r[within])
        if not (beta_u >= -_WALL).all():
            raise ValueError(
                f"U/kT falls to {beta_u.min():.3g}: no liquid withstands that; give a higher kT, or a potential with a core"
            )
        self.boltzmann = np.exp(-beta_u)
        self.slope[beta_u >= _WALL] = 0.0

    def at(self, density: float, switch: Array, start: Array | None = None) -> LiquidTheory:
        """Return the solution; from γ of a neighbor if `start` is given, else at once or on the way up in density."""
        gamma, residual, used = self._continued(density, switch, start)
        c = direct_correlation(self.boltzmann, gamma, switch)
        g, grid = 1 + c + gamma, self.grid
        pressure = density * self.kT - density**2 / 6 * grid.integral(grid.r * self.slope * g)
        return LiquidTheory(
            grid.r, g, c, gamma, pressure, 1 / (1 - density * grid.integral(c)), residual=residual, iterations=used
        )

    def _continued(self, density: float, switch: Array, start: Array | None) -> tuple[Array, float, int]:
        def solved_at(rho: float, start: Array, most: int) -> tuple[Array, float, int]:
            return fixed_point(
                lambda x: self.grid.ornstein_zernike(direct_correlation(self.boltzmann, x, switch), rho), start, most
            )

        nothing = np.zeros_like(self.grid.r)
        gamma, residual, used = solved_at(density, nothing if start is None else start, self.most // 5)
        if residual < SOLVED or start is not None:
            return gamma, residual, used
        gamma, reached, stride = nothing, 0.0, density / 16
        while used < self.most and stride > density / 1000:
            goal = min(density, reached + stride)
            found, residual, more = solved_at(goal, gamma, self.most // 8)
            used += more
            if residual > SOLVED:
                stride /= 3
            elif goal == density:
                return found, residual, used
            else:
                gamma, reached, stride = found, goal, 1.5 * stride
        return gamma, max(residual, 1.0), used


def _consistent(liquid: _Liquid, density: float) -> LiquidTheory:
    """Return Rogers and Young's solution: α between two for which virial and compressibility disagree in different senses."""
    tried = list[LiquidTheory]()
    for alpha in _ALPHAS:
        found = _with(liquid, density, alpha, tried)
        tried += [found] if found.solved else []
        if len(tried) > 1 and _off(tried[-1]) * _off(tried[-2]) < 0:
            return _between(liquid, density, *tried[-2:])
    return min(tried, key=lambda t: abs(_off(t)), default=found)


def _between(liquid: _Liquid, density: float, low: LiquidTheory, high: LiquidTheory) -> LiquidTheory:
    best = min(low, high, key=lambda t: abs(_off(t)))
    for k in range(_TRIES):
        a, b = np.log(low.alpha or 1.0), np.log(high.alpha or 1.0)
        share = 0.5 if k % 3 == 2 else float(np.clip(_off(low) / (_off(low) - _off(high)), 0.05, 0.95))
        found = _with(liquid, density, float(np.exp(a + share * (b - a))), [best])
        if not found.solved:
            break
        best = min(best, found, key=lambda t: abs(_off(t)))
        if abs(_off(found)) < _AGREED:
            break
        low, high = (low, found) if _off(found) * _off(high) > 0 else (found, high)
    return best


def _with(liquid: _Liquid, density: float, alpha: float, near: list[LiquidTheory]) -> LiquidTheory:
    """Return the solution of one α and how far virial and compressibility are apart."""
    switch = -np.expm1(-alpha * liquid.grid.r)
    found = liquid.at(density, switch, near[-1].gamma if near else None)
    if not found.solved:
        return replace(found, alpha=alpha, mismatch=np.inf)
    sides = [liquid.at(density * (1 + s), switch, found.gamma) for s in (-_APART, _APART)]
    slope = (sides[1].pressure - sides[0].pressure) / (2 * _APART * density * liquid.kT)
    off = np.log(max(slope, 1e-9) * found.compressibility) if found.compressibility > 0 else np.inf
    return replace(found, alpha=alpha, mismatch=float(off))


def _off(found: LiquidTheory) -> float:
    return np.inf if found.mismatch is None else found.mismatch
