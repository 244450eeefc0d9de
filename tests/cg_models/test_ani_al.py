"""The published ANI-Al beside what is known of it: crystals of aluminium, in files that its readers bring."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("vesin")
pytest.importorskip("ase")
if True:  # after the skips
    from ase.build import bulk

    import cg_models as cm

ANI_AL = Path(__file__).resolve().parents[3] / "shared/data/ani-al"
pytestmark = pytest.mark.skipif(not ANI_AL.is_dir(), reason="ANI-Al (shared/data/ani-al) is not beside the repository")
GPA = 160.21766208  # eV/Å³


@pytest.fixture(scope="module")
def aluminium():
    return cm.ani(ANI_AL)


def minimum(aluminium, structure, guess):
    """Return the lattice constant of least energy, that energy per atom, and V d²E/dV² = B [GPa] there."""
    lattice = guess * np.linspace(0.997, 1.003, 7)
    atoms = [bulk("Al", structure, a, **({"c": a * np.sqrt(8 / 3)} if structure == "hcp" else {})) for a in lattice]
    energies = [aluminium(a.positions, a.cell.array).energy / len(a) for a in atoms]
    curve = np.polynomial.Polynomial.fit(lattice, energies, 3)
    a = next(float(r.real) for r in curve.deriv().roots() if abs(r.imag) < 1e-9 and abs(r.real / guess - 1) < 0.01)
    per_volume = {"fcc": 4, "bcc": 2, "hcp": np.sqrt(2)}[structure]  # atoms in a³; V = a³/this, so dV = 3 V da/a
    volume = a**3 / per_volume
    return a, float(curve(a)), float(curve.deriv(2)(a)) * a**2 / (9 * volume) * GPA


def test_crystals_are_those_of_ani_al(aluminium):
    a, fcc, bulk_modulus = minimum(aluminium, "fcc", 4.054)
    assert a == pytest.approx(4.054, abs=0.003)
    assert bulk_modulus == pytest.approx(76.5, abs=1.0)
    assert minimum(aluminium, "hcp", 2.875)[1] - fcc == pytest.approx(0.033, abs=0.002)
    assert minimum(aluminium, "bcc", 3.238)[1] - fcc == pytest.approx(0.101, abs=0.002)


def test_forces_and_virial_are_slopes_of_the_energy(aluminium):
    """In a cell of 4 atoms, smaller than the cutoff of 7 Å, and in one of 32."""
    for n in (1, 2):
        atoms = bulk("Al", "fcc", 4.05, cubic=True).repeat((n, n, n))
        atoms.rattle(0.1, seed=1)
        x, cell, step = atoms.positions, atoms.cell.array, 1e-4
        found = aluminium(x, cell)
        shift = np.zeros_like(x)
        shift[1, 2] = step
        slope = (aluminium(x + shift, cell).energy - aluminium(x - shift, cell).energy) / (2 * step)
        assert found.forces[1, 2] == pytest.approx(-slope, abs=2e-6)
        strain = np.eye(3) + step * np.array([[0, 0, 1], [0, 0, 0], [0, 0, 0]])
        back = 2 * np.eye(3) - strain
        slope = (aluminium(x @ strain, cell @ strain).energy - aluminium(x @ back, cell @ back).energy) / (2 * step)
        assert found.virial[0, 2] == pytest.approx(-slope, abs=1e-5 * np.abs(found.virial).max())


def test_networks_disagree_more_where_they_have_learned_less(aluminium):
    near, far = (bulk("Al", "fcc", a, cubic=True) for a in (4.054, 3.5))
    near.rattle(0.05, seed=1)
    far.rattle(0.05, seed=1)
    calm, strained = (aluminium(a.positions, a.cell.array, force_spread=True) for a in (near, far))
    assert 0 < calm.spread < strained.spread
    assert 0 < calm.force_spread.mean() < strained.force_spread.mean()


def test_precisions_agree(aluminium):
    atoms, single = bulk("Al", "fcc", 4.05, cubic=True).repeat((2, 2, 2)), cm.ani(ANI_AL, precision="single")
    atoms.rattle(0.2, seed=1)
    a, b = (p(atoms.positions, atoms.cell.array) for p in (aluminium, single))
    assert a.energy == pytest.approx(b.energy, abs=2e-6 * len(atoms))
    np.testing.assert_allclose(a.forces, b.forces, atol=1e-5 * np.abs(a.forces).max())
