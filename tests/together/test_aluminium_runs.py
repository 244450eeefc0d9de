"""The runs behind notebook 04 go from a surrogate's g(r) to corrections, and to what these do, with EMT in place of ANI-Al."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ase", reason="pip install ase")
pytest.importorskip("torch", reason="pip install torch")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "notebooks" / "runs"))
if True:  # after the skips
    import aluminium as al
    import aluminium_checks as checks
    import aluminium_fits as fitting
    import aluminium_melting as melting
    import aluminium_rows as rows
    import aluminium_solid as solid
    import aluminium_targets as targets
    import xarray as xr
    from ase.build import bulk
    from ase.calculators.emt import EMT

    import cg_data as cd

SURROGATE = Path(__file__).resolve().parents[2] / "notebooks" / "results" / "04" / "targets.nc"


def test_targets_reach_as_far_as_they_are_asked_to_and_say_what_they_are():
    made = al.target(1023, 8.0, SURROGATE)
    assert 8.0 < made.r.values[-1] < 8.1
    assert made.pair.values.tolist() == ["Al-Al"]
    assert cd.units_of(made).length == "angstrom"
    assert "no experiment" in made.attrs["source"]
    np.testing.assert_allclose(
        float(made.density[0]) * al.GRAMS, 2.373, atol=0.01
    )  # g/cm³, of an independent run of the same potential


def test_tables_of_experiments_are_read_onto_the_shells(tables):
    """A table at 0, 0.05, … Å of the surrogate's smooth g comes back where the surrogate has it, at 0.025, 0.075, … Å."""
    made, known = al.target(1323, 8.0, tables), al.target(1323, 8.0, SURROGATE)
    np.testing.assert_array_equal(made.r, known.r)
    np.testing.assert_allclose(made.g, known.g, atol=0.02)  # of noise of 0.01
    assert "hippynn" in made.attrs["source"]
    assert "g_stderr" not in made
    with pytest.raises(FileNotFoundError, match=r"Al_ref_943K_Gr\.txt is missing: bring a folder"):
        al.target(943, 8.0, tables)


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """A folder with the surrogate's g(r) at 1323 K as experiments have theirs."""
    folder = tmp_path_factory.mktemp("tables")
    found = al.surrogate().sel(temperature=1323)
    r = al.WIDTH * np.arange(201)
    g = np.interp(r, found.r, found.g)
    np.savetxt(folder / "Al_ref_1323K_Gr.txt", np.column_stack([r, g]), fmt="%.6f", delimiter=",")
    return folder


def test_the_measured_liquid_has_the_textbooks_numbers():
    """At the melting point: 2.377 g/cm³, 1.35 mPa s; at 1020 K D near the 0.8 Å²/ps of neutrons, its activation energy 0.28 ± 0.07 eV."""
    assert al.GRAMS * al.density_measured(933.47) == pytest.approx(2.377, abs=1e-3)
    assert al.viscosity_measured(933.47) / al.MILLIPASCAL_SECOND == pytest.approx(1.35, abs=0.03)
    assert al.diffusion_measured(1020) == pytest.approx(0.8, rel=0.1)
    energy = -np.log(al.diffusion_measured(1060) / al.diffusion_measured(980)) / (1 / 1060 - 1 / 980) * al.KELVIN
    assert energy == pytest.approx(0.28, abs=0.07)


def test_what_the_box_takes_from_diffusion_is_what_larger_boxes_show():
    """Of the surrogate, D in 256 atoms and the walls' share is D in 2048 and theirs, with its error and the viscosity's."""
    found = al.surrogate()
    for kelvin in al.TEMPERATURES:
        at = found.sel(temperature=kelvin)
        small, large = (float(at.diffusion.sel(atoms=n)) + al.slowed(kelvin, float(at.density), n) for n in (256, 2048))
        error = np.hypot(*(float(at.diffusion_stderr.sel(atoms=n)) for n in (256, 2048)))
        assert abs(small - large) < 3 * error + 0.3 * al.slowed(kelvin, float(at.density), 256)


def test_diffusion_of_the_surrogate_grows_with_the_box():
    found = al.surrogate()
    slow, fast = (found.diffusion.sel(atoms=n) for n in (256, 2048))
    error = np.hypot(found.diffusion_stderr.sel(atoms=256), found.diffusion_stderr.sel(atoms=2048))
    assert np.all(fast > slow + 0.5 * error)
    assert np.all(np.diff(fast) > 0)


@pytest.fixture(scope="module")
def work(tmp_path_factory, tables):
    """Two generations of a correction to EMT at two temperatures, in a folder."""
    folder = tmp_path_factory.mktemp("aluminium")
    plan = fitting.Plan((1323,), rounds=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(fitting.PLANS, "paper-1323", plan)
        patch.setattr(fitting, "STEPS", 1000)
        patch.setattr(fitting, "SETTLE", 50)
        patch.setattr(fitting, "MELTING", 200)
        patch.setattr(al, "SAMPLED", 10)
        fit = fitting.fitted(folder / "fits", "emt", "paper-1323", tables)
        again = fitting.fitted(folder / "fits", "emt", "paper-1323", tables)
    return folder, fit, again


@pytest.mark.slow
def test_fits_go_on_where_they_were_and_corrections_come_back_as_they_were(work):
    folder, fit, again = work
    found = fitting.collected(folder / "fits")
    row = fitting.best(found, "EMT", "paper-1323")
    np.testing.assert_array_equal(again.history.u.values, fit.history.u.values)
    r = np.linspace(2.0, 8.5, 400)
    np.testing.assert_allclose(fitting.correction(row).energy(r), fit.potential["Al", "Al"].energy(r), atol=1e-12)
    assert found.residual.isel(fit=0).values.tolist() == fit.history.residual.values.tolist()


@pytest.mark.slow
def test_fits_of_any_length_stand_in_one_table(work, tmp_path):
    folder = work[0] / "fits" / "EMT" / "paper-1323"
    for name, rounds in (("paper-1323", 2), ("paper-1023", 1)):
        (tmp_path / "EMT" / name).mkdir(parents=True)
        with xr.open_dataset(folder / "history.nc") as history:
            history.isel(iteration=slice(rounds)).to_netcdf(tmp_path / "EMT" / name / "history.nc")
    found = fitting.collected(tmp_path)
    assert found.name.values.tolist() == ["paper-1023", "paper-1323"]
    assert np.isfinite(found.residual.values).sum(axis=1).tolist() == [1, 2]


@pytest.mark.slow
def test_checks_measure_with_and_without_the_correction(work, monkeypatch):
    folder, _, _ = work
    for name, value in (("SETTLE", 0.2), ("FREE", 1.0), ("REST", 0.2), ("MOVE", 2.0), ("LAGS", 3), ("BLOCKS", 2)):
        monkeypatch.setattr(checks, name, value)
    fits = fitting.collected(folder / "fits")
    fits["best"][:] = 1  # that of u = 0 may be the better one of two short ones
    fits.to_netcdf(folder / "fits.nc")
    check = checks.Check("emt", folder / "fits.nc")
    goal = fitting.goal(fits, 1323)
    for correction in ("none", "own"):
        checks.run(folder, check, correction, [1323])
    found = checks.collected(folder, check)
    bare, own = (rows.pick(found, c, 1323) for c in ("none", "own"))
    for row in (bare, own):
        assert 0.04 < float(row.density) < 0.06
        assert float(row.diffusion) > 0
        assert abs(float(row.g[-1]) - 1) < 0.3
        assert np.isfinite(row.s).sum() > 10
    assert float(np.abs(bare.g - own.g).max()) > 0.02
    value, error = rows.misfit(bare, goal)
    assert error > 0
    assert np.isfinite(value)


def test_cold_curves_have_the_minimum_of_their_potential():
    """Of EMT's aluminium a = 3.995 Å (Jacobsen, Stoltze & Nørskov 1996); ASE's own equation of state agrees."""
    found = solid.minimum(solid.energies(EMT()))
    assert found["lattice"] == pytest.approx(3.995, abs=0.005)
    assert 30 < found["modulus"] < 60


def test_what_is_left_of_g_does_not_count_noise():
    """With g* itself and noise of known errors the misfit is zero within its own error."""
    given = al.surrogate().sel(temperature=1023)
    goal = given.g.isel(r=given.r.values < 8)
    noise, sigma = np.random.default_rng(0), np.full(goal.size, 0.03)
    found = [
        rows.misfit(xr.Dataset({"g": ("r", goal.values + sigma * noise.standard_normal(len(sigma))), "g_stderr": ("r", sigma)}, {"r": goal.r.values}), goal)
        for _ in range(40)
    ]  # fmt: skip
    values, errors = np.array(found).T
    assert abs(values.mean()) < 4 * values.std() / np.sqrt(len(values))
    assert 0.6 < values.std() / errors.mean() < 1.6
    assert targets.BINS * al.WIDTH > 10


@pytest.mark.slow
def test_what_fits_miss_says_what_they_were_fitted_to(work, tables):
    found = fitting.collected(work[0] / "fits")
    goal = fitting.goal(found, 1323)
    np.testing.assert_allclose(goal, al.target(1323, 8.0, tables).g.squeeze()[: goal.size], atol=1e-12)


def test_melting_is_between_what_froze_and_what_melted():
    noise, t = np.random.default_rng(0), np.linspace(0, 1, melting.BLOCKS)
    truth = np.array([-0.04, 0.05, -0.03])  # eV: of 860, 1000 and 930 K, in no order
    energy = -3.0 + truth[:, None] * np.minimum(3 * t, 1) + 1e-3 * noise.standard_normal((3, melting.BLOCKS))
    found = xr.Dataset({"energy": (("row", "block"), energy), "temperature": ("row", [860, 1000, 930])})
    np.testing.assert_allclose(melting.gained(found), 1000 * truth, atol=4)
    assert melting.melting_point(found) == (965.0, 35.0)
    assert melting.melting_point(found.isel(row=[0, 2])) is None


@pytest.mark.slow
def test_half_of_the_crystal_melts():
    """The lower atoms are where they were, the upper have lost their lattice."""
    state = melting.Melting("emt", Path("none"), cells=(3, 6), share=0.3).half_molten(EMT(), 900)
    lattice = bulk("Al", "fcc", melting.LATTICE, cubic=True).repeat((3, 3, 6)).positions
    upper = lattice[:, 2] > 3 * melting.LATTICE - 0.1
    moved = np.linalg.norm(state.positions - lattice, axis=1)
    np.testing.assert_allclose(state.positions[~upper], lattice[~upper], atol=1e-9)
    assert (
        np.median(moved[upper]) > 0.2 * melting.LATTICE / 2**0.5
    )  # twice Lindemann's share of the distance of neighbors
