"""Mapping: hand values, conservation, invariance, force maps against statistical mechanics, files, errors."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from cg_data import FileError
from cg_data.mapping.apply import map_trajectory
from cg_data.mapping.bead_mapping import Bead, Mapping, MoleculeMapping, one_bead
from cg_data.mapping.mapping_files import read_mapping, write_mapping
from cg_data.mapping.matrices import basic_force_matrix, bead_masses, weight_matrix
from cg_data.mapping.molecules import molecules_by_distance
from cg_data.mapping.optimal_forces import optimal_force_map
from cg_data.mapping.whole import heights, make_whole, spanning_tree
from cg_data.schemas import check
from cg_data.trajectory_dataset import trajectory
from cg_data.units import Units

WATER_DFT = Path(__file__).resolve().parents[3] / "shared/data/water-dft"
REAL = Units("angstrom", "eV", "g/mol")
WATER = ["O", "H", "H"]
SPCE = """<cg_molecule>
  <name>SOL</name> <!-- after mapping -->
  <ident>SOL</ident>
  <topology>
    <cg_beads>
      <cg_bead>
        <name>CG</name>
        <type>CG</type>
        <mapping>A</mapping>
        <beads>
          1:SOL:OW 1:SOL:HW1 1:SOL:HW2
        </beads>
      </cg_bead>
    </cg_beads>
  </topology>
  <maps>
    <map>
      <name>A</name>
      <weights>16 1 1</weights>
    </map>
  </maps>
</cg_molecule>
"""
PROPANE = """<?xml version="1.0"?>
<cg_molecule>
  <name>ppn</name>
  <ident>propane</ident>
  <topology>
    <cg_beads>
      <cg_bead><name>b1</name><type>CH3</type><symmetry>1</symmetry><mapping>A</mapping>
        <beads> 1:ppn:C1 1:ppn:H4 1:ppn:H5 1:ppn:H6 </beads></cg_bead>
      <cg_bead><name>b2</name><type>CH2</type><symmetry>3</symmetry><mapping>B</mapping>
        <beads> 1:ppn:C2 1:ppn:H7 1:ppn:H8 </beads></cg_bead>
      <cg_bead><name>b3</name><type>CH3</type><mapping>A</mapping>
        <beads> 1:ppn:C3 1:ppn:H9 1:ppn:H10 1:ppn:H11 </beads></cg_bead>
    </cg_beads>
    <cg_bonded><bond><name>bond</name><beads> b1 b2 b3 b2 </beads></bond></cg_bonded>
  </topology>
  <maps>
    <map><name>A</name><weights> 12 1 1 1 </weights></map>
    <map><name>B</name><weights> 12 1 1 </weights><d>1 0 0</d></map>
  </maps>
</cg_molecule>
"""
PROPANE_ORDER = ["C1", "C2", "C3", "H4", "H5", "H6", "H7", "H8", "H9", "H10", "H11"]
GOLDEN_TOML = """[[molecule]]
name = "SOL"
count = "all"
atoms = ["OW", "HW1", "HW2"]

[[molecule.bead]]
name = "CG"
type = "CG"
atoms = [0, 1, 2]
weights = [0.8888888888888888, 0.05555555555555555, 0.05555555555555555]
"""


def kind(mapping: Mapping) -> MoleculeMapping:
    return mapping.molecules[0][0]


def every(*molecules: MoleculeMapping) -> Mapping:
    return Mapping(tuple((m, "all" if i == 0 else 1) for i, m in enumerate(molecules)))


def butane() -> MoleculeMapping:
    """A branched chain of six atoms in two beads, one atom in neither."""
    return MoleculeMapping(
        "X", ("A", "B", "C", "D", "E", "F"),
        (Bead("one", "P", (0, 1)), Bead("two", "Q", (3, 4, 5), (3.0, 2.0, 1.0))),
        bonds=((0, 1), (0, 2), (2, 3), (3, 4), (3, 5)),
    )  # fmt: skip


def random_system(mapping_atoms, molecules, seed, *, box=None, frames=2, spread=1.0):
    """Molecules as compact random walks, whole; forces, velocities, masses random."""
    rng = np.random.default_rng(seed)
    n = len(mapping_atoms)
    cell = np.array([[12.0, 0, 0], [3.0, 11.0, 0], [-2.0, 4.0, 13.0]]) if box is None else box
    start = rng.uniform(0, 1, (frames, molecules, 1, 3)) @ cell
    x = start + rng.uniform(-spread, spread, (frames, molecules, n, 3))
    f, v = rng.normal(size=(2, frames, molecules * n, 3))
    return trajectory(
        x.reshape(frames, -1, 3), cell, list(mapping_atoms) * molecules, units=REAL, force=f, velocity=v,
        mass=np.tile(rng.uniform(1, 16, n), molecules), energy=rng.normal(size=frames),
        time=np.arange(frames), step=np.arange(frames) * 10, source="made",
    )  # fmt: skip


# --- positions, momenta, forces -------------------------------------------------------------------------------------


def test_center_of_mass_of_one_water_by_hand():
    """O at the origin, H at (0.8, ±0.6, 0.0): with masses 16, 1, 1 the center is at 1.6/18 along x."""
    ds = trajectory(
        [[[0, 0, 0], [0.8, 0.6, 0], [0.8, -0.6, 0]]], [10, 10, 10], WATER, units=REAL,
        mass=[16, 1, 1], force=[[[1, 0, 0], [0, 2, 0], [0, 0, 3]]], velocity=[[[9, 0, 0], [0, 18, 0], [0, 0, 36]]],
        energy=[-7.0], time=[0.5], step=[3],
    )  # fmt: skip
    cg = check(map_trajectory(ds, one_bead("W", WATER)), "trajectory")
    np.testing.assert_allclose(cg.position[0, 0], [1.6 / 18, 0, 0], rtol=0, atol=1e-15)
    np.testing.assert_allclose(cg.force[0, 0], [1, 2, 3], rtol=0, atol=1e-15)
    np.testing.assert_allclose(cg.velocity[0, 0], [8, 1, 2], rtol=1e-15)
    assert cg.mass.item() == 18
    assert (cg.energy.item(), cg.time.item(), cg.step.item(), cg.molecule.item()) == (-7.0, 0.5, 3, 0)
    assert cg.position.attrs["units"] == "angstrom"
    assert cg.force.attrs["units"] == "eV/angstrom"


@pytest.mark.parametrize(
    ("weights", "x", "force"),
    [
        ("equal", 1.6 / 3, [1, 2, 3]),
        ((16, 1, 1), 1.6 / 18, [1, 2, 3]),
        ((1600.0, 100.0, 100.0), 1.6 / 18, [1, 2, 3]),
        ((2, 1, 0), 0.8 / 3, [1, 2, 0]),
        ((7, 0, 0), 0.0, [1, 0, 0]),
    ],
)
def test_weights_are_normalized_and_used(weights, x, force):
    """Weights that sum to 1800 place the bead where those that sum to 1 do; weight 0 gives mass, not force."""
    ds = trajectory(
        [[[0, 0, 0], [0.8, 0, 0], [0.8, 0, 0]]], [10, 10, 10], WATER, units=REAL,
        mass=[16, 1, 1], force=[[[1, 0, 0], [0, 2, 0], [0, 0, 3]]],
    )  # fmt: skip
    cg = map_trajectory(ds, one_bead("W", WATER, weights=weights))
    np.testing.assert_allclose(cg.position[0, 0], [x, 0, 0], rtol=0, atol=1e-15)
    np.testing.assert_allclose(cg.force[0, 0], force, rtol=0, atol=1e-14)
    assert cg.mass.item() == 18


def test_momentum_mass_and_net_force_are_conserved():
    molecule = MoleculeMapping("X", tuple("ABCDE"), (Bead("p", "P", (0, 3)), Bead("q", "Q", (1, 2, 4))))
    ds = random_system("ABCDE", 7, seed=1)
    cg = map_trajectory(ds, every(molecule))

    def momentum(d):
        return np.einsum("p,fpx->fx", d.mass.values, d.velocity.values)

    np.testing.assert_allclose(momentum(cg), momentum(ds), rtol=0, atol=1e-12)
    np.testing.assert_allclose(cg.force.sum("particle"), ds.force.sum("particle"), rtol=0, atol=1e-12)
    assert cg.mass.sum().item() == pytest.approx(ds.mass.sum().item(), rel=1e-14)
    assert list(cg.type.values[:4]) == ["P", "Q", "P", "Q"]
    assert list(cg.molecule.values) == [m for m in range(7) for _ in "pq"]


def test_beads_are_the_plain_sums_over_atoms():
    """An independent loop over frames, molecules, beads and atoms, on whole molecules."""
    ds = random_system("ABCDEF", 5, seed=2, spread=0.8)
    cg = map_trajectory(ds, every(butane()))
    m = ds.mass.values
    rules = [({0: m[0] / (m[0] + m[1]), 1: m[1] / (m[0] + m[1])}), ({3: 0.5, 4: 1 / 3, 5: 1 / 6})]
    for frame, k, (j, rule) in itertools.product(range(2), range(5), enumerate(rules)):
        first, bead = 6 * k, 2 * k + j
        for name in ("position", "velocity"):
            expected = sum(w * ds[name].values[frame, first + i] for i, w in rule.items())
            np.testing.assert_allclose(cg[name].values[frame, bead], expected, rtol=0, atol=1e-12)
        expected = sum(ds.force.values[frame, first + i] for i in rule)
        np.testing.assert_allclose(cg.force.values[frame, bead], expected, rtol=0, atol=1e-12)
    assert cg.mass.values[1] == pytest.approx(m[3] + m[4] + m[5])


@st.composite
def cells(draw):
    """Rows of a triclinic cell whose smallest height is at least 8."""
    side = st.floats(10, 20)
    tilt = st.floats(-6, 6)
    cell = np.diag([draw(side), draw(side), draw(side)])
    cell[1, 0], cell[2, 0], cell[2, 1] = draw(tilt), draw(tilt), draw(tilt)
    return cell @ Rotation.from_rotvec(np.array([draw(st.floats(-3, 3)) for _ in range(3)])).as_matrix().T


@given(cells(), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_shifting_any_atom_by_a_lattice_vector_moves_beads_by_lattice_vectors(cell, seed):
    limit = 0.24 * heights(cell).min() / np.sqrt(3)  # two atoms at most half of the half height apart
    ds = random_system("ABCDEF", 4, seed, box=cell, spread=limit)
    shifts = np.random.default_rng(seed).integers(-3, 4, ds.position.shape)
    moved = ds.copy()
    moved["position"] = ds.position + (shifts @ cell)
    before, after = (map_trajectory(d, every(butane())) for d in (ds, moved))
    difference = (after.position.values - before.position.values) @ np.linalg.inv(cell)
    roots = shifts.reshape(2, 4, 6, 3)[:, :, 0]
    np.testing.assert_allclose(difference, np.repeat(roots, 2, axis=1), rtol=0, atol=1e-9)
    np.testing.assert_array_equal(before.force, after.force)


@given(cells(), st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_rotations_and_translations_of_everything_are_followed(cell, seed):
    ds = random_system("ABCDEF", 3, seed, box=cell, spread=0.8)
    rng = np.random.default_rng(seed)
    turn, shift = Rotation.random(random_state=seed % 1000).as_matrix().T, rng.normal(size=3) * 30
    turned = ds.copy()
    turned["position"] = ds.position.copy(data=ds.position.values @ turn + shift)
    for name in ("velocity", "force", "box"):
        turned[name] = ds[name].copy(data=ds[name].values @ turn)
    before, after = (map_trajectory(d, every(butane())) for d in (ds, turned))
    np.testing.assert_allclose(after.position, before.position.values @ turn + shift, rtol=0, atol=1e-9)
    for name in ("velocity", "force"):
        np.testing.assert_allclose(after[name], before[name].values @ turn, rtol=0, atol=1e-12)


def test_a_chain_longer_than_the_box_is_made_whole_bond_by_bond():
    """Ten atoms 1.5 apart in a box of 5: the ends are 13.5 apart, and so the centers of the two halves 7.5."""
    x = np.stack([np.arange(10) * 1.5, np.zeros(10), np.zeros(10)], axis=-1)
    molecule = MoleculeMapping(
        "chain", ("C",) * 10, (Bead("a", "A", tuple(range(5)), "equal"), Bead("b", "B", tuple(range(5, 10)), "equal"))
    )
    ds = trajectory(x[None] % 5.0, [5, 5, 5], ["C"] * 10, units=REAL)
    cg = map_trajectory(ds, every(molecule))
    np.testing.assert_allclose(cg.position.values[0, :, 0], [3.0, 10.5], rtol=0, atol=1e-12)
    assert "force" not in cg
    assert "force_map" not in cg.attrs


def test_whole_steps_are_the_shortest_of_all_images():
    """Against a search over 7³ images, in the skewed cell, for steps below half the smallest height."""
    cell = np.array([[9.0, 0, 0], [4.4, 8.0, 0], [-4.0, 3.5, 10.0]])
    rng = np.random.default_rng(3)
    step = rng.normal(size=(500, 3))
    step *= (rng.uniform(0, 0.499, 500) * heights(cell).min() / np.linalg.norm(step, axis=1))[:, None]
    far = step + rng.integers(-2, 3, step.shape) @ cell
    pairs = np.stack([np.zeros_like(far), far], axis=1)[None]
    whole = make_whole(pairs, cell[None], ((0, 1),))[0, :, 1]
    images = np.array(list(itertools.product(range(-6, 7), repeat=3))) @ cell
    every_image = far[:, None] + images
    best = every_image[np.arange(500), np.linalg.norm(every_image, axis=-1).argmin(axis=1)]
    np.testing.assert_allclose(whole, best, rtol=0, atol=1e-9)
    np.testing.assert_allclose(whole, step, rtol=0, atol=1e-9)


def test_heights_of_a_sheared_cell_by_hand():
    """Rows (4,0,0), (3,2,0), (0,0,5): volume 40; heights 40/|b×c| = 40/√325, 40/20, 40/8."""
    cell = np.array([[4.0, 0, 0], [3.0, 2.0, 0], [0, 0, 5.0]])
    np.testing.assert_allclose(heights(cell), [40 / np.sqrt(325), 2, 5], rtol=1e-14)


# --- the force map --------------------------------------------------------------------------------------------------

MASSES = np.array([16.0, 1.0, 2.0, 12.0, 3.0, 5.0])
FORCE_MAPS = [
    (butane(), [[1, 1, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1]]),
    (MoleculeMapping("w", tuple("OHH"), (Bead("W", "W", (0, 1, 2), "equal"),)), [[1, 1, 1]]),
    (MoleculeMapping("w", tuple("OHH"), (Bead("W", "W", (0,)),)), [[1, 0, 0]]),
    (MoleculeMapping("w", tuple("OHH"), (Bead("W", "W", (0,), "mass", "molecule"),)), [[1, 1, 1]]),
    (MoleculeMapping("w", tuple("OHHX"), (Bead("W", "W", (0,), "equal", (0, 1, 2)), Bead("X", "X", (3,)))),
     [[1, 1, 1, 0], [0, 0, 0, 1]]),
    # atom 1 in both beads: the force of the others is divided by their share of the bead
    (MoleculeMapping("s", tuple("ABC"), (Bead("l", "S", (0, 1), (1, 1)), Bead("r", "S", (1, 2), (1, 3)))),
     [[2, 0, 0], [0, 0, 4 / 3]]),
    # d = (3, 1, 0)/4 over c = (2, 1, 1)/4
    (MoleculeMapping("d", tuple("ABC"), (Bead("l", "S", (0, 1, 2), (2, 1, 1), force_weights=(3, 1, 0)),)),
     [[1.5, 1, 0]]),
]  # fmt: skip


@pytest.mark.parametrize(("molecule", "expected"), FORCE_MAPS)
def test_force_maps_by_hand_and_the_condition_of_the_mean_force(molecule, expected):
    """b as computed on paper, and b cᵀ = 1, without which ⟨F⟩ is not −∂U/∂X."""
    c = weight_matrix(molecule, MASSES[: len(molecule.atoms)])
    b = basic_force_matrix(molecule, c)
    np.testing.assert_allclose(b, expected, rtol=0, atol=1e-14)
    np.testing.assert_allclose(b @ c.T, np.eye(len(c)), rtol=0, atol=1e-14)
    np.testing.assert_allclose(c.sum(axis=1), 1, rtol=0, atol=1e-15)


def test_mass_of_a_shared_atom_is_split():
    molecule = FORCE_MAPS[5][0]
    np.testing.assert_array_equal(bead_masses(molecule, np.array([16.0, 2.0, 4.0])), [17.0, 5.0])


def test_mapped_force_is_minus_the_gradient_in_an_exact_model():
    """U = u(|X1 − X2|) + K|X1|²/2 + springs inside beads: F_I = −∂U/∂X_I in every configuration."""
    rng = np.random.default_rng(4)
    mass = np.array([16.0, 1.0, 1.0, 12.0, 2.0])
    molecule = MoleculeMapping("X", tuple("OHHCD"), (Bead("a", "A", (0, 1, 2)), Bead("b", "B", (3, 4))))
    c = np.array([[16 / 18, 1 / 18, 1 / 18, 0, 0], [0, 0, 0, 12 / 14, 2 / 14]])

    def energy_of_beads(big):
        return 3.0 / np.linalg.norm(big[0] - big[1]) + 0.35 * (big[0] ** 2).sum()

    def energy(x):
        inside = 5.0 * (x[0] - x[1]) ** 2 + 4.0 * (x[1] - x[2]) ** 2
        return energy_of_beads(c @ x) + inside.sum() + 8.0 * ((x[3] - x[4]) ** 2).sum()

    def gradient(function, x, h=1e-5):
        out = np.zeros_like(x)
        for i in np.ndindex(x.shape):
            step = np.zeros_like(x)
            step[i] = h
            out[i] = (function(x + step) - function(x - step)) / (2 * h)
        return out

    x = rng.normal(size=(1, 5, 3)) + np.array([0, 0, 0, 3, 3])[:, None]
    ds = trajectory(x, [60, 60, 60], list("OHHCD"), units=REAL, mass=mass, force=[-gradient(energy, x[0])])
    cg = map_trajectory(ds, every(molecule))
    np.testing.assert_allclose(cg.force[0], -gradient(energy_of_beads, cg.position.values[0]), rtol=0, atol=1e-7)


def harmonic_pair(k1, k2, k, samples, seed):
    """Exact samples (kT = 1) of two atoms in wells k1, k2 joined by a spring k, and their forces."""
    hessian = np.array([[k1 + k, -k], [-k, k2 + k]])
    x = np.random.default_rng(seed).multivariate_normal([0, 0], np.linalg.inv(hessian), (samples, 3))
    x = x.transpose(0, 2, 1)
    return x, -np.einsum("ij,sjx->six", hessian, x)


@pytest.mark.parametrize(("k1", "k2", "k"), [(1.0, 0.0, 400.0), (1.0, 2.0, 100.0), (3.0, 0.5, 1.0)])
def test_optimal_force_map_of_a_harmonic_pair(k1, k2, k):
    """Bead on atom 1: ⟨f_i f_j⟩ = kT H_ij, so b = (1, k/(k + k2)), with F = −k_eff x, k_eff = k1 + k k2/(k + k2)."""
    x, f = harmonic_pair(k1, k2, k, 200_000, seed=5)
    c = np.array([[1.0, 0.0]])
    found = optimal_force_map(f, c, np.array([[1.0, 0.0]]))
    k_eff = k1 + k * k2 / (k + k2)
    # b2 = −Σ f1·f2/Σ f2²; f1 + b f2 = −k_eff x1 is independent of f2: stderr² = k_eff² ⟨x1²⟩/(N ⟨f2²⟩), ⟨x1²⟩ = 1/k_eff
    stderr = np.sqrt(k_eff / (k2 + k) / (3 * 200_000))
    assert found.coefficients[0, 0] == pytest.approx(1.0, abs=1e-12)
    assert abs(found.coefficients[0, 1] - k / (k + k2)) < 4 * stderr
    assert found.noise_ratio[0] == pytest.approx(k_eff / (k1 + k), rel=0.02)
    mapped = np.einsum("i,six->sx", found.coefficients[0], f)
    np.testing.assert_allclose(mapped, -k_eff * x[:, 0], rtol=0, atol=5 * stderr * np.abs(f).max())


def test_optimal_and_basic_maps_have_one_mean_force():
    """Slope of the mapped force on the bead's position, with an anharmonic bond: that of the well.

    x1 is Gaussian in its well (the bond energy depends on x2 − x1 alone), so the mean force is −k1 x1 exactly.
    """
    rng = np.random.default_rng(6)
    k1, n = 1.5, 100_000
    x1 = rng.normal(size=(n, 3)) / np.sqrt(k1)
    bond = rng.choice([-1.0, 1.0], (n, 3)) * (4 * rng.gamma(0.25, 1.0, (n, 3))) ** 0.25  # d⁴/4 ~ Gamma(1/4)
    f = np.stack([-k1 * x1 + bond**3, -(bond**3)], axis=1)
    basic = np.array([[1.0, 0.0]])
    found = optimal_force_map(f, basic, basic)
    noise = {}
    for name, b in (("basic", basic), ("optimal", found.coefficients)):
        mapped = np.einsum("i,six->sx", b[0], f)
        residual = mapped + k1 * x1
        slope = (residual * x1).sum() / (x1**2).sum()
        stderr = np.sqrt((residual**2).mean() / (x1**2).sum())
        assert abs(slope) < 4 * stderr + 1e-12, name
        noise[name] = (residual**2).mean()
    assert noise["optimal"] < 1e-4 * noise["basic"]


def test_optimal_map_is_the_minimum_among_valid_maps():
    """Any b + z with z cᵀ = 0 gives a larger mean square, for two beads of six atoms."""
    rng = np.random.default_rng(7)
    f = rng.normal(size=(400, 6, 3)) @ np.diag([1, 2, 3.0]) + rng.normal(size=(400, 1, 3))
    c = weight_matrix(butane(), MASSES)
    b = basic_force_matrix(butane(), c)
    found = optimal_force_map(f, c, b)
    np.testing.assert_allclose(found.coefficients @ c.T, np.eye(2), rtol=0, atol=1e-12)

    def square(m):
        return (np.einsum("bi,six->sbx", m, f) ** 2).sum(axis=(0, 2))

    np.testing.assert_allclose(found.noise_ratio, square(found.coefficients) / square(b), rtol=1e-12)
    for _ in range(20):
        z = rng.normal(size=(2, 6)) * 0.1
        z -= z @ np.linalg.pinv(c) @ c
        assert np.all(square(found.coefficients + z) > square(found.coefficients))


def test_optimal_map_in_the_dataset_says_what_it_did():
    x, f = harmonic_pair(1.0, 2.0, 10.0, 500, seed=8)
    ds = trajectory(x, [90, 90, 90], ["A", "B"], units=REAL, force=f)
    mapping = one_bead("P", ["A", "B"], bead_atoms=[0], weights="equal")
    cg = map_trajectory(ds, mapping, force_map="optimal")
    basic = map_trajectory(ds, mapping)
    b = json.loads(cg.attrs["force_map_coefficients"])[0]
    ratio = json.loads(cg.attrs["force_noise_ratio"])[0]["beads"]["P"]
    assert b["molecule"] == "P"
    assert (cg.attrs["force_map"], basic.attrs["force_map"]) == ("optimal", "basic")
    np.testing.assert_allclose(cg.force[:, 0], np.einsum("i,six->sx", b["beads"]["P"], f), rtol=0, atol=1e-12)
    assert ratio == pytest.approx(((cg.force**2).sum() / (basic.force**2).sum()).item(), rel=1e-12)
    assert json.loads(basic.attrs["force_map_coefficients"])[0]["beads"]["P"] == [1.0, 0.0]
    assert "force_noise_ratio" not in basic.attrs
    again = map_trajectory(cg.assign_attrs(source="x"), one_bead("Q", ["P"], weights="equal"))
    assert again.attrs["source"] == "x"
    assert "force_noise_ratio" not in again.attrs


def test_atoms_at_fixed_distances_share_one_coefficient():
    """Rigid water on its oxygen: the force on O alone is refused, the whole molecule is right, optimal finds it."""
    fixed = ((0, 1), (0, 2), (1, 2))
    rng = np.random.default_rng(9)
    ds = trajectory(rng.uniform(0, 1, (20, 3, 3)), [9, 9, 9], WATER, units=REAL, force=rng.normal(size=(20, 3, 3)))

    def on_oxygen(force_atoms):
        return every(MoleculeMapping("W", tuple(WATER), (Bead("W", "W", (0,), "equal", force_atoms),), (), fixed))

    with pytest.raises(ValueError, match=r"atoms 0 and 1 are held at a fixed distance.*force_atoms = 'molecule'"):
        map_trajectory(ds, on_oxygen("bead"))
    whole = map_trajectory(ds, on_oxygen("molecule"))
    np.testing.assert_allclose(whole.force[:, 0], ds.force.sum("particle"), rtol=0, atol=1e-12)
    best = map_trajectory(ds, on_oxygen("bead"), force_map="optimal")
    np.testing.assert_allclose(best.force, whole.force, rtol=0, atol=1e-12)
    across = MoleculeMapping(
        "X", ("A", "B"), (Bead("a", "A", (0,), "equal"), Bead("b", "B", (1,), "equal")), (), ((0, 1),)
    )
    two = trajectory(np.zeros((9, 2, 3)), [9, 9, 9], ["A", "B"], units=REAL, force=rng.normal(size=(9, 2, 3)))
    with pytest.raises(ValueError, match="no force map is valid: a fixed distance"):
        map_trajectory(two, every(across), force_map="optimal")


def test_zero_forces_have_no_noise_to_reduce():
    c = np.array([[1.0, 0.0]])
    assert optimal_force_map(np.zeros((10, 2, 3)), c, c).noise_ratio[0] == 1.0


# --- which atoms are which molecule -----------------------------------------------------------------------------------


def test_several_kinds_and_a_dropped_solvent():
    """Two waters, one ion that is dropped, three dimers: blocks in file order, 'all' in the middle."""
    water, ion = kind(one_bead("W", WATER, weights="equal")), MoleculeMapping("Na", ("Na",), ())
    dimer = MoleculeMapping("D", ("A", "B"), (Bead("a", "A", (0,), "equal"), Bead("b", "B", (1,), "equal")))
    types = WATER * 2 + ["Na"] + ["A", "B"] * 3
    x = np.zeros((1, 13, 3))
    x[0, :, 0] = np.arange(13) * 0.1
    ds = trajectory(x, [9, 9, 9], types, units=REAL)
    cg = map_trajectory(ds, Mapping(((water, "all"), (ion, 1), (dimer, 3))))
    assert list(cg.type.values) == ["W", "W", "A", "B", "A", "B", "A", "B"]
    assert list(cg.molecule.values) == [0, 1, 3, 3, 4, 4, 5, 5]
    np.testing.assert_allclose(cg.position.values[0, :, 0], [0.1, 0.4, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2], atol=1e-12)
    indexed = ds.assign(molecule=("particle", np.array([5, 5, 5, 9, 9, 9, -1, 2, 2, 4, 4, 3, 3])))
    by_index = map_trajectory(indexed, Mapping(((water, 2), (ion, "all"), (dimer, 3))))
    np.testing.assert_array_equal(by_index.position, cg.position)
    assert list(by_index.molecule.values) == [5, 9, 2, 2, 4, 4, 3, 3]


def test_interleaved_molecules_by_the_molecule_variable():
    """O O H H H H with H 2, 5 on the first O: molecule [0, 1, 0, 1, 1, 0]."""
    x = np.array([[[0, 0, 0], [5, 5, 5], [0.9, 0, 0], [5.9, 5, 5], [5, 5.9, 5], [0, 9.4, 0]]])
    ds = trajectory(x, [10, 10, 10], list("OOHHHH"), units=REAL, force=np.arange(18.0).reshape(1, 6, 3))
    molecule = molecules_by_distance(ds)
    assert molecule.tolist() == [0, 1, 0, 1, 1, 0]
    cg = map_trajectory(ds.assign(molecule=("particle", molecule)), one_bead("W", WATER, weights="equal"))
    np.testing.assert_allclose(cg.position[0], [[0.3, -0.2, 0], [5.3, 5.3, 5]], rtol=0, atol=1e-12)
    np.testing.assert_array_equal(cg.force.values[0, 0], ds.force.values[0, [0, 2, 5]].sum(axis=0))


def test_atoms_are_found_by_name_when_all_names_differ(tmp_path):
    """VOTCA's propane lists atoms bead by bead; the trajectory has C1 C2 C3 H4 …: the beads come out the same."""
    (tmp_path / "p.xml").write_text(PROPANE)
    rng = np.random.default_rng(10)
    ds = trajectory(rng.uniform(0, 2, (2, 22, 3)), [20, 20, 20], PROPANE_ORDER * 2, units=REAL)
    cg = map_trajectory(ds, read_mapping(tmp_path / "p.xml"))
    given = map_trajectory(ds, read_mapping(tmp_path / "p.xml", atoms=PROPANE_ORDER))
    x = ds.position.values[:, 11:]
    expected = (12 * x[:, 0] + x[:, 3] + x[:, 4] + x[:, 5]) / 15
    np.testing.assert_allclose(cg.position.values[:, 3], expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(given.position, cg.position, rtol=0, atol=1e-12)
    assert "cg_bonded was left aside" in cg.attrs["mapping_notes"]


def test_names_can_be_ignored():
    ds = trajectory(np.zeros((1, 3, 3)), [9, 9, 9], ["1", "2", "2"], units=REAL)
    assert map_trajectory(ds, one_bead("W", WATER, weights="equal"), names="ignore").sizes["particle"] == 1


@given(cells(), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_molecules_by_distance_in_any_cell(cell, seed):
    """Waters on a shuffled lattice, wrapped at random, atoms in any order, with ions: the assignment is recovered."""
    rng = np.random.default_rng(seed)
    sites = np.array(list(itertools.product(range(2), repeat=3)))[rng.permutation(8)[:5]] / 2.0
    o = sites @ cell
    step = rng.normal(size=(5, 2, 3))
    step *= 1.0 / np.linalg.norm(step, axis=-1, keepdims=True)
    x = np.concatenate([o, (o[:, None] + step).reshape(-1, 3), rng.uniform(0, 9, (2, 3))])
    owner = np.concatenate([np.arange(5), np.repeat(np.arange(5), 2), [5, 6]])
    types = np.array(["O"] * 5 + ["H"] * 10 + ["Na"] * 2)
    order = rng.permutation(17)
    x = x[order] + rng.integers(-2, 3, (17, 3)) @ cell
    ds = trajectory([x, x + rng.normal(size=3)], cell, types[order], units=REAL)
    found = molecules_by_distance(ds)
    rank = {center: k for k, center in enumerate(owner[order][types[order] == "O"])}
    rank |= {ion: 5 + k for k, ion in enumerate(owner[order][types[order] == "Na"])}
    assert found.tolist() == [rank[m] for m in owner[order]]


@pytest.fixture(scope="module")
def dft_water():
    if not WATER_DFT.is_dir():
        pytest.skip(f"reference data {WATER_DFT} is not here")
    folders = sorted(WATER_DFT.glob("data_*/set.*"))
    read = {name: np.concatenate([np.load(f / f"{name}.npy") for f in folders]) for name in ("coord", "force", "box")}
    return trajectory(
        read["coord"].reshape(len(read["coord"]), -1, 3), read["box"].reshape(-1, 3, 3), ["O"] * 64 + ["H"] * 128,
        units=REAL, force=read["force"].reshape(len(read["force"]), -1, 3), mass=[15.999] * 64 + [2.014] * 128,
    )  # fmt: skip


def test_dft_water(dft_water):
    """Rms force components 1.00 on O, 0.70 on H, 0.28 eV/Å on molecules; less still with the optimal map."""
    ds = dft_water.assign(molecule=("particle", molecules_by_distance(dft_water, center="O", ligand="H", per_center=2)))
    assert np.bincount(ds.molecule).tolist() == [3] * 64

    def rms(d):
        return float(np.sqrt((d.force.values**2).mean()))

    assert rms(ds.sel(particle=ds.type == "O")) == pytest.approx(1.00, abs=0.005)
    assert rms(ds.sel(particle=ds.type == "H")) == pytest.approx(0.70, abs=0.005)
    com = map_trajectory(ds, one_bead("W", WATER))
    oxygen = map_trajectory(ds, one_bead("W", WATER, bead_atoms=[0], weights="equal"))
    whole = map_trajectory(ds, one_bead("W", WATER, bead_atoms=[0], weights="equal", force_atoms="molecule"))
    best = map_trajectory(ds, one_bead("W", WATER, bead_atoms=[0], weights="equal"), force_map="optimal")
    assert rms(com) == pytest.approx(0.28, abs=0.005)
    assert rms(oxygen) == pytest.approx(1.00, abs=0.005)
    np.testing.assert_array_equal(whole.force, com.force)
    np.testing.assert_array_equal(oxygen.position, ds.position[:, :64])
    assert rms(best) <= rms(whole)
    hydrogens = json.loads(best.attrs["force_map_coefficients"])[0]["beads"]["W"]
    assert hydrogens[0] == pytest.approx(1, abs=1e-12)
    assert hydrogens[1:] == pytest.approx([1, 1], abs=0.1)
    distance = np.linalg.norm(com.position.values - oxygen.position.values, axis=-1)
    assert 0.05 < distance.min() < distance.max() < 0.2  # 2·2.014·0.59/20.03 = 0.12 Å for the rigid molecule
    assert com.mass.values[0] == pytest.approx(20.027)


# --- the record: digest, JSON, files ----------------------------------------------------------------------------------


def sample_mappings():
    fixed = MoleculeMapping(
        "fixed", ("A", "B"), (Bead("a", "A", (0, 1), force_weights=(1, 2), weights=(3, 1)),), (), ((0, 1),)
    )
    return [
        one_bead("water", WATER),
        one_bead("water", WATER, weights=(16, 1, 1), bonds=[(0, 1), (0, 2)]),
        one_bead("Ω'\"\\é", ["O*", "#H", "]"], bead_atoms=[0], force_atoms="molecule"),
        every(butane(), fixed),
        Mapping(((FORCE_MAPS[4][0], 7), (FORCE_MAPS[5][0], "all"), (MoleculeMapping("none", ("X",), ()), 1))),
        one_bead("long", [f"C{i}" for i in range(300)], weights=tuple(range(1, 301))),
    ]


@pytest.mark.parametrize("mapping", sample_mappings(), ids=lambda m: kind(m).name)
def test_json_and_toml_round_trips(mapping, tmp_path):
    assert Mapping.from_json(mapping.to_json()) == mapping
    write_mapping(mapping, tmp_path / "m.toml")
    read = read_mapping(tmp_path / "m.toml")
    assert read == mapping
    assert read.digest == mapping.digest
    assert max(map(len, (tmp_path / "m.toml").read_text(encoding="utf-8").splitlines())) <= 100
    write_mapping(read, tmp_path / "again.toml")
    assert (tmp_path / "again.toml").read_bytes() == (tmp_path / "m.toml").read_bytes()


@given(st.lists(st.floats(0, 1e308), min_size=1, max_size=8).filter(any))
def test_normalizing_twice_changes_nothing(weights):
    bead = Bead("a", "a", tuple(range(len(weights))), tuple(weights))
    assert sum(bead.weights) == pytest.approx(1, abs=1e-12)
    assert Bead("a", "a", bead.atoms, bead.weights) == bead
    np.testing.assert_allclose(bead.weights, np.array(weights) / max(weights) / sum(w / max(weights) for w in weights),
                               rtol=1e-11, atol=0)  # fmt: skip


DIGEST = "from cg_data.mapping.bead_mapping import one_bead; print(one_bead('water', ['O','H','H']).digest)"


def test_digest_is_the_same_in_every_process_and_is_the_hash_of_a_fixed_text():
    text = (
        '{"molecule":[{"atoms":["O","H","H"],"bead":[{"atoms":[0,1,2],"force_atoms":"bead","force_weights":null,'
        '"name":"water","type":"water","weights":"mass"}],"bonds":[],"constraints":[],"count":"all","name":"water"}]}'
    )
    mapping = one_bead("water", WATER)
    assert mapping.to_json() == text
    for seed in ("0", "12345"):
        shown = subprocess.run(
            [sys.executable, "-c", DIGEST], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        )
        assert shown.stdout.strip() == mapping.digest
    assert len(mapping.digest) == 64


def test_any_change_changes_the_digest():
    def made(**changed):
        bead = {"name": "b", "type": "B", "atoms": (0, 1), "weights": "mass", "force_atoms": "bead"}
        bead |= {k: v for k, v in changed.items() if k in (*bead, "force_weights")}
        rest = {"molecule": "M", "names": ("A", "B", "C"), "bonds": (), "constraints": (), "count": "all"} | changed
        molecule = MoleculeMapping(rest["molecule"], rest["names"], (Bead(**bead),), rest["bonds"], rest["constraints"])
        return Mapping(((molecule, rest["count"]),)).digest

    changes = [
        {}, {"name": "c"}, {"type": "C"}, {"atoms": (1, 0)}, {"atoms": (0, 2)}, {"weights": "equal"},
        {"weights": (1, 1)}, {"weights": (1, 1.0000001)}, {"force_atoms": "molecule"}, {"force_atoms": (0, 1)},
        {"force_weights": (1, 1)}, {"molecule": "N"}, {"names": ("A", "B", "D")}, {"names": ("A", "B")},
        {"bonds": ((0, 1), (1, 2))}, {"bonds": ((0, 1), (0, 2))}, {"constraints": ((0, 1),)},
        {"count": 1}, {"count": 2},
    ]  # fmt: skip
    assert len({made(**change) for change in changes}) == len(changes)
    assert made(weights=(2, 2)) == made(weights=(1, 1))


def test_attributes_carry_the_mapping_and_survive_netcdf(tmp_path):
    ds = random_system("ABCDEF", 2, seed=11)
    cg = map_trajectory(ds, every(butane()))
    assert Mapping.from_json(cg.attrs["mapping"]).digest == cg.attrs["mapping_digest"] == every(butane()).digest
    assert cg.attrs["source"] == "made"
    cg.to_netcdf(tmp_path / "cg.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "cg.nc", engine="h5netcdf") as read:
        assert Mapping.from_json(read.attrs["mapping"]) == every(butane())


def test_votca_water_by_hand_and_golden_toml(tmp_path):
    (tmp_path / "water.xml").write_text(SPCE)
    mapping = read_mapping(tmp_path / "water.xml")
    assert mapping == Mapping(
        ((MoleculeMapping("SOL", ("OW", "HW1", "HW2"), (Bead("CG", "CG", (0, 1, 2), (16, 1, 1)),)), "all"),)
    )
    assert mapping.notes == ("read from VOTCA XML; ident SOL",)
    write_mapping(mapping, tmp_path / "w.toml")
    assert (tmp_path / "w.toml").read_text() == GOLDEN_TOML
    assert read_mapping(tmp_path / "w.toml").digest == mapping.digest


def test_votca_propane_with_force_weights(tmp_path):
    """d = (1, 0, 0) over c = (12, 1, 1)/14 multiplies the force of the carbon by 14/12, as VOTCA does."""
    (tmp_path / "p.xml").write_text(PROPANE)
    molecule = kind(read_mapping(tmp_path / "p.xml", atoms=[f"1:ppn:{a}" for a in PROPANE_ORDER]))
    assert molecule.atoms == tuple(PROPANE_ORDER)
    assert [bead.atoms for bead in molecule.beads] == [(0, 3, 4, 5), (1, 6, 7), (2, 8, 9, 10)]
    assert [bead.type for bead in molecule.beads] == ["CH3", "CH2", "CH3"]
    b = basic_force_matrix(molecule, weight_matrix(molecule, None))
    assert b[1].tolist() == pytest.approx([0, 14 / 12, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    assert b[0].tolist() == [1, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0]
    assert kind(read_mapping(tmp_path / "p.xml")).atoms[:5] == ("C1", "H4", "H5", "H6", "C2")
    notes = "; ".join(read_mapping(tmp_path / "p.xml").notes)
    assert "symmetry 3" in notes
    assert "bead b2" in notes


def test_votca_atoms_with_equal_short_names(tmp_path):
    """Hexane names atoms 1:CHL:C and 2:CH2:C: the full name tells them apart."""
    xml = SPCE.replace("1:SOL:OW 1:SOL:HW1 1:SOL:HW2", "2:CH2:C 1:CHL:C 1:CHL:H")
    (tmp_path / "h.xml").write_text(xml)
    molecule = kind(read_mapping(tmp_path / "h.xml", atoms=["1:CHL:C", "1:CHL:H", "2:CH2:C"]))
    assert molecule.atoms == ("C", "H", "C")
    assert molecule.beads[0].atoms == (2, 0, 1)
    with pytest.raises(FileError, match=r"h.xml, line 6: atom '2:CH2:C' is not among the atoms"):
        read_mapping(tmp_path / "h.xml", atoms=["C", "H", "C"])


def test_toml_by_names(tmp_path):
    (tmp_path / "m.toml").write_text(
        '[[molecule]]\nname="m"\natoms=["O","H1","H2"]\nbonds=[["O","H1"],["O",2]]\n'
        '[[molecule.bead]]\nname="B"\natoms=["H2","O"]\nforce_atoms=["O","H1","H2"]\n'
    )
    molecule = kind(read_mapping(tmp_path / "m.toml"))
    assert molecule.bonds == ((0, 1), (0, 2))
    assert molecule.beads == (Bead("B", "B", (2, 0), "mass", (0, 1, 2)),)


# --- errors -------------------------------------------------------------------------------------------------------

HEAD = '[[molecule]]\nname = "m"\natoms = ["O", "H", "H"]\n'
BEAD = '[[molecule.bead]]\nname = "B"\natoms = [0]\n'
TOML_ERRORS = [
    ("x = = 1\n", r"line 1: is not TOML"),
    (HEAD + BEAD + "weights = [1", r"is not TOML"),
    ("a = " + "[" * 5000 + "\n", r"is not TOML"),
    ("a = 1\n", r"unknown key 'a'; known are molecule"),
    ("molecule = []\n", r"there is no molecule"),
    ("molecule = [1]\n", r"molecule 1 must be a table, got int"),
    (HEAD, r"the mapping has no bead"),
    (HEAD + BEAD + HEAD + "bead = [1]\n", r"line 7: molecule 2, bead 1 must be a table"),
    (HEAD + "bead = 1\n", r"line 1: molecule 1: write its beads as"),
    ('[[molecule]]\nname = "m"\natoms = "OHH"\n', r"line 1: molecule 1: atoms must be a list"),
    ('[[molecule]]\natoms = ["O"]\n', r"line 1: molecule 1: name is missing"),
    (HEAD + BEAD + "wieghts = [1]\n", r"line 4: molecule 1, bead 1: unknown key 'wieghts'"),
    (HEAD + BEAD + 'weights = "com"\n', r"line 4: bead B: weights must be one of mass, equal or a list, got 'com'"),
    (HEAD + BEAD + "weights = [1, 2]\n", r"line 4: bead B: weights: 2 numbers for 1 atoms"),
    (HEAD + BEAD + "weights = [nan]\n", r"line 4: bead B: weights must be numbers that are finite"),
    (HEAD + BEAD + "weights = [-1]\n", r"line 4: bead B: weights must be numbers that are finite and not negative"),
    (HEAD + BEAD + "weights = [0]\n", r"line 4: bead B: weights are all zero"),
    (HEAD + BEAD + "weights = 1\n", r"line 4: bead B: weights: expected a list, got int"),
    (HEAD + BEAD + 'weights = [["x"]]\n', r"line 4: bead B: weights must be numbers"),
    (HEAD + BEAD + 'force_atoms = "all"\n', r"line 4: bead B: force_atoms must be one of bead, molecule"),
    (HEAD + BEAD + BEAD, r"line 1: molecule m: two beads are called B"),
    (HEAD + BEAD.replace("[0]", "[3]"), r"line 1: molecule m, bead B: atom 3 of 3"),
    (HEAD + BEAD.replace("[0]", "[0, 0]"), r"line 4: bead B: atoms must be different numbers"),
    (HEAD + BEAD.replace("[0]", "[0.5]"), r"line 4: bead B: atoms must be different numbers"),
    (HEAD + BEAD.replace("[0]", '["H"]'), r"line 4: several atoms of the molecule are called 'H'"),
    (HEAD + BEAD.replace("[0]", '["C"]'), r"line 4: atom 'C' is not in the molecule's atoms"),
    (HEAD + 'bonds = ["O"]\n' + BEAD, r"line 1: molecule m: bonds: expected a list, got str"),
    (HEAD + "bonds = [[0, 1, 2]]\n" + BEAD, r"line 1: molecule m: bonds must be pairs"),
    (HEAD + "bonds = [[0, 1]]\n" + BEAD, r"line 1: bonds do not reach atom 2"),
    (HEAD + "count = 0\n" + BEAD, r"molecule m: its count must be a number from 1"),
    (HEAD + 'count = "some"\n' + BEAD, r"molecule m: its count must be"),
    (HEAD + BEAD + HEAD, r"count = 'all' twice"),
    (HEAD.replace('"m"', '"m n"') + BEAD, r"line 1: the name of a molecule must be one word, got 'm n'"),
    (HEAD.replace('"O"', "1") + BEAD, r"line 1: molecule m: an atom must be one word, got '1'"),
    ("\n" + "a." * 100 + "a = 1", r"line 2: has more than 64 dots in a key"),
]
XML_ERRORS = [
    (lambda x: x.replace("</maps>", ""), r"is not well-formed XML \(mismatched tag\)"),
    (lambda x: '<!DOCTYPE a [<!ENTITY b "c">]>\n' + x, r"line 1: declares a DOCTYPE"),
    (lambda x: x.replace("16 1 1", "&x;"), r"is not well-formed XML \(undefined entity\)"),
    (lambda x: "<a>" * 40 + "</a>" * 40, r"line 1: has more than 32 nested"),
    (lambda x: "<cg></cg>", r"begins with <cg>, expected <cg_molecule>"),
    (lambda x: x.replace("<mapping>A", "<mapping>B"), r"line 6: the bead uses the map 'B', which <maps> does not"),
    (lambda x: x.replace("16 1 1", "16 1"), r"line 6: bead CG: weights: 2 numbers for 3 atoms"),
    (lambda x: x.replace("16 1 1", "16 one 1"), r"line 19: <weights> holds something else than numbers"),
    (lambda x: x.replace("16 1 1", "0 0 0"), r"line 6: bead CG: weights are all zero"),
    (lambda x: x.replace("<type>CG</type>", ""), r"line 6: <cg_bead> has 0 elements <type>"),
    (lambda x: x.replace("<type>CG", "<type>C G"), r"line 6: bead CG: its type must be one word"),
    (lambda x: x.replace("<mapping>", "<symmetry>2</symmetry><mapping>"), r"line 9: symmetry is '2'"),
    (lambda x: x.replace("1:SOL:HW1", "1:SOL:OW"), r"line 6: bead CG: atoms must be different"),
    (lambda x: x.replace("</weights>", "</weights><d>1 0</d>"), r"line 6: bead CG: force_weights: 2 numbers"),
    (lambda x: x.replace("16 1 1</weights>", "16 1 0</weights><d>1 1 1</d>"), r"the force weight of atom 2 must"),
    (lambda x: x.replace("<name>SOL</name>", ""), r"line 1: <cg_molecule> has 0 elements <name>"),
    (lambda x: x.replace("<cg_bead>", "<bead>").replace("</cg_bead>", "</bead>"), r"line 1: molecule SOL has no atoms"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), TOML_ERRORS)
def test_toml_errors_name_the_line(tmp_path, text, message):
    (tmp_path / "m.toml").write_text(text)
    with pytest.raises(FileError, match=r"m\.toml.*" + message):
        read_mapping(tmp_path / "m.toml")


@pytest.mark.parametrize(("change", "message"), XML_ERRORS)
def test_xml_errors_name_the_line(tmp_path, change, message):
    (tmp_path / "m.xml").write_text(change(SPCE))
    with pytest.raises(FileError, match=r"m\.xml.*" + message):
        read_mapping(tmp_path / "m.xml")


def test_atoms_are_refused_for_toml(tmp_path):
    write_mapping(one_bead("w", WATER), tmp_path / "m.toml")
    with pytest.raises(ValueError, match="atoms= is for VOTCA's XML"):
        read_mapping(tmp_path / "m.toml", atoms=["O"])


def two(first, second):
    return lambda: MoleculeMapping("m", tuple("ABCD"), (first, second))


INVALID = [
    (lambda: Bead("", "t", (0,)), "name of a bead must be one word"),
    (lambda: Bead("a", "t", ()), "at least one"),
    (lambda: Bead("a", "t", (-1,)), "different numbers from 0"),
    (lambda: Bead("a", "t", (True,)), "different numbers from 0"),
    (lambda: Bead("a", "t", (0,), (10**400,)), "finite"),
    (lambda: Bead("a", "t", (0,), force_atoms=(0,), force_weights=(1,)), "force_weights go with force_atoms = 'bead'"),
    (two(Bead("a", "t", (0, 1)), Bead("b", "t", (1, 0))), "bead a: all its atoms are in other beads too"),
    (two(Bead("a", "t", (0, 1)), Bead("b", "t", (0,))), "bead b: all its atoms are in other beads too"),
    (two(Bead("a", "t", (0, 1)), Bead("b", "t", (2,), force_atoms="molecule")), "atom 0 of another bead"),
    (two(Bead("a", "t", (0, 1)), Bead("b", "t", (1, 2), force_atoms=(1, 2))), "atom 1 of another bead"),
    (two(Bead("a", "t", (0, 1), force_atoms=(0, 3)), Bead("b", "t", (2,))), "leave out atom 1 of the bead"),
    (two(Bead("a", "t", (0, 1), (1, 1), force_weights=(1, 1)), Bead("b", "t", (1, 2))), "force weight of atom 1"),
    (two(Bead("a", "t", (0, 1), force_atoms=(0, 1, 4)), Bead("b", "t", (2,))), "atom 4 of 4"),
    (lambda: MoleculeMapping("m", (), ()), "has no atoms"),
    (lambda: MoleculeMapping("m", ("A", "B"), (), bonds=((0, 0),)), "bonds: atoms must be different"),
    (lambda: MoleculeMapping("m", ("A", "B"), (), constraints=((0, 2),)), "constraints must be pairs"),
    (lambda: Mapping(()), "has no bead"),
    (lambda: Mapping(((kind(one_bead("w", WATER)), True),)), "count must be"),
    (lambda: Mapping.from_json("{"), "not the JSON of a mapping"),
    (lambda: Mapping.from_json("[" * 100_000), "not the JSON of a mapping"),
    (lambda: Mapping.from_json("[]"), "the mapping must be a table"),
    (lambda: spanning_tree(3, [(1, 2)]), "do not reach atom 1"),
    (lambda: optimal_force_map(np.ones((3, 3, 3)), np.eye(3)[:1], np.eye(3)[:1]), "3 samples .* at least 10"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "message"), INVALID)
def test_impossible_mappings_are_refused_when_made(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def waters(n=2, types=WATER, **more):
    return trajectory(np.zeros((1, 3 * n, 3)), [9, 9, 9], list(types) * n, units=REAL, **more)


EQUAL = one_bead("W", WATER, weights="equal")
REFUSED = [
    (waters(), one_bead("W", WATER), {}, "weights = 'mass' but the dataset has no mass"),
    (waters(types="HHO"), EQUAL, {}, "molecule 0 of kind W has atoms H H O, the mapping names O H H"),
    (waters(types=["OW", "HW", "HW"]), EQUAL, {}, "names='ignore'"),
    (waters(), Mapping(((kind(EQUAL), 1),)), {}, "describes 3 particles, the trajectory has 6"),
    (waters(), Mapping(((kind(EQUAL), 3),)), {}, "describes 9 particles, the trajectory has 6"),
    (waters(), one_bead("W", ["O", "H", "H", "H"], weights="equal"), {}, "6 particles are left for 'all' of it, 4"),
    (waters(molecule=[0, 0, 0, 1, 1, 2]), EQUAL, {}, "molecule 1 has 2 atoms, the mapping of W lists 3"),
    (waters(molecule=[0, 0, 0, 1, 1, 1]), Mapping(((kind(EQUAL), 1),)), {}, "describes 1 molecules, the"),
    (waters(mass=[16, 1, 1, 16, 1, 2]), EQUAL, {}, "molecule 1 of kind W has other masses"),
    (waters(), EQUAL, {"force_map": "optimal"}, "needs forces"),
    (waters(), EQUAL, {"force_map": "best"}, "force_map must be 'basic' or 'optimal', got 'best'"),
    (waters(), EQUAL, {"names": "guess"}, "names must be 'match' or 'ignore', got 'guess'"),
    (waters().assign_attrs(schema="history"), EQUAL, {}, "expected trajectory"),
    (trajectory([[[0, 0, 0], [5.0, 5, 0], [1, 0, 0]]], [10, 10, 10], WATER, units=REAL), EQUAL, {},
     "W 0, frame 0: atoms 0 and 1 are 7.071 apart, more than half the height 10 of the box"),
]  # fmt: skip


@pytest.mark.parametrize(("ds", "mapping", "options", "message"), REFUSED)
def test_trajectories_that_do_not_fit_are_refused(ds, mapping, options, message):
    with pytest.raises(ValueError, match=message):
        map_trajectory(ds, mapping, **options)


def placed(x, types="OHH", box=(10, 10, 10)):
    return trajectory(np.atleast_3d(np.array(x, dtype=float)), box, list(types), units=REAL)


GOOD = [[0, 0, 0], [1, 0, 0], [0, 1, 0]]
LOST = [
    (placed([GOOD]), {"center": "C"}, "0 centers 'C' cannot hold 2 ligands 'H', 2 each; the types .* are H, O"),
    (placed([GOOD]), {"per_center": 1}, "1 centers 'O' cannot hold 2"),
    (placed([GOOD]), {"center": "H", "per_center": 1}, "2 centers 'H' cannot hold 2 ligands 'H'"),
    (placed([[[0, 0, 0], [5, 5, 5], [1, 0, 0], [0, 1, 0], [0, 0, 1], [5, 5, 6]]], "OOHHHH"), {},
     "center particle 0 is nearest to 3 ligands in frame 0, not 2; 2 centers differ"),
    (placed([[[0, 0, 0], [5, 5, 5], [1, 0, 0], [5, 5, 6]], [[0, 0, 0], [5, 5, 5], [5, 6, 5], [0, 0, 1]]], "OOHH"),
     {"per_center": 1}, r"frame 1: H \(particle 2\) is nearest to another O"),
    (placed(np.zeros((0, 3, 3))), {}, "no frame"),
    (placed([[[0, 0, 0], [4.9, 4.9, 0], [0, 0, 0]]], box=[10, 10, 1.0]), {}, "more than the cell is high"),
]  # fmt: skip


@pytest.mark.parametrize(("ds", "options", "message"), LOST)
def test_molecules_by_distance_says_what_failed(ds, options, message):
    with pytest.raises(ValueError, match=message):
        molecules_by_distance(ds, **options)
