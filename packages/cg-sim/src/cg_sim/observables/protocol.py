"""What an observable is: a record the user makes, that starts a recorder, which sees frames and reports a dataset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy.typing as npt

from cg_sim.engines.protocol import Frame
from cg_sim.state import State

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, slots=True)
class Context:
    """What a recorder may know before the first frame."""

    state: State
    kT: float
    dt: float
    freedom: int  # degrees of freedom that share the kinetic energy
    every: int  # steps between frames


class Recorder(Protocol):
    """Accumulates over frames; everything it knows is in `memory()`, so that a run can be continued."""

    def sample(self, frame: Frame) -> None: ...

    def result(self) -> xr.Dataset:
        """Return means with `_stderr` and, for arrays and scalars that are sampled, `_samples` (effective)."""

    def memory(self) -> dict[str, npt.NDArray[Any]]: ...

    def remember(self, memory: dict[str, npt.NDArray[Any]]) -> None: ...


@runtime_checkable
class Observable(Protocol):
    """A record of what to measure."""

    def start(self, context: Context) -> Recorder: ...
