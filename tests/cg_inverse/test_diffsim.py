"""DiffSim: the gradient of a whole epoch, a loss that noise does not bias, a training that learns and goes on bit for bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import cg_data as cd
import cg_inverse as ci
from cg_inverse.learning.epoch import _loss, window
from cg_inverse.learning.recipe import Recipe
from cg_inverse.learning.systems import melted, systems

from . import dilute
from .liquids import lennard_jones

pytest.importorskip("cg_models", reason="pip install 'cg-inverse[models]', for DiffSim")
if True:  # after the skip
    import torch

    import cg_models as cm
    from cg_inverse.learning.rounds import learned, pretrained
    from cg_inverse.learning.training import _scheduled, begun, set_weights, train, weights_of

SMALL = Recipe(epochs=6, steps=20, every=5, particles=108, melting=300, bins=30, knots=100, threads=1)
NETWORK = ci.Network(gaussians=20, hidden=16, layers=2)


def problem(kT: float = 1.5) -> ci.Problem:
    return ci.problem(dilute.target(0.3, kT), cutoff=dilute.CUTOFF, knots=0.1)


@pytest.mark.parametrize("loss", ["squares", "products"])
@pytest.mark.parametrize("normalization", ["count", "sphere"])
def test_the_gradient_of_an_epoch_is_that_of_its_loss(loss, normalization):
    recipe = replace(SMALL, replicas=2, loss=loss, normalization=normalization)
    boxes = systems(problem().states, recipe, np.ones(1))
    table = cd.PairTable.from_potential(lennard_jones(), 100, r_min=0.7)
    states = (tuple(melted(boxes[0], cd.Interactions({("A", "A"): table}), recipe, k) for k in range(2)),)
    left = table.cutoff - table.knots
    bend, slope = (
        left**3 * np.sin(5 * table.knots),
        3 * left**2 * np.sin(5 * table.knots) - 5 * left**3 * np.cos(5 * table.knots),
    )

    def run(e: float):
        moved = cd.PairTable.from_forces(table.r_min, table.cutoff, table.u_knots + e * bend, table.f_knots + e * slope)
        return window(boxes, [cd.Interactions({("A", "A"): moved})], states, recipe)

    u, f = run(0.0).knots[0]["A-A"]
    h = 1e-6
    numerical = (run(h).loss - run(-h).loss) / (2 * h)
    assert u @ bend + f @ slope == pytest.approx(numerical, rel=1e-5)


def test_products_of_replicas_are_not_biased_by_noise():
    """Residuals of pure noise: squares see its variance, products nothing; and both have the gradients they claim."""
    boxes = systems(problem().states, SMALL, np.ones(1))[0]
    rng = np.random.default_rng(0)
    found = {"squares": [], "products": []}
    for _ in range(400):
        noise = rng.standard_normal((3, *boxes.target.shape))
        for name, values in found.items():
            values.append(_loss(noise, boxes, replace(SMALL, replicas=3, loss=name))[0])
    variance = boxes.bin * boxes.target.size
    assert np.mean(found["squares"]) == pytest.approx(variance, rel=0.02)
    products = np.array(found["products"])
    assert abs(products.mean()) < 4 * products.std() / 20
    noise, way, h = (
        rng.standard_normal((2, 3, *boxes.target.shape)).tolist(),
        rng.standard_normal((3, *boxes.target.shape)),
        1e-6,
    )
    residual = np.array(noise[0])
    for name in found:
        recipe = replace(SMALL, replicas=3, loss=name)
        numerical = (_loss(residual + h * way, boxes, recipe)[0] - _loss(residual - h * way, boxes, recipe)[0]) / (
            2 * h
        )
        assert np.sum(_loss(residual, boxes, recipe)[2] * way) == pytest.approx(numerical, rel=1e-6)


def test_temperatures_teach_one_pair_of_networks():
    """Two temperatures, one u₁ − kT u₂: the gradient by every weight is that of the summed loss."""
    recipe = replace(SMALL, epochs=1, steps=10)
    states = (*problem(1.2).states, *problem(2.0).states)
    boxes = systems(states, recipe, np.array([0.5, 0.5]))
    both = cm.TemperaturePair(
        cm.NeuralPair(2.0, gaussians=12, hidden=8, layers=1, prior=cm.RepulsivePrior(0.5, 1.0, 10), seed=1).double(),
        cm.NeuralPair(2.0, gaussians=12, hidden=8, layers=1, seed=2).double(),
    )
    start = begun(boxes, {"A-A": both}, recipe)
    ways = {name: np.random.default_rng(3).standard_normal(w.shape) for name, w in start.weights.items()}

    def loss(e: float) -> float:
        moved = replace(start, weights={name: w + e * ways[name] for name, w in start.weights.items()})
        return next(iter(train(boxes, {"A-A": both}, recipe, progress=moved))).loss

    numerical = (loss(1e-5) - loss(-1e-5)) / 2e-5
    next(iter(train(boxes, {"A-A": both}, recipe, progress=start)))
    found = sum(float((p.grad.numpy() * ways[f"A-A.{name}"]).sum()) for name, p in both.named_parameters())
    assert found == pytest.approx(numerical, rel=1e-4)


def test_it_learns():
    """From a repulsive start the loss of a gas falls by more than half in 60 epochs."""
    recipe = replace(SMALL, epochs=60, steps=60, rate=5e-3, melting=500)
    method = ci.DiffSim(problem(), network=replace(NETWORK, pretrained=False), recipe=recipe)
    boxes = systems(method.problem.states, recipe, np.ones(1))
    losses = [epoch.loss for epoch in train(boxes, method.models(), recipe)]
    assert np.mean(losses[-10:]) < 0.5 * np.mean(losses[:10])


def test_a_network_begins_as_the_initial_potential():
    method = ci.DiffSim(problem(), network=NETWORK)
    models = method.models()
    pretrained(method.problem, models, method.init())
    r = np.linspace(1.0, 1.95, 50)
    u = method.problem.basis.energies(method.init(), r)[0]
    assert np.abs(models["A-A"].table(r_min=0.7).energy(r) - u).max() < 0.15


def test_a_refinement_begins_exactly_as_the_initial_potential_and_changes_it_smoothly():
    method = ci.DiffSim(problem(), network=ci.Refinement(8), recipe=replace(SMALL, rate=5e-3))
    models, start = method.models(), method.init()
    pretrained(method.problem, models, start)
    spline = method.problem.basis.splines[0]
    r = np.linspace(spline.core, spline.cutoff, 300)
    u = spline.curve(start, r)[0]
    assert np.abs(models["A-A"].energy(torch.as_tensor(r)).detach().numpy() - u).max() < 1e-6
    boxes = systems(method.problem.states, method.recipe, np.ones(1))
    list(train(boxes, models, method.recipe))
    change = models["A-A"].energy(torch.as_tensor(r)).detach().numpy() - u
    coarse = cm.SplinePair(spline.cutoff, core=spline.core, intervals=8)
    coarse.set_to(r, change)
    assert np.abs(change).max() > 1e-3
    assert np.abs(coarse.energy(torch.as_tensor(r)).detach().numpy() - change).max() < 1e-6


def test_what_was_learned_is_the_mean_of_late_potentials():
    recipe = replace(SMALL, epochs=4)
    method = ci.DiffSim(problem(), network=NETWORK, recipe=recipe)
    models = method.models()
    pretrained(method.problem, models, method.init())
    boxes = systems(method.problem.states, recipe, np.ones(1))
    epochs = list(train(boxes, models, recipe))
    r = np.linspace(1.1, 1.9, 30)
    mean = np.mean([e.tables[0]["A", "A"].energy(r) for e in epochs[2:]], axis=0)
    found = method.problem.basis.potential(learned(method.problem, epochs))["A", "A"].energy(r)
    assert found == pytest.approx(mean, abs=0.02)


def test_a_training_goes_on_bit_for_bit():
    recipe = replace(SMALL, epochs=5)
    method = ci.DiffSim(problem(), network=NETWORK, recipe=recipe)
    boxes = systems(method.problem.states, recipe, np.ones(1))
    whole = list(train(boxes, method.models(), recipe))
    first = list(train(boxes, method.models(), replace(recipe, epochs=2)))
    rest = list(train(boxes, method.models(), recipe, progress=first[-1].after))
    assert [e.loss for e in whole] == [e.loss for e in (*first, *rest)]
    for name, w in whole[-1].after.weights.items():
        assert np.array_equal(w, rest[-1].after.weights[name])


@pytest.mark.parametrize("learning", [NETWORK, ci.Refinement(8)], ids=["network", "refinement"])
def test_a_fit_resumes_from_its_folder_to_the_same_potential(learning, tmp_path):
    options = {
        "network": learning, "recipe": replace(SMALL, epochs=6), "per_round": 2, "simulation": dilute.SIMULATION,
    }  # fmt: skip
    control = ci.Control(rounds=3, steps=1000, first_steps=500, equilibration=100, stop_at_noise=False)
    whole = ci.diffsim(dilute.target(), dilute.CUTOFF, control=control, **options)
    ci.diffsim(dilute.target(), dilute.CUTOFF, control=replace(control, rounds=1), folder=tmp_path / "run", **options)
    again = ci.resume(tmp_path / "run", rounds=3)
    assert np.array_equal(whole.ledger.rounds["coefficients"], again.ledger.rounds["coefficients"])
    assert again.history.attrs["method"] == "DiffSim"
    assert "epoch 6" in str(again.history.note.values[-1])
    assert float(again.history.force_evaluations.values[0]) > 2 * 2 * 108 * 20
    network = cm.load(tmp_path / "run" / "A-A.network")
    weights, kept = weights_of({"A-A": network}), again.ledger.progress.training.weights
    assert weights.keys() == kept.keys()
    assert all(np.array_equal(weights[name], kept[name]) for name in kept)


def test_a_step_that_breaks_the_dynamics_is_taken_back_with_half_the_rate():
    recipe = replace(SMALL, epochs=3, rate=0.1)
    method = ci.DiffSim(problem(), network=NETWORK, recipe=recipe)
    boxes, models = systems(method.problem.states, recipe, np.ones(1)), method.models()
    start = begun(boxes, models, recipe)
    crushed = tuple(tuple(replace(s, positions=0.2 * s.positions) for s in of) for of in start.boxes)
    epochs = list(train(boxes, models, recipe, progress=replace(start, boxes=crushed)))
    assert "broke down" in epochs[0].note
    assert epochs[0].after.rate == 0.05
    assert np.isfinite(epochs[1].loss)


def test_the_rate_is_halved_when_the_loss_stays():
    recipe = replace(SMALL, patience=2)
    boxes = systems(problem().states, recipe, np.ones(1))
    now = begun(boxes, ci.DiffSim(problem(), network=NETWORK, recipe=recipe).models(), recipe)
    rates = []
    for loss in [1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.1, 0.1]:
        now, _, noise = _scheduled(now, loss, np.nan, recipe)
        assert not noise
        rates.append(now.rate / recipe.rate)
    assert rates == [1, 1, 1, 1, 1, 1, 1, 0.5, 0.5, 0.5]


def test_a_training_that_goes_astray_goes_back_to_its_best():
    """A box that crystallized under a bad potential has no gradient that melts it."""
    recipe = replace(SMALL, patience=2)
    boxes = systems(problem().states, recipe, np.ones(1))
    now = begun(boxes, ci.DiffSim(problem(), network=NETWORK, recipe=recipe).models(), recipe)
    notes, good = [], {}
    for k, loss in enumerate([1.0, 1.0, 0.2, 0.2, 0.5, 0.5, 9.0, 9.0]):
        marked = {name: w + k for name, w in now.weights.items()}
        now, note, _ = _scheduled(replace(now, weights=marked), loss, np.nan, recipe)
        good = marked if k == 3 else good
        notes.append(note)
    assert [bool(note) for note in notes] == [False] * 7 + [True]
    assert "astray" in notes[-1]
    assert all(np.array_equal(now.weights[name], good[name]) for name in good)
    assert now.rate == recipe.rate / 2
    assert now.updates == 0


def test_it_ends_when_replicas_agree_that_the_rest_is_noise():
    recipe = replace(SMALL, patience=4, replicas=2)
    boxes = systems(problem().states, recipe, np.ones(1))
    now = begun(boxes, ci.DiffSim(problem(), network=NETWORK, recipe=recipe).models(), recipe)
    ends, quiet, learning = [], (0.1, -0.1, 0.05, -0.1), (1.0, 1.1, 0.9, 1.0)
    for excess in (*learning, *4 * quiet, *learning, *5 * quiet):  # four quiet means may be chance: it goes on
        now, _, noise = _scheduled(now, 1.0, excess, recipe)
        ends.append(bool(noise))
    assert ends == [False] * (len(ends) - 1) + [True]


def test_a_window_in_which_differences_explode_is_warned_of():
    recipe = replace(SMALL, steps=600, every=100, epochs=1)
    method = ci.DiffSim(problem(), network=NETWORK, recipe=recipe)
    boxes = systems(method.problem.states, recipe, np.ones(1))
    with pytest.warns(UserWarning, match="gradients are mostly noise; take at most"):
        begun(boxes, method.models(), recipe)


def test_torch_keeps_its_threads():
    before = torch.get_num_threads()
    recipe = replace(SMALL, epochs=1)
    method = ci.DiffSim(problem(), network=NETWORK, recipe=recipe)
    list(train(systems(method.problem.states, recipe, np.ones(1)), method.models(), recipe))
    assert torch.get_num_threads() == before
    models = method.models()
    set_weights(models, {name: 0 * w for name, w in weights_of(models).items()})
    assert not np.any(weights_of(models)["A-A.network.0.weight"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"steps": 12}, "every must divide"),
        ({"loss": "products"}, "replicas"),
        ({"rate": 0.0}, "rate must be positive"),
        ({"epochs": 0}, "epochs must be"),
        ({"loss": "cubes"}, "loss must be"),
    ],
)
def test_recipes_that_make_no_sense_are_refused(change, said):
    with pytest.raises(ValueError, match=said):
        replace(Recipe(), **change)


def test_boxes_must_be_two_cutoffs_wide():
    with pytest.raises(ValueError, match=r"take at least 58 \(particles of the recipe"):
        ci.DiffSim(dilute.target(0.9), dilute.CUTOFF, NETWORK, replace(SMALL, particles=32))


def test_a_pressure_is_refused():
    method = ci.DiffSim(dilute.target(), dilute.CUTOFF, network=NETWORK, recipe=SMALL)
    with pytest.raises(ValueError, match="no pressure"):
        ci.fit(method, pressure=ci.FixedPressure(1.0), simulation=dilute.SIMULATION)


def test_two_densities_at_one_temperature_are_learned_from_together(monkeypatch):
    """They share a table; the gradient by the weights is the sum of those of each alone, as the loss is."""
    from cg_inverse.learning import training
    from cg_inverse.learning.training import _backward, _tables

    monkeypatch.setattr(training, "_start", lambda system, recipe: 0.6)
    states = [ci.problem(dilute.target(rho, 1.5), cutoff=dilute.CUTOFF, knots=0.1).states[0] for rho in (0.2, 0.3)]
    both = systems(tuple(states), SMALL, np.full(2, 0.5))
    prior = cm.RepulsivePrior(4.0, 0.95, 12)
    models = {"A-A": cm.NeuralPair(dilute.CUTOFF, gaussians=20, hidden=16, layers=2, prior=prior)}
    boxes = begun(both, models, SMALL).boxes

    def gradient(which: list[int]) -> np.ndarray:
        chosen = [both[k] for k in which]
        knots, tables = _tables(chosen, models, SMALL)
        assert all(k["A-A"] is knots[0]["A-A"] for k in knots)
        models["A-A"].zero_grad(set_to_none=True)
        _backward(knots, window(chosen, tables, [boxes[k] for k in which], SMALL).knots)
        return np.concatenate([p.grad.numpy().ravel() for p in models["A-A"].parameters() if p.grad is not None])

    np.testing.assert_allclose(gradient([0, 1]), gradient([0]) + gradient([1]), rtol=1e-4, atol=1e-6)
    assert np.abs(gradient([0])).max() > 1e-3
