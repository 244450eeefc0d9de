"""The hoomd engine at one configuration: HOOMD's rules written out, HOOMD's own figures, files, ranks and refusals."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cg_data import GaussianCore, Interactions, LennardJones, PairTable
from cg_data.formats.hoomd_table import hoomd_arrays
from cg_sim.box import as_box, nearest_image
from cg_sim.curves import tables_of
from cg_sim.engines.protocol import BlowUp, Job
from cg_sim.ensembles import NVE, Bussi, CellRescaling, Langevin
from cg_sim.lattices import fcc
from cg_sim.state import State

hoomd = pytest.importorskip("hoomd", reason="HOOMD-blue comes from conda-forge only")
engine = importlib.import_module("cg_sim.engines.hoomd")
snapshots = importlib.import_module("cg_sim.engines.hoomd_snapshots")
hoomd_tables = importlib.import_module("cg_sim.engines.hoomd_tables")
pytestmark = pytest.mark.hoomd

LJ = LennardJones(cutoff=2.5)
SMOOTH = LJ.smooth_cut(2.0).table(2000)
ONE = Interactions({("A", "A"): SMOOTH})
TWO = Interactions({("A", "A"): LJ.table(2000), ("A", "B"): LennardJones(epsilon=0.0, cutoff=2.5), ("B", "B"): SMOOTH})
TURN = np.linalg.qr(np.random.default_rng(3).standard_normal((3, 3)))[0]
TURN *= np.sign(np.linalg.det(TURN))
SHEARED = np.array([[1.0, 0, 0], [0.4, 0.9, 0], [-0.3, 0.2, 1.1]])
BOXES = {
    "cubic": np.eye(3),
    "flat": np.diag([1.3, 1.0, 0.8]),
    "triclinic": SHEARED,
    "turned": SHEARED @ TURN,
    "permuted": np.array([[0, 1.0, 0], [0, 0, 1.1], [0.9, 0, 0]]),
}


def crystal(n: int = 256, *, shape: np.ndarray = BOXES["cubic"], types: int = 1, seed: int = 0) -> State:
    """A shaken crystal at density 0.7 (cubic), far out of its box, with velocities and masses by type."""
    rng = np.random.default_rng(seed)
    state = fcc(n, 0.7, kT=1.0, seed=seed, composition={"A": 0.5, "B": 0.5} if types == 2 else None)
    box = as_box(state.box @ shape / np.cbrt(np.linalg.det(shape)))
    fraction = state.positions @ np.linalg.inv(state.box) + rng.integers(-3, 4, (n, 3))
    positions = fraction @ box + 0.02 * rng.standard_normal((n, 3))
    return replace(state, positions=positions, box=box, masses=1.0 + state.types, step=12)


def session(state: State, forces: object = ONE, thermostat: object = NVE(), points: int = 20_000, **job: object):
    settings = {"kT": 1.0, "dt": 0.004, "seed": 5} | job
    return engine.start(Job(state, forces, thermostat=thermostat, **settings), device="cpu", points=points)


def brute_force(state: State, tables: dict[tuple[int, int], PairTable], rule) -> tuple[float, np.ndarray, np.ndarray]:
    """Energy, forces and Σ f ⊗ r over all pairs at their nearest image; `rule(table, r)` gives U and F."""
    i, j = np.triu_indices(state.n, 1)
    d = nearest_image(state.positions[i] - state.positions[j], state.box)
    r = np.linalg.norm(d, axis=1)
    kinds = np.sort(state.types[np.stack([i, j])], axis=0)
    energy, pull = 0.0, np.zeros(len(r))
    for (a, b), table in tables.items():
        mine = (kinds[0] == a) & (kinds[1] == b) & (r < table.cutoff)
        u, pull[mine] = rule(table, r[mine])
        energy += u.sum()
    f = (pull / r)[:, None] * d
    forces = np.zeros_like(state.positions)
    np.add.at(forces, i, f)
    np.add.at(forces, j, -f)
    return energy, forces, f.T @ d


def hoomd_rule(points: int):
    def rule(table: PairTable, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        arrays = hoomd_arrays(table, points)
        grid = np.linspace(0, table.cutoff, points + 1)
        return tuple(np.interp(r, grid, np.append(arrays[name], 0.0)) for name in "UF")

    return rule


@pytest.mark.parametrize("forces", [ONE, TWO], ids=["one", "two"])
@pytest.mark.parametrize("name", BOXES)
def test_energy_forces_and_virial_follow_hoomds_rule(name: str, forces: Interactions) -> None:
    state, points = crystal(500, shape=BOXES[name], types=len(forces.types)), 5000
    frame = session(state, forces, points=points).frame()
    energy, f, w = brute_force(state, tables_of(forces, state.names), hoomd_rule(points))
    # rounding: r to 1e-15 L/r, and F changes by 13 F dr/r on the wall
    assert frame.energy == pytest.approx(energy, rel=1e-11)
    np.testing.assert_allclose(frame.forces, f, rtol=0, atol=1e-11 * np.abs(f).max())
    np.testing.assert_allclose(frame.virial, w, rtol=0, atol=1e-11 * np.abs(w).max())
    assert (frame.time, frame.state.step) == (12 * 0.004, 12)


@pytest.mark.parametrize("points", [5000, 20_000])
def test_energy_and_forces_are_the_tables_to_the_interpolation_error(points: int) -> None:
    state, neighbors = crystal(500), 46  # 4/3 π 2.5³ 0.7 within the cutoff of each particle
    frame = session(state, ONE, points=points).frame()
    energy, f, _ = brute_force(state, {(0, 0): SMOOTH}, lambda table, r: (table.energy(r), table.force(r)))
    du, df = hoomd_tables.interpolation_error(SMOOTH, points)
    assert 0 < abs(frame.energy - energy) < 0.5 * state.n * neighbors * du
    assert np.abs(frame.forces - f).max() < neighbors * df


@pytest.mark.parametrize("name", BOXES)
def test_states_survive_a_snapshot(name: str) -> None:
    state = crystal(shape=BOXES[name], types=2)
    started = session(state, TWO)
    for back in (started.state(), snapshots.state_of(snapshots.snapshot_of(state), step=12, turn=started._turn)):
        reach = 40 * 1e-15  # rounding of coordinates of up to 40
        np.testing.assert_allclose(back.positions, state.positions, rtol=0, atol=10 * reach)
        np.testing.assert_allclose(back.velocities, state.velocities, rtol=0, atol=1e-14)
        np.testing.assert_allclose(back.box, state.box, rtol=0, atol=1e-14)
        np.testing.assert_array_equal(back.types, state.types)
        np.testing.assert_array_equal(back.masses, state.masses)
        assert (back.names, back.step) == (state.names, 12)


def test_interpolation_error_falls_with_the_square_of_the_points_and_is_small_by_default() -> None:
    coarse, fine = (np.array(hoomd_tables.interpolation_error(SMOOTH, n)) for n in (5000, 20_000))
    np.testing.assert_allclose(coarse / fine, 16, rtol=0.2)
    assert hoomd_tables.interpolation_error(GaussianCore(2.0, 1.0, 4.0).table(), 20_000)[1] < 1e-7


def test_pressure_tensor_equals_hoomds_own() -> None:
    run = session(crystal(shape=SHEARED), thermostat=Langevin())
    thermo = hoomd.md.compute.ThermodynamicQuantities(hoomd.filter.All())
    run.simulation.operations.computes.append(thermo)
    run.simulation.always_compute_pressure = True
    run.advance(37)
    frame = run.frame()
    np.testing.assert_allclose(
        frame.pressure_tensor[np.triu_indices(3)], thermo.pressure_tensor, rtol=1e-10, atol=1e-11
    )
    assert frame.energy == pytest.approx(thermo.potential_energy, rel=1e-12)
    assert frame.state.kinetic_energy == pytest.approx(thermo.kinetic_energy, rel=1e-12)


def test_frames_are_fresh_after_every_block() -> None:
    run = session(crystal(types=2), TWO)
    for steps in (1, 7, 50):
        run.advance(steps)
        frame = run.frame()
        again = session(frame.state, TWO).frame()
        assert frame.energy == pytest.approx(again.energy, rel=1e-12)
        np.testing.assert_allclose(frame.virial, again.virial, rtol=0, atol=1e-9)
        np.testing.assert_allclose(frame.forces, again.forces, rtol=0, atol=1e-10)


def lennard_jones(positions: np.ndarray, box: np.ndarray, types: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    state = State(positions, box, types=types, names=("A", "B"))
    return brute_force(state, {(0, 0): SMOOTH, (0, 1): SMOOTH, (1, 1): SMOOTH}, lambda t, r: (t.energy(r), t.force(r)))


def springs(positions: np.ndarray, box: np.ndarray, types: np.ndarray) -> tuple[float, np.ndarray]:
    """Ties every particle to the next one, so that it matters which is which."""
    d = nearest_image(np.roll(positions, -1, axis=0) - positions, box)
    return 0.5 * np.sum(d**2), d - np.roll(d, 1, axis=0)


@pytest.mark.parametrize("name", ["cubic", "turned"])
def test_an_energy_function_drives_hoomd_as_the_table_does(name: str) -> None:
    state = crystal(shape=BOXES[name])
    runs = [session(state, forces) for forces in (ONE, lennard_jones)]
    for run in runs:
        run.advance(20)
    table, function = (run.frame() for run in runs)
    du, df = hoomd_tables.interpolation_error(SMOOTH, 20_000)
    assert abs(table.energy - function.energy) < 100 * state.n * du
    np.testing.assert_allclose(function.forces, table.forces, rtol=0, atol=100 * df)
    np.testing.assert_allclose(function.virial, table.virial, rtol=0, atol=1e-5 * np.abs(table.virial).max())


def test_an_energy_function_knows_its_particles_even_where_hoomd_sorts_them() -> None:
    state = crystal()
    owned = []

    def watched(positions, box, types):
        owned.append(positions.flags.owndata)
        return springs(positions, box, types)

    expected = session(state, watched)
    assert np.all(np.isnan(expected.frame().virial))  # springs() gives none
    simulation = hoomd.Simulation(hoomd.device.CPU(notice_level=1), seed=1)
    simulation.create_state_from_snapshot(snapshots.snapshot_of(state))
    assert len(simulation.operations.tuners) == 1
    simulation.operations.tuners[0].trigger = hoomd.trigger.Periodic(5)
    force = engine.energy_force(springs)
    method = hoomd.md.methods.ConstantVolume(hoomd.filter.All())
    simulation.operations.integrator = hoomd.md.Integrator(0.004, methods=[method], forces=[force])
    simulation.run(30)
    with simulation.state.cpu_local_snapshot as local:
        assert np.any(np.diff(np.array(local.particles.tag)) != 1)
    expected.advance(30)
    expected.simulation.run(300)  # past HOOMD's period of sorting
    assert not any(owned)  # views of HOOMD's memory, in the order of the state
    expected = session(state, springs)
    expected.advance(30)
    np.testing.assert_allclose(force.forces, expected.frame().forces, rtol=0, atol=1e-9)
    assert force.energy == pytest.approx(expected.frame().energy, rel=1e-10)
    total = expected.frame().energy + expected.state().kinetic_energy
    start = session(state, springs).frame()
    assert total == pytest.approx(start.energy + start.state.kinetic_energy, rel=1e-4)  # dt² of ω dt = 0.008


def test_an_energy_function_sees_hoomds_memory_and_may_answer_in_torch() -> None:
    torch = pytest.importorskip("torch", reason="torch is optional")
    owners = []

    def well(positions, box, types):
        owners.append(positions.flags.owndata)
        x = torch.from_numpy(positions).clone().requires_grad_()
        energy = 0.5 * (x**2).sum()
        return energy, -torch.autograd.grad(energy, x)[0]

    frame = session(replace(crystal(), positions=crystal().positions * 0.01), well).frame()
    assert not any(owners)
    np.testing.assert_allclose(frame.forces, -frame.state.positions, rtol=0, atol=1e-12)


def test_trajectories_are_read_by_gsd_and_cut_on_resuming(tmp_path: Path) -> None:
    gsd = pytest.importorskip("gsd.hoomd", reason="gsd reads the files")
    path, state = tmp_path / "run.gsd", replace(crystal(types=2), step=0)
    run = session(state, TWO, Langevin(), trajectory=path)
    run.advance(10)
    saved, extra = run.state(), run.extra()
    run.advance(10)
    run.close()
    resumed = session(saved, TWO, Langevin(), trajectory=path, extra=extra)
    resumed.advance(15)
    last = resumed.state()
    resumed.close()
    with gsd.open(str(path), "r") as file:
        frames = list(file)
    assert [frame.configuration.step for frame in frames] == [0, 10, 25]
    for frame, state_then in zip(frames, (state, saved, last), strict=True):
        particles = frame.particles
        box = np.diag(frame.configuration.box[:3])
        np.testing.assert_allclose(particles.position + particles.image @ box, state_then.positions, rtol=0, atol=1e-5)
        np.testing.assert_allclose(particles.velocity, state_then.velocities, rtol=0, atol=1e-6)
        np.testing.assert_array_equal(particles.typeid, state_then.types)
    with pytest.raises(FileExistsError, match="move it away"):
        session(state, TWO, trajectory=path)


def test_breakdowns_name_step_particles_and_the_last_good_state() -> None:
    state = crystal()
    near = np.array(state.positions)
    near[7] = near[30] + [0.1, 0, 0]
    with pytest.raises(BlowUp, match=r"particles 7 and 30 are 0\.1 apart"):
        session(replace(state, positions=near))
    run = session(state, thermostat=Langevin(), dt=0.2)
    with pytest.raises(BlowUp, match="smaller dt") as caught:
        run.advance(3000)
    assert caught.value.state is not None
    assert caught.value.state.step < caught.value.step <= 3012
    assert np.isfinite(caught.value.state.kinetic_energy)
    assert len(caught.value.particles) == 1

    def broken(positions, box, types):
        return np.nan, np.full(positions.shape, np.nan)

    with pytest.raises(BlowUp, match="not finite"):
        session(state, broken)


def test_what_hoomd_cannot_do_is_refused_with_a_remedy() -> None:
    state = crystal()
    assert [engine.folded(s) for s in (0, 65535, 65536, 2**64 - 1)] == [0, 65535, 1, 0]
    with pytest.raises(ValueError, match=r"Bussi\(tau=0.5\)"):
        session(state, thermostat=Langevin(), barostat=CellRescaling(0.5))
    with pytest.raises(ValueError, match="with_velocities"):
        session(replace(state, velocities=None), thermostat=Bussi())
    with pytest.raises(ValueError, match="a type of its own"):
        session(replace(state, masses=np.linspace(1, 2, 256)), thermostat=Langevin())
    with pytest.raises(ValueError, match="larger box or a shorter cutoff"):
        session(fcc(32, 32 / 5.0**3))
    with pytest.raises(TypeError, match="pair potentials"):
        session(state, object())
    with pytest.raises(ValueError, match="auto, cpu or gpu"):
        engine.start(Job(state, ONE, 1.0, 0.005, NVE()), device="tpu")


def test_without_hoomd_the_conda_command_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hoomd", None)
    monkeypatch.delitem(sys.modules, "cg_sim.engines.hoomd")
    with pytest.raises(ImportError, match="conda install -c conda-forge hoomd"):
        importlib.import_module("cg_sim.engines.hoomd")


OPEN_MPI = {  # lets it start in a container and on one core
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
}
ON_RANKS = """
import sys
import numpy as np
sys.path.insert(0, sys.argv[1])
from test_hoomd_engine import Langevin, crystal, session
run = session(crystal(2048), thermostat=Langevin())
run.advance(30)
frame = run.frame()
np.savez(sys.argv[2] + str(run._ranks.rank), ranks=run._ranks.num_ranks, x=frame.state.positions, f=frame.forces,
         w=frame.virial, u=frame.energy, a=run.extra()["acceleration"])
"""


@pytest.mark.skipif(shutil.which("mpirun") is None or not hoomd.version.mpi_enabled, reason="needs mpirun and MPI")
def test_two_ranks_agree_with_one_on_every_rank(tmp_path: Path) -> None:
    pytest.importorskip("mpi4py", reason="carries frames between ranks")
    script = [sys.executable, "-c", ON_RANKS, str(Path(__file__).parent)]
    for prefix, name in (([], "one"), (["mpirun", "-n", "2"], "two")):
        subprocess.run([*prefix, *script, str(tmp_path / name)], check=True, timeout=120, env=os.environ | OPEN_MPI)
    alone, *both = (np.load(tmp_path / f"{name}.npz") for name in ("one0", "two0", "two1"))
    for found in both:
        assert found["ranks"] == 2
        assert found["u"] == pytest.approx(float(alone["u"]), rel=1e-10)
        for key in "xfwa":  # summed in another order: 30 steps of rounding
            np.testing.assert_allclose(found[key], alone[key], rtol=0, atol=1e-8)
