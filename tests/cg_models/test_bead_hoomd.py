"""Bead potentials in HOOMD-blue: energies, forces and virials of every bead, sorted or not, and energy that is kept."""

from __future__ import annotations

import importlib
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("vesin")


def test_without_hoomd_the_conda_command_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "hoomd", None)
    monkeypatch.delitem(sys.modules, "cg_models.schnet.hoomd_force", raising=False)
    with pytest.raises(ImportError, match="conda install -c conda-forge hoomd"):
        importlib.import_module("cg_models.schnet.hoomd_force")


@pytest.fixture
def simulation():
    hoomd = pytest.importorskip("hoomd", reason="HOOMD-blue comes from conda-forge only")
    from .test_engine_forces import BOX, TYPES, dimers

    snapshot = hoomd.Snapshot()
    snapshot.configuration.box = [9.0, 8.0, 8.5, 1.5 / 8.0, -1.0 / 8.5, 0.7 / 8.5]
    snapshot.particles.N, snapshot.particles.types = len(TYPES), ["B", "A"]
    x = dimers() - 0.5 * BOX.sum(axis=0)
    turns = np.floor(x @ np.linalg.inv(BOX) + 0.5)
    snapshot.particles.position[:], snapshot.particles.typeid[:] = x - turns @ BOX, 1 - TYPES
    made = hoomd.Simulation(hoomd.device.CPU(notice_level=1), seed=1)
    made.create_state_from_snapshot(snapshot)
    made.always_compute_pressure = True
    made.operations.tuners[0].trigger = hoomd.trigger.Periodic(5)
    return made


@pytest.mark.hoomd
def test_hoomd_moves_beads_by_the_potential(simulation):
    import hoomd

    from cg_models.schnet.bead_potential import BeadPotential
    from cg_models.schnet.engine_forces import EngineForces
    from cg_models.schnet.hoomd_force import BeadForce
    from cg_models.schnet.network import SchNet, SchNetOptions

    from .test_engine_forces import BOX, MOLECULE, PRIOR, TYPES

    options = SchNetOptions(types=2, cutoff=3.0, features=10, filters=10, blocks=2, inner_blocks=1, inner_cutoff=2.5)
    potential = BeadPotential(SchNet(options, seed=5), PRIOR).double()
    force = BeadForce(potential, ("A", "B"), molecule=MOLECULE, skin=0.6)
    method = hoomd.md.methods.ConstantVolume(hoomd.filter.All())
    simulation.operations.integrator = hoomd.md.Integrator(0.0005, methods=[method], forces=[force])
    thermo = hoomd.md.compute.ThermodynamicQuantities(hoomd.filter.All())
    simulation.operations.computes.append(thermo)
    totals = []
    for _ in range(3):
        simulation.run(20)
        x = simulation.state.get_snapshot().particles.position
        wanted = EngineForces(potential, molecule=MOLECULE).each(x, BOX, TYPES)
        np.testing.assert_allclose(force.forces, wanted.forces, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(force.energies, wanted.energies, rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(force.virials, wanted.virials, rtol=1e-6, atol=1e-6)
        totals.append(force.energy + thermo.kinetic_energy)
    pressure = (2 * thermo.kinetic_energy + wanted.virials[:, [0, 3, 5]].sum()) / (3 * np.linalg.det(BOX))
    assert thermo.pressure == pytest.approx(pressure, rel=1e-8)
    assert np.ptp(totals) < 1e-3 * max(thermo.kinetic_energy, 1.0)
