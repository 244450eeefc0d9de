"""Bead potentials in ASE: units, types, molecules, and pairs that follow the Atoms."""

from __future__ import annotations

import numpy as np
import pytest

import cg_data as cd

torch = pytest.importorskip("torch")
pytest.importorskip("vesin")
ase = pytest.importorskip("ase")
if True:  # after the skips
    from cg_models.schnet.bead_potential import BeadPotential, Prior
    from cg_models.schnet.calculator import BeadCalculator
    from cg_models.schnet.graph import graph
    from cg_models.schnet.network import SchNet, SchNetOptions

UNITS = cd.Units("nm", "kJ/mol", "g/mol")


@pytest.fixture(scope="module")
def beads():
    noise = np.random.default_rng(0)
    x = noise.random((30, 3)) * 18.0  # Å
    return ase.Atoms("X30", positions=x, cell=[18.0] * 3, pbc=True)


def potential():
    network = SchNet(SchNetOptions(types=2, cutoff=0.8, features=8, filters=8, blocks=1), seed=1)
    return BeadPotential(network, Prior(between={(0, 0): cd.PowerLaw(1.0, 0.3, 6, cutoff=0.8)})).double()


def test_energies_and_forces_are_in_ev_and_angstrom(beads):
    known = potential()
    atoms = beads.copy()
    atoms.set_array("type_name", np.array(["A", "B"] * 15))
    atoms.calc = BeadCalculator(known, ("A", "B"), UNITS)
    energy, forces = known(
        graph(atoms.positions / 10, np.full(3, 1.8), 0.8, types=np.tile([0, 1], 15), dtype=torch.float64)
    )
    assert atoms.get_potential_energy() == pytest.approx(float(energy[0]) / 96.48533, rel=1e-5)
    np.testing.assert_allclose(atoms.get_forces(), forces / 964.8533, rtol=1e-5, atol=1e-9)
    before, step = atoms.get_potential_energy(), 1e-4
    force = atoms.get_forces()[3, 1]
    atoms.positions[3, 1] += step
    assert (before - atoms.get_potential_energy()) / step == pytest.approx(force, rel=1e-2)
    atoms.set_cell([20.0] * 3)
    again = graph(atoms.positions / 10, np.full(3, 2.0), 0.8, types=np.tile([0, 1], 15), dtype=torch.float64)
    assert atoms.get_potential_energy() == pytest.approx(float(known(again)[0][0]) / 96.48533, rel=1e-5)


def test_what_it_does_not_know_is_named(beads):
    atoms = beads.copy()
    atoms.calc = BeadCalculator(potential(), ("A", "B"), UNITS)
    with pytest.raises(ValueError, match="not X"):
        atoms.get_potential_energy()
    atoms.set_array("type_name", np.array(["A"] * 30))
    atoms.pbc = [True, True, False]
    with pytest.raises(ValueError, match="periodic"):
        atoms.get_potential_energy()
