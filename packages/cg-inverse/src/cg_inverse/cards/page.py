"""A transfer card as files: a page that needs no other file, a picture, and JSON."""

from __future__ import annotations

from html import escape
from pathlib import Path

import xarray as xr

from cg_data.safe_files import atomic_path
from cg_inverse.cards.records import TransferCard
from cg_inverse.cards.rows import costs, repeat, reports, rows
from cg_inverse.pictures.html_page import page, picture, png, table
from cg_inverse.pictures.plots import plot_card, plot_curves, plot_fit


def write_card(card: TransferCard, folder: str | Path, *, history: xr.Dataset | None = None) -> tuple[Path, ...]:
    """Write card.json, card.html and card.png into a folder and return their paths.

    The JSON is first: it does not need matplotlib.
    """
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    found = [_written(place / "card.json", card.to_json().encode())]
    found.append(_written(place / "card.html", card_page(card, history=history).encode()))
    found.append(_written(place / "card.png", png(plot_card(card))))
    return tuple(found)


def card_page(card: TransferCard, *, history: xr.Dataset | None = None) -> str:
    """Return the card as one HTML page, its pictures inside; with a fit's history also how the fit went."""
    title = f"Transfer card of {card.method}" if card.method else "Transfer card"
    parts = [
        *(f'<p class="remark">{escape(remark)}</p>' for remark in card.remarks),
        picture(plot_curves(card), "g(r) of independent runs beside the targets, and U(r)"),
        "<h2>Numbers</h2>",
        numbers(card),
        f"<p>{'<br>'.join(escape(line) for line in costs(card))}</p>",
    ]
    if history is not None:
        parts += ["<h2>The fit</h2>", picture(plot_fit(history), "g(r), U(r) and residuals by round of the fit")]
    parts += ["<h2>Meanings</h2>", _MEANINGS, "<h2>To repeat</h2>", _repeat(card)]
    return page(title, parts)


_MEANINGS = """<p>Values are ± one standard error. All runs are new: other lattices, other seeds than the fit's.
D of g is 4πρ∫r²(g − g*)²dr. κ is 1/(ρ ∂P/∂ρ) from runs at densities 2.5 % lower and higher; from g it is
(1 + ρG)/(ρkT) with the Kirkwood–Buff integral G extrapolated to infinite distance and corrected for the closed box.
Diffusion is from mean-squared displacements with momentum conserved; in an infinite box it is larger by
2.837 kT/(6πηL) (Yeh &amp; Hummer 2004), with the viscosity η from the Green–Kubo integral of the shear stress.
The drift is that of the total energy at constant energy in 4000 steps of double precision; a time step is
without drift if it changes by less than 10⁻⁴ kT per particle and 1000 steps, at it and all smaller ones tried.
The closest pair is given to the width of a shell; inside the core of U no target says anything.</p>"""


def numbers(card: TransferCard) -> str:
    """Return the table of a card's numbers at each of its states."""
    heads = ("", "", *(s.name for s in reports(card)))
    return table(heads, ((row.quantity, row.unit, *row.values) for row in rows(card)), units=1)


def _repeat(card: TransferCard) -> str:
    return f"<p>{escape(repeat(card))}</p>"


def _written(path: Path, content: bytes) -> Path:
    with atomic_path(path) as draft:
        Path(draft).write_bytes(content)
    return path
