"""The figures of paper 03, drawn from what runs/diffsim.py has found."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
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


def draw_u(panel: Axes, data: xr.Dataset, true: xr.DataArray) -> None:
    """Draw the potentials of all replicates over the true one."""
    panel.plot(data.r_u, true, color=TRUE, lw=2.2, alpha=0.35)
    panel.plot(data.r_u, data.u.sel(seed=-1), color=IBI, lw=1.0, ls="--")
    for seed in (s for s in data.seed.values if s >= 0):
        panel.plot(data.r_u, data.u.sel(seed=seed), color=OURS, lw=0.7, alpha=0.6)
    panel.set(xlim=(0.9, 2.5), ylim=(-1.8, 2.0), xlabel="r/σ", ylabel="U/ε")
    panel.axhline(0, color="0.8", lw=0.6, zorder=0)


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


def integrated_deviation(data: xr.Dataset, pair: str = "A-A") -> xr.DataArray:
    """Return Δ = ∫|U − U_true| dr from 0.9 to the cutoff (eq. 15), per fit and seed."""
    true = data.u_true.sel(pair=pair)
    own = xr.concat(
        [true.sel(liquid=f) if f in data.liquid.values else true.isel(liquid=0) for f in data.fit.values], "fit"
    )
    off = abs(data.u.sel(pair=pair) - own.assign_coords(fit=data.fit).drop_vars("liquid", errors="ignore"))
    return off.where(data.r_u >= 0.9, 0.0).integrate("r_u")


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
