"""The runs behind notebook 02 go from frames of beads to a table of trained and tried networks, and from there to long runs."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("torch", reason="pip install torch")
pytest.importorskip("openmm", reason="pip install openmm")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "notebooks" / "runs"))
if True:  # after the skips
    import benzene_atoms
    import benzene_beads
    import benzene_corrected
    import benzene_models
    import benzene_reference
    import benzene_rows
    import benzene_scan as scan
    import xarray as xr

    import cg_data as cd
    import cg_sim as cs

MOLECULES = 125
QUICK = {"features": 8, "blocks": 1, "energy_weight": 0.1}


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """Ten frames of a thin benzene on a lattice, as benzene_reference.py leaves them, and their beads."""
    folder = tmp_path_factory.mktemp("benzene")
    noise, edge = np.random.default_rng(0), 2.9
    for number in range(2):
        x = benzene_reference.lattice(MOLECULES, edge) + 0.004 * noise.normal(size=(5, 12 * MOLECULES, 3))
        more = {"energy": np.zeros(5), "between": -800.0 + noise.normal(size=5), "edge": edge}
        np.savez(folder / f"part-{number:04d}.npz", position=x, force=200 * noise.normal(size=x.shape), **more)
    return folder


@pytest.fixture(scope="module")
def results(work, tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    for per in (1, 3):
        found = benzene_beads.mapped(work, per, 10)
        benzene_beads.write(found.assign(optimal_force=found.force) if per == 3 else found, folder, per)
    return folder


def test_beads_keep_the_force_and_the_center_of_their_molecule(work, results):
    one, three = (benzene_beads.read(f"beads-{per}", results) for per in (1, 3))
    edge = float(one.box.values.flat[0])
    of_three = scan.centers(three.position.values, edge, 3) - one.position.values
    np.testing.assert_allclose(of_three - edge * np.round(of_three / edge), 0, atol=2e-3)
    sums = three.force.values.reshape(10, MOLECULES, 3, 3).sum(axis=2)
    np.testing.assert_allclose(sums, one.force.values, atol=0.02)


def test_a_scan_trains_and_tries_every_row_and_goes_on_where_it_was(results, tmp_path, monkeypatch):
    monkeypatch.setattr(scan, "STEPS", 50)
    rows = (replace(scan.ONE, **QUICK), replace(scan.THREE, **QUICK, forces="optimal", inner_blocks=1))
    runs = scan.Scan(rows, {1: 10, 3: 10}, 1, tmp_path, results)
    tally = cs.campaign.run(runs.campaign(tmp_path / "scan.zarr"), runs, workers=1)
    assert not tally.failures
    found = cd.Campaign.open(tmp_path / "scan.zarr").dataset()
    assert found.done.all()
    assert found.stable.all()
    np.testing.assert_allclose(found.kT, scan.KT, rtol=0.4)
    assert (found.force_error > 0).all()
    before = {file: file.stat().st_mtime_ns for file in tmp_path.glob("*.safetensors")}
    assert len(before) == 2
    cs.campaign.run(runs.campaign(tmp_path / "scan.zarr"), runs, workers=1)
    assert before == {file: file.stat().st_mtime_ns for file in tmp_path.glob("*.safetensors")}


def test_long_runs_have_a_pressure_and_an_end_of_motion(results, tmp_path, monkeypatch):
    quick = replace(scan.ONE, **QUICK)
    monkeypatch.setattr(scan, "STEPS", 50)
    monkeypatch.setattr(benzene_models, "MODELS", {"1 bead": quick})
    for name, value in {"SETTLE": {1: 0.5}, "SAMPLE": {1: 4.0}, "MOTION": 4.0, "FIT": (0.5, 1.5)}.items():
        monkeypatch.setattr(benzene_models, name, value)
    scan.Scan((quick,), {1: 10, 3: 10}, 1, tmp_path, results)(
        {name: getattr(quick, name) for name in quick.__dataclass_fields__}
    )
    runs = benzene_models.Runs(tmp_path, results, 1.0)
    still = runs({"model": "1 bead", "molecules": MOLECULES, "kelvin": 300.0, "motion": False})
    moving = runs({"model": "1 bead", "molecules": MOLECULES, "kelvin": 300.0, "motion": True})
    assert still["lasted"] == 1
    ideal = MOLECULES * scan.KT / 29.0**3 * benzene_models.ATMOSPHERE
    assert still["pressure"] > ideal  # beads that only repel
    assert moving["diffusion"] > 0
    assert np.isfinite(moving["msd"]).all()


def test_the_mean_square_displacement_of_steps_at_random_is_a_line():
    walk = np.cumsum(np.random.default_rng(1).normal(size=(2000, 2, 50, 3)), axis=0)
    np.testing.assert_allclose(benzene_models.mean_square(walk, 20)[1:, 0], 3 * np.arange(1, 21), rtol=0.05)


def test_the_reference_is_its_own_liquid(results):
    found = benzene_atoms.structure(benzene_beads.read("beads-1", results), 1, "centers")
    row = xr.Dataset({"center_g": ("r", found.g_centers.values), "center_g_error": ("r", found.g_centers_error.values)})
    square, noise = benzene_rows.mse(row, found, "centers")
    assert square == 0
    assert noise > 0


def test_more_neighbors_are_asked_for_by_attraction_and_forces_of_splines_are_their_slopes():
    """In a gas g follows U as −U/kT: where the target has more pairs than the run, the correction must be negative."""
    splines, r = benzene_corrected.Splines(8.0), np.linspace(3.3, 8.2, 400)
    c = np.random.default_rng(2).normal(size=benzene_corrected.PIECES)
    table, h = splines.table(c), 1e-5
    np.testing.assert_allclose(table.energy(r), splines(r) @ c, atol=1e-5)
    np.testing.assert_allclose(table.force(r), -(table.energy(r + h) - table.energy(r - h)) / (2 * h), atol=1e-3)
    edge, box = 24.0, np.full(3, 24.0)
    gas = np.random.default_rng(3).random((400, 30, 3)) * edge
    middles, _ = scan.distribution(gas[:1], box, scan.REACH, scan.BINS)
    g = np.array([scan.distribution(x[None], box, scan.REACH, scan.BINS)[1] for x in gas])
    sums = np.array(
        [splines(np.linalg.norm(benzene_corrected.pairs_within(x, box, 8.0)[2], axis=1)).sum(axis=0) for x in gas]
    )
    more = g.mean(axis=0) * (1 + 0.1 * np.exp(-((middles - 5.5) ** 2)))
    none = np.zeros((benzene_corrected.PIECES, benzene_corrected.PIECES)), np.zeros(benzene_corrected.PIECES), 1.0, 1
    potential = scan.potential_of(replace(scan.ONE, **QUICK), SimpleNamespace(bond=(0.0, 1.0)))
    work = benzene_corrected.Correction(potential, gas, gas, edge, more, np.full(scan.BINS, 0.01), 1.0)
    found = work.better(np.zeros(benzene_corrected.PIECES), (none[0] + 0.03 * np.eye(len(c)), *none[1:]), g, sums, np.zeros(scan.BINS))  # fmt: skip
    wanted = -0.1 * scan.KT * benzene_corrected.DAMPING
    at = float(splines(np.array([5.5]))[0] @ found)
    assert 1.4 * wanted < at < 0.15 * wanted  # both negative; the noise of 400 frames of 30 beads weakens the response
