"""`simulate`: one run in one engine, observables streamed on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cg_data import Potential, Units, as_interactions
from cg_sim.checkpoints import Checkpoint
from cg_sim.curves import as_tables
from cg_sim.engines.protocol import BlowUp, Job, Precision, Session
from cg_sim.engines.registry import EngineName, engine
from cg_sim.ensembles import NVE, Barostat, Langevin, Thermostat, degrees_of_freedom
from cg_sim.observables.protocol import Context, Observable, Recorder
from cg_sim.observables.thermo import Energy, Temperature
from cg_sim.provenance import attributes, described, digest_of, trusted_from
from cg_sim.run_result import Run
from cg_sim.run_tables import FrameStore, joined
from cg_sim.schedule import Schedule
from cg_sim.state import State
from cg_sim.statistics.series import equilibration as detect_equilibration

if TYPE_CHECKING:
    import ase

Progress = Callable[[int, int, float], None]  # steps done, steps in all, kinetic temperature
_CHECKPOINT_EVERY = 20_000
_REPORT_EVERY = 1000  # steps, fewer for many particles: Ctrl-C waits for the next report
_REPORT_WORK = 2_000_000  # particle-steps
_LEAST_SERIES, _ENOUGH_SAMPLES = 50, 30  # of energies, before equilibrium is looked for and believed


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during a run; `run` holds what was sampled until then."""

    def __init__(self, run: Run, done: int) -> None:
        self.run, self.done = run, done
        super().__init__(f"interrupted after {done} steps")


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
    velocities at `kT` [energy] unless the thermostat is NVE. Numbers are in any units of energy, length and mass, with
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
    start = _initial(state, kT, thermostat, seed)
    forces, label = _forces(potential, start, engine), described(potential)
    if not (0 < dt < np.inf and 0 < kT < np.inf):
        raise ValueError(f"dt and kT must be positive and finite, got dt = {dt}, kT = {kT}")
    if trajectory is not None and engine != "hoomd":
        raise ValueError(
            f"only the hoomd engine writes a file of its own: with {engine!r} use frames_every= and run.trajectory"
        )
    path = None if trajectory is None else Path(trajectory)
    job = Job(
        start, forces, float(kT), float(dt), thermostat, barostat, int(seed), int(threads), precision, path, label
    )
    schedule = Schedule(
        steps,
        0 if equilibration == "auto" else equilibration,
        sample_every,
        frames_every,
        checkpoint_every,
        _REPORT_EVERY,
    )
    file = None if checkpoint is None else Path(checkpoint)
    loop = _Loop(job, schedule, engine, tuple(observe), file, progress, equilibration == "auto", units)
    if resume:
        loop.restore()
    return loop.run()


def _initial(state: State | ase.Atoms, kT: float, thermostat: Thermostat, seed: int) -> State:
    if not isinstance(state, State):
        from cg_sim.ase_states import from_ase

        state = from_ase(state)
    at_rest = not np.any(state.velocities)
    return state.with_velocities(kT, seed) if at_rest and not isinstance(thermostat, NVE) else state


def _forces(potential: Any, state: State, engine: str) -> Any:
    if isinstance(potential, (Potential, Mapping)):
        return as_tables(as_interactions(potential, state.names[0]))
    if engine in ("ase", "hoomd"):
        return potential
    raise TypeError(
        f"engine={engine!r} needs a pair potential (cutoff, energy(r), force(r)) or a mapping of pairs to them, got "
        f"{type(potential).__name__}; an ASE calculator runs with engine='ase'"
    )


@dataclass(slots=True)
class _Loop:
    """The engine-independent part of a run: when to stop, what to record, what to write."""

    job: Job
    schedule: Schedule
    engine: EngineName
    observe: tuple[Observable, ...]
    checkpoint: Path | None
    progress: Progress | None
    detect: bool
    units: Units
    done: int = 0
    recorders: tuple[Recorder, ...] = ()
    frames: FrameStore | None = None
    session: Session = field(init=False)
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        job = self.job
        self.digest = digest_of(job, self.schedule, self.engine, self.observe, self.detect)
        freedom = degrees_of_freedom(job.state.n, job.thermostat)
        context = Context(job.state, job.kT, job.dt, freedom, self.schedule.sample_every)
        given = {type(o) for o in self.observe}
        always = tuple(o for o in (Energy(), Temperature()) if type(o) not in given)
        self.recorders = tuple(o.start(context) for o in (*always, *self.observe))
        self.frames = None if self.schedule.frames_every is None else FrameStore()

    def restore(self) -> None:
        """Continue from the checkpoint file, if there is one."""
        if self.checkpoint is None:
            raise ValueError("resume=True needs checkpoint=, the file to continue from")
        if not self.checkpoint.exists():
            return
        found = Checkpoint.load(self.checkpoint)
        if found.digest != self.digest:
            raise ValueError(
                f"{self.checkpoint} belongs to a run with other settings (state, potential, dt, kT, seed, sampling …): "
                f"repeat those, or start anew with resume=False"
            )
        memories = list(found.memories)
        if self.frames is not None:
            self.frames.remember(memories.pop())
        for recorder, memory in zip(self.recorders, memories, strict=True):
            recorder.remember(memory)
        self.done, self.detect = found.done, False
        self.schedule = replace(self.schedule, equilibration=found.equilibration)
        self.job = replace(self.job, state=found.state, extra=found.extra)

    def run(self) -> Run:
        first = self.job.state.step - self.done
        self.session = engine(self.engine)(self.job)
        try:
            if self.detect:
                self._equilibrate()
            while self.done < self.schedule.total:
                self._until(self.schedule.next_stop(self.done))
            return self._result(self.session.state())
        except KeyboardInterrupt:
            state = self.session.state()
            raise Interrupted(self._result(state), state.step - first) from None
        except BlowUp as error:
            self._keep(error)
            raise
        finally:
            self.session.close()

    def _equilibrate(self) -> None:
        """Advance until the energy's series shows equilibrium, and begin to count samples there."""
        every, energies = self.schedule.sample_every, list[float]()
        most = max(self.schedule.steps, _LEAST_SERIES * every)
        while len(energies) * every < most:
            self.session.advance(every)
            frame = self.session.frame()
            energies.append(frame.energy)
            self._report(len(energies) * every, most + self.schedule.steps, frame.state)
            if len(energies) % _LEAST_SERIES == 0:
                found = detect_equilibration(energies)
                if found.t0 <= len(energies) / 2 and found.samples >= _ENOUGH_SAMPLES:
                    break
        self.done = len(energies) * every
        self.schedule = replace(self.schedule, equilibration=self.done)

    def _until(self, stop: int) -> None:
        session = self.session
        session.advance(stop - self.done)
        self.done = stop
        if self.schedule.samples(stop) or self.schedule.stores(stop):
            frame = session.frame()
            if self.schedule.samples(stop):
                for recorder in self.recorders:
                    recorder.sample(frame)
            if self.frames is not None and self.schedule.stores(stop):
                self.frames.add(frame)
        if stop % self.schedule.report_every == 0 or stop == self.schedule.total:
            self._report(stop, self.schedule.total, session.state())
        due = stop % self.schedule.checkpoint_every == 0 or stop == self.schedule.total
        if self.checkpoint is not None and due:
            self._save(self.checkpoint, session)

    def _report(self, done: int, total: int, state: State) -> None:
        if self.progress is not None:
            freedom = degrees_of_freedom(state.n, self.job.thermostat)
            self.progress(done, total, 2 * state.kinetic_energy / freedom)

    def _save(self, path: Path, session: Session) -> None:
        """Write a checkpoint and start anew from it, as a resumed run will: so that both go on alike."""
        state, extra = session.state(), session.extra()
        memories = tuple(r.memory() for r in self.recorders)
        if self.frames is not None:
            memories += (self.frames.memory(),)
        Checkpoint(state, self.done, self.digest, self.schedule.equilibration, extra, memories).save(path)
        if self.done < self.schedule.total:
            session.close()
            self.session = engine(self.engine)(replace(self.job, state=state, extra=extra))

    def _keep(self, error: BlowUp) -> None:
        """Keep what was measured before a blow-up: on the exception, and beside the checkpoint."""
        if error.state is None:
            return
        error.run = self._result(error.state)
        if self.checkpoint is not None:
            path = self.checkpoint.with_name(self.checkpoint.name + ".last-good.npz")
            Checkpoint(error.state, self.done, self.digest).save(path)
            error.add_note(f"the last good state is in {path}")

    def _result(self, state: State) -> Run:
        facts = attributes(self.job, self.schedule, self.engine, self.done, self.units)
        data = joined([r.result() for r in self.recorders], self.job.kT, self.units).assign_attrs(facts)
        closest = getattr(self.session, "closest", None)
        if closest is not None:
            data = data.assign_attrs(closest_pair=closest, tables_from=trusted_from(self.job))
        return Run(data, state, None if self.frames is None else self.frames.dataset(self.job.state, self.units))
