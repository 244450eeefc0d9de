"""From settings to the arguments of `simulate`, everything checked before the first step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import gcd
from pathlib import Path
from typing import Any

from cg_data import Units
from cg_data.cli.potentials import named_potential, units_of_sources
from cg_data.cli.values import NONE
from cg_sim.box import widths
from cg_sim.cli.states import initial_state
from cg_sim.ensembles import NVE, Barostat, Bussi, CellRescaling, Langevin, NoseHoover, Thermostat
from cg_sim.observables.adf import ADF
from cg_sim.observables.msd import MSD
from cg_sim.observables.protocol import Observable
from cg_sim.observables.rdf import RDF
from cg_sim.observables.steinhardt import Steinhardt
from cg_sim.observables.structure_factor import StructureFactor
from cg_sim.observables.thermo import Pressure
from cg_sim.observables.vacf import VACF
from cg_sim.state import State

_ROOM_TO_SHRINK = 0.9  # a box under pressure may get smaller than it starts


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run and where to write it."""

    state: State
    potential: Any
    units: Units
    thermostat: Thermostat
    barostat: Barostat | None
    observe: tuple[Observable, ...]
    output: Path
    picture: Path | None
    trajectory: Path | None
    checkpoint: Path | None


def planned(settings: Mapping[str, Any]) -> Plan:
    """Return the plan of a run; ValueError says which setting is wrong."""
    if settings["kT"] is None:
        raise ValueError("at which temperature? give --kT")
    output = Path(settings["output"])
    checkpoint = settings["checkpoint"] or output.with_suffix(".checkpoint.npz")
    potential = named_potential(settings["potential"])
    units = units_of_sources(settings["potential"])
    state = initial_state(settings, potential, units)
    thermostat, barostat = _thermostat(settings), _barostat(settings)
    plan = Plan(
        state, potential, units, thermostat, barostat, _observables(settings, state, potential.cutoff), output,
        _path(settings["picture"]), _path(settings["trajectory"]), None if checkpoint == NONE else Path(checkpoint),
    )  # fmt: skip
    _check_files(plan, settings)
    return plan


def _path(name: str | None) -> Path | None:
    return None if name is None else Path(name)


def _thermostat(settings: Mapping[str, Any]) -> Thermostat:
    name, friction, tau = settings["thermostat"], settings["friction"], settings["tau"]
    if friction is not None and name != "langevin":
        raise ValueError(f"--friction is for langevin, not for {name}" + ("" if name == "nve" else ": give --tau"))
    if tau is not None and name not in ("nose-hoover", "bussi"):
        raise ValueError(
            f"--tau is for nose-hoover and bussi, not for {name}" + (": give --friction" if name == "langevin" else "")
        )
    match name:
        case "langevin":
            return Langevin() if friction is None else Langevin(friction)
        case "nose-hoover":
            return NoseHoover() if tau is None else NoseHoover(tau)
        case "bussi":
            return Bussi() if tau is None else Bussi(tau)
        case "nve":
            return NVE()
        case _:
            raise ValueError(f"unknown thermostat {name!r}")


def _barostat(settings: Mapping[str, Any]) -> Barostat | None:
    given = {key: settings[key] for key in ("pressure_tau", "compressibility") if settings[key] is not None}
    if settings["pressure"] is None:
        if given:
            raise ValueError(f"--{next(iter(given)).replace('_', '-')} needs --pressure")
        return None
    if settings["thermostat"] == "nve":
        raise ValueError("--pressure needs a thermostat: langevin, nose-hoover or bussi, not nve")
    plain = CellRescaling(settings["pressure"])
    return CellRescaling(
        plain.pressure, given.get("pressure_tau", plain.tau), given.get("compressibility", plain.compressibility)
    )


def _observables(settings: Mapping[str, Any], state: State, cutoff: float) -> tuple[Observable, ...]:
    found: list[Observable] = [Pressure()]
    if settings["pressure"] is not None and settings["msd"] is not None:
        raise ValueError("--msd needs a box that does not change: leave out --pressure")
    half = 0.5 * float(widths(state.box).min()) * (1.0 if settings["pressure"] is None else _ROOM_TO_SHRINK)
    if settings["rdf"] is None and state.n > 1:
        found.append(RDF(min(2 * cutoff, half), settings["bins"]))
    elif settings["rdf"] not in (None, NONE):
        found.append(RDF(settings["rdf"], settings["bins"]))
    if settings["msd"]:
        found.append(MSD(settings["msd"], gcd(settings["msd"], MSD().spacing)))
    if settings["vacf"]:
        found.append(VACF(settings["vacf"], gcd(settings["vacf"], VACF().spacing)))
    if settings["structure_factor"]:
        found.append(StructureFactor(settings["structure_factor"]))
    if settings["adf"]:
        found.append(ADF(settings["adf"]))
    if settings["steinhardt"]:
        found.append(Steinhardt(*settings["steinhardt"]))
    return tuple(found)


def written_by(plan: Plan) -> list[Path]:
    """Return every file the run writes."""
    return [p for p in (plan.output, plan.picture, plan.trajectory, plan.checkpoint) if p is not None]


def _check_files(plan: Plan, settings: Mapping[str, Any]) -> None:
    """Raise before the run what would go wrong after it."""
    if (settings["frames_every"] is None) != (plan.trajectory is None):
        raise ValueError("--trajectory FILE and --frames-every STEPS belong together: give both")
    written = written_by(plan)
    for path in written:
        if not path.parent.is_dir():
            raise ValueError(f"{path}: its folder {path.parent} does not exist; make it first")
        if path.is_dir():
            raise ValueError(f"{path} is a folder: give the name of a file to write")
    if len({p.resolve() for p in written}) < len(written):
        raise ValueError(f"two results would be written to one file: {', '.join(map(str, written))}")
    if settings["state"] is not None and Path(settings["state"]).resolve() in {p.resolve() for p in written}:
        raise ValueError(f"the run would overwrite {settings['state']}, which it starts from: give another --output")
    if plan.picture is not None:
        from cg_sim.plots import require_matplotlib

        if plan.picture.suffix.lower() not in (".png", ".pdf", ".svg"):
            raise ValueError(f"{plan.picture}: a picture is .png, .pdf or .svg")
        require_matplotlib()
    if plan.trajectory is not None and plan.trajectory.suffix.lower() not in (
        ".nc",
        ".gsd",
        ".xyz",
        ".extxyz",
        ".dump",
    ):
        raise ValueError(f"{plan.trajectory}: a trajectory is .nc, .gsd, .xyz or .dump")
