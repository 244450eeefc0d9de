"""The simulations of a round: every state point, several independent runs of each, side by side."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Event
from typing import Any, Literal, Protocol

import numpy as np

import cg_sim as cs
from cg_data import Interactions
from cg_inverse.corrections.bases import check_base, elements, is_pair, is_shared, liquid, summed
from cg_inverse.problems.spline_problem import Problem
from cg_inverse.problems.state_point import StatePoint, diameter
from cg_inverse.rounds.counting import PairSeries
from cg_inverse.rounds.sample import Sample

States = tuple[tuple[cs.State, ...], ...]  # of each state point, each run
_LEAST_PARTICLES = 1000
_LEAST_FRAMES = 4  # of each run: errors need some
_ROOM, _ROOM_TO_SHRINK = 1.02, 1.1  # of half the box over the target's reach; at constant pressure a third denser fits
_RELAXING, _DAMPING = 800, 30  # steps; in how many of them friction ends a motion
_FEMTOSECOND = 0.09822694788464063  # Å√(u/eV)


@dataclass(frozen=True, slots=True)
class Order:
    """What a round wants simulated: `steps` at each state point in all, after `equilibration` of each run."""

    steps: int
    equilibration: int
    seed: int


class Simulate(Protocol):
    """Runs a potential at all state points of its problem."""

    def start(self) -> States:
        """Return configurations to start from."""

    def __call__(self, potential: Interactions, states: States, order: Order) -> tuple[tuple[Sample, ...], States]:
        """Return a sample per state point, and where the runs ended."""


@dataclass(frozen=True, eq=False)
class Liquids:
    """Simulations of a problem's state points in boxes of their own: N particles at the target's density, NVT.

    `particles` is N of each state, at least 1000 and so many that the box is twice as wide as the target reaches;
    `dt` [time] is 0.005 ρ^(−1/3) √(m/kT) unless given. Results depend on `runs`, never on `threads`. With a `barostat`
    the volume follows its pressure, of several each state its own. Potentials are added to the `base`, if there is one; ASE's calculators run in ASE, by
    default with 1 fs and the elements' masses.
    """

    problem: Problem
    particles: int | None = None
    dt: float | None = None
    mass: float = 1.0
    friction: float | None = None
    sample_every: int = 40
    runs: int = 2
    threads: int | None = None
    engine: Literal["cpu", "cuda", "lammps", "hoomd"] = "cpu"
    precision: Literal["single", "double"] = "single"
    seed: int = 0
    barostat: cs.CellRescaling | Sequence[cs.CellRescaling] | None = None
    base: Any = None

    def __post_init__(self) -> None:
        for state in self.problem.states if self.base is not None else ():
            check_base(self.base, state)
        for name in ("runs", "sample_every", "threads"):
            value = getattr(self, name)
            if value is not None and (value != int(value) or value < 1):
                raise ValueError(f"{name} must be a whole number ≥ 1, got {value}")
        if isinstance(self.barostat, Sequence) and len(self.barostat) != len(self.problem.states):
            raise ValueError(
                f"give one barostat, or one for each of {len(self.problem.states)} states, got {len(self.barostat)}"
            )

    def start(self) -> States:
        return tuple(tuple(self._crystal(state, k) for k in range(self.runs)) for state in self.problem.states)

    def _crystal(self, state: StatePoint, k: int) -> cs.State:
        room = _ROOM if self.barostat is None else _ROOM_TO_SHRINK
        n = self.particles or least_particles(state, self.problem.basis.cutoff, room=room)
        shares = {t: rho / state.density for t, rho in state.densities.items()}
        if self.atomic:
            crystal = cs.fcc(n, state.density, composition=shares, seed=self.seed + k)
            return self._relaxed(liquid(crystal, state, diameter(state), self.seed + k), state, self.seed + k)
        return cs.fcc(n, state.density, kT=state.kT, masses=self.mass, composition=shares, seed=self.seed + k)

    def _relaxed(self, found: cs.State, state: StatePoint, seed: int) -> cs.State:
        """Return a liquid of spheres as one of the base, at the same volume.

        What spheres are too near for the base would blow up a box that is free to grow.
        """
        dt = self.time_step(state)
        nothing = self.problem.basis.potential(np.zeros(self.problem.basis.size))
        relaxed = cs.simulate(found, summed(self.base, nothing), kT=state.kT, dt=dt, steps=_RELAXING, seed=seed, engine="ase",
                              thermostat=cs.Langevin(1 / (_DAMPING * dt)), sample_every=_RELAXING, units=state.units).state  # fmt: skip
        return replace(relaxed, step=0).with_velocities(state.kT, seed)

    @property
    def atomic(self) -> bool:
        """Whether ASE moves the particles, and they are atoms."""
        return self.base is not None and not is_pair(self.base)

    def time_step(self, state: StatePoint) -> float:
        """Return dt [time]."""
        if self.dt is None and self.atomic:
            return _FEMTOSECOND
        return self.dt if self.dt is not None else 0.005 * self.crossing_time(state)

    def crossing_time(self, state: StatePoint) -> float:
        """Return ρ^(−1/3) √(m/kT), in which a particle crosses its room [time]."""
        mass = float(np.mean(list(elements(state).values()))) if self.atomic else self.mass
        return state.density ** (-1 / 3) * float(np.sqrt(mass / state.kT))

    def thermostat(self, state: StatePoint) -> cs.Langevin:
        """Return the thermostat: friction 1 over the time in which a particle crosses its room, unless given."""
        return cs.Langevin(1 / self.crossing_time(state) if self.friction is None else self.friction)

    def __call__(self, potential: Interactions, states: States, order: Order) -> tuple[tuple[Sample, ...], States]:
        jobs = [(s, k) for s in range(len(states)) for k in range(self.runs)]

        stop = Event()

        def one(job: tuple[int, int]) -> cs.Run:
            s, k = job
            return self._run(potential, s, states[s][k], order, jobs.index(job), stop)

        together = 1 if is_shared(self.base) else self.threads or min(len(jobs), os.cpu_count() or 1)
        with ThreadPoolExecutor(together) as pool:
            try:
                found = dict(zip(jobs, pool.map(one, jobs), strict=True))
            except BaseException:
                stop.set()  # Ctrl-C, or one run's breakdown, does not wait for the others to end
                raise
        grouped = [[found[s, k] for k in range(self.runs)] for s in range(len(states))]
        samples = tuple(self._sample(self.problem.states[s], runs) for s, runs in enumerate(grouped))
        return samples, tuple(tuple(run.state for run in runs) for runs in grouped)

    def _run(self, potential: Interactions, s: int, start: cs.State, order: Order, number: int, stop: Event) -> cs.Run:
        state = self.problem.states[s]

        def watch(done: int, total: int, temperature: float) -> None:
            if stop.is_set():
                raise KeyboardInterrupt

        each = -(-order.steps // self.runs)
        if each < _LEAST_FRAMES * self.sample_every:
            raise ValueError(
                f"a round of {order.steps} steps in {self.runs} runs has {each // self.sample_every} frames of each: "
                f"make rounds longer (first_steps) or sample more often (sample_every, now {self.sample_every})"
            )
        forces = potential if self.base is None else summed(self.base, potential)
        return cs.simulate(
            start, forces, kT=state.kT, steps=each, equilibration=order.equilibration, dt=self.time_step(state),
            thermostat=self.thermostat(state), observe=[PairSeries(state.bins, state.pairs, self.problem.basis)],
            sample_every=self.sample_every, engine="ase" if self.atomic else self.engine,
            barostat=self.barostat[s] if isinstance(self.barostat, Sequence) else self.barostat,
            precision=self.precision if self.base is None else "double",
            seed=order.seed + number, units=state.units, progress=watch,
        )  # fmt: skip

    def _sample(self, state: StatePoint, runs: Sequence[cs.Run]) -> Sample:
        series = [run.data["pair_series"].values for run in runs]
        number = np.concatenate([np.full(len(x), k) for k, x in enumerate(series)])
        together = np.concatenate(series)
        counted = len(state.pairs) * state.bins.count
        counts = together[:, :counted].reshape(-1, len(state.pairs), state.bins.count)
        sums, (p, u, v) = together[:, counted:-3], together[:, -3:].T
        steps = sum(int(run.data.attrs["steps_done"]) for run in runs)
        return Sample(state, counts, sums, p, u, v, number, runs[0].state.counts(), steps)


def least_particles(state: StatePoint, cutoff: float, *, room: float = _ROOM) -> int:
    """Return how many particles a cubic box needs to hold the target's reach twice, and no fewer than 1000."""
    side = 2 * room * max(state.bins.r_max, cutoff)
    return max(_LEAST_PARTICLES, int(np.ceil(state.density * side**3)))
