"""The history holds what the rounds found, and the potential is that of the round to believe."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import cg_data as cd
import cg_inverse as ci
from cg_inverse.fits.history import Rounds, best_round

from .dilute import CONTROL, CUTOFF, SIMULATION, target


@pytest.fixture(scope="module")
def fits():
    """Every step of a fit, and the fit."""
    steps = []
    fit = ci.ibi(target(), CUTOFF, simulation=SIMULATION, control=CONTROL, progress=lambda step, _: steps.append(step))
    return steps, fit


def test_it_holds_what_the_steps_found(fits):
    steps, fit = fits
    ds = cd.check(fit.history, "history")
    assert ds.sizes["iteration"] == len(steps) == CONTROL.rounds
    for k, step in enumerate(steps):
        here, sample = ds.isel(iteration=k), step.samples[0]
        assert int(here.iteration) == step.number == k
        np.testing.assert_array_equal(here.coefficients, step.coefficients)
        np.testing.assert_array_equal(here.g[0], sample.g)
        np.testing.assert_array_equal(here.g_stderr[0], sample.g_stderr)
        assert float(here.pressure[0]) == sample.pressure
        assert (float(here.residual), float(here.chi2)) == (step.judgement.residual, step.judgement.chi2)
        u = step.potential["A", "A"].energy(ds.r_u.values)
        # the table of 1200 knots follows the spline to 1e-4 kT where U is below 10 kT
        np.testing.assert_allclose(here.u[0][here.u[0] < 10], u[here.u[0] < 10], atol=1e-3)
    np.testing.assert_array_equal(ds.g_target[0], fit.problem.states[0].g)


def test_force_evaluations_are_particles_times_steps(fits):
    """Two runs of half the steps each, and their equilibration: 4000 steps of melting at first."""
    steps, fit = fits
    for k, step in enumerate(steps):
        equilibration = 4000 if k == 0 else 100
        assert step.order.equilibration == equilibration
        assert int(fit.history.force_evaluations[k]) == 256 * (step.order.steps + 2 * equilibration)


def test_the_history_goes_through_a_file_and_other_units(fits, tmp_path):
    ds = fits[1].history
    assert cd.load(cd.save(ds, tmp_path / "h.nc"), "history").drop_attrs().identical(ds.drop_attrs())
    nm, kj = cd.Units("nm", "kJ/mol", "g/mol"), cd.Units("angstrom", "kcal/mol", "g/mol")
    given = ds.assign_attrs(units_length="nm", units_energy="kJ/mol", units_mass="g/mol")
    other = cd.in_units(given, kj)
    np.testing.assert_allclose(other.r_u, 10 * ds.r_u)
    np.testing.assert_allclose(other.u, ds.u / 4.184)
    np.testing.assert_allclose(other.u_stderr, ds.u_stderr / 4.184)
    np.testing.assert_allclose(other.pressure_stderr, ds.pressure_stderr / 4184)
    np.testing.assert_allclose(cd.in_units(other, nm).coefficients, ds.coefficients)


def rounds(steps, residual, noise):
    """Return rounds of which only what the choice is made from is known."""
    columns = {"steps": steps, "residual": residual, "noise": noise}
    return Rounds({k: np.array(v, dtype=float) for k, v in columns.items()}, ("",) * len(steps))


@pytest.mark.parametrize(
    ("steps", "residual", "noise", "best"),
    [
        ([100, 100, 100], [3.0, 1.0, 2.0], [0.1, 0.1, 0.1], 1),
        ([100, 400, 400], [0.1, 1.0, 2.0], [0.0, 0.1, 0.1], 1),  # a short round is not believed
        ([400, 400], [1.0, 0.9], [0.5, 0.3], 0),  # what noise makes of it does not count
        ([100], [1.0], [0.5], 0),
    ],
)
def test_the_round_to_believe(steps, residual, noise, best):
    assert best_round(rounds(steps, residual, noise)) == best


def test_no_round_is_no_choice():
    with pytest.raises(ValueError, match="no round is done"):
        best_round(Rounds())


def test_the_potential_is_that_of_the_best_round_not_of_the_last_change(fits):
    _, fit = fits
    best = fit.history.attrs["best_iteration"]
    longest = fit.history.where(fit.history.steps == fit.history.steps.max(), drop=True)
    excess = longest.residual - longest.noise
    assert best == int(longest.iteration[int(np.argmin(excess.values))])
    r = np.linspace(0.95, CUTOFF, 50)
    expected = fit.problem.basis.potential(fit.history.coefficients.sel(iteration=best).values)["A", "A"]
    np.testing.assert_array_equal(fit.potential["A", "A"].energy(r), expected.energy(r))
    assert not np.array_equal(fit.ledger.progress.coefficients, fit.ledger.best)


def test_states_of_other_grids_are_on_the_first_ones_shells():
    """The second target is coarser and ends earlier: beyond its end g is missing, not invented."""
    once = replace(CONTROL, rounds=1)
    short = target(kT=1.5, width=0.06, r_max=2.4)
    fit = ci.msibi([target(), short], CUTOFF, simulation=SIMULATION, control=once)
    ds = cd.check(fit.history, "history")
    assert ds.sizes["state"] == 2
    assert ds.kT.values.tolist() == [1.0, 1.5]
    known = ds.r.values <= 2.37 + 1e-9
    assert np.isfinite(ds.g.values[0, 1, 0]).tolist() == known.tolist()
    expected = np.interp(ds.r.values[known], short.r.values, fit.step.samples[1].g[0])
    np.testing.assert_allclose(ds.g.values[0, 1, 0, known], expected)


def test_a_pair_that_a_state_lacks_is_missing_there():
    """One state is pure A, the other an A–B mixture: both constrain A–A."""
    gas = target()
    curves = {("A", "A"): gas.g.values[0], ("A", "B"): gas.g.values[0], ("B", "B"): gas.g.values[0]}
    errors = dict.fromkeys(curves, gas.g_stderr.values[0])
    mixture = cd.make_target(gas.r.values, curves, g_stderr=errors, density={"A": 0.025, "B": 0.025}, kT=1.0)
    fit = ci.msibi([gas, mixture], CUTOFF, simulation=SIMULATION, control=replace(CONTROL, rounds=1))
    g = fit.history.g
    assert np.all(np.isnan(g.sel(pair="A-B")[0, 0]))
    assert np.all(np.isfinite(g[0, 1]))
    assert set(fit.potential) == {("A", "A"), ("A", "B"), ("B", "B")}
