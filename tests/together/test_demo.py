"""The demo does the main job: a page with its pictures, tables that engines read, commands that say what was done."""

from __future__ import annotations

import shlex
import sys
from base64 import b64decode
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

for needed in ("torch", "matplotlib", "PIL"):
    pytest.importorskip(needed, reason=f"pip install {needed}")
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "examples"))
if True:  # after the skips
    import demo
    from PIL import Image

    import cg_data as cd
    from cg_inverse.cli.config import gathered
    from cg_inverse.cli.main import main
    from cg_inverse.cli.plan import planned
    from cg_inverse.cli.targets import read_targets
    from cg_inverse.fits.run_folder import ledger_of

TINY = demo.Size(target=8000, fit=2000, rounds=2, epochs=2, judged=2000, card=2000)


class Page(HTMLParser):
    """Keeps what a page refers to, its rows, and what is preformatted."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.images: list[str] = []
        self.links: list[str] = []
        self.rows: list[list[str]] = []
        self.commands, self.within = "", ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.within = tag
        self.images += [value for name, value in attrs if name == "src"]
        self.links += [value for name, value in attrs if name == "href"]
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        self.within = ""

    def handle_data(self, data):
        if self.within == "pre":
            self.commands += data
        if self.within in ("td", "th"):
            self.rows[-1][-1] += data


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The demo, with so little simulated that it takes seconds."""
    made = tmp_path_factory.mktemp("away") / "demo"
    assert demo.make(made, TINY) == made / "index.html"
    return made


def stages(page: Page) -> dict[str, list[float]]:
    """Return D, its noise, χ² and how far U is off, of each row of the first table."""
    head = page.rows.index(list(demo.HEADS))
    rows = page.rows[head + 1 : head + 5]
    return {row[0]: [float(row[k]) for k in (1, 2, 3, 5)] for row in rows}


def test_the_page_has_its_pictures_inside_and_its_links_beside(folder):
    page = Page((folder / "index.html").read_text())
    assert len(page.images) == 4
    for source in page.images:
        kind, _, content = source.partition(",")
        assert kind == "data:image/png;base64"
        drawn = np.asarray(Image.open(BytesIO(b64decode(content))).convert("L"))
        assert drawn.shape[1] > 600
        assert drawn.min() < 100 < drawn.max()  # not an empty one
    assert {f"refined/A-A.{end}" for end in ("table", "xvg", "npz", "csv")} < set(page.links)
    assert all((folder / link).stat().st_size > 1000 for link in page.links)


def test_the_rows_are_what_the_fits_found(folder):
    """U of the table that an engine would read is as far from the truth as its row says; the truth is not off."""
    rows = stages(Page((folder / "index.html").read_text()))
    assert list(rows) == ["network's answer", "after IBI", "after the gradient", "truth"]
    found = cd.read_potential(folder / "refined" / "A-A.csv")
    r = np.linspace(1.0, demo.CUTOFF, 301)[:-1]
    lj = 4 * (r**-12 - r**-6)
    slope, end = 4 * (6 * 2.5**-7 - 12 * 2.5**-13), 4 * (2.5**-12 - 2.5**-6)
    off = np.abs(found.energy(r) - (lj - end - (r - 2.5) * slope)).max()
    assert rows["after the gradient"][3] == pytest.approx(off, abs=2e-3)
    assert rows["truth"][3] == 0.0
    assert rows["truth"][2] < 3.0  # χ² per shell of a run with the potential that made the target


def test_the_commands_ask_for_the_same_fits(folder, capsys):
    check, *fits, report = Page((folder / "index.html").read_text()).commands.splitlines()
    assert check.split() == ["cg-data", "check", str(folder / "target.nc")]
    assert report.split()[:2] == ["cg-inverse", "report"]
    for line, name in zip(fits, ("ibi", "refined"), strict=True):
        words = shlex.split(line)
        assert main([*words[1:], "--print-config"]) == 0
        (folder / "asked.toml").write_text(capsys.readouterr().out)
        asked, done = gathered(words[1], [], str(folder / "asked.toml"), {}), ledger_of(folder / name)
        asked |= {"initial": ("theory",)}  # the shell's own first fit is not there, and where a fit began is not kept
        again = planned(asked, read_targets(asked))
        assert again.control == done.control
        assert again.simulation == done.simulation
        assert again.pressure == done.pressure
        assert type(again.method) is type(done.method)
        assert again.problem.basis == done.problem.basis
        for setting in ("alpha", "network", "recipe", "per_round"):
            assert getattr(again.method, setting, None) == getattr(done.method, setting, None)


def test_it_opens_nothing_where_nobody_looks(folder, monkeypatch):
    opened = []
    monkeypatch.setattr(demo, "make", lambda: folder / "index.html")
    monkeypatch.setattr(demo.os, "cpu_count", lambda: 1)
    monkeypatch.setattr(demo.webbrowser, "open", opened.append)
    demo.main()
    assert opened == []
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    demo.main()
    assert opened == [(folder / "index.html").resolve().as_uri()]


def test_what_is_compiled_ahead_is_what_the_demo_needs(monkeypatch):
    asked = []
    monkeypatch.setattr(demo.ci, "diffsim", lambda *given, **words: asked.append(words))
    monkeypatch.setattr(sys, "argv", ["demo.py", demo.AHEAD])
    demo.main()
    (words,) = asked
    assert words["network"] == demo.ci.Refinement(12)
    assert (words["recipe"].loss, words["recipe"].replicas) == ("products", 2)


@pytest.mark.slow
def test_the_whole_demo_finds_the_potential_again(tmp_path):
    """g within its noise, and U within a fifth of the well: what is left are long waves of U, which g hardly feels."""
    rows = stages(Page(demo.make(tmp_path / "demo").read_text()))
    before, ibi, after = (rows[name] for name in ("network's answer", "after IBI", "after the gradient"))
    truth = rows["truth"]
    excess = [row[0] - row[1] for row in (before, ibi, after)]
    assert excess[1] < 0.5 * excess[0]
    assert excess[2] < excess[1] + 0.5 * truth[1]  # the gradient does no harm beyond the noise of a judgement
    assert after[3] < 0.2
