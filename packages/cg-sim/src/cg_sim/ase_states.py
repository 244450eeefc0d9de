"""State ↔ ASE's Atoms: eV, Å and u, and ASE's own time unit Å·√(u/eV), so that numbers carry over unchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cg_sim.state import State

if TYPE_CHECKING:
    from ase import Atoms

_TYPES, STEP = "type_name", "cg_sim_step"


def from_ase(atoms: Any) -> State:
    """Return the state of Atoms that are periodic in three directions; types by `type_name`, else by element.

    >>> from ase.build import bulk
    >>> from_ase(bulk("Al", cubic=True)).names
    ('Al',)
    """
    if not all(atoms.pbc) or not abs(np.linalg.det(atoms.cell.array)) > 0:
        raise ValueError(f"a State is periodic in three directions, got pbc {atoms.pbc.tolist()}, cell {atoms.cell}: set both")  # fmt: skip
    types = atoms.arrays[_TYPES] if _TYPES in atoms.arrays else np.array(atoms.get_chemical_symbols())
    return State(
        atoms.get_positions(),
        atoms.cell.array,
        atoms.get_velocities(),
        atoms.get_masses(),
        types,
        step=int(atoms.info.get(STEP, 0)),
    )


def to_ase(state: State) -> Atoms:
    """Return periodic Atoms, positions unwrapped; a type that is no element becomes X with its name in `type_name`."""
    try:
        from ase import Atoms
        from ase.data import chemical_symbols
    except ImportError:
        raise ImportError('making Atoms needs ASE: pip install "cg-sim[ase]"') from None
    symbols = np.array([name if name in chemical_symbols[1:] else "X" for name in state.names])
    atoms = Atoms(symbols[state.types].tolist(), state.positions, cell=state.box, pbc=True)
    atoms.set_array(_TYPES, np.array(state.names)[state.types])
    atoms.set_masses(state.masses)
    atoms.set_velocities(state.velocities)
    atoms.info[STEP] = state.step
    return atoms
