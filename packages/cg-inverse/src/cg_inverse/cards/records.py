"""What a transfer card says, as records of plain numbers that go to JSON and back."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, is_dataclass
from math import floor, isfinite, log10, nan
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

VERSION = 1


@dataclass(frozen=True, slots=True)
class Measured:
    """A value and its standard error; nan where there was too little to tell.

    >>> print(Measured(1.23456, 0.0123), Measured(12.0, 0.0), Measured(531.2, 42.0))
    1.235 ± 0.012 12 530 ± 40
    """

    value: float
    error: float

    def __str__(self) -> str:
        if not (isfinite(self.error) and self.error > 0 and isfinite(self.value)):
            return f"{self.value:.4g}"
        leading = floor(log10(self.error))
        digits = 1 - leading if self.error / 10.0**leading < 3 else -leading
        rounded = (round(x, digits) for x in (self.value, self.error))
        return " ± ".join(f"{x:.{max(digits, 0)}f}" for x in rounded)


@dataclass(frozen=True, slots=True)
class Curve:
    """g(r) of one pair as simulated and as wanted, with standard errors; the target is empty where there is none."""

    pair: str
    r: tuple[float, ...]
    g: tuple[float, ...]
    g_stderr: tuple[float, ...]
    target: tuple[float, ...] = ()
    target_stderr: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class PotentialCurve:
    """U(r) [energy] of one pair up to its `cutoff`; its standard error is empty where none is known.

    `core` [length] is where the target's information begins: what is nearer is extrapolated.
    """

    pair: str
    core: float
    cutoff: float
    r: tuple[float, ...]
    u: tuple[float, ...]
    u_stderr: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """How near g is to its target: `residual` D = 4πρ∫r²(g − g*)²dr (DiffSim eq. 18) and what noise alone makes of it,
    χ² per shell, the largest |Δg|, at `worst_r` [length], and Σ|Δg| over all shells.
    """

    residual: float
    noise: float
    chi2: float
    is_noise: bool
    shells: int
    largest: float
    worst_r: float
    total: float


@dataclass(frozen=True, slots=True)
class Motion:
    """Self-diffusion of each type in the box, and by Yeh & Hummer in an infinite one [length²/time]; the shear
    viscosity [energy·time/length³] that this takes.
    """

    diffusion: dict[str, Measured]
    diffusion_infinite: dict[str, Measured]
    viscosity: Measured


@dataclass(frozen=True, slots=True)
class TimeStep:
    """At constant energy with time step `dt`: `drift` of the total energy per particle and 1000 steps, and the
    root-mean-square `fluctuation` around it [energy]; None if the dynamics broke down.
    """

    dt: float
    drift: Measured | None
    fluctuation: float | None
    stable: bool


@dataclass(frozen=True, slots=True)
class Stability:
    """Time steps that were tried, the first the run's own, and the largest up to which all were stable, if any."""

    tried: tuple[TimeStep, ...]
    largest_dt: float | None


@dataclass(frozen=True, slots=True)
class StateReport:
    """What the potential does at one state; `closest` is the nearest that pairs came, to a shell's width [length]."""

    name: str
    density: float
    kT: float
    particles: int
    steps: int
    pressure: Measured
    closest: dict[str, float]
    curves: tuple[Curve, ...]
    match: Match | None = None
    compressibility: Measured | None = None
    compressibility_kirkwood_buff: Measured | None = None
    motion: Motion | None = None
    stability: Stability | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """Force evaluations (particles × steps) and wall time [s], of that in simulations."""

    rounds: int
    force_evaluations: int
    seconds: float
    simulated_seconds: float


@dataclass(frozen=True, slots=True)
class TransferCard:
    """How a fitted potential does beyond its fit; `to_json` and `from_json` lose nothing."""

    method: str
    units: dict[str, str]
    potential: tuple[PotentialCurve, ...]
    states: tuple[StateReport, ...]
    elsewhere: tuple[StateReport, ...]
    remarks: tuple[str, ...]
    fit: Cost | None
    card: Cost
    seed: int
    settings: dict[str, str]
    packages: dict[str, str]
    command: str = ""

    def to_json(self) -> str:
        """Return the card as JSON; what is not a number is null."""
        return json.dumps({"schema": "transfer-card", "version": VERSION, **_plain(asdict(self))}, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> TransferCard:
        try:
            found = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"not a transfer card: no JSON ({error})") from None
        if not isinstance(found, dict) or found.get("schema") != "transfer-card":
            raise ValueError("not a transfer card: give what TransferCard.to_json wrote")
        if found.get("version") != VERSION:
            raise ValueError(f"a transfer card of version {found.get('version')}, this package reads {VERSION}")
        try:
            card: TransferCard = _read(cls, found)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"a damaged transfer card: {error!r}") from None
        return card


def _plain(value: Any) -> Any:
    """Return JSON's own types, numbers without what a double cannot hold."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    return value if not isinstance(value, float) or isfinite(value) else None


def _read(kind: Any, value: Any) -> Any:
    """Return `value`, which JSON has read, as what a type hint says."""
    if is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        return kind(**{f.name: _read(hints[f.name], value[f.name]) for f in fields(kind)})
    inner = get_args(kind)
    if get_origin(kind) is UnionType:
        return None if value is None else _read(next(k for k in inner if k is not NoneType), value)
    if get_origin(kind) is tuple:
        return tuple(_read(inner[0], v) for v in value)
    if get_origin(kind) is dict:
        return {str(k): _read(inner[1], v) for k, v in value.items()}
    return nan if value is None and kind is float else kind(value)
