"""The spline space of potentials: smooth to the cutoff, a wall below the core that any coefficients keep repulsive."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.integrate import quad

import cg_data as cd
from cg_inverse.problems.basis import PairBasis, SplineBasis
from cg_inverse.problems.bins import Bins

from .liquids import MIXTURE, lennard_jones

SPACES = {
    "lj": SplineBasis(0.9, 2.5, 32, 10.0),
    "fine": SplineBasis(0.86, 3.0, 107, 10.0),
    "coarse": SplineBasis(1.0, 2.2, 6, 10.0),
    "no core": SplineBasis(0.0, 2.0, 25, 10.0),
    "Å and kJ/mol": SplineBasis(2.4, 9.0, 60, 25.0),
}
spaces = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
SLOPES = {"repulsive": 5.0, "flat": 0.0, "attractive": -5.0, "absurd": -300.0}


def drawn(space: SplineBasis, seed: int = 0, scale: float = 2.0) -> np.ndarray:
    return scale * np.random.default_rng(seed).standard_normal(space.size)


@spaces
@pytest.mark.parametrize("order", [0, 1, 2])
def test_every_spline_ends_at_the_cutoff_with_two_derivatives(space, order):
    """Just inside, the last spline kept is at most its third derivative, 1/spacing³, times what is left of r."""
    left = 1e-6 * space.spacing
    edge = space(np.array([space.cutoff - left, space.cutoff, space.cutoff + 1.0]), order)
    assert np.abs(edge[0]).max() <= 1.1 * left ** (3 - order) / space.spacing**3
    assert np.all(edge[1:] == 0)


@spaces
def test_the_last_spline_kept_is_needed(space):
    """Nothing more vanishes at the cutoff than must: the third derivative there is that of a cubic."""
    third = space(np.array([space.cutoff - 1e-6 * space.spacing]), 3)[0, -1]
    assert third == pytest.approx(-1 / space.spacing**3, rel=1e-6)


@spaces
def test_splines_of_all_coefficients_one_make_a_plateau(space):
    """B-splines sum to 1 where none is dropped."""
    r = np.linspace(space.core, space.cutoff - 3 * space.spacing, 50)
    assert space(r).sum(axis=1) == pytest.approx(1.0, abs=1e-12)


@spaces
@pytest.mark.parametrize("seed", range(3))
def test_force_is_minus_the_slope_of_energy(space, seed):
    """Everywhere, wall and cutoff included. U″ may jump at the core, by 12 |c|/h²: central differences then are off by
    3 |c| δ/h², which for δ = 10⁻⁸ cutoffs is below 10⁻⁵ |c|/h."""
    c, d = drawn(space, seed), 1e-8 * space.cutoff
    r = np.linspace(max(0.5 * space.core, 2 * d), 1.02 * space.cutoff, 4001)
    f = space.curve(c, r)[1]
    slope = (space.curve(c, r + d)[0] - space.curve(c, r - d)[0]) / (2 * d)
    assert np.all(np.abs(f + slope) <= 1e-5 * np.maximum(np.abs(f), np.abs(c).max() / space.spacing))


@spaces
def test_energy_and_force_go_on_below_the_core(space):
    if space.core == 0:
        pytest.skip("nothing is below r = 0")
    c, d = drawn(space), 1e-9 * space.core
    (below, above), (pull, push) = space.curve(c, np.array([space.core - d, space.core + d]))
    assert below == pytest.approx(above, abs=1e-6)
    assert pull == pytest.approx(push, abs=1e-4)


@spaces
@pytest.mark.parametrize("slope", SLOPES.values(), ids=SLOPES)
def test_the_wall_grows_inwards_whatever_the_slope_at_the_core(space, slope):
    if space.core == 0:
        pytest.skip("a potential known from r = 0 needs no wall")
    r = np.linspace(space.core, space.cutoff, 400)
    c = np.linalg.lstsq(space(r), -slope * space.hardness * (r - space.core) * (r < 1.2 * space.core), rcond=None)[0]
    table = space.table(c)
    x = np.linspace(table.r_min, space.core, 500)
    u, f = space.curve(c, x)
    assert np.all(np.diff(f) < 0)
    assert u[0] > 100 * space.hardness
    assert table.force(table.r_min) > 0
    assert table.force(0.5 * table.r_min) > 0


@spaces
@pytest.mark.parametrize("seed", range(3))
def test_the_table_is_the_spline(space, seed):
    """A cubic through 1200 knots that are not the spline's: where U‴ jumps between two of them it is off by h³/50 times
    the jump, where U″ jumps at the core by h²/8, and on the wall, a power of −11, by (h/r)⁴·11·12·13·14/384."""
    c = drawn(space, seed)
    table = space.table(c)
    r = np.linspace(table.r_min, 1.01 * space.cutoff, 20_011)[1:]
    u, f = space.curve(c, r)
    h, d = table.spacing, 1e-6 * space.spacing
    third = np.abs(np.diff(space(space.knots + 0.5 * space.spacing, 3) @ c)).max()
    edge = space.core + d * np.array([-2, -1, 1, 2])
    second = np.abs(np.diff(np.diff(space.curve(c, edge)[1])[[0, 2]])).max() / d if space.core else 0.0
    wall = (h / max(table.r_min, space.spacing)) ** 4 * 24_024 / 384 + 1e-9
    assert np.all(np.abs(table.energy(r) - u) <= wall * np.abs(u) + third * h**3 / 50 + second * h**2 / 8)
    assert np.all(np.abs(table.force(r) - f) <= 100 * wall * np.abs(f) + third * h**2 / 5 + second * h / 2)


def test_the_table_of_a_liquid_is_the_spline():
    """10⁻⁶ kT is a thousandth of what any run of less than 10¹² counts can tell."""
    space = SPACES["lj"]
    c = space.projected(lennard_jones(), ceiling=10.0)
    r = np.linspace(space.core, 2.5, 20_011)
    assert np.abs(space.table(c).energy(r) - space.curve(c, r)[0]).max() < 1e-6


@spaces
def test_projecting_what_is_in_the_space_returns_it(space):
    """The ceiling lets high values count less, but what can be met everywhere is."""
    c = drawn(space)
    inside = SimpleNamespace(energy=lambda r: space.curve(c, r)[0])
    assert space.projected(inside, ceiling=1.0) == pytest.approx(c, abs=1e-9)


def test_projecting_lennard_jones_is_as_good_as_cubic_splines_are():
    """Interpolation theory: (h⁴/384)·max|U⁗|, where U is not high and counts in full, times 2 for the fit elsewhere."""
    space, lj = SPACES["lj"], lennard_jones()
    c = space.projected(lj, ceiling=10.0)
    r = np.linspace(1.0, 2.5, 3001)
    fourth = 4 * 12 * 13 * 14 * 15
    assert np.abs(space.curve(c, r)[0] - lj.energy(r)).max() < 2 * space.spacing**4 / 384 * fourth


def test_averages_are_those_over_the_volume_of_fine_shells():
    """Three Gauss points are exact to r⁵ between knots; a knot inside a fine shell costs (width/8/spacing)³/50."""
    space, bins = SPACES["lj"], Bins(0.02, 0.04, 75)
    found = space.averages(bins)
    edges = bins.fine_edges
    for shell in (181, 200, 263, 401, 499, 500, 501, 590):
        low, high = edges[shell], edges[shell + 1]
        inside = [float(x) for x in space.knots if low < x < high]
        for k in (0, 1, space.size // 2, space.size - 1):
            top = quad(lambda r, k=k: r**2 * space(np.array([r]))[0, k], low, high, points=inside or None)[0]
            assert found[shell, k] == pytest.approx(3 * top / (high**3 - low**3), abs=(0.005 / space.spacing) ** 3 / 50)


def test_averages_reach_neither_beyond_the_cutoff_nor_nan_at_the_center():
    found = SPACES["lj"].averages(Bins(0.02, 0.04, 75))
    assert np.all(found[500:] == 0)
    assert np.all(np.isfinite(found))


def mixture() -> PairBasis:
    return PairBasis(
        ("A-A", "A-B", "B-B"), tuple(SplineBasis(c, 2.5, n, 10.0) for c, n in ((0.8, 20), (0.9, 30), (1, 25)))
    )


def test_pairs_share_one_vector_without_overlap():
    basis = mixture()
    owners = np.zeros(basis.size)
    for pair in basis.pairs:
        owners[basis.part(pair)] += 1
    assert np.all(owners == 1)


def test_each_pair_gets_its_own_potential():
    basis = mixture()
    c = basis.projected(cd.Interactions(MIXTURE), ceiling=10.0)
    found, r = basis.potential(c), np.linspace(1.05, 2.4, 20)
    for pair, given in MIXTURE.items():
        assert found[pair].energy(r) == pytest.approx(given.energy(r), abs=0.02)
    assert basis.energies(c, r) == pytest.approx(np.stack([found[p].energy(r) for p in MIXTURE]), abs=1e-6)


def test_roughness_penalizes_every_direction_and_bends_the_most():
    penalty = mixture().roughness()
    assert np.linalg.eigvalsh(penalty)[0] > 1e-7
    n = mixture().splines[0].size
    straight, jagged = np.linspace(1, 0, n), (-1.0) ** np.arange(n)
    cost = [v @ penalty[:n, :n] @ v / (v @ v) for v in (straight, jagged)]
    assert cost[0] < 1e-3 * cost[1]
    assert np.all(penalty[:n, n:] == 0)
