"""Beads that move: energies kept without friction, temperatures with it, pairs that are never missed, breakdowns that are told."""

from __future__ import annotations

import numpy as np
import pytest

import cg_data as cd

torch = pytest.importorskip("torch")
pytest.importorskip("vesin")
if True:  # after the skips
    from cg_models.schnet.bead_potential import BeadPotential, Prior
    from cg_models.schnet.candidates import Candidates, by_numpy, within
    from cg_models.schnet.dynamics import BeadDynamics
    from cg_models.schnet.graph import graph
    from cg_models.schnet.moving import MovingGraph
    from cg_models.schnet.network import SchNet, SchNetOptions

EDGE, CUTOFF, BEADS = 9.0, 3.0, 64
REPULSION = cd.GaussianCore(8.0, 0.8, cutoff=CUTOFF).force_shifted()
LATTICE = np.array(list(np.ndindex(4, 4, 4))) * EDGE / 4


def potential(kind=torch.float32):
    network = SchNet(SchNetOptions(cutoff=CUTOFF, features=12, filters=12, blocks=2), seed=3)
    return BeadPotential(network, Prior(between={(0, 0): REPULSION})).to(kind)


def dynamics(kind=torch.float32, systems=1, **options):
    pairs = MovingGraph(np.zeros(BEADS, dtype=int), np.full(3, EDGE), CUTOFF, skin=0.6, dtype=kind)
    settings = {"kT": 1.0, "dt": 0.01, "friction": 0.0, "seed": 2} | options
    return BeadDynamics(potential(kind), pairs, np.repeat(LATTICE[None], systems, axis=0), 1.0, **settings)


def test_moving_pairs_are_those_looked_for_anew_and_seldom_looked_for():
    moving, noise = (
        MovingGraph(np.zeros(BEADS, dtype=int), np.full(3, EDGE), CUTOFF, skin=0.6),
        np.random.default_rng(0),
    )
    x = LATTICE.copy()
    for _ in range(60):
        x += 0.03 * noise.normal(size=x.shape)
        now, anew = moving(x), graph(x, np.full(3, EDGE), CUTOFF)
        assert len(now.d) == len(anew.d)
        torch.testing.assert_close(now.d.sort()[0], anew.d.sort()[0], rtol=1e-6, atol=1e-6)
    assert 2 < moving.rebuilt < 30


def test_pairs_within_the_cutoff_are_those_of_numpy():
    noise = np.random.default_rng(1)
    i, j = (x.astype(np.int32) for x in np.triu_indices(20, 1))
    pairs = Candidates(i, j, EDGE * noise.integers(-1, 2, (len(i), 3)))
    x = EDGE * noise.random((20, 3))
    for found, wanted in zip(within(x, pairs, CUTOFF), by_numpy(x, pairs, CUTOFF), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-14)
    assert 0 < len(found) < len(i)


def test_energy_is_kept_without_friction():
    made = dynamics(torch.float64)
    kinetic = [1.5 * (BEADS - 1) * float(made.temperature()[0]) + float(made.energy[0])]
    for _ in range(4):
        made.run(100, every=100, keep=False)
        kinetic.append(1.5 * (BEADS - 1) * float(made.temperature()[0]) + float(made.energy[0]))
    assert np.ptp(kinetic) < 2e-3 * BEADS


def test_systems_side_by_side_are_those_systems_and_as_hot_as_asked():
    made = dynamics(systems=6, friction=2.0)
    run = made.run(600, every=20)
    assert run.stable
    assert run.positions.shape == (30, 6, BEADS, 3)
    mean, error = run.kT[10:].mean(), run.kT[10:].mean(axis=0).std() / np.sqrt(6)
    assert abs(mean - 1) < max(5 * error, 0.03)
    alone = made.potential(graph(made.x[4], np.full(3, EDGE), CUTOFF))
    torch.testing.assert_close(torch.from_numpy(made.forces[4]).float(), alone[1], rtol=2e-3, atol=2e-3)


def test_a_breakdown_is_told_not_raised():
    made = dynamics(systems=2, friction=1.0, dt=3.0)
    run = made.run(200, every=1)
    assert not run.stable
    assert (run.broke > 0).all()
