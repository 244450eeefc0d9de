"""Forces for engines: every bead's share of U and of the virial, images that jump, boxes that change, other orders."""

from __future__ import annotations

import numpy as np
import pytest

import cg_data as cd

torch = pytest.importorskip("torch")
pytest.importorskip("vesin")
if True:  # after the skips
    from cg_models.schnet.bead_potential import BeadPotential, Prior
    from cg_models.schnet.engine_forces import EngineForces, nearest_images, type_codes
    from cg_models.schnet.graph import graph
    from cg_models.schnet.network import SchNet, SchNetOptions

BOX = np.array([[9.0, 0, 0], [1.5, 8.0, 0], [-1.0, 0.7, 8.5]])
MOLECULES = 18
TYPES, MOLECULE = np.tile([0, 1], MOLECULES), np.repeat(np.arange(MOLECULES), 2)
PRIOR = Prior(
    between={(0, 1): cd.PowerLaw(1.0, 1.5, 6, cutoff=3.0).force_shifted()},
    inside={(0, 1): cd.Harmonic(20.0, 1.0, cutoff=2.5)},
)


@pytest.fixture(scope="module")
def potential():
    options = SchNetOptions(types=2, cutoff=3.0, features=10, filters=10, blocks=2, inner_blocks=1, inner_cutoff=2.5)
    found = BeadPotential(SchNet(options, seed=5), PRIOR).double()
    found.offset += 0.3
    return found


def dimers(seed=0):
    noise = np.random.default_rng(seed)
    first = noise.random((MOLECULES, 1, 3)) @ BOX
    turn = noise.normal(size=(MOLECULES, 1, 3))
    return np.concatenate([first, first + 1.2 * turn / np.linalg.norm(turn, axis=-1, keepdims=True)], axis=1).reshape(
        -1, 3
    )


def engine(potential, **options):
    return EngineForces(potential, molecule=MOLECULE, skin=0.6, **options)


def test_the_shares_of_beads_make_up_the_whole(potential):
    x = dimers()
    found = engine(potential).each(x, BOX, TYPES)
    energy, forces = potential(
        graph(x, BOX, 3.0, types=TYPES, molecule=MOLECULE, inner_cutoff=2.5, dtype=torch.float64)
    )
    assert found.energies.sum() == pytest.approx(float(energy[0]), rel=1e-12)
    np.testing.assert_allclose(found.forces, forces, rtol=1e-9, atol=1e-9)
    assert np.ptp(found.energies) > 0.1  # not all the same


def test_the_virial_is_the_slope_of_the_energy_by_strain(potential):
    x, evaluate = dimers(), engine(potential)
    virial = evaluate(x, BOX, TYPES)[2]
    np.testing.assert_allclose(virial, virial.T)
    for a, b in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)):
        sides = []
        for step in (1e-5, -1e-5):
            strain = np.eye(3)
            strain[a, b] += step
            sides.append(evaluate(x @ strain, BOX @ strain, TYPES)[0])
        assert virial[a, b] == pytest.approx(-(sides[0] - sides[1]) / 2e-5, rel=1e-5, abs=1e-4)


def test_two_beads_share_what_a_prior_has_of_them():
    """By hand: U = ½ k (r − r₀)² of one pair along x; half of U and of −r dU/dr is each bead's."""
    network = SchNet(SchNetOptions(cutoff=3.0, features=4, filters=4, blocks=1))
    with torch.no_grad():
        for p in network.parameters():
            p.zero_()
    alone = BeadPotential(network, Prior(between={(0, 0): cd.Harmonic(8.0, 1.0, cutoff=3.0)})).double()
    found = EngineForces(alone).each([[1.0, 1, 1], [2.5, 1, 1]], np.eye(3) * 9, [0, 0])
    u, slope = (cd.Harmonic(8.0, 1.0, cutoff=3.0).energy(1.5), -cd.Harmonic(8.0, 1.0, cutoff=3.0).force(1.5))
    np.testing.assert_allclose(found.energies, [u / 2, u / 2])
    np.testing.assert_allclose(found.forces, [[slope, 0, 0], [-slope, 0, 0]])
    np.testing.assert_allclose(found.virials, [[-1.5 * slope / 2, 0, 0, 0, 0, 0]] * 2)
    assert slope > 0


def test_images_and_orders_of_beads_change_nothing_but_their_order(potential):
    x, evaluate, noise = dimers(), engine(potential), np.random.default_rng(4)
    before = evaluate.each(x, BOX, TYPES)
    pairs = evaluate._pairs
    jumped = evaluate.each(x + noise.integers(-2, 3, x.shape) @ BOX, BOX, TYPES)
    assert evaluate._pairs is pairs
    assert pairs.rebuilt == 1
    order = noise.permutation(len(x))
    other = EngineForces(potential, molecule=MOLECULE[order]).each(x[order], BOX, TYPES[order])
    for name in ("energies", "forces", "virials"):
        np.testing.assert_allclose(getattr(jumped, name), getattr(before, name), rtol=1e-8, atol=1e-8)
        wanted = getattr(before.reordered(order), name)
        np.testing.assert_allclose(getattr(other, name), wanted, rtol=1e-8, atol=1e-8)


def test_a_box_that_changes_is_followed(potential):
    x, evaluate = dimers(), engine(potential)
    evaluate(x, BOX, TYPES)
    found = evaluate(1.02 * x, 1.02 * BOX, TYPES)
    anew = engine(potential)(1.02 * x, 1.02 * BOX, TYPES)
    assert found[0] == pytest.approx(anew[0], rel=1e-12)


def test_nearest_images_are_found_in_tilted_boxes():
    noise = np.random.default_rng(1)
    last = 20 * noise.normal(size=(50, 3))
    near = last + 0.3 * noise.normal(size=(50, 3))
    np.testing.assert_allclose(nearest_images(near + noise.integers(-3, 4, (50, 3)) @ BOX, last, BOX), near, atol=1e-12)


def test_types_go_by_their_names():
    assert type_codes(["W", "B"], ("B", "W")).tolist() == [1, 0]
    with pytest.raises(ValueError, match="knows B, W, not X"):
        type_codes(["B", "X"], ("B", "W"))
