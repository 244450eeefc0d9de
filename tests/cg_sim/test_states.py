"""State, boxes, lattices, and a State as ASE's Atoms, as a GSD frame and in a lower-triangular cell."""

from __future__ import annotations

import importlib
import sys
from dataclasses import replace

import numpy as np
import pytest

from cg_sim.box import as_box, check_reach, nearest_image, volume, widths, wrapped
from cg_sim.lattices import fcc
from cg_sim.standard_cell import images, standard_cell
from cg_sim.state import State

TURN = np.linalg.qr(np.random.default_rng(3).standard_normal((3, 3)))[0]
TURN *= np.sign(np.linalg.det(TURN))
SHEARED = np.array([[6.0, 0, 0], [1.5, 5.0, 0], [-2.0, 0.8, 7.0]])
BOXES = {
    "cubic": np.diag([6.0, 6.0, 6.0]),
    "orthorhombic": np.diag([5.0, 6.0, 7.5]),
    "sheared": SHEARED,
    "turned": SHEARED @ TURN,
    "permuted": np.array([[0, 6.0, 0], [0, 0, 5.0], [7.0, 0, 0]]),
}
boxes = pytest.mark.parametrize("box", BOXES.values(), ids=BOXES)


def scattered(box: np.ndarray, n: int = 40) -> State:
    """Two types with masses of their own, several boxes away from the origin, moving, at step 12."""
    rng = np.random.default_rng(1)
    return State(
        rng.uniform(-2, 3, (n, 3)) @ box,
        box,
        rng.standard_normal((n, 3)),
        rng.uniform(0.5, 3, n),
        rng.integers(0, 2, n),
        names=("A", "Ar"),
        step=12,
    )


def distances(state: State) -> np.ndarray:
    """Sorted distances of all pairs over the 27 nearest cells of wrapped positions, below half the smallest width."""
    x = wrapped(state.positions, state.box)
    cells = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3), axis=-1).reshape(-1, 3) @ state.box
    r = np.linalg.norm(x[:, None, None] - x[None, :, None] + cells, axis=-1)
    return np.sort(r[(r > 0) & (r < widths(state.box).min() / 2)])


@boxes
def test_the_standard_cell_is_the_box_turned(box):
    cell, turn = standard_cell(box)
    np.testing.assert_allclose(cell @ turn, box, atol=1e-14)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-15)
    assert np.linalg.det(turn) == pytest.approx(1)
    assert np.array_equal(cell, np.tril(cell))
    assert np.all(np.diagonal(cell) > 0)


def test_a_standard_cell_stays_to_the_last_bit():
    cell, turn = standard_cell(SHEARED)
    assert np.array_equal(cell, SHEARED)
    assert np.array_equal(turn, np.eye(3))


@boxes
def test_images_bring_positions_into_the_cell(box):
    state = scattered(box)
    cell, turn = standard_cell(box)
    inside = state.positions @ turn.T - images(state.positions @ turn.T, cell) @ cell
    fraction = inside @ np.linalg.inv(cell)
    assert fraction.min() > -1e-13
    assert fraction.max() < 1 + 1e-13
    np.testing.assert_allclose(inside @ turn, wrapped(state.positions, box), atol=1e-12)


@boxes
def test_widths_are_volume_over_area(box):
    area = [np.linalg.norm(np.cross(box[(k + 1) % 3], box[(k + 2) % 3])) for k in range(3)]
    np.testing.assert_allclose(widths(box), volume(box) / np.array(area), rtol=1e-14)


@boxes
def test_the_nearest_image_is_the_shortest_within_half_a_width(box):
    d = np.random.default_rng(2).uniform(-2, 2, (200, 3)) @ box
    cells = np.stack(np.meshgrid(*[np.arange(-4, 5)] * 3), axis=-1).reshape(-1, 3) @ box
    shortest = np.min(np.linalg.norm(d[:, None] + cells, axis=2), axis=1)
    near = shortest < widths(box).min() / 2
    assert near.sum() > 20
    np.testing.assert_allclose(np.linalg.norm(nearest_image(d, box), axis=1)[near], shortest[near], rtol=1e-12)


def test_a_reach_of_half_the_width_is_allowed_and_more_is_not():
    check_reach(as_box(5.0), 2.5, "cutoff")
    with pytest.raises(ValueError, match=r"cutoff is 2.51.*at least 5.02"):
        check_reach(as_box(5.0), 2.51, "cutoff")


@pytest.mark.parametrize("given", [np.diag([1.0, 1, -1]), [1.0, 2.0], 0.0, np.nan])
def test_boxes_that_are_none_are_refused(given):
    with pytest.raises(ValueError, match="box"):
        as_box(given)


@pytest.mark.parametrize("n", [32, 108, 500])
def test_fcc_has_twelve_neighbors_at_the_lattice_distance(n):
    state = fcc(n, 0.8)
    d = nearest_image((state.positions[:, None] - state.positions).reshape(-1, 3), state.box)
    r = np.linalg.norm(d, axis=1).reshape(n, n) + 1e9 * np.eye(n)
    a = (4 / 0.8) ** (1 / 3)
    assert r.min() == pytest.approx(a / np.sqrt(2), rel=1e-12)
    assert np.all(np.sum(r < 1.01 * r.min(), axis=1) == 12)


def test_fcc_with_vacancies_and_types_has_the_density_and_the_counts():
    state = fcc(100, 0.6, composition={"B": 0.25, "A": 0.75}, seed=4)
    assert state.n == 100
    assert state.density == pytest.approx(0.6, rel=1e-12)
    assert state.counts() == {"A": 75, "B": 25}
    assert len(np.unique(state.positions.round(9), axis=0)) == 100


def test_velocities_have_the_temperature_and_no_momentum():
    state = replace(fcc(50, 0.5), masses=np.linspace(0.5, 4, 50)).with_velocities(1.7, seed=2)
    assert 2 * state.kinetic_energy / (3 * 49) == pytest.approx(1.7, rel=1e-12)
    np.testing.assert_allclose(state.masses @ state.velocities, 0, atol=1e-12)


def test_a_state_is_its_own_and_read_only():
    x = np.zeros((1, 3))
    state = State(x, 3.0)
    x += 1
    assert np.all(state.positions == 0)
    with pytest.raises(ValueError, match="read-only"):
        state.positions[0, 0] = 1.0


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"positions": [[np.nan, 0, 0]]}, "positions of particle 0"),
        ({"positions": np.zeros((0, 3))}, "n ≥ 1"),
        ({"masses": -1.0}, "masses must be positive"),
        ({"velocities": [[0.0, 0]]}, "velocities must be"),
        ({"types": [3]}, "type codes"),
    ],
)
def test_states_that_cannot_be_are_refused(given, what):
    with pytest.raises(ValueError, match=what):
        State(**{"positions": [[0.0, 0, 0]], "box": 3.0} | given)


@boxes
def test_a_state_survives_ase(box):
    pytest.importorskip("ase", reason="optional")
    from cg_sim.ase_states import from_ase, to_ase

    state = scattered(box)
    back = from_ase(to_ase(state))
    assert np.array_equal(back.positions, state.positions)
    assert np.array_equal(back.box, box)
    np.testing.assert_allclose(back.velocities, state.velocities, rtol=1e-15)  # ASE keeps momenta
    assert np.array_equal(back.masses, state.masses)
    assert np.array_equal(back.types, state.types)
    assert (back.names, back.step) == (state.names, state.step)


def test_ase_units_carry_numbers_over():
    """An argon atom (39.95 u) at 300 m/s is 300 / 9822.695 Å √(eV/u): √(e/u)·Å = 9822.695 m/s; ½ m v² = 18.63 meV."""
    ase = pytest.importorskip("ase", reason="optional")
    from cg_sim.ase_states import from_ase, to_ase

    state = State([[0.0, 0, 0]], 10.0, [[300 / 9822.695, 0, 0]], 39.95, types=["Ar"])
    atoms = to_ase(state)
    meters_per_second = atoms.get_velocities()[0, 0] / (ase.units.m / ase.units.s)
    assert meters_per_second == pytest.approx(300, rel=1e-6)
    assert atoms.get_kinetic_energy() == pytest.approx(
        0.5 * 39.95 * 1.66053907e-27 * 300**2 / 1.602176634e-19, rel=1e-6
    )
    assert from_ase(atoms).kinetic_energy == pytest.approx(state.kinetic_energy, rel=1e-15)
    assert atoms.get_chemical_symbols() == ["Ar"]
    assert to_ase(State([[0.0, 0, 0]], 3.0, types=["bead"])).get_chemical_symbols() == ["X"]


def test_atoms_that_are_not_periodic_are_refused():
    pytest.importorskip("ase", reason="optional")
    from ase import Atoms

    from cg_sim.ase_states import from_ase

    with pytest.raises(ValueError, match="periodic in three directions"):
        from_ase(Atoms("Ar", cell=[5, 5, 5], pbc=[True, True, False]))


@boxes
def test_a_state_survives_gsd(box):
    """To rounding in memory; turned where the box is no lower triangle, so that lengths, not vectors, are compared."""
    pytest.importorskip("gsd.hoomd", reason="optional")
    from cg_sim.gsd_states import from_gsd, to_gsd

    state = scattered(box)
    frame = to_gsd(state)
    back, turn = from_gsd(frame), standard_cell(box)[1]
    np.testing.assert_allclose(back.positions @ turn, state.positions, atol=1e-12)
    np.testing.assert_allclose(back.velocities @ turn, state.velocities, atol=1e-13)
    np.testing.assert_allclose(back.box @ turn, box, atol=1e-13)
    np.testing.assert_allclose(distances(back), distances(state), atol=1e-12)
    assert np.array_equal(back.masses, state.masses)
    assert np.array_equal(back.types, state.types)
    assert (back.names, back.step) == (state.names, state.step)
    fraction = frame.particles.position @ np.linalg.inv(back.box)
    assert np.abs(fraction).max() <= 0.5 + 1e-12, "HOOMD wants positions inside its centered box"


def test_tilt_factors_are_hoomds():
    """HOOMD-blue's a₂ = (xy Ly, Ly, 0) and a₃ = (xz Lz, yz Lz, Lz)."""
    pytest.importorskip("gsd.hoomd", reason="optional")
    from cg_sim.gsd_states import to_gsd

    box = to_gsd(scattered(SHEARED)).configuration.box
    np.testing.assert_allclose(box, [6, 5, 7, 1.5 / 5, -2 / 7, 0.8 / 7], rtol=1e-15)


def test_gsd_files_are_read_by_frame(tmp_path):
    hoomd = pytest.importorskip("gsd.hoomd", reason="optional")
    from cg_sim.gsd_states import from_gsd, to_gsd

    first = scattered(SHEARED)
    last = replace(first, positions=first.positions + 0.25, step=13)
    with hoomd.open(str(tmp_path / "two.gsd"), "w") as file:
        file.append(to_gsd(first))
        file.append(to_gsd(last))
    found = from_gsd(tmp_path / "two.gsd")
    assert found.step == 13
    # GSD files hold single precision: 2⁻²⁴ of coordinates up to 10, more by the boxes between image and origin.
    np.testing.assert_allclose(found.positions, last.positions, atol=5e-6)
    assert from_gsd(tmp_path / "two.gsd", frame=0).step == 12
    with pytest.raises(ValueError, match="has 2 frames"):
        from_gsd(tmp_path / "two.gsd", frame=2)


@pytest.mark.parametrize(
    ("without", "module", "call", "extra"),
    [
        (("lammps",), "cg_sim.engines.lammps_library", "open_lammps", "lammps"),
        (("ase", "ase.calculators.calculator"), "cg_sim.engines.ase", None, "ase"),
        (("ase", "ase.calculators.calculator"), "cg_sim.ase_calculator", None, "ase"),
        (("ase",), "cg_sim.ase_states", "to_ase", "ase"),
        (("gsd", "gsd.hoomd"), "cg_sim.gsd_states", "to_gsd", "gsd"),
    ],
)
def test_a_missing_package_is_named_with_the_command_to_install_it(monkeypatch, without, module, call, extra):
    for name in without:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, module, raising=False)

    def use() -> None:
        found = importlib.import_module(module)
        getattr(found, call)(*(() if call == "open_lammps" else (fcc(4, 0.5),)))

    with pytest.raises(ImportError, match=rf'pip install "cg-sim\[{extra}\]"'):
        use()
