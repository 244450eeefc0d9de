"""Radial distribution functions per pair of types, streamed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cg_data import Units, pair_name, shell_volumes
from cg_sim.box import Array, check_reach
from cg_sim.engines.protocol import Frame
from cg_sim.observables.pair_histogram import Counts, pair_histogram
from cg_sim.observables.protocol import Context, Recorder
from cg_sim.statistics.blocks import BlockMean

if TYPE_CHECKING:
    import xarray as xr

_UNITS = Units()


@dataclass(frozen=True, slots=True)
class RDF:
    """g(r) of every pair of types, in `bins` equal shells up to `r_max` [length], at most half the box.

    g is the number of unordered pairs in a shell over the number expected without correlation, of like particles
    N(N − 1)/2 · ΔV/V, of unlike N_a N_b · ΔV/V, with exact shell volumes: an ideal gas of any N has g = 1. Each frame
    is divided by its own volume. `g_count` is how many pairs were counted in all. `cg_data.target` takes the result.
    """

    r_max: float
    bins: int = 200

    def __post_init__(self) -> None:
        if not (0 < self.r_max < np.inf and self.bins >= 2):
            raise ValueError(f"RDF needs r_max > 0 and bins ≥ 2, got r_max = {self.r_max}, bins = {self.bins}")

    def start(self, context: Context) -> Recorder:
        return _Recorder(self, context)


class _Recorder:
    def __init__(self, record: RDF, context: Context) -> None:
        check_reach(context.state.box, record.r_max, "r_max")
        self.record, self.kT = record, context.kT
        present = {name: n for name, n in context.state.counts().items() if n}
        if context.state.n == 1:
            raise ValueError("one particle makes no pair: RDF needs two or more particles")
        names = context.state.names
        pairs = list(combinations_with_replacement(names, 2))
        numbers = np.array([_pairs(present.get(a, 0), present.get(b, 0), a == b) for a, b in pairs])
        self.kept = np.flatnonzero(numbers)
        self.pairs = [pair_name(pairs[k]) for k in self.kept]
        self.expected = numbers[self.kept, None] * shell_volumes(self.r)
        self.types = sorted(present)
        self.particles = np.array([present[name] for name in self.types])
        self.counts = np.zeros(self.expected.shape, dtype=np.int64)
        self.g, self.density = BlockMean(self.expected.shape), BlockMean(self.particles.shape)

    @property
    def r(self) -> Array:
        """Centers of the shells."""
        return np.asarray((np.arange(self.record.bins) + 0.5) * (self.record.r_max / self.record.bins))

    def sample(self, frame: Frame) -> None:
        state = frame.state
        n_types = len(state.names)
        found = pair_histogram(state.positions, state.box, state.types, n_types, self.record.r_max, self.record.bins)
        self._count(found[self.kept], state.volume)

    def _count(self, found: Counts, volume: float) -> None:
        self.counts += found
        self.g.add(found * (volume / self.expected))
        self.density.add(self.particles / volume)

    def result(self) -> xr.Dataset:
        import xarray as xr  # late, as in thermo

        dims, one = ("pair", "r"), {"units": "1"}
        found: dict[str, Any] = {
            "g": (dims, self.g.mean(), one),
            "g_samples": (dims, self.g.samples(), {"units": "1", "of": "independent frames"}),
            "g_count": (dims, self.counts.copy(), {"units": "1", "of": "unordered pairs in all frames"}),
            "density": ("type", self.density.mean(), {"units": f"{_UNITS.length}^-3"}),
            "particles": ("type", self.particles, one),
        }
        if self.g.count == 0:
            found = {"particles": found["particles"]}
        if self.g.count > 1:  # a target with an unknown error has none, rather than nan
            found["g_stderr"] = (dims, self.g.stderr(), one)
        if np.isfinite(self.kT):
            found["kT"] = ((), float(self.kT), {"units": _UNITS.energy})
        coords = {"pair": self.pairs, "type": self.types, "r": ("r", self.r, {"units": _UNITS.length})}
        return xr.Dataset(found, coords, {"normalization": "N(N-1)"})

    def memory(self) -> dict[str, npt.NDArray[Any]]:
        g = {f"g_{name}": x for name, x in self.g.memory().items()}
        density = {f"density_{name}": x for name, x in self.density.memory().items()}
        return {"counts": self.counts.copy(), **g, **density}

    def remember(self, memory: dict[str, npt.NDArray[Any]]) -> None:
        self.counts = np.array(memory["counts"])
        self.g.remember({name[2:]: x for name, x in memory.items() if name.startswith("g_")})
        self.density.remember({name[8:]: x for name, x in memory.items() if name.startswith("density_")})


def _pairs(a: int, b: int, like: bool) -> int:
    return a * (a - 1) // 2 if like else a * b
