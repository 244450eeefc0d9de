"""VOTCA, with LAMMPS and GROMACS as its engines: Debian's packages, unpacked in benchmarks/.env/votca when first needed.

Nothing is installed on the system: `apt-get download` fetches by name what the system lacks, `dpkg -x` unpacks it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from peers import HERE, Unavailable

PACKAGES = ("votca", "votca-tutorials", "lammps", "gromacs")
PROGRAMS = {
    "csg_inverse": "--help",
    "csg_stat": "--help",
    "csg_imc_solve": "--help",
    "gmx": "--version",
    "lmp": "-help",
}
_HOME = HERE / ".env" / "votca"


def prefix() -> dict[str, str]:
    """Return the environment in which VOTCA's programs, `lmp` and `gmx` run; unpack them if need be."""
    if all(shutil.which(program) for program in PROGRAMS) and Path("/usr/share/doc/votca-tutorials").exists():
        return dict(os.environ)
    done = _HOME / "installed.txt"
    if not done.exists():
        found = _unpacked()
        _check(_environment())
        done.write_text("\n".join(found) + "\n")
    return _environment()


def tutorials() -> Path:
    """Return the folder of VOTCA's tutorials."""
    own = _HOME / "root/usr/share/votca/csg-tutorials"
    return own if own.exists() else Path("/usr/share/votca/csg-tutorials")


def versions(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the version each program says it has."""
    patterns = {
        "csg_stat": r"version (\S+)",
        "gmx": r"GROMACS version:\s+(\S+)",
        "lmp": r"Simulator - (.+)",
    }
    return {name: _said(name, pattern, environment) for name, pattern in patterns.items()}


def _said(program: str, pattern: str, environment: Mapping[str, str]) -> str:
    command = [program, PROGRAMS[program]]
    text = subprocess.run(command, env=dict(environment), capture_output=True, text=True).stdout
    found = re.search(pattern, text)
    return found.group(1).strip() if found else "unknown"


def _unpacked() -> list[str]:
    """Fetch and unpack PACKAGES with what they need and the system lacks; return `name version` of each."""
    for tool in ("apt-get", "dpkg"):
        if shutil.which(tool) is None:
            raise Unavailable(f"VOTCA 2022.1 comes from Debian 12's packages, and this system has no {tool}")
    plan = _called(["apt-get", "-s", "install", "--no-install-recommends", *PACKAGES])
    wanted = re.findall(r"^Inst (\S+) .*?\((\S+) ", plan, re.MULTILINE)
    print(f"unpacking {len(wanted)} Debian packages in {_HOME}", file=sys.stderr, flush=True)
    shutil.rmtree(_HOME, ignore_errors=True)
    archives, root = _HOME / "archives", _HOME / "root"
    archives.mkdir(parents=True)
    _called(["apt-get", "-q", "download", *(f"{name}={version}" for name, version in wanted)], at=archives)
    for archive in sorted(archives.glob("*.deb")):
        _called(["dpkg", "-x", str(archive), str(root)])
    shutil.rmtree(archives)
    return [f"{name} {version}" for name, version in wanted]


def _called(command: list[str], *, at: Path | None = None) -> str:
    found = subprocess.run(command, cwd=at, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    if found.returncode:
        why = (found.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Unavailable(f"{' '.join(command[:4])} … failed: {why} (is apt's list fresh? apt-get update)")
    return found.stdout


def _environment() -> dict[str, str]:
    """Return the environment with what was unpacked; what the system has itself is not among it."""
    root = _HOME / "root"
    libraries = next((root / "usr/lib").glob("*-linux-gnu"), root / "usr/lib")
    folders = [libraries, libraries / "blas", libraries / "lapack", libraries / "openmpi/lib"]
    places = {
        "VOTCASHARE": root / "usr/share/votca",
        "GMXDATA": root / "usr/share/gromacs",
        "OPAL_PREFIX": libraries / "openmpi/lib/openmpi3",
        "PMIX_INSTALL_PREFIX": libraries / "pmix2",
    }
    found = {name: str(path) for name, path in places.items() if path.exists()}
    if "OPAL_PREFIX" in found:
        found["OPAL_PREFIX"] = str(root / "usr")
    return {
        **os.environ,
        **found,
        "PATH": os.pathsep.join([str(root / "usr/bin"), os.environ["PATH"]]),
        "LD_LIBRARY_PATH": os.pathsep.join(map(str, folders)),
        "PMIX_MCA_pcompress_base_silence_warning": "1",
        "OMPI_MCA_mca_base_component_show_load_errors": "0",
        "LC_ALL": "C",
    }


def _check(environment: Mapping[str, str]) -> None:
    for program, option in PROGRAMS.items():
        found = subprocess.run([program, option], env=dict(environment), capture_output=True, text=True)
        if found.returncode:
            said = (found.stderr.strip() or found.stdout.strip()).splitlines()[-1:]
            raise Unavailable(f"{program} of Debian's packages does not run here: {' '.join(said)}")
