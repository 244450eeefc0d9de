"""Beads in a box: pairs and images, forces as derivatives of energies, priors, and frames joined into one."""

from __future__ import annotations

import numpy as np
import pytest

import cg_data as cd

torch = pytest.importorskip("torch")
pytest.importorskip("vesin")
if True:  # after the skips
    from cg_models.schnet.bead_potential import BeadPotential, Prior
    from cg_models.schnet.graph import graph, joined
    from cg_models.schnet.network import SchNet, SchNetOptions

BOX = np.array([9.0, 10.0, 11.0])
PRIOR = Prior(
    between={(0, 0): cd.PowerLaw(1.0, 2.0, 6, cutoff=4.0), (0, 1): cd.PowerLaw(1.0, 2.0, 6, cutoff=4.0)},
    inside={(0, 1): cd.Harmonic(100.0, 1.5, cutoff=3.0)},
)


def dimers(n=20, seed=1):
    noise = np.random.default_rng(seed)
    first = noise.random((n, 3)) * BOX
    turn = noise.normal(size=(n, 3))
    x = np.stack([first, first + 1.6 * turn / np.linalg.norm(turn, axis=1, keepdims=True)], axis=1).reshape(-1, 3)
    return x, np.tile([0, 1], n), np.repeat(np.arange(n), 2)


def made(x, types, molecule, **options):
    return graph(x, BOX, 4.0, types=types, molecule=molecule, inner_cutoff=3.0, dtype=torch.float64, **options)


@pytest.fixture(scope="module")
def potential():
    options = SchNetOptions(types=2, cutoff=4.0, features=12, filters=10, blocks=2, inner_blocks=1, inner_cutoff=3.0)
    found = BeadPotential(SchNet(options, seed=4).double(), PRIOR).double()
    found.offset += 0.7
    return found


def test_pairs_are_those_of_all_images():
    x, types, molecule = dimers()
    found = made(x, types, molecule)
    r = x[:, None] - x
    d = np.linalg.norm(r - BOX * np.round(r / BOX), axis=-1)
    near = (d < 4.0) & (np.arange(40)[:, None] < np.arange(40)) & (molecule[:, None] != molecule)
    assert len(found.d) == near.sum()
    np.testing.assert_allclose(np.sort(found.d), np.sort(d[near]), rtol=1e-12)
    assert found.inside is not None
    np.testing.assert_allclose(found.inside.d, 1.6, rtol=1e-12)
    wrapped = made(x - BOX * np.floor(x / BOX) + 3 * BOX, types, molecule)
    np.testing.assert_allclose(np.sort(wrapped.d), np.sort(found.d), rtol=1e-9)


def test_forces_are_the_slopes_of_the_energy(potential):
    x, types, molecule = dimers()
    _, forces = potential(made(x, types, molecule))
    assert float(forces.sum(dim=0).abs().max()) < 1e-9 * float(forces.abs().max())
    for bead, axis in ((0, 0), (7, 2), (33, 1)):
        sides = []
        for step in (1e-4, -1e-4):
            moved = x.copy()
            moved[bead, axis] += step
            sides.append(float(potential(made(moved, types, molecule))[0]))
        assert float(forces[bead, axis]) == pytest.approx(-(sides[0] - sides[1]) / 2e-4, rel=1e-5, abs=1e-5)


def test_forces_of_slopes_are_the_same_whether_they_are_differentiated():
    frame = made(*dimers())
    slopes = torch.randn(len(frame.d), dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    forces = frame.forces(slopes.clone().requires_grad_())
    assert forces.requires_grad
    torch.testing.assert_close(frame.forces(slopes), forces.detach(), rtol=1e-12, atol=1e-12)


def test_frames_that_are_joined_are_those_frames(potential):
    frames = [made(*dimers(n, seed)) for n, seed in ((20, 1), (5, 2), (12, 3))]
    energy, forces = potential(joined(frames))
    alone = [potential(frame) for frame in frames]
    torch.testing.assert_close(energy, torch.cat([a[0] for a in alone]), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(forces, torch.cat([a[1] for a in alone]), rtol=1e-9, atol=1e-9)


def test_an_offset_is_counted_by_bead_and_moves_nothing(potential):
    frame = made(*dimers())
    before = potential(frame)
    potential.offset += 1.0
    after = potential(frame)
    potential.offset -= 1.0
    assert float(after[0] - before[0]) == pytest.approx(40.0)
    torch.testing.assert_close(after[1], before[1])


def test_what_is_no_frame_is_refused():
    with pytest.raises(ValueError, match="bead, 3"):
        graph(np.zeros((4, 2)), BOX, 3.0)
    with pytest.raises(ValueError, match="finite"):
        graph(np.full((4, 3), np.nan), BOX, 3.0)
    with pytest.raises(ValueError, match="same place"):
        graph(np.zeros((2, 3)), BOX, 3.0)


def test_a_prior_that_would_be_cut_off_is_refused():
    network = SchNet(SchNetOptions(cutoff=2.0, features=4, filters=4, blocks=1))
    with pytest.raises(ValueError, match="ends at 3"):
        BeadPotential(network, Prior(between={(0, 0): cd.PowerLaw(cutoff=3.0)}))
