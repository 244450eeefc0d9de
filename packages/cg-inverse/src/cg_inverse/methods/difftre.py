"""DiffTRe: the frames of a run reweighted to other potentials, and the best of those they still speak for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from cg_inverse.methods.protocol import Initial, Targets, as_problem
from cg_inverse.methods.regularized import Solution
from cg_inverse.methods.residual import residual_step
from cg_inverse.methods.responses import sampled_response
from cg_inverse.methods.starting import started
from cg_inverse.problems.bins import Array
from cg_inverse.problems.spline_problem import Problem
from cg_inverse.rounds.sample import Sample

_DESCENTS = 6
_HALVINGS = 40
_WORTHWHILE = 0.02  # of a step: a smaller share of it is not gone on from


@dataclass(frozen=True, eq=False)
class DiffTRe:
    """Differentiable trajectory reweighting (Thaler & Zavadlav 2021): g_c = Σ w_f g_f, w_f ∝ e^(−β(U_c − U)) over a run's frames.

    A round descends on the weighed squares of g_c − g* as long as N_eff = 1/Σ w² is at least `threshold` of the frames, then
    simulates again. Exact derivatives of the reweighted g, −β Cov_w(g, Σ B_k), make Gauss–Newton steps in place of Adam's:
    splines are linear in their coefficients. No chain rule runs through the dynamics.
    """

    target: Targets
    cutoff: float | None = None
    threshold: float = 0.2
    weights: Sequence[float] | None = None
    knots: float | None = None
    initial: Initial = None
    shrunk: bool = False
    problem: Problem = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not 0 < self.threshold < 1:
            raise ValueError(f"threshold must be between 0 and 1, got {self.threshold}")
        object.__setattr__(self, "problem", as_problem(self.target, self.cutoff, self.weights, self.knots))

    def init(self) -> Array:
        return started(self.problem, self.initial)

    def update(self, coefficients: Array, samples: Sequence[Sample]) -> Solution:
        total, solution, limited = np.zeros(self.problem.basis.size), None, False
        for _ in range(_DESCENTS):
            seen = [reweighted(sample, total) for sample in samples]
            found = residual_step(
                self.problem, seen, [sampled_response(self.problem, s, shrunk=self.shrunk) for s in seen]
            )
            solution = found if solution is None else solution
            share = self._allowed(samples, total, found.step)
            total = total + share * found.step
            limited = share < 1.0
            if limited:
                break
            if np.linalg.norm(found.step) < _WORTHWHILE * np.linalg.norm(total):
                break
        assert solution is not None
        return replace(solution, step=total, limited=limited)

    def _allowed(self, samples: Sequence[Sample], total: Array, step: Array) -> float:
        """Return the largest share of a step, at most 1, that leaves enough effective frames at every state."""
        low, high = 0.0, 1.0
        if self._enough(samples, total + step):
            return 1.0
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if self._enough(samples, total + middle * step) else (low, middle)
        return low

    def _enough(self, samples: Sequence[Sample], change: Array) -> bool:
        return all(effective_frames(frame_weights(s, change)) >= self.threshold * s.frames for s in samples)


def frame_weights(sample: Sample, change: Array) -> Array:
    """Return w_f ∝ e^(−β change·Σ B_k), their sum 1."""
    energy = sample.sums @ change / sample.state.kT
    weight = np.exp(energy.min() - energy)
    return np.asarray(weight / weight.sum())


def effective_frames(weights: Array) -> float:
    """Return 1/Σ w²: how many frames of equal weight would average as well."""
    return float(1 / np.sum(weights**2))


def reweighted(sample: Sample, change: Array) -> Sample:
    """Return a sample of the changed potential: frames drawn again as often as their weight says, without chance.

    Systematic resampling keeps frames whole, so that errors and covariances follow as from any sample.
    """
    if not np.any(change):
        return sample
    ladder = (np.arange(sample.frames) + 0.5) / sample.frames
    chosen = np.minimum(np.searchsorted(np.cumsum(frame_weights(sample, change)), ladder), sample.frames - 1)
    return replace(
        sample, counts=sample.counts[chosen], sums=sample.sums[chosen], pressures=sample.pressures[chosen],
        energies=sample.energies[chosen], volumes=sample.volumes[chosen], run=sample.run[chosen],
    )  # fmt: skip
