"""Pictures of fits, of several beside each other, and of transfer cards; each function returns a matplotlib Figure."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy.typing as npt
import xarray as xr

from cg_data import Interactions, Potential
from cg_data.plots import STYLE
from cg_inverse.cards.records import StateReport, TransferCard
from cg_inverse.cards.rows import costs, repeat, reports, rows, symbol
from cg_inverse.pictures.correction_panel import draw_correction, is_correction
from cg_inverse.pictures.panels import (
    believed_round,
    draw_compared_residuals,
    draw_compared_u,
    draw_convergence,
    draw_g,
    draw_rounds_of_u,
    draw_table,
    draw_u,
    fit_curves,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.gridspec import GridSpecBase, SubplotSpec

_MOST_STATES = 4
_MOST_PAIRS = 3
_HEIGHT = 4.0  # of a row of panels [inch]


def require_matplotlib() -> None:
    """Raise ImportError with the command if pictures cannot be drawn."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise ImportError('drawing pictures needs matplotlib: pip install "cg-inverse[plot]"') from None


def plot_fit(history: xr.Dataset, *, u_stderr: npt.ArrayLike | None = None) -> Figure:
    """Draw the course of a fit: g and its target at up to four states, U(r) of all rounds, residuals by round.

    The round drawn in full color is that of lowest residual beyond noise among the longest. `u_stderr` [energy] is
    its error as (pair, r_u), by default the history's own.
    """
    if not history.sizes.get("iteration", 0):
        raise ValueError("this history has no rounds to draw: the fit ended before the first one")
    best, states = believed_round(history), min(history.sizes["state"], _MOST_STATES)
    if u_stderr is None and "u_stderr" in history:
        u_stderr = history["u_stderr"].values[best]
    with _style():
        figure = _figure((13.4, _HEIGHT) if states == 1 else (max(9.4, 3.9 * states), 2 * _HEIGHT))
        panels = _row(figure, 3) if states == 1 else _two_rows(figure, states, 2)
        for k, panel in enumerate(panels[:states]):
            draw_g(figure, panel, fit_curves(history, k, best), _length(history), _conditions(history, k))
        draw = draw_correction if is_correction(history) else draw_rounds_of_u
        draw(figure, panels[-2], history, best, u_stderr)
        draw_convergence(figure, panels[-1], history, best)
        figure.suptitle(_fit_title(history), fontsize=10.5)
    return figure


def plot_compare(
    histories: Sequence[xr.Dataset], names: Sequence[str], *, truth: Potential | Interactions | None = None
) -> Figure:
    """Draw the residual of several fits against the force evaluations spent, and their potentials over each other.

    Up to three pairs of types have a panel each. `truth` is a potential to compare with.
    """
    if not histories or len(histories) != len(names):
        raise ValueError(f"give one name per history: {len(histories)} histories, {len(names)} names")
    if any(not h.sizes.get("iteration", 0) for h in histories):
        raise ValueError("a history without rounds cannot be compared: leave it out")
    pairs = [str(p) for p in histories[0]["pair"].values[:_MOST_PAIRS]]
    with _style():
        figure = _figure((4.9 + 4.6 * len(pairs), _HEIGHT))
        first, *others = _row(figure, 1 + len(pairs))
        draw_compared_residuals(figure, first, histories, names)
        for panel, pair in zip(others, pairs, strict=True):
            draw_compared_u(figure, panel, histories, names, pair, truth)
    return figure


def plot_curves(card: TransferCard) -> Figure:
    """Draw a card's curves: g of the long runs beside their targets with the difference below, and U(r)."""
    drawn = _with_target(card)
    with _style():
        figure = _figure((4.5 * (len(drawn) + 1), _HEIGHT))
        _draw_card(figure, _row(figure, len(drawn) + 1), card, drawn)
    return figure


def plot_card(card: TransferCard) -> Figure:
    """Draw a transfer card on one page: its curves, and below them its numbers."""
    drawn = _with_target(card)
    width = max(11.0, 4.4 * (len(drawn) + 1), 4.0 + 1.9 * len(reports(card)))
    notes = [line for text in (*card.remarks, *costs(card), repeat(card)) for line in wrap(text, round(16 * width))]
    heights = (_HEIGHT, 0.23 * (len(rows(card)) + 1), 0.2 * len(notes))
    with _style():
        figure = _figure((width, sum(heights) + 0.6))
        above, table, below = _cells(figure.add_gridspec(3, 1, height_ratios=heights), 3)
        panels = _cells(above.subgridspec(1, len(drawn) + 1), len(drawn) + 1)
        _draw_card(figure, panels, card, drawn)
        draw_table(figure.add_subplot(table), card, width)
        note = figure.add_subplot(below)
        note.axis("off")
        text = note.text(0.0, 1.0, "\n".join(notes), va="top", fontsize=8, color="0.25", transform=note.transAxes)
        text.set_in_layout(False)
        figure.suptitle(f"Transfer card of {card.method}" if card.method else "Transfer card", fontsize=11.5)
    return figure


def _style() -> AbstractContextManager[None]:
    require_matplotlib()
    import matplotlib as mpl

    return mpl.rc_context(STYLE)  # type: ignore[arg-type]


def _figure(size: tuple[float, float]) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=160, layout="constrained")
    figure.get_layout_engine().set(wspace=0.06, w_pad=0.08, h_pad=0.06)  # type: ignore[union-attr, call-arg]
    return figure


def _row(figure: Figure, count: int) -> list[SubplotSpec]:
    return _cells(figure.add_gridspec(1, count), count)


def _two_rows(figure: Figure, first: int, second: int) -> list[SubplotSpec]:
    upper, lower = _cells(figure.add_gridspec(2, 1), 2)
    return [*_cells(upper.subgridspec(1, first), first), *_cells(lower.subgridspec(1, second), second)]


def _cells(grid: GridSpecBase, count: int) -> list[SubplotSpec]:
    return [grid[k] for k in range(count)]


def _length(history: xr.Dataset) -> str:
    return symbol(str(history.attrs["units_length"]))


def _conditions(history: xr.Dataset, k: int) -> str:
    name = f"{history['state'].values[k]}: " if history.sizes["state"] > 1 else ""
    if "density" not in history or "kT" not in history:
        return name.removesuffix(": ")
    density, kT = float(history["density"].values[k]), float(history["kT"].values[k])
    return f"{name}ρ = {density:.4g}, kT = {kT:.4g}"


def _fit_title(history: xr.Dataset) -> str:
    method, reason = (str(history.attrs.get(name, "")) for name in ("method", "reason"))
    return " – ".join(word for word in (method, reason or f"{history.sizes['iteration']} rounds") if word)


def _with_target(card: TransferCard) -> list[StateReport]:
    """Return up to four states that have a target."""
    return [s for s in reports(card) if s.match is not None][:_MOST_STATES]


def _draw_card(figure: Figure, panels: Sequence[SubplotSpec], card: TransferCard, drawn: Sequence[StateReport]) -> None:
    length, energy = symbol(card.units["length"]), symbol(card.units["energy"])
    for panel, state in zip(panels, drawn, strict=False):
        title = f"{state.name}: ρ = {state.density:.4g}, kT = {state.kT:.4g}"
        draw_g(figure, panel, state.curves, length, title)
    kT = card.states[0].kT
    draw_u(figure, panels[-1], card.potential, length, energy, kT=kT)
