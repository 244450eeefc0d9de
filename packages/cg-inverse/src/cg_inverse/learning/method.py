"""DiffSim as a method among others: its network, its recipe, and the problem that they shall solve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from cg_inverse.learning.recipe import Recipe
from cg_inverse.methods.protocol import Initial, Targets, as_problem
from cg_inverse.methods.regularized import Solution
from cg_inverse.methods.starting import started
from cg_inverse.problems.bins import Array
from cg_inverse.problems.spline_problem import Problem
from cg_inverse.rounds.sample import Sample

if TYPE_CHECKING:
    from cg_models import PairCurve


def require_models() -> None:
    """Raise ImportError with the command if networks are not installed."""
    try:
        import cg_models  # noqa: F401
    except ImportError:
        raise ImportError("DiffSim needs networks: pip install 'cg-inverse[models]'") from None


@dataclass(frozen=True, slots=True)
class Network:
    """The pair network of `cg_models.NeuralPair`, one per pair of types; `prior` is (ε/kT, σ/core, n) of ε(σ/r)ⁿ, the core
    where g* begins. `pretrained` sets it to the initial potential first."""

    gaussians: int = 100
    smear: float | None = None
    hidden: int = 128
    layers: int = 3
    activation: Literal["elu", "selu", "tanh", "silu"] = "elu"
    prior: tuple[float, float, int] = (0.4, 1.0, 10)
    pretrained: bool = True


@dataclass(frozen=True, slots=True)
class Refinement:
    """No network, but the initial potential as it is and a change of it that learns: `cg_models.RefinedPair`, a spline of
    few `intervals` between core and cutoff."""

    intervals: int = 12

    def __post_init__(self) -> None:
        if self.intervals != int(self.intervals) or self.intervals < 4:
            raise ValueError(f"a refinement takes 4 or more intervals, got {self.intervals}")


@dataclass(frozen=True, eq=False)
class DiffSim:
    """Learning a potential through a differentiable simulation (paper 03): windows of molecular dynamics, the exact gradient of
    ∫(g − g*)² dr by the potential through every step of them, and Adam.

    A round is `per_round` epochs and a simulation that judges the mean of their potentials, on the fit's splines.
    """

    target: Targets
    cutoff: float | None = None
    network: Network | Refinement = field(default_factory=Network)
    recipe: Recipe = field(default_factory=Recipe)
    per_round: int = 50
    weights: Sequence[float] | None = None
    knots: float | None = None
    initial: Initial = None
    problem: Problem = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.per_round < 1:
            raise ValueError(f"a round needs at least one epoch, got per_round = {self.per_round}")
        object.__setattr__(self, "problem", as_problem(self.target, self.cutoff, self.weights, self.knots))
        for state in self.problem.states:
            side, least = (self.recipe.particles / state.density) ** (1 / 3), 2 * self.problem.basis.cutoff
            if side < least:
                raise ValueError(
                    f"boxes of {self.recipe.particles} particles are {side:.3g} wide at {state.name}, less than two cutoffs: "
                    f"take at least {int(np.ceil(state.density * least**3))} (particles of the recipe, --boxes)"
                )

    def init(self) -> Array:
        return started(self.problem, self.initial)

    def update(self, coefficients: Array, samples: Sequence[Sample]) -> Solution:
        """There is none on coefficients: `learning.rounds` trains the networks."""
        raise TypeError("DiffSim trains networks by windows of dynamics, not from samples: use fit or diffsim")

    def models(self) -> dict[str, PairCurve]:
        """Return each pair's new network, or spline to refine."""
        from cg_models import NeuralPair, RefinedPair, RepulsivePrior

        if isinstance(self.network, Refinement):
            splines = {pair: self.problem.basis.spline(pair) for pair in self.problem.pairs}
            return {
                pair: RefinedPair(s.cutoff, core=s.core, intervals=s.intervals, learning=self.network.intervals)
                for pair, s in splines.items()
            }
        n, epsilon, sigma, power = self.network, *self.network.prior
        return {
            pair: NeuralPair(
                self.problem.basis.spline(pair).cutoff, gaussians=n.gaussians, smear=n.smear, hidden=n.hidden,
                layers=n.layers, activation=n.activation, seed=self.recipe.seed + k,
                prior=RepulsivePrior(epsilon * self.problem.kT, sigma * self._core(pair), power),
            )
            for k, pair in enumerate(self.problem.pairs)
        }  # fmt: skip

    def _core(self, pair: str) -> float:
        spline = self.problem.basis.spline(pair)
        return max(spline.core, 0.1 * spline.cutoff)
