"""Plans of rollouts as the arrays that kernels read: particles, pairs of types and table rows of all, one after another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cg_sim.box import widths
from cg_sim.differentiable.kernels.steps import LANGEVIN
from cg_sim.differentiable.table_rows import Array
from cg_sim.differentiable.trajectory import Trajectory
from cg_sim.engines.cuda import packing as engine
from cg_sim.engines.cuda.packing import BOX, C1, DT, FREEDOM, INVERSE, KT, REACH2, SLACK2, SPREAD, row_width

# columns after those of the engine: friction, largest cutoff, largest 1/spacing; first row and rows, step of the start
FRICTION, CUTOFF, STEEPEST, REALS = range(engine.REALS, engine.REALS + 4)
ROW, ROWS, START, WHOLES = range(engine.WHOLES, engine.WHOLES + 4)

_SKIN = 0.16  # of the cutoff: a list is made by trying all pairs
_MARGIN = 1 + 1e-6


class Tables(NamedTuple):
    """`rows` (row, 4), each table's followed by zeros; per replica and ordered pair of types (start, 1/spacing, rows)
    and the first row."""

    rows: Array
    shapes: Array
    firsts: npt.NDArray[np.int32]


def edges(sizes: Sequence[int]) -> list[int]:
    """Return where things of these sizes begin that lie one after another, and where the last ends."""
    return [int(k) for k in np.cumsum([0, *sizes])]


def tables(plans: Sequence[Trajectory]) -> Tables:
    """Return the tables of all replicas."""
    parts = [plan.tables.rows for plan in plans]
    starts = edges([len(part.rows) for part in parts])
    pairs = np.concatenate([part.pairs for part in parts])
    firsts = [part.pairs[:, 3].astype(np.int32) + np.int32(at) for part, at in zip(parts, starts, strict=False)]
    return Tables(
        np.concatenate([part.rows for part in parts]), np.ascontiguousarray(pairs[:, :3]), np.concatenate(firsts)
    )  # fmt: skip


def reals(plans: Sequence[Trajectory]) -> Array:
    """Return the real numbers of every replica."""
    return np.stack([_real_numbers(plan) for plan in plans])


def _real_numbers(plan: Trajectory) -> Array:
    s, out = plan.settings, np.zeros(REALS)
    reach = _reach(plan)
    c1 = math.exp(-s.friction * s.dt) if s.ensemble == LANGEVIN else 1.0
    out[BOX:INVERSE], out[INVERSE:DT] = plan.system.box.ravel(), plan.system.inverse.ravel()
    out[[DT, KT, FREEDOM, FRICTION]] = s.dt, s.kT, s.freedom, s.friction
    out[[C1, SPREAD]] = c1, math.sqrt(s.kT * (1 - c1 * c1))
    out[[SLACK2, REACH2]] = (0.5 * (reach - s.cutoff)) ** 2, reach**2 * _MARGIN
    out[[CUTOFF, STEEPEST]] = s.cutoff, plan.tables.rows.pairs[:, 1].max()
    return out


def _reach(plan: Trajectory) -> float:
    """Return how far a list looks: beyond half a width of the box, rounded fractions may miss the nearest image."""
    return min((1 + _SKIN) * plan.settings.cutoff, 0.5 * float(widths(plan.system.box).min()))


def wholes(plans: Sequence[Trajectory]) -> npt.NDArray[np.int64]:
    """Return the whole numbers of every replica."""
    rows = [len(plan.tables.rows.rows) for plan in plans]
    types = [int(plan.tables.rows.types) for plan in plans]
    out = np.zeros((len(plans), WHOLES), dtype=np.int64)
    out[:, engine.N] = [plan.state.n for plan in plans]
    out[:, engine.FIRST] = edges([plan.state.n for plan in plans])[:-1]
    out[:, engine.PAIR] = edges([t * t for t in types])[:-1]
    out[:, engine.TYPES] = types
    out[:, engine.THERMOSTAT] = [plan.settings.ensemble for plan in plans]
    out[:, engine.SUBSTEPS] = [plan.settings.substeps for plan in plans]
    out[:, engine.CHAIN] = [plan.chain_length for plan in plans]
    out[:, ROW], out[:, ROWS] = edges(rows)[:-1], rows
    out[:, START] = [plan.settings.step for plan in plans]
    return out


def width(plans: Sequence[Trajectory]) -> int:
    """Return how many neighbors the rows of the list hold at first."""
    return max(row_width(plan.state.n, plan.state.density, _reach(plan)) for plan in plans)
