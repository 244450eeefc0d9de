"""The verb of DiffSim, from a target to a fit; arguments as those of `cg_inverse.verbs`."""

from __future__ import annotations

from collections.abc import Sequence

from cg_inverse.fits.control import Control
from cg_inverse.fits.fitting import Fit, OnRound, fit
from cg_inverse.learning.method import DiffSim, Network, Refinement
from cg_inverse.learning.recipe import Recipe
from cg_inverse.methods.protocol import Initial, Targets
from cg_inverse.problems.preparing import checked
from cg_inverse.rounds.simulation_settings import Simulation
from cg_inverse.verbs import Folder


def diffsim(
    target: Targets,
    cutoff: float | None = None,
    *,
    network: Network | Refinement = Network(),
    recipe: Recipe = Recipe(),
    per_round: int = 50,
    weights: Sequence[float] | None = None,
    knots: float | None = None,
    initial: Initial = None,
    simulation: Simulation = Simulation(),
    control: Control = Control(),
    folder: Folder = None,
    progress: OnRound | None = None,
    ensemble: int = 0,
) -> Fit:
    """Fit networks through a differentiable simulation (paper 03), judged every `per_round` epochs by a simulation of
    its own; `simulation` says how those run, `recipe` how the training does. With network=Refinement() what learns is a
    smooth change of the initial potential, such as that of an earlier fit.
    """
    method = DiffSim(checked(target, cutoff), cutoff, network, recipe, per_round, weights, knots, initial)
    return fit(method, simulation=simulation, control=control, folder=folder, progress=progress, ensemble=ensemble)
