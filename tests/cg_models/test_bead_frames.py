"""A trajectory as networks take it: distances and distributions are those of the frames, whatever the box and the images."""

from __future__ import annotations

import numpy as np
import pytest

import cg_data as cd

torch = pytest.importorskip("torch")
pytest.importorskip("vesin")
if True:  # after the skips
    import cg_models as cm
    from cg_models.schnet.trial import distribution

TILTED = np.array([[9.0, 0.0, 0.0], [2.0, 8.0, 0.0], [-1.0, 1.5, 10.0]])


def spread(box=TILTED, types=("A", "B") * 30, molecule=None, frames=5):
    x = np.random.default_rng(0).random((frames, len(types), 3)) @ box
    return cd.trajectory(x, box, types, units=cd.Units(), force=np.ones_like(x), molecule=molecule)


def test_distributions_are_those_of_a_trial_and_of_their_parts():
    molecule = np.arange(60) // 3
    alike = cm.bead_frames(spread(types=["A"] * 60, molecule=molecule))
    r, g = alike.distributions(3.0, 30)
    wanted_r, wanted = distribution(alike.positions, TILTED, 3.0, 30, molecule)
    np.testing.assert_allclose(r, wanted_r)
    np.testing.assert_allclose(g[0, 0], wanted, rtol=1e-12)
    mixed = cm.bead_frames(spread(molecule=molecule))
    _, parts = mixed.distributions(3.0, 30)
    apart = molecule[:, None] != molecule
    counts = {(a, b): apart[np.ix_(mixed.codes == a, mixed.codes == b)].sum() * (1 if a == b else 2) for a, b in parts}
    np.testing.assert_allclose(sum(counts[k] * parts[k] for k in parts) / apart.sum(), wanted, rtol=1e-12)


def test_boxes_that_change_are_each_their_own():
    one, wide = spread(frames=1), spread(box=TILTED * 1.2, frames=1)
    both = cd.trajectory(np.concatenate([one.position, wide.position]), np.concatenate([one.box, wide.box]),
                         one.type.values, units=cd.Units())  # fmt: skip
    frames = cm.bead_frames(both)
    each = [cm.bead_frames(part).distributions(3.0, 20)[1][0, 1] for part in (one, wide)]
    np.testing.assert_allclose(frames.distributions(3.0, 20)[1][0, 1], np.mean(each, axis=0), rtol=1e-12)
    assert (frames.one_box, cm.bead_frames(one).one_box) == (False, True)
    volume = np.linalg.det(TILTED)
    faces = [np.linalg.norm(np.cross(TILTED[k - 1], TILTED[k - 2])) for k in range(3)]
    assert frames.narrowest == pytest.approx(min(volume / area for area in faces))


def test_distances_inside_molecules_are_of_nearest_images():
    x = np.random.default_rng(1).random((4, 20, 3)) @ TILTED
    x[:, 1::2] = x[:, ::2] + [0.6, 0.0, 0.8] + TILTED[0] - 2 * TILTED[2]
    data = cd.trajectory(x, TILTED, ["B", "A"] * 10, units=cd.Units(), molecule=np.arange(20) // 2)
    inside = cm.bead_frames(data).lengths_inside()
    assert list(inside) == [(0, 1)]
    np.testing.assert_allclose(inside[0, 1], np.ones(40), rtol=1e-12)
    assert cm.bead_frames(data).alike().lengths_inside() == {}


def test_types_are_numbered_as_a_potential_does():
    assert cm.bead_frames(spread(), ("B", "A")).codes[:2].tolist() == [1, 0]
    with pytest.raises(ValueError, match="knows A, not B"):
        cm.bead_frames(spread(), ("A",))
    assert cm.bead_frames(spread(molecule=np.arange(60))).molecule is None
