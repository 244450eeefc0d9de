"""Priors read from tables: what the potentials themselves say of every pair, at any distance, and forces that keep energies."""

from __future__ import annotations

import numpy as np
import pytest

import cg_data as cd
from cg_data.pair_table import error_scale

torch = pytest.importorskip("torch")
pytest.importorskip("vesin")
pytest.importorskip("numba")
if True:  # after the skips
    from cg_models.schnet import prior_curves
    from cg_models.schnet.bead_potential import BeadPotential, Prior
    from cg_models.schnet.dynamics import BeadDynamics
    from cg_models.schnet.graph import Graph, graph, joined
    from cg_models.schnet.moving import MovingGraph
    from cg_models.schnet.network import SchNet, SchNetOptions
    from cg_models.schnet.prior_curves import PriorCurves

CORE = cd.PowerLaw(2.5, 5.0, 7, cutoff=8.0).force_shifted()
LJ = cd.LennardJones(2.5, 5.0, cutoff=8.0)
BOND = cd.Harmonic(5000.0, 1.5, cutoff=3.0)
SMOOTH = {
    "core": cd.PowerLaw(2.5, 5.0, 7, cutoff=8.0),
    "core, force-shifted": CORE,
    "steeper core": cd.PowerLaw(2.5, 4.0, 24, cutoff=8.0).force_shifted(),
    "Lennard-Jones": LJ,
    "Lennard-Jones, force-shifted": LJ.force_shifted(),
    "Lennard-Jones, small": cd.LennardJones(0.5, 2.0, cutoff=12.0).smooth_cut(10.0),
    "WCA": cd.WCA(2.5, 5.0),
    "stiff bond": BOND,
    "Gaussian": cd.GaussianCore(8.0, 0.8, cutoff=3.0).force_shifted(),
    "charges": cd.Yukawa(5.0, 0.5, cutoff=8.0),
}
RUGGED = {
    "no end": cd.Harmonic(100.0, 1.5),
    "Akima's spline": cd.akima(np.linspace(2, 8, 30), LJ.energy(np.linspace(4.6, 8, 30))),
    "a step inside": cd.LennardJones(2.5, 5.0, cutoff=6.1) + cd.GaussianCore(1.0, 3.0, cutoff=8.0),
}


def pairs(d, types=(0, 0)) -> Graph:
    """Return two beads as often as there are distances."""
    r = torch.as_tensor(d, dtype=torch.float64)
    i, j = torch.zeros(len(r), dtype=torch.int32), torch.ones(len(r), dtype=torch.int32)
    return Graph(i, j, r, torch.tensor([[1.0, 0, 0]]).repeat(len(r), 1), torch.tensor(types), torch.zeros(2).long())


def found(potential, d) -> tuple[np.ndarray, np.ndarray]:
    energy, slope = PriorCurves({(0, 0): potential})(pairs(d))
    return energy.numpy(), slope.numpy()


def begin(potential) -> float:
    return float(PriorCurves({(0, 0): potential}).tables.start[0])


@pytest.mark.parametrize("name", SMOOTH)
def test_tables_are_the_potentials(name):
    potential = SMOOTH[name]
    assert begin(potential) < 0.5 * potential.cutoff  # there is a table
    d = np.random.default_rng(0).uniform(max(begin(potential), 1e-3), 1.05 * potential.cutoff, 100_000)
    energy, slope = found(potential, d)
    right, scale = potential.force(d), error_scale(potential)
    assert np.max(np.abs(slope + right) / np.maximum(np.abs(right), scale[1])) < 1e-6
    u = potential.energy(d)
    assert np.max(np.abs(energy - u) / np.maximum(np.abs(u), scale[0])) < 1e-6


@pytest.mark.parametrize("name", SMOOTH)
def test_slopes_are_those_of_the_table_itself(name):
    potential, h = SMOOTH[name], 1e-5
    d = np.random.default_rng(1).uniform(max(begin(potential), 0.3) + h, potential.cutoff - h, 10_000)
    (up, _), (down, _), (_, slope) = (found(potential, x) for x in (d + h, d - h, d))
    scale = np.maximum(np.abs(slope), error_scale(potential)[1])
    assert np.max(np.abs((up - down) / (2 * h) - slope) / scale) < 1e-6


@pytest.mark.parametrize("name", ["core, force-shifted", "steeper core", "Lennard-Jones", "WCA", "charges"])
def test_nearer_than_a_table_begins_the_potential_goes_on_without_a_step(name):
    potential = SMOOTH[name]
    start = begin(potential)
    d = np.linspace(0.3, 1, 50, endpoint=False) * start
    energy, slope = found(potential, d)
    np.testing.assert_array_equal(energy, potential.energy(d))
    np.testing.assert_array_equal(slope, -potential.force(d))
    for side in found(potential, [start * (1 - 1e-14), start]):
        assert side[0] == pytest.approx(side[1], rel=1e-11)


@pytest.mark.parametrize("name", RUGGED)
def test_what_no_table_follows_is_the_potential_itself(name):
    potential = RUGGED[name]
    d = np.linspace(0.5, 9, 500)
    energy, slope = found(potential, d)
    np.testing.assert_array_equal(energy, potential.energy(d))
    np.testing.assert_array_equal(slope, -potential.force(d))


def test_tables_that_were_read_are_followed_to_rounding():
    for table in (LJ.table(300), CORE.table(2000, r_min=3.0, inner="power")):
        d = np.random.default_rng(2).uniform(2.5, 8.1, 2000)
        energy, slope = found(table, d)
        np.testing.assert_allclose(energy, table.energy(d), rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(slope, -table.force(d), rtol=1e-10, atol=1e-10)


def test_a_table_that_says_so_is_not_continued():
    with pytest.raises(ValueError, match="first trusted"):
        found(LJ.table(300, r_min=4.0, inner="error"), [3.9])


def test_a_table_ends_where_its_potential_does():
    """At the cutoff itself, as single precision holds it, and just inside, where a truncated potential still has its step."""
    energy, slope = found(LJ, [np.nextafter(8.0, 0), 8.0, 8.5])
    assert energy[0] == pytest.approx(float(LJ.energy(7.9999999)), rel=1e-6)
    assert energy[1:].tolist() == slope[1:].tolist() == [0, 0]


def liquid(seed, n=24, edge=17.0) -> Graph:
    """Return dimers of types 0 and 1 and single beads of type 2, which the prior does not know; a few nearly overlap."""
    noise = np.random.default_rng(seed)
    first, turn = noise.random((n, 1, 3)) * edge, noise.normal(size=(n, 1, 3))
    dimers = np.concatenate([first, first + 1.6 * turn / np.linalg.norm(turn, axis=-1, keepdims=True)], axis=1)
    x = np.concatenate([dimers.reshape(-1, 3), noise.random((n, 3)) * edge])
    types, molecule = np.r_[np.tile([0, 1], n), np.full(n, 2)], np.r_[np.repeat(np.arange(n), 2), n + np.arange(n)]
    return graph(x, [edge] * 3, 8.0, types=types, molecule=molecule, inner_cutoff=3.0, dtype=torch.float64)


PRIOR = {"between": {(0, 0): CORE, (1, 0): LJ, (1, 1): RUGGED["a step inside"]}, "inside": {(0, 1): BOND}}


def test_types_molecules_and_frames_are_kept_apart():
    frames = [liquid(0), liquid(1, n=9), liquid(2)]
    energy, forces = Prior(**PRIOR)(joined(frames))
    begins = 0
    for k, frame in enumerate(frames):
        u, f = 0.0, np.zeros((len(frame.types), 3))
        for of, curves in ((frame, PRIOR["between"]), (frame.inside, PRIOR["inside"])):
            for p in range(len(of.d)):
                i, j, d = int(of.i[p]), int(of.j[p]), float(of.d[p])
                a, b = int(of.types[i]), int(of.types[j])
                if (curve := curves.get((a, b), curves.get((b, a)))) is not None:
                    u += float(curve.energy(d))
                    along = float(curve.force(d)) * of.direction[p].numpy()
                    f[i] -= along
                    f[j] += along
                    begins += d < begin(curve)
        own = slice(sum(len(x.types) for x in frames[:k]), sum(len(x.types) for x in frames[: k + 1]))
        assert float(energy[k]) == pytest.approx(u, rel=1e-7)
        np.testing.assert_allclose(forces[own], f, rtol=1e-6, atol=1e-6)
    assert begins > 10  # pairs of which the potentials themselves were asked


def test_without_numba_the_same_comes_out(monkeypatch):
    frame = joined([liquid(0), liquid(1)])
    fast = Prior(**PRIOR)(frame)
    monkeypatch.setattr(prior_curves, "KERNELS", False)
    for a, b in zip(fast, Prior(**PRIOR)(frame), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-7, atol=1e-6)


def test_pairs_in_single_precision_are_those_in_double():
    frame = liquid(3)
    double, single = Prior(**PRIOR)(frame), Prior(**PRIOR)(frame.to(torch.float32))
    assert single[1].dtype == torch.float32
    largest = float(double[1].abs().max())
    assert float((single[1] - double[1]).abs().max()) < 1e-5 * largest


def test_energies_are_kept_to_the_order_of_the_integrator():
    """Dimers with stiff bonds and steep cores, no network: the error of U + K falls with dt², so it is that of steps alone."""
    network = SchNet(SchNetOptions(types=2, cutoff=8.0, features=4, filters=4, blocks=1))
    with torch.no_grad():
        for p in network.parameters():
            p.zero_()
    prior = Prior(between=dict.fromkeys([(0, 0), (0, 1), (1, 1)], CORE), inside={(0, 1): BOND})
    lattice = np.array(list(np.ndindex(3, 3, 3))) * 6.0
    x = np.stack([lattice, lattice + np.array([0.9, 0.9, 0.85])], axis=1).reshape(-1, 3)
    errors = []
    for dt in (0.004, 0.002):
        pairs = MovingGraph(
            np.tile([0, 1], 27), [18.0] * 3, 8.0, molecule=np.repeat(np.arange(27), 2), inner_cutoff=3.0,
            dtype=torch.float64,
        )  # fmt: skip
        run = BeadDynamics(BeadPotential(network, prior).double(), pairs, x, 1.0, kT=2.5, dt=dt, friction=0.0, seed=4)
        found = run.run(round(2.0 / dt), every=round(0.04 / dt))
        errors.append((found.energy + 1.5 * 53 * found.kT).std())
    assert 3 < errors[0] / errors[1] < 5.5
    assert errors[1] < 1e-2 * 2.5 * 54
