"""Every method at matched cost: the residual of its potential after so many force evaluations, and after so many seconds.

The target and the judge are those of the inversion benchmark. A window of DiffSim counts twice: forces forward, and forces on
the way back; the simulations that judge its progress count, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from inversion.run import HERE, JUDGING, Judge, N, Point, points_of, warm_up
from measuring import Effort
from results import Row

import cg_data as cd
import cg_inverse as ci
from cg_inverse.methods.protocol import Method

MILLIONS = (30, 100, 300)
SECONDS = (5, 15, 45)


def rows(effort: Effort) -> Iterator[Row]:
    target = cd.read_target(HERE / "votca" / "lj_0.7.csv", particles=N)
    judge = Judge(ci.problem(target, cutoff=2.5), JUDGING // (5 if effort.quick else 1))
    warm_up(judge.problem)
    for name, method in _methods(judge.problem, effort).items():
        yield from _placed(name, points_of(judge, method))


def _methods(problem: ci.Problem, effort: Effort) -> dict[str, Method]:
    if effort.quick:
        return {"DiffTRe": ci.DiffTRe(problem)}
    recipe = ci.Recipe(epochs=500, dt=0.005)
    return {
        "IBI": ci.IBI(problem), "IMC": ci.IMC(problem), "HNCN": ci.HNCN(problem), "HNCGN": ci.HNCGN(problem),
        "RE": ci.RelativeEntropy(problem), "DiffTRe": ci.DiffTRe(problem),
        "DiffSim, network": ci.DiffSim(problem, recipe=recipe, per_round=25),
        "DiffSim, network, 2 boxes": ci.DiffSim(
            problem, recipe=ci.Recipe(epochs=500, dt=0.005, replicas=2, loss="products"), per_round=25
        ),
    }  # fmt: skip


def _placed(name: str, points: Sequence[Point]) -> Iterator[Row]:
    for millions in MILLIONS:
        yield from _row(
            f"{name}: after {millions} million forces", [p for p in points if p.evaluations <= 1e6 * millions]
        )
    for seconds in SECONDS:
        yield from _row(f"{name}: after {seconds} s", [p for p in points if p.seconds <= seconds])
    yield from _row(
        f"{name}: at its end, {points[-1].seconds:.0f} s, {points[-1].evaluations / 1e6:.0f} million forces", points
    )


def _row(work: str, points: Sequence[Point]) -> Iterator[Row]:
    if points:
        yield Row(work, points[-1].residual, None, "", None, "D", N, 2)
