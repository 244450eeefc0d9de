"""Datasets of a run: the observables' results in one, and stored frames as a trajectory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cg_data import Units
from cg_sim.engines.protocol import Frame
from cg_sim.state import State

if TYPE_CHECKING:
    import xarray as xr

_FIELDS = ("position", "velocity", "force", "energy", "box", "time", "step")


def joined(results: Sequence[xr.Dataset], kT: float, units: Units) -> xr.Dataset:
    """Return one dataset of all results, with kT and units named."""
    from cg_sim.stored_frames import merged, named_in

    data = named_in(merged(results), units)
    return data if "kT" in data else data.assign(kT=((), float(kT), {"units": units.energy}))


class FrameStore:
    """Frames kept in memory."""

    def __init__(self) -> None:
        self._rows: list[tuple[Any, ...]] = []

    def add(self, frame: Frame) -> None:
        s = frame.state
        self._rows.append((s.positions, s.velocities, frame.forces, frame.energy, s.box, frame.time, s.step))

    def memory(self) -> dict[str, npt.NDArray[Any]]:
        return {name: np.array([row[k] for row in self._rows]) for k, name in enumerate(_FIELDS)}

    def remember(self, memory: dict[str, npt.NDArray[Any]]) -> None:
        self._rows = list(zip(*(memory[name] for name in _FIELDS), strict=True))

    def dataset(self, state: State, units: Units) -> xr.Dataset | None:
        """Return the frames as a `trajectory` dataset; None if there are none."""
        if not self._rows:
            return None
        from cg_data import trajectory

        found = self.memory()
        return trajectory(
            found["position"], found["box"], [state.names[k] for k in state.types], units=units, force=found["force"],
            velocity=found["velocity"], energy=found["energy"], mass=state.masses, time=found["time"],
            step=found["step"],
        )  # fmt: skip
