"""Transfer cards of potentials whose liquids are known: true Lennard-Jones against its own target, and ideal gases."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import cg_data as cd
import cg_inverse as ci
import cg_sim as cs
from cg_inverse.cards.compressibility import compressed
from cg_inverse.cards.motion import drift, green_kubo, motion
from cg_inverse.cards.records import Measured, TransferCard
from cg_inverse.cards.transfer_card import transfer_card

N, RHO, KT, R_MAX = 250, 0.7, 1.0, 3.4
LJ = cd.as_interactions(cd.LennardJones(cutoff=2.5).force_shifted().table(1000), "A")
OTHER = {"density": 0.5, "kT": 1.5}
DT = 0.005


def run(density, kT, steps, seed):
    return cs.simulate(
        cs.fcc(N, density, kT=kT, seed=seed), LJ, kT=kT, steps=steps, equilibration=4000, dt=DT, precision="single",
        observe=[cs.RDF(R_MAX, 85), cs.Pressure()], sample_every=20, seed=seed,
    )  # fmt: skip


@pytest.fixture(scope="module")
def reference():
    return run(RHO, KT, 40_000, 1)


@pytest.fixture(scope="module")
def problem(reference):
    return ci.problem(cd.target(reference.data), cutoff=2.5)


@pytest.fixture(scope="module")
def elsewhere():
    return cd.target(run(**OTHER, steps=20_000, seed=2).data)


@pytest.fixture(scope="module")
def card(problem, elsewhere):
    simulation = ci.Liquids(problem, particles=N, sample_every=20)
    return transfer_card(LJ, problem, simulation=simulation, steps=12_000, elsewhere=[elsewhere, (0.9, 2.0)], seed=3)


def z(a, b):
    return abs(a.value - b.value) / np.hypot(a.error, b.error)


def test_the_true_potential_is_within_noise_of_its_target_here_and_elsewhere(card):
    for state in (card.states[0], card.elsewhere[0]):
        assert state.match.is_noise
        assert state.match.chi2 > 0.5  # errors twice too large would give a quarter
        assert 0.2 < state.match.residual / state.match.noise < 2.5
    assert card.elsewhere[1].match is None
    assert card.remarks == ()


def test_the_pressure_is_that_of_an_independent_run(card, reference):
    known = Measured(float(reference.data.pressure), float(reference.data.pressure_stderr))
    assert z(card.states[0].pressure, known) < 4


def test_pressures_and_g_give_one_compressibility(card):
    """Two roads to one number; g ends at 3.4σ here, which leaves ρkTκ = 0.12 uncertain by 0.02 of cut oscillations."""
    state = card.states[0]
    scale = state.density * state.kT
    derivative, integral = state.compressibility, state.compressibility_kirkwood_buff
    allowed = 0.02 + 4 * scale * np.hypot(derivative.error, integral.error)
    assert allowed < 0.1
    assert abs(derivative.value - integral.value) * scale < allowed


def test_no_pair_comes_far_inside_the_core(card, problem):
    """The core begins where the target counted ten pairs: a shorter run can come nearer by a shell or three."""
    width = problem.states[0].bins.width
    assert abs(card.states[0].closest["A-A"] - problem.basis.splines[0].core) < 3.5 * width


def test_states_are_run_at_their_own_density(card):
    assert card.states[0].density == pytest.approx(RHO, rel=1e-9)
    assert [s.density for s in card.elsewhere] == pytest.approx([0.5, 0.9], rel=1e-9)
    assert [s.kT for s in card.elsewhere] == [1.5, 2.0]


def test_force_evaluations_are_counted_run_by_run(card):
    """Five states of 2 runs of 4000 + 6000 steps, then one of 6000 and five of 4000 at the first."""
    assert card.card.force_evaluations == N * (5 * 2 * 10_000 + 6_000 + 5 * 4000)


def test_diffusion_grows_by_yeh_and_hummer(card):
    found = card.states[0].motion
    side = (N / RHO) ** (1 / 3)
    added = found.diffusion_infinite["A"].value - found.diffusion["A"].value
    assert added == pytest.approx(2.837297 * KT / (6 * np.pi * found.viscosity.value * side), rel=1e-9)


@pytest.mark.slow
def test_boxes_of_two_sizes_give_one_diffusion_coefficient():
    """The correction is a quarter of D of 108 particles and a ninth of that of 864."""
    found = []
    for n in (108, 864):
        start = cs.simulate(cs.fcc(n, RHO, kT=KT), LJ, kT=KT, steps=1000, equilibration=5000, seed=4).state
        found.append(motion(start, LJ, kT=KT, dt=DT, steps=60_000, engine="cpu", seed=5))
    small, large = found
    assert z(small.diffusion["A"], large.diffusion["A"]) > 3
    assert z(small.diffusion_infinite["A"], large.diffusion_infinite["A"]) < 4


def test_green_kubo_integrates_an_ornstein_uhlenbeck_process():
    """⟨x(0)x(t)⟩ = e^(−t/τ): the integral is τ; ended at its first zero it is less by what is noise there."""
    rng, tau, h = np.random.default_rng(6), 0.5, 0.02
    keep, x = np.exp(-h / tau), np.zeros((100_000, 5))
    kicks = np.sqrt(1 - keep**2) * rng.normal(size=x.shape)
    for k in range(1, len(x)):
        x[k] = keep * x[k - 1] + kicks[k]
    found = green_kubo(x, h)
    assert found.error < 0.05 * tau
    assert abs(found.value - tau) < 4 * found.error


@pytest.fixture(scope="module")
def liquid_state():
    return cs.simulate(cs.fcc(N, RHO, kT=KT), LJ, kT=KT, steps=500, equilibration=4000, dt=DT, seed=7).state


def test_energy_fluctuates_with_the_square_of_the_time_step(liquid_state):
    """Verlet's energy is off by O(dt²); the next order, (ω dt)² of the fastest vibration, is a tenth at 0.008."""
    coarse, fine = (drift(liquid_state, LJ, kT=KT, dt=dt, engine="cpu") for dt in (0.008, 0.004))
    assert coarse.fluctuation / fine.fluctuation == pytest.approx(4, rel=0.2)
    assert coarse.stable
    assert fine.stable


def test_a_time_step_of_a_collision_is_not_stable(liquid_state):
    assert not drift(liquid_state, LJ, kT=KT, dt=0.03, engine="cpu").stable


def test_the_card_finds_the_largest_stable_time_step(card):
    found = card.states[0].stability
    assert [one.stable for one in found.tried][:2] == [True, True]
    assert not found.tried[-1].stable
    assert found.tried[0].dt < found.largest_dt < found.tried[-1].dt


def ideal(types, densities=(0.2,)):
    """Return zero potentials, and the problem that a gas of cores would pose: they cannot solve it."""
    r = 0.05 * np.arange(1, 60)
    pairs = [(a, b) for i, a in enumerate(types) for b in types[i:]]
    g, known = {pair: np.where(r < 1, 0.0, 1.0) for pair in pairs}, {pair: np.full(len(r), 0.01) for pair in pairs}
    shares = [{t: density / len(types) for t in types} for density in densities]
    targets = [cd.make_target(r, g, density=share, kT=2.0, g_stderr=known) for share in shares]
    nothing = cd.PairTable.from_knots(0.0, 2.0, np.zeros(10))
    return cd.Interactions(dict.fromkeys(pairs, nothing)), ci.problem(targets, cutoff=2.0)


@pytest.mark.parametrize(("types", "densities"), [("A", (0.2, 0.3)), ("AB", (0.2,))])
def test_an_ideal_gas_is_as_compressible_as_its_pressure_says(types, densities):
    potential, problem = ideal(types, densities)
    simulation = ci.Liquids(problem, particles=200, sample_every=20)
    found = transfer_card(potential, problem, simulation=simulation, steps=4000)
    assert any("differs from its target" in remark for remark in found.remarks)  # it has no cores
    assert [s.density for s in found.states] == pytest.approx(densities, rel=1e-9)
    for state in found.states:
        scale = state.density * state.kT
        assert state.pressure.value == pytest.approx(scale, rel=1e-12)
        assert scale * state.compressibility.value == pytest.approx(1, rel=1e-9)
        integral = state.compressibility_kirkwood_buff
        if types == "A":
            assert abs(scale * integral.value - 1) < 4 * scale * integral.error < 0.5
        else:
            assert integral is None
        assert set(state.motion.diffusion) == set(types)
        assert state.stability.largest_dt == state.stability.tried[-1].dt


def test_neighboring_densities_keep_the_composition():
    state = ideal("AB")[1].states[0]
    for factor, near in zip((0.975, 1.025), compressed(state), strict=True):
        assert near.density == pytest.approx(factor * state.density, rel=1e-12)
        assert near.densities["A"] / near.density == pytest.approx(state.densities["A"] / state.density, rel=1e-12)


def test_json_returns_the_same_card(card):
    assert TransferCard.from_json(card.to_json()) == card
    assert json.loads(card.to_json())["states"][0]["pressure"]["value"] == card.states[0].pressure.value


def test_what_is_unknown_is_null_in_json_and_nan_again(card):
    unsure = replace(card, states=(replace(card.states[0], pressure=Measured(1.0, float("nan"))),))
    text = unsure.to_json()
    assert "NaN" not in text
    assert np.isnan(TransferCard.from_json(text).states[0].pressure.error)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda t: t[:100], "no JSON"),
        (lambda t: "[]", "transfer card"),
        (lambda t: t.replace('"version": 1', '"version": 99'), "version 99"),
        (lambda t: t.replace('"seed"', '"sed"', 1), "damaged"),
    ],
)
def test_what_is_no_card_is_refused(card, damage, message):
    with pytest.raises(ValueError, match=message):
        TransferCard.from_json(damage(card.to_json()))


def test_states_that_cannot_be_are_refused(problem):
    mixture = cd.make_target([0.5, 1.0, 1.5], {("A", "B"): [0.0, 1.0, 1.0]}, density={"A": 0.1, "B": 0.1}, kT=1.0)
    with pytest.raises(ValueError, match="both positive"):
        transfer_card(LJ, problem, elsewhere=[(-0.5, 1.0)])
    with pytest.raises(ValueError, match="no such pair"):
        transfer_card(LJ, problem, elsewhere=[mixture])
