"""Pressure in an inversion: its response against derivatives taken otherwise, the ramps, and a pressure that is met."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad

import cg_data as cd
import cg_inverse as ci
from cg_inverse.constraints.pressure import direct_pressure_response, pressure_response, ramp_coefficients
from cg_inverse.methods.regularized import Solution
from cg_inverse.methods.responses import sampled_response
from cg_inverse.rounds.simulation import Order

from .liquids import MIXTURE, blank_target, lennard_jones, matched, short_run
from .test_loop import Gas, counted, given

RHO = 0.4


@pytest.fixture(scope="module")
def liquid() -> tuple[ci.Problem, np.ndarray, ci.Sample]:
    """WCA at ρ = 0.4, its potential in a coarse spline space and what a short run finds."""
    problem = ci.problem(blank_target(RHO, r_max=2.4, width=0.025), cutoff=2.0, knots=0.15)
    c = problem.coefficients(cd.WCA())
    return problem, c, short_run(problem, problem.basis.potential(c), steps=6000, particles=200)[0]


def nothing(problem: ci.Problem) -> Solution:
    return Solution(np.zeros(problem.basis.size), np.eye(problem.basis.size), 0.0, 1.0)


def pressure_of(sample: ci.Sample, pressure: float, error: float = 1e-4) -> ci.Sample:
    """Return the sample with another mean pressure, its error of `error`."""
    noise = np.random.default_rng(0).standard_normal(sample.frames)
    noise *= error / sample.error(noise)
    return replace(sample, pressures=pressure + noise - noise.mean())


# ---- responses ----


def test_the_direct_response_is_the_virial_of_the_same_pairs():
    """P = ρkT − Σ r U′/3V over given pairs is linear in c: differences are exact. Pairs at the shells' midpoints, as
    many per shell as fine ones weigh."""
    problem = given()
    sample = Gas(problem).sample(cd.Interactions({("A", "A"): lennard_jones()}), 0, Order(4000, 0, 1))
    bins, pairs, volume = sample.state.bins, sample.counts.mean(axis=0)[0], sample.volumes.mean()
    r = 0.5 * (bins.fine_edges[1:] + bins.fine_edges[:-1])
    shares = np.diff(bins.fine_edges**3)
    fine = np.repeat(pairs / bins.coarse(shares), 8) * shares

    def virial(c: np.ndarray) -> float:
        spline, d = problem.basis.splines[0], 1e-6
        slope = (spline(r + d) @ c - spline(r - d) @ c) / (2 * d)
        return float(-(fine * r * slope).sum() / (3 * volume))

    found = direct_pressure_response(problem, sample)
    for k in range(problem.basis.size):
        assert found[k] == pytest.approx(virial(np.eye(problem.basis.size)[k]), abs=1e-6 * np.abs(found).max())


def test_the_virial_of_shells_is_that_of_the_run(liquid):
    """Direct response times coefficients, with ρkT, is the pressure of the run but for the width of shells: the force
    of WCA varies by e-folds of 0.05 at contact, a shell of 0.025 is a few per cent of the virial."""
    problem, c, sample = liquid
    virial = float(direct_pressure_response(problem, sample) @ c)
    assert virial == pytest.approx(sample.pressure - sample.density, rel=0.05)


def test_the_response_is_the_derivative_of_reweighted_frames(liquid):
    """Over the same frames: ∂P/∂c = direct + −β Cov(P, ΣB), where P of a frame is that of its shells."""
    problem, c, sample = liquid
    spline = problem.basis.splines[0]
    per_shell = np.zeros(sample.state.bins.count)
    for k in range(sample.state.bins.count):
        one = replace(sample, counts=np.eye(sample.state.bins.count)[k][None, None, :])
        per_shell[k] = direct_pressure_response(problem, one) @ c
    p = sample.counts[:, 0] @ per_shell
    found = pressure_response(problem, c, sample, sampled_response(problem, sample, shrunk=False))
    step = 1e-5
    for k in range(spline.size):
        values = []
        for sign in (1, -1):
            log_w = -sign * step * (sample.sums[:, k] - sample.sums[:, k].mean())
            w = np.exp(log_w) / np.exp(log_w).sum()
            direct = direct_pressure_response(problem, replace(sample, counts=np.tensordot(w, sample.counts, 1)[None]))
            values.append(w @ p + sign * step * direct[k])
        slope = (values[0] - values[1]) / (2 * step)
        assert found[k] == pytest.approx(slope, abs=2e-3 * np.abs(found).max() + 2 / sample.frames * abs(slope))


def test_the_response_foretells_other_runs(liquid):
    """P under U ± δ·(a bump at 1.2) from six runs each; errors from their spread, |z| < 4."""
    problem, c, _ = liquid
    bump, half = np.exp(-(((problem.basis.splines[0].knots[:-1] - 1.2) / 0.2) ** 2)), 0.1
    pressures, foretold = {}, []
    for sign in (1, -1):
        there = c + sign * half * bump
        runs = [
            short_run(problem, problem.basis.potential(there), steps=3000, particles=200, seed=40 * sign + 100 + k)[0]
            for k in range(6)
        ]
        pressures[sign] = np.array([s.pressure for s in runs])
        foretold += [
            pressure_response(problem, there, s, sampled_response(problem, s, shrunk=False)) @ bump for s in runs
        ]
    measured = (pressures[1].mean() - pressures[-1].mean()) / (2 * half)
    error = np.sqrt((pressures[1].var(ddof=1) + pressures[-1].var(ddof=1)) / 6) / (2 * half)
    assert abs(measured - np.mean(foretold)) < 4 * np.hypot(error, np.std(foretold, ddof=1) / np.sqrt(12))
    assert measured > 5 * error


# ---- ramps ----


@pytest.mark.parametrize("knots", [0.05, 0.2])
def test_ramp_coefficients_are_a_straight_line_to_zero(knots):
    """But for the last two knots, where slope and curvature must vanish at the cutoff."""
    problem = ci.problem(blank_target(RHO, r_max=2.4), cutoff=2.0, knots=knots)
    r = np.linspace(problem.basis.splines[0].core, 2.0 - 4 * knots, 50)
    assert problem.basis.energies(ramp_coefficients(problem), r)[0] == pytest.approx(
        1 - r / 2.0, abs=0.02 * knots / 0.2
    )


def test_a_mixture_gets_the_ramp_of_every_pair():
    r = 0.05 * (np.arange(60) + 0.5)
    g = dict.fromkeys(MIXTURE, 1.0 * (r > 0.8))
    errors = {p: np.full(60, 0.01) for p in MIXTURE}
    problem = ci.problem(cd.make_target(r, g, density={"A": 0.1, "B": 0.2}, kT=1.0, g_stderr=errors), cutoff=2.5)
    found = problem.basis.energies(ramp_coefficients(problem), np.array([1.0, 1.5, 2.0]))
    assert found == pytest.approx(np.tile([0.6, 0.4, 0.2], (3, 1)), abs=1e-3)


@pytest.mark.parametrize(("excess", "kT"), [(0.05, 1.0), (-0.02, 2.5)])
def test_wang_junghans_and_kremer_by_hand(excess, kT):
    """A = −3r_cΔP/(2πρ²∫₀^{r_c} r³g dr), g = e^(−U/kT) by quadrature; shells of 0.05 and 10⁶ pairs give 0.5 %."""
    potential = lennard_jones()
    problem = ci.problem(counted(potential, pairs=1e6, kT=kT), cutoff=2.5)
    sample = Gas(problem, pairs=1e6).sample(cd.Interactions({("A", "A"): potential}), 0, Order(4000, 0, 1))
    rc, rho = 2.5, sample.state.density
    integral = quad(lambda r: r**3 * float(np.exp(-potential.energy(r) / kT)), 0.5, rc, limit=200, points=[0.9, 1.1])[0]
    sample = pressure_of(sample, 0.1 + excess)
    height = -3 * rc * excess / (2 * np.pi * rho**2 * integral)
    correction = ci.RampCorrection(0.1, most=1e9)
    step = correction(problem, problem.coefficients(potential), [sample], nothing(problem)).step
    r = np.linspace(1.0, 2.2, 20)
    assert problem.basis.energies(step, r)[0] == pytest.approx(
        height * (1 - r / rc), rel=0.005, abs=0.005 * abs(height)
    )
    half = ci.RampCorrection(0.1, most=1e9, scale=0.5)
    assert half(problem, step, [sample], nothing(problem)).step == pytest.approx(0.5 * step)


@pytest.mark.parametrize("rule", ["simple", "wjk"])
@pytest.mark.parametrize("excess", [3.0, -3.0])
def test_a_ramp_is_cut_and_pushes_against_the_pressure(liquid, rule, excess):
    """At too high a pressure a ramp is attractive: VOTCA's sign. A tenth of kT unless said."""
    problem, c, sample = liquid
    off = pressure_of(sample, 1.0 + excess)
    for most, height in ((None, 0.1), (0.03, 0.03)):
        step = ci.RampCorrection(1.0, rule=rule, scale=10.0, most=most)(problem, c, [off], nothing(problem)).step
        expected = -np.sign(excess) * height * ramp_coefficients(problem)
        assert step == pytest.approx(expected)
        assert np.sign(direct_pressure_response(problem, sample) @ step) == -np.sign(excess)


def test_the_simple_rule_is_proportional_below_its_cap(liquid):
    problem, c, sample = liquid
    step = ci.RampCorrection(1.0, rule="simple", scale=0.2, most=0.1)(
        problem, c, [pressure_of(sample, 3.0)], nothing(problem)
    )
    assert step.step == pytest.approx(-0.1 * 0.2 * 2.0 * ramp_coefficients(problem))


def test_corrections_are_added_to_the_method_s_step(liquid):
    problem, c, sample = liquid
    found = replace(nothing(problem), step=np.random.default_rng(2).standard_normal(problem.basis.size))
    correction = ci.RampCorrection(1.0)
    alone = correction(problem, c, [sample], nothing(problem)).step
    assert correction(problem, c, [sample], found).step - found.step == pytest.approx(alone)


def test_a_pressure_is_met_within_three_of_its_errors(liquid):
    problem, _, sample = liquid
    near, away = pressure_of(sample, 1.0 + 0.0029, 1e-3), pressure_of(sample, 1.0 + 0.0031, 1e-3)
    for correction in (ci.RampCorrection(1.0), ci.FixedPressure(1.0)):
        assert correction.met(problem, [near])
        assert not correction.met(problem, [away])
    assert ci.FixedPressure(1.0, stderr=1e-3).met(problem, [away])


# ---- the pressure as a datum ----


@pytest.mark.parametrize("method", [ci.IBI, ci.IMC, ci.HNCN, ci.RelativeEntropy], ids=lambda m: m.__name__)
def test_the_step_to_a_pressure_is_taken_where_g_says_little(two_runs, method):
    """To first order it makes up ΔP; in units of g's errors it changes g by less than half of what a ramp does, and by a
    hundredth of what most bumps do."""
    problem, c, sample = two_runs
    response = sampled_response(problem, sample)
    slopes = pressure_response(problem, c, sample, response)
    asked = replace(method(problem).update(c, [sample]), step=np.zeros(problem.basis.size))
    step = ci.FixedPressure(sample.pressure + 0.1)(problem, c, [sample], asked).step
    assert slopes @ step == pytest.approx(0.1, rel=1e-3)

    def chi2(x: np.ndarray) -> float:
        return float(np.sum((response[0] @ x * 0.1 / (slopes @ x) / sample.g_stderr[0]) ** 2))

    assert chi2(step) < 0.5 * chi2(ramp_coefficients(problem))
    assert chi2(step) < 0.01 * np.median([chi2(bump) for bump, p in zip(np.eye(len(c)), slopes, strict=True) if p != 0])


@pytest.fixture(scope="module")
def two_runs() -> tuple[ci.Problem, np.ndarray, ci.Sample]:
    """Lennard-Jones at ρ = 0.8, one short run as the target of another, whose pressure is known to 10⁻⁴."""
    blank = ci.problem(blank_target(0.8, r_max=3.0), cutoff=2.5)
    c = blank.coefficients(lennard_jones())
    made, other = (
        short_run(blank, blank.basis.potential(c), steps=12_000, particles=256, seed=seed) for seed in (3, 9)
    )
    problem = matched(blank, made)
    return problem, c, pressure_of(replace(other[0], state=problem.states[0]), other[0].pressure)


def test_a_pressure_that_may_be_right_is_not_chased(liquid):
    problem, c, sample = liquid
    sure, unsure = (pressure_of(sample, 1.0, e) for e in (1e-4, 0.3))
    steps = [ci.FixedPressure(1.03)(problem, c, [s], nothing(problem)).step for s in (sure, unsure)]
    assert np.abs(steps[1]).max() < 0.05 * np.abs(steps[0]).max()


def test_pressures_of_two_states_are_made_up_together():
    """Densities 0.3 and 0.5 of one potential: two data, one step, to first order both."""
    problem = ci.problem([blank_target(rho, r_max=2.4) for rho in (0.3, 0.5)], cutoff=2.0, knots=0.12)
    c = problem.coefficients(cd.WCA())
    samples = [
        pressure_of(s, s.pressure) for s in short_run(problem, problem.basis.potential(c), steps=4000, particles=200)
    ]
    wanted = tuple(s.pressure + d for s, d in zip(samples, (0.01, 0.02), strict=True))
    step = ci.FixedPressure(wanted, most=5.0)(problem, c, samples, nothing(problem)).step
    for sample, d in zip(samples, (0.01, 0.02), strict=True):
        assert pressure_response(problem, c, sample, sampled_response(problem, sample)) @ step == pytest.approx(
            d, rel=1e-2
        )


def test_a_liquid_is_brought_to_a_pressure_while_g_stays():
    """WCA at ρ = 0.4 sampled shortly is its own target; U starts right, the pressure asked is 0.06 off, six errors."""
    blank = ci.problem(blank_target(RHO, r_max=2.4), cutoff=2.0, knots=0.1)
    c = blank.coefficients(cd.WCA())
    made = short_run(blank, blank.basis.potential(c), steps=6000, particles=200, seed=11)
    problem = matched(blank, made)
    wanted = made[0].pressure + 0.06
    method = ci.IMC(problem, initial=problem.basis.potential(c))
    control = ci.Control(rounds=6, steps=6000, first_steps=6000, equilibration=300, stop_at_noise=False, seed=1)
    liquids = ci.Liquids(problem, particles=200, runs=1, threads=1, sample_every=20)
    steps = list(ci.iterate(method, liquids, control=control, pressure=ci.FixedPressure(wanted)))
    off = np.array([(s.samples[0].pressure - wanted) / s.samples[0].pressure_stderr for s in steps])
    assert off[0] < -4
    assert np.abs(off[2:]).mean() < 3
    assert steps[-1].judgement.chi2 < 2.5


def test_a_run_goes_on_until_the_pressure_is_met():
    """g is noise from the first round on, the pressure asked is another, by no more than g leaves open."""
    problem = given(pairs=1e5)
    gas = Gas(problem, pairs=500)
    control = ci.Control(rounds=12, steps=4000, first_steps=4000, equilibration=50, seed=3)
    alone = list(ci.iterate(ci.IMC(problem), gas, control=control))
    p = alone[-1].samples[0]
    correction = ci.FixedPressure(p.pressure + 5 * p.pressure_stderr)
    steps = list(ci.iterate(ci.IMC(problem), gas, control=control, pressure=correction))
    assert "noise" in alone[-1].finished
    assert len(steps) > len(alone)
    assert correction.met(problem, steps[-1].samples)
    assert "noise" in steps[-1].finished


@pytest.mark.parametrize(
    "make",
    [
        lambda: ci.RampCorrection(1.0, rule="WJK"),
        lambda: ci.RampCorrection(float("nan")),
        lambda: ci.FixedPressure(float("nan")),
        lambda: ci.FixedPressure(1.0, stderr=-1.0),
        lambda: ci.FixedPressure(1.0, most=0.0),
    ],
)
def test_what_is_no_correction_is_refused_where_it_is_made(make):
    with pytest.raises(ValueError):
        make()


def test_pressures_of_states_that_are_not_there_are_refused_in_words(liquid):
    problem, c, sample = liquid
    with pytest.raises(ValueError, match="pressure"):
        ci.FixedPressure((1.0, 2.0, 3.0))(problem, c, [sample], nothing(problem))
