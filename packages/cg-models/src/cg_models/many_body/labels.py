"""Configurations with energies and forces that a reference gave them: what networks of atoms learn from, and their files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from cg_data import FileError
from cg_data.safe_files import atomic_path, sized_file
from cg_data.stores import netcdf
from cg_data.stores.netcdf_guard import admit, seal
from cg_models.many_body.many_body import Array

_MOST_BYTES = 2**34
_FIELDS = {  # dims, unit, kind on disk
    "positions": (("atom", "axis"), "angstrom", "float32"), "forces": (("atom", "axis"), "eV/angstrom", "float32"),
    "cells": (("configuration", "vector", "axis"), "angstrom", "float64"),
    "energies": (("configuration",), "eV", "float64"), "sizes": (("configuration",), "1", "int32"),
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """Periodic configurations of one element, their atoms one after the other.

    positions (atom, 3) and cells (configuration, 3, 3) [Å], energies (configuration,) [eV], forces (atom, 3) [eV/Å];
    `sizes` (configuration,) says how many atoms are of each.
    """

    element: str
    positions: Array
    cells: Array
    energies: Array
    forces: Array
    sizes: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        n, atoms = len(self.sizes), int(np.sum(self.sizes))
        shapes = {"positions": (atoms, 3), "cells": (n, 3, 3), "energies": (n,), "forces": (atoms, 3)}
        for name, shape in shapes.items():
            values = getattr(self, name)
            if values.shape != shape or not np.isfinite(values).all():
                raise ValueError(f"{name} of {n} configurations must be finite and {shape}, got {values.shape}")

    def __len__(self) -> int:
        return len(self.sizes)

    def __iter__(self) -> Iterator[tuple[Array, Array, float, Array]]:
        """Yield positions, cell, energy and forces of one configuration after the other."""
        ends = np.cumsum(self.sizes)[:-1]
        places, pulls = np.split(self.positions, ends), np.split(self.forces, ends)
        yield from zip(places, self.cells, self.energies.tolist(), pulls, strict=True)

    def take(self, which: npt.ArrayLike) -> Labels:
        """Return some configurations, by their numbers or a mask."""
        chosen = np.arange(len(self))[np.asarray(which)]
        rows = np.split(np.arange(len(self.positions)), np.cumsum(self.sizes)[:-1])
        atoms = np.concatenate([rows[k] for k in chosen]) if len(chosen) else np.empty(0, dtype=np.int64)
        cells, energies, sizes = self.cells[chosen], self.energies[chosen], self.sizes[chosen]
        return Labels(self.element, self.positions[atoms], cells, energies, self.forces[atoms], sizes)

    def split(self, share: float = 0.1, *, seed: int = 0) -> tuple[Labels, Labels]:
        """Return a random division: to learn from, and a share to hold out."""
        held = round(share * len(self))
        if not 0 < held < len(self):
            raise ValueError(f"{share:g} of {len(self)} configurations leave none on one side")
        order = np.random.default_rng(seed).permutation(len(self))
        return self.take(np.sort(order[held:])), self.take(np.sort(order[:held]))

    @classmethod
    def joined(cls, parts: Sequence[Labels]) -> Labels:
        """Return all configurations of several sets."""
        if len({part.element for part in parts}) != 1:
            raise ValueError("sets of the same element can be joined")
        positions, cells, energies, forces, sizes = (
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("positions", "cells", "energies", "forces", "sizes")
        )
        return cls(parts[0].element, positions, cells, energies, forces, sizes)

    @classmethod
    def of_atoms(cls, atoms: Sequence[Any]) -> Labels:
        """Return what the calculators of ASE's Atoms, of one element and periodic in all directions, say of them."""
        elements = {symbol for one in atoms for symbol in one.get_chemical_symbols()}
        if len(elements) != 1 or not all(all(one.pbc) for one in atoms):
            raise ValueError(f"atoms must be of one element and periodic, got {', '.join(sorted(elements)) or 'none'}")
        energies = np.array([one.get_potential_energy() for one in atoms], dtype=np.float64)
        forces, positions = (
            np.concatenate(k) for k in zip(*((a.get_forces(), a.positions) for a in atoms), strict=True)
        )
        cells, sizes = np.stack([one.cell.array for one in atoms]), np.array([len(one) for one in atoms])
        return cls(elements.pop(), positions, cells, energies, forces, sizes)


def save_labels(labels: Labels, path: str | Path, **about: str | float) -> None:
    """Write one netCDF file with units: positions and forces in single precision. `about` become its attributes."""
    data = xr.Dataset(
        {name: (dims, getattr(labels, name), {"units": unit}) for name, (dims, unit, _) in _FIELDS.items()},
        attrs={"element": labels.element, **about},
    )
    encoding = {name: {"dtype": kind, "zlib": True, "shuffle": True} for name, (_, _, kind) in _FIELDS.items()}
    with atomic_path(Path(path)) as draft:
        data.to_netcdf(draft, engine="h5netcdf", encoding=encoding)
        seal(draft)


def load_labels(path: str | Path) -> Labels:
    """Return what `save_labels` wrote; FileError for anything else."""
    file = sized_file(Path(path), max_bytes=_MOST_BYTES, what="set of labels")
    try:
        data = netcdf.read(file, admit(file, _MOST_BYTES))
        for name, (dims, unit, _) in _FIELDS.items():
            if data[name].dims != dims or data[name].attrs["units"] != unit:
                raise ValueError(f"{name} must be {dims} in {unit}")
        positions, forces, cells, energies = (data[n].values.astype(np.float64) for n in _FIELDS if n != "sizes")
        sizes = data["sizes"].values.astype(np.int64)
        return Labels(str(data.attrs["element"]), positions, cells, energies, forces, sizes)
    except Exception as error:
        raise FileError(file, f"holds no labels ({error})", remedy="save them again") from error
