"""What pages show of the code and of measured results, made when the site is built: nothing is copied by hand.

The directive `api` documents public names of a package from their docstrings; `leaderboard` shows every inversion method at
matched cost, of benchmarks/results/leaderboard.json; `unreached` the rows of the notebooks' closing tables that fell short.
"""

from __future__ import annotations

import inspect
import json
import types
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parents[1]
_BUDGETS = ("after 30 million forces", "after 100 million forces", "after 300 million forces",
            "after 5 s", "after 15 s", "after 45 s", "at its end")  # fmt: skip


def api(package: str, names: list[str]) -> str:
    """Return autodoc's directives for public names of a package."""
    module, lines = import_module(package), ["```{eval-rst}"]
    for name in names:
        value = getattr(module, name)
        if isinstance(value, types.ModuleType):
            lines += [f".. automodule:: {package}.{name}", "   :no-members:", ""]
            continue
        is_class = inspect.isclass(value)
        lines += [f".. auto{'class' if is_class else 'function'}:: {package}.{name}"]
        lines += ["   :members:", "   :member-order: bysource", ""] if is_class else [""]
    return "\n".join([*lines, "```"])


def leaderboard(path: Path) -> str:
    """Return a Markdown table, 1000 D of every method (row) at every cost (column)."""
    rows = json.loads(path.read_text())
    methods: dict[str, dict[str, str]] = {}
    for row in rows:
        method, _, work = row["work"].partition(": ")
        budget, _, cost = work.partition(", ")
        cost = cost.partition(",")[0]
        methods.setdefault(method, {})[budget] = f"{1000 * row['ours']:.2g}" + (f" ({cost})" if cost else "")
    unknown = {budget for found in methods.values() for budget in found} - set(_BUDGETS)
    if unknown:
        raise ValueError(f"{path}: no column for {', '.join(sorted(unknown))}")
    lines = [f"| 1000 D | {' | '.join(_BUDGETS)} |", "| --- |" + " ---: |" * len(_BUDGETS)]
    for method, found in methods.items():
        lines.append(f"| {method} | {' | '.join(found.get(budget, '–') for budget in _BUDGETS)} |")
    made = f"N = {rows[0]['n']}, {rows[0]['threads']} threads, {rows[0]['cpu']}, {max(row['date'] for row in rows)}."
    return "\n".join([*lines, "", made])


def unreached(path: Path) -> str:
    """Return a Markdown table of the rows of one notebook that fell short of their aim."""
    rows = [row for row in json.loads(path.read_text()) if not row["reached"]]
    lines = ["| quantity | paper | aim | ours | unit |", "| --- | --- | --- | ---: | --- |"]
    for row in rows:
        cells = [row["quantity"], row["paper"], row["beat"], _measured(row["ours"], row["error"]), row["unit"]]
        lines.append("| " + " | ".join(str(cell).replace("|", r"\|").replace("*", r"\*") for cell in cells) + " |")
    return "\n".join(lines) if rows else "Every row reached its aim."


def _measured(value: Any, error: Any) -> str:
    if not isinstance(value, int | float):
        return "–" if value is None else str(value)
    return f"{value:.3g}" + (f" ± {error:.1g}" if isinstance(error, int | float) else "")


class _Api(SphinxDirective):
    has_content, required_arguments = True, 1
    option_spec: ClassVar[dict[str, Any]] = {}

    def run(self) -> list[Any]:
        return self.parse_text_to_nodes(api(self.arguments[0], " ".join(self.content).split()))


class _Leaderboard(SphinxDirective):
    def run(self) -> list[Any]:
        path = ROOT / "benchmarks/results/leaderboard.json"
        self.env.note_dependency(str(path))
        return self.parse_text_to_nodes(leaderboard(path))


class _Unreached(SphinxDirective):
    def run(self) -> list[Any]:
        nodes = []
        for path in sorted(ROOT.glob("notebooks/results/[0-9]*/table.json")):
            self.env.note_dependency(str(path))
            (notebook,) = ROOT.glob(f"notebooks/{path.parent.name}_*.ipynb")
            text = f"[Notebook {path.parent.name}](../notebooks/{notebook.name}):\n\n{unreached(path)}"
            nodes += self.parse_text_to_nodes(text)
        return nodes


def setup(app: Any) -> dict[str, bool]:
    app.add_directive("api", _Api)
    app.add_directive("leaderboard", _Leaderboard)
    app.add_directive("unreached", _Unreached)
    return {"parallel_read_safe": True}
