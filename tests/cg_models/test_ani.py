"""ANI potentials: files of NeuroChem, environments by two ways and by the formula, forces, virial and what must not matter."""

from __future__ import annotations

import numpy as np
import pytest

import cg_data as cd

torch = pytest.importorskip("torch")
pytest.importorskip("vesin")
pytest.importorskip("ase")
if True:  # after the skips
    from ase.calculators.fd import calculate_numerical_stress

    import cg_models as cm
    from cg_models.many_body.environments import by_torch
    from cg_models.many_body.neurochem import read_neurochem
    from cg_models.schnet.convolution import KERNELS

    from .neurochem_files import PARAMS, SELF_ENERGY, SIZES, crystal, write_potential

HARTREE = 27.211386245988  # eV, CODATA 2018


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("ani")
    write_potential(place)
    return place


@pytest.fixture(scope="module")
def potential(folder):
    return cm.ani(folder)


def by_formula(positions, cell, environment, networks):
    """Return energies [hartree] of atoms by each network: sums over all images of the formulas, one term after the other."""
    images = [np.array(s) @ cell for s in np.ndindex(7, 7, 7)]
    images = [s - 3 * cell.sum(axis=0) for s in images]
    energies = np.zeros((len(networks), len(positions)))
    for i, x in enumerate(positions):
        around = np.concatenate([positions + s for s in images]) - x
        r = np.linalg.norm(around, axis=1)
        around, r = around[(r > 0) & (r < environment.radial_cutoff)], r[(r > 0) & (r < environment.radial_cutoff)]
        fade = 0.5 + 0.5 * np.cos(np.pi * r / environment.radial_cutoff)
        g = [np.sum(0.25 * np.exp(-environment.radial_eta * (r - s) ** 2) * fade) for s in environment.radial_shifts]
        near = np.flatnonzero(r < environment.angular_cutoff)
        fade = 0.5 + 0.5 * np.cos(np.pi * r / environment.angular_cutoff)
        for shift in environment.angular_shifts:
            for section in environment.sections:
                value = 0.0
                for a, j in enumerate(near):
                    k = near[:a]
                    angle = np.arccos(0.95 * (around[k] @ around[j]) / (r[j] * r[k]))
                    turned = ((1 + np.cos(angle - section)) / 2) ** environment.zeta
                    value += 2 * np.sum(turned * np.exp(-environment.angular_eta * ((r[j] + r[k]) / 2 - shift) ** 2) * fade[j] * fade[k])  # fmt: skip
                g.append(value)
        for n, layers in enumerate(networks):
            values = np.array(g)
            for weights, biases in layers[:-1]:
                z = weights.astype(float) @ values + biases
                values = np.where(z > 0, z, 0.1 * np.expm1(np.minimum(z, 0) / 0.1))
            energies[n, i] = float((layers[-1][0].astype(float) @ values + layers[-1][1])[0])
    return energies


def test_energies_are_those_of_the_formula(tmp_path):
    networks = write_potential(tmp_path)
    found = cm.ani(tmp_path)
    atoms = crystal(rattle=0.2)
    right = HARTREE * (by_formula(atoms.positions, atoms.cell.array, found.environment, networks) + SELF_ENERGY)
    measured = found(atoms.positions, atoms.cell.array)
    np.testing.assert_allclose(measured.energies, right.mean(axis=0), rtol=1e-9)
    assert measured.energy == pytest.approx(right.mean(axis=0).sum(), rel=1e-12)
    assert measured.spread == pytest.approx(np.std(right.mean(axis=1), ddof=1), rel=1e-8)


def test_files_are_read_as_they_were_written(tmp_path):
    networks = write_potential(tmp_path / "a", members=11)
    write_potential(tmp_path / "b", members=2, compressed=False)
    found = read_neurochem(tmp_path / "a")
    assert (found.element, found.self_energy, found.environment.size) == ("Al", SELF_ENERGY, SIZES[0])
    for layers, ours in zip(networks, found.networks, strict=True):  # train10 is the last
        for (w, b), (v, c) in zip(layers, ours, strict=True):
            np.testing.assert_array_equal(w, v)
            np.testing.assert_array_equal(b, c)
    assert len(read_neurochem(tmp_path / "b").networks) == 2
    assert len(read_neurochem(tmp_path / "a/model/train3").networks) == 1
    with pytest.raises(cd.FileError, match=r"several potentials.*give the folder of one"):
        cm.ani(tmp_path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda home: [f.unlink() for f in home.glob("train*/networks/*.nnf")], "looked for train.*networks.*nnf"),
        (lambda home: (home / "rAl.params").unlink(), r"has no \*.params, nor has train0"),
        (lambda home: (home / "sae_linfit.dat").write_text("H,0=-0.5\n"), "no energy of Al"),
        (lambda home: (home / "rAl.params").write_text(PARAMS.replace("Zeta", "zeta")), "does not say Zeta"),
        (lambda home: (home / "rAl.params").write_text(PARAMS.replace("[Al]", "[H,C]")), "elements H, C"),
        (lambda home: (home / "rAl.params").write_text(PARAMS.replace("[1.41", "[x1.41")), "makes no environment"),
        (lambda home: (home / "rAl.params").write_text(PARAMS.replace("4.0000e+00", "9.0")), "angular ≤ radial"),
        (lambda home: (home / "train1/networks/ANN-Al.nnf").write_bytes(b"12=\nBZh9garbage"), "neither text nor bzip2"),
        (lambda home: (home / "train1/networks/ANN-Al.nnf").write_text("nothing"), "describes no network"),
        (lambda home: (home / "train1/networks/ANN-Al.nnf-l2.wparam").unlink(), "no such file"),
        (lambda home: (home / "train1/networks/ANN-Al.nnf-l2.bparam").write_bytes(bytes(8)), "cannot be read"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_files_is_said(tmp_path, change, says):
    write_potential(tmp_path)
    change(tmp_path / "model")
    with pytest.raises(cd.FileError, match=says):
        cm.ani(tmp_path)


def test_networks_it_does_not_know_are_refused(tmp_path):
    write_potential(tmp_path / "a", activation=5)
    with pytest.raises(cd.FileError, match="activation 5, not 9"):
        cm.ani(tmp_path / "a")
    with pytest.raises(cd.FileError, match="is no folder"):
        cm.ani(tmp_path / "none")
    with pytest.raises(ValueError, match="'double' or 'single'"):
        cm.ani(tmp_path / "a", precision="half")


CELLS = {
    "smaller than the cutoff": crystal(rattle=0.15),
    "primitive": crystal().__class__("Al", positions=[[0.3, 0.1, 0.2]], cell=[[0, 2.1, 2], [2, 0.1, 2], [2, 2, 0]], pbc=True),
    "several": crystal(2, rattle=0.15),
}  # fmt: skip


@pytest.mark.parametrize("name", CELLS)
def test_forces_and_virial_are_slopes_of_the_energy(potential, name):
    atoms = CELLS[name]
    x, cell, step = atoms.positions, atoms.cell.array, 1e-5  # CELU bends sharply at 0: longer steps see that
    found = potential(x, cell)
    for i, axis in [(0, 0), (len(x) - 1, 1), (len(x) // 2, 2)]:
        shift = np.zeros_like(x)
        shift[i, axis] = step
        slope = (potential(x + shift, cell).energy - potential(x - shift, cell).energy) / (2 * step)
        assert found.forces[i, axis] == pytest.approx(-slope, abs=1e-6 * max(1, np.abs(found.forces).max()))
    for a, b in [(0, 0), (1, 2), (2, 1)]:
        strain = np.zeros((3, 3))
        strain[a, b] = step
        ways = [potential(x @ (np.eye(3) + s), cell @ (np.eye(3) + s)).energy for s in (strain, -strain)]
        slope = (ways[0] - ways[1]) / (2 * step)
        assert found.virial[a, b] == pytest.approx(-slope, abs=5e-6 * np.abs(found.virial).max())
    np.testing.assert_allclose(found.virial, found.virial.T, atol=1e-9 * np.abs(found.virial).max())
    np.testing.assert_allclose(found.forces.sum(axis=0), 0, atol=1e-9)


def test_what_must_not_matter_does_not(potential):
    atoms, noise = crystal(2, rattle=0.15), np.random.default_rng(2)
    x, cell = atoms.positions, atoms.cell.array
    found = potential(x, cell, force_spread=True)
    turn, order = np.linalg.qr(noise.normal(size=(3, 3)))[0], noise.permutation(len(x))
    images = noise.integers(-2, 3, size=x.shape) @ cell
    moved = potential(((x + images + [0.3, 1.1, -0.7]) @ turn)[order], cell @ turn, force_spread=True)
    assert moved.energy == pytest.approx(found.energy, rel=1e-12)
    np.testing.assert_allclose(moved.forces, (found.forces @ turn)[order], atol=1e-9)
    np.testing.assert_allclose(moved.virial, turn.T @ found.virial @ turn, atol=1e-8)
    np.testing.assert_allclose(moved.force_spread, found.force_spread[order], atol=1e-9)
    twice = potential(np.concatenate([x, x + cell[0]]), cell * [[2], [1], [1]])
    assert twice.energy == pytest.approx(2 * found.energy, rel=1e-12)
    np.testing.assert_allclose(twice.forces, np.tile(found.forces, (2, 1)), atol=1e-9)
    assert twice.spread == pytest.approx(found.spread, rel=1e-9)


def test_a_cluster_is_a_crystal_cut_out_of_space(potential):
    """Where nothing is periodic, and where the repeated images are out of reach, energies are the same."""
    x = crystal(2, rattle=0.1).positions
    free, boxed = potential(x, None), potential(x, 30 * np.eye(3))
    slab = potential(x, np.diag([30, 30, 8.1]), periodic=[True, True, False])
    np.testing.assert_allclose([boxed.energy, slab.energy], free.energy, rtol=1e-12)
    np.testing.assert_allclose(boxed.forces, free.forces, atol=1e-10)
    np.testing.assert_allclose(slab.forces, free.forces, atol=1e-10)


@pytest.mark.skipif(not KERNELS, reason="numba is not installed")
@pytest.mark.parametrize("precision", ["double", "single"])
def test_kernels_and_torch_agree(folder, precision):
    atoms, ours = crystal(2, rattle=0.2), cm.ani(folder, precision=precision)
    theirs = cm.ani(folder, precision=precision)
    object.__setattr__(theirs, "_environments", by_torch(theirs.environment, theirs.networks.weights[0]))
    a, b = (p(atoms.positions, atoms.cell.array, force_spread=True) for p in (ours, theirs))
    off = 1e-9 if precision == "double" else 1e-5
    np.testing.assert_allclose(a.energies, b.energies, rtol=off)
    for one, other in ((a.forces, b.forces), (a.virial, b.virial), (a.force_spread, b.force_spread)):
        np.testing.assert_allclose(one, other, atol=off * np.abs(other).max())
    exact = cm.ani(folder)(atoms.positions, atoms.cell.array)
    np.testing.assert_allclose(a.forces, exact.forces, atol=off * np.abs(exact.forces).max())


@pytest.mark.parametrize("change", [("3.2500000e+00]", "3.1e+00]"), ("EtaA = [4.0000000e+00]", "EtaA = [25.0]")])
def test_environments_that_kernels_do_not_know_are_computed_all_the_same(tmp_path, change):
    """Shifts that are not evenly spaced, and terms too narrow: by torch."""
    networks = write_potential(tmp_path, members=1, params=PARAMS.replace(*change))
    found, atoms = cm.ani(tmp_path), crystal(rattle=0.2)
    right = HARTREE * (by_formula(atoms.positions, atoms.cell.array, found.environment, networks) + SELF_ENERGY)
    measured = found(atoms.positions, atoms.cell.array)
    np.testing.assert_allclose(measured.energies, right[0], rtol=1e-9)
    assert np.isnan(measured.spread)


def test_spread_of_forces_is_that_of_the_networks(tmp_path):
    write_potential(tmp_path / "all", members=3)
    atoms = crystal(rattle=0.2)
    alone = [
        cm.ani(tmp_path / f"all/model/train{k}")(atoms.positions, atoms.cell.array) for k in range(3)
    ]  # fmt: skip
    found = cm.ani(tmp_path / "all")(atoms.positions, atoms.cell.array, force_spread=True)
    forces = np.stack([one.forces for one in alone])
    np.testing.assert_allclose(found.forces, forces.mean(axis=0), atol=1e-10)
    np.testing.assert_allclose(found.force_spread, np.sqrt(forces.var(axis=0, ddof=1).sum(axis=1)), rtol=1e-9)
    assert found.spread == pytest.approx(np.std([one.energy / len(atoms) for one in alone], ddof=1))


def test_neighbors_follow_atoms_that_move(potential):
    atoms, search, noise = crystal(2), cm.Neighborhoods(potential.cutoff, skin=0.6), np.random.default_rng(3)
    x, cell = atoms.positions.copy(), atoms.cell.array
    for _ in range(12):
        x = x + noise.normal(scale=0.05, size=x.shape)
        kept, fresh = potential(x, cell, neighborhoods=search), potential(x, cell)
        assert kept.energy == fresh.energy  # the order of terms is the same: to the last bit
        np.testing.assert_array_equal(kept.forces, fresh.forces)
    assert 1 < search.rebuilt < 12
    wider = potential(x * 1.01, cell * 1.01, neighborhoods=search)
    assert wider.energy == potential(x * 1.01, cell * 1.01).energy
    with pytest.raises(ValueError, match="skin ≥ 0"):
        cm.Neighborhoods(5.0, skin=-1)


def test_neighbors_are_kept_in_a_cell_that_breathes_and_found_again_in_one_that_goes_far(potential):
    atoms, search, noise = (
        crystal(2, rattle=0.1),
        cm.Neighborhoods(potential.cutoff, skin=0.6),
        np.random.default_rng(5),
    )
    x, cell = atoms.positions.copy(), atoms.cell.array.copy()
    for _ in range(40):
        strain = np.eye(3) + noise.normal(scale=0.008, size=(3, 3))
        x, cell = x @ strain + noise.normal(scale=0.01, size=x.shape), cell @ strain
        kept, fresh = potential(x, cell, neighborhoods=search), potential(x, cell)
        assert kept.energy == fresh.energy
        np.testing.assert_array_equal(kept.forces, fresh.forces)
    assert 1 < search.rebuilt < 20
    search(x, cell, np.array([True, True, False]))  # an open side is no strain
    assert len(search(x, cell, np.ones(3, dtype=bool)).i) == len(
        cm.Neighborhoods(6.0, skin=0.6)(x, cell, np.ones(3, dtype=bool)).i
    )


def test_lone_atoms_and_wrong_arrays_are_refused(potential):
    with pytest.raises(ValueError, match=r"atoms \[2\] have no neighbor within 6 Å"):
        potential(np.array([[0, 0, 0], [0, 0, 2.7], [9, 9, 9.0]]), None)
    with pytest.raises(ValueError, match="same place"):
        potential(np.array([[0, 0, 0], [0, 0, 2.7], [0, 0, 2.7]]), None)
    with pytest.raises(FloatingPointError, match="not finite"):
        potential(np.full((2, 3), np.nan), None)
    with pytest.raises(ValueError, match=r"positions must be \(atom, 3\)"):
        potential(np.zeros((2, 2)), None)


def test_the_calculator_gives_what_the_potential_gives(potential):
    atoms = crystal(rattle=0.1)
    found = potential(atoms.positions, atoms.cell.array, force_spread=True)
    atoms.calc = cm.ManyBodyCalculator(potential, force_spread=True)
    assert atoms.get_potential_energy() == atoms.get_potential_energy(force_consistent=True) == found.energy
    np.testing.assert_array_equal(atoms.get_forces(), found.forces)
    np.testing.assert_array_equal(atoms.get_potential_energies(), found.energies)
    np.testing.assert_allclose(atoms.get_stress(voigt=False), -found.virial / atoms.get_volume(), rtol=1e-12)
    assert atoms.calc.results["spread"] == found.spread
    np.testing.assert_array_equal(atoms.calc.results["force_spread"], found.force_spread)
    numerical = calculate_numerical_stress(atoms, eps=1e-5)
    np.testing.assert_allclose(atoms.get_stress(), numerical, atol=1e-5 * np.abs(numerical).max())
    atoms.calc = cm.calculator(potential)
    assert atoms.get_potential_energy() == pytest.approx(found.energy, rel=1e-12)
    atoms.symbols[0] = "Cu"
    with pytest.raises(ValueError, match="knows Al, not Cu"):
        atoms.get_potential_energy()
    with pytest.raises(TypeError, match="load_beads, load_deep, read_deepmd, ani or hipnn"):
        cm.calculator(object())
