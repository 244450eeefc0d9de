"""Known potentials and the liquids made of them, shared by the tests of inversion."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import xarray as xr

import cg_data as cd
import cg_inverse as ci
from cg_inverse.methods.boltzmann import shell_rows
from cg_inverse.rounds.simulation import Order

DATA = Path(__file__).parent / "data"


def lennard_jones(sigma: float = 1.0, epsilon: float = 1.0, cutoff: float = 2.5) -> cd.Potential:
    """Return Lennard-Jones with U = F = 0 at the cutoff, as every spline of ours has."""
    return cd.LennardJones(epsilon, sigma, cutoff).force_shifted()


@dataclass(frozen=True)
class Liquid:
    """A known potential at a state point, and how long LAMMPS simulated it for the target in data/."""

    potential: dict[tuple[str, str], cd.Potential]
    density: float
    composition: dict[str, float]
    seed: int
    steps: int
    kT: float = 1.0
    particles: int = 2000
    r_max: float = 5.0
    width: float = 0.02

    @property
    def cutoff(self) -> float:
        return max(u.cutoff for u in self.potential.values())

    @property
    def dt(self) -> float:
        """Return a time step [time] a 200th of what a particle takes to its neighbor."""
        return 0.005 * self.density ** (-1 / 3)


def pure(potential: cd.Potential, density: float, seed: int, steps: int, kT: float = 1.0) -> Liquid:
    return Liquid({("A", "A"): potential}, density, {"A": 1.0}, seed, steps, kT)


MIXTURE = {("A", "A"): lennard_jones(0.9), ("A", "B"): lennard_jones(1.0), ("B", "B"): lennard_jones(1.1)}
LIQUIDS = {
    "lj_0.3": pure(lennard_jones(), 0.3, 11, 500_000),
    "wca_0.7": pure(cd.WCA(), 0.7, 12, 500_000),
    "morse_0.5": pure(cd.ModifiedMorse(5.5, 0.44, 2.5).force_shifted(), 0.5, 13, 150_000, kT=1.8),  # one phase
    "mixture_0.6": Liquid(MIXTURE, 0.6, {"A": 0.25, "B": 0.75}, 14, 150_000),
    "lj_0.7": pure(lennard_jones(), 0.7, 15, 100_000),
}


def target_of(name: str) -> xr.Dataset:
    """Return the target that LAMMPS made."""
    return cd.load(DATA / f"{name}.nc", "pair-target")


def short_run(
    given: ci.Problem, potential: cd.Interactions, *, steps: int, seed: int = 0, particles: int = 500, runs: int = 1
) -> tuple[ci.Sample, ...]:
    """Return a sample per state from `runs` runs of `steps` in all, each melted from a lattice of its own."""
    liquids = ci.Liquids(given, particles=particles, runs=runs, threads=1, sample_every=20, seed=seed)
    return liquids(potential, liquids.start(), Order(steps, 1000, seed))[0]


def blank_target(density: float, *, r_max: float = 2.0, width: float = 0.05, kT: float = 1.0) -> xr.Dataset:
    """Return a target that only sets the scene: g = 1 beyond 0.8, no errors."""
    r = width * (np.arange(round(r_max / width)) + 0.5)
    return cd.make_target(r, 1.0 * (r > 0.8), density=density, kT=kT, g_stderr=np.full(len(r), 0.01))


def exact_sample(given: ci.Problem, g: np.ndarray, *, particles: int = 1000, seed: int = 0) -> ci.Sample:
    """Return what a run would have counted whose mean is exactly g(pair, shell) of the problem's first state.

    Its frames scatter a thousandth about it, with averages that are zero.
    """
    state, basis = given.states[0], given.basis
    numbers = {t: round(particles * rho / state.density) for t, rho in state.densities.items()}
    volume = sum(numbers.values()) / state.density
    noise = 1e-3 * np.random.default_rng(seed).standard_normal((48, *g.shape))
    frames = np.maximum(g, 0.0) * (1 + noise - noise.mean(axis=0))
    ones = np.ones(48)
    blank = ci.Sample(
        state, frames, np.zeros((48, basis.size)), ones, ones, volume * ones, np.zeros(48, dtype=int), numbers, 48
    )
    sums = np.zeros((48, basis.size))
    for k, pair in enumerate(state.pairs):
        sums += (frames[:, k] * blank.ideal[k]) @ shell_rows(given, state, pair)
    return replace(blank, counts=frames * blank.ideal, sums=sums)


def target_of_sample(sample: ci.Sample) -> xr.Dataset:
    """Return what a run found as a target, with its errors."""
    state = sample.state
    keys = [cd.pair_of(pair) for pair in state.pairs]
    return cd.make_target(
        state.bins.r, dict(zip(keys, sample.g, strict=True)), density=state.densities, kT=state.kT,
        g_stderr=dict(zip(keys, sample.g_stderr, strict=True)), particles=sample.particles, normalization="N(N-1)",
    )  # fmt: skip


def matched(given: ci.Problem, samples: tuple[ci.Sample, ...]) -> ci.Problem:
    """Return the problem in the same spline space whose targets are what was sampled."""
    found = [target_of_sample(s) for s in samples]
    states = ci.problem(found, cutoff=given.basis.cutoff, weights=list(given.weights)).states
    return replace(given, states=states)


def dilute_sample(given: ci.Problem, potential: cd.Potential, *, frames: int = 480, pairs: float = 1e5) -> ci.Sample:
    """Return frames of a gas in which pairs don't know of each other: Poisson counts about e^(−βU), `pairs` of them
    per frame in the outermost shell of the problem's first state."""
    state, bins = given.states[0], given.states[0].bins
    edges = bins.fine_edges
    r, volumes = 0.5 * (edges[1:] + edges[:-1]), 4 / 3 * np.pi * np.diff(edges**3)
    n = round(pairs / (0.5 * state.density * bins.volumes[-1]))  # N(N − 1)/2V at N = ρV
    volume = n / state.density
    expected = 0.5 * n * (n - 1) / volume * volumes * np.exp(-np.minimum(potential.energy(r) / state.kT, 700))
    fine = np.random.default_rng(7).poisson(expected, (frames, len(r)))
    ones = np.ones(frames)
    return ci.Sample(
        state, bins.coarse(fine)[:, None, :], fine @ given.basis.splines[0].averages(bins), ones, ones, volume * ones,
        np.zeros(frames, dtype=int), {"A": n}, frames,
    )  # fmt: skip
