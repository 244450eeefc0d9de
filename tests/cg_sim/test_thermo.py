"""Energy, pressure and temperature from frames whose answers are known, and `measure` on stored trajectories."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

import cg_data as cd
from cg_sim.box import as_box
from cg_sim.engines.protocol import Frame
from cg_sim.lattices import fcc
from cg_sim.observables.protocol import Context
from cg_sim.observables.rdf import RDF
from cg_sim.observables.thermo import Energy, Pressure, Temperature
from cg_sim.state import State
from cg_sim.stored_frames import measure

UNITS = cd.Units("nm", "kJ/mol", "g/mol")


def context(state: State) -> Context:
    return Context(state, 1.0, 0.005, max(3 * state.n - 3, 3), 10)


def frame(state: State, energy: float = 0.0, virial: np.ndarray | None = None, time: float = 0.0) -> Frame:
    return Frame(state, time, energy, np.zeros((3, 3)) if virial is None else virial, np.zeros((state.n, 3)))


def recorded(observable, frames: list[Frame]):
    recorder = observable.start(context(frames[0].state))
    for one in frames:
        recorder.sample(one)
    return recorder


def thermal_frames(n_frames: int, kT: float = 1.3, masses: float = 2.0) -> list[Frame]:
    """Independent velocities of an ideal gas, center of mass at rest."""
    still = fcc(32, 0.5, masses=masses)
    return [frame(still.with_velocities(kT, seed)) for seed in range(n_frames)]


def test_pressure_of_two_particles_by_hand():
    """m = 2, v = (1, 0, 0) and (0, 3, 0), f_12 ⊗ r_12 in V = 8."""
    state = State([[0, 0, 0], [1.0, 0, 0]], 2.0, [[1.0, 0, 0], [0, 3.0, 0]], masses=2.0)
    virial = np.array([[4.0, 1.0, 0], [1.0, 0, 0], [0, 0, -1.0]])
    found = recorded(Pressure(tensor=True), [frame(state, virial=virial)]).result()
    expected = (np.diag([2.0, 18.0, 0.0]) + virial) / 8
    np.testing.assert_allclose(found.pressure_tensor, expected, rtol=1e-15)
    assert float(found.pressure) == pytest.approx(np.trace(expected) / 3, rel=1e-15)
    assert np.isnan(found.pressure_stderr)


def test_pressure_and_temperature_of_an_ideal_gas():
    """With the center of mass at rest 2K = 3(N − 1) kT exactly: P = (N − 1) kT/V, its tensor isotropic on average."""
    frames = thermal_frames(400)
    found = recorded(Pressure(tensor=True), frames).result()
    state = frames[0].state
    exact = 31 * 1.3 / state.volume
    assert float(found.pressure) == pytest.approx(exact, rel=1e-12)
    assert float(found.pressure_stderr) < 1e-12 * exact
    z = (found.pressure_tensor - exact * np.eye(3)) / found.pressure_tensor_stderr
    assert np.all(np.abs(z) < 4)
    assert np.all(found.pressure_tensor_samples > 100)  # of 400 independent ones
    assert float(recorded(Temperature(), frames).result().temperature) == pytest.approx(1.3, rel=1e-12)


def test_temperature_counts_degrees_of_freedom():
    state = fcc(32, 0.5).with_velocities(1.0)
    recorder = Temperature().start(Context(state, 1.0, 0.005, 96, 1))
    recorder.sample(frame(state))
    assert float(recorder.result().temperature) == pytest.approx(93 / 96, rel=1e-12)


def test_energy_per_particle_with_its_series():
    state = fcc(32, 0.5).with_velocities(1.0)
    found = recorded(Energy(), [frame(state, e, time=0.1 * k) for k, e in enumerate([-64.0, -32.0, -96.0])]).result()
    assert found.energy_series.values.tolist() == [-2.0, -1.0, -3.0]
    assert found.sample_time.values.tolist() == [0.0, 0.1, 0.2]
    assert float(found.energy) == -2.0
    assert float(found.total_energy) == pytest.approx(-2.0 + 1.5 * 31 / 32, rel=1e-12)
    assert found.energy.attrs["units"] == "epsilon"


def test_errors_of_correlated_samples():
    """AR(1) energies with φ = 0.8: σ_mean² = σ²(1 + φ)/(1 − φ)/n."""
    phi, n, state = 0.8, 20_000, State([[0.0, 0, 0]], 3.0)
    energies = lfilter([1.0], [1.0, -phi], np.random.default_rng(3).normal(size=n)) - 5.0
    found = recorded(Energy(), [frame(state, e) for e in energies]).result()
    exact = np.sqrt(9 / n / (1 - phi**2))
    assert float(found.energy_stderr) == pytest.approx(exact, rel=0.2)  # g is known to 4 %, a half of it, times 4
    assert abs(float(found.energy) + 5.0) < 4 * exact
    assert float(found.energy_samples) == pytest.approx(n / 9, rel=0.4)


def test_what_is_not_known_is_nan():
    state = fcc(32, 0.5)
    found = recorded(Energy(), [frame(state, np.nan)] * 3).result()
    assert np.isnan(found.energy)
    assert found.energy_samples == 0
    assert np.isnan(Energy().start(context(state)).result().energy)


@pytest.mark.parametrize("observable", [Energy(), Pressure(), Pressure(tensor=True), Temperature()], ids=str)
def test_recorders_continue_bit_for_bit(observable):
    rng = np.random.default_rng(5)
    frames = [frame(f.state, rng.normal(), rng.normal(size=(3, 3)), float(k)) for k, f in enumerate(thermal_frames(50))]
    whole, first = recorded(observable, frames), recorded(observable, frames[:23])
    second = observable.start(context(frames[0].state))
    second.remember(first.memory())
    for one in frames[23:]:
        second.sample(one)
    assert whole.result().identical(second.result())
    for name, array in whole.memory().items():
        assert array.tobytes() == second.memory()[name].tobytes(), name


def stored(frames: int = 6, n: int = 40, **extra):
    rng = np.random.default_rng(0)
    types = ["B", "A"] * (n // 2)
    return cd.trajectory(rng.random((frames, n, 3)) * 4, as_box(4.0), types, units=UNITS, **extra)


def test_measure_is_what_a_run_would_have_seen():
    rng = np.random.default_rng(1)
    velocity, energy = rng.normal(size=(6, 40, 3)), rng.normal(size=6)
    data = stored(velocity=velocity, energy=energy, mass=np.full(40, 3.0), time=np.arange(6) * 0.5)
    data["virial"] = (("frame", "axis", "axis2"), rng.normal(size=(6, 3, 3)), {"units": "kJ/mol"})
    observables = [RDF(1.5, bins=10), Energy(), Pressure(tensor=True), Temperature()]
    found = measure(data, observables, kT=2.5)
    types = data.type.values
    states = [State(data.position.values[k], 4.0, velocity[k], masses=3.0, types=types) for k in range(6)]
    frames = [frame(s, energy[k], data.virial.values[k], 0.5 * k) for k, s in enumerate(states)]
    for observable in observables:
        for name, value in recorded(observable, frames).result().drop_vars("kT", errors="ignore").items():
            np.testing.assert_array_equal(found[name], value, err_msg=str(name))
    assert found.pressure.attrs["units"] == "kJ/mol/nm^3"
    assert found.density.attrs["units"] == "nm^-3"
    assert found.sample_time.attrs["units"] == UNITS.time()
    assert found.attrs["frames"] == 6
    target = cd.target(found)
    assert float(target.kT) == 2.5
    assert cd.units_of(target) == UNITS


def test_measure_reads_long_trajectories_in_parts(monkeypatch):
    data = stored(frames=7)
    whole = measure(data, [RDF(1.5)])
    monkeypatch.setattr("cg_sim.stored_frames._VALUES", 3 * 40 * 2)  # two frames at once
    assert measure(data, [RDF(1.5)]).identical(whole)


def test_measure_reports_only_what_the_trajectory_holds():
    found = measure(stored(energy=np.ones(6)), [Energy()])
    assert float(found.energy) == 1 / 40
    assert float(found.energy_stderr) == 0
    assert not [name for name in found.variables if str(name).startswith("total_energy")]
    for observable, lacking in ((Energy(), "energy"), (Temperature(), "velocity"), (Pressure(), "velocity and virial")):
        with pytest.raises(ValueError, match=f"needs {lacking} with the frames.*measure during the run"):
            measure(stored(), [observable])
    assert "kT" not in measure(stored(), [RDF(1.5)])


def test_measure_counts_by_other_types():
    found = measure(stored(), [RDF(1.5)], types=["bead"] * 40)
    assert found.pair.values.tolist() == ["bead-bead"]
    with pytest.raises(ValueError, match="types must be one per particle"):
        measure(stored(), [RDF(1.5)], types=["A"])


def test_measure_refuses_what_cannot_be_one_dataset():
    with pytest.raises(ValueError, match="measure them one at a time"):
        measure(stored(), [RDF(1.5), RDF(1.0)])
    with pytest.raises(ValueError, match="no frames"):
        measure(stored().isel(frame=slice(0, 0)), [RDF(1.5)])
    with pytest.raises(ValueError, match="schema"):
        measure(stored().assign_attrs(schema="history"), [RDF(1.5)])
