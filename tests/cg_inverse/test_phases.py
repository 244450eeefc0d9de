"""What is no liquid any more is named: crystals, cold and warm, gas beside liquid; what is one is left in peace."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import cg_data as cd
import cg_inverse as ci
import cg_sim as cs
from cg_inverse.problems.state_point import StatePoint
from cg_inverse.rounds.phases import diameter, long_wavelength_structure, lost_phase, target_structure
from cg_inverse.rounds.simulation import Order

from .liquids import MIXTURE, lennard_jones, target_of

LJ = cd.LennardJones(cutoff=2.5).force_shifted()


@cache
def simulated(density: float, kT: float, n: int = 500, steps: int = 4000) -> cs.State:
    """Return Lennard-Jones some time after it was an fcc lattice."""
    start = cs.fcc(n, density, kT=kT, seed=1)
    return cs.simulate(start, LJ, kT=kT, steps=steps, dt=0.004, thermostat=cs.Langevin(1.0), threads=1, seed=2).state


def scene(density: float, kT: float, *, g: np.ndarray | None = None, r_max: float = 3.0) -> ci.Problem:
    """Return the problem of a target whose g has its first peak at 1.1, as a liquid's has."""
    r = 0.05 * (np.arange(round(r_max / 0.05)) + 0.5)
    shape = (r > 0.95) * (1 + 1.5 * np.exp(-(((r - 1.1) / 0.1) ** 2))) if g is None else g
    data = cd.make_target(r, shape, density=density, kT=kT, g_stderr=np.full(len(r), 0.01))
    return ci.problem(data, cutoff=2.5)


def measured(target: StatePoint, state: cs.State, pressure: float, problem: ci.Problem) -> ci.Sample:
    """Return a sample of which only the pressure is looked at."""
    ones, counts = np.ones(48), np.broadcast_to(target.g, (48, *target.g.shape))
    sums = np.zeros((48, problem.basis.size))
    return ci.Sample(
        target, counts, sums, pressure * ones, ones, state.volume * ones, np.zeros(48, dtype=int), {"A": state.n}, 48
    )


def found(state: cs.State, problem: ci.Problem, *, pressure: float | None = None) -> str:
    """Return what is said of one configuration, at the pressure of an ideal gas unless given."""
    target = problem.states[0]
    p = target.density * target.kT if pressure is None else pressure
    return lost_phase((measured(target, state, p, problem),), ((state,),))


def jostled(state: cs.State, amplitude: float, seed: int = 0) -> cs.State:
    shift = amplitude * np.random.default_rng(seed).standard_normal(state.positions.shape)
    return replace(state, positions=(state.positions + shift) % np.diag(state.box))


@pytest.mark.parametrize("amplitude", [0.0, 0.05, 0.07])
def test_a_crystal_is_named_cold_and_warm(amplitude):
    """Lindemann: a crystal melts where particles shake by a tenth of their distance, 0.065 per axis here."""
    assert found(jostled(cs.fcc(500, 1.0), amplitude), scene(1.0, 1.0)) == "the model crystallised"


def test_a_simulated_crystal_is_named():
    assert found(simulated(1.05, 0.7), scene(1.05, 0.7)) == "the model crystallised"


def test_a_hot_dense_crystal_is_named():
    assert found(simulated(1.12, 2.2), scene(1.12, 2.2)) == "the model crystallised"


@pytest.mark.parametrize(("density", "kT"), [(0.85, 1.0), (0.7, 1.0), (0.3, 1.5), (0.9, 1.5)])
def test_a_liquid_is_left_in_peace(density, kT):
    assert found(simulated(density, kT), scene(density, kT)) == ""


def test_a_dilute_liquid_is_no_crystal_although_few_neighbors_have_much_order():
    """WCA at ρ = 0.52: particles have 4 neighbors in the first shell, and q̄₆ of 4 is as large as a crystal's of 12."""
    run = cs.simulate(cs.fcc(500, 0.52, kT=1.0, seed=1), cd.WCA(), kT=1.0, dt=0.005, steps=4000, seed=2)
    r = 0.05 * (np.arange(60) + 0.5)
    problem = scene(0.52, 1.0, g=(r > 0.9) * (1 + 0.8 * np.exp(-(((r - 1.02) / 0.1) ** 2))))
    shell = 1.25 * diameter(problem.states[0])
    assert np.nanmedian(cs.bond_order(run.state.positions, run.state.box, r_min=shell, r_max=shell, l=(6,))) > 0.3
    assert found(run.state, problem) == ""


def test_a_mixture_is_left_in_peace():
    """A few small particles among large ones: their peak is the highest, and far inside the large ones' shell."""
    target = target_of("mixture_0.6")
    problem = ci.problem(target, cutoff=2.5)
    liquids = ci.Liquids(problem, particles=1000, runs=1)
    samples, states = liquids(cd.Interactions(MIXTURE), liquids.start(), Order(2000, 4000, 1))
    assert lost_phase(samples, states) == ""
    assert diameter(problem.states[0]) == pytest.approx(1.14, abs=0.02)  # of 0.99, 1.09 and 1.19 at x = 1/4


@pytest.mark.parametrize("density", [0.01, 0.1, 1.0])
def test_an_ideal_gas_is_left_in_peace(density):
    """Points anywhere, neighbors or none."""
    state = cs.fcc(500, density)
    anywhere = np.random.default_rng(3).random((500, 3)) @ state.box
    assert found(replace(state, positions=anywhere), scene(density, 1.0)) == ""


def slab(density: float, share: float, n: int = 2048) -> cs.State:
    """Return a jostled slab that fills a share of its box, the rest vacuum."""
    dense = jostled(cs.fcc(n, density / share), 0.2)
    stretch = np.diag([1 / share, 1.0, 1.0])
    return replace(dense, box=dense.box @ stretch)


@pytest.mark.parametrize(("pressure", "said"), [(0.001, "evaporated into gas and liquid"), (1.0, "separated")])
def test_a_slab_in_vacuum_is_named(pressure, said):
    words = found(slab(0.2, 0.3), scene(0.2, 1.0), pressure=pressure)
    assert words.startswith(f"the model {said}: S(k → 0) = ")


def test_a_liquid_quenched_into_its_gap_is_named():
    """ρ = 0.2 at kT = 0.5 lies between gas and liquid; N = 1000 as a fit has at least, and 16 000 steps."""
    state = simulated(0.2, 0.5, 1000, 16_000)
    assert "S(k → 0)" in found(state, scene(0.2, 0.5))


def test_a_target_that_is_two_phases_may_be_met():
    """g of the slab itself: its long tail says how much it clusters."""
    state = slab(0.2, 0.3)
    width = 0.1
    counted = cs.simulate(
        state, cd.PairTable.from_knots(0.0, 1.0, np.zeros(8)), kT=1e-6, steps=1, dt=1e-6, seed=1, threads=1,
        observe=[cs.RDF(6.0, 60)], sample_every=1,
    )  # fmt: skip
    data = cd.target(counted.data)
    problem = ci.problem(data, cutoff=2.5, knots=2 * width)
    assert target_structure(problem.states[0]) > 20
    assert found(state, problem, pressure=0.001) == ""


def test_structure_at_long_waves_is_that_of_its_definition():
    """Points anywhere have S = 1 on average, a lattice 0; n points in one place S = n."""
    state = cs.fcc(500, 0.5)
    values = [
        long_wavelength_structure(replace(state, positions=np.random.default_rng(k).random((500, 3)) @ state.box))
        for k in range(300)
    ]
    assert abs(np.mean(values) - 1) < 4 * np.std(values, ddof=1) / np.sqrt(300)
    assert long_wavelength_structure(state) < 1e-20
    assert long_wavelength_structure(replace(state, positions=np.ones((500, 3)))) == pytest.approx(500)


def test_of_several_states_the_one_lost_is_named():
    r = 0.05 * (np.arange(60) + 0.5)
    shape = (r > 0.95) * (1 + 1.5 * np.exp(-(((r - 1.1) / 0.1) ** 2)))
    data = [cd.make_target(r, shape, density=rho, kT=1.0, source=name) for rho, name in ((0.7, "warm"), (1.0, "dense"))]
    problem = ci.problem(data, cutoff=2.5)
    states = (simulated(0.7, 1.0), cs.fcc(500, 1.0))
    samples = [measured(target, state, 1.0, problem) for target, state in zip(problem.states, states, strict=True)]
    assert lost_phase(samples, tuple((s,) for s in states)) == "the model crystallised at dense-2"


def test_a_fit_that_freezes_says_so_and_ends():
    """A well of 8 kT at ρ = 0.9 and a lattice to start from: three rounds, each said to be lost, and no fourth."""
    problem = scene(0.9, 1.0)
    liquids = ci.Liquids(problem, particles=256, runs=1, threads=1)
    cold = problem.coefficients(lennard_jones(epsilon=8.0))
    lost = liquids(problem.basis.potential(cold), liquids.start(), Order(1000, 500, 0))
    assert lost_phase(*lost) == "the model crystallised"
    control = ci.Control(rounds=9, steps=1000, first_steps=1000, equilibration=100, seed=1)
    steps = list(ci.iterate(ci.IBI(problem, initial=lennard_jones(epsilon=16.0)), liquids, control=control))
    assert len(steps) == 3
    assert "crystallised" in steps[-1].finished
    assert [s.note for s in steps[:-1]] == ["the model crystallised: back, with half the step"] * 2
