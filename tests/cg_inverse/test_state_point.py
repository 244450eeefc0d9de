"""A target as arrays: how its errors become counts, how like pairs are counted, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import cg_data as cd
from cg_inverse.problems.bins import Bins
from cg_inverse.problems.state_point import StatePoint, state_point

BINS = Bins(0.025, 0.05, 80)
SHAPE = np.exp(-cd.WCA().energy(np.maximum(BINS.r, 0.5))) * (1 + 0.4 * np.sin(6 * BINS.r) * np.exp(-BINS.r))


def counted(pairs: float, seed: int = 0, **options: object) -> xr.Dataset:
    """A target of Poisson counts, `pairs` of them in the outermost shell at g = 1, with their errors."""
    expected = pairs * BINS.volumes / BINS.volumes[-1]
    counts = np.random.default_rng(seed).poisson(expected * SHAPE)
    return cd.make_target(
        BINS.r, counts / expected, density=0.5, kT=1.0, g_stderr=np.sqrt(counts) / expected, **options
    )


def exposures(pairs: float) -> np.ndarray:
    return pairs * BINS.volumes / BINS.volumes[-1]


@pytest.mark.parametrize("pairs", [1e3, 1e5, 1e6])
def test_exposure_is_that_of_the_counts_behind_the_errors(pairs):
    """From the median of some 60 shells, each knowing it to 1/√counts."""
    found = state_point(counted(pairs)).exposure[0]
    assert found == pytest.approx(exposures(pairs), rel=4 / np.sqrt(0.3 * pairs / 10) + 0.01)


def test_exposure_has_a_limit():
    assert state_point(counted(1e9)).exposure[0] == pytest.approx(exposures(1e7))


@pytest.mark.parametrize("pairs", [1e4, 1e6])
def test_errors_that_are_not_given_are_read_from_the_tail(pairs):
    """Third differences of the last 24 shells give their noise to 25 %, so exposure within a factor of 2.5."""
    data = counted(pairs).drop_vars("g_stderr")
    ratio = state_point(data).exposure[0, 30] / exposures(pairs)[30]
    assert 1 / 2.5 < ratio < 2.5


def test_a_smooth_tail_is_believed_up_to_the_limit():
    data = cd.make_target(BINS.r, SHAPE, density=0.5, kT=1.0)
    assert state_point(data).exposure[0, -1] <= 1e7
    assert state_point(data).exposure[0, -1] > 1e5


def test_given_errors_are_kept_where_shells_differ():
    """In a dense liquid pairs at the peak and in the tail are not equally independent: a state's errors must follow.

    Nine shells together tell 24 blocks' errors to 5 %; a factor of 1.5 is what users would notice.
    """
    data = counted(1e5)
    inflated = np.where(BINS.r < 1.6, 1.0, 2.0)
    data["g_stderr"] = data["g_stderr"] * inflated
    found = state_point(data)
    inside = (SHAPE > 0.3) & (np.abs(BINS.r - 1.6) > 0.3)
    ratio = found.g_stderr[0][inside] / data["g_stderr"].values[0][inside]
    assert np.all(ratio < 1.5)
    assert np.all(ratio > 1 / 1.5)


def test_shells_without_pairs_are_not_trusted():
    found = state_point(counted(1e5))
    assert not np.any(found.trusted[0][found.g[0] == 0])
    assert np.all(found.trusted[0][BINS.r > 1.0])
    assert np.all(found.g_stderr > 0)


@pytest.mark.parametrize("n", [10, 1000])
def test_like_pairs_are_counted_against_all_other_particles(n):
    """g of N² is (N − 1)/N of what it is against N(N − 1)."""
    plain = cd.make_target(BINS.r, SHAPE, density=0.5, kT=1.0, normalization="N(N-1)", particles=n)
    squared = cd.make_target(BINS.r, SHAPE * (n - 1) / n, density=0.5, kT=1.0, normalization="N^2", particles=n)
    assert state_point(squared).g == pytest.approx(state_point(plain).g, rel=1e-12)
    assert state_point(plain).g[0] == pytest.approx(SHAPE)


def test_unlike_pairs_are_not_renormalized():
    g = {("A", "A"): SHAPE, ("A", "B"): SHAPE, ("B", "B"): SHAPE}
    data = cd.make_target(BINS.r, g, density={"A": 0.1, "B": 0.3}, kT=1.0, particles={"A": 10, "B": 30})
    found = state_point(data)
    assert found.pairs == ("A-A", "A-B", "B-B")
    ratio = [found.g[k, -1] / SHAPE[-1] for k in range(3)]
    assert ratio == pytest.approx([10 / 9, 1.0, 30 / 29])
    assert found.density == pytest.approx(0.4)
    assert [found.pair_density(p) for p in found.pairs] == pytest.approx([0.005, 0.03, 0.045])


def test_a_target_off_the_shells_is_put_on_them():
    shifted = BINS.r + 0.017
    found = state_point(cd.make_target(shifted, np.interp(shifted, BINS.r, SHAPE), density=0.5, kT=1.0))
    inside = (found.bins.r > 1.1) & (found.bins.r < 3.9)
    bend = 0.05**2 / 4 * 40  # twice linear interpolation, |g″| < 40
    assert found.g[0][inside] == pytest.approx(np.interp(found.bins.r, BINS.r, SHAPE)[inside], abs=bend)


def test_weights_are_positive():
    with pytest.raises(ValueError, match="weight"):
        state_point(counted(1e4), weight=0.0)


def same(a: StatePoint, b: StatePoint) -> bool:
    return a.bins == b.bins and np.allclose(a.g, b.g) and np.allclose(a.exposure, b.exposure)


def test_a_target_that_begins_at_its_first_pairs_is_the_same():
    """Files often leave out the core, where g = 0: that says no less than zeros written out."""
    whole = counted(1e5)
    cut = whole.isel(r=slice(int(np.flatnonzero(whole.g.values[0])[0]) - 1, None))
    assert same(state_point(cut), state_point(whole))
