"""SchNet of beads beside schnetpack's: the same energies and forces with the same weights, force calls, learning, dynamics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from measuring import Effort, Program, Worker, interleaved, reported
from results import Row, compared
from schnet.equal_weights import Found, evaluated, network
from schnet.liquid import BEADS, FRAMES, benzene

from cg_models.schnet.graph import graph, joined
from cg_models.schnet.network import SchNetOptions

OPTIONS = SchNetOptions(envelope="cosine", activation="shifted_softplus")
SIZES = {"cutoff": OPTIONS.cutoff, "features": OPTIONS.features, "blocks": OPTIONS.blocks, "radial": OPTIONS.radial}
KINDS = {"single precision": "float32", "double precision": "float64"}


def rows(effort: Effort) -> Iterator[Row]:
    for precision, dtype in KINDS.items():
        with reported("schnetpack"):
            yield from _equal(precision, dtype, effort)
    yield from _force_calls(effort)
    yield from _training(effort)
    yield from _dynamics(effort)


def _equal(precision: str, dtype: str, effort: Effort) -> Iterator[Row]:
    """Compare energies and forces of the frames with schnetpack's; the splines' with those of the filters in double precision."""
    answer = benzene().with_name(f"schnetpack-{dtype}.npz")
    worker = Worker(_theirs("force", batch=FRAMES, dtype=dtype, answer=str(answer)), effort)
    try:
        version = f"schnetpack {worker.ready().facts['version']}"
    finally:
        worker.close()
    kind = getattr(torch, dtype)
    with np.load(benzene()) as given, np.load(answer) as theirs:
        box = np.full(3, given["side"])
        pairs = joined([graph(x, box, OPTIONS.cutoff, dtype=torch.float64) for x in given["positions"]])
        ours, peer = network(theirs, OPTIONS), Found(theirs["energy"], theirs["forces"])
    exact = evaluated(ours.double(), pairs, splines=False)
    ours, pairs = ours.to(kind), pairs.to(kind)
    for name, splines in (("every filter for every pair", False), ("splines", True)):
        found, work = evaluated(ours, pairs, splines=splines), f"SchNet, equal weights, {precision}, {name}"
        yield _error(f"{work}: energy error", found.energy_error(peer), version, "of the energy")
        yield _error(f"{work}: force error", found.force_error(peer), version, "of the largest force")
        if splines:
            filters = "our filters for every pair, double precision"
            yield _error(f"{work}: force error", found.force_error(exact), filters, "of the largest force")


def _force_calls(effort: Effort) -> Iterator[Row]:
    found = interleaved([_ours("force"), _theirs("force", batch=1)], effort)
    if "schnetpack" in found:
        work = "SchNet, energy and forces, neighbors given"
        yield compared(work, found["ours"], found["schnetpack"], "calls per CPU second", BEADS)


def _training(effort: Effort) -> Iterator[Row]:
    found = interleaved([_ours("training", batch=FRAMES), _theirs("training", batch=FRAMES)], effort)
    if "schnetpack" not in found:
        return
    ours, peer = found["ours"], found["schnetpack"]
    work = f"SchNet, training step of {FRAMES} frames"
    yield compared(work, ours, peer, "steps per CPU second", BEADS)
    held, theirs = ours.facts["bytes"] / 1e6, peer.facts["bytes"] / 1e6
    yield Row(
        f"{work}: most memory of the process", held, theirs, f"schnetpack {peer.version}", theirs / held, "MB", BEADS
    )


def _dynamics(effort: Effort) -> Iterator[Row]:
    """Say what a step of dynamics takes, and how much of it goes by outside the network."""
    cases = {"no prior": False, "Lennard-Jones prior": True}
    found = interleaved([replace(_ours("dynamics", prior=p), name=name) for name, p in cases.items()], effort)
    for name, measured in found.items():
        yield Row(f"SchNet, MD, {name}", measured.rate, None, "", None, "steps per CPU second", BEADS)
        work = f"SchNet, MD, {name}: CPU time outside the network"
        yield Row(work, 100 * measured.facts["outside"], None, "", None, "% of a step", BEADS)


def _error(work: str, error: float, right: str, unit: str) -> Row:
    return Row(work, error, None, right, None, unit, BEADS)


def _ours(work: str, **options: Any) -> Program:
    return Program("ours", "schnet_ours", {"frames": str(benzene()), "work": work, **SIZES, **options})


def _theirs(work: str, **options: Any) -> Program:
    return Program(
        "schnetpack", "schnet_schnetpack", {"frames": str(benzene()), "work": work, **SIZES, **options}, "schnetpack"
    )
