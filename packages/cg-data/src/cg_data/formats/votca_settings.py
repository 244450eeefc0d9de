"""VOTCA's `settings.xml`: what an orphaned csg_inverse project wanted, as plain records.

Lengths are nm and energies kJ/mol, as in VOTCA. Every leaf of the file stays available in `options` under its path
("inverse/gromacs/table_bins"), so that nothing of a project is lost on the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from cg_data.errors import FileError
from cg_data.formats import votca
from cg_data.formats.columns import as_number, is_number
from cg_data.interactions import Pair, pair_of
from cg_data.pair_target import Normalization, make_target
from cg_data.potentials.pair_potential import Array
from cg_data.safe_files import text_lines
from cg_data.safe_xml import Node, parse_xml
from cg_data.units import GROMACS

_SECTIONS = ("non-bonded", "bonded")
_SETTINGS_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class VotcaInteraction:
    """One `<non-bonded>` or `<bonded>` entry: its grid [nm, or rad] and the file of its target distribution."""

    name: str
    bonded: bool
    pair: Pair | None
    r_min: float
    r_max: float
    step: float
    target: Path | None
    update_cycle: tuple[int, ...]  # do_potential: 1 in the rounds that update this interaction
    options: dict[str, str]


@dataclass(frozen=True, slots=True)
class VotcaProject:
    """A csg_inverse project: `kT` [kJ/mol] (None where csg_stat needed none), method, program, number of iterations and interactions."""

    path: Path
    kT: float | None
    method: str
    program: str
    iterations: int | None
    interactions: tuple[VotcaInteraction, ...]
    options: dict[str, str]

    def targets(
        self,
        *,
        density: float | dict[str, float],
        kT: float | None = None,
        normalization: Normalization = "N^2",
    ) -> xr.Dataset:
        """Return the non-bonded targets as one `pair-target` dataset; VOTCA's settings do not hold the density.

        Targets on different grids are interpolated to the coarsest step on the range that all of them cover.
        """
        wanted = [i for i in self.interactions if not i.bonded and i.target is not None]
        if not wanted:
            raise FileError(self.path, "names no non-bonded target", remedy="add <inverse><target>…</target>")
        thermal = kT if kT is not None else self.kT
        if thermal is None:
            raise FileError(self.path, "<inverse/kBT> is missing", remedy="add it, or give kT= [kJ/mol]")
        curves = {i.pair: votca.read_targets(i.target) for i in wanted if i.pair and i.target}
        r = _shared_grid(self.path, [curve.r for curve in curves.values()])
        values = {pair: np.interp(r, curve.r, next(iter(curve.g.values()))) for pair, curve in curves.items()}
        return make_target(
            r,
            values,
            density=density,
            kT=thermal,
            normalization=normalization,
            units=GROMACS,
            source=self.path.name,
        )


def read_votca_settings(path: str | Path) -> VotcaProject:
    """Return the project that a `settings.xml` of csg_inverse describes."""
    text = "\n".join(line for _, line in text_lines(path, max_bytes=_SETTINGS_BYTES, what="VOTCA settings file"))
    root = parse_xml(text, path)
    if root.tag != "cg":
        raise FileError(path, f"its root is <{root.tag[:40]}>, expected <cg>", line=root.line,
                        remedy="give the settings.xml of csg_inverse")  # fmt: skip
    file = Path(path)
    entries = [_interaction(file, e) for kind in _SECTIONS for e in root.all(kind)]
    if not entries:
        raise FileError(path, "has no <non-bonded> or <bonded> interaction", line=root.line,
                        remedy="is this the settings.xml of csg_inverse?")  # fmt: skip
    options = _leaves(root.find("inverse"), "inverse")
    iterations = options.get("inverse/iterations_max", "")
    return VotcaProject(
        file,
        None if root.find("inverse/kBT") is None else _number(file, root, "inverse/kBT"),
        options.get("inverse/method", "ibi"),
        options.get("inverse/program", "gromacs"),
        int(iterations) if iterations.isdecimal() and len(iterations) < 10 else None,
        tuple(entries),
        options,
    )


def _shared_grid(path: Path, grids: list[Array]) -> Array:
    if all(len(r) == len(grids[0]) and np.allclose(r, grids[0], rtol=0, atol=1e-9) for r in grids):
        return grids[0]
    low, high = max(r[0] for r in grids), min(r[-1] for r in grids)
    step = max(float(np.median(np.diff(r))) for r in grids)
    if high - low < 2 * step * (1 - 1e-9):
        raise FileError(path, f"its targets share only r = {low:g} … {high:g}", remedy="measure them on one range")
    return np.linspace(
        low, low + step * np.floor((high - low) / step * (1 + 1e-9)), int((high - low) / step + 1e-9) + 1
    )


def _interaction(file: Path, entry: Node) -> VotcaInteraction:
    name = entry.value("name")
    if not name:
        raise FileError(file, f"a <{entry.tag}> entry has no <name>", line=entry.line, remedy="name it")
    bonded = entry.tag == "bonded"
    types = entry.value("type1"), entry.value("type2")
    if not bonded and not all(types):
        raise FileError(file, f"{name}: <type1> and <type2> are missing", line=entry.line, remedy="name both types")
    low, high, step = (_number(file, entry, key) for key in ("min", "max", "step"))
    if not (low < high and 0 < step <= high - low):
        raise FileError(file, f"{name}: the grid {low} : {step} : {high} is empty", line=entry.line,
                        remedy="min < max and step > 0")  # fmt: skip
    target = entry.value("inverse/target") or _optimizer_target(entry)
    cycle = entry.value("inverse/do_potential", "1").split()
    if not cycle or any(c not in ("0", "1") for c in cycle):
        raise FileError(file, f"{name}: do_potential is {' '.join(cycle)[:40]!r}", line=entry.line,
                        remedy="a cycle of 0 and 1")  # fmt: skip
    return VotcaInteraction(
        name,
        bonded,
        None if bonded else _pair(file, entry, types),
        low,
        high,
        step,
        _beside(file, entry, target) if target else None,
        tuple(int(c) for c in cycle),
        _leaves(entry.find("inverse"), "inverse"),
    )


def _pair(file: Path, entry: Node, types: tuple[str, str]) -> Pair:
    try:
        return pair_of(types)
    except ValueError as error:
        raise FileError(file, str(error), line=entry.line) from None


def _optimizer_target(entry: Node) -> str:
    """Return the target of a simplex or CMA project, which stands under its property (rdf, density, …)."""
    found = entry.find("inverse/optimizer")
    return next((t for part in found.children if (t := part.value("target"))), "") if found else ""


def _beside(file: Path, entry: Node, name: str) -> Path:
    """Return a file named in the settings; it must lie in the project's own folder."""
    inside = Path(name)
    if inside.is_absolute() or ".." in inside.parts or "\0" in name:
        raise FileError(file, f"names the file {name[:80]!r} outside its folder", line=entry.line,
                        remedy="copy it beside settings.xml")  # fmt: skip
    return file.parent / inside


def _number(file: Path, element: Node, path: str) -> float:
    found = element.find(path)
    if found is None:
        raise FileError(file, f"<{path}> is missing in <{element.tag}>", line=element.line, remedy="add it")
    text = found.text.strip()
    if not is_number(text) or not abs(as_number(text)) < 1e300:
        raise FileError(file, f"<{path}> is {text[:40]!r}, not a number", line=found.line, remedy="correct it")
    return as_number(text)


def _leaves(element: Node | None, path: str) -> dict[str, str]:
    if element is None:
        return {}
    if not element.children:
        return {path: element.text.strip()}
    return {k: v for child in element.children for k, v in _leaves(child, f"{path}/{child.tag}").items()}
