"""The state a run starts from: a lattice, or the last configuration of a file."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from cg_data import FileError, Interactions, Units, in_units, load, read_trajectory, units_of
from cg_sim.checkpoints import Checkpoint
from cg_sim.gsd_states import from_gsd
from cg_sim.lattices import fcc
from cg_sim.run_result import final_state
from cg_sim.state import State


def initial_state(settings: Mapping[str, Any], potential: Any, units: Units) -> State:
    """Return the state that --state or --density asks for, in the potential's units, with the masses of --mass."""
    file, density = settings["state"], settings["density"]
    if (file is None) == (density is None):
        wrong = "not both" if file is not None else "neither is given"
        raise ValueError(f"start from --density RHO (a lattice) or from --state FILE: {wrong}")
    if file is not None and settings["composition"] is not None:
        raise ValueError("--composition is for a lattice: the particles of --state have their types")
    state = read_state(file, units) if file is not None else _lattice(settings, potential)
    return state if settings["mass"] is None else _with_masses(state, settings["mass"])


def _lattice(settings: Mapping[str, Any], potential: Any) -> State:
    n, density, composition = settings["n"], settings["density"], settings["composition"]
    types = potential.types if isinstance(potential, Interactions) else ("A",)
    if composition is None and len(types) > 1:
        share = ",".join(f"{name}={1 / len(types):.3g}" for name in types)
        raise ValueError(
            f"the potential is for the types {', '.join(types)}: give their fractions, --composition {share}"
        )
    side, least = (n / density) ** (1 / 3), density * (2 * potential.cutoff) ** 3
    if side < 2 * potential.cutoff:
        raise ValueError(
            f"{n} particles at density {density:g} make a box of side {side:.4g}, less than twice the cutoff "
            f"{potential.cutoff:g}: take --n {int(np.ceil(least))} or more"
        )
    return fcc(n, density, composition=composition or {types[0]: 1.0}, seed=settings["seed"])


def _with_masses(state: State, mass: float | Mapping[str, float]) -> State:
    if not isinstance(mass, Mapping):
        return replace(state, masses=mass)  # type: ignore[arg-type]
    if set(mass) != set(state.names):
        raise ValueError(f"--mass must name the types {', '.join(state.names)}, got {', '.join(mass)}")
    return replace(state, masses=np.array([mass[name] for name in state.names])[state.types])


def read_state(path: str, units: Units) -> State:
    """Return the last configuration in a file, a saved run, a checkpoint or any trajectory, in the units given."""
    match Path(path).suffix.lower():
        case ".nc":
            data = load(path)
            return _end_of_run(data, path, units) if data.attrs["schema"] == "run" else _last_frame(path, units)
        case ".npz":
            return Checkpoint.load(path).state
        case ".gsd" if Path(path).exists():
            return from_gsd(path)
        case _:
            return _last_frame(path, units)


def _end_of_run(data: xr.Dataset, path: str, units: Units) -> State:
    if units_of(data) != units:
        own = units_of(data)
        raise FileError(path, f"is in {own.length} and {own.energy}, the potential in {units.length} and {units.energy}",
                        remedy="start from a run with a potential of the same units")  # fmt: skip
    return final_state(data)


def _last_frame(path: str, units: Units) -> State:
    known = (".nc", ".xyz", ".extxyz", ".dump", ".lammpstrj", ".traj")
    data = read_trajectory(path, format=None if path.lower().endswith(known) or Path(path).is_dir() else "ase")
    if data.sizes["frame"] == 0:
        raise FileError(path, "has no frames", remedy="give a file with a configuration")
    last = data.isel(frame=slice(-1, None))
    reduced = Units()
    if reduced.length not in (units.length, units_of(last).length):
        last = in_units(last, units)
    last = last.isel(frame=0)
    if "mass" not in last:
        print(f"{path} holds no masses: every particle has mass 1, unless --mass says otherwise", file=sys.stderr)
    return State(
        last["position"].values,
        last["box"].values,
        last["velocity"].values if "velocity" in last else None,  # type: ignore[arg-type]
        last["mass"].values if "mass" in last else 1.0,  # type: ignore[arg-type]
        last["type"].values,
        step=int(last["step"]) if "step" in last else 0,
    )
