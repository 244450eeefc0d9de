"""Angles in perfect crystals and among random particles, against brute force and MDAnalysis."""

from __future__ import annotations

import numpy as np
import pytest

from cg_sim.box import as_box, nearest_image
from cg_sim.engines.protocol import Frame
from cg_sim.observables.adf import ADF, angle_counts
from cg_sim.observables.neighbor_pairs import neighbors_within
from cg_sim.observables.protocol import Context
from cg_sim.state import State

CUBES = {
    "sc": [[0, 0, 0]],
    "bcc": [[0, 0, 0], [0.5, 0.5, 0.5]],
    "fcc": [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]],
}
CUBES["diamond"] = CUBES["fcc"] + [[a + 0.25, b + 0.25, c + 0.25] for a, b, c in CUBES["fcc"]]
BOXES = {"cube": 4.0, "brick": [4.0, 4.5, 6.0], "triclinic": [[4.0, 0, 0], [1.9, 4.2, 0], [-1.0, 1.5, 5.0]]}


def crystal(name, cells=4):
    corner = np.stack(np.meshgrid(*[np.arange(cells)] * 3, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    return (corner + np.array(CUBES[name])).reshape(-1, 3).astype(float), as_box(float(cells))


def liquid(box, n=150, seed=1):
    return np.random.default_rng(seed).uniform(-9, 9, (n, 3)), as_box(box)


def angles_by_hand(x, box, cutoff):
    d = nearest_image(x[None] - x[:, None], box)
    r = np.linalg.norm(d, axis=-1)
    found = []
    for i in range(len(x)):
        j = np.flatnonzero((r[i] < cutoff) & (np.arange(len(x)) != i))
        unit = d[i, j] / r[i, j, None]
        found.append(np.clip((unit @ unit.T)[np.triu_indices(len(j), 1)], -1, 1))
    return np.arccos(np.concatenate(found))


def recorder_of(observable, x, box, types=None):
    state = State(x, box, types=types)
    return observable.start(Context(state, 1.0, 0.01, 3 * len(x), 1)), state


def frame_of(state):
    return Frame(state, 0.0, 0.0, np.zeros((3, 3)), np.zeros_like(state.positions))


def measured(observable, x, box, types=None):
    recorder, state = recorder_of(observable, x, box, types)
    recorder.sample(frame_of(state))
    return recorder.result()


# Neighbors at √(1/2) (fcc), √3/2 (bcc), 1 (sc), √3/4 (diamond) of the cube's side; angles per particle counted by hand.
@pytest.mark.parametrize(
    ("name", "cutoff", "expected"),
    [
        ("sc", 1.1, {90.0: 12, 180.0: 3}),
        ("fcc", 0.8, {60.0: 24, 90.0: 12, 120.0: 24, 180.0: 6}),
        ("bcc", 0.9, {70.5288: 12, 109.4712: 12, 180.0: 4}),
        ("diamond", 0.5, {109.4712: 6}),
    ],
)
def test_angles_of_perfect_crystals(name, cutoff, expected):
    x, box = crystal(name)
    counts = angle_counts(x, box, (cutoff,), 179)[0] / len(x)  # 179: no crystal's angle is an edge of a bin
    wanted = np.zeros(179)
    for angle, number in expected.items():
        wanted[min(178, int(angle / 180 * 179))] = number
    np.testing.assert_array_equal(counts, wanted)


def test_a_neighbor_at_the_cutoff_is_outside():
    x, box = crystal("sc")
    counts = angle_counts(x, box, (1.0, 1.1), 9)
    assert counts.sum(axis=1).tolist() == [0, 15 * len(x)]
    # Cutoffs within rounding of a distance: outside or inside, but counted with the neighbors found.
    rng, inside, box = np.random.default_rng(3), [], as_box(6.0)
    for _ in range(100):
        x = np.concatenate([np.zeros((1, 3)), rng.uniform(0.8, 1, (2, 3)) * [[1, 0.1, 0.1], [-0.3, 0.4, -0.1]]])
        cutoff = neighbors_within(x, box, 1.2).distance[:2].max()
        found = neighbors_within(x, box, cutoff)
        inside.append(found.start[1] == 2)
        assert angle_counts(x, box, (cutoff,), 9).sum() == inside[-1]
    assert 0 < sum(inside) < 100


@pytest.mark.parametrize("box", BOXES.values(), ids=BOXES)
def test_every_cutoff_is_brute_force(box):
    x, box = liquid(box)
    cutoffs = (0.7, 1.2, 1.7)
    counts = angle_counts(x, box, cutoffs, 90)
    for k, cutoff in enumerate(cutoffs):
        expected = np.histogram(angles_by_hand(x, box, cutoff), bins=90, range=(0, np.pi))[0]
        np.testing.assert_array_equal(counts[k], expected)
    assert counts[0].sum() > 50


def test_equals_mdanalysis():
    distances = pytest.importorskip("MDAnalysis.lib.distances", reason="compares with MDAnalysis")
    x, box = liquid(5.0, 60)
    d = np.linalg.norm(nearest_image(x[None] - x[:, None], box), axis=-1)
    close = (d < 2.0) & ~np.eye(60, dtype=bool)
    triplets = [(j, i, k) for i in range(60) for j in range(60) for k in range(j) if close[i, j] and close[i, k]]
    j, i, k = np.array(triplets).T
    size = np.array([5.0, 5, 5, 90, 90, 90], dtype=np.float32)
    theirs = distances.calc_angles(x[j], x[i], x[k], box=size)
    counts = np.histogram(theirs, bins=60, range=(0, np.pi))[0]
    np.testing.assert_array_equal(angle_counts(x, box, (2.0,), 60)[0], counts)


def test_independent_directions_are_flat_and_normalized():
    rng = np.random.default_rng(4)
    box = as_box(6.0)
    observable = ADF((1.0, 1.5), bins=20)
    recorder, _ = recorder_of(observable, rng.uniform(0, 6, (300, 3)), box)
    for _ in range(60):
        recorder.sample(frame_of(State(rng.uniform(0, 6, (300, 3)), box)))
    data = recorder.result()
    np.testing.assert_allclose(data.adf.sum("angle") * np.pi / 20, 1.0, rtol=1e-12)
    assert np.all(np.abs(data.adf_isotropic - 1) < 4 * data.adf_isotropic_stderr)
    # An ideal gas has C(N−1, 2) pairs of others, each within the sphere with probability (v/V)².
    expected = 299 * 298 / 2 * (4 / 3 * np.pi * data.adf_cutoff**3 / 216) ** 2
    assert np.all(np.abs(data.adf_triplets - expected) < 4 * data.adf_triplets_stderr)


def test_rotation_image_and_order_of_particles_do_not_matter():
    rng = np.random.default_rng(2)
    x, box = liquid(BOXES["triclinic"])
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    expected = angle_counts(x, box, (1.6,), 60)
    image = x + rng.integers(-2, 3, x.shape) @ box
    for moved, around in ((x @ turn, box @ turn), (image, box), (x[rng.permutation(len(x))], box)):
        np.testing.assert_array_equal(angle_counts(moved, around, (1.6,), 60), expected)


def test_types_at_the_center_and_the_ends():
    x = np.array([[1.0, 1, 1], [1.9, 1, 1], [1, 1.9, 1], [1, 1, 1.9]])
    water = ["O", "H", "H", "X"]
    data = measured(ADF(1.0, bins=3, center="O", ends="H"), x, 9.0, water)
    assert data.adf_triplets.item() == 1  # H–O–H, and not H–O–X
    assert int(data.adf[0].argmax("angle")) == 1
    assert measured(ADF(1.0, center="H", ends="O"), x, 9.0, water).adf_triplets.item() == 0
    with pytest.raises(ValueError, match="no particles of type 'Y'"):
        measured(ADF(1.0, center="Y"), x, 9.0, water)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_particles(n):
    x = np.array([[0.0, 0, 0], [1.0, 0, 0], [0.0, 1.0, 0]])[:n]
    data = measured(ADF((1.2,), bins=9), x, 4.0)
    assert data.adf_triplets.item() == pytest.approx(1 / 3 if n == 3 else 0)
    assert np.all(np.isnan(data.adf)) == (n < 3)


def test_particles_at_one_place_have_no_angle():
    assert angle_counts(np.zeros((3, 3)), as_box(4.0), (1.0,), 5).sum() == 0


def test_the_box_must_hold_the_cutoff():
    x = np.random.default_rng(0).uniform(0, 4, (20, 3))
    assert measured(ADF(2.0), x, 4.0).adf_triplets.item() > 0  # exactly half the box is still right
    with pytest.raises(ValueError, match=r"ADF's cutoff is 2\.01"):
        measured(ADF(2.01), x, 4.0)
    with pytest.raises(ValueError, match="positive cutoffs"):
        ADF((0.0, 1.0))


def test_a_remembered_recorder_goes_on_bit_for_bit():
    configurations = [liquid(4.0, 40, seed) for seed in range(12)]
    observable = ADF((1.0, 1.5), bins=30)
    first, whole, second = (recorder_of(observable, *configurations[0])[0] for _ in range(3))
    for k, (x, box) in enumerate(configurations):
        frame = frame_of(State(x, box))
        whole.sample(frame)
        if k == 5:
            second.remember(first.memory())
        (first if k < 5 else second).sample(frame)
    assert second.result().identical(whole.result())
