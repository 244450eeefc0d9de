"""Every potential: F = −dU/dr, exact zero from the cutoff on, a value from an independent source."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cg_data as cd

GRID = np.linspace(0.0, 3.0, 31)
EXP = np.exp(-GRID)

# A new potential joins by one row: the potential, a distance, U there by hand, and whether U, F vanish at the cutoff.
POTENTIALS = {
    "lennard-jones": (cd.LennardJones(2.0, 1.5, 4.0), 1.5 * 2 ** (1 / 6), -2.0, (False, False)),
    "lj shifted": (cd.LennardJones(cutoff=2.5).shifted(), 1.0, 0.016316891136, (True, False)),
    "lj force-shifted": (cd.LennardJones(cutoff=2.5).force_shifted(), 1.0, 0.016316891136 - 1.5 * -0.0389994774528, (True, True)),
    "lj smooth cut": (cd.LennardJones(cutoff=3.0).smooth_cut(2.0), 2.5, 0.5 * -0.016316891136, (True, True)),
    "wca": (cd.WCA(1.5, 2.0), 2.0, 1.5, (True, True)),
    "morse": (cd.ModifiedMorse(4.0, 1.0, 3.0), 1.5, math.exp(-4) - 2 * math.exp(-2), (False, False)),
    "modified morse <0": (cd.ModifiedMorse(6.5, -0.45, 3.0), 1.0, -1.0, (False, False)),
    "modified morse >0": (cd.ModifiedMorse(5.5, 0.44, 3.0), 1.0, -1.0, (False, False)),
    "power law": (cd.PowerLaw(0.4, 0.9, 10.0, 2.5), 1.8, 0.4 / 1024, (False, False)),
    "yukawa": (cd.Yukawa(2.0, 0.5, 6.0), 2.0, math.exp(-1.0), (False, False)),
    "gaussian core": (cd.GaussianCore(2.0, 1.5, 6.0), 1.5, 2 / math.e, (False, False)),
    "harmonic": (cd.Harmonic(100.0, 1.0, 2.0), 1.3, 4.5, (False, False)),
    "akima": (cd.akima([0, 1, 2, 3, 4, 5], [10, 6, 3, 1, 0, 0]), 2.0, 3.0, (True, False)),
    "cubic spline": (cd.cubic_spline(GRID, EXP, slopes=(-1.0, -math.exp(-3))), 1.05, math.exp(-1.05), (False, False)),
    "b-spline": (cd.b_spline([0, 0, 0, 2, 2, 2], [4.0, 0.0, 0.0], 2), 1.0, 1.0, (True, True)),
    "tabulated": (cd.tabulated(GRID, EXP, EXP), 1.05, math.exp(-1.05), (False, False)),
    "sum": (cd.WCA() + cd.GaussianCore(1.0, 1.0, 3.0), 1.0, 1 + 1 / math.e, (False, False)),
    "scaled": (-2.0 * cd.Yukawa(1.0, 1.0, 4.0), 1.0, -2 / math.e, (False, False)),
    "table": (cd.LennardJones(cutoff=2.5).force_shifted().table(2000), 1.0, 0.016316891136 + 1.5 * 0.0389994774528, (True, True)),
}  # fmt: skip
each = pytest.mark.parametrize("name", POTENTIALS)


@each
def test_value_by_hand(name):
    potential, r, value, _ = POTENTIALS[name]
    assert float(potential.energy(r)) == pytest.approx(value, rel=2e-6)


@each
def test_force_is_minus_slope(name):
    potential = POTENTIALS[name][0]
    noise = np.random.default_rng(7)
    r = noise.uniform(0.35 * potential.cutoff, 0.98 * potential.cutoff, 200)
    h = 1e-6
    slope = (potential.energy(r + h) - potential.energy(r - h)) / (2 * h)
    np.testing.assert_allclose(potential.force(r), -slope, rtol=1e-6, atol=1e-7)


@each
def test_zero_from_the_cutoff_on(name):
    potential, _, _, (smooth_u, smooth_f) = POTENTIALS[name]
    beyond = potential.cutoff * np.array([1.0, 1.0 + 1e-12, 1.5, 100.0])
    assert np.all(potential.energy(beyond) == 0)
    assert np.all(potential.force(beyond) == 0)
    edge = np.nextafter(potential.cutoff, 0)
    scale = np.max(np.abs(potential.energy(np.linspace(0.5, 1, 50) * potential.cutoff)))
    assert (abs(potential.energy(edge)) < 1e-9 * scale) == smooth_u
    assert (abs(potential.force(edge)) < 1e-6 * scale) == smooth_f


@each
def test_scalars_arrays_and_nan_pass_through(name):
    potential = POTENTIALS[name][0]
    r = np.array([[0.6, 0.7], [0.9, 5.0]]) * potential.cutoff
    assert potential.energy(r).shape == (2, 2)
    assert potential.energy(r)[0, 1] == potential.energy(r[0, 1])
    assert np.isnan(potential.energy(np.nan))
    assert isinstance(potential, cd.Potential)


@pytest.mark.parametrize(("rho", "psi"), [(6.5, -0.45), (5.5, 0.44), (4.5, 1.52)])
def test_modified_morse_vanishes_at_infinity(rho, psi):
    """Only with A on the ψ < 0 branch does the well depth be 1 and U(∞) be 0: the printed condition is swapped."""
    far = cd.ModifiedMorse(rho, psi, 1e12)
    assert float(far.energy(1e11)) == pytest.approx(0.0, abs=1e-4)
    r = np.linspace(0.6, 5, 200_001)
    assert r[np.argmin(far.energy(r))] == pytest.approx(1.0, abs=1e-4)
    assert float(np.min(far.energy(r))) == pytest.approx(-1.0, abs=1e-9)


def test_modified_morse_limits():
    r = np.linspace(0.8, 2.4, 50)
    lj = r**-12 - 2 * r**-6
    np.testing.assert_allclose(cd.ModifiedMorse(6.0, 0.0, 3.0).energy(r), lj, rtol=1e-12)
    for psi in (1e-6, -1e-6):
        np.testing.assert_allclose(cd.ModifiedMorse(6.0, psi, 3.0).energy(r), lj, rtol=1e-4, atol=1e-6)
    morse = np.exp(2 * 5 * (1 - r)) - 2 * np.exp(5 * (1 - r))
    np.testing.assert_allclose(cd.ModifiedMorse(5.0, 1.0, 3.0).energy(r), morse, rtol=1e-12)


def test_lennard_jones_at_zero_distance_is_infinite_not_nan():
    assert cd.LennardJones().energy(0.0) == np.inf
    assert cd.WCA().force(0.0) == np.inf


def test_akima_against_the_1970_paper():
    """Akima's own example data: between equal neighbors the curve is flat, no overshoot."""
    x, y = np.arange(11.0), np.array([10, 10, 10, 10, 10, 10, 10.5, 15, 50, 60, 85.0])
    curve = cd.akima(x, y)
    assert np.all(curve.energy(np.linspace(0, 5, 101)) == pytest.approx(10.0, abs=1e-12))
    # t at x = 7 from the weighted slopes 0.5, 4.5, 35, 10: (|10−35|·4.5 + |4.5−0.5|·35)/(25 + 4)
    assert float(-curve.force(7.0)) == pytest.approx((25 * 4.5 + 4 * 35) / 29)


@given(st.floats(0.1, 5), st.floats(0.3, 3), st.floats(-3, 3))
def test_algebra_of_potentials(epsilon, sigma, scale):
    a, b = cd.LennardJones(epsilon, sigma, 3 * sigma), cd.GaussianCore(1.0, sigma, 2 * sigma)
    r = np.linspace(0.9, 2.9, 11) * sigma
    np.testing.assert_allclose((a + b * scale).energy(r), a.energy(r) + scale * b.energy(r), rtol=1e-12, atol=1e-12)
    assert (a + b + a).terms == (a, b, a)
    assert (a + b).breaks == (2 * sigma, 3 * sigma)


def test_sums_differences_and_fractions():
    a, b, r = cd.LennardJones(2.0), cd.GaussianCore(1.0, 1.0, 2.0), np.array([0.9, 1.3, 2.2])
    assert sum([a, b]).terms == (a, b)
    assert sum([a]) is a
    np.testing.assert_array_equal((-a).energy(r), -a.energy(r))
    np.testing.assert_array_equal((-a).force(r), -a.force(r))
    np.testing.assert_allclose((a - b).energy(r), a.energy(r) - b.energy(r), rtol=1e-15)
    np.testing.assert_allclose((a - b).force(r), a.force(r) - b.force(r), rtol=1e-15)
    np.testing.assert_array_equal((a / 2).energy(r), cd.LennardJones(1.0).energy(r))
    with pytest.raises(ZeroDivisionError):
        a / 0


def test_nothing_of_an_infinite_core_is_nothing():
    none = 0 * cd.LennardJones()
    np.testing.assert_array_equal(none.energy([0.0, 1.0, 3.0]), [0.0, 0.0, 0.0])
    np.testing.assert_array_equal(none.force([0.0, 1.0, 3.0]), [0.0, 0.0, 0.0])
    assert np.isnan(none.energy(np.nan))


@pytest.mark.parametrize(
    "make",
    [
        lambda: cd.LennardJones(sigma=-1.0),
        lambda: cd.LennardJones(cutoff=0.0),
        lambda: cd.WCA(epsilon=float("nan")),
        lambda: cd.Yukawa(1.0, 1.0, -2.0),
        lambda: cd.LennardJones().smooth_cut(3.0),
        lambda: cd.akima([0, 1, 1, 2], [1, 2, 3, 4]),
        lambda: cd.cubic_spline([0, 1, 2, 3], [1, 2, np.nan, 4]),
        lambda: cd.cubic_spline([0, 1, 2], [1, 2, 3]),
        lambda: cd.cubic_spline([-1, 0, 1, 2], [1, 2, 3, 4]),
        lambda: cd.tabulated([0, 1, 2, 3], [1, 2, 3]),
        lambda: cd.b_spline([0, 0, 1, 1], [1.0, 2.0, 3.0], 1),
        lambda: cd.Harmonic(1.0, 1.0).table(),
        lambda: cd.LennardJones(epsilon=float("nan")),
        lambda: cd.LennardJones(epsilon=float("inf")),
        lambda: cd.LennardJones(epsilon="1"),
        lambda: cd.LennardJones(sigma="1"),
        lambda: cd.ModifiedMorse(6.0, float("nan"), 2.5),
        lambda: cd.ModifiedMorse(6.0, 0.0, 2.5, epsilon=float("nan")),
        lambda: cd.PowerLaw(epsilon=float("nan")),
        lambda: cd.Yukawa(float("nan"), 1.0, 2.0),
        lambda: cd.GaussianCore(float("-inf"), 1.0, 2.0),
        lambda: cd.Harmonic(1.0, float("nan")),
        lambda: cd.LennardJones() * float("nan"),
        lambda: cd.LennardJones() / float("nan"),
        lambda: cd.Sum(()),
    ],
)
def test_wrong_parameters_are_named(make):
    with pytest.raises(ValueError, match=r"\w{4,}"):
        make()


def test_only_potentials_add():
    with pytest.raises(TypeError, match="only potentials"):
        cd.LennardJones() + 3.0
    with pytest.raises(TypeError, match="only potentials"):
        3.0 + cd.LennardJones()
    with pytest.raises(TypeError, match="only potentials"):
        cd.LennardJones() - 3.0


def test_a_contributor_adds_one_in_ten_lines():
    from dataclasses import dataclass

    @dataclass(frozen=True, slots=True)
    class SoftSphere(cd.PairPotential):
        epsilon: float
        cutoff: float

        def u(self, r):
            return self.epsilon * (1 - r / self.cutoff) ** 2

        def du(self, r):
            return -2 * self.epsilon / self.cutoff * (1 - r / self.cutoff)

    soft = SoftSphere(10.0, 1.0)
    assert soft.table(100).max_error < 1e-12
    assert float((soft + cd.WCA()).energy(0.5)) == pytest.approx(2.5 + 4 * (2**12 - 2**6) + 1)


def test_a_potential_without_formulas_says_so():
    class Empty(cd.PairPotential):
        cutoff = 1.0

    with pytest.raises(TypeError, match="must define u"):
        Empty().energy(0.5)
    with pytest.raises(TypeError, match="must define du"):
        Empty().force(0.5)


def test_interactions_are_unordered_and_complete():
    lj = cd.LennardJones()
    table = cd.Interactions({("B", "A"): lj, ("A", "A"): lj})
    assert table["A", "B"] is table["B", "A"] is lj
    assert table.missing() == (("B", "B"),)
    assert table.cutoff == 2.5
    assert len(table) == 2
    assert cd.as_interactions(lj, "W")["W", "W"] is lj
    with pytest.raises(KeyError, match=r"no potential for the pair B-B; there are: A-B, A-A"):
        table["B", "B"]
    with pytest.raises(ValueError, match="given twice"):
        cd.Interactions({("A", "B"): lj, ("B", "A"): lj})
    with pytest.raises(TypeError, match="expected a potential"):
        cd.Interactions({("A", "A"): 3.0})


@pytest.mark.parametrize("number", [1e300, 1e-300])
def test_numbers_whose_powers_are_none_are_refused(number):
    with pytest.raises(ValueError, match=r"sigma must be from 1e-100 to 1e\+100"):
        cd.GaussianCore(1.0, number, 3.0)
    if number > 1:
        with pytest.raises(ValueError, match="epsilon must be a finite number"):
            cd.GaussianCore(-number, 1.0, 3.0)
