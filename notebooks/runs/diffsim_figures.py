"""The figures of paper 03, drawn from what runs/diffsim.py has found."""

from __future__ import annotations

from typing import Literal

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from diffsim_systems import SIGMA
from matplotlib.axes import Axes
from matplotlib.figure import Figure

OURS, IBI, TRUE = "#1f6fb4", "#d9772b", "#222222"
HIGHLIGHT = "#e9f5e6"  # the state that was learned from, as the paper marks it


def transfer(data: xr.Dataset, pair: str = "A-A") -> Figure:
    """Draw g of every liquid (columns) under the potentials learned from each (rows), and those potentials: figs. 2 and 5."""
    fits, liquids = list(data.fit.values), list(data.liquid.values)
    figure, axes = plt.subplots(len(fits), len(liquids) + 1, figsize=(3.1 * (len(liquids) + 1), 2.5 * len(fits)),
                                sharex="col", layout="constrained", squeeze=False)  # fmt: skip
    for row, fit in zip(axes, fits, strict=True):
        for panel, liquid in zip(row, liquids, strict=False):
            draw_g(panel, data.sel(fit=fit, liquid=liquid, pair=pair))
            panel.set_facecolor(HIGHLIGHT if fit == liquid else "white")
            panel.set_title(f"{liquid}, learned from {fit}", fontsize=8)
        draw_u(row[-1], data.sel(fit=fit, pair=pair), data.u_true.sel(pair=pair).isel(liquid=0))
    axes[0, 0].legend(fontsize=7, frameon=False)
    return figure


def draw_g(panel: Axes, data: xr.Dataset) -> None:
    """Draw the target, IBI's g, and each replicate's."""
    panel.plot(data.r, data.g_target, color=TRUE, lw=2.2, alpha=0.35, label="target")
    panel.plot(data.r, data.g.sel(seed=-1), color=IBI, lw=1.0, ls="--", label="IBI")
    for k, seed in enumerate(s for s in data.seed.values if s >= 0):
        panel.plot(data.r, data.g.sel(seed=seed), color=OURS, lw=0.7, alpha=0.6, label=None if k else "DiffSim")
    panel.set(xlim=(0.8, 3.3), xlabel="r/σ", ylabel="g(r)")


def draw_u(panel: Axes, data: xr.Dataset, true: xr.DataArray | None) -> None:
    """Draw the potentials of all replicates over the true one, if there is one."""
    if true is not None:
        panel.plot(data.r_u, true, color=TRUE, lw=2.2, alpha=0.35)
    panel.plot(data.r_u, data.u.sel(seed=-1), color=IBI, lw=1.0, ls="--")
    for seed in (s for s in data.seed.values if s >= 0):
        panel.plot(data.r_u, data.u.sel(seed=seed), color=OURS, lw=0.7, alpha=0.6)
    panel.set(xlim=(0.9, 2.5), ylim=(-1.8, 2.0), xlabel="r/σ", ylabel="U/ε")
    panel.axhline(0, color="0.8", lw=0.6, zorder=0)


def grid(data: xr.Dataset, what: Literal["g", "u"]) -> Figure:
    """Draw g or U of liquids learned from one by one: a row per potential, a column per density (figs. 3 and 10)."""
    names = list(dict.fromkeys(str(fit).rsplit("-", 1)[0] for fit in data.fit.values))
    columns = len(data.fit) // len(names)
    figure, axes = plt.subplots(
        len(names), columns, figsize=(3.0 * columns, 2.3 * len(names)), sharex=True, sharey="row", layout="constrained"
    )
    for panel, fit in zip(axes.flat, data.fit.values, strict=True):
        own = data.sel(fit=fit, liquid=fit, pair="A-A")
        if what == "g":
            draw_g(panel, own)
        else:
            draw_u(panel, own, own.u_true)
            panel.set_ylim(min(-1.6, 1.2 * float(own.u_true.min())), 2.5)
        panel.set_title(str(fit), fontsize=8)
        panel.label_outer()
    axes.flat[0].plot([], [], color=OURS, label="DiffSim")
    axes.flat[0].plot([], [], color=IBI, ls="--", label="IBI")
    axes.flat[0].legend(fontsize=7, frameon=False)
    return figure


def mixture(data: xr.Dataset, fit: str) -> Figure:
    """Draw the RDFs of every pair (rows) at every composition (columns) under one fit, and its potentials: figs. 5, 6."""
    pairs, liquids = list(data.pair.values), list(data.liquid.values)
    figure, axes = plt.subplots(len(pairs), len(liquids) + 1, figsize=(3.1 * (len(liquids) + 1), 2.4 * len(pairs)),
                                sharex="col", layout="constrained")  # fmt: skip
    for row, pair in zip(axes, pairs, strict=True):
        for panel, liquid in zip(row, liquids, strict=False):
            draw_g(panel, data.sel(fit=fit, liquid=liquid, pair=pair))
            panel.set_facecolor(HIGHLIGHT if fit in (liquid, "mixture-joint") else "white")
            panel.set_title(f"{pair}, {liquid}, learned from {fit}", fontsize=8)
        draw_u(row[-1], data.sel(fit=fit, pair=pair), data.u_true.sel(pair=pair).isel(liquid=0))
    return figure


def water(data: xr.Dataset) -> Figure:
    """Draw g at every temperature (columns) under each fit (rows), and its potentials: figs. 7 and 8."""
    fits, kelvins = list(data.fit.values), list(data.kelvin.values)
    figure, axes = plt.subplots(len(fits), len(kelvins) + 1, figsize=(3.1 * (len(kelvins) + 1), 2.4 * len(fits)),
                                sharex="col", layout="constrained")  # fmt: skip
    for row, fit in zip(axes, fits, strict=True):
        for panel, kelvin in zip(row, kelvins, strict=False):
            draw_g(panel, data.sel(fit=fit, kelvin=kelvin))
            panel.set(xlim=(2.0, 9.5), xlabel="r [Å]", title=f"{kelvin:g} K, learned from {fit}")
            panel.set_facecolor(HIGHLIGHT if fit in (f"{kelvin:g}", "joint") else "white")
            panel.title.set_fontsize(8)
        if fit == "joint":
            for kelvin, color in zip(kelvins, plt.get_cmap("coolwarm")(np.linspace(0, 1, len(kelvins))), strict=True):
                u = data.u.sel(fit=fit, kelvin=kelvin).where(data.seed >= 0, drop=True)
                row[-1].plot(data.r_u, u.mean("seed"), color=color, label=f"{kelvin:g} K")
            row[-1].legend(fontsize=7, frameon=False)
        else:
            draw_u(row[-1], data.sel(fit=fit, kelvin=float(fit)), None)
        row[-1].set(xlim=(2.3, 6.3), ylim=(-1.3, 1.6), xlabel="r [Å]", ylabel="U [kcal/mol]")
    axes[0, 0].legend(fontsize=7, frameon=False)
    return figure


def water_errors(data: xr.Dataset) -> Figure:
    """Draw D of each fit at each temperature, a bar per replicate's mean with their spread: fig. 9."""
    d = water_error(data)
    figure, panel = plt.subplots(figsize=(5.4, 3.2), layout="constrained")
    fits = list(data.fit.values)
    for k, kelvin in enumerate(data.kelvin.values):
        ours = d.sel(kelvin=kelvin).where(d.seed >= 0, drop=True)
        at = np.arange(len(fits)) + 0.27 * (k - 1)
        panel.bar(at, ours.mean("seed"), 0.25, yerr=ours.std("seed", ddof=1), capsize=2, label=f"at {kelvin:g} K")
        panel.plot(at, d.sel(kelvin=kelvin, seed=-1), "k_", ms=9, label=None if k else "IBI")
    panel.set(yscale="log", ylabel="D", xticks=np.arange(len(fits)), xticklabels=[f"learned\nat {f} K" if f != "joint" else
              "u₁ − kT u₂,\njoint" for f in fits])  # fmt: skip
    panel.legend(fontsize=8, frameon=False)
    return figure


def water_error(data: xr.Dataset) -> xr.DataArray:
    """Return D (eq. 18) up to the cutoff per fit, seed and temperature."""
    square = (data.r**2 * (data.g - data.g_target) ** 2).where(data.r <= float(data.r_u[-1]), 0.0)
    return 4 * np.pi * data.attrs["density"] * square.integrate("r")


def deviations(data: xr.Dataset) -> Figure:
    """Draw Δ (eq. 15) against density, one line per potential with its spread over replicates: fig. 4."""
    found = integrated_deviation(data)
    figure, panel = plt.subplots(figsize=(4.6, 3.4), layout="constrained")
    names = list(dict.fromkeys(str(fit).rsplit("-", 1)[0] for fit in data.fit.values))
    for name in names:
        fits = [f for f in data.fit.values if str(f).rsplit("-", 1)[0] == name]
        density = [float(str(f).rsplit("-", 1)[1]) for f in fits]
        values = found.sel(fit=fits).where(found.seed >= 0, drop=True)
        panel.errorbar(density, values.mean("seed"), values.std("seed", ddof=1) if values.sizes["seed"] > 1 else None,
                       marker="o", capsize=3, label=name)  # fmt: skip
    panel.set(xlabel="ρσ³", ylabel="Δ/(εσ)")
    panel.legend(fontsize=8, frameon=False)
    return figure


def integrated_deviation(data: xr.Dataset, pair: str = "A-A", sigma: float = 1.0) -> xr.DataArray:
    """Return Δ = ∫|U − U_true| dr from 0.9 σ to the cutoff (eq. 15), per fit and seed."""
    true = data.u_true.sel(pair=pair)
    own = xr.concat(
        [true.sel(liquid=f) if f in data.liquid.values else true.isel(liquid=0) for f in data.fit.values], "fit"
    )
    off = abs(data.u.sel(pair=pair) - own.assign_coords(fit=data.fit).drop_vars("liquid", errors="ignore"))
    return off.where(data.r_u >= 0.9 * sigma, 0.0).integrate("r_u")


def integrated_deviation_of_pairs(data: xr.Dataset) -> xr.DataArray:
    """Return Δ per fit, seed and pair of a mixture."""
    return xr.concat([integrated_deviation(data, str(pair), SIGMA[str(pair)]) for pair in data.pair.values], data.pair)


def rdf_mse(data: xr.Dataset) -> xr.DataArray:
    """Return the mean square error of g over its bins per fit, seed, liquid and pair."""
    return ((data.g - data.g_target) ** 2).mean("r")


def rdf_error(data: xr.Dataset) -> xr.DataArray:
    """Return D = 4πρ∫r²(g − g*)²dr (eq. 18) per fit, seed, liquid and pair."""
    square = data.r**2 * (data.g - data.g_target) ** 2
    return 4 * np.pi * data.density * square.integrate("r")


def losses(data: xr.Dataset) -> Figure:
    """Draw the loss of every replicate against the epoch."""
    fits = list(data.fit.values)
    figure, axes = plt.subplots(
        1, len(fits), figsize=(3.1 * len(fits), 2.6), sharey=True, layout="constrained", squeeze=False
    )
    for panel, fit in zip(axes[0], fits, strict=True):
        for seed in (s for s in data.seed.values if s >= 0):
            panel.semilogy(data.loss.sel(fit=fit, seed=seed), lw=0.6, color=OURS, alpha=0.5)
        panel.set(title=str(fit), xlabel="epoch")
    axes[0, 0].set_ylabel("∫(g − g*)² dr")
    return figure
