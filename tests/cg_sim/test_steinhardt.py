"""Bond-orientational order: perfect crystals, the paper's formulas spelled out with SciPy's harmonics, freud."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import sph_harm_y

from cg_sim.box import as_box, nearest_image
from cg_sim.engines.protocol import Frame
from cg_sim.observables.neighbor_pairs import neighbors_within
from cg_sim.observables.protocol import Context
from cg_sim.observables.steinhardt import Steinhardt, bond_order, switching
from cg_sim.state import State

SC = [[0, 0, 0]]
BCC = [[0, 0, 0], [0.5, 0.5, 0.5]]
FCC = [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]
HCP = [[0, 0, 0], [0.5, 0.5, 0], [0.5, 5 / 6, 0.5], [0, 1 / 3, 0.5]]
BOXES = {"cube": 5.0, "brick": [5.0, 4.5, 6.0], "triclinic": [[5.0, 0, 0], [1.9, 4.6, 0], [-1.0, 1.5, 5.0]]}


def crystal(basis, cell=(1.0, 1.0, 1.0), cells=4):
    corner = np.stack(np.meshgrid(*[np.arange(cells)] * 3, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    return (corner + np.array(basis)).reshape(-1, 3) * np.array(cell), as_box(cells * np.array(cell))


def liquid(box, n=120, seed=1):
    return np.random.default_rng(seed).uniform(-9, 9, (n, 3)), as_box(box)


def by_the_formulas(x, box, r_min, r_max, l):
    """(A1)–(A5) of Zhang et al., J. Chem. Phys. 149, 034101 (2018), sums over all pairs."""
    d = nearest_image(x[None] - x[:, None], box)
    r = np.linalg.norm(d, axis=-1)
    np.fill_diagonal(r, np.inf)
    s = np.where(r < r_min, 1.0, 0.5 + 0.5 * np.cos(np.pi * (np.minimum(r, r_max) - r_min) / (r_max - r_min)))
    s[r >= r_max] = 0.0
    np.fill_diagonal(r, 1.0)
    m = np.arange(-l, l + 1)[:, None, None]
    y = sph_harm_y(l, m, np.arccos(np.clip(d[..., 2] / r, -1, 1)), np.arctan2(d[..., 1], d[..., 0]))
    with np.errstate(invalid="ignore"):
        q = np.einsum("ij,mij->im", s, y) / s.sum(axis=1, keepdims=True)
    alone = s.sum(axis=1) == 0
    shell = (np.where(alone[:, None], 0, q) + s @ np.where(alone[:, None], 0, q)) / (1 + s.sum(axis=1, keepdims=True))
    shell[alone] = np.nan
    return [np.sqrt(4 * np.pi / (2 * l + 1) * np.sum(np.abs(v) ** 2, axis=1)) for v in (q, shell)]


def recorder_of(observable, x, box):
    return observable.start(Context(State(x, box), 1.0, 0.01, 3 * len(x), 1))


def sample(recorder, x, box):
    recorder.sample(Frame(State(x, box), 0.0, 0.0, np.zeros((3, 3)), np.zeros_like(x)))
    return recorder


def measured(observable, x, box):
    return sample(recorder_of(observable, x, box), x, box).result()


# Steinhardt, Nelson & Ronchetti 1983; Mickel et al. 2013. In closed form q4(sc) = √21/6, q6(sc) = √2/4.
@pytest.mark.parametrize(
    ("basis", "cell", "cutoff", "q4", "q6"),
    [
        (FCC, (1, 1, 1), 0.85, 0.19094, 0.57452),
        (BCC, (1, 1, 1), 1.2, 0.03637, 0.51069),  # 14 neighbors
        (BCC, (1, 1, 1), 0.93, 0.50918, 0.62854),  # 8 neighbors
        (SC, (1, 1, 1), 1.2, 0.76376, 0.35355),
        (HCP, (1, 3**0.5, (8 / 3) ** 0.5), 1.2, 0.09722, 0.48476),
    ],
    ids=["fcc", "bcc14", "bcc8", "sc", "hcp"],
)
@pytest.mark.parametrize("averaged", [True, False])
def test_perfect_crystals(basis, cell, cutoff, q4, q6, averaged):
    x, box = crystal(basis, cell)
    q = bond_order(x, box, r_min=cutoff, r_max=cutoff, averaged=averaged)
    np.testing.assert_allclose(q, np.tile([q4, q6], (len(x), 1)), atol=6e-6)  # five digits are published


@pytest.mark.parametrize("box", BOXES.values(), ids=BOXES)
def test_is_the_papers_formulas(box):
    x, box = liquid(box)
    orders = (2, 3, 4, 6, 8, 12)
    for averaged in (False, True):
        q = bond_order(x, box, r_min=0.9, r_max=1.4, l=orders, averaged=averaged)
        for k, l in enumerate(orders):
            expected = by_the_formulas(x, box, 0.9, 1.4, l)[averaged]
            np.testing.assert_allclose(q[:, k], expected, rtol=0, atol=1e-10)


def test_equals_freud():
    freud = pytest.importorskip("freud", reason="compares with freud")
    x, box = liquid(5.0, 200)
    found = neighbors_within(x, box, 1.3)
    i = np.repeat(np.arange(200), np.diff(found.start))
    # freud weights the neighbors' harmonics, but not the average over the shell: with s(r) only q_l compares.
    for averaged, r_min in ((True, 1.3), (False, 1.3), (False, 0.9)):
        weights = switching(found.distance, r_min, 1.3)
        pairs = freud.locality.NeighborList.from_arrays(200, 200, i, found.index, found.vector, weights)
        theirs = freud.order.Steinhardt([4, 6], average=averaged, weighted=True)
        theirs.compute((freud.box.Box.cube(5), x), neighbors=pairs)
        ours = bond_order(x, box, r_min=r_min, r_max=1.3, averaged=averaged)
        np.testing.assert_allclose(ours, theirs.particle_order, rtol=0, atol=2e-5)  # freud is in single precision


def test_switching_function():
    r = np.array([0.2, 0.31, 0.3225, 0.335, 0.3475, 0.36, 0.5])
    half = 0.5 * np.sqrt(0.5)
    np.testing.assert_allclose(switching(r, 0.31, 0.36), [1, 1, 0.5 + half, 0.5, 0.5 - half, 0, 0], atol=1e-15)
    np.testing.assert_array_equal(switching(r, 0.31, 0.31), [1, 0, 0, 0, 0, 0, 0])


def test_order_changes_smoothly_as_a_neighbor_leaves():
    x, box = crystal(SC)
    values = []
    for r in np.linspace(1.0, 1.4, 401):
        moved = x.copy()
        moved[0, 0] -= r - 1.0
        values.append(bond_order(moved, box, r_min=1.1, r_max=1.3)[0])
    steps = np.abs(np.diff(values, axis=0))
    assert steps.max() < 0.01 < np.ptp(values, axis=0).max()


def test_rotation_image_and_order_of_particles_do_not_matter():
    rng = np.random.default_rng(2)
    x, box = liquid(BOXES["triclinic"])
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    order = rng.permutation(len(x))
    expected = bond_order(x, box, r_min=1.0, r_max=1.5)
    image = x + rng.integers(-2, 3, x.shape) @ box
    np.testing.assert_allclose(bond_order(x @ turn, box @ turn, r_min=1.0, r_max=1.5), expected, atol=1e-12)
    np.testing.assert_allclose(bond_order(image, box, r_min=1.0, r_max=1.5), expected, atol=1e-12)
    np.testing.assert_allclose(bond_order(x[order], box, r_min=1.0, r_max=1.5), expected[order], atol=1e-12)


def test_few_particles():
    x = np.array([[0.0, 0, 0], [0.6, 0.8, 0], [2.5, 2.5, 2.5]])
    box = as_box(6.0)
    assert np.all(np.isnan(bond_order(x[:1], box, r_min=1.1, r_max=1.2)))
    np.testing.assert_allclose(bond_order(x[:2], box, r_min=1.1, r_max=1.2), 1.0, rtol=1e-12)
    three = bond_order(x, box, r_min=1.1, r_max=1.2)
    np.testing.assert_array_equal(np.isnan(three[:, 0]), [False, False, True])
    lonely = measured(Steinhardt(1.1, 1.2), x[:1], box)
    assert np.all(np.isnan(lonely.steinhardt_mean))
    paired = measured(Steinhardt(1.1, 1.2, bins=10), x, box)
    np.testing.assert_allclose(paired.steinhardt_mean, 1.0, rtol=1e-12)  # the lone one is left out
    np.testing.assert_allclose(paired.steinhardt[:, -1], 10.0, rtol=1e-12)


def test_distribution_and_mean_are_those_of_the_particles():
    x, box = liquid(5.0, 300)
    q = bond_order(x, box, r_min=0.9, r_max=1.4)
    q = q[~np.isnan(q[:, 0])]
    data = measured(Steinhardt(0.9, 1.4, bins=50), x, box)
    np.testing.assert_allclose(data.steinhardt_mean, q.mean(axis=0), rtol=1e-12)
    for k in range(2):
        expected = np.histogram(q[:, k], bins=50, range=(0, 1), density=True)[0]
        np.testing.assert_allclose(data.steinhardt[k], expected, rtol=1e-12)
    assert data.l.values.tolist() == [4, 6]


def test_the_box_must_hold_r_max():
    x, box = liquid(4.0, 30)
    assert np.isfinite(measured(Steinhardt(1.5, 2.0), x, box).steinhardt_mean).all()
    with pytest.raises(ValueError, match=r"r_max of Steinhardt is 2\.1"):
        recorder_of(Steinhardt(1.5, 2.1), x, box)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"r_min": 1.2, "r_max": 1.0}, "r_min ≤ r_max"),
        ({"r_min": 0.0, "r_max": 1.0}, "0 < r_min"),
        ({"r_min": 1.0, "r_max": 1.2, "l": (4, 4)}, "distinct orders"),
        ({"r_min": 1.0, "r_max": 1.2, "l": (14,)}, "from 1 to 12"),
    ],
)
def test_options_that_make_no_sense(options, message):
    with pytest.raises(ValueError, match=message):
        Steinhardt(**options)


def test_a_remembered_recorder_goes_on_bit_for_bit():
    configurations = [liquid(5.0, 60, seed) for seed in range(12)]
    observable = Steinhardt(0.9, 1.4, bins=30)
    first, whole, second = (recorder_of(observable, *configurations[0]) for _ in range(3))
    for k, (x, box) in enumerate(configurations):
        sample(whole, x, box)
        if k == 5:
            second.remember(first.memory())
        sample(first if k < 5 else second, x, box)
    assert second.result().identical(whole.result())


def test_a_lost_particle_is_named():
    x, box = liquid(5.0, 10)
    x[7, 1] = np.nan
    with pytest.raises(ValueError, match="particle 7 is not finite"):
        bond_order(x, box, r_min=1.0, r_max=1.2)


# The neighbor search under ADF and Steinhardt.
@pytest.mark.parametrize("box", BOXES.values(), ids=BOXES)
@pytest.mark.parametrize("n", [1, 2, 3, 200])
@pytest.mark.parametrize("share", [0.2, 0.34, 0.5, 1.0])  # of the longest cutoff: 10, 5, 4 and 2 cells a side
def test_neighbors_are_brute_force_and_sorted(box, n, share):
    x, box = liquid(box, n)
    x[n // 2 :] = np.round(x[n // 2 :])  # some on faces
    cutoff = share * 0.5 / np.linalg.norm(np.linalg.inv(box), axis=0).max()
    found = neighbors_within(x, box, cutoff)
    d = nearest_image(x[None] - x[:, None], box)
    i, j = np.nonzero((np.linalg.norm(d, axis=-1) < cutoff) & ~np.eye(n, dtype=bool))
    np.testing.assert_array_equal(np.repeat(np.arange(n), np.diff(found.start)), i)
    np.testing.assert_array_equal(found.index, j)
    np.testing.assert_allclose(found.vector, d[i, j], rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.distance, np.linalg.norm(d[i, j], axis=-1), rtol=0, atol=1e-12)
