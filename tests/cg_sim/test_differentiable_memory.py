"""Checkpoints, replicas and how far gradients can be trusted."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

import cg_data as cd
import cg_sim as cs
from cg_sim.differentiable import Cotangents, growth, rollout, rollout_batch, vjp_batch

from .test_differentiable import DT, KT, every_thermostat, liquid, tables


@every_thermostat
@pytest.mark.parametrize(("steps", "every"), [(60, 5), (61, 1)])
def test_checkpoints_change_nothing(thermostat, steps, every):
    """Up to the order in which forces are summed, as lists are made anew at checkpoints."""
    potential = cd.Interactions(tables("AB"))
    whole, parts = (
        rollout(
            liquid("AB"),
            potential,
            kT=KT,
            steps=steps,
            dt=DT,
            thermostat=thermostat,
            every=every,
            seed=1,
            checkpoints=c,
        )
        for c in (False, True)
    )
    for name in ("positions", "velocities", "energy", "virial"):
        assert getattr(parts, name) == pytest.approx(getattr(whole, name), rel=1e-11, abs=1e-11), name
    rng = np.random.default_rng(0)
    given = Cotangents(
        rng.standard_normal(whole.positions.shape), rng.standard_normal(whole.velocities.shape),
        rng.standard_normal(whole.energy.shape), rng.standard_normal(whole.virial.shape),
    )  # fmt: skip
    g, h = whole.vjp(given), parts.vjp(given)
    for name in ("positions", "velocities", "masses"):
        one, other = getattr(g, name), getattr(h, name)
        assert np.abs(one - other).max() < 1e-9 * np.abs(one).max(), name
    assert (h.kT, h.dt) == pytest.approx((g.kT, g.dt), rel=1e-9)
    for pair in g.tables:
        assert np.abs(g.tables[pair].f - h.tables[pair].f).max() < 1e-9 * np.abs(g.tables[pair].f).max()


def test_memory_of_checkpoints_grows_with_the_root_of_the_steps():
    def peak(steps: int, checkpoints: bool) -> float:
        tracemalloc.start()
        ran = rollout(liquid("A"), cd.Interactions(tables("A")), kT=KT, steps=steps, dt=DT, thermostat=cs.Langevin(1.0),
                      every=steps, checkpoints=checkpoints)  # fmt: skip
        ran.vjp(Cotangents(energy=np.ones(2)))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    one_state = 108 * 3 * 8 * 2
    assert peak(3600, False) > 3600 * one_state
    assert peak(3600, True) < 8 * np.sqrt(3600) * one_state


def test_a_checkpointed_vjp_can_be_taken_twice():
    ran = rollout(liquid("A"), cd.Interactions(tables("A")), kT=KT, steps=30, dt=DT, checkpoints=True)
    given = Cotangents(energy=np.linspace(0, 1, 31))
    assert np.array_equal(ran.vjp(given).positions, ran.vjp(given).positions)


def test_replicas_are_rollouts_of_their_own_whatever_the_threads():
    state, potential = liquid("A"), cd.Interactions(tables("A"))
    states = [state.with_velocities(KT, seed=k) for k in range(3)]
    options = {"steps": 20, "dt": DT, "thermostat": cs.Langevin(1.0), "every": 5}
    many = [rollout_batch(states, potential, kT=[1.0, 1.2, 1.4], seed=5, threads=t, **options) for t in (1, 2)]
    single = [rollout(s, potential, kT=kT, seed=5 + k, **options) for k, (s, kT) in
              enumerate(zip(states, [1.0, 1.2, 1.4], strict=True))]  # fmt: skip
    given = [Cotangents(energy=np.ones(5))] * 3
    for ran in many:
        for ours, alone, g in zip(ran, single, vjp_batch(ran, given, threads=2), strict=True):
            assert np.array_equal(ours.positions, alone.positions)
            assert np.array_equal(g.tables["A-A"].u, alone.vjp(given[0]).tables["A-A"].u)
    with pytest.raises(ValueError, match="do not go together"):
        rollout_batch(states, potential, kT=[1.0, 1.2], **options)


def test_growth_is_that_of_a_small_difference():
    """Over 300 steps a liquid carries a random direction back as fast as it separates twins, in the mean of both."""
    state, potential = liquid("A"), cd.Interactions(tables("A"))
    ran = rollout(state, potential, kT=KT, steps=300, dt=DT)
    found = growth(ran, samples=4)
    rates = []
    for k in range(8):
        way = np.random.default_rng(k).standard_normal(state.positions.shape) * 1e-9
        twin = cs.State(state.positions + way, state.box, velocities=state.velocities, masses=state.masses)
        other = rollout(twin, potential, kT=KT, steps=300, dt=DT)
        apart = np.linalg.norm(other.positions[-1] - ran.positions[-1]) / np.linalg.norm(way)
        rates.append(np.log(apart) / (300 * DT))
    assert found.rate == pytest.approx(np.mean(rates), rel=0.1)
    assert found.window == int(np.log(100) / (found.rate * DT))
    assert found.factor == pytest.approx(np.exp(found.rate * 300 * DT))


def test_free_particles_grow_apart_slowly():
    far = cs.State(np.array([[1.0, 1, 1], [15, 15, 15]]), 30.0)
    assert growth(rollout(far, tables("A")["A", "A"], kT=1, steps=50, dt=DT)).factor == pytest.approx(1)
