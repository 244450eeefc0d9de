"""Pictures of targets, potentials and random splines that need no further editing.

Each function returns a matplotlib Figure; `figure.savefig("name.png")` writes it. Colors are Okabe and Ito's, which
color-blind readers can tell apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from cg_data.errors import missing_extra
from cg_data.interactions import as_interactions, pair_name
from cg_data.liquid import boltzmann_inversion
from cg_data.potentials.pair_potential import Array, Potential
from cg_data.schemas import check
from cg_data.units import Units

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SYMBOLS = {"sigma": r"$\sigma$", "epsilon": r"$\varepsilon$", "angstrom": "Å"}
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_CORE_SHOWN = 3.0  # of a core, what is within this many times the scale of the features is drawn
_BROAD = 0.15  # a monotone curve above a tenth of its maximum on more of the axis than this is no wall
_TOP, _GRAY = 15.0, 200  # height of the axis [kT] and number of gray lines in the picture of a set
STYLE = {
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "lines.linewidth": 1.5,
}


def _figure(columns: int) -> tuple[Figure, list[Axes]]:
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        raise missing_extra("matplotlib", "plot", "drawing pictures") from None
    with mpl.rc_context(STYLE):  # type: ignore[arg-type]
        figure = Figure(figsize=(4.6 * columns, 3.5), dpi=160, layout="constrained")
        figure.get_layout_engine().set(wspace=0.06)  # type: ignore[union-attr, call-arg]
        return figure, list(np.atleast_1d(figure.subplots(1, columns)))


def _unit(name: str) -> str:
    return {"sigma": r"$\sigma$", "epsilon": r"$\varepsilon$", "angstrom": "Å"}.get(name, name)


def plot_target(data: xr.Dataset) -> Figure:
    """Draw g(r) with its error band, and beside it the Boltzmann inversion −kT ln g."""
    check(data, "pair-target")
    figure, (left, right) = _figure(2)
    r, kT = data["r"].values, float(data["kT"])
    length, energy = (_unit(str(data[v].attrs["units"])) for v in ("r", "kT"))
    for color, name in zip(COLORS * 99, data["pair"].values, strict=False):
        here = data.sel(pair=name)
        g = here["g"].values
        left.plot(r, g, color=color, label=str(name))
        u0 = boltzmann_inversion(g, kT=kT)
        right.plot(r, np.where(np.isfinite(u0), u0, np.nan), color=color, label=str(name))
        if "g_stderr" in data:
            error = 2 * here["g_stderr"].values
            left.fill_between(r, g - error, g + error, color=color, alpha=0.25, lw=0)
            seen = np.isfinite(u0) & (error < 3 * g)
            band = np.divide(kT * error, g, out=np.zeros_like(g), where=seen)
            u0 = np.where(seen, u0, np.nan)
            right.fill_between(r, u0 - band, u0 + band, color=color, alpha=0.25, lw=0)  # fmt: skip
    left.axhline(1.0, color="0.7", lw=0.8, zorder=0)
    right.axhline(0.0, color="0.7", lw=0.8, zorder=0)
    depth = max((-float(np.min(boltzmann_inversion(g[g > 0], kT=kT))) for g in data["g"].values if np.any(g > 0)),
                default=kT)  # fmt: skip
    right.set_ylim(-1.4 * max(depth, 0.3 * kT), 4 * max(depth, 0.6 * kT))
    densities = ", ".join(
        rf"$\rho_{{{t}}}$ = {float(v):.4g}" for t, v in zip(data["type"].values, data["density"].values, strict=True)
    )
    left.set(xlabel=f"r ({length})", ylabel="g(r)", xlim=(0, float(r[-1])), ylim=(0, None))
    left.set_title(f"{densities}, kT = {kT:.4g} {energy}", fontsize=9)
    right.set(xlabel=f"r ({length})", ylabel=rf"$-k_{{\rm B}}T\,\ln g$ ({energy})", xlim=(0, float(r[-1])))
    right.set_title("Boltzmann inversion", fontsize=9)
    if "g_stderr" in data:
        left.annotate("bands: ± 2 standard errors", (0.98, 0.03), xycoords="axes fraction", ha="right", fontsize=7.5,
                      color="0.4")  # fmt: skip
    if data.sizes["pair"] > 1:
        left.legend(frameon=False)
    return figure


def plot_potentials(potentials: Mapping[str, Potential] | Potential, *, units: Units | None = None) -> Figure:
    """Draw U(r) and F(r) of one potential, of Interactions, or of several by name."""
    named: dict[str, Potential]
    if isinstance(potentials, Mapping) and all(isinstance(k, str) for k in potentials):
        named = dict(potentials)
    else:
        named = {pair_name(k): p for k, p in as_interactions(potentials).items()}  # type: ignore[arg-type]
    if not named or not all(np.isfinite(p.cutoff) for p in named.values()):
        raise ValueError("a picture needs at least one potential and finite cutoffs: give each potential one")
    figure, (left, right) = _figure(2)
    u_names = units or Units()
    windows: tuple[list[tuple[float, float]], list[tuple[float, float]]] = ([], [])
    for i, (name, p) in enumerate(named.items()):
        r = np.linspace(getattr(p, "trusted_from", 0.0) or 1e-3 * p.cutoff, p.cutoff, 2000)[:-1]
        look = {"color": COLORS[i % len(COLORS)], "label": name, "ls": ("-", "--", ":")[i % 3]}
        for axis, curve, found in ((left, p.energy(r), windows[0]), (right, p.force(r), windows[1])):
            axis.plot(r, curve, **look)  # type: ignore[arg-type]
            found.append(_window(r / p.cutoff, curve))
    for axis, found in ((left, windows[0]), (right, windows[1])):
        axis.set_ylim(*_common(found))
        axis.axhline(0.0, color="0.7", lw=0.8, zorder=0)
        axis.set(xlabel=f"r ({_unit(u_names.length)})", xlim=(0, max(p.cutoff for p in named.values())))
    left.set_ylabel(f"U(r) ({_unit(u_names.energy)})")
    right.set_ylabel(f"F(r) = −dU/dr ({_unit(u_names.energy)}/{_unit(u_names.length)})")
    if len(named) > 1:
        left.legend(frameon=False)
    return figure


def _window(x: Array, y: Array) -> tuple[float, float]:
    """Return the (low, high) of a curve over x = r/r_c that are worth drawing: its features, and a piece of its core.

    Features are what lies beyond the innermost extremum, or the outer quarter of a curve without one. The last rows
    before the cutoff widen the window by half at most: a cut table ends in a spike.
    """
    x, y = x[np.isfinite(y)], y[np.isfinite(y)]
    if not np.any(y):
        return 0.0, 0.0
    end = np.flatnonzero(np.abs(y) > 1e-7 * np.median(np.abs(y[y != 0])))[-1]  # beyond: padding and rounding
    x, y = x[: end + 1] / x[end], y[: end + 1]
    body = y[(x >= 0.5) & (x < 0.95)]
    if len(body) == 0:
        return min(0.0, float(y.min())), max(0.0, float(y.max()))
    room = 0.5 * float(np.ptp(body))
    y = np.where(x < 0.95, y, np.clip(y, body.min() - room, body.max() + room))
    slope = np.diff(y[x < 0.95])
    moves = np.flatnonzero(slope)
    turns = moves[1:][np.diff(np.sign(slope[moves])) != 0]
    outer = y[turns[0] :] if len(turns) else y
    scale = float(np.max(np.abs(outer)))
    if len(turns) == 0 and np.mean(np.abs(y) > 0.1 * scale) < _BROAD:  # a wall without features
        scale = float(np.median(np.abs(y[x >= 0.75])))
        outer = np.clip(outer, -scale, scale)
    limit = _CORE_SHOWN * scale
    inner = np.clip(y, -limit, limit)
    return float(min(0.0, outer.min(), inner.min())), float(max(0.0, outer.max(), inner.max()))


def _common(windows: list[tuple[float, float]]) -> tuple[float, float]:
    """Return axis limits for all curves in which the lower median one still takes a tenth of the height."""
    heights = sorted(high - low for low, high in windows)
    most = 10 * heights[(len(heights) - 1) // 2] or max(heights)
    low = max(min(low for low, _ in windows), -most)
    high = min(max(high for _, high in windows), most)
    margin = 0.12 * (high - low) or 1.0
    return low - margin, high + margin


def plot_splines(potentials: tuple[Potential, ...], *, chosen: tuple[int, ...] | None = None) -> Figure:
    """Draw a set of random potentials as Fig. 1a of the BoltzmaNN paper: three chosen ones before all others."""
    from cg_data.liquid import b2

    if not potentials:
        raise ValueError("a picture of splines needs at least one potential, got none")
    figure, (left, right) = _figure(2)
    r = np.linspace(1e-3, 5.0, 600)
    _draw_set(left, r, np.stack([p.energy(r) for p in potentials]), np.array([p.cutoff for p in potentials]), chosen)
    left.set(xlabel=r"r ($\sigma$)", ylabel=r"$U(r)\ /\ k_{\rm B}T$", xlim=(0, 5), ylim=(-_TOP, _TOP))
    cored = np.array([hasattr(p, "terms") for p in potentials])
    values = np.array([b2(p, kT=1.0) for p in potentials])
    edges = np.concatenate([-np.logspace(7, 0, 36), np.linspace(-1, 1, 11)[1:-1], np.logspace(0, 3, 16)])
    groups = [values[~cored], values[cored]]
    labels = [f"soft ({len(groups[0])})", f"with WCA core ({len(groups[1])})"]
    right.hist(groups, edges.tolist(), stacked=True, color=[COLORS[5], COLORS[1]], label=labels)
    right.set_xscale("symlog", linthresh=1.0)
    right.set_xticks([-1e6, -1e4, -1e2, 0, 1e2])
    right.set(xlabel=r"$B_2\ (\sigma^3)$", ylabel="potentials")
    right.legend(frameon=False)
    return figure


def plot_set(data: xr.Dataset, *, chosen: tuple[int, ...] | None = None) -> Figure:
    """Draw U(r) [kT] of a `potentials` dataset: all in gray, and three with long cutoffs (or `chosen`) before them."""
    check(data, "potentials")
    if not data.sizes["potential"]:
        raise ValueError("a picture of potentials needs at least one, the dataset holds none")
    figure, (axis,) = _figure(1)
    r, u = data["r"].values, data["u"].values / float(data["kT"])
    _draw_set(axis, r, u, data["cutoff"].values, chosen)
    length, far = _unit(str(data["r"].attrs["units"])), float(r[-1])
    axis.set(xlabel=f"r ({length})", ylabel=r"$U(r)\ /\ k_{\rm B}T$", xlim=(0, far), ylim=(-_TOP, _TOP))
    cores = int(np.sum(data["hard_core"].values))
    axis.set_title(f"{axis.get_title()}, {cores} of all with a hard core", fontsize=9)
    return figure


def _draw_set(axis: Axes, r: Array, u: Array, cutoffs: Array, chosen: tuple[int, ...] | None) -> None:
    """Draw rows u (potential, r) in kT: up to 200 in gray, the chosen in color; walls end above the axis."""
    if chosen and not all(-len(u) <= i < len(u) for i in chosen):
        raise ValueError(f"chosen must be indices of the {len(u)} potentials, got {chosen}")
    seen = np.where(np.abs(u) < 4 * _TOP, u, np.nan)
    axis.plot(r, seen[:_GRAY].T, color="0.8", lw=0.4, zorder=0)
    wide = np.flatnonzero(cutoffs > 0.4 * r[-1]).tolist() or [0]
    picked = chosen or tuple(dict.fromkeys(wide[int(q * (len(wide) - 1))] for q in (0.0, 0.5, 1.0)))
    for color, name, i in zip(COLORS, ("I", "II", "III", "IV", "V", "VI"), picked, strict=False):
        axis.plot(r, seen[i], color=color, label=rf"$U_{{\rm {name}}}$", lw=2)
    axis.axhline(0.0, color="0.5", lw=0.8, zorder=0)
    axis.legend(frameon=False, loc="lower right")
    axis.set_title(f"{min(len(u), _GRAY)} of {len(u)} potentials", fontsize=9)
