"""Pictures and pages of fits and cards: what they show, that nothing overlaps, that text stays text."""

from __future__ import annotations

import re
from base64 import b64decode
from html.parser import HTMLParser

import numpy as np
import pytest
import xarray as xr

import cg_data as cd
from cg_inverse.cards.page import card_page, write_card
from cg_inverse.cards.records import (
    Cost,
    Curve,
    Match,
    Measured,
    Motion,
    PotentialCurve,
    Stability,
    StateReport,
    TimeStep,
    TransferCard,
)
from cg_inverse.cards.rows import rows
from cg_inverse.pictures.panels import believed_round
from cg_inverse.pictures.plots import plot_card, plot_compare, plot_curves, plot_fit

pytest.importorskip("matplotlib", reason='pip install "cg-inverse[plot]", to draw pictures')
PNG = b"\x89PNG\r\n"
VOID = {"meta", "img", "br"}


def curves(r, pairs):
    lj = cd.LennardJones(cutoff=2.5).force_shifted()
    return np.stack([np.exp(-lj.energy(np.maximum(r, 0.4)) / (1 + k)) for k in range(pairs)])


def history(*, states=1, pairs=1, rounds=6, **attrs):
    """Return a fit of a gas in which U approaches Lennard-Jones by half in each round."""
    r, r_u = 0.02 + 0.04 * np.arange(80), np.linspace(0.9, 2.5, 60)
    g = np.broadcast_to(curves(r, pairs), (states, pairs, len(r)))
    off = 0.5 ** np.arange(rounds)
    u = cd.LennardJones(cutoff=2.5).force_shifted().energy(r_u) * (1 - off[:, None, None]) * np.ones((1, pairs, 1))
    return xr.Dataset(
        {
            "u": (("iteration", "pair", "r_u"), u),
            "g": (("iteration", "state", "pair", "r"), g * (1 + 0.1 * off[:, None, None, None] * np.sin(9 * r))),
            "g_stderr": (("iteration", "state", "pair", "r"), np.full((rounds, *g.shape), 0.01)),
            "g_target": (("state", "pair", "r"), g),
            "g_target_stderr": (("state", "pair", "r"), np.full(g.shape, 0.01)),
            "residual": ("iteration", 1e-3 + off**2), "noise": ("iteration", np.full(rounds, 1e-3)),
            "chi2": ("iteration", 1 + 300 * off**2), "steps": ("iteration", np.full(rounds, 1000)),
            "force_evaluations": ("iteration", np.full(rounds, 1_000_000)),
            "kT": ("state", np.full(states, 1.0)), "density": ("state", np.linspace(0.3, 0.6, states)),
        },
        coords={
            "iteration": np.arange(rounds), "state": [f"state {k}" for k in range(states)],
            "pair": ["A-A", "A-B", "B-B"][:pairs], "r": r, "r_u": r_u,
        },
        attrs={"method": "IBI", "units_length": "sigma", "units_energy": "epsilon", "units_mass": "m", **attrs},
    )  # fmt: skip


def card(*, states=1, pairs=1, name="gas", units=("sigma", "epsilon", "m")):
    r = 0.02 + 0.04 * np.arange(80)
    names = ["A-A", "A-B", "B-B"][:pairs]
    g, error = curves(r, pairs), (0.01,) * 80
    known = tuple(
        Curve(p, tuple(r), tuple(x + 0.005 * np.sin(9 * r)), error, tuple(x), error)
        for p, x in zip(names, g, strict=True)
    )
    one = Measured(0.12345, 0.0034)
    stability = Stability((TimeStep(0.005, Measured(1e-6, 2e-6), 1e-4, True), TimeStep(0.02, None, None, False)), 0.005)
    moving = Motion({"A": one}, {"A": one}, one)
    report = StateReport(
        name, 0.7, 1.0, 1000, 100_000, one, dict.fromkeys(names, 0.86), known,
        Match(3e-4, 4e-4, 0.95, True, 80, 0.009, 1.1, 0.3), one, one, moving, stability,
    )  # fmt: skip
    u = cd.LennardJones(cutoff=2.5).force_shifted()
    x = np.linspace(0.8, 2.5, 100)
    potential = tuple(PotentialCurve(p, 0.86, 2.5, tuple(x), tuple(u.energy(x)), (0.01,) * 100) for p in names)
    return TransferCard(
        "IBI", dict(zip(("length", "energy", "mass"), units, strict=True)), potential, (report,) * states, (),
        ("a remark that is not short: " + "word " * 40,), Cost(9, 10**9, 60.0, 59.0), Cost(1, 10**8, 10.0, 10.0), 3,
        {"steps": "100000", "engine": "cpu"}, {"cg-inverse": "0.1.0"}, "cg-inverse report RUN/",
    )  # fmt: skip


def words(figure):
    return [t.get_text() for axis in figure.axes for t in axis.texts] + [
        text for a in figure.axes for text in (a.get_title(), a.get_xlabel(), a.get_ylabel())
    ]


@pytest.mark.parametrize(("states", "pairs", "rounds"), [(1, 1, 1), (1, 3, 6), (3, 2, 6), (6, 1, 2)])
def test_a_fit_shows_g_u_and_convergence_with_units(states, pairs, rounds):
    figure = plot_fit(history(states=states, pairs=pairs, rounds=rounds, reason="the residual is noise"))
    assert len(figure.axes) == 2 * min(states, 4) + 1 + 2  # g and its difference, U, and D over χ²
    assert {"g(r)", "g − g*", "U(r) (ε)", "r (σ)", "round", "χ² per shell"} <= set(words(figure))
    assert figure.get_suptitle() == "IBI – the residual is noise"


def test_units_are_those_of_the_history():
    figure = plot_fit(history(units_length="angstrom", units_energy="kJ/mol"))
    assert {"U(r) (kJ/mol)", "r (Å)"} <= set(words(figure))


def test_bands_of_u_are_two_standard_errors():
    data = history()
    errors = np.linspace(0.3, 0.1, 60)[None]
    (axis,) = [a for a in plot_fit(data, u_stderr=errors).axes if a.get_ylabel().startswith("U(r)")]
    (band,) = axis.collections
    corners = band.get_paths()[0].vertices
    assert np.ptp(corners[np.isclose(corners[:, 0], 2.5), 1]) == pytest.approx(4 * 0.1)
    assert all(not a.collections for a in plot_fit(data).axes if a.get_ylabel().startswith("U(r)"))


def test_the_longest_round_of_least_excess_is_taken_unless_named():
    data = history(rounds=5)
    data["residual"] = ("iteration", [9e-4, 0.5, 0.02, 0.03, 0.04])
    data["steps"] = ("iteration", [500, 1000, 1000, 1000, 1000])
    assert believed_round(data) == 2
    assert believed_round(data.assign_attrs(best_iteration=4)) == 4


def test_a_history_cut_short_is_refused():
    with pytest.raises(ValueError, match="no rounds"):
        plot_fit(history().isel(iteration=[]))
    with pytest.raises(ValueError, match="leave it out"):
        plot_compare([history().isel(iteration=[])], ["a"])
    with pytest.raises(ValueError, match="2 names"):
        plot_compare([history()], ["a", "b"])


def test_compared_fits_are_drawn_over_the_work_they_took():
    truth = cd.LennardJones(cutoff=2.5).force_shifted()
    figure = plot_compare([history(), history(rounds=3)], ["IBI", "IMC"], truth=truth)
    left, lower, upper = figure.axes
    assert left.get_xscale() == left.get_yscale() == "log"
    work = {line.get_label(): line.get_xdata()[-1] for line in left.lines}
    assert (work["IBI"], work["IMC"]) == (6.0, 3.0)  # 10⁶ evaluations
    assert upper.get_shared_x_axes().joined(upper, lower)
    last = {line.get_label(): line.get_ydata() for line in upper.lines}
    r = upper.lines[1].get_xdata()
    np.testing.assert_allclose(lower.lines[0].get_ydata(), last["IBI"] - truth.energy(r), atol=1e-12)
    known = history()["u"].values[-1, 0]
    np.testing.assert_allclose(last["IBI"][:: (len(r) - 1) // (len(known) - 1)], known, atol=1e-12)


@pytest.mark.parametrize(("states", "pairs"), [(1, 1), (4, 1), (2, 3)])
def test_no_text_of_the_card_overlaps(states, pairs):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    drawn = card(states=states, pairs=pairs, units=("nm", "kJ/mol", "g/mol"), name="a name of thirty characters …")
    figure = plot_card(drawn)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    boxes = [t.get_window_extent() for axis in figure.axes for t in axis.texts if t.get_text()]
    for k, box in enumerate(boxes):
        assert box.x1 <= figure.bbox.x1
        assert not any(box.overlaps(other) for other in boxes[k + 1 :])


def test_the_card_shows_what_it_says():
    shown = words(plot_card(card()))
    assert "0.123 ± 0.003" in shown
    assert sum("U(r)" in word for word in words(plot_curves(card()))) == 1
    assert {row.quantity: row.values for row in rows(card())}["pressure P"] == ("0.123 ± 0.003",)


class Page(HTMLParser):
    """Keeps open tags, text and what the page refers to."""

    def __init__(self, text):
        super().__init__()
        self.open, self.text, self.sources, self.tags = [], "", [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.open += [] if tag in VOID else [tag]
        self.sources += [value for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_the_page_stands_alone():
    page = Page(card_page(card(), history=history()))
    assert page.open == []
    assert "script" not in page.tags
    assert len(page.sources) == 2
    for source in page.sources:
        assert b64decode(re.fullmatch(r"data:image/png;base64,(.+)", source)[1]).startswith(PNG)
    assert "cg-inverse report RUN/; seed 3; steps 100000" in page.text


def test_text_of_others_is_text_on_the_page():
    page = Page(card_page(card(name="<script>alert(1)</script>&")))
    assert "script" not in page.tags
    assert "<script>alert(1)</script>&" in page.text


def test_the_card_is_written_as_json_page_and_picture(tmp_path):
    made = write_card(card(), tmp_path / "run")
    assert [path.name for path in made] == ["card.json", "card.html", "card.png"]
    assert TransferCard.from_json(made[0].read_text()) == card()
    assert made[2].read_bytes().startswith(PNG)
