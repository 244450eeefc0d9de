"""The transfer card of a fitted potential: what it does in independent runs, at its own states and elsewhere."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.metadata import version

import numpy as np
import numpy.typing as npt
import xarray as xr

import cg_sim as cs
from cg_data import Interactions, pair_of
from cg_inverse.cards.compressibility import (
    at_density,
    compressed,
    compressibility,
    kirkwood_buff_compressibility,
)
from cg_inverse.cards.motion import DRIFT_STEPS, drift, motion, stability, time_steps
from cg_inverse.cards.records import Cost, Curve, Match, Measured, PotentialCurve, StateReport, TransferCard
from cg_inverse.problems.bins import Bins
from cg_inverse.problems.shell_basis import corrects
from cg_inverse.problems.spline_problem import Problem
from cg_inverse.problems.state_point import StatePoint, state_point
from cg_inverse.rounds.judgement import judged
from cg_inverse.rounds.phases import lost_phase
from cg_inverse.rounds.sample import Sample
from cg_inverse.rounds.simulation import Liquids, Order, States

__all__ = ["Elsewhere", "TransferCard", "transfer_card"]

Elsewhere = tuple[float, float] | xr.Dataset  # (density, kT), or a target with its own
_MELTING = 4000
_POINTS = 300


def transfer_card(
    potential: Interactions,
    problem: Problem,
    *,
    simulation: Liquids | None = None,
    steps: int = 100_000,
    elsewhere: Sequence[Elsewhere] = (),
    history: xr.Dataset | None = None,
    seed: int = 0,
    command: str = "",
) -> TransferCard:
    """Return what a potential does in runs that know nothing of its fit: new lattices, new seeds, `steps` per state.

    At each state of the problem: g against its target, pressure, compressibility, diffusion, viscosity and which time
    steps are stable; `elsewhere` at a (density [length⁻³], kT), of the first state's composition, the pressure, and at
    another target's state its residual too. `simulation` says how states are simulated; a fit's `history` what it cost.
    """
    if corrects(problem):
        raise ValueError("a transfer card is of potentials that stand alone; this one is a correction to a base")
    began = time.perf_counter()
    seeds = np.random.SeedSequence([seed, 0xCA4D]).generate_state(3)
    others = [_elsewhere(where, problem, simulation) for where in elsewhere]
    everything = _everywhere(problem, [state for state, _ in others], simulation)
    liquids = replace(simulation or Liquids(problem), problem=everything, seed=int(seeds[0]))
    order = Order(steps, max(_MELTING, steps // 10), int(seeds[1]))
    samples, ends = liquids(potential, liquids.start(), order)
    count = len(problem.states)
    measured = liquids.runs * _each(steps, liquids)
    reports = _with_compressibility(samples, count, measured)
    states = _with_motion(reports, [e[0] for e in ends[:count]], potential, liquids, steps, int(seeds[2]))
    away = tuple(_report(s, measured, known) for s, (_, known) in zip(samples[3 * count :], others, strict=True))
    seconds = time.perf_counter() - began
    done = _evaluations(samples, states, _each(steps, liquids))
    units = problem.states[0].units
    return TransferCard(
        method=str(history.attrs.get("method", "")) if history is not None else "",
        units={"length": units.length, "energy": units.energy, "mass": units.mass},
        potential=tuple(_curve_of(potential, pair, problem, history) for pair in problem.pairs),
        states=states,
        elsewhere=away,
        remarks=(*_lost(samples, ends, count), *_remarks(states)),
        fit=None if history is None else _cost(history),
        card=Cost(1, done, seconds, seconds),
        seed=seed,
        settings=_settings(replace(liquids, problem=problem), steps, order),
        packages={name: version(name) for name in ("cg-inverse", "cg-sim", "cg-data", "numpy")},
        command=command,
    )


def _everywhere(problem: Problem, others: Sequence[StatePoint], simulation: Liquids | None) -> Problem:
    """Return the problem's states, then of each its two neighbors in density, then the others."""
    near = [_within_box(s, simulation) for state in problem.states for s in compressed(state)]
    return Problem((*problem.states, *near, *others), problem.basis)


def _with_compressibility(samples: Sequence[Sample], count: int, steps: int) -> list[StateReport]:
    """Return reports of the first `count` samples, whose neighbors in density follow them."""
    return [
        replace(
            _report(samples[k], steps, True),
            compressibility=compressibility(samples[count + 2 * k : count + 2 * k + 2]),
            compressibility_kirkwood_buff=kirkwood_buff_compressibility(samples[k]),
        )
        for k in range(count)
    ]


def _elsewhere(where: Elsewhere, problem: Problem, simulation: Liquids | None) -> tuple[StatePoint, bool]:
    """Return the state, and whether it has a target."""
    if isinstance(where, xr.Dataset):
        state = state_point(where)
        unknown = sorted(set(state.pairs) - set(problem.pairs))
        if unknown:
            raise ValueError(f"{state.name} has g of {', '.join(unknown)}, the potential has no such pair")
        return state, True
    density, kT = (float(x) for x in where)
    if not (0 < density < np.inf and 0 < kT < np.inf):
        raise ValueError(f"elsewhere= takes (density, kT), both positive, got {where}")
    state = at_density(problem.states[0], density, kT=kT, name=f"ρ = {density:g}, kT = {kT:g}")
    return _within_box(state, simulation), False


def _within_box(state: StatePoint, simulation: Liquids | None) -> StatePoint:
    """Return the state with no more shells than fit into half its box, where N was given."""
    if simulation is None or simulation.particles is None:
        return state
    half = 0.5 * (simulation.particles / state.density) ** (1 / 3)
    bins = state.bins
    count = min(bins.count, int(np.floor((half - bins.first) / bins.width + 0.5 - 1e-9)))
    kept = Bins(bins.first, bins.width, count)
    return replace(state, bins=kept, g=state.g[:, :count], exposure=state.exposure[:, :count])


def _report(sample: Sample, steps: int, has_target: bool) -> StateReport:
    state = sample.state
    return StateReport(
        name=state.name, density=sample.density, kT=state.kT, particles=sum(sample.particles.values()),
        steps=steps, pressure=Measured(sample.pressure, sample.pressure_stderr), closest=_closest(sample),
        curves=tuple(_curve(sample, k, has_target) for k in range(len(state.pairs))),
        match=_match(sample) if has_target else None,
    )  # fmt: skip


def _closest(sample: Sample) -> dict[str, float]:
    """Return the inner edge of the first shell that ever held a pair, per pair of types [length]."""
    counts, edges = sample.counts.sum(axis=0), sample.state.bins.edges
    rows = zip(sample.state.pairs, counts, strict=True)
    return {p: float(edges[np.argmax(row > 0)]) if np.any(row) else float("nan") for p, row in rows}


def _match(sample: Sample) -> Match:
    state, found = sample.state, judged(sample)
    difference = np.abs(sample.g - state.g)
    worst = int(np.argmax(difference.max(axis=0)))
    return Match(found.residual, found.noise, found.chi2, found.is_noise, found.shells, float(difference.max()),
                 float(state.bins.r[worst]), float(difference.sum()))  # fmt: skip


def _with_motion(
    reports: Sequence[StateReport], starts: Sequence[cs.State], potential: Interactions, liquids: Liquids, steps: int,
    seed: int,
) -> tuple[StateReport, ...]:  # fmt: skip
    """Return the reports with diffusion, viscosity and stable time steps, all runs side by side, in double precision."""
    with ThreadPoolExecutor(liquids.threads or os.cpu_count() or 1) as pool:
        jobs = []
        for k, (state, start) in enumerate(zip(liquids.problem.states, starts, strict=False)):
            dt, kT, engine = liquids.time_step(state), state.kT, liquids.engine
            moving = pool.submit(
                motion, start, potential, kT=kT, dt=dt, steps=_each(steps, liquids), engine=engine, seed=seed + k
            )
            tried = [pool.submit(drift, start, potential, kT=kT, dt=x, engine=engine) for x in time_steps(dt)]
            jobs.append((moving, tried))
        return tuple(
            replace(report, motion=moving.result(), stability=stability([one.result() for one in tried]))
            for report, (moving, tried) in zip(reports, jobs, strict=True)
        )


def _each(steps: int, liquids: Liquids) -> int:
    return -(-steps // liquids.runs)


def _evaluations(samples: Sequence[Sample], states: Sequence[StateReport], moving: int) -> int:
    """Return particles × steps of all runs, equilibration included."""
    averaged = sum(s.steps * sum(s.particles.values()) for s in samples)
    return averaged + sum(r.particles * (moving + DRIFT_STEPS * len(time_steps(1.0))) for r in states)


def _lost(samples: Sequence[Sample], ends: States, count: int) -> tuple[str, ...]:
    """Return which states are no liquid any more, those only visited for the compressibility left out."""
    kept = [k for k in range(len(samples)) if not count <= k < 3 * count]
    found = [(samples[k].state.name, lost_phase([samples[k]], (ends[k],))) for k in kept]
    return tuple(f"{name}: {what}" for name, what in found if what)


def _remarks(states: Sequence[StateReport]) -> tuple[str, ...]:
    """Return in words what a reader of the numbers must not miss."""
    found = []
    for state in states:
        kappa, steps = state.compressibility, state.stability
        if kappa is not None and not kappa.value > 0:
            found.append(
                f"{state.name}: the pressure falls as the density rises, so this is no stable homogeneous fluid"
            )
        if steps is not None and steps.largest_dt is None:
            found.append(f"{state.name}: the energy drifts even at the run's time step {steps.tried[0].dt:.4g}")
        if state.match is not None and not state.match.is_noise:
            found.append(f"{state.name}: g differs from its target beyond errors, χ² per shell {state.match.chi2:.2f}")
    return tuple(found)


def _curve(sample: Sample, k: int, has_target: bool) -> Curve:
    state = sample.state
    target = (_numbers(state.g[k]), _numbers(state.g_stderr[k])) if has_target else ((), ())
    return Curve(state.pairs[k], _numbers(state.bins.r), _numbers(sample.g[k]), _numbers(sample.g_stderr[k]), *target)


def _curve_of(potential: Interactions, pair: str, problem: Problem, history: xr.Dataset | None) -> PotentialCurve:
    """Return U(r) from a little inside the target's core to the cutoff, with the error of the round whose U it is."""
    spline, curve = problem.basis.spline(pair), potential[pair_of(pair)]
    r = np.linspace(max(0.9 * spline.core, 1e-3 * curve.cutoff), curve.cutoff, _POINTS)
    error: tuple[float, ...] = ()
    if history is not None and "u_stderr" in history:
        at, known = history["r_u"].values, history.sel(pair=pair)
        seen = (at >= spline.core) & (at < curve.cutoff)
        apart = np.abs(known["u"].values - curve.energy(at))[:, seen].max(axis=1)
        error = _numbers(np.interp(r, at, known["u_stderr"].values[np.argmin(apart)]))
    return PotentialCurve(pair, spline.core, float(curve.cutoff), _numbers(r), _numbers(curve.energy(r)), error)


def _numbers(values: npt.ArrayLike) -> tuple[float, ...]:
    """Return plain numbers, to the seven digits that anyone will look at."""
    return tuple(float(f"{x:.7g}") for x in np.asarray(values))


def _cost(history: xr.Dataset) -> Cost:
    rounds = history.sizes["iteration"]
    totals = [float(history[name].sum()) for name in ("force_evaluations", "seconds", "simulated_seconds")]
    return Cost(rounds, round(totals[0]), totals[1], totals[2])


def _settings(liquids: Liquids, steps: int, order: Order) -> dict[str, str]:
    values = {
        "steps": steps, "equilibration": order.equilibration, "runs": liquids.runs, "engine": liquids.engine,
        "precision": liquids.precision, "mass": liquids.mass, "sample_every": liquids.sample_every,
        "dt": ", ".join(f"{liquids.time_step(s):.6g}" for s in liquids.problem.states),
    }  # fmt: skip
    return {name: str(value) for name, value in values.items()}
