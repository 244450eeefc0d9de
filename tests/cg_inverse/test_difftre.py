"""Reweighting: exact averages, exact derivatives, and no step further than the frames speak."""

from __future__ import annotations

import numpy as np
import pytest

import cg_inverse as ci
from cg_inverse.methods.difftre import effective_frames, frame_weights, reweighted
from cg_inverse.methods.responses import sampled_response

from .liquids import blank_target, lennard_jones, short_run


@pytest.fixture(scope="module")
def liquid() -> tuple[ci.Problem, np.ndarray, list[ci.Sample], np.ndarray]:
    """A small liquid, a change of its potential, and runs before and after the change."""
    problem = ci.problem(blank_target(0.5, r_max=3.0, width=0.1, kT=1.5), cutoff=2.5, knots=0.2)
    c = problem.coefficients(lennard_jones())
    change = 0.01 * np.random.default_rng(0).standard_normal(len(c))
    runs = [short_run(problem, problem.basis.potential(x), steps=40_000, particles=250, runs=2, seed=k)[0]
            for k, x in enumerate((c, c + change))]  # fmt: skip
    return problem, change, runs, c


def test_reweighted_frames_are_those_of_the_other_potential(liquid):
    _, change, (before, after), _ = liquid
    seen = reweighted(before, change)
    error = np.hypot(seen.g_stderr, after.g_stderr)
    assert effective_frames(frame_weights(before, change)) > 0.3 * before.frames
    z = ((seen.g - after.g) / error)[0][after.g[0] > 0.2]
    assert np.sqrt(np.mean(z**2)) < 1.6
    away = ((before.g - after.g) / np.hypot(before.g_stderr, after.g_stderr))[0][after.g[0] > 0.2]
    assert np.sqrt(np.mean(away**2)) > 1.5 * np.sqrt(np.mean(z**2))


def test_the_response_is_the_derivative_of_reweighting(liquid):
    """∂(Σ w g)/∂c is −β Cov(g, ΣB): of one run, by finite differences of the weights themselves."""
    problem, _, (sample, _), _ = liquid
    kept = sample.run == 0
    one = type(sample)(
        sample.state, sample.counts[kept], sample.sums[kept], sample.pressures[kept], sample.energies[kept],
        sample.volumes[kept], sample.run[kept], sample.particles, sample.steps // 2,
    )  # fmt: skip
    way = np.random.default_rng(1).standard_normal(problem.basis.size)

    def g(e: float) -> np.ndarray:
        w = frame_weights(one, e * way)
        return np.einsum("f,fps->ps", w, one.counts) / one.ideal

    numerical = (g(1e-5) - g(-1e-5)) / 2e-5
    found = sampled_response(problem, one, shrunk=False) @ way
    frames = len(one.counts)
    assert found == pytest.approx(numerical * frames / (frames - 1), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("threshold", [0.8, 0.3])
def test_no_step_goes_further_than_the_frames_speak(liquid, threshold):
    problem, _, (sample, _), c = liquid
    method = ci.DiffTRe(problem, threshold=threshold)
    found = method.update(c, [sample])  # the target is an ideal gas: far away
    kept = effective_frames(frame_weights(sample, found.step)) / sample.frames
    assert found.limited
    assert threshold <= kept < threshold + 0.05


def test_a_threshold_is_a_share():
    with pytest.raises(ValueError, match="between 0 and 1"):
        ci.DiffTRe(blank_target(0.5, r_max=3.0, width=0.1), 2.5, threshold=1.5)
