"""Rates of the cuda engine on this machine's GPU: `python benchmarks/gpu/run.py [--quick]`.

Prints one JSON line per case: {name, ours, unit, n, replicas, gpu}. A rate is the median of several repetitions, each
long enough to leave launches and transfers behind; compilation and equilibration come before. Without a GPU it says so.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

import cg_data as cd
import cg_sim as cs

DENSITY, DT = 0.7, 0.005
TABLE = cd.as_interactions(cd.LennardJones(cutoff=2.5).table(1000))


@dataclass(frozen=True)
class Case:
    n: int
    replicas: int
    precision: Literal["double", "single"]

    @property
    def name(self) -> str:
        what = "one system" if self.replicas == 1 else "replicas"
        return f"{what}, Langevin, table of 1000 points, ρ = {DENSITY}, {self.precision} precision"


CASES = [
    Case(n, replicas, precision)
    for precision in ("single", "double")
    for n, replicas in ((512, 1024), (64_000, 1), (1_000_000, 1))
]


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the cuda engine in atom-steps per second.")
    parser.add_argument("--quick", action="store_true", help="fewer particles and repetitions: does it run?")
    quick = parser.parse_args().quick
    try:
        from cg_sim.engines.cuda import check_available

        check_available()
        gpu = _gpu()
    except (ImportError, RuntimeError) as error:
        print(f"nothing measured: {error}", file=sys.stderr)
        return 0
    for row in rows(gpu, quick=quick):
        print(json.dumps(row, ensure_ascii=False), flush=True)
    return 0


def _gpu() -> str:
    from numba import cuda

    name = cuda.get_current_device().name
    return name.decode() if isinstance(name, bytes) else str(name)


def rows(gpu: str, *, quick: bool) -> Iterator[dict[str, Any]]:
    cases = [Case(108, 4, "double"), Case(500, 1, "single")] if quick else CASES
    for case in cases:
        rate = _rate(case, seconds=0.2 if quick else 3.0, repetitions=2 if quick else 5)
        yield {
            "name": case.name, "ours": float(f"{rate / 1e6:.4g}"), "unit": "million atom-steps per second",
            "n": case.n, "replicas": case.replicas, "gpu": gpu,
        }  # fmt: skip


def _rate(case: Case, *, seconds: float, repetitions: int) -> float:
    """Return atom-steps per second of wall time."""
    advance = _advancing(case)
    advance(20)  # compiles
    advance(2000 if case.n * case.replicas < 1_000_000 else 500)  # melts the crystal
    steps = 20
    while (took := _timed(advance, steps)) < seconds / 4:
        steps *= 2
    steps = max(20, int(steps * seconds / took))
    return case.n * case.replicas * steps / median(_timed(advance, steps) for _ in range(repetitions))


def _advancing(case: Case) -> Callable[[int], None]:
    from cg_sim.engines.cuda import start, start_batch

    state = cs.fcc(case.n, DENSITY, kT=2.0)  # half of it goes into melting

    def job(seed: int) -> cs.Job:
        return cs.Job(
            state, TABLE, kT=1.0, dt=DT, thermostat=cs.Langevin(1.0), seed=seed, precision=case.precision
        )  # fmt: skip

    if case.replicas == 1:
        return start(job(0)).advance
    return start_batch([job(seed) for seed in range(case.replicas)]).advance


def _timed(advance: Callable[[int], None], steps: int) -> float:
    """Return the seconds that some steps take; `advance` returns when they are done."""
    begin = time.perf_counter()
    advance(steps)
    return time.perf_counter() - begin


if __name__ == "__main__":
    sys.exit(main())
