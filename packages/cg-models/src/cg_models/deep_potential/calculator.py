"""A deep potential as an ASE calculator, with its own units turned into eV and Å."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from cg_data import Units
from cg_data.units import factor
from cg_models.comparing import CHANGES, Comparing, voigt
from cg_models.deep_potential.potential import DeepPotential
from cg_models.deep_potential.served import Served
from cg_models.schnet.engine_forces import type_codes


class DeepCalculator(Comparing):
    """Energy [eV], energies of atoms, forces [eV/Å], and stress [eV/Å³] where all directions are periodic.

    Types by the Atoms' `type_name` or elements, in the order of `types`. Weights are those that the potential has now.
    """

    implemented_properties: ClassVar[list[str]] = ["energy", "free_energy", "energies", "forces", "stress"]

    def __init__(self, potential: DeepPotential, types: tuple[str, ...], units: Units, *, skin: float = 1.0) -> None:
        super().__init__()
        self.types, self._served = types, Served(potential, skin=skin)
        self._length, self._energy = factor("angstrom", units.length), factor(units.energy, "eV")
        self._names: Any = None

    def calculate(
        self, atoms: Any = None, properties: tuple[str, ...] = ("energy",), system_changes: Any = CHANGES
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        found = self._served(
            self.atoms.positions * self._length, self.atoms.cell.array * self._length, self._codes(), periodic=self.atoms.pbc
        )  # fmt: skip
        energies = found.energies * self._energy
        self.results = {
            "energy": float(energies.sum()), "free_energy": float(energies.sum()), "energies": energies,
            "forces": found.forces * (self._energy * self._length),
        }  # fmt: skip
        if all(self.atoms.pbc):
            self.results["stress"] = voigt(-found.virial * self._energy / self.atoms.get_volume())

    def _codes(self) -> npt.NDArray[np.int64]:
        """Return the types of the Atoms by number, found anew where they are others."""
        arrays = self.atoms.arrays
        names = arrays.get("type_name", arrays["numbers"])
        if not np.array_equal(names, self._names):
            of = names if "type_name" in arrays else self.atoms.get_chemical_symbols()
            self._known, self._names = type_codes([str(n) for n in of], self.types), names.copy()
        return self._known
