"""The same fit again and again: members with seeds and targets of their own, and the spread of what they find."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import cg_data as cd
import cg_inverse as ci
from cg_inverse.fits.ensemble import ensemble, of_problem, perturbed

from . import dilute

CONTROL = ci.Control(rounds=2, steps=1000, first_steps=500, equilibration=50, seed=3, stop_at_noise=False)


def method() -> ci.IBI:
    return ci.IBI(ci.problem(dilute.target(), cutoff=dilute.CUTOFF, knots=0.2))


def repeated(seed: int = 3, members: int = 3, steps: list[tuple[int, ci.Step]] | None = None) -> xr.Dataset:
    fit = method()
    liquids = ci.Liquids(fit.problem, particles=108, runs=1, threads=1)
    seen = None if steps is None else lambda k, step: steps.append((k, step))
    return ensemble(fit, liquids, members, control=replace(CONTROL, seed=seed), progress=seen)


@pytest.fixture(scope="module")
def found() -> tuple[xr.Dataset, list[tuple[int, ci.Step]]]:
    steps: list[tuple[int, ci.Step]] = []
    return repeated(steps=steps), steps


def test_an_ensemble_is_of_its_schema(found, tmp_path):
    data = found[0]
    cd.check(data, "ensemble")
    assert dict(data.sizes) == {"pair": 1, "r": 400, "member": 3, "state": 1}
    cd.save(data, tmp_path / "e.nc")
    assert cd.load(tmp_path / "e.nc", "ensemble").equals(data)


def test_members_differ_and_their_spread_is_said(found):
    data = found[0]
    inside = (data.r > 1.0) & (data.r < 1.8)
    u = data.u.values
    assert len({row.tobytes() for row in u}) == 3
    assert np.all(data.u_spread.values[:, inside] > 0)
    assert data.u_spread.values == pytest.approx(np.sqrt(((u - u.mean(axis=0)) ** 2).sum(axis=0) / 2))
    assert len(set(data.pressure.values.ravel())) == 3
    assert np.all(data.diffusion.values > 0)


def test_the_spread_is_that_of_errors(found):
    """A target known to 1 % and runs of a few thousand pairs: some hundredths of kT in the well, not tenths."""
    data = found[0]
    well = data.u_spread.values[0, (data.r.values > 1.1) & (data.r.values < 1.6)]
    assert 0.003 < np.median(well) < 0.3


def test_a_gas_diffuses_as_its_friction_says(found):
    """Bussi's thermostat hardly hinders it: D of a thin gas of kT = m = σ = 1 is (3/8ρ)√(kT/πm) = 4.2 at ρ = 0.05 for
    hard spheres; attraction and a run as short as this one leave a factor of two and a half."""
    mean = float(found[0].diffusion.mean())
    assert 4.2 / 2.5 < mean < 4.2 * 2.5


def test_every_member_has_seeds_and_a_target_of_its_own(found):
    first = dict(reversed(found[1]))
    assert sorted(first) == [0, 1, 2]
    assert len({step.order.seed for _, step in found[1]}) == len(found[1]) == 6
    targets = [step.samples[0].state.g for step in first.values()]
    assert not np.array_equal(targets[0], targets[1])


def test_an_ensemble_of_the_same_seed_is_the_same(found):
    assert repeated(members=2).u.values == pytest.approx(found[0].u.values[:2], abs=0)
    assert not np.array_equal(repeated(seed=4, members=2).u.values, found[0].u.values[:2])


def test_perturbed_targets_scatter_by_their_errors_and_keep_their_core():
    problem = method().problem
    state = problem.states[0]
    drawn = np.array([perturbed(problem, np.random.default_rng(k)).states[0].g for k in range(400)])
    assert np.all(drawn >= 0)
    assert np.all(drawn[:, state.g == 0] == 0)
    sure = state.g > 5 * state.g_stderr
    z = (drawn - state.g)[:, sure] / state.g_stderr[sure]
    assert np.abs(z.mean(axis=0)).max() < 4.5 / np.sqrt(400)
    assert np.abs(z.var(axis=0) - 1).max() < 4.5 * np.sqrt(2 / 400)


@pytest.mark.parametrize(
    "kind", [ci.IBI, ci.WIBI, ci.CIBI, ci.IMC, ci.HNCN, ci.HNCGN, ci.RelativeEntropy, ci.DiffTRe, ci.DiffSim]
)
def test_every_method_takes_another_problem(kind):
    fit = kind(dilute.target(), dilute.CUTOFF, knots=0.2, weights=[2.0])
    other = perturbed(fit.problem, np.random.default_rng(0))
    moved = of_problem(fit, other)
    assert type(moved) is kind
    assert moved.problem is other
    assert not np.array_equal(moved.init(), fit.init())


def test_what_is_a_method_s_own_is_kept():
    fit = ci.IBI(dilute.target(), dilute.CUTOFF, alpha=0.3, initial=cd.WCA())
    moved = of_problem(fit, fit.problem)
    assert moved.alpha == 0.3
    assert np.array_equal(moved.init(), fit.init())


def test_a_member_is_its_best_round_as_a_fit_is():
    """Nine times too long a step: the second round is one in which the gas condenses or the residual rises."""
    fit = ci.IBI(method().problem, alpha=9.0, initial=cd.WCA())
    steps: list[tuple[int, ci.Step]] = []
    liquids = ci.Liquids(fit.problem, particles=108, runs=1, threads=1)
    control = replace(CONTROL, steps=4000, first_steps=4000, seed=1)
    data = ensemble(fit, liquids, 2, control=control, progress=lambda k, step: steps.append((k, step)))
    first, second = (step for k, step in steps if k == 0)
    assert second.note
    assert second.judgement.residual > 10 * first.judgement.residual
    best = fit.problem.basis.energies(first.coefficients, data.r.values)
    assert data.u.values[0] == pytest.approx(best)


@pytest.mark.parametrize("members", [0, 1, -3])
def test_one_is_no_ensemble(members):
    with pytest.raises(ValueError, match="at least 2 members"):
        repeated(members=members)


def test_a_verb_returns_its_ensemble_and_a_folder_keeps_it(tmp_path):
    fit = ci.ibi(
        dilute.target(), dilute.CUTOFF, control=replace(CONTROL, rounds=1), ensemble=2,
        simulation=ci.Simulation(particles=108, runs=1, threads=1), knots=0.2,
    )  # fmt: skip
    assert fit.ensemble is not None
    assert fit.ensemble.sizes["member"] == 2
    assert fit.ensemble.attrs["method"] == "IBI"
    folder = fit.save(tmp_path / "fit")
    xr.testing.assert_identical(ci.resume(folder).ensemble, fit.ensemble)
    assert ci.resume(folder, rounds=2).ensemble is None  # another fit than that it is of
    again = ci.resume(folder, ensemble=2).ensemble
    np.testing.assert_array_equal(ci.resume(folder).ensemble.u, again.u)
    assert np.abs(again.u - fit.ensemble.u).max() > 0
