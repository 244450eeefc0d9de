"""A pair correction to a base: eq. 1 of weighted IBI, folders, the ase engine, what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import cg_data as cd
import cg_inverse as ci
import cg_sim as cs
from cg_inverse.fits.run_folder import ledger_of
from cg_inverse.methods.correction import logarithm
from cg_inverse.problems.shell_basis import ShellBasis

from .metals import BASE, CONTROL, CUTOFF, DENSITY, PARTICLES, SHORT, fitted, known, target


def test_a_step_is_that_of_equation_1():
    """u₁ = α kT g* ln(g/g*) at the knots that lie in centers of shells, and nothing where nothing was counted."""
    steps = []
    fitted(rounds=1, alpha=0.3, progress=lambda step, _: steps.append(step))
    (step,), (sample,) = steps, steps[0].samples
    wanted = 0.3 * logarithm(step.problem, sample, sample.state.g)[0]
    knots, r, g = step.problem.basis.spline("Al-Al").knots, sample.state.bins.r, sample.state.g[0]
    np.testing.assert_allclose(step.change, wanted[np.isin(r.round(6), knots.round(6))], atol=1e-12)
    known_well = (g > 0.3) & (r < CUTOFF - 0.1)
    ratio = 0.3 * 0.12 * g * np.log(np.where(sample.g[0] > 0, sample.g[0], 1) / np.where(g > 0, g, 1))
    np.testing.assert_allclose(wanted[known_well], ratio[known_well], atol=2e-4)
    assert np.all(step.change[knots < 1.9] == 0)


def test_the_printed_alpha_moves_nothing():
    """2·10⁻⁴ as a factor of kT: |u| ≤ generations · α kT max g* |ln(g/g*)|, ten thousand times less than is needed."""
    alpha, rounds = 2e-4, 3
    control = replace(CONTROL, steps=1000, first_steps=1000, melting=500)
    logs = []

    def keep(step, _):
        sample = step.samples[0]
        logs.append(np.max(np.abs(logarithm(step.problem, sample, sample.state.g))))

    fit = fitted(alpha=alpha, rounds=rounds, control=control, progress=keep)
    largest = np.abs(fit.ledger.progress.coefficients).max()
    assert 0 < largest <= alpha * sum(logs) * (1 + 1e-9)
    assert 15 / rounds * largest < 0.01 * np.abs(known(np.linspace(2.2, 5, 99))).max()


def test_a_killed_fit_goes_on_bit_for_bit(tmp_path):
    control = replace(CONTROL, steps=1000, first_steps=1000, melting=200, equilibration=50)
    whole = fitted("hnc", rounds=3, control=control, folder=tmp_path / "whole")

    def kill(step, _):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fitted("hnc", rounds=3, control=control, folder=tmp_path / "killed", progress=kill)
    assert len(ledger_of(tmp_path / "killed").rounds) == 1
    with pytest.raises(ValueError, match=r"resume\(folder, base=…\)"):
        ci.resume(tmp_path / "killed")
    again = ci.resume(tmp_path / "killed", base=BASE)
    for name in ("coefficients", "residual", "g.0", "density"):
        np.testing.assert_array_equal(again.ledger.rounds[name], whole.ledger.rounds[name], err_msg=name)
    assert (tmp_path / "killed" / "Al-Al.table").exists()
    assert "base" in (tmp_path / "killed" / "config.toml").read_text().splitlines()[0]


def test_calculators_at_constant_pressure_and_resumed(tmp_path):
    """ASE moves a base with the correction; at constant pressure the density is found, with its error."""
    pytest.importorskip("ase", reason="pip install cg-sim[ase]")
    from cg_sim.ase_calculator import PairCalculator

    control = replace(CONTROL, steps=1000, first_steps=200, melting=50, equilibration=20)
    barostat = cs.CellRescaling(pressure=0.02, tau=10.0)
    settings = {"simulation": ci.Simulation(particles=PARTICLES, runs=1, dt=0.3, barostat=barostat), "control": control}
    whole = fitted("hnc", rounds=2, base=PairCalculator(BASE), **settings)

    def kill(step, _):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fitted("hnc", rounds=2, base=PairCalculator(BASE), folder=tmp_path / "run", progress=kill, **settings)
    again = ci.resume(tmp_path / "run", base=lambda: PairCalculator(BASE))
    np.testing.assert_array_equal(again.history.g, whole.history.g)
    np.testing.assert_array_equal(again.ledger.progress.coefficients, whole.ledger.progress.coefficients)
    found, error = whole.history.density_found.values, whole.history.density_found_stderr.values
    np.testing.assert_allclose(found, DENSITY, rtol=0.4)  # 200 steps: the volume has just begun to follow
    assert np.all((error > 0) & (error < 0.1 * DENSITY))
    assert whole.history.residual.values[0] > 0.1


def test_what_cannot_be_is_refused():
    pytest.importorskip("ase", reason="pip install cg-sim[ase]")
    from cg_sim.ase_calculator import PairCalculator

    given = target(steps=4000)
    with pytest.raises(ValueError, match="rule must be one of paper, line, hnc, imc"):
        fitted("fast")
    with pytest.raises(ValueError, match="without one there are hncgn and imc"):
        ci.wibi(given, CUTOFF, rule="hnc")
    with pytest.raises(ValueError, match="leave out pressure, or the barostat"):
        fitted(simulation=replace(SHORT, barostat=cs.CellRescaling(0.0)), pressure=ci.FixedPressure(0.0))
    with pytest.raises(ValueError, match="starts from nothing or from a potential"):
        fitted(initial="theory")
    with pytest.raises(ValueError, match="which are no elements"):
        fitted(base=PairCalculator(BASE), targets=given.assign_coords(type=["A"], pair=["A-A"]))
    with pytest.raises(ValueError, match="works in Å and eV"):
        fitted(
            base=PairCalculator(BASE),
            targets=cd.in_units(given, cd.Units("angstrom", "kJ/mol", "g/mol")),
            control=CONTROL,
        )
    with pytest.raises(TypeError, match="base must be an ASE calculator"):
        fitted(base=3)
    with pytest.raises(ValueError, match="no correction to a base"):
        ci.imc(given, CUTOFF, simulation=replace(SHORT, base=BASE))


def test_akima_passes_through_its_values_and_forces_are_its_slope():
    basis, rng = ShellBasis(1.5, 5.5, 40, 0.1), np.random.default_rng(1)
    values = rng.normal(size=40)
    r = np.linspace(1.0, 5.6, 700)
    np.testing.assert_allclose(basis.curve(values, basis.knots)[0], values, atol=1e-12)
    h = 1e-6
    slope = (basis.curve(values, r + h)[0] - basis.curve(values, r - h)[0]) / (2 * h)
    np.testing.assert_allclose(basis.curve(values, r)[1], -slope, atol=1e-4)
    assert not np.any(basis.curve(values, r[r >= 5.5]))
    np.testing.assert_allclose(basis(basis.knots), np.eye(40), atol=1e-12)


def test_between_temperatures_is_linear_and_does_not_extrapolate():
    cold, hot = (cd.GaussianCore(x, 1.0, cutoff=4.0).force_shifted() for x in (0.01, 0.03))
    found = ci.BetweenTemperatures({0.11: {("Al", "Al"): hot}, 0.09: {("Al", "Al"): cold}})
    r = np.linspace(0.1, 3.9, 50)
    for share in (0.0, 0.25, 1.0):
        expected = (1 - share) * cold.energy(r) + share * hot.energy(r)
        curve = found.at(0.09 + 0.02 * share)["Al", "Al"]
        np.testing.assert_allclose(curve.energy(r), expected, atol=1e-8)
        np.testing.assert_allclose(curve.force(r), (1 - share) * cold.force(r) + share * hot.force(r), atol=1e-6)
    for kT in (0.08, 0.12):
        with pytest.raises(ValueError, match=r"outside the fits, 0\.09 to 0\.11"):
            found.at(kT)
    with pytest.raises(ValueError, match="two temperatures"):
        ci.BetweenTemperatures({0.1: cold})


def test_every_temperature_has_its_own_pressure(tmp_path):
    """Each state is at the pressure asked of it, |z| < 4, where the other's is far away; and a folder keeps both."""
    targets = [target(steps=4000), target(0.16, steps=4000)]
    wanted = (0.004, 0.02)
    baths = [cs.CellRescaling(pressure=p, tau=5.0, compressibility=10.0) for p in wanted]
    settings = {"targets": targets, "control": replace(CONTROL, steps=20_000, first_steps=20_000, melting=5000)}
    simulation = replace(SHORT, particles=400, barostat=baths)
    fit = fitted(rounds=1, simulation=simulation, folder=tmp_path / "run", **settings)
    found, error = fit.history.pressure.values[0], fit.history.pressure_stderr.values[0]
    assert np.all(np.abs(found - wanted) < 4 * error), (found, error)
    assert np.all(error < 0.1 * (wanted[1] - wanted[0]))
    again = ledger_of(tmp_path / "run")
    assert again.simulation == fit.ledger.simulation
    assert [bath.pressure for bath in again.simulation.barostat] == list(wanted)
    with pytest.raises(ValueError, match="one barostat, or one for each of 2 states, got 3"):
        fitted(simulation=replace(SHORT, barostat=[*baths, baths[0]]), **settings)


def test_the_picture_is_of_the_correction_where_there_are_pairs():
    """Around zero, beside it in kT, and without the band of a core in which nothing is known."""
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    brief = replace(CONTROL, steps=1000, first_steps=1000, melting=100, equilibration=50)
    fit = fitted("hnc", rounds=2, control=brief)
    figure = fit.plot()
    (axis,) = [a for a in figure.axes if a.get_ylabel() == "u(r) (eV)"]
    (beside,) = axis.child_axes
    assert beside.get_ylabel() == "u/kT, kT = 0.12 eV"
    low, high = axis.get_ylim()
    r, u = fit.history.r_u.values, fit.history.u.values
    assert -low == high == pytest.approx(1.15 * np.abs(u[:, 0, r > 2.3]).max(), rel=0.05)
    assert 2.0 < axis.get_xlim()[0] < 2.4
    g = fit.history.g_target.values[0, 0]
    assert np.interp(axis.get_xlim()[0], fit.history.r.values, g) < 0.05
