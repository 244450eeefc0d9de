"""How far samples are from their targets, and how far they would be by noise alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cg_inverse.methods.boltzmann import both_counted
from cg_inverse.problems.bins import Array
from cg_inverse.rounds.sample import Sample

_CORRELATED = 1.0  # shells that vary together: a mean over shells is as uncertain as that of so many fewer


@dataclass(frozen=True, slots=True)
class Judgement:
    """Of one state or the weighted mean of several: `residual` D = 4πρ∫r²(g − g*)²dr (DiffSim eq. 18), what noise
    alone would make of it, and χ² per shell (`chi2`) against the errors of both.
    """

    residual: float
    noise: float
    chi2: float
    shells: int

    @property
    def excess(self) -> float:
        """What of the residual is not noise; negative by chance."""
        return self.residual - self.noise

    @property
    def is_noise(self) -> bool:
        """Whether χ² is what errors alone make likely (3 standard deviations of its mean over shells)."""
        return self.chi2 <= 1 + 3 * float(np.sqrt(2 * _CORRELATED / max(self.shells, 1)))


def judged(sample: Sample) -> Judgement:
    """Return how far one state is from its target, over all shells and pairs that either has counted."""
    state = sample.state
    variance = sample.g_stderr**2 + state.g_stderr**2
    difference = (sample.g - state.g) ** 2
    seen = both_counted(state.counts, sample.g * sample.exposure)
    measure = _shares(sample) * state.bins.volumes
    chi2 = float(np.mean(difference[seen] / variance[seen])) if np.any(seen) else 0.0
    return Judgement(
        float(np.sum(measure * difference)), float(np.sum((measure * variance)[seen])), chi2, int(np.sum(seen))
    )


def _shares(sample: Sample) -> Array:
    """Return the density in eq. 18, shared among pairs so that one component of two equal ones counts the same."""
    state = sample.state
    weights = np.array([state.pair_density(p) for p in state.pairs])
    return np.asarray((state.density * weights / weights.sum())[:, None])


def judged_together(samples: Sequence[Sample], weights: Array) -> Judgement:
    """Return the weighted mean of the states' judgements."""
    each = [judged(sample) for sample in samples]
    return Judgement(
        float(sum(w * j.residual for w, j in zip(weights, each, strict=True))),
        float(sum(w * j.noise for w, j in zip(weights, each, strict=True))),
        float(sum(w * j.chi2 for w, j in zip(weights, each, strict=True))),
        sum(j.shells for j in each),
    )
