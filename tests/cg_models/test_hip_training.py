"""Teaching a HIP-NN: gradients and energies beside hippynn's own, what is learned of EMT, going on after a kill, and labels."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest

import cg_data as cd

torch = pytest.importorskip("torch")
pytest.importorskip("vesin")
pytest.importorskip("numba")
pytest.importorskip("ase")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # hippynn makes sparse tensors as it is imported, of which torch warns
    hippynn = pytest.importorskip("hippynn")
if True:  # after the skips
    from hippynn.custom_kernels import set_custom_kernels

    import cg_models as cm
    from cg_models.many_body.hip_sums import Surroundings
    from cg_models.many_body.hip_training import untaught

    from .hip_networks import SMALL, random_network, shaken

OPTIONS = cm.HipOptions(**SMALL)
compiling = pytest.mark.filterwarnings(
    "ignore:The .grad attribute of a Tensor:UserWarning"
)  # torch's own, of what hippynn compiles


@pytest.fixture(scope="module")
def labels():
    """Two of them in cells smaller than the cutoff."""
    return cm.Labels.of_atoms([*shaken(2, cells=1), *shaken(28, seed=1)])


@pytest.fixture(scope="module", autouse=True)
def plain():
    set_custom_kernels(False)  # hippynn's by numba change how many threads torch has, and round more


def by_hippynn(module, around):
    """Return energies of atoms and forces by hippynn's own forward pass and torch, from the pairs of kernels."""
    i, j = np.repeat(np.arange(len(around.x)), np.diff(around.first)), around.j.astype(np.int64)
    edges = torch.from_numpy(around.x[j] - around.x[i] + around.images)
    d, i, j = edges.norm(dim=1).requires_grad_(), torch.from_numpy(i), torch.from_numpy(j)
    features = module["network"](d.new_ones(len(around.x), 1), i, j, d)
    energies = sum(layer(k) for layer, k in zip(module["head"].layers, features, strict=True))[:, 0]
    (slopes,) = torch.autograd.grad(energies.sum(), d, create_graph=True)
    pull = (slopes / d)[:, None] * edges
    return energies, torch.zeros(len(around.x), 3, dtype=torch.float64).index_add(0, i, pull).index_add(0, j, -pull)


@compiling
@pytest.mark.parametrize("options", [OPTIONS, cm.HipOptions()])
def test_energies_and_forces_are_hippynns(options, labels):
    network = random_network(3, **{name: getattr(options, name) for name in SMALL})
    module = untaught(options, 0)
    module.load_state_dict(network.weights)
    trainer = cm.HipTrainer(labels.take([0]), labels.take([1, 5]), options)
    for sample, (x, cell, _, _) in zip(trainer.validate, labels.take([1, 5]), strict=True):
        energies, forces = by_hippynn(module, sample.around)
        found = cm.hipnn(network)(x, cell)
        np.testing.assert_allclose(found.energies - network.self_energy, energies.detach(), rtol=0, atol=1e-10)
        np.testing.assert_allclose(found.forces, forces.detach(), rtol=0, atol=1e-10)


@compiling
def test_gradients_of_the_loss_are_hippynns(labels):
    """With respect to all weights, through energies and forces of a batch of different sizes, cells smaller than the cutoff among them."""
    trainer = cm.HipTrainer(labels.take([0, 1, 5]), labels.take([2]), OPTIONS)
    with torch.no_grad():
        trainer.network["head"].layers[1].weight.mul_(100)
    ours = trainer.misses(trainer.learn, create_graph=True)
    around = Surroundings.joined([s.around for s in trainer.learn])
    energies, forces = by_hippynn(trainer.network, around)
    sizes = [len(s.forces) for s in trainer.learn]
    per_atom = torch.stack([part.mean() for part in torch.split(energies, sizes)])
    theirs = type(ours)(
        per_atom - torch.stack([s.energy for s in trainer.learn]), forces - torch.cat([s.forces for s in trainer.learn])
    )
    taught = [p for p in trainer.network.parameters() if p.requires_grad]
    a, b = (torch.autograd.grad(misses.loss(100.0), taught) for misses in (ours, theirs))
    for one, other in zip(a, b, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-11 * float(other.abs().max()))


def test_the_loss_is_that_of_the_paper(labels):
    """Equations A2 to A4, of numbers."""
    trainer = cm.HipTrainer(labels.take([0]), labels.take([1]), OPTIONS)
    misses = trainer.misses(trainer.learn)
    given = misses._replace(energies=torch.tensor([3.0, -4.0]), forces=torch.tensor([[1.0, -2.0, 2.0]]))
    assert float(given.loss(100.0)) == pytest.approx(100 * (np.sqrt(12.5) + 3.5) + np.sqrt(3) + 5 / 3, rel=1e-6)


def test_it_learns_emt(labels):
    """Of 24 shaken and strained crystals, in seconds: what is held out to 10 meV per atom and 0.4 of the forces' variation."""
    learn, held = labels.split(0.2, seed=1)
    settings = cm.Teaching(epochs=100, batch=2, rate=3e-3, patience=8, seed=2)
    first, *_, last = cm.HipTrainer(learn, held, OPTIONS, settings).run()
    assert last.energy < 0.01
    assert last.force < 0.4 * held.forces.std()
    assert first.force > 2 * last.force


def test_polishing_gets_further_in_the_same_time(labels):
    """As many looks at every configuration by L-BFGS as by Adam, after the same beginning: a lower loss of what they learn from."""
    learn, held = labels.split(0.2, seed=1)
    begun = cm.HipTrainer(learn, held, OPTIONS, cm.Teaching(epochs=10, batch=2, rate=3e-3, seed=2))
    list(begun.run())
    by_adam, polished = (
        cm.HipTrainer(learn, held, settings=cm.Teaching(epochs=40, batch=2, rate=3e-3), start=begun.best())
        for _ in range(2)
    )
    list(by_adam.run())
    epochs = list(polished.polish(2, iterations=15))
    assert [epoch.number for epoch in epochs] == [1, 2]
    assert polished.lowest == min(epoch.loss for epoch in epochs) < begun.lowest
    losses = [float(trainer.misses(trainer.learn).loss(100.0).detach()) for trainer in (polished, by_adam, begun)]
    assert losses[0] < losses[1] < losses[2]


def test_what_is_taught_moves_atoms_as_it_was_measured(labels):
    trainer = cm.HipTrainer(labels.take(np.arange(20)), labels.take(np.arange(20, 30)), OPTIONS, cm.Teaching(epochs=3))
    epochs = list(trainer.run())
    best, found = min(epochs, key=lambda epoch: epoch.loss), cm.hipnn(trainer.best())
    misses = [(found(x, cell), energy, forces) for x, cell, energy, forces in labels.take(np.arange(20, 30))]
    energies = [(m.energy - energy) / len(m.forces) for m, energy, _ in misses]
    assert np.sqrt(np.mean(np.square(energies))) == pytest.approx(best.energy, rel=1e-9)
    forces = np.concatenate([m.forces - f for m, _, f in misses])
    assert np.sqrt(np.mean(forces**2)) == pytest.approx(best.force, rel=1e-9)


def test_going_on_after_a_kill_is_as_if_there_was_none(labels, tmp_path):
    learn, held = labels.take(np.arange(2, 12)), labels.take(np.arange(12, 16))
    settings = cm.Teaching(epochs=6, batch=3, patience=1, rate=0.02)
    through = cm.HipTrainer(learn, held, OPTIONS, settings)
    wanted = list(through.run())
    killed, other = (cm.HipTrainer(learn, held, OPTIONS, settings) for _ in range(2))
    found = [killed.epoch() for _ in range(3)]
    killed.save(tmp_path / "at.safetensors")
    other.load(tmp_path / "at.safetensors")
    assert [*found, *other.run()] == wanted
    assert all(torch.equal(w, other.best().weights[name]) for name, w in through.best().weights.items())
    with pytest.raises(cd.FileError, match="begin anew"):
        cm.HipTrainer(learn, held, OPTIONS, replace(settings, seed=1)).load(tmp_path / "at.safetensors")


def test_rates_fall_and_teaching_ends_when_nothing_improves(labels):
    """Steps as long as these only make it worse."""
    settings = cm.Teaching(epochs=50, batch=2, rate=5.0, patience=2, stop=7)
    trainer = cm.HipTrainer(labels.take(np.arange(2, 6)), labels.take(np.arange(6, 8)), OPTIONS, settings)
    epochs = list(trainer.run())
    since = len(epochs) - 1 - int(np.argmin([epoch.loss for epoch in epochs]))
    assert len(epochs) < 50
    assert since == 7
    assert epochs[-1].rate <= 5.0 / 4
    assert trainer.lowest == min(epoch.loss for epoch in epochs)


def test_teaching_can_begin_with_a_network(labels):
    before = cm.HipTrainer(labels.take([2, 3]), labels.take([4]), OPTIONS, cm.Teaching(epochs=2)).best()
    after = cm.HipTrainer(labels.take([5, 6]), labels.take([4]), start=before)
    x, cell, energy, _ = next(iter(labels.take([4])))
    miss = float(after.validated().energies[0])
    assert miss == pytest.approx((cm.hipnn(before)(x, cell).energy - energy) / len(x), rel=1e-9)


def test_seeds_say_everything(labels):
    def taught(seed):
        trainer = cm.HipTrainer(
            labels.take([2, 3]), labels.take([4]), OPTIONS, cm.Teaching(epochs=2, batch=1, seed=seed)
        )
        list(trainer.run())
        return trainer.best().weights["head.layers.1.weight"]

    assert torch.equal(taught(1), taught(1))
    assert not torch.equal(taught(1), taught(2))


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"rate": 0.0}, {"fall": 1.5}, {"decay": -1.0}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="must be"):
        cm.Teaching(**wrong)
