"""How a loop runs: how long its rounds are, how large a step may be, when it ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cg_inverse.problems.bins import Array
from cg_inverse.problems.spline_problem import Problem
from cg_inverse.rounds.judgement import Judgement

_HARDLY = 0.75
_LEAST = {"rounds": 1, "steps": 1000, "first_steps": 100, "equilibration": 0, "seed": 0, "melting": 0, "patience": 1}


@dataclass(frozen=True, slots=True)
class Control:
    """How the loop runs: at most `rounds`; rounds of `first_steps` at first, then up to `steps` at each state point
    as the residual sinks into noise; no step changes U by more than `cap` kT where the target has pairs. The first
    round is after `melting` steps from a lattice; `patience` rounds of full length that bring nothing are the last.
    """

    rounds: int = 30
    steps: int = 100_000
    first_steps: int | None = None
    equilibration: int | None = None
    cap: float = 2.0
    stop_at_noise: bool = True
    seed: int = 0
    melting: int = 4000
    patience: int = 4

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value is not None and (value != int(value) or value < least):
                raise ValueError(f"{name} must be a whole number ≥ {least}, got {value}")
        if not 0 < self.cap < np.inf:
            raise ValueError(f"cap must be a positive number of kT, got {self.cap}")

    @property
    def shortest(self) -> int:
        return self.first_steps or max(min(self.steps, 4000), self.steps // 16)

    def longer(self, steps: int, judgement: Judgement, before: float) -> int:
        """Return the next round's length: twice as long where noise is a quarter of the residual, or where what
        exceeds noise has hardly sunk since `before`; four times where noise is half.
        """
        share = judgement.noise / max(judgement.residual, 1e-300)
        stalls = judgement.excess > _HARDLY * before
        factor = 4 if share > 0.5 else 2 if share > 0.25 or stalls else 1
        return min(self.steps, steps * factor)

    def finished(self, done: int, at_noise: bool, stale: int, judgement: Judgement) -> str:
        """Return why the loop ends after `done` rounds, or nothing."""
        if self.stop_at_noise and at_noise:
            return f"the residual is noise: χ² per shell {judgement.chi2:.2f}"
        if stale >= self.patience:
            return f"no better for {self.patience} rounds of full length: χ² per shell {judgement.chi2:.2f}"
        return f"{done} rounds done" if done >= self.rounds else ""


def limited(problem: Problem, step: Array, cap: float) -> Array:
    """Return the step, scaled so that U changes by at most `cap` kT wherever targets have a wall of less than 6 kT.

    Inside the wall U may change as it must: there kT is no measure.
    """
    if not np.all(np.isfinite(step)):
        raise RuntimeError("the method's step is not finite: too few frames? make rounds longer (steps, first_steps)")
    worst = 0.0
    for pair in problem.pairs:
        change = problem.basis.spline(pair)(_outside(problem, pair)) @ step[problem.basis.part(pair)]
        worst = max(worst, float(np.max(np.abs(change))) / (cap * problem.kT))
    return step / max(1.0, worst)


def _outside(problem: Problem, pair: str) -> Array:
    """Return the shells where g exceeds e⁻⁶ in any state [length]."""
    spline, found = problem.basis.spline(pair), []
    for state in problem.states:
        if pair in state.pairs:
            seen = state.g[state.pairs.index(pair)] > np.exp(-6)
            found.append(state.bins.r[seen & (state.bins.r < spline.cutoff) & (state.bins.r > spline.core)])
    return np.concatenate(found)
