"""Ensembles as HOOMD integration methods, and the variables of theirs that a checkpoint needs.

| ours | HOOMD's |
| --- | --- |
| NVE | ConstantVolume, velocity Verlet |
| Langevin | Langevin: velocity Verlet with drag and uniform noise in the second half step, not BAOAB; γ = friction × mass |
| NoseHoover | ConstantVolume with MTTK: one thermostat (`chain` and `substeps` have no counterpart), Q = N_f kT τ² |
| Bussi | ConstantVolume with Bussi |
| CellRescaling | ConstantPressure: an isotropic Martyna–Tobias–Klein piston of period τ with Langevin friction 2/τ, the run's thermostat on the particles; `compressibility` and `every` have no counterpart. With NVE: constant enthalpy |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import hoomd
import numpy as np
import numpy.typing as npt

from cg_sim.engines.protocol import Job
from cg_sim.ensembles import NVE, Bussi, CellRescaling, Langevin, NoseHoover, Thermostat


def integration_method(job: Job) -> Any:
    """Return HOOMD's method for the job's thermostat and barostat."""
    match job.thermostat, job.barostat:
        case Langevin(), None:
            return _langevin(job, job.thermostat.friction)
        case Langevin(), _:
            raise ValueError(
                "HOOMD has no Langevin thermostat at constant pressure: take "
                f"Bussi(tau={0.5 / job.thermostat.friction:.4g}), whose energy relaxes as fast, or NoseHoover"
            )
        case thermostat, None:
            return hoomd.md.methods.ConstantVolume(hoomd.filter.All(), thermostat=_rescaling(job, thermostat))
        case thermostat, CellRescaling() as barostat:
            return hoomd.md.methods.ConstantPressure(
                hoomd.filter.All(),
                S=barostat.pressure,
                tauS=barostat.tau,
                couple="xyz",
                thermostat=_rescaling(job, thermostat),
                gamma=0.0 if isinstance(thermostat, NVE) else 2 / barostat.tau,
            )
        case _:
            raise ValueError(f"HOOMD cannot do {job.thermostat!r} with {job.barostat!r}")


def variables(method: Any) -> dict[str, npt.NDArray[Any]]:
    """Return the method's own variables: MTTK's ξ and η, the six velocities of the barostat."""
    found = {}
    if isinstance(_thermostat(method), hoomd.md.methods.thermostats.MTTK):
        found["thermostat"] = np.array(_thermostat(method).translational_dof)
    if isinstance(method, hoomd.md.methods.ConstantPressure):
        found["barostat"] = np.array(method.barostat_dof)
    return found


def restore(method: Any, extra: Mapping[str, npt.NDArray[Any]]) -> None:
    """Give the method, once attached, its variables back; without any draw them from their distributions."""
    if "thermostat" in extra:
        _thermostat(method).translational_dof = tuple(extra["thermostat"])
    elif isinstance(_thermostat(method), hoomd.md.methods.thermostats.MTTK):
        _thermostat(method).thermalize_dof()
    if "barostat" in extra:
        method.barostat_dof = tuple(extra["barostat"])


def _thermostat(method: Any) -> Any:
    return getattr(method, "thermostat", None)


def _rescaling(job: Job, thermostat: Thermostat) -> Any:
    if not isinstance(thermostat, NVE) and job.state.kinetic_energy == 0:
        raise ValueError(
            f"{type(thermostat).__name__} only rescales velocities and this state is at rest: "
            f"start from state.with_velocities(kT={job.kT})"
        )
    match thermostat:
        case NVE():
            return None
        case NoseHoover():
            return hoomd.md.methods.thermostats.MTTK(kT=job.kT, tau=thermostat.tau)
        case Bussi():
            return hoomd.md.methods.thermostats.Bussi(kT=job.kT, tau=thermostat.tau)
        case _:
            raise ValueError(f"HOOMD has no thermostat like {thermostat!r}")


def _langevin(job: Job, friction: float) -> Any:
    method, state = hoomd.md.methods.Langevin(hoomd.filter.All(), kT=job.kT), job.state
    for code, name in enumerate(state.names):
        masses = np.unique(state.masses[state.types == code])
        if len(masses) > 1:
            raise ValueError(
                f"HOOMD's Langevin has one friction per type, but particles of type {name} have masses from "
                f"{masses[0]:.6g} to {masses[-1]:.6g}: give each mass a type of its own"
            )
        method.gamma[name] = friction * (masses[0] if len(masses) else 1.0)
    return method
