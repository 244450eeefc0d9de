"""One state, one potential, every engine installed: energies, forces, virial, short trajectories, long averages."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

import numpy as np
import pytest

import cg_data as cd
import cg_sim as cs
from cg_sim.box import as_box, wrapped

HOOMD_POINTS = 20_000  # of each table, the engine's default
SMOOTH = cd.LennardJones(cutoff=2.5).force_shifted().table(2000)
ONE = cd.Interactions({("A", "A"): SMOOTH})
TWO = cd.Interactions(
    {
        ("A", "A"): SMOOTH,
        ("A", "B"): cd.WCA(sigma=1.1).table(2000),
        ("B", "B"): cd.GaussianCore(5.0, 1.0, 2.3).smooth_cut(1.9).table(2000),
    }
)
TURN = np.linalg.qr(np.random.default_rng(3).standard_normal((3, 3)))[0]
TURN *= np.sign(np.linalg.det(TURN))
SHEARED = np.array([[1.0, 0, 0], [0.3, 0.95, 0], [-0.25, 0.2, 1.1]])
SYSTEMS = {
    "one type, cubic": (ONE, np.eye(3)),
    "one type, triclinic": (ONE, SHEARED @ TURN),
    "two types, orthorhombic": (TWO, np.diag([1.1, 1.0, 0.95])),
    "two types, triclinic": (TWO, SHEARED @ TURN),
}
systems = pytest.mark.parametrize("system", SYSTEMS)


@dataclass(frozen=True, slots=True)
class Row:
    """An engine, and how far from the tables it may be: in forces (of the largest), and in positions after 100 steps.

    No `forces` means those of HOOMD's rule: F and U are linear between points h = r_c/n apart, so off by the second
    difference of the curve over 8 in every pair.
    """

    engine: str
    precision: str = "double"
    forces: float | None = 1e-10
    positions: float = 1e-8
    steps: int = 20_000


ROWS = {
    "cpu": Row("cpu"),
    # forces to 1e-6 move particles, a frame is measured with the tables themselves
    "cpu single": Row("cpu", "single", positions=1e-5),
    "cuda": Row("cuda"),
    "cuda single": Row("cuda", "single", 1e-5, 1e-5),
    "lammps": Row("lammps"),
    "ase": Row("ase", steps=4000),
    "hoomd": Row("hoomd", forces=None, positions=1e-5),
}
MARKS = {"cuda": pytest.mark.gpu, "hoomd": pytest.mark.hoomd}
rows = pytest.mark.parametrize("name", [pytest.param(k, marks=MARKS.get(r.engine, ())) for k, r in ROWS.items()])


def row(name: str) -> Row:
    """Return the row of an engine that can be used here; skip with the reason if it cannot."""
    found = ROWS[name]
    if found.engine == "cuda" and os.environ.get("NUMBA_ENABLE_CUDASIM") == "1":
        pytest.skip("the CUDA simulator is for systems of a few particles: see the engine's own tests")
    reason = cs.unavailable(found.engine)
    if reason is not None:
        pytest.skip(reason)
    return found


def shaken(interactions: cd.Interactions, shape: np.ndarray) -> cs.State:
    """A shaken crystal several boxes away from the origin, with masses by type."""
    rng = np.random.default_rng(7)
    mixture = {"A": 0.5, "B": 0.5} if len(interactions.types) == 2 else None
    state = cs.fcc(256, 0.7, kT=1.0, seed=1, composition=mixture)
    box = as_box(state.box @ shape / np.cbrt(np.linalg.det(shape)))
    x = (state.positions @ np.linalg.inv(state.box) + rng.integers(-3, 4, (256, 3))) @ box
    x += 0.05 * rng.standard_normal(x.shape)
    return replace(state, positions=x, box=box, masses=1.0 + state.types, step=11)


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over all pairs, and how much of each is at stake if HOOMD's rule replaces the tables."""

    energy: float
    forces: np.ndarray
    virial: np.ndarray
    energy_error: float
    force_error: np.ndarray
    virial_error: float


def all_pairs(state: cs.State, interactions: cd.Interactions) -> Sums:
    """Sum the tables over all pairs in the 27 nearest cells."""
    cells = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3), axis=-1).reshape(-1, 3) @ state.box
    x, names = wrapped(state.positions, state.box), np.array(state.names)[state.types]
    d = x[:, None, None] - x[None, :, None] + cells
    r = np.linalg.norm(d, axis=-1)
    u, f, du, df = np.zeros((4, *r.shape))
    for (a, b), table in interactions.items():
        mine = np.logical_and.outer(names == a, names == b)
        mine = (mine | mine.T)[..., None] & (r > 0) & (r < table.cutoff)
        s, h = r[mine], table.cutoff / HOOMD_POINTS
        u[mine], f[mine] = table.energy(s), table.force(s)
        du[mine], df[mine] = (abs(c(s + h) - 2 * c(s) + c(s - h)) / 8 for c in (table.energy, table.force))
    pull = (f / np.where(r > 0, r, 1))[..., None] * d
    return Sums(
        0.5 * u.sum(), pull.sum(axis=(1, 2)), 0.5 * np.einsum("ijka,ijkb->ab", pull, d),
        0.5 * du.sum(), df.sum(axis=(1, 2)), 0.5 * (df * r).sum(),
    )  # fmt: skip


@systems
@rows
def test_energies_forces_and_virial_are_those_of_the_tables(name, system):
    chosen, (interactions, shape) = row(name), SYSTEMS[system]
    state = shaken(interactions, shape)
    wanted = all_pairs(state, interactions)
    job = cs.Job(state, interactions, 1.0, 0.004, cs.NVE(), precision=chosen.precision)
    session = cs.engine(chosen.engine)(job)
    found = session.frame()
    session.close()
    if chosen.forces is None:  # twice, because F″ at the pair stands for the largest on its interval
        energy, forces, virial = 2 * wanted.energy_error, 2 * wanted.force_error[:, None], 2 * wanted.virial_error
        assert np.abs(forces).max() < 1e-4 * np.abs(wanted.forces).max()  # a bound that binds
    else:
        energy = chosen.forces * abs(wanted.energy)
        forces = chosen.forces * np.abs(wanted.forces).max()
        virial = chosen.forces * np.abs(wanted.virial).max()
    assert abs(found.energy - wanted.energy) < energy
    assert np.all(np.abs(found.forces - wanted.forces) < forces)
    assert np.all(np.abs(found.virial - wanted.virial) < virial)
    np.testing.assert_allclose(found.state.positions, state.positions, rtol=0, atol=1e-12)
    assert (found.state.step, found.time) == (11, pytest.approx(0.044))


@pytest.fixture(scope="module")
def trajectories():
    """The embedded engine's end of 100 steps for each system, once."""
    known = {}

    def end_of(system: str) -> cs.State:
        if system not in known:
            known[system] = hundred_steps(system, ROWS["cpu"])
        return known[system]

    return end_of


def hundred_steps(system: str, chosen: Row) -> cs.State:
    interactions, shape = SYSTEMS[system]
    return cs.simulate(
        shaken(interactions, shape), interactions, kT=1.0, steps=100, dt=0.004, thermostat=cs.NVE(),
        engine=chosen.engine, precision=chosen.precision,
    ).state  # fmt: skip


@systems
@rows
def test_short_trajectories_overlap(name, system, trajectories):
    """Velocity Verlet from the same start; rounding and force errors grow e-fold once or twice in 0.4 time units."""
    chosen, wanted = row(name), trajectories(system)
    found = hundred_steps(system, chosen)
    started = shaken(*SYSTEMS[system])
    assert np.abs(wanted.positions - started.positions).max() > 0.3  # it went somewhere
    np.testing.assert_allclose(found.positions, wanted.positions, rtol=0, atol=chosen.positions)
    np.testing.assert_allclose(found.velocities, wanted.velocities, rtol=0, atol=20 * chosen.positions)
    assert found.step == 111


def averages(state: cs.State, chosen: Row, seed: int):
    return cs.simulate(
        state, SMOOTH, kT=1.0, steps=chosen.steps, dt=0.004, equilibration=500, sample_every=20, seed=seed,
        observe=[cs.Pressure(), cs.RDF(3.0, bins=60)], engine=chosen.engine, precision=chosen.precision,
    ).data  # fmt: skip


@pytest.fixture(scope="module")
def liquid():
    """An equilibrated Lennard-Jones liquid, force-shifted at 2.5, and its averages from the embedded engine."""
    melted = cs.simulate(cs.fcc(500, 0.7), SMOOTH, kT=1.0, steps=5000, dt=0.004, seed=1).state
    return melted, averages(melted, replace(ROWS["cpu"], steps=60_000), seed=2)


@pytest.mark.validation
@rows
def test_long_averages_agree(name, liquid):
    """Langevin at ρ = 0.7, kT = 1: U, P within |z| < 4 of the embedded engine's, g(r) within errors, 2K/3N of kT."""
    chosen, (state, wanted) = row(name), liquid
    found = averages(state, chosen, seed=10 + list(ROWS).index(name))
    for quantity in ("energy", "pressure", "temperature"):
        difference = float(found[quantity] - wanted[quantity])
        assert abs(difference) < 4 * float(np.hypot(found[f"{quantity}_stderr"], wanted[f"{quantity}_stderr"]))
    # BAOAB's kinetic temperature is low by about (ω dt)²/4 of each mode: 1e-3 here
    assert abs(float(found.temperature) - 1.0) < 4 * float(found.temperature_stderr) + 2e-3
    seen = (wanted.g > 0.05).to_numpy()
    z = ((found.g - wanted.g) / np.hypot(found.g_stderr, wanted.g_stderr)).to_numpy()[seen]
    assert seen.sum() > 35
    # errors are from 16–32 blocks, so z follows Student's t: the largest of 40 bins passes 4 in one run of 25
    assert np.abs(z).max() < 6
    assert np.sqrt(np.mean(z**2)) < 1.8
