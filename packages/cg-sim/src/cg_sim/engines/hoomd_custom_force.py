# mypy: disable-error-code="misc"
"""Any function of positions as a HOOMD force, on HOOMD's own buffers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hoomd
import numpy as np

from cg_sim.box import Array

EnergyForce = Callable[..., tuple[Any, ...]]


def energy_force(function: EnergyForce) -> Any:
    """Return a `hoomd.md.force.Custom` driven by `function(positions, box, types)`.

    `function` gets positions (n, 3) inside the box [length], lattice vectors (3, 3) as rows in HOOMD's orientation
    and type codes (n,), and returns the energy, the forces (n, 3) and, for the pressure, the virial
    Σ_{i<j} f_ij ⊗ r_ij (3, 3) [energy]: numbers, arrays or torch tensors.

    The arrays are views of HOOMD's memory, valid only during the call (`torch.from_numpy` shares them), and the
    forces are copied once. HOOMD reorders particles for speed, in which case they are gathered first: without
    `simulation.operations.tuners` it does not, as here. On a GPU the data passes through the host.
    """
    return _Custom(function)


class _Custom(hoomd.md.force.Custom):
    def __init__(self, function: EnergyForce) -> None:
        super().__init__()
        self._function = function
        self.gives_virial = True

    def set_forces(self, timestep: int) -> None:
        with self._state.cpu_local_snapshot as local, self.cpu_local_force_arrays as out:
            tags = np.asarray(local.particles.tag)
            positions, types = np.asarray(local.particles.position), np.asarray(local.particles.typeid)
            sorted_by_tag = bool(np.all(tags[1:] > tags[:-1]))
            order: Any = slice(None) if sorted_by_tag else np.asarray(local.particles.rtag)
            answer = self._function(positions[order], self._box(), types[order])
            energy, forces = float(_array(answer[0])), _array(answer[1])
            if forces.shape != positions.shape:
                raise ValueError(f"forces must be {positions.shape} as the positions, got {forces.shape}")
            out.force[:] = forces if sorted_by_tag else forces[tags]
            out.potential_energy[:] = energy / len(tags)
            self.gives_virial = len(answer) > 2
            if self.gives_virial:
                out.virial[:] = _array(answer[2])[np.triu_indices(3)] / len(tags)

    def _box(self) -> Array:
        return np.asarray(self._state.box.to_matrix(), dtype=np.float64).T


def _array(value: Any) -> Array:
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    return np.asarray(value, dtype=np.float64)
