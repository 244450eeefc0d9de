"""Preflight of tables: what an engine would stumble over, said before it does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from cg_data.checks.findings import Finding, Level, by_severity
from cg_data.potentials.pair_potential import Array
from cg_data.schemas import check

_ROUNDED = 0.01  # of the energy or force scale: a top this flat is soft, not attractive


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """One pair's rows up to its end, and the energy scale that its numbers are compared with."""

    name: str
    r: Array
    u: Array
    f: Array | None
    well: float
    kT: float | None

    @property
    def force_scale(self) -> float:
        return 10 * self.well / float(self.r[-1] - self.r[0])

    def say(self, level: Level, code: str, message: str, remedy: str) -> Finding:
        return Finding(level, code, self.name, message, remedy)


def preflight_table(data: xr.Dataset, *, kT: float | None = None) -> tuple[Finding, ...]:
    """Return the findings on a `pair-table` dataset, errors first: jump at the cutoff, U against F, core, grid."""
    check(data, "pair-table")
    r = data["r"].values
    found: list[Finding] = []
    for name in data["pair"].values:
        here = data.sel(pair=name)
        u, f = here["u"].values, here["f"].values if "f" in data else None
        if not np.any(u) and (f is None or not np.any(f)):
            found.append(Finding("error", "empty", str(name), "U is zero in every row",
                                 "was the right column read, or the pair's name misspelled?"))  # fmt: skip
            continue
        if len(r) < 4:
            found.append(Finding("error", "too-short", str(name), f"the table has only {len(r)} rows",
                                 "was the whole file written? engines need at least four"))  # fmt: skip
            continue
        rows = _end(r, u)
        t = _Table(str(name), r[:rows], u[:rows], None if f is None else f[:rows], _scale(r, u, kT), kT)
        found += [*_jump(t), *_core(t), *_slope(t), *_grid(str(name), r)]
    return by_severity(found)


def _end(r: Array, u: Array) -> int:
    """Return how many rows make the curve: without the zeros beyond its cutoff, but with the one that it runs into."""
    last = int(np.max(np.flatnonzero(u), initial=1))
    if last + 1 >= len(u):
        return len(u)
    slope = abs(u[last] - u[last - 1]) / (r[last] - r[last - 1])
    jumps = abs(u[last]) > 3 * slope * (r[last + 1] - r[last])
    return last + 1 if jumps and last >= 3 else max(last + 2, 4)


def _scale(r: Array, u: Array, kT: float | None) -> float:
    """Return the energy scale of a curve [energy]: of its depth, kT and its usual |U|, the largest."""
    end = r[np.max(np.flatnonzero(u), initial=1)]
    inside = np.abs(u[r <= end])
    outer = np.abs(u[(r >= 0.5 * (r[0] + end)) & (r <= end)])
    return max(
        -float(np.min(u)),
        kT or 0.0,
        float(np.median(inside)),
        float(np.median(outer)),
        1e-12 * float(np.max(inside)),
        1e-300,
    )


def _jump(t: _Table) -> Iterator[Finding]:
    if abs(t.u[-1]) > 1e-3 * t.well:
        yield t.say("warning", "jump-at-cutoff", f"U = {t.u[-1]:.4g} at the last row r = {t.r[-1]:.4g}",
                    "shift it to zero there, or energy is not conserved when pairs cross")  # fmt: skip


def _core(t: _Table) -> Iterator[Finding]:
    near = t.r <= t.r[0] + max(0.1 * (t.r[-1] - t.r[0]), t.r[1] - t.r[0])
    falls = np.max(t.u[near]) - t.u[0] > _ROUNDED * t.well
    if falls or (t.f is not None and t.f[0] < -_ROUNDED * t.force_scale):
        yield t.say("error", "attractive-core", f"U falls towards r = {t.r[0]:.4g}",
                    "particles would collapse: continue the wall inwards")  # fmt: skip
    elif t.kT is not None and (wall := float(t.u[0] - np.min(t.u)) / t.kT) < 10:
        message = f"the wall ends {wall:.1f} kT above the minimum"
        if t.r[0] < 1.5 * (t.r[1] - t.r[0]):
            yield t.say("info", "low-wall", f"{message}, at r = {t.r[0]:.4g}",
                        "fine for a soft potential; otherwise particles pass through each other")  # fmt: skip
        else:
            yield t.say("warning", "low-wall", message, "pairs will get closer than the table: extend it")


def _slope(t: _Table) -> Iterator[Finding]:
    if t.f is None:
        return
    off = (t.f + np.gradient(t.u, t.r))[1:-1]
    worst = float(np.max(np.abs(off) / (np.abs(t.f[1:-1]) + t.force_scale)))
    if worst > 0.2:
        yield t.say("warning" if worst < 1 else "error", "force-is-not-slope",
                    f"F differs from −dU/dr by up to {100 * worst:.0f} %",
                    "derive F from the same curve: energy is not conserved otherwise")  # fmt: skip


def _grid(name: str, r: Array) -> Iterator[Finding]:
    steps, squares = np.diff(r), np.diff(r**2)
    if np.ptp(steps) > 0.02 * np.mean(steps) and np.ptp(squares) > 0.02 * np.mean(squares):
        yield Finding("info", "grid", name, "rows are equally spaced neither in r nor in r²", "engines resample them")
