"""A transfer card as files: a page that needs no other file, a picture, and JSON."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import xarray as xr

from cg_data.safe_files import atomic_path
from cg_inverse.card_records import TransferCard
from cg_inverse.card_table import costs, repeat, reports, rows
from cg_inverse.plots import plot_card, plot_curves, plot_fit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #222; max-width: 72rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse } th, td { text-align: left; padding: .2rem 1rem .2rem .3rem; white-space: pre }
tbody tr:nth-child(odd) { background: #f4f4f4 } td.unit { color: #777 } img { max-width: 100% }
code { background: #f4f4f4; padding: .1rem .3rem } .remark { border-left: 4px solid #D55E00; padding-left: .7rem }
"""


def write_card(card: TransferCard, folder: str | Path, *, history: xr.Dataset | None = None) -> tuple[Path, ...]:
    """Write card.json, card.html and card.png into a folder and return their paths.

    The JSON is first: it does not need matplotlib.
    """
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    found = [_written(place / "card.json", card.to_json().encode())]
    found.append(_written(place / "card.html", card_page(card, history=history).encode()))
    found.append(_written(place / "card.png", _png(plot_card(card))))
    return tuple(found)


def card_page(card: TransferCard, *, history: xr.Dataset | None = None) -> str:
    """Return the card as one HTML page, its pictures inside; with a fit's history also how the fit went."""
    title = f"Transfer card of {card.method}" if card.method else "Transfer card"
    parts = [
        f"<h1>{escape(title)}</h1>",
        *(f'<p class="remark">{escape(remark)}</p>' for remark in card.remarks),
        _picture(plot_curves(card), "g(r) of independent runs beside the targets, and U(r)"),
        "<h2>Numbers</h2>",
        _table(card),
        f"<p>{'<br>'.join(escape(line) for line in costs(card))}</p>",
    ]
    if history is not None:
        parts += ["<h2>The fit</h2>", _picture(plot_fit(history), "g(r), U(r) and residuals by round of the fit")]
    parts += ["<h2>Meanings</h2>", _MEANINGS, "<h2>To repeat</h2>", _repeat(card)]
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n' + "\n".join(parts) + "\n</body></html>\n"


_MEANINGS = """<p>Values are ± one standard error. All runs are new: other lattices, other seeds than the fit's.
D of g is 4πρ∫r²(g − g*)²dr. κ is 1/(ρ ∂P/∂ρ) from runs at densities 2.5 % lower and higher; from g it is
(1 + ρG)/(ρkT) with the Kirkwood–Buff integral G extrapolated to infinite distance and corrected for the closed box.
Diffusion is from mean-squared displacements with momentum conserved; in an infinite box it is larger by
2.837 kT/(6πηL) (Yeh &amp; Hummer 2004), with the viscosity η from the Green–Kubo integral of the shear stress.
The drift is that of the total energy at constant energy in 4000 steps of double precision; a time step is
without drift if it changes by less than 10⁻⁴ kT per particle and 1000 steps, at it and all smaller ones tried.
The closest pair is given to the width of a shell; inside the core of U no target says anything.</p>"""


def _table(card: TransferCard) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in ("", "", *(s.name for s in reports(card))))
    body = [
        f'<tr><td>{escape(row.quantity)}</td><td class="unit">{escape(row.unit)}</td>'
        + "".join(f"<td>{escape(value)}</td>" for value in row.values)
        + "</tr>"
        for row in rows(card)
    ]
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n" + "\n".join(body) + "\n</tbody></table>"


def _repeat(card: TransferCard) -> str:
    return f"<p>{escape(repeat(card))}</p>"


def _picture(figure: Figure, what: str) -> str:
    return f'<img alt="{escape(what)}" src="data:image/png;base64,{b64encode(_png(figure)).decode()}">'


def _png(figure: Figure) -> bytes:
    stream = BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()


def _written(path: Path, content: bytes) -> Path:
    with atomic_path(path) as draft:
        Path(draft).write_bytes(content)
    return path
