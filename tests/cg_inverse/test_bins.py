"""Shells and their fine parts: they fill space once, and grids of targets become shells without being moved."""

from __future__ import annotations

import numpy as np
import pytest

from cg_inverse.problems.bins import Bins, bins_of, resampled

GRIDS = {
    "centers at half widths": Bins(0.05, 0.1, 40),
    "centers at whole widths, from 0": Bins(0.0, 0.1, 41),
    "from a whole width": Bins(0.1, 0.1, 40),
    "far from the origin": Bins(0.75, 0.02, 111),
    "a width that binary fractions don't have": Bins(0.035, 0.07, 57),
}
grids = pytest.mark.parametrize("bins", GRIDS.values(), ids=GRIDS)


@grids
def test_shells_fill_the_sphere_between_their_ends(bins):
    inner, outer = bins.edges[0], bins.r_max
    assert bins.volumes.sum() == pytest.approx(4 / 3 * np.pi * (outer**3 - inner**3), rel=1e-12)
    assert np.all(bins.volumes > 0)
    assert len(bins.r) == len(bins.volumes) == bins.count


@grids
def test_fine_shells_end_on_the_edges_of_shells(bins):
    """A fine shell across an edge would count pairs for the wrong shell."""
    starts = bins.fine_edges[bins.fine_starts]
    assert starts == pytest.approx(bins.edges[:-1], abs=1e-12 * bins.r_max)
    assert bins.fine_edges[-1] == bins.r_max


@grids
def test_coarse_counts_are_those_of_a_histogram_on_the_edges(bins):
    r = np.random.default_rng(1).uniform(0, bins.r_max, 20_000)
    fine, _ = np.histogram(r, bins.fine_edges)
    assert bins.coarse(fine).tolist() == np.histogram(r, bins.edges)[0].tolist()


@grids
def test_a_grid_of_centers_is_recognized(bins):
    found = bins_of(bins.r)
    assert found.count == bins.count
    assert found.edges == pytest.approx(bins.edges, abs=1e-9)


@pytest.mark.parametrize("digits", [4, 6])
def test_centers_that_a_file_rounded_are_recognized(digits):
    bins = Bins(0.0125, 0.025, 200)
    found = bins_of(np.round(bins.r, digits))
    assert found.edges == pytest.approx(bins.edges, abs=10.0**-digits)


def test_an_unequal_grid_is_refused():
    with pytest.raises(ValueError, match="equally spaced"):
        bins_of([0.1, 0.2, 0.4])


def test_a_shifted_grid_is_refused():
    with pytest.raises(ValueError, match="half its step"):
        bins_of([0.13, 0.23, 0.33])


def test_what_is_on_shells_already_is_not_resampled():
    bins = Bins(0.05, 0.1, 40)
    values = np.random.default_rng(2).random((3, 40))
    r, same = resampled(bins.r, values)
    assert r == pytest.approx(bins.r)
    assert np.array_equal(same, values)


@pytest.mark.parametrize("shift", [0.003, 0.011, 0.0187])
def test_resampling_a_shifted_grid_keeps_straight_lines(shift):
    """Linear interpolation is exact for a line, so no value may come from beyond the grid."""
    x = shift + 0.02 * np.arange(1, 200)
    r, y = resampled(x, np.stack([2 * x, 1 - x]))
    assert np.all((r >= x[0] - 1e-12) & (r <= x[-1] + 1e-12))
    assert y == pytest.approx(np.stack([2 * r, 1 - r]), abs=1e-12)
    assert len(r) >= len(x) - 1
    bins_of(r)


def test_resampling_an_uneven_grid_gives_shells():
    x = np.sort(np.random.default_rng(3).uniform(0, 5, 500))
    r, y = resampled(x, x**2)
    assert bins_of(r).count == len(r) == y.shape[-1]
    assert np.all((r >= x[0]) & (r <= x[-1]))
