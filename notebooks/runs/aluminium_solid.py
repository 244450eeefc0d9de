"""What corrections of the liquid do to the crystal: the cold curve E(a) of fcc, its lattice constant and bulk modulus.

python notebooks/runs/aluminium_solid.py --potential ani:FOLDER [hipnn:FILE …] [--fits …/fits.nc] [--out …/solid.nc]

Without a correction and with that of each temperature. Seconds. After aluminium_fits.py.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aluminium as al
import aluminium_fits as fitting
import numpy as np
import xarray as xr
from ase.build import bulk

import cg_models as cm

LATTICE = np.linspace(3.80, 4.40, 61)  # Å
SMOOTH = 13  # shells, 0.65 Å: atoms of a perfect crystal all feel the noise of the same few shells
ROUNDS = 4  # whose corrections are compared
NEAR, WIDE = 0.04, 0.10  # Å around the minimum: where a polynomial is put through the curve, and with a correction
EV_A3 = 160.21766208  # GPa


def energies(calculator: Any) -> al.Array:
    """Return the energy of an atom [eV] of fcc at every lattice constant."""
    found = []
    for a in LATTICE:
        atoms = bulk("Al", "fcc", a, cubic=True).repeat(4)  # wider than twice the reach of any correction
        atoms.calc = calculator
        found.append(atoms.get_potential_energy() / len(atoms))
    return np.array(found)


def minimum(curve: al.Array, reach: float = NEAR) -> dict[str, float]:
    """Return the lattice constant [Å], the bulk modulus [GPa] and the energy [eV] where E(a) is least.

    >>> found = minimum(2.0 * (LATTICE - 4.05) ** 2 - 3.0)
    >>> round(found["lattice"], 6), round(found["modulus"], 4)  # V E'' = (4/9) (d²E/da²) / a
    (4.05, 70.3287)
    """
    middle = LATTICE[np.argmin(curve)]
    near = np.abs(LATTICE - middle) < reach + 1e-9
    fit = np.polynomial.Polynomial.fit(LATTICE[near], curve[near], 4)
    slopes = fit.deriv().roots()
    a = float(min(slopes[np.abs(slopes.imag) < 1e-9].real, key=lambda x: abs(x - middle)))
    return {"lattice": a, "modulus": float(fit.deriv(2)(a)) * 4 / (9 * a) * EV_A3, "energy": float(fit(a))}


def rows(potential: str, fits: xr.Dataset) -> list[dict[str, Any]]:
    """Return the cold curve of a potential without and with its corrections; the lattice constant's spread is that of the last rounds' u."""
    kind, found = al.kind(potential), []
    found.append(
        {"potential": kind, "correction": "none", "curve": (bare := energies(al.model(potential)))}
        | minimum(bare)
        | {"spread": 0.0}
    )
    for name in (f"paper-{t}" for t in al.TEMPERATURES):
        every = fitting.every(fits, kind, name)
        last = [cold(potential, every.isel(round=k)) for k in range(-ROUNDS, 0)]
        curve = cold(potential, every.isel(round=int(every.best)))
        spread = float(np.std([minimum(c, WIDE)["lattice"] for c in last], ddof=1))
        found.append(
            {"potential": kind, "correction": name, "curve": curve} | minimum(curve, WIDE) | {"spread": spread}
        )
    return found


def cold(potential: str, row: xr.Dataset) -> al.Array:
    return energies(cm.Sum(al.model(potential), fitting.correction(row, SMOOTH)))


def main(arguments: Sequence[str] | None = None) -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--potential", nargs="+", required=True)
    words.add_argument("--fits", type=Path, default=al.RESULTS / "fits.nc")
    words.add_argument("--out", type=Path, default=al.RESULTS / "solid.nc")
    options = words.parse_args(arguments)
    fits = xr.load_dataset(options.fits)
    table = [row for potential in options.potential for row in rows(potential, fits)]
    found = xr.Dataset(
        {name: ("row", [r[name] for r in table]) for name in ("potential", "correction")}
        | {name: ("row", [r[name] for r in table], {"units": unit}) for name, unit in (("lattice", "angstrom"), ("spread", "angstrom"), ("modulus", "GPa"), ("energy", "eV"))}
        | {"curve": (("row", "a"), np.array([r["curve"] for r in table]), {"units": "eV"})},
        {"a": ("a", LATTICE, {"units": "angstrom"})},
        {"command": "python notebooks/runs/aluminium_solid.py --potential ani:FOLDER hipnn:FILE"},
    )  # fmt: skip
    found.to_netcdf(options.out)
    print(found[["potential", "correction", "lattice", "spread", "modulus", "energy"]].to_dataframe().to_string())


if __name__ == "__main__":
    main()
