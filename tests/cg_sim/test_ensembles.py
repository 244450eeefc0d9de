"""What thermostats and the barostat sample, against distributions that are known exactly. All z from block means."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats
from scipy.linalg import toeplitz

import cg_data as cd
import cg_sim as cs
from cg_sim.engines.cpu.kernels.thermostats import rescaling_factor
from cg_sim.engines.cpu.session import CpuSession, start
from cg_sim.engines.protocol import Job

NOTHING = cd.LennardJones(epsilon=0.0, cutoff=1.0)
FLUID = cd.LennardJones(cutoff=1.9).force_shifted()
THERMOSTATS = [cs.Langevin(2.0), cs.NoseHoover(0.15), cs.Bussi(0.2)]
UNLIKELY = 6e-5  # two-sided probability of |z| > 4


def session(state: cs.State, potential, thermostat, *, dt: float, kT: float = 1.0, **options) -> CpuSession:
    return start(Job(state, cd.as_interactions(potential), kT, dt, thermostat, **options))


def series(run: CpuSession, count: int, every: int, value: Callable[[CpuSession], object]) -> np.ndarray:
    out = []
    for _ in range(count):
        run.advance(every)
        out.append(value(run))
    return np.array(out)


def z(samples: np.ndarray, expected: float, blocks: int = 40) -> float:
    """Return how many standard errors the mean is from what is expected; blocks are longer than the correlations."""
    means = samples[: len(samples) // blocks * blocks].reshape(blocks, -1).mean(axis=1)
    return float((means.mean() - expected) / (means.std(ddof=1) / np.sqrt(blocks)))


def scattered(n: int, side: float, **options) -> cs.State:
    return cs.State(np.random.default_rng(n).uniform(0, side, (n, 3)), side, **options)


@pytest.mark.parametrize("precision", ["double", "single"])
def test_langevin_samples_springs_exactly_at_any_dt(precision):
    """⟨x²⟩ = kT/k and ⟨v²⟩ = kT/m (1 − (ω dt)²/4) of BAOAB, at ω dt = 1 and ½, where Verlet's ⟨x²⟩ is 33 and 7 % off.

    64 particles on springs to anchors too heavy to move.
    """
    sites = 4.2 * np.stack(np.meshgrid(*[np.arange(4)] * 3), axis=-1).reshape(-1, 3)
    masses = np.concatenate([np.full(64, 1e12), np.full(32, 1.0), np.full(32, 4.0)])
    state = cs.State(np.concatenate([sites, sites + 0.05]), 16.8, masses=masses, types=["A"] * 64 + ["B"] * 64)
    pairs = {("A", "A"): NOTHING, ("B", "B"): NOTHING, ("A", "B"): cd.Harmonic(100.0, 0.0, cutoff=2.0)}
    run = session(state, pairs, cs.Langevin(1.0), dt=0.1, precision=precision)
    run.advance(400)

    def squares(run: CpuSession) -> np.ndarray:
        s = run.state()
        x2 = (s.positions[64:] - s.positions[:64]) ** 2
        return np.array([a.reshape(2, 96).mean(axis=1) for a in (100 * x2, masses[64:, None] * s.velocities[64:] ** 2)])

    found = series(run, 1200, 15, squares)
    assert abs(z(found[:, 0, 0], 1.0)) < 4
    assert abs(z(found[:, 0, 1], 1.0)) < 4
    assert abs(z(found[:, 1, 0], 1 - 1 / 4)) < 4
    assert abs(z(found[:, 1, 1], 1 - 1 / 16)) < 4
    assert np.std(found[:, 0], axis=0).max() < 1  # so that the mean of 1200 is known to better than 3 %


def test_free_langevin_particles_forget_and_diffuse():
    """⟨v(0)v(t)⟩ = kT/m e^{−γt}, exact at any dt, and the displacement that is its double sum: D = kT/(mγ).

    Errors from 6000 independent components of each of two masses.
    """
    n, gamma, dt = 4000, 2.0, 0.1
    masses = np.repeat([1.0, 4.0], n // 2)
    state = scattered(n, 20.0, masses=masses).with_velocities(1.0)
    run = session(state, NOTHING, cs.Langevin(gamma), dt=dt)
    run.advance(50)
    frames = [run.state()]
    for _ in range(200):
        run.advance(1)
        frames.append(run.state())
    x, v = (np.array([getattr(f, name) for f in frames]) for name in ("positions", "velocities"))
    np.testing.assert_allclose(np.diff(x, axis=0), 0.5 * dt * (v[1:] + v[:-1]), atol=1e-12)
    v *= np.sqrt(masses)[:, None]
    for lag in (0, 1, 5, 10, 30):
        c = (v[: 201 - lag] * v[lag:]).mean(axis=0).reshape(2, -1)
        error = c.std(axis=1) / np.sqrt(c.shape[1])
        assert np.all(np.abs(c.mean(axis=1) - np.exp(-gamma * lag * dt)) < 4 * error), lag
        assert error.max() < 0.01
    moved = (x[-1] - x[0]) * np.sqrt(masses)[:, None]
    weights = dt * np.array([0.5] + [1.0] * 199 + [0.5])  # half a drift before and after each kick of noise
    exact = weights @ toeplitz(np.exp(-gamma * dt * np.arange(201))) @ weights
    assert exact == pytest.approx(2 / gamma**2 * (gamma * 20 - 1), rel=(gamma * dt) ** 2 / 10)  # 2t/γ − …, Einstein's
    error = np.sqrt(2 / (3 * n)) * exact
    assert abs(np.mean(moved**2) - exact) < 4 * error


GASES = [(cs.Langevin(20.0), n) for n in (1, 2, 3, 32)] + [(cs.Bussi(0.05), n) for n in (1, 2, 3, 32)]


def assert_canonical(kinetic: np.ndarray, freedom: int, kT: float = 1.0) -> None:
    """K is distributed as Gamma(N_f/2, kT): mean, variance, Kolmogorov–Smirnov. Samples must be independent."""
    shape = freedom / 2
    assert abs(z(kinetic, shape * kT)) < 4
    assert abs(z((kinetic - shape * kT) ** 2, shape * kT**2)) < 4
    assert stats.kstest(kinetic, stats.gamma(shape, scale=kT).cdf).pvalue > UNLIKELY


@pytest.mark.parametrize(("thermostat", "n"), GASES, ids=repr)
def test_kinetic_energy_of_an_ideal_gas_is_canonical(thermostat, n):
    """With two masses, every 8 correlation times; Nosé–Hoover cannot thermalize what has no collisions."""
    state = scattered(n, 4.0, masses=np.where(np.arange(n) % 2, 3.0, 0.5)).with_velocities(2.0)
    run = session(state, NOTHING, thermostat, dt=0.05, kT=1.7, seed=3)
    run.advance(80)
    kinetic = series(run, 4000, 8, lambda run: run.state().kinetic_energy)
    assert_canonical(kinetic, cs.degrees_of_freedom(n, thermostat), 1.7)


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("thermostat", THERMOSTATS, ids=repr)
def test_kinetic_energy_of_a_fluid_is_canonical(thermostat, precision):
    """And shared in proportion by its light and heavy particles."""
    masses = np.where(np.arange(32) % 2, 2.0, 0.7)
    run = session(cs.fcc(32, 0.5, masses=masses, kT=1.2), FLUID, thermostat, dt=0.003, kT=1.2, precision=precision)
    run.advance(2000)
    found = series(run, 2000, 60, lambda run: 0.5 * masses * np.sum(run.state().velocities ** 2, axis=1))
    freedom = cs.degrees_of_freedom(32, thermostat)
    assert_canonical(found.sum(axis=1), freedom, 1.2)
    own = 1.5 * 1.2 * (16 - (96 - freedom) / 3 * masses[1::2].sum() / masses.sum())
    assert abs(z(found[:, 1::2].sum(axis=1), own)) < 4  # the center of mass takes kT/2 m/M a component, if at rest


@pytest.mark.parametrize("freedom", [2, 3, 96])
def test_one_step_of_velocity_rescaling_has_its_mean_and_variance(freedom):
    """⟨K′⟩ = cK + (1−c)K̄, var K′ = (1−c)² N_f kT²/2 + 2c(1−c) K kT (Bussi 2007, eq A7); from K far off K̄."""
    kT, tau, dt, n = 1.3, 0.4, 0.1, 20_000
    kinetic, c = 2.5 * freedom * kT, np.exp(-dt / tau)
    new = np.array([kinetic * rescaling_factor(kinetic, freedom, kT, dt, tau, 4, step) ** 2 for step in range(n)])
    mean = c * kinetic + (1 - c) * freedom * kT / 2
    variance = (1 - c) ** 2 * freedom * kT**2 / 2 + 2 * c * (1 - c) * kinetic * kT
    assert abs(z(new, mean)) < 4
    assert abs(z((new - mean) ** 2, variance)) < 4


def slope(low: np.ndarray, high: np.ndarray) -> float:
    """Return the maximum-likelihood slope of ln p_high/p_low against the value, from samples of both."""
    x = np.concatenate([low, high])
    middle, scale = x.mean(), x.std()
    a = np.stack([np.ones_like(x), (x - middle) / scale], axis=1)
    y, w = np.repeat([0.0, 1.0], [len(low), len(high)]), np.zeros(2)
    for _ in range(30):
        p = 1 / (1 + np.exp(-a @ w))
        w = w + np.linalg.solve(a.T @ (a * (p * (1 - p))[:, None]), a.T @ (y - p))
    return float(w[1] / scale)


def slope_and_error(low: np.ndarray, high: np.ndarray, blocks: int = 20) -> tuple[float, float]:
    """Return the slope and its jackknife error over blocks left out of both series."""
    parts = [np.array_split(a, blocks) for a in (low, high)]
    without = [slope(*(np.concatenate(p[:k] + p[k + 1 :]) for p in parts)) for k in range(blocks)]
    return slope(low, high), float(np.sqrt((blocks - 1) * np.var(without)))


@pytest.mark.parametrize("thermostat", THERMOSTATS, ids=repr)
def test_two_temperatures_differ_by_boltzmann_factors(thermostat):
    """ln p₂(U)/p₁(U) = (β₁ − β₂) U + const, for the potential energy of a small Lennard-Jones fluid."""
    energies = []
    for kT in (1.3, 1.7):
        run = cs.simulate(cs.fcc(32, 0.5), FLUID, kT=kT, dt=0.004, steps=60_000, equilibration=4000, sample_every=20,
                          thermostat=thermostat, seed=6)  # fmt: skip
        energies.append(run.data.energy_series.values * 32)
    found, error = slope_and_error(*energies)
    assert abs(found - (1 / 1.3 - 1 / 1.7)) < 4 * error
    assert error < 0.08 * found


@pytest.mark.parametrize("thermostat", [cs.Langevin(0.5), cs.Bussi(1.0)], ids=repr)
def test_the_volume_of_an_ideal_gas_under_pressure_is_gamma_distributed(thermostat):
    """p(V) ∝ V^f e^{−PV/kT}, f = N_f/3: the N particles, or N − 1 where the center of mass is at rest.

    Velocities must shrink as the box grows: a box faster than the thermostat would otherwise show it. Steps of the box
    are 1 % of its relaxation, which is the size of the bias that they leave in the variance.
    """
    n, kT, pressure = 8, 1.0, 0.1
    barostat = cs.CellRescaling(pressure, tau=1.0, compressibility=1 / pressure, every=1)
    state = scattered(n, (n * kT / pressure) ** (1 / 3)).with_velocities(kT)
    run = session(state, cd.LennardJones(epsilon=0.0, cutoff=0.5), thermostat, dt=0.01, barostat=barostat)
    run.advance(1000)
    found = series(run, 4000, 150, lambda run: run.state().volume)
    shape, scale = cs.degrees_of_freedom(n, thermostat) / 3 + 1, kT / pressure
    assert abs(z(found, shape * scale)) < 4
    assert abs(z((found - shape * scale) ** 2, shape * scale**2)) < 4
    assert stats.kstest(found[::5], stats.gamma(shape, scale=scale).cdf).pvalue > UNLIKELY


@pytest.mark.parametrize("thermostat", THERMOSTATS, ids=repr)
def test_two_pressures_differ_by_their_work(thermostat):
    """ln p₂(V)/p₁(V) = −(P₂ − P₁) V/kT + const, and the mean pressure is the one that was asked for."""
    volumes = []
    for pressure in (1.4, 1.9):
        barostat = cs.CellRescaling(pressure, tau=0.2, compressibility=0.3, every=2)
        run = session(cs.fcc(32, 0.4, kT=1.0), cd.WCA(), thermostat, dt=0.004, barostat=barostat, seed=2)
        run.advance(4000)
        found = series(run, 2000, 50, lambda run: (run.state().volume, np.trace(run.frame().pressure_tensor) / 3))
        volumes.append(found[:, 0])
        assert abs(z(found[:, 1], pressure)) < 4
    found, error = slope_and_error(*volumes)
    assert abs(found + 0.5) < 4 * error
    assert error < 0.1 * abs(found)


def test_a_fluid_under_its_own_pressure_keeps_its_density():
    """NPT at the pressure that NVT has: ⟨V⟩ is V to the 1/N by which p(V) is skewed (an ideal gas: V (1 + 1/N))."""
    n, density = 108, 0.55
    options = {"kT": 1.5, "dt": 0.004, "equilibration": 2000, "observe": [cs.Pressure()], "sample_every": 20}
    fixed = cs.simulate(cs.fcc(n, density), FLUID, steps=20_000, **options).data
    barostat = cs.CellRescaling(float(fixed.pressure), tau=0.5, compressibility=0.3, every=5)
    job = session(cs.fcc(n, density, kT=1.5), FLUID, cs.Langevin(), dt=0.004, kT=1.5, barostat=barostat, seed=1)
    job.advance(2000)
    volume = series(job, 1000, 30, lambda run: run.state().volume) / (n / density)
    means = volume.reshape(20, -1).mean(axis=1)
    error = means.std(ddof=1) / np.sqrt(20)
    slack = float(fixed.pressure_stderr) * np.var(volume) * (n / density) / 1.5  # dV/dP = −var V/kT
    assert abs(means.mean() - 1) < 1 / n + 4 * np.hypot(error, slack)
    assert np.hypot(error, slack) < 0.01
