"""What a campaign of liquids will take, before it begins: particle-steps of every row, time on so many workers, bytes and files."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

import cg_data as cd
from cg_sim.campaign.liquid import Liquid, count_of, measured
from cg_sim.campaign.liquids import Liquids
from cg_sim.campaign.sources import potentials_of

Array = npt.NDArray[np.float64]
_ROWS = 8  # written to see what a row takes on disk


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Rows by their particles and particle-steps: the least that a row takes, and the most; and what a row takes on disk."""

    particles: npt.NDArray[np.int64]
    least: Array
    most: Array
    row_bytes: float
    row_files: float

    @property
    def rows(self) -> int:
        return len(self.particles)

    def seconds(self, workers: int, rate: float) -> tuple[float, float]:
        """Return the least and the most wall time on so many workers of `rate` particle-steps a second each.

        Rows are done whole, each by one worker: no more workers are of use than there are rows, and none is faster than the longest row.
        """
        if workers < 1 or not rate > 0:
            raise ValueError(f"workers and their rate must be positive, got {workers} and {rate}")
        low, high = (max(math.fsum(w) / workers, float(w.max())) / rate for w in (self.least, self.most))
        return low, high

    def lines(self, workers: tuple[int, ...], rate: float, *, price: float | None = None) -> Iterator[str]:
        """Yield what a person wants to know; `price` is that of a worker for an hour."""
        yield f"{self.rows} rows, {self.particles.min()} to {self.particles.max()} particles, {self.least.sum():.3g} to {self.most.sum():.3g} particle-steps"
        yield f"store: {self.rows * self.row_bytes / 1e6:.3g} MB in {self.rows * self.row_files:.0f} files"
        for number in workers:
            low, high = self.seconds(number, rate)
            cost = (
                ""
                if price is None
                else f", {price * number * low / 3600:.3g} to {price * number * high / 3600:.3g} to pay"
            )
            idle = f"; {number - self.rows} workers have no row" if number > self.rows else ""
            yield f"{number} workers of {rate:.3g} particle-steps/s: {clock(low)} to {clock(high)}{cost}{idle}"


def plan(liquids: Liquids) -> Plan:
    """Return what the rows of a campaign take."""
    settings, potentials = liquids.liquid, potentials_of(liquids.source).values()
    counts = [
        count_of(settings, p, d)
        for p in potentials
        for d in liquids.densities
        for _ in liquids.kTs
        for _ in liquids.seeds
    ]
    particles = np.array(counts, dtype=np.int64)
    size, files = _on_disk(liquids)
    steps = [settings.melting + n for n in (settings.least, settings.most)]
    least, most = (particles.astype(np.float64) * n for n in steps)
    return Plan(particles, least, most, size, files)


def rate_here(liquids: Liquids, seconds: float = 5.0) -> float:
    """Return particle-steps per second of processor time of one worker on this machine: a row as it will be run, of the median size, for some seconds."""
    found = plan(liquids)
    potentials, density = list(potentials_of(liquids.source).values()), liquids.densities[len(liquids.densities) // 2]
    potential, kT = potentials[len(potentials) // 2], liquids.kTs[0]
    short = replace(
        liquids.liquid,
        particles=int(np.median(found.particles)),
        melting=0,
        most=liquids.liquid.block,
        least=liquids.liquid.block,
    )
    taken, steps = 0.0, liquids.liquid.block
    _timed(potential, density, kT, short)  # compiles
    while taken < seconds:
        several = replace(short, least=steps, most=steps)
        taken, n = _timed(potential, density, kT, several)
        found_rate = n * steps / taken
        steps *= 2
    return found_rate


def _timed(potential: cd.Potential, density: float, kT: float, liquid: Liquid) -> tuple[float, int]:
    began = time.process_time()
    done = measured(
        potential, density=density, kT=kT, seed=0, liquid=replace(liquid, pressure_error=1e-9, wave=1e9, structure=1e12)
    )
    return time.process_time() - began, int(done["particles"])


def _on_disk(liquids: Liquids) -> tuple[float, float]:
    """Return bytes and files that a row adds to a store, by writing some of noise."""
    noise, units = np.random.default_rng(0), liquids.source.units
    results = liquids.liquid.results(units)
    with tempfile.TemporaryDirectory() as folder:
        store = cd.Campaign.create(Path(folder) / "few.zarr", {"k": np.arange(_ROWS)}, results)
        before = _size(Path(folder))
        for row in range(_ROWS):
            store.write(
                row, {name: noise.normal(size=shape).astype(kind) for name, (_, shape, kind, *_) in results.items()}
            )
        after = _size(Path(folder))
    return (after[0] - before[0]) / _ROWS, (after[1] - before[1]) / _ROWS


def _size(folder: Path) -> tuple[int, int]:
    files = [f.stat().st_size for f in folder.rglob("*") if f.is_file()]
    return sum(files), len(files)


def clock(seconds: float) -> str:
    """Return a time as a person says it.

    >>> clock(40), clock(5400), clock(3e5), clock(1e8)
    ('40 s', '90 min', '3.5 d', '3.2 years')
    """
    for limit, unit, name in ((120, 1, "s"), (7200, 60, "min"), (48 * 3600, 3600, "h"), (2 * 365 * 86400, 86400, "d")):
        if seconds < limit:
            return f"{seconds / unit:.2g} {name}"
    return f"{seconds / (365.25 * 86400):.2g} years"
