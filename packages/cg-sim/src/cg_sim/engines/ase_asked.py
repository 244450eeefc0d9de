"""A calculator that is asked once for what it says of a configuration; ASE compares all atoms, entry by entry, with each question."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


class AskedOnce:
    """Whatever calculator, whose energy, forces and stress are kept until positions or the cell are others.

    Everything else about the Atoms must stay as it is.
    """

    def __init__(self, calculator: Any) -> None:
        self._calculator, self._known = calculator, dict[str, Any]()
        self._positions, self._cell = np.empty((0, 3)), np.empty((3, 3))

    def get_potential_energy(self, atoms: Any, force_consistent: bool = False) -> float:
        """Return U, the one that forces are slopes of where a calculator tells them apart."""
        if not force_consistent:
            return float(self._said("energy", atoms, self._calculator.get_potential_energy))
        return float(
            self._said("free_energy", atoms, lambda a: self._calculator.get_potential_energy(a, force_consistent=True))
        )

    def get_forces(self, atoms: Any) -> Any:
        """Return forces (atom, 3), which are the caller's to change."""
        return np.array(self._said("forces", atoms, self._calculator.get_forces))

    def get_stress(self, atoms: Any) -> Any:
        """Return the stress, which is the caller's to change."""
        return np.array(self._said("stress", atoms, self._calculator.get_stress))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._calculator, name)

    def _said(self, name: str, atoms: Any, ask: Callable[[Any], Any]) -> Any:
        cell = atoms.cell.array
        if not (np.array_equal(atoms.positions, self._positions) and np.array_equal(cell, self._cell)):
            self._known, self._positions, self._cell = {}, atoms.positions.copy(), cell.copy()
        if name not in self._known:
            self._known[name] = ask(atoms)
        return self._known[name]
