"""How a run is getting on: a bar in a terminal, a line now and then in a file."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

_WINDOW = 20.0  # seconds over which the speed is measured


class Report(Protocol):
    """Shows that `done` of `total` steps are done, at the kinetic temperature [energy]."""

    def __call__(self, done: int, total: int, temperature: float) -> None: ...


class Speed:
    """Steps per second [1/s] over the last seconds; the first report only starts the clock, as code compiles before."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()
        self.first: tuple[float, int] | None = None

    def see(self, done: int, now: float) -> float | None:
        self.first = self.first or (now, done)
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[0][0] > _WINDOW:
            self._seen.popleft()
        return _rate(*self._seen[0], now, done)

    def overall(self) -> float | None:
        """Return the speed since the first report."""
        return None if self.first is None else _rate(*self.first, *self._seen[-1])


def _rate(since: float, start: int, now: float, done: int) -> float | None:
    return (done - start) / (now - since) if done > start and now > since else None


def described(done: int, total: int, temperature: float, rate: float | None, n: int) -> str:
    """Return speed, remaining time and temperature in words.

    >>> described(5000, 10000, 0.998, 1000.0, 864)
    '1000 steps/s, 0.864 M atom-steps/s, 0:05 left, T = 0.998'
    """
    speed = [f"{rate:.0f} steps/s", f"{rate * n / 1e6:.3g} M atom-steps/s"] if rate else []
    left = [f"{clock((total - done) / rate)} left"] if rate and done < total else []
    return ", ".join([*speed, *left, f"T = {temperature:.3f}"])


def clock(seconds: float) -> str:
    """Return a time as h:mm:ss or m:ss.

    >>> clock(59.6), clock(3725)
    ('1:00', '1:02:05')
    """
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours}:{m:02d}:{s:02d}" if hours else f"{m}:{s:02d}"


@contextmanager
def reporting(n: int, done: int, *, speed: Speed, every: float, quiet: bool) -> Iterator[Report]:
    """Give a function to call with the progress of n particles: a bar in a terminal, else lines `every` seconds."""
    if quiet:
        yield _silent(speed)
    elif sys.stderr.isatty():
        yield from _bar(n, done, speed)
    else:
        yield _lines(n, speed, every)


def _bar(n: int, done: int, speed: Speed) -> Iterator[Report]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(None),
        TaskProgressColumn(),
        TextColumn("{task.fields[words]}"),
    )
    with Progress(*columns, console=Console(stderr=True), expand=True) as bar:
        task = bar.add_task("starting", total=None, completed=done, words="the first run of all compiles its code")

        def report(done: int, total: int, temperature: float) -> None:
            words = described(done, total, temperature, speed.see(done, time.monotonic()), n)
            bar.update(task, completed=done, total=total, description="", words=words)

        yield report


def _silent(speed: Speed) -> Report:
    def report(done: int, total: int, temperature: float) -> None:
        speed.see(done, time.monotonic())

    return report


def _lines(n: int, speed: Speed, every: float) -> Report:
    last = time.monotonic()

    def report(done: int, total: int, temperature: float) -> None:
        nonlocal last
        now = time.monotonic()
        rate = speed.see(done, now)
        if now - last >= every or done == total:
            last = now
            words = described(done, total, temperature, rate, n)
            print(f"{done} of {total} steps ({done / total:.0%}): {words}", file=sys.stderr, flush=True)

    return report
