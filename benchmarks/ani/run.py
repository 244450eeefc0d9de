"""ANI-Al beside torchani: the same energies and forces, and calls of both as dynamics makes them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from ani.crystals import moving
from measuring import Effort, Program, Worker, interleaved
from peers import Unavailable
from results import Row, compared

SIZES = {256: 4, 2048: 8}  # atoms: cubic cells per edge
PRECISIONS = {"single precision": "single", "double precision": "double"}


def rows(effort: Effort) -> Iterator[Row]:
    folder = _folder()
    for precision, name in PRECISIONS.items():
        yield from _equal(folder, precision, name, effort)
        for atoms in (256,) if effort.quick else SIZES:
            programs = [Program(who, f"ani_{who}", _options(folder, atoms, name), peer) for who, peer in _WHO]
            found = interleaved(programs, effort)
            if "torchani" in found:
                work = f"ANI-Al, energy and forces, {precision}"
                yield compared(work, found["ours"], found["torchani"], "calls per CPU second", atoms)


def _equal(folder: str, precision: str, name: str, effort: Effort) -> Iterator[Row]:
    """Compare energies and forces of the first positions, which have the spread of energies of a hot crystal."""
    answers, version = [], ""
    for who, peer in _WHO:
        answer = moving(SIZES[256]).with_name(f"{who}-{name}.npz")
        worker = Worker(Program(who, f"ani_{who}", _options(folder, 256, name, answer=str(answer)), peer), effort)
        try:
            version = f"{who} {worker.ready().facts['version']}"
        finally:
            worker.close()
        with np.load(answer) as given:
            answers.append((float(given["energy"]), given["forces"]))
    (energy, forces), (other, others) = answers
    work = f"ANI-Al, {precision}"
    yield Row(f"{work}: energy error", abs(energy / other - 1), None, version, None, "of the energy", 256)
    off = float(np.max(np.abs(forces - others)) / np.max(np.abs(others)))
    yield Row(f"{work}: force error", off, None, version, None, "of the largest force", 256)


_WHO = (("ours", None), ("torchani", "torchani"))


def _folder() -> str:
    """The potential is its authors': ANI_AL names a clone of it."""
    if "ANI_AL" not in os.environ:
        raise Unavailable("ANI_AL does not name a clone of github.com/atomistic-ml/ani-al")
    return str(Path(os.environ["ANI_AL"]).resolve())


def _options(folder: str, atoms: int, precision: str, **others: Any) -> dict[str, Any]:
    return {"folder": folder, "frames": str(moving(SIZES[atoms])), "precision": precision, **others}
