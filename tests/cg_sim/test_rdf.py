"""Pair histograms and g(r): brute force in double precision, ideal gases, crystals, freud, MDAnalysis, invariances."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import cg_data as cd
from cg_sim.box import as_box, nearest_image, volume, widths
from cg_sim.engines.protocol import Frame
from cg_sim.lattices import fcc
from cg_sim.observables.pair_histogram import pair_histogram
from cg_sim.observables.protocol import Context
from cg_sim.observables.rdf import RDF
from cg_sim.state import State


def rotation(seed: int) -> np.ndarray:
    q = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]
    return q * np.sign(np.linalg.det(q))


TILTED = np.array([[9.0, 0, 0], [3.0, 8.0, 0], [-2.0, 2.5, 10.0]])
BOXES = {
    "cubic": as_box(9.0),
    "slab": as_box([25.0, 6.0, 7.0]),
    "column": as_box([5.5, 6.0, 30.0]),
    "tilted": TILTED,
    "rotated": TILTED @ rotation(1),
    "flat": np.array([[6.0, 0, 0], [5.0, 4.0, 0], [3.0, 3.0, 6.0]]),
}


def distances(x: np.ndarray, box: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    i, j = np.triu_indices(len(x), 1)
    return i, j, np.linalg.norm(nearest_image(x[j] - x[i], box), axis=1)


def brute(x, box, types, n_types, r_max, bins):
    i, j, r = distances(x, box)
    k = np.minimum((r * (bins / r_max)).astype(int), bins)
    counts = np.zeros((n_types, n_types, bins + 1), dtype=np.int64)
    np.add.at(counts, (np.minimum(types[i], types[j]), np.maximum(types[i], types[j]), k), 1)
    return counts[np.triu_indices(n_types)][:, :bins]


def random_gas(box: np.ndarray, n: int, seed: int, n_types: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.uniform(-2, 3, (n, 3)) @ box, rng.integers(0, n_types, n).astype(np.int32)  # images away from the box


@pytest.mark.parametrize("share", [1.0, 0.6, 0.1], ids=lambda s: f"r_max={s}·half")
@pytest.mark.parametrize("n", [1, 2, 3, 40, 500])
@pytest.mark.parametrize("name", BOXES)
def test_counts_are_those_of_brute_force(name, n, share):
    box = BOXES[name]
    r_max = share * 0.5 * widths(box).min()
    for n_types, bins in ((1, 200), (3, 20_000)):
        x, types = random_gas(box, n, n + bins, n_types)
        found = pair_histogram(x, box, types, n_types, r_max, bins)
        np.testing.assert_array_equal(found, brute(x, box, types, n_types, r_max, bins))


@pytest.mark.parametrize("name", ["cubic", "tilted"])
def test_lattices_with_distances_on_edges_count_as_in_double_precision(name):
    """Fractions in sixteenths put most distances on, or a rounding beside, an edge of 32 or 48 bins."""
    box = BOXES[name]
    x = np.random.default_rng(0).integers(-16, 32, (300, 3)) / 16 @ box
    types = np.zeros(300, dtype=np.int32)
    for bins in (32, 48):
        r_max = 0.5 * widths(box).min()
        np.testing.assert_array_equal(
            pair_histogram(x, box, types, 1, r_max, bins), brute(x, box, types, 1, r_max, bins)
        )


@pytest.mark.parametrize("off", [1e-7, 1e-9, 1e-11])
def test_a_pair_a_hair_beside_an_edge_is_in_its_bin(off):
    box, bins, r_max = as_box(10.0), 50, 5.0
    for k in range(1, bins):
        for sign in (-1, 1):
            x = np.array([[7.3, 1.0, 2.0], [7.3 + k * r_max / bins + sign * off, 1.0, 2.0]])
            found = pair_histogram(x, box, np.zeros(2, np.int32), 1, r_max, bins)
            assert np.flatnonzero(found[0]).tolist() == [k if sign > 0 else k - 1]


@pytest.mark.parametrize("name", BOXES)
def test_no_pair_is_missed_at_the_end_of_reach(name):
    """Partners at 0.9999 r_max along each face's normal: farthest in fractions of the box."""
    box, rng = BOXES[name], np.random.default_rng(8)
    r_max = 0.3 * widths(box).min()
    normals = (np.linalg.inv(box) * widths(box)).T
    first = rng.random((600, 3)) @ box
    x = np.concatenate([first, first + 0.9999 * r_max * normals[np.arange(600) % 3]])
    types = np.zeros(1200, dtype=np.int32)
    found = pair_histogram(x, box, types, 1, r_max, 1000)
    assert found[0, 999] >= 600
    np.testing.assert_array_equal(found, brute(x, box, types, 1, r_max, 1000))


@pytest.mark.parametrize("name", BOXES)
def test_counts_do_not_feel_rotation_images_or_order(name):
    box = BOXES[name]
    x, types = random_gas(box, 300, 5, 2)
    r_max, rng, order = 0.5 * widths(box).min(), np.random.default_rng(6), np.random.default_rng(7).permutation(300)
    found = pair_histogram(x, box, types, 2, r_max, 100)
    moved = {
        "rotation": (x @ rotation(2), box @ rotation(2), types),
        "images": (x + rng.integers(-5, 5, x.shape) @ box, box, types),
        "shift": (x + np.array([1.7, -20.3, 0.4]), box, types),
        "order": (x[order], box, types[order]),
        "lattice vectors": (x, box[[1, 2, 0]], types),
    }
    for what, (positions, cell, kinds) in moved.items():
        np.testing.assert_array_equal(pair_histogram(positions, cell, kinds, 2, r_max, 100), found, err_msg=what)


def test_fcc_shells():
    """12, 6, 24, 12, 24 neighbors at d·√1, √2, …; bins of d/4 + ε, so that no shell is near an edge."""
    state = fcc(864, 1.0)
    d = (4 / 1.0) ** (1 / 3) / np.sqrt(2)
    bins = 20
    r_max = 2.4 * d
    counts = pair_histogram(state.positions, state.box, state.types, 1, r_max, bins)[0]
    shells = {1: 12, 2: 6, 3: 24, 4: 12, 5: 24}
    expected = np.zeros(bins)
    for k, neighbors in shells.items():
        expected[int(np.sqrt(k) * d / r_max * bins)] += neighbors * 864 / 2
    assert counts.tolist() == expected.tolist()


def context(state: State, kT: float = 1.0) -> Context:
    return Context(state, kT, 0.005, 3 * state.n - 3, 10)


def frame(state: State) -> Frame:
    return Frame(state, 0.0, 0.0, np.zeros((3, 3)), np.zeros((state.n, 3)))


def gas_frames(n: int, frames: int, seed: int, box=4.0, **options):
    rng = np.random.default_rng(seed)
    for _ in range(frames):
        cell = as_box(box * rng.uniform(0.8, 1.2)) if np.isscalar(box) else box
        yield State(rng.random((n, 3)) @ cell, cell, **options)


@pytest.mark.parametrize(("n", "box"), [(2, 4.0), (3, 4.0), (60, 4.0), (60, TILTED)])
def test_an_ideal_gas_of_any_number_has_g_of_one(n, box):
    """Also in a box that changes; a normalization by N² would be wrong by half at N = 2."""
    states = list(gas_frames(n, 2000, n, box))
    r_max = min(0.5 * widths(s.box).min() for s in states)
    recorder = RDF(r_max, bins=4).start(context(states[0]))
    for state in states:
        recorder.sample(frame(state))
    found = recorder.result()
    seen = found.g_count.values[0] > 40  # pairs: fewer have no Gaussian error
    z = ((found.g - 1) / found.g_stderr).values[0][seen]
    assert seen.sum() >= 3
    assert np.all(np.abs(z) < 4)
    whole = found.g_count.values.sum()
    expected = sum(n * (n - 1) / 2 * 4 / 3 * np.pi * r_max**3 / volume(s.box) for s in states)
    assert abs(whole - expected) < 4 * np.sqrt(expected)
    assert float(found.density[0]) == pytest.approx(np.mean([s.density for s in states]), rel=1e-12)


def test_unlike_pairs_of_an_ideal_mixture():
    types = ["W"] * 10 + ["B"] * 30
    states = list(gas_frames(40, 1500, 3, types=types))
    recorder = RDF(1.6, bins=8).start(context(states[0]))
    for state in states:
        recorder.sample(frame(state))
    found = recorder.result()
    assert found.pair.values.tolist() == ["B-B", "B-W", "W-W"]
    assert found.particles.sel(type="B") == 30
    seen = found.g_count.values > 100
    z = ((found.g - 1) / found.g_stderr).values[seen]
    assert len(z) > 18
    assert np.all(np.abs(z) < 4)


def test_the_result_is_a_target():
    state = fcc(256, 0.8, composition={"A": 0.25, "B": 0.75}, kT=1.0)
    recorder = RDF(2.5, bins=50).start(context(state, kT=1.3))
    rng = np.random.default_rng(0)
    for _ in range(20):
        recorder.sample(frame(replace(state, positions=state.positions + 0.05 * rng.normal(size=(256, 3)))))
    target = cd.target(recorder.result())
    assert target.attrs["normalization"] == "N(N-1)"
    assert float(target.kT) == 1.3
    assert float(target.density.sel(type="B")) == pytest.approx(0.6)
    a = target.sel(pair="A-A")
    counted = cd.coordination_number(a.r, a.g, density=63 / state.volume, upto=2.5)  # N − 1 others
    exact = 2 * int(recorder.result().g_count.sel(pair="A-A").sum()) / (20 * 64)
    assert counted == pytest.approx(exact, rel=1e-12)


def test_a_single_frame_has_no_error_and_is_a_target_still():
    state = fcc(108, 0.8)
    recorder = RDF(2.0).start(context(state))
    recorder.sample(frame(state))
    assert "g_stderr" not in cd.target(recorder.result())


def test_errors_say_what_to_do():
    state = fcc(108, 0.8)
    half = 0.5 * widths(state.box).min()
    recorder = RDF(half).start(context(state))
    recorder.sample(frame(state))  # exactly half the box is allowed
    with pytest.raises(ValueError, match="take a larger box"):
        RDF(half * 1.001).start(context(state))
    with pytest.raises(ValueError, match="take a larger box"):  # a box that shrinks
        recorder.sample(frame(replace(state, box=state.box * 0.99)))
    with pytest.raises(ValueError, match="one particle makes no pair"):
        RDF(1.0).start(context(State([[0.0, 0, 0]], 5.0)))
    for bad in ({"r_max": 0.0}, {"r_max": 1.0, "bins": 1}):
        with pytest.raises(ValueError, match="RDF needs"):
            RDF(**bad)
    with pytest.raises(ValueError, match="particle 1 is not finite"):
        pair_histogram(np.array([[0.0, 0, 0], [np.nan, 0, 0]]), as_box(5.0), np.zeros(2, np.int32), 1, 1.0, 5)
    with pytest.raises(ValueError, match="one code 0…0"):
        pair_histogram(np.zeros((2, 3)), as_box(5.0), np.array([0, 1], np.int32), 1, 1.0, 5)


def test_one_particle_of_a_type_has_no_pair_of_its_own():
    state = State([[0.0, 0, 0], [1.0, 0, 0], [0, 1.0, 0]], 5.0, types=["A", "B", "B"])
    assert RDF(2.0).start(context(state)).result().pair.values.tolist() == ["A-B", "B-B"]


def test_recorders_continue_bit_for_bit():
    states = list(gas_frames(30, 100, 1))
    whole, first, second = (RDF(1.5, bins=20).start(context(states[0])) for _ in range(3))
    for state in states:
        whole.sample(frame(state))
    for state in states[:41]:
        first.sample(frame(state))
    second.remember(first.memory())
    for state in states[41:]:
        second.sample(frame(state))
    assert whole.result().identical(second.result())
    for name, array in whole.memory().items():
        assert array.tobytes() == second.memory()[name].tobytes()


def clear_of_edges(x: np.ndarray, box: np.ndarray, r_max: float, bins: int) -> np.ndarray:
    """Drop particles with a distance so near an edge that single precision may bin it elsewhere."""
    i, _, r = distances(x, box)
    b = r * bins / r_max
    return np.delete(x, np.unique(i[np.abs(b - np.rint(b)) < 1e-3]), axis=0)


@pytest.mark.parametrize("name", ["cubic", "tilted"])
def test_equal_to_freud(name):
    freud = pytest.importorskip("freud", reason="freud-analysis is an optional reference")
    box = BOXES[name]
    r_max, bins = 0.45 * widths(box).min(), 40
    x = np.random.default_rng(1).random((150, 3)) @ box - 0.5 * box.sum(axis=0)
    x = clear_of_edges(x.astype(np.float32).astype(float), box, r_max, bins)
    theirs = freud.density.RDF(bins=bins, r_max=r_max, normalization_mode="finite_size")
    theirs.compute((freud.box.Box.from_matrix(box.T), x.astype(np.float32)))
    state = State(x, box)
    recorder = RDF(r_max, bins=bins).start(context(state))
    recorder.sample(frame(state))
    found = recorder.result()
    assert state.n > 80
    np.testing.assert_array_equal(2 * found.g_count.values[0], theirs.bin_counts)  # freud counts i–j and j–i
    np.testing.assert_allclose(found.g.values[0], theirs.rdf, rtol=1e-5)  # freud divides in single precision
    shells = cd.shell_volumes(found.r) * state.density * (state.n - 1)
    np.testing.assert_allclose(found.g.values[0], theirs.bin_counts / shells, rtol=1e-10)


def test_equal_to_mdanalysis():
    mda = pytest.importorskip("MDAnalysis", reason="MDAnalysis is an optional reference")
    from MDAnalysis.analysis.rdf import InterRDF

    box, r_max, bins = as_box(8.0), 3.5, 40
    x = (np.random.default_rng(2).random((200, 3)) @ box).astype(np.float32).astype(float)
    x = clear_of_edges(x, box, r_max, bins)
    universe = mda.Universe.empty(len(x), trajectory=True)
    universe.atoms.positions = x
    universe.dimensions = [8.0, 8.0, 8.0, 90, 90, 90]
    theirs = InterRDF(universe.atoms, universe.atoms, nbins=bins, range=(0, r_max), exclusion_block=(1, 1)).run()
    state = State(x, box)
    recorder = RDF(r_max, bins=bins).start(context(state))
    recorder.sample(frame(state))
    np.testing.assert_allclose(recorder.result().g.values[0], theirs.results.rdf, rtol=1e-10)
