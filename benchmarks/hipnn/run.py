"""HIP-NN for aluminium beside hippynn's own module: the same weights, the same pairs, and calls of both as dynamics makes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from ani.crystals import moving
from measuring import Effort, Program, Worker, interleaved
from results import Row, compared

SIZES = {256: 4, 2048: 8}  # atoms: cubic cells per edge
WEIGHTS = Path(__file__).parents[2] / "notebooks" / "results" / "04" / "hipnn.safetensors"


def rows(effort: Effort) -> Iterator[Row]:
    yield from _equal(effort)
    for atoms in (256,) if effort.quick else SIZES:
        found = interleaved([Program(who, f"hipnn_{who}", _options(atoms)) for who in ("ours", "hippynn")], effort)
        yield compared("HIP-NN, energy and forces", found["ours"], found["hippynn"], "calls per CPU second", atoms)


def _equal(effort: Effort) -> Iterator[Row]:
    """Compare energies and forces of the first positions."""
    answers, version = {}, ""
    for who in ("ours", "hippynn"):
        answer = moving(SIZES[256]).with_name(f"hipnn-{who}.npz")
        worker = Worker(Program(who, f"hipnn_{who}", _options(256, answer=str(answer))), effort)
        try:
            version = f"{who} {worker.ready().facts['version']}"
        finally:
            worker.close()
        answers[who] = dict(np.load(answer))
    ours, theirs = answers["ours"], answers["hippynn"]
    energy = abs(float(ours["energy"]) / float(theirs["energy"]) - 1)
    forces = float(np.max(np.abs(ours["forces"] - theirs["forces"])) / np.max(np.abs(theirs["forces"])))
    yield Row("HIP-NN: energy error", energy, None, version, None, "of the energy", 256)
    yield Row("HIP-NN: force error", forces, None, version, None, "of the largest force", 256)


def _options(atoms: int, **others: Any) -> dict[str, Any]:
    return {"weights": str(WEIGHTS), "frames": str(moving(SIZES[atoms])), **others}
