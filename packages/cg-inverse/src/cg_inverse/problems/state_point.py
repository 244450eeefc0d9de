"""One state to be matched: g(r) per pair on shells, how well it is known, density, kT and the weight it has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from cg_data import Units, check, kirkwood_buff, normalized, pair_of, units_of
from cg_inverse.problems.bins import Array, Bins, Mask, bins_of, resampled, whole_core

_MOST_EXPOSURE = 1e7  # pairs per shell at the outermost one: no target is believed to more than 0.03 %
_MOST_COMPRESSIBLE = 3.0  # S(0): where it is larger, g has not come to an end
_NEIGHBORS = 9  # shells over which errors are averaged
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

    def closed_system(self, n: int) -> float:
        """Return what g of n particles has to be divided by to be that of the target's N.

        At fixed N, g of N(N − 1) pairs tends to 1 + (1 − S(0))/N (Lebowitz & Percus 1961), S(0) from the target's
        own g; of mixtures the corrections of each pair are left out.
        """
        if self.particles is None or len(self.densities) > 1:
            return 1.0
        r, g, rho = self.bins.r, self.g[0], self.density
        start = int(r[0] == 0.0)  # the ball at r = 0 holds no pair
        held = 1 + rho * float(kirkwood_buff(r[start:], g[start:], weight="extrapolated")[-1])
        excess = 1 - float(np.clip(held, 0.0, _MOST_COMPRESSIBLE))
        return (1 + excess / n) / (1 + excess / sum(self.particles.values()))

    def pair_density(self, pair: str) -> float:
        """Return unordered pairs per volume² [length⁻⁶] in a large system: ρ²/2 of like, ρ_a ρ_b of unlike."""
        a, b = pair_of(pair)
        product = self.densities[a] * self.densities[b]
        return 0.5 * product if a == b else product


def diameter(state: StatePoint) -> float:
    """Return where g is largest [length], of a mixture the one-fluid mean of its pairs: d³ = Σ xᵢxⱼdᵢⱼ³."""
    shares = np.array([state.pair_density(p) for p in state.pairs])
    peaks = state.bins.r[np.argmax(state.g, axis=1)]
    return float((shares / shares.sum() @ peaks**3) ** (1 / 3))


def state_point(data: xr.Dataset, *, name: str = "", weight: float = 1.0) -> StatePoint:
    """Return a checked `pair-target` dataset as a state point, like pairs counted against N(N−1) where N is known."""
    check(data, "pair-target")
    if not weight > 0:
        raise ValueError(f"the weight of a state must be positive, got {weight}")
    if "particles" in data:
        data = normalized(data, "N(N-1)")
    r, g = resampled(data["r"].values, data["g"].values)
    error = resampled(data["r"].values, data["g_stderr"].values)[1] if "g_stderr" in data else None
    bins, missing = whole_core(bins_of(r))
    g = np.pad(g, ((0, 0), (missing, 0)))  # a table that begins where g does: below, nothing was found
    error = None if error is None else np.pad(error, ((0, 0), (missing, 0)))
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
    """Return g/σ² with σ² averaged over neighboring shells; where g = 0 what neighbors have, by volume.

    No error of g = 0 can say how much was looked at.
    """
    shell = bins.volumes / bins.volumes[-1]
    rows = []
    for k, curve in enumerate(g):
        sigma = _scatter(bins, curve) if error is None else error[k]
        seen = np.flatnonzero((curve > 0.05) & (sigma > 0))
        if len(seen) == 0:
            rows.append(_MOST_EXPOSURE * shell)
            continue
        variance = np.interp(np.arange(len(curve)), seen, sigma[seen] ** 2 / curve[seen] * shell[seen])
        window = np.ones(min(_NEIGHBORS, len(curve)))
        mean = np.convolve(variance, window, "same") / np.convolve(np.ones_like(variance), window, "same")
        rows.append(np.minimum(shell / mean, _MOST_EXPOSURE * shell))
    return np.stack(rows)


def _scatter(bins: Bins, g: Array) -> Array:
    """Return the error of each shell of a g without errors, from the scatter of its tail: as of counts, ∝ √g/r."""
    tail = g[int(0.7 * len(g)) :]
    if len(tail) < 12:
        return np.zeros_like(g)
    noise = float(np.std(np.diff(tail, 3)) / np.sqrt(20))  # white noise passes the third difference √20-fold
    return noise * np.sqrt(np.maximum(g, 0.0)) * bins.r_max / np.maximum(bins.r, bins.width)
