"""Preflight: what is wrong or risky about a target or a table, said before any run, each with a remedy.

One check is one small function from a `Curve of g` to findings; `preflight` runs them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr

from cg_data.interactions import pair_of
from cg_data.potentials.pair_potential import Array
from cg_data.schemas import check

Level = Literal["error", "warning", "info"]
_ROOM_KT = {
    "kJ/mol": 2.494,
    "kcal/mol": 0.596,
    "eV": 0.02585,
    "meV": 25.85,
    "hartree": 9.5e-4,
    "K": 300.0,
    "J": 4.1e-21,
}
_EMPTY = 1e-10  # below this g is a hole, not a small count


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

    @property
    def tail(self) -> slice:
        """The outermost fifth of r."""
        return slice(int(np.searchsorted(self.r, 0.8 * self.r[-1])), None)

    @property
    def first_peak(self) -> int:
        """Index of the first maximum that reaches half of the highest."""
        high = np.flatnonzero(self.g >= 0.5 * np.max(self.g))
        i = int(high[0]) if len(high) else 0
        while i + 1 < len(self.g) and self.g[i + 1] > self.g[i]:
            i += 1
        return i

    def say(self, level: Level, code: str, message: str, remedy: str) -> Finding:
        return Finding(level, code, self.name, message, remedy)


def preflight(data: xr.Dataset, *, cutoff: float | None = None, box: float | None = None) -> tuple[Finding, ...]:
    """Return the findings on a `pair-target` dataset, errors first.

    `cutoff` [length] is that of the potential to be found (r_max without), `box` the shortest box width of the
    reference simulation (estimated from particles and density without).

    >>> from cg_data import make_target
    >>> r = np.linspace(0.05, 5, 100)
    >>> bad = make_target(r, 1 - np.exp(-(r**4)), density=0.7, kT=300.0)
    >>> [f.code for f in preflight(bad) if f.level == "error"]
    ['kT-is-temperature']
    """
    check(data, "pair-target")
    return examine(_distribution(data, str(name), cutoff, box) for name in data["pair"].values)


def examine(curves: Iterable[Distribution]) -> tuple[Finding, ...]:
    """Return the findings on distributions, errors first."""
    found = [f for curve in curves for test in CHECKS for f in test(curve)]
    order = {"error": 0, "warning": 1, "info": 2}
    return tuple(sorted(found, key=lambda f: order[f.level]))


def _distribution(data: xr.Dataset, name: str, cutoff: float | None, box: float | None) -> Distribution:
    a, b = pair_of(name)
    here = data.sel(pair=name)
    counts = "particles" in data
    return Distribution(
        name,
        data["r"].values,
        here["g"].values,
        here["g_stderr"].values if "g_stderr" in data else None,
        float(data["density"].sum()),
        float(data["kT"]),
        int(data["particles"].sum()) if counts else None,
        int(data["particles"].sel(type=a)) if counts and a == b else None,
        box,
        cutoff,
        str(data.attrs["normalization"]),
        str(data["r"].attrs["units"]),
        str(data["kT"].attrs["units"]),
    )


def _empty(d: Distribution) -> Iterator[Finding]:
    if not np.any(d.g > _EMPTY):
        yield d.say("error", "empty", "g is zero everywhere", "was the pair's name right when g was measured?")


def _half_box(d: Distribution) -> Iterator[Finding]:
    box = d.box or ((d.particles / d.density) ** (1 / 3) if d.particles and d.density else None)
    if box and d.r[-1] > 0.5 * box * 1.001:
        yield d.say("error", "beyond-half-box", f"g reaches to r = {d.r[-1]:.4g}, half the box is {box / 2:.4g}",
                    f"cut the target at r ≤ {box / 2:.4g}: beyond, shells leave the box")  # fmt: skip
    if d.cutoff and d.cutoff > d.r[-1] * 1.001:
        yield d.say("error", "cutoff-beyond-data", f"the cutoff {d.cutoff:.4g} is beyond r_max = {d.r[-1]:.4g}",
                    "measure g further out or choose a smaller cutoff")  # fmt: skip


def _tail(d: Distribution) -> Iterator[Finding]:
    if not np.any(d.g > _EMPTY):
        return
    volume = d.r[d.tail] ** 2
    level = float(np.sum(d.g[d.tail] * volume) / np.sum(volume))
    n = d.like_particles
    expected = 1 - 1 / n if n and d.normalization == "N^2" else 1.0
    off = level - expected
    if abs(off) > 0.2:
        yield d.say("error", "tail", f"g tends to {level:.3f}, not to {expected:.3f}",
                    "normalize by the density of an ideal gas; a wrong volume, type count or unit shifts the tail")  # fmt: skip
    elif abs(off) > 0.03:
        yield d.say("warning", "tail", f"g tends to {level:.3f}, expected {expected:.3f} ({d.normalization})",
                    "extend r_max, or check normalization, volume and whether the system is homogeneous")  # fmt: skip


def _units(d: Distribution) -> Iterator[Finding]:
    if not np.any(d.g > _EMPTY):
        return
    peak = float(d.r[d.first_peak])
    plausible = {"nm": (0.15, 1.5), "angstrom": (1.5, 15.0), "bohr": (3.0, 30.0), "pm": (150.0, 1500.0)}
    low, high = plausible.get(d.length, (0.2, 5.0))
    if not low <= peak <= high:
        yield d.say("warning", "length-unit", f"the first peak is at r = {peak:.4g} {d.length}",
                    f"first peaks lie within {low}–{high} {d.length}: is r in another unit?")  # fmt: skip
    packed = d.density * peak**3 if d.density else None
    if packed and packed > 2.5 and d.g[d.first_peak] > 1.2:
        yield d.say("error", "density-unit", f"ρ·r_peak³ = {packed:.3g}, a dense liquid has about 1",
                    "give the number density in the unit of r (33.4 nm⁻³ = 0.0334 Å⁻³ for water)")  # fmt: skip
    elif packed and packed < 1e-4 and d.g[d.first_peak] > 1.2:
        yield d.say("warning", "density-unit", f"ρ·r_peak³ = {packed:.3g}, thinner than a gas",
                    "give the number density in the unit of r, not a mass density")  # fmt: skip


def _temperature(d: Distribution) -> Iterator[Finding]:
    typical = _ROOM_KT.get(d.energy, 1.0)
    if d.kT is not None and not typical / 50 < d.kT < typical * 50:
        remedy = f"kT at 300 K is {typical:.4g} {d.energy}" if d.energy in _ROOM_KT else "give kT as an energy, near 1"
        yield d.say("error", "kT-is-temperature", f"kT = {d.kT:g} {d.energy} is far from any liquid's", remedy)


def _intramolecular(d: Distribution) -> Iterator[Finding]:
    seen = np.flatnonzero(d.g > _EMPTY)
    if len(seen) < 2:
        return
    holes = (d.g < 0.02) & (np.arange(len(d.g)) > seen[0])
    for start in np.flatnonzero(holes):
        before = d.g[seen[0] : start]
        wide = start + 3 <= len(d.g) and bool(np.all(holes[start : start + 3]))
        if wide and len(before) and np.max(before) > 0.2 and np.any(d.g[start:] > 0.5):
            at = d.r[seen[0] + int(np.argmax(before))]
            yield d.say("error", "intramolecular-peak", f"a peak at r = {at:.4g} stands apart before a gap",
                        "exclude pairs of one molecule when g is measured")  # fmt: skip
            return


def _core(d: Distribution) -> Iterator[Finding]:
    seen = np.flatnonzero(d.g > _EMPTY)
    if len(seen) == 0:
        return
    first, peak = int(seen[0]), d.first_peak
    if first == 0 and d.r[0] < 0.25 * d.r[peak] and d.g[0] > 0.01:
        yield d.say("info", "no-core", f"g = {d.g[0]:.3g} already at r = {d.r[0]:.4g}",
                    "fine for a soft potential; otherwise molecules are counted with themselves")  # fmt: skip
    elif first == 0 and d.r[0] > 0 and d.g[0] > 0.05 * d.g[peak]:
        yield d.say("warning", "core-cut", f"the table starts at r = {d.r[0]:.4g} where g is {d.g[0]:.3g} already",
                    "start it where g is still zero: the core decides stability")  # fmt: skip
    rise = peak - first
    if first > 0 and rise < 4:
        yield d.say("error" if rise < 2 else "warning", "core-coverage",
                    f"only {rise} bins lie between g = 0 and the first peak",
                    "use bins 3–5 times narrower: the wall of U is fitted from them")  # fmt: skip


def _grid(d: Distribution) -> Iterator[Finding]:
    steps = np.diff(d.r)
    if np.ptp(steps) > 0.02 * np.mean(steps):
        yield d.say("warning", "grid", f"r steps vary from {steps.min():.4g} to {steps.max():.4g}",
                    "resample to equal steps; inversion works bin by bin")  # fmt: skip
    if np.any(d.g > _EMPTY) and d.r[-1] < 2 * d.r[d.first_peak]:
        yield d.say("warning", "range", f"g ends at r = {d.r[-1]:.4g}, the first peak is at {d.r[d.first_peak]:.4g}",
                    "measure to at least twice the first peak")  # fmt: skip


def _jump(d: Distribution) -> Iterator[Finding]:
    cutoff = d.cutoff or float(d.r[-1])
    at = float(np.interp(cutoff, d.r, d.g))
    if cutoff <= d.r[-1] and np.any(d.g > _EMPTY) and abs(np.log(max(at, 1e-12))) > 0.1:
        yield d.say("warning", "jump-at-cutoff", f"−ln g = {-np.log(max(at, 1e-12)):.3f} at the cutoff {cutoff:.4g}",
                    "cut where g crosses 1, further out, or let the method taper U to zero")  # fmt: skip


def _noise(d: Distribution) -> Iterator[Finding]:
    tail = d.g[d.tail]
    if d.g_stderr is not None and np.any(d.g_stderr[d.tail] > 0):
        noise = float(np.median(d.g_stderr[d.tail]))
    elif len(tail) >= 8:
        noise = float(np.std(np.diff(tail, 3)) / np.sqrt(20))  # white noise passes the third difference √20-fold
    else:
        return
    if noise > 0.02:
        yield d.say("error" if noise > 0.2 else "warning", "noise", f"the tail of g scatters by {noise:.3f}",
                    "average more frames: kT·noise is the floor of the error in U")  # fmt: skip
    elif noise > 1e-9:
        yield d.say("info", "noise-floor", f"noise floor {noise:.2g}", "residuals below it are not signal")


CHECKS: tuple[Callable[[Distribution], Iterator[Finding]], ...] = (
    _empty, _half_box, _tail, _units, _temperature, _intramolecular, _core, _grid, _jump, _noise,
)  # fmt: skip


def preflight_table(data: xr.Dataset, *, kT: float | None = None) -> tuple[Finding, ...]:
    """Return the findings on a `pair-table` dataset: jump at the cutoff, U against F, the core, the grid."""
    check(data, "pair-table")
    r = data["r"].values
    found: list[Finding] = []
    for name in data["pair"].values:
        here = data.sel(pair=name)
        f = here["f"].values if "f" in data else None
        found += _table_findings(str(name), r, here["u"].values, f, kT)
    return tuple(sorted(found, key=lambda f: f.level))


def _table_findings(name: str, r: Array, u: Array, f: Array | None, kT: float | None) -> Iterator[Finding]:
    well = max(-float(np.min(u)), kT or 0.0, 1e-12) if np.min(u) < 0 or kT else max(abs(float(np.median(u))), 1e-12)
    if abs(u[-1]) > 1e-3 * well:
        yield Finding("warning", "jump-at-cutoff", name, f"U = {u[-1]:.4g} at the last row r = {r[-1]:.4g}",
                      "shift it to zero there, or energy is not conserved when pairs cross")  # fmt: skip
    slope = np.gradient(u, r)
    if u[0] < u[1] or (f is not None and f[0] < 0):
        yield Finding("error", "attractive-core", name, f"U falls towards r = {r[0]:.4g}",
                      "particles would collapse: continue the wall inwards")  # fmt: skip
    if kT is not None and u[0] - np.min(u) < 10 * kT:
        yield Finding("warning", "low-wall", name, f"the wall ends {(u[0] - np.min(u)) / kT:.1f} kT above the minimum",
                      "pairs will get closer than the table: extend it")  # fmt: skip
    if f is not None:
        inner = slice(1, -1)
        scale = np.abs(f[inner]) + 10 * well / (r[-1] - r[0])
        worst = float(np.max(np.abs(f[inner] + slope[inner]) / scale))
        if worst > 0.2:
            yield Finding("warning" if worst < 1 else "error", "force-is-not-slope", name,
                          f"F differs from −dU/dr by up to {100 * worst:.0f} %",
                          "derive F from the same curve: energy is not conserved otherwise")  # fmt: skip
    steps = np.diff(r)
    if np.ptp(steps) > 0.02 * np.mean(steps) and np.ptp(np.diff(r**2)) > 0.02 * np.mean(np.diff(r**2)):
        yield Finding("info", "grid", name, "rows are equally spaced neither in r nor in r²", "engines resample them")
