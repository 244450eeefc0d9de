"""Cost of an atom-step and memory of a particle from 512 to 262 144 particles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from measuring import Effort, Program, interleaved
from results import Row
from starting_points import liquid

SIZES, DENSITY = (512, 4096, 16_384, 32_768, 131_072, 262_144), 0.7
LARGE = 16_384  # below it the memory of a process is too coarse a measure


def rows(effort: Effort) -> Iterator[Row]:
    for precision in ("single", "double"):
        yield from _of(precision, SIZES[:3] if effort.quick else SIZES, replace(effort, rounds=min(effort.rounds, 3)))


def _of(precision: str, sizes: tuple[int, ...], effort: Effort) -> Iterator[Row]:
    programs = [Program(str(n), "md_ours", {"start": str(liquid(n, DENSITY)), "precision": precision}) for n in sizes]
    found = interleaved(programs, effort)
    cost = {n: 1e9 / found[str(n)].rate for n in sizes}
    middle = (min(cost.values()) * max(cost.values())) ** 0.5
    for n in sizes:
        work = f"cost per atom and step, {precision} precision"
        yield Row(
            work, cost[n], middle, "middle of the smallest and the largest", middle / cost[n], "ns of CPU time", n
        )
    for n in (n for n in sizes if n >= LARGE):
        work = f"memory per particle, {precision} precision"
        yield Row(
            work,
            found[str(n)].facts["bytes"],
            1000.0,
            "the limit we set",
            1000 / found[str(n)].facts["bytes"],
            "bytes",
            n,
        )
