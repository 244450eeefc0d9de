"""Schemas refuse what a later step would stumble over; targets convert between normalizations."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import cg_data as cd
from cg_data.conversion import _DIMENSIONS, CONVERTIBLE
from cg_data.schemas import SCHEMAS

R = np.linspace(0.1, 2.0, 20)


@pytest.fixture
def ds():
    return cd.make_target(R, R, density=0.5, kT=1.0, g_stderr=0.1 * R, particles=50)


def test_a_target_is_taken_out_of_a_run(ds):
    run = ds.assign(pressure=((), 1.0), r_other=("k", [1.0])).assign_coords(extra=("k", [2.0]))
    run.attrs["schema"] = "something else"
    assert cd.target(run).identical(ds.assign_attrs(cd.target(run).attrs))
    with pytest.raises(ValueError, match="normalization"):
        cd.target(run.assign_attrs(normalization="?"))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda d: d.assign_attrs(schema="nonsense"), "expected one of pair-target"),
        (lambda d: d.assign_attrs(schema_version=99), "schema_version is 99"),
        (lambda d: d.drop_vars("kT"), r"variable kT\(\) is missing"),
        (lambda d: d.assign(g=d.g * -1), "g is negative"),
        (lambda d: d.assign(g=d.g * np.nan), "g holds 20 values that are not finite"),
        (lambda d: d.assign(g=(("r", "pair"), d.g.values.T)), r"g has dimensions \('r', 'pair'\)"),
        (lambda d: d.assign(g=d.g.astype(str)), "g has dtype <U"),
        (lambda d: d.assign(density=d.density.drop_attrs()), "density carries no attrs"),
        (lambda d: d.assign(kT=((), 0.0, {"units": "eV"})), "kT must be positive"),
        (lambda d: d.isel(r=slice(None, None, -1)), "r must increase"),
        (lambda d: d.assign_coords(type=["Z"]), "pairs name types without a density"),
        (lambda d: d.assign_attrs(normalization="mine"), "how pairs were counted"),
    ],
)
def test_damaged_targets(ds, damage, message):
    with pytest.raises(ValueError, match=message):
        cd.check(damage(ds), None if "one of" in message else "pair-target")


def test_every_schema_names_units_rules_and_dimensions():
    for name, schema in SCHEMAS.items():
        assert schema.variables, name
        for field, rule in schema.variables.items():
            assert rule.rule in ("any", "finite", "nonnegative", "positive", "increasing"), (name, field)


def test_trajectories_need_volume():
    make = lambda box: cd.trajectory(np.zeros((1, 2, 3)), box, ["A", "A"], units=cd.Units())  # noqa: E731
    assert cd.check(make([3.0, 3.0, 3.0])).box.shape == (1, 3, 3)
    with pytest.raises(ValueError, match="no volume"):
        make([3.0, 0.0, 3.0])
    with pytest.raises(ValueError, match=r"\(frame, particle, 3\)"):
        cd.trajectory(np.zeros((2, 3)), [1.0, 1.0, 1.0], ["A"], units=cd.Units())


def test_normalization_by_hand(ds):
    """50 particles: g against N(N−1) is 50/49 of g against N²."""
    other = cd.normalized(ds, "N(N-1)")
    np.testing.assert_allclose(other.g.values, ds.g.values * 50 / 49, rtol=1e-15)
    np.testing.assert_allclose(other.g_stderr.values, ds.g_stderr.values * 50 / 49, rtol=1e-15)
    np.testing.assert_allclose(cd.normalized(other, "N^2").g.values, ds.g.values, rtol=1e-14)
    assert cd.normalized(ds, "N^2") is ds
    with pytest.raises(ValueError, match="how many particles"):
        cd.normalized(ds.drop_vars("particles"), "N(N-1)")
    with pytest.raises(ValueError, match="must be 'N"):
        cd.normalized(ds, "N")
    one = cd.make_target(R, R, density=0.5, kT=1.0, particles=1)
    with pytest.raises(ValueError, match="makes no pair"):
        cd.normalized(one, "N(N-1)")


def test_unlike_pairs_keep_their_normalization():
    ds = cd.make_target(R, {("A", "B"): R, ("A", "A"): R}, density={"A": 0.3, "B": 0.2}, kT=1.0, particles={"A": 30, "B": 20})  # fmt: skip
    g = cd.normalized(ds, "N(N-1)").g
    np.testing.assert_array_equal(g.sel(pair="A-B").values, R)
    np.testing.assert_allclose(g.sel(pair="A-A").values, R * 30 / 29)


def test_arguments_of_make_target():
    with pytest.raises(ValueError, match="g_stderr has"):
        cd.make_target(R, {("A", "A"): R}, g_stderr={("A", "B"): R}, density=1.0, kT=1.0)
    with pytest.raises(ValueError, match="need one value each"):
        cd.make_target(R, {("A", "B"): R}, density=1.0, kT=1.0)
    with pytest.raises(ValueError, match="one value per type"):
        cd.make_target(R, {("A", "B"): R}, density={"A": 1.0}, kT=1.0)


def test_check_returns_the_dataset_itself(ds):
    assert cd.check(ds) is ds
    assert isinstance(ds, xr.Dataset)
    with pytest.raises(ValueError, match="expected trajectory"):
        cd.check(ds, "trajectory")


@pytest.mark.parametrize("name", CONVERTIBLE)
def test_every_number_with_a_unit_is_converted(name):
    lasting = {"seconds", "simulated_seconds"}  # of a clock
    with_units = {variable for variable, about in SCHEMAS[name].variables.items() if about.units}
    assert with_units - set(_DIMENSIONS) - lasting == set()
