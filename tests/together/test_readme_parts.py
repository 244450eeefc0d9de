"""What the README shows is what results say: its rows, its pictures, its speeds."""

from __future__ import annotations

import doctest
import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_spec = importlib.util.spec_from_file_location("readme_parts", ROOT / "docs/readme_parts.py")
parts = importlib.util.module_from_spec(_spec)
sys.modules["readme_parts"] = parts
_spec.loader.exec_module(parts)


def test_the_readme_is_what_results_make_of_it():
    text = (ROOT / "README.md").read_text()
    assert parts.filled(text) == text, "python docs/readme_parts.py"
    assert doctest.testmod(parts).failed == 0


@pytest.mark.parametrize("paper", parts.PAPERS, ids=lambda p: p.number)
def test_its_pictures_are_those_of_the_notebooks(paper):
    kept = parts.PICTURES / f"{paper.number}.png"
    assert kept.read_bytes() == parts.picture(paper), "python docs/readme_parts.py"
    assert f"docs/pictures/{paper.number}.png" in (ROOT / "README.md").read_text()


def test_every_numbered_notebook_is_among_its_papers():
    assert {p.stem for p in (ROOT / "notebooks").glob("[0-9]*.ipynb")} == {p.notebook for p in parts.PAPERS}


def test_a_row_that_is_not_there_is_not_made_up():
    with pytest.raises(KeyError, match="no row begins"):
        parts.only(parts.table("01"), quantity="what nobody measured")
