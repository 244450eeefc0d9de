"""The engines by name, and why one cannot be used here."""

from __future__ import annotations

from importlib import import_module
from typing import Literal, get_args

from cg_sim.engines.protocol import Engine

EngineName = Literal["cpu", "cuda", "hoomd", "lammps", "ase"]
_HOMES = {
    "cpu": "cg_sim.engines.cpu.session",
    "cuda": "cg_sim.engines.cuda",
    "hoomd": "cg_sim.engines.hoomd",
    "lammps": "cg_sim.engines.lammps",
    "ase": "cg_sim.engines.ase",
}


def engine_names() -> tuple[str, ...]:
    return get_args(EngineName)


def engine(name: str) -> Engine:
    """Return the function that starts a session; ImportError with the command that installs what is missing."""
    if name not in _HOMES:
        raise ValueError(f"engine must be one of {', '.join(_HOMES)}, got {name!r}")
    start: Engine = import_module(_HOMES[name]).start
    return start


def unavailable(name: str) -> str | None:
    """Return why an engine cannot be used on this machine, or None if it can."""
    try:
        engine(name)
        check = getattr(import_module(_HOMES[name]), "check_available", None)
        if check is not None:
            check()
    except (ImportError, OSError, RuntimeError) as error:
        return str(error)
    return None
