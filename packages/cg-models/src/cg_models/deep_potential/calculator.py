"""A deep potential as an ASE calculator, with its own units turned into eV and Å."""

from __future__ import annotations

from typing import Any, ClassVar

from cg_data import Units
from cg_data.units import factor
from cg_models.deep_potential.potential import DeepPotential
from cg_models.many_body.neighborhoods import Neighborhoods
from cg_models.schnet.engine_forces import type_codes

try:
    from ase.calculators.calculator import Calculator, all_changes
    from ase.stress import full_3x3_to_voigt_6_stress
except ImportError:
    raise ImportError('an ASE calculator needs ASE: pip install "cg-models[ase]"') from None


class DeepCalculator(Calculator):  # type: ignore[misc]
    """Energy [eV], energies of atoms, forces [eV/Å], and stress [eV/Å³] where all directions are periodic.

    Types by the Atoms' `type_name` or elements, in the order of `types`.
    """

    implemented_properties: ClassVar[list[str]] = ["energy", "free_energy", "energies", "forces", "stress"]

    def __init__(self, potential: DeepPotential, types: tuple[str, ...], units: Units, *, skin: float = 1.0) -> None:
        super().__init__()
        self.potential, self.types = potential.eval(), types
        self._length, self._energy = factor("angstrom", units.length), factor(units.energy, "eV")
        self._near = Neighborhoods(potential.options.cutoff, skin=skin)

    def calculate(
        self, atoms: Any = None, properties: tuple[str, ...] = ("energy",), system_changes: Any = all_changes
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        arrays = self.atoms.arrays
        names = [str(n) for n in (arrays["type_name"] if "type_name" in arrays else self.atoms.get_chemical_symbols())]
        found = self.potential(
            self.atoms.get_positions() * self._length, self.atoms.cell.array * self._length,
            type_codes(names, self.types), periodic=self.atoms.pbc, near=self._near,
        )  # fmt: skip
        energies = found.energies * self._energy
        self.results = {
            "energy": float(energies.sum()), "free_energy": float(energies.sum()), "energies": energies,
            "forces": found.forces * (self._energy * self._length),
        }  # fmt: skip
        if all(self.atoms.pbc):
            self.results["stress"] = full_3x3_to_voigt_6_stress(-found.virial * self._energy / self.atoms.get_volume())
