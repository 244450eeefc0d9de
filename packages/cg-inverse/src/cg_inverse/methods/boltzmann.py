"""Boltzmann inversion: U₀ = −kT ln g, the potential of mean force, exact at low density; and the logarithms of counts."""

from __future__ import annotations

import numpy as np

from cg_inverse.bins import Array, Mask
from cg_inverse.methods.protocol import Initial, Rows, combined
from cg_inverse.spline_problem import Problem
from cg_inverse.state_point import StatePoint

_PSEUDO_COUNT = 0.5  # of Jeffreys' prior: the logarithm of a shell without pairs stays finite
_LEAST_COUNTS = 10.0


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
        rows.append(shell_rows(problem, state, pair)[kept])
        wanted.append(-state.kT * value[kept])
        sigma.append(state.kT * error[kept] / np.sqrt(weight))
    return Rows(np.concatenate(rows), np.concatenate(wanted), np.concatenate(sigma))


def boltzmann_inversion(problem: Problem) -> Array:
    """Return the coefficients of U₀ = −kT ln g, of several states the weighted mean."""
    return combined(
        problem, [boltzmann_rows(problem, s, w) for s, w in zip(problem.states, problem.weights, strict=True)]
    ).step


def started(problem: Problem, initial: Initial) -> Array:
    """Return the coefficients of a given potential, or of Boltzmann inversion."""
    return boltzmann_inversion(problem) if initial is None else problem.coefficients(initial)


def both_counted(target: Array, model: Array) -> Mask:
    """Return the shells in which either counted enough pairs to say that the other has too many or too few."""
    return np.asarray(np.maximum(target, model) >= _LEAST_COUNTS)
