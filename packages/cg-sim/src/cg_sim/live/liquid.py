"""A small liquid that follows its density and the strength of its attraction, fast enough to be watched."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from cg_data import PairTable
from cg_data.potentials.combined import Sum
from cg_data.potentials.pair_potential import PairPotential, Potential
from cg_sim.engines.protocol import BlowUp
from cg_sim.ensembles import Langevin
from cg_sim.lattices import fcc
from cg_sim.observables.rdf import RDF
from cg_sim.observables.thermo import Pressure
from cg_sim.running import simulate
from cg_sim.state import State

Array = npt.NDArray[np.float64]
CLOSER, APART = 0.03, 0.15  # of the box's edge: what one stage changes it by, so that particles do not meet
STAGE_STEPS, SETTLING, SAMPLED, EVERY = 40, 250, 1000, 25
BINS_PER_LENGTH = 25


@dataclass(frozen=True, slots=True)
class Attraction(PairPotential):
    """What is left of U without its repulsion, as Weeks, Chandler and Andersen split it: U beyond its minimum, U(r_min) inside."""

    whole: Potential
    r_min: float

    @property
    def cutoff(self) -> float:
        return self.whole.cutoff

    @property
    def breaks(self) -> tuple[float, ...]:
        return (self.r_min, *getattr(self.whole, "breaks", (self.cutoff,)))

    def u(self, r: Array) -> Array:
        return np.asarray(self.whole.energy(np.maximum(r, self.r_min)))

    def du(self, r: Array) -> Array:
        return np.where(r < self.r_min, 0.0, -np.asarray(self.whole.force(r)))


def attraction(potential: Potential) -> Attraction:
    """Return the attraction of a potential with one minimum, or of none where it is nowhere attractive.

    >>> from cg_data import LennardJones
    >>> round(float(attraction(LennardJones(cutoff=2.5)).energy(0.9)), 6)
    -1.0
    """
    r = np.linspace(0.2, 1.0, 8001)[:-1] * potential.cutoff
    u = potential.energy(r)
    return Attraction(potential, float(r[np.argmin(u)]) if u.min() < 0 else potential.cutoff)


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What a liquid shows of itself at one place: U(r), g(r), P, and the seconds that it took."""

    density: float
    coupling: float
    r: Array
    u: Array
    g: Array
    pressure: float
    seconds: float


class LiveLiquid:
    """Particles of mass 1 that go where they are asked to, from where they were: U = repulsion + λ attraction."""

    def __init__(
        self, potential: Potential, *, kT: float = 1.0, particles: int = 256, density: float = 0.5, seed: int = 0
    ) -> None:
        self.potential, self.kT, self._seed = potential, kT, seed
        self._attraction = attraction(potential)
        self.state = fcc(particles, density, kT=kT, seed=seed)

    @property
    def density(self) -> float:
        """N/V [length⁻³]."""
        return self.state.density

    def coupled(self, coupling: float) -> PairTable:
        """Return U with so much of its attraction."""
        return PairTable.from_potential(Sum((self.potential, self._attraction * (coupling - 1.0))))

    def at(self, density: float, coupling: float = 1.0) -> Seen:
        """Go to a density and a λ in small stages, settle, and look."""
        if not (density > 0 and math.isfinite(density) and 0 <= coupling <= 2):
            raise ValueError(f"density must be positive and λ within 0 and 2, got {density} and {coupling}")
        began, table = time.perf_counter(), self.coupled(coupling)
        try:
            self._go(density, table)
            seen = self._look(table)
        except BlowUp:  # too far at once: from a crystal, which no density brings particles together in
            self.state = fcc(self.state.n, density, kT=self.kT, seed=self._seed)
            seen = self._look(table)
        r, g, pressure = seen
        return Seen(density, coupling, r, table.energy(r), g, pressure, time.perf_counter() - began)

    def _go(self, density: float, table: PairTable) -> None:
        ratio = (self.density / density) ** (1 / 3)
        stages = math.ceil(abs(math.log(ratio)) / (CLOSER if ratio < 1 else APART))
        for _ in range(stages):
            self.state = self._run(scaled(self.state, ratio ** (1 / stages)), table, STAGE_STEPS)

    def _run(self, state: State, table: PairTable, steps: int) -> State:
        self._seed += 1
        return simulate(state, table, kT=self.kT, steps=steps, dt=0.003, thermostat=Langevin(5.0), sample_every=steps,
                        seed=self._seed).state  # fmt: skip

    def _look(self, table: PairTable) -> tuple[Array, Array, float]:
        self._seed += 1
        reach = 0.5 * float(np.min(np.diag(self.state.box)))
        reach = min(reach, 4.0)
        run = simulate(
            self.state, table, kT=self.kT, steps=SAMPLED, equilibration=SETTLING, sample_every=EVERY,
            observe=[RDF(reach, round(reach * BINS_PER_LENGTH)), Pressure()], seed=self._seed,
        )  # fmt: skip
        self.state = run.state
        return run.data.r.values, np.squeeze(run.data.g.values), float(run.data.pressure)


def scaled(state: State, ratio: float) -> State:
    """Return a state whose box and places are `ratio` times as large."""
    return replace(state, positions=state.positions * ratio, box=state.box * ratio)
