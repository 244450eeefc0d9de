"""The loop shared by all methods: simulate, judge, change the potential; it yields, so that the caller decides what to keep."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

import cg_sim as cs
from cg_data import Interactions
from cg_inverse.constraints.pressure import Correction
from cg_inverse.fits.control import Control, limited
from cg_inverse.learning.method import DiffSim
from cg_inverse.methods.protocol import Method
from cg_inverse.methods.regularized import Solution
from cg_inverse.problems.bins import Array
from cg_inverse.problems.spline_problem import Problem
from cg_inverse.rounds.judgement import Judgement, judged_together
from cg_inverse.rounds.phases import lost_phase
from cg_inverse.rounds.sample import Sample
from cg_inverse.rounds.simulation import Order, Simulate, States

_WORSE = 1.5  # a residual beyond noise that grows by more than this makes the next step smaller
_LOSSES = 3  # rounds in a row in which the liquid was lost end the loop
_LEAST_GAIN = 1e-3
_BETTER = 0.9  # of the lowest excess residual until then
_RETREATS = 20
_REJECTIONS = 2  # rounds in a row; after them the best residual is taken for a lucky one
_HELPLESS = "no step from the last good potential helps"
_WEAKER = 0.75  # times a first potential under which there is no liquid: as if it were hotter


@dataclass(frozen=True, eq=False)
class Step:
    """One round: the potential that was simulated, what was found, and why the loop ends if it does."""

    number: int
    coefficients: Array
    samples: tuple[Sample, ...]
    judgement: Judgement
    solution: Solution | None
    change: Array
    gain: float
    order: Order
    seconds: float
    simulated_seconds: float
    note: str
    finished: str
    problem: Problem = field(repr=False)
    training_evaluations: int = 0  # particles × steps of windows, beside the samples'

    @property
    def potential(self) -> Interactions:
        return self.problem.basis.potential(self.coefficients)


@dataclass(frozen=True, eq=False)
class Progress:
    """All that the loop continues from."""

    coefficients: Array
    states: States
    number: int = 0
    steps: int = 0
    gain: float = 1.0
    best: Array | None = None
    best_change: Array | None = None
    best_excess: float = np.inf
    stale: int = 0
    melted: bool = False
    losses: int = 0
    retreats: int = 0
    rejections: int = 0
    lowest: float = np.inf
    training: Any = None  # where networks stand, of a method that trains them


def iterate(
    method: Method,
    simulate: Simulate,
    *,
    control: Control = Control(),
    pressure: Correction | None = None,
    progress: Progress | None = None,
) -> Iterator[Step]:
    """Yield a step per round until the residual is noise, or `control` says that it is enough.

    `pressure` changes each step so that a pressure is met. `progress` continues an earlier loop.
    """
    for step, _ in rounds(method, simulate, control=control, pressure=pressure, progress=progress):
        yield step


def rounds(
    method: Method,
    simulate: Simulate,
    *,
    control: Control = Control(),
    pressure: Correction | None = None,
    progress: Progress | None = None,
) -> Iterator[tuple[Step, Progress]]:
    """Yield each round with what the next one starts from."""
    now = progress or Progress(method.init(), simulate.start(), steps=control.shortest)
    if isinstance(method, DiffSim):
        if pressure is not None:
            raise ValueError("DiffSim learns from g alone: it takes no pressure")
        from cg_inverse.learning.rounds import training_rounds  # late: torch

        yield from training_rounds(method, simulate, control=control, progress=now)
        return
    while now.number < control.rounds:
        started = time.perf_counter()
        order = length_of(now, control)
        try:
            samples, states = simulate(method.problem.basis.potential(now.coefficients), now.states, order)
        except cs.BlowUp as error:
            weaker = _smaller(now, simulate)
            if weaker is None:
                raise RuntimeError(f"{_HELPLESS}: the dynamics broke down: {error}") from error
            now = weaker
            continue
        simulated = time.perf_counter() - started
        step, now = _decided(_Round(method, control, pressure, simulate, now, samples, order), states)
        yield replace(step, seconds=time.perf_counter() - started, simulated_seconds=simulated), now
        if step.finished:
            return


@dataclass(frozen=True, eq=False)
class _Round:
    """What a decision is made from."""

    method: Method
    control: Control
    pressure: Correction | None
    simulate: Simulate
    now: Progress
    samples: tuple[Sample, ...]
    order: Order

    def step(self, judgement: Judgement, *, note: str = "", finished: str = "", change: Array | None = None,
             solution: Solution | None = None) -> Step:  # fmt: skip
        moved = np.zeros_like(self.now.coefficients) if change is None else change
        return Step(self.now.number, self.now.coefficients, self.samples, judgement, solution, moved, self.now.gain,
                    self.order, 0.0, 0.0, note, finished, self.method.problem)  # fmt: skip


def length_of(now: Progress, control: Control) -> Order:
    """Return what the next round simulates."""
    equilibration = control.equilibration if control.equilibration is not None else max(500, now.steps // 10)
    seed = int(np.random.SeedSequence([control.seed, now.number, now.retreats]).generate_state(1)[0])
    return Order(now.steps, equilibration if now.melted else max(control.melting, equilibration), seed)


def _decided(round: _Round, states: States) -> tuple[Step, Progress]:
    """Return the round as a step, and what comes next: on from here, or back with half the step."""
    now, judgement = round.now, judged_together(round.samples, round.method.problem.weights)
    lost = lost_phase(round.samples, states)
    rose = now.best is not None and judgement.excess > _WORSE * max(now.best_excess, judgement.noise)
    if lost or (rose and now.rejections < _REJECTIONS):
        why = lost or "the residual rose"
        here = replace(now, states=states, number=now.number + 1, melted=not lost, losses=now.losses + 1 if lost else 0)
        if here.losses >= _LOSSES or here.number >= round.control.rounds:
            return round.step(judgement, note=why, finished=why), here
        after = _smaller(here, round.simulate)
        if after is None:
            return round.step(judgement, note=why, finished=f"{_HELPLESS}: {why}"), here
        return round.step(
            judgement, note=f"{why}: back, with half the step", change=after.coefficients - now.coefficients
        ), after
    return _onwards(round, states, judgement)


def _onwards(round: _Round, states: States, judgement: Judgement) -> tuple[Step, Progress]:
    now, control, problem = round.now, round.control, round.method.problem
    solution = round.method.update(now.coefficients, round.samples)
    if round.pressure is not None:
        solution = round.pressure(problem, now.coefficients, round.samples, solution)
    change = now.gain * limited(problem, solution.step, control.cap)
    full = now.steps >= control.steps
    met = round.pressure is None or round.pressure.met(problem, round.samples)
    reached = max(judgement.excess, 0.5 * judgement.noise)
    stale = 0 if reached < _BETTER * now.lowest or not (full and met) else now.stale + 1
    finished = control.finished(now.number + 1, full and met and judgement.is_noise, stale, judgement)
    after = Progress(
        now.coefficients + change, states, now.number + 1, control.longer(now.steps, judgement, np.inf if solution.limited else now.best_excess),
        min(1.0, 1.5 * now.gain), now.coefficients, change / now.gain, max(judgement.excess, judgement.noise),
        stale, True, 0, now.retreats, 0, min(reached, now.lowest),
    )  # fmt: skip
    return round.step(judgement, finished=finished, change=change, solution=solution), after


def _smaller(now: Progress, simulate: Simulate) -> Progress | None:
    """Return to where the last step was taken from, and take half of it; a first potential is made weaker."""
    states = now.states if now.melted else simulate.start()
    gain = now.gain
    if now.best is None or now.best_change is None:
        coefficients = _WEAKER * now.coefficients
    else:
        gain = 0.5 * gain
        coefficients = now.best + gain * now.best_change
    if gain < _LEAST_GAIN or now.retreats >= _RETREATS + now.number:
        return None
    return replace(now, coefficients=coefficients, states=states, gain=gain, retreats=now.retreats + 1,
                   rejections=now.rejections + 1)  # fmt: skip
