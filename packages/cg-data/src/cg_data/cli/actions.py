"""What each subcommand of `cg-data` does, in terms of the package's public functions."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import xarray as xr

from cg_data.cli.kinds import Kind, kind_of
from cg_data.errors import FileError
from cg_data.formats.tables import read_interactions, read_table, write_table
from cg_data.formats.targets import read_target, write_target
from cg_data.formats.votca_settings import read_votca_settings
from cg_data.preflight_checks import Finding, preflight, preflight_table
from cg_data.safe_files import atomic_path
from cg_data.trajectory_dataset import units_of
from cg_data.units import Units


def convert(options: argparse.Namespace) -> int:
    """Read one file, write another."""
    kind = options.kind or kind_of(options.source)
    match kind:
        case "table":
            given = read_interactions(
                options.source, format=options.source_format, units=options.units, inner=options.inner
            )
            if options.pair:
                given = type(given)({_pair(options.pair): given[_pair(options.pair)]})
            units = units_of(read_table(options.source, format=options.source_format, units=options.units,
                                        pair=options.pair))  # fmt: skip
            write_table(given, options.result, format=options.to, n=options.n, units=units,
                        convert_to=options.to_units)  # fmt: skip
            what = f"{len(given)} potential(s), cutoff {given.cutoff:.6g} {units.length}"
        case "target":
            data = _target(options.source, options)
            if options.to_units:
                data = in_units(data, options.to_units)
            write_target(data, options.result, format=options.to)
            what = f"{data.sizes['pair']} distribution(s) on {data.sizes['r']} points"
        case "trajectory":
            from cg_data.trajectories.registry import read_trajectory, write_trajectory

            data = read_trajectory(options.source, format=options.source_format, units=options.units)
            write_trajectory(data, options.result, format=options.to)
            what = f"{data.sizes['frame']} frames of {data.sizes['particle']} particles"
        case _:
            raise ValueError(f"{options.source} is a {kind}: only tables, targets and trajectories are converted")
    print(f"{options.source} → {options.result}: {what}")
    return 0


def in_units(data: xr.Dataset, goal: Units) -> xr.Dataset:
    """Return a target with lengths and kT converted."""
    from cg_data.units import factor

    old = units_of(data)
    length, energy = factor(old.length, goal.length), factor(old.energy, goal.energy)
    out = data.assign_coords(r=("r", data["r"].values * length, {"units": goal.length}))
    out["density"] = ("type", data["density"].values / length**3, {"units": f"{goal.length}^-3"})
    out["kT"] = ((), float(data["kT"]) * energy, {"units": goal.energy})
    return out.assign_attrs(units_length=goal.length, units_energy=goal.energy, units_mass=goal.mass)


def check(options: argparse.Namespace) -> int:
    """Print the findings on each file; 1 if any is an error."""
    report: dict[str, list[Finding]] = {}
    for path in options.files:
        try:
            report[path] = list(_findings(path, options))
        except (ValueError, ImportError) as error:
            text = str(error) if isinstance(error, FileError) else f"{path}: {error}"
            report[path] = [Finding("error", "unreadable", path, text.removeprefix(f"{path}: "), "")]
    if options.json:
        print(json.dumps({p: [asdict(f) for f in found] for p, found in report.items()}, indent=1))
    else:
        for path, found in report.items():
            _print_findings(path, found)
    return int(any(f.level == "error" for found in report.values() for f in found))


def _print_findings(path: str, found: list[Finding]) -> None:
    bad = [f for f in found if f.level != "info"]
    errors = sum(f.level == "error" for f in found)
    verdict = "is fine" if not bad else f"{errors} error(s), {len(bad) - errors} warning(s)"
    print(f"{path}: {verdict}")
    for f in found:
        mark = {"error": "✗", "warning": "!", "info": "·"}[f.level]
        place = "" if f.where in (path, "A-A") else f"{f.where}: "
        print(f"  {mark} {place}{f.message}" + (f"\n      → {f.remedy}" if f.remedy else ""))


def _findings(path: str, options: argparse.Namespace) -> tuple[Finding, ...]:
    kind: Kind = options.kind or kind_of(path)
    match kind:
        case "target":
            return preflight(_target(path, options), cutoff=options.cutoff, box=options.box)
        case "table":
            data = read_table(path, format=options.source_format, units=options.units, pair=options.pair)
            return preflight_table(data, kT=options.kT)
        case "trajectory":
            from cg_data.trajectories.registry import read_trajectory

            data = read_trajectory(path, format=options.source_format, units=options.units)
            size = f"{data.sizes['frame']} frames of {data.sizes['particle']} particles"
            return (Finding("info", "trajectory", path, size, ""),)
        case "project":
            project = read_votca_settings(path)
            missing = [i for i in project.interactions if i.target and not i.target.is_file()]
            return (
                Finding("info", "project", path, f"{project.method} with {len(project.interactions)} interaction(s)", ""),
                *(Finding("error", "missing-target", i.name, f"the target {i.target} does not exist",
                          "copy it beside settings.xml") for i in missing),
            )  # fmt: skip
        case "dataset":
            from cg_data.netcdf import load

            data = load(path)
            if data.attrs["schema"] == "pair-target":
                return preflight(data, cutoff=options.cutoff, box=options.box)
            return (Finding("info", "dataset", path, f"a valid {data.attrs['schema']} dataset", ""),)


def plot(options: argparse.Namespace) -> int:
    """Draw one file."""
    from cg_data import plots

    kind = options.kind or kind_of(options.source)
    match kind:
        case "target":
            figure = plots.plot_target(_target(options.source, options))
        case "table":
            given = read_interactions(options.source, format=options.source_format, units=options.units)
            data = read_table(options.source, format=options.source_format, units=options.units, pair=options.pair)
            figure = plots.plot_potentials(given, units=units_of(data))  # type: ignore[arg-type]
        case "dataset":
            from cg_data.netcdf import load

            figure = plots.plot_target(load(options.source, "pair-target"))
        case _:
            raise ValueError(f"{options.source} is a {kind}: only targets and tables are drawn")
    output = Path(options.output or Path(options.source).with_suffix(".png").name)
    with atomic_path(output) as draft:
        figure.savefig(draft, format=output.suffix.lstrip(".") or "png")
    print(f"{options.source} → {output}")
    return 0


def splines(options: argparse.Namespace) -> int:
    """Make random potentials, write them and draw them."""
    from cg_data.netcdf import save
    from cg_data.spline_generator import potentials_dataset, random_splines

    made = random_splines(options.n, hard_cores=options.hard_cores, seed=options.seed)
    save(potentials_dataset(made, r=np.linspace(0, 5, options.points), seed=options.seed), options.output)
    print(f"{len(made)} potentials, {options.hard_cores} with a WCA core, seed {options.seed} → {options.output}")
    if options.picture:
        from cg_data.plots import plot_splines

        with atomic_path(options.picture) as draft:
            plot_splines(made).savefig(draft, format=Path(options.picture).suffix.lstrip(".") or "png")
        print(f"picture → {options.picture}")
    return 0


def map_files(options: argparse.Namespace) -> int:
    """Map a trajectory to beads and write it."""
    from cg_data.mapping.apply import map_trajectory
    from cg_data.mapping.mapping_files import read_mapping
    from cg_data.trajectories.registry import read_trajectory, write_trajectory

    types = options.types.split(",") if options.types else None
    atoms = read_trajectory(options.source, format=options.source_format, units=options.units, types=types)
    mapping = read_mapping(options.mapping)
    beads = map_trajectory(atoms, mapping, force_map="optimal" if options.optimal_forces else "basic")
    write_trajectory(beads, options.output)
    print(
        f"{options.source} → {options.output}: {atoms.sizes['frame']} frames, "
        f"{atoms.sizes['particle']} atoms → {beads.sizes['particle']} beads, mapping {mapping.digest[:12]}"
    )
    return 0


def _pair(name: str) -> tuple[str, str]:
    from cg_data.interactions import pair_of

    return pair_of(name)


def _target(path: str, options: argparse.Namespace) -> xr.Dataset:
    return read_target(
        path,
        density=options.density,
        kT=options.kT,
        particles=options.particles,
        normalization=options.normalization,
        units=options.units,
        pairs=[options.pair] if options.pair else None,
        format=options.source_format,
    )
