"""The melting point of a potential of aluminium without and with a correction: a crystal beside its melt. Resumable, a row a run.

python notebooks/runs/aluminium_melting.py WORK --potential hipnn:FILE [--corrections none paper-1323] [--kelvins 860 930 965 1000] [--out …/melting.nc]

1000 atoms, half of them a crystal along [001], at zero pressure in a box that breathes alike in all directions: above the melting point all of
them melt, below it all freeze, within some ps. The melting point is between the two nearest temperatures. After aluminium_fits.py.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aluminium as al
import aluminium_fits as fitting
import numpy as np
import xarray as xr
from ase.build import bulk
from ase.constraints import FixAtoms
from ase.md.langevinbaoab import LangevinBAOAB
from ase.md.velocitydistribution import thermalize_momenta

import cg_data as cd
import cg_models as cm
import cg_sim as cs

ACROSS, ALONG = 5, 10  # cells of the crystal, of which half are molten
LATTICE, ROOM = 4.13, 1.02  # Å near melting; how much longer the box is while half of it melts
HOT = 2500  # K
CLEAR = 5.0  # meV: what is less has changed before, or not at all
MELT, COOL, SETTLE, WATCH, BLOCKS = (
    2.0,
    1.0,
    3.0,
    24.0,
    24,
)  # ps: with the crystal held; then together, not counted and counted in blocks
RESULTS: dict[str, Any] = {
    "energy": (("block",), (BLOCKS,), "float64", "eV"), "density": (("block",), (BLOCKS,), "float64", "angstrom^-3"), "seconds": ((), (), "float64", "s"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Melting:
    """Runs a crystal beside its melt at one temperature."""

    potential: str
    fits: Path
    cells: tuple[int, int] = (ACROSS, ALONG)
    share: float = 1.0  # of the lengths above

    def __call__(self, row: Mapping[str, Any]) -> dict[str, Any]:
        kelvin, name, began = int(row["temperature"]), str(row["correction"]), time.process_time()
        forces = al.model(self.potential)
        if name != "none":
            forces = cm.Sum(
                forces, fitting.correction(fitting.best(xr.load_dataset(self.fits), al.kind(self.potential), name))
            )
        state, found = self.half_molten(forces, kelvin), []
        for k in range(-1, BLOCKS):
            done = cs.simulate(state, forces, steps=self.steps(SETTLE if k < 0 else WATCH / BLOCKS), observe=[cs.Energy()], sample_every=10, seed=kelvin + k,
                               kT=al.KELVIN * kelvin, dt=al.DT, engine="ase", units=al.UNITS, thermostat=cs.Langevin(al.FRICTION), barostat=al.BAROSTAT)  # fmt: skip
            state = done.state
            if k >= 0:
                found.append((float(done.data.energy.mean()), state.density))
        energy, density = np.array(found).T
        return {"energy": energy, "density": density, "seconds": time.process_time() - began}

    def half_molten(self, forces: Any, kelvin: int) -> cs.State:
        """Return a crystal whose upper half was molten while the lower was held."""
        across, along = self.cells
        atoms = bulk("Al", "fcc", LATTICE, cubic=True).repeat((across, across, along))
        upper = atoms.positions[:, 2] > atoms.cell[2, 2] / 2 - 0.1
        atoms.positions[upper, 2] += (atoms.positions[upper, 2] - atoms.cell[2, 2] / 2) * 2 * (ROOM - 1)
        atoms.set_cell(atoms.cell.array * [[1], [1], [ROOM]])
        atoms.calc, rng = forces, np.random.default_rng(kelvin)
        for temperature, picoseconds in ((HOT, MELT), (kelvin, COOL)):
            atoms.set_constraint(FixAtoms(mask=~upper))
            thermalize_momenta(atoms, temperature_K=temperature, rng=rng)
            LangevinBAOAB(atoms, al.DT, temperature_K=temperature, T_tau=0.1 * al.PICOSECOND, rng=rng).run(
                self.steps(picoseconds)
            )
        atoms.set_constraint()
        thermalize_momenta(atoms, temperature_K=kelvin, rng=rng)
        atoms.calc = None
        return cs.from_ase(atoms)

    def steps(self, picoseconds: float) -> int:
        return max(10, round(self.share * picoseconds * al.PICOSECOND / al.DT))


def gained(found: xr.Dataset) -> al.Array:
    """Return the energy that atoms of every run have gained [meV], from the first block to the last quarter: negative where the melt froze."""
    return np.asarray(1000 * (found.energy.values[:, -BLOCKS // 4 :].mean(axis=1) - found.energy.values[:, 0]))


def melting_point(found: xr.Dataset) -> tuple[float, float] | None:
    """Return the middle between the hottest temperature that froze and the coldest that melted [K], and half of what is between."""
    change, kelvins = gained(found), found.temperature.values
    if not ((change < -CLEAR).any() and (change > CLEAR).any()):
        return None
    froze, molten = kelvins[change < -CLEAR].max(), kelvins[change > CLEAR].min()
    return float(froze + molten) / 2, float(molten - froze) / 2


def main(arguments: Sequence[str] | None = None) -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("work", type=Path)
    words.add_argument("--potential", required=True)
    words.add_argument("--corrections", nargs="+", default=["none", "paper-1323"])
    words.add_argument("--kelvins", nargs="+", type=int, default=[860, 930, 965, 1000])
    words.add_argument("--fits", type=Path, default=al.RESULTS / "fits.nc")
    words.add_argument("--out", type=Path, default=al.RESULTS / "melting.nc")
    options = words.parse_args(arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    tables = []
    for correction in options.corrections:
        columns = {"correction": [correction] * len(options.kelvins), "temperature": options.kelvins}
        store = cd.Campaign.create(options.work / f"{al.kind(options.potential)}-{correction}.zarr", columns, RESULTS)
        tally = cs.campaign.run(
            store, Melting(options.potential, options.fits), report=lambda t: print(t.there, "of", t.rows, flush=True)
        )
        if tally.failures:
            raise SystemExit(str(tally.failures))
        tables.append(store.dataset().reset_coords(drop=True))
    found = xr.concat(tables, "row").assign_attrs(
        potential=al.kind(options.potential), atoms=4 * ACROSS**2 * ALONG, watch_ps=WATCH, dt_fs=al.DT / al.FEMTOSECOND,
        command="python notebooks/runs/aluminium_melting.py WORK --potential hipnn:FILE",
    )  # fmt: skip
    found.to_netcdf(options.out)
    for correction in options.corrections:
        mine = found.isel(row=found.correction.values == correction)
        print(correction, mine.temperature.values, gained(mine).round(1), "meV;", melting_point(mine))


if __name__ == "__main__":
    main()
