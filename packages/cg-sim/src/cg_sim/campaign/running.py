"""Doing the missing rows of a campaign: here, on local processes, or on a cluster through a Dask scheduler.

A row is one call of `work(parameters)`, which returns its results; whoever did it writes it, atomically. Nothing else is kept
anywhere, so everything may be killed at any moment: start again, and only what is missing runs.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

import cg_data as cd

Work = Callable[[Mapping[str, Any]], Mapping[str, Any]]
_DEATHS = 5  # of workers over the same row, then it is left out


@dataclass(frozen=True, slots=True)
class Done:
    """One row that was finished, or given up with the reason."""

    row: int
    seconds: float
    failure: str = ""


@dataclass(slots=True)
class Tally:
    """How a campaign is getting on, for displays: rows in all, there before, finished now, given up."""

    rows: int
    before: int
    finished: int = 0
    failures: dict[int, str] = field(default_factory=dict)
    deaths: int = 0
    busy: float = 0.0
    started: float = field(default_factory=time.monotonic)

    def see(self, done: Done) -> None:
        self.busy += done.seconds
        if done.failure:
            self.failures[done.row] = done.failure
        else:
            self.finished += 1

    @property
    def there(self) -> int:
        return self.before + self.finished

    @property
    def left(self) -> float:
        """Seconds to go at the pace so far; nan before the first row."""
        seconds = time.monotonic() - self.started
        return seconds * (self.rows - self.there - len(self.failures)) / self.finished if self.finished else np.nan


def run(
    campaign: cd.Campaign,
    work: Work,
    *,
    workers: int = 1,
    scheduler: str | Any = None,
    report: Callable[[Tally], None] | None = None,
) -> Tally:
    """Do what is missing; return how it went.

    `workers` = 1 does it in this process, more start so many. `scheduler` is the address of a Dask scheduler, tcp://…, or a
    `dask.distributed.Client`: its workers must see the campaign's folder. A row whose work raises is given up for this time,
    with the reason in `failures`; one over which five workers died as well.
    """
    todo = [int(i) for i in campaign.missing(verify=True)]
    tally = Tally(len(campaign.row_ids), len(campaign.row_ids) - len(todo))
    if workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
    if scheduler is not None:
        found = _on_cluster(campaign.path, work, todo, scheduler)
    elif workers == 1:
        found = (one(campaign.path, work, i) for i in todo)
    else:
        found = _on_processes(campaign.path, work, todo, workers, tally)
    if report:
        report(tally)
    for done in found:
        tally.see(done)
        if report:
            report(tally)
    return tally


def one(path: Path, work: Work, row: int) -> Done:
    """Do one row and write it."""
    began, campaign = time.perf_counter(), _opened(path)
    parameters = {str(k): v.values[()] for k, v in campaign.parameters.isel(row=row).variables.items() if not v.dims}
    try:
        campaign.write(row, work(parameters), nan=True)
    except (ValueError, TypeError, KeyError, RuntimeError, OSError, ArithmeticError, MemoryError) as error:
        return Done(row, time.perf_counter() - began, f"{type(error).__name__}: {error}"[:500])
    return Done(row, time.perf_counter() - began)


_campaigns: dict[Path, cd.Campaign] = {}


def _opened(path: Path) -> cd.Campaign:
    if path not in _campaigns:
        _campaigns[path] = cd.Campaign.open(path)
    return _campaigns[path]


def _on_processes(path: Path, work: Work, todo: list[int], workers: int, tally: Tally) -> Iterator[Done]:
    """Yield rows as processes finish them; when one dies, what was in its pool's hands is done again."""
    waiting, blamed = list(reversed(todo)), Counter[int]()
    while waiting:
        running: dict[Future[Done], int] = {}
        pool = ProcessPoolExecutor(
            workers, mp_context=get_context("spawn"), initializer=_watch, initargs=(os.getpid(),)
        )
        try:
            while waiting or running:
                while waiting and len(running) < workers:
                    running[pool.submit(one, path, work, waiting[-1])] = waiting[-1]
                    waiting.pop()
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    done = future.result()
                    del running[future]
                    yield done
        except BrokenProcessPool:
            tally.deaths += 1
            lost = set(running.values()) & {int(i) for i in cd.Campaign.open(path).missing()}
            for row in set(running.values()) - lost:  # written just before the death
                yield Done(row, 0.0)
            blamed.update(lost)
            for row in sorted(lost, reverse=True):
                if blamed[row] < _DEATHS:
                    waiting.append(row)
                else:
                    yield Done(row, 0.0, f"{_DEATHS} workers died over it")
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _watch(parent: int) -> None:
    """End this worker when the process that started it is gone: killed, it cannot say so."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _on_cluster(path: Path, work: Work, todo: list[int], scheduler: str | Any) -> Iterator[Done]:
    try:
        from dask.distributed import Client, as_completed
    except ImportError:
        raise ImportError("a scheduler needs dask: pip install 'cg-sim[dask]'") from None
    client = Client(scheduler) if isinstance(scheduler, str) else scheduler
    try:
        futures = {client.submit(one, path.resolve(), work, i, key=f"row-{i}-{time.time_ns()}", retries=_DEATHS): i
                   for i in todo}  # fmt: skip
        for future in as_completed(futures):
            row = futures.pop(future)
            if future.status == "finished":
                yield future.result()
            else:
                yield Done(row, 0.0, f"{type(future.exception()).__name__}: {future.exception()}"[:500])
            future.release()
    finally:
        if isinstance(scheduler, str):
            client.close()
