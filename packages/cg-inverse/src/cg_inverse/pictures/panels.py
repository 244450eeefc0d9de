"""The panels that pictures of fits and cards are made of: g(r) with its difference, U(r), convergence, a table."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy.interpolate import CubicSpline

from cg_data import Interactions, Potential, as_interactions, pair_of
from cg_data.plots import COLORS
from cg_inverse.cards.records import Curve, PotentialCurve, TransferCard
from cg_inverse.cards.rows import reports, rows, symbol
from cg_inverse.problems.bins import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from matplotlib.gridspec import SubplotSpec

_TARGET: dict[str, Any] = {"color": "0.75", "lw": 4.5, "solid_capstyle": "round", "zorder": 1}
_ZERO: dict[str, Any] = {"color": "0.75", "lw": 0.8, "zorder": 0}
_NOTE: dict[str, Any] = {"xycoords": "axes fraction", "fontsize": 7.5, "color": "0.4"}
_RESIDUAL = r"residual $D = 4\pi\rho\int r^2(g - g^*)^2\,dr$"
_FAINTEST = 0.15
_DEEPEST = 0.5  # kT: a well shallower than this does not set the height of a panel of U
_UNITS_FROM, _VALUES_FROM = 2.3, 3.9  # where columns of the table begin [inch]
_FINER = 8
_WALL = 2.0  # kT: above, differences of potentials are those of steep walls


def believed_round(history: xr.Dataset) -> int:
    """Return the index of the round whose potential was taken: of those with the most steps that of lowest residual
    beyond noise, unless the history names another.
    """
    if "best_iteration" in history.attrs:
        return int(np.flatnonzero(history["iteration"].values == history.attrs["best_iteration"])[0])
    steps = history["steps"].values
    excess = np.where(steps == steps.max(), history["residual"].values - history["noise"].values, np.inf)
    return int(np.argmin(excess))


def fit_curves(history: xr.Dataset, state: int, iteration: int) -> tuple[Curve, ...]:
    """Return g of one round at one state, and its target, of all pairs known there."""
    r, found = history["r"].values, []
    for k, pair in enumerate(history["pair"].values):
        columns = [history[name].values[iteration, state, k] for name in ("g", "g_stderr")]
        columns += [history[name].values[state, k] for name in ("g_target", "g_target_stderr")]
        known = np.isfinite(columns[0]) & np.isfinite(columns[2])
        if np.any(known):
            found.append(Curve(str(pair), *(tuple(c[known].tolist()) for c in (r, *columns))))
    return tuple(found)


def draw_g(figure: Figure, panel: SubplotSpec, curves: Sequence[Curve], length: str, title: str) -> None:
    """Draw g beside its target, and below it their difference with the band that both errors allow."""
    upper, lower = stacked(figure, panel, (3, 1))
    for color, curve in zip(cycle(COLORS), curves, strict=False):
        r, g, target = (np.array(x) for x in (curve.r, curve.g, curve.target))
        band = 2 * np.hypot(curve.g_stderr, curve.target_stderr)
        upper.plot(r, target, **_TARGET)
        upper.plot(r, g, color=color, lw=1.2, zorder=2)
        lower.fill_between(r, -band, band, where=np.maximum(g, target) > 0, color=color, alpha=0.22, lw=0)
        lower.plot(r, g - target, color=color, lw=0.9)
    upper.axhline(1.0, **_ZERO)
    lower.axhline(0.0, **_ZERO)
    limit = 1.15 * _largest_difference(curves)
    r_max = max(c.r[-1] for c in curves)
    upper.set(ylabel="g(r)", xlim=(0, r_max), ylim=(0, 1.08 * max(max(*c.g, *c.target) for c in curves)))
    lower.set(xlabel=f"r ({length})", ylabel="g − g*", ylim=(-limit, limit))
    upper.set_title(title, fontsize=9)
    upper.plot([], [], label="target g*", **_TARGET)
    for color, curve in zip(cycle(COLORS), curves, strict=False):
        upper.plot([], [], color=color, label=curve.pair if len(curves) > 1 else "this potential")
    upper.legend(frameon=False, loc="upper right", fontsize=8.5)
    lower.annotate("band: ± 2 standard errors", (0.98, 0.05), ha="right", **_NOTE)


def _largest_difference(curves: Sequence[Curve]) -> float:
    """Return the largest |g − g*| or its band where g* is not next to nothing."""
    found = [1e-12]
    for c in curves:
        g, target = np.array(c.g), np.array(c.target)
        band = 2 * np.hypot(c.g_stderr, c.target_stderr)
        known = np.maximum(g, target) > 0.05
        if np.any(known):
            found.append(float(np.max(np.maximum(np.abs(g - target), band)[known])))
    return max(found)


def draw_rounds_of_u(
    figure: Figure, panel: SubplotSpec, history: xr.Dataset, best: int, u_stderr: npt.ArrayLike | None
) -> None:
    """Draw U(r) of all rounds, early ones fainter, and in full color the round to believe."""
    axis = figure.add_subplot(panel)
    (r, u), rounds = smooth(history["r_u"].values, history["u"].values), history.sizes["iteration"]
    names = [str(p) for p in history["pair"].values]
    alphas = np.linspace(_FAINTEST, 0.6, rounds)
    for k, (color, name) in enumerate(zip(cycle(COLORS), names, strict=False)):
        for i in range(rounds):
            if i != best:
                axis.plot(r, u[i, k], color=color, alpha=float(alphas[i]), lw=0.8)
        axis.plot(r, u[best, k], color=color, lw=2, label=name)
        if u_stderr is not None:
            band = 2 * np.interp(r, history["r_u"].values, np.asarray(u_stderr)[k])
            axis.fill_between(r, u[best, k] - band, u[best, k] + band, color=color, alpha=0.3, lw=0)
    kT = float(history["kT"].values[0]) if "kT" in history else float(history["u"].std()) / 10
    length, energy = symbol(str(history.attrs["units_length"])), symbol(str(history.attrs["units_energy"]))
    _finish_u(axis, r, list(u[best]), kT, length, energy)
    number = int(history["iteration"].values[best]) + 1
    axis.set_title(f"U(r): round {number} in bold, the others faint", fontsize=9)
    if len(names) > 1:
        axis.legend(frameon=False, loc="upper right")
    if u_stderr is not None:
        axis.annotate("band: ± 2 standard errors", (0.98, 0.03), ha="right", **_NOTE)


def smooth(r: Array, u: Array) -> tuple[Array, Array]:
    """Return U (…, r) at eight times as many points: a history has one per knot, and between knots U is cubic."""
    if len(r) < 4:
        return r, u
    fine = np.linspace(r[0], r[-1], _FINER * (len(r) - 1) + 1)
    return fine, np.asarray(CubicSpline(r, u, axis=-1)(fine))


def draw_u(
    figure: Figure, panel: SubplotSpec, potential: Sequence[PotentialCurve], length: str, energy: str, *, kT: float
) -> None:
    """Draw U(r) of every pair, dotted inside the core, where no target says anything."""
    axis = figure.add_subplot(panel)
    for color, curve in zip(cycle(COLORS), potential, strict=False):
        r, u = np.array(curve.r), np.array(curve.u)
        core = r < curve.core
        axis.plot(r[~core], u[~core], color=color, lw=1.8, label=curve.pair)
        axis.plot(r[core], u[core], color=color, lw=1.2, ls=":")
        if curve.u_stderr:
            band = 2 * np.array(curve.u_stderr)
            axis.fill_between(r, u - band, u + band, color=color, alpha=0.3, lw=0)
    if any(curve.u_stderr for curve in potential):
        axis.annotate("band: ± 2 standard errors", (0.98, 0.03), ha="right", **_NOTE)
    outside = [np.where(np.array(c.r) >= c.core, np.array(c.u), np.nan) for c in potential]
    _finish_u(axis, np.array(max((c.r for c in potential), key=lambda x: x[-1])), outside, kT, length, energy)
    axis.set_title("potential, dotted inside the core", fontsize=9)
    if len(potential) > 1:
        axis.legend(frameon=False, loc="upper right")


def _finish_u(axis: Axes, r: Array, curves: Sequence[Array], kT: float, length: str, energy: str) -> None:
    """Set the limits so that wells are seen, walls to three times their depth."""
    depth = max(_DEEPEST * kT, *(-float(np.nanmin(u)) for u in curves))
    axis.axhline(0.0, **_ZERO)
    axis.set(xlabel=f"r ({length})", ylabel=f"U(r) ({energy})", ylim=(-1.35 * depth, 3 * depth))
    seen = [float(x[np.argmax(u < 3 * depth)]) for u in curves for x in [r] if len(x) == len(u)]
    axis.set_xlim(max(0.0, 0.92 * min(seen, default=0.0)), float(r[-1]))


def draw_convergence(figure: Figure, panel: SubplotSpec, history: xr.Dataset, best: int) -> None:
    """Draw the residual and its noise by round, and χ² per shell below."""
    from matplotlib.ticker import MaxNLocator

    upper, lower = stacked(figure, panel, (2, 1))
    number = history["iteration"].values + 1
    residual, noise, chi2 = (history[name].values for name in ("residual", "noise", "chi2"))
    upper.semilogy(number, residual, color=COLORS[0], marker="o", ms=3.5, label="residual D")
    upper.semilogy(number, noise, color="0.5", ls="--", lw=1.1, label="noise alone")
    upper.plot(number[best], residual[best], "o", ms=8, mfc="none", mec=COLORS[1], mew=1.4, label="round taken")
    lower.semilogy(number, chi2, color=COLORS[2], marker="o", ms=3)
    lower.axhline(1.0, color="0.5", ls="--", lw=1.1)
    upper.set(ylabel="D, DiffSim eq. 18")
    lower.set(xlabel="round", ylabel="χ² per shell", xlim=(number[0] - 0.5, number[-1] + 0.5))
    lower.xaxis.set_major_locator(MaxNLocator(integer=True))
    _plain_ticks(lower.yaxis)
    upper.legend(frameon=False, fontsize=8.5)
    upper.set_title("distance from the target", fontsize=9)


def draw_compared_residuals(
    figure: Figure, panel: SubplotSpec, histories: Sequence[xr.Dataset], names: Sequence[str]
) -> None:
    """Draw D against the force evaluations spent so far; a dash marks what noise alone makes of the last round's."""
    axis = figure.add_subplot(panel)
    for color, history, name in zip(cycle(COLORS), histories, names, strict=False):
        work = np.cumsum(history["force_evaluations"].values) / 1e6
        axis.loglog(work, history["residual"].values, color=color, marker="o", ms=3.5, label=name)
        axis.plot(work[-1], history["noise"].values[-1], color=color, marker="_", ms=11, mew=1.8, ls="")
    axis.set(xlabel="force evaluations (10⁶ particles × steps)", ylabel=_RESIDUAL)
    _plain_ticks(axis.xaxis)
    axis.annotate("–  noise alone, last round", (0.02, 0.02), **_NOTE)
    axis.legend(frameon=False, loc="upper right", fontsize=8.5)


def draw_compared_u(
    figure: Figure, panel: SubplotSpec, histories: Sequence[xr.Dataset], names: Sequence[str], pair: str,
    truth: Potential | Interactions | None,
) -> None:  # fmt: skip
    """Draw each fit's U(r) of one pair, and below it how much it differs from the truth, or from the first fit."""
    upper, lower = stacked(figure, panel, (3, 1))
    first = histories[0]
    kT = float(first["kT"].values[0]) if "kT" in first else 1.0
    curves = [smooth(h["r_u"].values, h["u"].sel(pair=pair).values[believed_round(h)]) for h in histories]
    (r, u), differences = curves[0], [0.05 * kT]
    known = None if truth is None else as_interactions(truth, pair.split("-")[0])[pair_of(pair)]
    true = [] if known is None else [known.energy(r)]
    if true:
        upper.plot(r, true[0], label="truth", **_TARGET | {"lw": 3.2})
    for color, (x, y), name in zip(cycle(COLORS), curves, names, strict=False):
        difference = y - (np.interp(x, r, u) if known is None else known.energy(x))
        differences.append(float(np.max(np.abs(difference)[y < _WALL * kT])))
        upper.plot(x, y, color=color, lw=1.3, label=name, zorder=2)
        lower.plot(x, difference, color=color, lw=1.1)
    length, energy = symbol(str(first.attrs["units_length"])), symbol(str(first.attrs["units_energy"]))
    _finish_u(upper, r, [y for _, y in curves] + true, kT, length, energy)
    lower.axhline(0.0, **_ZERO)
    limit = 1.1 * max(differences)
    lower.set(xlabel=f"r ({length})", ylabel=f"ΔU ({energy})", ylim=(-limit, limit))
    upper.set(xlabel="")
    upper.set_title(pair if first.sizes["pair"] > 1 else "potentials", fontsize=9)
    upper.legend(frameon=False, loc="upper right", fontsize=8.5)
    against = "the truth" if known is not None else names[0]
    lower.annotate(f"less {against}", (0.98, 0.06), ha="right", **_NOTE)


def draw_table(axis: Axes, card: TransferCard, width: float) -> None:
    """Write the card's numbers in columns over `width` [inch]: quantity, unit, and one for each state."""
    axis.axis("off")
    lines, states = rows(card), reports(card)
    first = _VALUES_FROM / width
    lefts = [0.0, _UNITS_FROM / width, *(first + (1 - first) * k / len(states) for k in range(len(states)))]
    height = 1 / (len(lines) + 1)
    head = ["", "", *(s.name for s in states)]
    for k, line in enumerate([head, *([row.quantity, row.unit, *row.values] for row in lines)]):
        y = 1 - (k + 0.5) * height
        if k % 2:
            axis.axhspan(y - 0.5 * height, y + 0.5 * height, color="0.955", lw=0)
        for j, (x, text) in enumerate(zip(lefts, line, strict=True)):
            bold = "bold" if k == 0 else "normal"
            color = "0.45" if j == 1 else "0"
            written = axis.text(x + 0.005, y, text, va="center", fontsize=8.5, color=color, weight=bold)
            written.set_in_layout(False)
    axis.set(xlim=(0, 1), ylim=(0, 1))


def stacked(figure: Figure, panel: SubplotSpec, ratio: tuple[float, float]) -> tuple[Axes, Axes]:
    """Return two axes, one above the other, that share r."""
    grid = panel.subgridspec(2, 1, height_ratios=ratio, hspace=0.04)
    lower = figure.add_subplot(grid[1])
    upper = figure.add_subplot(grid[0], sharex=lower)
    upper.tick_params(labelbottom=False)
    return upper, lower


def _plain_ticks(axis: Axis) -> None:
    """Write 20, 50, 100 instead of powers, where a logarithmic axis spans little."""
    from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

    low, high = axis.get_view_interval()
    axis.set_minor_formatter(NullFormatter())
    if high / low < 2000:
        subs = (1.0, 2.0, 5.0) if high / low < 30 else (1.0, 3.0) if high / low < 300 else (1.0,)
        axis.set_major_locator(LogLocator(subs=subs))
        axis.set_major_formatter(FormatStrFormatter("%g"))
