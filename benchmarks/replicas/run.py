"""64 replicas of 256 particles by `simulate_batch`, beside the size that suits one run best, and torch-sim's batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from measuring import Effort, Program, interleaved
from results import Row, compared
from starting_points import liquid

REPLICAS, N, DENSITY = 64, 256, 0.7
STEPS = 2000  # at least, of each replica and of each single run: setting up is part of the cost
SIZES = (512, 1000, 2000, 4000)
UNIT = "million atom-steps per CPU second"


def rows(effort: Effort) -> Iterator[Row]:
    for precision in ("single",) if effort.quick else ("single", "double"):
        yield from _compared(precision, replace(effort, rounds=min(effort.rounds, 3)))


def _compared(precision: str, effort: Effort) -> Iterator[Row]:
    replicas = 8 if effort.quick else REPLICAS
    programs = [_ours("batch", N, replicas, precision)]
    programs += [_ours(f"one run, best of several N: {n}", n, 1, precision) for n in SIZES[3 if effort.quick else 0 :]]
    if precision == "single":
        options = {"start": str(liquid(N, DENSITY)), "replicas": replicas}
        programs.append(Program("torch-sim f32 with analytic LJ", "batch_torch_sim", options, "torch-sim"))
    found = interleaved(programs, effort)
    batch = found.pop("batch")
    others = [found.pop("torch-sim f32 with analytic LJ", None), max(found.values(), key=lambda m: m.rate)]
    work = f"{replicas} replicas, ρ = {DENSITY}, {precision} precision"
    for other in filter(None, others):
        yield compared(work, batch, other, UNIT, N, scale=1e6)


def _ours(name: str, n: int, replicas: int, precision: str) -> Program:
    options: dict[str, Any] = {"start": str(liquid(n, DENSITY)), "replicas": replicas, "precision": precision}
    return Program(name, "batch_ours", {**options, "sample_every": 0, "multiple": STEPS})
