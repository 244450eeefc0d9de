"""ASE's integrators for our ensembles, and what a restart needs of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from ase import units
from ase.md.bussi import Bussi as AseBussi
from ase.md.langevinbaoab import LangevinBAOAB
from ase.md.nose_hoover_chain import IsotropicMTKNPT, NoseHooverChainNVT, NoseHooverChainThermostat
from ase.md.verlet import VelocityVerlet

from cg_sim.engines.protocol import Job
from cg_sim.ensembles import NVE, Bussi, CellRescaling, Langevin, NoseHoover, degrees_of_freedom

Memory = dict[str, npt.NDArray[Any]]


def dynamics(job: Job, atoms: Any, rng: np.random.Generator) -> Any:
    """Return ASE's integrator of the job's ensemble for these atoms."""
    kelvin = job.kT / units.kB
    match job.thermostat, job.barostat:
        case NVE(), None:
            return VelocityVerlet(atoms, job.dt)
        case Langevin(friction), None:
            return LangevinBAOAB(atoms, job.dt, temperature_K=kelvin, T_tau=1 / friction, rng=rng)
        case Langevin(friction), CellRescaling(pressure, tau):
            return LangevinBAOAB(
                atoms, job.dt, temperature_K=kelvin, T_tau=1 / friction, rng=rng,
                externalstress=-pressure, hydrostatic=True, P_tau=tau, P_mass=(3 * len(atoms) + 3) * job.kT * tau**2,
            )  # fmt: skip
        case NoseHoover(tau, chain, substeps), None:
            nvt = NoseHooverChainNVT(atoms, job.dt, kelvin, tau, tchain=chain, tloop=substeps)
            nvt._thermostat = _chain(job, nvt.masses)
            return nvt
        case NoseHoover(tau, chain, substeps), CellRescaling(pressure, period):
            npt = IsotropicMTKNPT(atoms, job.dt, kelvin, pressure, tau, period, tchain=chain, tloop=substeps)
            npt._thermostat, npt._num_atoms_global = _chain(job, npt.masses), _free_particles(job)
            return npt
        case Bussi(tau), None:
            bussi = AseBussi(atoms, job.dt, kelvin, tau, rng=rng)
            bussi.ndof = degrees_of_freedom(len(atoms), job.thermostat)
            bussi.target_kinetic_energy = 0.5 * job.kT * bussi.ndof
            return bussi
        case ((NVE() | Bussi()), CellRescaling()):
            raise ValueError(f"ASE has no barostat to go with {type(job.thermostat).__name__}: choose NoseHoover or Langevin")  # fmt: skip
        case _:
            raise ValueError(f"the ase engine has no ensemble {job.thermostat!r} with {job.barostat!r}")


def _chain(job: Job, masses: Any) -> Any:
    """Return the chain coupled to the 3N − 3 degrees of freedom that are thermal; ASE's own counts all 3N."""
    assert isinstance(job.thermostat, NoseHoover)
    tau, chain, substeps = job.thermostat.tau, job.thermostat.chain, job.thermostat.substeps
    kelvin = job.kT / units.kB
    return NoseHooverChainThermostat(_free_particles(job), masses, kelvin, tau, tchain=chain, tloop=substeps)


def _free_particles(job: Job) -> int:
    return degrees_of_freedom(job.state.n, job.thermostat) // 3


def rewind(rng: np.random.Generator, step: int) -> None:
    """Set a Philox generator to the start of a step's numbers: they depend on seed and step alone."""
    state = dict(rng.bit_generator.state)
    counter = np.array([0, 0, step, 0], dtype=np.uint64)
    state["state"] = {"counter": counter, "key": state["state"]["key"]}
    rng.bit_generator.state = {**state, "buffer_pos": 4, "has_uint32": 0, "uinteger": 0}


def memory(md: Any) -> Memory:
    """Return the momenta to the last bit and the variables of thermostat and barostat."""
    kept = {"momenta": md.atoms.get_momenta()}
    for name, (owner, field) in _variables(md).items():
        kept[name] = np.array(getattr(owner, field), dtype=np.float64)
    return kept


def remember(md: Any, kept: Mapping[str, npt.NDArray[Any]]) -> None:
    """Put back what `memory` returned."""
    for name, (owner, field) in _variables(md).items():
        if name in kept:
            value = np.array(kept[name], dtype=np.float64)
            setattr(owner, field, value if value.ndim else float(value))


def _variables(md: Any) -> dict[str, tuple[Any, str]]:
    found: dict[str, tuple[Any, str]] = {}
    if isinstance(md, NoseHooverChainNVT | IsotropicMTKNPT):
        found |= {"eta": (md._thermostat, "_eta"), "p_eta": (md._thermostat, "_p_eta")}
    if isinstance(md, IsotropicMTKNPT):
        found |= {"xi": (md._barostat, "_xi"), "p_xi": (md._barostat, "_p_xi"), "p_eps": (md, "_p_eps")}
        found |= {"eps": (md, "_eps"), "volume0": (md, "_volume0"), "cell0": (md, "_cell0")}
    if isinstance(md, LangevinBAOAB) and md.externalstress is not None:
        found |= {"p_eps": (md, "p_eps"), "force_eps": (md, "force_eps")}
    return found
