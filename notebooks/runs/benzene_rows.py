"""The closing table of notebook 02: the quantities of paper 02 beside what the benzene_*.py runs have found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from benzene_figures import kinds, rows_of
from closing_table import Row

Array = npt.NDArray[np.float64]
EXPERIMENT = 0.8717  # g/cm³ at 300 K and 1 atm: 0.8737 at 298.15 K, falling by 1.07e-3 a kelvin
MEASURED_D = 2.3  # 1e-9 m²/s at 300 K, by spin echo: 2.2 at 298 K, growing by 1.6 % a kelvin
_SCAN, _MODELS, _REFERENCE = (f"notebooks/runs/benzene_{name}.py" for name in ("scan", "models", "reference"))
_ONE, _THREE = f"{_SCAN} WORK --scan one --epochs 10", f"{_SCAN} WORK --scan three"
_TABLES = f"{_SCAN} WORK --scan tables --rows 24 --frames 300 100 --epochs 6"
NAMES = ("1 bead, λ = 0.1", "1 bead, λ = 0, prior of data", "3 beads, λ = 0.1", "3 beads, λ = 0, priors of data")
_BAND = (1.8, 2.8)  # Å: where the paper's σ = 2 Å has a peak that the atoms have not


def peak(
    r: Array, g: Array, error: Array, *, span: float = 0.5, seed: int = 0
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return position and height of the first peak, by a cubic through what is within `span`, each with its standard error.

    >>> r = np.linspace(3, 9, 121)
    >>> (at, _), (height, _) = peak(r, 1 + np.exp(-((r - 5.2) ** 2)), np.full(121, 1e-3))
    >>> round(at, 2), round(height, 2)
    (5.2, 2.0)
    """
    noise, about = np.random.default_rng(seed), float(r[np.argmax(g)])
    near = np.abs(r - about) <= span
    fine = np.linspace(about - span, about + span, 1001)
    found = []
    for k in range(101):
        values = g[near] + (error[near] * noise.normal(size=near.sum()) if k else 0.0)
        curve = np.polyval(np.polyfit(r[near] - about, values, 4), fine - about)
        found.append((float(fine[np.argmax(curve)]), float(curve.max())))
    at, height = np.array(found).T
    return (at[0], float(at[1:].std(ddof=1))), (height[0], float(height[1:].std(ddof=1)))


def mse(row: xr.Dataset, atoms: xr.Dataset, of: str) -> tuple[float, float]:
    """Return ⟨(g − g of atoms)²⟩ up to 12 Å, and what of it is the noise of both."""
    name = "g" if of == "beads" else "center_g"
    difference = row[name].values - atoms[f"g_{of}"].values
    noise = row[f"{name}_error"].values ** 2 + atoms[f"g_{of}_error"].values ** 2
    return float((difference**2).mean()), float(noise.mean())


def long_run(models: xr.Dataset, name: str, **more: Any) -> xr.Dataset:
    """Return the run of a network at 300 K, of as many molecules as the data."""
    wanted = {"model": name, "motion": False, "kelvin": 300.0, "molecules": 200} | more
    return rows_of(models, **wanted).squeeze()


def highest(g: Array, r: Array) -> Array:
    """Return the largest g of beads where the paper has a peak and the atoms have nothing."""
    return np.asarray(g[..., (r >= _BAND[0]) & (r <= _BAND[1])].max(axis=-1))


def of_liquid(atoms: xr.Dataset, noise: Mapping[str, Mapping[str, float]]) -> list[Row]:
    """Return what the atoms are, and the noise of forces on beads."""
    share = {name: (found["noise"] / found["whole"]) ** 2 for name, found in noise.items()}
    return [
        Row("density at 300 K, 1 atm, g/cm³ (experiment 0.8717)", "not printed", float(atoms.density), "stated",
            True, float(atoms.density_error), "g/cm**3", seed="1", command=_REFERENCE),
        Row("1 bead: share of the variance of forces that is noise", "not printed", share["1 basic"], "printed beside every loss",
            True, seed="1-4", command="notebooks/runs/benzene_noise.py"),
        Row("3 beads: the same, forces summed as in the paper", "not printed", share["3 basic"], "printed beside every loss",
            True, seed="1-4", command="notebooks/runs/benzene_noise.py"),
        Row("3 beads: the same, with the map of least noise", "not in the paper", share["3 optimal"], "less",
            share["3 optimal"] < share["3 basic"], seed="1-4", command="notebooks/runs/benzene_noise.py"),
    ]  # fmt: skip


def verdicts(rows: xr.Dataset, name: str, quantity: str, paper: Mapping[float, bool], where: str) -> list[Row]:
    """Return a row for every setting whose stability the paper tells: the share of the trial that went well."""
    found = []
    for value, stable in paper.items():
        row = rows_of(rows, **{name: value}).squeeze()
        found.append(Row(f"{quantity.format(value)}: share of the trial that ran", f"{'stable' if stable else 'unstable'} ({where})",
                         float(row.lasted), "as in the paper", bool(row.stable) == stable, command=_ONE if int(row.beads) == 1 else _THREE,
                         minutes=float(row.seconds) / 60))  # fmt: skip
    return found


def of_structure(models: xr.Dataset, atoms: xr.Dataset, name: str, of: str, paper: str) -> list[Row]:
    """Return how g of a network's liquid differs from the atoms'."""
    row = long_run(models, name)
    variable = "g" if of == "beads" else "center_g"
    square, noise = mse(row, atoms, of)
    common = {"command": _MODELS, "seed": "1", "minutes": float(row.minutes)}
    return [
        Row(f"{name}: MSE of g of {of} (noise of it {noise:.1e})", paper, square, "a number", True, **common),
        *of_peak(f"{name}: first peak of {of}", paper, row[variable].values, row[f"{variable}_error"].values, atoms, of, **common),
    ]  # fmt: skip


def of_peak(words: str, paper: str, g: Array, error: Array, atoms: xr.Dataset, of: str, **common: Any) -> list[Row]:
    """Return how far the first peak of g is from the atoms', in place and in height."""
    r = atoms.r.values
    (wanted_at, wanted_at_error), (wanted, wanted_error) = peak(
        r, atoms[f"g_{of}"].values, atoms[f"g_{of}_error"].values
    )
    (at, at_error), (height, height_error) = peak(r, g, error)
    shift, high = float(at - wanted_at), float(height / wanted - 1)
    return [
        Row(f"{words}, shift", paper, shift, "± 0.05 Å", abs(shift) <= 0.05, float(np.hypot(at_error, wanted_at_error)), "angstrom", **common),
        Row(f"{words}, relative height − 1", paper, high, "± 0.03", abs(high) <= 0.03,
            float(np.hypot(height_error / height, wanted_error / wanted)), **common),
    ]  # fmt: skip


def of_sizes(models: xr.Dataset, name: str) -> Row:
    """Return the largest difference of the energy of a molecule between sizes, in standard errors of the difference."""
    rows = rows_of(models, model=name, motion=False, kelvin=300.0)
    u, error = rows.energy.values, rows.energy_error.values
    far = max(abs(u[a] - u[b]) / np.hypot(error[a], error[b]) for a in range(len(u)) for b in range(a))
    return Row(f"{name}: U a molecule at 200, 500, 1000 molecules, largest difference / its error", "same (fig. 3.4)",
               float(far), "≤ 2 standard errors", bool(far <= 2), command=_MODELS, seed="1", minutes=float(rows.minutes.sum()))  # fmt: skip


def of_heat(models: xr.Dataset, atoms: xr.Dataset, name: str) -> Row:
    """Return how g of a network of 300 K differs from the atoms' at 350 K, in the same volume."""
    row = long_run(models, name, kelvin=350.0)
    square = float(((row.center_g.values - atoms.g_centers_hot.values) ** 2).mean())
    noise = float((row.center_g_error.values**2 + atoms.g_centers_hot_error.values**2).mean())
    home, _ = mse(long_run(models, name), atoms, "centers")
    return Row(f"{name}: MSE of g of centers at 350 K (noise of it {noise:.1e}; {home:.1e} at 300 K)", "tried, not shown", square, "as at 300 K",
               square <= 1.5 * home, command=_MODELS, seed="1")  # fmt: skip


def of_motion(models: xr.Dataset, atoms: xr.Dataset, name: str) -> Row:
    """Return D of a network's liquid beside the atoms'."""
    row = long_run(models, name, motion=True)
    return Row(f"{name}: D / 1e-9 m²/s (atoms {float(atoms.diffusion):.2f} ± {float(atoms.diffusion_error):.2f})", "MSD linear (fig. 3.3c)",
               float(row.diffusion), "D with error beside the atoms'", True, float(row.diffusion_error), "1e-9*m**2/s",
               command=_MODELS, seed="1", minutes=float(row.minutes))  # fmt: skip


def told(rows: xr.Dataset, *settings: str) -> None:
    """Print how the trials of a scan went."""
    for k in range(rows.sizes["row"]):
        row = rows.isel(row=k)
        where = ", ".join(f"{name} {row[name].item()}" for name in settings)
        print(f"{where}: {'stable' if row.stable else 'broke down'} ({float(row.lasted):.0%}), T = {float(row.kT) / 0.0019872043:.0f} K, closest {float(row.closest):.2f} Å,"
              f" force error {float(row.force_error):.3f}, energy error a bead {float(row.energy_error):.3f}")  # fmt: skip


def lags(models: xr.Dataset) -> Array:
    """Return the times [ps] of the MSD of long runs."""
    return 0.1 * np.arange(models.sizes["lag"])


def of_cutoffs(one: xr.Dataset, three: xr.Dataset) -> list[Row]:
    """Return what ran and what broke down in figs. 3.1, 3.2, 3.11 and 3.13."""
    lambdas = rows_of(one, exponent=7, sigma=5.0, cutoff=8.0, envelope="smooth")
    cutoffs = rows_of(one, exponent=6, sigma=5.0, energy_weight=1.0, envelope="smooth")
    found = verdicts(lambdas, "energy_weight", "1 bead, λ = {:g}", {0.0: False, 0.1: True}, "fig. 3.1")
    found += verdicts(cutoffs, "cutoff", "1 bead, cutoff {:g} Å", {6.0: False, 8.0: True, 9.0: True}, "fig. 3.2")
    for sigma, figure in ((3.0, "fig. 3.11"), (4.0, "fig. 3.13")):
        some = rows_of(three, exponent=6, sigma=sigma, stiffness=1000.0, envelope="smooth")
        words = f"3 beads, σ = {sigma:g} Å, λ = {{:g}}"
        found += verdicts(some, "energy_weight", words, {0.0: False, 0.01: False, 0.1: True, 1.0: True}, figure)
    return found


def of_peaks(three: xr.Dataset, r: Array) -> list[Row]:
    """Return how high g of beads is where the atoms have nothing, over σ (fig. 3.10)."""
    some = rows_of(three, exponent=6, energy_weight=0.1, stiffness=1000.0, envelope="smooth").sortby("sigma")
    words = {True: "none (σ ≥ 3)", False: "a peak"}
    return [Row(f"3 beads, σ = {sigma:g} Å: largest g of beads from 1.8 to 2.8 Å", words[sigma >= 3], float(height), "below 0.06 for σ ≥ 3",
                (height < 0.06) == (sigma >= 3), command=_THREE)
            for sigma, height in zip(some.sigma.values.tolist(), highest(some.g.values, r).tolist(), strict=True)]  # fmt: skip


def of_campaigns(tables: xr.Dataset) -> list[Row]:
    """Return how many settings of tables 3.1 and 3.2 were tried, and how many of them ran."""
    found = []
    for per, table in ((1, "table 3.1"), (3, "table 3.2")):
        rows = rows_of(tables, beads=per)
        good = int((kinds(rows) == "a liquid as the atoms'").sum())
        found.append(Row(f"settings of {table}: share that ran, of {rows.sizes['row']} ({good} as a liquid like the atoms')", "> 150 runs", float(rows.stable.mean()),
                         "one resumable command", True, command=_TABLES, minutes=float(rows.seconds.sum()) / 60))  # fmt: skip
    return found


def of_pressure(models: xr.Dataset, name: str) -> Row:
    """Return the virial pressure of a network's liquid in the volume where the atoms have 1 atm."""
    row = long_run(models, name)
    return Row(f"{name}: pressure in the atoms' volume / atm", "not printed (atoms: 1)", float(row.pressure), "reported", True,
               float(row.pressure_error), "atm", command=_MODELS, seed="1")  # fmt: skip


def of_both(corrected: xr.Dataset, atoms: xr.Dataset) -> list[Row]:
    """Return what g of a network of forces comes to when a pair potential is added for it."""
    best, first = corrected.isel(round=int(np.argmin(corrected.mean_square.values))), corrected.isel(round=0)
    common = {"command": "notebooks/runs/benzene_corrected.py", "seed": "100"}
    words = f"1 bead, forces and g (force error {float(best.force_error):.3f}, was {float(first.force_error):.3f})"
    off = float(((corrected.check_g.values - atoms.g_centers.values) ** 2).mean())
    noise = float((corrected.check_g_error.values**2 + atoms.g_centers_error.values**2).mean())
    square = Row(f"{words}: MSE of g of centers (noise of it {noise:.1e})", "not in the paper", off,
                 f"below that of forces alone, {float(first.mean_square):.1e}", bool(off < first.mean_square), **common)  # fmt: skip
    pressure = Row("1 bead, forces and g: pressure in the atoms' volume / atm", "not in the paper", float(corrected.pressure), "reported", True,
                   float(corrected.pressure_error), "atm", **common)  # fmt: skip
    return [square, *of_peak("1 bead, forces and g: first peak of centers", "by eye (fig. 3.3)", corrected.check_g.values, corrected.check_g_error.values, atoms, "centers", **common), pressure]  # fmt: skip


def of_ibi(ibi: xr.Dataset) -> list[Row]:
    """Return what inversion of g alone comes to."""
    found = []
    for method in ibi.inversion.values:
        for condition in ibi.condition.values:
            fit = ibi.sel(inversion=method, condition=condition)
            words = f"{str(method).upper()}, {'free' if condition == 'free' else 'held at 1 atm'}"
            found.append(Row(f"{words}: MSE of g of centers (noise of it {float(fit.mean_squared_noise):.1e})", "not in the paper",
                             float(fit.mean_squared_difference), "the baseline for structure", True, seed="11",
                             command="notebooks/runs/benzene_ibi.py", minutes=float(fit.fit_seconds) / 60))  # fmt: skip
    return found


def all_rows(atoms: xr.Dataset, noise: Mapping[str, Mapping[str, float]], one: xr.Dataset, three: xr.Dataset, models: xr.Dataset,
             tables: xr.Dataset, corrected: xr.Dataset, ibi: xr.Dataset) -> list[Row]:  # fmt: skip
    """Return the whole table."""
    rows = [*of_liquid(atoms, noise), *of_cutoffs(one, three), *of_peaks(three, atoms.r.values)]
    for name in NAMES:
        rows += of_structure(models, atoms, name, "centers", "by eye (fig. 3.3)" if name == NAMES[0] else "by eye")
        if name[0] == "3":
            rows += of_structure(models, atoms, name, "beads", "by eye")
        rows += [of_motion(models, atoms, name), of_pressure(models, name)]
    rows += [of_sizes(models, NAMES[0]), *(of_heat(models, atoms, name) for name in NAMES[:2])]
    return [*rows, *of_both(corrected, atoms), *of_ibi(ibi), *of_campaigns(tables)]
