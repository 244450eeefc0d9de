"""The `ase` engine: any ASE calculator, or pair potentials, moved by ASE's integrators."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from cg_data import Interactions
from cg_sim.ase_states import STEP, to_ase
from cg_sim.box import volume
from cg_sim.engines.breakdown import REMEDY, check_moving
from cg_sim.engines.protocol import BlowUp, Frame, Job, Session
from cg_sim.state import State

try:
    from ase.calculators.calculator import PropertyNotImplementedError

    from cg_sim.engines.ase_asked import AskedOnce
    from cg_sim.engines.ase_dynamics import dynamics, memory, remember, rewind
except ImportError as error:
    raise ImportError(f'the ase engine needs ASE 3.29 or newer ({error}): pip install "cg-sim[ase]"') from None


def start(job: Job) -> Session:
    """Return the job under way in ASE, with lengths in Å, energies in eV, masses in u and time in Å·√(u/eV).

    `job.forces` is an ASE calculator or Interactions, computed by `PairCalculator`.

    | ensemble | in ASE |
    | --- | --- |
    | NVE | `VelocityVerlet` |
    | Langevin | `LangevinBAOAB` |
    | NoseHoover | `NoseHooverChainNVT`, its chain coupled to 3N − 3 degrees of freedom |
    | Bussi | `Bussi`, 3N − 3 degrees of freedom |
    | CellRescaling with NoseHoover | `IsotropicMTKNPT`: the deterministic barostat of Martyna, Tobias and Klein |
    | CellRescaling with Langevin | `LangevinBAOAB` at constant hydrostatic stress: a barostat with inertia and noise |

    With CellRescaling the barostat's period is `tau`; `compressibility` and `every` have no meaning there.
    Noise depends on seed and step alone, so a run continued with `extra` repeats the uninterrupted one.
    A calculator without stress gives a virial that is not a number.
    """
    if job.precision != "double":
        raise ValueError(f"the precision of the ase engine is its calculator's, asked for {job.precision!r}: leave precision out")  # fmt: skip
    return AseSession(job)


class AseSession:
    """Atoms with their calculator, and the integrator that moves them."""

    def __init__(self, job: Job) -> None:
        self._job, self._step, self._last = job, job.state.step, job.state
        self._atoms = to_ase(job.state)
        self._atoms.calc = AskedOnce(_calculator(job.forces))
        if "momenta" in job.extra:
            self._atoms.set_momenta(job.extra["momenta"])
        self._rng = np.random.Generator(np.random.Philox(key=job.seed))
        self._dynamics = dynamics(job, self._atoms, self._rng)
        remember(self._dynamics, job.extra)

    def advance(self, steps: int) -> None:
        for _ in range(steps):
            self._step_once()
        self._last = self.state()

    def _step_once(self) -> None:
        rewind(self._rng, self._step)
        self._atoms.info[STEP] = self._step + 1  # for what a calculator may say
        with np.errstate(all="ignore"):  # numbers that are not finite are found below
            try:
                self._dynamics.run(1)
            except Exception as error:
                broken = self._breakdown(error)
                if broken is None:
                    raise
                raise broken from error
        self._step += 1
        check_moving(
            self._atoms.positions, self._atoms.get_velocities(), self._atoms.get_forces(),
            box=self._atoms.cell.array, dt=self._job.dt, step=self._step, last=self._last,
        )  # fmt: skip

    def _breakdown(self, error: Exception) -> BlowUp | None:
        step = self._step + 1
        if isinstance(error, BlowUp):
            return BlowUp(error.what, step=step, particles=error.particles, state=self._last)
        if np.all(np.isfinite(self._atoms.positions)):
            return None
        return BlowUp(f"at step {step} positions are not finite ({error}); {REMEDY}", step=step, state=self._last)

    def frame(self) -> Frame:
        energy, forces = float(self._atoms.get_potential_energy()), np.array(self._atoms.get_forces())
        try:
            virial = -volume(self._atoms.cell.array) * np.array(self._atoms.get_stress(voigt=False))
        except PropertyNotImplementedError:
            virial = np.full((3, 3), np.nan)
        return Frame(self.state(), self._step * self._job.dt, energy, virial, forces)

    def state(self) -> State:
        atoms = self._atoms
        return replace(
            self._job.state,
            positions=atoms.get_positions(),
            velocities=atoms.get_velocities(),
            box=atoms.cell.array,
            step=self._step,
        )

    def extra(self) -> dict[str, npt.NDArray[Any]]:
        return memory(self._dynamics)

    def close(self) -> None:
        self._atoms.calc = None


def _calculator(forces: Any) -> Any:
    if isinstance(forces, Interactions):
        from cg_sim.ase_calculator import PairCalculator

        return PairCalculator(forces)
    if not hasattr(forces, "get_forces"):
        raise TypeError(f"the ase engine needs an ASE calculator or pair potentials, got {type(forces).__name__}")
    return forces
