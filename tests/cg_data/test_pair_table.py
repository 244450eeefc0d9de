"""PairTable: C² and consistent, honest about its error, explicit about its core."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cg_data as cd
from cg_data.pair_table import error_scale, first_knot

LJ = cd.LennardJones(cutoff=2.5).force_shifted()


def test_energy_slope_and_curvature_are_continuous_at_every_knot():
    table = LJ.table(200)
    c, h = table.coefficients, table.spacing
    assert c.shape == (199, 4)
    value, slope, bend = c.sum(axis=1), c[:, 1] + 2 * c[:, 2] + 3 * c[:, 3], 2 * c[:, 2] + 6 * c[:, 3]
    np.testing.assert_allclose(value[:-1], c[1:, 0], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(slope[:-1], c[1:, 1], rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(bend[:-1], 2 * c[1:, 2], rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(-c[:, 1] / h, table.f_knots[:-1], rtol=1e-12)


def test_convergence_is_fourth_order_in_energy_and_third_in_force():
    # A fixed range: halving the spacing divides the error in U by 2⁴ and in F by 2³.
    sizes = (101, 201, 401)
    tables = [cd.PairTable.from_potential(cd.GaussianCore(1.0, 1.0, 4.0), n) for n in sizes]
    u = [t.max_error for t in tables]
    f = [t.max_force_error for t in tables]
    assert np.log2(u[0] / u[1]) == pytest.approx(4, abs=0.3)
    assert np.log2(u[1] / u[2]) == pytest.approx(4, abs=0.3)
    assert np.log2(f[1] / f[2]) == pytest.approx(3, abs=0.3)


def test_max_error_is_what_an_independent_grid_finds():
    table = LJ.table(300)
    r = np.random.default_rng(3).uniform(table.r_min, 2.5, 200_000)
    scale = np.maximum(np.abs(LJ.energy(r)), error_scale(LJ)[0])
    found = np.max(np.abs(table.energy(r) - LJ.energy(r)) / scale)
    assert 0.8 * table.max_error < found < 1.3 * table.max_error


def test_forces_and_energies_belong_together_along_a_path():
    """∫F dr over any path equals −ΔU: no drift from the table itself."""
    table = LJ.table(100)
    x, w = np.polynomial.legendre.leggauss(4)
    edges = table.knots
    r = edges[:-1, None] + 0.5 * table.spacing * (x + 1)
    work = np.sum(0.5 * table.spacing * w * table.force(r), axis=1)
    np.testing.assert_allclose(work, table.energy(edges[:-1]) - np.append(table.energy(edges[1:-1]), 0), rtol=1e-9, atol=1e-9)  # fmt: skip


def test_default_first_knot_is_high_on_the_wall_and_zero_for_soft_curves():
    assert 5e3 < float(LJ.energy(first_knot(LJ))) < 2e4
    assert first_knot(cd.GaussianCore(5.0, 1.0, 4.0)) == 0.0
    assert first_knot(cd.tabulated([0.8, 0.9, 1.0, 1.1], [3, 2, 1, 0.0])) == 0.8
    core = cd.WCA() + cd.GaussianCore(1e-3, 1.0, 4.0)
    assert float(core.energy(first_knot(core))) > 1e4, "a weak tail must not lower the wall"


@pytest.mark.parametrize("n", [4, 11, 30, 100, 1000])
@pytest.mark.parametrize("cutoff", [2.5, 60.0, 500.0])
def test_few_knots_do_not_cost_the_wall(n, cutoff):
    """U(0.9) = 4 (0.9⁻¹² − 0.9⁻⁶) = 6.6: a table always starts inside this distance."""
    assert 0.3 < cd.LennardJones(cutoff=cutoff).table(n).r_min < 0.9


def test_ten_spacings_keep_a_singularity_off_the_table():
    assert cd.Yukawa(2.0, 0.5, 6.0).table(1000).r_min == pytest.approx(0.06)


@pytest.mark.parametrize("n", [-1, 0, 3])
def test_fewer_than_four_knots_are_refused(n):
    with pytest.raises(ValueError, match="from 4 to ten million"):
        cd.LennardJones().table(n)


@pytest.mark.parametrize("inner", ["linear", "power"])
def test_core_continues_smoothly_and_repels(inner):
    table = cd.PowerLaw(1.0, 1.0, 12.0, 2.5).table(2000, r_min=0.8, inner=inner)
    r = np.linspace(0.3, 0.8, 400)[:-1]
    assert np.all(np.diff(table.force(r)) < 0), "the force grows inwards"
    h = 1e-6
    slope = (table.energy(r + h) - table.energy(r - h)) / (2 * h)
    np.testing.assert_allclose(table.force(r), -slope, rtol=1e-6)
    below, above = 0.8 - 1e-9, 0.8 + 1e-9
    assert float(table.energy(below)) == pytest.approx(float(table.energy(above)), rel=1e-6)
    assert float(table.force(below)) == pytest.approx(float(table.force(above)), rel=1e-6)


def test_power_core_recovers_the_power_law():
    table = cd.PowerLaw(1.0, 1.0, 12.0, 2.5).table(4000, r_min=0.8, inner="power")
    assert float(table.energy(0.4)) == pytest.approx(2.5**12, rel=2e-3)
    assert float(table.force(0.4)) == pytest.approx(12 * 2.5**13, rel=2e-3)


def test_linear_core_never_weakens_inwards():
    """A curve whose force falls towards the core keeps its force there instead of turning attractive."""
    r = np.linspace(1.0, 3.0, 41)
    bump = cd.cubic_spline(r, np.exp(-((r - 1.2) ** 2) * 4))
    f0 = float(bump.force(1.0))
    np.testing.assert_allclose(bump.force(np.array([0.2, 0.5, 0.9])), f0, rtol=1e-9)


def test_error_core_raises_and_names_the_distance():
    table = LJ.table(500, r_min=0.9, inner="error")
    with pytest.raises(ValueError, match=r"r = 0\.85 is below r = 0\.9"):
        table.energy([1.0, 0.85])
    assert float(table.energy(0.95)) == pytest.approx(float(LJ.energy(0.95)), rel=1e-5)


def test_power_core_of_an_attractive_edge_is_refused():
    with pytest.raises(ValueError, match="no power law"):
        LJ.table(500, r_min=1.2, inner="power")


def test_unknown_core_rule():
    with pytest.raises(ValueError, match="inner must be one of"):
        LJ.table(500, inner="zero")


def test_from_knots_is_linear_in_the_knots():
    """What DiffSim relies on: the curve is a linear map of the knot values."""
    noise = np.random.default_rng(0)
    a, b = noise.normal(size=(2, 30))
    r = np.linspace(0.51, 2.99, 77)
    make = lambda u: cd.PairTable.from_knots(0.5, 3.0, u).energy(r)  # noqa: E731
    np.testing.assert_allclose(make(2 * a - 3 * b), 2 * make(a) - 3 * make(b), atol=1e-12)


@given(st.integers(4, 60), st.floats(0, 1), st.floats(1.5, 9))
def test_a_cubic_is_reproduced_exactly(n, r_min, cutoff):
    def u(r):
        return 2 - r + 0.5 * r**2 - 0.1 * r**3

    def f(r):
        return 1 - r + 0.3 * r**2

    r = np.linspace(r_min, cutoff, n)
    table = cd.PairTable.from_forces(r_min, cutoff, u(r), f(r))
    probe = np.linspace(r_min, cutoff, 101)[:-1]
    np.testing.assert_allclose(table.energy(probe), u(probe), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(table.force(probe), f(probe), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(
    "make",
    [
        lambda: cd.PairTable.from_knots(0.5, 0.4, np.zeros(9)),
        lambda: cd.PairTable.from_forces(-0.1, 1.0, np.zeros(9), np.zeros(9)),
        lambda: cd.PairTable.from_forces(0.0, 1.0, np.zeros(3), np.zeros(3)),
        lambda: cd.PairTable.from_forces(0.0, 1.0, np.zeros(9), np.zeros(8)),
        lambda: cd.PairTable.from_forces(0.0, 1.0, np.full(9, np.inf), np.zeros(9)),
        lambda: cd.LennardJones().table(100, r_min=0.0),
    ],
)
def test_malformed_tables_are_refused(make):
    with pytest.raises(ValueError, match=r"r_min|knots"):
        make()


def test_energies_whose_curvature_overflows_are_refused():
    """7e304 is a number, its second derivative over a fine grid is none."""
    r = np.linspace(0.5, 1.5, 1000)
    with pytest.raises(ValueError, match=r"U reaches .*raise r_min"):
        cd.PairTable.from_knots(0.5, 1.5, 7e304 * (1.5 - r) ** 12)


def test_a_table_is_frozen():
    table = LJ.table(100)
    with pytest.raises(AttributeError):
        table.r_min = 0.0
    with pytest.raises(ValueError, match="read-only"):
        table.u_knots[0] = 1.0


def test_hoomd_arrays_exclude_the_end_point():
    arrays = cd.hoomd_arrays(LJ.table(1000), 500)
    assert arrays["U"][250] == pytest.approx(float(LJ.energy(1.25)), rel=1e-6)
    back = cd.from_hoomd(0.0, 2.5, arrays["U"], arrays["F"])
    assert float(back.energy(1.3)) == pytest.approx(float(LJ.energy(1.3)), rel=1e-4)
    with pytest.raises(ValueError, match="HOOMD-blue needs a core"):
        cd.hoomd_arrays(LJ.table(500, r_min=0.9, inner="error"))
