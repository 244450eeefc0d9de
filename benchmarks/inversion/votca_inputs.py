"""Input files for VOTCA and LAMMPS: a starting lattice, scripts with other lengths, tutorials with another engine."""

from __future__ import annotations

import xml.etree.ElementTree as Xml
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long to run: iterations, and in each the steps before and while frames are kept."""

    iterations: int
    equilibration: int
    steps: int


def write_lj_start(folder: Path) -> None:
    """Write lj.data: a simple cubic lattice of 1000 particles at ρ = 0.7."""
    side = (1000 / 0.7) ** (1 / 3)
    points = np.stack(np.meshgrid(*[np.arange(10)] * 3, indexing="ij"), axis=-1).reshape(-1, 3) * side / 10
    box = "".join(f" 0.0 {side:.12f} {x}lo {x}hi\n" for x in "xyz")
    atoms = "".join(f"{i} 1 {x:.9f} {y:.9f} {z:.9f}\n" for i, (x, y, z) in enumerate(points, 1))
    head = f"Lennard-Jones\n\n1000 atoms\n\n1 atom types\n\n{box}\n Masses\n\n1 1.0\n\n Atoms\n\n"
    (folder / "lj.data").write_text(head + atoms)


def write_script(given: Path, written: Path, lengths: Lengths) -> None:
    """Copy a LAMMPS script that has two `run` lines, with the steps that `lengths` says."""
    steps = iter((lengths.equilibration, lengths.steps))
    lines = (f"run {next(steps)}" if line.startswith("run") else line for line in given.read_text().splitlines())
    written.write_text("\n".join(lines) + "\n")


def write_settings(given: Path, written: Path, **changed: float) -> None:
    """Copy settings.xml with other values of its pair or of the inversion, and csg's programs on one thread."""
    tree = Xml.parse(given)
    pair, inverse = _element(tree, "non-bonded"), _element(tree, "inverse")
    for name, value in changed.items():
        part = pair if pair.find(name) is not None else inverse
        _element(part, name).text = str(value)
    if inverse.find("simulation") is None:
        Xml.SubElement(Xml.SubElement(inverse, "simulation"), "tasks").text = "1"
    tree.write(written)


def use_lammps(given: Path, example: Path, written: Path) -> None:
    """Copy a tutorial's settings.xml with the engine of another that has LAMMPS: GROMACS ≥ 2020 reads no user tables."""
    tree, like = Xml.parse(given), Xml.parse(example)
    for name in ("type1", "type2"):
        _element(tree, f"non-bonded/{name}").text = _element(like, f"non-bonded/{name}").text
    _replace(_element(tree, "non-bonded/inverse"), _element(like, "non-bonded/inverse"), ("gromacs", "lammps"))
    engine = ("gromacs", "lammps", "program", "filelist", "initial_configuration")
    _replace(_element(tree, "inverse"), _element(like, "inverse"), engine)
    tree.write(written)


def _replace(ours: Xml.Element, theirs: Xml.Element, names: tuple[str, ...]) -> None:
    for name in names:
        for old in ours.findall(name):
            ours.remove(old)
        ours.extend(theirs.findall(name))


def _element(parent: Xml.Element | Xml.ElementTree[Xml.Element], name: str) -> Xml.Element:
    found = parent.find(name)
    if found is None:
        raise ValueError(f"settings.xml has no <{name}>")
    return found
