"""Pair potentials as an ASE calculator, evaluated by the CPU engine's pair forces."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations_with_replacement
from typing import Any, ClassVar

from cg_data import Interactions, PairTable
from cg_data.interactions import Pair
from cg_data.potentials.pair_potential import Potential
from cg_sim.ase_states import from_ase
from cg_sim.engines.cpu.pair_forces import pair_forces

try:
    from ase.calculators.calculator import Calculator, all_changes
    from ase.stress import full_3x3_to_voigt_6_stress
except ImportError:
    raise ImportError('an ASE calculator needs ASE: pip install "cg-sim[ase]"') from None


class PairCalculator(Calculator):  # type: ignore[misc]
    """Energy [eV], forces [eV/Å] and stress [eV/Å³] of pair potentials, in full double precision.

    Types are those of `from_ase`: the Atoms' `type_name`, else their elements. One potential alone acts between all.
    """

    implemented_properties: ClassVar[list[str]] = ["energy", "free_energy", "forces", "stress"]

    def __init__(self, potential: Potential | Mapping[Pair, Potential]) -> None:
        super().__init__()
        self._alone = None if isinstance(potential, Mapping) else _table(potential)
        self._given = Interactions(
            {k: _table(p) for k, p in potential.items()} if isinstance(potential, Mapping) else {}
        )

    def calculate(
        self, atoms: Any = None, properties: tuple[str, ...] = ("energy",), system_changes: Any = all_changes
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        state = from_ase(self.atoms)
        found = pair_forces(state, self._between(state.names))
        stress = -(found.virial + found.virial.T) / (2 * state.volume)
        self.results = {
            "energy": found.energy,
            "free_energy": found.energy,
            "forces": found.forces,
            "stress": full_3x3_to_voigt_6_stress(stress),
        }

    def _between(self, names: tuple[str, ...]) -> Interactions:
        if self._alone is None:
            return self._given
        return Interactions(dict.fromkeys(combinations_with_replacement(sorted(names), 2), self._alone))


def _table(potential: Potential) -> PairTable:
    return potential if isinstance(potential, PairTable) else PairTable.from_potential(potential)
