"""Random spline potentials keep every constraint of the BoltzmaNN paper, for every seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cg_data as cd


def soft_part(potential):
    return potential.terms[0] if isinstance(potential, cd.Sum) else potential


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_constraints(seed):
    made = cd.random_splines(40, hard_cores=15, seed=seed)
    assert sum(isinstance(p, cd.Sum) for p in made) == 15
    for potential in made:
        spline = soft_part(potential)
        degree = spline.poly.c.shape[0] - 1
        rc = spline.cutoff
        r = np.linspace(0, rc, 500)[:-1]
        u, edge = spline.energy(r), np.nextafter(rc, 0)
        assert 0 < rc <= 5
        assert 2 <= degree <= 5
        assert np.max(np.abs(u)) <= 15
        assert abs(spline.energy(edge)) < 1e-9
        assert abs(spline.force(edge)) < 1e-7 * 15 / rc
        # Differentiable: no jump of the slope between pieces, for degree 2 no jump either.
        knots = spline.poly.x[1:-1]
        jump = spline.force(knots * (1 + 1e-9)) - spline.force(knots * (1 - 1e-9))
        assert np.max(np.abs(jump), initial=0.0) < 1e-4 * 15 / rc
        slope = np.gradient(u, r)
        np.testing.assert_allclose(-spline.force(r)[2:-2], slope[2:-2], atol=0.02 * np.max(np.abs(slope)) + 1e-9)


def test_the_papers_set():
    made = cd.random_splines()
    assert len(made) == 657
    assert sum(isinstance(p, cd.Sum) for p in made) == 344
    degrees = [soft_part(p).poly.c.shape[0] - 1 for p in made]
    pieces = [len(soft_part(p).poly.x) - 1 for p in made]
    points = np.add(degrees, pieces)  # a clamped spline of degree k on p pieces has k + p coefficients
    assert set(degrees) == {2, 3, 4, 5}
    assert set(points) == {6, 7, 8, 9, 10}
    cutoffs = np.array([soft_part(p).cutoff for p in made])
    # r_cut is uniform on (0, 5]: mean 2.5, standard error 5/√12/√657 = 0.056
    assert cutoffs.mean() == pytest.approx(2.5, abs=4 * 0.056)
    core = next(p for p in made if isinstance(p, cd.Sum))
    assert float(core.energy(1.0) - soft_part(core).energy(1.0)) == 1.0  # WCA with ε = kT, σ = 1


def test_same_seed_same_set_other_seed_other_set():
    r = np.linspace(0.01, 5, 50)
    a, b, c = (np.stack([p.energy(r) for p in cd.random_splines(30, hard_cores=10, seed=s)]) for s in (1, 1, 2))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_splines_follow_their_base_points():
    """With heights all equal the spline is flat at that height before the shift: zero everywhere after it."""
    from cg_data.spline_generator import _fit, _knots

    x = np.random.default_rng(0).random((5, 8))
    assert np.max(np.abs(_fit(_knots(8, 3), 3, x, np.full((5, 8), 7.0), 15.0))) < 1e-10
    rising = _fit(_knots(8, 3), 3, np.tile(np.linspace(0, 0.9, 8), (1, 1)), np.linspace(10, 0, 8)[None], 15.0)
    assert rising[0, 0] > 7, "a falling set of heights gives a repulsive potential"


def test_dataset_and_tables():
    made = cd.random_splines(20, hard_cores=7, seed=4)
    ds = cd.potentials_dataset(made, seed=4)
    assert ds.u.shape == (20, 50)
    assert float(ds.r[-1]) == 5.0
    assert int(ds.hard_core.sum()) == 7
    i = int(np.argmax(ds.cutoff.values > 3))
    assert float(ds.u[i, 25]) == float(made[i].energy(ds.r.values[25]))
    assert max(p.table(1000).max_error for p in made) < 1e-3


@pytest.mark.parametrize("bad", [{"hard_cores": 11}, {"hard_cores": -1}, {"hard_cores": 1, "max_cutoff": 0.0}])
def test_wrong_arguments(bad):
    with pytest.raises(ValueError, match=r"hard_cores|max_cutoff"):
        cd.random_splines(10, **bad)


def test_the_share_of_cores_is_the_papers():
    """round(n·344/657): 3 of 5, 5 of 10, 344 of 657."""
    for n, cores in ((1, 1), (5, 3), (10, 5)):
        assert sum(isinstance(p, cd.Sum) for p in cd.random_splines(n)) == cores


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 0}, "n must be a whole number from 1"),
        ({"n": -3}, "n must be"),
        ({"n": 2.5}, "n must be"),
        ({"n": 5, "seed": -1}, "seed must be a whole number from 0"),
        ({"n": 5, "hard_cores": 2.5}, "hard_cores must be"),
    ],
)
def test_counts_and_seeds_are_whole_numbers(arguments, message):
    with pytest.raises(ValueError, match=message):
        cd.random_splines(**arguments)


def test_a_set_is_not_read_as_a_target(tmp_path):
    path = cd.save(cd.potentials_dataset(cd.random_splines(3)), tmp_path / "s.nc")
    with pytest.raises(cd.FileError, match="is a potentials dataset, a pair-target was asked for") as error:
        cd.load(path, schema="pair-target")
    assert "copy it again" not in str(error.value)
    assert cd.load(path, schema="potentials").sizes["potential"] == 3
