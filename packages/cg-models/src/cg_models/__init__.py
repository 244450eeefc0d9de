"""Networks that read structure and return potentials (BoltzmaNN), or positions and return energies (SchNet, DeePCG).

Pair potentials with weights, which turn into tables and learn through them; BoltzmaNN; SchNet for beads, with what learns of
forces and what engines ask for; potentials of atoms by ANI and HIP-NN; deep potentials of atoms and beads. Every public name is
imported on first use, so that `import cg_models` does not wait for torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from cg_models import forks

if TYPE_CHECKING:
    from cg_models.boltzmann.domain import OutsideDomain as OutsideDomain
    from cg_models.boltzmann.prediction import PredictedPotential as PredictedPotential
    from cg_models.boltzmann.prediction import PredictedPressure as PredictedPressure
    from cg_models.boltzmann.prediction import invert as invert
    from cg_models.boltzmann.prediction import pressure as pressure
    from cg_models.calculators import calculator as calculator
    from cg_models.curves.analytic import LennardJonesPair as LennardJonesPair
    from cg_models.curves.analytic import MorsePair as MorsePair
    from cg_models.curves.neural_pair import NeuralPair as NeuralPair
    from cg_models.curves.neural_pair import RepulsivePrior as RepulsivePrior
    from cg_models.curves.pair_curve import Knots as Knots
    from cg_models.curves.pair_curve import PairCurve as PairCurve
    from cg_models.curves.pretraining import pretrain as pretrain
    from cg_models.curves.refined_pair import RefinedPair as RefinedPair
    from cg_models.curves.spline_pair import SplinePair as SplinePair
    from cg_models.curves.temperature_pair import TemperaturePair as TemperaturePair
    from cg_models.deep_potential.calculator import DeepCalculator as DeepCalculator
    from cg_models.deep_potential.deepmd_kit import read_deepmd as read_deepmd
    from cg_models.deep_potential.ensembles import Deviation as Deviation
    from cg_models.deep_potential.ensembles import ModelEnsemble as ModelEnsemble
    from cg_models.deep_potential.ensembles import ensemble as ensemble
    from cg_models.deep_potential.options import LocalFrameOptions as LocalFrameOptions
    from cg_models.deep_potential.options import SmoothOptions as SmoothOptions
    from cg_models.deep_potential.potential import DeepPotential as DeepPotential
    from cg_models.deep_potential.remembered import FrameStructures as FrameStructures
    from cg_models.deep_potential.storage import load_deep as load_deep
    from cg_models.deep_potential.storage import save_deep as save_deep
    from cg_models.deep_potential.stored import StoredDeep as StoredDeep
    from cg_models.deep_potential.training import DeepErrors as DeepErrors
    from cg_models.deep_potential.training import DeepTrainer as DeepTrainer
    from cg_models.deep_potential.training import DeepTraining as DeepTraining
    from cg_models.many_body.ani import Ani as Ani
    from cg_models.many_body.ani import ani as ani
    from cg_models.many_body.ani_data import read_ani_h5 as read_ani_h5
    from cg_models.many_body.calculator import ManyBodyCalculator as ManyBodyCalculator
    from cg_models.many_body.hip_network import HipNetwork as HipNetwork
    from cg_models.many_body.hip_network import HipOptions as HipOptions
    from cg_models.many_body.hip_training import HipEpoch as HipEpoch
    from cg_models.many_body.hip_training import HipTrainer as HipTrainer
    from cg_models.many_body.hip_training import Teaching as Teaching
    from cg_models.many_body.hipnn import HipNN as HipNN
    from cg_models.many_body.hipnn import hipnn as hipnn
    from cg_models.many_body.hipnn import save_hipnn as save_hipnn
    from cg_models.many_body.labels import Labels as Labels
    from cg_models.many_body.labels import load_labels as load_labels
    from cg_models.many_body.labels import save_labels as save_labels
    from cg_models.many_body.lammps_overlay import lammps_overlay as lammps_overlay
    from cg_models.many_body.many_body import ManyBody as ManyBody
    from cg_models.many_body.neighborhoods import Neighborhoods as Neighborhoods
    from cg_models.many_body.sum_calculator import Sum as Sum
    from cg_models.schnet.bead_frames import BeadFrames as BeadFrames
    from cg_models.schnet.bead_frames import bead_frames as bead_frames
    from cg_models.schnet.bead_potential import BeadPotential as BeadPotential
    from cg_models.schnet.bead_potential import Prior as Prior
    from cg_models.schnet.calculator import BeadCalculator as BeadCalculator
    from cg_models.schnet.cores import core_of as core_of
    from cg_models.schnet.cores import wall_of as wall_of
    from cg_models.schnet.dynamics import BeadDynamics as BeadDynamics
    from cg_models.schnet.engine_forces import EngineForces as EngineForces
    from cg_models.schnet.export import export_beads as export_beads
    from cg_models.schnet.force_matching import ForceMatcher as ForceMatcher
    from cg_models.schnet.force_matching import Matching as Matching
    from cg_models.schnet.force_matching import samples as samples
    from cg_models.schnet.force_matching import split as split
    from cg_models.schnet.graph import graph as graph
    from cg_models.schnet.lammps_force import BeadFix as BeadFix
    from cg_models.schnet.moving import MovingGraph as MovingGraph
    from cg_models.schnet.network import SchNet as SchNet
    from cg_models.schnet.network import SchNetOptions as SchNetOptions
    from cg_models.schnet.storage import StoredBeads as StoredBeads
    from cg_models.schnet.storage import load_beads as load_beads
    from cg_models.schnet.storage import save_beads as save_beads
    from cg_models.schnet.trial import Trial as Trial
    from cg_models.storage import load as load
    from cg_models.storage import save as save

__version__ = "0.1.0"

forks.watch()

_HOMES = {
    "boltzmann.domain": ("OutsideDomain",),
    "boltzmann.prediction": ("PredictedPotential", "PredictedPressure", "invert", "pressure"),
    "calculators": ("calculator",),
    "curves.analytic": ("LennardJonesPair", "MorsePair"),
    "curves.neural_pair": ("NeuralPair", "RepulsivePrior"),
    "curves.pair_curve": ("Knots", "PairCurve"),
    "curves.pretraining": ("pretrain",),
    "curves.refined_pair": ("RefinedPair",),
    "curves.spline_pair": ("SplinePair",),
    "curves.temperature_pair": ("TemperaturePair",),
    "deep_potential.calculator": ("DeepCalculator",),
    "deep_potential.deepmd_kit": ("read_deepmd",),
    "deep_potential.ensembles": ("Deviation", "ModelEnsemble", "ensemble"),
    "deep_potential.options": ("LocalFrameOptions", "SmoothOptions"),
    "deep_potential.potential": ("DeepPotential",),
    "deep_potential.remembered": ("FrameStructures",),
    "deep_potential.storage": ("load_deep", "save_deep"),
    "deep_potential.stored": ("StoredDeep",),
    "deep_potential.training": ("DeepErrors", "DeepTrainer", "DeepTraining"),
    "many_body.ani": ("Ani", "ani"),
    "many_body.ani_data": ("read_ani_h5",),
    "many_body.calculator": ("ManyBodyCalculator",),
    "many_body.hip_network": ("HipNetwork", "HipOptions"),
    "many_body.hip_training": ("HipEpoch", "HipTrainer", "Teaching"),
    "many_body.hipnn": ("HipNN", "hipnn", "save_hipnn"),
    "many_body.labels": ("Labels", "load_labels", "save_labels"),
    "many_body.lammps_overlay": ("lammps_overlay",),
    "many_body.many_body": ("ManyBody",),
    "many_body.neighborhoods": ("Neighborhoods",),
    "many_body.sum_calculator": ("Sum",),
    "schnet.bead_frames": ("BeadFrames", "bead_frames"),
    "schnet.bead_potential": ("BeadPotential", "Prior"),
    "schnet.calculator": ("BeadCalculator",),
    "schnet.cores": ("core_of", "wall_of"),
    "schnet.dynamics": ("BeadDynamics",),
    "schnet.engine_forces": ("EngineForces",),
    "schnet.export": ("export_beads",),
    "schnet.force_matching": ("ForceMatcher", "Matching", "samples", "split"),
    "schnet.graph": ("graph",),
    "schnet.lammps_force": ("BeadFix",),
    "schnet.moving": ("MovingGraph",),
    "schnet.network": ("SchNet", "SchNetOptions"),
    "schnet.storage": ("StoredBeads", "load_beads", "save_beads"),
    "schnet.trial": ("Trial",),
    "storage": ("load", "save"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = ["__version__", *_HOME_OF]


def __getattr__(name: str) -> object:
    if name in _HOME_OF:
        value: object = getattr(import_module(f"cg_models.{_HOME_OF[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'cg_models' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
