"""The time steps: measured order, conserved quantities, reversal, exact solutions, invariance under images."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import cg_data as cd
import cg_sim as cs
from cg_sim.box import nearest_image
from cg_sim.engines.cpu.kernels.thermostats import chain_energy
from cg_sim.engines.cpu.session import CpuSession, start
from cg_sim.engines.protocol import Job
from cg_sim.ensembles import Thermostat

SOFT = cd.GaussianCore(epsilon=5.0, sigma=0.5, cutoff=2.4).table(2000)  # 5e-10 at its cutoff: smooth everywhere
SMOOTH_LJ = cd.LennardJones(cutoff=2.5).force_shifted()
CHAINS = [cs.NoseHoover(tau=0.3, chain=1), cs.NoseHoover(tau=0.3, chain=3), cs.NoseHoover(tau=0.3, chain=2, substeps=3)]
NVE = cs.NVE()
PRECISIONS = ["double", "single"]


def session(state: cs.State, potential, thermostat: Thermostat = NVE, **options) -> CpuSession:
    job = {"kT": 1.0, "dt": 0.005, **options}
    return start(Job(state, cd.as_interactions(potential), thermostat=thermostat, **job))


def soft_fluid(n: int = 24, side: float = 4.8) -> cs.State:
    """Particles of different masses at random places: far from equilibrium, overlapping."""
    rng = np.random.default_rng(8)
    return cs.State(rng.uniform(0, side, (n, 3)), side, masses=rng.uniform(0.5, 2.0, n)).with_velocities(1.0, 1)


def lj_fluid(n: int = 108) -> cs.State:
    run = cs.simulate(cs.fcc(n, 0.7), SMOOTH_LJ, kT=1.0, steps=2000, seed=1)
    return cs.State(run.state.positions, run.state.box).with_velocities(1.0, 3)


def conserved(run: CpuSession, thermostat: Thermostat) -> float:
    """Return H at kT = 1, with the chain's part if there is one."""
    frame, extra = run.frame(), run.extra()
    energy = frame.energy + frame.state.kinetic_energy
    if isinstance(thermostat, cs.NoseHoover):
        freedom = cs.degrees_of_freedom(frame.state.n, thermostat)
        masses = thermostat.tau**2 * np.array([freedom] + [1.0] * (thermostat.chain - 1))
        energy += chain_energy(extra["eta"], extra["p_eta"], masses, freedom, 1.0)
    return energy


@pytest.mark.parametrize("thermostat", [NVE, *CHAINS], ids=repr)
def test_trajectories_converge_with_the_square_of_dt(thermostat):
    """Differences between runs with dt, dt/2, dt/4 over one time unit fall by four."""
    ends = []
    for steps in (250, 500, 1000):
        run = session(soft_fluid(), SOFT, thermostat, dt=1 / steps)
        run.advance(steps)
        ends.append(run.state().positions)
    ratio = np.linalg.norm(ends[0] - ends[1]) / np.linalg.norm(ends[1] - ends[2])
    assert ratio == pytest.approx(4, rel=0.02)  # the next term is of order dt⁴


@pytest.mark.parametrize("thermostat", [NVE, *CHAINS], ids=repr)
def test_the_conserved_quantity_fluctuates_with_the_square_of_dt(thermostat):
    spread = []
    for dt in (0.008, 0.004):
        run = session(soft_fluid(), SOFT, thermostat, dt=dt)
        values = []
        for _ in range(200):
            run.advance(round(0.024 / dt))
            values.append(conserved(run, thermostat))
        spread.append(np.std(values))
    assert spread[0] < 0.02  # of 24 particles at kT = 1
    assert spread[0] / spread[1] == pytest.approx(4, rel=0.1)  # trajectories of two dt part a little


@pytest.mark.parametrize("thermostat", CHAINS, ids=repr)
def test_nose_hoover_follows_its_equations_of_motion(thermostat):
    """An eighth-order solution of the textbook equations; a chain of one is the trap: no thermostat above it."""
    state = soft_fluid(6)
    n, m, tau, kT = state.n, thermostat.chain, thermostat.tau, 0.7
    freedom = 3 * n - 3
    q = kT * tau**2 * np.array([freedom] + [1] * (m - 1))
    i, j = np.triu_indices(n, 1)

    def slopes(_: float, y: np.ndarray) -> np.ndarray:
        x, v = y[: 3 * n].reshape(n, 3), y[3 * n : 6 * n].reshape(n, 3)
        p = y[6 * n : 6 * n + m]
        d = nearest_image(x[i] - x[j], state.box)
        r = np.linalg.norm(d, axis=1)
        pair = (SOFT.force(r) / r)[:, None] * d
        f = np.zeros_like(x)
        np.add.at(f, i, pair)
        np.add.at(f, j, -pair)
        dv = f / state.masses[:, None] - p[0] / q[0] * v
        push = [np.sum(state.masses[:, None] * v**2) - freedom * kT, *(p[:-1] ** 2 / q[:-1] - kT)]
        drag = np.append(p[1:] / q[1:], 0.0) * p
        return np.concatenate([v.ravel(), dv.ravel(), np.array(push) - drag])

    y0 = np.concatenate([state.positions.ravel(), state.velocities.ravel(), np.zeros(m)])
    exact = solve_ivp(slopes, (0, 4.0), y0, method="DOP853", rtol=1e-11, atol=1e-12).y[:, -1]
    run = session(state, SOFT, thermostat, dt=0.0005, kT=kT)
    run.advance(8000)
    np.testing.assert_allclose(run.state().positions.ravel(), exact[: 3 * n], atol=1e-5)  # dt² errors, grown by chaos
    np.testing.assert_allclose(run.extra()["p_eta"], exact[6 * n :], atol=1e-5)
    assert np.abs(exact[6 * n :]).max() > 0.02


def test_two_unequal_masses_on_a_spring_move_as_velocity_verlet_can_be_solved():
    """d(n) = d(0) cos nφ with φ = 2 arcsin(ω dt/2), ω² = k(1/m₁ + 1/m₂): exact in n, at a large dt too."""
    state = cs.State([[2.9, 3, 3], [3.1, 3.3, 2.8]], 6.0, masses=[1.0, 3.0])
    spring, dt, steps = cd.Harmonic(k=30.0, r0=0.0, cutoff=2.0), 0.05, 997
    run = session(state, spring, dt=dt)
    run.advance(steps)
    angle = 2 * np.arcsin(0.5 * dt * np.sqrt(30.0 * (1 + 1 / 3)))
    x = run.state().positions
    d = state.positions[1] - state.positions[0]
    np.testing.assert_allclose(x[1] - x[0], d * np.cos(steps * angle), atol=1e-11)
    np.testing.assert_allclose([1.0, 3.0] @ x, [1.0, 3.0] @ state.positions, atol=1e-11)


def test_one_particle_flies_straight_through_many_boxes():
    run = session(cs.State([[0.1, 0.2, 0.3]], 5.0, [[3.0, -2.0, 0.5]]), SOFT, dt=0.01)
    run.advance(1000)
    np.testing.assert_allclose(run.state().positions, [[30.1, -19.8, 5.3]], atol=1e-11)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_energy_does_not_drift(precision):
    """Over 10⁵ steps of dt = 0.002: less than 5e-5 kT per particle, which is one standard deviation of its noise."""
    run = session(lj_fluid(), SMOOTH_LJ, dt=0.002, precision=precision)
    run.advance(2000)
    energy = []
    for _ in range(500):
        run.advance(200)
        energy.append(conserved(run, NVE) / 108)
    time = np.linspace(0, 1, len(energy))
    drift, level = np.polyfit(time, energy, 1)
    assert abs(drift) < 5e-5
    assert np.std(energy - drift * time - level) < 5e-5


@pytest.mark.parametrize("thermostat", [NVE, *CHAINS], ids=repr)
def test_time_can_be_reversed(thermostat):
    """With velocities and chain momenta turned around, 300 steps lead back; rounding grows by chaos to 1e-10."""
    state = lj_fluid()
    there = session(state, SMOOTH_LJ, thermostat)
    there.advance(300)
    end, extra = there.state(), there.extra()
    turned = cs.State(end.positions, end.box, -end.velocities)
    back = session(turned, SMOOTH_LJ, thermostat, extra={**extra, "p_eta": -extra["p_eta"]})
    back.advance(300)
    assert np.abs(end.positions - state.positions).max() > 1
    np.testing.assert_allclose(back.state().positions, state.positions, atol=1e-8)
    np.testing.assert_allclose(back.state().velocities, -state.velocities, atol=1e-8)


MOMENTUM = {"double": 1e-11, "single": 1e-4}  # rounding of 10⁵ sums of forces ~10 to 2⁻⁵³, 2⁻²⁴: a random walk


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("thermostat", [NVE, cs.NoseHoover(), cs.Bussi()], ids=repr)
def test_momentum_is_conserved(thermostat, precision):
    run = session(lj_fluid(), SMOOTH_LJ, thermostat, precision=precision)
    run.advance(5000)
    v = run.state().velocities
    assert np.abs(v.sum(axis=0)).max() < MOMENTUM[precision]
    assert np.abs(v).max() > 1


@pytest.mark.parametrize("thermostat", [NVE, cs.NoseHoover(), cs.Bussi(), cs.Langevin()], ids=repr)
def test_images_change_no_trajectory(thermostat):
    """Particles started any number of boxes away keep that distance: sheared box, forces of 200 steps."""
    rng = np.random.default_rng(4)
    box = np.array([[6.0, 0, 0], [1.0, 5.5, 0], [-0.7, 0.9, 5.8]])
    x, v = rng.uniform(0, 1, (60, 3)) @ box, rng.standard_normal((60, 3))
    images = rng.integers(-3, 4, (60, 3)) @ box
    ends = []
    for shift in (0 * images, images):
        run = session(cs.State(x + shift, box, v), SOFT, thermostat)
        run.advance(200)
        ends.append(run.state())
    np.testing.assert_allclose(ends[1].positions - images, ends[0].positions, atol=1e-11)
    np.testing.assert_allclose(ends[1].velocities, ends[0].velocities, atol=1e-11)


@pytest.mark.parametrize("barostat", [None, cs.CellRescaling(1.0, tau=0.1, every=5)], ids=["NVT", "NPT"])
@pytest.mark.parametrize("thermostat", [NVE, cs.NoseHoover(), cs.Bussi(), cs.Langevin()], ids=repr)
def test_calls_of_any_length_make_one_trajectory(thermostat, barostat):
    """200 steps at once, in pieces, and continued in a new session from state and extra: sums in other orders."""
    whole, pieces = (session(lj_fluid(), SMOOTH_LJ, thermostat, barostat=barostat) for _ in range(2))
    whole.advance(200)
    for steps in (1, 9, 40, 50):
        pieces.advance(steps)
    end = pieces.state()
    continued = session(end, SMOOTH_LJ, thermostat, barostat=barostat, extra=pieces.extra())
    continued.advance(100)
    assert continued.state().step == whole.state().step == 200
    np.testing.assert_allclose(continued.state().positions, whole.state().positions, atol=1e-9)
    np.testing.assert_allclose(continued.state().box, whole.state().box, rtol=1e-12)
    assert (barostat is None) == np.array_equal(end.box, lj_fluid().box)
