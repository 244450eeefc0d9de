"""Pictures of a run that need no further editing; each function returns a matplotlib Figure."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from cg_data import Units
from cg_data.plots import COLORS, STYLE, SYMBOLS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def require_matplotlib() -> None:
    """Raise ImportError with the command if pictures cannot be drawn."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise ImportError('drawing pictures needs matplotlib: pip install "cg-sim[plot]"') from None


def plot_run(data: xr.Dataset) -> Figure:
    """Draw what a run measured: g(r) with its error band, and beside it the course of the energy."""
    require_matplotlib()
    import matplotlib as mpl
    from matplotlib.figure import Figure

    if data.attrs.get("schema") != "run":
        raise ValueError(f"a run is drawn, this dataset is {data.attrs.get('schema')!r}: give Run.data or a saved run")
    if not data.sizes.get("sample", 0):
        raise ValueError("this run has no samples to draw: it ended before the first one")
    panels = [_draw_rdf, _draw_energy] if "g" in data else [_draw_energy]
    with mpl.rc_context(STYLE):  # type: ignore[arg-type]
        figure = Figure(figsize=(4.6 * len(panels), 3.5), dpi=160, layout="constrained")
        for draw, axis in zip(panels, np.atleast_1d(figure.subplots(1, len(panels))), strict=True):
            draw(data, axis)
    return figure


def _unit(name: object) -> str:
    return SYMBOLS.get(str(name), str(name))


def _draw_rdf(data: xr.Dataset, axis: Axes) -> None:
    r = data["r"].values
    for color, name in zip(cycle(COLORS), data["pair"].values, strict=False):
        g = data["g"].sel(pair=name).values
        axis.plot(r, g, color=color, lw=1.0, label=str(name))
        if "g_stderr" in data:
            band = 2 * data["g_stderr"].sel(pair=name).values
            axis.fill_between(r, g - band, g + band, color=color, alpha=0.35, lw=0)
    axis.axhline(1.0, color="0.7", lw=0.8, zorder=0)
    axis.set(xlabel=f"r ({_unit(data['r'].attrs['units'])})", ylabel="g(r)", xlim=(0, float(r[-1])), ylim=(0, None))
    axis.set_title(_conditions(data), fontsize=9)
    bands = "bands: ± 2 standard errors" if "g_stderr" in data else "one sample: errors unknown"
    axis.annotate(bands, (0.98, 0.03), xycoords="axes fraction", ha="right", fontsize=7.5, color="0.4")
    if data.sizes["pair"] > 1:
        axis.legend(frameon=False)


def _conditions(data: xr.Dataset) -> str:
    density = float(data["density"].sum()) if "density" in data else np.nan
    words = [rf"$\rho$ = {density:.4g}"] if np.isfinite(density) else []
    words += [f"kT = {float(data['kT']):.4g}", f"N = {data.attrs['n']}"]
    return ", ".join(words) + (", interrupted" if "interrupted" in data.attrs else "")


def _draw_energy(data: xr.Dataset, axis: Axes) -> None:
    """Draw U/N over time; a mean that the course does not wander around says: equilibrate longer."""
    t, u = data["sample_time"].values, data["energy_series"].values
    mean, error = float(data["energy"]), float(data["energy_stderr"])
    axis.plot(t, u, color=COLORS[5], lw=0.7, marker="" if len(t) > 1 else ".")
    axis.axhline(mean, color=COLORS[0], label="mean")
    if np.isfinite(error):
        axis.axhspan(mean - 2 * error, mean + 2 * error, color=COLORS[0], alpha=0.3, lw=0)
    axis.set(xlabel=f"time ({_time_unit(data)})", ylabel=f"U/N ({_unit(data['energy'].attrs['units'])})")
    axis.set_title("potential energy per particle, samples and mean", fontsize=9)


def _time_unit(data: xr.Dataset) -> str:
    unit = str(data["sample_time"].attrs["units"])
    return r"$\sigma\,(m/\varepsilon)^{1/2}$" if unit == Units().time() else unit
