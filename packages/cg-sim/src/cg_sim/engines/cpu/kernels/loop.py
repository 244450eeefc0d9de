"""The time loop: every thread runs it over its own particles, meeting the others at barriers.

One step is: (chain) · half kick, drift (noise) · list check · forces · half kick · (chain or rescaling) · (box).
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"
from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from cg_sim.engines.cpu.kernels.barrier import wait
from cg_sim.engines.cpu.kernels.cells import TURN
from cg_sim.engines.cpu.kernels.compiled import compiled
from cg_sim.engines.cpu.kernels.phases import draw, forces, kick, kinetic_sums, measure, move, pack, scale_velocities
from cg_sim.engines.cpu.kernels.rebuild import box_widths, rebuild
from cg_sim.engines.cpu.kernels.thermostats import cell_factor, chain_half_step, rescaling_factor

NVE, LANGEVIN, CHAIN, RESCALING = 0, 1, 2, 3
DONE, GROW, TOO_NEAR, TOO_FAR, TOO_SMALL, TOO_WILD = 0, 1, 2, 3, 4, 5
WILD = 0.2  # a box whose edges would change by more than this in one move has no pressure worth the name
READY, START, MOVED = 0, 1, 2  # stages: forces are valid · nothing is · positions have moved, forces not


class Settings(NamedTuple):
    """Numbers that do not change during a call."""

    ensemble: int
    dt: float
    kT: float
    friction: float
    tau: float
    freedom: float
    cutoff: float
    reach: float
    nearest: float  # for messages: what the potentials allow
    stride: float  # a particle that moves further than this in one step is an error
    seed: int
    substeps: int
    every: int  # steps between moves of the box; 0 for none
    pressure: float
    pressure_tau: float
    compressibility: float


class Progress(NamedTuple):
    """What the loop reports: counters (step, end, code, rebuilds, stage, needed), the distance up to which the last
    list is complete, and the smallest r² met so far."""

    counters: Any
    listed: Any
    closest: Any


class Chain(NamedTuple):
    eta: Any
    p_eta: Any
    masses: Any


STEP, END, CODE, REBUILDS, STAGE, NEEDED = range(6)
_small = njit(nogil=True, error_model="numpy")


@_small
def _sum(sums, column):
    total = 0.0
    for c in range(len(sums)):
        total += sums[c, column]
    return total


@_small
def _count(slots, threads, column):
    total = 0
    for k in range(threads):
        total += slots[k, column]
    return total


@_small
def _smallest(slots, threads, column):
    best = slots[0, column]
    for k in range(1, threads):
        best = min(best, slots[k, column])
    return best


@_small
def _kinetic(lo, hi, p, shared, threads):
    kinetic_sums(lo, hi, p, shared.sums)
    wait(shared.sync, threads)
    return _sum(shared.sums, 0)


@_small
def _move_box(thread, threads, lo, hi, step, p, list_, geometry, pairs, shared, s, widths):
    """Measure the pressure and rescale box, positions and velocities by the factor that is returned, unless it is wild.

    The list is out of date then: pairs may have come nearer than it reaches.
    """
    pack(lo, hi, p.exact, p, geometry.inverse)
    wait(shared.sync, threads)
    measure(lo, hi, p, list_, geometry, pairs, p.scratch, shared.sums)
    kinetic = _kinetic(lo, hi, p, shared, threads)
    b = geometry.box
    volume = (
        b[0, 0] * (b[1, 1] * b[2, 2] - b[1, 2] * b[2, 1])
        - b[0, 1] * (b[1, 0] * b[2, 2] - b[1, 2] * b[2, 0])
        + b[0, 2] * (b[1, 0] * b[2, 1] - b[1, 1] * b[2, 0])
    )
    virial = _sum(shared.sums, 2) + _sum(shared.sums, 3) + _sum(shared.sums, 4)
    pressure = (2 * kinetic + virial) / (3 * volume)
    factor = cell_factor(
        pressure, volume, s.pressure, s.kT, s.every * s.dt, s.pressure_tau, s.compressibility, s.seed, step
    )
    wait(shared.sync, threads)
    if not abs(factor - 1) < WILD:
        return factor
    for k in range(3):
        for i in range(lo, hi):
            p.position[k, i] *= factor
            p.velocity[k, i] /= factor
    if thread == 0:
        geometry.box[:] *= factor
        geometry.inverse[:] /= factor
        geometry.of_integers[:] = (geometry.box / TURN).astype(np.float32).ravel()
        geometry.of_fractions[:] = geometry.box.ravel()
        box_widths(geometry, widths)
    wait(shared.sync, threads)
    return factor


def _advance(thread, threads, bounds, p, list_, geometry, pairs, shared, chain, widths, s, progress):
    """Run from step counters[STEP] to counters[END], or until something needs the caller: counters[CODE]."""
    lo, hi = bounds[thread], bounds[thread + 1]
    counters = progress.counters
    step, end, stage, rebuilds = counters[STEP], counters[END], counters[STAGE], 0
    listed, needed, code, kinetic = progress.listed[0], 0, DONE, 0.0
    eta, p_eta = chain.eta.copy(), chain.p_eta.copy()
    shared.nearest[thread, 0] = shared.nearest[thread, 1] = closest = 1e30
    c1 = math.exp(-s.friction * s.dt) if s.ensemble == LANGEVIN else 1.0
    if s.ensemble >= CHAIN:
        kinetic = _kinetic(lo, hi, p, shared, threads)
    wait(shared.sync, threads)
    while stage != READY or step < end:
        stale = True
        if stage == READY:
            scale = 1.0
            if s.ensemble == CHAIN:
                scale = chain_half_step(eta, p_eta, chain.masses, kinetic, s.freedom, s.kT, s.dt, s.substeps)
            elif s.ensemble == LANGEVIN:
                draw(lo, hi, p.scratch, s.seed, step, p.id)
            slack = max(0.5 * (listed - s.cutoff), 0.0)
            moved, far = move(lo, hi, p, s.dt, scale, c1, s.kT, slack, s.stride)
            shared.displaced[thread, 0] = moved
            shared.displaced[thread, 1] = far
            wait(shared.sync, threads)
            closest = min(closest, _smallest(shared.nearest, threads, 1))
            if _smallest(shared.nearest, threads, 0) < 0:
                code = TOO_NEAR
                break
            if _count(shared.displaced, threads, 1) > 0:
                code = TOO_FAR
                break
            stale = _count(shared.displaced, threads, 0) > 0
            stage = MOVED
        if stale:
            reach = (s.reach, s.cutoff)
            needed, listed = rebuild(
                thread, threads, lo, hi, p, list_, geometry, pairs.triclinic, reach, widths, shared
            )
            if needed > list_.rows.shape[1]:
                code = GROW
                break
            rebuilds += 1
        pack(lo, hi, p.points, p, geometry.inverse)
        wait(shared.sync, threads)
        shared.nearest[thread, 0], shared.nearest[thread, 1] = forces(lo, hi, p, list_, geometry, pairs)
        complete = stage == MOVED
        stage = READY
        if complete:
            kick(lo, hi, p, s.dt)
            step += 1
            if s.ensemble >= CHAIN:
                kinetic = _kinetic(lo, hi, p, shared, threads)
                if s.ensemble == CHAIN:
                    scale = chain_half_step(eta, p_eta, chain.masses, kinetic, s.freedom, s.kT, s.dt, s.substeps)
                else:
                    scale = rescaling_factor(kinetic, s.freedom, s.kT, s.dt, s.tau, s.seed, step)
                scale_velocities(lo, hi, p, scale)
                kinetic *= scale * scale
            if s.every > 0 and step % s.every == 0:
                factor = _move_box(thread, threads, lo, hi, step, p, list_, geometry, pairs, shared, s, widths)
                if not abs(factor - 1) < WILD:
                    code = TOO_WILD
                    break
                kinetic /= factor * factor
                stage = START
                if not min(widths[0], widths[1], widths[2]) >= 2 * s.cutoff:
                    code = TOO_SMALL
                    break
    wait(shared.sync, threads)
    closest = min(closest, _smallest(shared.nearest, threads, 1))
    if code == DONE and _smallest(shared.nearest, threads, 0) < 0:
        code = TOO_NEAR
    if thread == 0:
        counters[STEP], counters[CODE], counters[STAGE], counters[NEEDED] = step, code, stage, needed
        counters[REBUILDS] += rebuilds
        progress.listed[0] = listed
        progress.closest[0] = min(progress.closest[0], closest)
        chain.eta[:] = eta
        chain.p_eta[:] = p_eta


advance = compiled(_advance)


def _survey(p, list_, geometry, pairs, out, sums):
    """Write exact forces (3, n) to `out` and energy and virial per chunk to sums[:, 1:8], for the present list."""
    n = p.position.shape[1]
    pack(0, n, p.exact, p, geometry.inverse)
    measure(0, n, p, list_, geometry, pairs, out, sums)


survey = compiled(_survey)
