"""The embedded engine's cell and neighbor lists, seen through forces: whatever the box, every pair counts once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cg_data as cd
import cg_sim as cs
from cg_sim.box import nearest_image, widths
from cg_sim.engines.cpu.kernels.cells import PADDING, list_triclinic, sort_by_cell, to_grid
from cg_sim.engines.cpu.session import start
from cg_sim.engines.protocol import BlowUp, Job

SOFT = cd.GaussianCore(epsilon=1.0, sigma=0.6, cutoff=1.3)
BOXES = {
    "cube": np.diag([4.0, 4.0, 4.0]),
    "exactly two cutoffs": np.diag([2.6, 2.6, 2.6]),
    "slab": np.diag([2.6, 9.0, 5.0]),
    "rod": np.diag([30.0, 3.0, 2.7]),
    "triclinic": np.array([[4.0, 0, 0], [1.5, 4.2, 0], [-1.0, 0.8, 5.0]]),
    "rotated": np.array([[0.0, 5.0, 0], [0, 0.5, 6.0], [5.5, 0, 1.0]]),
}


def brute_force(state, potential):
    """Return energy, virial and forces by a double sum over nearest images."""
    i, j = np.triu_indices(state.n, 1)
    d = nearest_image(state.positions[i] - state.positions[j], state.box)
    r = np.linalg.norm(d, axis=1)
    pair = (potential.force(r) / r)[:, None] * d
    forces = np.zeros_like(state.positions)
    np.add.at(forces, i, pair)
    np.add.at(forces, j, -pair)
    return float(potential.energy(r).sum()), pair.T @ d, forces


@pytest.mark.parametrize("box", BOXES.values(), ids=BOXES)
@pytest.mark.parametrize("n", [1, 2, 3, 17, 400])
def test_forces_are_those_of_all_pairs(box, n):
    rng = np.random.default_rng(n)
    state = cs.State(rng.uniform(-1.5, 2.5, (n, 3)) @ box, box)
    table = SOFT.table(500)
    energy, virial, forces = brute_force(state, table)
    found = cs.pair_forces(state, table)
    assert found.energy == pytest.approx(energy, rel=1e-11, abs=1e-11)
    np.testing.assert_allclose(found.virial, virial, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.forces, forces, rtol=1e-10, atol=1e-10)


def test_a_box_below_two_cutoffs_is_refused():
    state = cs.State([[0.0, 0, 0]], [2.59, 5.0, 5.0])
    with pytest.raises(ValueError, match=r"cutoff is 1.3, more than half the box's smallest width 2.59"):
        cs.pair_forces(state, SOFT)


def test_particles_on_faces_and_beyond():
    """Positions at 0, L, −0 and the float below 0 sit in one cell or the other, never in none."""
    edge = [0.0, -0.0, 4.0, -1e-17, np.nextafter(4.0, 0), np.nextafter(0, -1), 8.0, -4.0]
    x = np.array([[a, b, 1.0 + 0.3 * k] for k, (a, b) in enumerate(zip(edge, edge[::-1], strict=True))])
    state = cs.State(x, 4.0)
    table = SOFT.table(500)
    energy, _, forces = brute_force(state, table)
    found = cs.pair_forces(state, table)
    assert found.energy == pytest.approx(energy, rel=1e-11)
    np.testing.assert_allclose(found.forces, forces, atol=1e-11)


@settings(max_examples=60, deadline=None)
@given(
    lengths=st.tuples(*[st.floats(2.05, 14.0)] * 3), tilt=st.tuples(*[st.floats(-0.5, 0.5)] * 3),
    n=st.integers(0, 120), seed=st.integers(0, 2**31),
)  # fmt: skip
def test_sorted_pairs_equal_brute_force(lengths, tilt, n, seed):
    """Lists themselves, over boxes, reaches and densities, with rows wide enough and cells counted by the engine."""
    from cg_sim.engines.cpu.kernels.cells import count_cells

    box = np.diag(lengths)
    box[1, 0], box[2, 0], box[2, 1] = tilt[0] * lengths[0], tilt[1] * lengths[0], tilt[2] * lengths[1]
    reach = 0.5 * float(widths(box).min())
    x = np.ascontiguousarray((np.random.default_rng(seed).random((n, 3)) @ box).T)
    inverse, cells = np.linalg.inv(box), np.zeros(3, dtype=np.int64)
    count_cells(widths(box), reach, 4 * n + 108, cells)
    order, starts, cell_of = np.empty(n, np.int64), np.zeros(4 * n + 109, np.int64), np.empty(n, np.int32)
    sort_by_cell(x, inverse, cells, order, starts, cell_of)
    assert sorted(order) == list(range(n))
    x = np.ascontiguousarray(x[:, order])
    grid, rows, counts = np.zeros((3, n + PADDING), np.int32), np.empty((n, 160), np.int32), np.zeros(n, np.int64)
    to_grid(0, n, x, inverse, grid)
    scales = (box / 2**32).astype(np.float32).ravel()
    list_triclinic(0, cells[1] * cells[2], grid, cells, starts, scales, reach**2, rows, counts)
    listed = {(i, int(j)) for i in range(n) for j in rows[i, : counts[i]]}
    i, j = np.triu_indices(n, 1)
    r = np.linalg.norm(nearest_image(x.T[i] - x.T[j], box), axis=1)
    sure, maybe = r < reach * (1 - 1e-5), r < reach * (1 + 1e-5)
    both = {*zip(i[sure], j[sure], strict=True), *zip(j[sure], i[sure], strict=True)}
    assert both <= listed <= {*zip(i[maybe], j[maybe], strict=True), *zip(j[maybe], i[maybe], strict=True)}


def session(state, potential, **options):
    job = {"kT": 1.0, "dt": 0.005, "thermostat": cs.NVE(), **options}
    return start(Job(state, cd.as_interactions(potential), **job))


@pytest.mark.parametrize("precision", ["double", "single"])
def test_fast_particles_find_each_other(precision):
    """Two particles fly at each other from far out of reach: the skin must be renewed in time, at every step."""
    table = cd.GaussianCore(epsilon=50.0, sigma=0.5, cutoff=1.5).shifted().table(2000)
    state = cs.State([[1.0, 1.0, 1.0], [9.0, 1.0, 1.0]], 12.0, [[3.0, 0, 0], [-3.0, 0, 0]])
    run = session(state, table, dt=0.0005, precision=precision)
    start_energy = state.kinetic_energy
    for _ in range(100):
        run.advance(40)
        frame = run.frame()
        assert frame.energy + frame.state.kinetic_energy == pytest.approx(start_energy, abs=1e-3)  # 4e-4 is ∝ dt²
    assert frame.state.velocities[0, 0] < -2.99  # it has bounced: the speed is back, the sign is not


def test_lists_grow_when_a_cluster_forms():
    """A dilute gas with one dense droplet overfills rows sized for the mean density: they grow, nothing is lost."""
    rng = np.random.default_rng(3)
    x = np.concatenate([rng.uniform(0, 40, (200, 3)), 20 + rng.uniform(-1, 1, (400, 3))])
    table = SOFT.table(500)
    state = cs.State(x, 40.0)
    energy, _, forces = brute_force(state, table)
    found = cs.pair_forces(state, table)
    assert found.energy == pytest.approx(energy, rel=1e-11)
    np.testing.assert_allclose(found.forces, forces, rtol=1e-9, atol=1e-9)


def test_images_permutations_and_rotations_change_nothing():
    rng = np.random.default_rng(5)
    state = cs.fcc(256, 0.8)
    x = state.positions + 0.05 * rng.standard_normal((256, 3))
    table = cd.LennardJones(cutoff=2.5).table(1000)
    plain = cs.pair_forces(cs.State(x, state.box), table)
    shifted = cs.pair_forces(cs.State(x + rng.integers(-3, 4, x.shape) @ state.box, state.box), table)
    order = rng.permutation(256)
    permuted = cs.pair_forces(cs.State(x[order], state.box), table)
    q, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    q *= np.sign(np.linalg.det(q))
    turned = cs.pair_forces(cs.State(x @ q, state.box @ q), table)
    for other in (shifted, permuted, turned):
        assert other.energy == pytest.approx(plain.energy, rel=1e-12)
    np.testing.assert_allclose(shifted.forces, plain.forces, atol=1e-9)
    np.testing.assert_allclose(permuted.forces, plain.forces[order], atol=1e-9)
    np.testing.assert_allclose(turned.forces, plain.forces @ q, atol=1e-9)
    assert np.abs(plain.forces.sum(axis=0)).max() < 1e-10


@pytest.mark.parametrize(("dt", "what"), [(0.2, "moves"), (0.02, "apart|moves")])
def test_a_blow_up_is_caught_with_its_place(dt, what):
    state = cs.fcc(108, 1.1, kT=300.0, seed=2)
    run = session(state, cd.LennardJones(cutoff=2.3), dt=dt)
    with pytest.raises(BlowUp, match=what) as caught:
        run.advance(5000)
    error = caught.value
    assert 0 <= error.step <= 5000
    assert 1 <= len(error.particles) <= 2
    assert error.state is not None
    assert error.state.step <= error.step
    assert np.all(np.isfinite(error.state.positions))


def test_an_overlapping_start_names_the_pair():
    x = cs.fcc(108, 0.7).positions.copy()
    x[40] = x[7] + [1e-3, 0, 0]
    with pytest.raises(BlowUp, match=r"step 0: particles (7 and 40|40 and 7) are 0.001 apart"):
        session(cs.State(x, cs.fcc(108, 0.7).box), cd.LennardJones(cutoff=2.5))


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("thermostat", [cs.NVE(), cs.Langevin(), cs.NoseHoover(), cs.Bussi()], ids=repr)
def test_threads_change_no_bit(thermostat, precision):
    state = cs.fcc(4000, 0.7, kT=1.0, seed=3)
    ends = []
    for threads in (1, 2, 3):
        run = session(state, cd.LennardJones(cutoff=2.5), thermostat=thermostat, threads=threads, precision=precision)
        run.advance(60)
        ends.append(run.state())
        run.close()
    assert np.array_equal(ends[0].positions, ends[1].positions)
    assert np.array_equal(ends[0].velocities, ends[2].velocities)


def fresh_energy(state, potential):
    return session(state, potential).frame().energy


@pytest.mark.parametrize(("density", "speed"), [(0.1, 20.0), (0.2, 20.0), (0.3, 20.0)])
def test_a_frame_right_after_the_skin_adapts_has_a_list(density, speed):
    """The skin follows after each advance; what a frame then sees must be what a fresh session sees."""
    state = cs.fcc(500, density, kT=1.5 * speed**2, seed=1)
    table = cd.LennardJones(cutoff=2.5).table(1000)
    run = session(state, table, dt=0.02 / speed, kT=1.5 * speed**2)
    for _ in range(4):
        run.advance(8)
        frame = run.frame()
        assert frame.energy == pytest.approx(fresh_energy(frame.state, table), rel=1e-10)


def test_tilted_boxes_of_two_cutoffs_lose_no_pair():
    """Beyond half a tilted box's width the rounded image need not be the nearest: lists may not reach there."""
    box = np.array([[1.0, 0, 0], [0.49, 0.87, 0], [0.3, 0.3, 0.9]])
    box *= 2 * 2.5 * 1.0001 / widths(box).min()
    table = cd.LennardJones(cutoff=2.5).table(1000)
    rng = np.random.default_rng(0)
    missed = 0
    for _ in range(300):
        u = rng.standard_normal(3)
        u /= np.linalg.norm(u)
        state = cs.State([[0, 0, 0], 2.56 * u], box, [u, -u])
        missed += float(np.linalg.norm(nearest_image(2.56 * u[None], box))) > 2.81
        run = session(state, table, dt=0.01)
        run.advance(8)
        frame = run.frame()
        assert frame.energy == pytest.approx(fresh_energy(frame.state, table), rel=1e-10)
        assert frame.energy < -0.01
    assert missed > 0, "no direction showed the difference: the box is not tilted enough to test it"


def test_a_fast_shrinking_box_loses_no_pair():
    state = cs.State([[0.0, 0, 0], [1.9, 0, 0]], 5.0)
    table = cd.LennardJones(cutoff=1.6).table(1000)
    run = session(
        state, table, kT=1.5, dt=0.004, seed=5, barostat=cs.CellRescaling(50.0, tau=0.1, compressibility=0.1, every=1)
    )
    met = 0
    for _ in range(5):
        run.advance(1)
        frame = run.frame()
        met += frame.energy != 0
        assert frame.energy == pytest.approx(fresh_energy(frame.state, table), rel=1e-10, abs=1e-12)
    assert met > 0


@pytest.mark.parametrize("pressure", [1e6, -1e6, -1e9])
def test_a_wild_barostat_is_stopped_before_the_box_is_no_number(pressure):
    for seed in range(4):
        run = session(
            cs.fcc(108, 0.7, kT=1.0), cd.LennardJones(cutoff=2.0), thermostat=cs.Langevin(), seed=seed,
            barostat=cs.CellRescaling(pressure),
        )  # fmt: skip
        with pytest.raises(BlowUp, match="the barostat would change the box by more than 20%"):
            run.advance(200)
        assert np.all(np.isfinite(run.state().positions))


@pytest.mark.parametrize("precision", ["double", "single"])
def test_an_overlap_of_a_hard_pair_is_seen_beside_soft_ones(precision):
    """Each pair has its own nearest distance: the soft pairs' zero must not excuse the hard one."""
    soft = cd.GaussianCore(epsilon=1.0, sigma=1.0, cutoff=2.0)
    pairs = {("A", "A"): cd.LennardJones(cutoff=2.0), ("A", "B"): soft, ("B", "B"): soft}
    x = [[1.0, 1, 1], [1.3, 1, 1], [5, 5, 5], [5.1, 5, 5]]
    with pytest.raises(BlowUp, match="apart"):
        session(cs.State(x, 8.0, types=["A", "A", "B", "B"]), pairs, precision=precision)
    session(cs.State(x, 8.0, types=["B", "B", "A", "B"]), pairs, precision=precision)
