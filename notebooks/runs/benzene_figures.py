"""The figures of paper 02, drawn from what the benzene_*.py runs have found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Array = npt.NDArray[np.float64]
ATOMS, OURS, PAPER, OTHER = "#222222", "#1f6fb4", "#d9772b", "#3a923a"
KELVIN = 0.0019872043  # kcal/mol


def rows_of(scan: xr.Dataset, **wanted: Any) -> xr.Dataset:
    """Return the rows of a scan whose settings are these."""
    keep = np.ones(scan.sizes["row"], dtype=bool)
    for name, value in wanted.items():
        keep &= np.isin(scan[name].values, value)
    return scan.isel(row=keep)


def traces(panel: Axes, rows: xr.Dataset, label: str, picosecond: float) -> None:
    """Draw temperatures of trials, one line a row, that end where a run broke down."""
    colors = plt.get_cmap("viridis")(np.linspace(0, 0.85, max(rows.sizes["row"], 2)))
    time = picosecond * (1 + np.arange(rows.sizes["sample"]))
    for color, (_, row) in zip(colors, rows.groupby("row"), strict=False):
        row = row.squeeze()
        panel.plot(
            time,
            row.trace / KELVIN,
            color=color,
            lw=1,
            label=label.format(**{n: row[n].item() for n in rows.data_vars if row[n].ndim == 0}),
        )
        if not bool(row.stable):
            last = int(np.isfinite(row.trace.values).sum())
            panel.plot(time[max(last - 1, 0)], 900, marker="x", color=color, ms=7, mew=2, clip_on=False)
    panel.axhline(300, color="0.7", lw=0.8, zorder=0)
    panel.set(xlabel="t / ps", ylabel="T / K", ylim=(0, 1000))


def structures(panel: Axes, rows: xr.Dataset, r: Array, label: str, name: str = "g") -> None:
    """Draw g(r) of trials, one line a row."""
    colors = plt.get_cmap("viridis")(np.linspace(0, 0.85, max(rows.sizes["row"], 2)))
    for color, (_, row) in zip(colors, rows.groupby("row"), strict=False):
        row = row.squeeze()
        panel.plot(
            r,
            row[name],
            color=color,
            lw=1,
            ls="-" if bool(row.stable) else ":",
            label=label.format(**{n: row[n].item() for n in rows.data_vars if row[n].ndim == 0}),
        )
    panel.set(xlabel="r / Å", ylabel="g(r)", xlim=(1.5 if name == "g" else 3, 12), ylim=(0, None))


def scan(rows: xr.Dataset, atoms: xr.Dataset, label: str, picosecond: float) -> Figure:
    """Draw temperatures and g(r) of the rows of a scan beside the atoms' (figs. 3.1, 3.2, 3.5 to 3.14)."""
    three = int(rows.beads[0]) == 3
    figure, axes = plt.subplots(1, 3 if three else 2, figsize=(11 if three else 8, 3), layout="constrained")
    traces(axes[0], rows, label, picosecond)
    r = atoms.r.values
    names = [("g", "beads"), ("center_g", "centers")] if three else [("g", "centers")]
    for panel, (name, of) in zip(axes[1:], names, strict=True):
        panel.plot(r, atoms[f"g_{of}"], color=ATOMS, lw=3, alpha=0.35, label="atoms")
        structures(panel, rows, r, label, name)
        panel.set_title(f"{of}; dotted: broke down", fontsize=9)
    axes[1].legend(fontsize=7, frameon=False)
    return figure


def losses(row: xr.Dataset, noise: float) -> Figure:
    """Draw the errors of a training by epoch, and the floor under them (fig. 3.3a)."""
    figure, (a, b) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
    epoch, history = 1 + np.arange(row.sizes["epoch"]), row.history.values
    a.plot(epoch, history[:, 0], color=OURS, ls="--", lw=1, label="learned from")
    a.plot(epoch, history[:, 1], color=OURS, label="held out")
    a.axhline(noise, color=ATOMS, lw=1, ls=":", label="noise: no potential of beads is below")
    a.set(xlabel="epoch", ylabel="rms force error / kcal mol$^{-1}$ Å$^{-1}$")
    a.legend(fontsize=7, frameon=False)
    b.plot(epoch, history[:, 2], color=PAPER)
    b.set(xlabel="epoch", ylabel="rms energy error a bead / kcal mol$^{-1}$", ylim=(0, None))
    return figure


def shown(
    models: xr.Dataset, atoms: xr.Dataset, names: Sequence[str], of: str = "centers", kelvin: float = 300.0
) -> Figure:
    """Draw g(r) of long runs over the atoms', with standard errors, and what they differ by."""
    figure, (a, b) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    known = f"g_{of}" + ("" if kelvin == 300 else "_hot")
    r, wanted, error = atoms.r.values, atoms[known].values, atoms[f"{known}_error"].values
    a.plot(r, wanted, color=ATOMS, lw=3, alpha=0.35, label="atoms")
    b.fill_between(r, -2 * error, 2 * error, color=ATOMS, alpha=0.25, lw=0, label="atoms, ± 2 standard errors")
    variable = "g" if of == "beads" else "center_g"
    for color, name in zip((PAPER, OURS, OTHER), names, strict=False):
        row = rows_of(models, model=name, motion=False, kelvin=kelvin, molecules=200).squeeze()
        g, g_error = row[variable].values, row[f"{variable}_error"].values
        a.plot(r, g, color=color, lw=1.2, label=name)
        b.plot(r, g - wanted, color=color, lw=1)
        b.fill_between(r, g - wanted - 2 * g_error, g - wanted + 2 * g_error, color=color, alpha=0.25, lw=0)
    a.set(xlabel="r / Å", ylabel=f"g(r), {of}, {kelvin:g} K", xlim=(2 if of == "beads" else 3, 12), ylim=(0, None))
    b.set(xlabel="r / Å", ylabel="g − g of atoms", xlim=a.get_xlim())
    a.legend(fontsize=7, frameon=False)
    b.legend(fontsize=7, frameon=False)
    return figure


def baselines(models: xr.Dataset, corrected: xr.Dataset, ibi: xr.Dataset, atoms: xr.Dataset, name: str) -> Figure:
    """Draw what g of centers differs by: of a network of forces, with a pair potential added, and of inversions of g."""
    figure, (a, b) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    r, wanted, error = atoms.r.values, atoms.g_centers.values, atoms.g_centers_error.values
    bare = rows_of(models, model=name, motion=False, kelvin=300.0, molecules=200).squeeze()
    for panel, curves in (
        (a, {"forces": (r, bare.center_g.values - wanted, PAPER), "forces and g": (r, corrected.check_g.values - wanted, OURS)}),
        (b, {str(m).upper(): (ibi.r.values, (ibi.g.sel(inversion=m, condition="free") - ibi.atoms_g).values, color)
             for m, color in zip(ibi.inversion.values, (OTHER, OURS), strict=True)}),
    ):  # fmt: skip
        panel.fill_between(r, -2 * error, 2 * error, color=ATOMS, alpha=0.25, lw=0, label="atoms, ± 2 standard errors")
        for label, (x, y, color) in curves.items():
            panel.plot(x, y, color=color, lw=1, label=label)
        panel.set(xlabel="r / Å", ylabel="g − g of atoms", xlim=(3, 12), ylim=(-0.15, 0.2))
        panel.legend(fontsize=7, frameon=False)
    return figure


def sizes(models: xr.Dataset, names: Sequence[str]) -> Figure:
    """Draw the energy of a molecule in systems of several sizes (fig. 3.4)."""
    figure, panel = plt.subplots(figsize=(5, 3), layout="constrained")
    for k, (color, name) in enumerate(zip((PAPER, OURS), names, strict=False)):
        rows = rows_of(models, model=name, motion=False, kelvin=300.0).sortby("molecules")
        panel.errorbar(
            np.arange(rows.sizes["row"]) + 0.08 * k,
            rows.energy,
            2 * rows.energy_error,
            fmt="o",
            ms=4,
            capsize=3,
            color=color,
            label=name,
        )
        panel.set_xticks(np.arange(rows.sizes["row"]), [f"{n}" for n in rows.molecules.values])
    panel.set(xlabel="molecules", ylabel="U a molecule / kcal mol$^{-1}$")
    panel.legend(fontsize=7, frameon=False)
    return figure


def motion(models: xr.Dataset, atoms: xr.Dataset, lag: Array) -> Figure:
    """Draw mean square displacements of centers, straight and in logarithms (fig. 3.3c)."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    rows = models.isel(row=models.motion.values.astype(bool))
    for panel in axes:
        panel.plot(
            atoms.time, atoms.msd, color=ATOMS, lw=3, alpha=0.35, label=f"atoms: D = {float(atoms.diffusion):.2f}"
        )
        for k in range(rows.sizes["row"]):
            row = rows.isel(row=k)
            panel.plot(lag, row.msd, lw=1.2, label=f"{row.model.item()}: D = {float(row.diffusion):.2f}")
        panel.set(xlabel="t / ps", ylabel="MSD / Å²")
    axes[0].set(xlim=(0, 15), ylim=(0, None))
    axes[1].set(xscale="log", yscale="log", xlim=(0.1, 15))
    axes[0].legend(fontsize=7, frameon=False, title="D in 10$^{-9}$ m²/s", title_fontsize=7)
    return figure


def kinds(rows: xr.Dataset) -> npt.NDArray[np.str_]:
    """Return what each trial came to, by the first peak of g of centers, 1.92 for the atoms."""
    peak = rows.center_g.values.max(axis=1)
    words = np.where(
        peak > 2.5, "frozen: g > 2.5", np.where(peak < 1.6, "washed out: g < 1.6", "a liquid as the atoms'")
    )
    return np.where(rows.stable.values.astype(bool), words, "broke down")


def stability(rows: xr.Dataset, one: str, other: str, panel: Axes) -> None:
    """Draw which settings ran and which broke down, and what ran became."""
    noise, each = np.random.default_rng(0), kinds(rows)
    marks = {
        "a liquid as the atoms'": (OURS, "o"),
        "frozen: g > 2.5": (PAPER, "s"),
        "washed out: g < 1.6": (OTHER, "^"),
        "broke down": (ATOMS, "x"),
    }
    for word, (color, mark) in marks.items():
        some = rows.isel(row=each == word)
        x, y = (_places(some[name].values, rows[name].values, noise) for name in (one, other))
        panel.scatter(x, y, c=color, marker=mark, s=28, label=word)
    for axis, name in (("x", one), ("y", other)):
        known = np.unique(rows[name].values)
        turned = {"rotation": 45, "fontsize": 8} if axis == "x" else {}
        getattr(panel, f"set_{axis}ticks")(np.arange(len(known)), [f"{k:g}" for k in known], **turned)
        getattr(panel, f"set_{axis}label")(
            {
                "energy_weight": "λ",
                "sigma": "σ / Å",
                "cutoff": "cutoff / Å",
                "exponent": "n",
                "stiffness": "k / kcal mol$^{-1}$ Å$^{-2}$",
            }[name]
        )


def _places(values: Array, known: Array, noise: np.random.Generator) -> Array:
    at: Mapping[float, int] = {value: k for k, value in enumerate(np.unique(known))}
    return np.array([at[v] for v in values]) + 0.12 * noise.normal(size=len(values)).clip(-2, 2)
