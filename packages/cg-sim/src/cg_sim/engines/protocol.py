"""The seam between `simulate` and the engines: a Job goes in, a Session steps it, a Frame comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from cg_data import Interactions
from cg_sim.box import Array, volume
from cg_sim.ensembles import Barostat, Thermostat
from cg_sim.state import State

Precision = Literal["double", "single"]


@dataclass(frozen=True, slots=True)
class Job:
    """What to simulate: where from, with which forces, in which ensemble.

    `forces` is Interactions, or for the ase engine any ASE calculator. `extra` is a session's own variables from
    a checkpoint (thermostat chain and the like), as returned by `Session.extra`; `label` says what the forces are.
    """

    state: State
    forces: Any
    kT: float
    dt: float
    thermostat: Thermostat
    barostat: Barostat | None = None
    seed: int = 0
    threads: int = 1
    precision: Precision = "double"
    trajectory: Path | None = None
    label: str = ""
    extra: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)

    @property
    def interactions(self) -> Interactions:
        if not isinstance(self.forces, Interactions):
            raise TypeError(f"this engine needs pair potentials, got {type(self.forces).__name__}")
        return self.forces


@dataclass(frozen=True, slots=True)
class Frame:
    """One configuration during a run, particles in the order of the initial state, positions unwrapped.

    `virial` is Σ_{i<j} f_ij ⊗ r_ij [energy], so that the pressure tensor is (Σ m v ⊗ v + virial)/V.
    """

    state: State
    time: float
    energy: float
    virial: Array
    forces: Array

    @property
    def pressure_tensor(self) -> Array:
        v = self.state.velocities
        kinetic = (self.state.masses[:, None] * v).T @ v
        return (kinetic + self.virial) / volume(self.state.box)


class Session(Protocol):
    """A simulation under way in one engine."""

    def advance(self, steps: int) -> None:
        """Integrate `steps` time steps; raise BlowUp if the dynamics break down."""

    def frame(self) -> Frame:
        """Return the present configuration with its energy, virial and forces."""

    def state(self) -> State:
        """Return the present state, all that a run continues from but `extra`."""

    def extra(self) -> dict[str, npt.NDArray[Any]]:
        """Return the variables beyond the state that a checkpoint needs."""

    def close(self) -> None:
        """Release files and foreign libraries."""


Engine = Callable[[Job], Session]


class BlowUp(RuntimeError):
    """The dynamics broke down: what, at which step, which particles; `state` is the last good state."""

    def __init__(self, what: str, *, step: int, particles: tuple[int, ...] = (), state: State | None = None) -> None:
        self.what, self.step, self.particles, self.state = what, step, particles, state
        self.run: Any = None  # what was measured before, if `simulate` met this
        super().__init__(what)


def temperature(state: State, freedom: int) -> float:
    """Return the kinetic temperature 2K/N_f [energy]."""
    return 2 * state.kinetic_energy / freedom if freedom else np.nan
