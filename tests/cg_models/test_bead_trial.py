"""Short dynamics tell potentials that run from potentials that do not, and leave a training as it was."""

from __future__ import annotations

import numpy as np
import pytest

import cg_data as cd

torch = pytest.importorskip("torch")
pytest.importorskip("vesin")
if True:  # after the skips
    from cg_models.schnet.bead_potential import BeadPotential, Prior
    from cg_models.schnet.force_matching import ForceMatcher, Matching, samples
    from cg_models.schnet.graph import graph
    from cg_models.schnet.network import SchNet, SchNetOptions
    from cg_models.schnet.trial import Trial, distribution

EDGE, CUTOFF = 9.0, 3.0
BOX = np.full(3, EDGE)
LATTICE = np.array(list(np.ndindex(6, 6, 6))) * EDGE / 6
TRIAL = Trial(LATTICE, BOX, 1.0, kT=1.0, dt=0.005, friction=2.0, steps=300, reach=4.0, bins=40)


def potential(prior):
    network = SchNet(SchNetOptions(cutoff=CUTOFF, features=8, filters=8, blocks=1), seed=3)
    with torch.no_grad():
        network.readout[-1].weight.zero_()
    return BeadPotential(network, Prior(between={(0, 0): prior}))


def test_beads_that_repel_are_a_liquid_and_beads_that_collapse_are_not():
    liquid = TRIAL(potential(cd.WCA()))
    assert liquid.stable
    assert liquid.lasted == 1.0
    assert 0.8 < liquid.closest < 1.1
    assert abs(liquid.kT - 1) < 0.15
    fallen = TRIAL(potential(cd.GaussianCore(-500.0, 0.3, cutoff=CUTOFF).force_shifted()))
    assert not fallen.stable
    assert fallen.lasted < 1
    assert liquid.trace.shape == (300 // 20, 1)
    assert abs(liquid.trace[5:].mean() - 1) < 0.1
    assert liquid.frames.shape[1:] == LATTICE.shape


def test_what_breaks_down_at_once_has_lasted_for_nothing():
    broken = potential(cd.WCA())
    with torch.no_grad():
        broken.network.readout[-1].bias.fill_(np.nan)
        broken.network.readout[-1].weight.fill_(np.nan)
    verdict = TRIAL(broken)
    assert not verdict.stable
    assert verdict.lasted == 0
    assert not verdict.g.any()


def test_g_of_pairs_of_different_molecules_tends_to_one():
    noise = np.random.default_rng(1)
    centers = noise.random((50, 60, 3)) * EDGE
    beads = (centers[:, :, None] + 0.3 * noise.normal(size=(50, 60, 3, 3))).reshape(50, 180, 3)
    molecule = np.repeat(np.arange(60), 3)
    _, between = distribution(beads, BOX, 4.0, 8, molecule)
    np.testing.assert_allclose(between[1:], 1, atol=0.03)
    _, every = distribution(beads, BOX, 4.0, 8)
    assert every[0] > 3 * between[0]


def test_a_trial_between_epochs_changes_nothing():
    frames = LATTICE + 0.05 * np.random.default_rng(2).normal(size=(4, *LATTICE.shape))
    taught = []
    for tried in (False, True):
        bead = potential(cd.WCA())
        known = samples(bead, [graph(x, BOX, CUTOFF) for x in frames], np.zeros_like(frames), np.zeros(4))
        matcher = ForceMatcher(bead, known[:3], known[3:], Matching(epochs=2, batch=2))
        matcher.epoch()
        if tried:
            with matcher.averaging() as averaged:
                TRIAL(averaged)
        taught.append(matcher.epoch())
    assert taught[0] == taught[1]
