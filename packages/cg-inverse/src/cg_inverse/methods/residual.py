"""The step that removes the residual of g, given how g responds to the potential."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cg_inverse.methods.boltzmann import both_counted
from cg_inverse.methods.protocol import Rows, combined
from cg_inverse.methods.regularized import Solution
from cg_inverse.problems.bins import Array
from cg_inverse.problems.spline_problem import Problem
from cg_inverse.rounds.sample import Sample


def residual_step(problem: Problem, samples: Sequence[Sample], responses: Sequence[Array]) -> Solution:
    """Return the step that brings every g to its target, given the response ∂g/∂c at each state."""
    found = [residual_rows(s, j) for s, j in zip(samples, responses, strict=True)]
    shares = problem.weights * len(found)
    weighed = [replace(e, sigma=e.sigma / np.sqrt(w)) for e, w in zip(found, shares, strict=True)]
    return combined(problem, weighed)


def residual_rows(sample: Sample, response: Array) -> Rows:
    """Return the equations response·Δc = g* − g in the shells that either has counted."""
    state = sample.state
    seen = both_counted(state.counts, sample.g * sample.exposure)
    sigma = np.hypot(sample.g_stderr, state.g_stderr)
    return Rows(response[seen], (state.g - sample.g)[seen], sigma[seen])


def information(problem: Problem, samples: Sequence[Sample], responses: Sequence[Array]) -> Array:
    """Return what all g and their targets together say of the coefficients: Σ Jᵀ σ⁻² J, states by their weights."""
    total = np.zeros((problem.basis.size, problem.basis.size))
    for weight, sample, response in zip(problem.weights * len(samples), samples, responses, strict=True):
        found = residual_rows(sample, response)
        rows = found.rows / found.sigma[:, None]
        total += weight * rows.T @ rows
    return total
