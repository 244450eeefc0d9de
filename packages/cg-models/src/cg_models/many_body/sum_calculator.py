"""A potential of many bodies and a pair correction to it, as one ASE calculator."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch

from cg_data import Interactions, Units
from cg_data.interactions import Pair
from cg_data.potentials.pair_potential import Potential
from cg_data.units import METAL, factor
from cg_models.calculators import Movable, calculator
from cg_models.many_body.neighborhoods import Neighborhoods
from cg_models.schnet.candidates import Candidates, within
from cg_models.schnet.graph import Graph
from cg_models.schnet.prior_curves import PriorCurves

try:
    from ase.calculators.calculator import Calculator, PropertyNotImplementedError, all_changes
    from ase.stress import full_3x3_to_voigt_6_stress
except ImportError:
    raise ImportError('an ASE calculator needs ASE: pip install "cg-models[ase]"') from None

Array = npt.NDArray[np.float64]
Correction = Potential | Mapping[Pair, Potential]


class Sum(Calculator):  # type: ignore[misc]
    """U = U(model) + Σ u(r) over pairs: energy [eV], forces [eV/Å], and stress [eV/Å³] if the model has one.

    `model` is any ASE calculator, or what `ani`, `hipnn`, `load_beads` or `load_deep` read. `pair` is one potential between all atoms or one per pair of
    types, which are the Atoms' `type_name`, else their elements; pairs that are not named have none. Its numbers are in `units`.
    `results["base_energy"]` [eV] is the model's part.
    """

    implemented_properties: ClassVar[list[str]] = ["energy", "free_energy", "forces", "stress"]

    def __init__(self, model: Any, pair: Correction, *, units: Units = METAL, skin: float = 1.0) -> None:
        super().__init__()
        self.model = calculator(model, skin=skin) if isinstance(model, Movable) else model
        if not hasattr(self.model, "get_property"):
            raise TypeError(
                f"the model must be an ASE calculator, or of ani, hipnn, load_beads or load_deep, got {type(model).__name__}"
            )
        self.pair, self.units = pair, units
        self._length, self._energy = factor("angstrom", units.length), factor(units.energy, "eV")
        self._curves, self._types = _curves(pair)
        self._neighborhoods = Neighborhoods(self._curves.cutoff, skin=skin * self._length)

    def calculate(
        self, atoms: Any = None, properties: tuple[str, ...] = ("energy",), system_changes: Any = all_changes
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        energy, forces, virial = self._correction()
        base = float(self.model.get_potential_energy(self.atoms))
        self.results = {
            "energy": base + energy, "free_energy": base + energy, "base_energy": base,
            "forces": self.model.get_forces(self.atoms) + forces,
        }  # fmt: skip
        if all(self.atoms.pbc):
            with suppress(PropertyNotImplementedError):
                pressing = full_3x3_to_voigt_6_stress(-virial / self.atoms.get_volume())
                self.results["stress"] = self.model.get_stress(self.atoms) + pressing

    def _correction(self) -> tuple[float, Array, Array]:
        """Return U [eV], forces [eV/Å] and the virial Σ f ⊗ r [eV] of the pairs, which are found in both directions: half of each."""
        x, cell = self.atoms.get_positions() * self._length, self.atoms.cell.array * self._length
        found = self._neighborhoods(x, cell, self.atoms.pbc.copy())
        near = within(x, Candidates(found.i, found.j, found.images), self._curves.cutoff)
        i, j, d, direction = (torch.from_numpy(k) for k in near)
        types = torch.from_numpy(self._numbers())
        graph = Graph(i, j, d, direction, types, torch.zeros_like(types))
        energies, slopes = self._curves(graph)
        virial = -direction.T @ ((slopes * d)[:, None] * direction)
        forces = graph.forces(slopes).numpy() * (self._energy * self._length / 2)
        return float(energies.sum()) * self._energy / 2, forces, virial.numpy() * (self._energy / 2)

    def _numbers(self) -> npt.NDArray[np.int64]:
        """Return the number of every atom's type, one beyond the last where it has no correction."""
        if not self._types:
            return np.zeros(len(self.atoms), dtype=np.int64)
        arrays = self.atoms.arrays
        names = arrays["type_name"] if "type_name" in arrays else np.array(self.atoms.get_chemical_symbols())
        numbers = np.full(len(names), len(self._types))
        for k, name in enumerate(self._types):
            numbers[names == name] = k
        return numbers


def _curves(pair: Correction) -> tuple[PriorCurves, tuple[str, ...]]:
    """Return the potentials by numbers of types, and the types' names; of one potential alone none."""
    if not isinstance(pair, Mapping):
        return PriorCurves({(0, 0): pair}), ()
    given = Interactions(pair)
    if not given:
        raise ValueError("a correction needs at least one pair")
    return PriorCurves({(given.types.index(a), given.types.index(b)): p for (a, b), p in given.items()}), given.types
