"""The figures of paper 05, drawn from what the water_*.py runs have found. Bands are two standard errors to either side."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import water
import water_cost as cost
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

DFT, ATOMS, SMALL, LARGE, PAIRS, NETWORK = "#222222", "#777777", "#1f6fb4", "#d9772b", "#3a923a", "#8d5fb5"
OF_KIND = {"atoms": ATOMS, "frame": LARGE, "smooth": SMALL}
NAMES = {"atoms": "atoms", "large": "atoms, deepmd-kit's sizes", "frame": "local frames", "smooth": "smooth"}
NAMES |= {f"{kind}-corrected": f"{NAMES[kind]}, corrected by pairs" for kind in ("frame", "smooth")}
MILLI = 1000.0


def of(structure: xr.Dataset, **known: object) -> xr.Dataset:
    """Return the one row of which all this is known, without shells that its box is too small for; KeyError if there is none."""
    chosen = np.logical_and.reduce([structure[name].values == value for name, value in known.items()])
    found = structure.isel(row=chosen)
    if found.sizes["row"] != 1:
        raise KeyError(f"{known}: {found.sizes['row']} rows")
    row = found.squeeze("row", drop=True)
    return row.isel(r=np.isfinite(row.g.values))


def sizes(structure: xr.Dataset, kind: str) -> list[int]:
    """Return the numbers of beads that a kind has run with, rising."""
    return sorted(structure.beads.values[structure.kind.values == kind].tolist())


def band(panel: Axes, x: npt.ArrayLike, y: npt.ArrayLike, error: npt.ArrayLike, color: str, label: str, *, behind: bool = False) -> None:  # fmt: skip
    """Draw a curve with a band of two standard errors to either side; one to compare with lies `behind`, broad and pale."""
    x, y, error = (np.asarray(a, dtype=float) for a in (x, y, error))
    panel.plot(x, y, color=color, lw=4 if behind else 1.2, alpha=0.35 if behind else 1, label=label)
    panel.fill_between(x, y - 2 * error, y + 2 * error, color=color, alpha=0.25, lw=0)


def beside(upper: Axes, lower: Axes, name: str, along: str, atoms: xr.Dataset, curves: Mapping[str, tuple[xr.Dataset, str]]) -> None:  # fmt: skip
    """Draw curves over those of the atoms, and below what they differ by, where both reach."""
    x, error = atoms[along].values, atoms[f"{name}_stderr"].values
    band(upper, x, atoms[name], error, ATOMS, "atoms", behind=True)
    lower.fill_between(
        x, -2 * error, 2 * error, color=ATOMS, alpha=0.3, lw=0, label="of the atoms: ± 2 standard errors"
    )
    for label, (found, color) in curves.items():
        band(upper, found[along], found[name], found[f"{name}_stderr"], color, label)
        one, other = xr.align(found, atoms, join="inner", exclude=["l", "adf_cutoff"])
        off = one[name].values - other[name].values
        band(lower, one[along], off, one[f"{name}_stderr"], color, label)
    lower.axhline(0, color="0.6", lw=0.8, zorder=0)


def _compared(atoms: xr.Dataset, structure: xr.Dataset, kind: str) -> dict[str, tuple[xr.Dataset, str]]:
    """Return DFT and the beads of a kind, 64 and 512 of them, each with its color."""
    found = {"DFT": (water.dft_of(atoms), DFT)}
    for n, color in zip(sizes(structure, kind), (SMALL, LARGE), strict=False):
        found[f"{n} beads"] = (of(structure, kind=kind, beads=n), color)
    return {label: (water.angular(table), color) for label, (table, color) in found.items()}


def pairs(atoms: xr.Dataset, structure: xr.Dataset, kind: str) -> Figure:
    """Draw g(r) of oxygens by DFT, by the atomistic model and by beads, and what they differ by (fig. 3)."""
    figure, (a, b) = plt.subplots(2, 1, figsize=(6, 5), sharex=True, height_ratios=(2, 1), layout="constrained")
    beside(a, b, "g", "r", atoms, _compared(atoms, structure, kind))
    a.set(ylabel="g(r), O–O", ylim=(0, None), title=f"beads: {NAMES[kind]}")
    b.set(xlabel="r / Å", ylabel="g − g of atoms", xlim=(2, None))
    a.legend(frameon=False, fontsize=8)
    return figure


def corrections(table: xr.Dataset) -> Figure:
    """Draw u(r) of pairs that correct models, and how far g was from the target's in each round."""
    figure, (a, b) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    for kind in table.kind.values.tolist():
        row, color = table.sel(kind=kind), OF_KIND[kind]
        a.plot(row.u_r, row.u / water.KT, color=color, label=NAMES[kind])
        rounds = 1 + np.arange(row.sizes["round"])
        b.plot(rounds, row.residual, "o-", color=color, label=NAMES[kind])
        b.plot(rounds, row.noise, ":", color=color, label="of it noise")
    a.axhline(0, color="0.6", lw=0.8)
    a.set(xlabel="r / Å", ylabel="u / kT")
    b.set(xlabel="round", ylabel="4πρ∫r²(g − g*)²dr", yscale="log")
    for panel in (a, b):
        panel.legend(frameon=False, fontsize=8)
    return figure


def angles(atoms: xr.Dataset, structure: xr.Dataset, kind: str) -> Figure:
    """Draw distributions of O–O–O angles for every cutoff, and what they differ by (fig. 4)."""
    cutoffs = atoms.adf_cutoff.values
    figure, axes = plt.subplots(2, len(cutoffs), figsize=(12, 5), sharex=True, sharey="row", height_ratios=(2, 1), layout="constrained")  # fmt: skip
    known, curves = water.angular(atoms), _compared(atoms, structure, kind)
    for (a, b), cutoff in zip(axes.T, cutoffs, strict=True):
        at = {label: (_degrees(found.sel(adf_cutoff=cutoff)), color) for label, (found, color) in curves.items()}
        beside(a, b, "p", "angle", _degrees(known.sel(adf_cutoff=cutoff)), at)
        a.set(title=f"neighbors within {cutoff:g} Å")
        b.set(xlabel="O–O–O angle / °", xticks=range(0, 181, 45))
    axes[0, 0].set(ylabel="P(θ) / rad⁻¹", ylim=(0, None))  # of all, once all is drawn
    figure.suptitle(f"beads: {NAMES[kind]}")
    axes[1, 0].set(ylabel="P − P of atoms / rad⁻¹")
    axes[0, 0].legend(frameon=False, fontsize=8)
    return figure


def _degrees(found: xr.Dataset) -> xr.Dataset:
    return found.assign_coords(angle=np.degrees(found.angle))


def orders(atoms: xr.Dataset, structure: xr.Dataset, kind: str) -> Figure:
    """Draw distributions of the averaged Steinhardt parameters q̄4 and q̄6, and what they differ by (fig. 5)."""
    figure, axes = plt.subplots(2, atoms.sizes["l"], figsize=(9, 5), sharex="col", sharey="row", height_ratios=(2, 1), layout="constrained")  # fmt: skip
    curves = _compared(atoms, structure, kind)
    for (a, b), l in zip(axes.T, atoms.l.values, strict=True):
        at = {label: (found.sel(l=l), color) for label, (found, color) in curves.items()}
        beside(a, b, "steinhardt", "q_l", atoms.sel(l=l), at)
        a.set(title=f"l = {l}")
        b.set(xlabel=f"q̄{l}", xlim=(0, _end(atoms.sel(l=l))))
    axes[0, 0].set(ylabel="probability density", ylim=(0, None))
    figure.suptitle(f"beads: {NAMES[kind]}")
    axes[1, 0].set(ylabel="difference from atoms")
    axes[0, 0].legend(frameon=False, fontsize=8)
    return figure


def _end(found: xr.Dataset) -> float:
    """Return where a distribution of q̄ has become nothing; 1, where q̄ ends, if no bead has neighbors."""
    some = found.q_l.values[found.steinhardt.values > 1e-3 * found.steinhardt.values.max()]
    return min(1.0, 1.15 * float(some.max(initial=0.0)) or 1.0)


def deviations(table: xr.Dataset) -> Figure:
    """Draw how much models differ for every length of data, and where forces are large (fig. 6), each kind on its own."""
    kinds = list(dict.fromkeys(table.kind.values.tolist()))
    figure, axes = plt.subplots(len(kinds), 2, figsize=(9, 3 * len(kinds)), squeeze=False, layout="constrained")
    for (a, b), kind in zip(axes, kinds, strict=True):
        rows = table.isel(row=table.kind.values == kind).sortby("frames")
        colors = plt.get_cmap("viridis")(np.linspace(0.75, 0.1, rows.sizes["row"]))
        for k, color in enumerate(colors):
            row = rows.isel(row=k)
            label = f"{int(row.frames)} frames: {100 * float(row.below):.1f} % below"
            a.plot(MILLI * row.deviation, row.density / MILLI, color=color, label=label)
            counted = row.force_count.values > 20  # fewer make no mean
            b.plot(row.force[counted], MILLI * row.by_force[counted], color=color, marker=".", label=f"{int(row.frames)} frames, correlation {float(row.correlation):.2f}")  # fmt: skip
        a.axvline(MILLI * float(table.attrs["limit"]), color="0.6", lw=1, ls=":")
        a.set(xlabel="Σ / meV Å⁻¹", ylabel="density / Å meV⁻¹", xlim=(0, None), ylim=(0, None), title=f"{NAMES[kind]}: {int(rows.models[0])} models")  # fmt: skip
        b.set(xlabel="|F| / eV Å⁻¹", ylabel="mean Σ / meV Å⁻¹", ylim=(0, None), title="where forces are large")
        for panel in (a, b):
            panel.legend(frameon=False, fontsize=8)
    return figure


def costs(table: xr.Dataset) -> Figure:
    """Draw the time of a step of atoms and of beads over the number of molecules, beside a straight line through the first."""
    figure, panel = plt.subplots(figsize=(5.5, 3.8), layout="constrained")
    for kind, color in {"large": DFT, **OF_KIND}.items():
        rows = table.isel(row=(table.what.values == "cost") & (table.kind.values == kind)).sortby("molecules")
        n, each = rows.molecules.values.astype(float), MILLI * rows.seconds_per_step.values
        panel.errorbar(n, each, MILLI * rows.spread.values / 2, fmt="o", ms=4, capsize=3, color=color, label=NAMES[kind])  # fmt: skip
        if len(n) > 1:
            panel.plot(n, each[0] * n / n[0], color=color, lw=1, ls="--")
    panel.set(xscale="log", yscale="log", xlabel="molecules", ylabel="processor time of a step / ms")
    panel.set_title("dashed: linear from the smallest", fontsize=9)
    panel.legend(frameon=False)
    return figure


def drifts(table: xr.Dataset) -> Figure:
    """Draw the energy of a molecule over time in NVE, a panel for every kind."""
    rows = table.isel(row=table.what.values == "drift")
    figure, axes = plt.subplots(1, len(OF_KIND), figsize=(11, 3), layout="constrained")
    for panel, (kind, color) in zip(axes, OF_KIND.items(), strict=True):
        mine = rows.isel(row=rows.kind.values == kind).sortby("step")
        for k, style in zip(range(mine.sizes["row"]), ("-", "--", ":"), strict=False):
            row = mine.isel(row=k)
            ps = cost.every_of(float(table.attrs["nve_ps"]), float(row.step)) * float(row.step) / 1000
            label = (
                f"{float(row.step):g} fs: {MILLI * float(row.drift):.2g} ± {MILLI * float(row.drift_stderr):.1g} meV/ps"
            )
            panel.plot(ps * np.arange(row.sizes["sample"]), MILLI * row.energy, color=color, ls=style, lw=1, label=label)  # fmt: skip
        panel.set(xlabel="t / ps", title=NAMES[kind])
        panel.legend(frameon=False, fontsize=8)
    axes[0].set(ylabel="U + K from its first value\n/ meV per molecule")
    return figure


def many_body(atoms: xr.Dataset, found: Mapping[str, xr.Dataset], cutoff: float, order: int) -> Figure:
    """Draw g, angles within one cutoff and q̄ of several models in one box, and what they differ by from the atoms: 2, 3 and more bodies."""
    figure, axes = plt.subplots(2, 3, figsize=(12, 5), sharex="col", height_ratios=(2, 1), layout="constrained")
    colors = (SMALL, PAIRS, NETWORK, LARGE)
    curves = {label: (water.angular(table), c) for (label, table), c in zip(found.items(), colors, strict=False)}
    known = water.angular(atoms)
    beside(*axes[:, 0], "g", "r", known, curves)
    at = {label: (_degrees(table.sel(adf_cutoff=cutoff)), color) for label, (table, color) in curves.items()}
    beside(*axes[:, 1], "p", "angle", _degrees(known.sel(adf_cutoff=cutoff)), at)
    at = {label: (table.sel(l=order), color) for label, (table, color) in curves.items()}
    beside(*axes[:, 2], "steinhardt", "q_l", known.sel(l=order), at)
    labels = ("g(r), O–O", f"P(θ) within {cutoff:g} Å / rad⁻¹", f"density of q̄{order}")
    for panel, label in zip(axes[0], labels, strict=True):
        panel.set(ylabel=label, ylim=(0, None))
    axes[1, 0].set(xlabel="r / Å", ylabel="difference from atoms", xlim=(2, None))
    axes[1, 1].set(xlabel="O–O–O angle / °", xticks=range(0, 181, 45))
    axes[1, 2].set(xlabel=f"q̄{order}", xlim=(0, _end(known.sel(l=order))))
    axes[0, 0].legend(frameon=False, fontsize=8)
    return figure


def learned(reference: xr.Dataset, beads: xr.Dataset) -> Figure:
    """Draw forces of the atomistic model over those of DFT, and held-out errors of beads over how much they learned from."""
    figure, (a, b) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    known, said = reference.force_dft.values.ravel(), reference.force_model.values.ravel()
    reach = 1.05 * float(np.abs(known).max())
    a.plot([-reach, reach], [-reach, reach], color="0.6", lw=1)
    a.plot(known, said, ".", ms=1, color=SMALL, rasterized=True)
    a.set(xlabel="force by DFT / eV Å⁻¹", ylabel="force by the model / eV Å⁻¹", title=f"held out: {MILLI * float(reference.attrs['held_out_force_rmse']):.0f} meV/Å")  # fmt: skip
    for kind in dict.fromkeys(beads.kind.values.tolist()):
        rows = beads.isel(row=beads.kind.values == kind)
        b.plot(rows.frames, MILLI * rows.held_out_force_rmse, "o", ms=4, color=OF_KIND[kind], label=NAMES[kind])
    b.axhline(MILLI * float(beads.attrs["force_rms"]), color="0.6", lw=1, ls=":", label="rms force")
    b.set(xlabel="frames", ylabel="held-out force error of beads / meV Å⁻¹", xscale="log")
    b.legend(frameon=False, fontsize=8)
    return figure
