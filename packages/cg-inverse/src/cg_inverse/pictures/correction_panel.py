"""The panel of a correction: u(r) where the target has pairs, around zero, in its units and in kT."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import xarray as xr

from cg_data.plots import COLORS
from cg_inverse.cards.rows import symbol
from cg_inverse.pictures.panels import smooth
from cg_inverse.problems.bins import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.gridspec import SubplotSpec

_PAIRS = 0.05  # g* from which on a correction matters: below, its error is that of nothing counted
_LEAST = 0.02  # kT: of the height
_ROOM = 1.15


def is_correction(history: xr.Dataset) -> bool:
    return str(history.attrs.get("method", "")) == "PairCorrection"


def draw_correction(
    figure: Figure, panel: SubplotSpec, history: xr.Dataset, best: int, u_stderr: npt.ArrayLike | None
) -> None:
    """Draw u(r) of all rounds, early ones fainter, and in full color the round to believe with its error."""
    axis = figure.add_subplot(panel)
    (r, u), names = smooth(history["r_u"].values, history["u"].values), [str(p) for p in history["pair"].values]
    first, kT = first_pairs(history), float(history["kT"].values[0])
    errors = np.zeros((len(names), len(history["r_u"]))) if u_stderr is None else np.asarray(u_stderr)
    seen, highest = r >= first, _LEAST * kT
    alphas = np.linspace(0.2, 0.6, len(u))
    for k, (color, name) in enumerate(zip(cycle(COLORS), names, strict=False)):
        band = 2 * np.interp(r, history["r_u"].values, errors[k])
        for i, alpha in enumerate(alphas):
            if i != best:
                axis.plot(r, u[i, k], color=color, alpha=float(alpha), lw=0.8)
        axis.plot(r, u[best, k], color=color, lw=2, label=name)
        axis.fill_between(r[seen], (u[best, k] - band)[seen], (u[best, k] + band)[seen], color=color, alpha=0.25, lw=0)
        highest = max(highest, float(np.abs(u[:, k, seen]).max()))
    axis.axhline(0.0, color="0.75", lw=0.8, zorder=0)
    length, energy = symbol(str(history.attrs["units_length"])), symbol(str(history.attrs["units_energy"]))
    limit = _ROOM * highest
    axis.set(xlabel=f"r ({length})", ylabel=f"u(r) ({energy})", ylim=(-limit, limit), xlim=(0.95 * first, float(r[-1])))
    beside = axis.secondary_yaxis("right", functions=(lambda y: np.divide(y, kT), lambda y: np.multiply(y, kT)))
    beside.set_ylabel(f"u/kT, kT = {kT:.3g} {energy}")
    number = int(history["iteration"].values[best]) + 1
    axis.set_title(f"correction u(r): round {number} in bold, the others faint", fontsize=9)
    if len(names) > 1:
        axis.legend(frameon=False, loc="upper right")
    if u_stderr is not None:
        axis.annotate("band: ± 2 standard errors", (0.98, 0.03), xycoords="axes fraction", ha="right", fontsize=7.5,
                      color="0.4")  # fmt: skip


def first_pairs(history: xr.Dataset) -> float:
    """Return where any target's g first exceeds 0.05 [length]."""
    g: Array = np.nan_to_num(history["g_target"].values).max(axis=(0, 1))
    return float(history["r"].values[np.argmax(g > _PAIRS)])
