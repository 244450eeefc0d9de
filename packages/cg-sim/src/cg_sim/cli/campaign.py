"""`cg-sim campaign`: run a specification, say how a store is getting on, collect it in one file."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from cg_sim.campaign import Tally, plan, rate_here, read_liquids, run, status, write_collected
from cg_sim.cli.progress import clock

_LINES_EVERY = 30.0  # seconds between lines, and between pages


def campaign(options: argparse.Namespace) -> int:
    """Run the command; 1 if rows were given up."""
    match options.words:
        case ["status", store]:
            found = status(store)
            print("\n".join(found.lines()))
            _write_page(options.page, store)
            return 0
        case ["collect", store]:
            return _collect(store, options.out)
        case ["plan", specification]:
            return _plan(specification, options)
        case [specification] if options.out:
            return _run(specification, options)
        case [_]:
            raise ValueError("where shall the rows be kept? give -o STORE.zarr")
        case _:
            raise ValueError("give SPEC.toml -o STORE.zarr, plan SPEC.toml, status STORE, or collect STORE -o FILE.nc")


def _run(specification: str, options: argparse.Namespace) -> int:
    liquids = read_liquids(specification)
    store = liquids.campaign(options.out)
    with _reporting(options.quiet, options.page, options.out) as report:
        tally = run(
            store, liquids, workers=options.workers or os.cpu_count() or 1, scheduler=options.scheduler, report=report
        )
    _write_page(options.page, options.out)
    if not options.quiet:
        print("\n".join(status(options.out).lines()))
    for row, why in tally.failures.items():
        print(f"cg-sim: row {row} ({store.row_ids[row][:12]}) given up: {why}", file=sys.stderr)
    return 1 if tally.failures else 0


def _plan(specification: str, options: argparse.Namespace) -> int:
    liquids = read_liquids(specification)
    rate = options.rate or rate_here(liquids)
    if not options.rate:
        print(f"one worker here, a row as it will be run: {rate:.3g} particle-steps/s")
    for line in plan(liquids).lines(tuple(options.on), rate, price=options.price):
        print(line)
    return 0


def _collect(store: str, out: str | None) -> int:
    if not out:
        raise ValueError("collect into which file? give -o FILE.nc")
    data = write_collected(store, out)
    print(f"{out}: {int(data['done'].sum())} of {data.sizes['row']} rows, {Path(out).stat().st_size / 1e6:.2f} MB")
    return 0


def _write_page(page: str | None, store: str) -> None:
    if page:
        draft = Path(page).with_suffix(".draft")
        draft.write_text(status(store).page(), encoding="utf-8")
        draft.replace(page)


def described(tally: Tally) -> str:
    """Return a line on how a campaign is getting on."""
    left = f", {clock(tally.left)} left" if np.isfinite(tally.left) and tally.there < tally.rows else ""
    each = f", {tally.busy / tally.finished:.1f} s each" if tally.finished else ""
    bad = f", {len(tally.failures)} given up" if tally.failures else ""
    return f"{tally.there} of {tally.rows} rows{each}{left}{bad}"


@contextmanager
def _reporting(quiet: bool, page: str | None, store: str) -> Iterator[Callable[[Tally], None]]:
    """Give a function to call with the tally: a bar in a terminal, else a line now and then; the page beside it."""
    following = -np.inf

    def due() -> bool:
        return time.monotonic() >= following

    def written() -> None:
        """Write the page; the next one waits until this one's time is a hundredth."""
        nonlocal following
        began = time.monotonic()
        _write_page(page, store)
        following = began + max(_LINES_EVERY, 100 * (time.monotonic() - began))

    if quiet or not sys.stderr.isatty():

        def lines(tally: Tally) -> None:
            if due():
                written()
                if not quiet:
                    print(described(tally), file=sys.stderr, flush=True)

        yield lines
        return
    columns = (BarColumn(None), TaskProgressColumn(), TextColumn("{task.fields[words]}"))
    with Progress(*columns, console=Console(stderr=True), expand=True) as bar:
        task = bar.add_task("", total=None, words="starting")

        def report(tally: Tally) -> None:
            bar.update(task, total=tally.rows, completed=tally.there, words=described(tally))
            if due():
                written()

        yield report
