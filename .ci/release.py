"""What a release of a package must pass: sdist and wheel, their metadata, and its own tests in a clean environment, alone.

    python .ci/release.py cg-data [cg-sim …] [--python python3.13] [--versions highest|lowest] [--extras plot ase] [--dist dist]
        [--constraint constraints.txt] [--tag cg-data-v0.1.0]

`--versions lowest` installs the oldest versions that the package and its siblings declare. `--tag` says what is released: it must be
the package's version, with an entry in its changelog. The files stay in the folder `--dist`. Needs build, twine and hatchling here.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("cg-data", "cg-sim", "cg-models", "cg-inverse")
TESTERS = ("pytest", "hypothesis")


def project(package: str) -> dict[str, Any]:
    """Return the [project] table of a package."""
    return dict(tomllib.loads((ROOT / "packages" / package / "pyproject.toml").read_text())["project"])


def siblings(package: str, extras: Sequence[str] = ()) -> list[str]:
    """Return the package and those of this repository that it needs, each after what it needs itself."""
    found: list[str] = []
    for need in needs(package, extras):
        if (name := named(need)) in PACKAGES and name != package:
            found += [s for s in siblings(name) if s not in found]
    return [*found, package]


def needs(package: str, extras: Sequence[str] = ()) -> list[str]:
    """Return requirements as they are declared, of the package and of these extras."""
    facts = project(package)
    return [*facts["dependencies"], *(n for e in extras for n in facts["optional-dependencies"][e])]


def named(need: str) -> str:
    """Return the name in a requirement.

    >>> named("dask[distributed]>=2024.5")
    'dask'
    """
    return re.split(r"[\[<>=!~; ]", need, maxsplit=1)[0]


def lowest(need: str) -> str | None:
    """Return a requirement of the oldest version that is declared; None if none is.

    >>> lowest("numpy>=1.26"), lowest("cg-data>=0.1,<0.2"), lowest("mpich")
    ('numpy==1.26', 'cg-data==0.1', None)
    """
    found = re.search(r">=\s*([\w.]+)", need)
    return None if found is None else f"{named(need)}=={found.group(1)}"


def oldest(package: str, extras: Sequence[str] = ()) -> list[str]:
    """Return what pins a package and its siblings to the oldest versions they declare: of two bounds on one name the higher."""
    pins: dict[str, str] = {}
    for need in (n for p in siblings(package, extras) for n in needs(p, extras if p == package else ())):
        pin = lowest(need)
        if pin is not None and named(need) not in PACKAGES:
            name, version = pin.split("==")
            pins[name] = max(version, pins.get(name, "0"), key=lambda v: [int(k) for k in re.findall(r"\d+", v)])
    return [f"{name}=={version}" for name, version in sorted(pins.items())]


def check_tag(package: str, tag: str) -> None:
    """SystemExit if a tag is not that of the package's version, or if its changelog does not know it."""
    version = project(package)["version"]
    if tag != f"{package}-v{version}":
        raise SystemExit(f"the tag is {tag}, {package} is {version}: tag {package}-v{version}, or set its version")
    headings = re.findall(r"^## (.*)$", (ROOT / "packages" / package / "CHANGELOG.md").read_text(), re.MULTILINE)
    if not any(heading.split()[0] == version and "unreleased" not in heading for heading in headings):
        raise SystemExit(f"the changelog of {package} has no entry {version} with a date, but {headings}")


def run(*words: str | Path, **more: Any) -> None:
    print("+", *words, flush=True)
    subprocess.run([str(w) for w in words], check=True, **more)


def built(packages: Sequence[str], dist: Path) -> None:
    """Make sdists and wheels, the wheels from the sdists, and check what an index would."""
    for package in packages:
        run(sys.executable, "-m", "build", "--no-isolation", "--outdir", dist, ROOT / "packages" / package)
    run(sys.executable, "-m", "twine", "check", "--strict", *sorted(dist.iterdir()))


def tested(package: str, given: argparse.Namespace) -> None:
    """Install a package from its wheel into a clean environment, and run its tests there."""
    extras, oldest_too = given.extras, given.versions == "lowest"
    with tempfile.TemporaryDirectory() as folder:
        run(given.python, "-m", "venv", f"{folder}/env")
        there = f"{folder}/env/bin/python"
        wanted = f"{package}[{','.join(extras)}]" if extras else package
        pins = oldest(package, extras) if oldest_too else []
        pins += ["-c", given.constraint.resolve()] if given.constraint else []
        run(there, "-m", "pip", "install", "-q", "--find-links", given.dist.resolve(), wanted, *TESTERS, *pins)
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "COV", "PYTHONPATH"))}
        module = package.replace("-", "_")
        run(
            there,
            "-c",
            f"import {module} as p; assert p.__file__.startswith({folder!r}), p.__file__",
            cwd=folder,
            env=clean,
        )
        old = ["-o", "filterwarnings=default"] if oldest_too else []  # of what is no longer maintained
        run(there, "-m", "pytest", "-q", "-p", "no:cacheprovider", *old, "-m", given.select, ROOT / "tests" / module, cwd=folder,
            env=clean)  # fmt: skip


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("packages", nargs="+", choices=PACKAGES)
    words.add_argument("--python", default=sys.executable)
    words.add_argument("--versions", choices=("highest", "lowest"), default="highest")
    words.add_argument("--extras", nargs="*", default=[])
    words.add_argument("--dist", type=Path, default=ROOT / "dist")
    words.add_argument("--select", default="not slow and not fuzz and not validation", help="of pytest -m")
    words.add_argument("--constraint", type=Path, help="versions for pip, beside those that packages declare")
    words.add_argument("--tag")
    given = words.parse_args()
    if given.tag:
        check_tag(given.packages[0], given.tag)
    built(sorted({s for p in given.packages for s in siblings(p, given.extras)}), given.dist)
    for package in given.packages:
        tested(package, given)


if __name__ == "__main__":
    main()
