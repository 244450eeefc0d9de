"""The training loop of DiffSim: windows and Adam steps; it yields, so that the caller decides what to keep."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

import cg_sim as cs
from cg_data import Interactions, pair_name, pair_of
from cg_inverse.learning.epoch import window
from cg_inverse.learning.progress import Boxes, Training, Weights
from cg_inverse.learning.recipe import Recipe
from cg_inverse.learning.systems import System, melted
from cg_inverse.learning.systems import systems as systems_of
from cg_inverse.problems.bins import Array
from cg_inverse.problems.state_point import state_point
from cg_sim.differentiable import growth, rollout

try:
    import torch

    from cg_models import Knots, PairCurve, TemperaturePair
except ImportError as error:  # pragma: no cover
    raise ImportError("DiffSim needs torch and cg-models: pip install 'cg-inverse[models]'") from error

Model = PairCurve | TemperaturePair
_THRESHOLD = 1e-3  # a mean loss must sink by so much of itself
_STALE = 2  # times in a row that it did not: means are noisy
_QUIET = 5  # times in a row that it was noise: with two replicas a single mean cannot tell
_ASTRAY = (
    10.0  # times the best mean: a crystal or cluster that no gradient melts; a drop's coming and going makes 3 to 7
)
_FAILURES = 8
_BETAS, _EPSILON = (0.9, 0.999), 1e-8


@dataclass(frozen=True, eq=False)
class Epoch:
    """One window and the step taken after it; `tables` are those simulated, of each state point; `after` continues."""

    number: int
    loss: float
    excess: float
    norm: float
    rate: float
    g: tuple[Array, ...]
    tables: tuple[Interactions, ...]
    seconds: float
    note: str
    finished: str
    after: Training


def curves_of(models: Mapping[str, Model], kT: float) -> dict[str, PairCurve]:
    """Return each pair's curve at a temperature."""
    return {pair: m.at(kT) if isinstance(m, TemperaturePair) else m for pair, m in models.items()}


def begun(systems: Sequence[System], models: Mapping[str, Model], recipe: Recipe) -> Training:
    """Return a training before its first epoch, the boxes melted under the models as they are."""
    tables = _tables(systems, models, recipe)[1]
    boxes: Boxes = tuple(
        tuple(melted(system, table, recipe, k) for k in range(recipe.replicas))
        for system, table in zip(systems, tables, strict=True)
    )
    warn_of_growth(systems, tables, boxes, recipe)
    weights = weights_of(models)
    empty = {name: np.zeros_like(w) for name, w in weights.items()}
    return Training(weights, empty, empty, boxes, recipe.rate)


def warn_of_growth(
    systems: Sequence[System], tables: Sequence[Interactions], boxes: Boxes, recipe: Recipe
) -> None:  # fmt: skip
    """Warn where small differences grow more than a hundredfold within a window: its gradient is mostly noise."""
    for system, table, of_state in zip(systems, tables, boxes, strict=True):
        try:
            ran = rollout(of_state[0], table, kT=system.point.kT, steps=recipe.steps, dt=system.dt,
                          thermostat=system.thermostat, every=recipe.steps)  # fmt: skip
        except cs.BlowUp:
            continue  # the first epoch will meet it, and say what it does about it
        found = growth(ran)
        if recipe.steps > found.window:
            warnings.warn(
                f"in {system.point.name} differences grow {found.factor:.3g}-fold over a window of {recipe.steps} steps: its "
                f"gradients are mostly noise; take at most {found.window} (steps of the recipe, --window)",
                stacklevel=2,
            )  # fmt: skip


def learn(
    targets: xr.Dataset | Sequence[xr.Dataset],
    models: Model | Mapping[str, Model],
    recipe: Recipe,
    *,
    weights: Sequence[float] | None = None,
    progress: Training | None = None,
) -> Iterator[Epoch]:
    """Train models, one per pair "A-B" or one for the one pair, on targets; yield an epoch at a time.

    Several targets, each a state, composition or temperature of its own, are learned from together, by `weights`.
    """
    given = [targets] if isinstance(targets, xr.Dataset) else list(targets)
    points = tuple(state_point(data) for data in given)
    shares = np.ones(len(points)) if weights is None else np.asarray(weights, dtype=float)
    named_models = dict(models) if isinstance(models, Mapping) else {points[0].pairs[0]: models}
    missing = sorted({p for point in points for p in point.pairs} - set(named_models))
    if missing:
        raise ValueError(f"give a model of each pair: {', '.join(missing)} has none")
    yield from train(systems_of(points, recipe, shares / shares.sum()), named_models, recipe, progress=progress)


def train(
    systems: Sequence[System],
    models: Mapping[str, Model],
    recipe: Recipe,
    *,
    progress: Training | None = None,
) -> Iterator[Epoch]:
    """Yield an epoch at a time; the models' weights change with them. `progress` continues an earlier training."""
    if progress is not None:
        set_weights(models, progress.weights)
    now = progress or begun(systems, models, recipe)
    while now.number < recipe.epochs:
        started = time.perf_counter()
        with _one_torch_thread():
            epoch = _epoch(systems, models, recipe, now)
        now = epoch.after
        yield replace(epoch, seconds=time.perf_counter() - started)
        if epoch.finished:
            return


def _epoch(systems: Sequence[System], models: Mapping[str, Model], recipe: Recipe, now: Training) -> Epoch:
    knots, tables = _tables(systems, models, recipe)
    try:
        found = window(systems, tables, now.boxes, recipe)
    except cs.BlowUp as error:
        return _failed(systems, models, recipe, now, error)
    for model in models.values():
        model.zero_grad(set_to_none=True)
    _backward(knots, found.knots)
    parameters = _parameters(models)
    norm = float(np.sqrt(sum(float((p.grad**2).sum()) for p in parameters.values() if p.grad is not None)))
    scale = min(1.0, recipe.clip / max(norm, 1e-300))
    after = _updated(models, now, scale)
    after, note, noise = _scheduled(replace(after, boxes=found.boxes), found.loss, found.excess, recipe)
    set_weights(models, after.weights)
    finished = ""
    if noise:
        finished = noise
    elif after.rate < recipe.least_rate:
        finished = f"the rate has sunk to {after.rate:.2g}"
    elif after.number >= recipe.epochs:
        finished = f"{after.number} epochs done"
    return Epoch(now.number, found.loss, found.excess, norm, now.rate, found.g, tables, 0.0, note, finished, after)


def _backward(knots: Sequence[Mapping[str, Knots]], wanted: Sequence[Mapping[str, tuple[Array, Array]]]) -> None:
    """Add the gradients by the weights, once for knots that several states share."""
    sums: dict[int, tuple[Knots, Array, Array]] = {}
    for of_state, by_pair in zip(knots, wanted, strict=True):
        for pair, k in of_state.items():
            if pair in by_pair:
                u, f = by_pair[pair]
                _, u0, f0 = sums.get(id(k), (k, 0.0, 0.0))
                sums[id(k)] = (k, u0 + u, f0 + f)
    for k, u, f in sums.values():
        k.backward(u, f)


def _tables(
    systems: Sequence[System], models: Mapping[str, Model], recipe: Recipe
) -> tuple[list[dict[str, Knots]], tuple[Interactions, ...]]:
    """Return the knots of each state's curves and the tables they make; states of one temperature share them."""
    of_kT: dict[float, dict[str, Knots]] = {}
    for kT in dict.fromkeys(system.point.kT for system in systems):
        start = min(_start(system, recipe) for system in systems if system.point.kT == kT)
        of_kT[kT] = {pair: c.knots(recipe.knots, r_min=start) for pair, c in curves_of(models, kT).items()}
    knots = [of_kT[system.point.kT] for system in systems]
    return knots, tuple(Interactions({pair_of(p): k.table() for p, k in of.items()}) for of in knots)


def _start(system: System, recipe: Recipe) -> float:
    """Return where tables begin [length]: well inside the smallest distance that the target has."""
    seen = np.flatnonzero(np.any(system.point.g > 0.01, axis=0))
    return recipe.r_min * float(system.point.bins.r[seen[0]])


def _parameters(models: Mapping[str, Model]) -> dict[str, Any]:
    return {f"{pair}.{name}": p for pair, m in models.items() for name, p in m.named_parameters()}


def weights_of(models: Mapping[str, Model]) -> Weights:
    """Return copies of all weights by name."""
    return {name: p.detach().cpu().numpy().copy() for name, p in _parameters(models).items()}


def set_weights(models: Mapping[str, Model], weights: Weights) -> None:
    """Give models these weights."""
    with torch.no_grad():
        for name, p in _parameters(models).items():
            p.copy_(torch.as_tensor(weights[name]))


def _updated(models: Mapping[str, Model], now: Training, scale: float) -> Training:
    """Take a step of Adam; its moments are plain arrays, so that a file can keep them."""
    t, (a, b) = now.updates + 1, _BETAS
    weights, first, second = {}, {}, {}
    for name, p in _parameters(models).items():
        g = np.zeros_like(now.weights[name]) if p.grad is None else scale * p.grad.cpu().numpy()
        first[name] = a * now.first[name] + (1 - a) * g
        second[name] = b * now.second[name] + (1 - b) * g * g
        step = (first[name] / (1 - a**t)) / (np.sqrt(second[name] / (1 - b**t)) + _EPSILON)
        weights[name] = (now.weights[name] - now.rate * step).astype(now.weights[name].dtype)
    set_weights(models, weights)
    return replace(now, weights=weights, first=first, second=second, updates=t, number=now.number + 1)


def _scheduled(now: Training, loss: float, excess: float, recipe: Recipe) -> tuple[Training, str, str]:
    """Halve the rate where the mean loss of `patience` epochs is no better than the best such mean; say if all is noise.

    Return what comes next, what was done, and why it ends: products of replicas' residuals have no bias, so that means of
    them within two errors of zero, several in a row, say that nothing is left to learn.
    """
    losses, excesses = (*now.losses, loss), (*now.excesses, excess)
    if len(losses) < recipe.patience:
        return replace(now, losses=losses, excesses=excesses), "", ""
    mean, left = float(np.mean(losses)), float(np.mean(excesses))
    error = float(np.std(excesses, ddof=1)) / np.sqrt(len(excesses))
    quiet = now.quiet + 1 if left < 2 * error else 0
    noise = f"the loss is noise: what is not is {left:.2g} ± {error:.2g}" if quiet >= _QUIET else ""
    now = replace(now, losses=(), excesses=(), quiet=quiet)
    if mean < (1 - _THRESHOLD) * now.best:
        return replace(now, best=mean, stale=0, best_weights=now.weights, best_boxes=now.boxes), "", noise
    if mean > _ASTRAY * now.best:
        empty = {name: np.zeros_like(w) for name, w in now.weights.items()}
        back = replace(now, weights=now.best_weights, boxes=now.best_boxes, first=empty, second=empty, updates=0,
                       stale=0, rate=0.5 * now.rate)  # fmt: skip
        return back, f"mean loss {mean:.3g}, astray: back to where it was {now.best:.3g}, half the rate", noise
    if now.stale + 1 < _STALE:
        return replace(now, stale=now.stale + 1), "", noise
    return replace(now, stale=0, rate=0.5 * now.rate), f"mean loss {mean:.3g}, no better: half the rate", noise


def _failed(
    systems: Sequence[System], models: Mapping[str, Model], recipe: Recipe, now: Training, error: cs.BlowUp
) -> Epoch:  # fmt: skip
    """Go back to a weaker step: boxes melted anew, Adam's memory gone, half the rate."""
    if now.failures >= _FAILURES:
        raise RuntimeError(f"the dynamics broke down in {now.failures + 1} windows: {error}") from error
    calm = replace(begun(systems, models, recipe), rate=0.5 * now.rate, number=now.number + 1, best=now.best,
                   failures=now.failures + 1)  # fmt: skip
    return Epoch(now.number, np.nan, np.nan, np.nan, now.rate, (), _tables(systems, models, recipe)[1], 0.0,
                 "the dynamics broke down: melted anew, half the rate", "", calm)  # fmt: skip


@contextmanager
def _one_torch_thread() -> Iterator[None]:
    """Let torch work with one thread: its operations here are small, and spinning threads slow the boxes down."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def named(potential: Interactions) -> dict[str, Any]:
    """Return the tables of a potential by the pair's name."""
    return {pair_name(pair): table for pair, table in potential.items()}
