"""The loop shared by all methods: simulate, judge, change the potential; it yields, so that the caller decides what to keep."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

import cg_sim as cs
from cg_data import Interactions
from cg_inverse.bins import Array
from cg_inverse.judgement import Judgement, judged_together
from cg_inverse.methods.protocol import Method
from cg_inverse.spline_problem import Problem
from cg_inverse.regularized import Solution
from cg_inverse.sample import Sample
from cg_inverse.simulation import Order, Simulate, States

_WORSE = 1.5  # a residual beyond noise that grows by more than this makes the next step smaller
_MELTING = 4000  # steps from the lattice to a liquid
_STALE = 4  # rounds without improvement at full length end the loop


@dataclass(frozen=True, slots=True)
class Control:
    """How the loop runs: at most `rounds`; rounds of `first_steps` at first, then up to `steps` at each state point
    as the residual sinks into noise; no step changes U by more than `cap` kT where the target has pairs.
    """

    rounds: int = 30
    steps: int = 100_000
    first_steps: int | None = None
    equilibration: int | None = None
    cap: float = 2.0
    stop_at_noise: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if self.rounds < 1 or self.steps < 1000 or not self.cap > 0:
            raise ValueError(f"need rounds ≥ 1, steps ≥ 1000 and cap > 0, got {self.rounds}, {self.steps}, {self.cap}")

    @property
    def shortest(self) -> int:
        return self.first_steps or max(min(self.steps, 4000), self.steps // 16)


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
    at_noise: int = 0
    stale: int = 0
    melted: bool = False


def iterate(
    method: Method, simulate: Simulate, *, control: Control = Control(), progress: Progress | None = None
) -> Iterator[Step]:
    """Yield a step per round until the residual is noise, or `control` says that it is enough."""
    for step, _ in rounds(method, simulate, control=control, progress=progress):
        yield step


def rounds(
    method: Method, simulate: Simulate, *, control: Control = Control(), progress: Progress | None = None
) -> Iterator[tuple[Step, Progress]]:
    """Yield each round with what the next one starts from."""
    now = progress or Progress(method.init(), simulate.start(), steps=control.shortest)
    while now.number < control.rounds:
        started = time.perf_counter()
        order = _order(now, control)
        try:
            samples, states = simulate(method.problem.basis.potential(now.coefficients), now.states, order)
        except cs.BlowUp as error:
            now = _smaller(now, f"{error}")
            continue
        simulated = time.perf_counter() - started
        judgement = judged_together(samples, method.problem.weights)
        step, now = _decided(method, control, now, samples, states, judgement, order)
        yield replace(step, seconds=time.perf_counter() - started, simulated_seconds=simulated), now
        if step.finished:
            return


def _order(now: Progress, control: Control) -> Order:
    equilibration = control.equilibration if control.equilibration is not None else max(500, now.steps // 10)
    seed = int(np.random.SeedSequence([control.seed, now.number]).generate_state(1)[0])
    return Order(now.steps, equilibration if now.melted else max(_MELTING, equilibration), seed)


def _decided(
    method: Method,
    control: Control,
    now: Progress,
    samples: tuple[Sample, ...],
    states: States,
    judgement: Judgement,
    order: Order,
) -> tuple[Step, Progress]:
    worse = now.best is not None and judgement.excess > _WORSE * max(now.best_excess, judgement.noise)
    if worse:
        after = _smaller(replace(now, states=states, number=now.number + 1, melted=True), "the residual rose")
        step = Step(now.number, now.coefficients, samples, judgement, None, after.coefficients - now.coefficients,
                    after.gain, order, 0.0, 0.0, "residual rose: back to the best potential, half the step",
                    "", method.problem)  # fmt: skip
        return step, after
    solution = method.update(now.coefficients, samples)
    change = now.gain * limited(method.problem, solution.step, control.cap)
    full = now.steps >= control.steps
    at_noise = now.at_noise + 1 if full and judgement.is_noise else 0
    improved = judgement.excess < 0.9 * now.best_excess
    stale = 0 if improved or not full else now.stale + 1
    finished = _finished(control, now.number + 1, at_noise, stale, judgement)
    step = Step(now.number, now.coefficients, samples, judgement, solution, change, now.gain, order, 0.0, 0.0, "",
                finished, method.problem)  # fmt: skip
    after = Progress(
        now.coefficients + change, states, now.number + 1, _longer(now.steps, judgement, control),
        min(1.0, 1.5 * now.gain), now.coefficients, change / now.gain, max(judgement.excess, 0.0), at_noise, stale, True,
    )  # fmt: skip
    return step, after


def _finished(control: Control, done: int, at_noise: int, stale: int, judgement: Judgement) -> str:
    if control.stop_at_noise and at_noise >= 1:
        return f"the residual is noise: χ² per shell {judgement.chi2:.2f}"
    if stale >= _STALE:
        return f"no better for {_STALE} rounds of full length: χ² per shell {judgement.chi2:.2f}"
    return f"{done} rounds done" if done >= control.rounds else ""


def _longer(steps: int, judgement: Judgement, control: Control) -> int:
    """Return the next round's length: twice as long where noise is a quarter of the residual, four times where half."""
    share = judgement.noise / max(judgement.residual, 1e-300)
    factor = 4 if share > 0.5 else 2 if share > 0.25 else 1
    return min(control.steps, steps * factor)


def _smaller(now: Progress, why: str) -> Progress:
    """Return to the best potential, or towards softer cores if there is none yet, with half the step."""
    gain = 0.5 * now.gain
    if gain < 1e-3:
        raise RuntimeError(f"no step from the best potential helps: {why}")
    if now.best is None or now.best_change is None:
        raise RuntimeError(f"the first potential cannot be simulated: {why}")
    return replace(now, coefficients=now.best + gain * now.best_change, gain=gain)


def limited(problem: Problem, step: Array, cap: float) -> Array:
    """Return the step, scaled so that U changes by at most `cap` kT wherever targets have a wall of less than 6 kT.

    Inside the wall U may change as it must: there kT is no measure.
    """
    worst = 0.0
    for pair in problem.pairs:
        change = problem.basis.spline(pair)(_outside(problem, pair)) @ step[problem.basis.part(pair)]
        worst = max(worst, float(np.max(np.abs(change))) / (cap * problem.kT))
    return step / max(1.0, worst)


def _outside(problem: Problem, pair: str) -> Array:
    """Return the shells where g exceeds e⁻⁶ in any state [length]."""
    spline, found = problem.basis.spline(pair), []
    for state in problem.states:
        if pair in state.pairs:
            seen = state.g[state.pairs.index(pair)] > np.exp(-6)
            found.append(state.bins.r[seen & (state.bins.r < spline.cutoff) & (state.bins.r > spline.core)])
    return np.concatenate(found)
