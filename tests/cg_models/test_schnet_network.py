"""SchNet: convolutions and their derivatives by kernels and by torch, filters as splines, energies as sums over neighbors."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
if True:  # after the skip
    from cg_models.schnet.convolution import KERNELS, Pairs, by_torch, convolved, spline
    from cg_models.schnet.filters import Filter
    from cg_models.schnet.network import Neighbors, SchNet, SchNetOptions

needs_kernels = pytest.mark.skipif(not KERNELS, reason="numba is not installed: there is only one way to compare")


@pytest.fixture(scope="module")
def form():
    """Return y, knots, distances and pairs of a small cloud."""
    noise = torch.Generator().manual_seed(0)
    rows, channels, pairs = 6, 5, 9
    i = torch.randint(0, rows, (pairs,), generator=noise).sort()[0]
    j = (i + 1 + torch.randint(0, rows - 1, (pairs,), generator=noise)) % rows
    y = torch.randn(rows, channels, dtype=torch.float64, generator=noise)
    knots = torch.randn(13, channels, dtype=torch.float64, generator=noise)
    d = 0.05 + 4.9 * torch.rand(pairs, dtype=torch.float64, generator=noise)
    return *(x.requires_grad_() for x in (y, knots, d)), Pairs(i.int(), j.int(), 0.5)


@needs_kernels
def test_kernels_convolve_as_torch_does(form):
    *given, pairs = form
    torch.testing.assert_close(convolved(*given, pairs), by_torch(*given, pairs), rtol=1e-13, atol=1e-13)
    assert torch.autograd.gradcheck(lambda *x: convolved(*x, pairs), given)


@needs_kernels
def test_gradients_of_forces_are_those_of_torch(form):
    """A loss of energies and of their slopes, through two convolutions: what force matching differentiates."""
    y, knots, d, pairs = form

    def learned(convolve):
        energy = 0.3 * (convolve(y, knots, d, pairs) ** 2).sum() + convolve(y**2, knots, d, pairs).sin().sum()
        (slope,) = torch.autograd.grad(energy, d, create_graph=True)
        return torch.autograd.grad((slope**2).sum() + 0.1 * energy**2, (y, knots))

    for found, wanted in zip(learned(convolved), learned(by_torch), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("envelope", ["smooth", "cosine"])
def test_a_spline_goes_through_its_filter_and_ends_at_the_cutoff(envelope):
    torch.manual_seed(1)
    found = Filter(7, 20, 8.0, "shifted_softplus", envelope).double()
    d = torch.linspace(0.001, 7.999, 3001, dtype=torch.float64)
    with torch.no_grad():
        off = spline(found.knots(), d, found.spacing) - found(d)
        ends = found(torch.tensor([8.0, 8.0 - 1e-4], dtype=torch.float64)).abs().amax(dim=1)
        assert float(off.abs().max()) < 1e-6 * float(found(d).abs().max())
    assert float(ends[0]) < 1e-12
    assert float(ends[1]) < 1e-6


def test_without_an_envelope_a_filter_ends_with_a_step_and_its_spline_too():
    torch.manual_seed(1)
    found = Filter(7, 20, 8.0, "shifted_softplus", "none").double()
    d = torch.linspace(0.001, 8.0, 3001, dtype=torch.float64)
    with torch.no_grad():
        off = spline(found.knots(), d, found.spacing) - found(d)
        assert float(found(d[-1:]).abs().max()) > 1e-3
    assert float(off.abs().max()) < 1e-6


def liquid(n=64, cutoff=4.0, seed=3):
    noise = np.random.default_rng(seed)
    box = (n * 10.0) ** (1 / 3)
    x = noise.random((n, 3)) * box
    r = x[:, None] - x
    d = np.linalg.norm(r - box * np.round(r / box), axis=-1)
    i, j = np.nonzero((d < cutoff) & (np.arange(n)[:, None] < np.arange(n)))
    return torch.from_numpy(i).int(), torch.from_numpy(j).int(), torch.from_numpy(d[i, j]).float()


@pytest.mark.parametrize("inner", [0, 1])
@pytest.mark.parametrize(("kind", "close"), [(torch.float64, 1e-6), (torch.float32, 1e-5)])
def test_energies_by_splines_are_those_of_the_filters_themselves(inner, kind, close):
    """To 1e-5 of the largest force in single precision too, which dynamics need."""
    i, j, d = liquid()
    model = SchNet(
        SchNetOptions(types=2, cutoff=4.0, features=16, filters=24, blocks=2, inner_blocks=inner), seed=2
    ).to(kind)
    types, d = torch.arange(64) % 2, d.to(kind)
    inside = Neighbors(i[::5], j[::5], d[::5] / 2) if inner else None

    def slopes(**how):
        distances = d.clone().requires_grad_()
        energy = model(types, Neighbors(i, j, distances), inside, **how).sum()
        return energy.detach(), torch.autograd.grad(energy, distances)[0]

    exact, force = slopes(splines=False)
    for how in ({"splines": True}, {"knots": model.tabulated()}):
        energy, found = slopes(**how)
        torch.testing.assert_close(energy, exact, rtol=1e-5, atol=1e-5)
        assert float((found - force).abs().max()) < close * float(force.abs().max())


def test_an_energy_is_a_sum_over_beads_whose_order_says_nothing():
    i, j, d = liquid()
    model = SchNet(SchNetOptions(cutoff=4.0, features=16, filters=16, blocks=2), seed=2)
    types = torch.zeros(64, dtype=torch.long)
    energies = model(types, Neighbors(i, j, d))
    order = torch.randperm(64, generator=torch.Generator().manual_seed(0))
    place = torch.argsort(order)
    other = model(types, Neighbors(place[j.long()].int(), place[i.long()].int(), d))
    torch.testing.assert_close(other, energies[order], rtol=1e-5, atol=1e-6)
    twice = model(types.repeat(2), Neighbors(torch.cat([i, i + 64]), torch.cat([j, j + 64]), torch.cat([d, d])))
    torch.testing.assert_close(twice, energies.repeat(2), rtol=1e-5, atol=1e-6)


def test_wrong_options_are_named():
    for wrong, said in (({"features": 0}, "features"), ({"cutoff": -1.0}, "cutoffs"), ({"blocks": 0}, "a block")):
        with pytest.raises(ValueError, match=said):
            SchNetOptions(**wrong)
    with pytest.raises(ValueError, match="activation"):
        SchNet(SchNetOptions(activation="relu"))
    model = SchNet(SchNetOptions(features=8, filters=8, inner_blocks=1))
    i, j, d = liquid()
    with pytest.raises(ValueError, match="inside molecules"):
        model(torch.zeros(64, dtype=torch.long), Neighbors(i, j, d))
