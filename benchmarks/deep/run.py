"""Deep potentials of water beside deepmd-kit's PyTorch backend: the same weights, calls as dynamics makes them, and steps of training."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
from deep.water import moving
from measuring import Effort, Program, Worker, interleaved, reported
from results import Row, compared

SYSTEMS = {"192 atoms of water": 0, "64 beads": 64, "512 beads": 512}


def rows(effort: Effort) -> Iterator[Row]:
    folder = Path(mkdtemp())
    for system, beads in SYSTEMS.items():
        with reported("deepmd-kit"):
            yield from _equal(system, beads, folder, effort)
            yield from _fast(system, beads, folder, effort)


def _equal(system: str, beads: int, folder: Path, effort: Effort) -> Iterator[Row]:
    """Compare energies and forces of the first frame; deepmd-kit writes the weights that ours reads."""
    answers = {}
    for who in ("deepmd", "ours"):
        answer = folder / f"{beads}-{who}.npz"
        worker = Worker(_program(who, beads, folder, work="force", answer=str(answer)), effort)
        try:
            facts = worker.ready().facts
        finally:
            worker.close()
        answers[who] = dict(np.load(answer))
        if who == "deepmd":
            version = _named(facts)
    ours, theirs = answers["ours"], answers["deepmd"]
    energy = abs(float(ours["energy"]) / float(theirs["energy"]) - 1)
    forces = float(np.max(np.abs(ours["forces"] - theirs["forces"])) / np.max(np.abs(theirs["forces"])))
    n = len(ours["forces"])
    yield Row(f"deep potential, {system}: energy error", energy, None, version, None, "of the energy", n)
    yield Row(f"deep potential, {system}: force error", forces, None, version, None, "of the largest force", n)


def _fast(system: str, beads: int, folder: Path, effort: Effort) -> Iterator[Row]:
    for work, name in (("force", "energy and forces"), ("training", "step of training, one frame")):
        found = interleaved([_program(who, beads, folder, work=work) for who in ("ours", "deepmd")], effort)
        if "deepmd" in found:
            theirs, n = found["deepmd"], int(found["ours"].facts["atoms"])
            row = compared(f"deep potential, {system}, {name}", found["ours"], theirs, "calls per CPU second", n)
            yield Row(row.work, row.ours, row.peer, _named(theirs.facts), row.ratio, row.unit, row.n)


def _named(facts: Any) -> str:
    return f"deepmd-kit {facts['version']}, torch {facts['torch']}, {facts['operators']} operators"


def _program(who: str, beads: int, folder: Path, **others: Any) -> Program:
    options = {"weights": str(folder / f"{beads}.pt"), "frames": str(moving(beads)), **others}
    return Program(who, f"deep_{who}", options, peer=None if who == "ours" else "deepmd")
