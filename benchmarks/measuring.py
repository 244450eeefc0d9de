"""CPU seconds of several programs at the same work, repetitions interleaved: a, b, c, a, b, c …

Each program is a process of its own (workers/*.py): it warms up, chooses how many steps one repetition takes, says
it is ready, and then runs one repetition per line it is sent, answering with a line of JSON.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from peers import HERE, OURS, Unavailable, python_of


@dataclass(frozen=True)
class Effort:
    """How long a repetition takes [s of CPU time], how many there are, and whether cases are left out."""

    seconds: float = 0.4
    rounds: int = 5
    quick: bool = False


@dataclass(frozen=True)
class Program:
    """A worker script with its options; `peer` names the environment it needs, None is our own."""

    name: str
    script: str
    options: Mapping[str, Any]
    peer: str | None = None
    threads: int = 1


@dataclass(frozen=True)
class Measured:
    """What a program did: amounts per CPU second and per wall second, one of each per round."""

    name: str
    facts: Mapping[str, Any]
    rates: tuple[float, ...]
    wall_rates: tuple[float, ...]

    @property
    def rate(self) -> float:
        return median(self.rates)

    @property
    def version(self) -> str:
        return str(self.facts.get("version", ""))

    def ratio(self, other: Measured) -> float:
        """Return the median over rounds of this rate over the other's in the same round."""
        return median(a / b for a, b in zip(self.rates, other.rates, strict=True))


class Worker:
    """A program under way."""

    def __init__(self, program: Program, effort: Effort) -> None:
        self.program = program
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115, closed by close()
        python = OURS if program.peer is None else python_of(program.peer)
        options = json.dumps({**program.options, "threads": program.threads, "seconds": effort.seconds})
        self._process = subprocess.Popen(
            [str(python), str(HERE / "workers" / f"{program.script}.py"), options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True,
            env=_environment(python, program.threads), preexec_fn=_on_cores(program.threads),
        )  # fmt: skip
        self.facts: dict[str, Any] = {}

    def ready(self) -> Worker:
        self.facts = self._answer()
        return self

    def repeat(self) -> dict[str, float]:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write("\n")
            self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._errors.close()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._errors.seek(0)
            raise Unavailable(f"{self.program.name} stopped: {_last_error(self._errors.read())}")
        return dict(json.loads(line))


def interleaved(programs: Sequence[Program], effort: Effort) -> dict[str, Measured]:
    """Return what each program reached, by its name; one that cannot run is reported and left out."""
    samples: dict[Worker, list[dict[str, float]]] = {}
    with ExitStack() as stack:
        for worker in _started(programs, effort, stack):
            samples[worker] = []
        for worker in [w for _ in range(effort.rounds) for w in samples]:
            with reported(worker.program.name):
                samples[worker].append(worker.repeat())
    return {w.program.name: _measured(w, column) for w, column in samples.items() if len(column) == effort.rounds}


def _measured(worker: Worker, samples: Sequence[Mapping[str, float]]) -> Measured:
    rates, walls = (tuple(s["amount"] / s[clock] for s in samples) for clock in ("cpu", "wall"))
    return Measured(worker.program.name, worker.facts, rates, walls)


def _started(programs: Sequence[Program], effort: Effort, stack: ExitStack) -> Iterator[Worker]:
    """Yield the workers that get ready, one after the other: their warm-up is timed, too."""
    for program in programs:
        with reported(program.name):
            worker = Worker(program, effort)
            stack.callback(worker.close)
            yield worker.ready()


@contextmanager
def reported(name: str) -> Iterator[None]:
    """Say on the error stream why a peer is left out, and go on."""
    try:
        yield
    except Unavailable as error:
        print(f"left out: {name}: {error}", file=sys.stderr, flush=True)


def _last_error(said: str) -> str:
    """Return the line that names the error: messages of compilers go on after it."""
    lines = [line for line in said.splitlines() if line.strip()] or ["no message"]
    return next((line for line in reversed(lines) if re.match(r"[\w.]*(Error|Exception)\b", line)), lines[-1])


def _environment(python: Path, threads: int) -> dict[str, str]:
    count = str(threads)
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENMM_CPU_THREADS")
    return {**os.environ, **dict.fromkeys(names, count), "LD_LIBRARY_PATH": str(python.parent.parent / "lib")}


def _on_cores(threads: int) -> Callable[[], None] | None:
    """Return what binds a process to as many cores as it has threads, so that no library takes more."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    cores = sorted(os.sched_getaffinity(0))[-threads:]
    return lambda: os.sched_setaffinity(0, cores)
