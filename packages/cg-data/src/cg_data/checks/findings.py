"""What preflight says, a `Finding`, and what it looks at, the `Distribution` of one pair with its origin."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cg_data.liquid import shell_volumes
from cg_data.potentials.pair_potential import Array

Level = Literal["error", "warning", "info"]
_SEVERITY: dict[Level, int] = {"error": 0, "warning": 1, "info": 2}
EMPTY = 1e-10  # below this g is a hole, not a small count
_HOLE = 0.02  # below this g may be the foot of a wall: it joins no islands
_STRAY = 0.01  # neighbors: fewer are a miscount, not a bond
_PROMINENT = 1.05
_SIGNIFICANT = 5.0  # standard deviations


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: how bad, where, what, and what to do."""

    level: Level
    code: str
    where: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.level}: {self.where}: {self.message}; {self.remedy}"


def by_severity(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings, errors first, otherwise in the order they were made."""
    return tuple(sorted(found, key=lambda f: _SEVERITY[f.level]))


@dataclass(frozen=True, slots=True)
class Island:
    """A stretch of g between holes: its bins, the r of its maximum [length] and its neighbors per particle."""

    start: int
    stop: int
    r: float
    neighbors: float


@dataclass(frozen=True, slots=True, eq=False)
class Distribution:
    """One pair's g(r) with what is known of its origin; None where it is not known."""

    name: str
    r: Array
    g: Array
    g_stderr: Array | None = None
    density: float | None = None  # of the whole system [length⁻³]
    kT: float | None = None
    particles: int | None = None  # of the whole system
    like_particles: int | None = None  # of this type, for a like pair
    box: float | None = None  # shortest perpendicular box width [length]
    cutoff: float | None = None
    normalization: str = "N^2"
    length: str = "sigma"
    energy: str = "epsilon"
    partner_density: float | None = None  # of the rarer type of the pair [length⁻³]

    @property
    def empty(self) -> bool:
        return not np.any(self.g > EMPTY)

    @property
    def tail(self) -> slice:
        """The outermost fifth of r."""
        return slice(int(np.searchsorted(self.r, 0.8 * self.r[-1])), None)

    @property
    def tail_level(self) -> tuple[float, float]:
        """The mean of g over the tail and how far it can be trusted: a third of the swing of five block means."""
        g, volume = self.g[self.tail], self.r[self.tail] ** 2
        blocks = [float(np.mean(part)) for part in np.array_split(g, min(5, len(g)))]
        return float(np.sum(g * volume) / np.sum(volume)), (max(blocks) - min(blocks)) / 3

    @property
    def noise(self) -> float | None:
        """Standard deviation of one bin of the tail; None where too few bins tell."""
        tail = self.g[self.tail]
        if self.g_stderr is not None and np.any(self.g_stderr[self.tail] > 0):
            return float(np.median(self.g_stderr[self.tail]))
        if len(tail) < 8:
            return None
        return float(np.std(np.diff(tail, 3)) / np.sqrt(20))  # white noise passes the third difference √20-fold

    @property
    def scatter(self) -> Array:
        """Standard deviation of each bin of a structureless g: as of counts, it grows inwards as 1/r."""
        inwards = self.r[-1] / np.maximum(self.r, 1e-3 * self.r[-1])
        return np.maximum((self.noise or 0.0) * inwards, 1e-12)

    @property
    def packing(self) -> float:
        """Density of the neighbors [length⁻³]; where none is given, a liquid's of this highest peak."""
        return self.partner_density or self.density or 0.8 / float(self.r[np.argmax(self.g)]) ** 3

    @property
    def islands(self) -> tuple[Island, ...]:
        """Stretches of g with at least three empty bins between them, inner first."""
        seen = np.flatnonzero(self.g >= _HOLE)
        if len(seen) == 0:
            return ()
        counts = self.packing * self.g * shell_volumes(self.r)
        parts = np.split(seen, np.flatnonzero(np.diff(seen) > 3) + 1)
        return tuple(
            Island(int(i[0]), int(i[-1]) + 1, float(self.r[i[np.argmax(self.g[i])]]), float(np.sum(counts[i])))
            for i in parts
        )

    @property
    def bodies(self) -> tuple[Island, ...]:
        """The islands from the first on that holds more than a miscount of neighbors."""
        found = self.islands
        while len(found) > 1 and found[0].neighbors < _STRAY:
            found = found[1:]
        return found

    @property
    def strays(self) -> slice:
        """The bins of the core in which nothing should be counted; none in an empty g."""
        return slice(0, max((self.onset or 0) - 3, 0))

    @property
    def detached(self) -> Island | None:
        """The first real island if a gap divides it from the rest."""
        rest = self.bodies
        if len(rest) < 2 or np.max(self.g[rest[0].start : rest[0].stop]) <= 0.2:
            return None
        return rest[0] if np.max(self.g[rest[1].start :]) > 0.5 else None

    @property
    def bonded(self) -> bool:
        """Whether the detached peak is one of bonds: few neighbors, much closer than others and than packing."""
        d = self.detached
        if d is None:
            return False
        beyond = float(self.r[d.stop + int(np.argmax(self.g[d.stop :]))])
        return d.neighbors < 4.5 and d.r < 0.75 * beyond and self.packing * d.r**3 < 0.5

    @property
    def onset(self) -> int | None:
        """Index of the first bin that is not empty nor a stray count; None in an empty g."""
        if self.empty:
            return None
        start = self.bodies[0].start if self.bodies else int(np.argmax(self.g > EMPTY))
        while start > 0 and self.g[start - 1] > EMPTY:
            start -= 1
        return start

    @property
    def peak(self) -> int | None:
        """Index of the first maximum that stands out of 1 and of the noise; None in a featureless g."""
        begin = self.detached.stop if self.detached and self.bonded else (self.onset or 0)
        g = self.g
        clear = (g - 1) / np.sqrt(np.maximum(g, 1)) > _SIGNIFICANT * self.scatter
        clear &= (g > _PROMINENT) & (np.arange(len(g)) >= begin)
        if not np.any(clear):
            return None
        i = int(np.flatnonzero(clear & (g >= 0.5 * np.max(g[clear])))[0])
        while i + 1 < len(g) and np.max(g[i + 1 : i + 4]) > g[i]:  # a noisy flank is climbed over its dents
            i += 1 + int(np.argmax(g[i + 1 : i + 4]))
        return i

    @property
    def liquid_like(self) -> bool:
        """Whether a high first peak is followed by a dip below 1, which a gas does not have."""
        if (top := self.peak) is None or self.g[top] < 1.5:
            return False
        after = (self.r > self.r[top]) & (self.r < 2.5 * self.r[top])
        return bool(np.any(self.g[after] < 0.95 - _SIGNIFICANT * self.scatter[after]))

    def say(self, level: Level, code: str, message: str, remedy: str) -> Finding:
        return Finding(level, code, self.name, message, remedy)
