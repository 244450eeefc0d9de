"""How a fit is getting on: a table that grows in a terminal, a line per round in a file."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cg_inverse.fits.ledger import Ledger
from cg_inverse.fits.loop import Step
from cg_sim.cli.progress import clock
from cg_sim.cli.summary import with_error

_SHOWN = 15  # rounds in the table
_COLUMNS = ("round", "RDF error D", "of it noise", "χ²/shell", "pressure", "steps", "time", "")


@dataclass(slots=True)
class Display:
    """Shows rounds; `live` is the terminal's part."""

    ledger: Ledger
    quiet: bool
    rows: list[tuple[str, ...]] = field(default_factory=list)
    since: float = field(default_factory=time.monotonic)
    live: Live | None = None

    def show(self, step: Step, ledger: Ledger) -> None:
        self.ledger, self.since = ledger, time.monotonic()
        row = described(step)
        self.rows.append(row)
        if self.live is not None:
            self.live.refresh()
        elif not self.quiet:
            print(f"{_line(row)}; {self.remaining()}", file=sys.stderr, flush=True)

    def remaining(self) -> str:
        """Return how much longer it takes at most: every round that is left at full length."""
        left = seconds_left(self.ledger)
        return self.ledger.reason or ("" if left is None else f"at most {clock(left)} left")

    def drawn(self) -> RenderableType:
        """Return the table of the last rounds and what is under way."""
        table = Table(*_COLUMNS, box=None, header_style="bold", pad_edge=False)
        for row in self.rows[-_SHOWN:]:
            table.add_row(*row)
        progress, control = self.ledger.progress, self.ledger.control
        elapsed = clock(time.monotonic() - self.since)
        words = f"round {progress.number + 1} (of at most {control.rounds}): {progress.steps} steps, {elapsed}"
        words = "" if self.ledger.reason else words
        return Group(table, Text("  ".join(part for part in (words, self.remaining()) if part), style="cyan"))

    def close(self) -> None:
        """Leave the terminal as it was found."""
        if self.live is not None:
            self.live.stop()


@contextmanager
def displaying(ledger: Ledger, *, quiet: bool) -> Iterator[Display]:
    """Give a display of a fit."""
    display = Display(ledger, quiet)
    if quiet or not sys.stderr.isatty():
        yield display
        return
    display.live = Live(get_renderable=display.drawn, console=Console(stderr=True), refresh_per_second=2)
    with display.live:
        yield display


def described(step: Step) -> tuple[str, ...]:
    """Return a round in words, as `_COLUMNS` names them."""
    found = step.judgement
    pressures = ", ".join(with_error(s.pressure, s.pressure_stderr) for s in step.samples)
    return (f"{step.number + 1}", f"{found.residual:.3g}", f"{found.noise:.2g}", f"{found.chi2:.2f}", pressures,
            f"{step.order.steps}", f"{step.seconds:.1f} s", step.note)  # fmt: skip


def _line(row: tuple[str, ...]) -> str:
    number, residual, noise, chi2, pressure, steps, seconds, note = row
    words = (
        f"round {number}: D = {residual} (noise {noise}), χ²/shell = {chi2}, P = {pressure}, {steps} steps, {seconds}"
    )
    return f"{words}; {note}" if note else words


def seconds_left(ledger: Ledger) -> float | None:
    """Return the time [s] that all rounds left would take at full length, as fast as the last one; None before it."""
    if not len(ledger.rounds):
        return None
    last = {name: float(ledger.rounds[name][-1]) for name in ("seconds", "steps", "equilibration")}
    control = ledger.control
    equilibration = max(500, control.steps // 10) if control.equilibration is None else control.equilibration
    share = (control.steps + equilibration) / (last["steps"] + last["equilibration"])
    return (control.rounds - ledger.progress.number) * last["seconds"] * share
