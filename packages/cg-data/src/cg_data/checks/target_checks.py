"""Preflight: what is wrong or risky about a target, said before any run, each with a remedy.

One check is one small function from a `Distribution` to findings; `preflight` runs them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from numbers import Real

import numpy as np
import xarray as xr

from cg_data.checks.findings import EMPTY, Distribution, Finding, by_severity
from cg_data.interactions import pair_of
from cg_data.schemas import check

_ROOM_KT = {
    "kJ/mol": 2.494,
    "kcal/mol": 0.596,
    "eV": 0.02585,
    "meV": 25.85,
    "hartree": 9.5e-4,
    "K": 300.0,
    "J": 4.1e-21,
}


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
    for what, value in (("cutoff", cutoff), ("box", box)):
        if value is not None and not (isinstance(value, Real) and value > 0):
            raise ValueError(f"{what} must be a positive number, got {value!r}")
    return examine(_distribution(data, str(name), cutoff, box) for name in data["pair"].values)


def examine(curves: Iterable[Distribution]) -> tuple[Finding, ...]:
    """Return the findings on distributions, errors first."""
    return by_severity(f for curve in curves for f in _checked(curve))


def _checked(d: Distribution) -> Iterator[Finding]:
    if len(d.r) < 4:
        yield d.say("error", "too-short", f"g has only {len(d.r)} bins", "was the whole file written? measure g again")
        return
    for test in CHECKS:
        yield from test(d)


def _distribution(data: xr.Dataset, name: str, cutoff: float | None, box: float | None) -> Distribution:
    a, b = pair_of(name)
    here = data.sel(pair=name)
    counts = "particles" in data
    return Distribution(
        name,
        data["r"].values,
        here["g"].values,
        here["g_stderr"].values if "g_stderr" in data else None,
        density=float(data["density"].sum()),
        kT=float(data["kT"]),
        particles=int(data["particles"].sum()) if counts else None,
        like_particles=int(data["particles"].sel(type=a)) if counts and a == b else None,
        box=box,
        cutoff=cutoff,
        normalization=str(data.attrs["normalization"]),
        length=str(data["r"].attrs["units"]),
        energy=str(data["kT"].attrs["units"]),
        partner_density=float(data["density"].sel(type=[a, b]).min()),
    )


def _empty(d: Distribution) -> Iterator[Finding]:
    if d.empty:
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
    if d.empty:
        return
    level, trust = d.tail_level
    n = d.like_particles
    expected = 1 - 1 / n if n and d.normalization == "N^2" else 1.0
    off = abs(level - expected) - trust
    if off > 0.2:
        yield d.say("error", "tail", f"g tends to {level:.3f}, not to {expected:.3f}",
                    "normalize by the density of an ideal gas; a wrong volume, type count or unit shifts the tail")  # fmt: skip
    elif off > 0.03:
        yield d.say("warning", "tail", f"g tends to {level:.3f}, expected {expected:.3f} ({d.normalization})",
                    "extend r_max, or check normalization, volume and whether the system is homogeneous")  # fmt: skip


def _normalization(d: Distribution) -> Iterator[Finding]:
    n = d.like_particles
    if d.empty or not n or len(d.g[d.tail]) < 10:
        return
    level, trust = d.tail_level
    tends = {"N^2": 1 - 1 / n, "N(N-1)": 1.0}
    other = "N(N-1)" if d.normalization == "N^2" else "N^2"
    if abs(level - tends[d.normalization]) > 2 * (abs(level - tends[other]) + trust):
        yield d.say("warning", "normalization", f"g tends to {level:.4f} as if counted by {other}, "
                    f"but {d.normalization} is declared for {n} particles",
                    f"declare normalization {other!r}, or count pairs as declared")  # fmt: skip


def _units(d: Distribution) -> Iterator[Finding]:
    if (top := d.peak) is None:
        return
    peak = float(d.r[top])
    plausible = {"nm": (0.15, 1.5), "angstrom": (1.5, 15.0), "bohr": (3.0, 30.0), "pm": (150.0, 1500.0)}
    low, high = plausible.get(d.length, (0.2, 5.0))
    if not low <= peak <= high:
        yield d.say("warning", "length-unit", f"the first peak is at r = {peak:.4g} {d.length}",
                    f"first peaks lie within {low}–{high} {d.length}: is r in another unit?")  # fmt: skip
    if d.density is None:
        return
    packed = d.density * peak**3
    remedy = "give the number density in the unit of r (33.4 nm⁻³ = 0.0334 Å⁻³ for water)"
    if packed > 2.5 and d.g[top] > 1.2:
        yield d.say("error", "density-unit", f"ρ·r_peak³ = {packed:.3g}, a dense liquid has about 1", remedy)
    elif packed < 0.02 and d.liquid_like:
        yield d.say("warning", "density-unit", f"ρ·r_peak³ = {packed:.3g}, yet g has the shells of a liquid (about 1)",
                    remedy)  # fmt: skip


def _temperature(d: Distribution) -> Iterator[Finding]:
    if d.kT is None:
        return
    typical, usual = (_ROOM_KT[d.energy], 8) if d.energy in _ROOM_KT else (1.0, 50)
    said = f"kT = {d.kT:g} {d.energy}"
    remedy = f"kT at 300 K is {typical:.4g} {d.energy}" if d.energy in _ROOM_KT else "give kT as an energy, near 1"
    if d.energy != "K" and 250 <= d.kT <= 400:
        yield d.say("error", "kT-is-temperature", f"{said} looks like a temperature in K", remedy)
    elif not typical / 50 < d.kT < typical * 50:
        yield d.say("error", "kT-is-temperature", f"{said} is far from any liquid's", remedy)
    elif not typical / usual < d.kT < typical * usual:
        yield d.say("warning", "kT-is-temperature", f"{said} is far from room temperature", f"{remedy}: is that meant?")


def _apart(d: Distribution) -> Iterator[Finding]:
    top, island = d.peak, d.detached
    stray = d.r[d.strays][d.g[d.strays] > EMPTY]
    if top is not None and len(stray) and stray[0] < 0.75 * d.r[top]:
        yield d.say("warning", "stray-counts", f"something was counted apart in the core, at r = {stray[0]:.4g}",
                    "set g to 0 there: a miscount, or an overlap in the start, would make U soft")  # fmt: skip
    if island and d.bonded:
        yield d.say("error", "intramolecular-peak",
                    f"a peak of {island.neighbors:.2g} neighbors at r = {island.r:.4g} stands apart before a gap",
                    "exclude pairs of one molecule when g is measured")  # fmt: skip
    elif island:
        yield d.say("warning", "gap",
                    f"a gap follows the first peak of {island.neighbors:.2g} neighbors at r = {island.r:.4g}",
                    "a bonded shell that must be excluded, or a solid: U cannot be found where g = 0")  # fmt: skip


def _core(d: Distribution) -> Iterator[Finding]:
    first, top = d.onset, d.peak
    if first is None:
        return
    reach = float(d.r[top]) if top is not None else 0.5 * float(d.r[-1])
    height = float(d.g[top]) if top is not None else 1.0
    if first == 0 and d.r[0] < 0.25 * reach and d.g[0] > 0.01:
        yield d.say("info", "no-core", f"g = {d.g[0]:.3g} already at r = {d.r[0]:.4g}",
                    "fine for a soft potential; otherwise molecules are counted with themselves")  # fmt: skip
    elif first == 0 and d.r[0] > 0 and d.g[0] > 0.05 * height:
        yield d.say("warning", "core-cut", f"the table starts at r = {d.r[0]:.4g} where g is {d.g[0]:.3g} already",
                    "start it where g is still zero: the core decides stability")  # fmt: skip
    if top is not None and 0 < first <= top and (rise := top - first) < 4:
        yield d.say("error" if rise < 2 else "warning", "core-coverage",
                    f"only {rise} bins lie between g = 0 and the first peak",
                    "use bins 3–5 times narrower: the wall of U is fitted from them")  # fmt: skip


def _grid(d: Distribution) -> Iterator[Finding]:
    steps = np.diff(d.r)
    if np.ptp(steps) > 0.02 * np.mean(steps):
        yield d.say("warning", "grid", f"r steps vary from {steps.min():.4g} to {steps.max():.4g}",
                    "resample to equal steps; inversion works bin by bin")  # fmt: skip
    if (top := d.peak) is not None and d.r[-1] < 2 * d.r[top]:
        yield d.say("warning", "range", f"g ends at r = {d.r[-1]:.4g}, the first peak is at {d.r[top]:.4g}",
                    "measure to at least twice the first peak")  # fmt: skip


def _jump(d: Distribution) -> Iterator[Finding]:
    cutoff = d.cutoff or float(d.r[-1])
    at = max(float(np.interp(cutoff, d.r, d.g)), 1e-12)
    if cutoff <= d.r[-1] and not d.empty and abs(np.log(at)) > max(0.1, 4 * (d.noise or 0.0)):
        yield d.say("warning", "jump-at-cutoff", f"−ln g = {-np.log(at):.3f} at the cutoff {cutoff:.4g}",
                    "cut where g crosses 1, further out, or let the method taper U to zero")  # fmt: skip


def _noise(d: Distribution) -> Iterator[Finding]:
    noise = d.noise
    if noise is None or (d.detached and not d.bonded and d.g_stderr is None):  # a solid's own peaks look like noise
        return
    if noise > 0.02:
        yield d.say("error" if noise > 0.2 else "warning", "noise", f"the tail of g scatters by {noise:.3f}",
                    "average more frames: kT·noise is the floor of the error in U")  # fmt: skip
    elif noise > 1e-9:
        yield d.say("info", "noise-floor", f"noise floor {noise:.2g}", "residuals below it are not signal")


CHECKS: tuple[Callable[[Distribution], Iterator[Finding]], ...] = (
    _empty, _half_box, _tail, _normalization, _units, _temperature, _apart, _core, _grid, _jump, _noise,
)  # fmt: skip
