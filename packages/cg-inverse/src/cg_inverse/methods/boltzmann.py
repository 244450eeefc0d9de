"""Boltzmann inversion: U₀ = −kT ln g, the potential of mean force, exact at low density; and the logarithms of counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cg_inverse.methods.protocol import Rows, combined
from cg_inverse.problems.basis import Curves
from cg_inverse.problems.bins import Array, Mask
from cg_inverse.problems.spline_problem import Problem
from cg_inverse.problems.state_point import StatePoint

_PSEUDO_COUNT = 0.5  # of Jeffreys' prior: the logarithm of a shell without pairs stays finite
_LEAST_COUNTS = 10.0
_END = 0.25  # of [core, cutoff]: where a potential of mean force is led to zero
_LEAST_AT_END = 4  # shells that show a slope
_WITHIN_SHELLS = 4  # rounds that account for how U varies within a shell,
_STEEPEST = 3.0  # by no more than so many kT from its mean


def log_g(g: Array, exposure: Array) -> tuple[Array, Array]:
    """Return ln g and its standard error from independent counts g·exposure, finite where nothing was counted.

    >>> value, error = log_g(np.array([1.0, 0.0]), np.array([1e4, 1e4]))
    >>> [round(float(v), 3) for v in (*value, *error)]
    [0.0, -9.903, 0.01, 1.414]
    """
    counts = g * exposure + _PSEUDO_COUNT
    return np.log(counts / exposure), 1 / np.sqrt(counts)


def shell_rows(problem: Problem, state: StatePoint, pair: str) -> Array:
    """Return the splines' averages over the state's shells as (shell, k), zero for other pairs."""
    averages = problem.basis.spline(pair).averages(state.bins)
    volumes = np.diff(state.bins.fine_edges**3)[:, None]
    rows = np.zeros((state.bins.count, problem.basis.size))
    rows[:, problem.basis.part(pair)] = (
        state.bins.coarse((averages * volumes).T).T / state.bins.coarse(volumes[:, 0])[:, None]
    )
    return rows


def within(problem: Problem, state: StatePoint, pair: str) -> Mask:
    """Return which shells lie inside the cutoff."""
    return np.asarray(state.bins.edges[1:] <= problem.basis.spline(pair).cutoff * (1 + 1e-9))


def boltzmann_rows(problem: Problem, state: StatePoint, weight: float) -> Rows:
    """Return the equations U = −kT ln g, in the shells that the target trusts."""
    rows, wanted, sigma = [], [], []
    for k, pair in enumerate(state.pairs):
        kept = state.trusted[k] & within(problem, state, pair)
        value, error = log_g(state.g[k], state.exposure[k])
        spline, r, u = problem.basis.spline(pair), state.bins.r[kept], -state.kT * value[kept]
        rows.append(shell_rows(problem, state, pair)[kept])
        wanted.append(u - _end(spline, r, u))
        sigma.append(state.kT * error[kept] / np.sqrt(weight))
    return Rows(np.concatenate(rows), np.concatenate(wanted), np.concatenate(sigma))


def _end(spline: Curves, r: Array, u: Array) -> Array:
    """Return the smooth ramp over the last part of [core, cutoff] that ends with the value and slope of `u` there.

    −kT ln g of a liquid does not end at the cutoff, as splines must: without it they would bend everywhere.
    """
    width = _END * (spline.cutoff - spline.core)
    last = r > spline.cutoff - max(0.5 * width, 3 * spline.spacing)
    if np.sum(last) < _LEAST_AT_END:
        return np.zeros(len(r))
    slope, value = np.polyfit(r[last] - spline.cutoff, u[last], 1)
    x = np.clip((r - spline.cutoff) / width + 1, 0.0, 1.0)
    return np.asarray(value * x**3 * (10 - 15 * x + 6 * x**2) + slope * width * x**3 * (-4 + 7 * x - 3 * x**2))


def boltzmann_inversion(problem: Problem) -> Array:
    """Return the coefficients of U₀ = −kT ln g, of several states the weighted mean.

    A shell's g is its mean of exp(−U/kT), which at a wall is well above exp(−mean of U/kT): U is found so that the
    former agrees.
    """
    shared = list(zip(problem.states, problem.weights, strict=True))
    equations = [boltzmann_rows(problem, state, weight) for state, weight in shared]
    found = combined(problem, equations).step
    for _ in range(_WITHIN_SHELLS):
        steep = [_steepness(problem, state, found) for state in problem.states]
        found = combined(
            problem, [replace(e, wanted=e.wanted + more) for e, more in zip(equations, steep, strict=True)]
        ).step
    return found


def _steepness(problem: Problem, state: StatePoint, coefficients: Array) -> Array:
    """Return ⟨U⟩ + kT ln⟨exp(−U/kT)⟩ in each shell of `boltzmann_rows`, which is zero where U is flat."""
    bins, each = state.bins, []
    volumes = np.diff(bins.fine_edges**3)
    owner = np.searchsorted(bins.fine_starts, np.arange(bins.parts), side="right") - 1
    middle = 0.5 * (bins.fine_edges[1:] + bins.fine_edges[:-1])
    for k, pair in enumerate(state.pairs):
        u = problem.basis.spline(pair)(middle) @ coefficients[problem.basis.part(pair)] / state.kT
        mean = bins.coarse(u * volumes) / bins.coarse(volumes)
        apart = np.clip(u - mean[np.maximum(owner, 0)], -_STEEPEST, _STEEPEST)
        excess = state.kT * np.log(bins.coarse(np.exp(-apart) * volumes) / bins.coarse(volumes))
        each.append(excess[state.trusted[k] & within(problem, state, pair)])
    return np.concatenate(each)


def both_counted(target: Array, model: Array) -> Mask:
    """Return the shells in which either counted enough pairs to say that the other has too many or too few."""
    return np.asarray(np.maximum(target, model) >= _LEAST_COUNTS)
