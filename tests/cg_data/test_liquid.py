"""Liquid-state arithmetic against analytic values: hard sphere, square well, Gaussian core, Lennard-Jones tables."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest

import cg_data as cd


@dataclass(frozen=True, slots=True)
class SquareWell(cd.PairPotential):
    """Hard to σ = 1, −ε to λ: B₂ = 2π/3 (1 − (λ³ − 1)(e^{ε/kT} − 1))."""

    epsilon: float
    cutoff: float

    @property
    def breaks(self):
        return (1.0, self.cutoff)

    def u(self, r):
        return np.where(r < 1, np.inf, -self.epsilon)

    def du(self, r):
        return np.zeros_like(r)


def test_b2_of_hard_spheres():
    assert cd.b2(SquareWell(0.0, 1.5), kT=1.0) == pytest.approx(2 * math.pi / 3, rel=1e-12)


@pytest.mark.parametrize(("epsilon", "lam", "kT"), [(1.0, 1.5, 1.0), (0.7, 1.8, 0.5), (2.0, 1.2, 3.0)])
def test_b2_of_square_wells(epsilon, lam, kT):
    exact = 2 * math.pi / 3 * (1 - (lam**3 - 1) * math.expm1(epsilon / kT))
    assert cd.b2(SquareWell(epsilon, lam), kT=kT) == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("beta_epsilon", [0.1, 1.0, 4.0])
def test_b2_of_gaussian_cores(beta_epsilon):
    """−(π^{3/2}/2) σ³ Σ (−βε)ⁿ/(n! n^{3/2})."""
    sigma = 1.3
    series = sum((-beta_epsilon) ** n / (math.factorial(n) * n**1.5) for n in range(1, 60))
    core = cd.GaussianCore(beta_epsilon * 2.0, sigma, 9 * sigma)
    assert cd.b2(core, kT=2.0) == pytest.approx(-(math.pi**1.5) / 2 * sigma**3 * series, rel=1e-10)


@pytest.mark.parametrize(("kT", "reduced"), [(1.0, -2.538081), (2.0, -0.6276253), (5.0, 0.24334)])
def test_b2_of_lennard_jones(kT, reduced):
    """Hirschfelder, Curtiss and Bird, table I-B: B₂/(2πσ³/3)."""
    lj = cd.LennardJones(cutoff=60.0)
    assert cd.b2(lj, kT=kT) / (2 * math.pi / 3) == pytest.approx(reduced, rel=1e-4)


def test_low_density_pressure_is_ideal_plus_b2():
    assert cd.low_density_pressure(SquareWell(0.0, 1.5), 0.1, kT=2.0) == pytest.approx(
        2 * (0.1 + 0.01 * 2 * math.pi / 3)
    )


def test_boltzmann_inversion_undoes_the_dilute_limit():
    lj, r = cd.LennardJones(), np.linspace(0.9, 2.4, 40)
    g = 1 + cd.mayer_f(lj, r, kT=1.5)
    np.testing.assert_allclose(cd.boltzmann_inversion(g, kT=1.5), lj.energy(r), atol=1e-12)
    with pytest.raises(ValueError, match="negative"):
        cd.boltzmann_inversion([0.1, -0.1], kT=1.0)
    with pytest.raises(ValueError, match="kT must be"):
        cd.boltzmann_inversion([0.1], kT=0.0)


def step(edge, upper=5.0, n=2000):
    """g of point centers that keep a distance `edge`: 0 inside, 1 outside, on bins that meet the edge."""
    edges = np.linspace(0, upper, n + 1)
    r = 0.5 * (edges[1:] + edges[:-1])
    return r, np.where(r > edge, 1.0, 0.0)


def test_excess_entropy_of_a_step():
    """g ln g vanishes on both sides: s₂ = −2πρ ∫₀^σ r² dr = −2πρσ³/3."""
    r, g = step(1.0)
    assert cd.excess_entropy(r, g, density=0.3) == pytest.approx(-2 * math.pi * 0.3 / 3, rel=1e-9)
    assert cd.excess_entropy(r, np.ones_like(r), density=0.3) == 0.0


def test_excess_entropy_of_a_shell():
    r, g = step(1.0)
    g = np.where((r > 1) & (r < 2), 3.0, g)
    exact = -2 * math.pi * 0.3 / 3 * (1 + 7 * (3 * math.log(3) - 2))
    assert cd.excess_entropy(r, g, density=0.3) == pytest.approx(exact, rel=1e-9)


def test_a_first_bin_inside_the_core_counts_as_core():
    r, g = step(1.0)
    late = r > 0.5
    assert cd.excess_entropy(r[late], g[late], density=0.3) == pytest.approx(-2 * math.pi * 0.3 / 3, rel=1e-9)


def test_coordination_number_counts_exactly():
    r, g = step(1.0)
    assert cd.coordination_number(r, g, density=0.5, upto=2.0) == pytest.approx(0.5 * 4 / 3 * math.pi * 7, rel=1e-12)
    assert cd.running_coordination(r, g, density=0.5)[-1] == pytest.approx(0.5 * 4 / 3 * math.pi * 124, rel=1e-12)
    inside = cd.coordination_number(r, np.ones_like(r), density=1.0, upto=1.23456)
    assert inside == pytest.approx(4 / 3 * math.pi * 1.23456**3, rel=1e-12)
    with pytest.raises(ValueError, match="cannot count"):
        cd.coordination_number(r, g, density=0.5, upto=6.0)


def test_kirkwood_buff_of_a_step():
    r, g = step(1.0)
    running = cd.kirkwood_buff(r, g)
    assert running[-1] == pytest.approx(-4 / 3 * math.pi, rel=1e-9)
    # ∫₀¹ −4πr² (1 − 23x³/8 + 3x⁴/4 + 9x⁵/8) dr with x = r/R, R = 5
    exact = -4 * math.pi * (1 / 3 - 23 / 8 / 6 / 125 + 3 / 4 / 7 / 625 + 9 / 8 / 8 / 3125)
    assert cd.kirkwood_buff(r, g, weight="extrapolated")[-1] == pytest.approx(exact, rel=1e-6)
    with pytest.raises(ValueError, match="weight must be"):
        cd.kirkwood_buff(r, g, weight="krueger")


def test_kirkwood_buff_of_a_closed_box_drifts():
    """The caution in the docstring: a deficit of 1/N in the tail grows with R³ and never settles."""
    r, g = step(1.0, upper=5.0)
    running = cd.kirkwood_buff(r, g * (1 - 1 / 500))
    drift = running[-1] - running[len(r) // 2]
    assert drift == pytest.approx(-4 / 3 * math.pi * (125 - 15.7) / 500, rel=0.02)


@pytest.mark.parametrize("r", [[1.0], [1.0, 0.5], [-1.0, 1.0]])
def test_shells_need_increasing_distances(r):
    with pytest.raises(ValueError, match="increasing"):
        cd.shell_volumes(r)


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="one length"):
        cd.kirkwood_buff([0.5, 1.5, 2.5], [1.0, 1.0])


@pytest.mark.parametrize(
    ("cutoff", "exact"), [(2.5, -4.778850346220025), (100.0, -5.315736742682366), (500.0, -5.315745053242132)]
)
def test_b2_does_not_depend_on_the_length_of_the_tail(cutoff, exact):
    """LJ at kT = 1; exact: mpmath's quadrature of the formula with 15 digits, split at powers of two."""
    assert cd.b2(cd.LennardJones(cutoff=cutoff), kT=1.0) == pytest.approx(exact, rel=1e-12)


def test_b2_finds_a_jump_that_is_not_named():
    """A potential of someone else has no `breaks`: B₂ = 2π/3 all the same."""

    class Hard:
        cutoff = 3.0

        def energy(self, r):
            return np.where(np.asarray(r) < 1, np.inf, 0.0)

        def force(self, r):
            return np.zeros_like(r)

    assert cd.b2(Hard(), kT=1.0) == pytest.approx(2 * math.pi / 3, rel=1e-10)


@pytest.mark.parametrize(
    ("potential", "message"),
    [
        (cd.Harmonic(100.0, 1.0), "finite cutoff"),
        (cd.LennardJones(cutoff=math.inf), "finite cutoff"),
        (-cd.LennardJones(), "not finite"),
        (cd.GaussianCore(-2000.0, 1.0, 3.0), "not finite"),
    ],
)
def test_b2_that_does_not_exist_is_refused(potential, message):
    with pytest.raises(ValueError, match=message):
        cd.b2(potential, kT=1.0)


def test_b2_that_does_not_converge_is_refused():
    class Noisy:
        cutoff = 1.0

        def energy(self, r):
            return np.random.default_rng(0).random(np.shape(r))

        force = energy

    with pytest.raises(ValueError, match="did not converge"):
        cd.b2(Noisy(), kT=1.0)


RISING, ONES = [0.5, 1.5, 2.5], [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cd.coordination_number(RISING, ONES, density=1.0, upto=-2.0), "upto must be"),
        (lambda: cd.coordination_number(RISING, ONES, density=1.0, upto=math.nan), "upto must be"),
        (lambda: cd.coordination_number(RISING, ONES, density=-1.0, upto=1.0), "density must be"),
        (lambda: cd.running_coordination(RISING, ONES, density=math.nan), "density must be"),
        (lambda: cd.running_coordination(RISING, [1.0, 1.0], density=1.0), "one length"),
        (lambda: cd.running_coordination(RISING, [-1.0, 1.0, 1.0], density=1.0), "negative"),
        (lambda: cd.running_coordination([0.5, math.nan, 2.5], ONES, density=1.0), "finite"),
        (lambda: cd.excess_entropy(RISING, [-1.0, 1.0, 1.0], density=1.0), "negative"),
        (lambda: cd.excess_entropy(RISING, [math.nan, 1.0, 1.0], density=1.0), "g must be finite"),
        (lambda: cd.excess_entropy(RISING, [1.0, 1.0], density=1.0), "one length"),
        (lambda: cd.excess_entropy(RISING, ONES, density=-0.1), "density must be"),
        (lambda: cd.kirkwood_buff(RISING, [1.0, math.inf, 1.0]), "g must be finite"),
        (lambda: cd.boltzmann_inversion([math.nan], kT=1.0), "g must be finite"),
        (lambda: cd.low_density_pressure(cd.WCA(), -0.1, kT=1.0), "density must be"),
    ],
)
def test_what_is_no_liquid_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
