"""The boxes that a training simulates, one per state point and replica, and what their g is compared with."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

import cg_sim as cs
from cg_data import Interactions
from cg_inverse.learning.recipe import Recipe
from cg_inverse.problems.bins import Array
from cg_inverse.problems.state_point import StatePoint
from cg_sim.box import widths
from cg_sim.differentiable import SoftRDF, pairs_of

_TAIL = 5.0  # widths of a kernel that a soft RDF reaches beyond its last bin
_MELTING_DT = 0.6  # of the time step
_MELTING_FRICTION = 0.005  # per time step


@dataclass(frozen=True, eq=False)
class System:
    """A state point as it is trained on: its soft g(r), and the target seen with the same kernels (pair, bin)."""

    point: StatePoint
    soft: SoftRDF
    target: Array
    dt: float
    thermostat: cs.NoseHoover
    weight: float

    @property
    def bin(self) -> float:
        """Distance of two bins [length]."""
        return self.soft.r_max / self.soft.bins


def systems(points: tuple[StatePoint, ...], recipe: Recipe, weights: Array) -> tuple[System, ...]:
    """Return the system of each state point; the mean of `weights` is 1."""
    return tuple(_system(p, recipe, float(w) * len(points)) for p, w in zip(points, weights, strict=True))


def _system(point: StatePoint, recipe: Recipe, weight: float) -> System:
    state = crystal(point, recipe, 0)
    half = 0.5 * float(widths(state.box).min())
    reach = min(point.bins.r_max, half)
    if recipe.normalization == "count":
        reach = min(point.bins.r_max, half / (1 + _TAIL / recipe.bins))
    soft = SoftRDF(reach, recipe.bins, normalization=recipe.normalization)
    r, order = point.bins.r, [point.pairs.index(p) for p in pairs_of(state)]
    target = np.stack([soft.smeared(r, point.g[k]) for k in order])
    if recipe.normalization == "sphere":  # scaled to a mean of 1, as the paper scales both
        shells = 4 * np.pi * soft.r**2
        target = target * shells.sum() / (target * shells).sum(axis=1, keepdims=True)
    time = point.density ** (-1 / 3) * float(np.sqrt(recipe.mass / point.kT))
    dt = recipe.dt if recipe.dt is not None else 0.005 * time
    tau = recipe.tau if recipe.tau is not None else 100 * dt
    return System(point, soft, target, dt, cs.NoseHoover(tau), weight)


def crystal(point: StatePoint, recipe: Recipe, replica: int) -> cs.State:
    """Return the lattice that a replica begins with."""
    shares = {t: rho / point.density for t, rho in point.densities.items()}
    return cs.fcc(recipe.particles, point.density, kT=point.kT, masses=recipe.mass, composition=shares,
                  seed=recipe.seed + 1000 * replica)  # fmt: skip


def melted(system: System, potential: Interactions, recipe: Recipe, replica: int) -> cs.State:
    """Return a replica's liquid under a potential, its clock at 0."""
    state = crystal(system.point, recipe, replica)
    if recipe.melting:
        run = cs.simulate(state, potential, kT=system.point.kT, steps=recipe.melting, dt=_MELTING_DT * system.dt,
                          thermostat=cs.Langevin(_MELTING_FRICTION / system.dt), threads=1, precision="double",
                          seed=recipe.seed + 1000 * replica)  # fmt: skip
        state = run.state.with_velocities(system.point.kT, seed=recipe.seed + 1000 * replica)
    return replace(state, step=0)
