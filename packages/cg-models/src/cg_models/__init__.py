"""Networks that read structure and return potentials (BoltzmaNN), or positions and return energies (SchNet, DeePCG).

Here now: pair potentials with weights, which turn into tables and learn through them. Every public name is imported on
first use, so that `import cg_models` does not wait for torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cg_models.boltzmann.domain import OutsideDomain as OutsideDomain
    from cg_models.boltzmann.prediction import PredictedPotential as PredictedPotential
    from cg_models.boltzmann.prediction import PredictedPressure as PredictedPressure
    from cg_models.boltzmann.prediction import invert as invert
    from cg_models.boltzmann.prediction import pressure as pressure
    from cg_models.curves.analytic import LennardJonesPair as LennardJonesPair
    from cg_models.curves.analytic import MorsePair as MorsePair
    from cg_models.curves.neural_pair import NeuralPair as NeuralPair
    from cg_models.curves.neural_pair import RepulsivePrior as RepulsivePrior
    from cg_models.curves.pair_curve import Knots as Knots
    from cg_models.curves.pair_curve import PairCurve as PairCurve
    from cg_models.curves.pretraining import pretrain as pretrain
    from cg_models.curves.spline_pair import SplinePair as SplinePair
    from cg_models.curves.temperature_pair import TemperaturePair as TemperaturePair
    from cg_models.storage import load as load
    from cg_models.storage import save as save

__version__ = "0.1.0"

_HOMES = {
    "boltzmann.domain": ("OutsideDomain",),
    "boltzmann.prediction": ("PredictedPotential", "PredictedPressure", "invert", "pressure"),
    "curves.analytic": ("LennardJonesPair", "MorsePair"),
    "curves.neural_pair": ("NeuralPair", "RepulsivePrior"),
    "curves.pair_curve": ("Knots", "PairCurve"),
    "curves.pretraining": ("pretrain",),
    "curves.spline_pair": ("SplinePair",),
    "curves.temperature_pair": ("TemperaturePair",),
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
