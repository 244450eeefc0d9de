"""Networks of paper 01: losses as printed, a virial layer without weights, and many trained at once as each alone."""

from __future__ import annotations

import numpy as np
import pytest

import cg_data as cd

torch = pytest.importorskip("torch")
if True:  # after the skip
    from cg_models.boltzmann.ensembles import Epochs, folds, train_together
    from cg_models.boltzmann.losses import of_curves
    from cg_models.boltzmann.options import PotentialOptions, PressureOptions, potential_grid, pressure_grid
    from cg_models.boltzmann.potential import PotentialModel, boltzmann_inverted, curve_errors
    from cg_models.boltzmann.pressure import PressureModel, input_curves, pressure_errors, sum_of_powers
    from cg_models.boltzmann.table import LiquidTable
    from cg_models.boltzmann.training import fitted, inputs


def test_the_loss_of_a_curve_is_that_of_equations_4_to_7():
    noise = np.random.default_rng(0)
    y, z = noise.normal(size=(2, 12))
    logcosh = lambda x: np.log(np.cosh(x))  # noqa: E731
    expected = logcosh(y - z).mean() + 2 * logcosh((y - z)[2:] - 2 * (y - z)[1:-1] + (y - z)[:-2]).mean()
    expected += sum(logcosh((y[k:] - y[:-k]) - (z[k:] - z[:-k])).mean() for k in range(1, 5))
    everything = torch.ones(12, dtype=bool)
    found = of_curves(torch.tensor(z), torch.tensor(y), everything)
    assert float(found) == pytest.approx(expected, rel=1e-12)
    plain = of_curves(torch.tensor(z), torch.tensor(y), everything, kind="squares", correlated=False)
    assert float(plain) == pytest.approx(((y - z) ** 2).mean(), rel=1e-12)


def test_what_is_above_the_cap_does_not_count():
    y, z = torch.zeros(2, 10, dtype=torch.float64)
    z = z.clone()
    z[:3] = 100.0
    known = torch.arange(10) >= 3
    assert float(of_curves(z, y, known)) == 0
    z[5] = 1.0
    assert float(of_curves(z, y, known, kind="squares", correlated=False)) == pytest.approx(1 / 7)


def test_the_grids_are_those_of_the_paper():
    assert len({o.name for o in pressure_grid()}) == 90
    assert len({o.name for o in potential_grid()}) == 24
    for wrong, said in [(("UN", "ce", "P"), "not both"), (("UN", "i", "Bn"), "density"), (("XN", "", "P"), "architecture"),
                        (("UN", "cc", "P"), "letters"), (("UN", "", "B3"), "target")]:  # fmt: skip
        with pytest.raises(ValueError, match=said):
            PressureOptions(*wrong)
    with pytest.raises(ValueError, match="letters"):
        PotentialOptions("CN", "c")


@pytest.mark.parametrize(
    "options", [o for o in pressure_grid() if o.options in ("", "cfi", "ef", "cf")], ids=lambda o: o.name
)
def test_every_network_knows_what_it_is_given_and_nothing_else(options):
    model, noise = PressureModel(options, seed=1), torch.Generator().manual_seed(0)
    u, force = torch.randn(2, 5, 50, generator=noise)
    curves, density = input_curves(u, force, options.options), torch.tensor([0.1, 0.2, 0.3, 0.4, 0.5])
    found = model(curves, density, torch.zeros(5))
    assert found.shape == (5,)
    assert torch.isfinite(found).all()
    inner = [model.coefficients(curves, d, torch.zeros(5)) for d in (density, 2 * density)]
    assert torch.equal(*inner) == (options.target == "Bn")
    with_estimate = model(curves, density, torch.ones(5))
    assert torch.equal(found, with_estimate) == ("i" not in options.options)
    other_force = input_curves(u, force + 1, options.options)
    assert torch.equal(curves, other_force) == ("f" not in options.options)


def test_the_virial_layer_is_the_virial_series():
    b, rho = torch.tensor([[1.0, 2.0, 3.0, 4.0]]), torch.tensor([0.5])
    assert float(sum_of_powers(b, rho)) == 1 * 0.25 + 2 * 0.125 + 3 * 0.0625 + 4 * 0.03125


def test_many_are_trained_at_once_as_each_alone_and_rows_without_weight_teach_nothing():
    noise = torch.Generator().manual_seed(0)
    curves, density = torch.randn(40, 1, 50, generator=noise), torch.rand(40, generator=noise)
    wanted = density + density**2 * curves[:, 0, 10]
    inputs = (curves, density, torch.zeros(40))
    loss = lambda found, rows: (found - wanted[rows]) ** 2  # noqa: E731
    weights = torch.ones(2, 40)
    weights[1, 20:] = 0
    epochs = Epochs(steps=15, batch=16)
    make = lambda: [PressureModel(PressureOptions("CN", "", "Bn"), seed=k) for k in (3, 4)]  # noqa: E731
    together = make()
    for _ in train_together(together, inputs, loss, weights, epochs):
        pass
    for k in range(2):
        alone = [make()[k]]
        for _ in train_together(alone, inputs, loss, weights[k : k + 1], epochs):
            pass
        torch.testing.assert_close(alone[0](*inputs), together[k](*inputs), rtol=1e-4, atol=1e-5)
    changed = make()[1:]
    wanted[20:] = 99.0
    for _ in train_together(changed, inputs, loss, weights[1:], epochs):
        pass
    torch.testing.assert_close(changed[0](*inputs), together[1](*inputs), rtol=1e-4, atol=1e-5)


def test_folds_keep_a_potential_on_one_side():
    groups = torch.arange(40) // 4
    out = folds(groups, 4, seed=2)
    assert out.sum(dim=0).tolist() == [1] * 40
    assert all(bool((out[:, groups == g] == out[:, groups == g][:, :1]).all()) for g in range(10))
    assert out.sum(dim=1).max() <= 12


def test_a_network_learns_the_second_virial_coefficient():
    """UN/c → Bn on gases of random repulsive splines, whose pressure is exactly ρ + B₂ρ²; half of the potentials are not seen."""
    r = (np.arange(50) + 0.5) * 0.1
    kept = [p for p in cd.random_splines(160, seed=5) if p.energy(np.linspace(0.02, p.cutoff, 200)).min() > -1.0]
    u = torch.tensor(np.stack([p.energy(r) for p in kept]), dtype=torch.float32)
    b2 = torch.tensor([cd.b2(p, kT=1.0) for p in kept], dtype=torch.float32)
    rho = torch.full((len(kept),), 0.05)
    wanted = rho + b2 * rho**2
    given = (input_curves(u, u, "c"), rho, rho)
    seen = torch.arange(len(kept)) % 2 == 0
    model = [PressureModel(PressureOptions("UN", "c", "Bn"))]
    loss = lambda found, rows: ((found - wanted[rows]) / rho[0] ** 2) ** 2  # noqa: E731
    for _ in train_together(model, given, loss, seen[None].float(), Epochs(steps=300, batch=64, rate=3e-3)):
        pass
    with torch.no_grad():
        found = (model[0](*given) - rho) / rho**2
    assert pressure_errors(found[seen], b2[seen])["r2"] > 0.99
    assert pressure_errors(found[~seen], b2[~seen])["r2"] > 0.95


@pytest.mark.parametrize("options", potential_grid(), ids=lambda o: o.name)
def test_potential_networks_have_no_loss_where_they_are_right_or_u_is_above_the_cap(options):
    model = PotentialModel(options, seed=0)
    u = torch.linspace(40.0, -1.0, 50).repeat(3, 1)
    wanted = torch.exp(-u) if "e" in options.options else u
    above = torch.where(u > 20, 7.0, wanted)
    assert model.loss(above, u).abs().max() < 1e-6
    assert model.loss(above + 0.1, u).min() > 1e-4
    g, density = torch.rand(3, 50), torch.tensor([0.1, 0.2, 0.3])
    assert model(g, density).shape == (3, 50)
    assert torch.isfinite(model(torch.zeros(3, 50), density)).all()
    assert not torch.equal(model(g, density), model(g, 2 * density))


def test_errors_of_curves_are_those_below_the_cap():
    u = torch.tensor([[50.0, 1.0, 0.0]])
    found = torch.tensor([[0.0, 1.5, 0.0]])
    absolute, square = curve_errors(found, u)
    assert (float(absolute), float(square)) == (0.25, 0.125)
    torch.testing.assert_close(boltzmann_inverted(torch.tensor([1.0, 0.5])), torch.tensor([0.0, 0.6931472]))


@pytest.mark.parametrize("letters", ["x", "e", "ef"])
def test_networks_learn_what_they_are_asked_for(letters):
    """U of a dilute gas, g = exp(−U): of exp(−U) itself, a network need only pass on what it is given."""
    r = (np.arange(50) + 0.5) * 0.1
    kept = [p for p in cd.random_splines(120, hard_cores=0, seed=8) if p.energy(r).min() > -0.5]
    u = torch.tensor(np.stack([p.energy(r) for p in kept]), dtype=torch.float32)
    g, one = torch.exp(-u), torch.ones(len(u))
    gas = LiquidTable(torch.arange(len(u)), 0.01 * one, u, u, g, g, g, g, one, one, one)
    options = PotentialOptions("DN", letters.replace("x", ""))
    model = fitted(options, gas, one[None], Epochs(steps=400, batch=64, rate=3e-3))[0]
    with torch.no_grad():
        off = (torch.exp(-model(*inputs(options, gas)).clamp(max=20)) - g).abs()
    assert off.mean() < 0.1
