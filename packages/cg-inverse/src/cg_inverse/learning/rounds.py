"""Rounds of DiffSim as the shared history knows them: some epochs, then a simulation that judges what they learned."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

import cg_sim as cs
from cg_data import Interactions, PairTable, pair_of
from cg_inverse.fits.control import Control
from cg_inverse.fits.loop import Progress, Step, length_of
from cg_inverse.learning.method import DiffSim, Refinement
from cg_inverse.learning.systems import systems
from cg_inverse.learning.training import Epoch, begun, named, set_weights, train
from cg_inverse.problems.bins import Array
from cg_inverse.problems.spline_problem import Problem
from cg_inverse.rounds.judgement import judged_together
from cg_inverse.rounds.simulation import Simulate
from cg_models import PairCurve, RefinedPair, pretrain

_CEILING = 6.0  # kT: pre-training leaves out where U is higher
_COUNTED = 10.0  # kT: the splines are fitted to the network below, above they follow less and less
_FORWARD_AND_BACK = 2  # force evaluations of a step of a window: one forward, one on the way back
_PRETRAINING = 800


def training_rounds(
    method: DiffSim, simulate: Simulate, *, control: Control, progress: Progress
) -> Iterator[tuple[Step, Progress]]:
    """Yield each round with what the next one starts from."""
    problem, recipe = method.problem, method.recipe
    boxes, models = systems(problem.states, recipe, problem.weights), method.models()
    now = progress
    training = now.training
    if training is None:
        if isinstance(method.network, Refinement) or method.network.pretrained:
            pretrained(problem, models, now.coefficients)
        training = begun(boxes, models, recipe)
    else:
        set_weights(models, training.weights)
    while now.number < control.rounds:
        started = time.perf_counter()
        last = min(training.number + method.per_round, recipe.epochs)
        epochs = list(train(boxes, models, replace(recipe, epochs=last), progress=training))
        before, training = training, epochs[-1].after
        coefficients = learned(problem, epochs)
        order = length_of(now, control)
        begin = time.perf_counter()
        try:
            samples, states = simulate(problem.basis.potential(coefficients), now.states, order)
        except cs.BlowUp as error:
            raise RuntimeError(f"the dynamics broke down under the learned potential: {error}") from error
        judgement = judged_together(samples, problem.weights)
        full = now.steps >= control.steps
        stale = 0 if judgement.excess < 0.9 * now.lowest or not full else now.stale + 1
        finished = control.finished(now.number + 1, full and judgement.is_noise, stale, judgement)
        if not finished and (training.number >= recipe.epochs or epochs[-1].number + 1 < last):
            finished = epochs[-1].finished
        work = len(boxes) * recipe.replicas * recipe.particles * recipe.steps
        step = Step(
            now.number, coefficients, samples, judgement, None, coefficients - now.coefficients, training.rate / recipe.rate,
            order, time.perf_counter() - started, time.perf_counter() - begin, described(epochs), finished, problem,
            _FORWARD_AND_BACK * work * (training.number - before.number),
        )  # fmt: skip
        now = replace(
            now, coefficients=coefficients, states=states, number=now.number + 1, stale=stale, melted=True,
            steps=control.longer(now.steps, judgement, now.best_excess),
            best_excess=max(judgement.excess, judgement.noise), lowest=min(judgement.excess, now.lowest), training=training,
        )  # fmt: skip
        yield step, now
        if finished:
            return


def pretrained(problem: Problem, models: Mapping[str, PairCurve], coefficients: Array) -> None:
    """Set networks to the potential with these coefficients, where it is not a wall; splines to all of it."""
    for pair, model in models.items():
        spline = problem.basis.spline(pair)
        if isinstance(model, RefinedPair):
            r = np.linspace(spline.core, spline.cutoff, 8 * spline.intervals)
            model.set_to(r, spline.curve(coefficients[problem.basis.part(pair)], r)[0])
            continue
        r = np.linspace(spline.core, spline.cutoff, 200)
        u = spline.curve(coefficients[problem.basis.part(pair)], r)[0]
        pretrain(model, r, u, ceiling=_CEILING * problem.kT, steps=_PRETRAINING, tolerance=1e-3 * problem.kT)


def learned(problem: Problem, epochs: list[Epoch]) -> Array:
    """Return the mean of the potentials of the later half of some epochs, as coefficients of the splines.

    Adam wanders about its goal; the mean of potentials, unlike that of weights, is one of them.
    """
    late = [named(e.tables[0]) for e in epochs[len(epochs) // 2 :]]
    means = {}
    for pair in problem.pairs:
        tables: list[PairTable] = [tables[pair] for tables in late]
        u, f = (np.mean([getattr(t, name) for t in tables], axis=0) for name in ("u_knots", "f_knots"))
        means[pair_of(pair)] = PairTable.from_forces(tables[0].r_min, tables[0].cutoff, u, f)
    return problem.basis.projected(Interactions(means), ceiling=_COUNTED * problem.kT)


def described(epochs: list[Epoch]) -> str:
    """Return how the training went, for the history's note."""
    losses = [e.loss for e in epochs if np.isfinite(e.loss)]
    words = [f"epoch {epochs[-1].number + 1}, loss {np.mean(losses[-25:]):.3g}" if losses else "no window ended"]
    return "; ".join([*words, *(e.note for e in epochs if "broke down" in e.note)])
