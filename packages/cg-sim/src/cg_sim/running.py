"""`simulate`: one run in one engine, observables streamed on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import index
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from cg_data import Potential, Units, as_interactions
from cg_sim.curves import as_tables
from cg_sim.engines.protocol import Job, Precision
from cg_sim.engines.registry import EngineName
from cg_sim.ensembles import NVE, Barostat, Langevin, Thermostat
from cg_sim.observables.protocol import Observable
from cg_sim.provenance import described
from cg_sim.run_loop import Progress, RunLoop
from cg_sim.run_result import Run
from cg_sim.schedule import Schedule
from cg_sim.state import State

if TYPE_CHECKING:
    import ase

_CHECKPOINT_EVERY = 20_000
_REPORT_EVERY = 1000  # steps, fewer for many particles: Ctrl-C waits for the next report
_REPORT_WORK = 2_000_000  # particle-steps


def simulate(
    state: State | ase.Atoms,
    potential: Potential | Mapping[tuple[str, str], Potential] | Any,
    *,
    kT: float,
    steps: int,
    dt: float = 0.005,
    equilibration: int | Literal["auto"] = 0,
    thermostat: Thermostat = Langevin(),
    barostat: Barostat | None = None,
    observe: Sequence[Observable] = (),
    sample_every: int = 50,
    frames_every: int | None = None,
    trajectory: str | Path | None = None,
    engine: EngineName = "cpu",
    seed: int = 0,
    threads: int = 1,
    precision: Precision = "double",
    checkpoint: str | Path | None = None,
    checkpoint_every: int = _CHECKPOINT_EVERY,
    resume: bool = False,
    units: Units | None = None,
    progress: Progress | None = None,
) -> Run:
    """Simulate and return observables with their errors and the final state.

    `potential` is one potential, a mapping of pairs of types to potentials, or for engine="ase" an ASE calculator.
    `steps` of `dt` [time] follow `equilibration` steps; with "auto" it ends when the energy's series says so (the half
    or more of it in equilibrium, 30 independent samples there), after `steps` steps at the latest. Observables see every `sample_every`-th step, `energy` and
    `temperature` always; every `frames_every`-th configuration is kept as `run.trajectory`. `trajectory` is a GSD file that the hoomd
    engine writes itself. A state at rest gets
    velocities at `kT` [energy] unless the thermostat is NVE; NoseHoover and Bussi start
    without net momentum. Numbers are in any units of energy, length and mass, with
    time = length·√(mass/energy); `units` names them in the results (ASE Atoms: Å, eV, u).

    With `checkpoint` a file is written every `checkpoint_every` steps; `resume=True` continues from it if it exists,
    and ends with what the uninterrupted run (with the same checkpoints) would have given, bit for bit.

    >>> from cg_data import LennardJones
    >>> from cg_sim import RDF, fcc
    >>> run = simulate(fcc(256, 0.7), LennardJones(), kT=1.0, steps=200, observe=[RDF(3.0)], seed=1)
    >>> run.data.g.dims, run.state.step
    (('pair', 'r'), 200)
    """
    if units is None:
        units = Units() if isinstance(state, State) else Units("angstrom", "eV", "g/mol")
    if trajectory is not None and engine != "hoomd":
        raise ValueError(
            f"only the hoomd engine writes a file of its own: with {engine!r} use frames_every= and run.trajectory"
        )
    job = job_of(
        state, potential, engine, kT=kT, dt=dt, thermostat=thermostat, barostat=barostat, seed=seed, threads=threads,
        precision=precision, trajectory=trajectory,
    )  # fmt: skip
    schedule = Schedule(
        steps=steps, equilibration=0 if equilibration == "auto" else equilibration, sample_every=sample_every,
        frames_every=frames_every, checkpoint_every=checkpoint_every,
        report_every=max(1, min(_REPORT_EVERY, _REPORT_WORK // job.state.n)),
    )  # fmt: skip
    file = None if checkpoint is None else Path(checkpoint)
    loop = RunLoop(job, schedule, engine, tuple(observe), file, progress, equilibration == "auto", units)
    if resume:
        loop.restore()
    return loop.run()


def job_of(
    state: State | ase.Atoms,
    potential: Any,
    engine: EngineName,
    *,
    kT: float,
    dt: float,
    thermostat: Thermostat,
    barostat: Barostat | None,
    seed: int,
    threads: int,
    precision: Precision,
    trajectory: str | Path | None = None,
) -> Job:
    """Return the checked job of one run: forces as tables, velocities drawn if the state is at rest."""
    if not (0 < dt < np.inf and 0 < kT < np.inf):
        raise ValueError(f"dt and kT must be positive and finite, got dt = {dt}, kT = {kT}")
    if precision not in get_args(Precision):
        raise ValueError(f"precision must be one of {', '.join(get_args(Precision))}, got {precision!r}")
    if not (index(threads) >= 1 and 0 <= index(seed) < 2**63):
        raise ValueError(f"threads must be ≥ 1 and seed in 0…2⁶³ − 1, got {threads} and {seed}")
    start = _initial(state, kT, thermostat, seed)
    forces = _forces(potential, start, engine)
    path = None if trajectory is None else Path(trajectory)
    return Job(
        start, forces, float(kT), float(dt), thermostat, barostat, int(seed), int(threads), precision, path,
        described(potential),
    )  # fmt: skip


def _initial(state: State | ase.Atoms, kT: float, thermostat: Thermostat, seed: int) -> State:
    if not isinstance(state, State):
        from cg_sim.ase_states import from_ase

        state = from_ase(state)
    if isinstance(thermostat, NVE):
        return state
    if not np.any(state.velocities):
        return state.with_velocities(kT, seed)
    return state if isinstance(thermostat, Langevin) else _without_drift(state, kT)


def _without_drift(state: State, kT: float) -> State:
    """Return the state at rest as a whole: thermostats that keep momentum count 3N − 3 degrees of freedom."""
    mass = float(state.masses.sum())
    drift = state.masses @ state.velocities / mass
    if state.n == 1 or mass * float(drift @ drift) < 1e-8 * kT:
        return state
    return replace(state, velocities=state.velocities - drift)


def _forces(potential: Any, state: State, engine: str) -> Any:
    if isinstance(potential, (Potential, Mapping)):
        return as_tables(as_interactions(potential, state.names[0]))
    if engine in ("ase", "hoomd"):
        return potential
    raise TypeError(
        f"engine={engine!r} needs a pair potential (cutoff, energy(r), force(r)) or a mapping of pairs to them, got "
        f"{type(potential).__name__}; an ASE calculator runs with engine='ase'"
    )
