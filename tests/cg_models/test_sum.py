"""A base potential and a pair correction in one ASE calculator, and the commands that add them in LAMMPS."""

from __future__ import annotations

import numpy as np
import pytest

import cg_data as cd

torch = pytest.importorskip("torch")
pytest.importorskip("vesin")
pytest.importorskip("ase")
if True:  # after the skips
    from ase.build import bulk
    from ase.calculators.calculator import PropertyNotImplementedError
    from ase.calculators.emt import EMT
    from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress

    import cg_models as cm
    from cg_models.schnet.calculator import BeadCalculator

    from .neurochem_files import crystal, write_potential
    from .test_bead_calculator import UNITS, potential

BUMP = cd.GaussianCore(0.2, 1.5, cutoff=5.0).force_shifted()  # eV, Å


def alloy(n=1):
    atoms = bulk("Al", "fcc", 4.0, cubic=True).repeat((n, n, n))
    atoms.symbols[::3] = "Cu"
    atoms.rattle(0.1, seed=2)
    return atoms


def all_pairs(atoms, potentials):
    """Return Σ u(r) over all pairs of atoms and images, each pair once."""
    images = np.array(list(np.ndindex(7, 7, 7))) - 3
    x, names, energy = atoms.positions, np.array(atoms.get_chemical_symbols()), 0.0
    for (a, b), u in potentials.items():
        for i in np.flatnonzero((names == a) | (names == b)):
            others = names == (b if names[i] == a else a)
            r = np.linalg.norm(x[others][:, None] + images @ atoms.cell.array - x[i], axis=-1)
            energy += u.energy(r[(r > 0) & (r < u.cutoff)]).sum() / 2
    return energy


@pytest.mark.parametrize("n", [1, 2])
def test_energies_add_up(n):
    """In a cell of 4 atoms, smaller than the cutoff, and in one of 32; between all, and between some."""
    atoms = alloy(n)
    atoms.calc = EMT()
    base = atoms.get_potential_energy()
    pairs = [("Al", "Al"), ("Al", "Cu"), ("Cu", "Cu")]
    for given, potentials in [
        (BUMP, dict.fromkeys(pairs, BUMP)),
        (BUMP.table(1000), dict.fromkeys(pairs, BUMP.table(1000))),
        ({("Cu", "Al"): BUMP}, {("Al", "Cu"): BUMP}),
        ({("Al", "Al"): BUMP, ("Cu", "Ni"): BUMP}, {("Al", "Al"): BUMP}),
    ]:
        atoms.calc = cm.Sum(EMT(), given)
        assert atoms.get_potential_energy() == pytest.approx(base + all_pairs(atoms, potentials), abs=1e-6)
        assert atoms.calc.results["base_energy"] == pytest.approx(base, rel=1e-12)
        assert atoms.get_potential_energy(force_consistent=True) == atoms.get_potential_energy()


@pytest.mark.parametrize("pair", [BUMP, {("Al", "Cu"): BUMP}], ids=["all", "some"])
def test_forces_and_stress_are_slopes_of_the_energy(pair):
    atoms = alloy()
    atoms.calc = cm.Sum(EMT(), pair)
    forces, stress = atoms.get_forces(), atoms.get_stress()
    np.testing.assert_allclose(forces, calculate_numerical_forces(atoms, eps=1e-4), atol=1e-6)
    np.testing.assert_allclose(stress, calculate_numerical_stress(atoms, eps=1e-5), atol=1e-6)


def test_units_of_the_correction_are_said():
    atoms, there = alloy(2), cd.Units("nm", "kJ/mol", "g/mol")
    kilojoules = cd.GaussianCore(0.2 * 96.48533212, 0.15, cutoff=0.5).force_shifted()
    atoms.calc = cm.Sum(EMT(), BUMP)
    energy, forces, stress = atoms.get_potential_energy(), atoms.get_forces(), atoms.get_stress()
    atoms.calc = cm.Sum(EMT(), kilojoules, units=there)
    assert atoms.get_potential_energy() == pytest.approx(energy, rel=1e-9)
    np.testing.assert_allclose(atoms.get_forces(), forces, atol=1e-8)
    np.testing.assert_allclose(atoms.get_stress(), stress, atol=1e-9)
    with pytest.raises(ValueError, match="reduced units"):
        cm.Sum(EMT(), BUMP, units=cd.Units())


def test_what_ani_and_load_beads_read_are_bases_too(tmp_path):
    write_potential(tmp_path)
    ani, atoms = cm.ani(tmp_path), crystal(rattle=0.1)
    atoms.calc = cm.Sum(ani, BUMP)
    alone = ani(atoms.positions, atoms.cell.array)
    assert atoms.get_potential_energy() == pytest.approx(
        alone.energy + all_pairs(atoms, {("Al", "Al"): BUMP}), abs=1e-6
    )
    np.testing.assert_allclose(atoms.get_forces(), calculate_numerical_forces(atoms, eps=1e-4), atol=1e-3)

    beads = crystal(5, lattice=4.05)
    beads.set_array("type_name", np.array(["A", "B"] * 250))
    beads.calc = BeadCalculator(potential(), ("A", "B"), UNITS)
    base = beads.get_potential_energy()
    beads.calc = cm.Sum(BeadCalculator(potential(), ("A", "B"), UNITS), {("A", "A"): BUMP})
    assert beads.get_potential_energy() > base + 1
    with pytest.raises(PropertyNotImplementedError):  # its base has no stress
        beads.get_stress()
    with pytest.raises(TypeError, match="ASE calculator"):
        cm.Sum(BUMP, BUMP)
    with pytest.raises(ValueError, match="at least one pair"):
        cm.Sum(EMT(), {})


def test_a_cluster_has_no_stress_but_all_else():
    atoms = alloy(2)
    atoms.pbc = False
    atoms.calc = cm.Sum(EMT(), BUMP)
    np.testing.assert_allclose(atoms.get_forces(), calculate_numerical_forces(atoms, eps=1e-4), atol=1e-6)


def test_moves_and_other_cells_are_followed():
    atoms, noise = alloy(2), np.random.default_rng(1)
    calc = cm.Sum(EMT(), BUMP, skin=0.4)
    for k in range(8):
        atoms.positions += noise.normal(scale=0.05, size=atoms.positions.shape)
        if k == 5:
            atoms.set_cell(atoms.cell * 1.02, scale_atoms=True)
        atoms.calc = calc
        kept = atoms.get_forces()
        atoms.calc = cm.Sum(EMT(), BUMP)
        np.testing.assert_allclose(kept, atoms.get_forces(), atol=1e-12)


def test_commands_for_lammps_name_every_pair(tmp_path):
    said = cm.lammps_overlay(
        {("Cu", "Al"): BUMP, ("Al", "Al"): BUMP}, tmp_path / "add.table", base="eam/alloy", coefficients="CuAl.eam Al Cu",
        types=["Al", "Cu"], n=500,
    )  # fmt: skip
    assert said.splitlines() == [
        "pair_style hybrid/overlay eam/alloy table spline 500",
        "pair_coeff * * eam/alloy CuAl.eam Al Cu",
        "pair_coeff 1 1 table add.table Al-Al 5",
        "pair_coeff 1 2 table add.table Al-Cu 5",
    ]
    written = cd.read_interactions(tmp_path / "add.table")
    r = np.linspace(1.0, 4.9, 50)
    np.testing.assert_allclose(written["Al", "Cu"].energy(r), BUMP.energy(r), atol=1e-6)
    alone = cm.lammps_overlay(
        BUMP, tmp_path / "real.table", base="snap", coefficients="x Ni", types=["Ni"], lammps=cd.Units("Å", "kcal/mol", "u")
    )  # fmt: skip
    assert alone.splitlines()[-1] == "pair_coeff 1 1 table real.table Ni-Ni 5"
    assert cd.read_table(tmp_path / "real.table").attrs["units_energy"] == "kcal/mol"
    with pytest.raises(ValueError, match="Cu-Ni is of no two of the types Al, Cu"):
        cm.lammps_overlay({("Ni", "Cu"): BUMP}, tmp_path / "x", base="eam", coefficients="", types=["Al", "Cu"])
