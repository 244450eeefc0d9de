"""Pictures of what networks say; each function returns a matplotlib Figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from cg_data import Units, boltzmann_inversion
from cg_data.plots import COLORS, STYLE, SYMBOLS
from cg_models.boltzmann.options import CAP
from cg_models.boltzmann.prediction import PredictedPotential
from cg_models.schnet.trial import Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def require_matplotlib() -> None:
    """Raise ImportError with the command if pictures cannot be drawn."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise ImportError('drawing pictures needs matplotlib: pip install "cg-models[plot]"') from None


def plot_inverted(found: PredictedPotential, target: xr.Dataset) -> Figure:
    """Draw g(r), and beside it the potential that networks say makes it, with its errors, and −kT ln g."""
    figure, (left, right) = _figure(2)
    r, g, kT = target["r"].values, target["g"].values[0], float(target["kT"])
    length, energy = (unit_symbol(target[name].attrs["units"]) for name in ("r", "kT"))
    left.plot(r, g, color=COLORS[0])
    left.axhline(1.0, color="0.7", lw=0.8, zorder=0)
    left.set(xlabel=f"r ({length})", ylabel="g(r)", xlim=(0, found.potential.cutoff), ylim=(0, None))
    rho = float(target["density"][0])
    left.set_title(f"ρ = {rho:.4g} {length}$^{{-3}}$, kT = {kT:.4g} {energy}", fontsize=9)
    mean_force = np.where(g > 0, boltzmann_inversion(g, kT=kT), np.nan)
    right.plot(r, mean_force, color=COLORS[1], ls="--", label=r"$-k_{\rm B}T\,\ln g$")
    fine = np.linspace(found.r[0], found.potential.cutoff, 500)
    right.plot(fine, found.potential.energy(fine), color=COLORS[0], label="U(r) of the networks")
    told = found.told
    right.errorbar(
        found.r[told], found.u[told], found.stderr[told], color=COLORS[0], fmt=".", ms=3, lw=0.9, capsize=1.5
    )
    right.axhline(0.0, color="0.7", lw=0.8, zorder=0)
    right.set(xlabel=f"r ({length})", ylabel=f"U ({energy})", xlim=(0, found.potential.cutoff))
    right.set_ylim(*_shown(found.potential.energy(found.r), mean_force[r < found.potential.cutoff], kT))
    right.set_title(f"score {found.score:.2f}; bars: spread of the networks", fontsize=9)
    right.legend(frameon=False)
    return figure


def plot_evaluated(
    wanted: np.ndarray, found: np.ndarray, r: np.ndarray, g: np.ndarray, verdict: Verdict | None, units: Units
) -> Figure:
    """Draw force components of a potential over those of a trajectory, and g(r) of both, if there is a trial."""
    figure, (left, right) = _figure(2)
    force = f"{unit_symbol(units.energy)}/{unit_symbol(units.length)}"
    far = float(np.quantile(np.abs(wanted), 0.999)) or 1.0
    left.hexbin(
        wanted.ravel(), found.ravel(), gridsize=70, extent=(-far, far, -far, far), bins="log", cmap="Blues", mincnt=1
    )
    left.plot([-far, far], [-far, far], color="0.3", lw=0.8)
    left.set(xlabel=f"force of the trajectory ({force})", ylabel=f"force of the potential ({force})",
             xlim=(-far, far), ylim=(-far, far))  # fmt: skip
    off = float(np.sqrt(np.mean((found - wanted) ** 2)))
    left.set_title(f"components; error {off:.3g} of {float(np.sqrt(np.mean(wanted**2))):.3g} (rms)", fontsize=9)
    right.plot(r, g, color=COLORS[0], label="trajectory")
    if verdict is not None:
        right.plot(verdict.r, verdict.g, color=COLORS[1], ls="--", label="trial")
    right.axhline(1.0, color="0.7", lw=0.8, zorder=0)
    right.set(xlabel=f"r ({unit_symbol(units.length)})", ylabel="g(r)", xlim=(0, float(r[-1])), ylim=(0, None))
    right.set_title("between molecules" if verdict is not None else "no trial, or it broke down", fontsize=9)
    right.legend(frameon=False)
    return figure


def unit_symbol(name: object) -> str:
    return SYMBOLS.get(str(name), str(name))


def _figure(columns: int) -> tuple[Figure, list[Axes]]:
    require_matplotlib()
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):  # type: ignore[arg-type]
        figure = Figure(figsize=(4.6 * columns, 3.5), dpi=160, layout="constrained")
        return figure, list(np.atleast_1d(figure.subplots(1, columns)))


def _shown(u: np.ndarray, mean_force: np.ndarray, kT: float) -> tuple[float, float]:
    """Return the axis' ends: the depth of both curves, and of a core a part, a soft potential whole."""
    finite = np.concatenate([u, mean_force[np.isfinite(mean_force)]])
    depth = max(-float(finite.min()), 0.5 * kT)
    core = float(u.max()) >= CAP * kT
    high = max(4 * depth, 3 * kT) if core else max(float(u.max()), depth)
    return -1.25 * depth, 1.15 * high
