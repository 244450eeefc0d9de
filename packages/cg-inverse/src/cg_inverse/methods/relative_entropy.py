"""Relative entropy: the potential under which the target's configurations are most likely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from cg_inverse.methods.boltzmann import shell_rows
from cg_inverse.methods.protocol import Initial, Targets, as_problem
from cg_inverse.methods.regularized import Solution, newton
from cg_inverse.methods.responses import sampled_hessian
from cg_inverse.methods.starting import started
from cg_inverse.problems.bins import Array
from cg_inverse.problems.spline_problem import Problem
from cg_inverse.rounds.sample import Sample


@dataclass(frozen=True, eq=False)
class RelativeEntropy:
    """Relative-entropy minimisation (Shell 2008; Chaimovich & Shell 2011) by Newton steps on the spline coefficients.

    ∂S/∂c_k = β(⟨Σ B_k⟩* − ⟨Σ B_k⟩), ∂²S/∂c_k∂c_l = β² Cov(Σ B_k, Σ B_l). The covariance is of direct sums over the
    model's pairs, frame by frame; the gradient is taken at the target's resolution on both sides, as the averages over
    the target come from its g: of wide shells the difference would be a bias.
    """

    target: Targets
    cutoff: float | None = None
    weights: Sequence[float] | None = None
    knots: float | None = None
    initial: Initial = None
    shrunk: bool = True
    problem: Problem = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "problem", as_problem(self.target, self.cutoff, self.weights, self.knots))

    def init(self) -> Array:
        return started(self.problem, self.initial)

    def update(self, coefficients: Array, samples: Sequence[Sample]) -> Solution:
        parts = [entropy_derivatives(self.problem, s, shrunk=self.shrunk) for s in samples]
        shares = self.problem.weights * len(parts)
        gradient = sum(w * g for w, (g, _, _) in zip(shares, parts, strict=True))
        hessian = sum(w * h for w, (_, h, _) in zip(shares, parts, strict=True))
        noise = sum(w**2 * v for w, (_, _, v) in zip(shares, parts, strict=True))
        return newton(np.asarray(gradient), np.asarray(hessian), np.asarray(noise), self.problem.basis.roughness())


def entropy_derivatives(problem: Problem, sample: Sample, *, shrunk: bool = True) -> tuple[Array, Array, Array]:
    """Return gradient and Hessian of the relative entropy by coefficients, and the gradient's covariance by noise."""
    state, beta = sample.state, 1 / sample.state.kT
    gradient, noise = np.zeros(problem.basis.size), np.zeros((problem.basis.size, problem.basis.size))
    for k, pair in enumerate(state.pairs):
        rows = shell_rows(problem, state, pair) * sample.ideal[k][:, None]
        gradient += (state.g[k] - sample.g[k]) @ rows
        noise += (rows * (sample.g_stderr[k] ** 2 + state.g_stderr[k] ** 2)[:, None]).T @ rows
    return beta * gradient, sampled_hessian(problem, sample, shrunk=shrunk), beta**2 * noise
