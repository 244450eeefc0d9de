"""What bounds the pair loop on this processor, what share of the bound it reaches, and what else a step is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import llvmlite.binding
from measuring import Effort, Measured, Program, interleaved
from results import Row
from starting_points import liquid

N, DENSITY = 4000, 0.7
LATENCY = 4  # cycles of a fused multiply-add on Zen 2 to 5 and on Intel's cores since Skylake
PHASES = ("forces", "list build", "noise", "move, kick and pack")
VARIANTS = {
    "first cache": "the same loop, all data in the first cache",
    "fetch only": "its look-ups alone, in the first cache",
    "contiguous": "its arithmetic alone: plain loads for look-ups",
    "gathered": "the same loop with hardware gathers, in the first cache",
}


def rows(effort: Effort) -> Iterator[Row]:
    effort = replace(effort, seconds=min(effort.seconds, 0.3), rounds=min(effort.rounds, 3))
    for precision in ("single",) if effort.quick else ("single", "double"):
        yield from _bounds(precision, effort)
        yield from _phases(precision, effort)


def _bounds(precision: str, effort: Effort) -> Iterator[Row]:
    start = {"start": str(liquid(N, DENSITY)), "precision": precision}
    variants = ["liquid", "clock", *VARIANTS]
    if not llvmlite.binding.get_host_cpu_features().get("avx2"):
        variants.remove("gathered")
    found = interleaved([Program(v, "pair_loop", {**start, "variant": v}) for v in variants], effort)
    clock, loop = found.pop("clock").rate * LATENCY / 1e9, found.pop("liquid")
    work = f"pair loop of a liquid, {precision} precision"
    for variant, other in found.items():
        yield Row(work, _ns(loop), _ns(other), VARIANTS[variant], loop.ratio(other), "ns per list entry", N)
    unit = "cycles per list entry"
    yield Row(
        work, clock * _ns(loop), None, f"at {clock:.2f} GHz: a dependent multiply-add takes {LATENCY}", None, unit, N
    )
    for sort, count in found["first cache"].facts["instructions"].items():
        yield Row(f"{work}: {sort}", count, None, "", None, "instructions per list entry", N)


def _ns(measured: Measured) -> float:
    return 1e9 / measured.rate


def _phases(precision: str, effort: Effort) -> Iterator[Row]:
    start = {"start": str(liquid(N, DENSITY)), "precision": precision}
    found = interleaved([Program(p, "phases_ours", {**start, "phase": p}) for p in PHASES], effort)
    whole = sum(_ns(m) for m in found.values())
    for phase, measured in found.items():
        note = f" (one in {measured.facts['lasts']:.1f} steps)" if phase == "list build" else ""
        work, ns = f"{phase} in a time step{note}, {precision} precision", _ns(measured)
        yield Row(work, ns, whole, "all phases together", None, "ns per particle and step", N)
