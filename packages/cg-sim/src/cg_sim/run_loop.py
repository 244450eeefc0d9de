"""The engine-independent part of a run: when to stop, what to record, what to write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from cg_data import Units
from cg_sim.checkpoints import Checkpoint
from cg_sim.engines.protocol import BlowUp, Frame, Job, Session
from cg_sim.engines.registry import EngineName, engine
from cg_sim.ensembles import degrees_of_freedom
from cg_sim.observables.protocol import Context, Observable, Recorder
from cg_sim.observables.thermo import Energy, Temperature
from cg_sim.provenance import attributes, digest_of, trusted_from
from cg_sim.run_result import Run
from cg_sim.run_tables import FrameStore, joined
from cg_sim.schedule import Schedule
from cg_sim.state import State
from cg_sim.statistics.series import equilibration as detect_equilibration

Progress = Callable[[int, int, float], None]  # steps done, steps in all, kinetic temperature
_LEAST_SERIES, _ENOUGH_SAMPLES = 50, 30  # of energies, before equilibrium is looked for and believed


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during a run; `run` holds what was sampled until then."""

    def __init__(self, run: Run, done: int) -> None:
        self.run, self.done = run, done
        super().__init__(f"interrupted after {done} steps")


@dataclass(slots=True)
class RunLoop:
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
            return self.result(self.session.state())
        except KeyboardInterrupt:
            state = self.session.state()
            raise Interrupted(self.result(state), state.step - first) from None
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
        if self.schedule.looks(stop):
            self.record(session.frame())
        if stop % self.schedule.report_every == 0 or stop == self.schedule.total:
            self._report(stop, self.schedule.total, session.state())
        due = stop % self.schedule.checkpoint_every == 0 or stop == self.schedule.total
        if self.checkpoint is not None and due:
            self._save(self.checkpoint, session)

    def record(self, frame: Frame) -> None:
        """Let the recorders and the frame store see the frame at the present step, each if it is due."""
        if self.schedule.samples(self.done):
            for recorder in self.recorders:
                recorder.sample(frame)
        if self.frames is not None and self.schedule.stores(self.done):
            self.frames.add(frame)

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
        error.run = self.result(error.state)
        if self.checkpoint is not None:
            path = self.checkpoint.with_name(self.checkpoint.name + ".last-good.npz")
            Checkpoint(error.state, self.done, self.digest).save(path)
            error.add_note(f"the last good state is in {path}")

    def result(self, state: State) -> Run:
        """Return what has been recorded, with the state it ended in."""
        facts = attributes(self.job, self.schedule, self.engine, self.done, self.units)
        data = joined([r.result() for r in self.recorders], self.job.kT, self.units).assign_attrs(facts)
        closest = getattr(getattr(self, "session", None), "closest", None)
        if closest is not None:
            data = data.assign_attrs(closest_pair=closest, tables_from=trusted_from(self.job))
        return Run(data, state, None if self.frames is None else self.frames.dataset(self.job.state, self.units))
