"""The picture of a live liquid: U(r) and g(r), drawn again in some tens of milliseconds."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np

from cg_data.plots import COLORS, STYLE
from cg_sim.live.liquid import Seen
from cg_sim.plots import require_matplotlib

ENERGIES, PEAK = (-1.6, 2.5), 3.2  # of the panels: they do not jump while a slider moves


class Picture:
    """Two panels whose curves are replaced; the one before stays behind in gray."""

    def __init__(self, *, kT: float, reach: float) -> None:
        require_matplotlib()
        import matplotlib as mpl
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        with mpl.rc_context(STYLE):  # type: ignore[arg-type]
            self._figure = Figure(figsize=(7.6, 3.0), dpi=90)
            self._canvas: Any = FigureCanvasAgg(self._figure)
            left, right = self._figure.subplots(1, 2)
            self._figure.subplots_adjust(0.09, 0.17, 0.99, 0.9, 0.25)
        (self._u,) = left.plot([], [], color=COLORS[0])
        (self._before,) = right.plot([], [], color="0.75")
        (self._g,) = right.plot([], [], color=COLORS[0])
        left.axhline(0, color="0.8", lw=0.8)
        right.axhline(1, color="0.8", lw=0.8)
        left.set(xlabel="r", ylabel="U(r)", xlim=(0.8, reach), ylim=tuple(kT * e for e in ENERGIES))
        right.set(xlabel="r", ylabel="g(r)", xlim=(0, reach), ylim=(0, PEAK))
        self._title = right.set_title("")

    def png(self, seen: Seen) -> bytes:
        """Return the picture of what is seen."""
        self._before.set_data(*self._g.get_data())
        self._u.set_data(seen.r, seen.u)
        self._g.set_data(seen.r, seen.g)
        self._title.set_text(f"P = {seen.pressure:.2f}, {1000 * seen.seconds:.0f} ms")
        self._g.axes.set_ylim(0, max(PEAK, 1.05 * float(np.max(seen.g, initial=0.0))))
        out = BytesIO()
        self._canvas.print_png(out)
        return out.getvalue()
