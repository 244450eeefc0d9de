"""The site's pages: every public name is on one, every page is in a contents list, links lead somewhere, commands exist.

Examples are run when the site is built (`make docs`); here is tested that a failing one would be seen.
"""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PACKAGES = ("cg_data", "cg_sim", "cg_models", "cg_inverse")
READMES = [ROOT / "README.md", *sorted(ROOT.glob("packages/*/README.md"))]
PAGES = [*sorted(DOCS.glob("*.md")), ROOT / "CONTRIBUTING.md", ROOT / "benchmarks/README.md"]
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
pages = pytest.mark.parametrize("page", [*PAGES, *READMES], ids=lambda p: f"{p.parent.name}-{p.stem}")


@pytest.fixture
def site(monkeypatch):
    """Modules of docs/, by name."""
    monkeypatch.syspath_prepend(str(DOCS))
    return import_module


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_on_the_package_s_page_once(package):
    text = (DOCS / f"api_{package}.md").read_text()
    shown = Counter(" ".join(re.findall(rf"```\{{api\}} {package}\n(.*?)```", text, re.DOTALL)).split())
    assert set(shown) == set(import_module(package).__all__) - {"__version__"}
    assert not [name for name, times in shown.items() if times > 1]


def test_every_page_and_notebook_is_in_a_contents_list():
    lists = re.findall(r"```\{toctree\}\n(.*?)```", (DOCS / "index.md").read_text(), re.DOTALL)
    entries = [line for entry in lists for line in entry.split("\n") if line and not line.startswith(":")]
    listed = {found.resolve().with_suffix("") for entry in entries for found in DOCS.glob(f"{entry}.*")}
    notebooks = {path.with_suffix("") for path in ROOT.glob("notebooks/[0-9]*.ipynb")}
    assert {page.with_suffix("") for page in PAGES} - {DOCS / "index"} | notebooks <= listed


def anchors(text: str) -> set[str]:
    """Headings as GitHub and the site name them."""
    titles = re.findall(r"^#+ (.*)$", FENCED.sub("", text), re.MULTILINE)
    plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).lower() for title in titles]
    return {re.sub(r"[^\w\- ]", "", title).strip().replace(" ", "-") for title in plain}


@pages
def test_relative_links_lead_to_files_and_headings(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", FENCED.sub("", page.read_text())):
        path, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text()), link


def commands(page: Path) -> list[list[str]]:
    """Return the words of every command of ours in a page's shell blocks and indented blocks."""
    text = re.sub(r"\\\n\s*", "", page.read_text())
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    indented = re.findall(r"^    (cg-(?:data|sim|models|inverse) .*)$", FENCED.sub("", text), re.MULTILINE)
    lines = [line for block in blocks for line in block.split("\n") if line.startswith("cg-")] + indented
    return [shlex.split(line.replace("[", "").replace("]", ""), comments=True) for line in lines]


@pages
def test_commands_are_commands(page, capsys):
    """Their parsers take every option; files need not be there."""
    for name, *words in commands(page):
        if "…" in words:
            continue
        module = import_module(f"{name.replace('-', '_')}.cli.main")
        parser = module._parser(words) if name == "cg-sim" else module._parser()
        try:
            parser.parse_args(words)
        except SystemExit:
            pytest.fail(f"{name} {shlex.join(words)}: {capsys.readouterr().err}")


def test_there_are_commands_to_test():
    assert sum(len(commands(page)) for page in PAGES) > 20


FAILING = {
    "python": ("```python\nx = 1\n```\n\n```python\nassert 1 == 2\n```\n", "line 7"),
    "shell": ("```sh\nfalse | cat\n```\n", "line 3"),
    "warning": ("```python\nimport warnings\nwarnings.warn('old')\n```\n", "old"),
    "names of another block": ("```python\nx = 1\n```\n\n```python\nprint(x)\n```\n", "NameError"),
}


@pytest.mark.parametrize(("text", "said"), FAILING.values(), ids=FAILING)
def test_a_failing_example_is_reported_with_its_line(site, tmp_path, text, said):
    page = tmp_path / "page.md"
    page.write_text(f"# A page\n{text}")
    assert said in site("executed_examples").failure(page)


def test_examples_share_a_folder_and_nothing_else_is_run(site, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "```python\nfrom pathlib import Path\nPath('a').write_text('1')\n```\n"
        "```sh\ncat a > b; rm b\n```\n"
        "```toml\n[not python]\n```\n\n    not run\n"
    )
    executed = site("executed_examples")
    assert [example.language for example in executed.examples(page)] == ["python", "sh"]
    assert executed.failure(page) == ""
    assert not (tmp_path / "a").exists()


def test_the_leaderboard_is_made_of_its_file(site, tmp_path):
    pytest.importorskip("sphinx", reason="make docs")
    parts = site("generated_parts")
    path = ROOT / "benchmarks/results/leaderboard.json"
    rows, table = json.loads(path.read_text()), parts.leaderboard(path)
    for row in rows:
        (line,) = (line for line in table.split("\n") if line.startswith(f"| {row['work'].partition(': ')[0]} |"))
        assert f"{1000 * row['ours']:.2g}" in line
    (tmp_path / "other.json").write_text(json.dumps([{**rows[0], "work": "IBI: after lunch"}]))
    with pytest.raises(ValueError, match="after lunch"):
        parts.leaderboard(tmp_path / "other.json")


def test_rows_that_fell_short_are_shown(site, tmp_path):
    pytest.importorskip("sphinx", reason="make docs")
    short = {"quantity": "a|b", "paper": "1", "beat": "≤ 2", "ours": 3.14159, "error": 0.1, "unit": "1"}
    (tmp_path / "table.json").write_text(json.dumps([{**short, "reached": False}, {**short, "reached": True}]))
    table = site("generated_parts").unreached(tmp_path / "table.json")
    assert table.split("\n")[2:] == [r"| a\|b | 1 | ≤ 2 | 3.14 ± 0.1 | 1 |"]


def test_docstrings_keep_their_formulas(site):
    readable = site("plain_docstrings").readable
    assert readable(["ΔU = α kT ln(C/C*), |x_i| of `f(*a)`."]) == [r"ΔU = α kT ln(C/C\*), \|x\_i\| of \ ``f(*a)``\ ."]
    assert readable(["As:", "", "    a_b = 1", "", "    c", "", ">>> f(x_y)"]) == [
        "As:", "", "::", "", "    a_b = 1", "", "    c", "", ">>> f(x_y)",
    ]  # fmt: skip


def test_the_tools_of_the_site_are_pinned():
    pinned = {line.partition("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().split("\n")}
    assert set((DOCS / "requirements.txt").read_text().split()) <= pinned
