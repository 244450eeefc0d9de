"""Packages are released one by one: versions, bounds between siblings, and each wheel tested alone."""

from __future__ import annotations

import importlib.util
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

_spec = importlib.util.spec_from_file_location("release", ROOT / ".ci/release.py")
release = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(release)


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


def test_the_oldest_versions_are_those_that_are_declared():
    pins = dict(pin.split("==") for pin in release.oldest("cg-inverse"))
    assert pins["scipy"] == "1.12"  # of cg-data, above the 1.11 of cg-inverse itself
    assert {"numba", "numpy", "xarray", "rich", "zarr"} <= set(pins)
    assert not set(pins) & set(PACKAGES)
    assert release.siblings("cg-inverse") == ["cg-data", "cg-sim", "cg-inverse"]
    assert release.siblings("cg-inverse", ["models"]) == ["cg-data", "cg-sim", "cg-models", "cg-inverse"]


def test_a_tag_is_that_of_a_version_in_the_changelog(tmp_path, monkeypatch):
    monkeypatch.setattr(release, "ROOT", tmp_path)
    folder = tmp_path / "packages" / "cg-data"
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text('[project]\nname = "cg-data"\nversion = "0.3.1"\n')
    (folder / "CHANGELOG.md").write_text("# Changelog\n\n## 0.3.1 (2026-11-22)\n\n## 0.3.0 (2026-10-01)\n")
    release.check_tag("cg-data", "cg-data-v0.3.1")
    with pytest.raises(SystemExit, match=r"cg-data is 0\.3\.1"):
        release.check_tag("cg-data", "cg-data-v0.4.0")
    (folder / "CHANGELOG.md").write_text("# Changelog\n\n## 0.3.1 (unreleased)\n")
    with pytest.raises(SystemExit, match="no entry"):
        release.check_tag("cg-data", "cg-data-v0.3.1")


def test_the_workflow_releases_every_package():
    text = (ROOT / ".github/workflows/release.yml").read_text()
    assert re.findall(r'"(cg-[a-z]+)-v\*"', text) == list(PACKAGES)
    declared = {project(package)["requires-python"] for package in PACKAGES}
    assert declared == {">=3.11"}
    assert set(re.findall(r'"(3\.\d+)"', text)) == {"3.11", "3.12", "3.13"}


@pytest.mark.slow
@pytest.mark.parametrize("package", PACKAGES)
def test_installs_and_tests_alone(package, tmp_path):
    """The wheel, with only what it declares, in a clean environment, passes its own tests."""
    command = [sys.executable, str(ROOT / ".ci/release.py"), package, "--dist", str(tmp_path), "--constraint", str(ROOT / "constraints.txt")]  # fmt: skip
    done = subprocess.run(
        [*command, "--select", "not fuzz and not validation"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
