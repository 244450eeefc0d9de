"""Deep potentials: energies by the formulas, forces, virial, and what must not matter."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("vesin")
pytest.importorskip("numba")
if True:  # after the skips
    import cg_models as cm
    from cg_models.deep_potential.served import Served
    from cg_models.deep_potential.tables import error, knots_for
    from cg_models.many_body.neighborhoods import Neighborhoods

    from .deep_models import OPTIONS, frame, potential_of, reference

POTENTIALS = {name: potential_of(options) for name, options in OPTIONS.items()}
every_potential = pytest.mark.parametrize("potential", POTENTIALS.values(), ids=POTENTIALS)


@every_potential
def test_energies_forces_and_virials_are_those_of_the_formulas(potential):
    x, cell, types = frame(beads=11, edge=6.5)
    energy, forces, virial = reference(potential, x, cell, types)
    found = potential(x, cell, types)
    assert found.energy == pytest.approx(energy, abs=1e-8)
    assert np.abs(forces).max() > 0.05
    np.testing.assert_allclose(found.forces, forces, atol=1e-7)  # tables are allowed 1e-8 of the largest slope by s
    np.testing.assert_allclose(found.virial, virial, atol=1e-6)


@every_potential
def test_forces_and_virial_are_slopes_of_the_energy(potential):
    x, cell, types = frame()
    found, step = potential(x, cell, types), 1e-5
    assert np.abs(found.forces).max() > 0.05
    for i, axis in [(0, 0), (7, 1), (len(x) - 1, 2)]:
        shift = np.zeros_like(x)
        shift[i, axis] = step
        slope = (potential(x + shift, cell, types).energy - potential(x - shift, cell, types).energy) / (2 * step)
        assert found.forces[i, axis] == pytest.approx(-slope, abs=1e-7)
    for a, b in [(0, 0), (1, 2), (2, 1)]:
        strain = np.zeros((3, 3))
        strain[a, b] = step
        ways = [potential(x @ (np.eye(3) + s).T, cell @ (np.eye(3) + s).T, types).energy for s in (strain, -strain)]
        assert found.virial[a, b] == pytest.approx(-(ways[0] - ways[1]) / (2 * step), abs=1e-6)


def _moved(x, cell, types):
    """Return names of what must not matter, frames where only that is other, and the order and turn of their forces."""
    noise = np.random.default_rng(4)
    turn, _ = np.linalg.qr(noise.standard_normal((3, 3)))  # with a reflection or without
    order, images = noise.permutation(len(x)), noise.integers(-2, 3, x.shape) @ cell
    same, unturned = np.arange(len(x)), np.eye(3)
    return {
        "translation": (x + np.array([0.3, -1.7, 2.2]), cell, types, same, unturned),
        "rotation": (x @ turn * np.sign(np.linalg.det(turn)), cell @ turn * np.sign(np.linalg.det(turn)), types, same,
                     turn * np.sign(np.linalg.det(turn))),
        "order": (x[order], cell, types[order], order, unturned),
        "images": (x + images, cell, types, same, unturned),
        "cell": (x, cell[[1, 2, 0]] + [[0, 0, 0], cell[0], [0, 0, 0]], types, same, unturned),
    }  # fmt: skip


@pytest.mark.parametrize("what", _moved(*frame()))
@every_potential
def test_what_must_not_matter_does_not(potential, what):
    x, cell, types = frame()
    found = potential(x, cell, types)
    moved, vectors, kinds, order, turn = _moved(x, cell, types)[what]
    other = potential(moved, vectors, kinds)
    assert other.energy == pytest.approx(found.energy, abs=1e-10)
    np.testing.assert_allclose(other.forces, found.forces[order] @ turn, atol=1e-10)
    np.testing.assert_allclose(found.forces.sum(axis=0), 0, atol=1e-11)


@every_potential
def test_energy_is_extensive(potential):
    x, cell, types = frame()
    shifts = np.array(list(np.ndindex(2, 1, 2))) @ cell
    twice = (x + shifts[:, None]).reshape(-1, 3)
    found, large = potential(x, cell, types), potential(twice, cell * [[2], [1], [2]], np.tile(types, 4))
    assert large.energy == pytest.approx(4 * found.energy, rel=1e-12)
    np.testing.assert_allclose(large.forces, np.tile(found.forces, (4, 1)), atol=1e-10)


@pytest.mark.parametrize("name", ["one side", "two sides", "second moments"])
def test_smooth_environments_end_smoothly(name):
    """A pair that parts at the cutoff leaves energy and force as they were, to the third order of the distance."""
    potential, x = POTENTIALS[name], np.array([[0.0, 0, 0], [1.9, 0, 0], [0, 0, 4.0]])

    def at(z):
        x[2, 2] = z
        return potential(x, None, [0, 1, 1])

    beyond = at(4.0 + 1e-3)
    assert np.abs(beyond.forces[2]).max() < np.inf
    for inside in (1e-2, 1e-3):
        found = at(4.0 - inside)
        assert abs(found.energy - beyond.energy) < 10 * inside**3
        assert np.abs(found.forces - beyond.forces).max() < 30 * inside**2
    assert abs(at(3.5).energy - beyond.energy) > 1e-4


def test_local_frames_do_not_end_smoothly():
    """Energy jumps where a neighbor crosses the cutoff, and where two change places as the nearest, which turns the frame."""
    potential = POTENTIALS["local frame"]

    def jump(*places):
        beside = [[0.0, 0, 0], [0, 2.5, 0.4], [-2.0, 1.1, 1.9]]
        first, second = (potential(np.array([*beside, p]), None, [0, 1, 1, 1]).energy for p in places)
        return abs(second - first)

    assert jump([4 - 1e-7, 0, 0], [4 + 1e-7, 0, 0]) > 1e-3
    r = np.hypot(2.5, 0.4)
    assert jump([r - 1e-7, 0, 0], [r + 1e-7, 0, 0]) > 1e-3
    assert jump([r - 1e-7, 0, 0], [r - 2e-7, 0, 0]) < 1e-6


@pytest.mark.parametrize("name", ["one side", "two sides", "second moments"])
def test_tables_are_as_near_to_their_networks_as_is_said(name):
    potential = potential_of(OPTIONS[name])
    x, cell, types = frame()
    potential(x, cell, types)
    of = potential.environments
    start, end = of._start(), of._end()
    errors = [error(list(of.networks), start, knots_for(start, end, h), h) for h in (of._table[1], 2, 1)]
    assert errors[0] <= 1e-8
    assert errors[1] > 4 * errors[2] > 1e-6  # what is measured grows with the distance of knots
    smaller = potential(x * 0.5, cell * 0.5, types)  # nearer than the tables reached
    assert smaller.energy == pytest.approx(reference(potential, x * 0.5, cell * 0.5, types)[0], abs=1e-7)


def test_tables_follow_weights_that_change():
    potential = potential_of(OPTIONS["one side"])
    x, cell, types = frame(beads=11, edge=6.5)
    before = potential(x, cell, types).energy
    with torch.no_grad():
        potential.environments.networks[0].matrix[1] *= 1.5
    after = potential(x, cell, types).energy
    assert abs(after - before) > 1e-4
    assert after == pytest.approx(reference(potential, x, cell, types)[0], abs=1e-8)


@every_potential
def test_neighbors_are_looked_for_when_they_may_have_changed(potential):
    x, cell, types = frame()
    near, noise = Neighborhoods(potential.options.cutoff, skin=0.6), np.random.default_rng(2)
    for step in range(8):
        found, right = potential(x, cell, types, near=near), potential(x, cell, types)
        assert found.energy == pytest.approx(right.energy, abs=1e-10), step
        x = x + 0.06 * noise.standard_normal(x.shape)
    assert 1 < near.rebuilt < 8


def test_single_precision_is_that_of_networks():
    double, single = potential_of(OPTIONS["one side"]), potential_of(OPTIONS["one side"])
    single.networks.float()
    x, cell, types = frame()
    a, b = double(x, cell, types), single(x, cell, types)
    assert 0 < abs(a.energy - b.energy) < 1e-4
    np.testing.assert_allclose(b.forces, a.forces, atol=1e-4)


@every_potential
def test_lone_atoms_have_an_energy_and_no_force(potential):
    found = potential(np.zeros((1, 3)), None, [0])
    assert np.isfinite(found.energy)
    np.testing.assert_array_equal(found.forces, 0)


@every_potential
def test_what_cannot_be_is_refused(potential):
    x, cell, types = frame()
    with pytest.raises(ValueError, match="types 0 to 1, got 0 to 2"):
        potential(x, cell, types * 2)
    with pytest.raises(FloatingPointError, match="not finite"):
        potential(x * np.nan, cell, types)
    with pytest.raises(ValueError, match="positions must be"):
        potential(x[:-1], cell, types)
    with pytest.raises(ValueError, match="same place"):
        potential(np.zeros((2, 3)), None, [0, 0])


def test_atoms_that_have_collapsed_are_refused():
    """Before a table to where they are would fill the memory."""
    with pytest.raises(ValueError, match="too near to each other"):
        potential_of(OPTIONS["one side"])(np.array([[0.0, 0, 0], [0, 0, 1e-6]]), None, [0, 1])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (lambda: cm.SmoothOptions(4.0, 4.0, (1,)), "smooth_from"),
        (lambda: cm.SmoothOptions(4.0, 1.0, ()), "count"),
        (lambda: cm.SmoothOptions(4.0, 1.0, (1,), embedding=(4,), axes=5), "axes"),
        (lambda: cm.LocalFrameOptions(0.0, (20,)), "cutoff"),
        (lambda: cm.LocalFrameOptions(6.0, (20,), full=(21,)), "full"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, says):
    with pytest.raises(ValueError, match=says):
        options()


@every_potential
def test_what_dynamics_ask_is_the_potential(potential):
    served, (x, cell, types) = Served(potential, skin=0.5), frame()
    noise = np.random.default_rng(6)
    for size in (0.0, 0.02, 0.5):  # what is kept from call to call, and what is looked for again
        at = x + size * noise.standard_normal(x.shape)
        found, known = served(at, cell, types), potential(at, cell, types)
        np.testing.assert_allclose(found.energies, known.energies, atol=1e-12)
        np.testing.assert_allclose(found.forces, known.forces, atol=1e-12)
        np.testing.assert_allclose(found.virials, known.virials, atol=1e-11)
    with pytest.raises(ValueError, match="types 0 to 1"):
        served(x, cell, types + 1)


def test_what_dynamics_ask_follows_the_precision_of_the_networks():
    x, cell, types = frame()
    known = potential_of(OPTIONS["two sides"])(x, cell, types).forces
    single = potential_of(OPTIONS["two sides"])
    single.networks.float()
    off = np.abs(Served(single)(x, cell, types).forces - known).max() / np.abs(known).max()
    assert 1e-9 < off < 1e-5


@pytest.mark.parametrize("cutoff", [1e30, 1000.0])
def test_a_cutoff_in_another_unit_is_refused_before_it_is_searched(cutoff):
    x, cell, types = frame()
    with pytest.raises(ValueError, match="is it in the unit of the cell"):
        cm.DeepPotential(cm.LocalFrameOptions(cutoff, (7, 12), full=(3, 5), fitting=(4,)))(x, cell, types)
