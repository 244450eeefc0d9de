"""Pair potentials as an ASE calculator, evaluated by the CPU engine's pair forces."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations_with_replacement
from typing import Any, ClassVar

import numpy as np

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


class Comparing(Calculator):  # type: ignore[misc]
    """An ASE calculator that compares arrays as they are; ASE's own comparison takes a tenth of a millisecond of few atoms."""

    def check_state(self, atoms: Any, tol: float = 0.0) -> list[str]:
        """Return the names of what has changed by more than `tol`, which may be nothing."""
        mine, names = self.atoms, list(all_changes)
        if mine is None or len(mine) != len(atoms):
            return names
        return [name for name in names if not _same(_of(mine, name), _of(atoms, name), tol)]


def _of(atoms: Any, name: str) -> Any:
    if name == "cell":
        return atoms.cell.array
    return atoms.pbc if name == "pbc" else atoms.arrays.get(name)


def _same(one: Any, other: Any, tol: float) -> bool:
    if one is None or other is None:
        return one is other
    return np.array_equal(one, other) or (tol > 0 and np.allclose(one, other, rtol=0, atol=tol))


class PairCalculator(Comparing):
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


class Corrected(Comparing):
    """An ASE calculator with pair potentials added: each is asked once for each configuration, and compares no atoms itself."""

    implemented_properties: ClassVar[list[str]] = ["energy", "free_energy", "forces", "stress"]

    def __init__(self, model: Any, potential: Potential | Mapping[Pair, Potential]) -> None:
        super().__init__()
        self._parts = (model, PairCalculator(potential))
        self._asked = [name for name in ("energy", "forces", "stress") if name in model.implemented_properties]

    def calculate(
        self, atoms: Any = None, properties: tuple[str, ...] = ("energy",), system_changes: Any = all_changes
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        parts = [_asked(part, self.atoms, self._asked, system_changes) for part in self._parts]
        found = {name: sum(part[name] for part in parts) for name in self._asked if all(name in part for part in parts)}
        self.results = found | {"free_energy": found["energy"]}


def _asked(part: Any, atoms: Any, names: list[str], changes: Any) -> Mapping[str, Any]:
    if isinstance(part, Calculator):
        part.calculate(atoms, names, changes)
        return dict(part.results)
    return {name: part.get_property(name, atoms) for name in names}


def _table(potential: Potential) -> PairTable:
    return potential if isinstance(potential, PairTable) else PairTable.from_potential(potential)
