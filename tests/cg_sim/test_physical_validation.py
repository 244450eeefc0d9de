"""The checks of `physical_validation` (Merz & Shirts 2018) on the embedded engine: minutes of statistics.

Each returns by how many standard errors a run is off what its ensemble demands.
"""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pytest

import cg_data as cd
import cg_sim as cs

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pv = pytest.importorskip("physical_validation", reason="pip install physical-validation, to judge the ensembles")

pytestmark = [pytest.mark.validation, pytest.mark.filterwarnings("ignore")]  # the judge's own: NumPy's deprecations

N, DT, EVERY = 100, 0.004, 50
FLUID = cd.LennardJones(cutoff=2.5).force_shifted()
# pressure · volume in bar·nm³ makes 0.0602214076 kJ/mol of the judge's native units; ours are all 1
UNITS = pv.data.UnitData(
    kb=1.0, energy_conversion=1.0, length_conversion=1.0, volume_conversion=1.0, temperature_conversion=1.0,
    pressure_conversion=1 / 0.0602214076, time_conversion=1.0,
)  # fmt: skip
ENSEMBLES = [
    (cs.Langevin(friction=1.0), "double"),
    (cs.NoseHoover(tau=0.3), "double"),
    (cs.Bussi(tau=0.3), "double"),
    (cs.Langevin(friction=1.0), "single"),
    (cs.NoseHoover(tau=0.3), "single"),
]
ensembles = pytest.mark.parametrize(("thermostat", "precision"), ENSEMBLES, ids=repr)


@cache
def judged(thermostat, precision: str, kT: float, pressure: float | None = None):
    """Return a run as `physical_validation` reads it: NVT at ρ = 0.5, or NPT with a pressure."""
    barostat = None if pressure is None else cs.CellRescaling(pressure, tau=0.5, compressibility=1.0, every=5)
    run = cs.simulate(
        cs.fcc(N, 0.5), FLUID, kT=kT, steps=100_000, dt=DT, equilibration=8000, thermostat=thermostat,
        barostat=barostat, precision=precision, sample_every=EVERY, frames_every=EVERY, seed=11,
    )  # fmt: skip
    potential = N * run.data.energy_series.values
    total = N * run.data.total_energy_series.values
    volume = np.linalg.det(run.trajectory.box.values)
    kind = "NVT" if pressure is None else "NPT"
    fixed = {"volume": N / 0.5} if pressure is None else {"pressure": pressure}
    return pv.data.SimulationData(
        units=UNITS,
        dt=DT,
        system=pv.data.SystemData(
            natoms=N,
            nconstraints=0,
            ndof_reduction_tra=3 * N - cs.degrees_of_freedom(N, thermostat),
            ndof_reduction_rot=0,
            mass=np.ones(N),
        ),
        ensemble=pv.data.EnsembleData(kind, natoms=N, temperature=kT, **fixed),
        observables=pv.data.ObservableData(
            kinetic_energy=total - potential, potential_energy=potential, total_energy=total, volume=volume
        ),
    )


@ensembles
def test_kinetic_energies_are_maxwell_boltzmann(thermostat, precision):
    data = judged(thermostat, precision, 1.5)
    mean, width = pv.kinetic_energy.distribution(data, strict=False, verbosity=0, bootstrap_seed=1)
    assert abs(mean) < 4
    assert abs(width) < 4
    assert pv.kinetic_energy.distribution(data, strict=True, verbosity=0) > 6e-5


@ensembles
def test_two_temperatures_differ_by_boltzmann_factors(thermostat, precision):
    low, high = (judged(thermostat, precision, kT) for kT in (1.5, 1.65))
    for total_energy in (False, True):
        (off,) = pv.ensemble.check(low, high, total_energy=total_energy, verbosity=0, bootstrap_seed=1)
        assert abs(off) < 4


@ensembles
def test_two_pressures_differ_by_their_work(thermostat, precision):
    low, high = (judged(thermostat, precision, 1.5, pressure) for pressure in (0.55, 0.7))
    (off,) = pv.ensemble.check(low, high, verbosity=0, bootstrap_seed=1)
    assert abs(off) < 4


@ensembles
def test_two_state_points_differ_in_enthalpy_and_volume(thermostat, precision):
    low, high = (judged(thermostat, precision, kT, pressure) for kT, pressure in ((1.5, 0.55), (1.6, 0.7)))
    off = pv.ensemble.check(low, high, verbosity=0, bootstrap_seed=1)
    assert np.abs(off).max() < 4


@pytest.mark.parametrize("precision", ["double", "single"])
def test_fluctuations_of_the_energy_shrink_with_the_square_of_dt(precision):
    start = cs.simulate(cs.fcc(N, 0.7), FLUID, kT=1.0, steps=5000, seed=3).state
    start = cs.State(start.positions, start.box).with_velocities(1.0, 1)
    runs = []
    for dt in (0.008, 0.004, 0.002):
        run = cs.simulate(start, FLUID, kT=1.0, dt=dt, steps=round(80 / dt), thermostat=cs.NVE(), precision=precision,
                          equilibration=round(8 / dt), sample_every=round(0.08 / dt))  # fmt: skip
        constant = pv.data.ObservableData(constant_of_motion=N * run.data.total_energy_series.values)
        runs.append(pv.data.SimulationData(units=UNITS, dt=dt, observables=constant))
    assert pv.integrator.convergence(runs, verbose=False) < 0.15  # 1000 samples: 5 % each


def test_the_density_under_pressure_is_that_of_the_pressure():
    """1000 particles: NPT at the pressure measured at ρ = 0.6, ⟨V⟩ skewed by 1/N at most."""
    n, density = 1000, 0.6
    options = {"kT": 1.3, "dt": 0.005, "equilibration": 2000, "sample_every": 50, "seed": 2}
    fixed = cs.simulate(cs.fcc(n, density), FLUID, steps=15_000, observe=[cs.Pressure()], **options).data
    barostat = cs.CellRescaling(float(fixed.pressure), tau=0.5, compressibility=0.3, every=5)
    loose = cs.simulate(cs.fcc(n, density), FLUID, steps=25_000, barostat=barostat, frames_every=50, **options)
    volume = np.linalg.det(loose.trajectory.box.values) * density / n
    mean, error, _ = cs.mean_error(volume)
    slack = float(fixed.pressure_stderr) * np.var(volume) * (n / density) / 1.3  # dV/dP = −var V/kT
    assert abs(mean - 1) < 1 / n + 4 * np.hypot(error, slack)
    assert np.hypot(error, slack) < 0.01
