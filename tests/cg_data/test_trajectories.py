"""Trajectories of every program: golden files typed by hand, round trips, agreement with ASE, gsd and MDAnalysis."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cg_data as cd

REAL = cd.Units("angstrom", "kcal/mol", "g/mol")
METAL = cd.Units("angstrom", "eV", "g/mol")
WATER = Path(__file__).resolve().parents[3] / "shared/data/water-dft"

DUMP = """ITEM: TIMESTEP
100
ITEM: NUMBER OF ATOMS
3
ITEM: BOX BOUNDS pp pp pp
-1.0 9.0
0.0 10.0
0.0 20.0
ITEM: ATOMS id type xs ys zs ix iy iz vx vy vz fx fy fz mass mol
2 2 0.5 0.5 0.5 1 0 -1 0.001 0 0 4 5 6 1.0 1
1 1 0.0 0.25 0.1 0 0 0 0 0 0 1 2 3 16.0 1
3 2 0.1 0.2 0.3 0 0 0 0 0.002 0 7 8 9 1.0 2
"""
TILTED = """ITEM: TIMESTEP
0
ITEM: NUMBER OF ATOMS
1
ITEM: BOX BOUNDS xy xz yz pp pp pp
-2.0 13.0 3.0
0.0 11.0 -2.0
0.0 12.0 1.0
ITEM: ATOMS id type xs ys zs
1 1 0.5 0.5 0.5
"""
XYZ = """2
Lattice="5.0 0.0 0.0 0.0 6.0 0.0 1.0 0.0 7.0" Properties=species:S:1:pos:R:3:forces:R:3 energy=-1.5 pbc="T T T"
O 0.1 0.2 0.3 1 2 3
H 1.1 1.2 1.3 -1 -2 -3
2
Lattice='5.0 0.0 0.0 0.0 6.0 0.0 1.0 0.0 7.0' Properties=species:S:1:pos:R:3:forces:R:3 energy=2e0
O 0.1 0.2 0.4 1 2 3
H 1.1 1.2 1.4 -1 -2 -4
"""


def test_dump_by_hand(tmp_path):
    """Scaled coordinates, image flags, ids out of order, an origin at −1: x₂ = (0.5 + 1)·10, z₂ = (0.5 − 1)·20."""
    (tmp_path / "a.dump").write_text(DUMP)
    ds = cd.read_trajectory(tmp_path / "a.dump", types=["O", "H"], units=REAL)
    assert cd.read_trajectory(tmp_path / "a.dump").attrs["units_length"] == "sigma", "LAMMPS's own default is lj"
    assert ds.type.values.tolist() == ["O", "H", "H"]
    np.testing.assert_allclose(ds.position.values[0], [[0, 2.5, 2], [15, 5, -10], [1, 2, 6]], atol=1e-12)
    np.testing.assert_allclose(ds.force.values[0], [[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    assert ds.mass.values.tolist() == [16, 1, 1]
    assert ds.molecule.values.tolist() == [1, 1, 2]
    assert ds.step.values.tolist() == [100]
    np.testing.assert_allclose(ds.box.values[0], np.diag([10, 10, 20]))
    # 0.001 Å/fs is 0.001 · 48.88821 Å per derived unit of time
    assert float(ds.velocity[0, 1, 0]) == pytest.approx(0.04888821, rel=1e-6)


def test_tilted_dump_by_hand(tmp_path):
    """xlo_bound = xlo + min(0, xy, xz, xy + xz) = 0 − 2, xhi_bound = 10 + 3; the middle is half of a + b + c."""
    (tmp_path / "a.dump").write_text(TILTED)
    ds = cd.read_trajectory(tmp_path / "a.dump")
    np.testing.assert_allclose(ds.box.values[0], [[10, 0, 0], [3, 10, 0], [-2, 1, 12]])
    np.testing.assert_allclose(ds.position.values[0, 0], [5.5, 5.5, 6.0])


def test_unscaled_dump_and_unwrapped(tmp_path):
    text = DUMP.replace("xs ys zs", "xu yu zu").replace("0.5 0.5 0.5", "14 5 -10").replace("ix iy iz", "q1 q2 q3")
    (tmp_path / "a.dump").write_text(text)
    ds = cd.read_trajectory(tmp_path / "a.dump", units=METAL)
    np.testing.assert_allclose(ds.position.values[0, 1], [15, 5, -10])
    assert ds.type.values.tolist() == ["1", "2", "2"]
    assert float(ds.velocity[0, 1, 0]) == pytest.approx(0.001 * 10.18051e-3, rel=1e-6)  # Å/ps; 10.18 fs derived


def test_a_dump_states_its_units(tmp_path):
    (tmp_path / "a.dump").write_text("ITEM: UNITS\nmetal\n" + DUMP)
    ds = cd.read_trajectory(tmp_path / "a.dump")
    assert (ds.force.attrs["units"], float(ds.velocity[0, 1, 0])) == (
        "eV/angstrom",
        pytest.approx(1.018051e-5, rel=1e-6),
    )
    assert cd.read_trajectory(tmp_path / "a.dump", units=REAL).attrs["units_energy"] == "kcal/mol"
    cd.write_trajectory(ds, tmp_path / "b.dump")
    again = cd.read_trajectory(tmp_path / "b.dump")
    assert again.attrs["units_energy"] == "eV"
    np.testing.assert_allclose(again.velocity.values, ds.velocity.values)
    with pytest.raises(ValueError, match="LAMMPS' units are lj, real, metal; the trajectory is in nm"):
        cd.write_trajectory(ds.assign_attrs(units_length="nm"), tmp_path / "c.dump")


def test_extended_xyz_by_hand(tmp_path):
    (tmp_path / "a.xyz").write_text(XYZ)
    ds = cd.read_trajectory(tmp_path / "a.xyz")
    assert ds.sizes["frame"] == 2
    assert ds.energy.values.tolist() == [-1.5, 2.0]
    np.testing.assert_allclose(ds.force.values[1, 1], [-1, -2, -4])
    np.testing.assert_allclose(ds.box.values[0], [[5, 0, 0], [0, 6, 0], [1, 0, 7]])
    assert cd.read_trajectory(tmp_path / "a.xyz", frames=slice(1, None)).energy.values.tolist() == [2.0]


def test_xyz_agrees_with_ase(tmp_path):
    io = pytest.importorskip("ase.io")
    (tmp_path / "a.xyz").write_text(XYZ)
    ours, theirs = cd.read_trajectory(tmp_path / "a.xyz"), io.read(tmp_path / "a.xyz", index=":")
    for k, atoms in enumerate(theirs):
        np.testing.assert_allclose(ours.position.values[k], atoms.get_positions())
        np.testing.assert_allclose(ours.box.values[k], atoms.cell.array)
        np.testing.assert_allclose(ours.force.values[k], atoms.get_forces())
        assert float(ours.energy[k]) == atoms.get_potential_energy()
    cd.write_trajectory(ours, tmp_path / "b.xyz")
    again = io.read(tmp_path / "b.xyz", index=1)
    np.testing.assert_allclose(again.get_forces(), theirs[1].get_forces())


def test_dump_agrees_with_ase(tmp_path):
    io = pytest.importorskip("ase.io")
    (tmp_path / "a.dump").write_text(DUMP.replace("-1.0 9.0", "0.0 10.0"))
    theirs = io.read(tmp_path / "a.dump", format="lammps-dump-text")
    ours = cd.read_trajectory(tmp_path / "a.dump")
    fractional = (ours.position.values[0] - theirs.get_positions()) / np.diag(ours.box.values[0])
    np.testing.assert_allclose(fractional, np.round(fractional), atol=1e-9)


@st.composite
def trajectories(draw, *, single=False):
    """Any small trajectory in a triclinic box, positions far outside of it included."""
    n, frames = draw(st.integers(1, 6)), draw(st.integers(1, 3))
    noise = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    edges, tilts = noise.uniform(3, 9, 3), noise.uniform(-1.4, 1.4, 3) * draw(st.sampled_from([0.0, 1.0]))
    box = np.diag(edges)
    box[1, 0], box[2, 0], box[2, 1] = tilts
    box = np.stack([box * (1 + 0.1 * k) for k in range(frames)])
    reach = 10 if single else 100
    arrays = noise.normal(size=(3, frames, n, 3)) * np.array([reach, 1, 1])[:, None, None, None]
    on = draw(st.lists(st.booleans(), min_size=5, max_size=5))
    return cd.trajectory(
        arrays[0], box, draw(st.lists(st.sampled_from(["A", "W1", "CH3"]), min_size=n, max_size=n)), units=METAL,
        velocity=arrays[1] if on[0] else None, force=arrays[2] if on[1] else None,
        energy=noise.normal(size=frames) if on[2] else None, mass=noise.uniform(1, 50, n),
        molecule=np.arange(n) // 2 if on[3] else None, step=np.arange(frames) * 50,
    )  # fmt: skip


KEPT = {  # what each format can hold, and how exactly
    "t.dump": ("velocity", "force", "mass", "molecule", "step"),
    "t.xyz": ("velocity", "force", "energy", "mass", "molecule", "step"),
    "t.nc": ("velocity", "force", "energy", "mass", "molecule", "step"),
    "folder": ("force", "energy"),
}


@pytest.mark.parametrize("name", KEPT)
@settings(max_examples=25, deadline=None)
@given(ds=trajectories())
def test_round_trip(tmp_path_factory, name, ds):
    path = tmp_path_factory.mktemp("t") / name
    again = cd.read_trajectory(cd.write_trajectory(ds, path), units=METAL)
    np.testing.assert_allclose(again.position.values, ds.position.values, rtol=1e-13, atol=1e-12)
    np.testing.assert_allclose(again.box.values, ds.box.values, rtol=1e-13, atol=1e-13)
    assert again.type.values.tolist() == ds.type.values.tolist()
    for field in ("velocity", "force", "energy", "mass", "molecule", "step"):
        assert (field in again) == (field in ds and field in KEPT[name]), field
        if field in again:
            np.testing.assert_allclose(again[field].values, ds[field].values, rtol=1e-13, atol=1e-13)


@settings(max_examples=15, deadline=None)
@given(ds=trajectories(single=True))
def test_gsd_round_trip(tmp_path_factory, ds):
    pytest.importorskip("gsd")
    path = tmp_path_factory.mktemp("t") / "t.gsd"
    again = cd.read_trajectory(cd.write_trajectory(ds, path), units=METAL)
    np.testing.assert_allclose(again.position.values, ds.position.values, atol=2e-5)  # single precision at reach 30
    np.testing.assert_allclose(again.box.values, ds.box.values, rtol=1e-6, atol=1e-6)
    for field in ("velocity", "force", "energy", "mass", "step"):
        if field in ds:
            np.testing.assert_allclose(again[field].values, ds[field].values, rtol=1e-6, atol=1e-6)


def test_gsd_agrees_with_the_gsd_package(tmp_path):
    hoomd = pytest.importorskip("gsd.hoomd")
    frame = hoomd.Frame()
    frame.configuration.box, frame.configuration.step = [4, 5, 6, 0.1, 0.0, 0.0], 77
    frame.particles.N, frame.particles.types, frame.particles.typeid = 2, ["A", "B"], [1, 0]
    frame.particles.position, frame.particles.image = [[0, 0, 0], [1, 1, 1]], [[0, 0, 0], [1, -1, 0]]
    with hoomd.open(str(tmp_path / "a.gsd"), "w") as out:
        out.append(frame)
    ds = cd.read_trajectory(tmp_path / "a.gsd")
    corner = 0.5 * np.array([4 + 0.5, 5, 6])  # half of a + b + c with b = (xy·Ly, Ly, 0)
    np.testing.assert_allclose(ds.position.values[0, 0], corner)
    np.testing.assert_allclose(ds.position.values[0, 1], corner + 1 + np.array([4 - 0.5, -5, 0]))
    assert ds.type.values.tolist() == ["B", "A"]
    assert (int(ds.step[0]), ds.attrs["precision"]) == (77, "float32")
    cd.write_trajectory(ds, tmp_path / "b.gsd")
    with hoomd.open(str(tmp_path / "b.gsd"), "r") as back:
        np.testing.assert_allclose(back[0].particles.position, frame.particles.position, atol=1e-6)
        np.testing.assert_array_equal(back[0].particles.image, frame.particles.image)


def test_gsd_velocities_of_frame_0_are_not_repeated(tmp_path):
    """GSD hands out what only frame 0 stores for every frame; of velocities that is wrong."""
    pytest.importorskip("gsd")
    ds = cd.trajectory(np.zeros((1, 1, 3)), [3.0, 3.0, 3.0], ["A"], units=cd.Units(), velocity=np.full((1, 1, 3), 9.0))
    import gsd.hoomd

    cd.write_trajectory(ds, tmp_path / "a.gsd")
    with gsd.hoomd.open(str(tmp_path / "a.gsd"), "r+") as more:
        frame = gsd.hoomd.Frame()
        frame.particles.N, frame.particles.position = 1, [[1, 0, 0]]
        frame.configuration.box = [3, 3, 3, 0, 0, 0]
        more.append(frame)
    assert "velocity" not in cd.read_trajectory(tmp_path / "a.gsd")
    assert float(cd.read_trajectory(tmp_path / "a.gsd", frames=slice(0, 1)).velocity[0, 0, 0]) == 9.0


def test_stale_results_of_a_calculator_are_left_out():
    pytest.importorskip("ase")
    from ase.build import bulk
    from ase.calculators.emt import EMT

    atoms = bulk("Al", cubic=True)
    atoms.calc = EMT()
    atoms.get_potential_energy()
    assert "energy" in cd.from_ase(atoms)
    atoms.rattle(0.1)
    assert "energy" not in cd.from_ase(atoms)


def test_ase_atoms_both_ways(tmp_path):
    pytest.importorskip("ase")
    from ase.build import bulk
    from ase.calculators.emt import EMT

    atoms = bulk("Al", cubic=True) * (2, 2, 2)
    atoms.rattle(0.1, seed=1)
    atoms.set_velocities(np.random.default_rng(0).normal(size=(32, 3)))
    atoms.calc = EMT()
    energy, forces = atoms.get_potential_energy(), atoms.get_forces()
    ds = cd.from_ase([atoms, atoms])
    assert ds.sizes["frame"] == 2
    assert float(ds.energy[0]) == energy
    np.testing.assert_array_equal(ds.force.values[1], forces)
    back = cd.to_ase(ds)[1]
    np.testing.assert_allclose(back.get_velocities(), atoms.get_velocities(), rtol=1e-12)
    np.testing.assert_allclose(back.get_forces(), forces)
    assert back.get_chemical_symbols() == ["Al"] * 32
    atoms.write(tmp_path / "a.traj")
    np.testing.assert_allclose(cd.read_trajectory(tmp_path / "a.traj").position.values[0], atoms.get_positions())


def test_beads_become_atoms_in_ases_units():
    """1 nm = 10 Å, 1 kJ/mol = 1/96.485 eV, 1 nm/ps = 10 Å / 98.2269 ASE time units."""
    pytest.importorskip("ase")
    from ase import units

    ds = cd.trajectory(np.ones((1, 1, 3)), [3.0, 3.0, 3.0], ["CG"], units=cd.Units("nm", "kJ/mol", "g/mol"),
                       velocity=np.ones((1, 1, 3)), force=np.ones((1, 1, 3)), energy=[1.0], mass=[18.0])  # fmt: skip
    (atoms,) = cd.to_ase(ds)
    assert atoms.get_positions()[0, 0] == pytest.approx(10.0)
    assert atoms.get_velocities()[0, 0] == pytest.approx(10 * units.Ang / (1000 * units.fs), rel=1e-6)
    assert atoms.get_forces()[0, 0] == pytest.approx(1 / 964.8533212, rel=1e-6)
    assert atoms.get_potential_energy() == pytest.approx(1 / 96.48533212, rel=1e-6)
    assert atoms.arrays["type_name"].tolist() == ["CG"]
    assert cd.from_ase(atoms).type.values.tolist() == ["CG"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_mdanalysis_universes():
    mda = pytest.importorskip("MDAnalysis")
    universe = mda.Universe.empty(
        4, n_residues=2, atom_resindex=[0, 0, 1, 1], trajectory=True, velocities=True, forces=True
    )
    universe.add_TopologyAttr("names", ["OW", "HW", "OW", "HW"])
    universe.add_TopologyAttr("masses", [16.0, 1.0, 16.0, 1.0])
    universe.atoms.positions = np.arange(12.0).reshape(4, 3)
    universe.atoms.velocities = np.full((4, 3), 2.0)
    universe.atoms.forces = np.full((4, 3), 3.0)
    universe.dimensions = [10, 11, 12, 90, 90, 60]
    ds = cd.from_mdanalysis(universe)
    assert ds.type.values.tolist() == ["OW", "HW", "OW", "HW"]
    assert ds.molecule.values.tolist() == [0, 0, 1, 1]
    np.testing.assert_allclose(ds.position.values[0], np.arange(12.0).reshape(4, 3))
    np.testing.assert_allclose(ds.box.values[0, 1], [5.5, 11 * np.sqrt(0.75), 0], rtol=1e-6)
    # 2 Å/ps, and the derived unit √(u·Å²/(kJ/mol)) is 0.1 ps: 0.2 Å per unit
    np.testing.assert_allclose(ds.velocity.values, 0.2, rtol=1e-6)
    np.testing.assert_allclose(ds.force.values, 3.0)
    assert cd.from_mdanalysis(universe.select_atoms("name OW")).sizes["particle"] == 2
    universe.dimensions = None
    with pytest.raises(cd.FileError, match="no periodic box"):
        cd.from_mdanalysis(universe)


@pytest.mark.skipif(
    not WATER.is_dir(), reason="the PBE0+TS water frames (shared/data/water-dft) are not beside the repository"
)
def test_deepmd_water_frames():
    systems = [cd.read_trajectory(p, types=["O", "H"]) for p in sorted(WATER.glob("data_*"))]
    assert sum(ds.sizes["frame"] for ds in systems) >= 300
    ds = systems[0]
    assert ds.type.values.tolist() == ["O"] * 64 + ["H"] * 128
    np.testing.assert_allclose(ds.box.values[0], np.diag([12.4447] * 3), atol=1e-4)
    force = ds.force.values
    assert np.sqrt(np.mean(force[:, :64] ** 2)) == pytest.approx(1.00, abs=0.02)
    assert np.sqrt(np.mean(force[:, 64:] ** 2)) == pytest.approx(0.70, abs=0.02)


@pytest.fixture
def deepmd(tmp_path):
    ds = cd.trajectory(np.random.default_rng(0).normal(size=(3, 2, 3)), [4.0, 4.0, 4.0], ["O", "H"], units=METAL,
                       energy=[1.0, 2.0, 3.0], force=np.ones((3, 2, 3)))  # fmt: skip
    return cd.write_trajectory(ds, tmp_path / "system")


def test_an_old_system_is_not_mixed_with_a_new_one(deepmd):
    with pytest.raises(cd.FileError, match="holds a DeePMD system already"):
        cd.write_trajectory(cd.read_trajectory(deepmd), deepmd)


def test_several_sets_in_order(deepmd):
    for k in (10, 2):
        (deepmd / f"set.{k:03d}").mkdir()
        for name in ("coord", "box", "force", "energy"):
            np.save(
                deepmd / f"set.{k:03d}/{name}.npy",
                np.load(deepmd / f"set.000/{name}.npy") * (k if name == "energy" else 1),
            )
    ds = cd.read_trajectory(deepmd)
    assert ds.energy.values.tolist() == [1, 2, 3, 2, 4, 6, 10, 20, 30]
    assert cd.read_trajectory(deepmd, frames=slice(1, 8, 3)).energy.values.tolist() == [2, 4, 20]


def test_virials_of_deepmd_systems(tmp_path, deepmd):
    """virial.npy is Σ f ⊗ r [eV], nine numbers a frame; it goes through files and units as energies do."""
    noise = np.random.default_rng(1)
    virials = noise.normal(size=(3, 9))
    np.save(deepmd / "set.000/virial.npy", virials)
    ds = cd.read_trajectory(deepmd)
    np.testing.assert_array_equal(ds.virial.values, virials.reshape(3, 3, 3))
    assert ds.virial.attrs["units"] == "eV"
    again = cd.read_trajectory(cd.write_trajectory(ds, tmp_path / "again"), frames=slice(1, 3))
    np.testing.assert_array_equal(again.virial.values, ds.virial.values[1:])
    np.testing.assert_array_equal(cd.load(cd.save(ds, tmp_path / "ds.nc")).virial.values, ds.virial.values)
    kcal = cd.in_units(ds, cd.Units("nm", "kcal/mol", "g/mol"))
    np.testing.assert_allclose(kcal.virial.values / ds.virial.values, 23.0605, rtol=1e-5)
    assert kcal.virial.attrs["units"] == "kcal/mol"


def damage_npy(folder, name, array):
    np.save(folder / "set.000" / f"{name}.npy", array)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda p: (p / "type.raw").unlink(), "no such file"),
        (lambda p: (p / "type.raw").write_text("0\nx\n"), r"line 2: 'x' is not a type number"),
        (lambda p: (p / "type.raw").write_text("0\n7\n"), "type 7 has no name"),
        (lambda p: (p / "type.raw").write_text("\n"), "names no particle"),
        (lambda p: (p / "set.000/coord.npy").unlink(), "lacks coord.npy"),
        (lambda p: damage_npy(p, "coord", np.ones((3, 5))), r"has shape \(3, 5\), expected \(3, 6\)"),
        (lambda p: damage_npy(p, "energy", np.ones(4)), r"has shape \(4,\), expected \(3, 1\)"),
        (lambda p: damage_npy(p, "force", np.full((3, 6), np.nan)), "not finite"),
        (lambda p: damage_npy(p, "virial", np.ones((3, 6))), r"has shape \(3, 6\), expected \(3, 9\)"),
        (lambda p: damage_npy(p, "box", np.zeros((3, 9))), "no volume"),
        (lambda p: np.save(p / "set.000/box.npy", np.array([{}], dtype=object)), "not what it holds"),
        (lambda p: (p / "set.000/box.npy").write_bytes(b"garbage"), "is not a .npy array"),
        (lambda p: (p / "set.000/box.npy").write_bytes((p / "set.000/box.npy").read_bytes()[:-8]), "not what it holds"),
        (lambda p: ((p / "set.001").mkdir(), [np.save(p / f"set.001/{n}.npy", np.load(p / f"set.000/{n}.npy")) for n in ("coord", "box")]), "the first set"),
        (lambda p: __import__("shutil").rmtree(p / "set.000"), "no folder set.000"),
    ],
)  # fmt: skip
def test_damaged_deepmd_systems(deepmd, damage, message):
    damage(deepmd)
    with pytest.raises(cd.FileError, match=message):
        cd.read_trajectory(deepmd)


def test_a_header_that_declares_a_petabyte(deepmd):
    data = (deepmd / "set.000/coord.npy").read_bytes()
    (deepmd / "set.000/coord.npy").write_bytes(data.replace(b"(3, 6), }" + b" " * 11, b"(999999999999, 6), }"))
    with pytest.raises(cd.FileError, match="not what it holds"):
        cd.read_trajectory(deepmd)


BAD_DUMPS = [
    (DUMP[: DUMP.index("3 2 0.1")], r"ends inside frame 0; its writer was stopped"),
    (DUMP.replace("ITEM: TIMESTEP", "hello"), "expected ITEM"),
    (DUMP.replace("-1.0 9.0", "9.0 -1.0"), "no volume"),
    (DUMP.replace("-1.0 9.0", "-1.0 wide"), "expected 2 numbers"),
    (DUMP.replace("\n3\n", "\n99999999999999999999\n"), "expected a count"),
    (DUMP.replace("\n3\n", "\n999999999999\n"), "ends inside frame 0"),
    (DUMP.replace("\n3\n", "\n2\n"), "expected ITEM"),
    (DUMP.replace("xs ys zs", "a b c"), "no coordinates"),
    (DUMP.replace("xs ys zs", "xs xs zs"), "a column twice"),
    (DUMP.replace("4 5 6 1.0 1", "4 5 nan 1.0 1"), "column fz is not finite"),
    (DUMP.replace("4 5 6 1.0 1", "4 5 six 1.0 1"), "something else than numbers"),
    (DUMP.replace("4 5 6 1.0 1", "4 5 6"), "14 columns, ATOMS names 16"),
    (DUMP.replace("4 5 6 1.0 1", "4 5 6 1.0 1.5"), "molecule is not a whole number"),
    (DUMP.replace("ITEM: BOX BOUNDS pp pp pp", "ITEM: BOX BOUNDS abc origin pp pp pp"), "general triclinic"),
    (DUMP + DUMP.replace("\n3\n", "\n1\n").replace("1 1 0.0 0.25 0.1 0 0 0 0 0 0 1 2 3 16.0 1\n3 2 0.1 0.2 0.3 0 0 0 0 0.002 0 7 8 9 1.0 2\n", ""), "frame 1 has 1 particles"),
    (DUMP + DUMP.replace("1 1 0.0", "1 2 0.0"), "other particle types"),
    (DUMP + DUMP.replace("vx vy vz", "a b c"), "frame 1 carries"),
    (DUMP.rstrip("\n"), "ends inside frame 0"),  # cut inside the last number?
    (DUMP.replace("3 2 0.1", "1 2 0.1"), "the atom id 1 appears twice"),
    (DUMP + DUMP.replace("3 2 0.1", "7 2 0.1"), "other particle ids"),
    ((DUMP * 2).replace(" id ", " idx "), "several frames but no atom ids"),
    ("ITEM: UNITS\nnano\n" + DUMP, "is in the units 'nano'; known are lj, real, metal"),
    (DUMP[DUMP.index("ITEM: BOX") :], "before NUMBER OF ATOMS"),
    ("ITEM: WEATHER\nrain\n", "unknown ITEM: WEATHER"),
    ("\n\n", "holds no frame"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), BAD_DUMPS)
def test_damaged_dumps(tmp_path, text, message):
    (tmp_path / "a.dump").write_text(text)
    with pytest.raises(cd.FileError, match=message):
        cd.read_trajectory(tmp_path / "a.dump")


def test_a_killed_writers_last_frame_can_be_dropped(tmp_path):
    (tmp_path / "a.dump").write_text(DUMP + DUMP[:150])
    with pytest.raises(cd.FileError, match=r"ends inside frame 1.*frames=slice\(0, 1\)"):
        cd.read_trajectory(tmp_path / "a.dump")
    assert cd.read_trajectory(tmp_path / "a.dump", frames=slice(0, 1)).sizes["frame"] == 1
    with pytest.raises(cd.FileError, match="a type is not among"):
        cd.read_trajectory(tmp_path / "a.dump", types=["O"], frames=slice(0, 1))


BAD_XYZ = [
    ("two\n", "expected the number of atoms"),
    (XYZ.replace("Lattice", "Lettuce"), "has no Lattice"),
    (XYZ.replace("0.0 6.0 0.0", "0.0 0.0 0.0"), "no volume"),
    (XYZ.replace("energy=-1.5", "energy=low"), "energy = 'low' is not a number"),
    (XYZ.replace("pos:R:3", "pos:R:4", 1), "columns, Properties announce 8"),
    (XYZ.replace("species:S:1:pos:R:3", "pos:R:3", 1), "lack species"),
    (XYZ.replace("pos:R:3", "pos:Q:3", 1), "write name:S|R|I|L:count"),
    (XYZ.replace("O 0.1", "O nan"), "column pos is not finite"),
    (XYZ.replace("O 0.1", "O zero"), "something else than numbers"),
    (XYZ[:-20] + "\n", "has .* columns"),
    (XYZ.rstrip("\n"), "ends inside frame 1: 1 of 2 atoms"),
    (XYZ[: XYZ.rindex("H ")], "ends inside frame 1: 1 of 2 atoms"),
    (XYZ.replace("energy=2e0", ""), "frame 1 carries nothing"),
    (XYZ.replace("energy", "units_length=kg energy"), "not a unit of length"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), BAD_XYZ)
def test_damaged_xyz(tmp_path, text, message):
    (tmp_path / "a.xyz").write_text(text)
    with pytest.raises(cd.FileError, match=message):
        cd.read_trajectory(tmp_path / "a.xyz")


def test_wrong_arguments(tmp_path):
    (tmp_path / "a.xyz").write_text(XYZ)
    (tmp_path / "a.foo").write_text(XYZ)
    with pytest.raises(ValueError, match="frames must count forwards"):
        cd.read_trajectory(tmp_path / "a.xyz", frames=slice(-1, None))
    with pytest.raises(ValueError, match="unknown format 'foo'"):
        cd.read_trajectory(tmp_path / "a.xyz", format="foo")
    with pytest.raises(ValueError, match="suffix names no trajectory"):
        cd.read_trajectory(tmp_path / "a.foo")
    with pytest.raises(cd.FileError, match="no such file"):
        cd.read_trajectory(tmp_path / "b.foo")
    with pytest.raises(cd.FileError, match="holds no frame"):
        cd.read_trajectory(tmp_path / "a.xyz", frames=slice(5, 9))
    ds = cd.read_trajectory(tmp_path / "a.xyz")
    with pytest.raises(ValueError, match="read only"):
        cd.write_trajectory(ds, tmp_path / "a.traj")
    upside = ds.assign(box=(ds.box.dims, ds.box.values[:, ::-1], ds.box.attrs))
    with pytest.raises(ValueError, match="rotate the system"):
        cd.write_trajectory(upside, tmp_path / "b.dump")
    assert not (tmp_path / "b.dump").exists()
    blank = (
        ds.assign_coords(type=("particle", ["O 1", "H"]))
        if "type" in ds.coords
        else ds.assign(type=("particle", ["O 1", "H"]))
    )
    for name in ("b.dump", "b.xyz"):
        with pytest.raises(ValueError, match="blanks"):
            cd.write_trajectory(blank, tmp_path / name)
    with pytest.raises(ValueError, match="DeePMD systems are in angstrom and eV"):
        cd.write_trajectory(ds.assign_attrs(units_energy="kJ/mol"), tmp_path / "folder")


def test_ase_needs_periodic_boxes_and_no_pickles(tmp_path):
    pytest.importorskip("ase")
    from ase import Atoms

    with pytest.raises(cd.FileError, match="not periodic"):
        cd.from_ase(Atoms("He", cell=[3, 3, 3]))
    (tmp_path / "a.pkl").write_bytes(b"x")
    (tmp_path / "b.traj").write_bytes(b"PickleTrajectory" + b"x" * 50)
    (tmp_path / "a.traj").write_bytes(b"x")
    for name in ("a.pkl", "b.traj"):
        with pytest.raises(cd.FileError, match="pickle, which is never loaded"):
            cd.read_trajectory(tmp_path / name, format="ase")
    with pytest.raises(cd.FileError, match="ASE cannot read it"):
        cd.read_trajectory(tmp_path / "a.traj")
    with pytest.raises(cd.FileError, match="no such file"):
        cd.read_trajectory(tmp_path / "no.traj")
    with pytest.raises(ValueError, match="leave units and types out"):
        cd.read_trajectory(tmp_path / "a.traj", units=REAL)


def test_damaged_gsd(tmp_path):
    pytest.importorskip("gsd")
    tilted = cd.trajectory(np.zeros((1, 1, 3)), np.eye(3)[::-1], ["A"], units=cd.Units())
    with pytest.raises(ValueError, match="rotate the system"):
        cd.write_trajectory(tilted, tmp_path / "t.gsd")
    assert not (tmp_path / "t.gsd").exists()
    (tmp_path / "a.gsd").write_bytes(b"not gsd at all" * 50)
    with pytest.raises(cd.FileError, match="not a GSD file"):
        cd.read_trajectory(tmp_path / "a.gsd")
    ds = cd.trajectory(np.zeros((1, 2, 3)), [3.0, 3.0, 3.0], ["A", "A"], units=cd.Units())
    data = cd.write_trajectory(ds, tmp_path / "b.gsd").read_bytes()
    (tmp_path / "b.gsd").write_bytes(data[: len(data) // 3])
    with pytest.raises(cd.FileError, match=r"truncated|points outside"):
        cd.read_trajectory(tmp_path / "b.gsd")
