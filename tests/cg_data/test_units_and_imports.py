"""Unit conversions against hand values; the package imports lightly and exports what it says."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cg_data as cd


@pytest.mark.parametrize(
    ("source", "goal", "by_hand"),
    [
        ("nm", "Å", 10.0),
        ("bohr", "angstrom", 0.529177210903),
        ("kcal/mol", "kJ/mol", 4.184),
        ("eV", "kJ/mol", 96.48533212),
        ("Ha", "eV", 27.211386245988),
        ("eV", "kcal/mol", 23.060547830),
        ("K", "kJ/mol", 0.00831446261815),
        ("u", "g/mol", 1.0),
        ("furlong", "furlong", 1.0),
    ],
)
def test_factors(source, goal, by_hand):
    assert cd.factor(source, goal) == pytest.approx(by_hand, rel=1e-9)


def test_wrong_conversions_say_what_is_known():
    for a, b in (("nm", "eV"), ("sigma", "nm"), ("nm", "parsec")):
        with pytest.raises(ValueError, match="cannot convert"):
            cd.factor(a, b)
    with pytest.raises(ValueError, match="'eV' is not a unit of length"):
        cd.Units("eV")
    for wrong, near in (("nmm", "nm"), ("angstroem", "angstrom"), ("angstom", "angstrom")):
        with pytest.raises(ValueError, match=f"unknown unit of length '{wrong}', did you mean {near}"):
            cd.Units(wrong)
    with pytest.raises(ValueError, match="unknown unit of energy 'a b'"):
        cd.Units("nm", "a b")
    assert cd.Units("NM", "kj/MOL", "G/mol") == cd.Units("nm", "kJ/mol", "g/mol")
    with pytest.raises(ValueError, match="no size in seconds"):
        cd.Units().seconds()


def test_time_unit():
    """nm, kJ/mol, g/mol make a picosecond; Å, kcal/mol, g/mol make 48.888 fs."""
    assert cd.Units("nm", "kJ/mol", "g/mol").seconds() == pytest.approx(1e-12, rel=1e-12)
    assert cd.Units("Å", "kcal/mol", "u").seconds() == pytest.approx(48.88821e-15, rel=1e-6)
    assert cd.thermal_energy(300.0, "eV") == pytest.approx(0.025851999786, rel=1e-9)


def test_import_is_light():
    """cg-data brings neither torch nor numba, nor anything slow: CPU time of the import stays below half a second."""
    code = (
        "import sys, time; a = time.process_time(); import cg_data as cd; cd.LennardJones().energy(1.0);"
        "b = time.process_time() - a;"
        "bad = {'torch', 'numba', 'matplotlib', 'xarray', 'pandas', 'ase'} & set(sys.modules); print(b, *bad)"
    )
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(3)]
    assert {r.stdout.split(" ", 1)[1:] == [] or r.stdout.split()[1:] == [] for r in runs} == {True}
    assert min(float(r.stdout.split()[0]) for r in runs) < 0.5


def test_the_whole_package_needs_neither_torch_nor_numba():
    code = (
        "import sys, pkgutil, importlib, cg_data\n"
        "optional = ('ase', 'MDAnalysis', 'gsd', 'matplotlib')\n"
        "for m in pkgutil.walk_packages(cg_data.__path__, 'cg_data.'):\n"
        "    try: importlib.import_module(m.name)\n"
        "    except ImportError as e: assert e.name and e.name.split('.')[0] in optional, (m.name, e)\n"
        "print({'torch', 'numba'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_every_public_name_exists_and_is_typed_alike():
    for name in cd.__all__:
        assert getattr(cd, name) is not None
    assert set(dir(cd)) >= {"LennardJones", "read_target"}
    with pytest.raises(AttributeError, match="no attribute 'Lenard'"):
        cd.Lenard  # noqa: B018
    tree = ast.parse(Path(cd.__file__).read_text())
    (block,) = [n for n in tree.body if isinstance(n, ast.If)]
    typed = {
        alias.asname: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert typed == {name: f"cg_data.{home}" for name, home in cd._HOME_OF.items()}


def test_no_public_name_is_also_a_module():
    """`cd.target` would turn into the module once something imports it."""
    modules = {path.stem for path in Path(cd.__file__).parent.iterdir()}
    assert modules & set(cd.__all__) == set()


def test_versions_agree():
    import importlib.metadata

    assert importlib.metadata.version("cg-data") == cd.__version__


def test_table_of_a_potential_from_another_package():
    """Anything with energy, force and cutoff is a potential; it need not inherit."""

    class Foreign:
        cutoff = 2.0

        def energy(self, r):
            return np.maximum(0.0, 2.0 - np.asarray(r)) ** 2

        def force(self, r):
            return 2 * np.maximum(0.0, 2.0 - np.asarray(r))

    assert isinstance(Foreign(), cd.Potential)
    assert cd.PairTable.from_potential(Foreign(), 50).max_error < 1e-12
    assert cd.b2(Foreign(), kT=1.0) > 0
