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
from cg_data.potentials.pair_potential import Potential
from cg_data.schemas import check
from cg_data.units import Units

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_STYLE = {
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
    with mpl.rc_context(_STYLE):  # type: ignore[arg-type]
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
    figure, (left, right) = _figure(2)
    u_names = units or Units()
    far = max(p.cutoff for p in named.values())
    low, high, pull, push = 0.0, 0.0, 0.0, 0.0
    for i, (name, p) in enumerate(named.items()):
        r = np.linspace(getattr(p, "trusted_from", 0.0) or 1e-3 * p.cutoff, p.cutoff, 2000)[:-1]
        u, f = p.energy(r), p.force(r)
        look = {"color": COLORS[i % len(COLORS)], "label": name, "ls": ("-", "--", ":")[i % 3]}
        left.plot(r, u, **look)  # type: ignore[arg-type]
        right.plot(r, f, **look)  # type: ignore[arg-type]
        ceiling = _ceiling(r, u)
        outer = u <= ceiling
        low, high = min(low, float(np.min(u))), max(high, ceiling)
        pull, push = min(pull, float(np.min(f[outer]))), max(push, 0.4 * float(np.max(f[outer])))
    for axis, (bottom, top) in ((left, (low, high)), (right, (pull, push))):
        margin = 0.12 * max(top - bottom, 1e-12)
        axis.set_ylim(bottom - margin, top + margin)
        axis.axhline(0.0, color="0.7", lw=0.8, zorder=0)
        axis.set(xlabel=f"r ({_unit(u_names.length)})", xlim=(0, far))
    left.set_ylabel(f"U(r) ({_unit(u_names.energy)})")
    right.set_ylabel(f"F(r) = −dU/dr ({_unit(u_names.energy)}/{_unit(u_names.length)})")
    if len(named) > 1:
        left.legend(frameon=False)
    return figure


def _ceiling(r: np.ndarray, u: np.ndarray) -> float:
    """Return the energy up to which U is worth drawing: three wells deep, or what the outer half reaches."""
    outer = u[r >= 0.5 * r[-1]]
    depth = -float(np.min(u))
    return 3 * depth if depth > 0.02 * float(np.max(np.abs(outer))) else float(np.median(np.abs(outer))) * 3 or 1.0


def plot_splines(potentials: tuple[Potential, ...], *, chosen: tuple[int, ...] | None = None) -> Figure:
    """Draw a set of random potentials as Fig. 1a of the BoltzmaNN paper: three chosen ones before all others."""
    from cg_data.liquid import b2

    figure, (left, right) = _figure(2)
    r = np.linspace(1e-3, 5.0, 600)
    top = 15.0
    for p in potentials[:200]:
        left.plot(r, np.where(p.energy(r) < 2 * top, p.energy(r), np.nan), color="0.8", lw=0.4, zorder=0)
    wide = [i for i, p in enumerate(potentials) if p.cutoff > 2] or [0]
    picked = chosen or tuple(dict.fromkeys(wide[int(q * (len(wide) - 1))] for q in (0.0, 0.5, 1.0)))
    for color, name, i in zip(COLORS, ("I", "II", "III", "IV", "V", "VI"), picked, strict=False):
        u = potentials[i].energy(r)
        left.plot(r, np.where(u < 2 * top, u, np.nan), color=color, label=rf"$U_{{\rm {name}}}$", lw=2)
    left.axhline(0.0, color="0.5", lw=0.8, zorder=0)
    left.set(xlabel=r"r ($\sigma$)", ylabel=r"$U(r)\ /\ k_{\rm B}T$", xlim=(0, 5), ylim=(-top, top))
    left.legend(frameon=False, loc="lower right")
    left.set_title(f"{min(len(potentials), 200)} of {len(potentials)} potentials", fontsize=9)
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
