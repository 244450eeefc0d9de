"""Anything ASE reads, and ASE's Atoms both ways. Å, eV, u; ASE's own time unit is the dataset's derived one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from cg_data.errors import FileError, missing_extra
from cg_data.schemas import check
from cg_data.trajectories.frames import Frame, Picker, assemble
from cg_data.trajectory_dataset import units_of
from cg_data.units import METAL, Units, factor


def from_ase(atoms: Any, *, source: str = "ASE") -> xr.Dataset:
    """Return the dataset of one Atoms or several; forces and energy where their calculator already has them."""
    many: Iterable[Any] = [atoms] if hasattr(atoms, "get_positions") else atoms
    return assemble((_frame(a, source) for a in many), source, METAL)


def read(
    path: str | Path,
    *,
    units: Units | None = None,
    types: Sequence[str] | None = None,
    frames: slice | None = None,
) -> xr.Dataset:
    """Return what `ase.io` reads from a file of any of its formats."""
    if units not in (None, METAL) or types is not None:
        raise ValueError("ASE gives angstrom, eV and element names: leave units and types out")
    try:
        import ase.io
    except ImportError:
        raise missing_extra("ase", "ase", "reading through ASE") from None
    if not Path(path).exists():
        raise FileError(path, "no such file", remedy="check the path")
    if str(path).lower().endswith((".pkl", ".pickle", ".pckl")) or _starts_as_pickle(Path(path)):
        raise FileError(path, "is a pickle, which is never loaded", remedy="save it in another format")
    pick = Picker(frames)

    def chosen() -> Iterator[Frame]:
        for number, atoms in enumerate(ase.io.iread(str(path), index=":")):
            if pick.done(number):
                return
            if pick.wants(number):
                yield _frame(atoms, path)

    try:
        return assemble(chosen(), path, METAL)
    except FileError:
        raise
    except Exception as error:  # ASE's readers raise anything
        raise FileError(path, f"ASE cannot read it ({type(error).__name__}: {str(error)[:120]})",
                        remedy="name its format by the suffix ASE expects") from None  # fmt: skip


def _starts_as_pickle(path: Path) -> bool:
    """Return whether a file is a pickle or ASE's trajectory of pickles from before 2014."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(16).startswith((b"PickleTrajectory", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"))


def _frame(atoms: Any, path: str | Path) -> Frame:
    box = np.array(atoms.cell.array, dtype=np.float64)
    if not abs(np.linalg.det(box)) > 0 or not all(atoms.pbc):
        raise FileError(path, "a configuration is not periodic in three directions",
                        remedy="set a cell and pbc=True before")  # fmt: skip
    types = atoms.arrays["type_name"] if "type_name" in atoms.arrays else atoms.get_chemical_symbols()
    frame = Frame(np.array(atoms.get_positions()), box, [str(t) for t in types])
    frame.scalars["mass"] = np.array(atoms.get_masses())
    if atoms.has("momenta"):
        frame.vectors["velocity"] = np.array(atoms.get_velocities())
    results = _results(atoms)
    if "forces" in results:
        frame.vectors["force"] = np.array(results["forces"])
    if "energy" in results:
        frame.values["energy"] = float(results["energy"])
    return frame


def _results(atoms: Any) -> dict[str, Any]:
    """Return what the calculator holds for just this configuration: after a move its results are stale."""
    calculator = atoms.calc
    if calculator is None or (hasattr(calculator, "check_state") and calculator.check_state(atoms)):
        return {}
    return dict(getattr(calculator, "results", {}))


def to_ase(ds: xr.Dataset) -> list[Any]:
    """Return one periodic Atoms per frame, in Å and eV; a type that is no element becomes X with its name kept."""
    try:
        from ase import Atoms
        from ase.calculators.singlepoint import SinglePointCalculator
        from ase.data import chemical_symbols
    except ImportError:
        raise missing_extra("ase", "ase", "making Atoms") from None
    check(ds, "trajectory")
    units = units_of(ds)
    length, energy = factor(units.length, "angstrom"), factor(units.energy, "eV")
    mass = factor(units.mass, "g/mol") if "mass" in ds else 1.0
    names = [str(t) for t in ds["type"].values]
    symbols = [t if t in chemical_symbols[1:] else "X" for t in names]
    made = []
    for k in range(ds.sizes["frame"]):
        atoms = Atoms(symbols, ds["position"].values[k] * length, cell=ds["box"].values[k] * length, pbc=True)
        atoms.set_array("type_name", np.array(names))
        if "mass" in ds:
            atoms.set_masses(ds["mass"].values * mass)
        if "velocity" in ds:  # derived units scale as √(energy/mass)
            atoms.set_velocities(ds["velocity"].values[k] * np.sqrt(energy / mass))
        results = {}
        if "force" in ds:
            results["forces"] = ds["force"].values[k] * energy / length
        if "energy" in ds:
            results["energy"] = float(ds["energy"].values[k]) * energy
        if results:
            atoms.calc = SinglePointCalculator(atoms, **results)
        made.append(atoms)
    return made
