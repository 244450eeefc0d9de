"""Ensembles: eq. 15 as it is written, and frames that models disagree about."""

from __future__ import annotations

import numpy as np
import pytest

import cg_data as cd

torch = pytest.importorskip("torch")
pytest.importorskip("vesin")
pytest.importorskip("numba")
ase = pytest.importorskip("ase")
if True:  # after the skips
    from ase.calculators.lj import LennardJones

    import cg_models as cm

    from .deep_models import OPTIONS, frame, potential_of
    from .hip_networks import random_network, shaken

METAL = cd.Units("angstrom", "eV", "g/mol")


def atoms_of(scale=1.0):
    x, cell, types = frame()
    return ase.Atoms([("O", "H")[t] for t in types], positions=x * scale, cell=cell * scale, pbc=True)


def test_deviation_is_that_of_the_paper():
    potentials = [potential_of(OPTIONS["one side"], seed=k) for k in range(6)]
    found = cm.ensemble([cm.StoredDeep(p, ("O", "H"), METAL) for p in potentials]).deviation(atoms_of())
    forces = [p(*frame()).forces for p in potentials]
    mean = sum(forces) / 6
    for i in (0, 5, 23):
        right = np.sqrt(np.mean([np.linalg.norm(f[i] - mean[i]) ** 2 for f in forces]))
        assert found.each[i] == pytest.approx(right, rel=1e-9)
    assert found.largest == found.each.max() > 0.05
    np.testing.assert_allclose(found.forces, mean, atol=1e-12)


def test_models_that_agree_do_not_deviate():
    model = cm.StoredDeep(potential_of(OPTIONS["local frame"]), ("O", "H"), METAL)
    assert cm.ensemble([model, model]).deviation(atoms_of()).largest == 0


def test_any_calculators_are_compared_and_frames_chosen():
    """Lennard-Jones of two strengths ε: deviations are half the difference of their forces."""
    given = cm.ensemble([LennardJones(epsilon=e, sigma=2.4, rc=4.0) for e in (0.01, 0.03)])
    atoms = [atoms_of(s) for s in (1.0, 0.9, 0.8)]
    found = [given.deviation(a) for a in atoms]
    np.testing.assert_allclose(found[0].each, np.linalg.norm(found[0].forces, axis=1) / 2, rtol=1e-9)
    assert found[0].largest < found[1].largest < found[2].largest
    middle = list(given.selected(atoms, above=found[1].largest, below=found[2].largest))
    assert [k for k, _ in middle] == [1]
    np.testing.assert_array_equal(middle[0][1].each, found[1].each)
    assert atoms[0].calc is None


def test_one_model_is_no_ensemble():
    with pytest.raises(ValueError, match="at least two"):
        cm.ensemble([LennardJones()])


def test_an_ensemble_is_of_every_kind_of_model():
    """HIP-NN's of two seeds, in a crystal of aluminium that shakes: eq. 15 of what each says alone."""
    models = [cm.hipnn(random_network(seed)) for seed in (1, 2)]
    atoms = shaken(1)[0]
    found = cm.ensemble(models).deviation(atoms)
    one, other = (cm.calculator(m).get_forces(atoms) for m in models)
    np.testing.assert_allclose(found.each, 0.5 * np.linalg.norm(one - other, axis=1), rtol=1e-9)
