"""What every round found: arrays that grow by a round, and as one dataset of schema `history`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from cg_data import labeled
from cg_inverse.fits.error_bands import uncertainty
from cg_inverse.fits.loop import Step
from cg_inverse.problems.bins import Array
from cg_inverse.problems.spline_problem import Problem
from cg_inverse.problems.state_point import StatePoint

_SINGLE = ("residual", "noise", "chi2", "steps", "equilibration", "force_evaluations", "seed", "gain")
_WHOLE = ("steps", "equilibration", "force_evaluations", "seed")


@dataclass(frozen=True, eq=False)
class Rounds:
    """Columns by name, each with a first axis over rounds, and a note per round."""

    columns: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.notes)

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        return self.columns[name]

    def with_step(self, step: Step) -> Rounds:
        """Return these rounds and one more."""
        new = {name: np.asarray(value)[None] for name, value in _found(step).items()}
        columns = {name: np.concatenate([self.columns[name], v]) if len(self) else v for name, v in new.items()}
        return Rounds(columns, (*self.notes, step.note))


def _found(step: Step) -> dict[str, Any]:
    """Return what is kept of a round; g of each state on its own shells."""
    evaluations = sum(s.steps * sum(s.particles.values()) for s in step.samples) + step.training_evaluations
    found: dict[str, Any] = {
        "number": step.number,
        "coefficients": step.coefficients,
        "u_stderr": uncertainty(step.problem, step.samples, points=len(potential_grid(step.problem))).u_stderr,
        "residual": step.judgement.residual, "noise": step.judgement.noise, "chi2": step.judgement.chi2,
        "steps": step.order.steps, "equilibration": step.order.equilibration, "seed": step.order.seed,
        "force_evaluations": evaluations, "gain": step.gain,
        "seconds": step.seconds, "simulated_seconds": step.simulated_seconds,
        "pressure": [s.pressure for s in step.samples],
        "pressure_stderr": [s.pressure_stderr for s in step.samples],
        "density": [s.density for s in step.samples],
        "density_stderr": [s.density_stderr for s in step.samples],
    }  # fmt: skip
    for k, sample in enumerate(step.samples):
        found |= {f"g.{k}": sample.g, f"g_stderr.{k}": sample.g_stderr}
    return found


def best_round(rounds: Rounds) -> int:
    """Return the index of the round to believe: of those with the most steps, that of lowest excess residual.

    The excess is the residual less what noise alone makes of it. Shorter rounds are too noisy to be compared, and
    the change after the last round has never been simulated.
    """
    if not len(rounds):
        raise ValueError("no round is done yet: there is nothing to choose from")
    longest = np.flatnonzero(rounds["steps"] == rounds["steps"].max())
    excess = (rounds["residual"] - rounds["noise"])[longest]
    return int(longest[np.argmin(excess)])


def potential_grid(problem: Problem) -> Array:
    """Return r [length] from the smallest core to the cutoff, as fine as the knots of the pair that has most."""
    intervals = max(spline.intervals for spline in problem.basis.splines)
    return np.linspace(min(s.core for s in problem.basis.splines), problem.basis.cutoff, intervals + 1)


def history(problem: Problem, rounds: Rounds, attrs: Mapping[str, Any]) -> xr.Dataset:
    """Return rounds as a `history` dataset; g of every state on the shells of the first, missing where it has none."""
    units, first, n = problem.states[0].units, problem.states[0], len(rounds)
    energy, pressure = units.energy, f"{units.energy}/{units.length}^3"
    r, coefficients = potential_grid(problem), _column(rounds, "coefficients", (problem.basis.size,))
    shape = (len(problem.states),)
    variables: dict[str, Any] = {
        "iteration": _column(rounds, "number", ()).astype(np.int64),
        "state": np.array([state.name for state in problem.states]),
        "pair": np.array(problem.pairs),
        "kT": (np.array([state.kT for state in problem.states]), energy),
        "density": (np.array([state.density for state in problem.states]), f"{units.length}^-3"),
        "coefficients": (coefficients, energy),
        "r_u": (r, units.length),
        "u": (np.array([energies(problem, c, r) for c in coefficients]).reshape(n, len(problem.pairs), len(r)), energy),
        "u_stderr": (_column(rounds, "u_stderr", (len(problem.pairs), len(r))), energy),
        "r": (first.bins.r, units.length),
        "g_target": _over_states(problem, [state.g for state in problem.states]),
        "g_target_stderr": _over_states(problem, [state.g_stderr for state in problem.states]),
        "pressure": (_column(rounds, "pressure", shape), pressure),
        "pressure_stderr": (_column(rounds, "pressure_stderr", shape), pressure),
        "density_found": (_column(rounds, "density", shape), f"{units.length}^-3"),
        "density_found_stderr": (_column(rounds, "density_stderr", shape), f"{units.length}^-3"),
        "note": np.array(rounds.notes, dtype=str),
    }
    for name in ("g", "g_stderr"):
        curves = [_column(rounds, f"{name}.{k}", s.g.shape) for k, s in enumerate(problem.states)]
        variables[name] = np.moveaxis(_over_states(problem, curves), 2, 0)
    variables |= {name: _column(rounds, name, ()) for name in _SINGLE}
    variables |= {name: variables[name].astype(np.int64) for name in _WHOLE}
    variables |= {name: (_column(rounds, name, ()), "s") for name in ("seconds", "simulated_seconds")}
    named = {"units_length": units.length, "units_energy": units.energy, "units_mass": units.mass}
    return labeled("history", variables, **named, **attrs)


def energies(problem: Problem, coefficients: Array, r: Array) -> Array:
    """Return U(r) [energy] as (pair, r), walls included."""
    return np.stack([problem.basis.spline(p).curve(coefficients[problem.basis.part(p)], r)[0] for p in problem.pairs])


def _column(rounds: Rounds, name: str, shape: tuple[int, ...]) -> Array:
    return np.asarray(rounds[name], dtype=np.float64) if len(rounds) else np.zeros((0, *shape))


def _over_states(problem: Problem, curves: list[Array]) -> Array:
    """Return curves (…, pair, r) of each state as one array (state, pair, …, r) over all pairs and the first's shells."""
    r, rows = problem.states[0].bins.r, []
    for state, given in zip(problem.states, curves, strict=True):
        rows += [_on(r, state, given, pair) for pair in problem.pairs]
    return np.stack(rows).reshape(len(curves), len(problem.pairs), *rows[0].shape)


def _on(r: Array, state: StatePoint, curves: Array, pair: str) -> Array:
    if pair not in state.pairs:
        return np.full((*curves.shape[:-2], len(r)), np.nan)
    own = curves[..., state.pairs.index(pair), :]
    if np.array_equal(r, state.bins.r):
        return np.asarray(own)
    flat = [np.interp(r, state.bins.r, row, right=np.nan) for row in own.reshape(-1, own.shape[-1])]
    return np.reshape(flat, (*own.shape[:-1], len(r)))
