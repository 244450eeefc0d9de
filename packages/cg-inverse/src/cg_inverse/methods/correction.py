"""A pair potential that corrects a base: u ← u + α kT w ln(g/g*) from u = 0 (Matin et al. 2023, eq. 1), and better steps.

g is that of the base with u. What g* does not know, its core, is left alone by every rule: there w = g* vanishes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np

from cg_inverse.methods.boltzmann import both_counted, log_g, shell_rows, within
from cg_inverse.methods.hnc import hnc_response
from cg_inverse.methods.ibi import Weight, require_alpha, shell_weights
from cg_inverse.methods.protocol import Initial, Rows, Targets, as_problem
from cg_inverse.methods.regularized import Solution, solved
from cg_inverse.methods.residual import residual_rows
from cg_inverse.methods.responses import sampled_response
from cg_inverse.problems.bins import Array, Mask
from cg_inverse.problems.shell_basis import of_corrections
from cg_inverse.problems.spline_problem import Problem
from cg_inverse.rounds.sample import Sample

Rule = Literal["paper", "line", "hnc", "imc"]
_KNOWN = 0.5  # g* from which on a step may be of any size; where it is less, less
_SHORTEST, _LONGEST = 0.05, 5.0  # α of a line search


@dataclass(frozen=True, eq=False)
class PairCorrection:
    """Weighted IBI of a correction, w = g* unless another weight of (r, g*) is given; α is dimensionless.

    | rule | step |
    | --- | --- |
    | paper | eq. 1 shell by shell, α as given |
    | line | eq. 1 with the α by which g comes nearest to g*, as hypernetted-chain theory predicts it |
    | hnc | Gauss–Newton on g − g* with HNC's response of the liquid at hand, as smooth as noise demands |
    | imc | the same with the response sampled, −β Cov(g, Σ_pairs), which holds whatever the base; HNC's where it is noise |

    `damping` is that of Gauss–Newton steps. Several targets share the correction: their steps are averaged by `weights`, of "hnc" their residuals added.
    """

    target: Targets
    cutoff: float | None = None
    rule: Rule = "paper"
    alpha: float = 0.5
    weight: Weight | None = None
    weights: Sequence[float] | None = None
    initial: Initial = None
    damping: float = 0.1
    problem: Problem = field(init=False, repr=False)

    def __post_init__(self) -> None:
        require_alpha(self.alpha)
        if not 0 <= self.damping < np.inf:
            raise ValueError(f"damping must be ≥ 0, got {self.damping}")
        if self.rule not in get_args(Rule):
            raise ValueError(f"rule must be one of {', '.join(get_args(Rule))}, got {self.rule!r}")
        if isinstance(self.initial, str):
            raise ValueError(f"a correction starts from nothing or from a potential, got initial={self.initial!r}")
        given = of_corrections(as_problem(self.target, self.cutoff, self.weights, None))
        object.__setattr__(self, "problem", given)
        for state in given.states:
            shell_weights(self.weight, state)

    def init(self) -> Array:
        if self.initial is None or isinstance(self.initial, str):
            return np.zeros(self.problem.basis.size)
        return self.problem.coefficients(self.initial)

    def update(self, coefficients: Array, samples: Sequence[Sample]) -> Solution:
        match self.rule:
            case "paper":
                return _exactly(self.alpha * self._direction(samples))
            case "line":
                direction = self._direction(samples)
                return _exactly(best_length(self.problem, samples, direction) * direction)
            case "hnc":
                return gauss_newton(self.problem, samples, [response(self.problem, s) for s in samples], self.damping)
            case "imc":
                found = [sampled_response(self.problem, s) for s in samples]
                return gauss_newton(self.problem, samples, found, self.damping)
            case _:
                raise ValueError(f"unknown rule {self.rule!r}")

    def _direction(self, samples: Sequence[Sample]) -> Array:
        """Return kT w ln(g/g*) at the knots, of several states the mean; zero where neither g has counted pairs."""
        total = np.zeros(self.problem.basis.size)
        for share, sample in zip(self.problem.weights, samples, strict=True):
            wanted = logarithm(self.problem, sample, shell_weights(self.weight, sample.state))
            for pair, row in zip(sample.state.pairs, wanted, strict=True):
                knots = self.problem.basis.spline(pair).knots
                total[self.problem.basis.part(pair)] += share * np.interp(knots, sample.state.bins.r, row)
        return total


def logarithm(problem: Problem, sample: Sample, w: Array) -> Array:
    """Return kT w ln(g/g*) as (pair, shell), zero where neither has counted pairs."""
    state = sample.state
    ours, theirs = log_g(sample.g, sample.exposure)[0], log_g(state.g, state.exposure)[0]
    return np.asarray(np.where(_seen(problem, sample), state.kT * w * (ours - theirs), 0.0))


def _seen(problem: Problem, sample: Sample) -> Mask:
    inside = np.stack([within(problem, sample.state, pair) for pair in sample.state.pairs])
    return inside & both_counted(sample.state.counts, sample.g * sample.exposure)


def _exactly(step: Array) -> Solution:
    return Solution(step, np.zeros((len(step), len(step))), float(len(step)), 0.0)


def response(problem: Problem, sample: Sample) -> Array:
    """Return ∂g/∂u of HNC theory as (pair, shell, k), of the liquid as it is: its own g and density."""
    state = sample.state
    scale = sample.density / state.density
    here = replace(state, densities={t: scale * rho for t, rho in state.densities.items()})
    return hnc_response(problem, here, sample.g)


def best_length(problem: Problem, samples: Sequence[Sample], direction: Array) -> float:
    """Return the α for which Σ r²(g + α ∂g/∂u·direction − g*)² is least, within reason."""
    along = across = 0.0
    for share, sample in zip(problem.weights, samples, strict=True):
        change = response(problem, sample) @ direction
        measure = share * sample.state.density * sample.state.bins.volumes
        along += float(np.sum(measure * change * (sample.state.g - sample.g)))
        across += float(np.sum(measure * change**2))
    return float(np.clip(along / max(across, 1e-300), _SHORTEST, _LONGEST))


def gauss_newton(problem: Problem, samples: Sequence[Sample], responses: Sequence[Array], damping: float) -> Solution:
    """Return the step that brings every g nearest to its target: a smooth curve times min(1, 2g*), which ends where g* does.

    Long waves of u hardly change the g of a dense liquid, so that what little is wrong there asks for electronvolts, and responses are
    least known there. So steps are damped (Levenberg and Marquardt) in the metric of IBI, whose response is −βg: what responds as
    a thin gas or more is hardly slowed, what hardly responds is left alone.
    """
    shares = problem.weights * len(samples)
    weighed = [replace(s, sigma=s.sigma / np.sqrt(w)) for s, w in
               zip((logarithmic_rows(s, j) for s, j in zip(samples, responses, strict=True)), shares, strict=True)]  # fmt: skip
    known, roughness = _known(problem), problem.basis.roughness()
    rows, wanted, sigma = (np.concatenate([getattr(e, name) for e in weighed]) for name in ("rows", "wanted", "sigma"))
    answer = solved(rows * known, wanted, sigma, roughness)
    sigma = sigma * answer.inflation
    white = rows * known / sigma[:, None]
    thin = np.concatenate([residual_rows(s, thin_response(problem, s)).rows for s in samples]) * known / sigma[:, None]
    normal = white.T @ white + answer.ridge * roughness + damping * thin.T @ thin
    covariance = np.linalg.inv(normal)
    step = np.linalg.solve(normal, white.T @ (wanted / sigma))
    return replace(answer, step=known * step, covariance=np.outer(known, known) * covariance)


def logarithmic_rows(sample: Sample, response: Array) -> Rows:
    """Return the equations response·Δu = g ln(g*/g), to first order g* − g: where g is small u moves it by factors, not by sums."""
    found, state = residual_rows(sample, response), sample.state
    seen = both_counted(state.counts, sample.g * sample.exposure)
    wanted = sample.g * (log_g(state.g, state.exposure)[0] - log_g(sample.g, sample.exposure)[0])
    return replace(found, wanted=wanted[seen])


def thin_response(problem: Problem, sample: Sample) -> Array:
    """Return ∂g/∂u of a thin gas, −βg, as (pair, shell, k): what IBI takes for the response."""
    rows = np.stack([shell_rows(problem, sample.state, pair) for pair in sample.state.pairs])
    return np.asarray(-sample.g[:, :, None] * rows / sample.state.kT)


def _known(problem: Problem) -> Array:
    """Return min(1, 2g*) at the knots, of several states the largest."""
    out = np.zeros(problem.basis.size)
    for state in problem.states:
        for pair, g in zip(state.pairs, state.g, strict=True):
            part, knots = problem.basis.part(pair), problem.basis.spline(pair).knots
            out[part] = np.maximum(out[part], np.minimum(1.0, np.interp(knots, state.bins.r, g) / _KNOWN))
    return out
