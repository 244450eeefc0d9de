"""Networks that correct the theory of liquids: what they start from, what noise they learn with, how they are stored."""

from __future__ import annotations

import numpy as np
import pytest

import cg_data as cd

torch = pytest.importorskip("torch")
if True:  # after the skip
    from safetensors.torch import save_file

    from cg_models.boltzmann.counting_noise import counting_error, noisy, structure_factors
    from cg_models.boltzmann.domain import REFUSED, Domain, OutsideDomain
    from cg_models.boltzmann.informed_potential import InformedPotential
    from cg_models.boltzmann.informed_pressure import ESTIMATES, InformedPressure, estimates
    from cg_models.boltzmann.informed_training import learn_potential, learn_pressure
    from cg_models.boltzmann.options import PotentialOptions
    from cg_models.boltzmann.potential import PotentialModel
    from cg_models.boltzmann.shipped import Ensemble, load_ensemble, save_ensemble
    from cg_models.boltzmann.table import FINE, REACH, R, indirect, joined, on_points
    from cg_models.boltzmann.theory_liquids import in_bins, theory_liquids

SOFT = cd.GaussianCore(4.0, 1.0, cutoff=4.5)


@pytest.fixture(scope="module")
def theory():
    return theory_liquids(40, seed=5)


def test_liquids_by_theory_are_what_they_say(theory):
    assert 8 < len(theory) < 30
    again = theory_liquids(40, seed=5)
    assert torch.equal(theory.g, again.g)
    k = int(theory.density.argmax())
    potential = cd.random_splines(40, hard_cores=24, seed=5)[int(theory.potential[k])]
    np.testing.assert_allclose(theory.u[k], on_points(potential)[0], rtol=1e-6, atol=1e-6)
    found = cd.liquid_theory(potential, float(theory.density[k]), closure="ry")
    assert float(theory.pressure[k]) == pytest.approx(found.pressure, rel=1e-4)


def test_an_untrained_network_says_what_the_hypernetted_chain_says():
    """Its last layer nearly nothing: U = −ln g + γ, with γ from Baxter's factorization."""
    found = cd.liquid_theory(SOFT, 0.5)
    fine = in_bins(found.r, found.g)
    gamma = indirect(fine, 0.5)
    np.testing.assert_allclose(gamma, np.interp(R, found.r, found.gamma), atol=0.003)
    model = InformedPotential(seed=3)
    with torch.no_grad():
        model.last.weight.zero_()
        given = [torch.tensor(x, dtype=torch.float32)[None] for x in (joined(fine, fine)[0], gamma)]
        np.testing.assert_allclose(model(*given, torch.tensor([0.5]))[0], SOFT.energy(R), atol=0.02)  # −ln of means


def test_counting_noise_has_the_size_of_poisson_on_short_waves_and_of_s_on_long_ones():
    found = cd.liquid_theory(SOFT, 1.0)
    g = torch.tensor(in_bins(found.r, found.g), dtype=torch.float32).repeat(4000, 1)
    density = torch.ones(4000)
    structure = structure_factors(g, density)
    assert float(structure[0, 0]) == pytest.approx(found.compressibility, rel=0.05)
    off = counting_error(structure, density, torch.Generator().manual_seed(0), particles=1000, frames=250).numpy()
    volumes = cd.shell_volumes((np.arange(FINE) + 0.5) * REACH / FINE)
    poisson = 1 / np.sqrt(0.5 * 1000 * volumes * 250)
    ratio = off.std(axis=0) / poisson
    assert np.all(np.abs(ratio[20:90] - 1) < 0.35)
    inside = (off * volumes)[:, 10:60].sum(axis=1).std()
    independent = np.sqrt(((poisson * volumes)[10:60] ** 2).sum())
    assert inside < 0.5 * independent  # errors of neighboring bins cancel in an incompressible liquid


def test_liquids_as_counted_differ_by_noise_alone(theory):
    one, other = (noisy(theory, seed=seed, rows=5) for seed in (1, 2))
    assert torch.equal(one.u, theory.u)
    assert torch.equal(one.g, noisy(theory, seed=1, rows=5).g)
    dilute = theory.density < 0.2
    for found in (one, other):
        assert 1e-4 < float((found.g - theory.g)[dilute].abs().mean()) < 0.01
        assert 1e-5 < float((found.gamma - theory.gamma)[dilute].abs().mean()) < 0.05
    assert float((one.g - other.g).abs().max()) > 0


def test_noise_leaves_the_long_range_of_a_dense_liquid_with_cores_to_be_seen():
    """ρ = 1, U to 4.75 σ, S(0) = 0.0013: noise as a run has it changes −ln g + γ there by a few hundredths of 15 kT."""
    potential = cd.random_splines(657, hard_cores=344, seed=0)[162]
    found = cd.liquid_theory(potential, 1.0)
    fine = torch.tensor(in_bins(found.r, found.g), dtype=torch.float32)[None].repeat(20, 1)
    density = torch.ones(20)
    off = counting_error(structure_factors(fine, density), density, torch.Generator().manual_seed(0))
    chains = [indirect(x.double().numpy(), density.numpy())[:, R > 1.5] for x in (fine, fine + off)]
    assert np.abs(chains[1] - chains[0]).mean() < 0.4
    cored = indirect((fine + off * fine.sqrt()).double().numpy(), density.numpy())[:, R > 1.5]
    assert np.abs(cored - chains[0]).mean() > 1.0


def test_an_informed_network_learns_from_theory(theory):
    model = InformedPotential(width=64, layers=1, seed=0)
    losses = list(learn_potential(model, theory, steps=120, batch=32))
    assert np.mean(losses[-10:]) < 0.6 * np.mean(losses[:10])
    losses = list(learn_potential(model, noisy(theory, seed=0), theory[:6], steps=30, batch=32))
    assert np.all(np.isfinite(losses))


def test_estimates_are_the_best_theory_first():
    found = estimates(SOFT, 0.5)
    assert len(found) == ESTIMATES
    assert found[0] == found[3] == cd.liquid_theory(SOFT, 0.5, closure="ry", iterations=600).pressure
    scaled = estimates(cd.GaussianCore(8.0, 2.0, cutoff=9.0), 0.5 / 8, kT=2.0, sigma=2.0)
    np.testing.assert_allclose(scaled, found, rtol=1e-3, atol=0.01)  # mismatch: 0 within its tolerance
    wells = cd.random_splines(657, hard_cores=344, seed=0)[39]
    assert estimates(wells, 1.0)[0] == pytest.approx(cd.perturbation_pressure(wells, 1.0), rel=0.02)


def test_an_informed_pressure_starts_from_the_best_and_learns_what_is_missing(theory):
    table = theory[theory.pressure > 0]
    told = torch.zeros(len(table), ESTIMATES)
    told[:, :5] = (0.9 * table.pressure)[:, None]
    model = InformedPressure(seed=0)
    before = (model(table.u, table.density, told).detach() / table.pressure - 1).abs().mean()
    assert 0.05 < float(before) < 0.15
    for _ in learn_pressure(model, table, told, steps=200, batch=32):
        pass
    after = (model(table.u, table.density, told).detach() / table.pressure - 1).abs().mean()
    assert float(after) < 0.03


def test_a_domain_scores_what_it_knows_low_and_refuses_the_rest(theory):
    domain = Domain.of(theory.g, theory.density)
    scores = domain.score(theory.g)
    assert float((scores <= 1.0).float().mean()) > 0.8
    domain.check(theory.g[:1], theory.density[:1], "g(r)")
    with pytest.raises(OutsideDomain, match="unlike"):
        domain.check(10 + theory.g[:1], theory.density[:1], "g(r)")
    with pytest.raises(OutsideDomain, match="densities"):
        domain.check(theory.g[:1], torch.tensor([50.0]), "g(r)")
    assert float(domain.score(theory.g[:1] + 10)) > REFUSED


@pytest.mark.parametrize(
    "members",
    [
        [InformedPotential(32, 1, seed=k) for k in range(2)],
        [PotentialModel(PotentialOptions("DN", "bf"), seed=k) for k in range(2)],
    ],
)
def test_networks_are_stored_in_half_precision_and_read_again(tmp_path, theory, members):
    file = tmp_path / "x.safetensors"
    ensemble = Ensemble(members, Domain.of(theory.g, theory.density), {"liquids": "some"})
    save_ensemble(ensemble, file)
    again = load_ensemble(file)
    assert again.about["liquids"] == "some"
    informed = isinstance(members[0], InformedPotential)
    given = (theory.g, theory.gamma, theory.density) if informed else (theory.g, theory.density)
    mean, spread = ensemble(*given)
    found, _ = again(*given)
    known = theory.u <= 20
    np.testing.assert_allclose(found[known], mean[known], atol=0.05)
    assert float(spread.max()) > 0
    torch.testing.assert_close(again.domain.score(theory.g), ensemble.domain.score(theory.g))


def test_files_that_are_no_networks_are_refused(tmp_path):
    file = tmp_path / "x.safetensors"
    for content in (b"", b"{}", b"\x08\x00\x00\x00\x00\x00\x00\x00{}      "):
        file.write_bytes(content)
        with pytest.raises(cd.FileError, match=r"networks|empty"):
            load_ensemble(file)
    save_file({"a": torch.zeros(1)}, file, metadata={"kind": "os.system", "settings": "{}", "members": "1"})
    with pytest.raises(cd.FileError, match="networks"):
        load_ensemble(file)
