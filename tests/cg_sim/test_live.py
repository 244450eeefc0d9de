"""A liquid that is watched: where sliders lead it, it is the liquid that is there."""

from __future__ import annotations

import numpy as np
import pytest

import cg_data as cd
import cg_sim as cs
from cg_sim.live.liquid import LiveLiquid, attraction

LJ = cd.LennardJones(cutoff=2.5).force_shifted()


def test_repulsion_and_attraction_are_the_whole_potential():
    tail, r = attraction(LJ), np.linspace(0.8, 2.6, 400)
    rest = LJ.energy(r) - tail.energy(r)
    inside = r < tail.r_min
    assert tail.r_min == pytest.approx(2 ** (1 / 6), abs=0.01)  # of a potential whose force is shifted, nearly
    assert np.all(rest[inside] > 0)
    np.testing.assert_allclose(rest[~inside], 0, atol=1e-12)
    np.testing.assert_allclose(tail.energy(r)[inside], LJ.energy(tail.r_min))
    assert not np.any(attraction(cd.WCA()).energy(r))  # nowhere attractive


def test_couplings_go_from_repulsion_to_the_whole():
    liquid, r = LiveLiquid(LJ), np.linspace(0.85, 2.4, 200)
    u = {c: liquid.coupled(c).energy(r) for c in (0.0, 0.5, 1.0)}
    np.testing.assert_allclose(u[1.0], LJ.energy(r), atol=1e-5)
    np.testing.assert_allclose(u[0.5], 0.5 * (u[0.0] + u[1.0]), atol=1e-4)
    assert np.abs(u[0.0][r > 1.2]).max() < 1e-4


@pytest.mark.parametrize(
    "path", [[(0.4, 1.0), (0.7, 1.0)], [(0.8, 0.2), (0.3, 0.0), (0.7, 0.5)], [(0.1, 1.0), (0.8, 1.0)]]
)
def test_wherever_it_came_from_the_liquid_is_that_of_a_run_of_its_own(path):
    liquid = LiveLiquid(LJ, density=0.5, seed=3)
    for density, coupling in path:
        liquid.at(density, coupling)
    seen = [liquid.at(*path[-1]) for _ in range(8)]
    density, coupling = path[-1]
    run = cs.simulate(
        cs.fcc(256, density, kT=1.0), liquid.coupled(coupling), kT=1.0, steps=40_000, equilibration=4000, sample_every=25,
        observe=[cs.RDF(2.5, 62), cs.Pressure()], seed=9,
    )  # fmt: skip
    found = np.array([s.pressure for s in seen])
    error = np.hypot(found.std(ddof=1) / np.sqrt(len(found)), float(run.data.pressure_stderr))
    assert abs(found.mean() - float(run.data.pressure)) < 4 * error
    g = np.mean([np.interp(run.data.r, s.r, s.g) for s in seen], axis=0)
    assert np.abs(g - np.squeeze(run.data.g.values)).max() < 0.12  # of shells of 0.04 and 8 short runs
    assert liquid.density == pytest.approx(density)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="density must be positive"):
        LiveLiquid(LJ).at(-0.1)
    with pytest.raises(ValueError, match="λ within 0 and 2"):
        LiveLiquid(LJ).at(0.5, np.nan)


def test_sliders_lead_the_liquid_and_change_the_picture():
    pytest.importorskip("ipywidgets", reason='optional: pip install "cg-sim[view]"')
    pytest.importorskip("matplotlib", reason='optional: pip install "cg-sim[plot]"')
    view = cs.explore(LJ, density=0.4)
    before, first = view.png, view.seen
    view.density.value = 0.75
    assert view.png != before
    assert view.png.startswith(b"\x89PNG")
    assert view.seen.density == 0.75
    assert view.seen.pressure > first.pressure
    view.coupling.value = 0.2
    assert view.seen.u.min() == pytest.approx(0.2 * first.u.min(), rel=0.05)
    assert {"application/vnd.jupyter.widget-view+json", "image/png"} <= set(view._repr_mimebundle_())
