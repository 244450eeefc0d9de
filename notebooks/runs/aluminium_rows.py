"""The closing table of notebook 04: the quantities of paper 04 beside what the aluminium_*.py runs have found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import aluminium as al
import aluminium_fits as fitting
import aluminium_melting as melting
import numpy as np
import xarray as xr
from closing_table import Row

_FITS, _CHECKS, _SOLID, _TARGETS = (
    f"notebooks/runs/aluminium_{name}.py" for name in ("fits", "checks", "solid", "targets")
)
CONTACT = 2.4  # Å: nearer, experiments have pairs that are none, and w = g* is meant to leave them


def pick(table: xr.Dataset, correction: str, kelvin: int) -> xr.Dataset:
    """Return the run with a correction at a temperature."""
    found = table.isel(row=(table.correction.values == correction) & (table.temperature.values == kelvin))
    if found.sizes["row"] != 1:
        raise KeyError(f"{correction} at {kelvin} K: {found.sizes['row']} runs")
    return found.squeeze("row")


def has(table: xr.Dataset, correction: str, kelvin: int) -> bool:
    return bool(((table.correction.values == correction) & (table.temperature.values == kelvin)).any())


def misfit(run: xr.Dataset, goal: xr.DataArray, begins: float = 0.0) -> tuple[float, float]:
    """Return ∫(g − g*)²r²dr [Å³] of a run from `begins` [Å] to where g* ends, without what noise makes of it, and its standard error."""
    r = run.r.values
    inside = (r > begins) & (r < float(goal.r[-1]))
    weight = r[inside] ** 2 * al.WIDTH
    off, variance = (run.g.values - np.interp(r, goal.r, goal))[inside], run.g_stderr.values[inside] ** 2
    found = float(weight @ (off**2 - variance))
    return found, float(np.sqrt(weight**2 @ (4 * np.maximum(off**2 - variance, 0.0) * variance + 2 * variance**2)))


def peak(run: xr.Dataset) -> tuple[float, float]:
    """Return the height of the first peak and its standard error: the mean of the three shells about the largest."""
    at = int(np.argmax(run.g.values))
    near = slice(at - 1, at + 2)
    return float(run.g.values[near].mean()), float(np.sqrt((run.g_stderr.values[near] ** 2).sum()) / 3)


def target_peak(goal: xr.DataArray) -> float:
    at = int(goal.values.argmax())
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
    error, pull = (
        float(network[f"held_out_{name}"]) for name in ("energy_rmse_meV_per_atom", "force_rmse_eV_per_angstrom")
    )
    return [
        Row("fcc lattice constant, published ANI-Al, Å", "4.054", ani, "4.054 ± 0.003", abs(ani - 4.054) <= 0.003, unit="angstrom", command=command),
        Row("fcc lattice constant, HIP-NN of ANI-Al's labels, Å", "4.037 (of DFT)", hip, "within 0.02 of ANI-Al's", abs(hip - ani) <= 0.02, unit="angstrom", command=command),
        Row("HIP-NN: energy error on held-out labels, meV/atom", "4.1 (of DFT)", error, "≤ 4.1", error <= 4.1, unit="meV", seed="1", command=network["command"]),
        Row("HIP-NN: force error on held-out labels, eV/Å", "not printed", pull, "stated", True, unit="eV/angstrom", seed="1", command=network["command"]),
    ]  # fmt: skip


def of_structure(fits: xr.Dataset, checks: Mapping[str, xr.Dataset]) -> list[Row]:
    """Return how overstructured potentials are at every temperature, and what is left with corrections."""
    rows = []
    for kind, table in checks.items():
        command = f"{_CHECKS} WORK --potential {'ani:FOLDER' if kind == 'ANI-Al' else 'hipnn:FILE'}"
        for kelvin in al.TEMPERATURES:
            goal, bare = fitting.goal(fits, kelvin), pick(table, "none", kelvin)
            height, error = peak(bare)
            above = height - target_peak(goal)
            rows.append(Row(f"{kind}, {kelvin} K: first peak of g above the measured one", "overstructured (figs. 1, 3)", above, "> 0",
                            above > 2 * error, error, command=command))  # fmt: skip
        for kelvin in al.TEMPERATURES:
            goal = fitting.goal(fits, kelvin)
            for begins, label in ((0.0, ""), (CONTACT, f" from {CONTACT} Å on")):
                share, error = ratio(*(misfit(pick(table, name, kelvin), goal, begins) for name in ("none", "own")))
                rows.append(Row(f"{kind} + u, {kelvin} K: ∫(Δg)²r²dr{label}, how many times less", "matches by eye (fig. 1)", share, "≥ 10", share >= 10, error, command=command))  # fmt: skip
    return rows


def generations(fits: xr.Dataset, kinds: Sequence[str], kelvin: int) -> list[Row]:
    """Return how many generations are needed, and what corrections do below 2.5 Å."""
    rows, command = [], f"{_FITS} WORK --potential … --target TABLES"
    for kind in kinds:
        row = fitting.every(fits, kind, f"paper-{kelvin}")
        left = row.residual.values - row.noise.values
        needed = int(np.argmax(left < left[0] / 10)) if (left < left[0] / 10).any() else None
        rows.append(Row(f"{kind}, {kelvin} K: generations to a tenth of ∫(Δg)²r²dr, noise taken off, α = {fits.attrs['alpha']}", "15 with α = 2e-4", needed, "< 15", needed is not None and needed < 15, command=command))  # fmt: skip
        rows.append(Row(f"{kind}, {kelvin} K: ∫(Δg)²r²dr, how many times less after {len(left) - 1} corrections, in the fit itself", "matches by eye (fig. 1)", left[0] / left[-1], "≥ 10", left[0] >= 10 * left[-1], command=command))  # fmt: skip
    kind, core = kinds[0], {}
    for name in ("paper", "ibi"):
        row = fitting.every(fits, kind, f"{name}-{kelvin}")
        inside = (row.r.values < 2.5) & (row.r.values > float(row.r[int(row.begins)]))
        core[name] = 1000 * float(np.abs(row.u.isel(round=-1).values[inside]).max())
    for name, label, paper in (("paper", "w = g*", "small"), ("ibi", "w = 1", "large (fig. 2)")):
        rows.append(Row(f"{kind}: largest |u| below 2.5 Å after 15 generations, {label}, meV", paper, core[name], "wIBI below IBI", core["paper"] < core["ibi"], unit="meV", command=command))  # fmt: skip
    return rows


def of_corrections(fits: xr.Dataset) -> list[Row]:
    """Return how alike corrections are: of two potentials, and of two boxes; and whether they grow with temperature."""
    rows, command = [], f"{_FITS} WORK --potential … --target TABLES"
    for kelvin in al.TEMPERATURES:
        found = [fitting.best(fits, kind, f"paper-{kelvin}") for kind in ("ANI-Al", "HIP-NN")]
        rows.append(Row(f"correlation of u for ANI-Al and for HIP-NN, {kelvin} K", "alike by eye (fig. 3)", alike(*found), "stated", alike(*found) > 0.5, command=command))  # fmt: skip
    boxes = [fitting.best(fits, "HIP-NN", name) for name in ("paper-1023", "large-1023")]
    rows.append(Row("correlation of u of HIP-NN in 256 atoms to 8 Å and in 500 to 10 Å, 1023 K", "2 048 atoms", alike(*boxes), "stated", alike(*boxes) > 0.9, command=command))  # fmt: skip
    for kind in ("ANI-Al", "HIP-NN"):
        sizes = [size(fitting.best(fits, kind, f"paper-{t}")) for t in (1023, 1323)]
        rows.append(Row(f"{kind}: rms of u from 2.5 Å on at 1323 K over that at 1023 K", "larger at higher T (fig. 3)", sizes[1] / sizes[0], "> 1", sizes[1] > sizes[0], command=command))  # fmt: skip
    return rows


def size(row: xr.Dataset) -> float:
    """Return the root mean square of u [eV] where there are pairs."""
    shown = (row.r.values > 2.5) & (row.r.values < 8.0)
    return float(np.sqrt(np.mean(row.u.values[shown] ** 2)))


def of_motion(checks: Mapping[str, xr.Dataset]) -> list[Row]:
    """Return whether D and the density move towards experiment at every temperature; by u led to the density, where there is one."""
    rows, labels = [], {"own": ("u", "towards experiment (figs. 4, 5)"), "dense": ("u led to the density", "not done")}
    for kind, table in checks.items():
        atoms, command = int(table.attrs["atoms"]), f"{_CHECKS} WORK --potential …"
        for kelvin, (name, (label, paper)) in product(al.TEMPERATURES, labels.items()):
            if not has(table, name, kelvin):
                continue
            bare, own = (pick(table, n, kelvin) for n in ("none", name))
            for quantity, unit, wanted, values, error in (
                ("D, Å²/ps", "angstrom^2/ps", al.diffusion_measured(kelvin), [endless(run, kelvin, atoms) for run in (bare, own)], float(own.diffusion_stderr)),
                ("density, g/cm³", "g/cm**3", al.GRAMS * al.density_measured(kelvin), [al.GRAMS * float(run.density) for run in (bare, own)], al.GRAMS * float(own.density_stderr)),
            ):  # fmt: skip
                without, with_u = values
                rows.append(Row(f"{kind} + {label}, {kelvin} K: {quantity} (bare {without:.3f}, measured {wanted:.3f})", paper, with_u, "nearer than bare",
                                abs(with_u - wanted) < abs(without - wanted), error, unit, command=command))  # fmt: skip
    return rows


def of_density(fits: xr.Dataset, kind: str, kelvins: Sequence[int]) -> list[Row]:
    """Return what FixedDensity reaches, and what it costs in g."""
    rows, command = [], f"{_FITS} WORK --potential hipnn:FILE --target TABLES --fits dense-T"
    for kelvin in kelvins:
        found, plain = (
            fitting.every(fits, kind, f"{name}-{kelvin}").isel(round=slice(-3, None)) for name in ("dense", "paper")
        )
        wanted, density = al.GRAMS * al.density_measured(kelvin), al.GRAMS * float(found.density.mean())
        error = al.GRAMS * float(np.sqrt((found.density_stderr.values**2).sum()) / 3)
        left, alone = (float((run.residual - run.noise).mean()) for run in (found, plain))
        rows.append(Row(f"{kind} + u led to the density, {kelvin} K: g/cm³, last three generations (measured {wanted:.3f} ± 0.7 %)", "not done", density, "within 0.7 %",
                        abs(density / wanted - 1) < 0.007, error, "g/cm**3", command=command))  # fmt: skip
        rows.append(Row(f"{kind}, {kelvin} K: what is left of ∫(Δg)²r²dr, noise taken off, over that of eq. 1 alone", "not done", left / alone, "≤ 1.5", left <= 1.5 * alone, command=command))  # fmt: skip
    return rows


def of_melting(found: xr.Dataset) -> list[Row]:
    """Return the melting point without and with the correction of the hottest liquid."""
    rows, kind = [], found.attrs["potential"]
    for correction, label, paper in (
        ("none", "", "920 ± 5 (ANI-Al)"),
        ("paper-1323", " + u(1323 K)", "905 ± 5 (ANI-Al)"),
    ):
        mine = found.isel(row=found.correction.values == correction)
        kelvin, half = melting.melting_point(mine) or (None, None)
        dense = al.GRAMS * float(mine.density[int(mine.temperature.values.argmin())].mean())
        label += (
            ""
            if kelvin
            else f" (none: at {int(mine.temperature.min())} K it is {dense:.2f} g/cm³, molten before it is watched)"
        )
        rows.append(Row(f"{kind}{label}: melting point, {found.attrs['atoms']} atoms, between two runs, K", paper, kelvin, "stated, with its cost", kelvin is not None, half, "K",
                        command=found.attrs["command"], minutes=float(mine.seconds.sum()) / 60))  # fmt: skip
    return rows


def endless(run: xr.Dataset, kelvin: int, atoms: int) -> float:
    """Return D [Å²/ps] freed of the box's size (Yeh and Hummer)."""
    return float(run.diffusion) + al.slowed(kelvin, float(run.density), atoms)


def of_transfer(fits: xr.Dataset, table: xr.Dataset) -> list[Row]:
    """Return what corrections do at temperatures where they were not fitted."""
    rows, kind = [], table.attrs["potential"]
    for kelvin in (1023, 1148, 1198):
        goal = fitting.goal(fits, kelvin)
        bare = misfit(pick(table, "none", kelvin), goal)
        for correction, label in (
            ("between", "held out, u(r; T) between 943 and 1323 K"),
            ("both", "held out, one u fitted at 943 and 1323 K"),
            ("own", "u fitted there"),
        ):
            share, error = ratio(misfit(pick(table, correction, kelvin), goal), bare)
            rows.append(Row(f"{kind}, {kelvin} K: share of ∫(Δg)²r²dr that is left, {label}", "future work", share, "< 0.25", share < 0.25, error,
                            command=f"{_CHECKS} WORK --potential ani:FOLDER"))  # fmt: skip
    return rows


def of_solid(solid: xr.Dataset, kinds: Sequence[str]) -> list[Row]:
    """Return the lattice constants of crystals with corrections of the liquid."""
    rows = []
    for kind in kinds:
        mine = solid.isel(row=solid.potential.values == kind)
        bare = float(mine.lattice[mine.correction.values == "none"].item())
        for kelvin in (1023, 1323):
            a, spread = (
                float(mine[name][mine.correction.values == f"paper-{kelvin}"].item()) for name in ("lattice", "spread")
            )
            rows.append(Row(f"{kind} + u({kelvin} K): fcc lattice constant, Å (bare {bare:.3f}, measured 4.046)", "worse than bare (text)", a, "stated", True, spread, "angstrom",
                            command=f"{_SOLID} --potential ani:FOLDER hipnn:FILE"))  # fmt: skip
    return rows
