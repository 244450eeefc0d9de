"""One row of a campaign of liquids: simulate until P and g(r) are known well enough, and say what kind of sample it was.

A run is melted hot, quenched, and goes on in blocks. It ends when its errors are small enough, when it is seen not to be one
liquid, or with its budget. A row is kept whatever came out; `kind` says what:

`liquid`        in equilibrium and homogeneous
`drifting`      energy or pressure were in equilibrium for less than half of the run, or for fewer than 10 independent samples
`separated`     a density wave of the box's length (|k| < 1.9 of the smallest) holds W > `wave` of S(k)/N
`ordered`       a shorter one does: a crystal, or a crystal of clusters
                either of them also where a wave has S(k) > `structure`: small grains, gels, clusters (a simple liquid freezes
                where S(k) reaches 2.85; the strongest of some hundred waves reads up to 8 in a short run)
`broken`        the dynamics broke down
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

import numpy as np

import cg_data as cd
from cg_sim.box import Array
from cg_sim.campaign.homogeneity import Wave, strongest, waves
from cg_sim.engines.protocol import BlowUp, Session
from cg_sim.engines.registry import EngineName, engine
from cg_sim.ensembles import Langevin
from cg_sim.lattices import fcc
from cg_sim.observables.pair_histogram import pair_histogram
from cg_sim.running import job_of
from cg_sim.state import State
from cg_sim.statistics.series import equilibration, mean_error

Kind = Literal["liquid", "drifting", "separated", "ordered", "broken"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_SYSTEM_SIZED = 1.9  # of the smallest wave vector
_INDEPENDENT = 10  # samples
_LOOK = 4  # blocks between two looks at errors and order
_WIDE = 2.001  # cutoffs that a box has at least
_SURELY = 2.0  # times `wave`: not worth the rest of `least`
_HOT_DT = 0.4  # of dt


@dataclass(frozen=True, slots=True)
class Liquid:
    """How a row is simulated and when it ends.

    N is `particles`, or as many as fill a box of side `box` [length] or of two cutoffs; g is measured in `bins` up to `reach` [length]. After
    `melting` steps at `hot` times kT, blocks of `block` steps are sampled every `every` steps: at least `least`, at most
    `most` steps, until the standard error of P is below `pressure_error` of |P| + ρkT and the mean square one of g beyond
    `core` below `g_error`². `wave` is the W, and `structure` the S(k) = W·N, from which on a sample is not homogeneous.
    """

    particles: int = 1000
    box: float = 10.0
    reach: float = 5.0
    bins: int = 100
    dt: float = 0.005
    friction: float = 1.0
    hot: float = 8.0
    melting: int = 1000
    block: int = 500
    every: int = 20
    least: int = 8_000
    most: int = 40_000
    pressure_error: float = 0.005
    g_error: float = 0.01
    core: float = 0.5
    wave: float = 0.1
    structure: float = 10.0
    engine: EngineName = "cpu"

    def __post_init__(self) -> None:
        for f in fields(self):
            value, whole = getattr(self, f.name), isinstance(f.default, int)
            if f.name == "engine":
                continue
            if isinstance(value, bool) or not isinstance(value, int if whole else int | float) or not value >= 0:
                raise ValueError(f"{f.name} must be a {'whole ' * whole}number ≥ 0, got {value!r}")
            if value == 0 and f.name not in ("melting", "core"):
                raise ValueError(f"{f.name} must be positive")
        if self.block % self.every or self.least % self.block or self.most % self.block or self.least > self.most:
            raise ValueError(
                f"every must divide block, and block least ≤ most, got {self.every}, {self.block}, {self.least}, {self.most}"
            )
        if not self.reach <= self.box / 2:
            raise ValueError(f"reach is at most half the box, got {self.reach} and a box of {self.box}")

    @property
    def r(self) -> Array:
        """Centers of the bins of g [length]."""
        return np.asarray((np.arange(self.bins) + 0.5) * (self.reach / self.bins))

    def results(self, units: cd.Units) -> dict[str, tuple[Any, ...]]:
        """Return what `measured` gives, as results of a `cg_data.Campaign`; P and energy in the potential's units."""
        number, pressure = ((), (), "float64"), f"{units.energy}/{units.length}^3"
        return {
            "g": (("r",), (self.bins,), "float32", "1"), "g_stderr": (("r",), (self.bins,), "float32", "1"),
            "pressure": (*number, pressure), "pressure_stderr": (*number, pressure), "energy": (*number, units.energy),
            "wave": (*number, "1"), "wave_order": (*number, "1"), "equilibrated": ((), (), "int64", "steps"),
            "steps": ((), (), "int64", "steps"), "particles": ((), (), "int64", "1"), "kind": ((), (), "int8", ""),
            "reached": ((), (), "bool", ""),
        }  # fmt: skip


def measured(potential: cd.Potential, *, density: float, kT: float, seed: int, liquid: Liquid) -> dict[str, Any]:
    """Simulate one potential at one density; return what `Liquid.results` names."""
    course = _Course(liquid, count_of(liquid, potential, density), density, kT)
    try:
        state = _melted(potential, density, kT, seed, liquid, course)
        job = job_of(state, potential, liquid.engine, kT=kT, dt=liquid.dt, thermostat=Langevin(liquid.friction),
                     barostat=None, seed=seed, threads=1, precision="double")  # fmt: skip
        session = engine(liquid.engine)(job)
        try:
            while not course.ended:
                course.add_block(session)
        finally:
            session.close()
    except BlowUp:
        course.broken = True
    return course.result()


def count_of(liquid: Liquid, potential: cd.Potential, density: float) -> int:
    """Return how many particles a row has."""
    box = max(liquid.box, _WIDE * potential.cutoff)
    return max(liquid.particles, int(np.ceil(density * box**3)))


def _melted(potential: cd.Potential, density: float, kT: float, seed: int, liquid: Liquid, course: _Course) -> State:
    state = fcc(course.n, density, kT=liquid.hot * kT, seed=seed)
    if not liquid.melting:
        return state.with_velocities(kT, seed=seed)
    job = job_of(state, potential, liquid.engine, kT=liquid.hot * kT, dt=_HOT_DT * liquid.dt,
                 thermostat=Langevin(liquid.friction), barostat=None, seed=seed + 1, threads=1, precision="double")  # fmt: skip
    session = engine(liquid.engine)(job)
    try:
        session.advance(liquid.melting)
        return session.state().with_velocities(kT, seed=seed)
    finally:
        session.close()


class _Course:
    """What was sampled so far."""

    def __init__(self, liquid: Liquid, n: int, density: float, kT: float) -> None:
        self.liquid, self.density, self.kT = liquid, density, kT
        self.n = n
        pairs = 0.5 * self.n * (self.n - 1) * density / self.n
        self.expected = pairs * cd.shell_volumes(liquid.r)
        self.pressures, self.energies = list[float](), list[float]()
        self.g, self.waves = list[Array](), list[Array]()
        self.wave, self.t0, self.independent, self.reached = Wave(0.0, 0.0), 0, 0.0, False
        self.broken, self.ended = False, False

    def add_block(self, session: Session) -> None:
        """Go on by a block."""
        a, counts = self.liquid, np.zeros(self.liquid.bins)
        for _ in range(a.block // a.every):
            session.advance(a.every)
            frame = session.frame()
            self.pressures.append(float(np.trace(frame.pressure_tensor)) / 3)
            self.energies.append(frame.energy / self.n)
            state = frame.state
            counts += pair_histogram(state.positions, state.box, state.types, 1, a.reach, a.bins)[0]
        self.g.append(counts / (self.expected * (a.block // a.every)))
        self.waves.append(waves(frame.state))
        steps = len(self.g) * a.block
        if len(self.g) % _LOOK == 0 or steps >= a.most:
            self._look(steps >= a.least)
            surely = a.wave if steps >= a.least else _SURELY * a.wave
            self.ended = self.reached or self.wave.weight > surely or steps >= a.most

    @property
    def equilibrated(self) -> int:
        """Blocks until equilibrium."""
        return -(-self.t0 // (self.liquid.block // self.liquid.every))

    def _look(self, may_end: bool) -> None:
        found = equilibration(self.energies), equilibration(self.pressures)
        self.t0, self.independent = max(f.t0 for f in found), min(f.samples for f in found)
        self.wave = strongest(np.mean(self.waves[len(self.waves) // 2 :], axis=0))
        if self._late or self.wave.weight > self.liquid.wave or not may_end:
            return
        pressure = mean_error(self.pressures[self.t0 :])
        outside = self.liquid.r > self.liquid.core
        small = pressure.stderr <= self.liquid.pressure_error * (abs(pressure.mean) + self.density * self.kT)
        self.reached = bool(small and np.mean(self._g_stderr()[outside] ** 2) <= self.liquid.g_error**2)

    def _g_stderr(self) -> Array:
        kept = self.g[self.equilibrated :]
        return np.asarray(np.std(kept, axis=0, ddof=1) / np.sqrt(len(kept)))

    @property
    def kind(self) -> Kind:
        if self.broken:
            return "broken"
        if self.wave.weight > min(self.liquid.wave, self.liquid.structure / self.n):
            return "separated" if self.wave.order < _SYSTEM_SIZED else "ordered"
        return "drifting" if self._late else "liquid"

    @property
    def _late(self) -> bool:
        """Whether equilibrium came too late to have seen it."""
        return self.t0 > len(self.energies) / 2 or self.independent < _INDEPENDENT

    def result(self) -> dict[str, Any]:
        enough = len(self.g) - self.equilibrated > 1
        nothing = np.full(self.liquid.bins, np.nan)
        pressure = mean_error(self.pressures[self.t0 :]) if enough else None
        return {
            "g": (np.mean(self.g[self.equilibrated :], axis=0) if enough else nothing).astype(np.float32),
            "g_stderr": (self._g_stderr() if enough else nothing).astype(np.float32),
            "pressure": pressure.mean if pressure else np.nan, "pressure_stderr": pressure.stderr if pressure else np.nan,
            "energy": float(np.mean(self.energies[self.t0 :])) if enough else np.nan,
            "wave": self.wave.weight, "wave_order": self.wave.order, "equilibrated": self.equilibrated * self.liquid.block,
            "steps": len(self.g) * self.liquid.block, "particles": self.n, "kind": KINDS.index(self.kind),
            "reached": self.reached,
        }  # fmt: skip
