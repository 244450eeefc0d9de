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
    return found, float(np.sqrt(weight**2 @ (4 * np.maximum(off**2 - variance, 0.0) * variance + 2 * variance**2)))


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


def of_potentials(solid: xr.Dataset, network: Mapping[str, Any]) -> list[Row]:
    """Return what the bare potentials are: crystals, and how well HIP-NN knows its labels."""
    command = f"{_SOLID} --potential ani:FOLDER hipnn:FILE"
    ani, hip = (float(solid.lattice[(solid.potential.values == kind) & (solid.correction.values == "none")].item()) for kind in ("ANI-Al", "HIP-NN"))  # fmt: skip
    error = 1000 * float(network["energy_rmse"])
    return [
        Row("fcc lattice constant, published ANI-Al, Å", "4.054", ani, "4.054 ± 0.003", abs(ani - 4.054) <= 0.003, unit="angstrom", command=command),
        Row("fcc lattice constant, HIP-NN of ANI-Al's labels, Å", "4.037 (of DFT)", hip, "within 0.02 of ANI-Al's", abs(hip - ani) <= 0.02, unit="angstrom", command=command),
        Row("HIP-NN: energy error on held-out labels, meV/atom", "4.1 (of DFT)", error, "≤ 4.1", error <= 4.1, unit="meV", seed=str(network["seed"]), command=network["command"]),
        Row("HIP-NN: force error on held-out labels, eV/Å", "not printed", float(network["force_rmse"]), "stated", True, unit="eV/angstrom", seed=str(network["seed"]), command=network["command"]),
    ]  # fmt: skip


def of_structure(checks: Mapping[str, xr.Dataset]) -> list[Row]:
    """Return how overstructured potentials are at every temperature, and what is left with corrections."""
    rows = []
    for kind, table in checks.items():
        command = f"{_CHECKS} WORK --potential {'ani:FOLDER' if kind == 'ANI-Al' else 'hipnn:FILE'}"
        for kelvin in al.TEMPERATURES:
            bare, goal = pick(table, "none", kelvin), target_peak(kelvin)
            height, error = peak(bare)
            rows.append(Row(f"{kind}, {kelvin} K: first peak of g above the surrogate's", "overstructured (figs. 1, 3)", height - goal, "> 0",
                            height - goal > 2 * error, error, command=command))  # fmt: skip
        for kelvin in al.TEMPERATURES:
            for correction, label, paper in (
                ("own", "Gauss–Newton", "not done"),
                ("paper", "eq. 1, 15 generations", "matches by eye (fig. 1)"),
            ):
                if not has(table, correction, kelvin):
                    continue
                share, error = ratio(
                    misfit(pick(table, "none", kelvin), kelvin), misfit(pick(table, correction, kelvin), kelvin)
                )
                rows.append(Row(f"{kind}, {kelvin} K: ∫(Δg)²r²dr, how many times less by {label}", paper, share, "≥ 10", share >= 10, error, command=command))  # fmt: skip
    return rows


def generations(fits: xr.Dataset, kind: str, kelvin: int) -> list[Row]:
    """Return how many generations eq. 1 and Gauss–Newton need, and what they do below 2.5 Å."""
    rows, command = [], f"{_FITS} WORK --potential ani:FOLDER --fits paper-{kelvin} ibi-{kelvin} newton-{kelvin}"
    left = {}
    for name in ("paper", "newton"):
        row = fits.isel(
            fit=int(np.flatnonzero((fits.potential.values == kind) & (fits.name.values == f"{name}-{kelvin}"))[0])
        )
        left[name] = (row.residual.values - row.noise.values)[: int(row.done)]
    goal = float(np.min(left["paper"][-5:]))
    fewer = int(np.argmax(left["newton"] <= goal)) if (left["newton"] <= goal).any() else None
    needed = int(np.argmax(left["paper"] <= goal))
    rows.append(Row(f"generations of Gauss–Newton to the residual that eq. 1 has after {needed} ({kelvin} K)", "15 of eq. 1", fewer, f"< {needed}",
                    fewer is not None and fewer < needed, command=command))  # fmt: skip
    core = {}
    for name in ("paper", "ibi"):
        row = fits.isel(
            fit=int(np.flatnonzero((fits.potential.values == kind) & (fits.name.values == f"{name}-{kelvin}"))[0])
        )
        inside = (row.r.values < 2.5) & (row.r.values > 1.0)
        core[name] = 1000 * float(np.abs(row.u.isel(round=int(row.done) - 1).values[inside]).max())
    for name, label, paper in (("paper", "w = g*", "small"), ("ibi", "w = 1", "large (fig. 2)")):
        rows.append(Row(f"largest |u| below 2.5 Å after 15 generations, {label}, meV", paper, core[name], "wIBI below IBI", core["paper"] < core["ibi"], unit="meV", command=command))  # fmt: skip
    return rows


def of_corrections(fits: xr.Dataset) -> list[Row]:
    """Return how alike corrections are: of two potentials, and of two boxes."""
    rows = []
    for kelvin in al.TEMPERATURES:
        found = [fitting.best(fits, kind, f"newton-{kelvin}") for kind in ("ANI-Al", "HIP-NN")]
        rows.append(Row(f"correlation of u for ANI-Al and for HIP-NN, {kelvin} K", "alike by eye (fig. 3)", alike(*found), "stated", alike(*found) > 0.5,
                        command=f"{_FITS} WORK --potential …"))  # fmt: skip
    return rows


def of_motion(checks: Mapping[str, xr.Dataset]) -> list[Row]:
    """Return whether D and the density move towards the surrogate's at every temperature."""
    rows, goal = [], al.surrogate()
    names = {
        "diffusion": ("D in 256 atoms, Å²/ps", "angstrom^2/ps", 1.0),
        "density": ("density, g/cm³", "g/cm**3", al.GRAMS),
    }
    for kind, table in checks.items():
        for name, (label, unit, scale) in names.items():
            for kelvin in al.TEMPERATURES:
                wanted = goal[name].sel(temperature=kelvin)
                wanted = float(wanted.sel(atoms=256) if "atoms" in wanted.dims else wanted) * scale
                bare, own = (scale * float(pick(table, c, kelvin)[name]) for c in ("none", "own"))
                error = scale * float(pick(table, "own", kelvin)[f"{name}_stderr"])
                rows.append(Row(f"{kind} + u, {kelvin} K: {label} (bare {bare:.3f}, surrogate {wanted:.3f})", "towards experiment (figs. 4, 5)", own, "nearer than bare",
                                abs(own - wanted) < abs(bare - wanted), error, unit, command=f"{_CHECKS} WORK --potential …"))  # fmt: skip
    return rows


def of_transfer(table: xr.Dataset, solid: xr.Dataset) -> list[Row]:
    """Return what corrections do where they were not fitted: between temperatures, and in the crystal."""
    rows, kind = [], table.attrs["potential"]
    for kelvin in (1148, 1198):
        bare = misfit(pick(table, "none", kelvin), kelvin)
        for correction, label in (
            ("between", "u(r; T) between 1023 and 1323 K"),
            ("both", "one u fitted at 1023 and 1323 K"),
            ("own", "u fitted there"),
        ):
            share, error = ratio(misfit(pick(table, correction, kelvin), kelvin), bare)
            rows.append(Row(f"{kind}, {kelvin} K, held out: share of ∫(Δg)²r²dr that is left, {label}", "future work", share, "< 0.25", share < 0.25, error,
                            command=f"{_CHECKS} WORK --potential ani:FOLDER"))  # fmt: skip
    mine = solid.isel(row=solid.potential.values == kind)
    bare_a = float(mine.lattice[mine.correction.values == "none"].item())
    for kelvin in (1023, 1323):
        a = float(mine.lattice[mine.correction.values == f"newton-{kelvin}"].item())
        rows.append(Row(f"{kind} + u({kelvin} K): fcc lattice constant, Å (bare {bare_a:.3f})", "worse than bare (text)", a, "stated", True, unit="angstrom",
                        command=f"{_SOLID} --potential ani:FOLDER"))  # fmt: skip
    return rows
