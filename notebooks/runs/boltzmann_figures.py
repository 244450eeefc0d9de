"""The figures of paper 01, drawn from what the boltzmann_*.py runs have found, and the numbers read off them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import torch
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.optimize import curve_fit

from cg_models.boltzmann.domain import REFUSED, of_distributions
from cg_models.boltzmann.shipped import shipped

Array = npt.NDArray[np.float64]
OURS, PAPER, START, TRUE = "#1f6fb4", "#d9772b", "#8a8a8a", "#222222"
SHADES = ("#9ecae1", "#4f9bd0", "#1f6fb4", "#08306b")  # densities
CAP = 20.0
ARCHITECTURES, TARGETS = ("DN", "CN", "UN"), ("P", "B2", "Bn")


def curves(liquids: xr.Dataset, u: Mapping[str, Array], r_u: Array, density: float, all_of: str) -> Figure:
    """Draw potentials, their g at one density, and g of one of them at all (fig. 1)."""
    figure, (a, b, c) = plt.subplots(1, 3, figsize=(11, 3), layout="constrained")
    for name, values in u.items():
        a.plot(r_u, values, label=name)
        row = liquids.isel(row=(liquids.potential.values == name) & np.isclose(liquids.density, density))
        b.plot(liquids.r, row.g[0])
    for shade, row in zip(SHADES, np.flatnonzero(liquids.potential.values == all_of), strict=True):
        c.plot(liquids.r, liquids.g[row], color=shade, label=f"ρ = {float(liquids.density[row]):g}")
    a.set(xlabel="r/σ", ylabel="U/kT", ylim=(-2, 12))
    b.set(xlabel="r/σ", ylabel="g(r)", title=f"ρ = {density:g}")
    c.set(xlabel="r/σ", ylabel="g(r)", title=all_of)
    a.legend(fontsize=7, frameon=False)
    c.legend(fontsize=7, frameon=False)
    return figure


def pressure_grid(grid: xr.Dataset) -> Figure:
    """Draw the mean relative error of all 90 networks, training and validation (fig. 3)."""
    figure, axes = plt.subplots(3, 3, figsize=(11, 7), layout="constrained", sharey=True)
    for row, architecture in zip(axes, ARCHITECTURES, strict=True):
        for panel, target in zip(row, TARGETS, strict=True):
            chosen = _named(grid, f"{architecture}/", f"→{target}")
            _bars(panel, chosen, "mrae", [str(n).split("/")[1].split("→")[0] for n in chosen.network.values])
            panel.set_yscale("log")
            panel.set_title(f"{architecture} → {target}", fontsize=9)
        row[0].set_ylabel("⟨|P − P̂| / |P|⟩")
    axes[0, 0].legend(fontsize=7, frameon=False)
    return figure


def potential_grid(grid: xr.Dataset, start: Mapping[str, float]) -> Figure:
    """Draw mean absolute and mean square errors of all 24 networks (fig. 6); lines: Boltzmann inversion."""
    figure, axes = plt.subplots(2, 3, figsize=(11, 5), layout="constrained", sharey="row")
    for line, score in zip(axes, ("mae", "mse"), strict=True):
        for panel, architecture in zip(line, ARCHITECTURES, strict=True):
            chosen = _named(grid, f"{architecture}/", "")
            _bars(panel, chosen, score, [str(n).split("/")[1] for n in chosen.network.values])
            panel.axhline(start[score], color=START, ls="--", lw=1)
            panel.set(yscale="log", title=architecture)
        line[0].set_ylabel({"mae": "mean |U − Û| [kT]", "mse": "mean (U − Û)² [kT²]"}[score])
    axes[0, 0].legend(fontsize=7, frameon=False)
    return figure


def _named(grid: xr.Dataset, begin: str, end: str) -> xr.Dataset:
    return grid.isel(row=[str(n).startswith(begin) and str(n).endswith(end) for n in grid.network.values])


def _bars(panel: Axes, grid: xr.Dataset, score: str, names: Sequence[str]) -> None:
    x, n = np.arange(grid.sizes["row"]), grid.sizes["fold"]
    for offset, part, color in ((-0.12, "train", OURS), (0.12, "validation", PAPER)):
        values = grid[f"{score}_{part}"]
        panel.errorbar(
            x + offset, values.mean("fold"), values.std("fold") / np.sqrt(n), fmt="o", ms=4, color=color, label=part
        )
    panel.set_xticks(x, names)


def pressures(table: xr.Dataset, columns: Mapping[str, tuple[str, str]], test: npt.NDArray[np.bool_]) -> Figure:
    """Draw predicted over true pressures (figs. 4 and 11): open symbols learned from, filled ones the test."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    p = table.pressure.values
    for name, (column, color) in columns.items():
        for panel in axes:
            panel.plot(p[~test], table[column].values[~test], "o", ms=3.5, mfc="none", mew=0.6, color=color)
            panel.plot(p[test], table[column].values[test], "o", ms=3.5, color=color, label=name)
    for panel, low, high in zip(axes, (p.min(), np.quantile(p, 0.02)), (p.max(), np.quantile(p, 0.8)), strict=True):
        panel.plot([low, high], [low, high], color=TRUE, lw=0.8)
        shown = (low - 0.05 * (high - low), high + 0.05 * (high - low))
        panel.set(xlim=shown, ylim=shown, xlabel="P σ³/kT", ylabel="P̂ σ³/kT")
    axes[0].legend(fontsize=8, frameon=False)
    return figure


def example(table: xr.Dataset, row: int, columns: Mapping[str, tuple[str, str]]) -> Figure:
    """Draw one potential and what was made of its g (fig. 7)."""
    figure, (a, b) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    at = table.isel(row=row)
    known = at.u <= CAP
    a.plot(at.r, at.u.where(known), color=TRUE, lw=4, alpha=0.25, label="U")
    for name, (column, color) in columns.items():
        a.plot(at.r, at[column].where(known), color=color, lw=1.2, label=name)
    a.set(xlabel="r/σ", ylabel="U/kT", title=f"ρ = {float(at.density):g}")
    b.plot(at.r, at.g, color=TRUE)
    b.set(xlabel="r/σ", ylabel="g(r)")
    a.legend(fontsize=8, frameon=False)
    return figure


def curve_errors(table: xr.Dataset, column: str) -> Array:
    """Return the mean absolute error [kT] of each row where U is not above the cap."""
    found: Array = np.abs(table[column] - table.u).where(table.u <= CAP).mean("r").values
    return found


def decay(errors: Array, *, bins: int = 25) -> tuple[float, float]:
    """Return δ of the exponential exp(−x/δ) that fits the histogram of errors, and its standard error, as in the paper."""
    reach = np.quantile(errors, 0.95)
    height, edges = np.histogram(errors, bins=bins, range=(0, reach), density=True)
    middle = 0.5 * (edges[1:] + edges[:-1])
    (_, delta), covariance = curve_fit(
        lambda x, a, d: a * np.exp(-x / d),
        middle,
        height,
        p0=(height[0], np.mean(errors[errors <= reach])),
        bounds=(0, np.inf),
    )
    return float(delta), float(np.sqrt(covariance[1, 1]))


def error_distribution(errors: Mapping[str, tuple[Array, str]]) -> Figure:
    """Draw p(L_MAE) of several predictions with the exponentials that fit them (fig. 8)."""
    figure, panel = plt.subplots(figsize=(6, 3.6), layout="constrained")
    for name, (values, color) in errors.items():
        delta, _ = decay(values)
        edges = np.linspace(0, np.quantile(values, 0.95), 26)
        height, _ = np.histogram(values, bins=edges, density=True)
        middle = 0.5 * (edges[1:] + edges[:-1])
        panel.semilogy(
            middle, np.where(height > 0, height, np.nan), "o", ms=4, color=color, label=f"{name}: δ = {delta:.3f} kT"
        )
        panel.semilogy(middle, np.nanmax(height) * np.exp(-middle / delta), color=color, lw=0.8)
    panel.set(xlabel="mean |U − Û| of a curve [kT]", ylabel="p", xlim=(0, 1), ylim=(0.03, None))
    panel.legend(fontsize=8, frameon=False)
    return figure


def domain_scores(g: Array) -> Array:
    """Return how far each g is from what the shipped networks learned of."""
    known = shipped("informed-potential").domain
    found: Array = known.score(of_distributions(torch.from_numpy(g).float().nan_to_num(0.0))).double().numpy()
    return found


def error_over_score(scores: Array, errors: Array) -> Figure:
    """Draw errors of curves [kT] over their scores."""
    figure, panel = plt.subplots(figsize=(5.5, 3.2), layout="constrained")
    panel.loglog(scores, errors, "o", ms=4, color=OURS)
    panel.axvline(REFUSED, color=TRUE, lw=0.8, ls="--")
    panel.set(xlabel="score", ylabel="mean |U − Û| of a curve [kT]")
    return figure


def over_density(table: xr.Dataset, rows: Sequence[int], column: str) -> Figure:
    """Draw predictions for one potential at several densities, U₀ dashed, and the g they are from (fig. 9)."""
    figure, (a, b) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    true = table.isel(row=rows[0])
    known = true.u <= CAP
    a.plot(true.r, true.u.where(known), color=TRUE, lw=5, alpha=0.25, label="U")
    for shade, row in zip(SHADES, rows, strict=True):
        at = table.isel(row=row)
        a.plot(at.r, at[column].where(known), color=shade, lw=1.3, label=f"ρ = {float(at.density):g}")
        a.plot(at.r, at.u0.where(known), color=shade, lw=0.8, ls="--")
        b.plot(at.r, at.g, color=shade)
    a.set(xlabel="r/σ", ylabel="U/kT", ylim=(float(true.u.min()) - 1, min(float(true.u.where(known).max()), 12)))
    b.set(xlabel="r/σ", ylabel="g(r)")
    a.legend(fontsize=8, frameon=False)
    return figure


def dynamics(md: xr.Dataset) -> Figure:
    """Draw g under the true, predicted and inverted potentials (fig. 10)."""
    cases = list(dict.fromkeys(zip(md.part.values, md.potential.values, md.density.values, strict=True)))
    figure, axes = plt.subplots(2, 2, figsize=(9, 6), layout="constrained")
    for panel, case in zip(axes.flat, cases, strict=True):
        for curve, color, style in (
            ("truth", TRUE, "-"),
            ("boltzmann", START, "-"),
            ("paper", PAPER, "--"),
            ("informed", OURS, "--"),
        ):
            row = _case(md, case, curve)
            panel.plot(
                md.r,
                row.g,
                color=color,
                ls=style,
                lw=3 if curve == "truth" else 1.2,
                alpha=0.3 if curve == "truth" else 1,
                label=curve,
            )
        top = float(_case(md, case, "truth").g.max())
        panel.set(title=f"{case[0]}: {case[1]}, ρ = {case[2]:g}", xlabel="r/σ", ylabel="g(r)", ylim=(0, 1.25 * top))
    axes[0, 0].legend(fontsize=8, frameon=False)
    return figure


def dynamics_errors(md: xr.Dataset) -> dict[tuple[str, str, float], dict[str, float]]:
    """Return the mean square error of g of each curve against the truth in each case; "again" is that of noise alone."""
    cases = list(
        dict.fromkeys(
            (str(a), str(b), float(c))
            for a, b, c in zip(md.part.values, md.potential.values, md.density.values, strict=True)
        )
    )
    return {case: {curve: float(((_case(md, case, curve).g - _case(md, case, "truth").g) ** 2).mean())
                   for curve in ("informed", "paper", "boltzmann", "again")} for case in cases}  # fmt: skip


def _case(md: xr.Dataset, case: tuple[str, str, float], curve: str) -> xr.Dataset:
    same = (md.part == case[0]) & (md.potential == case[1]) & np.isclose(md.density, case[2]) & (md.curve == curve)
    return md.isel(row=int(np.flatnonzero(same)[0]))


def starts(found: xr.Dataset, method: str) -> Figure:
    """Draw how the residual sinks from each start, and how many rounds and particle-steps fits took."""
    figure, (a, b, c) = plt.subplots(1, 3, figsize=(12, 3.4), layout="constrained")
    chosen = found.isel(row=(found.method == method) & found.liquid)
    for name, color in (("boltzmann", START), ("theory", PAPER), ("network", OURS)):
        some = chosen.isel(row=chosen.start == name)
        rounds = np.maximum.accumulate(np.where(some.residual.isnull(), 0, some["round"]), axis=1)  # the last stays
        middle = np.nanmedian(np.take_along_axis(some.residual.values, rounds, axis=1), axis=0)
        a.semilogy(1 + np.arange(middle.size), middle, color=color, label=name)
        for panel, values in ((b, some.rounds), (c, some.evaluations / 1e6)):
            ordered = np.sort(values.where(some.at_noise, np.inf).values)
            panel.step(
                ordered, (1 + np.arange(ordered.size)) / ordered.size, color=color, where="post", marker=".", ms=4
            )
    a.set(xlabel="round", ylabel="median residual", title=method)
    b.set(xlabel="rounds until the residual is noise", ylabel="share of fits", ylim=(0, 1.02), xlim=(0, 13))
    c.set(xlabel="million particle-steps until then", ylim=(0, 1.02), xlim=(0, None))
    a.legend(fontsize=8, frameon=False)
    return figure


def sizes(found: xr.Dataset) -> Figure:
    """Draw how P and g of smaller boxes differ from those of the largest, in units of P + ρ and as root mean squares over the volume."""
    figure, (a, b) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    for shade, density in zip(SHADES, np.unique(found.density), strict=True):
        for name in np.unique(found.potential):
            same = found.isel(row=(found.potential == name) & (found.density == density)).sortby("particles")
            largest = same.isel(row=-1)
            n, scale = same.particles.values[:-1], abs(float(largest.pressure)) + density
            off = (same.pressure.values[:-1] - float(largest.pressure)) / scale
            error = np.hypot(same.pressure_stderr[:-1], largest.pressure_stderr) / scale
            a.errorbar(n, off, error, fmt="o-", ms=4, lw=0.7, color=shade)
            b.loglog(
                n,
                np.sqrt(((same.g[:-1] - largest.g) ** 2).weighted(found.r**2).mean("r")),
                "o-",
                ms=4,
                lw=0.7,
                color=shade,
            )
        b.plot([], [], "o-", ms=4, lw=0.7, color=shade, label=f"ρ = {density:g}")
    a.axhline(0, color="0.8", lw=0.8, zorder=0)
    a.set(xscale="log", xlabel="N", ylabel="(P − P of the largest) / (|P| + ρ)")
    b.set(xlabel="N", ylabel="root mean square difference of g")
    b.legend(fontsize=7, frameon=False)
    for panel in (a, b):
        panel.set_xticks(np.unique(n), [f"{k:d}" for k in np.unique(n)])
        panel.minorticks_off()
    return figure
