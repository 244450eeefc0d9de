"""Pressure in an inversion: the two ramps of the literature, and the pressure as one more datum of the fit.

A ramp changes U after each step, whatever it does to g. `FixedPressure` instead moves along the directions that g
determines least: the step is conditioned on the pressure, as a Gaussian is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol, get_args

import numpy as np

from cg_inverse.fits.control import limited
from cg_inverse.fits.error_bands import weak_prior
from cg_inverse.methods.regularized import Solution
from cg_inverse.methods.residual import information
from cg_inverse.methods.responses import sampled_response
from cg_inverse.problems.bins import Array
from cg_inverse.problems.spline_problem import Problem
from cg_inverse.rounds.sample import Sample

_SIGMAS = 3.0
Rule = Literal["wjk", "simple"]


class Correction(Protocol):
    """Changes a method's step so that the pressure is met."""

    def __call__(
        self, problem: Problem, coefficients: Array, samples: Sequence[Sample], found: Solution
    ) -> Solution: ...

    def met(self, problem: Problem, samples: Sequence[Sample]) -> bool:
        """Return whether the pressure is right within 3 standard errors."""


@dataclass(frozen=True, slots=True)
class RampCorrection:
    """ΔU = A(1 − r/r_c) of every pair, added to each step.

    "simple" is VOTCA's A = −sgn(ΔP)·`most`·min(1, `scale`·|ΔP|) with `scale` [volume/energy]; "wjk" (Wang, Junghans &
    Kremer 2009) is A = −`scale`·3r_cΔP/(2πρ²∫r³g dr), cut at ±`most` [energy], and then the pressure of the same g is
    met. ΔP is the pressure above `target` [energy/volume].
    """

    target: float
    rule: Rule = "wjk"
    scale: float = 1.0
    most: float | None = None

    def __post_init__(self) -> None:
        if self.rule not in get_args(Rule):
            raise ValueError(f"rule must be one of {', '.join(get_args(Rule))}, got {self.rule!r}")
        _require(self.target, self.scale, self.most)

    def met(self, problem: Problem, samples: Sequence[Sample]) -> bool:
        error = float(np.sqrt(problem.weights**2 @ np.array([s.pressure_stderr**2 for s in samples])))
        return abs(self._excess(problem, samples)) < _SIGMAS * error

    def _excess(self, problem: Problem, samples: Sequence[Sample]) -> float:
        return float(problem.weights @ np.array([s.pressure for s in samples])) - self.target

    def __call__(self, problem: Problem, coefficients: Array, samples: Sequence[Sample], found: Solution) -> Solution:
        ramp, most = ramp_coefficients(problem), 0.1 * problem.kT if self.most is None else self.most
        excess = self._excess(problem, samples)
        match self.rule:
            case "simple":
                height = -np.sign(excess) * most * min(1.0, abs(self.scale * excess))
            case "wjk":
                slopes = [direct_pressure_response(problem, s) @ ramp for s in samples]
                height = float(np.clip(-self.scale * excess / (problem.weights @ np.array(slopes)), -most, most))
            case _:
                raise ValueError(f"rule must be 'wjk' or 'simple', got {self.rule!r}")
        return replace(found, step=found.step + height * ramp)


@dataclass(frozen=True, slots=True)
class FixedPressure:
    """The pressure as a constraint: of all steps that lead to P = `target` [energy/volume], the one that costs least in
    how well g is matched.

    `target` is one number, or one per state; `stderr` says how well it is known beyond the run's own error. A round
    changes U by at most `most` kT for it: the response is that of small steps.
    """

    target: float | tuple[float, ...]
    stderr: float = 0.0
    most: float = 0.5

    def __post_init__(self) -> None:
        for target in np.atleast_1d(self.target):
            _require(float(target), self.most)
        if not 0 <= self.stderr < np.inf:
            raise ValueError(f"stderr must be ≥ 0, got {self.stderr}")

    def met(self, problem: Problem, samples: Sequence[Sample]) -> bool:
        _one_each(self.target, samples)
        off = np.array([s.pressure for s in samples]) - self.target
        return bool(
            np.all(np.abs(off) < _SIGMAS * np.array([np.hypot(s.pressure_stderr, self.stderr) for s in samples]))
        )

    def __call__(self, problem: Problem, coefficients: Array, samples: Sequence[Sample], found: Solution) -> Solution:
        _one_each(self.target, samples)
        wanted = np.broadcast_to(np.atleast_1d(self.target), (len(samples),))
        responses = [sampled_response(problem, s) for s in samples]
        rows = np.stack(
            [pressure_response(problem, coefficients, s, j) for s, j in zip(samples, responses, strict=True)]
        )
        noise = np.array([s.pressure_stderr**2 + self.stderr**2 for s in samples])
        change = wanted - np.array([s.pressure for s in samples])
        correction = conditioned(problem, samples, responses, rows, change, noise, found)
        return replace(found, step=found.step + limited(problem, correction, self.most))


def conditioned(
    problem: Problem, samples: Sequence[Sample], responses: Sequence[Array], rows: Array, wanted: Array, noise: Array, found: Solution
) -> Array:  # fmt: skip
    """Return what to add to a step so that rows·step is what is wanted, of variance `noise`, and g suffers least."""
    missing = wanted - rows @ found.step
    believed = missing * missing**2 / (missing**2 + noise)  # what may be noise is not chased
    # not the step's own covariance: where the residual is nothing but noise, that is of a prior which leaves no freedom
    known = np.add(information(problem, samples, responses), weak_prior(problem))
    towards = np.asarray(np.linalg.solve(known, rows.T), dtype=np.float64)
    return np.asarray(towards @ np.linalg.solve(rows @ towards, believed), dtype=np.float64)


def _require(target: float, *positive: float | None) -> None:
    if not np.isfinite(target):
        raise ValueError(f"the target pressure must be a number, got {target}")
    for value in positive:
        if value is not None and not 0 < value < np.inf:
            raise ValueError(f"scale and most must be positive, got {value}")


def _one_each(target: float | tuple[float, ...], samples: Sequence[Sample]) -> None:
    if np.size(target) not in (1, len(samples)):
        raise ValueError(f"give one pressure, or one for each of {len(samples)} states, got {np.size(target)}")


def ramp_coefficients(problem: Problem) -> Array:
    """Return the splines nearest to 1 − r/r_c of every pair."""
    parts = []
    for pair in problem.pairs:
        spline = problem.basis.spline(pair)
        r = np.linspace(spline.core, spline.cutoff, 8 * spline.intervals)
        parts.append(np.linalg.lstsq(spline(r), 1 - r / spline.cutoff, rcond=None)[0])
    return np.concatenate(parts)


def direct_pressure_response(problem: Problem, sample: Sample) -> Array:
    """Return ∂P/∂c at the pairs as they are, −⟨Σ r B_k′⟩/3V."""
    state, out = sample.state, np.zeros(problem.basis.size)
    pairs = sample.counts.mean(axis=0)
    for k, pair in enumerate(state.pairs):
        out[problem.basis.part(pair)] = -pairs[k] @ _shell_virials(problem, sample, pair)
    return out / (3 * float(sample.volumes.mean()))


def pressure_response(problem: Problem, coefficients: Array, sample: Sample, response: Array) -> Array:
    """Return ∂P/∂c: of the force at given pairs, and of the pairs as they follow by `response` = ∂g/∂c."""
    state, out = sample.state, direct_pressure_response(problem, sample)
    for k, pair in enumerate(state.pairs):
        virial = _shell_virials(problem, sample, pair) @ coefficients[problem.basis.part(pair)] * sample.ideal[k]
        out = out - virial @ response[k] / (3 * float(sample.volumes.mean()))
    return out


def _shell_virials(problem: Problem, sample: Sample, pair: str) -> Array:
    """Return the mean of r B_k′(r) over each shell as (shell, k)."""
    spline, bins = problem.basis.spline(pair), sample.state.bins
    edges = bins.fine_edges
    r, volumes = 0.5 * (edges[1:] + edges[:-1]), np.diff(edges**3)
    weighted = (r * volumes)[:, None] * spline(r, 1)
    return np.asarray(bins.coarse(weighted.T).T / bins.coarse(volumes)[:, None])
