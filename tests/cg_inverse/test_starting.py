"""What a method starts from: theory is nearer than Boltzmann inversion; what cannot be is refused in words."""

from __future__ import annotations

import numpy as np
import pytest

import cg_data as cd
import cg_inverse as ci
from cg_inverse.methods.starting import started

TRUTH = cd.GaussianCore(4.0, 1.0, cutoff=4.0)


@pytest.fixture(scope="module")
def target():
    """g of theory itself, on shells as counted by a run."""
    found = cd.liquid_theory(TRUTH, 0.5)
    r = (np.arange(120) + 0.5) * 0.05
    return cd.make_target(r, np.interp(r, found.r, found.g), density=0.5, kT=1.0, g_stderr=np.full(120, 1e-3))


def error(problem, coefficients) -> float:
    r = np.linspace(0.3, 3.8, 50)
    return float(np.abs(problem.basis.potential(coefficients)["A", "A"].energy(r) - TRUTH.energy(r)).max())


def test_theory_gives_a_potential_back_that_boltzmann_inversion_misses(target):
    problem = ci.problem(target, cutoff=4.0)
    assert error(problem, started(problem, None)) > 0.5
    assert error(problem, started(problem, "theory")) < 0.02


def test_the_start_of_several_states_is_their_weighted_mean(target):
    other = cd.liquid_theory(cd.GaussianCore(2.0, 1.0, cutoff=4.0), 0.3)
    r = target.r.values
    second = cd.make_target(r, np.interp(r, other.r, other.g), density=0.3, kT=1.0, g_stderr=np.full(len(r), 1e-3))
    both = ci.problem([target, second], cutoff=4.0, weights=[3.0, 1.0])
    r = np.linspace(0.3, 3.8, 50)
    found = both.basis.potential(started(both, "theory"))["A", "A"].energy(r)
    expected = 0.75 * TRUTH.energy(r) + 0.25 * cd.GaussianCore(2.0, 1.0, cutoff=4.0).energy(r)
    np.testing.assert_allclose(found, expected, atol=0.03)


def test_what_cannot_start_says_so(target):
    problem = ci.problem(target, cutoff=4.0)
    with pytest.raises(ValueError, match="'network' or 'theory'"):
        started(problem, "magic")
    g = target.g.values[0]
    mixture = cd.make_target(
        target.r.values, {("A", "A"): g, ("A", "B"): g, ("B", "B"): g}, density={"A": 0.25, "B": 0.25}, kT=1.0
    )
    with pytest.raises(ValueError, match="one kind of particle"):
        started(ci.problem(mixture, cutoff=4.0), "theory")


@pytest.mark.parametrize("method", ["ibi", "wibi", "cibi", "imc", "hncn", "hncgn", "re", "difftre"])
def test_every_method_starts_from_theory(target, method):
    fitted = getattr(ci, method)(target, 4.0, initial="theory", control=ci.Control(rounds=1, steps=1000, first_steps=200),
                                 simulation=ci.Simulation(particles=1000, threads=1, runs=1, precision="double"))  # fmt: skip
    u = fitted.history["u"].isel(iteration=0, pair=0)
    r = fitted.history["r_u"].values
    inside = (r > 0.3) & (r < 3.8)
    np.testing.assert_allclose(u.values[inside], TRUTH.energy(r[inside]), atol=0.03)


def test_a_network_gives_a_potential_back(target):
    pytest.importorskip("cg_models")
    problem = ci.problem(target, cutoff=4.0)
    found = problem.basis.potential(started(problem, "network"))["A", "A"]
    r = np.linspace(0.7, 3.8, 50)  # inside, g < 0.1 in bins of 0.1, of whose means −ln is not U
    assert np.abs(found.energy(r) - TRUTH.energy(r)).max() < 0.1


def test_a_network_refuses_what_it_does_not_know(target):
    models = pytest.importorskip("cg_models")
    dense = cd.make_target(target.r.values, target.g.values[0], density=20.0, kT=1.0, g_stderr=np.full(120, 1e-3))
    with pytest.raises(models.OutsideDomain, match="start from initial='theory'"):
        started(ci.problem(dense, cutoff=4.0), "network")
