"""Fast pair-potential molecular dynamics behind one call, on an embedded engine, CUDA, HOOMD-blue, LAMMPS or ASE.

Every public name is here; each is imported on first use, so that `import cg_sim` costs milliseconds.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cg_sim import campaign as campaign
    from cg_sim import differentiable as differentiable
    from cg_sim import torch as torch
    from cg_sim.ase_calculator import PairCalculator as PairCalculator
    from cg_sim.ase_states import from_ase as from_ase
    from cg_sim.ase_states import to_ase as to_ase
    from cg_sim.batch import simulate_batch as simulate_batch
    from cg_sim.engines.cpu.pair_forces import Forces as Forces
    from cg_sim.engines.cpu.pair_forces import pair_forces as pair_forces
    from cg_sim.engines.protocol import BlowUp as BlowUp
    from cg_sim.engines.protocol import Frame as Frame
    from cg_sim.engines.protocol import Job as Job
    from cg_sim.engines.protocol import Session as Session
    from cg_sim.engines.registry import engine as engine
    from cg_sim.engines.registry import engine_names as engine_names
    from cg_sim.engines.registry import unavailable as unavailable
    from cg_sim.ensembles import NVE as NVE
    from cg_sim.ensembles import Bussi as Bussi
    from cg_sim.ensembles import CellRescaling as CellRescaling
    from cg_sim.ensembles import Langevin as Langevin
    from cg_sim.ensembles import NoseHoover as NoseHoover
    from cg_sim.ensembles import degrees_of_freedom as degrees_of_freedom
    from cg_sim.gsd_states import from_gsd as from_gsd
    from cg_sim.gsd_states import to_gsd as to_gsd
    from cg_sim.lattices import fcc as fcc
    from cg_sim.live.explorer import explore as explore
    from cg_sim.observables.adf import ADF as ADF
    from cg_sim.observables.msd import MSD as MSD
    from cg_sim.observables.msd import msd_of as msd_of
    from cg_sim.observables.protocol import Context as Context
    from cg_sim.observables.protocol import Observable as Observable
    from cg_sim.observables.protocol import Recorder as Recorder
    from cg_sim.observables.rdf import RDF as RDF
    from cg_sim.observables.steinhardt import Steinhardt as Steinhardt
    from cg_sim.observables.steinhardt import bond_order as bond_order
    from cg_sim.observables.structure_factor import StructureFactor as StructureFactor
    from cg_sim.observables.thermo import Energy as Energy
    from cg_sim.observables.thermo import Pressure as Pressure
    from cg_sim.observables.thermo import Temperature as Temperature
    from cg_sim.observables.vacf import VACF as VACF
    from cg_sim.run_loop import Interrupted as Interrupted
    from cg_sim.run_result import Run as Run
    from cg_sim.run_result import final_state as final_state
    from cg_sim.running import simulate as simulate
    from cg_sim.state import State as State
    from cg_sim.statistics.blocks import BlockMean as BlockMean
    from cg_sim.statistics.series import equilibration as equilibration
    from cg_sim.statistics.series import inefficiency as inefficiency
    from cg_sim.statistics.series import mean_error as mean_error
    from cg_sim.stored_frames import measure as measure

__version__ = "0.1.0"

_HOMES = {
    "ase_calculator": ("PairCalculator",),
    "ase_states": (
        "from_ase",
        "to_ase",
    ),
    "batch": ("simulate_batch",),
    "engines.cpu.pair_forces": (
        "Forces",
        "pair_forces",
    ),
    "engines.protocol": (
        "BlowUp",
        "Frame",
        "Job",
        "Session",
    ),
    "engines.registry": (
        "engine",
        "engine_names",
        "unavailable",
    ),
    "ensembles": (
        "Bussi",
        "CellRescaling",
        "Langevin",
        "NVE",
        "NoseHoover",
        "degrees_of_freedom",
    ),
    "gsd_states": (
        "from_gsd",
        "to_gsd",
    ),
    "lattices": ("fcc",),
    "live.explorer": ("explore",),
    "observables.adf": ("ADF",),
    "observables.msd": (
        "MSD",
        "msd_of",
    ),
    "observables.protocol": (
        "Context",
        "Observable",
        "Recorder",
    ),
    "observables.rdf": ("RDF",),
    "observables.steinhardt": (
        "Steinhardt",
        "bond_order",
    ),
    "observables.structure_factor": ("StructureFactor",),
    "observables.thermo": (
        "Energy",
        "Pressure",
        "Temperature",
    ),
    "observables.vacf": ("VACF",),
    "run_loop": ("Interrupted",),
    "run_result": (
        "Run",
        "final_state",
    ),
    "running": ("simulate",),
    "state": ("State",),
    "statistics.blocks": ("BlockMean",),
    "statistics.series": (
        "equilibration",
        "inefficiency",
        "mean_error",
    ),
    "stored_frames": ("measure",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

_MODULES = ("campaign", "differentiable", "torch")

__all__ = ["__version__", *_MODULES, *_HOME_OF]


def __getattr__(name: str) -> object:
    if name in _HOME_OF:
        value: object = getattr(import_module(f"cg_sim.{_HOME_OF[name]}"), name)
        globals()[name] = value
        return value
    if name in _MODULES:
        return import_module(f"cg_sim.{name}")
    raise AttributeError(f"module 'cg_sim' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
