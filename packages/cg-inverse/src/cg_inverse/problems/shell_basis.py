"""What a correction can be: its value in every shell, Akima's spline between them, zero from the cutoff on.

It has no wall: what it is added to keeps particles apart. Below the first knot it stays as it is there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.interpolate import Akima1DInterpolator, BSpline

from cg_data import PairTable, Potential
from cg_inverse.problems.basis import PairBasis, shell_averages
from cg_inverse.problems.bins import Array, Bins
from cg_inverse.problems.spline_problem import Problem
from cg_inverse.problems.state_point import StatePoint

_TABLE_KNOTS = 1200
_DEEPEST = 0.5  # of where the target's first pairs are


@dataclass(frozen=True, slots=True)
class ShellBasis:
    """Values at `intervals` centers of shells from `core` on, `spacing` apart, and zero at the `cutoff` [length]."""

    core: float
    cutoff: float
    intervals: int
    spacing: float

    @property
    def size(self) -> int:
        return self.intervals

    @property
    def knots(self) -> Array:
        """The centers, without the cutoff [length]."""
        return np.asarray(self.core + self.spacing * np.arange(self.intervals))

    def __call__(self, r: npt.ArrayLike, order: int = 0) -> Array:
        """Return what each value adds to u(r) by linear interpolation (or its derivative of `order`), as (r, k)."""
        x = np.asarray(r, dtype=np.float64)
        t = np.concatenate([[self.core], self.knots, [self.cutoff, self.cutoff]])
        out = np.array(BSpline(t, np.eye(self.size + 1), 1)(np.clip(x, self.core, self.cutoff), nu=order))[
            :, : self.size
        ]
        out[(x >= self.cutoff) | ((x < self.core) & (order > 0))] = 0.0
        return out

    def averages(self, bins: Bins) -> Array:
        """Return what each value adds to the mean of u over each fine shell of `bins`, as (fine shell, k)."""
        return shell_averages(self, bins)

    def curve(self, coefficients: Array, r: npt.ArrayLike) -> tuple[Array, Array]:
        """Return u and F at r by Akima's spline, flat at both ends."""
        x, h = np.asarray(r, dtype=np.float64), self.spacing
        knots = np.concatenate([self.core - h * np.array([2, 1]), self.knots, self.cutoff + h * np.arange(3)])
        values = np.concatenate([np.full(2, coefficients[0]), coefficients, np.zeros(3)])
        spline = Akima1DInterpolator(knots, values)
        inside = np.clip(x, self.core, self.cutoff)
        return np.asarray(spline(inside)), np.where(x < self.core, 0.0, -np.asarray(spline(inside, nu=1)))

    def table(self, coefficients: Array) -> PairTable:
        """Return the correction with these values as engines evaluate it, from r = 0 on."""
        u, f = self.curve(coefficients, np.linspace(0.0, self.cutoff, _TABLE_KNOTS))
        return PairTable.from_forces(0.0, self.cutoff, u, f)

    def projected(self, potential: Potential, *, ceiling: float) -> Array:
        """Return a potential's values at the knots, none beyond ± `ceiling` [energy]."""
        return np.clip(np.asarray(potential.energy(self.knots), dtype=np.float64), -ceiling, ceiling)


def of_corrections(problem: Problem) -> Problem:
    """Return the problem with a value per shell of its first state in place of splines with walls."""
    if corrects(problem):
        return problem
    pairs, bins = problem.pairs, problem.states[0].bins
    return replace(problem, basis=PairBasis(pairs, tuple(_shells(p, problem.states, problem, bins) for p in pairs)))


def _shells(pair: str, states: tuple[StatePoint, ...], problem: Problem, bins: Bins) -> ShellBasis:
    spline = problem.basis.spline(pair)
    inside = bins.r[(bins.r >= _DEEPEST * spline.core) & (bins.r < spline.cutoff - 0.49 * bins.width)]
    return ShellBasis(float(inside[0]), spline.cutoff, len(inside), bins.width)


def corrects(problem: Problem) -> bool:
    """Return whether the problem's potentials are corrections to something else."""
    return isinstance(problem.basis.splines[0], ShellBasis)
