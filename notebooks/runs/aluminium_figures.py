"""The figures of paper 04, drawn from what the aluminium_*.py runs have found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import aluminium as al
import aluminium_fits as fitting
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

TARGET, BARE, OURS, OTHER = "#222222", "#d9772b", "#1f6fb4", "#3a923a"
COLORS = {1023: "#3b4cc0", 1148: "#7b9ff9", 1198: "#ee8468", 1323: "#b40426"}
SURROGATE = "surrogate (EAM)"
LINES = {"ANI-Al": "-", "HIP-NN": "--"}


def _of(fits: xr.Dataset, kind: str, name: str) -> xr.Dataset:
    row = fits.isel(fit=int(np.flatnonzero((fits.potential.values == kind) & (fits.name.values == name))[0]))
    return row.isel(round=slice(int(row.done)))


def _target(panel: Axes, kelvin: int, **style: object) -> None:
    found = al.surrogate().sel(temperature=kelvin)
    panel.plot(found.r, found.g, color=TARGET, lw=4, alpha=0.35, label=SURROGATE, **style)


def generations(fits: xr.Dataset, kind: str, name: str, kelvin: int) -> Figure:
    """Draw g(r) of the first and the last generation beside the target (fig. 1)."""
    row = _of(fits, kind, name)
    figure, panel = plt.subplots(figsize=(5.2, 3.4), layout="constrained")
    _target(panel, kelvin)
    last = int(row.done) - 1
    for number, color, label in ((0, BARE, f"{kind}, t = 0"), (last, OURS, f"t = {last}")):
        panel.plot(row.r, row.g.isel(round=number), color=color, lw=1.3, label=label)
    panel.set(xlabel="r / Å", ylabel="g(r)", xlim=(2, 8), ylim=(0, None), title=f"{kelvin} K")
    panel.legend(frameon=False)
    return figure


def weights(fits: xr.Dataset, kind: str, kelvin: int, names: Sequence[str] = ("paper", "ibi")) -> Figure:
    """Draw corrections and what is left of g, generation by generation, with w = g* and with w = 1 (fig. 2)."""
    figure, axes = plt.subplots(2, len(names), figsize=(8, 5), sharex=True, sharey="row", layout="constrained")
    goal = al.surrogate().sel(temperature=kelvin)
    for column, name in zip(axes.T, names, strict=True):
        row = _of(fits, kind, f"{name}-{kelvin}")
        colors = plt.get_cmap("viridis")(np.linspace(0, 0.9, int(row.done)))
        for k, color in enumerate(colors):
            column[0].plot(row.r, 1000 * row.u.isel(round=k), color=color, lw=1)
            column[1].plot(row.r, row.g.isel(round=k) - np.interp(row.r, goal.r, goal.g), color=color, lw=0.8)
        column[0].set(title={"paper": "wIBI: w = g*", "ibi": "IBI: w = 1"}[name], xlim=(2, 8))
        column[1].set(xlabel="r / Å")
        column[0].axvspan(2.0, 2.5, color="0.93", zorder=0)
    axes[0, 0].set(ylabel="u / meV")
    axes[1, 0].set(ylabel="g − g*")
    figure.colorbar(plt.cm.ScalarMappable(plt.Normalize(0, fitting.ROUNDS - 1), plt.get_cmap("viridis")), ax=axes, label="generation", shrink=0.6)  # fmt: skip
    return figure


def corrections(fits: xr.Dataset, kinds: Sequence[str]) -> Figure:
    """Draw u(r; T) of every potential (fig. 3), with standard errors."""
    figure, axes = plt.subplots(1, len(al.TEMPERATURES), figsize=(12, 3), sharey=True, layout="constrained")
    for panel, kelvin in zip(axes, al.TEMPERATURES, strict=True):
        for kind in kinds:
            row = fitting.best(fits, kind, f"newton-{kelvin}")
            shown = row.r.values > 2.3
            u, error = 1000 * row.u.values[shown], 1000 * row.u_stderr.values[shown]
            panel.plot(row.r[shown], u, color=COLORS[kelvin], ls=LINES[kind], lw=1.4, label=kind)
            if kind == kinds[0]:
                panel.fill_between(row.r[shown], u - error, u + error, color=COLORS[kelvin], alpha=0.2, lw=0)
        panel.axhline(0, color="0.7", lw=0.8, zorder=0)
        panel.set(xlabel="r / Å", title=f"{kelvin} K", xlim=(2.2, 8))
        panel.legend(frameon=False)
    axes[0].set(ylabel="u / meV")
    return figure


def by_temperature(checks: Mapping[str, xr.Dataset], name: str, unit: str, scale: float = 1.0) -> Figure:
    """Draw a quantity over temperature without and with corrections, beside the surrogate's (figs. 4 and 5)."""
    figure, panel = plt.subplots(figsize=(5.2, 3.6), layout="constrained")
    goal = al.surrogate()
    own = goal[name].sel(atoms=256) if "atoms" in goal[name].dims else goal[name]
    error = goal[f"{name}_stderr"].sel(atoms=256) if "atoms" in goal[name].dims else goal[f"{name}_stderr"]
    panel.errorbar(
        goal.temperature, scale * own, scale * error, color=TARGET, marker="s", lw=3, alpha=0.5, label=SURROGATE
    )
    for kind, table in checks.items():
        for correction, color in (("none", BARE), ("paper", OTHER), ("own", OURS)):
            rows = table.isel(row=table.correction.values == correction).sortby("temperature")
            if rows.sizes["row"]:
                label = {"none": kind, "paper": f"{kind} + u, eq. 1", "own": f"{kind} + u"}[correction]
                panel.errorbar(rows.temperature, scale * rows[name], scale * rows[f"{name}_stderr"], color=color, marker="o", ms=4, lw=1.2,
                               ls=LINES[kind], mfc="white" if kind == "HIP-NN" else color, capsize=2, label=label)  # fmt: skip
    panel.set(xlabel="T / K", ylabel=unit)
    panel.legend(frameon=False, fontsize=8)
    return figure


def steps(fits: xr.Dataset, kind: str, kelvin: int) -> Figure:
    """Draw the residual over generations, of eq. 1 and of Gauss–Newton."""
    figure, panel = plt.subplots(figsize=(5.2, 3.2), layout="constrained")
    for name, color, label in (
        ("paper", OTHER, "eq. 1, w = g*"),
        ("ibi", BARE, "eq. 1, w = 1"),
        ("newton", OURS, "Gauss–Newton"),
    ):
        row = _of(fits, kind, f"{name}-{kelvin}")
        panel.semilogy(row.residual.values, color=color, marker="o", ms=3, lw=1.2, label=label)
        panel.semilogy(row.noise.values, color=color, lw=0.8, ls=":")
    panel.set(
        xlabel="generation", ylabel="4πρ∫(g − g*)²r²dr", title=f"{kelvin} K; dotted: what noise alone makes of it"
    )
    panel.legend(frameon=False)
    return figure


def between(table: xr.Dataset, kelvins: Sequence[int]) -> Figure:
    """Draw what is left of g at temperatures that two corrections have not seen."""
    figure, axes = plt.subplots(1, len(kelvins), figsize=(9, 3), sharey=True, layout="constrained")
    names = {"none": (BARE, "no correction"), "between": (OTHER, "u(r; T) between 1023 and 1323 K"), "both": ("#8a4fbf", "one u for both"), "own": (OURS, "fitted here")}  # fmt: skip
    for panel, kelvin in zip(axes, kelvins, strict=True):
        goal = al.surrogate().sel(temperature=kelvin)
        for name, (color, label) in names.items():
            row = table.isel(row=(table.correction.values == name) & (table.temperature.values == kelvin)).squeeze()
            panel.plot(table.r, row.g - np.interp(table.r, goal.r, goal.g), color=color, lw=1.1, label=label)
        panel.set(xlabel="r / Å", title=f"{kelvin} K", xlim=(2, 8))
    axes[0].set(ylabel="g − g*")
    axes[0].legend(frameon=False, fontsize=8)
    return figure


def factors(table: xr.Dataset, kelvin: int) -> Figure:
    """Draw S(q) without and with the correction."""
    figure, panel = plt.subplots(figsize=(5.2, 3.2), layout="constrained")
    goal = al.surrogate().sel(temperature=kelvin)
    panel.plot(goal.q, goal.s, color=TARGET, lw=4, alpha=0.35, label=SURROGATE)
    for name, color, label in (("none", BARE, table.attrs["potential"]), ("own", OURS, "with u")):
        row = table.isel(row=(table.correction.values == name) & (table.temperature.values == kelvin)).squeeze()
        seen = np.isfinite(row.s.values)
        panel.plot(table.q[seen], row.s[seen], color=color, lw=1.2, label=label)
    panel.set(xlabel="q Å", ylabel="S(q)", title=f"{kelvin} K", xlim=(0, 8), ylim=(0, None))
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
