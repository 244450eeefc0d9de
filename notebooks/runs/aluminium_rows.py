"""The closing table of notebook 04: the quantities of paper 04 beside what the aluminium_*.py runs have found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aluminium as al
import aluminium_fits as fitting
import numpy as np
import xarray as xr
from closing_table import Row

_FITS, _CHECKS, _SOLID, _TARGETS = (
    f"notebooks/runs/aluminium_{name}.py" for name in ("fits", "checks", "solid", "targets")
)
FIRST_SHELL = 4.0  # Å: to the first minimum of g


def pick(table: xr.Dataset, correction: str, kelvin: int) -> xr.Dataset:
    """Return the run with a correction at a temperature."""
    found = table.isel(row=(table.correction.values == correction) & (table.temperature.values == kelvin))
    if found.sizes["row"] != 1:
        raise KeyError(f"{correction} at {kelvin} K: {found.sizes['row']} runs")
    return found.squeeze("row")


def has(table: xr.Dataset, correction: str, kelvin: int) -> bool:
    return bool(((table.correction.values == correction) & (table.temperature.values == kelvin)).any())


def misfit(run: xr.Dataset, kelvin: int, reach: float = 8.0) -> tuple[float, float]:
    """Return ∫(g − g*)²r²dr [Å³] of a run without what noise makes of it, and its standard error."""
    goal = al.surrogate().sel(temperature=kelvin)
    r = run.r.values
    inside = r < reach
    weight = r[inside] ** 2 * al.WIDTH
    off = (run.g.values - np.interp(r, goal.r, goal.g))[inside]
    variance = (run.g_stderr.values**2 + np.interp(r, goal.r, goal.g_stderr) ** 2)[inside]
    found = float(weight @ (off**2 - variance))
    return found, float(np.sqrt(weight**2 @ (4 * off**2 * variance + 2 * variance**2)))


def peak(run: xr.Dataset) -> tuple[float, float]:
    """Return the height of the first peak and its standard error: the mean of the three shells about the largest."""
    at = int(np.argmax(run.g.values))
    near = slice(at - 1, at + 2)
    return float(run.g.values[near].mean()), float(np.sqrt((run.g_stderr.values[near] ** 2).sum()) / 3)


def target_peak(kelvin: int) -> float:
    goal = al.surrogate().sel(temperature=kelvin).g.values
    at = int(np.argmax(goal))
    return float(goal[at - 1 : at + 2].mean())


def ratio(a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float]:
    """Return a/b and its standard error."""
    value = a[0] / b[0]
    return value, abs(value) * float(np.hypot(a[1] / a[0], b[1] / b[0]))


def alike(first: xr.Dataset, second: xr.Dataset) -> float:
    """Return the correlation of two corrections where the target has pairs, from 2.4 Å on."""
    shown = (first.r.values > 2.4) & (first.r.values < 8.0)
    return float(np.corrcoef(first.u.values[shown], second.u.values[shown])[0, 1])


def _mean(values: Mapping[int, Any]) -> float:
    return float(np.mean(list(values.values())))
