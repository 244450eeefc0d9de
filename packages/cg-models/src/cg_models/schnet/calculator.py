"""A bead potential as an ASE calculator, with its own units turned into eV and Å."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch

from cg_data import Units
from cg_data.units import factor
from cg_models.comparing import CHANGES, Comparing
from cg_models.schnet.bead_potential import BeadPotential
from cg_models.schnet.moving import MovingGraph


class BeadCalculator(Comparing):
    """Energy [eV] and forces [eV/Å]; bead types by the Atoms' `type_name` or elements, in the order of `types`.

    Molecules, if the network has inner blocks or the prior bonds, by the Atoms' array `molecule`.
    """

    implemented_properties: ClassVar[list[str]] = ["energy", "free_energy", "forces"]

    def __init__(self, potential: BeadPotential, types: tuple[str, ...], units: Units, *, skin: float = 1.0) -> None:
        super().__init__()
        self.potential, self.types, self.skin = potential.eval(), types, skin
        self._length, self._energy = factor("angstrom", units.length), factor(units.energy, "eV")
        self._knots, self._of = potential.network.tabulated(), b""
        self._pairs: MovingGraph | None = None

    def calculate(
        self, atoms: Any = None, properties: tuple[str, ...] = ("energy",), system_changes: Any = CHANGES
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        pairs = self._moving()
        energy, forces = self.potential(pairs(self.atoms.get_positions() * self._length), knots=self._knots)
        with torch.no_grad():
            total = float(energy[0]) * self._energy
            self.results = {
                "energy": total, "free_energy": total,
                "forces": forces.double().cpu().numpy() * (self._energy * self._length),
            }  # fmt: skip

    def _moving(self) -> MovingGraph:
        """Return the pairs of these Atoms, begun anew where types, molecules or the cell are others."""
        if not all(self.atoms.pbc):
            raise ValueError(f"beads must be periodic in three directions, got pbc {self.atoms.pbc.tolist()}")
        arrays = self.atoms.arrays
        names = [str(n) for n in (arrays["type_name"] if "type_name" in arrays else self.atoms.get_chemical_symbols())]
        if unknown := sorted(set(names) - set(self.types)):
            raise ValueError(f"the potential knows {', '.join(self.types)}, not {', '.join(unknown)}")
        molecule, cell = arrays.get("molecule"), self.atoms.cell.array * self._length
        of = repr(names).encode() + cell.tobytes() + (b"" if molecule is None else np.asarray(molecule).tobytes())
        if self._pairs is None or of != self._of:
            options, kind = self.potential.network.options, next(self.potential.parameters()).dtype
            self._pairs, self._of = MovingGraph(
                [self.types.index(n) for n in names], cell, options.cutoff, skin=self.skin, molecule=molecule,
                inner_cutoff=options.inner_cutoff, dtype=kind,
            ), of  # fmt: skip
        return self._pairs
