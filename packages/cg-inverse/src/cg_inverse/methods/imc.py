"""Inverse Monte Carlo: the response of g to the potential, sampled in the run as a covariance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from cg_inverse.bins import Array
from cg_inverse.methods.boltzmann import both_counted, started
from cg_inverse.methods.protocol import Initial, Rows, Targets, as_problem, combined
from cg_inverse.spline_problem import Problem
from cg_inverse.regularized import Solution
from cg_inverse.sample import Sample


@dataclass(frozen=True, eq=False)
class IMC:
    """Inverse Monte Carlo (Lyubartsev & Laaksonen 1995): ∂⟨S_i⟩/∂c_k = −β Cov(S_i, Σ_pairs B_k), solved for g*.

    S_i are the pairs in a shell. The noise of g and of its target weighs the shells, and a roughness penalty of
    largest evidence takes the place of Tikhonov's parameter.
    """

    target: Targets
    cutoff: float | None = None
    weights: Sequence[float] | None = None
    knots: float | None = None
    initial: Initial = None
    problem: Problem = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "problem", as_problem(self.target, self.cutoff, self.weights, self.knots))

    def init(self) -> Array:
        return started(self.problem, self.initial)

    def update(self, coefficients: Array, samples: Sequence[Sample]) -> Solution:
        return residual_step(self.problem, samples, [sampled_response(s) for s in samples])


def sampled_response(sample: Sample) -> Array:
    """Return ∂g/∂c = −β Cov(g, Σ_pairs B_k) as (pair, shell, k), each run's frames about their own mean."""
    counts = sample.counts.reshape(sample.frames, -1)
    covariance = np.zeros((counts.shape[1], sample.sums.shape[1]))
    for run in np.unique(sample.run):
        own = sample.run == run
        sums = sample.sums[own] - sample.sums[own].mean(axis=0)
        covariance += (counts[own] - counts[own].mean(axis=0)).T @ sums
    covariance /= max(sample.frames - len(np.unique(sample.run)), 1)
    return -covariance.reshape(*sample.counts.shape[1:], -1) / sample.ideal[:, :, None] / sample.state.kT


def residual_step(problem: Problem, samples: Sequence[Sample], responses: Sequence[Array]) -> Solution:
    """Return the step that brings every g to its target, given the response ∂g/∂c at each state."""
    found = [residual_rows(s, j) for s, j in zip(samples, responses, strict=True)]
    shares = problem.weights * len(found)
    return combined(problem, [replace(e, sigma=e.sigma / np.sqrt(w)) for e, w in zip(found, shares, strict=True)])


def residual_rows(sample: Sample, response: Array) -> Rows:
    """Return the equations response·Δc = g* − g in the shells that either has counted."""
    state = sample.state
    seen = both_counted(state.counts, sample.g * sample.exposure)
    sigma = np.hypot(sample.g_stderr, state.g_stderr)
    return Rows(response[seen], (state.g - sample.g)[seen], sigma[seen])
