"""The worker's side of measuring: CPU seconds of one repetition after another."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

OPTIONS: dict[str, Any] = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
_ANSWERS = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what libraries print is not an answer


def cpu_seconds() -> float:
    """Return the CPU time of this process and its finished children, system calls included."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def cost(advance: Callable[[int], Any], steps: int) -> float:
    """Return the CPU seconds of `advance(steps)`."""
    before = cpu_seconds()
    advance(steps)
    return cpu_seconds() - before


def peak_bytes() -> int:
    """Return the most memory this process has held; Linux's ru_maxrss would include the parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        return 1024 * int(status.read_text().split("VmHWM:")[1].split()[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def serve(advance: Callable[[int], Any], *, per_step: float, multiple: int = 1, facts: Callable[[], Any]) -> None:
    """Answer each line of standard input with the cost of as many steps as take about OPTIONS["seconds"].

    `per_step` is what a step is worth (particles, frames); steps are a multiple of `multiple`. Choosing their number
    is the last part of the warm-up. `facts()` goes out with the first line.
    """
    steps = _enough(advance, float(OPTIONS.get("seconds", 1.0)), multiple)
    _answer(steps=steps, **facts())
    for _ in sys.stdin:
        cpu, wall = cpu_seconds(), time.perf_counter()
        advance(steps)
        _answer(amount=steps * per_step, cpu=cpu_seconds() - cpu, wall=time.perf_counter() - wall)


def _enough(advance: Callable[[int], Any], seconds: float, multiple: int) -> int:
    steps = multiple
    while (spent := cost(advance, steps)) < 0.3 * seconds:
        steps *= 2 if spent > 0.05 * seconds else 4
    return max(1, round(steps * seconds / spent / multiple)) * multiple


def _answer(**values: Any) -> None:
    print(json.dumps(values), file=_ANSWERS, flush=True)
