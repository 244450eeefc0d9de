"""Rollouts on the GPU against those of the CPU, forward and back: on a GPU where there is one, else under Numba's simulator.

The simulator replaces numba.cuda when it is imported, so it gets a process of its own, which runs this file again.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import cg_data as cd
import cg_sim as cs
from cg_sim.box import widths
from cg_sim.differentiable import Cotangents, Gradients, Rollout, growth, rollout, rollout_batch, vjp_batch

pytest.importorskip("numba_cuda", reason="the cuda engine needs numba-cuda: cg-sim[cuda]")
SIMULATED = os.environ.get("NUMBA_ENABLE_CUDASIM") == "1"
from numba import cuda  # noqa: E402

if SIMULATED:
    sys.setswitchinterval(1e-5)  # the simulator's main thread spins until the others have reached a barrier
HERE = SIMULATED or cuda.is_available()  # kernels can run in this process
THERMOSTATS = [cs.NVE(), cs.Langevin(0.7), cs.NoseHoover(0.3, 3, 2), cs.NoseHoover(0.2, 1)]
every_thermostat = pytest.mark.parametrize(
    "thermostat", THERMOSTATS, ids=["NVE", "Langevin", "chain of 3", "chain of 1"]
)
CUBE, SHEARED = np.eye(3), np.array([[1.0, 0, 0], [0.3, 0.95, 0], [-0.2, 0.1, 1.05]])
CASES = {"one type": ("A", CUBE), "two types": ("AB", CUBE), "tilted": ("A", SHEARED), "both": ("AB", SHEARED)}
KT, DT, CUTOFF = 1.2, 0.004, 1.6


def tables(types: str, cutoff: float = CUTOFF) -> cd.Interactions:
    """Tables that differ in depth, size, cutoff and spacing."""
    given = {
        ("A", "A"): cd.LennardJones(1.0, 1.0, cutoff),
        ("A", "B"): cd.LennardJones(0.8, 0.9, 0.9 * cutoff),
        ("B", "B"): cd.LennardJones(1.2, 1.1, cutoff),
    }
    return cd.Interactions({
        pair: cd.PairTable.from_potential(u.force_shifted(), 60 + k, r_min=0.6)
        for k, (pair, u) in enumerate(given.items())
        if set(pair) <= set(types)
    })  # fmt: skip


def liquid(n: int, types: str = "A", shape: np.ndarray = CUBE, *, seed: int = 1, cutoff: float = CUTOFF) -> cs.State:
    """A drop just off its lattice around a corner of the box, or a liquid if it fills that; unequal masses."""
    rng = np.random.default_rng(seed)
    start = cs.fcc(n, 0.7, kT=KT, seed=seed, composition={t: 1 / len(types) for t in types})
    positions = start.positions - start.positions.mean(axis=0) + 0.05 * rng.standard_normal((n, 3))
    box = max(start.box[0, 0], 2.4 * cutoff) * shape
    return replace(start, positions=positions, box=box, masses=1 + 0.5 * rng.random(n), step=7)


def of_everything(ran: Rollout, seed: int = 3) -> Cotangents:
    """Random derivatives of a loss with respect to all that a rollout shows."""
    rng = np.random.default_rng(seed)
    x, v, u, w = (rng.standard_normal(a.shape) for a in (ran.positions, ran.velocities, ran.energy, ran.virial))
    return Cotangents(x, v, u, 0.1 * w)


def parts(g: Gradients) -> dict[str, np.ndarray]:
    knots = {f"{side} of {pair}": getattr(k, side) for pair, k in g.tables.items() for side in "uf"}
    return {name: np.asarray(getattr(g, name)) for name in ("positions", "velocities", "masses", "kT", "dt")} | knots


def shown(ran: Rollout) -> dict[str, np.ndarray]:
    names = "positions", "velocities", "energy", "virial"
    return {name: getattr(ran, name) for name in names} | {"end": ran.state.positions, "step": np.array(ran.state.step)}


def same_frames(a: Rollout, b: Rollout, tolerance: float = 1e-12) -> None:
    for name, value in shown(a).items():
        np.testing.assert_allclose(value, shown(b)[name], rtol=tolerance, atol=tolerance, err_msg=name)


def same_gradients(a: Gradients, b: Gradients, tolerance: float = 1e-9) -> None:
    """To a share of the largest number of each gradient."""
    for name, value in parts(a).items():
        largest = float(np.max(np.abs(value)))
        np.testing.assert_allclose(parts(b)[name], value, rtol=0, atol=tolerance * largest, err_msg=name)


def compare(states: list[cs.State], potential: cd.Interactions, tolerance: float = 1e-9, **options) -> list[Rollout]:
    """Run a batch on both engines, forward and back, and compare; return those of the GPU."""
    settings = {"kT": KT, "dt": DT, "steps": 4, "every": 2, "seed": 5} | options
    theirs = rollout_batch(states, potential, threads=1, **settings)
    ours = rollout_batch(states, potential, engine="cuda", **settings)
    given = [of_everything(ran, k) for k, ran in enumerate(theirs)]
    for a, b in zip(theirs, ours, strict=True):
        same_frames(a, b)
    for a, b in zip(vjp_batch(theirs, given, threads=1), vjp_batch(ours, given), strict=True):
        assert all(np.any(part) for name, part in parts(a).items() if name != "kT")
        same_gradients(a, b, tolerance)
    return list(ours)


@pytest.mark.skipif(SIMULATED, reason="this is the simulated run")
def test_under_the_simulator() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-header", __file__]
    root = Path(__file__).parents[2]
    environment = os.environ | {"NUMBA_ENABLE_CUDASIM": "1"}
    run = subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True, check=False, timeout=600)
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
    assert " passed" in run.stdout


class TestDevice:
    __test__ = HERE

    @every_thermostat
    def test_frames_and_gradients_are_those_of_the_cpu(self, thermostat: object) -> None:
        compare([liquid(8), liquid(9, seed=2)], tables("A"), thermostat=thermostat, kT=[1.2, 0.9])

    @pytest.mark.parametrize("case", ["two types", "tilted", "both"])
    def test_of_mixtures_and_tilted_boxes(self, case: str) -> None:
        types, shape = CASES[case]
        compare([liquid(9, types, shape)], tables(types), thermostat=cs.NoseHoover(0.3, 2), every=1, steps=3)

    def test_noise_in_a_mixture(self) -> None:
        compare([liquid(8, "AB")], tables("AB"), thermostat=cs.Langevin(2.0), steps=3, every=3)

    def test_every_replica_has_its_own_tables(self) -> None:
        states, given = [liquid(8), liquid(8, seed=2)], [tables("A"), tables("A", 1.5)]
        batch = rollout_batch(states, given, kT=KT, steps=2, dt=DT, engine="cuda")
        alone = [rollout(s, t, kT=KT, steps=2, dt=DT) for s, t in zip(states, given, strict=True)]
        together = vjp_batch(batch, [of_everything(ran) for ran in alone])
        for ours, theirs, g in zip(batch, alone, together, strict=True):
            same_frames(theirs, ours)
            same_gradients(theirs.vjp(of_everything(theirs)), g)

    def test_the_list_follows_fast_particles(self) -> None:
        cold = liquid(8)
        ours = compare([replace(cold, velocities=12 * cold.velocities)], tables("A"), dt=0.001, steps=9, every=3)
        far = np.linalg.norm(ours[0].positions[-1] - cold.positions, axis=1).max()
        assert far > 0.5 * 0.16 * CUTOFF  # what a list allows

    def test_a_pair_out_of_reach_is_listed_when_both_have_come_nearer(self) -> None:
        x, v = np.array([[0.0, 0, 0], [1.9, 0, 0]]), np.array([[1.0, 0, 0], [-1.0, 0, 0]])
        ours = compare([cs.State(x, 6.0, velocities=v)], tables("A"), dt=0.0297, steps=7, every=1, kT=0.0)
        assert ours[0].energy[0] == 0 > ours[0].energy[-1]

    def test_a_box_too_narrow_for_a_skin(self) -> None:
        box = SHEARED * 2.0001 * CUTOFF / widths(SHEARED).min()
        compare([replace(liquid(8), box=box)], tables("A"), steps=2, every=1)

    def test_overfull_rows_grow_on_both_ways(self, monkeypatch: pytest.MonkeyPatch) -> None:
        packing = importlib.import_module("cg_sim.differentiable.cuda.packing")
        monkeypatch.setattr(packing, "row_width", lambda *_: 1)
        ours = compare([liquid(8)], tables("A"), steps=1, every=1, thermostat=cs.NoseHoover(0.2, 1))[0]
        given = of_everything(ours)
        before = ours.vjp(given)
        ours._source.batch._make_rows(1)
        assert all(np.array_equal(part, parts(before)[name]) for name, part in parts(ours.vjp(given)).items())

    @pytest.mark.parametrize("thermostat", [cs.Langevin(1.0), cs.NoseHoover(0.2, 2)], ids=lambda t: type(t).__name__)
    def test_the_same_run_gives_the_same_bits(self, thermostat: object) -> None:
        def once() -> dict[str, np.ndarray]:
            ran = rollout(liquid(8), tables("A"), kT=KT, steps=3, dt=DT, thermostat=thermostat, engine="cuda")
            return shown(ran) | parts(ran.vjp(of_everything(ran)))

        first, second = once(), once()
        assert [name for name in first if not np.array_equal(first[name], second[name])] == []

    def test_replicas_are_those_alone_bit_for_bit(self) -> None:
        states, options = [liquid(8), liquid(9, seed=2)], {"kT": KT, "steps": 2, "dt": DT, "thermostat": cs.Langevin()}
        batch = rollout_batch(states, tables("A"), seed=3, engine="cuda", **options)
        given = [of_everything(ran) for ran in batch]
        for k, (ours, g) in enumerate(zip(batch, vjp_batch(batch, given), strict=True)):
            alone = rollout(states[k], tables("A"), seed=3 + k, engine="cuda", **options)
            same_frames(ours, alone, 0)
            same_gradients(g, alone.vjp(given[k]), 0)
            same_gradients(g, batch[k].vjp(given[k]), 0)

    def test_derivatives_of_masses_join_and_nothing_asked_changes_nothing(self) -> None:
        ran = rollout(liquid(8), tables("A"), kT=KT, steps=1, dt=DT, engine="cuda")
        assert np.array_equal(ran.vjp(Cotangents(masses=np.arange(8.0))).masses, np.arange(8.0))
        assert not any(np.any(part) for part in parts(ran.vjp()).values())
        assert np.isfinite(growth(ran).rate)

    @pytest.mark.parametrize("n", [1, 2])
    def test_very_few_particles(self, n: int) -> None:
        x = np.array([[0.1, 0, 0], [1.3, 0.2, 0]])[:n]
        state = cs.State(x, 4.0, velocities=0.3 * x[:, ::-1])
        options = {"kT": KT, "steps": 2, "dt": DT, "thermostat": cs.Langevin()}
        ours, theirs = (rollout(state, tables("A"), engine=engine, **options) for engine in ("cuda", "cpu"))
        same_frames(theirs, ours)
        same_gradients(theirs.vjp(of_everything(theirs)), ours.vjp(of_everything(theirs)))

    @pytest.mark.parametrize(("apart", "speed"), [(0.55, 0.0), (0.75, 30.0)])
    def test_a_pair_below_its_table_ends_the_run_as_on_the_cpu(self, apart: float, speed: float) -> None:
        near = cs.State([[1.0, 1, 1], [1 + apart, 1, 1]], 8.0, velocities=[[speed, 0, 0], [-speed, 0, 0]], step=3)
        said = []
        for engine in ("cpu", "cuda"):
            with pytest.raises(cs.BlowUp, match="begin the table further in") as caught:
                rollout(near, tables("A"), kT=KT, steps=10, dt=DT, engine=engine)
            said.append((str(caught.value), caught.value.step))
        assert said[0] == said[1]
        assert (said[0][1] == 3) == (speed == 0)

    def test_checkpoints_are_refused_with_the_remedy(self) -> None:
        with pytest.raises(ValueError, match="leave it out"):
            rollout(liquid(8), tables("A"), kT=KT, steps=9, dt=DT, checkpoints=True, engine="cuda")

    def test_paths_that_do_not_fit_are_refused_with_the_remedy(self, monkeypatch: pytest.MonkeyPatch) -> None:
        small = SimpleNamespace(get_memory_info=lambda: SimpleNamespace(free=1000))
        monkeypatch.setattr(cuda, "current_context", lambda: small)
        with pytest.raises(MemoryError, match="fewer steps or replicas"):
            rollout(liquid(8), tables("A"), kT=KT, steps=9, dt=DT, engine="cuda")

    def test_no_states_no_rollouts(self) -> None:
        assert rollout_batch([], tables("A"), kT=KT, steps=9, dt=DT, engine="cuda") == ()


@cache
def melted(n: int, types: str, seed: int) -> cs.State:
    start = liquid(n, types, seed=seed, cutoff=2.5)
    return cs.simulate(start, tables(types, 2.5), kT=KT, steps=300, dt=DT, thermostat=cs.Langevin(1.0), threads=1).state


@pytest.mark.gpu
@pytest.mark.skipif(SIMULATED or not HERE, reason="no NVIDIA GPU here")
@every_thermostat
def test_liquids_on_a_gpu(thermostat: object) -> None:
    states = [melted(n, types, k) for k, (n, types) in enumerate([(1000, "A"), (500, "AB"), (108, "AB")])]
    potentials = [tables("".join(state.names), 2.5) for state in states]
    settings = {"kT": KT, "steps": 40, "dt": DT, "thermostat": thermostat, "every": 10}
    theirs = rollout_batch(states, potentials, **settings)
    given = [of_everything(ran) for ran in theirs]
    found = []
    for _ in range(2):
        ours = rollout_batch(states, potentials, engine="cuda", **settings)
        found.append((ours, vjp_batch(ours, given)))
    for k, g in enumerate(vjp_batch(theirs, given)):
        same_frames(theirs[k], found[0][0][k], 1e-9)
        same_gradients(g, found[0][1][k], 1e-7)
        same_frames(found[0][0][k], found[1][0][k], 0)
        same_gradients(found[0][1][k], found[1][1][k], 0)


def test_an_unknown_engine_is_refused() -> None:
    for call in (rollout, lambda state, *rest, **options: rollout_batch([state], *rest, **options)):
        with pytest.raises(ValueError, match="engine must be 'cpu' or 'cuda', got 'gpu'"):
            call(liquid(8), tables("A"), kT=KT, steps=1, dt=DT, engine="gpu")


@pytest.mark.skipif(HERE, reason="kernels run here")
def test_without_a_gpu_the_cpu_is_recommended() -> None:
    with pytest.raises(RuntimeError, match="use engine='cpu'"):
        rollout(liquid(8), tables("A"), kT=KT, steps=1, dt=DT, engine="cuda")


@pytest.mark.skipif(HERE, reason="kernels run here: they compile")
@pytest.mark.parametrize("flavor", [False, True], ids=["one type", "any types in a tilted box"])
def test_kernels_compile_for_a_real_device(monkeypatch: pytest.MonkeyPatch, flavor: bool) -> None:
    """Without a GPU Numba still makes PTX if NVVM is installed; device functions ask for the current device."""
    libraries = pytest.importorskip("cuda.pathfinder", reason="numba-cuda finds its compiler with it")
    try:
        for name in ("nvvm", "nvrtc"):
            libraries.load_nvidia_dynamic_lib(name)
    except libraries.DynamicLibNotFoundError as error:
        pytest.skip(f"no compiler for GPUs, pip install 'numba-cuda[cu13]': {str(error).splitlines()[0]}")
    monkeypatch.setattr("numba.cuda.dispatcher.get_current_device", lambda: SimpleNamespace(compute_capability=(9, 0)))
    ahead = importlib.import_module("cg_sim.differentiable.cuda.forward_kernel").forward_kernel
    back = importlib.import_module("cg_sim.differentiable.cuda.backward_kernel").backward_kernel
    t = importlib.import_module("numba").types
    d, v, x, whole = t.float64[::1], t.float64[:, ::1], t.float64[:, :, ::1], t.int64[:, ::1]
    system = (v, whole, t.uint64[::1], d, t.int32[::1], v, v, t.int32[::1], x, x, v, v, d, t.int32[::1], t.int32[::1])
    past = (v, x, v, v)
    forward = (*system, x, *past, v, v, t.int64, whole)
    adjoints = (v, v, d, d, v, v, v, whole, x, x, v)
    backward = (t.int64[::1], *system, *past, t.int64, x, x, v, v, *adjoints, whole)
    for kernel, signature in ((ahead, forward), (back, backward)):
        ptx, _ = cuda.compile_ptx(kernel(triclinic=flavor, typed=flavor).py_func, signature, cc=(9, 0))
        assert ".target sm_90" in ptx
