"""Force matching: a known many-body potential is learned from its forces, priors are left out, trainings go on bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

import cg_data as cd

torch = pytest.importorskip("torch")
pytest.importorskip("vesin")
if True:  # after the skips
    from cg_models.schnet.bead_potential import BeadPotential, Prior
    from cg_models.schnet.force_matching import ForceMatcher, Matching, samples, split
    from cg_models.schnet.graph import graph
    from cg_models.schnet.network import SchNet, SchNetOptions

EDGE, CUTOFF = 8.0, 3.0
KNOWN = cd.GaussianCore(3.0, 1.0, cutoff=CUTOFF).force_shifted()
CORE = cd.PowerLaw(1.0, 0.8, 8, cutoff=CUTOFF).force_shifted()
OPTIONS = SchNetOptions(cutoff=CUTOFF, features=16, filters=16, blocks=2, radial=12)


def frames(count=24, beads=30):
    noise = np.random.default_rng(0)
    graphs = [graph(noise.random((beads, 3)) * EDGE, np.full(3, EDGE), CUTOFF) for _ in range(count)]
    truth = Prior(between={(0, 0): KNOWN})
    each = [truth(g) for g in graphs]
    return graphs, [f.numpy() for _, f in each], [float(e[0]) + 2.5 * beads for e, _ in each]


def matcher(seed=1, prior=None, **settings):
    potential = BeadPotential(SchNet(OPTIONS, seed=seed), prior)
    graphs, forces, energies = frames()
    learn, held = split(len(graphs), 0.2)
    given = samples(potential, graphs, forces, energies)
    return ForceMatcher(potential, [given[k] for k in learn], [given[k] for k in held], Matching(batch=4, **settings))


def test_forces_of_frames_not_seen_are_learned_and_energies_with_them():
    taught = matcher(epochs=60, rate=5e-3, last_rate=3e-4, energy_weight=1e-2, average=0.9)
    scale = np.sqrt(np.mean([float((s.forces**2).mean()) for s in taught.validate]))
    errors = list(taught.run())
    assert len(errors) == 60
    assert errors[-1].validation_force < 0.15 * scale
    assert errors[-1].validation_energy < 0.02
    assert 2.0 < float(taught.potential.offset) < 4.0  # 2.5 and the mean of the Gaussians


def test_what_a_prior_knows_is_not_learned_again():
    taught = matcher(epochs=1, prior=Prior(between={(0, 0): KNOWN}))
    assert max(float(s.forces.abs().max()) for s in taught.learn) < 1e-5
    assert float(taught.potential.offset) == pytest.approx(2.5, abs=1e-5)
    other = matcher(epochs=1, prior=Prior(between={(0, 0): CORE}))
    energy, forces = other.potential(other.learn[0].graph)
    assert torch.isfinite(forces).all()
    assert torch.isfinite(energy).all()


def test_a_training_goes_on_bit_for_bit(tmp_path):
    whole = matcher(epochs=4, energy_weight=0.1)
    wanted = list(whole.run())
    begun = matcher(epochs=4, energy_weight=0.1)
    first = [begun.epoch(), begun.epoch()]
    begun.save(tmp_path / "x.safetensors")
    again = matcher(seed=9, epochs=4, energy_weight=0.1)
    again.load(tmp_path / "x.safetensors")
    assert first + list(again.run()) == wanted
    for a, b in zip(whole.finish().parameters(), again.finish().parameters(), strict=True):
        assert torch.equal(a, b)
    other = matcher(epochs=5)
    with pytest.raises(cd.FileError, match="settings"):
        other.load(tmp_path / "x.safetensors")
    (tmp_path / "y.safetensors").write_bytes(b"not one")
    with pytest.raises(cd.FileError, match="no training"):
        other.load(tmp_path / "y.safetensors")


def test_it_stops_when_nothing_improves():
    taught = matcher(epochs=50, rate=1e-12, last_rate=1e-12, patience=3)
    assert len(list(taught.run())) <= 8


def test_splits():
    learn, held = split(100, 0.1, gap=5)
    assert (len(learn), len(held), held[0] - learn[-1]) == (85, 10, 6)
    learn, held = split(100, 0.1, kind="random", seed=1)
    assert not set(learn) & set(held)
    assert len(learn) + len(held) == 100
    with pytest.raises(ValueError, match="none to learn"):
        split(3, 0.9, gap=2)
    with pytest.raises(ValueError, match="epochs"):
        Matching(epochs=0)
