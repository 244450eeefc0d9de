"""The figures of paper 04, drawn from what the aluminium_*.py runs have found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import aluminium as al
import aluminium_fits as fitting
import aluminium_melting as melting
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

TARGET, BARE, OURS, OTHER = "#222222", "#d9772b", "#1f6fb4", "#3a923a"
COLORS = {943: "#26287a", 1023: "#3b4cc0", 1148: "#7b9ff9", 1198: "#ee8468", 1323: "#b40426"}
EXPERIMENT = "experiment"
LINES = {"ANI-Al": "-", "HIP-NN": "--"}


def _target(panel: Axes, fits: xr.Dataset, kelvin: int) -> None:
    found = fitting.goal(fits, kelvin)
    panel.plot(found.r, found, color=TARGET, lw=4, alpha=0.35, label=EXPERIMENT)


def generations(fits: xr.Dataset, kind: str, name: str, kelvin: int) -> Figure:
    """Draw g(r) of the first and the last generation beside the target (fig. 1)."""
    row = fitting.every(fits, kind, name)
    figure, panel = plt.subplots(figsize=(5.2, 3.4), layout="constrained")
    _target(panel, fits, kelvin)
    last = int(row.done) - 1
    for number, color, label in ((0, BARE, f"{kind}, t = 0"), (last, OURS, f"t = {last}")):
        panel.plot(row.r, row.g.isel(round=number), color=color, lw=1.3, label=label)
    panel.set(xlabel="r / Å", ylabel="g(r)", xlim=(2, 8), ylim=(0, None), title=f"{kelvin} K")
    panel.legend(frameon=False)
    return figure


def weights(fits: xr.Dataset, kind: str, kelvin: int, names: Sequence[str] = ("paper", "ibi")) -> Figure:
    """Draw corrections and what is left of g, generation by generation, with w = g* and with w = 1 (fig. 2)."""
    figure, axes = plt.subplots(2, len(names), figsize=(8, 5), sharex=True, sharey="row", layout="constrained")
    for column, name in zip(axes.T, names, strict=True):
        row = fitting.every(fits, kind, f"{name}-{kelvin}")
        colors = plt.get_cmap("viridis")(np.linspace(0, 0.9, int(row.done)))
        for k, color in enumerate(colors):
            column[0].plot(row.r, 1000 * row.u.isel(round=k), color=color, lw=1)
            column[1].plot(row.r, row.delta.isel(round=k), color=color, lw=0.8)
        column[0].set(title={"paper": "wIBI: w = g*", "ibi": "IBI: w = 1"}[name], xlim=(2, 8))
        column[1].set(xlabel="r / Å")
        column[0].axvspan(2.0, 2.5, color="0.93", zorder=0)
    axes[0, 0].set(ylabel="u / meV")
    axes[1, 0].set(ylabel="g − g*")
    figure.colorbar(plt.cm.ScalarMappable(plt.Normalize(0, fitting.ROUNDS - 1), plt.get_cmap("viridis")), ax=axes, label="generation", shrink=0.6)  # fmt: skip
    return figure


def corrections(fits: xr.Dataset, kinds: Sequence[str], last: int = 4) -> Figure:
    """Draw u(r; T) of every potential (fig. 3): the mean and the spread of the last generations."""
    figure, axes = plt.subplots(1, len(al.TEMPERATURES), figsize=(12, 3), sharey=True, layout="constrained")
    for panel, kelvin in zip(axes, al.TEMPERATURES, strict=True):
        for kind in kinds:
            rounds = fitting.every(fits, kind, f"paper-{kelvin}").isel(round=slice(-last, None))
            shown = rounds.r.values > 2.3
            u, spread = (
                1000 * value.values[shown] for value in (rounds.u.mean("round"), rounds.u.std("round", ddof=1))
            )
            panel.plot(rounds.r[shown], u, color=COLORS[kelvin], ls=LINES[kind], lw=1.4, label=kind)
            panel.fill_between(rounds.r[shown], u - spread, u + spread, color=COLORS[kelvin], alpha=0.15, lw=0)
        panel.axhline(0, color="0.7", lw=0.8, zorder=0)
        panel.set(xlabel="r / Å", title=f"{kelvin} K", xlim=(2.2, 8), ylim=(-120, 60))
        panel.legend(frameon=False, loc="lower right")
    axes[0].set(ylabel="u / meV")
    return figure


def diffusion(checks: Mapping[str, xr.Dataset]) -> Figure:
    """Draw D over temperature without and with corrections (fig. 4), freed of the box's size, beside that of the measured viscosity."""
    figure, panel = plt.subplots(figsize=(5.2, 3.6), layout="constrained")
    kelvins = np.linspace(1000, 1350, 50)
    known = np.array([al.diffusion_measured(t) for t in kelvins])
    panel.plot(kelvins, known, color=TARGET, lw=3, alpha=0.5, label="measured viscosity, Sutherland–Einstein")
    panel.fill_between(kelvins, 0.86 * known, 1.14 * known, color=TARGET, alpha=0.1, lw=0)
    for kind, table in checks.items():
        atoms = int(table.attrs["atoms"])
        wider = [
            al.slowed(float(t), float(rho), atoms) for t, rho in zip(table.temperature, table.density, strict=True)
        ]
        _rows(panel, kind, table, table.diffusion + wider, table.diffusion_stderr)
    panel.set(xlabel="T / K", ylabel="D / Å² ps⁻¹")
    panel.legend(frameon=False, fontsize=8)
    return figure


def density(checks: Mapping[str, xr.Dataset]) -> Figure:
    """Draw the density over temperature at zero pressure (fig. 5)."""
    figure, panel = plt.subplots(figsize=(5.2, 3.6), layout="constrained")
    kelvins = np.linspace(1000, 1350, 50)
    known = al.GRAMS * np.array([al.density_measured(t) for t in kelvins])
    panel.plot(kelvins, known, color=TARGET, lw=3, alpha=0.5, label=EXPERIMENT)
    panel.fill_between(kelvins, 0.993 * known, 1.007 * known, color=TARGET, alpha=0.1, lw=0)
    for kind, table in checks.items():
        _rows(panel, kind, table, al.GRAMS * table.density, al.GRAMS * table.density_stderr)
    panel.set(xlabel="T / K", ylabel="density / g cm⁻³")
    panel.legend(frameon=False, fontsize=8)
    return figure


def _rows(panel: Axes, kind: str, table: xr.Dataset, values: xr.DataArray, errors: xr.DataArray) -> None:
    for correction, color, label in (
        ("none", BARE, kind),
        ("own", OURS, f"{kind} + u"),
        ("dense", OTHER, f"{kind} + u led to the density"),
    ):
        here = np.flatnonzero(table.correction.values == correction)
        if not here.size:
            continue
        here = here[np.argsort(table.temperature.values[here])]
        panel.errorbar(table.temperature[here], values[here], errors[here], color=color, marker="o", ms=4, lw=1.2, ls=LINES[kind],
                       mfc="white" if kind == "HIP-NN" else color, capsize=2, label=label)  # fmt: skip


def steps(fits: xr.Dataset, kind: str, kelvin: int) -> Figure:
    """Draw the residual over generations, of eq. 1 and of steps that ought to be better."""
    figure, panel = plt.subplots(figsize=(5.2, 3.2), layout="constrained")
    for name, color, label in (
        ("paper", OTHER, "eq. 1, w = g*"),
        ("line", "#8a4fbf", "α by a line search"),
        ("newton", OURS, "Gauss–Newton, sampled"),
        ("hnc", BARE, "Gauss–Newton, HNC"),
    ):
        row = fitting.every(fits, kind, f"{name}-{kelvin}")
        panel.semilogy(row.residual.values, color=color, marker="o", ms=3, lw=1.2, label=label)
        panel.semilogy(row.noise.values, color=color, lw=0.8, ls=":")
    panel.set(
        xlabel="generation", ylabel="4πρ∫(g − g*)²r²dr", title=f"{kelvin} K; dotted: what noise alone makes of it"
    )
    panel.legend(frameon=False)
    return figure


def dense(fits: xr.Dataset, kind: str, kelvins: Sequence[int]) -> Figure:
    """Draw u(r), and the density of every generation, of eq. 1 alone and led to the density."""
    figure, axes = plt.subplots(2, len(kelvins), figsize=(9, 5), sharey="row", layout="constrained")
    for column, kelvin in zip(axes.T, kelvins, strict=True):
        column[1].axhline(al.GRAMS * al.density_measured(kelvin), color=TARGET, lw=4, alpha=0.35, label=EXPERIMENT)
        for name, color, label in (("paper", OTHER, "g alone"), ("dense", OURS, "g and density")):
            row, last = fitting.every(fits, kind, f"{name}-{kelvin}"), fitting.best(fits, kind, f"{name}-{kelvin}")
            shown = row.r.values > 2.3
            column[0].plot(row.r[shown], 1000 * last.u[shown], color=color, lw=1.4, label=label)
            column[1].errorbar(row["round"], al.GRAMS * row.density, al.GRAMS * row.density_stderr, color=color, marker="o", ms=3, lw=1.2, capsize=2, label=label)  # fmt: skip
        column[0].axhline(0, color="0.7", lw=0.8, zorder=0)
        column[0].set(title=f"{kind}, {kelvin} K", xlabel="r / Å", xlim=(2.2, 8))
        column[1].set(xlabel="generation")
        column[1].legend(frameon=False, fontsize=8)
    axes[0, 0].set(ylabel="u / meV")
    axes[1, 0].set(ylabel="density / g cm⁻³")
    return figure


def between(fits: xr.Dataset, table: xr.Dataset, kelvins: Sequence[int]) -> Figure:
    """Draw what is left of g at temperatures that two corrections have not seen."""
    figure, axes = plt.subplots(1, len(kelvins), figsize=(9, 3), sharey=True, layout="constrained")
    names = {"none": (BARE, "no correction"), "between": (OTHER, "u(r; T) between 943 and 1323 K"), "both": ("#8a4fbf", "one u for both"), "own": (OURS, "fitted here")}  # fmt: skip
    for panel, kelvin in zip(axes, kelvins, strict=True):
        goal = fitting.goal(fits, kelvin)
        for name, (color, label) in names.items():
            row = table.isel(row=(table.correction.values == name) & (table.temperature.values == kelvin)).squeeze()
            panel.plot(table.r, row.g - np.interp(table.r, goal.r, goal), color=color, lw=1.1, label=label)
        panel.set(xlabel="r / Å", title=f"{kelvin} K", xlim=(2, 8))
    axes[0].set(ylabel="g − g*")
    axes[0].legend(frameon=False, fontsize=8)
    return figure


def factors(table: xr.Dataset, kelvin: int) -> Figure:
    """Draw S(q) without and with the correction."""
    figure, panel = plt.subplots(figsize=(5.2, 3.2), layout="constrained")
    other = al.surrogate().sel(temperature=kelvin)
    panel.plot(other.q, other.s, color=TARGET, lw=4, alpha=0.35, label="Mendelev's EAM")
    for name, color, label in (("none", BARE, table.attrs["potential"]), ("own", OURS, "with u")):
        row = table.isel(row=(table.correction.values == name) & (table.temperature.values == kelvin)).squeeze()
        seen = np.isfinite(row.s.values)
        panel.plot(table.q[seen], row.s[seen], color=color, lw=1.2, label=label)
    panel.set(xlabel="q / Å⁻¹", ylabel="S(q)", title=f"{kelvin} K", xlim=(0, 8), ylim=(0, None))
    panel.legend(frameon=False)
    return figure


def cold(solid: xr.Dataset, kind: str) -> Figure:
    """Draw the cold curve of fcc without corrections and with those of the liquids."""
    figure, panel = plt.subplots(figsize=(5.2, 3.4), layout="constrained")
    rows = solid.isel(row=solid.potential.values == kind)
    for k in range(rows.sizes["row"]):
        row = rows.isel(row=k)
        name = str(row.correction.values)
        bare = name == "none"
        color = TARGET if bare else COLORS[int(name.split("-")[1])]
        label = f"{'no correction' if bare else 'u of ' + name.split('-')[1] + ' K'}: {float(row.lattice):.3f} Å"
        panel.plot(solid.a, 1000 * (row.curve - row.energy), color=color, lw=2 if bare else 1.2, label=label)
    panel.set(
        xlabel="lattice constant / Å", ylabel="E − E₀ / meV", xlim=(3.85, 4.3), ylim=(-5, 150), title=f"{kind}, fcc"
    )
    panel.legend(frameon=False, fontsize=8)
    return figure


def melts(found: xr.Dataset) -> Figure:
    """Draw the energy of a crystal beside its melt over time, at every temperature, without and with u."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), sharey=True, layout="constrained")
    t = melting.WATCH / melting.BLOCKS * (np.arange(melting.BLOCKS) + 0.5)
    for panel, correction, label in zip(
        axes, ("none", "paper-1323"), (found.attrs["potential"], "with u of 1323 K"), strict=True
    ):
        mine = found.isel(row=found.correction.values == correction).sortby("temperature")
        kelvins = mine.temperature.values
        for k, color in enumerate(plt.get_cmap("coolwarm")((kelvins - 840) / 180)):
            energy = 1000 * mine.energy.values[k]
            panel.plot(t, energy - energy[0], color=color, lw=1.4, label=f"{kelvins[k]} K")
        panel.axhline(0, color="0.7", lw=0.8, zorder=0)
        panel.set(xlabel="t / ps", title=label)
        panel.legend(frameon=False, fontsize=8)
    axes[0].set(ylabel="ΔE / meV per atom")
    return figure
