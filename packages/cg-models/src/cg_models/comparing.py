"""What ASE calculators of this package share: a comparison of atoms without ASE's tolerance, and stress as ASE has it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

try:
    from ase.calculators.calculator import Calculator, all_changes
except ImportError:
    raise ImportError('an ASE calculator needs ASE: pip install "cg-models[ase]"') from None

CHANGES = tuple(all_changes)


class Comparing(Calculator):  # type: ignore[misc]
    """An ASE calculator that compares arrays as they are; ASE's own comparison takes a tenth of a millisecond of few atoms."""

    def check_state(self, atoms: Any, tol: float = 0.0) -> list[str]:
        """Return the names of what has changed, whatever the tolerance."""
        if self.atoms is None or len(self.atoms) != len(atoms):
            return list(CHANGES)
        return [name for name in CHANGES if not np.array_equal(_of(self.atoms, name), _of(atoms, name))]


def _of(atoms: Any, name: str) -> Any:
    match name:
        case "cell":
            return atoms.cell.array
        case "pbc":
            return atoms.pbc
        case _:
            return atoms.arrays.get(name)


def voigt(stress: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return xx, yy, zz, yz, xz, xy of a symmetric tensor (3, 3).

    >>> voigt(np.array([[1.0, 6, 5], [6, 2, 4], [5, 4, 3]])).tolist()
    [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    """
    return np.array([stress[0, 0], stress[1, 1], stress[2, 2], stress[1, 2], stress[0, 2], stress[0, 1]])
