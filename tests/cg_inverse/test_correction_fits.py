"""Corrections are found: by Gauss–Newton in few generations, for two temperatures, and with the core left alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import cg_data as cd
import cg_inverse as ci

from .metals import CONTROL, CUTOFF, PARTICLES, fitted, known, target

CORE = 2.2  # Å: below, no pair


@pytest.fixture(scope="module")
def fits():
    """Four generations by eq. 1 and by Gauss–Newton, damped and free, from the same first one, with their steps."""
    found = {}
    for name, rule, options in (("paper", "paper", {}), ("hnc", "hnc", {}), ("free", "hnc", {"damping": 0.0})):
        steps = []
        fit = fitted(rule, targets=target(), progress=lambda step, _, kept=steps: kept.append(step), **options)
        found[name] = (fit.history, steps)
    return found


def test_gauss_newton_finds_g_and_the_known_correction(fits):
    history = fits["free"][0]  # damped steps leave what g hardly feels
    best = int(np.argmin(history.residual.values))
    r, u = history.r_u.values, history.u.values[best, 0]
    seen = r > 2.45  # where the target has pairs enough
    assert history.chi2.values[best] < 3
    assert np.sqrt(np.mean((u - known(r))[seen] ** 2)) < 0.5 * np.sqrt(np.mean(known(r)[seen] ** 2))


def test_gauss_newton_needs_fewer_generations(fits):
    """From the same first round, with u = 0, the least residual of four generations is well below that of eq. 1."""
    paper, newton = (fits[rule][0] for rule in ("paper", "hnc"))
    np.testing.assert_array_equal(paper.g.values[0], newton.g.values[0])
    assert newton.residual.values.min() < 0.7 * paper.residual.values.min(), (paper.residual, newton.residual)


@pytest.mark.parametrize(("rule", "alike"), [("line", 0.3), ("hnc", 0.6), ("imc", 0.6)])
def test_every_first_step_goes_towards_the_known_correction(rule, alike, fits):
    """That of eq. 1, Δu ∝ g* ln(g/g*), has every shell answer for itself: it resembles the correction less."""
    first = fits["hnc"][1][0]
    step = ci.PairCorrection(first.problem, rule=rule).update(first.coefficients, first.samples).step
    knots = first.problem.basis.spline("Al-Al").knots
    seen = knots > 2.45
    assert np.corrcoef(step[seen], known(knots[seen]))[0, 1] > alike
    assert np.all(step[knots < 1.9] == 0)


def test_weighted_ibi_leaves_the_core_alone_and_ibi_does_not():
    """Fig. 2: a base softer than the target asks IBI for a wall where g* = 0; with w = g* the core stays."""
    soft = cd.LennardJones(epsilon=0.1, sigma=2.3, cutoff=CUTOFF).force_shifted()
    found = {}
    for name, weight in (("wibi", None), ("ibi", lambda r, g: np.ones_like(g))):
        history = fitted(
            base=soft, rounds=2, weight=weight, control=replace(CONTROL, steps=2000, first_steps=2000)
        ).history
        core = history.r_u.values < CORE
        found[name] = float(np.abs(history.u.values[-1, 0][core]).max())
    assert found["wibi"] < 0.02 * 0.12
    assert found["ibi"] > 20 * found["wibi"]


def test_two_temperatures_share_a_correction():
    targets = [target(), target(0.16)]
    history = fitted(
        "hnc",
        rounds=3,
        control=replace(CONTROL, steps=3000, first_steps=3000),
        targets=targets,
        weights=[2, 1],
        damping=0.0,
    ).history
    r = history.r_u.values
    assert history.sizes["state"] == 2
    best = int(np.argmin(history.residual.values))
    assert history.residual.values[best] < 0.1 * history.residual.values[0]
    seen = r > 2.45
    assert np.corrcoef(history.u.values[best, 0][seen], known(r)[seen])[0, 1] > 0.9


@pytest.mark.slow
def test_emt_aluminium_is_corrected():
    """Hundred atoms of EMT aluminium: the correction takes g most of the way to its target in one step."""
    emt = pytest.importorskip("ase.calculators.emt").EMT
    given = ci.wibi(target(), CUTOFF, base=emt, rule="hnc", simulation=ci.Simulation(particles=PARTICLES, runs=1, dt=0.3),
                    control=replace(CONTROL, rounds=3, steps=1000, first_steps=1000, melting=400))  # fmt: skip
    assert given.history.residual.values.min() < 0.4 * given.history.residual.values[0]
