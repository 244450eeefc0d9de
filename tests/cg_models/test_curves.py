"""Curves with weights: F = −U′, both zero at the cutoff, and every weight's gradient through the table."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import cg_data as cd
import cg_models as cm

CUTOFF = 2.5


def curves() -> list[cm.PairCurve]:
    """One of each kind, not at rest."""
    spline = cm.SplinePair(CUTOFF, core=0.8, intervals=20, prior=cm.RepulsivePrior(0.3, 0.9, 8))
    with torch.no_grad():
        spline.coefficients.copy_(torch.as_tensor(np.random.default_rng(0).standard_normal(20)))
    both = cm.TemperaturePair(
        cm.NeuralPair(CUTOFF, gaussians=20, hidden=16, prior=cm.RepulsivePrior(), seed=1).double(),
        cm.NeuralPair(CUTOFF, gaussians=20, hidden=16, activation="selu", seed=2).double(),
    )
    refined = cm.RefinedPair(CUTOFF, core=0.8, intervals=40, learning=8)
    r = np.linspace(0.8, CUTOFF, 200)
    refined.set_to(r, cd.LennardJones().force_shifted().energy(r))
    with torch.no_grad():
        refined.change.coefficients.copy_(torch.as_tensor(np.random.default_rng(4).standard_normal(8)))
    return [
        cm.NeuralPair(CUTOFF, gaussians=30, hidden=24, prior=cm.RepulsivePrior(0.4, 0.9, 10)).double(),
        both.at(1.3), spline, refined, cm.LennardJonesPair(CUTOFF, epsilon=1.2, sigma=0.9), cm.MorsePair(CUTOFF, alpha=5.0),
    ]  # fmt: skip


@pytest.mark.parametrize("curve", curves(), ids=lambda c: type(c).__name__)
def test_forces_are_slopes_and_end_at_the_cutoff(curve):
    knots = curve.knots(400, r_min=0.7)
    r, h = torch.linspace(0.7, CUTOFF, 400, dtype=torch.float64), 1e-6
    numerical = -(curve.energy(r + h) - curve.energy(r - h)) / (2 * h)
    scale = 1 + knots.f.detach().abs()
    assert float((knots.f - numerical).detach().abs()[1:-1].div(scale[1:-1]).max()) < 1e-6
    assert float(knots.u[-1].detach()) == float(knots.f[-1].detach()) == 0.0
    ends = curve.knots(3, r_min=CUTOFF - 1e-5)
    assert abs(float(ends.u[0].detach())) < 1e-7
    assert abs(float(ends.f[0].detach())) < 1e-2


@pytest.mark.parametrize("curve", curves(), ids=lambda c: type(c).__name__)
def test_weights_learn_through_the_table(curve):
    rng = np.random.default_rng(1)
    g_u, g_f = rng.standard_normal((2, 50))
    weights = [w for w in curve.parameters() if w.requires_grad]
    curve.knots(50, r_min=0.8).backward(g_u, g_f)
    ways = [torch.as_tensor(rng.standard_normal(w.shape)) for w in weights]
    found = sum(float((w.grad * way).sum()) for w, way in zip(weights, ways, strict=True))

    def loss(e: float) -> float:
        with torch.no_grad():
            for w, way in zip(weights, ways, strict=True):
                w += e * way
        knots = curve.knots(50, r_min=0.8)
        with torch.no_grad():
            for w, way in zip(weights, ways, strict=True):
                w -= e * way
        return float(knots.u.detach().numpy() @ g_u + knots.f.detach().numpy() @ g_f)

    assert found == pytest.approx((loss(1e-6) - loss(-1e-6)) / 2e-6, rel=1e-6)


def test_a_table_of_a_curve_is_the_curve():
    """Between knots too: U to 1e-6 of its largest; a network to 1e-4, as the curvature of an ELU jumps."""
    for curve in curves():
        tolerance = (
            1e-6 if isinstance(curve, cm.SplinePair | cm.RefinedPair | cm.LennardJonesPair | cm.MorsePair) else 1e-4
        )
        table, r = curve.table(800, r_min=0.8), np.linspace(0.85, 2.45, 777)
        known = curve.energy(torch.as_tensor(r)).detach().numpy()
        assert np.abs(table.energy(r) - known).max() < tolerance * np.abs(known).max()


def test_formulas_are_those_of_cg_data():
    r = np.linspace(0.8, 2.49, 200)
    lj = cm.LennardJonesPair(2.5, epsilon=1.3, sigma=0.95).energy(torch.as_tensor(r)).detach().numpy()
    assert lj == pytest.approx(cd.LennardJones(1.3, 0.95, 2.5).force_shifted().energy(r), rel=1e-12, abs=1e-12)
    morse = cm.MorsePair(2.5, epsilon=0.7, alpha=5.0, r0=1.05).energy(torch.as_tensor(r)).detach().numpy()

    def law(x):
        return 0.7 * np.exp(-5 * (x - 1.05)) * (np.exp(-5 * (x - 1.05)) - 2)

    slope = (law(2.5 + 1e-6) - law(2.5 - 1e-6)) / 2e-6
    assert morse == pytest.approx(law(r) - law(2.5) - (r - 2.5) * slope, abs=1e-8)


def test_splines_hold_what_they_are_set_to():
    spline = cm.SplinePair(2.5, core=0.9, intervals=60, prior=cm.RepulsivePrior(0.4, 0.9, 10))
    r = np.linspace(0.9, 2.5, 400)
    u = cd.LennardJones(1.0, 1.0, 2.5).force_shifted().energy(r)
    spline.set_to(r, u)
    assert spline.energy(torch.as_tensor(r)).detach().numpy() == pytest.approx(u, abs=2e-3)
    below = spline.energy(torch.tensor([0.7, 0.8, 0.9], dtype=torch.float64)).detach()
    bare = below - cm.SplinePair(2.5, core=0.9, prior=cm.RepulsivePrior(0.4, 0.9, 10)).energy(
        torch.tensor([0.7, 0.8, 0.9], dtype=torch.float64)
    )
    assert float((bare[0] - 2 * bare[1] + bare[2]).detach().abs()) < 1e-9  # a straight line but for the prior


def test_a_refined_curve_begins_as_what_it_was_set_to_and_learns_a_change_alone():
    """A spline in its own space comes back to rounding; what the gradient changes then is smooth, on 8 intervals."""
    given = cm.SplinePair(CUTOFF, core=0.8, intervals=40)
    with torch.no_grad():
        given.coefficients.copy_(torch.as_tensor(np.random.default_rng(5).standard_normal(40)))
    r = torch.linspace(0.8, CUTOFF, 400, dtype=torch.float64)
    known = given.energy(r).detach().numpy()
    curve = cm.RefinedPair(CUTOFF, core=0.8, intervals=40, learning=8)
    curve.set_to(r.numpy(), known)
    assert np.abs(curve.energy(r).detach().numpy() - known).max() < 1e-6
    torch.autograd.backward(((curve.energy(r) - torch.sin(r)) ** 2).sum())
    assert [name for name, w in curve.named_parameters() if w.grad is not None] == ["change.coefficients"]
    with torch.no_grad():
        curve.change.coefficients -= 0.01 * curve.change.coefficients.grad
    change = curve.energy(r).detach().numpy() - known
    smooth = cm.SplinePair(CUTOFF, core=0.8, intervals=8)
    smooth.set_to(r.numpy(), change)
    assert np.abs(change).max() > 0.1
    assert np.abs(smooth.energy(r).detach().numpy() - change).max() < 1e-6


def test_a_temperature_moves_the_potential_by_its_entropy():
    energetic, entropic = (cm.NeuralPair(CUTOFF, gaussians=20, hidden=16, seed=k).double() for k in (1, 2))
    both, r = cm.TemperaturePair(energetic, entropic), torch.linspace(0.9, 2.4, 40, dtype=torch.float64)
    difference = both.at(1.5).energy(r) - both.at(0.5).energy(r)
    assert torch.allclose(difference, -entropic.energy(r))
    assert len(list(both.parameters())) == len(list(both.at(1.0).parameters()))


@pytest.mark.parametrize("activation", ["elu", "selu"])
def test_pretraining_reaches_the_boltzmann_inverted_curve(activation):
    r = np.linspace(0.9, 2.5, 150)
    u = cd.LennardJones(1.0, 1.0, 2.5).force_shifted().energy(r)
    curve = cm.NeuralPair(2.5, prior=cm.RepulsivePrior(0.4, 0.9, 10), activation=activation)
    left = cm.pretrain(curve, r, u, ceiling=5.0, steps=600)
    assert left < 0.02
    off = curve.energy(torch.as_tensor(r, dtype=torch.float32)).detach().numpy() - u
    assert np.abs(off[u < 5]).max() < 0.1


def test_the_same_seed_gives_the_same_network_and_leaves_the_generator_alone():
    torch.manual_seed(3)
    before = torch.rand(1)
    torch.manual_seed(3)
    a, b, c = (cm.NeuralPair(2.5, seed=s) for s in (1, 1, 2))
    assert torch.equal(torch.rand(1), before)
    r = torch.linspace(0.8, 2.4, 20)
    assert torch.equal(a.energy(r), b.energy(r))
    assert not torch.equal(a.energy(r), c.energy(r))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: cm.NeuralPair(-1.0), "cutoff > 0"),
        (lambda: cm.NeuralPair(2.5, activation="relu"), "activation must be one of"),
        (lambda: cm.SplinePair(2.5, core=3.0), "core < cutoff"),
        (lambda: cm.LennardJonesPair(2.5, epsilon=-1.0), "positive parameters"),
        (lambda: cm.RepulsivePrior(power=0), "power"),
        (lambda: cm.TemperaturePair(cm.NeuralPair(2.5), cm.NeuralPair(2.0)), "one cutoff"),
        (lambda: cm.pretrain(cm.NeuralPair(2.5), [1, 2], [9, 9], ceiling=5), "nothing to fit"),
    ],
)
def test_what_cannot_be_is_refused(make, said):
    with pytest.raises(ValueError, match=said):
        make()
