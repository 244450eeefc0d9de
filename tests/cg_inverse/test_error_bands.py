"""How well U is known: bands that are right as often as they say, narrower with more data, open where g is blind."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import cg_data as cd
import cg_inverse as ci
from cg_inverse.methods.residual import residual_rows
from cg_inverse.methods.responses import sampled_response
from cg_inverse.rounds.simulation import Order

from .liquids import MIXTURE, blank_target, exact_sample, lennard_jones, matched, short_run
from .test_loop import Gas, counted

POTENTIAL = cd.Interactions({("A", "A"): lennard_jones()})


def of_gas(pairs: float, seed: int = 0, frames: int = 100) -> tuple[ci.Problem, ci.Sample]:
    """Return a target and a run of the same gas, `pairs` in the outermost shell of each."""
    problem = ci.problem(counted(lennard_jones(), pairs=pairs, seed=seed), cutoff=2.5, knots=0.1)
    return problem, Gas(problem, pairs=pairs / frames).sample(POTENTIAL, 0, Order(40 * frames, 0, 1000 + seed))


@pytest.fixture(scope="module")
def dense() -> tuple[ci.Problem, ci.Sample]:
    """Lennard-Jones at ρ = 0.8, kT = 1, its own target."""
    blank = ci.problem(blank_target(0.8, r_max=3.0), cutoff=2.5)
    made = short_run(blank, POTENTIAL, steps=16_000, particles=256, seed=3)
    problem = matched(blank, made)
    return problem, replace(made[0], state=problem.states[0])


def prior(problem: ci.Problem) -> np.ndarray:
    """Return the precision of what is believed before any data: 1 kT root mean square over r, second differences of
    coefficients 0.2 kT."""
    r = np.linspace(problem.basis.splines[0].core, problem.basis.cutoff, 2000)
    curves = problem.basis.splines[0](r)
    return curves.T @ curves / len(r) + problem.basis.roughness() / 0.2**2


def posterior(problem: ci.Problem, sample: ci.Sample, covariance: np.ndarray, residual: np.ndarray) -> np.ndarray:
    found = residual_rows(sample, sampled_response(problem, sample))
    return covariance @ found.rows.T @ (residual / found.sigma**2)


@pytest.mark.parametrize("which", ["gas", "dense"])
def test_in_a_linear_world_the_band_is_the_scatter_of_what_is_found(which, dense):
    """U drawn as believed before any data, residuals J·c + noise: (found − drawn)/band is N(0, 1) at every r. 600 draws
    give its variance to 6 %; worst of 40 correlated points within 4 of that."""
    problem, sample = dense if which == "dense" else of_gas(1e4)
    band, draws = ci.uncertainty(problem, [sample], points=40), 600
    rows = residual_rows(sample, sampled_response(problem, sample))
    rng = np.random.default_rng(5)
    root = np.linalg.cholesky(np.linalg.inv(prior(problem)))
    truth = root @ rng.standard_normal((problem.basis.size, draws))
    data = rows.rows @ truth + rows.sigma[:, None] * rng.standard_normal((len(rows.sigma), draws))
    estimate = band.covariance @ rows.rows.T @ (data / rows.sigma[:, None] ** 2)
    inside = band.r < 2.3
    curves = problem.basis.splines[0](band.r[inside])
    z = curves @ (estimate - truth) / band.u_stderr[0, inside, None]
    assert np.abs(z.mean(axis=1)).max() < 4 / np.sqrt(draws)
    assert np.abs((z**2).mean(axis=1) - 1).max() < 4 * np.sqrt(2 / draws)


def test_the_band_of_a_gas_is_the_scatter_of_repeated_measurements():
    """Fifty targets and runs of one gas, counted anew: what their residuals ask for, over the band, has variance 1 in
    the well, where data know far more than the prior. 50 × 5 values, of which neighbors are alike: 0.3 of error."""
    z = []
    for seed in range(50):
        problem, sample = of_gas(1e5, seed)
        band = ci.uncertainty(problem, [sample], points=150)
        asked = posterior(
            problem, sample, band.covariance, residual_rows(sample, sampled_response(problem, sample)).wanted
        )
        at = np.searchsorted(band.r, [1.05, 1.15, 1.3, 1.5, 1.8])
        assert band.u_stderr[0, at].max() < 0.05
        z.append(problem.basis.energies(asked, band.r[at])[0] / band.u_stderr[0, at])
    assert 0.6 < np.mean(np.square(z)) < 1.4


def test_sixteen_times_the_data_know_u_four_times_better():
    """Where data and not the prior tell: in the well and beyond."""
    few, many = (ci.uncertainty(p, [s], points=150) for p, s in (of_gas(n, 2) for n in (1e4, 1.6e5)))
    at = np.linspace(1.1, 2.0, 20)
    ratio = np.interp(at, few.r, few.u_stderr[0]) / np.interp(at, many.r, many.u_stderr[0])
    assert np.median(ratio) == pytest.approx(4, rel=0.15)


def test_a_gas_is_known_to_one_over_the_root_of_its_pairs():
    """With knots 0.5 apart U of a wide bump is a mean over many shells: kT √(1/counts + 1/counts*) of the pairs in it,
    to a factor of two."""
    problem = ci.problem(counted(lennard_jones(), pairs=1e4, seed=4), cutoff=2.5, knots=0.3)
    sample = Gas(problem, pairs=100).sample(POTENTIAL, 0, Order(4000, 0, 4))
    band = ci.uncertainty(problem, [sample], points=100)
    shells = np.abs(sample.state.bins.r - 1.5) < 0.15
    pairs = sample.state.counts[0, shells].sum()
    known = np.sqrt(2 / pairs)
    assert known / 2 < np.interp(1.5, band.r, band.u_stderr[0]) < 2 * known


def test_directions_are_of_one_kt_and_least_known_first(dense):
    problem, sample = dense
    band = ci.uncertainty(problem, [sample], directions=4)
    assert band.directions.shape == (4, 1, 200)
    assert np.all(np.diff(band.stderr) <= 0)
    assert np.mean(band.directions**2, axis=(1, 2)) == pytest.approx(1.0, rel=1e-3)
    assert band.stderr[0] <= 1.0


def test_what_g_of_a_dense_liquid_leaves_open_is_smooth_and_reaches_far(dense):
    """Henderson's inverse is ill-conditioned at long waves: the least known direction beyond the first neighbors
    changes its sign at most twice, the best known one many times; and it is no bump: half of the range has a third
    of its height."""
    problem, sample = dense
    band = ci.uncertainty(problem, [sample], directions=problem.basis.size)
    beyond = (band.r > 1.1) & (band.r < 2.4)

    def turns(k: int) -> int:
        return int(np.sum(np.diff(np.sign(band.directions[k, 0, beyond])) != 0))

    assert turns(0) <= 2
    assert np.mean([turns(k) for k in range(3)]) < 0.3 * np.mean(
        [turns(k) for k in range(problem.basis.size // 2, problem.basis.size)]
    )


def test_a_dense_liquid_leaves_more_open_than_a_gas_of_as_many_pairs(dense):
    """What is open is counted at 0.05 kT, and less with better data."""
    problem, sample = dense
    there = ci.uncertainty(problem, [sample])
    assert there.open == int(np.sum(there.stderr > 0.05))
    opened = [ci.uncertainty(p, [s]).open for p, s in (of_gas(n, 3) for n in (100, 1e3, 1e5))]
    assert opened == sorted(opened, reverse=True)
    assert opened[0] > opened[-1]


def test_units_scale_the_band_and_not_what_is_open():
    """The same counts at kT = 2.5: U and its error are 2.5 times as large, directions in kT are the same."""
    bands = []
    for kT in (1.0, 2.5):
        potential = lennard_jones(epsilon=kT)
        problem = ci.problem(counted(potential, pairs=1e4, kT=kT), cutoff=2.5)
        sample = Gas(problem, pairs=200).sample(cd.Interactions({("A", "A"): potential}), 0, Order(4000, 0, 6))
        bands.append(ci.uncertainty(problem, [sample]))
    assert bands[1].u_stderr == pytest.approx(2.5 * bands[0].u_stderr, rel=1e-6)
    assert bands[1].stderr == pytest.approx(bands[0].stderr, rel=1e-6)


def test_a_mixture_has_a_band_of_every_pair():
    r = 0.05 * (np.arange(50) + 0.5)
    g = dict.fromkeys(MIXTURE, 1.0 * (r > 0.8))
    errors = {p: np.full(50, 0.01) for p in MIXTURE}
    data = cd.make_target(r, g, density={"A": 0.02, "B": 0.2}, kT=1.0, g_stderr=errors)
    problem = ci.problem(data, cutoff=2.2, knots=0.2)
    band = ci.uncertainty(problem, [exact_sample(problem, problem.states[0].g, particles=2000)])
    assert band.u_stderr.shape == (3, 200)
    assert np.all(band.u_stderr[:, (band.r > 1.0) & (band.r < 2.1)] > 0)
