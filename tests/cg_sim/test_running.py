"""`simulate` and `simulate_batch` as they are called: schedule, results, interruption, blow-ups, wrong arguments."""

from __future__ import annotations

import numpy as np
import pytest

import cg_data as cd
import cg_sim as cs
from cg_sim.checkpoints import Checkpoint
from cg_sim.engines.cpu.session import start
from cg_sim.engines.protocol import Job

LJ = cd.LennardJones(cutoff=2.3)
THERMOSTATS = [cs.NVE(), cs.Langevin(), cs.NoseHoover(), cs.Bussi()]
thermostats = pytest.mark.parametrize("thermostat", THERMOSTATS, ids=repr)


def fluid(**options) -> cs.State:
    return cs.fcc(108, 0.7, **{"kT": 1.0, "seed": 4, **options})


def run(state: cs.State | None = None, **options) -> cs.Run:
    given = {"kT": 1.0, "steps": 100, "sample_every": 10, "seed": 1, **options}
    return cs.simulate(fluid() if state is None else state, given.pop("potential", LJ), **given)


@pytest.mark.parametrize(
    ("steps", "equilibration", "sample_every", "frames_every"),
    [(100, 0, 10, 30), (105, 33, 10, 7), (9, 50, 10, 1), (0, 20, 5, 5), (40, 40, 40, 40)],
)
def test_samples_and_frames_are_taken_when_the_schedule_says(steps, equilibration, sample_every, frames_every):
    """Every so many steps after equilibration, the first of them that late, the last step included if it is due."""
    found = run(
        steps=steps, equilibration=equilibration, sample_every=sample_every, frames_every=frames_every, dt=0.001
    )
    samples = equilibration + sample_every * np.arange(1, steps // sample_every + 1)
    np.testing.assert_allclose(found.data.sample_time, 0.001 * samples, rtol=1e-12)
    assert found.data.sizes["sample"] == len(samples)
    frames = equilibration + frames_every * np.arange(1, steps // frames_every + 1)
    kept = [] if found.trajectory is None else found.trajectory.step.values.tolist()
    assert kept == frames.tolist()
    assert found.state.step == steps + equilibration


@thermostats
def test_simulate_is_the_engine_with_its_observables(thermostat):
    """The same Job stepped by hand ends in the same state to the last bit, and its frames give the same numbers."""
    found = run(thermostat=thermostat, observe=[cs.Pressure()], frames_every=20)
    session = start(Job(fluid(), cd.as_interactions(LJ), 1.0, 0.005, thermostat, seed=1))
    energies, pressures, frames = [], [], []
    for _ in range(10):
        session.advance(10)
        frames.append(session.frame())
        energies.append(frames[-1].energy / 108)
        pressures.append(np.trace(frames[-1].pressure_tensor) / 3)
    assert np.array_equal(found.state.positions, session.state().positions)
    assert np.array_equal(found.state.velocities, session.state().velocities)
    np.testing.assert_array_equal(found.data.energy_series, energies)
    assert float(found.data.pressure) == pytest.approx(np.mean(pressures), rel=1e-13)
    kept = found.trajectory
    cd.check(kept, "trajectory")
    np.testing.assert_array_equal(kept.position, [f.state.positions for f in frames[1::2]])
    np.testing.assert_array_equal(kept.force, [f.forces for f in frames[1::2]])
    np.testing.assert_array_equal(kept.velocity, [f.state.velocities for f in frames[1::2]])


def test_seeds_repeat_and_differ_and_a_run_continues():
    one, same, other = run(), run(), run(seed=2)
    assert np.array_equal(one.state.positions, same.state.positions)
    assert np.abs(one.state.positions - other.state.positions).max() > 0.01
    half = run(steps=50)
    rest = run(half.state, steps=50)
    assert rest.state.step == 100
    np.testing.assert_allclose(rest.state.positions, one.state.positions, atol=1e-10)  # sums in other orders
    assert float(rest.data.sample_time[0]) == pytest.approx(60 * 0.005)


def test_a_state_at_rest_is_set_in_motion_unless_it_is_to_conserve_energy():
    still = cs.State(fluid().positions, fluid().box)
    for thermostat in THERMOSTATS[1:]:
        moving = run(still, steps=0, kT=1.7, thermostat=thermostat).state
        assert 2 * moving.kinetic_energy / (3 * 107) == pytest.approx(1.7, rel=1e-12)
        assert np.abs(moving.velocities.sum(axis=0)).max() < 1e-12
    assert not np.any(run(still, steps=0, thermostat=cs.NVE()).state.velocities)
    kept = run(fluid(kT=0.3), steps=0, kT=1.7).state
    assert 2 * kept.kinetic_energy / (3 * 107) == pytest.approx(0.3, rel=1e-12)


RESUMED = [
    (thermostat, barostat, precision)
    for thermostat in THERMOSTATS
    for barostat in (None, cs.CellRescaling(0.5, tau=0.5))
    for precision in ("double", "single")
]


@pytest.mark.parametrize(("thermostat", "barostat", "precision"), RESUMED, ids=repr)
def test_a_resumed_run_is_the_uninterrupted_one_to_the_last_bit(thermostat, barostat, precision, tmp_path):
    """Stopped after 1000 of 1300 steps, continued from the checkpoint at 900."""
    options = {"thermostat": thermostat, "barostat": barostat, "precision": precision, "steps": 1300}
    options |= {"checkpoint_every": 300, "observe": [cs.RDF(2.0, bins=20)], "frames_every": 65}
    whole = run(checkpoint=tmp_path / "whole.npz", **options)
    with pytest.raises(cs.Interrupted):
        run(checkpoint=tmp_path / "stopped.npz", progress=stop, **options)
    resumed = run(checkpoint=tmp_path / "stopped.npz", resume=True, **options)
    assert whole.data.identical(resumed.data)
    assert whole.trajectory.identical(resumed.trajectory)
    for name in ("positions", "velocities", "box"):
        assert np.array_equal(getattr(whole.state, name), getattr(resumed.state, name))


def stop(done: int, total: int, temperature: float) -> None:
    if done < total:
        raise KeyboardInterrupt


def test_interruption_keeps_what_was_sampled():
    seen = []

    def progress(done: int, total: int, temperature: float) -> None:
        seen.append((done, total))
        assert 0.3 < temperature < 3
        stop(done, total, temperature) if done == 2000 else None

    with pytest.raises(cs.Interrupted, match="interrupted after 2000 steps") as caught:
        run(steps=5000, equilibration=500, progress=progress)
    assert seen == [(1000, 5500), (2000, 5500)]
    kept = caught.value.run
    assert caught.value.done == kept.state.step == 2000
    assert kept.data.sizes["sample"] == 150
    np.testing.assert_array_equal(kept.data.energy_series, run(steps=1500, equilibration=500).data.energy_series)


def test_a_blow_up_carries_what_was_measured_and_the_last_good_state(tmp_path):
    """dt = 0.02 for particles at kT = 300, which is ten times too large; the file beside the checkpoint is readable."""
    with pytest.raises(cs.BlowUp) as caught:
        cs.simulate(cs.fcc(108, 1.1, kT=300.0, seed=2), LJ, kT=300.0, dt=0.02, steps=5000, thermostat=cs.NVE(),
                    sample_every=1, checkpoint=tmp_path / "run.npz")  # fmt: skip
    error = caught.value
    assert error.run.data.sizes["sample"] == error.run.data.attrs["steps_done"] <= error.step
    assert np.all(np.isfinite(error.state.positions))
    file = tmp_path / "run.npz.last-good.npz"
    assert error.__notes__ == [f"the last good state is in {file}"]
    assert np.array_equal(Checkpoint.load(file).state.positions, error.state.positions)


MIXTURE = {"composition": {"A": 0.5, "B": 0.5}}
WRONG = {
    "kT zero": ({"kT": 0.0}, ValueError, r"kT must be positive.*kT = 0.0"),
    "kT negative": ({"kT": -1.0}, ValueError, r"kT = -1.0"),
    "kT nan": ({"kT": np.nan}, ValueError, r"kT = nan"),
    "dt infinite": ({"dt": np.inf}, ValueError, r"dt and kT must be positive and finite, got dt = inf"),
    "dt zero": ({"dt": 0.0}, ValueError, r"dt = 0.0"),
    "steps": ({"steps": -1}, ValueError, r"steps and equilibration must be ≥ 0, got -1 and 0"),
    "sampling": ({"sample_every": 0}, ValueError, r"sample_every must be at least 1 step, got 0"),
    "engine": ({"engine": "gromacs"}, ValueError, r"engine must be one of cpu, cuda, hoomd.*got 'gromacs'"),
    "potential": ({"potential": "lj"}, TypeError, r"needs a pair potential.*got str; .*engine='ase'"),
    "thermostat": ({"thermostat": "nve"}, TypeError, r"unknown thermostat 'nve': NVE, Langevin"),
    "no pair": ({"state": fluid(**MIXTURE), "potential": {("A", "A"): LJ}}, ValueError, r"no potential for A-B, B-B"),
    "one for many": ({"state": fluid(**MIXTURE)}, ValueError, r"no potential for A-B, B-B: give one for every pair"),
    "small box": ({"state": cs.fcc(32, 0.9)}, ValueError, r"cutoff is 2.3, more than half the box's smallest width"),
    "trajectory": ({"trajectory": "a.gsd"}, ValueError, r"only the hoomd engine writes.*frames_every="),
    "resume": ({"resume": True}, ValueError, r"resume=True needs checkpoint="),
    "friction": (lambda: cs.Langevin(friction=0.0), ValueError, r"friction must be positive and finite, got 0.0"),
    "tau": (lambda: cs.NoseHoover(tau=np.inf), ValueError, r"tau must be positive and finite, got inf"),
    "chain": (lambda: cs.NoseHoover(chain=0), ValueError, r"chain must be a whole number of at least 1"),
    "compressibility": (lambda: cs.CellRescaling(1.0, compressibility=-1), ValueError, r"compressibility must be"),
}


@pytest.mark.parametrize(("given", "kind", "message"), WRONG.values(), ids=WRONG)
def test_wrong_arguments_say_what_is_wrong(given, kind, message):
    with pytest.raises(kind, match=message):
        given() if callable(given) else run(**given)


def test_results_say_how_to_repeat_them(tmp_path):
    """Units, settings, versions; saved, read back, continued, and taken as a target."""
    found = run(observe=[cs.RDF(2.2, bins=50)], thermostat=cs.Bussi(0.3), equilibration=20, precision="single")
    expected = {
        "schema": "run", "engine": "cpu", "steps": 100, "equilibration": 20, "steps_done": 120, "sample_every": 10,
        "dt": 0.005, "seed": 1, "thermostat": "Bussi(tau=0.3)", "barostat": "None", "precision": "single", "n": 108,
    }  # fmt: skip
    assert expected.items() <= found.data.attrs.items()
    assert f"cg-sim {cs.__version__}" in found.data.attrs["packages"]
    assert "LennardJones" in found.data.attrs["potential"]
    assert run(potential=0.9 * LJ).data.potential_digest != run().data.potential_digest
    assert all("units" in found.data[name].attrs for name in ("energy", "temperature", "kT", "sample_time", "r"))
    assert float(found.data.kT) == 1.0
    target = cd.target(found.data)
    np.testing.assert_array_equal(target.g, found.data.g)
    loaded = cd.load(found.save(tmp_path / "run.nc"))
    cd.check(loaded, "run")
    np.testing.assert_array_equal(loaded.g, found.data.g)
    state = cs.final_state(loaded)
    assert (state.step, state.names) == (120, ("A",))
    for name in ("positions", "velocities", "box", "masses", "types"):
        np.testing.assert_array_equal(getattr(state, name), getattr(found.state, name))


def test_final_states_of_mixtures_keep_types_and_masses(tmp_path):
    state = cs.State(fluid().positions, fluid().box, masses=np.linspace(1, 2, 108), types=["B", "A", "A"] * 36)
    pairs = {("A", "A"): LJ, ("A", "B"): cd.WCA(), ("B", "B"): LJ}
    found = run(state, potential=pairs)
    again = cs.final_state(cd.load(found.save(tmp_path / "run.nc")))
    assert again.counts() == {"A": 72, "B": 36}
    np.testing.assert_array_equal(again.masses, state.masses)
    np.testing.assert_array_equal(again.types, state.types)


@pytest.mark.parametrize("threads", [1, 3])
def test_a_batch_is_single_runs_in_order(threads):
    """Run k is `simulate` with seed + k, whatever the number of threads; progress counts finished runs."""
    counted, kTs = [], [0.8, 1.0, 1.2, 1.4]
    options = {"steps": 60, "sample_every": 20, "observe": [cs.RDF(2.0, bins=10)]}
    batch = cs.simulate_batch(cs.fcc(108, 0.7), LJ, kT=kTs, seed=5, threads=threads,
                              progress=lambda done, total: counted.append((done, total)), **options)  # fmt: skip
    assert counted == [(k, 4) for k in (1, 2, 3, 4)]
    for k, (kT, one) in enumerate(zip(kTs, batch, strict=True)):
        alone = cs.simulate(cs.fcc(108, 0.7), LJ, kT=kT, seed=5 + k, **options)
        assert np.array_equal(one.state.positions, alone.state.positions)
        assert one.data.drop_attrs().identical(alone.data.drop_attrs())
        assert one.data.attrs["seed"] == 5 + k


def test_a_batch_takes_one_or_as_many_of_each():
    states, potentials = [fluid(), cs.fcc(125, 0.6)], [LJ, {("A", "A"): cd.WCA()}]
    both = cs.simulate_batch(states, potentials, kT=1.0, steps=10)
    assert [r.state.n for r in both] == [108, 125]
    alone = [
        cs.simulate(*given, kT=1.0, steps=10).data.potential_digest for given in zip(states, potentials, strict=True)
    ]
    assert [r.data.potential_digest for r in both] == alone
    copies = cs.simulate_batch(fluid(), LJ, kT=1.0, steps=10, replicas=3)
    assert len({r.state.positions.tobytes() for r in copies}) == 3
    for wrong in ({"kT": [1.0, 1.1, 1.2]}, {"kT": [1.0], "replicas": 3}, {"kT": 1.0, "replicas": 0}):
        with pytest.raises(ValueError, match=r"must be one or equally many, got \["):
            cs.simulate_batch(states, LJ, steps=10, **wrong)
