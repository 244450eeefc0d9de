"""A potential of many bodies as an ASE calculator."""

from __future__ import annotations

from typing import Any, ClassVar

from cg_models.comparing import CHANGES, Comparing, voigt
from cg_models.many_body.many_body import ManyBodyPotential
from cg_models.many_body.neighborhoods import Neighborhoods


class ManyBodyCalculator(Comparing):
    """Energy [eV], energies of atoms, forces [eV/Å], and stress [eV/Å³] where all directions are periodic.

    `results["spread"]` [eV per atom] says how far the networks disagree, and so does `results["force_spread"]` [eV/Å] of every
    atom if `force_spread` is asked for; it takes as many passes as there are networks.
    """

    implemented_properties: ClassVar[list[str]] = ["energy", "free_energy", "energies", "forces", "stress"]

    def __init__(self, model: ManyBodyPotential, *, skin: float = 1.0, force_spread: bool = False) -> None:
        super().__init__()
        self.model, self.force_spread = model, force_spread
        self._neighborhoods = Neighborhoods(model.cutoff, skin=skin)

    def calculate(
        self, atoms: Any = None, properties: tuple[str, ...] = ("energy",), system_changes: Any = CHANGES
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        if unknown := sorted(set(self.atoms.get_chemical_symbols()) - {self.model.element}):
            raise ValueError(f"the potential knows {self.model.element}, not {', '.join(unknown)}")
        found = self.model(
            self.atoms.get_positions(), self.atoms.cell.array, periodic=self.atoms.pbc,
            neighborhoods=self._neighborhoods, force_spread=self.force_spread,
        )  # fmt: skip
        self.results = {
            "energy": found.energy, "free_energy": found.energy, "energies": found.energies, "forces": found.forces,
            "spread": found.spread,
        }  # fmt: skip
        if found.force_spread is not None:
            self.results["force_spread"] = found.force_spread
        if all(self.atoms.pbc):
            self.results["stress"] = voigt(-found.virial / self.atoms.get_volume())
