"""`cg-inverse import-votca`: a csg_inverse project as a target and a configuration."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cg_data import FileError, read_votca_settings, save
from cg_data.cli.values import per_type, positive
from cg_data.formats.columns import as_number, is_number
from cg_data.formats.votca_settings import VotcaInteraction, VotcaProject
from cg_data.safe_files import atomic_path, text_lines
from cg_inverse.cli.config import printed
from cg_inverse.cli.settings import ALPHA, DEFAULTS

_KNOWN_UPDATES = {"smooth", "pressure", "cibi", "kbibi", "scale", "dummy"}
_KNOWN_ADDS = {"convergence", "acc_convergence", "plot", "tag", "dummy"}  # judged, drawn, kept anyway
_IIE_LEFT = {"g_extrap_factor", "extrap_near_core", "fix_near_cut_off"}
_BAR = 0.06022140760  # kJ/mol/nm³: VOTCA's pressures are in bar


def import_votca(options: argparse.Namespace) -> int:
    """Write target.nc and config.toml, and print the command that goes on."""
    project = read_votca_settings(options.settings)
    density, where = _density(project, options.density)
    data = project.targets(density=density, kT=options.kT)
    folder = Path(options.output or f"{project.path.resolve().parent.name}-imported")
    folder.mkdir(parents=True, exist_ok=True)
    save(data, folder / "target.nc")
    method = _method(project)
    settings: dict[str, Any] = {
        **DEFAULTS, "method": method, "files": ("target.nc",), "cutoff": _cutoff(project, float(data["r"][-1])),
        "rounds": project.iterations or DEFAULTS["rounds"], **_pressure(project), **_initial(project),
        **(_scale(project) if method in ALPHA else {}),
    }  # fmt: skip
    with atomic_path(folder / "config.toml") as draft:
        draft.write_text(f"# Imported from {project.path.name}\n\n{printed(settings)}", encoding="utf-8")
    print(
        f"{project.path}: {project.method}, {data.sizes['pair']} pair(s), kT = {float(data['kT']):.5g} kJ/mol, density {where}"
    )
    print("\n".join(f"! {note}" for note in _left_behind(project)))
    print(f"written: {folder / 'target.nc'}, {folder / 'config.toml'}")
    print(f"next: {shlex.join(['cg-inverse', method, str(folder / 'config.toml')])}")
    return 0


def _method(project: VotcaProject) -> str:
    """Return our method of that name; what VOTCA calls iie is HNC-Newton."""
    match project.method:
        case "iie":
            newton = project.options.get("inverse/iie/method", "newton") == "newton"
            return "hncn" if newton else "hncgn"
        case "ibi" if _updates(project) & {"cibi", "kbibi"}:
            return "cibi"
        case "ibi" | "imc" | "re" as same:
            return same
        case _:
            return "ibi"


def _cutoff(project: VotcaProject, known: float) -> float:
    widest = max(i.r_max for i in project.interactions if not i.bonded)
    return min(known, widest, _number(project, "inverse/iie/cut_off") or widest if project.method == "iie" else widest)


def _pressure(project: VotcaProject) -> dict[str, Any]:
    """Return the pressure that post-updates, or a constraint of iie, were to reach [kJ/mol/nm³]."""
    if project.method == "iie":
        wanted = _number(project, "inverse/iie/pressure_constraint")
        return {} if wanted is None else {"pressure": (wanted * _BAR,), "pressure_rule": "fixed"}
    for part in _updated(project, "pressure"):
        kind = part.options.get("inverse/post_update_options/pressure/type", "simple")  # VOTCA's default
        if (wanted := _number(part, "inverse/p_target")) is None:
            raise ValueError(
                f"{project.path}: {part.name} has post_update pressure, but no number in <inverse><p_target>"
            )
        return {"pressure": (wanted * _BAR,), "pressure_rule": kind if kind in ("simple", "wjk") else "fixed"}
    return {}


def _initial(project: VotcaProject) -> dict[str, Any]:
    """Return the theory, where iterations were to begin with it."""
    guesses = [project.options.get(f"{at}/initial_guess/method") for at in ("inverse/iie", "inverse")]
    return {"initial": ("theory",)} if "ie" in guesses else {}


def _scale(project: VotcaProject) -> dict[str, Any]:
    """Return the step that post-updates were to scale all of a round's by."""
    found = [_number(part, "inverse/post_update_options/scale") for part in _updated(project, "scale")]
    said = [x for x in found if x is not None]
    return {"alpha": max(said)} if said else {}


def _updates(project: VotcaProject) -> set[str]:
    return {word for i in project.interactions for word in i.options.get("inverse/post_update", "").split()}


def _updated(project: VotcaProject, by: str) -> list[VotcaInteraction]:
    return [i for i in project.interactions if by in i.options.get("inverse/post_update", "").split()]


def _number(given: VotcaProject | VotcaInteraction, path: str) -> float | None:
    """Return the number at a path of the settings; None if there is none."""
    text = given.options.get(path, "").strip()
    return as_number(text) if is_number(text) else None


def _density(project: VotcaProject, given: str | None) -> tuple[Any, str]:
    """Return the density as given, or that of conf.gro, with words."""
    types = {t for i in project.interactions if i.pair for t in i.pair}
    if given is not None:
        if "=" not in given and len(types) > 1:
            each = ",".join(f"{t}=…" for t in sorted(types))
            raise ValueError(f"{project.path}: it has {len(types)} types: give --density {each}, in nm⁻³")
        return (per_type(given) if "=" in given else positive(given)), given
    file = project.path.parent / project.options.get("inverse/gromacs/conf", "conf.gro")
    if len(types) == 1 and (said := _number(project, "inverse/iie/densities")) is not None:
        return said, f"{said:.5g} nm⁻³ of <densities>"
    if len(types) != 1 or not file.is_file():
        raise ValueError(f"{project.path}: VOTCA's settings do not hold the density: give --density, in nm⁻³"
                         + (" as A=…,B=…" if len(types) > 1 else ""))  # fmt: skip
    count, volume = _counted(file)
    return count / volume, f"{count / volume:.5g} nm⁻³ of {file.name}"


def _counted(file: Path) -> tuple[int, float]:
    """Return the number of particles and the volume [nm³] of a .gro file with a rectangular box."""
    lines = [text for _, text in text_lines(file, what=".gro file")]
    try:
        count = int(lines[1])
        box = [float(word) for word in lines[2 + count].split()]
        if len(box) not in (3, 9) or any(box[3:]) or not all(x > 0 for x in box[:3]):
            raise ValueError("its box is not rectangular")
    except (ValueError, IndexError) as error:
        raise FileError(file, f"is no .gro file of one configuration ({error})", remedy="give --density") from None
    return count, box[0] * box[1] * box[2]


def _left_behind(project: VotcaProject) -> Iterator[str]:
    """Yield what a user of this project should know."""
    if project.method not in ("ibi", "imc", "re", "iie"):
        yield f"the method {project.method} is not here: ibi stands in"
    bonded = [i.name for i in project.interactions if i.bonded]
    if bonded:
        yield f"bonded interactions are left out: {', '.join(bonded)}"
    reaches = {i.r_max for i in project.interactions if not i.bonded}
    if len(reaches) > 1:
        yield f"one cutoff for all pairs, {max(reaches):g} nm; the project has {', '.join(f'{r:g}' for r in sorted(reaches))}"
    if any(0 in i.update_cycle for i in project.interactions):
        yield "do_potential cycles are not needed: all pairs change in every round"
    updates, added = (
        _updates(project),
        {w for i in project.interactions for w in i.options.get("inverse/post_add", "").split()},
    )
    if "smooth" in updates:
        yield "smoothing is not needed: splines are as smooth as the noise demands"
    if updates & {"cibi", "kbibi"}:
        yield f"post_update {', '.join(sorted(updates & {'cibi', 'kbibi'}))}: cibi, by cumulative g, is the method of every round"
    if other := sorted(updates - _KNOWN_UPDATES):
        yield f"post_update is left out: {', '.join(other)}"
    if other := sorted(added - _KNOWN_ADDS):
        yield f"post_add is left out: {', '.join(other)}"
    for name in sorted(_IIE_LEFT & {n.split("/")[2] for n in project.options if n.startswith("inverse/iie/")}):
        yield f"iie's {name} is left out: splines end smoothly at the cutoff, and the core is g's own"
    match _pressure(project).get("pressure_rule"):
        case "fixed":
            yield "the pressure is met in every round by what g leaves open"
        case "simple" | "wjk":
            yield "the pressure's ramp changes in every round; --pressure-rule fixed meets it by what g leaves open instead"
    yield "liquids are simulated by the built-in engine; --engine lammps and hoomd are there too"
