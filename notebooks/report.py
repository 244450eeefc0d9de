"""Build notebooks/REPORT.md and REPORT.html, what the notebooks reached of their papers: python notebooks/report.py.

Of every notebooks/results/NN/table.json each row, reached or not; of every executed notebook the title, and in the HTML its
pictures, smaller. `make notebooks` does it at its end, `make report` alone.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from cg_inverse.pictures.html_page import page, picture, table

HERE = Path(__file__).parent
MOST_BYTES = 1_700_000  # of all pictures: every file in the repository is below 2 MB
WIDTH, COLORS = 760, 48  # of a picture: pixels, and as many as lines and shades of a plot need
HEADS = ("quantity", "paper", "ours", "unit", "aim", "reached", "scale", "seed", "command", "minutes", "machine")
TITLE = "What the notebooks reached of their papers"
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~$&])")


@dataclass(frozen=True, slots=True)
class Chapter:
    """A notebook: its `title`, the `paper`, the rows of its closing table, and its pictures with what they are under."""

    number: str
    file: str
    title: str
    paper: str
    rows: tuple[dict[str, Any], ...]
    pictures: tuple[tuple[str, bytes], ...]

    @property
    def reached(self) -> int:
        return sum(bool(row["reached"]) for row in self.rows)


def chapters(folder: Path = HERE) -> list[Chapter]:
    """Return a chapter of each numbered notebook, and of each closing table that has no notebook yet."""
    notebooks = {file.name[:2]: file for file in folder.glob("[0-9][0-9]_*.ipynb")}
    tables = {file.parent.name: file for file in folder.glob("results/*/table.json")}
    return [_chapter(number, notebooks.get(number), tables.get(number)) for number in sorted({*notebooks, *tables})]


def _chapter(number: str, notebook: Path | None, closing: Path | None) -> Chapter:
    rows = json.loads(closing.read_text(encoding="utf-8")) if closing else []
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"] if notebook else []
    title, paper, heading, pictures = number, "", "", []
    for k, cell in enumerate(cells):
        if cell["cell_type"] == "markdown":
            paragraphs = [" ".join(part.split()) for part in "".join(cell["source"]).split("\n\n")]
            headings = [part.lstrip("# ") for part in paragraphs if part.startswith("#")]
            heading = headings[-1] if headings else heading
            if k == 0:
                title, paper = heading, next((p for p in paragraphs if not p.startswith("#")), "")
        for output in cell.get("outputs", ()):
            if image := output.get("data", {}).get("image/png"):
                pictures.append((heading, base64.b64decode("".join(image))))
    return Chapter(
        number, notebook.name if notebook else "", title, paper.replace("*", ""), tuple(rows), tuple(pictures)
    )


def cells_of(row: dict[str, Any]) -> tuple[str, ...]:
    """Return a row of a closing table as plain texts, in the order of HEADS."""
    ours, error, minutes = (row.get(name) for name in ("ours", "error", "minutes"))
    number = "none" if ours is None else f"{ours:.4g}" + (f" ± {error:.2g}" if error is not None else "")
    texts = {
        "ours": number, "aim": row.get("beat"), "reached": "yes" if row["reached"] else "no",
        "unit": "" if row.get("unit") == "1" else row.get("unit"), "minutes": "" if minutes is None else f"{minutes:.3g}",
    }  # fmt: skip
    return tuple(" ".join(str(texts.get(name, row.get(name)) or "").split()) for name in HEADS)


def counted(chapter: Chapter) -> str:
    return f"{chapter.reached} of {len(chapter.rows)} rows reached" if chapter.rows else "no closing table yet"


def markdown(found: Iterable[Chapter]) -> str:
    """Return the report without pictures, as GitHub shows it."""
    parts = [f"# {TITLE}", *(escaped_markdown(text) for text in summary(found))]
    for chapter in found:
        shown = f" · [the notebook, with its pictures]({chapter.file})" if chapter.file else ""
        parts += [
            f"## {escaped_markdown(chapter.title)}", escaped_markdown(chapter.paper),
            f"**{counted(chapter)}**{shown}", _markdown_table(cells_of(row) for row in chapter.rows),
        ]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def _markdown_table(rows: Iterable[tuple[str, ...]]) -> str:
    code = HEADS.index("command")
    lines = [
        [as_code(text) if k == code else escaped_markdown(text) for k, text in enumerate(row)] for row in rows
    ]  # fmt: skip
    return "\n".join(f"| {' | '.join(line)} |" for line in [list(HEADS), ["---"] * len(HEADS), *lines]) if lines else ""


def escaped_markdown(text: str) -> str:
    r"""Return a text that Markdown shows as it is, in tables too.

    >>> escaped_markdown("max |u(r < 2.5)|, w = g*")
    'max \\|u(r \\< 2.5)\\|, w = g\\*'
    """
    return _MARKDOWN.sub(r"\\\1", text)


def as_code(text: str) -> str:
    """Return a text as code in a cell of a table, whatever backticks it has."""
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    pad = " " if "`" in text else ""
    return f"{fence}{pad}{text}{pad}{fence}".replace("|", r"\|") if text else ""


def html(found: Iterable[Chapter], smaller: Callable[[bytes], bytes] | None = None) -> str:
    """Return the report as one page that needs no other file; `smaller` makes a picture fit into it."""
    chosen, parts = list(found), [f"<p>{escape(text)}</p>" for text in summary(found)]
    room = MOST_BYTES // max(1, len(chosen))
    for chapter in chosen:
        parts += (
            [f"<h2>{escape(chapter.title)}</h2>", f"<p>{escape(chapter.paper)}</p>"]
            if chapter.paper
            else [f"<h2>{escape(chapter.title)}</h2>"]
        )
        parts += [f"<p><b>{counted(chapter)}</b></p>", table(HEADS, (cells_of(row) for row in chapter.rows))]
        shown = pictures_within(room, chapter, smaller or shrunk)
        parts += shown
        if missing := len(chapter.pictures) - len(shown):
            parts.append(f"<p>{missing} more pictures are in {escape(chapter.file)}.</p>")
    return page(TITLE, parts)


def pictures_within(room: int, chapter: Chapter, smaller: Callable[[bytes], bytes]) -> list[str]:
    """Return a chapter's first pictures, as many as fit into `room` bytes."""
    shown: list[str] = []
    for heading, image in chapter.pictures:
        element = picture(smaller(image), heading or chapter.title)
        room -= len(element)
        if room < 0:
            break
        shown.append(f"<figure>{element}<figcaption>{escape(heading)}</figcaption></figure>")
    return shown


def shrunk(image: bytes) -> bytes:
    """Return a PNG no wider than WIDTH, of COLORS colors."""
    stream = BytesIO()
    with Image.open(BytesIO(image)) as opened:
        drawn = Image.alpha_composite(Image.new("RGBA", opened.size, "white"), opened.convert("RGBA")).convert("RGB")
    if drawn.width > WIDTH:
        drawn = drawn.resize((WIDTH, round(drawn.height * WIDTH / drawn.width)), Image.Resampling.LANCZOS)
    drawn.quantize(COLORS, dither=Image.Dither.NONE).save(stream, format="PNG", optimize=True)
    return stream.getvalue()


def summary(found: Iterable[Chapter]) -> list[str]:
    """Return what the report is, in words."""
    each = list(found)
    rows, reached = sum(len(c.rows) for c in each), sum(c.reached for c in each)
    return [
        f"{reached} of {rows} rows reached, in {len(each)} notebooks: each row is a quantity of the paper or one it does not have, what "
        "is aimed for, and ours with its error. What was not reached is among them. A row is repeated by its command, at its scale, "
        "with its seed, in about its minutes on its machine, where one run makes it.",
        "Built by make report from results/NN/table.json.",
    ]


def main() -> None:
    found = chapters()
    for name, text in (("REPORT.md", markdown(found)), ("REPORT.html", html(found))):
        (HERE / name).write_text(text, encoding="utf-8")
        print(
            f"{HERE.name}/{name}: {len(text.encode()) / 1e6:.2f} MB, {', '.join(f'{c.number} {counted(c)}' for c in found)}"
        )


if __name__ == "__main__":
    main()
