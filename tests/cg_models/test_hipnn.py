"""HIP-NN potentials as functions of positions: energies by the formula, forces, virial, what must not matter, and files."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import cg_data as cd

torch = pytest.importorskip("torch")
pytest.importorskip("vesin")
pytest.importorskip("numba")
pytest.importorskip("ase")
if True:  # after the skips
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    import cg_models as cm

    from .hip_networks import random_network
    from .neurochem_files import crystal


@pytest.fixture(scope="module")
def potential():
    return cm.hipnn(random_network())


@pytest.fixture(scope="module")
def committee():
    return cm.hipnn(*(random_network(k) for k in range(3)))


def softplus(z):
    return np.logaddexp(0, z)


def by_formula(positions, cell, network):
    """Return energies [eV] of atoms: sums over all images, one neighbor after the other, and layer by layer."""
    w = {name: k.numpy() for name, k in network.weights.items()}
    images = [np.array(s) @ cell - 3 * cell.sum(axis=0) for s in np.ndindex(7, 7, 7)]
    first, energies = "network.blocks.0.0", []
    mu, sigma = (w[f"{first}.base_layer.sensitivity.{k}"][0] for k in ("mu", "sigma"))
    for x in positions:
        sums = np.zeros(len(mu))
        for r in np.linalg.norm(np.concatenate([positions + s for s in images]) - x, axis=1):
            if 0 < r < network.options.hard_max:
                fade = np.cos(np.pi * r / (2 * network.options.hard_max)) ** 2
                sums += np.exp(-(sigma**2) * (1 / r - 1 / mu) ** 2 / 2) * fade
        own = w[f"{first}.base_layer.selfint.weight"][:, 0] + w[f"{first}.base_layer.selfint.bias"]
        inner = w[f"{first}.base_layer.int_weights"][:, :, 0].T @ sums + own
        z = w[f"{first}.res_layer.weight"] @ softplus(inner) + w[f"{first}.res_layer.bias"]
        z = z + w[f"{first}.adjust_layer.weight"][:, 0]
        for k in range(1, network.options.atom_layers + 1):
            layer = f"network.blocks.0.{k}"
            inner = w[f"{layer}.base_layer.weight"] @ z + w[f"{layer}.base_layer.bias"]
            z = z + w[f"{layer}.res_layer.weight"] @ softplus(inner) + w[f"{layer}.res_layer.bias"]
        head = w["head.layers.1.weight"] @ z + w["head.layers.1.bias"] + w["head.layers.0.weight"][0]
        energies.append(network.self_energy + head[0])
    return np.array(energies)


def test_energies_are_those_of_the_formula(committee):
    atoms = crystal(rattle=0.2)
    right = np.array([by_formula(atoms.positions, atoms.cell.array, network) for network in committee.networks])
    found = committee(atoms.positions, atoms.cell.array)
    np.testing.assert_allclose(found.energies, right.mean(axis=0), rtol=1e-12)
    assert found.energy == pytest.approx(right.mean(axis=0).sum(), rel=1e-12)
    assert found.spread == pytest.approx(np.std(right.mean(axis=1), ddof=1), rel=1e-10)
    assert np.isnan(cm.hipnn(committee.networks[0])(atoms.positions, atoms.cell.array).spread)


CELLS = {
    "smaller than the cutoff": crystal(rattle=0.15),
    "primitive": crystal().__class__("Al", positions=[[0.3, 0.1, 0.2]], cell=[[0, 2.1, 2], [2, 0.1, 2], [2, 2, 0]], pbc=True),
    "several": crystal(2, rattle=0.15),
}  # fmt: skip


@pytest.mark.parametrize("name", CELLS)
def test_forces_and_virial_are_slopes_of_the_energy(committee, name):
    atoms = CELLS[name]
    x, cell, step = atoms.positions, atoms.cell.array, 1e-5
    found = committee(x, cell)
    scale = max(1.0, np.abs(found.forces).max())
    for i, axis in [(0, 0), (len(x) - 1, 1), (len(x) // 2, 2)]:
        shift = np.zeros_like(x)
        shift[i, axis] = step
        slope = (committee(x + shift, cell).energy - committee(x - shift, cell).energy) / (2 * step)
        assert found.forces[i, axis] == pytest.approx(-slope, abs=1e-7 * scale)
    for a, b in [(0, 0), (1, 2), (2, 1)]:
        strain = np.zeros((3, 3))
        strain[a, b] = step
        ways = [committee(x @ (np.eye(3) + s), cell @ (np.eye(3) + s)).energy for s in (strain, -strain)]
        assert found.virial[a, b] == pytest.approx(
            -(ways[0] - ways[1]) / (2 * step), abs=1e-7 * np.abs(found.virial).max()
        )
    np.testing.assert_allclose(found.virial, found.virial.T, atol=1e-11 * np.abs(found.virial).max())
    np.testing.assert_allclose(found.forces.sum(axis=0), 0, atol=1e-11 * scale)


def test_what_must_not_matter_does_not(committee):
    atoms, noise = crystal(2, rattle=0.15), np.random.default_rng(2)
    x, cell = atoms.positions, atoms.cell.array
    found = committee(x, cell, force_spread=True)
    turn, order = np.linalg.qr(noise.normal(size=(3, 3)))[0], noise.permutation(len(x))
    images = noise.integers(-2, 3, size=x.shape) @ cell
    moved = committee(((x + images + [0.3, 1.1, -0.7]) @ turn)[order], cell @ turn, force_spread=True)
    assert moved.energy == pytest.approx(found.energy, rel=1e-12)
    np.testing.assert_allclose(moved.forces, (found.forces @ turn)[order], atol=1e-10)
    np.testing.assert_allclose(moved.virial, turn.T @ found.virial @ turn, atol=1e-9)
    np.testing.assert_allclose(moved.force_spread, found.force_spread[order], atol=1e-10)
    twice = committee(np.concatenate([x, x + cell[0]]), cell * [[2], [1], [1]])
    assert twice.energy == pytest.approx(2 * found.energy, rel=1e-12)
    np.testing.assert_allclose(twice.forces, np.tile(found.forces, (2, 1)), atol=1e-10)


def test_a_cluster_is_a_crystal_cut_out_of_space(potential):
    x = crystal(2, rattle=0.1).positions
    free, boxed = potential(x, None), potential(x, 30 * np.eye(3))
    slab = potential(x, np.diag([30, 30, 8.1]), periodic=[True, True, False])
    np.testing.assert_allclose([boxed.energy, slab.energy], free.energy, rtol=1e-12)
    np.testing.assert_allclose(boxed.forces, free.forces, atol=1e-12)
    np.testing.assert_allclose(slab.forces, free.forces, atol=1e-12)


def test_energy_and_forces_end_where_atoms_cease_to_see_each_other(potential):
    """A third atom beside two fades out at the hard maximum: with its square, as cos² does."""
    two, far = np.array([[0, 0, 0], [2.7, 0, 0.0]]), potential.cutoff
    gone = potential(np.vstack([two, [[far + 2.7 + 1e-9, 0, 0], [far + 5.4, 0, 0]]]), None)
    for near in (1e-3, 1e-4):
        seen = potential(np.vstack([two, [[far + 2.7 - near, 0, 0], [far + 5.4 - near, 0, 0]]]), None)
        assert seen.energy == pytest.approx(gone.energy, abs=10 * near**2)
        np.testing.assert_allclose(seen.forces, gone.forces, atol=20 * near)


def test_a_committee_is_the_mean_of_its_networks(committee):
    atoms = crystal(rattle=0.2)
    alone = [cm.hipnn(network)(atoms.positions, atoms.cell.array) for network in committee.networks]
    found = committee(atoms.positions, atoms.cell.array, force_spread=True)
    forces = np.stack([one.forces for one in alone])
    np.testing.assert_allclose(found.forces, forces.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(found.virial, np.mean([one.virial for one in alone], axis=0), atol=1e-10)
    np.testing.assert_allclose(found.force_spread, np.sqrt(forces.var(axis=0, ddof=1).sum(axis=1)), rtol=1e-10)
    assert found.spread == pytest.approx(np.std([one.energy / len(atoms) for one in alone], ddof=1))
    with pytest.raises(ValueError, match="same element and options"):
        cm.hipnn(committee.networks[0], random_network(features=5))
    with pytest.raises(ValueError, match="at least one network"):
        cm.hipnn()


def test_many_atoms_are_evaluated_in_parts(potential):
    """More atoms than are given to the networks at once."""
    atoms = crystal(7, rattle=0.1)
    halves = [
        potential(atoms.positions, atoms.cell.array).energies,
        potential(atoms.positions[::-1], atoms.cell.array).energies,
    ]
    np.testing.assert_allclose(halves[0], halves[1][::-1], atol=1e-12)


def test_neighbors_follow_atoms_that_move(potential):
    atoms, search, noise = crystal(2), cm.Neighborhoods(potential.cutoff, skin=0.6), np.random.default_rng(3)
    x = atoms.positions.copy()
    for _ in range(12):
        x = x + noise.normal(scale=0.05, size=x.shape)
        kept, fresh = potential(x, atoms.cell.array, neighborhoods=search), potential(x, atoms.cell.array)
        assert kept.energy == fresh.energy  # the order of terms is the same: to the last bit
        np.testing.assert_array_equal(kept.forces, fresh.forces)
    assert 1 < search.rebuilt < 12


def test_lone_atoms_close_ones_and_wrong_arrays_are_refused(potential):
    with pytest.raises(ValueError, match=r"atoms \[2\] have no neighbor within 6 Å"):
        potential(np.array([[0, 0, 0], [0, 0, 2.7], [9, 9, 9.0]]), None)
    with pytest.raises(ValueError, match=r"two atoms are 1.2 Å apart"):
        potential(np.array([[0, 0, 0], [0, 0, 1.2]]), None)
    with pytest.raises(ValueError, match=r"two atoms are 0 Å apart"):
        potential(np.array([[0, 0, 0], [0, 0, 0.0]]), None)
    with pytest.raises(FloatingPointError, match="not finite"):
        potential(np.full((2, 3), np.nan), None)
    with pytest.raises(ValueError, match=r"positions must be \(atom, 3\)"):
        potential(np.zeros((2, 2)), None)


def test_the_calculator_and_sums_take_it(committee):
    atoms = crystal(rattle=0.1)
    found = committee(atoms.positions, atoms.cell.array)
    atoms.calc = cm.calculator(committee)
    assert atoms.get_potential_energy() == pytest.approx(found.energy, rel=1e-13)
    np.testing.assert_allclose(atoms.get_stress(voigt=False), -found.virial / atoms.get_volume(), rtol=1e-9)
    assert atoms.calc.results["spread"] == pytest.approx(found.spread)
    bump = cd.GaussianCore(0.05, 1.5, cutoff=5.0).force_shifted()
    atoms.calc = cm.Sum(committee, bump)
    atoms.get_forces()
    assert atoms.calc.results["base_energy"] == pytest.approx(found.energy, rel=1e-13)
    atoms.symbols[0] = "Cu"
    with pytest.raises(ValueError, match="knows Al, not Cu"):
        cm.calculator(committee).get_potential_energy(atoms)


def test_files_give_back_every_bit(committee, tmp_path):
    path, atoms = tmp_path / "al.safetensors", crystal(rattle=0.2)
    cm.save_hipnn(committee, path, {"seed": 1})
    found = cm.hipnn(path)
    assert (found.element, found.networks[0].options) == ("Al", committee.networks[0].options)
    for a, b in zip(found.networks, committee.networks, strict=True):
        assert a.self_energy == b.self_energy
        assert {n for n, w in a.weights.items() if torch.equal(w, b.weights[n])} == set(b.weights)
    given = (atoms.positions, atoms.cell.array)
    np.testing.assert_array_equal(found(*given).forces, committee(*given).forces)
    with safe_open(path, framework="pt") as opened:
        header = json.loads(json.loads(opened.metadata()["cg-models"])["hipnn"])
    assert header["about"] == {"seed": 1}
    assert header["units"] == {"energy": "eV", "length": "angstrom"}
    assert len(cm.hipnn(path, random_network(9)).networks) == 4


def test_files_that_are_wrong_are_refused(potential, tmp_path):
    path = tmp_path / "al.safetensors"
    cm.save_hipnn(potential, path)
    with safe_open(path, framework="pt") as opened:
        metadata = opened.metadata()
    tensors = load_file(path)
    tensors["0.head.layers.1.bias"] += 1
    save_file(tensors, path, metadata=metadata)
    with pytest.raises(cd.FileError, match="not those that were written"):
        cm.hipnn(path)
    save_file(tensors, path)
    with pytest.raises(cd.FileError, match="holds no HIP-NN potential"):
        cm.hipnn(path)
    path.write_bytes(b"nonsense")
    with pytest.raises(cd.FileError, match="holds no HIP-NN potential"):
        cm.hipnn(path)


@pytest.mark.parametrize(
    ("options", "says"),
    [({"soft_min": 8.0}, "soft_min < soft_max < hard_max"), ({"hard_max": 5.0}, "got 1.25, 7.0 and 5.0"),
     ({"features": 0}, "at least 1"), ({"sensitivities": 1}, "sensitivities 2")],
)  # fmt: skip
def test_options_that_make_no_sense_are_refused(options, says):
    with pytest.raises(ValueError, match=says):
        cm.HipOptions(**options)


def test_weights_of_other_shapes_are_refused():
    network = random_network()
    weights = dict(network.weights)
    with pytest.raises(ValueError, match=r"no weights of .*: head.layers.1.bias"):
        replace(network, weights={n: w for n, w in weights.items() if n != "head.layers.1.bias"})
    with pytest.raises(ValueError, match="not finite"):
        replace(network, weights=weights | {"head.layers.1.bias": torch.tensor([np.nan])})
