"""The target's density as a constraint of fits at constant pressure.

What g leaves open, ramps and long waves, changes the pressure by gigapascals in a metal; at constant pressure the box follows, and a
step that knows g alone lets it evaporate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cg_inverse.constraints.pressure import ramp_coefficients
from cg_inverse.methods.regularized import Solution
from cg_inverse.methods.responses import covariance
from cg_inverse.problems.bins import Array
from cg_inverse.problems.spline_problem import Problem
from cg_inverse.rounds.sample import Sample

_SIGMAS = 3.0


@dataclass(frozen=True, slots=True)
class FixedDensity:
    """Adds as much of a ramp, 1 − r/r_c, to a step as leads to the target's density at the barostat's pressure.

    By ∂ ln ρ/∂u = β Cov(V, Σ_pairs)/⟨V⟩, as the run has sampled it, exact whatever the base. g hardly feels a ramp, and short runs know what
    it does to the density, as they do not know of a shell. A round moves the density by a share of `most` at most.
    """

    most: float = 0.03

    def __post_init__(self) -> None:
        if not 0 < self.most < 1:
            raise ValueError(f"most must be a share of the density, got {self.most}")

    def met(self, problem: Problem, samples: Sequence[Sample]) -> bool:
        return all(abs(s.density - s.state.density) < _SIGMAS * s.density_stderr for s in samples)

    def __call__(self, problem: Problem, coefficients: Array, samples: Sequence[Sample], found: Solution) -> Solution:
        ramp = ramp_coefficients(problem)
        rows = np.stack([density_response(s) for s in samples])
        wanted = np.array([np.clip(s.state.density / s.density - 1.0, -self.most, self.most) for s in samples])
        noise = np.array([s.density_stderr / s.state.density for s in samples]) ** 2
        missing = wanted - rows @ found.step
        believed = missing * missing**2 / (missing**2 + noise)  # what may be noise is not chased
        slopes = rows @ ramp
        return replace(found, step=found.step + ramp * (slopes @ believed) / (slopes @ slopes))


def density_response(sample: Sample) -> Array:
    """Return ∂ ln ρ/∂c = β Cov(V, Σ_pairs B_k)/⟨V⟩ of a run at constant pressure."""
    volumes = sample.volumes
    if not float(np.var(volumes)) > 1e-12 * float(np.mean(volumes)) ** 2:
        raise ValueError(
            f"{sample.state.name}: the volume stays, so that no density can be reached: give the simulation a barostat"
        )
    found = covariance(sample, volumes[:, None], sample.sums, None)[0]
    return np.asarray(found / (sample.state.kT * float(np.mean(volumes))))
