"""When a run samples, stores frames, writes checkpoints: a pure function of the step, so that a resumed run agrees."""

from __future__ import annotations

from dataclasses import dataclass
from operator import index


@dataclass(frozen=True, slots=True)
class Schedule:
    """Steps are counted from the start of the run; sampling begins after `equilibration`."""

    steps: int
    equilibration: int
    sample_every: int
    frames_every: int | None
    checkpoint_every: int
    report_every: int

    def __post_init__(self) -> None:
        for name in ("steps", "equilibration", "sample_every", "checkpoint_every", "report_every"):
            object.__setattr__(self, name, index(getattr(self, name)))
        for name in ("sample_every", "frames_every", "checkpoint_every", "report_every"):
            every = getattr(self, name)
            if every is not None and index(every) < 1:
                raise ValueError(f"{name} must be at least 1 step, got {every}")
        if self.steps < 0 or self.equilibration < 0:
            raise ValueError(f"steps and equilibration must be ≥ 0, got {self.steps} and {self.equilibration}")

    @property
    def total(self) -> int:
        return self.equilibration + self.steps

    def next_stop(self, done: int) -> int:
        """Return the next step at which anything is due."""
        stops = [self.total, _after(done, self.checkpoint_every), _after(done, self.report_every)]
        for every in (self.sample_every, self.frames_every):
            if every:
                start = self.equilibration
                stops.append(start + every if done < start + every else start + _after(done - start, every))
        return min(s for s in stops if s > done)

    def looks(self, done: int) -> bool:
        """Return whether anything needs a frame at this step."""
        return self.samples(done) or self.stores(done)

    def samples(self, done: int) -> bool:
        return self._due(done, self.sample_every)

    def stores(self, done: int) -> bool:
        return self.frames_every is not None and self._due(done, self.frames_every)

    def _due(self, done: int, every: int) -> bool:
        return done > self.equilibration and (done - self.equilibration) % every == 0


def _after(done: int, every: int) -> int:
    return (done // every + 1) * every
