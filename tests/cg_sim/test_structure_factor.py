"""S(q) of crystals, of an ideal gas and of few particles, where it is known; the plain double sum; freud."""

from __future__ import annotations

import numpy as np
import pytest

from cg_sim.box import as_box
from cg_sim.engines.protocol import Frame
from cg_sim.lattices import fcc
from cg_sim.observables.protocol import Context
from cg_sim.observables.structure_factor import StructureFactor, density_modes, lattice_vectors
from cg_sim.state import State

BOXES = {"cube": 5.0, "brick": [5.0, 4.0, 6.0], "triclinic": [[5.0, 0, 0], [1.9, 4.6, 0], [-1.0, 1.5, 5.0]]}


def liquid(box, n=70, seed=1):
    return np.random.default_rng(seed).uniform(-9, 9, (n, 3)), as_box(box)


def recorder_of(observable, state):
    return observable.start(Context(state, 1.0, 0.01, 3 * state.n, 1))


def sample(recorder, state):
    recorder.sample(Frame(state, 0.0, 0.0, np.zeros((3, 3)), np.zeros((state.n, 3))))
    return recorder


def measured(observable, state):
    return sample(recorder_of(observable, state), state).result()


@pytest.mark.parametrize("box", BOXES.values(), ids=BOXES)
@pytest.mark.parametrize("n", [1, 2, 3, 70, 300])
def test_modes_are_the_plain_sum(box, n):
    x, box = liquid(box, n)
    h, q = lattice_vectors(box, 7.0)
    vectors = 2 * np.pi * h @ np.linalg.inv(box).T
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), q, rtol=1e-12)
    # 1e-10 of a sum of n terms of size one, at phases of up to some hundreds.
    np.testing.assert_allclose(density_modes(x, box, h), np.exp(1j * x @ vectors.T).sum(axis=0), atol=1e-10)


@pytest.mark.parametrize("box", BOXES.values(), ids=BOXES)
def test_vectors_are_half_of_all_within_reach(box):
    box = as_box(box)
    h, _ = lattice_vectors(box, 7.0)
    grid = np.stack(np.meshgrid(*[np.arange(-12, 13)] * 3), axis=-1).reshape(-1, 3)
    q = np.linalg.norm(2 * np.pi * grid @ np.linalg.inv(box).T, axis=1)
    every = {tuple(v) for v in grid[(q <= 7.0) & (q > 0)]}
    ours = {tuple(v) for v in h}
    assert len(ours) == len(h)
    assert ours | {tuple(-v) for v in h} == every
    assert not ours & {tuple(-v) for v in h}


def test_crystal_scatters_all_or_nothing():
    state = fcc(256, density=4.0)  # four cells a side of length 1
    h, _ = lattice_vectors(state.box, 22.0)
    found = np.abs(density_modes(state.positions, state.box, h)) ** 2 / 256
    cells = h // 4
    allowed = np.all(h % 4 == 0, axis=1) & np.all(cells % 2 == cells[:, :1] % 2, axis=1)  # all even or all odd
    assert allowed.sum() > 10
    np.testing.assert_allclose(found, np.where(allowed, 256.0, 0.0), atol=1e-9)


def test_ideal_gas_is_one_at_every_q():
    # The mean over a box of exp(iq·r) vanishes on the reciprocal lattice: exactly 1, without a term of 1/N.
    rng = np.random.default_rng(5)
    types = ["A"] * 30 + ["B"] * 20
    states = [State(rng.uniform(0, 5, (50, 3)), 5.0, types=types) for _ in range(300)]
    recorder = recorder_of(StructureFactor(12.0, shells=30), states[0])
    for state in states:
        sample(recorder, state)
    data = recorder.result()
    assert np.all(np.abs(data.structure_factor - 1) < 4 * data.structure_factor_stderr)
    expected = np.array([1.0, 0.0, 1.0])[:, None]
    assert data.pair.values.tolist() == ["A-A", "A-B", "B-B"]
    assert np.all(np.abs(data.structure_factor_pair - expected) < 4 * data.structure_factor_pair_stderr)
    assert float(data.structure_factor_stderr.max()) < 0.05


def test_partials_add_up_to_the_total():
    x, box = liquid(BOXES["triclinic"])
    state = State(x, box, types=["Na"] * 10 + ["Cl"] * 25 + ["W"] * 35)
    data = measured(StructureFactor(9.0), state)
    share = {name: count / 70 for name, count in state.counts().items()}
    total = 0.0
    for pair in data.pair.values:
        a, b = pair.split("-")
        total = total + (1 + (a != b)) * np.sqrt(share[a] * share[b]) * data.structure_factor_pair.sel(pair=pair)
    np.testing.assert_allclose(total, data.structure_factor, rtol=1e-12)
    alone = measured(StructureFactor(9.0), State(x[:10], box)).structure_factor
    np.testing.assert_allclose(data.structure_factor_pair.sel(pair="Na-Na"), alone, rtol=1e-10)


def test_equals_freud():
    freud = pytest.importorskip("freud", reason="compares with freud")
    x, box = liquid([5.0, 4.0, 6.0], 200)
    theirs = freud.diffraction.StaticStructureFactorDirect(bins=37, k_max=9.0, num_sampled_k_points=0)
    theirs.compute((freud.box.Box.from_box([5, 4, 6]), x))
    # freud takes the octant of h ≥ 0 only, and q = 0; we take half of all directions.
    h = np.stack(np.meshgrid(*[np.arange(10)] * 3), axis=-1).reshape(-1, 3)[1:]
    q = np.linalg.norm(2 * np.pi * h / [5.0, 4.0, 6.0], axis=1)
    s = np.abs(density_modes(x, box, h[q < 9])) ** 2 / 200
    bins = (q[q < 9] / 9 * 37).astype(int)
    number = np.bincount(bins, minlength=37)
    expected = np.bincount(bins, s, 37)[number > 0] / number[number > 0]
    assert len(expected) > 20
    np.testing.assert_allclose(theirs.S_k[number > 0], expected, rtol=2e-4, atol=2e-4)  # freud is in single precision


def test_one_and_two_particles():
    one = measured(StructureFactor(8.0), State([[1.0, 2, 3]], 5.0))
    np.testing.assert_allclose(one.structure_factor, 1.0, rtol=1e-12)
    state = State([[0.0, 0, 0], [0.7, 0.2, 0]], 5.0)
    h, _ = lattice_vectors(state.box, 3.0)
    s = np.abs(density_modes(state.positions, state.box, h)) ** 2 / 2
    np.testing.assert_allclose(s, 1 + np.cos(2 * np.pi * h @ [0.14, 0.04, 0]), atol=1e-12)


def test_rotation_translation_image_and_order_of_particles_do_not_matter():
    rng = np.random.default_rng(2)
    x, box = liquid(BOXES["triclinic"])
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    observable = StructureFactor(8.0, shells=40, per_shell=None)
    expected = measured(observable, State(x, box)).structure_factor
    image = x + rng.integers(-2, 3, x.shape) @ box
    for moved, around in ((x @ turn, box @ turn), (x + 0.3, box), (image, box), (x[::-1], box)):
        np.testing.assert_allclose(measured(observable, State(moved, around)).structure_factor, expected, atol=1e-10)


def test_shells_use_at_most_as_many_vectors_as_asked():
    state = State(*liquid(5.0))
    every = measured(StructureFactor(12.0, shells=30, per_shell=None), state)
    some = measured(StructureFactor(12.0, shells=30, per_shell=10), state)
    assert int(some.structure_factor_vectors.max()) == 10 < int(every.structure_factor_vectors.max())
    assert int(every.structure_factor_vectors.sum()) == len(lattice_vectors(state.box, 12.0)[0])
    few = every.structure_factor_vectors.values <= 10
    assert 0 < few.sum() < len(few)
    np.testing.assert_allclose(some.structure_factor[few], every.structure_factor[few], rtol=1e-12)
    again = measured(StructureFactor(12.0, shells=30, per_shell=10), state)
    assert again.identical(some)
    other = measured(StructureFactor(12.0, shells=30, per_shell=10, seed=1), state)
    assert np.max(np.abs(other.structure_factor - some.structure_factor)) > 0.01


def test_options_that_make_no_sense():
    with pytest.raises(ValueError, match="positive q_max"):
        StructureFactor(0.0)
    with pytest.raises(ValueError, match="raise q_max"):
        recorder_of(StructureFactor(1.0), State([[0.0, 0, 0]], 5.0))


def test_a_remembered_recorder_goes_on_bit_for_bit():
    states = [State(*liquid(5.0, 40, seed), types=["A"] * 10 + ["B"] * 30) for seed in range(12)]
    observable = StructureFactor(8.0)
    first, whole, second = (recorder_of(observable, states[0]) for _ in range(3))
    for k, state in enumerate(states):
        sample(whole, state)
        if k == 5:
            second.remember(first.memory())
        sample(first if k < 5 else second, state)
    assert second.result().identical(whole.result())
