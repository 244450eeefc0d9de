"""A row of a campaign: as long as needed, repeatable, and what is not one liquid in equilibrium is said to be so."""

from __future__ import annotations

import time

import numpy as np
import pytest

import cg_data as cd
import cg_sim as cs
from cg_sim.campaign import (
    KINDS,
    Liquid,
    Liquids,
    Named,
    Plan,
    Splines,
    measured,
    plan,
    rate_here,
    read_liquids,
    run,
)
from cg_sim.campaign.homogeneity import strongest, waves

SMALL = Liquid(particles=300, box=6.0, reach=3.0, bins=60)


def kind_of(values) -> str:
    return KINDS[int(values["kind"])]


@pytest.fixture(scope="module")
def gas():
    """A row of a purely repulsive fluid."""
    return measured(cd.WCA(), density=0.3, kT=1.0, seed=1, liquid=SMALL)


def test_a_fluid_ends_when_its_errors_are_as_small_as_asked(gas):
    assert kind_of(gas) == "liquid"
    assert gas["reached"]
    assert SMALL.least <= gas["steps"] <= SMALL.most
    assert gas["pressure_stderr"] <= SMALL.pressure_error * (gas["pressure"] + 0.3)
    run = cs.simulate(
        cs.fcc(300, 0.3), cd.WCA(), kT=1.0, steps=40_000, equilibration=5000, observe=[cs.Pressure()], seed=9
    )
    allowed = 4 * np.hypot(gas["pressure_stderr"], float(run.data.pressure_stderr))
    assert abs(gas["pressure"] - float(run.data.pressure)) < allowed
    far = SMALL.r > 2.2
    assert abs(gas["g"][far].mean() - 1) < 0.02
    assert gas["g"][SMALL.r < 0.8].max() == 0


def test_tighter_errors_take_longer_and_a_budget_that_ends_is_not_called_reached(gas):
    tight = Liquid(particles=300, box=6.0, reach=3.0, bins=60, pressure_error=1e-4, most=12_000)
    found = measured(cd.WCA(), density=0.3, kT=1.0, seed=1, liquid=tight)
    assert found["steps"] == 12_000 > gas["steps"]
    assert not found["reached"]
    assert kind_of(found) == "liquid"


def test_a_row_is_repeated_bit_for_bit(gas):
    again = measured(cd.WCA(), density=0.3, kT=1.0, seed=1, liquid=SMALL)
    assert all(np.array_equal(gas[name], again[name], equal_nan=True) for name in gas)
    other = measured(cd.WCA(), density=0.3, kT=1.0, seed=2, liquid=SMALL)
    assert other["pressure"] != gas["pressure"]


def test_lennard_jones_between_gas_and_liquid_separates():
    """kT = 0.7, ρ = 0.3: the coexisting densities of the cut potential are about 0.02 and 0.78."""
    found = measured(cd.LennardJones(cutoff=2.5), density=0.3, kT=0.7, seed=3,
                     liquid=Liquid(particles=500, box=6.0, reach=3.0, bins=60))  # fmt: skip
    assert kind_of(found) == "separated"
    assert not found["reached"]
    assert found["wave"] > 0.1


def test_clusters_that_crystallize_from_the_melt_are_ordered():
    """exp(−(r/2)⁸) of height 10 kT at ρ = 1: its Fourier transform is negative, so it makes a crystal of clusters."""
    r = np.linspace(0.0, 3.0, 301)
    soft = cd.tabulated(r, 10 * np.exp(-((r / 2) ** 8))).shifted()
    found = measured(soft, density=1.0, kT=1.0, seed=3, liquid=Liquid(particles=500, box=8.0, reach=4.0, bins=80))
    assert kind_of(found) == "ordered"
    assert found["wave_order"] > 1.9


def test_a_crystal_is_ordered_and_a_liquid_of_the_same_density_is_not():
    frozen = Liquid(particles=500, box=6.0, reach=3.0, bins=60, melting=0)
    assert kind_of(measured(cd.LennardJones(cutoff=2.5), density=1.05, kT=0.4, seed=1, liquid=frozen)) == "ordered"
    hot = measured(cd.LennardJones(cutoff=2.5), density=0.9, kT=2.0, seed=1, liquid=frozen)
    assert kind_of(hot) == "liquid"
    assert hot["wave"] < 0.03


def test_grains_and_clusters_are_not_a_liquid_though_no_wave_is_strong():
    """One of the random splines, repulsive beyond its core: particles huddle in small clusters, S(k) = 40 and W = 0.04."""
    huddled = cd.random_splines(657, hard_cores=344, seed=0)[116]
    short = {"box": 10.0, "least": 2000, "most": 6000}
    found = measured(huddled, density=0.125, kT=1.0, seed=0, liquid=Liquid(**short))
    assert kind_of(found) == "ordered"
    assert found["wave"] < 0.1
    coarse = measured(huddled, density=0.125, kT=1.0, seed=0, liquid=Liquid(**short, structure=1e6))
    assert kind_of(coarse) in ("liquid", "drifting")
    assert np.array_equal(coarse["g"], found["g"], equal_nan=True)


def test_collapse_is_broken_or_named_not_a_liquid():
    """Particles that only attract fall into one another."""
    sticky = cd.GaussianCore(-15.0, 1.0, cutoff=2.5)
    found = measured(sticky, density=0.5, kT=1.0, seed=1, liquid=Liquid(particles=200, box=6.0, reach=3.0, bins=60))
    assert kind_of(found) in ("separated", "ordered", "broken")


def test_waves_of_a_lattice_and_of_points_without_order():
    lattice = strongest(waves(cs.fcc(500, 1.0)))
    assert lattice.weight == pytest.approx(1.0, abs=0.15)
    points = cs.State(np.random.default_rng(0).uniform(0, 8, (500, 3)), 8.0)
    assert strongest(waves(points)).weight < 0.05
    slab = cs.State(np.random.default_rng(0).uniform(0, 1, (2000, 3)) * [8, 8, 4], 8.0)
    found = strongest(waves(slab))
    assert found.order == 1.0
    assert found.weight == pytest.approx((2 / np.pi) ** 2, rel=0.1)


def test_a_specification_is_read_and_wrong_ones_say_what(tmp_path):
    table = cd.write_table(cd.WCA().table(200), tmp_path / "wca.table", format="lammps")
    file = tmp_path / "c.toml"
    file.write_text('[potentials]\nfiles = ["*.table"]\nformulas = ["lj:cutoff=2.5"]\n[rows]\ndensity = [0.3, 0.5]\nkT = 1.5\n'
                    "[run]\nmost = 20000\n")  # fmt: skip
    found = read_liquids(file)
    assert found == Liquids(Named((str(table), "lj:cutoff=2.5")), (0.3, 0.5), (1.5,), (0,), Liquid(most=20_000))
    store = found.campaign(tmp_path / "c.zarr")
    assert len(store.row_ids) == 4
    assert len(set(store.row_ids)) == 4
    for text, said in [
        ("[rows]\ndensity = [0.3]\n", "splines = N"),
        ("[potentials]\nsplines = 3\n[rows]\n", "density"),
        ("[potentials]\nsplines = 3\n[rows]\ndensity = 0.3\n[run]\nmoost = 3\n", "moost"),
        ("[potentials]\nsplines = 3\n[rows]\ndensity = 0.3\n[run]\nreach = 9.0\n", "half the box"),
        ('[potentials]\nfiles = ["no*.table"]\n[rows]\ndensity = 0.3\n', "no file matches"),
        ("[potentials]\nsplines = 3\nnumbers = [3]\n[rows]\ndensity = 0.3\n", "numbers must be from 0 to 2"),
        ("[potentials\n", "specifies no campaign"),
        ("[potentials]\nsplines = 3\n[rows]\ndensity = -0.3\n", "positive densities"),
        ('[potentials]\nsplines = 3\n[rows]\ndensity = "x"\n', "density must be numbers"),
        ('[potentials]\nsplines = 3\n[rows]\ndensity = 0.3\n[run]\nmost = "a"\n', "most must be a whole number"),
        ("[potentials]\nsplines = 3\n[rows]\ndensity = 0.3\n[run]\nblock = 0\n", "block must be positive"),
    ]:
        file.write_text(text)
        with pytest.raises(ValueError, match=said):
            read_liquids(file)


def test_some_of_the_splines_are_the_rows_they_are_among_all(tmp_path):
    file = tmp_path / "c.toml"
    file.write_text("[potentials]\nsplines = 5\nseed = 2\nnumbers = [1, 4]\n[rows]\ndensity = 0.3\n")
    some = read_liquids(file).campaign(tmp_path / "some.zarr")
    every = Liquids(Splines(5, seed=2), (0.3,)).campaign(tmp_path / "every.zarr")
    assert list(some.parameters["potential"].values) == ["spline-2-0001", "spline-2-0004"]
    assert list(some.row_ids) == [every.row_ids[k] for k in (1, 4)]


def test_other_potentials_or_settings_are_another_campaign(tmp_path):
    Liquids(Splines(3), (0.1,)).campaign(tmp_path / "a.zarr")
    for other in (Liquids(Splines(3, seed=1), (0.1,)), Liquids(Splines(3), (0.1,), liquid=Liquid(most=50_000))):
        with pytest.raises(ValueError, match="other parameters"):
            other.campaign(tmp_path / "a.zarr")
    rows = Liquids(Splines(3), (0.1,)).campaign(tmp_path / "a.zarr").parameters.isel(row=0)
    with pytest.raises(ValueError, match="not those"):
        Liquids(Splines(3), (0.1,), liquid=Liquid(most=50_000))(
            {str(k): v.values[()] for k, v in rows.variables.items()}
        )


def test_results_are_in_the_units_of_the_table(tmp_path):
    """The same fluid in nm and kJ/mol: P is the reduced one times ε/σ³, and says so."""
    sigma, epsilon = 0.3, 2.0
    wca, reduced = cd.WCA(epsilon, sigma), measured(cd.WCA(), density=0.3, kT=1.0, seed=1, liquid=SMALL)
    cd.write_table(wca.table(400), tmp_path / "w.csv", units=cd.Units("nm", "kJ/mol", "g/mol"))
    liquid = Liquid(particles=300, box=6 * sigma, reach=3 * sigma, bins=60, dt=0.005 * sigma / epsilon**0.5,
                    friction=epsilon**0.5 / sigma, core=0.5 * sigma)  # fmt: skip
    liquids = Liquids(Named((str(tmp_path / "w.csv"),)), (0.3 / sigma**3,), (epsilon,), liquid=liquid)
    store = liquids.campaign(tmp_path / "c.zarr")
    row = store.parameters.isel(row=0)
    found = liquids({str(k): v.values[()] for k, v in row.variables.items()})
    assert found["pressure"] == pytest.approx(reduced["pressure"] * epsilon / sigma**3, rel=0.03)
    assert (store.results["pressure"].units, store.results["energy"].units) == ("kJ/mol/nm^3", "kJ/mol")
    assert (row.density.attrs["units"], row.kT.attrs["units"]) == ("nm^-3", "kJ/mol")


def test_a_plan_is_what_the_rows_then_take(tmp_path):
    few = Liquid(particles=100, box=4.0, reach=2.0, bins=40, least=1000, most=2000, block=500, melting=200)
    liquids = Liquids(Splines(3, seed=0), (0.3, 0.9), seeds=(0, 1), liquid=few)
    found = plan(liquids)
    store = liquids.campaign(tmp_path / "few.zarr")
    assert run(store, liquids, workers=1).failures == {}
    done = store.dataset()
    np.testing.assert_array_equal(found.particles, done.particles)
    taken = (done.particles * (done.steps + few.melting)).values
    assert np.all((found.least <= taken) & (taken <= found.most))
    files = [f.stat().st_size for f in (tmp_path / "few.zarr").rglob("*") if f.is_file()]
    empty = [f.stat().st_size for f in liquids.campaign(tmp_path / "none.zarr").path.rglob("*") if f.is_file()]
    assert found.rows * found.row_files == pytest.approx(len(files) - len(empty), abs=2)
    assert found.rows * found.row_bytes == pytest.approx(sum(files) - sum(empty), rel=0.3)  # of other numbers


def test_time_is_that_of_the_work_or_of_the_longest_row():
    some = Plan(np.array([100, 100, 400]), np.array([1e6, 1e6, 4e6]), np.array([2e6, 2e6, 8e6]), 1e3, 2.0)
    assert some.seconds(1, 1e6) == (6.0, 12.0)
    assert some.seconds(2, 1e6) == (4.0, 8.0)  # not 3 and 6: a row is not shared
    assert some.seconds(1000, 1e6) == (4.0, 8.0)
    assert "997 workers have no row" in "\n".join(some.lines((1000,), 1e6))
    assert "0.00333 to 0.00667 to pay" in "\n".join(some.lines((1,), 1e6, price=2.0))
    with pytest.raises(ValueError, match="must be positive"):
        some.seconds(0, 1e6)


def test_the_rate_here_is_that_of_a_run():
    liquids = Liquids(Splines(1, seed=0), (0.5,), liquid=SMALL)
    rate = rate_here(liquids, seconds=0.3)
    began = time.perf_counter()
    done = measured(cd.WCA(), density=0.5, kT=1.0, seed=1, liquid=Liquid(particles=300, box=6.0, reach=3.0, bins=60, least=4000, most=4000))  # fmt: skip
    one = int(done["particles"]) * 5000 / (time.perf_counter() - began)
    assert 0.1 < rate / one < 10  # another potential on a machine that does other things
