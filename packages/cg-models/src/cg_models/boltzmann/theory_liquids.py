"""Liquids by theory, to learn from before the simulated ones: tens of thousands of potentials for the price of a hundred runs.

Random splines at random densities; g and P by Rogers and Young's closure, or where it has no consistent solution by the
hypernetted chain. What neither solves (dense clusters, phase separation) is left out, as the campaign leaves it out.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from scipy.interpolate import CubicSpline

from cg_data import LiquidTheory, liquid_theory, low_density_pressure, random_splines
from cg_data.potentials.pair_potential import Array, Potential
from cg_models.boltzmann.networks import POINTS
from cg_models.boltzmann.table import FINE, REACH, LiquidTable, indirect, joined, on_points

CAMPAIGN = (0.125, 0.244, 0.512, 1.0)  # densities of the paper
_SHARES = (0.15, 0.2, 0.25, 0.4)  # of rows at them: dense liquids are seldom solved, and hardest to invert
LEAST, MOST = 0.08, 1.1  # densities between
_OF_CAMPAIGN = 0.6  # share of rows at one of the paper's densities
_CORED = 0.6  # share of potentials with a hard core: more of them are liquids
_STICKY = 3.0  # ρ ∫ (exp(−U) − 1) over wells from which on no closure is tried
_MISMATCH = 0.3
_ITERATIONS = 300
_FINER = 8  # points of g in each bin


def theory_liquids(potentials: int, *, seed: int) -> LiquidTable:
    """Return a row for each of so many random potentials that theory has a solution of; about 35 in 100, 0.1 s each.

    >>> table = theory_liquids(5, seed=3)
    >>> bool((table.g >= 0).all()), table.u.shape[1]
    (True, 50)
    """
    rows = list(_rows(potentials, seed))
    columns = [np.array(c) for c in zip(*rows, strict=True)]
    return LiquidTable(torch.from_numpy(columns[0]), *(torch.tensor(c, dtype=torch.float32) for c in columns[1:]))


def _rows(potentials: int, seed: int) -> Iterator[tuple[int | float | Array, ...]]:
    noise = np.random.default_rng(seed)
    for number, potential in enumerate(random_splines(potentials, hard_cores=int(_CORED * potentials), seed=seed)):
        as_simulated = noise.random() < _OF_CAMPAIGN
        density = float(
            noise.choice(CAMPAIGN, p=_SHARES) if as_simulated else np.exp(noise.uniform(np.log(LEAST), np.log(MOST)))
        )
        found = _solved(potential, density)
        if found is not None:
            u, force = on_points(potential)
            estimate = low_density_pressure(potential, density, kT=1.0)
            fine = in_bins(found.r, found.g)
            g, _ = joined(fine, np.zeros(FINE))
            yield (number, density, u, force, g, np.zeros(POINTS), indirect(fine, density), fine,
                   found.pressure, 0.0, estimate)  # fmt: skip


def _solved(potential: Potential, density: float) -> LiquidTheory | None:
    r = np.linspace(0.02, potential.cutoff, 200)
    wells = np.maximum(np.expm1(-np.clip(potential.energy(r), -50, 50)), 0.0)
    if density * 4 * np.pi * float(np.sum(r**2 * wells)) * (r[1] - r[0]) > _STICKY:
        return None
    chain = liquid_theory(potential, density, closure="hnc", iterations=_ITERATIONS)
    if not chain.solved:
        return None
    consistent = liquid_theory(potential, density, closure="ry", iterations=_ITERATIONS)
    good = consistent.solved and abs(consistent.mismatch or 0.0) < _MISMATCH
    return consistent if good else chain


def in_bins(r: Array, g: Array) -> Array:
    """Return the means of g, a smooth curve on points that are close, in the 100 bins."""
    fine = np.linspace(0, REACH, FINE * _FINER + 1)
    near = r < 1.1 * REACH
    between = np.maximum(CubicSpline(r[near], g[near])(0.5 * (fine[1:] + fine[:-1])), 0.0)
    shells = np.diff(fine**3).reshape(FINE, _FINER)
    return np.asarray((shells * between.reshape(FINE, _FINER)).sum(axis=1) / shells.sum(axis=1))
