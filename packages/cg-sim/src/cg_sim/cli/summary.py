"""What a run found, in a few lines."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import xarray as xr

from cg_sim.cli.progress import clock

_LINES = (("T", "temperature"), ("P", "pressure"), ("U/N", "energy"), ("E/N", "total_energy"), ("D", "diffusion"))


def with_error(mean: float, stderr: float) -> str:
    """Return a mean with the error of its last digits in parentheses: two digits of the error if it starts with 1.

    >>> [with_error(*given) for given in ((-4.51893, 0.0038), (0.5041, 0.0127), (12.3, 0.96), (1234.0, 210.0))]
    ['-4.519(4)', '0.504(13)', '12.3(10)', '1200(200)']
    >>> with_error(2.0, 0.0), with_error(2.0, math.nan)
    ('2', '2 (error unknown: too few samples)')
    """
    if not math.isfinite(stderr):
        return f"{mean:.6g} (error unknown: too few samples)"
    if stderr <= 0:
        return f"{mean:.6g}"
    digits = -math.floor(math.log10(stderr))
    if float(f"{stderr:.1e}") * 10**digits < 2:
        digits += 1
    shown = round(stderr, digits)
    if digits > 0:
        return f"{mean:.{digits}f}({round(shown * 10**digits)})"
    return f"{round(mean, digits):.0f}({shown:.0f})"


def found_in(data: xr.Dataset) -> list[str]:
    """Return a line per number measured, with its unit."""
    lines = []
    for symbol, name in _LINES:
        if name in data and math.isfinite(float(data[name])):
            units = str(data[name].attrs.get("units", ""))
            value = with_error(float(data[name]), float(data.get(f"{name}_stderr", math.nan)))
            lines.append(f"{symbol:>5} = {value} {units}".rstrip())
    if data.attrs["barostat"] != "None" and "density" in data:
        density = data["density"]
        lines.append(f"{'rho':>5} = {float(density.sum()):.4g} {density.attrs['units']}")
    closest, known = (float(data.attrs.get(name, math.nan)) for name in ("closest_pair", "tables_from"))
    if closest < known:
        lines.append(
            f"! a pair came to {closest:.4g}, where the table does not say U: it does from {known:.4g} on, its inner rule below"
        )
    return lines


def pace(data: xr.Dataset, seconds: float, rate: float | None) -> str:
    """Return how much was done, how fast and by what."""
    facts: Mapping[str, Any] = data.attrs
    speed = "" if rate is None else f", {rate:.0f} steps/s, {rate * facts['n'] / 1e6:.3g} million atom-steps/s"
    return f"{facts['steps_done']} steps of {facts['n']} particles, {clock(seconds)}{speed} ({facts['engine']})"
