"""What is measured along a rollout: right by itself, and its transpose against finite differences of positions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import cg_data as cd
import cg_sim as cs
from cg_sim.differentiable import SoftRDF, energy, msd, pairs_of, pressure, rollout, vacf

from .test_differentiable import DT, KT, liquid, slope, tables

RDFS = [SoftRDF(2.3, 40), SoftRDF(2.6, 30, 0.12, "sphere")]


def distances(state: cs.State, a: int, b: int) -> np.ndarray:
    """Of all pairs of a type a and a type b, nearest images."""
    x = state.positions
    i, j = np.triu_indices(state.n, 1)
    kinds = np.sort(np.stack([state.types[i], state.types[j]]), axis=0)
    d = (x[i] - x[j]) @ np.linalg.inv(state.box)
    d = (d - np.rint(d)) @ state.box
    return np.sqrt(np.sum(d**2, axis=1))[(kinds[0] == a) & (kinds[1] == b)]


def gas(n: int = 400, seed: int = 0) -> cs.State:
    return cs.State(np.random.default_rng(seed).uniform(0, 10, (n, 3)), 10.0)


@pytest.mark.parametrize("tilt", [0.0, 0.8])
def test_counts_are_those_of_gaussians_on_every_pair(tilt):
    """To 1e-5 of the largest: kernels are cubics and end after five widths."""
    box = np.array([[7.0, 0, 0], [tilt, 7.2, 0], [0, tilt, 7.5]])
    rng = np.random.default_rng(1)
    state = cs.State(rng.uniform(0, 1, (120, 3)) @ box, box, types=rng.integers(0, 2, 120), names=("A", "B"))
    soft = SoftRDF(2.6, 30, 0.13)
    g, _ = soft.of(state.positions[None], state)
    fine = np.linspace(0, 5, 20001)
    n = np.bincount(state.types)
    assert pairs_of(state) == ["A-A", "A-B", "B-B"]
    for row, (a, b) in zip(g, [(0, 0), (0, 1), (1, 1)], strict=True):
        kernels = np.exp(-0.5 * ((soft.r[:, None] - distances(state, a, b)) / 0.13) ** 2)
        seen = np.trapezoid(4 * np.pi * fine**2 * np.exp(-0.5 * ((soft.r[:, None] - fine) / 0.13) ** 2), fine)
        pairs = n[a] * (n[a] - 1) / 2 if a == b else n[a] * n[b]
        known = kernels.sum(axis=1) * state.volume / (pairs * seen)
        assert np.abs(row - known).max() < 1e-5 * known.max()


def test_a_sphere_is_the_papers_equation_6():
    state = gas()
    d = 3.0 / 40  # distance of two centers; eq. 6 divides by d, not d²
    soft = SoftRDF(3.0, 40, np.sqrt(d / 2), "sphere")
    g, _ = soft.of(state.positions[None], state)
    r = distances(state, 0, 0)
    e = np.exp(-((soft.r[:, None] - r[r < 3.0]) ** 2) / d)
    count = (e / e.sum(axis=0)).sum(axis=1)
    # volumes as the kernels share them, so that an ideal gas is 1
    fine = np.linspace(0, 3, 30001)
    e = np.exp(-((soft.r[:, None] - fine) ** 2) / d)
    volumes = np.trapezoid(4 * np.pi * fine**2 * e / e.sum(axis=0), fine)
    known = count / count.sum() * volumes.sum() / volumes
    assert np.abs(g[0] - known).max() < 1e-4 * known.max()


@pytest.mark.parametrize("soft", RDFS, ids=lambda s: s.normalization)
def test_an_ideal_gas_has_g_of_one(soft):
    found = np.array([soft.of(gas(seed=k).positions[None], gas(seed=k))[0][0] for k in range(60)])
    error = found.std(axis=0, ddof=1) / np.sqrt(60)
    assert np.all(np.abs(found.mean(axis=0) - 1) < 4.5 * error)
    assert error[-5:].max() < 0.01


def test_narrow_kernels_are_a_histogram_of_the_target():
    """A target smeared by the kernels is what the kernels measure in the liquid it came from."""
    state, lj = liquid("A"), cd.Interactions(tables("A"))
    ran = cs.simulate(state, lj, kT=KT, steps=40_000, dt=DT, thermostat=cs.Langevin(1.0), sample_every=20,
                      observe=[cs.RDF(2.6, 260)], threads=1, seed=3)  # fmt: skip
    frames = [cs.simulate(state, lj, kT=KT, steps=2000 * k, dt=DT, thermostat=cs.Langevin(1.0), threads=1, seed=9)
              for k in range(1, 13)]  # fmt: skip
    soft = SoftRDF(2.0, 20, 0.08)
    found = np.array([soft.of(f.state.positions[None], state)[0][0] for f in frames])
    wanted = soft.smeared(ran.data.r.values, ran.data.g.values[0])
    error = np.maximum(found.std(axis=0, ddof=1) / np.sqrt(len(found)), 0.005)
    assert np.all(np.abs(found.mean(axis=0) - wanted) < 4.5 * error)


@pytest.mark.parametrize("types", ["A", "AB"])
@pytest.mark.parametrize("soft", RDFS, ids=lambda s: s.normalization)
def test_the_transpose_of_an_rdf_is_its_finite_difference(soft, types):
    state, rng = liquid(types), np.random.default_rng(2)
    frames = state.positions + 0.05 * rng.standard_normal((3, state.n, 3))
    g, pull = soft.of(frames, state)
    weights, way = rng.standard_normal(g.shape), rng.standard_normal(frames.shape)
    # near pairs that leave the sphere between two differences jump: the weights there are nothing
    weights[:, soft.r > 0.9 * soft.r_max] = 0.0
    found = np.sum(pull(weights) * way)
    wanted = slope(lambda e: float(np.sum(weights * soft.of(frames + e * way, state)[0])), 1e-6)
    assert found == pytest.approx(wanted, rel=2e-6)


@pytest.mark.parametrize("thermostat", [cs.NVE(), cs.Langevin(0.7), cs.NoseHoover(0.3, 3, 2)], ids=["e", "l", "c"])
def test_losses_of_observables_reach_the_start(thermostat):
    """All observables at once, through the dynamics, against finite differences in the initial state and the masses."""
    state, potential, rng = liquid("AB"), cd.Interactions(tables("AB")), np.random.default_rng(4)
    soft = SoftRDF(2.0, 30, 0.1)

    def run(start: cs.State):
        return rollout(start, potential, kT=KT, steps=20, dt=DT, thermostat=thermostat, every=4, seed=3)

    def seen(ran):
        return [soft(ran), pressure(ran), energy(ran), msd(ran, 4), vacf(ran, 4)]

    ran = run(state)
    weights = [rng.standard_normal(value.shape) for value, _ in seen(ran)]

    def loss(start: cs.State) -> float:
        return float(sum(np.sum(w * value) for w, (value, _) in zip(weights, seen(run(start)), strict=True)))

    g = ran.vjp(*(pull(w) for w, (_, pull) in zip(weights, seen(ran), strict=True)))
    way, m = rng.standard_normal((state.n, 3)), rng.standard_normal(state.n)
    checks = [
        (np.sum(g.positions * way), lambda e: loss(replace(state, positions=state.positions + e * way)), 1e-7),
        (np.sum(g.velocities * way), lambda e: loss(replace(state, velocities=state.velocities + e * way)), 1e-6),
        (g.masses @ m, lambda e: loss(replace(state, masses=state.masses + e * m)), 1e-5),
    ]
    for found, along, h in checks:
        assert found == pytest.approx(slope(along, h), rel=2e-6, abs=1e-6 * abs(loss(state)))


def test_pressure_energy_and_motion_are_the_engines():
    state, potential = liquid("AB"), cd.Interactions(tables("AB"))
    run = cs.simulate(state, potential, kT=KT, steps=40, dt=DT, thermostat=cs.NVE(), sample_every=10, threads=1, precision="double",
                      observe=[cs.Pressure(), cs.Energy()])  # fmt: skip
    ran = rollout(state, potential, kT=KT, steps=40, dt=DT, every=10)
    assert pressure(ran)[0][1:].mean() == pytest.approx(float(run.data.pressure), rel=1e-9)
    assert energy(ran)[0][1:].mean() == pytest.approx(float(run.data.energy), rel=1e-9)
    assert msd(ran, 5)[0] == pytest.approx(cs.msd_of(ran.positions)[:5], rel=1e-9)
    free = rollout(
        replace(state, positions=state.positions * 50, box=state.box * 50), potential, kT=KT, steps=40, dt=DT
    )
    assert vacf(free, 8)[0] == pytest.approx(np.full(8, np.mean(np.sum(state.velocities**2, axis=1))), rel=1e-9)


def test_what_does_not_fit_is_refused():
    ran = rollout(liquid("A"), cd.Interactions(tables("A")), kT=KT, steps=10, dt=DT)
    with pytest.raises(ValueError, match="half"):
        SoftRDF(3.2)(ran)
    with pytest.raises(ValueError, match="lags"):
        msd(ran, 12)
    with pytest.raises(ValueError, match="normalization"):
        SoftRDF(2.0, normalization="shell")  # type: ignore[arg-type]
