"""Pair potentials, spline tables, targets and datasets for coarse-graining.

Every public name is here; each is imported on first use, so that `import cg_data` costs milliseconds.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cg_data.checks.findings import Finding as Finding
    from cg_data.checks.table_checks import preflight_table as preflight_table
    from cg_data.checks.target_checks import preflight as preflight
    from cg_data.conversion import in_units as in_units
    from cg_data.errors import FileError as FileError
    from cg_data.formats.hoomd_table import from_hoomd as from_hoomd
    from cg_data.formats.hoomd_table import hoomd_arrays as hoomd_arrays
    from cg_data.formats.tables import read_interactions as read_interactions
    from cg_data.formats.tables import read_potential as read_potential
    from cg_data.formats.tables import read_sections as read_sections
    from cg_data.formats.tables import read_table as read_table
    from cg_data.formats.tables import write_table as write_table
    from cg_data.formats.targets import read_target as read_target
    from cg_data.formats.targets import write_target as write_target
    from cg_data.formats.votca_settings import read_votca_settings as read_votca_settings
    from cg_data.interactions import Interactions as Interactions
    from cg_data.interactions import as_interactions as as_interactions
    from cg_data.interactions import pair_name as pair_name
    from cg_data.interactions import pair_of as pair_of
    from cg_data.liquid import b2 as b2
    from cg_data.liquid import boltzmann_inversion as boltzmann_inversion
    from cg_data.liquid import coordination_number as coordination_number
    from cg_data.liquid import excess_entropy as excess_entropy
    from cg_data.liquid import kirkwood_buff as kirkwood_buff
    from cg_data.liquid import low_density_pressure as low_density_pressure
    from cg_data.liquid import mayer_f as mayer_f
    from cg_data.liquid import running_coordination as running_coordination
    from cg_data.liquid import shell_volumes as shell_volumes
    from cg_data.mapping.apply import map_trajectory as map_trajectory
    from cg_data.mapping.bead_mapping import Bead as Bead
    from cg_data.mapping.bead_mapping import Mapping as Mapping
    from cg_data.mapping.bead_mapping import MoleculeMapping as MoleculeMapping
    from cg_data.mapping.mapping_files import read_mapping as read_mapping
    from cg_data.mapping.mapping_files import write_mapping as write_mapping
    from cg_data.mapping.molecules import molecules_by_distance as molecules_by_distance
    from cg_data.pair_table import PairTable as PairTable
    from cg_data.pair_target import make_target as make_target
    from cg_data.pair_target import normalized as normalized
    from cg_data.pair_target import target as target
    from cg_data.plots import plot_potentials as plot_potentials
    from cg_data.plots import plot_set as plot_set
    from cg_data.plots import plot_splines as plot_splines
    from cg_data.plots import plot_target as plot_target
    from cg_data.potentials.combined import ForceShifted as ForceShifted
    from cg_data.potentials.combined import Scaled as Scaled
    from cg_data.potentials.combined import Shifted as Shifted
    from cg_data.potentials.combined import SmoothCut as SmoothCut
    from cg_data.potentials.combined import Sum as Sum
    from cg_data.potentials.curves import Curve as Curve
    from cg_data.potentials.curves import akima as akima
    from cg_data.potentials.curves import b_spline as b_spline
    from cg_data.potentials.curves import cubic_spline as cubic_spline
    from cg_data.potentials.curves import tabulated as tabulated
    from cg_data.potentials.formulas import WCA as WCA
    from cg_data.potentials.formulas import GaussianCore as GaussianCore
    from cg_data.potentials.formulas import Harmonic as Harmonic
    from cg_data.potentials.formulas import LennardJones as LennardJones
    from cg_data.potentials.formulas import ModifiedMorse as ModifiedMorse
    from cg_data.potentials.formulas import PowerLaw as PowerLaw
    from cg_data.potentials.formulas import Yukawa as Yukawa
    from cg_data.potentials.pair_potential import PairPotential as PairPotential
    from cg_data.potentials.pair_potential import Potential as Potential
    from cg_data.schemas import check as check
    from cg_data.schemas import labeled as labeled
    from cg_data.spline_generator import potentials_dataset as potentials_dataset
    from cg_data.spline_generator import random_splines as random_splines
    from cg_data.stores.campaign import Campaign as Campaign
    from cg_data.stores.campaign_rows import Result as Result
    from cg_data.stores.netcdf import load as load
    from cg_data.stores.netcdf import save as save
    from cg_data.theory.inversion import infinite_liquid as infinite_liquid
    from cg_data.theory.inversion import theory_inversion as theory_inversion
    from cg_data.theory.liquid_theory import LiquidTheory as LiquidTheory
    from cg_data.theory.liquid_theory import liquid_theory as liquid_theory
    from cg_data.theory.perturbation import perturbation_pressure as perturbation_pressure
    from cg_data.trajectories.ase_trajectory import from_ase as from_ase
    from cg_data.trajectories.ase_trajectory import to_ase as to_ase
    from cg_data.trajectories.mdanalysis_trajectory import from_mdanalysis as from_mdanalysis
    from cg_data.trajectories.registry import read_trajectory as read_trajectory
    from cg_data.trajectories.registry import write_trajectory as write_trajectory
    from cg_data.trajectory_dataset import trajectory as trajectory
    from cg_data.trajectory_dataset import units_of as units_of
    from cg_data.units import Units as Units
    from cg_data.units import factor as factor
    from cg_data.units import thermal_energy as thermal_energy

__version__ = "0.1.0"

_HOMES = {
    "checks.findings": ("Finding",),
    "checks.table_checks": ("preflight_table",),
    "checks.target_checks": ("preflight",),
    "conversion": ("in_units",),
    "errors": ("FileError",),
    "formats.hoomd_table": (
        "from_hoomd",
        "hoomd_arrays",
    ),
    "formats.tables": (
        "read_interactions",
        "read_potential",
        "read_sections",
        "read_table",
        "write_table",
    ),
    "formats.targets": (
        "read_target",
        "write_target",
    ),
    "formats.votca_settings": ("read_votca_settings",),
    "theory.inversion": ("infinite_liquid", "theory_inversion"),
    "theory.liquid_theory": ("LiquidTheory", "liquid_theory"),
    "theory.perturbation": ("perturbation_pressure",),
    "interactions": (
        "Interactions",
        "as_interactions",
        "pair_name",
        "pair_of",
    ),
    "liquid": (
        "b2",
        "boltzmann_inversion",
        "coordination_number",
        "excess_entropy",
        "kirkwood_buff",
        "low_density_pressure",
        "mayer_f",
        "running_coordination",
        "shell_volumes",
    ),
    "mapping.apply": ("map_trajectory",),
    "mapping.bead_mapping": (
        "Bead",
        "Mapping",
        "MoleculeMapping",
    ),
    "mapping.mapping_files": (
        "read_mapping",
        "write_mapping",
    ),
    "mapping.molecules": ("molecules_by_distance",),
    "pair_table": ("PairTable",),
    "pair_target": (
        "make_target",
        "normalized",
        "target",
    ),
    "plots": (
        "plot_potentials",
        "plot_set",
        "plot_splines",
        "plot_target",
    ),
    "potentials.combined": (
        "ForceShifted",
        "Scaled",
        "Shifted",
        "SmoothCut",
        "Sum",
    ),
    "potentials.curves": (
        "Curve",
        "akima",
        "b_spline",
        "cubic_spline",
        "tabulated",
    ),
    "potentials.formulas": (
        "GaussianCore",
        "Harmonic",
        "LennardJones",
        "ModifiedMorse",
        "PowerLaw",
        "WCA",
        "Yukawa",
    ),
    "potentials.pair_potential": (
        "PairPotential",
        "Potential",
    ),
    "schemas": (
        "check",
        "labeled",
    ),
    "spline_generator": (
        "potentials_dataset",
        "random_splines",
    ),
    "stores.campaign": ("Campaign",),
    "stores.campaign_rows": ("Result",),
    "stores.netcdf": (
        "load",
        "save",
    ),
    "trajectories.ase_trajectory": (
        "from_ase",
        "to_ase",
    ),
    "trajectories.mdanalysis_trajectory": ("from_mdanalysis",),
    "trajectories.registry": (
        "read_trajectory",
        "write_trajectory",
    ),
    "trajectory_dataset": (
        "trajectory",
        "units_of",
    ),
    "units": (
        "Units",
        "factor",
        "thermal_energy",
    ),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = ["__version__", *_HOME_OF]


def __getattr__(name: str) -> object:
    if name in _HOME_OF:
        value: object = getattr(import_module(f"cg_data.{_HOME_OF[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'cg_data' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
