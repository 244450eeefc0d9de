"""The tree is as ARCHITECTURE.md draws it: imports point one way, modules stay small, folders are where it says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAY = {
    "cg_data": set(),
    "cg_sim": {"cg_data"},
    "cg_models": {"cg_data"},
    "cg_inverse": {"cg_data", "cg_sim", "cg_models"},
}
MODULES = {name: sorted((ROOT / "packages" / name.replace("_", "-") / "src").rglob("*.py")) for name in MAY}
PAGE = (ROOT / "ARCHITECTURE.md").read_text()


def imported(module: Path) -> set[str]:
    """Return the top names of all that a module imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            found.add((node.module or "").split(".")[0])
    return found


@pytest.mark.parametrize("package", MAY)
def test_imports_point_one_way(package):
    for module in MODULES[package]:
        beyond = imported(module) & set(MAY) - MAY[package] - {package}
        assert not beyond, f"{module.relative_to(ROOT)} imports {beyond}"


def test_heavy_libraries_are_imported_where_the_page_says():
    torch = {m.name for p in ("cg_sim", "cg_inverse") for m in MODULES[p] if "torch" in imported(m)}
    assert torch == {"torch.py", "training.py"}
    assert not [m for m in MODULES["cg_data"] if {"torch", "numba"} & imported(m)]
    hoomd = [m.name for m in MODULES["cg_sim"] if "hoomd" in imported(m)]
    assert hoomd
    assert all("hoomd" in name for name in hoomd)
    pickled = [
        m for ms in MODULES.values() for m in ms if {"pickle", "dill", "joblib", "shelve", "marshal"} & imported(m)
    ]
    assert not pickled


@pytest.mark.parametrize("package", MAY)
def test_modules_end_at_300_lines(package):
    long = {str(m.relative_to(ROOT)): n for m in MODULES[package] if (n := len(m.read_text().splitlines())) > 300}
    assert not long


def test_folders_of_the_page_are_those_of_the_tree():
    named = set(re.findall(r"`(cg_[a-z]+/[a-z_/]+)`", PAGE))
    for folder in named:
        package = folder.split("/")[0]
        assert (ROOT / "packages" / package.replace("_", "-") / "src" / folder).is_dir(), folder
    there = {
        m.parent.relative_to(ROOT / "packages" / p.replace("_", "-") / "src").as_posix()
        for p, ms in MODULES.items()
        for m in ms
    }
    unnamed = (
        {f for f in there if "/" in f and not f.endswith(("/kernels", "/cli"))} - named - {"cg_sim/differentiable/cuda"}
    )
    assert not unnamed
