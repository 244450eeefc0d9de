"""At constant pressure, steps lead to the target's density, where g says little."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import cg_inverse as ci
import cg_sim as cs
from cg_inverse.constraints.density import density_response
from cg_inverse.methods.boltzmann import both_counted
from cg_inverse.methods.correction import logarithmic_rows, thin_response
from cg_inverse.methods.residual import residual_rows
from cg_inverse.methods.responses import sampled_response

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


@pytest.mark.parametrize(("share", "reached"), [(0.98, 0.02), (1.01, -0.01), (0.9, 0.03)])
def test_the_step_moves_the_density_by_what_it_misses(share, reached, round_one):
    problem = round_one.problem
    sample = breathing(round_one.samples[0], share * DENSITY, 0.25)
    sample = replace(sample, volumes=np.tile(sample.volumes.reshape(2, -1).mean(axis=0), 2))  # errors far below the gap
    solution = ci.PairCorrection(problem, rule="hnc").update(round_one.coefficients, [sample])
    step = ci.FixedDensity()(problem, round_one.coefficients, [sample], solution).step
    assert density_response(sample) @ step == pytest.approx(reached, rel=0.05)
    assert not ci.FixedDensity().met(problem, [sample])


def test_a_density_that_is_right_is_met(round_one):
    assert ci.FixedDensity().met(round_one.problem, [breathing(round_one.samples[0], DENSITY, 0.25)])


def test_a_box_that_cannot_change_and_wrong_numbers_are_refused(round_one):
    with pytest.raises(ValueError, match="give the simulation a barostat"):
        ci.FixedDensity()(round_one.problem, round_one.coefficients, round_one.samples, round_one.solution)
    for wrong in (0.0, 1.5):
        with pytest.raises(ValueError, match="most must be a share"):
            ci.FixedDensity(most=wrong)
    with pytest.raises(ValueError, match="with a barostat the volume follows"):
        ci.wibi(target(), CUTOFF, base=BASE, pressure=ci.FixedPressure(0.0),
                simulation=replace(SHORT, barostat=cs.CellRescaling(0.0)))  # fmt: skip


@pytest.mark.parametrize("rule", ["hnc", "imc"])
def test_damping_leaves_what_g_hardly_feels_and_hardly_slows_what_it_does(rule, round_one):
    """In units of IBI's response: with more damping u moves less, the free step cut to that length predicts more of g left."""
    problem, samples, c = round_one.problem, round_one.samples, round_one.coefficients
    steps = {d: ci.PairCorrection(problem, rule=rule, damping=d).update(c, samples).step for d in (0.0, 0.03, 0.1, 1.0)}
    rows = residual_rows(samples[0], sampled_response(problem, samples[0]))
    thin = residual_rows(samples[0], thin_response(problem, samples[0]))

    def left(x: np.ndarray) -> float:
        return float(np.sum(((rows.rows @ x - rows.wanted) / rows.sigma) ** 2))

    def length(x: np.ndarray) -> float:
        return float(np.linalg.norm(thin.rows @ x / thin.sigma))

    assert length(steps[0.0]) > length(steps[0.03]) > length(steps[0.1]) > length(steps[1.0])
    for damping in (0.03, 0.1):
        cut = steps[0.0] * length(steps[damping]) / length(steps[0.0])
        assert left(steps[damping]) < left(cut)
        assert left(steps[damping]) < 0.5 * left(np.zeros_like(c))
    with pytest.raises(ValueError, match="damping must be ≥ 0"):
        ci.PairCorrection(problem, rule=rule, damping=-1.0)


def test_the_response_of_a_thin_gas_is_that_of_boltzmann(round_one):
    """−βg times the change of u: a u of one height over a shell and its neighbors moves its g by −βgΔu."""
    problem, sample = round_one.problem, round_one.samples[0]
    change = thin_response(problem, sample)[0] @ np.full(problem.basis.size, 1e-3)
    r = sample.state.bins.r
    inside = (r > 2.2) & (r < CUTOFF - 0.2)
    np.testing.assert_allclose(change[inside], -1e-3 * sample.g[0][inside] / sample.state.kT, rtol=1e-6, atol=1e-9)


def test_where_few_pairs_are_a_step_asks_for_factors(round_one):
    """g ln(g*/g): g* − g to first order where they are near, and by Boltzmann's factor where they are not."""
    sample = round_one.samples[0]
    rows = logarithmic_rows(sample, thin_response(round_one.problem, sample))
    plain = residual_rows(sample, thin_response(round_one.problem, sample))
    seen = both_counted(sample.state.counts, sample.g * sample.exposure)
    mine, theirs = sample.g[seen], sample.state.g[seen]
    near = np.abs(np.log(np.maximum(theirs, 1e-9) / np.maximum(mine, 1e-9))) < 0.1
    np.testing.assert_allclose(rows.wanted[near], plain.wanted[near], rtol=0.06, atol=1e-3)
    asked = np.exp(rows.wanted / np.maximum(mine, 1e-9))
    many = (mine > 0.05) & (theirs > 0.05)
    np.testing.assert_allclose((mine * asked)[many], theirs[many], rtol=5e-3)  # logarithms of counts, which may be none
    assert near.any()
    assert (many & ~near).any()
