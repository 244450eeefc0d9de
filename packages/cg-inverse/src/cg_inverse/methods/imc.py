"""Inverse Monte Carlo: the response of g to the potential, sampled in the run as a covariance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cg_inverse.methods.protocol import Initial, Targets, as_problem
from cg_inverse.methods.regularized import Solution
from cg_inverse.methods.residual import residual_step
from cg_inverse.methods.responses import sampled_response
from cg_inverse.methods.starting import started
from cg_inverse.problems.bins import Array
from cg_inverse.problems.spline_problem import Problem
from cg_inverse.rounds.sample import Sample


@dataclass(frozen=True, eq=False)
class IMC:
    """Inverse Monte Carlo (Lyubartsev & Laaksonen 1995): ∂⟨S_i⟩/∂c_k = −β Cov(S_i, Σ_pairs B_k), solved for g*.

    S_i are the pairs in a shell; the covariance of a short run is shrunk towards that of HNC theory. The noise of g and of its target weighs the shells, and a roughness penalty of
    largest evidence takes the place of Tikhonov's parameter.
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
        return residual_step(
            self.problem, samples, [sampled_response(self.problem, s, shrunk=self.shrunk) for s in samples]
        )
