"""The report on the notebooks: the committed text is that of the tables, every row is in it, and no text breaks it."""

from __future__ import annotations

import json
import re
import sys
from base64 import b64decode, b64encode
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

for needed in ("PIL", "matplotlib", "markdown_it"):
    pytest.importorskip(needed, reason=f"pip install {needed}")
NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
sys.path.insert(0, str(NOTEBOOKS))
if True:  # after the skips
    import report
    from markdown_it import MarkdownIt
    from PIL import Image

TABLES = sorted(NOTEBOOKS.glob("results/*/table.json"))
VOID = {"meta", "img", "br"}
HOSTILE = "max |u(r < 2 Å)| & `x|y` *λ_0* <script>alert(1)</script> [a](b) $σ$ \\| ~~g~~\nnext # line"


class Page(HTMLParser):
    """Keeps cells of tables row by row, what the page refers to, and that every tag is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.sources: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.open += [] if tag in VOID else [tag]
        self.sources += [value for name, value in attrs if name in ("src", "href")]
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th", "code"):
            self.rows[-1][-1] += data


def shown_markdown(text: str) -> Page:
    """Return Markdown as a reader of it by CommonMark and tables makes HTML."""
    return Page(MarkdownIt("commonmark").enable("table").render(text))


def notebook(folder: Path, pictures: int) -> None:
    """Write a notebook 09 with some pictures of noise under two headings, and a closing table of hostile texts."""
    rng, cells = np.random.default_rng(0), []
    cells.append({"cell_type": "markdown", "source": ["# 09 · A | b\n", "\n", "*P. Aper* <2026>.\n", "\n", "More."]})
    cells.append({"cell_type": "markdown", "source": ["## g < 1"]})
    for _ in range(pictures):
        stream = BytesIO()
        Image.fromarray(rng.integers(0, 255, (300, 1000, 3), dtype=np.uint8)).save(stream, format="PNG")
        data = {"image/png": b64encode(stream.getvalue()).decode()}
        cells.append({"cell_type": "code", "source": [], "outputs": [{"output_type": "display_data", "data": data}]})
    (folder / "09_any.ipynb").write_text(json.dumps({"cells": cells}))
    full = dict.fromkeys(("quantity", "paper", "beat", "unit", "seed", "command", "scale", "machine"), HOSTILE)
    rows = [{**full, "ours": 1 / 3, "error": 0.012, "minutes": 2.0, "reached": True},
            {"quantity": "never run", "paper": "0.1", "beat": "≤ 0.1", "ours": None, "reached": False}]  # fmt: skip
    (folder / "results" / "09").mkdir(parents=True)
    (folder / "results" / "09" / "table.json").write_text(json.dumps(rows))


def test_the_committed_report_is_that_of_the_tables():
    found = report.chapters()
    assert (NOTEBOOKS / "REPORT.md").read_text() == report.markdown(found), "make report"

    fresh, kept = report.html(found, smaller=lambda _: b""), (NOTEBOOKS / "REPORT.html").read_text()
    assert without_pictures(kept) == without_pictures(fresh), "make report"
    assert kept.count("<figure>") + sum(int(n) for n in re.findall(r"<p>(\d+) more pictures", kept)) == sum(
        len(chapter.pictures) for chapter in found
    )


def without_pictures(page: str) -> str:
    """Return a page's text: how small pictures get depends on the version of the library that shrinks them, and looks may change."""
    return re.sub(r"<style>.*?</style>|<figure>.*?</figure>\n|<p>\d+ more pictures.*?</p>\n", "", page, flags=re.DOTALL)


@pytest.mark.parametrize("closing", TABLES, ids=lambda p: p.parent.name)
def test_every_row_of_every_table_is_shown_with_its_numbers(closing):
    rows = json.loads(closing.read_text())
    pages = shown_markdown((NOTEBOOKS / "REPORT.md").read_text()), Page((NOTEBOOKS / "REPORT.html").read_text())
    for page in pages:
        by_quantity: dict[str, list[list[str]]] = {}
        for cells in page.rows:
            by_quantity.setdefault(cells[0], []).append(cells)
        for row in rows:
            shown = [dict(zip(report.HEADS, cells, strict=True)) for cells in by_quantity[row["quantity"]]]
            words = "yes" if row["reached"] else "no"
            near = [
                s for s in shown if s["paper"] == row["paper"] and s["aim"] == row["beat"] and s["reached"] == words
            ]
            assert near, row["quantity"]
            assert {s["command"] for s in near} & {row.get("command", "")}, row["quantity"]
            if row["ours"] is not None:
                values = [float(s["ours"].split(" ± ")[0]) for s in near if s["ours"] != "none"]
                assert min(abs(v - row["ours"]) for v in values) <= 5e-4 * abs(row["ours"]), row["quantity"]


def test_hostile_texts_stay_texts(tmp_path):
    notebook(tmp_path, 1)
    found = report.chapters(tmp_path)
    plain = " ".join(HOSTILE.split())
    for page in (shown_markdown(report.markdown(found)), Page(report.html(found))):
        heads, hostile, never = page.rows
        assert heads == list(report.HEADS)
        assert hostile == [plain, plain, "0.3333 ± 0.012", plain, plain, "yes", plain, plain, plain, "2", plain]
        assert never == ["never run", "0.1", "none", "", "≤ 0.1", "no", "", "", "", "", ""]
        assert not page.tags & {"script", "em", "a", "del"} or page.sources == ["09_any.ipynb"]
    assert (found[0].title, found[0].paper, found[0].reached) == ("09 · A | b", "P. Aper <2026>.", 1)


def test_pictures_are_inside_smaller_and_not_too_many(tmp_path):
    notebook(tmp_path, 12)
    page = Page(text := report.html(report.chapters(tmp_path)))
    images = [Image.open(BytesIO(b64decode(source.removeprefix("data:image/png;base64,")))) for source in page.sources]
    assert 3 < len(images) < 12
    for image in images:
        image.load()
        assert image.size == (760, 228)
    assert f"{12 - len(images)} more pictures are in 09_any.ipynb" in text
    assert len(text.encode()) < 2_000_000
    drawn = np.full((300, 1000, 3), 255, dtype=np.uint8)
    drawn[100:140] = (0, 114, 178)
    stream = BytesIO()
    Image.fromarray(drawn).save(stream, format="PNG")
    small = np.asarray(Image.open(BytesIO(report.shrunk(stream.getvalue()))).convert("RGB")).astype(int)
    assert np.abs(small[91, 380] - (0, 114, 178)).max() < 8
    assert np.abs(small[200, 380] - 255).max() < 8


def test_the_committed_page_needs_nothing_else():
    file = NOTEBOOKS / "REPORT.html"
    page = Page(file.read_text())
    assert file.stat().st_size < 2_000_000
    assert page.sources
    assert all(source.startswith("data:image/png;base64,") for source in page.sources)
    assert "script" not in page.tags
    assert "link" not in page.tags


def test_a_table_without_a_notebook_and_a_notebook_without_a_table_are_both_named(tmp_path):
    notebook(tmp_path, 1)
    (tmp_path / "09_any.ipynb").rename(tmp_path / "08_other.ipynb")
    found = report.chapters(tmp_path)
    assert [(c.number, len(c.rows), c.file) for c in found] == [("08", 0, "08_other.ipynb"), ("09", 2, "")]
    text = report.markdown(found)
    assert "no closing table yet" in text
    assert "1 of 2 rows reached" in text
