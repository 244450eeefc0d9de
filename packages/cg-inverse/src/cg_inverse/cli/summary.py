"""What a fit found, in a few lines, and several fits in a table."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr

from cg_sim.cli.progress import clock
from cg_sim.cli.summary import with_error

_ROUNDING = 1e-12  # of a density in a fixed volume, whose mean over frames is rounded
_HEADS = ("run", "method", "rounds", "D", "noise", "χ²/shell", "force evaluations", "time", "pressure")


def best(history: xr.Dataset) -> xr.Dataset:
    """Return the round that the potential is of."""
    return history.sel(iteration=history.attrs["best_iteration"])


def numbers_of(history: xr.Dataset) -> tuple[str, ...]:
    """Return method, rounds, D, its noise, χ², force evaluations, wall time and pressures."""
    here = best(history)
    pairs = zip(here["pressure"].values, here["pressure_stderr"].values, strict=True)
    return (
        history.attrs["method"], str(history.sizes["iteration"]), f"{float(here['residual']):.3g}",
        f"{float(here['noise']):.2g}", f"{float(here['chi2']):.2f}", f"{float(history['force_evaluations'].sum()):.3g}",
        clock(float(history["seconds"].sum())), ", ".join(with_error(float(p), float(e)) for p, e in pairs),
    )  # fmt: skip


def found_in(history: xr.Dataset) -> list[str]:
    """Return what was found, line by line."""
    method, rounds, residual, noise, chi2, evaluations, seconds, pressure = numbers_of(history)
    unit = str(history["pressure"].attrs["units"])
    return [
        f"{method}, {rounds} rounds, {seconds}: {history.attrs['reason'] or 'not finished'}",
        f"    D = {residual}  4πρ∫r²(g − g*)²dr in round {history.attrs['best_iteration'] + 1}, the best; {noise} of it is noise",
        f"  χ² = {chi2}  per shell",
        f"   P = {pressure} {unit}",
        *_densities(history),
        f"cost = {evaluations} force evaluations (particles × steps)",
    ]


def _densities(history: xr.Dataset) -> list[str]:
    """Return the density found, where the volume was free to follow."""
    here = best(history)
    if not float((here["density_found_stderr"] / here["density_found"]).max()) > _ROUNDING:
        return []
    pairs = zip(here["density_found"].values, here["density_found_stderr"].values, strict=True)
    found = ", ".join(with_error(float(rho), float(e)) for rho, e in pairs)
    wanted = ", ".join(f"{float(rho):.4g}" for rho in history["density"].values)
    return [f"   ρ = {found} {history['density_found'].attrs['units']}, the target's {wanted}"]


def table(names: Sequence[str], histories: Sequence[xr.Dataset]) -> list[str]:
    """Return fits side by side, a line each, aligned."""
    rows = [_HEADS, *((name, *numbers_of(h)) for name, h in zip(names, histories, strict=True))]
    widths = [max(len(row[k]) for row in rows) for k in range(len(_HEADS))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
