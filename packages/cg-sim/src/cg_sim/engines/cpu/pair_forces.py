"""Energy, virial and forces of one state, exactly as the embedded engine sees them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cg_data import Interactions, Potential, as_interactions
from cg_sim.box import Array
from cg_sim.engines.cpu.session import start
from cg_sim.engines.protocol import Job
from cg_sim.ensembles import NVE
from cg_sim.state import State


@dataclass(frozen=True, slots=True, eq=False)
class Forces:
    """Energy, forces (n, 3) and virial Σ f ⊗ r (3, 3)."""

    energy: float
    forces: Array
    virial: Array


def pair_forces(state: State, potential: Potential | Interactions) -> Forces:
    """Return energy, forces and virial of a state in double precision."""
    forces = as_interactions(potential, state.names[0])
    session = start(Job(state, forces, kT=np.inf, dt=1.0, thermostat=NVE()))  # no distance is out of reach
    frame = session.frame()
    return Forces(frame.energy, frame.forces, frame.virial)
