"""The same fit again and again: from other seeds, to targets as they might as well have been measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np
import xarray as xr

import cg_sim as cs
from cg_data import labeled
from cg_inverse.constraints.pressure import Correction
from cg_inverse.fits.control import Control
from cg_inverse.fits.loop import Step, iterate
from cg_inverse.methods.protocol import Method
from cg_inverse.problems.spline_problem import Problem
from cg_inverse.rounds.simulation import Liquids

M = TypeVar("M", bound=Method)
_DIFFUSION_STEPS = 20_000
_POINTS = 400


def ensemble(
    method: Method,
    simulate: Liquids,
    members: int,
    *,
    control: Control = Control(),
    pressure: Correction | None = None,
    progress: Callable[[int, Step], None] | None = None,
) -> xr.Dataset:
    """Return u(member, pair, r), pressure(member, state) and diffusion(member, state) of repeated fits.

    Each member has its own seeds, and a target whose g is changed at random by its standard errors: the spread is what
    the target's noise and the runs' together leave open.
    """
    if members < 2:
        raise ValueError(f"a spread needs at least 2 members, got {members}")
    r = np.linspace(min(s.core for s in method.problem.basis.splines), method.problem.basis.cutoff, _POINTS)
    found = []
    for k in range(members):
        step = _member(method, simulate, k, control, pressure, progress)
        pressures = [sample.pressure for sample in step.samples]
        found.append((step.problem.basis.energies(step.coefficients, r), pressures, _diffusions(simulate, step, k)))
    u, p, d = (np.array(column) for column in zip(*found, strict=True))
    units = method.problem.states[0].units
    return labeled(
        "ensemble",
        {
            "pair": np.array(method.problem.pairs),
            "r": (r, units.length),
            "u": (u, units.energy),
            "u_spread": (u.std(axis=0, ddof=1), units.energy),
            "pressure": (p, f"{units.energy}/{units.length}^3"),
            "diffusion": (d, f"{units.length}^2/({units.time()})"),
        },
        units_length=units.length,
        units_energy=units.energy,
        units_mass=units.mass,
        method=type(method).__name__,
        seed=control.seed,
    )


def _member(
    method: Method,
    simulate: Liquids,
    k: int,
    control: Control,
    pressure: Correction | None,
    progress: Callable[[int, Step], None] | None,
) -> Step:
    """Return a member's best round: of the longest ones that of the lowest excess residual."""
    own = perturbed(method.problem, np.random.default_rng([control.seed, k]))
    steps = iterate(
        of_problem(method, own), replace(simulate, problem=own, seed=simulate.seed + 1000 * (k + 1)),
        control=replace(control, seed=control.seed + 1000 * (k + 1)), pressure=pressure,
    )  # fmt: skip
    seen = []
    for step in steps:
        seen.append(step)
        if progress is not None:
            progress(k, step)
    longest = max(step.order.steps for step in seen)
    return min((s for s in seen if s.order.steps == longest), key=lambda s: s.judgement.excess)


def of_problem(method: M, problem: Problem) -> M:
    """Return the same method for another problem."""
    return replace(method, target=problem, cutoff=None, weights=None, knots=None)  # type: ignore[type-var]


def perturbed(problem: Problem, rng: np.random.Generator) -> Problem:
    """Return the problem with every target's g changed by its standard errors."""
    states = [
        replace(s, g=np.maximum(s.g + np.where(s.g > 0, s.g_stderr, 0.0) * rng.standard_normal(s.g.shape), 0.0))
        for s in problem.states
    ]
    return replace(problem, states=tuple(states))


def _diffusions(simulate: Liquids, step: Step, k: int) -> list[float]:
    """Return D of each state under the member's potential [length²/time]."""
    found = []
    for state, runs in zip(step.problem.states, simulate.start(), strict=True):
        dt = simulate.time_step(state)
        run = cs.simulate(
            runs[0], step.potential, kT=state.kT, dt=dt, steps=_DIFFUSION_STEPS, equilibration=_DIFFUSION_STEPS // 4,
            observe=[cs.MSD(lags=100)], thermostat=cs.Bussi(100 * dt), precision=simulate.precision,
            sample_every=20, seed=k,
        )  # fmt: skip
        found.append(float(run.data["diffusion"].mean()))
    return found
