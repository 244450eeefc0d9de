"""The table that the networks of paper 01 learn from: a campaign's rows on 50 points, in units of kT and σ."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

import cg_data as cd

torch = pytest.importorskip("torch")
if True:  # after the skip
    from cg_models.boltzmann.ensembles import Epochs, folds
    from cg_models.boltzmann.options import PotentialOptions, PressureOptions
    from cg_models.boltzmann.table import R, binned, joined, liquid_table, on_points
    from cg_models.boltzmann.training import fitted, scores

POTENTIALS = {"soft": cd.GaussianCore(3.0, 1.0, cutoff=4.0), "hard": cd.LennardJones(cutoff=2.5).shifted()}
FINE = (np.arange(100) + 0.5) * 0.05


def gases(kT: float = 1.0, attrs=lambda kinds: kinds) -> xr.Dataset:
    """Rows whose g is exp(−U/kT) and whose P is that of the second virial coefficient."""
    names, densities = ["soft", "hard", "soft", "hard"], np.array([0.01, 0.01, 0.02, 0.02])
    g = []
    for name in names:
        u = np.where(POTENTIALS[name].cutoff > FINE, POTENTIALS[name].energy(FINE), 0.0)
        g.append(np.exp(-np.minimum(u / kT, 50)))
    pressures = [cd.low_density_pressure(POTENTIALS[n], x, kT=kT) for n, x in zip(names, densities, strict=True)]
    return xr.Dataset(
        {
            "potential": ("row", names), "density": ("row", densities), "kT": ("row", np.full(4, kT)),
            "g": (("row", "r"), np.array(g)), "g_stderr": (("row", "r"), np.full((4, 100), 0.01)),
            "pressure": ("row", pressures), "pressure_stderr": ("row", np.full(4, 0.1)),
            "particles": ("row", [10**6] * 4), "kind": ("row", [0, 0, 0, 2]), "done": ("row", [True, True, True, True]),
        },
        {"r": FINE}, {"kinds": attrs(["liquid", "drifting", "separated"])},
    )  # fmt: skip


@pytest.mark.parametrize("attrs", [list, json.dumps])
def test_a_table_holds_the_kept_rows_in_units_of_kT(attrs):
    kT = 2.0
    table = liquid_table(gases(kT, attrs), POTENTIALS)
    assert len(table) == 3
    assert table.potential.tolist() == [1, 0, 1]
    torch.testing.assert_close(table.pressure, table.estimate)
    torch.testing.assert_close(table.pressure_stderr, torch.full((3,), 0.05))
    expected = torch.tensor(POTENTIALS["soft"].energy(R) * (R < 4.0) / kT, dtype=torch.float32)
    torch.testing.assert_close(table.u[0], expected)
    torch.testing.assert_close(-torch.log(table.g[0]), table.u[0], atol=6e-3, rtol=0)  # means of bins
    assert float(table.u[1].max()) == 1000.0
    assert float(table.force[1].max()) == 1000.0
    assert len(liquid_table(gases(kT, attrs), POTENTIALS, kinds=("liquid", "separated"))) == 4
    assert len(table[table.potential == 0]) == 1


def test_bins_are_joined_by_their_volumes():
    """The joined bins hold the pairs that the fine ones held."""
    g = np.random.default_rng(0).random((2, 200))
    narrow = (np.arange(200) + 0.5) * 0.025
    fine, error = binned(narrow, g, np.full((2, 200), 0.1))
    whole, stderr = joined(fine, error)
    volumes, wide = cd.shell_volumes(narrow), cd.shell_volumes(R)
    np.testing.assert_allclose((whole * wide).sum(axis=1), (g * volumes).sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(whole[:, -1] * wide[-1], (g * volumes)[:, -4:].sum(axis=1), rtol=1e-12)
    assert 0.049 < stderr[0, -1] < 0.051
    with pytest.raises(ValueError, match="multiple of 100"):
        binned(np.linspace(0.1, 5, 75), g[:, :75], g[:, :75])


def test_points_are_in_the_potentials_own_units():
    u, force = on_points(cd.GaussianCore(6.0, 2.0, cutoff=8.0), kT=2.0, sigma=2.0)
    wanted, wanted_force = on_points(cd.GaussianCore(3.0, 1.0, cutoff=4.0))
    np.testing.assert_allclose(u, wanted, rtol=1e-12)
    np.testing.assert_allclose(force, wanted_force, rtol=1e-12)


def test_networks_of_both_kinds_learn_what_they_are_shown():
    table = liquid_table(gases(), POTENTIALS)
    table = table[torch.arange(3).repeat(6)]
    everything = (~folds(torch.arange(18), 2)).float()
    for options, name, least in [
        (PressureOptions("DN", "e", "Bn"), "mrae", 0.05),
        (PotentialOptions("DN", "bf"), "mae", 0.2),
    ]:
        before = fitted(options, table, everything, Epochs(steps=0))
        after = fitted(options, table, everything, Epochs(steps=400, batch=8))
        for old, new in zip(before, after, strict=True):
            assert scores(options, new, table)[name] < min(least, 0.5 * scores(options, old, table)[name])
