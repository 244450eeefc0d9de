"""The cuda engine against the cpu engine: on a GPU where there is one, else under Numba's simulator with few particles.

The simulator replaces numba.cuda when it is imported, so it gets a process of its own, which runs this file again.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import cg_sim as cs
from cg_data import Interactions, LennardJones
from cg_sim.box import nearest_image, widths
from cg_sim.engines.cpu.session import start as start_cpu
from cg_sim.engines.protocol import BlowUp, Frame, Job
from cg_sim.ensembles import NVE, Bussi, CellRescaling, Langevin, NoseHoover
from cg_sim.lattices import fcc
from cg_sim.state import State

pytest.importorskip("numba_cuda", reason="the cuda engine needs numba-cuda: cg-sim[cuda]")
SIMULATED = os.environ.get("NUMBA_ENABLE_CUDASIM") == "1"
from numba import cuda  # noqa: E402

if SIMULATED:
    sys.setswitchinterval(1e-5)  # the simulator's main thread spins until the others have reached a barrier
HERE = SIMULATED or cuda.is_available()  # kernels can run in this process
SMALL, LARGE = (8, 14) if SIMULATED else (108, 500)
LJ, OTHER = LennardJones(cutoff=1.6), LennardJones(epsilon=0.5, sigma=0.9, cutoff=1.4)
ONE = Interactions({("A", "A"): LJ})
TWO = Interactions({("A", "A"): LJ, ("A", "B"): OTHER, ("B", "B"): LJ.smooth_cut(1.2)})
CUBE, SHEARED = np.eye(3), np.array([[1.0, 0, 0], [0.3, 0.95, 0], [-0.2, 0.1, 1.05]])
SKIN = 0.16  # of the cutoff
THERMOSTATS = [NVE(), Langevin(2.0), NoseHoover(0.3, chain=2, substeps=2), Bussi(0.2)]


def liquid(n: int, *, types: int = 1, shape: np.ndarray = CUBE, seed: int = 1) -> State:
    """A drop just off its lattice around a corner of the box, or a liquid if it fills that; masses by type."""
    mixture = {"A": 0.5, "B": 0.5} if types == 2 else None
    state = fcc(n, 0.7, kT=1.5, seed=seed, composition=mixture)
    side = max(state.box[0, 0], 2.4 * LJ.cutoff)
    jitter = 0.05 * np.random.default_rng(seed).standard_normal((n, 3))
    positions = state.positions - state.positions.mean(axis=0) + jitter
    return replace(state, positions=positions, box=side * shape, masses=1.0 + state.types, step=7)


CASES = {
    "one type": (liquid(SMALL), ONE),
    "two types": (liquid(SMALL, types=2), TWO),
    "triclinic": (liquid(LARGE, shape=SHEARED), ONE),
}


def job(state: State, forces: Interactions = ONE, thermostat: object = NVE(), **others: object) -> Job:
    return Job(state, forces, thermostat=thermostat, **({"kT": 1.5, "dt": 0.004, "seed": 5} | others))


class Alone:
    """A batch of one as a session."""

    def __init__(self, given: Job) -> None:
        self.batch = engine().start_batch([given])
        self.advance = self.batch.advance

    def frame(self) -> Frame:
        return self.batch.frames()[0]

    def extra(self) -> dict[str, np.ndarray]:
        return self.batch.extras()[0]


def engine():
    return importlib.import_module("cg_sim.engines.cuda")


def listed(given: Job) -> Alone:
    """A batch of one with a neighbor list, however few its particles."""
    replicas = importlib.import_module("cg_sim.engines.cuda.replicas")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replicas, "_LISTLESS", 0)
        return Alone(given)


STARTS = {"system": lambda given: engine().start(given), "all pairs": Alone, "listed": listed}


def differences(a: Frame, b: Frame) -> dict[str, float]:
    """The largest absolute difference of everything in two frames."""
    pairs = {
        "energy": (a.energy, b.energy), "forces": (a.forces, b.forces), "virial": (a.virial, b.virial),
        "box": (a.state.box, b.state.box), "positions": (a.state.positions, b.state.positions),
        "velocities": (a.state.velocities, b.state.velocities), "step": (a.state.step, b.state.step),
    }  # fmt: skip
    return {name: float(np.max(np.abs(np.asarray(x) - y))) for name, (x, y) in pairs.items()}


def same(a: Frame, b: Frame, tolerance: float = 0.0) -> None:
    off = {name: d for name, d in differences(a, b).items() if not d <= tolerance}
    assert not off, off


def compare(given: Job, start, steps: int, tolerance: float) -> Frame:
    """Run a job on both engines and compare; return where the cpu engine got."""
    ours, theirs = start(given), start_cpu(given)
    ours.advance(steps)
    theirs.advance(steps)
    end = start_cpu(replace(given, state=theirs.state())).frame()
    same(ours.frame(), end, tolerance)
    return end


@pytest.mark.skipif(SIMULATED, reason="this is the simulated run")
def test_under_the_simulator() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-header", __file__]
    root = Path(__file__).parents[2]
    environment = os.environ | {"NUMBA_ENABLE_CUDASIM": "1"}
    run = subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True, check=False, timeout=600)
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
    assert " passed" in run.stdout


@pytest.mark.gpu
@pytest.mark.skipif(HERE, reason="the tests of TestDevice run in this process")
def test_on_a_gpu() -> None:
    pytest.skip("no NVIDIA GPU here: the simulator runs these tests")


class TestDevice:
    __test__ = HERE

    @pytest.mark.parametrize("start", STARTS)
    @pytest.mark.parametrize("case", CASES)
    def test_energy_forces_and_virial_are_those_of_the_cpu(self, case: str, start: str) -> None:
        precision = "single" if case == "triclinic" else "double"  # frames are exact in either
        end = compare(job(*CASES[case], precision=precision), STARTS[start], 0, 1e-10)
        assert np.abs(end.forces).max() > 1

    @pytest.mark.parametrize("start", STARTS)
    @pytest.mark.parametrize("thermostat", THERMOSTATS, ids=lambda t: type(t).__name__)
    def test_trajectories_are_those_of_the_cpu(self, thermostat: object, start: str) -> None:
        compare(job(liquid(SMALL), thermostat=thermostat), STARTS[start], 5, 1e-9)  # rounding, in another order

    @pytest.mark.parametrize("case", ["two types", "triclinic"])
    @pytest.mark.parametrize("start", ["system", "listed"])
    def test_trajectories_of_mixtures_and_sheared_boxes(self, case: str, start: str) -> None:
        compare(job(*CASES[case], thermostat=Langevin()), STARTS[start], 4, 1e-9)

    @pytest.mark.parametrize("start", STARTS)
    def test_single_precision_moves_as_double_within_its_error(self, start: str) -> None:
        given, steps = job(liquid(SMALL), thermostat=Langevin(), precision="single"), 4
        ours, exact = STARTS[start](given), start_cpu(replace(given, precision="double"))
        ours.advance(steps)
        exact.advance(steps)
        largest = float(np.max(np.abs(exact.frame().forces)))
        off = differences(ours.frame(), exact.frame())
        assert 0 < off["velocities"] < 3e-6 * largest * steps * given.dt  # pair forces are good to 1e-6
        assert off["positions"] < 1e-8 * largest

    @pytest.mark.parametrize("thermostat", [Langevin(), NoseHoover()], ids=lambda t: type(t).__name__)
    def test_the_barostat_moves_the_box_as_on_the_cpu(self, thermostat: object) -> None:
        barostat = CellRescaling(2.0, tau=0.1, every=2)
        given = job(liquid(SMALL), thermostat=thermostat, barostat=barostat)
        end = compare(given, STARTS["system"], 4, 1e-9)
        assert np.abs(end.state.box - given.state.box).max() > 1e-3

    def test_a_pair_out_of_reach_is_listed_when_the_box_has_shrunk(self) -> None:
        session = engine().start(
            job(State([[0.0, 0, 0], [1.9, 0, 0]], 5.0), barostat=CellRescaling(50.0, tau=0.1, every=1))
        )
        session.advance(4)
        end = session.frame()
        assert end.energy < -0.1  # they have met
        same(end, start_cpu(job(end.state)).frame(), 1e-12)

    def test_replicas_of_a_batch_are_bit_for_bit_those_alone(self) -> None:
        jobs = [
            job(liquid(SMALL), thermostat=NoseHoover(chain=2)),
            job(liquid(SMALL + 3, seed=2), Interactions({("A", "A"): OTHER}), Langevin(), seed=9, kT=0.8),
            job(*CASES["two types"], Bussi(), seed=2**63 - 1, dt=0.002),
        ]
        batch = engine().start_batch(jobs)
        batch.advance(3)
        for frame, given in zip(batch.frames(), jobs, strict=True):
            alone = Alone(given)
            alone.advance(3)
            same(frame, alone.frame())
            same(frame, self.on_cpu(given, 3), 1e-9)

    @staticmethod
    def on_cpu(given: Job, steps: int) -> Frame:
        session = start_cpu(given)
        session.advance(steps)
        return session.frame()

    @pytest.mark.parametrize("start", ["system", "listed"])
    def test_the_list_follows_fast_particles(self, start: str) -> None:
        cold = liquid(LARGE)
        given = job(replace(cold, velocities=20 * cold.velocities), dt=0.001)
        end = compare(given, STARTS[start], 8, 1e-9)
        far = np.linalg.norm(end.state.positions - cold.positions, axis=1).max()
        assert far > 2 * 0.5 * SKIN * LJ.cutoff  # twice what a list allows

    @pytest.mark.parametrize("start", ["system", "listed"])
    def test_a_pair_out_of_reach_is_listed_when_both_have_moved_half_the_skin(self, start: str) -> None:
        x, v = np.array([[0.0, 0, 0], [1.9, 0, 0]]), np.array([[1.0, 0, 0], [-1.0, 0, 0]])
        assert LJ.cutoff * (1 + SKIN) < x[1, 0]
        end = compare(job(State(x, 6.0, velocities=v), dt=0.0297), STARTS[start], 7, 1e-12)
        assert np.abs(end.forces).max() > 0.1  # each came about 0.21 nearer, less than the skin of 0.256

    @pytest.mark.parametrize("start", ["system", "listed"])
    def test_images_beyond_half_the_width_of_a_sheared_box_are_listed(self, start: str) -> None:
        box = np.array([[1.0, 0, 0], [0.49, 0.87, 0], [0.3, 0.3, 0.9]])
        box *= 2.0001 * LJ.cutoff / widths(box).min()
        apart = 1.028 * LJ.cutoff * np.array([-0.084, 0.896, -0.436])
        assert np.linalg.norm(nearest_image(apart, box)) > (1 + SKIN) * LJ.cutoff > np.linalg.norm(apart)
        state = State([[0.0, 0, 0], apart], box, velocities=[apart, -apart])
        session = STARTS[start](job(state, dt=0.004))
        session.advance(8)
        end = session.frame()
        assert end.energy < -0.1  # they have met
        same(end, start_cpu(job(end.state, dt=0.004)).frame(), 1e-12)

    @pytest.mark.parametrize("start", STARTS)
    @pytest.mark.parametrize("n", [1, 2, 3])
    def test_very_few_particles(self, n: int, start: str) -> None:
        x = np.array([[0.1, 0, 0], [1.3, 0.2, 0], [0.3, 1.1, 3.9]])[:n]
        state = State(x, 4.0, velocities=0.3 * x[:, ::-1])
        compare(job(state, thermostat=Langevin()), STARTS[start], 3, 1e-12)

    @pytest.mark.parametrize("start", ["system", "listed"])
    def test_an_overfull_row_grows(self, start: str, monkeypatch: pytest.MonkeyPatch) -> None:
        given = job(CASES["triclinic"][0])
        for name in ("system", "replicas"):
            module = importlib.import_module(f"cg_sim.engines.cuda.{name}")
            monkeypatch.setattr(module, "row_width", lambda *_: 1)
        compare(given, STARTS[start], 2, 1e-9)

    def test_rows_that_grow_for_one_replica_are_listed_anew_for_all(self, monkeypatch: pytest.MonkeyPatch) -> None:
        replicas = importlib.import_module("cg_sim.engines.cuda.replicas")
        monkeypatch.setattr(replicas, "_LISTLESS", 0)
        monkeypatch.setattr(replicas, "row_width", lambda *_: 1)
        jobs = [job(State([[0.0, 0, 0], [1.2, 0, 0]], 5.0)), job(liquid(SMALL))]
        for frame, given in zip(engine().start_batch(jobs).frames(), jobs, strict=True):
            same(frame, self.on_cpu(given, 0), 1e-10)

    @pytest.mark.parametrize("start", ["system", "all pairs"])
    def test_an_overlap_is_reported_with_the_pair(self, start: str) -> None:
        x, v = [[0.0, 0, 0], [1.12, 0, 0], [2.5, 2.5, 0]], [[40.0, 0, 0], [-40.0, 0, 0], [0, 0, 0]]
        session = STARTS[start](job(State(x, 6.0, velocities=v), dt=0.01))
        with pytest.raises(BlowUp, match=r"particles 0 and 1 .* smaller dt|particles 1 and 0 .* smaller dt") as caught:
            session.advance(6)
        assert set(caught.value.particles) == {0, 1}
        assert (caught.value.step, caught.value.state.step) == (1, 0)

    @pytest.mark.parametrize("start", ["system", "listed"])
    def test_a_particle_that_is_shot_away_is_reported(self, start: str) -> None:
        state = liquid(SMALL)
        velocities = state.velocities.copy()
        velocities[4] = 1e4
        session = STARTS[start](job(replace(state, velocities=velocities)))
        with pytest.raises(BlowUp, match="particle 4 moves") as caught:
            session.advance(2)
        assert caught.value.particles == (4,)

    def test_the_other_replicas_outlive_one_that_breaks_down(self) -> None:
        sound, broken = liquid(SMALL), State([[0.0, 0, 0], [0.5, 0, 0]], 4.0)
        batch = engine().start_batch([job(sound), job(broken)])
        with pytest.raises(BlowUp, match=r"replica 1: .* 0\.5 apart"):
            batch.advance(2)
        batch.advance(1)
        assert list(batch.failures) == [1]
        same(batch.frames()[0], self.on_cpu(job(sound), 3), 1e-9)
        assert np.isnan(batch.frames()[1].energy)

    @pytest.mark.parametrize("start", ["system", "listed"])
    def test_a_run_repeats_and_resumes_bit_for_bit(self, start: str) -> None:
        given = job(liquid(SMALL), thermostat=NoseHoover(chain=2))

        def halves() -> Frame:
            first = STARTS[start](given)
            first.advance(1)
            second = STARTS[start](replace(given, state=first.frame().state, extra=first.extra()))
            second.advance(1)
            return second.frame()

        same(halves(), halves())
        same(halves(), self.on_cpu(given, 2), 1e-9)

    def test_simulate_batch_measures_what_the_cpu_measures(self) -> None:
        options = {"kT": [1.0, 1.4], "steps": 6, "sample_every": 3, "observe": [cs.RDF(1.8, bins=6)], "seed": 3}
        states = [cs.fcc(16, 0.3), cs.fcc(12, 0.2)]
        ours, theirs = (
            cs.simulate_batch(states, LennardJones(cutoff=1.8), engine=name, **options) for name in ("cuda", "cpu")
        )
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a.state.positions, b.state.positions, rtol=0, atol=1e-9)
            assert np.array_equal(a.data.g_count, b.data.g_count)
            np.testing.assert_allclose(a.data.energy, b.data.energy, rtol=1e-9)
            assert (a.data.attrs["engine"], a.data.attrs["steps_done"]) == ("cuda", 6)

    def test_the_closest_pair_is_kept(self) -> None:
        state = State([[0.0, 0, 0], [1.2, 0, 0]], 5.0)
        for start in STARTS.values():
            extra = start(job(state)).extra()
            assert extra["closest"] == pytest.approx(1.2, abs=1e-12)

    def test_what_a_batch_cannot_do_is_said(self) -> None:
        state = liquid(SMALL)
        with pytest.raises(ValueError, match="at least one job"):
            engine().start_batch([])
        with pytest.raises(ValueError, match="job 0 has a barostat"):
            engine().start_batch([job(state, barostat=CellRescaling(1.0))])
        with pytest.raises(ValueError, match="one precision"):
            engine().start_batch([job(state), job(state, precision="single")])
        with pytest.raises(ValueError, match=r"at most 15\d\d; simulate larger systems one by one"):
            engine().start_batch([job(fcc(2048, 0.35))])


@pytest.mark.skipif(HERE, reason="kernels run here: they compile")
def test_kernels_compile_for_a_real_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a GPU Numba still makes PTX if NVVM is installed; device functions ask for the current device."""
    libraries = pytest.importorskip("cuda.pathfinder", reason="numba-cuda finds its compiler with it")
    try:
        for name in ("nvvm", "nvrtc"):
            libraries.load_nvidia_dynamic_lib(name)
    except libraries.DynamicLibNotFoundError as error:
        pytest.skip(f"no compiler for GPUs, pip install 'numba-cuda[cu13]': {str(error).splitlines()[0]}")
    monkeypatch.setattr("numba.cuda.dispatcher.get_current_device", lambda: SimpleNamespace(compute_capability=(9, 0)))
    kernels = importlib.import_module("cg_sim.engines.cuda.replica_kernels")
    steps = importlib.import_module("cg_sim.engines.cuda.step_kernels")
    t = importlib.import_module("numba").types
    v, d, whole = t.float64[:, ::1], t.float64[::1], t.int32[::1]
    rows, law = t.int16[::1], (t.float32[::1], t.float32[:, ::1], whole)
    run = (t.boolean, v, t.int64[:, ::1], t.uint64[::1], v, v, v, v, d, whole, rows, whole, *law, t.float64[:, :, ::1],
           d, t.int64[:, ::1])  # fmt: skip
    forces = (t.int64, t.float64, v, v, v, v, d, whole, whole, whole, whole, d, *law, t.int64, d, t.int64[::1])
    for kernel, signature in (
        (kernels.run_kernel(single=True, triclinic=True, typed=True), run),
        (steps.force_kernel(single=True, triclinic=False, typed=False), forces),
    ):
        ptx, _ = cuda.compile_ptx(kernel.py_func, signature, cc=(9, 0))
        assert ".target sm_90" in ptx
        assert "call" not in ptx.replace("callseq", "")  # everything is inlined


@pytest.mark.skipif(HERE, reason="kernels run here")
def test_without_a_gpu_the_cpu_is_recommended() -> None:
    with pytest.raises(RuntimeError, match="use engine='cpu'"):
        engine().start(job(liquid(12)))


def test_without_numba_cuda_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.delitem(sys.modules, "cg_sim.engines.cuda.device", raising=False)
    with pytest.raises(ImportError, match=r'pip install "cg-sim\[cuda\]"'):
        importlib.import_module("cg_sim.engines.cuda.device")
