"""`cg-inverse import-votca`: a csg_inverse project as a target and a configuration."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cg_data import FileError, read_votca_settings, save
from cg_data.cli.values import per_type, positive
from cg_data.formats.votca_settings import VotcaProject
from cg_data.safe_files import atomic_path, text_lines
from cg_inverse.cli.config import printed
from cg_inverse.cli.settings import DEFAULTS

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
        **DEFAULTS,
        "method": method,
        "files": ("target.nc",),
        "cutoff": _cutoff(project, float(data["r"][-1])),
    }
    settings |= {"rounds": project.iterations or DEFAULTS["rounds"], **_pressure(project)}
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
        case "ibi" | "imc" | "re" as same:
            return same
        case _:
            return "ibi"


def _cutoff(project: VotcaProject, known: float) -> float:
    return min(known, max(i.r_max for i in project.interactions if not i.bonded))


def _pressure(project: VotcaProject) -> dict[str, Any]:
    """Return the pressure that post-updates were to correct [kJ/mol/nm³]."""
    for part in project.interactions:
        kind = part.options.get("inverse/post_update_options/pressure/type")
        if "pressure" in part.options.get("inverse/post_update", "").split() and kind in ("simple", "wjk"):
            return {"pressure": (float(project.options.get("inverse/p_target", "1")) * _BAR,), "pressure_rule": kind}
    return {}


def _density(project: VotcaProject, given: str | None) -> tuple[Any, str]:
    """Return the density as given, or that of conf.gro, with words."""
    if given is not None:
        return (per_type(given) if "=" in given else positive(given)), given
    file = project.path.parent / project.options.get("inverse/gromacs/conf", "conf.gro")
    types = {t for i in project.interactions if i.pair for t in i.pair}
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
    if any("smooth" in i.options.get("inverse/post_update", "") for i in project.interactions):
        yield "smoothing is not needed: splines are as smooth as the noise demands"
    yield "liquids are simulated by the built-in engine; --engine lammps and hoomd are there too"
