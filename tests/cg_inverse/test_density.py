"""At constant pressure, steps lead to the target's density: by the correction's part of the pressure, where g says little."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import cg_inverse as ci
import cg_sim as cs
from cg_inverse.density import bulk_modulus
from cg_inverse.methods.residual import residual_rows
from cg_inverse.methods.responses import sampled_response
from cg_inverse.pressure import pressure_response

from .metals import BASE, CONTROL, CUTOFF, DENSITY, PARTICLES, SHORT, fitted, target

ONCE = replace(CONTROL, steps=2000, first_steps=2000)


@pytest.fixture(scope="module")
def round_one():
    """The first round of a correction at constant volume: its sample, and the step of Gauss–Newton."""
    steps = []
    fitted("hnc", rounds=1, control=ONCE, progress=lambda step, _: steps.append(step))
    return steps[0]


def breathing(sample: ci.Sample, density: float, stiffness: float) -> ci.Sample:
    """Return the sample as if its box had fluctuated about a density with a bulk modulus."""
    volume = PARTICLES / density
    noise = np.random.default_rng(0).standard_normal(len(sample.volumes))
    noise = (noise - noise.mean()) / noise.std()
    return replace(sample, volumes=volume + noise * np.sqrt(sample.state.kT * volume / stiffness))


def test_the_bulk_modulus_is_that_of_fluctuations(round_one):
    assert bulk_modulus(breathing(round_one.samples[0], DENSITY, 0.25)) == pytest.approx(0.25, rel=1e-9)


@pytest.mark.parametrize(("share", "reached"), [(0.98, -0.02), (1.01, 0.01), (0.9, -0.03)])
def test_the_step_moves_the_pressure_by_what_the_density_misses(share, reached, round_one):
    problem, stiff = round_one.problem, 0.25
    sample = breathing(round_one.samples[0], share * DENSITY, stiff)
    sample = replace(sample, volumes=np.tile(sample.volumes.reshape(2, -1).mean(axis=0), 2))  # errors far below the gap
    solution = ci.PairCorrection(problem, rule="hnc").update(round_one.coefficients, [sample])
    slopes = pressure_response(problem, round_one.coefficients, sample, sampled_response(problem, sample))
    step = ci.FixedDensity(modulus=stiff)(problem, round_one.coefficients, [sample], solution).step
    assert slopes @ step == pytest.approx(stiff * reached, rel=0.05)
    assert not ci.FixedDensity().met(problem, [sample])


def test_a_density_that_is_right_is_met(round_one):
    assert ci.FixedDensity().met(round_one.problem, [breathing(round_one.samples[0], DENSITY, 0.25)])


def test_a_box_that_cannot_change_and_wrong_numbers_are_refused(round_one):
    with pytest.raises(ValueError, match="give the simulation a barostat"):
        ci.FixedDensity()(round_one.problem, round_one.coefficients, round_one.samples, round_one.solution)
    for wrong in ({"modulus": -1.0}, {"most": 0.0}, {"most": 1.5}):
        with pytest.raises(ValueError, match="modulus must be positive"):
            ci.FixedDensity(**wrong)
    with pytest.raises(ValueError, match="with a barostat the volume follows"):
        ci.wibi(target(), CUTOFF, base=BASE, pressure=ci.FixedPressure(0.0),
                simulation=replace(SHORT, barostat=cs.CellRescaling(0.0)))  # fmt: skip


def wrong(sample: ci.Sample) -> np.ndarray:
    """Return g* ln(g/g*) where both have counted, within the cutoff."""
    mine, theirs = sample.g[0], sample.state.g[0]
    counted = (mine > 0) & (theirs > 0) & (sample.state.bins.r < CUTOFF)
    return theirs[counted] * np.log(mine[counted] / theirs[counted])


@pytest.mark.parametrize("rule", ["hnc", "imc"])
def test_steps_are_no_longer_than_a_stride_and_still_the_best_of_their_length(rule, round_one):
    """Damped in all directions alike: a longer stride predicts a smaller residual, and any a smaller one than the free step cut short."""
    problem, samples, c = round_one.problem, round_one.samples, round_one.coefficients
    worst = problem.kT * float(np.max(np.abs(wrong(samples[0]))))
    steps = {
        s: ci.PairCorrection(problem, rule=rule, stride=s).update(c, samples).step for s in (0.1, 0.3, 0.6, np.inf)
    }
    rows = residual_rows(samples[0], sampled_response(problem, samples[0]))
    left = {s: float(np.sum(((rows.rows @ x - rows.wanted) / rows.sigma) ** 2)) for s, x in steps.items()}
    for stride in (0.1, 0.3, 0.6):
        assert np.abs(steps[stride]).max() == pytest.approx(stride * worst, rel=0.02)
        scaled = steps[np.inf] * stride * worst / np.abs(steps[np.inf]).max()
        assert left[stride] < float(np.sum(((rows.rows @ scaled - rows.wanted) / rows.sigma) ** 2))
    assert left[0.1] > left[0.3] > left[0.6]
    with pytest.raises(ValueError, match="stride must be positive"):
        ci.PairCorrection(problem, rule=rule, stride=0.0)
