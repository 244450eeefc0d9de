"""From starting Python to the first step: a process that compiles, and later ones that find its cache."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from statistics import median

from measuring import Effort
from peers import HERE, OURS
from results import Row

N = 500


def rows(effort: Effort) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as cache:
        first = _seconds(cache)
        later = [_seconds(cache) for _ in range(effort.rounds)]
    for kind, clock in (("wall", 0), ("CPU", 1)):
        usual = median(run[clock] for run in later)
        compiled = first[clock]
        yield Row(
            "start of Python to the first step",
            usual,
            compiled,
            "first process, compiling",
            compiled / usual,
            f"s, {kind}",
            N,
        )


def _seconds(cache: str) -> tuple[float, float]:
    """Return wall and CPU seconds of one process."""
    before, start = os.times(), time.perf_counter()
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
    subprocess.run([str(OURS), str(HERE / "workers" / "first_step.py")], check=True, env=environment)
    wall, after = time.perf_counter() - start, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, used
