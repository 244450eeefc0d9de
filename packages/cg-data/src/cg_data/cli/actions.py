"""What each subcommand of `cg-data` does, in terms of the package's public functions."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from cg_data.checks.findings import Distribution, Finding
from cg_data.checks.table_checks import preflight_table
from cg_data.checks.target_checks import examine, preflight
from cg_data.cli.kinds import Kind, kind_of
from cg_data.conversion import in_units
from cg_data.formats import votca
from cg_data.formats.tables import read_interactions, read_sections, write_table
from cg_data.formats.targets import read_target, target_of_run, write_target
from cg_data.formats.votca_settings import read_votca_settings
from cg_data.mapping.mapping_files import read_mapping
from cg_data.safe_files import atomic_path
from cg_data.stores.netcdf import load, save
from cg_data.trajectories.registry import read_trajectory, write_trajectory
from cg_data.trajectory_dataset import units_of
from cg_data.units import Units

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def convert(options: argparse.Namespace) -> int:
    """Read one file, write another."""
    kind = options.kind or kind_of(options.source)
    data = None
    if kind == "dataset":
        data = load(options.source)
        kind = {"pair-target": "target", "run": "target"}.get(data.attrs["schema"], data.attrs["schema"])
        if data.attrs["schema"] == "run":
            data = target_of_run(data, options.source)
    match kind:
        case "table":
            what = _convert_table(options)
        case "target":
            data = _in_units(data if data is not None else _target(options.source, options), options.to_units)
            write_target(data, options.result, format=options.to)
            what = f"{data.sizes['pair']} distribution(s) on {data.sizes['r']} points"
        case "trajectory":
            data = _in_units(data if data is not None else _trajectory(options.source, options), options.to_units)
            write_trajectory(data, options.result, format=options.to)
            what = f"{data.sizes['frame']} frames of {data.sizes['particle']} particles"
        case _:
            raise ValueError(f"{options.source} is a {kind}: only tables, targets and trajectories are converted")
    print(f"{options.source} → {options.result}: {what}")
    return 0


def _convert_table(options: argparse.Namespace) -> str:
    sections = _sections(options.source, options)
    given = read_interactions(
        options.source, format=options.source_format, units=options.units, pair=options.pair, inner=options.inner
    )
    units = units_of(sections[0])
    write_table(given, options.result, format=options.to, n=options.n, units=units, convert_to=options.to_units)
    return f"{len(given)} potential(s), cutoff {given.cutoff:.6g} {units.length}"


def _sections(path: str, options: argparse.Namespace) -> tuple[xr.Dataset, ...]:
    return read_sections(path, format=options.source_format, units=options.units, pair=options.pair)


def _trajectory(path: str, options: argparse.Namespace) -> xr.Dataset:
    return read_trajectory(path, format=options.source_format, units=options.units)


def _in_units(data: xr.Dataset, goal: Units | None) -> xr.Dataset:
    return data if goal is None else in_units(data, goal)


def check(options: argparse.Namespace) -> int:
    """Print the findings on each file; 1 if any is an error."""
    report: dict[str, list[Finding]] = {}
    for path in options.files:
        try:
            report[path] = list(_findings(path, options))
        except (ValueError, ImportError) as error:
            report[path] = [Finding("error", "unreadable", path, str(error).removeprefix(path).lstrip(":, "), "")]
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
            return tuple(f for ds in _sections(path, options) for f in preflight_table(ds, kT=options.kT))
        case "trajectory":
            return (_trajectory_size(_trajectory(path, options), path),)
        case "project":
            return _project_findings(path)
        case "mapping":
            beads = sum(len(molecule.beads) for molecule, _ in read_mapping(path).molecules)
            return (Finding("info", "mapping", path, f"a mapping with {beads} bead(s) per set of molecules", ""),)
        case "dataset":
            data = load(path)
            match data.attrs["schema"]:
                case "pair-target":
                    return preflight(data, cutoff=options.cutoff, box=options.box)
                case "pair-table":
                    return preflight_table(data, kT=options.kT)
            return (Finding("info", "dataset", path, f"a valid {data.attrs['schema']} dataset", ""),)


def _trajectory_size(data: xr.Dataset, path: str) -> Finding:
    size = f"{data.sizes['frame']} frames of {data.sizes['particle']} particles"
    units = units_of(data)
    return Finding("info", "trajectory", path, f"{size}, in {units.length}, {units.energy}, {units.mass}", "")


def _project_findings(path: str) -> tuple[Finding, ...]:
    """Return the findings on a csg_inverse project and each of its non-bonded targets."""
    project = read_votca_settings(path)
    found = [Finding("info", "project", path, f"{project.method}, {len(project.interactions)} interaction(s)", "")]
    for part in project.interactions:
        if part.target is None:
            continue
        if not part.target.is_file():
            found.append(Finding("error", "missing-target", part.name, f"the target {part.target} does not exist",
                                 "copy it beside settings.xml"))  # fmt: skip
        elif not part.bonded:
            curve = votca.read_targets(part.target)
            found += examine(
                Distribution(part.name, curve.r, g, kT=project.kT, cutoff=part.r_max, length="nm", energy="kJ/mol")
                for g in curve.g.values()
            )
    return tuple(found)


def plot(options: argparse.Namespace) -> int:
    """Draw one file."""
    from cg_data import plots

    kind = options.kind or kind_of(options.source)
    data = load(options.source) if kind == "dataset" else None
    schema = data.attrs["schema"] if data is not None else kind
    match schema:
        case "target" | "pair-target":
            figure = plots.plot_target(data if data is not None else _target(options.source, options))
        case "table":
            given = read_interactions(
                options.source, format=options.source_format, units=options.units, pair=options.pair
            )
            figure = plots.plot_potentials(given, units=units_of(_sections(options.source, options)[0]))  # type: ignore[arg-type]
        case "potentials" if data is not None:
            figure = plots.plot_set(data)
        case _:
            raise ValueError(f"{options.source} is a {schema}: only targets, tables and sets of potentials are drawn")
    output = Path(options.output or Path(options.source).with_suffix(".png").name)
    _save_figure(figure, output)
    print(f"{options.source} → {output}")
    return 0


def _save_figure(figure: Figure, path: str | Path) -> None:
    with atomic_path(path) as draft:
        figure.savefig(draft, format=Path(path).suffix.lstrip(".") or "png")


def splines(options: argparse.Namespace) -> int:
    """Make random potentials, write them and draw them."""
    from cg_data.spline_generator import potentials_dataset, random_splines

    made = random_splines(options.n, hard_cores=options.hard_cores, seed=options.seed)
    save(potentials_dataset(made, r=np.linspace(0, 5, options.points), seed=options.seed), options.output)
    cores = sum(len(getattr(p, "parts", ())) > 1 for p in made)
    print(f"{len(made)} potentials, {cores} with a WCA core, seed {options.seed} → {options.output}")
    if options.picture:
        from cg_data.plots import plot_splines

        _save_figure(plot_splines(made), options.picture)
        print(f"picture → {options.picture}")
    return 0


def map_files(options: argparse.Namespace) -> int:
    """Map a trajectory to beads and write it."""
    from cg_data.mapping.apply import map_trajectory

    types = options.types.split(",") if options.types else None
    atoms = read_trajectory(options.source, format=options.source_format, units=options.units, types=types)
    mapping = read_mapping(options.mapping)
    beads = map_trajectory(atoms, mapping, force_map="optimal" if options.optimal_forces else "basic",
                           names="ignore" if options.ignore_names else "match")  # fmt: skip
    write_trajectory(beads, options.output)
    print(
        f"{options.source} → {options.output}: {atoms.sizes['frame']} frames, "
        f"{atoms.sizes['particle']} atoms → {beads.sizes['particle']} beads, mapping {mapping.digest[:12]}"
    )
    return 0


def _target(path: str, options: argparse.Namespace) -> xr.Dataset:
    return read_target(
        path,
        density=options.density,
        kT=options.kT,
        particles=options.particles,
        normalization=options.normalization,
        units=options.units,
        pairs=options.pairs.split(",") if options.pairs else None,
        pair=options.pair,
        format=options.source_format,
    )
