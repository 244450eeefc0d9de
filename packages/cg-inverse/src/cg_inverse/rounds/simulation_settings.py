"""How the simulations of a fit run, whatever its problem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

import cg_sim as cs
from cg_inverse.corrections.named_bases import named_base
from cg_inverse.problems.shell_basis import corrects
from cg_inverse.problems.spline_problem import Problem
from cg_inverse.rounds.simulation import Liquids


@dataclass(frozen=True, slots=True)
class Simulation:
    """Settings of `Liquids` that do not depend on the targets: N and `runs` of each state, dt [time], `mass`,
    `friction` [1/time], steps between samples, threads, engine and precision; with a `barostat` the volume follows, of
    several each target has its own.

    `base` is what the potential is added to (see `wibi`). A folder keeps it only if it is a name.
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
    barostat: cs.CellRescaling | Sequence[cs.CellRescaling] | None = None
    base: Any = field(default=None, compare=False, metadata={"kept": "name"})

    def __post_init__(self) -> None:
        if isinstance(self.barostat, Sequence):  # as a folder gives it back
            object.__setattr__(self, "barostat", tuple(self.barostat))

    def liquids(self, problem: Problem, seed: int) -> Liquids:
        """Return the simulations of a problem's state points."""
        if corrects(problem) and self.base is None:
            raise ValueError("this fit corrects a base potential, which its folder does not keep: name it again, "
                             "resume(folder, base=…) or cg-inverse resume … --base …")  # fmt: skip
        if self.base is not None and not corrects(problem):
            raise ValueError("splines with a wall are no correction to a base: use wibi(…, base=…) or PairCorrection")
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        base = named_base(self.base) if isinstance(self.base, str) else self.base
        return Liquids(problem, seed=seed, **given | {"base": base})


def kept(record: Any) -> dict[str, Any]:
    """Return what a folder keeps of a record: all that it was made with, but of a base only its name."""
    found = {f: getattr(record, f.name) for f in fields(record) if f.init}
    return {f.name: v for f, v in found.items() if f.metadata.get("kept") != "name" or isinstance(v, str)}
