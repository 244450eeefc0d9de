"""What a run returns: every observable with its error, the final state, and how to repeat it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cg_sim.state import State

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """`data`: observables with `_stderr` and `_samples`; `state`: to continue from; `trajectory`: stored frames."""

    data: xr.Dataset
    state: State
    trajectory: xr.Dataset | None = None

    def save(self, path: str | Path) -> Path:
        """Write observables and final state to one netCDF file; `cg_data.load` reads it, `final_state` continues it."""
        from cg_data import save

        return save(with_state(self.data, self.state), path)


def with_state(data: xr.Dataset, state: State) -> xr.Dataset:
    """Return the dataset with the final state in it, of schema `run`."""
    from cg_data import units_of

    units = units_of(data)
    length, mass, speed = units.length, units.mass, f"{units.length}/({units.time()})"
    axis, particle = ("particle", "axis"), ("particle",)
    extra = {
        "final_position": (axis, state.positions, {"units": length}),
        "final_velocity": (axis, state.velocities, {"units": speed}),
        "final_box": (("vector", "axis"), state.box, {"units": length}),
        "mass": (particle, state.masses, {"units": mass}),
        "particle_type": (particle, np.array([state.names[k] for k in state.types])),
    }
    return data.assign(extra).assign_attrs(final_step=state.step)


def final_state(data: xr.Dataset) -> State:
    """Return the state a saved run ended with."""
    if "final_position" not in data:
        raise ValueError("this dataset holds no final state: was it written by Run.save?")
    return State(
        data["final_position"].values,
        data["final_box"].values,
        data["final_velocity"].values,
        data["mass"].values,
        data["particle_type"].values,
        step=int(data.attrs["final_step"]),
    )
