"""The targets of a fit as the user names them: read, compared with what the user says of them, examined."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from cg_data import FileError, Units, read_target, units_of
from cg_data.units import GROMACS, LAMMPS_STYLES
from cg_inverse.corrections.named_bases import of_atoms
from cg_inverse.problems.preparing import examined

_STYLES = {**LAMMPS_STYLES, "gromacs": GROMACS, "votca": GROMACS}
_CLOSE = 2e-3  # relative: a density printed with three digits is the same


def read_targets(settings: Mapping[str, Any]) -> list[xr.Dataset]:
    """Return the targets named, each with its density and kT."""
    files = settings["files"]
    if not files:
        raise ValueError("which target? name a file with g(r): cg-inverse ibi target.csv --density 0.7 --kT 1")
    per_file = {name: _shared(settings[name], name, len(files)) for name in ("density", "kT", "target_particles")}
    return [
        _read(file, settings, *(per_file[name][k] for name in ("density", "kT", "target_particles")))
        for k, file in enumerate(files)
    ]


def _shared(values: tuple[Any, ...] | None, name: str, count: int) -> tuple[Any, ...]:
    """Return one value per target."""
    if values is None or len(values) == 1:
        return (None if values is None else values[0],) * count
    if len(values) != count:
        raise ValueError(f"--{name.replace('_', '-')} gives {len(values)} values for {count} target(s)")
    return values


def _read(file: str, settings: Mapping[str, Any], density: Any, kT: float | None, particles: Any) -> xr.Dataset:
    if file.endswith(".toml"):
        raise FileError(file, "is a configuration, not a target", remedy="give it alone, or as --config")
    box, pairs = settings["target_box"], settings["pairs"]
    if density is None and particles is not None and box is not None:
        density = _each(particles, lambda n: n / box**3)
    data = read_target(
        file, density=density, kT=kT, normalization=settings["normalization"], units=units_named(settings["units"]),
        particles=None if particles is None else _each(particles, int), pairs=pairs,
    )  # fmt: skip
    if (
        of_atoms(settings["base"])
        and settings["units"] is None
        and units_of(data) == Units()
        and not file.endswith(".nc")
    ):
        return _read(file, {**settings, "units": "metal"}, density, kT, particles)  # nobody said any: the base's
    _agree(file, settings, data, density, kT)
    return data


def _each(values: Any, change: Any) -> Any:
    return {t: change(v) for t, v in values.items()} if isinstance(values, Mapping) else change(values)


def units_named(name: str | None) -> Units | None:
    """Return the units of a style of LAMMPS, of GROMACS, or those named LENGTH,ENERGY."""
    if name is None or name in _STYLES:
        return None if name is None else _STYLES[name]
    parts = [part.strip() for part in name.split(",")]
    if len(parts) not in (2, 3):
        raise ValueError(
            f"--units must be one of {', '.join(_STYLES)}, or LENGTH,ENERGY such as nm,kJ/mol, got {name!r}"
        )
    return Units(*parts)


def _agree(file: str, settings: Mapping[str, Any], data: xr.Dataset, density: Any, kT: float | None) -> None:
    """Raise FileError if the density or kT given is not what the file says itself, or not N/V of its simulation."""
    own = _own(file, settings)
    if own is not None:
        for name, given in (("density", density), ("kT", kT)):
            theirs = own[name].values
            ours = np.array([given[t] for t in own["type"].values] if isinstance(given, Mapping) else given)
            if given is not None and np.any(np.abs(ours - theirs) > _CLOSE * np.abs(theirs)):
                said = ", ".join(f"{v:.6g}" for v in np.atleast_1d(theirs))
                raise FileError(file, f"says that its {name} is {said}, --{name} says {given}",
                                remedy=f"leave out --{name}, or correct the file")  # fmt: skip
    box = settings["target_box"]
    if box is not None and "particles" in data:
        counted = float(data["particles"].sum()) / box**3
        if abs(counted - float(data["density"].sum())) > 0.02 * counted:
            raise FileError(file, f"{int(data['particles'].sum())} particles in a cube of {box:g} are a density of "
                            f"{counted:.5g}, not {float(data['density'].sum()):.5g}",
                            remedy="which is wrong: --density, --target-particles or --target-box?")  # fmt: skip


def _own(file: str, settings: Mapping[str, Any]) -> xr.Dataset | None:
    """Return the target as the file alone describes it, if it does."""
    try:
        return read_target(file, units=units_named(settings["units"]), pairs=settings["pairs"])
    except (FileError, ValueError):
        return None


def preflight(targets: list[xr.Dataset], settings: Mapping[str, Any]) -> None:
    """Print warnings; raise ValueError with the remedies if a target cannot work."""
    if settings["cutoff"] is None:
        reach = min(float(data["r"][-1]) for data in targets)
        raise ValueError(f"where shall the potential end? give --cutoff, at most r = {reach:.4g}, where g is near 1")
    found = examined(targets, settings["cutoff"], box=settings["target_box"])
    for f in found:
        if f.level == "warning":
            print(f"! {_place(f.where)}{f.message}\n    → {f.remedy}", file=sys.stderr)
    errors = [f for f in found if f.level == "error"]
    if errors:
        lines = [f"✗ {_place(f.where)}{f.message}\n    → {f.remedy}" for f in errors]
        names = ", ".join(Path(f).name for f in settings["files"])
        raise ValueError("\n".join([f"{names} cannot be inverted as it is:", *lines]))


def _place(where: str) -> str:
    return "" if where == "A-A" else f"{where}: "
