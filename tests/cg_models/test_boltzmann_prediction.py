"""P of a potential and U of a g(r) in one line: against simulation and theory, with units, and refused where unknown."""

from __future__ import annotations

import numpy as np
import pytest

import cg_data as cd

torch = pytest.importorskip("torch")
if True:  # after the skip
    import cg_models as cm
    from cg_models.boltzmann.prediction import in_bins, through
    from cg_models.boltzmann.shipped import shipped
    from cg_models.boltzmann.table import R
    from cg_models.boltzmann.theory_liquids import in_bins as means

SOFT = cd.GaussianCore(4.0, 1.0, cutoff=4.5)
CORED = cd.WCA() + cd.GaussianCore(2.0, 1.0, cutoff=4.0)
FINE = (np.arange(100) + 0.5) * 0.05


def distribution(potential, density, r=FINE):
    found = cd.liquid_theory(potential, density, closure="ry")
    return means(found.r, found.g) if r is FINE else np.interp(r, found.r, found.g)


def test_a_pressure_is_that_of_simulations_within_its_error():
    """WCA at kT = 1 by molecular dynamics of N = 1000 (this project's engine, 20 000 steps): errors 0.004 and 0.011."""
    for density, known in ((0.5, 1.728), (0.8, 6.600)):
        found = cm.pressure(cd.WCA(), density)
        assert found.value == pytest.approx(known, rel=0.03)
        assert 0 < found.stderr < 0.1 * known
        assert found.score < 2


def test_a_potential_comes_back_from_its_g():
    found = cm.invert(FINE, distribution(SOFT, 0.5), 0.5, sigma=1.0)
    np.testing.assert_allclose(found.u[2:], SOFT.energy(found.r)[2:], atol=0.15)
    r = np.linspace(0.3, 4.5, 50)
    np.testing.assert_allclose(found.potential.energy(r), SOFT.energy(r), atol=0.15)
    assert found.stderr.max() < 1.0


@pytest.mark.parametrize("density", [0.125, 0.5, 1.0])
def test_a_core_comes_back_from_bins_and_from_points(density):
    found = cd.liquid_theory(CORED, density, closure="ry")
    known = CORED.energy(R) < 20
    for r, g in ((FINE, means(found.r, found.g)), (found.r[found.r < 6], found.g[found.r < 6])):
        off = np.abs(cm.invert(r, g, density, sigma=1.0).u - CORED.energy(R))[known]
        assert off.mean() < 0.05


def test_what_little_g_there_is_in_a_core_counts():
    """Where it is below 1e-3, it still says how high U is: near 20 kT by 0.3 kT."""
    found = cd.liquid_theory(cd.LennardJones().force_shifted(), 0.3, kT=1.5)
    near = found.r < 6
    r, g = found.r[near], np.maximum(found.g[near], 0)
    said, hidden = (cm.invert(r, y, 0.3, 1.5, sigma=1.0).u for y in (g, np.where(g < 1e-3, 0.0, g)))
    assert np.abs(said - hidden).max() > 0.1


def test_bins_that_lose_a_dense_liquid_are_refused():
    """ρ = 1: −ln of a mean over 0.1 σ and an S(0) of 0.01 that such bins cannot know; points taken for means do as badly."""
    found = cd.liquid_theory(CORED, 1.0, closure="ry")
    wide = (np.arange(60) + 0.5) * 0.1
    with pytest.raises(cm.OutsideDomain, match="or less"):
        cm.invert(wide, np.interp(wide, found.r, found.g), 1.0, sigma=1.0)
    with pytest.raises(cm.OutsideDomain, match="means over bins"):
        cm.invert(FINE, np.interp(FINE, found.r, found.g), 1.0, sigma=1.0)


def test_answers_scale_with_units():
    big = cd.GaussianCore(8.0, 2.0, cutoff=9.0)
    one, other = cm.pressure(SOFT, 0.5), cm.pressure(big, 0.5 / 8, kT=2.0, sigma=2.0)
    assert other.value == pytest.approx(one.value * 2 / 8, rel=1e-3)
    g = distribution(SOFT, 0.5)
    here, there = cm.invert(FINE, g, 0.5, sigma=1.0), cm.invert(2 * FINE, g, 0.5 / 8, kT=2.0, sigma=2.0)
    np.testing.assert_allclose(there.u, 2 * here.u, atol=2e-3)
    np.testing.assert_allclose(there.r, 2 * here.r, rtol=1e-12)


def test_the_papers_networks_answer_too():
    known = cm.pressure(SOFT, 0.5).value
    assert cm.pressure(SOFT, 0.5, network="paper").value == pytest.approx(known, rel=0.5)
    found = cm.invert(FINE, distribution(CORED, 0.5), 0.5, sigma=1.0, network="paper")
    known = CORED.energy(R) < 20
    assert np.abs(found.u - CORED.energy(found.r))[known].mean() < 0.3


def test_what_is_unlike_everything_is_refused_in_words():
    for network in ("informed", "paper"):
        with pytest.raises(cm.OutsideDomain, match="no solution"):
            cm.pressure(cd.GaussianCore(-30.0, 1.0, cutoff=5.0), 0.3, network=network)
    bumpy = cd.tabulated(np.linspace(0, 5, 300), 15 * np.cos(25 * np.linspace(0, 5, 300)) ** 2)
    with pytest.raises(cm.OutsideDomain, match="unlike"):
        cm.pressure(bumpy, 0.3)
    with pytest.raises(cm.OutsideDomain, match="densities"):
        cm.pressure(SOFT, 30.0)
    with pytest.raises(cm.OutsideDomain, match="give sigma"):
        cm.pressure(cd.GaussianCore(1.0, 3.0, cutoff=14.0), 0.01)
    with pytest.raises(cm.OutsideDomain, match="measure further"):
        cm.invert(FINE[:40], np.ones(40), 0.3, sigma=1.0)
    with pytest.raises(cm.OutsideDomain, match="unlike"):
        cm.invert(FINE, 2 + np.sin(9 * FINE), 0.3, sigma=1.0)
    with pytest.raises(ValueError, match="positive"):
        cm.pressure(SOFT, -0.3)
    with pytest.raises(ValueError, match="must increase"):
        cm.invert(FINE[::-1], np.ones(100), 0.3)
    with pytest.raises(ValueError, match="finite"):
        cm.invert(FINE, np.full(100, np.nan), 0.3)
    with pytest.raises(ValueError, match="one length"):
        cm.invert(FINE, np.ones(99), 0.3)


def test_sigma_is_one_that_the_networks_know_unless_said():
    wca = cd.WCA()
    found = cm.invert(FINE, distribution(wca, 0.5), 0.5)
    assert found.r[0] / R[0] == pytest.approx(1.0, abs=0.08)
    far = (np.arange(240) + 0.5) * 0.05
    soft = cm.invert(far, distribution(cd.GaussianCore(4.0, 2.0, cutoff=9.0), 0.06, far), 0.06)
    assert (
        np.abs(soft.u - np.where(soft.r < 9, cd.GaussianCore(4.0, 2.0, cutoff=9.0).energy(soft.r), 0.0))[2:].max() < 0.3
    )
    assert np.abs(found.u - wca.energy(found.r))[found.r > 0.95].max() < 0.3


def test_bins_hold_the_pairs_of_the_points():
    r = np.linspace(0.001, 5.2, 5200)
    g = 1 + 0.5 * np.sin(3 * r) / r
    middle = (np.arange(100) + 0.5) * 0.05
    expected = [
        np.trapezoid(g[m] * r[m] ** 2, r[m]) / np.trapezoid(r[m] ** 2, r[m])
        for m in (abs(r - x) <= 0.025 for x in middle[10:])
    ]
    np.testing.assert_allclose(in_bins(r, g)[10:], expected, atol=2e-3)  # of the sum over points


def test_a_curve_through_the_points_is_smooth_where_the_core_is_steep():
    potential = cd.WCA() + cd.GaussianCore(2.0, 1.0, cutoff=4.0)
    curve = through(potential.energy(R))
    np.testing.assert_allclose(curve.energy(R[9:]), potential.energy(R[9:]), atol=1e-3)
    r = np.linspace(0.9, 4.9, 200)
    assert np.abs(np.exp(-curve.energy(r)) - np.exp(-potential.energy(r))).max() < 0.03
    assert float(curve.energy(5.0)) == pytest.approx(0, abs=1e-9)


def test_shipped_weights_are_small_and_say_what_they_learned_of():
    for name in ("informed-potential", "informed-pressure", "CN-f", "UN-c-Bn"):
        found = shipped(name)
        assert len(found.members) == 4
        assert "molecular dynamics" in found.about["liquids"]
