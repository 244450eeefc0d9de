"""What LAMMPS is told: the box and the particles, the pair tables, the ensemble."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import cg_data as cd
from cg_sim.box import Array
from cg_sim.curves import tables_of
from cg_sim.engines.protocol import Job
from cg_sim.ensembles import NVE, Bussi, CellRescaling, Langevin, NoseHoover
from cg_sim.state import State

ROWS = 200_000  # per pair: forces within 5e-11 of a table of 1000 knots, and 12 MB
_LARGEST_SEED = 899_999_000
_ALL_FREE = "compute_modify bath_temp extra/dof 0"  # Langevin's noise does not conserve momentum


def style() -> list[str]:
    """Return what precedes the box."""
    return ["units lj", "atom_style atomic", "atom_modify map array", "box tilt large"]


def empty_box(cell: Array, types: int) -> list[str]:
    """Return the commands that make a box of lower-triangular lattice vectors."""
    sides = " ".join(f"0 {float(side)!r}" for side in np.diagonal(cell))
    tilts = [float(cell[1, 0]), float(cell[2, 0]), float(cell[2, 1])]
    region = f"prism {sides} {tilts[0]!r} {tilts[1]!r} {tilts[2]!r}" if any(tilts) else f"block {sides}"
    return [f"region box {region} units box", f"create_box {types} box"]


def masses(state: State) -> list[str]:
    """Return a mass per type, or where particles of a type differ the fix that holds one per particle."""
    found = [np.unique(state.masses[state.types == code]) for code in range(len(state.names))]
    commands = [f"mass {t} {float(m[0]) if len(m) else 1.0!r}" for t, m in enumerate(found, 1)]
    return [*commands, "fix masses all property/atom rmass"] if any(len(m) > 1 for m in found) else commands


def pair_tables(interactions: cd.Interactions, names: tuple[str, ...], scratch: Path) -> list[str]:
    """Write the tables of all pairs of types and return the commands that read them.

    LAMMPS splines U and F/r at equal steps of r². Given as many rows as it samples it keeps them as they are.
    """
    commands = [f"pair_style table spline {ROWS}"]
    for (i, j), table in tables_of(interactions, names).items():
        path = cd.write_table(table, scratch / f"pair-{i}-{j}.table", format="lammps-rsq", n=ROWS)
        commands.append(f'pair_coeff {i + 1} {j + 1} "{path}" A-A {table.cutoff!r}')
    return commands


def output(dt: float) -> list[str]:
    """Return what is computed at the end of a run: total energy of the pairs and their virial, per volume."""
    return [
        "compute virial all pressure NULL pair",
        "thermo_style custom step pe c_virial[1] c_virial[2] c_virial[3] c_virial[4] c_virial[5] c_virial[6]",
        "thermo_modify norm no lost error flush no",
        "neigh_modify every 1 delay 0 check yes",
        f"timestep {dt!r}",
    ]


def time_step(job: Job) -> float:
    """Return the time step to name: that with which `fix gjf` takes the steps of BAOAB at the job's dt.

    GJ-II is BAOAB with its kicks and drifts shortened by b, b² = tanh(a/2)/(a/2), a = γ dt
    (Grønbech-Jensen, Mol. Phys. 118, e1662506 (2020)); so it is given dt/b, and γ b.
    """
    if not isinstance(job.thermostat, Langevin) or job.barostat is not None:
        return job.dt
    half = 0.5 * job.thermostat.friction * job.dt
    return job.dt * float(np.sqrt(half / np.tanh(half)))


def integrators(job: Job) -> list[str]:
    """Return the fixes that move particles and keep their memory from run to run."""
    kT, seed = f"{float(job.kT)!r} {float(job.kT)!r}", seed_at(job.seed, job.state.step)
    match job.thermostat, job.barostat:
        case NVE(), None:
            return ["fix move all nve"]
        case Langevin(), None:
            return []
        case Langevin(friction), CellRescaling():
            return [f"fix move all nph {_iso(job)}", f"fix bath all temp/csld {kT} {1 / friction!r} {seed}", _ALL_FREE]
        case NoseHoover(tau, chain, substeps), barostat:
            bath = f"temp {kT} {tau!r} tchain {chain} tloop {substeps}"
            move = f"fix move all npt {bath} {_iso(job)}" if barostat else f"fix move all nvt {bath}"
            return [move, *_freedom(job, "move")]
        case Bussi(tau), barostat:
            move = f"fix move all nph {_iso(job)}" if barostat else "fix move all nve"
            return [move, f"fix bath all temp/csvr {kT} {tau!r} {seed}", *_freedom(job, "bath")]
        case NVE(), CellRescaling():
            raise ValueError("a barostat needs a thermostat: choose Langevin, NoseHoover or Bussi")
        case _:
            raise ValueError(f"the lammps engine has no ensemble {job.thermostat!r} with {job.barostat!r}")


def block(job: Job, step: int, steps: int) -> list[str]:
    """Return the commands of a block of steps; `fix gjf`, which stores no noise, gets a seed of its own in each."""
    run = f"run {steps} post no"
    if not isinstance(job.thermostat, Langevin) or job.barostat is not None:
        return [run]
    kT, damp = repr(float(job.kT)), time_step(job) / (job.thermostat.friction * job.dt)
    seed = seed_at(job.seed, step)
    return [f"fix noise all gjf {kT} {kT} {damp!r} {seed} vel vfull method 2", run, "unfix noise"]


def seed_at(seed: int, step: int) -> int:
    """Return a seed in LAMMPS's range that differs from step to step."""
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] % _LARGEST_SEED) + 1


def _iso(job: Job) -> str:
    assert job.barostat is not None
    pressure = repr(float(job.barostat.pressure))
    return f"iso {pressure} {pressure} {job.barostat.tau!r} fixedpoint 0 0 0"


def _freedom(job: Job, fix: str) -> list[str]:
    """Return a lone particle its three degrees of freedom, of which LAMMPS takes the center of mass's."""
    return [f"compute_modify {fix}_temp extra/dof 0"] if job.state.n == 1 else []
