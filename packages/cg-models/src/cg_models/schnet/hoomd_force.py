# mypy: disable-error-code="misc"
"""A bead potential as a force of HOOMD-blue (versions 4 to 7), with energies and virials of every bead."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

try:
    import hoomd
except ImportError as error:
    raise ImportError("a HOOMD force needs HOOMD-blue 4 or later: conda install -c conda-forge hoomd") from error

from cg_models.schnet.bead_potential import BeadPotential
from cg_models.schnet.engine_forces import EngineForces, type_codes


class BeadForce(hoomd.md.force.Custom):
    """A `hoomd.md.force.Custom` of a potential in HOOMD's units; `types` names the beads as the potential numbers them.

    `molecule` numbers are those of beads in the order of tags. One rank; on a GPU positions pass through the host.
    """

    def __init__(
        self,
        potential: BeadPotential,
        types: tuple[str, ...],
        *,
        molecule: npt.ArrayLike | None = None,
        skin: float = 1.0,
    ) -> None:
        super().__init__()
        self._evaluate, self._names = EngineForces(potential, molecule=molecule, skin=skin), types

    def set_forces(self, timestep: int) -> None:
        device: Any = self._simulation.device
        if device.communicator.num_ranks > 1:
            raise ValueError("beads need all their neighbors: run HOOMD on one rank")
        codes = type_codes(self._state.particle_types, self._names)
        box = np.asarray(self._state.box.to_matrix(), dtype=np.float64).T
        with self._state.cpu_local_snapshot as local, self.cpu_local_force_arrays as out:
            tags = np.array(local.particles.tag)
            order = np.argsort(tags)
            positions, types = np.array(local.particles.position)[order], codes[np.array(local.particles.typeid)[order]]
            found = self._evaluate.each(positions, box, types).reordered(tags)
            out.force[:], out.potential_energy[:] = found.forces, found.energies
            out.virial[:] = found.virials
