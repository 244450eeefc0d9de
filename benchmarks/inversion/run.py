"""One Lennard-Jones target, every method, and VOTCA: how long each takes to the residual that VOTCA ends with.

The target is LAMMPS's (votca/lj_0.7.csv: ρ = 0.7, kT = 1, N = 1000, truncated and shifted at 2.5), so the true
potential is known. Every potential on the way, ours and VOTCA's, is judged by the same independent run.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from measuring import Effort
from results import Row

import cg_data as cd
import cg_inverse as ci
from cg_inverse.methods.boltzmann import boltzmann_inversion
from cg_inverse.methods.protocol import Method
from cg_inverse.rounds.judgement import judged
from cg_inverse.rounds.simulation import Order

HERE = Path(__file__).parent
TRUTH = cd.LennardJones(cutoff=2.5).shifted()
BEYOND = np.linspace(1.0, 2.4, 141)  # distances at which potentials are compared with the truth
N, ROUND = 1000, 70_000  # of VOTCA: particles, steps of a round
JUDGING = 50_000  # steps of the run that judges a potential
METHODS = {
    "IBI": ci.IBI,
    "IMC": ci.IMC,
    "HNCN": ci.HNCN,
    "HNCGN": ci.HNCGN,
    "RE": ci.RelativeEntropy,
}


@dataclass(frozen=True)
class Point:
    """A potential on the way: wall seconds and force evaluations until it was there, its residual and error."""

    seconds: float
    evaluations: float
    residual: float
    error: float


def rows(effort: Effort) -> Iterator[Row]:
    target = cd.read_target(HERE / "votca" / "lj_0.7.csv", particles=N)
    judge = Judge(ci.problem(target, cutoff=2.5), JUDGING // (5 if effort.quick else 1))
    warm_up(judge.problem)
    pressure = json.loads((HERE / "votca" / "lj_0.7.json").read_text())["pressure"]
    votca = _votca(judge)
    goal = min(votca, key=lambda point: point.residual)
    first = next(p for p in votca if p.residual <= 1.1 * goal.residual)
    yield Row("VOTCA 2022.1 IBI with LAMMPS: D reached", judge.floor, goal.residual, "target's noise", None, "D", N)
    yield from _boltzmann(judge, goal)
    for name in ("HNCGN",) if effort.quick else METHODS:
        method = METHODS[name]
        yield from _compared(name, points_of(judge, method(judge.problem), None), first)
        yield from _compared(
            f"{name} at given P", points_of(judge, method(judge.problem), ci.FixedPressure(pressure)), first
        )


def _boltzmann(judge: Judge, votca: Point) -> Iterator[Row]:
    """Boltzmann inversion takes no simulation: where every method starts."""
    start = judge.point(0.0, 0.0, judge.problem.basis.potential(boltzmann_inversion(judge.problem)))
    peer = "VOTCA 2022.1 IBI, LAMMPS"
    yield Row("BI, no simulation", start.residual, votca.residual, peer, votca.residual / start.residual, "D", N, 2)
    yield Row("BI, no simulation: largest error of U beyond r = 1", start.error, votca.error, peer,
              votca.error / start.error, "epsilon", N, 2)  # fmt: skip


def _compared(name: str, points: Sequence[Point], votca: Point) -> Iterator[Row]:
    there = next((p for p in points if p.residual <= votca.residual), None)
    peer = "VOTCA 2022.1 IBI, LAMMPS"
    if there is None:
        print(f"{name} did not reach D = {votca.residual:.2g}", file=sys.stderr)
    else:
        yield Row(f"{name}: to VOTCA's residual", there.seconds, votca.seconds, peer, votca.seconds / there.seconds,
                  "s", N, 2)  # fmt: skip
        yield Row(f"{name}: to VOTCA's residual", there.evaluations / 1e6, votca.evaluations / 1e6, peer,
                  votca.evaluations / there.evaluations, "million forces on particles", N, 2)  # fmt: skip
    last = points[-1]
    yield Row(f"{name}: at its end", last.residual, votca.residual, peer, votca.residual / last.residual, "D", N, 2)
    yield Row(f"{name}: at its end, largest error of U beyond r = 1", last.error, votca.error, peer,
              votca.error / last.error, "epsilon", N, 2)  # fmt: skip
    yield Row(f"{name}: until it stops", last.seconds, None, "", None, "s", N, 2)


def points_of(judge: Judge, method: Method, pressure: ci.FixedPressure | None = None) -> list[Point]:
    """Return every potential on a method's way, judged afterwards."""
    points = []
    for seconds, evaluations, potential in way_of(method, pressure):
        points.append(judge.point(seconds, evaluations, potential))
        print(f"  {type(method).__name__}{' P' if pressure else ''}: {points[-1]}", file=sys.stderr, flush=True)
    return points


def way_of(method: Method, pressure: ci.FixedPressure | None = None) -> list[tuple[float, float, cd.Interactions]]:
    """Return every potential on a method's way, with the seconds and force evaluations until it was judged there."""
    simulate = ci.Liquids(method.problem, particles=N)
    seen, evaluations, started = [], 0.0, time.perf_counter()
    for step in ci.iterate(method, simulate, control=ci.Control(steps=50_000, rounds=15), pressure=pressure):
        evaluations += sum(s.steps for s in step.samples) * N + step.training_evaluations
        seen.append((time.perf_counter() - started, evaluations, step.potential))
    return seen


def _votca(judge: Judge) -> list[Point]:
    """Return VOTCA's potentials after each update with the seconds that its rounds took until then."""
    seconds = np.cumsum(_column("lj_history.csv", "whole [s]"))
    r, *potentials = np.loadtxt(
        HERE / "votca" / "lj_potentials.csv", delimiter=",", skiprows=_header("lj_potentials.csv")
    ).T
    points = []
    for k, u in enumerate(potentials[: len(seconds)]):
        points.append(judge.point(float(seconds[k]), (k + 1.0) * ROUND * N, _potential(r, u)))
        print(f"  VOTCA: {points[-1]}", file=sys.stderr, flush=True)
    return points


def _potential(r: np.ndarray, u: np.ndarray) -> cd.Interactions:
    inside = (r >= 0.6) & (r <= 2.5)  # far up its wall
    return cd.Interactions({("A", "A"): cd.tabulated(r[inside], u[inside]).shifted()})


@dataclass(frozen=True)
class Judge:
    """One long run of any potential, the same for all."""

    problem: ci.Problem
    steps: int

    @property
    def floor(self) -> float:
        """The residual of the true potential: noise of the target and of the run."""
        return self.point(0.0, 0.0, cd.Interactions({("A", "A"): TRUTH})).residual

    def point(self, seconds: float, evaluations: float, potential: cd.Interactions) -> Point:
        simulate = ci.Liquids(self.problem, particles=N, seed=77)
        samples, _ = simulate(potential, simulate.start(), Order(self.steps, 10_000, 4711))
        off = potential["A", "A"].energy(BEYOND) - TRUTH.energy(BEYOND)
        return Point(seconds, evaluations, judged(samples[0]).residual, float(np.max(np.abs(off))))


def warm_up(problem: ci.Problem) -> None:
    """Let the kernels be compiled or loaded before anything is timed; LAMMPS is compiled, too."""
    simulate = ci.Liquids(problem, particles=N)
    simulate(problem.basis.potential(problem.coefficients(TRUTH)), simulate.start(), Order(1000, 100, 0))


def _column(name: str, column: str) -> np.ndarray:
    lines = (HERE / "votca" / name).read_text().splitlines()
    header = lines[0].split(",")
    return np.array([float(line.split(",")[header.index(column)]) for line in lines[1:]])


def _header(name: str) -> int:
    lines = (HERE / "votca" / name).read_text().splitlines()
    return next(k for k, line in enumerate(lines) if line[:1].isdigit())
