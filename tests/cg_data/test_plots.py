"""Pictures: limits that show the features of every curve, units on the axes, bands, and files that are pictures."""

from __future__ import annotations

import numpy as np
import pytest

import cg_data as cd
from cg_data.schemas import labeled

pytest.importorskip("matplotlib")
from cg_data import plots

R = np.linspace(0.5, 2.0, 60)
HARMONIC = cd.Harmonic(100.0, 1.0, cutoff=2.0)


def limits(figure):
    left, right = figure.axes
    return left.get_ylim(), right.get_ylim()


def target(**more):
    r = np.linspace(0.1, 3.0, 30)
    g = np.where(r > 0.9, 1 + np.exp(-r), 0.0)[None]
    return labeled(
        "pair-target",
        {"pair": np.array(["A-A"]), "type": np.array(["A"]), "r": (r, "nm"), "g": g,
         "density": (np.array([0.5]), "nm^-3"), "kT": (2.0, "kJ/mol"), **more},
        normalization="N(N-1)",
    )  # fmt: skip


def test_lennard_jones_shows_its_well_and_a_piece_of_its_core():
    (low, high), (pull, push) = limits(plots.plot_potentials(cd.LennardJones()))
    assert -2.0 < low < -1.0  # the minimum is −1
    assert 2.0 < high < 5.0
    assert -5.0 < pull < -2.396  # the strongest attraction is 2.396 at r = (26/7)^{1/6}
    assert 5.0 < push < 30.0


def test_wca_shows_its_scale():
    (low, high), (_, push) = limits(plots.plot_potentials(cd.WCA()))
    assert low < 0
    assert 2.0 < high < 20.0
    assert 24.0 < push < 300.0  # F(σ) = 24


@pytest.mark.parametrize("padding", [2.5, 6.0])
def test_a_table_padded_with_zeros_shows_its_wall(padding):
    r, wca = np.linspace(0.8, padding, 200), cd.WCA()
    (_, high), (_, push) = limits(plots.plot_potentials(cd.tabulated(r, wca.energy(r), wca.force(r))))
    assert 0.5 < high < 60
    assert 5 < push < 900  # F(0.8) = 756: all of this table


def test_one_attractive_core_hides_no_other_curve():
    steep = cd.b_spline([0, 0, 0, 0, 0.6, 1.2, 1.8, 2.4, 3, 3, 3, 3], [-500, -100, 4, 2, -1, 0, 0, 0.0], 3)
    soft = {str(i): p for i, p in enumerate(cd.random_splines(6, seed=3))}
    named = {"LJ": cd.LennardJones(), "WCA": cd.WCA(), **soft, "steep": steep, "falling": -cd.LennardJones()}
    figure = plots.plot_potentials(named)
    (low, high), (pull, push) = limits(figure)
    assert -60 < low < -1
    assert 1 < high < 60
    assert -200 < pull < -2.396
    assert 10 < push < 400
    assert all(len(axis.lines) == len(named) + 1 for axis in figure.axes)  # and the line at 0
    assert [t.get_text() for t in figure.axes[0].get_legend().get_texts()] == list(named)


def test_a_bond_is_drawn_whole():
    for bond in (HARMONIC, HARMONIC.table(200)):
        (low, high), (pull, push) = limits(plots.plot_potentials(bond))
        assert -10 < low <= 0
        assert 50 < high < 65  # ½·100·1²
        assert -130 < pull < -99
        assert 99 < push < 130


def test_a_spike_in_the_last_row_does_not_set_the_force_axis():
    u = HARMONIC.k * (R - 1) ** 2
    u[-1] = 0.0  # what some programs write at the cutoff
    curve = cd.tabulated(R, u)
    assert np.max(np.abs(curve.force(np.linspace(1.9, 2.0, 500)[:-1]))) > 5000
    _, (pull, push) = limits(plots.plot_potentials(curve))
    assert -500 < pull < -160  # dU/dr = 200 (r − 1)
    assert 100 < push < 300


def test_soft_curves_are_drawn_whole_and_zero_does_not_fail():
    (_, high), (_, push) = limits(plots.plot_potentials(cd.GaussianCore(2.0, 1.0, 4.0)))
    assert 2.0 < high < 2.5
    assert 2 * 0.857 < push < 2.2  # √2 e^{−1/2} at r = σ/√2
    assert limits(plots.plot_potentials(0 * cd.WCA()))[0] == (-1.0, 1.0)


def test_axes_name_their_units():
    figure = plots.plot_potentials(cd.LennardJones(), units=cd.Units("nm", "kJ/mol"))
    left, right = figure.axes
    assert left.get_xlabel() == right.get_xlabel() == "r (nm)"
    assert left.get_ylabel() == "U(r) (kJ/mol)"
    assert right.get_ylabel() == "F(r) = −dU/dr (kJ/mol/nm)"
    assert left.get_xlim() == (0, 2.5)


def test_target_has_bands_only_with_errors():
    bare, known = plots.plot_target(target()), plots.plot_target(target(g_stderr=np.full((1, 30), 0.02)))
    assert [len(axis.collections) for axis in bare.axes] == [0, 0]
    assert [len(axis.collections) for axis in known.axes] == [1, 1]
    assert bare.axes[0].get_xlabel() == "r (nm)"
    assert "kJ/mol" in bare.axes[1].get_ylabel()
    assert "kJ/mol" in bare.axes[0].get_title()
    band = known.axes[0].collections[0].get_paths()[0].vertices
    assert band[:, 1].max() == pytest.approx(1 + np.exp(-1.0) + 0.04, abs=0.04)


def test_set_draws_what_splines_wrote():
    made = cd.random_splines(20, seed=1)
    figure = plots.plot_set(cd.potentials_dataset(made))
    (axis,) = figure.axes
    left = plots.plot_splines(made).axes[0]
    assert len(axis.lines) == len(left.lines) == 20 + 3 + 1  # all, three chosen, zero
    assert axis.get_xlabel() == r"r ($\sigma$)"
    assert "k_{" in axis.get_ylabel()
    assert axis.get_ylim() == left.get_ylim() == (-15.0, 15.0)
    assert "10 of all with a hard core" in axis.get_title()  # round(20·344/657) = 10
    np.testing.assert_array_equal(axis.lines[20].get_color(), plots.COLORS[0])


def test_set_in_other_units_is_drawn_in_kT():
    ds = cd.potentials_dataset(cd.random_splines(5, hard_cores=0, seed=1))
    same = ds.assign(u=(ds.u.dims, 2.5 * ds.u.values, {"units": "kJ/mol"}), kT=((), 2.5, {"units": "kJ/mol"}))
    a, b = (plots.plot_set(d).axes[0].lines[0].get_ydata() for d in (ds, same))
    np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.plot_potentials(cd.LennardJones()),
        lambda: plots.plot_target(target()),
        lambda: plots.plot_splines(cd.random_splines(5)),
        lambda: plots.plot_set(cd.potentials_dataset(cd.random_splines(5))),
    ],
)
def test_every_picture_is_a_png(draw, tmp_path):
    draw().savefig(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plots.plot_potentials({}), "at least one potential"),
        (lambda: plots.plot_potentials(cd.Harmonic(1.0, 1.0)), "finite cutoffs"),
        (lambda: plots.plot_splines(()), "at least one"),
        (lambda: plots.plot_set(cd.potentials_dataset(cd.random_splines(3)), chosen=(7,)), "indices of the 3"),
        (lambda: plots.plot_set(target()), "expected potentials"),
    ],
)
def test_wrong_arguments(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()
