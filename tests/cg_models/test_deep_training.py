"""Learning of deep potentials: gradients by finite differences, errors that fall, and going on after a save."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import cg_data as cd

torch = pytest.importorskip("torch")
pytest.importorskip("vesin")
pytest.importorskip("numba")
if True:  # after the skips
    import cg_models as cm

    from .deep_models import OPTIONS, frame, potential_of

WATER = Path(__file__).resolve().parents[3] / "shared/data/water-dft"
ALL = cm.DeepTraining(steps=4, batch=3, rate=2e-3, force=(3.0, 1.0), energy=(0.5, 2.0), virial=(0.2, 0.1), seed=3)


def frames_of(model, count=12, **options):
    """Return frames that another potential has said the forces, energies and virials of."""
    given = [frame(seed=k, **options) for k in range(count)]
    found = [model(*f) for f in given]
    frames = cm.BeadFrames(
        np.stack([f[0] for f in given]), np.stack([f[1] for f in given]), ("A", "B"), given[0][2],
        cd.Units("angstrom", "eV", "g/mol"), forces=np.stack([f.forces for f in found]),
        energies=np.array([f.energy for f in found]),
    )  # fmt: skip
    return frames, np.stack([f.virial for f in found])


def loss(potential, trainer, chosen):
    """Return L of these frames, term by term as it is written."""
    f, (force, energy, virial) = trainer.frames, trainer.settings.weights_at(trainer.step)
    total, n = 0.0, len(f.codes)
    for k in chosen:
        found = potential(f.positions[k], f.boxes[k], f.codes)
        total += force * np.mean((found.forces - f.forces[k]) ** 2) + energy * (found.energy - f.energies[k]) ** 2 / n
        total += virial * np.mean((found.virial - trainer.virials[k]) ** 2) / n
    return total / len(chosen)


@pytest.mark.parametrize("name", OPTIONS)
def test_gradients_are_slopes_of_the_loss(name):
    potential = potential_of(OPTIONS[name])
    frames, virials = frames_of(potential_of(OPTIONS[name], seed=5), count=2)
    trainer = cm.DeepTrainer(potential, frames, ALL, virials=virials, normalize=False)
    trainer.gradients(np.arange(2))
    noise = np.random.default_rng(0)
    for name_of, p in potential.named_parameters():
        index, step = tuple(noise.integers(p.shape)), 1e-5
        with torch.no_grad():
            p[index] += step
            up = loss(potential, trainer, range(2))
            p[index] -= 2 * step
            slope = (up - loss(potential, trainer, range(2))) / (2 * step)
            p[index] += step
        assert float(p.grad[index]) == pytest.approx(slope, rel=1e-5, abs=1e-6 * abs(loss(potential, trainer, range(2)))), name_of  # fmt: skip


# What another potential of the same kind says is learned well in 400 steps; local frames, whose own forces jump, learn of a smooth one.
@pytest.mark.parametrize(
    ("name", "taught_by", "share"), [("one side", "one side", 0.25), ("two sides", "two sides", 0.25), ("second moments", "second moments", 0.25), ("local frame", "one side", 0.6)]
)  # fmt: skip
def test_errors_of_forces_fall(name, taught_by, share):
    """Below a share of the spread of forces, on frames that were not learned from."""
    frames, _ = frames_of(potential_of(OPTIONS[taught_by], seed=5), count=48)
    learn, held = (
        replace(frames, positions=frames.positions[k], boxes=frames.boxes[k], forces=frames.forces[k], energies=frames.energies[k])
        for k in (slice(None, 40), slice(40, None))
    )  # fmt: skip
    settings = cm.DeepTraining(steps=400, rate=1e-2, last_rate=1e-4, energy=(0.01, 0.01))
    trainer = cm.DeepTrainer(cm.DeepPotential(OPTIONS[name], seed=7), learn, settings)
    before = trainer.errors(held)
    reported = list(trainer.run(report=200))
    after = trainer.errors(held)
    assert [len(reported), trainer.step] == [2, 400]
    assert before.force > share * np.std(held.forces) > after.force
    assert after.energy < 0.3 * before.energy
    assert reported[1].force < reported[0].force


def test_it_goes_on_bit_for_bit(tmp_path):
    frames, virials = frames_of(potential_of(OPTIONS["one side"], seed=5), count=5)

    def trainer():
        return cm.DeepTrainer(cm.DeepPotential(OPTIONS["one side"], seed=7), frames, ALL, virials=virials)

    whole, first, second = trainer(), trainer(), trainer()
    list(whole.run())
    first.learn()
    first.learn()
    first.save(tmp_path / "half.safetensors")
    second.load(tmp_path / "half.safetensors")
    assert second.step == 2
    list(second.run())
    for a, b in zip(whole.potential.parameters(), second.potential.parameters(), strict=True):
        assert torch.equal(a, b)
    other = cm.DeepTrainer(cm.DeepPotential(OPTIONS["one side"]), frames, replace(ALL, seed=4), virials=virials)
    with pytest.raises(cd.FileError, match="its settings are"):
        other.load(tmp_path / "half.safetensors")
    with pytest.raises(cd.FileError, match="no training"):
        cm.DeepTrainer(cm.DeepPotential(OPTIONS["two sides"]), frames, ALL, virials=virials).load(
            tmp_path / "half.safetensors"
        )


@pytest.mark.parametrize("most_bytes", [0, 20_000, 2**30])
def test_models_that_share_neighbors_learn_the_same(most_bytes):
    """Whatever of them is kept: bit for bit what each learns alone."""
    frames, _ = frames_of(potential_of(OPTIONS["one side"], seed=5), count=5)
    shared = cm.FrameStructures(frames, OPTIONS["one side"].cutoff, most_bytes=most_bytes)
    settings = cm.DeepTraining(steps=6, batch=3, rate=2e-3)
    for seed in (7, 8):
        alone, one_of_two = (
            cm.DeepTrainer(cm.DeepPotential(OPTIONS["one side"], seed=seed), frames, settings, structures=s)
            for s in (None, shared)
        )
        assert [e.force for e in alone.run()] == [e.force for e in one_of_two.run()]
        for a, b in zip(alone.potential.parameters(), one_of_two.potential.parameters(), strict=True):
            assert torch.equal(a, b)
    with pytest.raises(ValueError, match="of other frames"):
        cm.DeepTrainer(
            cm.DeepPotential(OPTIONS["one side"]), replace(frames, positions=frames.positions + 0.1), structures=shared
        )


def test_every_frame_comes_once_before_any_comes_again():
    frames, _ = frames_of(potential_of(OPTIONS["one side"]), count=7)
    trainer = cm.DeepTrainer(cm.DeepPotential(OPTIONS["one side"]), frames, cm.DeepTraining(batch=4))
    drawn = np.concatenate([trainer.chosen(k) for k in range(7)])
    for k in range(0, 28, 7):
        assert sorted(drawn[k : k + 7]) == list(range(7))
    assert list(drawn[:7]) != list(drawn[7:14])


def test_rates_and_weights_go_from_the_first_to_the_last():
    settings = cm.DeepTraining(steps=100, rate=1e-3, last_rate=1e-7, energy=(0.02, 1), force=(1000, 1))
    assert settings.rate_at(50) == pytest.approx(1e-5)
    assert settings.weights_at(0) == pytest.approx((1000, 0.02, 0))
    assert settings.weights_at(50) == pytest.approx((1 + 999 * 0.01, 1 - 0.98 * 0.01, 0))


def test_what_cannot_be_learned_is_refused():
    frames, _ = frames_of(potential_of(OPTIONS["one side"]), count=2)
    potential = cm.DeepPotential(OPTIONS["one side"])
    for change, settings, says in (
        ({"forces": None}, cm.DeepTraining(), "frames with forces"),
        ({"energies": None}, cm.DeepTraining(energy=(1, 1)), "energies have a weight"),
        ({}, cm.DeepTraining(virial=(1, 1)), "virials have a weight"),
        ({"molecule": frames.codes}, cm.DeepTraining(), "no molecules"),
    ):
        with pytest.raises(ValueError, match=says):
            cm.DeepTrainer(potential, replace(frames, **change), settings)
    with pytest.raises(ValueError, match="last_rate ≤ rate"):
        cm.DeepTraining(rate=1e-6, last_rate=1e-5)
    with pytest.raises(ValueError, match="negative"):
        cm.DeepTraining(force=(-1, 1))


@pytest.mark.skipif(not WATER.is_dir(), reason="frames of water (shared/data/water-dft) are not beside the repository")
def test_water_is_learned_from_its_folder():
    data = cd.read_trajectory(WATER / "data_0")
    frames = cm.bead_frames(data, ("O", "H"))
    options = cm.SmoothOptions(6.0, 0.5, (46, 92), embedding=(8, 16), axes=4, fitting=(24, 24))
    settings = cm.DeepTraining(steps=250, batch=1, rate=1e-2, last_rate=1e-3, force=(1000, 1), energy=(0.02, 1))
    trainer = cm.DeepTrainer(cm.DeepPotential(options, seed=1), frames, settings)
    assert trainer.errors(frames).energy < 5  # eV per atom, of -156: offsets are fitted first
    list(trainer.run())
    assert trainer.errors(frames).force < 0.6 * np.std(frames.forces)
