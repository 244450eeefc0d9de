"""The notebooks on show are the sources that are reviewed, executed without an error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
SOURCES = sorted(NOTEBOOKS.glob("[0-9]*.py"))
notebooks = pytest.mark.parametrize("source", SOURCES, ids=lambda p: p.stem)


def shown(source: Path) -> list[dict]:
    return json.loads(source.with_suffix(".ipynb").read_text())["cells"]


@notebooks
def test_the_notebook_is_its_source(source):
    jupytext = pytest.importorskip("jupytext", reason="pip install jupytext")
    cells = [(cell.cell_type, cell.source) for cell in jupytext.read(source).cells]
    assert cells == [(cell["cell_type"], "".join(cell["source"])) for cell in shown(source)], "make notebooks"


@notebooks
def test_it_was_executed_in_order_and_without_errors(source):
    code = [cell for cell in shown(source) if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell["outputs"]]
    assert not [o for o in outputs if o["output_type"] == "error"]
    assert any("image/png" in o.get("data", {}) for o in outputs), "it shows no figure"


@notebooks
def test_it_says_every_row_in_a_table(source):
    rows = json.loads((NOTEBOOKS / "results" / source.name[:2] / "table.json").read_text())
    fields = {
        "quantity",
        "paper",
        "ours",
        "error",
        "unit",
        "beat",
        "reached",
        "scale",
        "seed",
        "command",
        "minutes",
        "machine",
    }
    for row in rows:
        assert fields <= set(row) or (not row["reached"] and row["ours"] is None), row["quantity"]


@pytest.mark.slow
@notebooks
def test_it_runs_at_its_quick_scale(source, tmp_path):
    clean = {**os.environ, "SCALE": "quick", "MPLBACKEND": "Agg", "NOTEBOOK_TABLE": str(tmp_path / "table.json")}
    done = subprocess.run(
        [sys.executable, str(source)], cwd=NOTEBOOKS, capture_output=True, text=True, env=clean, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads((tmp_path / "table.json").read_text())
