"""From a radial distribution function to the potential that reproduces it: IBI, wIBI, multi-state IBI, C-IBI, IMC,
HNC-Newton and Gauss–Newton, relative entropy, DiffTRe and DiffSim, on one target, with one loop, one history and error bars.

Every public name is here; each is imported on first use, so that `import cg_inverse` costs milliseconds.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cg_inverse.constraints.density import FixedDensity as FixedDensity
    from cg_inverse.constraints.pressure import FixedPressure as FixedPressure
    from cg_inverse.constraints.pressure import RampCorrection as RampCorrection
    from cg_inverse.corrections.between_temperatures import BetweenTemperatures as BetweenTemperatures
    from cg_inverse.corrections.correcting import wibi as wibi
    from cg_inverse.fits.control import Control as Control
    from cg_inverse.fits.error_bands import Uncertainty as Uncertainty
    from cg_inverse.fits.error_bands import uncertainty as uncertainty
    from cg_inverse.fits.fitting import Fit as Fit
    from cg_inverse.fits.fitting import fit as fit
    from cg_inverse.fits.fitting import resume as resume
    from cg_inverse.fits.loop import Step as Step
    from cg_inverse.fits.loop import iterate as iterate
    from cg_inverse.learning.method import DiffSim as DiffSim
    from cg_inverse.learning.method import Network as Network
    from cg_inverse.learning.method import Refinement as Refinement
    from cg_inverse.learning.recipe import Recipe as Recipe
    from cg_inverse.learning.training import learn as learn
    from cg_inverse.learning.verb import diffsim as diffsim
    from cg_inverse.methods.cibi import CIBI as CIBI
    from cg_inverse.methods.correction import PairCorrection as PairCorrection
    from cg_inverse.methods.difftre import DiffTRe as DiffTRe
    from cg_inverse.methods.hnc import HNCGN as HNCGN
    from cg_inverse.methods.hnc import HNCN as HNCN
    from cg_inverse.methods.ibi import IBI as IBI
    from cg_inverse.methods.ibi import WIBI as WIBI
    from cg_inverse.methods.imc import IMC as IMC
    from cg_inverse.methods.relative_entropy import RelativeEntropy as RelativeEntropy
    from cg_inverse.problems.spline_problem import Problem as Problem
    from cg_inverse.problems.spline_problem import problem as problem
    from cg_inverse.rounds.judgement import Judgement as Judgement
    from cg_inverse.rounds.sample import Sample as Sample
    from cg_inverse.rounds.simulation import Liquids as Liquids
    from cg_inverse.rounds.simulation_settings import Simulation as Simulation
    from cg_inverse.verbs import bi as bi
    from cg_inverse.verbs import cibi as cibi
    from cg_inverse.verbs import difftre as difftre
    from cg_inverse.verbs import hncgn as hncgn
    from cg_inverse.verbs import hncn as hncn
    from cg_inverse.verbs import ibi as ibi
    from cg_inverse.verbs import imc as imc
    from cg_inverse.verbs import msibi as msibi
    from cg_inverse.verbs import re as re

__version__ = "0.1.0"

_HOMES = {
    "corrections.between_temperatures": ("BetweenTemperatures",),
    "fits.control": ("Control",),
    "corrections.correcting": ("wibi",),
    "learning.method": ("DiffSim", "Network", "Refinement"),
    "learning.recipe": ("Recipe",),
    "learning.training": ("learn",),
    "learning.verb": ("diffsim",),
    "fits.error_bands": ("Uncertainty", "uncertainty"),
    "fits.fitting": ("Fit", "fit", "resume"),
    "rounds.judgement": ("Judgement",),
    "fits.loop": ("Step", "iterate"),
    "methods.hnc": ("HNCGN", "HNCN"),
    "methods.cibi": ("CIBI",),
    "methods.correction": ("PairCorrection",),
    "methods.difftre": ("DiffTRe",),
    "methods.ibi": ("IBI", "WIBI"),
    "methods.imc": ("IMC",),
    "methods.relative_entropy": ("RelativeEntropy",),
    "constraints.density": ("FixedDensity",),
    "constraints.pressure": ("FixedPressure", "RampCorrection"),
    "rounds.sample": ("Sample",),
    "rounds.simulation": ("Liquids",),
    "rounds.simulation_settings": ("Simulation",),
    "problems.spline_problem": ("Problem", "problem"),
    "verbs": ("bi", "cibi", "difftre", "hncgn", "hncn", "ibi", "imc", "msibi", "re"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = ["__version__", *_HOME_OF]


def __getattr__(name: str) -> object:
    if name in _HOME_OF:
        value: object = getattr(import_module(f"cg_inverse.{_HOME_OF[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'cg_inverse' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
