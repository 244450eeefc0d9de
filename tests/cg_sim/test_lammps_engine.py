"""The lammps engine against sums over all pairs, plain velocity Verlet and BAOAB, and thermodynamics."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import cg_data as cd
from cg_sim.box import as_box, wrapped
from cg_sim.engines import lammps_commands
from cg_sim.engines.lammps import start
from cg_sim.engines.lammps_commands import block, seed_at, time_step
from cg_sim.engines.lammps_library import execute, open_lammps
from cg_sim.engines.protocol import BlowUp, Frame, Job
from cg_sim.ensembles import NVE, Bussi, CellRescaling, Langevin, NoseHoover, degrees_of_freedom
from cg_sim.lattices import fcc
from cg_sim.state import State

pytest.importorskip("lammps", reason='optional: pip install "cg-sim[lammps]"')

LJ = cd.LennardJones(cutoff=2.0).force_shifted().table(1000)
ONE = cd.Interactions({("A", "A"): LJ})
TWO = cd.Interactions(
    {("A", "A"): LJ, ("A", "B"): cd.WCA(sigma=1.1).table(1000), ("B", "B"): cd.GaussianCore(5.0, 1.0, 2.3).table(1000)}
)
TURN = np.linalg.qr(np.random.default_rng(3).standard_normal((3, 3)))[0]
TURN *= np.sign(np.linalg.det(TURN))
SHEARED = np.array([[1.0, 0, 0], [0.3, 0.95, 0], [-0.25, 0.2, 1.1]])
SHAPES = {"cubic": np.eye(3), "flat": np.diag([1.1, 1.0, 0.9]), "sheared": SHEARED, "turned": SHEARED @ TURN}
shapes = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)


@pytest.fixture
def coarse(monkeypatch):
    """Tables of few rows, quick to write, where only the dynamics matter."""
    monkeypatch.setattr(lammps_commands, "ROWS", 5000)


def shaken(n: int = 108, shape: np.ndarray = SHAPES["cubic"], types: int = 1, density: float = 0.7) -> State:
    """A shaken crystal several boxes away from the origin, masses by type and for one type by particle."""
    rng = np.random.default_rng(n)
    state = fcc(n, density, kT=1.0, seed=1, composition={"A": 0.5, "B": 0.5} if types == 2 else None)
    box = as_box(state.box @ shape / np.cbrt(np.linalg.det(shape)))
    x = (state.positions @ np.linalg.inv(state.box) + rng.integers(-3, 4, (n, 3))) @ box
    masses = 1.0 + state.types * (1 + np.arange(n) % 2)
    return replace(state, positions=x + 0.03 * rng.standard_normal((n, 3)), box=box, masses=masses, step=7)


def all_pairs(state: State, interactions: cd.Interactions) -> tuple[float, np.ndarray, np.ndarray]:
    """Energy, forces and Σ_{i<j} f ⊗ r of the tables, summed over all pairs in the 27 nearest cells."""
    cells = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3), axis=-1).reshape(-1, 3) @ state.box
    x = wrapped(state.positions, state.box)
    d = x[:, None, None] - x[None, :, None] + cells
    r = np.linalg.norm(d, axis=-1)
    energy, pull = 0.0, np.zeros_like(r)
    for (a, b), potential in interactions.items():
        names = np.array(state.names)[state.types]
        mine = np.logical_or.outer(names == a, np.zeros(state.n, bool)) & (names == b)
        mine = (mine | mine.T)[..., None] & (r > 0) & (r < potential.cutoff)
        energy += 0.5 * potential.energy(r[mine]).sum()
        pull[mine] = potential.force(r[mine])
    f = (pull / np.where(r > 0, r, 1))[..., None] * d
    return energy, f.sum(axis=(1, 2)), 0.5 * np.einsum("ijka,ijkb->ab", f, d)


def run(job: Job, *blocks: int) -> Frame:
    session = start(job)
    try:
        for steps in blocks:
            session.advance(steps)
        return session.frame()
    finally:
        session.close()


VERLET = NVE()


def job(state: State, forces: cd.Interactions = ONE, thermostat=VERLET, **other) -> Job:
    return Job(state, forces, **{"kT": 1.0, "dt": 0.004, "thermostat": thermostat, "seed": 5} | other)


@shapes
@pytest.mark.parametrize("types", [1, 2])
def test_energies_forces_and_virial_are_those_of_the_tables(shape, types):
    state, interactions = shaken(shape=shape, types=types), (ONE, TWO)[types - 1]
    found = run(job(state, interactions))
    energy, forces, virial = all_pairs(state, interactions)
    assert found.energy == pytest.approx(energy, rel=1e-12)
    # LAMMPS splines F/r through 200 000 points, and F of a table bends at its 1000 knots: 2e-11 of 1 + |F| a pair.
    assert np.abs(found.forces - forces).max() < 1e-10 * np.abs(forces).max()
    np.testing.assert_allclose(found.virial, virial, atol=1e-10 * np.abs(virial).max())
    np.testing.assert_allclose(found.state.positions, state.positions, atol=1e-12)
    np.testing.assert_allclose(found.state.velocities, state.velocities, atol=1e-14)
    np.testing.assert_allclose(found.state.box, state.box, atol=1e-14)
    assert (found.state.step, found.time) == (7, pytest.approx(7 * 0.004))


def verlet(state: State, interactions: cd.Interactions, dt: float, steps: int) -> State:
    x, v, m = state.positions.copy(), state.velocities.copy(), state.masses[:, None]
    f = all_pairs(state, interactions)[1]
    for _ in range(steps):
        v += 0.5 * dt * f / m
        x += dt * v
        f = all_pairs(replace(state, positions=x), interactions)[1]
        v += 0.5 * dt * f / m
    return replace(state, positions=x, velocities=v, step=state.step + steps)


@pytest.mark.parametrize("shape", [SHAPES["flat"], SHAPES["turned"]], ids=["flat", "turned"])
def test_a_short_run_is_velocity_verlet(shape):
    state = shaken(64, shape, types=2, density=0.5)
    found, wanted = run(job(state, TWO), 25, 15).state, verlet(state, TWO, 0.004, 40)
    # 1e-11 of force errors and rounding, grown e-fold a few times over 0.16 time units.
    np.testing.assert_allclose(found.positions, wanted.positions, atol=1e-9)
    np.testing.assert_allclose(found.velocities, wanted.velocities, atol=1e-9)
    assert found.step == 47


@pytest.mark.usefixtures("coarse")
def test_energy_errors_fall_with_the_square_of_the_step_and_momentum_stays():
    def errors(dt: float) -> float:
        session = start(job(shaken(), dt=dt))
        total = []
        for _ in range(round(1.5 / dt / 4)):
            session.advance(4)
            total.append(session.frame().energy + session.state().kinetic_energy)
        assert np.abs(session.state().velocities.sum(axis=0)).max() < 1e-10
        session.close()
        return float(np.std(total))

    assert errors(0.004) / errors(0.002) == pytest.approx(4, rel=0.15)


def test_langevin_takes_the_steps_of_baoab():
    """Without forces BAOAB forgets v as e^(−γ dt) and drifts dt/2 before it and after it; the noise is cold here."""
    free = cd.Interactions({("A", "A"): cd.LennardJones(epsilon=0.0, cutoff=2.0).table(100)})
    state, gamma, dt = shaken(32, density=0.3), 4.0, 0.1
    found = run(job(state, free, Langevin(gamma), kT=1e-24, dt=dt), 1).state
    np.testing.assert_allclose(found.velocities, np.exp(-gamma * dt) * state.velocities, rtol=1e-9, atol=1e-11)
    drift = 0.5 * dt * (1 + np.exp(-gamma * dt)) * state.velocities
    np.testing.assert_allclose(found.positions, state.positions + drift, atol=1e-11)


def test_langevins_kicks_are_those_of_the_step_asked_for():
    """From rest and cold, one BAOAB step is v = (1 + e^(−γ dt)) dt F/2m + dt (F′ − F)/2m, x as its drifts say."""
    state, gamma, dt = replace(shaken(64, density=0.5), velocities=np.zeros((64, 3))), 20.0, 0.01
    found = run(job(state, ONE, Langevin(gamma), kT=1e-24, dt=dt), 1)
    keep, kick = np.exp(-gamma * dt), 0.5 * dt * all_pairs(state, ONE)[1]
    np.testing.assert_allclose(found.state.positions, state.positions + 0.5 * dt * (1 + keep) * kick, atol=1e-11)
    np.testing.assert_allclose(found.state.velocities, keep * kick + 0.5 * dt * found.forces, atol=1e-10)


ENSEMBLES = {
    "nve": (NVE(), None),
    "langevin": (Langevin(1.0), None),
    "nose-hoover": (NoseHoover(0.3, chain=2, substeps=2), None),
    "bussi": (Bussi(0.3), None),
    "langevin-npt": (Langevin(1.0), CellRescaling(0.8, tau=1.0)),
    "nose-hoover-npt": (NoseHoover(0.3), CellRescaling(0.8, tau=1.0)),
    "bussi-npt": (Bussi(0.3), CellRescaling(0.8, tau=1.0)),
}


@pytest.mark.usefixtures("coarse")
@pytest.mark.parametrize("name", [name for name in ENSEMBLES if name != "nve"])
def test_temperature_and_pressure_are_what_was_asked_for(name):
    thermostat, barostat = ENSEMBLES[name]
    state = replace(shaken(32, SHEARED, density=0.5), masses=1.0 + np.arange(32) % 3).with_velocities(1.2, seed=1)
    session = start(job(state, thermostat=thermostat, barostat=barostat, kT=1.2, dt=0.005))
    session.advance(500)
    heat, pressure = [], []
    for _ in range(600):
        session.advance(25)
        frame = session.frame()
        heat.append(2 * frame.state.kinetic_energy / degrees_of_freedom(32, thermostat))
        pressure.append(np.trace(frame.pressure_tensor) / 3)
    session.close()
    assert abs(z(heat, 1.2)) < 4
    if barostat:
        assert abs(z(pressure, 0.8)) < 4
    else:
        # Canonical ⟨δT²⟩ = 2 T²/N_f: half of it is 4 errors of some 100 independent samples.
        assert np.var(heat) == pytest.approx(2 * 1.2**2 / degrees_of_freedom(32, thermostat), rel=0.5)


def z(samples: list[float], wanted: float, blocks: int = 20) -> float:
    means = np.array(samples).reshape(blocks, -1).mean(axis=1)
    return float((means.mean() - wanted) / (means.std(ddof=1) / np.sqrt(blocks)))


@pytest.mark.usefixtures("coarse")
@pytest.mark.parametrize("shape", ["flat", "sheared"])
@pytest.mark.parametrize("name", ENSEMBLES)
def test_a_continued_run_is_the_uninterrupted_one(name, shape):
    """To the last bit, but for tilted boxes, whose coordinates LAMMPS converts to fractions and back at each start."""
    thermostat, barostat = ENSEMBLES[name]
    first = job(shaken(64, SHAPES[shape], types=2, density=0.5), TWO, thermostat, barostat=barostat)
    whole = run(first, 130, 70, 50)
    session = start(first)
    session.advance(130)
    saved = replace(first, state=session.state(), extra=session.extra())
    session.close()
    resumed = run(saved, 70, 50)
    for field in ("positions", "velocities", "box"):
        found, wanted = getattr(resumed.state, field), getattr(whole.state, field)
        assert np.abs(found - wanted).max() <= (0 if shape == "flat" else 1e-10), field
    assert resumed.state.step == 257


@pytest.mark.usefixtures("coarse")
def test_extra_of_another_state_is_refused():
    session = start(job(shaken()))
    extra = session.extra()
    session.close()
    with pytest.raises(ValueError, match="`extra` belongs to another state"):
        start(job(replace(shaken(), positions=shaken().positions + 0.1), extra=extra))


@pytest.mark.usefixtures("coarse")
@pytest.mark.parametrize("thermostat", [NVE(), Langevin(1.0)])
@pytest.mark.parametrize("dt", [0.1, 1e6])
def test_a_blow_up_is_raised_with_the_last_good_state(thermostat, dt):
    session = start(job(shaken(), thermostat=thermostat, dt=dt))
    with pytest.raises(BlowUp, match=r"steps 7 and 57.*take a smaller dt") as caught:
        session.advance(50)
    session.close()
    np.testing.assert_allclose(caught.value.state.positions, shaken().positions, atol=1e-12)
    assert caught.value.step == 7


def test_a_pair_inside_an_untrusted_core_is_raised():
    walled = cd.Interactions({("A", "A"): cd.LennardJones(cutoff=2.0).table(1000, r_min=1.2, inner="error")})
    with pytest.raises(RuntimeError, match=r"^LAMMPS: Pair distance < table inner cutoff.*run 0"):
        start(job(shaken(), walled))


def test_what_lammps_says_is_raised():
    with pytest.raises(
        RuntimeError, match=r"^LAMMPS: Unrecognized pair style 'nonsense' .in the command 'pair_style nonsense'"
    ):
        execute(open_lammps(), ["units lj", "pair_style nonsense"])


def test_ensembles_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="a barostat needs a thermostat"):
        start(job(shaken(), barostat=CellRescaling(1.0)))
    with pytest.raises(ValueError, match="LAMMPS computes in double precision"):
        start(job(shaken(), precision="single"))


@pytest.mark.usefixtures("coarse")
def test_a_lone_particle_moves_and_has_a_temperature():
    alone = State([[1.0, 2, 3]], 8.0, [[1.0, 0, 0]])
    assert np.allclose(run(job(alone), 100, 100).state.positions, [[1.8, 2, 3]], atol=1e-12)
    for thermostat in (Langevin(5.0), Bussi(0.1), NoseHoover(0.1)):
        v = run(job(alone, thermostat=thermostat), 200).state.velocities
        assert 0.01 < np.linalg.norm(v) != pytest.approx(1.0, abs=1e-6)


@pytest.mark.usefixtures("coarse")
def test_threads_change_nothing_but_rounding():
    one, two = (run(job(shaken(500), threads=t), 20) for t in (1, 2))
    np.testing.assert_allclose(two.state.positions, one.state.positions, atol=1e-11)


def test_seeds_lie_in_lammps_range_and_differ_from_step_to_step():
    seeds = [seed_at(s, step) for s in (0, 1, 2**63) for step in range(300)]
    assert min(seeds) >= 1
    assert max(seeds) <= 900_000_000
    assert len(set(seeds)) == len(seeds)
    assert block(job(shaken(), thermostat=Langevin()), 0, 5) != block(job(shaken(), thermostat=Langevin()), 5, 5)
    assert time_step(job(shaken(), thermostat=Langevin(1.0), dt=0.1)) == pytest.approx(
        0.1 * (1 + 0.1**2 / 24), rel=1e-5
    )


@pytest.mark.usefixtures("coarse")
def test_nothing_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    session = start(job(shaken()))
    scratch = Path(session._scratch.name)
    assert any(scratch.iterdir())
    session.advance(5)
    session.close()
    session.close()
    assert not scratch.exists()
    assert list(tmp_path.iterdir()) == []
