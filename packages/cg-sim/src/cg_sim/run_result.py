"""What a run returns: every observable with its error, the final state, and how to repeat it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from cg_data import save
from cg_sim.state import State


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """`data`: observables with `_stderr` and `_samples`; `state`: to continue from; `trajectory`: stored frames."""

    data: xr.Dataset
    state: State
    trajectory: xr.Dataset | None = None

    def save(self, path: str | Path) -> Path:
        """Write observables and final state to one netCDF file; `cg_data.load` reads it, `final_state` continues it."""
        return save(with_state(self.data, self.state), path)


def with_state(data: xr.Dataset, state: State) -> xr.Dataset:
    """Return the dataset with the final state in it, of schema `run`."""
    length, mass = data.attrs.get("units_length", "sigma"), data.attrs.get("units_mass", "m")
    speed = f"{length}/({data.attrs.get('units_time', 'sigma*(m/epsilon)^0.5')})"
    axis, particle = ("particle", "axis"), ("particle",)
    extra = {
        "final_position": (axis, state.positions, {"units": length}),
        "final_velocity": (axis, state.velocities, {"units": speed}),
        "final_box": (("vector", "axis"), state.box, {"units": length}),
        "mass": (particle, state.masses, {"units": mass}),
        "particle_type": (particle, np.array([state.names[k] for k in state.types])),
    }
    return data.drop_dims("axis", errors="ignore").assign(extra).assign_attrs(final_step=state.step)


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
