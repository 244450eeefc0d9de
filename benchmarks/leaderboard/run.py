"""Every method at matched cost: the residual of its potential after so many force evaluations, and after so many seconds.

The target and the judge are those of the inversion benchmark. A window of DiffSim counts twice: forces forward, and forces on
the way back; the simulations that judge its progress count, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from inversion.run import HERE, JUDGING, Judge, N, warm_up, way_of
from measuring import Effort
from results import Row

import cg_data as cd
import cg_inverse as ci
from cg_inverse.methods.protocol import Method

Stop = tuple[float, float, cd.Interactions]  # seconds, force evaluations, potential
MILLIONS = (30, 100, 300)
SECONDS = (5, 15, 45)


def rows(effort: Effort) -> Iterator[Row]:
    target = cd.read_target(HERE / "votca" / "lj_0.7.csv", particles=N)
    judge = Judge(ci.problem(target, cutoff=2.5), JUDGING // (5 if effort.quick else 1))
    warm_up(judge.problem)
    for name, method in _methods(judge.problem, effort).items():
        yield from _placed(judge, name, way_of(method))


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


def _placed(judge: Judge, name: str, way: Sequence[Stop]) -> Iterator[Row]:
    """Judge only what is shown: the last potential within each budget."""
    judged: dict[float, float] = {}
    end = f"{name}: at its end, {way[-1][0]:.0f} s, {way[-1][1] / 1e6:.0f} million forces"
    within = {f"{name}: after {m} million forces": [w for w in way if w[1] <= 1e6 * m] for m in MILLIONS}
    within |= {f"{name}: after {s} s": [w for w in way if w[0] <= s] for s in SECONDS} | {end: list(way)}
    for work, stops in within.items():
        if not stops:
            continue
        at = stops[-1][0]
        if at not in judged:
            judged[at] = judge.point(*stops[-1]).residual
        yield Row(work, judged[at], None, "", None, "D", N, 2)
