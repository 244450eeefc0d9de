"""The ase engine against sums over all pairs, plain velocity Verlet, thermodynamics and ASE's own EMT."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations_with_replacement

import numpy as np
import pytest

import cg_data as cd
from cg_sim.box import as_box, wrapped
from cg_sim.engines.protocol import BlowUp, Frame, Job
from cg_sim.ensembles import NVE, Bussi, CellRescaling, Langevin, NoseHoover, degrees_of_freedom
from cg_sim.lattices import fcc
from cg_sim.running import simulate
from cg_sim.state import State

pytest.importorskip("ase.md.langevinbaoab", reason='optional: pip install "cg-sim[ase]"')
from ase.build import bulk
from ase.calculators.calculator import Calculator, PropertyNotImplementedError, all_changes, compare_atoms
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from ase.calculators.mixing import SumCalculator

from cg_sim.ase_calculator import Corrected, PairCalculator
from cg_sim.ase_states import from_ase, to_ase
from cg_sim.engines.ase import start

LJ = cd.LennardJones(cutoff=2.0).force_shifted().table(1000)
ONE = cd.Interactions({("A", "A"): LJ})
TWO = cd.Interactions(
    {("A", "A"): LJ, ("A", "B"): cd.WCA(sigma=1.1).table(1000), ("B", "B"): cd.GaussianCore(5.0, 1.0, 2.3).table(1000)}
)
SHEARED = np.array([[1.0, 0, 0], [0.3, 0.95, 0], [-0.25, 0.2, 1.1]])
TURN = np.linalg.qr(np.random.default_rng(3).standard_normal((3, 3)))[0]
TURN *= np.sign(np.linalg.det(TURN))
SHAPES = {"cubic": np.eye(3), "flat": np.diag([1.1, 1.0, 0.9]), "sheared": SHEARED, "turned": SHEARED @ TURN}


def shaken(n: int = 108, shape: np.ndarray = SHAPES["cubic"], types: int = 1, density: float = 0.7) -> State:
    """A shaken crystal several boxes away from the origin, masses from 1 to 3."""
    rng = np.random.default_rng(n)
    state = fcc(n, density, kT=1.0, seed=1, composition={"A": 0.5, "B": 0.5} if types == 2 else None)
    box = as_box(state.box @ shape / np.cbrt(np.linalg.det(shape)))
    x = (state.positions @ np.linalg.inv(state.box) + rng.integers(-3, 4, (n, 3))) @ box
    masses = 1.0 + np.arange(n) % 3
    return replace(state, positions=x + 0.03 * rng.standard_normal((n, 3)), box=box, masses=masses, step=7)


def all_pairs(state: State, interactions: cd.Interactions) -> tuple[float, np.ndarray, np.ndarray]:
    """Energy, forces and Σ_{i<j} f ⊗ r of the tables, summed over all pairs in the 27 nearest cells."""
    cells = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3), axis=-1).reshape(-1, 3) @ state.box
    x = wrapped(state.positions, state.box)
    d = x[:, None, None] - x[None, :, None] + cells
    r = np.linalg.norm(d, axis=-1)
    energy, pull = 0.0, np.zeros_like(r)
    names = np.array(state.names)[state.types]
    for (a, b), potential in interactions.items():
        mine = (names[:, None] == a) & (names == b)
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


def job(state: State, forces: object = ONE, thermostat=VERLET, **other) -> Job:
    return Job(state, forces, **{"kT": 1.0, "dt": 0.004, "thermostat": thermostat, "seed": 5} | other)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("types", [1, 2])
def test_energies_forces_and_virial_are_those_of_the_tables(shape, types):
    state, interactions = shaken(shape=shape, types=types), (ONE, TWO)[types - 1]
    found = run(job(state, interactions))
    energy, forces, virial = all_pairs(state, interactions)
    assert found.energy == pytest.approx(energy, rel=1e-12)
    np.testing.assert_allclose(found.forces, forces, atol=1e-12 * np.abs(forces).max())
    np.testing.assert_allclose(found.virial, virial, atol=1e-12 * np.abs(virial).max())
    assert np.array_equal(found.state.positions, state.positions)
    assert (found.state.step, found.time) == (7, 7 * 0.004)


def test_stress_is_the_strain_derivative_of_the_energy():
    """σ = (1/V) dE/dε by central differences, of a sheared box; the error is 1e-10/(2·1e-5)·E/V."""
    atoms = to_ase(shaken(shape=SHEARED))
    atoms.calc = PairCalculator(LJ)
    stress = atoms.get_stress(voigt=False)
    for a, b in combinations_with_replacement(range(3), 2):
        energies = []
        for h in (1e-5, -1e-5):
            strain = np.eye(3)
            strain[a, b] += h / 2
            strain[b, a] += h / 2
            strained = atoms.copy()
            strained.calc = atoms.calc
            strained.set_cell(atoms.cell.array @ strain, scale_atoms=True)
            energies.append(strained.get_potential_energy())
        slope = (energies[0] - energies[1]) / 2e-5 / atoms.get_volume()
        assert slope == pytest.approx(stress[a, b], abs=1e-6)


def test_one_potential_alone_acts_between_all_types():
    state = shaken(types=2)
    atoms = to_ase(state)
    atoms.calc = PairCalculator(LJ)
    everywhere = cd.Interactions(dict.fromkeys([("A", "A"), ("A", "B"), ("B", "B")], LJ))
    assert atoms.get_potential_energy() == pytest.approx(all_pairs(state, everywhere)[0], rel=1e-12)


def test_a_short_run_is_velocity_verlet():
    state, dt = shaken(64, SHAPES["turned"], types=2, density=0.4), 0.004
    x, v, m = state.positions.copy(), state.velocities.copy(), state.masses[:, None]
    f = all_pairs(state, TWO)[1]
    for _ in range(20):
        v += 0.5 * dt * f / m
        x += dt * v
        f = all_pairs(replace(state, positions=x), TWO)[1]
        v += 0.5 * dt * f / m
    found = run(job(state, TWO, dt=dt), 12, 8).state
    np.testing.assert_allclose(found.positions, x, atol=1e-11)  # rounding of coordinates up to 20, grown a little
    np.testing.assert_allclose(found.velocities, v, atol=1e-11)
    assert found.step == 27


def test_energy_errors_fall_with_the_square_of_the_step_and_momentum_stays():
    def errors(dt: float) -> float:
        session = start(job(shaken(), dt=dt))
        total = []
        for _ in range(round(1.0 / dt / 4)):
            session.advance(4)
            total.append(session.frame().energy + session.state().kinetic_energy)
        momentum = shaken().masses @ (session.state().velocities - shaken().velocities)
        assert np.abs(momentum).max() < 1e-10
        session.close()
        return float(np.std(total))

    assert errors(0.008) / errors(0.004) == pytest.approx(4, rel=0.15)


ENSEMBLES = {
    "nve": (NVE(), None),
    "langevin": (Langevin(1.0), None),
    "nose-hoover": (NoseHoover(0.3, chain=2, substeps=2), None),
    "bussi": (Bussi(0.3), None),
    "langevin-npt": (Langevin(1.0), CellRescaling(0.8, tau=1.0)),
    "nose-hoover-npt": (NoseHoover(0.3), CellRescaling(0.8, tau=1.0)),
}


@pytest.mark.parametrize("name", [name for name in ENSEMBLES if name != "nve"])
def test_temperature_and_pressure_are_what_was_asked_for(name):
    thermostat, barostat = ENSEMBLES[name]
    state = shaken(64, SHEARED, density=0.5).with_velocities(1.2, seed=1)
    session = start(job(state, thermostat=thermostat, barostat=barostat, kT=1.2, dt=0.008))
    session.advance(200)
    heat, pressure = [], []
    for _ in range(200):
        session.advance(10)
        frame = session.frame()
        heat.append(2 * frame.state.kinetic_energy / degrees_of_freedom(64, thermostat))
        pressure.append(np.trace(frame.pressure_tensor) / 3)
    session.close()
    assert abs(z(heat, 1.2)) < 4
    if barostat:
        assert abs(z(pressure, 0.8)) < 4


def z(samples: list[float], wanted: float, blocks: int = 10) -> float:
    means = np.array(samples).reshape(blocks, -1).mean(axis=1)
    return float((means.mean() - wanted) / (means.std(ddof=1) / np.sqrt(blocks)))


@pytest.mark.parametrize("thermostat", [NoseHoover(0.3), Bussi(0.3)])
def test_three_degrees_of_freedom_rest_with_the_momentum(thermostat):
    """Of 4 particles 9 are thermal: counted as 12 the temperature would be a third too high."""
    free = cd.Interactions({("A", "A"): cd.GaussianCore(5.0, 1.0, 2.0).table(100)})
    session = start(job(shaken(4, density=0.05).with_velocities(1.0, seed=2), free, thermostat, dt=0.02))
    heat = []
    for _ in range(200):
        session.advance(10)
        heat.append(2 * session.state().kinetic_energy / 9)
    session.close()
    assert abs(z(heat, 1.0)) < 4
    assert z(heat, 12 / 9) < -4


@pytest.mark.parametrize("name", ENSEMBLES)
def test_a_continued_run_is_the_uninterrupted_one_to_the_last_bit(name):
    thermostat, barostat = ENSEMBLES[name]
    first = job(shaken(64, SHEARED, types=2, density=0.4), TWO, thermostat, barostat=barostat)
    whole = run(first, 60)
    session = start(first)
    session.advance(25)
    saved = replace(first, state=session.state(), extra=session.extra())
    session.close()
    resumed = run(saved, 20, 15)
    for field in ("positions", "velocities", "box"):
        assert np.array_equal(getattr(resumed.state, field), getattr(whole.state, field)), field
    assert resumed.energy == whole.energy


def test_langevin_is_baoab():
    """Cold and without forces: v forgets as e^(−γ dt), and drifts half a step before it and half after."""
    free = cd.Interactions({("A", "A"): cd.LennardJones(epsilon=0.0, cutoff=2.0).table(100)})
    state, keep = shaken(32, density=0.3), np.exp(-0.4)
    found = run(job(state, free, Langevin(4.0), kT=1e-24, dt=0.1), 1).state
    np.testing.assert_allclose(found.velocities, keep * state.velocities, atol=1e-11)
    np.testing.assert_allclose(found.positions, state.positions + 0.05 * (1 + keep) * state.velocities, atol=1e-11)


def test_emt_aluminium_conserves_energy_and_has_its_lattice():
    """EMT's aluminium at 300 K: a steady total energy, and at 4 K the pressure that ASE itself finds at a = 4.05 Å."""
    crystal = bulk("Al", cubic=True) * (3, 3, 3)
    still = run(job(from_ase(crystal), EMT(), kT=1e-6))
    crystal.calc = EMT()
    assert still.energy == crystal.get_potential_energy()
    np.testing.assert_allclose(still.virial, -crystal.get_volume() * crystal.get_stress(voigt=False), atol=1e-9)
    state = from_ase(crystal).with_velocities(0.0517, seed=1)
    session = start(job(state, EMT(), kT=0.0517, dt=0.2))  # 0.2 Å √(u/eV) = 2 fs
    total = []
    for _ in range(10):
        session.advance(5)
        total.append(session.frame().energy + session.state().kinetic_energy)
    session.close()
    # Verlet's error in E is (ω dt)²/24 or so of the kinetic energy, ω dt = 0.12 with the Debye frequency of 428 K.
    assert np.ptp(total) < 2e-3 * state.kinetic_energy
    assert session.state().kinetic_energy < 0.8 * state.kinetic_energy, "half of it becomes potential energy"


def test_a_blow_up_is_raised_with_the_last_good_state():
    for dt in (0.2, 1e6):
        session = start(job(shaken(), dt=dt))
        with pytest.raises(BlowUp, match="take a smaller dt") as caught:
            session.advance(50)
        assert 7 < caught.value.step < 57
        assert caught.value.particles
        assert np.array_equal(caught.value.state.positions, shaken().positions)


class Poison(Calculator):
    """Forces that are not a number from the third configuration on, and no stress."""

    implemented_properties = ("energy", "forces")
    calls = 0

    def calculate(self, atoms=None, properties=(), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        self.calls += 1
        self.results = {"energy": 1.0, "forces": np.full((len(atoms), 3), 0.1 if self.calls < 3 else np.nan)}


def test_forces_that_are_not_finite_are_raised_with_particle_and_step():
    session = start(job(shaken(), Poison()))
    assert np.all(np.isnan(session.frame().virial)), "no stress, no virial"
    with pytest.raises(BlowUp, match=r"at step 9 particle 0 .*\(108 of 108 particles\)") as caught:
        session.advance(10)
    assert caught.value.particles[:2] == (0, 1)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="no barostat to go with Bussi: choose"):
        start(job(shaken(), thermostat=Bussi(), barostat=CellRescaling(1.0)))
    with pytest.raises(ValueError, match="precision"):
        start(job(shaken(), precision="single"))
    with pytest.raises(TypeError, match="needs an ASE calculator or pair potentials, got LennardJones"):
        start(job(shaken(), cd.LennardJones()))


class Counting(LennardJones):
    """ASE's Lennard-Jones, which counts how often it is computed."""

    calls = 0

    def calculate(self, *arguments, **named):
        self.calls += 1
        super().calculate(*arguments, **named)


def test_a_corrected_calculator_is_the_sum_and_is_computed_once_a_configuration():
    atoms = bulk("Ar", "fcc", 5.3, cubic=True).repeat(3)
    atoms.rattle(0.1, seed=1)
    bump = cd.PairTable.from_potential(
        cd.tabulated(np.linspace(2, 7, 300), 0.02 * np.exp(-((np.linspace(2, 7, 300) - 4) ** 2)))
    )
    base = Counting(sigma=3.4, epsilon=0.0103, rc=7.0)
    found, expected = (
        Corrected(base, bump),
        SumCalculator([LennardJones(sigma=3.4, epsilon=0.0103, rc=7.0), PairCalculator(bump)]),
    )
    for strain in (1.0, 1.01):
        atoms.set_cell(atoms.cell * strain, scale_atoms=True)
        for name in ("energy", "forces", "stress"):
            np.testing.assert_allclose(
                found.get_property(name, atoms), expected.get_property(name, atoms), rtol=1e-12, atol=1e-14
            )
    assert base.calls == 2
    atoms.positions[0, 0] += 1e-9
    found.get_property("forces", atoms)
    assert base.calls == 3


def test_a_corrected_calculator_has_no_stress_where_its_model_has_none():
    class Still(LennardJones):
        implemented_properties = ("energy", "forces")

    atoms = bulk("Ar", "fcc", 5.3, cubic=True).repeat(3)
    with pytest.raises(PropertyNotImplementedError):
        Corrected(Still(sigma=3.4, rc=7.0), cd.LennardJones(cutoff=6.0)).get_property("stress", atoms)


def test_a_calculator_is_asked_once_for_each_configuration():
    calculator = Counting(sigma=3.4, epsilon=0.0103, rc=6.0)
    run = simulate(
        fcc(n=32, density=0.02, composition={"Ar": 1.0}, masses=39.95), calculator, kT=0.01, dt=0.1, steps=20, sample_every=5,
        thermostat=Langevin(0.5), engine="ase",
    )  # fmt: skip
    assert run.state.step == 20
    assert (
        calculator.calls == 21
    )  # of the first configuration, and of one a step: samples and checks ask for nothing new


def test_comparing_names_what_has_changed():
    atoms = bulk("Ar", "fcc", 5.3, cubic=True).repeat(2)
    calculator = PairCalculator(cd.LennardJones(sigma=3.4, epsilon=0.0103, cutoff=5.0))
    atoms.calc = calculator
    atoms.get_forces()
    assert calculator.check_state(atoms) == []
    other = atoms.copy()
    other.positions[3, 1] = np.nextafter(other.positions[3, 1], 10)
    other.pbc = (True, True, False)
    assert (
        calculator.check_state(other)
        == sorted(compare_atoms(atoms, other, tol=0.0), reverse=True)
        == ["positions", "pbc"]
    )
    other.set_initial_charges(np.zeros(len(other)))
    assert "initial_charges" in calculator.check_state(other)
    assert calculator.check_state(atoms[:5]) == list(all_changes)
