"""How the simulations of a fit run, whatever its problem."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

from cg_inverse.simulation import Liquids
from cg_inverse.spline_problem import Problem


@dataclass(frozen=True, slots=True)
class Simulation:
    """Settings of `Liquids` that do not depend on the targets: N and `runs` of each state, dt [time], `mass`,
    `friction` [1/time], steps between samples, threads, engine and precision.
    """

    particles: int | None = None
    dt: float | None = None
    mass: float = 1.0
    friction: float | None = None
    sample_every: int = 40
    runs: int = 2
    threads: int | None = None
    engine: Literal["cpu", "cuda", "lammps", "hoomd"] = "cpu"
    precision: Literal["single", "double"] = "single"

    def liquids(self, problem: Problem, seed: int) -> Liquids:
        """Return the simulations of a problem's state points."""
        return Liquids(problem, seed=seed, **asdict(self))
