"""HTML pages that need no other file: pictures are inside, every text is escaped."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #222; max-width: 72rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse } th, td { text-align: left; padding: .2rem 1rem .2rem .3rem; white-space: pre-wrap }
thead th { vertical-align: bottom } td { vertical-align: top; overflow-wrap: break-word }
tbody tr:nth-child(odd) { background: #f4f4f4 } td.unit { color: #777 } img { max-width: 100% }
figure { margin: 1rem 0 } figcaption { color: #777 }
code, pre { background: #f4f4f4; padding: .1rem .3rem } pre { overflow-x: auto; padding: .6rem }
.remark { border-left: 4px solid #D55E00; padding-left: .7rem }
"""


def page(title: str, parts: Iterable[str]) -> str:
    """Return a page of parts that are HTML already, its title above them."""
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    body = "\n".join((f"<h1>{escape(title)}</h1>", *parts))
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n{body}\n</body></html>\n'


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, units: int | None = None) -> str:
    """Return a table of plain texts; the column number `units` is gray.

    >>> table(("a < b",), [("x & y",)])
    '<table><thead><tr><th>a &lt; b</th></tr></thead><tbody>\\n<tr><td>x &amp; y</td></tr>\\n</tbody></table>'
    """
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = ("".join(_cell(text, k == units) for k, text in enumerate(row)) for row in rows)
    lines = "\n".join(f"<tr>{row}</tr>" for row in body)
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{lines}\n</tbody></table>"


def _cell(text: str, gray: bool) -> str:
    return f'<td class="unit">{escape(text)}</td>' if gray else f"<td>{escape(text)}</td>"


def picture(image: Figure | bytes, what: str) -> str:
    """Return a figure, or the bytes of a PNG, as an element; `what` is for those who cannot see it."""
    content = image if isinstance(image, bytes) else png(image)
    return f'<img alt="{escape(what)}" src="data:image/png;base64,{b64encode(content).decode()}">'


def png(figure: Figure) -> bytes:
    stream = BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()
