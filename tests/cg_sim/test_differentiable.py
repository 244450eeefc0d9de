"""The transpose of a trajectory: against finite differences of the same trajectory, in every direction it can move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import cg_data as cd
import cg_sim as cs
from cg_sim.differentiable import Cotangents, Gradients, Rollout, rollout

THERMOSTATS = [cs.NVE(), cs.Langevin(0.7), cs.NoseHoover(0.3, 3, 2), cs.NoseHoover(0.2, 1)]
KT, DT = 1.2, 0.004
every_thermostat = pytest.mark.parametrize(
    "thermostat", THERMOSTATS, ids=["NVE", "Langevin", "chain of 3", "chain of 1"]
)


def tables(types: str) -> dict[tuple[str, str], cd.PairTable]:
    """Tables that differ in depth, size and cutoff, with too few knots to be smooth by chance."""
    given = {
        ("A", "A"): cd.LennardJones(1.0, 1.0, 2.5),
        ("A", "B"): cd.LennardJones(0.8, 0.9, 2.2),
        ("B", "B"): cd.LennardJones(1.2, 1.1, 2.4),
    }
    return {
        pair: cd.PairTable.from_potential(u.force_shifted(), 200, r_min=0.7)
        for pair, u in given.items()
        if set(pair) <= set(types)
    }


@cache
def liquid(types: str) -> cs.State:
    """A liquid of 108 particles of unequal masses at rest as a whole."""
    start = cs.fcc(108, 0.6, kT=KT, composition={t: 1 / len(types) for t in types}, seed=1)
    masses = 1 + 0.5 * np.random.default_rng(0).random(108)
    melted = cs.simulate(
        replace(start, masses=masses), cd.Interactions(tables(types)), kT=KT, steps=400, dt=DT,
        thermostat=cs.Langevin(1.0), threads=1, seed=1,
    )  # fmt: skip
    return replace(melted.state, step=0).with_velocities(KT, seed=2)


class Loss:
    """A number that depends on everything a rollout shows, with random weights."""

    def __init__(self, ran: Rollout) -> None:
        rng = np.random.default_rng(3)
        self.x, self.v = rng.standard_normal(ran.positions.shape), rng.standard_normal(ran.velocities.shape)
        self.u, self.w = rng.standard_normal(ran.energy.shape), 0.1 * rng.standard_normal(ran.virial.shape)

    def __call__(self, ran: Rollout) -> float:
        waves = np.sum(self.x * np.sin(ran.positions)) + np.sum(self.v * ran.velocities**2)
        return float(waves + self.u @ ran.energy + self.w @ ran.virial)

    def gradients(self, ran: Rollout) -> Gradients:
        return ran.vjp(Cotangents(self.x * np.cos(ran.positions), 2 * self.v * ran.velocities, self.u, self.w))


def waves(table: cd.PairTable, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """U and F of a smooth curve of ten waves that ends with the table, at its knots."""
    k, a, phase = 2.0 + np.arange(10), rng.standard_normal(10), rng.uniform(0, 6, 10)
    r = table.knots[:, None]
    left = table.cutoff - r
    wave, steep = a * np.sin(k * r + phase), a * k * np.cos(k * r + phase)
    return (left**3 * wave).sum(axis=1), (3 * left**2 * wave - left**3 * steep).sum(axis=1)


def slope(along: Callable[[float], float], h: float) -> float:
    """Derivative at 0 by a central difference of fourth order."""
    return (8 * (along(h) - along(-h)) - (along(2 * h) - along(-2 * h))) / (12 * h)


@every_thermostat
@pytest.mark.parametrize("types", ["A", "AB"])
@pytest.mark.parametrize(("steps", "every"), [(5, 1), (50, 10)])
def test_gradients_are_those_of_finite_differences(thermostat, types, steps, every):
    """To 1e-6 of the loss or of its slope. Force slopes of a table have kinks at its knots, which pairs cross within h:
    positions are moved by less, and tables are bent smoothly."""
    state, known, rng = liquid(types), tables(types), np.random.default_rng(5)

    def run(start=state, potentials=known, kT=KT, dt=DT) -> Rollout:
        return rollout(start, cd.Interactions(potentials), kT=kT, steps=steps, dt=dt, thermostat=thermostat,
                       every=every, seed=7)  # fmt: skip

    ran = run()
    loss = Loss(ran)
    g = loss.gradients(ran)
    x, m = rng.standard_normal((state.n, 3)), rng.standard_normal(state.n)
    checks = {
        "positions": (
            np.sum(g.positions * x),
            lambda e: loss(run(replace(state, positions=state.positions + e * x))),
            1e-7,
        ),
        "velocities": (
            np.sum(g.velocities * x),
            lambda e: loss(run(replace(state, velocities=state.velocities + e * x))),
            1e-6,
        ),
        "masses": (g.masses @ m, lambda e: loss(run(replace(state, masses=state.masses + e * m))), 1e-5),
        "dt": (g.dt, lambda e: loss(run(dt=DT + e)), 1e-8),
        "kT": (g.kT, lambda e: loss(run(kT=KT + e)), 1e-5),
    }
    for pair, table in known.items():
        u, f = waves(table, rng)

        def bent(e, pair=pair, table=table, u=u, f=f) -> float:
            other = cd.PairTable.from_forces(table.r_min, table.cutoff, table.u_knots + e * u, table.f_knots + e * f)
            return loss(run(potentials=known | {pair: other}))

        k = g.tables["-".join(pair)]
        checks[f"table of {pair}"] = (k.u @ u + k.f @ f, bent, 1e-6)
    for name, (found, along, h) in checks.items():
        wanted = slope(along, h)
        assert found == pytest.approx(wanted, rel=1e-6, abs=1e-6 * abs(loss(ran))), name


@every_thermostat
def test_it_is_the_engines_trajectory(thermostat):
    state, potential = liquid("AB"), cd.Interactions(tables("AB"))
    ours = rollout(state, potential, kT=KT, steps=60, dt=DT, thermostat=thermostat, seed=4).state
    engines = cs.simulate(
        state, potential, kT=KT, steps=60, dt=DT, thermostat=thermostat, threads=1, precision="double", seed=4
    ).state
    assert np.abs(ours.positions - engines.positions).max() < 1e-12
    assert np.abs(ours.velocities - engines.velocities).max() < 1e-11
    assert ours.step == engines.step == 60


@every_thermostat
def test_the_same_run_gives_the_same_bits(thermostat):
    def once() -> tuple[Rollout, Gradients]:
        ran = rollout(liquid("A"), cd.Interactions(tables("A")), kT=KT, steps=40, dt=DT, thermostat=thermostat, every=8)
        return ran, Loss(ran).gradients(ran)

    (first, g), (second, h) = once(), once()
    assert np.array_equal(first.positions, second.positions)
    assert np.array_equal(g.positions, h.positions)
    assert np.array_equal(g.tables["A-A"].u, h.tables["A-A"].u)
    assert (g.kT, g.dt) == (h.kT, h.dt)


def test_time_runs_backward_without_a_thermostat():
    state, potential = liquid("A"), cd.Interactions(tables("A"))
    there = rollout(state, potential, kT=KT, steps=100, dt=DT).state
    back = rollout(replace(there, velocities=-there.velocities), potential, kT=KT, steps=100, dt=DT).state
    assert np.abs(back.positions - state.positions).max() < 1e-10


def test_nothing_asked_nothing_changed():
    ran = rollout(liquid("A"), cd.Interactions(tables("A")), kT=KT, steps=10, dt=DT, thermostat=cs.NoseHoover())
    g = ran.vjp()
    assert not np.any(g.positions)
    assert not np.any(g.tables["A-A"].u)
    assert g.kT == g.dt == 0


def test_a_pair_below_its_table_ends_the_run_with_the_remedy():
    near = cs.State([[1.0, 1, 1], [1.65, 1, 1]], 8.0)
    with pytest.raises(cs.BlowUp, match="begin the table further in"):
        rollout(near, cd.Interactions(tables("A")), kT=KT, steps=10, dt=DT)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"steps": 10, "every": 3}, "multiple of every"),
        ({"steps": 0}, "multiple of every"),
        ({"dt": -0.1}, "dt must be positive"),
        ({"thermostat": cs.Bussi()}, "no transpose of Bussi"),
    ],
)
def test_what_cannot_be_run_is_refused(options, said):
    settings = {"kT": KT, "steps": 10, "dt": DT} | options
    with pytest.raises((ValueError, TypeError), match=said):
        rollout(liquid("A"), cd.Interactions(tables("A")), **settings)


def test_derivatives_must_fit_the_frames():
    ran = rollout(liquid("A"), cd.Interactions(tables("A")), kT=KT, steps=10, dt=DT, every=5)
    with pytest.raises(ValueError, match=r"\(3, 108, 3\) as the frames"):
        ran.vjp(Cotangents(np.zeros((11, 108, 3))))
