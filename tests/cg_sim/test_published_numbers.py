"""Lennard-Jones numbers that others have published: energies of configurations, equations of state, virials, diffusion.

NIST's sample configurations are not part of this repository: put their files, as NIST's tar balls or the repository
usnistgov/feasst have them, into a folder and name it in CG_SIM_NIST_LJ.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import cg_data as cd
import cg_sim as cs
from cg_sim.observables.pair_histogram import pair_histogram

DT = 0.004


def energy_tail(rho: float, cutoff: float) -> float:
    """U/N of the pairs beyond the cutoff, with g = 1."""
    return 8 / 9 * np.pi * rho * (cutoff**-9 - 3 * cutoff**-3)


def pressure_tail(rho: float, cutoff: float) -> float:
    return 32 / 9 * np.pi * rho**2 * (cutoff**-9 - 1.5 * cutoff**-3)


@dataclass
class Samples:
    """An observable: U/N and W/3V of every frame, and with `reach` how many pairs are nearer than that."""

    reach: float | None = None
    energy: list[float] = field(default_factory=list)
    virial: list[float] = field(default_factory=list)
    pairs: list[int] = field(default_factory=list)

    def start(self, context: cs.Context) -> Samples:
        return self

    def sample(self, frame: cs.Frame) -> None:
        state = frame.state
        self.energy.append(frame.energy / state.n)
        self.virial.append(np.trace(frame.virial) / (3 * state.volume))
        if self.reach is not None:
            self.pairs.append(pair_histogram(state.positions, state.box, state.types, 1, self.reach, 2).sum())

    def result(self) -> xr.Dataset:
        return xr.Dataset()


def sampled(potential, rho: float, kT: float, *, n: int = 500, steps: int, seed: int, reach: float | None = None):
    """Samples of a fluid at the given state point, by Langevin dynamics from a crystal melted at twice its kT."""
    found = Samples(reach)
    melt = cs.simulate(cs.fcc(n, rho), potential, kT=2 * kT, steps=2000, dt=DT, seed=seed).state
    cs.simulate(
        melt.with_velocities(kT, seed), potential, kT=kT, steps=steps, dt=DT, equilibration=3000, seed=seed,
        sample_every=20, observe=[found],
    )  # fmt: skip
    return found


def z_score(ours: tuple[float, float], published: float, error: float) -> float:
    return (ours[0] - published) / float(np.hypot(ours[1], error))


def check(quantity: str, z: float) -> None:
    assert abs(z) < 4, f"{quantity} is off by {z:+.1f} standard errors"


# NIST Standard Reference Simulation Website, Lennard-Jones reference calculations, cuboid cell (five digits printed):
# particles, side, and per truncation U, W = Σ f·r and U of the tail.
CUBOID = {
    1: (800, 10.0, {"3": (-4351.5, -568.67, -198.49), "4": (-4467.5, -1263.9, -83.769), "3 LFS": (-3870.9, 317.54, 0)}),
    2: (200, 8.0, {"3": (-690.00, -568.46, -24.230), "4": (-704.60, -655.99, -10.226), "3 LFS": (-620.12, -445.33, 0)}),
    3: (400, 10.0, {"3": (-1146.7, -1164.9, -49.622), "4": (-1175.4, -1337.1, -20.942), "3 LFS": (-1021.0, -935.78, 0)}),
    4: (30, 8.0, {"3": (-16.790, -46.249, -0.54517), "4": (-17.060, -47.869, -0.23008), "3 LFS": (-15.001, -43.096, 0)}),
}  # fmt: skip
# The same NIST group's FEASST 0.25.1 to all digits, cutoff 3: github.com/hhatch/dormms, lennard_jones/reference_configurations
SIXTEEN_DIGITS = {
    "lj_sample_config_periodic4": (-16.790321304625856, -0.5451660014945706),
    "lj_triclinic_sample_config_periodic3": (-505.78567945268367, -29.37186430697248),
}
FIVE_DIGITS = 6e-5  # half a unit of the fifth


def configuration(name: str) -> cs.State:
    """Read one of NIST's sample configurations; skip where it is not."""
    folder = Path(os.environ.get("CG_SIM_NIST_LJ", ""))
    paths = [folder / f"{name}{ending}" for ending in (".txt", ".xyz") if (folder / f"{name}{ending}").is_file()]
    if not paths or folder == Path():
        pytest.skip(f"{name} is not in the folder that CG_SIM_NIST_LJ names (nist.gov has it)")
    lines = paths[0].read_text().splitlines()
    header = next(words for words in map(str.split, lines) if len(words) > 1)
    lx, ly, lz, *tilts = (float(w) for w in (header[1:] if len(header) in (4, 7) else header))
    xy, xz, yz = tilts or (0.0, 0.0, 0.0)
    return cs.State(np.loadtxt(lines[2:])[:, 1:4], [[lx, 0, 0], [xy, ly, 0], [xz, yz, lz]])


def truncated(scheme: str) -> cd.Potential:
    lj = cd.LennardJones(cutoff=float(scheme[0]))
    return (lj.force_shifted() if scheme.endswith("LFS") else lj).table(8000)


@pytest.mark.parametrize("number", CUBOID)
def test_nist_tail_corrections(number):
    n, side, values = CUBOID[number]
    for scheme in ("3", "4"):
        assert n * energy_tail(n / side**3, float(scheme)) == pytest.approx(values[scheme][2], rel=FIVE_DIGITS)


@pytest.mark.parametrize("scheme", ["3", "4", "3 LFS"])
@pytest.mark.parametrize("number", CUBOID)
def test_nist_configurations(number, scheme):
    state = configuration(f"lj_sample_config_periodic{number}")
    n, side, values = CUBOID[number]
    found = cs.pair_forces(state, truncated(scheme))
    assert (state.n, state.volume) == (n, pytest.approx(side**3))
    assert found.energy == pytest.approx(values[scheme][0], rel=FIVE_DIGITS)
    assert np.trace(found.virial) == pytest.approx(values[scheme][1], rel=FIVE_DIGITS)


@pytest.mark.parametrize("name", SIXTEEN_DIGITS)
def test_nist_configurations_to_the_last_digit(name):
    state = configuration(name)
    energy, tail = SIXTEEN_DIGITS[name]
    assert cs.pair_forces(state, truncated("3")).energy == pytest.approx(energy, rel=1e-10)  # 8000 knots
    assert state.n * energy_tail(state.density, 3.0) == pytest.approx(tail, rel=1e-12)


def b3(potential: cd.Potential, kT: float) -> float:
    """−⅓ ∫∫ f₁₂ f₁₃ f₂₃, the inner integral by Fourier transform."""
    r = (np.arange(8192) + 0.5) * (4 * potential.cutoff / 8192)
    k = np.linspace(1e-3, 60, 3000)
    f = np.where(r < potential.cutoff, cd.mayer_f(potential, r, kT=kT), 0.0)
    waves = np.sinc(np.outer(k, r) / np.pi)
    transform = 4 * np.pi * (r[1] - r[0]) * waves @ (f * r**2)
    return -float(np.trapezoid(transform**3 * k**2, k)) / (6 * np.pi**2)


def test_weak_repulsion_is_an_ideal_gas_and_its_first_correction():
    """U = ε e^{−r²} with ε = 10⁻³ kT: U/N = ½ρε π^{3/2}, P = ρkT + ρ²ε π^{3/2}/2, both to ε/kT; N − 1 others."""
    rho, epsilon, n = 0.5, 1e-3, 300
    found = sampled(cd.GaussianCore(epsilon, 1.0, 4.0), rho, 1.0, steps=4000, seed=1, n=n)
    expected = 0.5 * rho * epsilon * np.pi**1.5 * (n - 1) / n
    for values, unit in ((found.energy, 1), (found.virial, rho)):
        mean = cs.mean_error(values)
        assert mean.stderr < 0.02 * unit * expected
        assert abs(mean.mean - unit * expected) < 4 * mean.stderr + 2 * epsilon * unit * expected
    run = cs.simulate(cs.fcc(n, rho), cd.LennardJones(epsilon=0.0), kT=1.3, steps=4000, observe=[cs.Pressure()], seed=2)
    assert float(run.data.pressure) == pytest.approx(rho * float(run.data.temperature), rel=1e-12)
    check("ideal gas P", z_score((float(run.data.pressure), float(run.data.pressure_stderr)), rho * 1.3, 0.0))


def test_dilute_gas_has_its_virial_coefficients():
    """(P − ρkT)/ρ²kT = B₂ + B₃ρ + …; B₃ of the integral here is that of Hirschfelder, Curtiss and Bird, table I-C."""
    rho, kT = 0.02, 2.0
    assert b3(cd.LennardJones(cutoff=12.0), kT) == pytest.approx(0.4371 * (2 * np.pi / 3) ** 2, rel=2e-4)
    lj = cd.LennardJones(cutoff=4.0).shifted()
    second, third = cd.b2(lj, kT=kT), b3(lj, kT)
    virial = cs.mean_error(sampled(lj, rho, kT, n=1000, steps=30_000, seed=3).virial)
    found = (virial.mean / (kT * rho**2), virial.stderr / (kT * rho**2))
    assert found[1] < 0.03 * abs(second)
    check("P − ρkT", z_score(found, second + third * rho, rho**2 * third))


def test_nist_gas_with_shifted_force():
    """NIST, LAMMPS MD of 10 000 particles, linear force shift at 2.5, kT = 1, ρ = 0.01."""
    rho = 0.01
    found = sampled(cd.LennardJones(cutoff=2.5).force_shifted(), rho, 1.0, n=1000, steps=50_000, seed=4)
    energy, virial = cs.mean_error(found.energy), cs.mean_error(found.virial)
    check("U", z_score(energy[:2], -6.727e-2, 1.125e-4))
    check("P", z_score((rho + virial.mean, virial.stderr), 9.677e-3, 5.384e-7))


def test_shifted_liquid_near_its_triple_point():
    """Thol et al., Int. J. Thermophys. 36, 25 (2015), cut and shifted at 2.5: the equation at ρ = 0.75, kT = 1.

    U and P are those that Allen and Tildesley print for it; their own runs scatter about it by the errors here.
    """
    found = sampled(cd.LennardJones(cutoff=2.5).shifted(), 0.75, 1.0, steps=20_000, seed=5)
    energy, virial = cs.mean_error(found.energy), cs.mean_error(found.virial)
    check("U", z_score(energy[:2], -2.9286 - 1.5, 0.002))
    check("P", z_score((0.75 + virial.mean, virial.stderr), 0.9897, 0.004))


def of_the_cut_potential(found: Samples, kT: float, cutoff: float) -> list[tuple[float, float]]:
    """⟨U/N⟩ and ⟨W/3V⟩ in the ensemble of the potential with its step at the cutoff.

    Forces know nothing of the step: molecular dynamics samples the shifted potential, Monte Carlo the one with the
    step, whose energy differs by U(r_c) per pair within r_c.
    """
    pairs = np.array(found.pairs)
    step = float(4 * (cutoff**-12 - cutoff**-6))
    weight = np.exp(-step * (pairs - pairs.mean()) / kT)
    weight /= weight.mean()
    results = []
    for values in (np.array(found.energy), np.array(found.virial)):
        mean = float(np.mean(weight * values))
        results.append((mean, cs.mean_error(weight * (values - mean)).stderr))
    return results


# NIST SRSW, "MC: NVT Monte Carlo" (mmlapps.nist.gov/srs/LJ_PURE/mc.htm), 500 particles, cutoff 3 with long-range
# corrections; U from the same group's longer runs with FEASST 0.25.1 (github.com/hhatch/dormms), which agree with it.
NIST_LIQUID = {  # kT, ρ: U, P
    (0.85, 0.776): ((-5.511923, 0.000371), (0.0067714, 0.0017)),
    (0.90, 0.776): ((-5.468437, 0.000300), (0.24056, 0.00274)),
}


@pytest.mark.validation
@pytest.mark.parametrize(("kT", "rho"), NIST_LIQUID)
def test_nist_liquid(kT, rho):
    found = sampled(cd.LennardJones(cutoff=3.0), rho, kT, steps=100_000, seed=6, reach=3.0)
    energy, virial = of_the_cut_potential(found, kT, 3.0)
    published_energy, published_pressure = NIST_LIQUID[kT, rho]
    check("U", z_score((energy[0] + energy_tail(rho, 3.0), energy[1]), *published_energy))
    check("P", z_score((rho * kT + virial[0] + pressure_tail(rho, 3.0), virial[1]), *published_pressure))


@pytest.mark.validation
@pytest.mark.parametrize(
    ("rho", "energy", "pressure"),
    [(0.3, (-1.6731, 0.0004), (1.0234, 0.0003)), (0.6, (-3.2121, 0.0002), (3.6976, 0.0008))],
)
def test_hot_shifted_fluid(rho, energy, pressure):
    """HAL's MD package, its documentation's validation page: 4000 particles, cut and shifted at 4, kT = 3."""
    found = sampled(cd.LennardJones(cutoff=4.0).shifted(), rho, 3.0, n=864, steps=15_000, seed=7)
    u, w = cs.mean_error(found.energy), cs.mean_error(found.virial)
    check("U", z_score(u[:2], *energy))
    check("P", z_score((3 * rho + w.mean, w.stderr), *pressure))


# The untruncated fluid by two equations of state: Kolafa & Nezbeda, Fluid Phase Equilib. 100, 1 (1994) and Thol et al.,
# J. Phys. Chem. Ref. Data 45, 023101 (2016), computed here from their coefficients, which gave the check values
# U(kT = 1.3, ρ = 0.2) = −1.53715, P = 0.12148 of the first and U(1, 0.75) = −5.2212, P = 0.3996 of the second.
EQUATIONS = {  # kT, ρ: U, U, P, P
    (2.0, 0.3): (-1.92703, -1.93025, 0.48640, 0.48740),
    (1.5, 0.5): (-3.32874, -3.32402, 0.41674, 0.41697),
    (2.0, 0.7): (-4.30064, -4.30240, 3.02858, 3.03196),
}


@pytest.mark.validation
@pytest.mark.parametrize(("kT", "rho"), EQUATIONS)
def test_equations_of_state(kT, rho):
    """The difference of the two is taken as their error."""
    found = sampled(cd.LennardJones(cutoff=4.0), rho, kT, steps=30_000, seed=8)
    u, w = cs.mean_error(found.energy), cs.mean_error(found.virial)
    u1, u2, p1, p2 = EQUATIONS[kT, rho]
    check("U", z_score((u.mean + energy_tail(rho, 4.0), u.stderr), (u1 + u2) / 2, abs(u1 - u2)))
    pressure = rho * kT + w.mean + pressure_tail(rho, 4.0)
    check("P", z_score((pressure, w.stderr), (p1 + p2) / 2, abs(p1 - p2)))


@pytest.mark.validation
@pytest.mark.parametrize("precision", ["double", "single"])
def test_liquid_of_hoomd(precision):
    """HOOMD-blue 4.8.2, its own Lennard-Jones force, N = 4000, ρ = 0.7, kT = 1, cut at 2.5: −4.519(1) and 0.535(4)."""
    lj, seed = cd.LennardJones(cutoff=2.5), {"double": 12, "single": 13}[precision]
    melt = cs.simulate(cs.fcc(4000, 0.7), lj, kT=2.0, steps=2000, dt=DT, precision="single", seed=seed).state
    run = cs.simulate(
        melt.with_velocities(1.0, seed), lj, kT=1.0, steps=20_000, dt=DT, equilibration=3000, sample_every=25,
        observe=[cs.Pressure()], precision=precision, seed=seed,
    ).data  # fmt: skip
    check("U", z_score((float(run.energy), float(run.energy_stderr)), -4.519, 0.001))
    check("P", z_score((float(run.pressure), float(run.pressure_stderr)), 0.535, 0.004))


@pytest.mark.validation
def test_nist_diffusion():
    """NIST SRSW, "MD" (mmlapps.nist.gov/srs/LJ_PURE/md.htm): D = 0.061 at kT = 0.851, ρ = 0.776, for N = 500.

    Two digits and no error are printed; 0.001 is taken, 2 % as of runs as long as theirs (100 time units). The box is
    theirs, so D of an endless system (some 10 % more) is not in question. The thermostat only rescales velocities.
    """
    lj = cd.LennardJones(cutoff=3.0)
    melt = cs.simulate(cs.fcc(500, 0.776), lj, kT=1.7, steps=2000, dt=DT, seed=11).state.with_velocities(0.851, 11)
    run = cs.simulate(
        melt, lj, kT=0.851, steps=50_000, dt=DT, equilibration=5000, thermostat=cs.Bussi(2.0), sample_every=50,
        observe=[cs.MSD(lags=50, spacing=5)], seed=11,
    ).data.sel(type="A")  # fmt: skip
    check("D", z_score((float(run.diffusion), float(run.diffusion_stderr)), 0.061, 0.001))
