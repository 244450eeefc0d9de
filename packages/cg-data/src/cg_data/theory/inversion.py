"""U(r) from g(r) by the closures of `liquid_theory`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cg_data.potentials.pair_potential import Array
from cg_data.theory.liquid_theory import Closure
from cg_data.theory.radial_grid import REACH, RadialGrid, fixed_point


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
    grid = RadialGrid(max(REACH * density ** (-1 / 3), 3 * float(x[-1])))
    inside = grid.r <= x[-1]
    h = np.where(inside, np.interp(grid.r, x, y, left=y[0]) - 1, 0.0)

    def step(tail: Array) -> Array:
        whole = np.where(inside, h, tail)
        gamma = whole - grid.direct(whole, density)
        return np.where(inside, 0.0, np.expm1(np.clip(gamma, -1.0, 1.0)) if closure == "hnc" else gamma)

    tail, _, _ = fixed_point(step, np.zeros_like(grid.r), iterations)
    whole = np.where(inside, h, tail)
    gamma = np.interp(x, grid.r, whole - grid.direct(whole, density))
    with np.errstate(divide="ignore", invalid="ignore"):
        inner = gamma if closure == "hnc" else np.log(np.maximum(1 + gamma, 1e-3))
        return np.asarray(kT * np.where(y > 0, inner - np.log(y), np.inf))
