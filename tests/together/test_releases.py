"""Packages are released one by one: versions, bounds between siblings, and each wheel tested alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("cg-data", "cg-sim", "cg-models", "cg-inverse")
ALLOWED = {  # dependencies point one way
    "cg-data": set(),
    "cg-sim": {"cg-data"},
    "cg-models": {"cg-data"},
    "cg-inverse": {"cg-data", "cg-sim", "cg-models"},
}


def project(package):
    return tomllib.loads((ROOT / "packages" / package / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize("package", PACKAGES)
def test_versions_and_bounds(package):
    facts = project(package)
    module = (ROOT / "packages" / package / "src" / package.replace("-", "_") / "__init__.py").read_text()
    assert f'__version__ = "{facts["version"]}"' in module
    needs = facts["dependencies"] + [n for extra in facts.get("optional-dependencies", {}).values() for n in extra]
    siblings = [n for n in needs if n.startswith("cg-") and not n.startswith(package)]
    assert {re.match(r"[a-z-]+", n).group() for n in siblings} <= ALLOWED[package]
    for need in siblings:
        low, high = re.fullmatch(r"[a-z-]+>=(\d+\.\d+),<(\d+\.\d+)", need).groups()
        current = tuple(int(v) for v in project(re.match(r"[a-z-]+", need).group())["version"].split("."))
        assert tuple(map(int, low.split("."))) <= current[:2] < tuple(map(int, high.split(".")))


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_is_whole(package):
    folder = ROOT / "packages" / package
    for name in ("README.md", "CHANGELOG.md", "LICENSE", f"src/{package.replace('-', '_')}/py.typed"):
        assert (folder / name).is_file(), name
    assert f"pip install {package}" in (folder / "README.md").read_text()
    assert f"subdirectory=packages/{package}" in (folder / "README.md").read_text()
    assert (folder / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("package", PACKAGES)
def test_installs_and_tests_alone(package, tmp_path):
    """The wheel, with only what it declares, in a clean environment, passes its own tests."""
    needed = [package, *(p for p in ("cg-data", "cg-sim") if p in ALLOWED[package])]
    wheels = tmp_path / "wheels"
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(wheels)]
    subprocess.run([*build, *(str(ROOT / "packages" / p) for p in needed)], check=True)
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "env")], check=True)
    python = str(tmp_path / "env/bin/python")
    install = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-c", str(ROOT / "constraints.txt")]
    subprocess.run([*install, "--find-links", str(wheels), package, "pytest", "hypothesis"], check=True)
    suite = ROOT / "tests" / package.replace("-", "_")
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "COV", "PYTHONPATH"))}
    run = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not fuzz and not validation", str(suite)]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, env=clean, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    where = f"import {package.replace('-', '_')} as p; print(p.__file__)"
    found = subprocess.run([python, "-c", where], capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    assert str(tmp_path) in found, "the tests must see the wheel, not the checkout"
