"""Datasets in other units: every variable scaled by its dimension in length, energy and mass."""

from __future__ import annotations

import xarray as xr

from cg_data.schemas import check
from cg_data.trajectory_dataset import units_of
from cg_data.units import Units, factor

_DIMENSIONS: dict[str, tuple[float, float, float]] = {  # exponents of length, energy, mass
    "r": (1, 0, 0), "density": (-3, 0, 0), "kT": (0, 1, 0), "u": (0, 1, 0), "f": (-1, 1, 0),
    "position": (1, 0, 0), "box": (1, 0, 0), "force": (-1, 1, 0), "energy": (0, 1, 0), "virial": (0, 1, 0), "mass": (0, 0, 1),
    "velocity": (0, 0.5, -0.5), "time": (1, -0.5, 0.5), "pressure": (-3, 1, 0), "pressure_stderr": (-3, 1, 0),
    "r_u": (1, 0, 0), "u_stderr": (0, 1, 0), "coefficients": (0, 1, 0),
    "density_found": (-3, 0, 0), "density_found_stderr": (-3, 0, 0),
}  # fmt: skip
CONVERTIBLE = ("pair-target", "pair-table", "trajectory", "history")


def in_units(ds: xr.Dataset, goal: Units) -> xr.Dataset:
    """Return a target, table, history or trajectory with every number and unit name converted.

    >>> from cg_data import make_target
    >>> g = [0.0, 1.0]
    >>> water = make_target([2.0, 3.0], g, density=0.0334, kT=0.596, units=Units("angstrom", "kcal/mol", "g/mol"))
    >>> nm = in_units(water, Units("nm", "kJ/mol", "g/mol"))
    >>> nm.r.values.round(9).tolist(), round(float(nm.density[0]), 6), round(float(nm.kT), 6)
    ([0.2, 0.3], 33.4, 2.493664)
    """
    check(ds)
    if ds.attrs["schema"] not in CONVERTIBLE:
        raise ValueError(f"a {ds.attrs['schema']} dataset is not converted, only {', '.join(CONVERTIBLE)}")
    old = units_of(ds)
    length, energy = factor(old.length, goal.length), factor(old.energy, goal.energy)
    massive = any(_DIMENSIONS.get(str(name), (0, 0, 0))[2] for name in ds.variables)
    mass = factor(old.mass, goal.mass) if massive else 1.0
    names = {
        "f": goal.force(), "force": goal.force(), "time": goal.time(),
        "velocity": f"{goal.length}/({goal.time()})", "mass": goal.mass,
        **dict.fromkeys(("pressure", "pressure_stderr"), f"{goal.energy}/{goal.length}^3"),
        **dict.fromkeys(("density", "density_found", "density_found_stderr"), f"{goal.length}^-3"),
        **dict.fromkeys(("r", "r_u", "position", "box"), goal.length),
        **dict.fromkeys(("kT", "u", "u_stderr", "coefficients", "energy", "virial"), goal.energy),
    }  # fmt: skip
    scaled = {}
    for name, (a, b, c) in _DIMENSIONS.items():
        if name in ds.variables:
            values = ds[name].values * (length**a * energy**b * mass**c)
            scaled[name] = (ds[name].dims, values, {**ds[name].attrs, "units": names[name]})
    coordinates = {n: v for n, v in scaled.items() if n in ds.coords}
    data = {n: v for n, v in scaled.items() if n not in ds.coords}
    attrs = {"units_length": goal.length, "units_energy": goal.energy, "units_mass": goal.mass}
    return check(ds.assign(data).assign_coords(coordinates).assign_attrs(attrs))
