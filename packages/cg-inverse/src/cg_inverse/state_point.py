"""One state to be matched: g(r) per pair on shells, how well it is known, density, kT and the weight it has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from cg_data import Units, check, normalized, pair_of, units_of
from cg_inverse.bins import Array, Bins, Mask, bins_of, resampled

_MOST_EXPOSURE = 1e7  # pairs per shell at the outermost one: no target is believed to more than 0.03 %
_LEAST_COUNTS = 10.0  # a shell with fewer pairs says little of ln g


@dataclass(frozen=True, slots=True, eq=False)
class StatePoint:
    """A target as arrays over (pair, shell).

    `exposure` is how many independent pairs each shell would hold at g = 1, so that g ± √(g/exposure): of counts, or
    such that it gives the target's own errors.
    """

    name: str
    pairs: tuple[str, ...]
    bins: Bins
    g: Array
    exposure: Array
    densities: dict[str, float]
    kT: float
    particles: dict[str, int] | None
    units: Units
    weight: float = 1.0

    @property
    def density(self) -> float:
        """Particles per volume, of all types [length⁻³]."""
        return sum(self.densities.values())

    @property
    def counts(self) -> Array:
        """Independent pairs that the target's g is worth, per shell."""
        return self.g * self.exposure

    @property
    def trusted(self) -> Mask:
        """Shells in which the target counted enough pairs."""
        return np.asarray(self.counts >= _LEAST_COUNTS)

    @property
    def g_stderr(self) -> Array:
        """Standard error of g; where nothing was counted, that of one pair."""
        return np.sqrt(np.maximum(self.counts, 1.0)) / self.exposure

    def like(self, pair: str) -> bool:
        a, b = pair_of(pair)
        return a == b

    def pair_density(self, pair: str) -> float:
        """Return unordered pairs per volume² [length⁻⁶] in a large system: ρ²/2 of like, ρ_a ρ_b of unlike."""
        a, b = pair_of(pair)
        product = self.densities[a] * self.densities[b]
        return 0.5 * product if a == b else product


def state_point(data: xr.Dataset, *, name: str = "", weight: float = 1.0) -> StatePoint:
    """Return a checked `pair-target` dataset as a state point, like pairs counted against N(N−1) where N is known."""
    check(data, "pair-target")
    if not weight > 0:
        raise ValueError(f"the weight of a state must be positive, got {weight}")
    if "particles" in data:
        data = normalized(data, "N(N-1)")
    r, g = resampled(data["r"].values, data["g"].values)
    bins = bins_of(r)
    error = resampled(data["r"].values, data["g_stderr"].values)[1] if "g_stderr" in data else None
    names = [str(t) for t in data["type"].values]
    counted = "particles" in data
    return StatePoint(
        name or str(data.attrs.get("source") or "target"),
        tuple(str(p) for p in data["pair"].values),
        bins,
        g,
        _exposure(bins, g, error),
        {t: float(data["density"].sel(type=t)) for t in names},
        float(data["kT"]),
        {t: int(data["particles"].sel(type=t)) for t in names} if counted else None,
        units_of(data),
        float(weight),
    )


def _exposure(bins: Bins, g: Array, error: Array | None) -> Array:
    """Return g/σ², smoothed as a volume per shell: where g = 0 no error can say how much was looked at."""
    shell = bins.volumes / bins.volumes[-1]
    most = np.broadcast_to(_MOST_EXPOSURE * shell, g.shape)
    rows = []
    for k, curve in enumerate(g):
        sigma = _scatter(bins, curve) if error is None else error[k]
        seen = (curve > 0.05) & (sigma > 0)
        per_volume = float(np.median(curve[seen] / (sigma[seen] ** 2 * shell[seen]))) if np.any(seen) else np.inf
        rows.append(np.minimum(per_volume * shell, most[k]))
    return np.stack(rows)


def _scatter(bins: Bins, g: Array) -> Array:
    """Return the error of each shell of a g without errors, from the scatter of its tail: as of counts, ∝ √g/r."""
    tail = g[int(0.7 * len(g)) :]
    if len(tail) < 12:
        return np.zeros_like(g)
    noise = float(np.std(np.diff(tail, 3)) / np.sqrt(20))  # white noise passes the third difference √20-fold
    return noise * np.sqrt(np.maximum(g, 0.0)) * bins.r_max / np.maximum(bins.r, bins.width)
