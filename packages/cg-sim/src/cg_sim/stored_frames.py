"""Observables of a stored trajectory, by the same recorders as during a run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import xarray as xr

from cg_data import Units, check, units_of
from cg_sim.box import Array
from cg_sim.engines.protocol import Frame
from cg_sim.observables.protocol import Context, Observable
from cg_sim.state import State

_VALUES = 2**22  # coordinates read at once


def measure(
    trajectory: xr.Dataset,
    observe: Sequence[Observable],
    *,
    kT: float | None = None,
    types: Sequence[str] | None = None,
    dt: float | None = None,
    freedom: int | None = None,
) -> xr.Dataset:
    """Return what `observe` finds in a `trajectory` dataset of cg_data, in the trajectory's units.

    `kT` [energy] is what the trajectory was made at; a target needs it. `types` replaces the type of each particle.
    `dt` [time] between frames replaces the trajectory's times. `freedom` is the number of degrees of freedom, 3N − 3
    unless given. Pressure needs velocities and a variable virial(frame, axis, axis2). Displacements are right if the
    positions are unwrapped.

    >>> from cg_data import trajectory
    >>> from cg_sim.observables.rdf import RDF
    >>> x = np.random.default_rng(0).random((5, 100, 3))
    >>> found = measure(trajectory(x, [1.0, 1.0, 1.0], ["A"] * 100, units=Units("nm")), [RDF(0.5, bins=2)])
    >>> found.r.attrs["units"], bool(abs(found.g.mean() - 1) < 0.1)
    ('nm', True)
    """
    check(trajectory, "trajectory")
    if trajectory.sizes["frame"] == 0:
        raise ValueError("the trajectory has no frames: there is nothing to measure")
    unknown = [_unknown(observable, trajectory) for observable in observe]
    times, codes = _times(trajectory, dt), _codes(trajectory, types)
    first = next(_frames(trajectory.isel(frame=slice(0, 1)), times, *codes)).state
    interval = float(times[1] - times[0]) if len(times) > 1 else np.nan
    free = max(3 * first.n - 3, 3) if freedom is None else freedom
    context = Context(first, np.nan if kT is None else float(kT), interval, free, 1)
    recorders = [observable.start(context) for observable in observe]
    for frame in _frames(trajectory, times, *codes):
        for recorder in recorders:
            recorder.sample(frame)
    found = [r.result().drop_vars(u, errors="ignore") for r, u in zip(recorders, unknown, strict=True)]
    attrs = {name: value for name, value in trajectory.attrs.items() if name.startswith(("units_", "source"))}
    return named_in(merged(found), units_of(trajectory)).assign_attrs(attrs, frames=len(times))


def _unknown(observable: Observable, trajectory: xr.Dataset) -> list[str]:
    """Return the results that the trajectory cannot give; raise if it can give none of the observable's."""
    needs = getattr(observable, "needs", {})
    lacking = {name: [v for v in variables if v not in trajectory] for name, variables in needs.items()}
    unknown = [name for name in lacking if lacking[name]]
    if unknown and len(unknown) == len(needs):
        raise ValueError(
            f"{type(observable).__name__} needs {' and '.join(lacking[unknown[0]])} with the frames, the trajectory has "
            f"{', '.join(str(v) for v in trajectory.data_vars)}: store what is missing, or measure during the run"
        )
    return [f"{name}{part}" for name in unknown for part in ("", "_stderr", "_samples", "_series")]


def _times(trajectory: xr.Dataset, dt: float | None) -> Array:
    """Return the time of each frame, nan where it is not known."""
    if dt is not None:
        return np.asarray(np.arange(trajectory.sizes["frame"]) * float(dt))
    if "time" in trajectory:
        return np.asarray(trajectory["time"].values, dtype=np.float64)
    return np.full(trajectory.sizes["frame"], np.nan)


def _codes(trajectory: xr.Dataset, types: Sequence[str] | None) -> tuple[npt.NDArray[np.int32], tuple[str, ...]]:
    given = np.asarray(trajectory["type"].values if types is None else types).astype(str)
    if given.shape != (trajectory.sizes["particle"],):
        raise ValueError(f"types must be one per particle ({trajectory.sizes['particle']}), got shape {given.shape}")
    names, codes = np.unique(given, return_inverse=True)
    return codes.astype(np.int32), tuple(str(name) for name in names)


def _frames(
    trajectory: xr.Dataset, times: Array, codes: npt.NDArray[np.int32], names: tuple[str, ...]
) -> Iterator[Frame]:
    """Yield the frames; energy, virial and forces are nan where they are not stored."""
    masses = trajectory["mass"].values if "mass" in trajectory else 1.0
    kept = [v for v in ("position", "box", "velocity", "energy", "virial", "force", "step") if v in trajectory]
    together = max(1, _VALUES // (3 * trajectory.sizes["particle"]))
    for start in range(0, trajectory.sizes["frame"], together):
        part = {name: trajectory[name].isel(frame=slice(start, start + together)).values for name in kept}
        for i, x in enumerate(part["position"]):
            one = {name: values[i] for name, values in part.items()}
            step = int(one.get("step", start + i))
            state = State(x, one["box"], one.get("velocity"), masses, codes, names, step)  # type: ignore[arg-type]
            virial, forces = one.get("virial", np.full((3, 3), np.nan)), one.get("force", np.full(x.shape, np.nan))
            yield Frame(state, float(times[start + i]), float(one.get("energy", np.nan)), virial, forces)


def merged(found: Sequence[xr.Dataset]) -> xr.Dataset:
    """Return one dataset; a variable that two observables report must be the same in both."""
    for k, one in enumerate(found):
        for other in found[:k]:
            clash = [str(v) for v in one.variables if v in other.variables and not one[v].equals(other[v])]
            if clash:
                raise ValueError(f"two observables report different {', '.join(clash)}: measure them one at a time")
    return xr.merge(found, join="exact", compat="equals", combine_attrs="no_conflicts")


def named_in(found: xr.Dataset, units: Units) -> xr.Dataset:
    """Return the dataset with the trajectory's units for the placeholders that observables write."""
    own = Units()
    names = {own.length: units.length, own.energy: units.energy, own.mass: units.mass}
    names |= {"length": units.length, "energy": units.energy, "mass": units.mass, "time": f"({units.time()})"}
    for variable in found.variables.values():
        if "units" in variable.attrs:
            text = str(variable.attrs["units"])
            variable.attrs["units"] = re.sub(r"[a-z]+", lambda word: names.get(word[0], word[0]), text)
    return found
