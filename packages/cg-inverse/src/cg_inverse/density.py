"""The target's density as a constraint of fits at constant pressure.

What g leaves open, ramps and long waves, changes the pressure by gigapascals in a metal; at constant pressure the box follows, and a
step that knows g alone lets it evaporate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cg_inverse.bins import Array
from cg_inverse.methods.responses import sampled_response
from cg_inverse.pressure import conditioned, pressure_response
from cg_inverse.regularized import Solution
from cg_inverse.sample import Sample
from cg_inverse.spline_problem import Problem

_SIGMAS = 3.0


@dataclass(frozen=True, slots=True)
class FixedDensity:
    """Of all steps that lead to the target's density at the barostat's pressure, the one that costs least in how well g is matched.

    The density is to move by Δρ, so the correction's part of the pressure by −K Δρ/ρ at constant volume. K [energy/length³] is what
    the volume's fluctuations say, K = kT⟨V⟩/⟨ΔV²⟩, unless given as `modulus`; a round moves the density by a share of `most` at most.
    """

    modulus: float | None = None
    most: float = 0.03

    def __post_init__(self) -> None:
        if not 0 < self.most < 1 or (self.modulus is not None and not 0 < self.modulus < np.inf):
            raise ValueError(
                f"modulus must be positive and most a share of the density, got {self.modulus}, {self.most}"
            )

    def met(self, problem: Problem, samples: Sequence[Sample]) -> bool:
        return all(abs(s.density - s.state.density) < _SIGMAS * s.density_stderr for s in samples)

    def __call__(self, problem: Problem, coefficients: Array, samples: Sequence[Sample], found: Solution) -> Solution:
        responses = [sampled_response(problem, s) for s in samples]
        rows = np.stack(
            [pressure_response(problem, coefficients, s, j) for s, j in zip(samples, responses, strict=True)]
        )
        stiff = np.array([self.modulus or bulk_modulus(s) for s in samples])
        excess = np.array([s.density / s.state.density - 1.0 for s in samples])
        noise = (stiff * np.array([s.density_stderr / s.state.density for s in samples])) ** 2
        wanted = stiff * np.clip(excess, -self.most, self.most)
        return replace(found, step=found.step + conditioned(problem, samples, responses, rows, wanted, noise, found))


def bulk_modulus(sample: Sample) -> float:
    """Return K = kT⟨V⟩/⟨ΔV²⟩ [energy/length³] of a run at constant pressure."""
    volumes = sample.volumes
    if not float(np.var(volumes)) > 1e-12 * float(np.mean(volumes)) ** 2:
        raise ValueError(
            f"{sample.state.name}: the volume stays, so that no density can be reached: give the simulation a barostat"
        )
    return float(sample.state.kT * np.mean(volumes) / np.var(volumes))
