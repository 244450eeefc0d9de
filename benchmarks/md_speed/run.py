"""One core, Langevin, a table of 1000 points, cutoff 2.5: whole time steps, ours and everyone's."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace

from measuring import Effort, Measured, Program, interleaved
from results import Row, compared
from starting_points import lammps_table, liquid

SIZES, DENSITIES = (512, 4000, 32_000), (0.7, 0.84)
LAMMPS = (("table linear", "omp"), ("table spline", "omp"))  # faster than the plain styles; there is no other package
LAMMPS_LJ = (("lj/cut", ""), ("lj/cut", "opt"), ("lj/cut", "omp"))
UNIT = "million atom-steps per CPU second"


def rows(effort: Effort) -> Iterator[Row]:
    cases = [(n, density) for density in DENSITIES for n in SIZES]
    for n, density in cases[1:2] if effort.quick else cases:
        rounds = min(effort.rounds, 3 if n == SIZES[-1] else effort.rounds)  # 40 steps at least take slow peers seconds
        yield from _case(n, density, replace(effort, rounds=rounds))


def _case(n: int, density: float, effort: Effort) -> Iterator[Row]:
    programs = [p for p in _programs(n, density) if not (effort.quick and p.peer == "jax-md")]  # compiles for long
    found = interleaved(programs, effort)
    _same_work(found)
    peers = [_fastest(found, "LAMMPS table"), _fastest(found, "LAMMPS lj/cut")]
    peers += [found.get(name) for name in ("HOOMD md.pair.Table", "OpenMM tabulated", "JAX-MD f32")]
    for precision in ("single", "double"):
        for peer in filter(None, peers):
            work = f"MD, ρ = {density}, {precision} precision"
            yield compared(work, found[precision], peer, UNIT, n, scale=1e6)


def _programs(n: int, density: float) -> Iterator[Program]:
    start = {"start": str(liquid(n, density))}
    for precision in ("single", "double"):
        yield Program(precision, "md_ours", {**start, "precision": precision})
    table = {"table": str(lammps_table())}
    for style, suffix in LAMMPS + LAMMPS_LJ:
        name = f"LAMMPS {style}{'/' if suffix else ''}{suffix}"
        yield Program(name, "md_lammps", {**start, **table, "style": style, "suffix": suffix}, "lammps")
    yield Program("HOOMD md.pair.Table", "md_hoomd", start, "hoomd")
    if density == DENSITIES[0]:
        yield Program("OpenMM tabulated", "md_openmm", start, "openmm")
        yield Program("JAX-MD f32", "md_jax", start, "jax-md")


def _fastest(found: dict[str, Measured], kind: str) -> Measured | None:
    """Return the fastest of the programs whose name begins with `kind`."""
    return max((m for name, m in found.items() if name.startswith(kind)), key=lambda m: m.rate, default=None)


def _same_work(found: dict[str, Measured]) -> None:
    """Say so if a program's potential energy per particle is not that of the liquid the others simulate."""
    expected = found["double"].facts["energy"]
    for name, measured in found.items():
        if abs(measured.facts["energy"] - expected) > 0.3:  # σ of one frame at N = 512 is 0.04
            print(f"other work: {name} has U/N = {measured.facts['energy']:.3f}, not {expected:.3f}", file=sys.stderr)
