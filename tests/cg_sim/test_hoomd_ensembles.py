"""The hoomd engine in motion: conservation, ensembles, averages known from long runs, continuation, noise."""

from __future__ import annotations

import importlib
from dataclasses import replace

import numpy as np
import pytest

from cg_data import Interactions, LennardJones
from cg_sim.engines.protocol import Job, temperature
from cg_sim.ensembles import NVE, Bussi, CellRescaling, Langevin, NoseHoover, degrees_of_freedom
from cg_sim.lattices import fcc
from cg_sim.state import State

pytest.importorskip("hoomd", reason="HOOMD-blue comes from conda-forge only")
engine = importlib.import_module("cg_sim.engines.hoomd")
pytestmark = pytest.mark.hoomd

FULL = Interactions({("A", "A"): LennardJones(cutoff=2.5)})
SMOOTH = Interactions({("A", "A"): LennardJones(cutoff=2.5).smooth_cut(2.0).table(2000)})


def crystal(n: int = 256) -> State:
    """A shaken crystal at density 0.7, far out of its box, with velocities."""
    state, rng = fcc(n, 0.7, kT=1.0), np.random.default_rng(0)
    away = rng.integers(-3, 4, (n, 3)) @ state.box
    return replace(state, positions=state.positions + away + 0.02 * rng.standard_normal((n, 3)), step=12)


def session(state: State, thermostat: object = NVE(), forces: Interactions = SMOOTH, **job: object):
    settings = {"kT": 1.0, "dt": 0.004, "seed": 5} | job
    return engine.start(Job(state, forces, thermostat=thermostat, **settings), device="cpu")


def energies(run, blocks: int, steps: int) -> np.ndarray:
    found = []
    for _ in range(blocks):
        run.advance(steps)
        frame = run.frame()
        found.append(frame.energy + frame.state.kinetic_energy)
    return np.array(found)


def test_nve_energy_fluctuates_with_the_square_of_dt() -> None:
    state = settled()
    spread = [np.std(energies(session(state, dt=dt), 40, round(0.08 / dt))) for dt in (0.008, 0.004)]
    assert 3 < spread[0] / spread[1] < 5.3  # 4 for an integrator of second order
    found = energies(session(state), 60, 50)
    (early, e), (late, f) = blocked(found[:30]), blocked(found[30:])
    assert abs(late - early) < 4 * np.hypot(e, f)  # no drift


def settled(n: int = 256, kT: float = 1.0) -> State:
    run = session(crystal(n), thermostat=Langevin(5.0), kT=kT)
    run.advance(600)
    return run.state()


def blocked(values: np.ndarray, blocks: int = 10) -> tuple[float, float]:
    means = np.array([block.mean() for block in np.array_split(values, blocks)])
    return float(means.mean()), float(means.std(ddof=1) / np.sqrt(blocks))


def sampled(run, samples: int, steps: int, what) -> tuple[float, float]:
    values = []
    for _ in range(samples):
        run.advance(steps)
        values.append(what(run.frame()))
    return blocked(np.array(values))


@pytest.mark.parametrize("thermostat", [Langevin(2.0), NoseHoover(0.3), Bussi(0.2)], ids=lambda t: type(t).__name__)
def test_kinetic_temperature_of_every_thermostat(thermostat) -> None:
    state = replace(settled(kT=1.3), masses=2.0)
    freedom = degrees_of_freedom(state.n, thermostat)
    run = session(state, thermostat=thermostat, kT=1.3, dt=0.005)
    run.advance(500)
    mean, error = sampled(run, 200, 15, lambda frame: temperature(frame.state, freedom))
    assert abs(mean - 1.3) < 4 * error
    assert error < 0.02


def ideal(n: int, kT: float) -> State:
    """Particles of two masses at an exact kinetic temperature, for forces that are all zero."""
    state = fcc(n, 0.7, composition={"A": 0.5, "B": 0.5})
    return replace(state, masses=1.0 + 2 * state.types).with_velocities(kT)


NOTHING = Interactions({pair: LennardJones(epsilon=0.0, cutoff=2.5) for pair in ("A-A", "A-B", "B-B")})


def test_langevin_friction_is_a_rate_whatever_the_mass() -> None:
    state = ideal(256, 1.0)
    run = session(state, Langevin(0.5), NOTHING, kT=1e-16)
    run.advance(500)
    # e^(−γt), γt = 1; noise of 1e-8, and HOOMD's damped half step is of first order, γ dt/2 = 1e-3
    np.testing.assert_allclose(run.state().velocities, state.velocities / np.e, rtol=3e-3, atol=1e-6)


def test_rescaling_thermostats_have_the_time_constants_asked_for() -> None:
    n, kT, tau = 4096, 1.0, 0.4
    noise = np.sqrt(2 / (3 * n))  # of a kinetic temperature, relative
    run = session(ideal(n, 3.0), Bussi(tau), NOTHING, kT=kT)
    run.advance(100)
    mean = 1 + 2 * np.exp(-100 * 0.004 / tau)
    assert abs(temperature(run.state(), 3 * n - 3) - mean) < 4 * noise * mean
    run = session(ideal(n, 1.1), NoseHoover(tau), NOTHING, kT=kT)
    run.advance(round(np.pi * tau / np.sqrt(2) / 0.004))  # half a period of small oscillations, ω = √2/τ
    # the random start of ξ has no part in it at half a period; the oscillation is 5 % off harmonic at this amplitude
    assert temperature(run.state(), 3 * n - 3) == pytest.approx(0.9, abs=0.015)


@pytest.mark.parametrize("thermostat", [Langevin(1.0), Bussi(0.5)], ids=lambda t: type(t).__name__)
def test_averages_of_the_lennard_jones_liquid(thermostat) -> None:
    """U/N = −4.519(1), P = 0.535(4): long runs of HOOMD's own pair.LJ at N = 4000."""
    run = session(crystal(500), thermostat, FULL, dt=0.005)
    run.advance(1500)
    values = []
    for _ in range(150):
        run.advance(20)
        frame = run.frame()
        values.append([frame.energy / 500, np.trace(frame.pressure_tensor) / 3])
    for (mean, error), wanted, known in zip(
        map(blocked, np.transpose(values)), (-4.519, 0.535), (1e-3, 4e-3), strict=True
    ):
        assert abs(mean - wanted) < 4 * np.hypot(error, known), (mean, error)


def test_the_barostat_keeps_density_and_shape() -> None:
    cubic = crystal(500)
    shear = np.array([[1.0, 0, 0], [0.3, 1.0, 0], [-0.2, 0.1, 1.0]])
    state = replace(cubic, box=cubic.box @ shear, positions=cubic.positions @ shear)
    run = session(state, Bussi(0.3), FULL, barostat=CellRescaling(pressure=0.535, tau=0.5), dt=0.005)
    run.advance(1500)
    density, error = sampled(run, 120, 25, lambda frame: frame.state.density)
    assert abs(density - 0.7) < 4 * np.hypot(error, 0.0015)  # dρ/dP ≈ 0.2 and 0.004 in P, and 500 particles
    assert error < 0.02
    now = run.state().box
    np.testing.assert_allclose(
        now / np.cbrt(np.linalg.det(now)), state.box / np.cbrt(np.linalg.det(state.box)), atol=1e-10
    )


@pytest.mark.parametrize(
    ("thermostat", "barostat"),
    [(Langevin(), None)] + [(t, b) for t in (NVE(), NoseHoover(), Bussi()) for b in (None, CellRescaling(0.5))],
    ids=lambda record: type(record).__name__,
)
def test_a_resumed_run_continues_the_uninterrupted_one(thermostat, barostat) -> None:
    settings = {"thermostat": thermostat, "barostat": barostat, "seed": 2**33 + 1}
    whole = session(crystal(), **settings)
    whole.advance(100)
    resumed = session(whole.state(), extra=whole.extra(), **settings)
    for run in (whole, resumed):
        run.advance(60)
    # rounding at the checkpoint, 1e-15 of 40, grown by at most e^(2 · 60 · 0.004 · 10)
    np.testing.assert_allclose(resumed.state().positions, whole.state().positions, rtol=0, atol=1e-9)
    np.testing.assert_allclose(resumed.state().velocities, whole.state().velocities, rtol=0, atol=1e-8)
    assert resumed.state().step == 172


def test_seeds_decide_the_noise() -> None:
    ends = []
    for seed in (1, 1, 2):
        run = session(crystal(), Langevin(), seed=seed)
        run.advance(10)
        ends.append(run.state().velocities)
    np.testing.assert_array_equal(ends[0], ends[1])
    assert np.abs(ends[0] - ends[2]).max() > 1e-3
    xi = [session(crystal(), NoseHoover(), seed=seed).extra()["thermostat"][0] for seed in (1, 1, 2)]
    assert xi[0] == xi[1] != xi[2]
