"""Deep potentials on disk and in ASE: what is read is what was written, and other units are other numbers only."""

from __future__ import annotations

import numpy as np
import pytest

import cg_data as cd

torch = pytest.importorskip("torch")
pytest.importorskip("vesin")
pytest.importorskip("numba")
ase = pytest.importorskip("ase")
if True:  # after the skips
    from ase.calculators.fd import calculate_numerical_stress

    import cg_models as cm
    from cg_models.deep_potential.stored import StoredDeep

    from .deep_models import OPTIONS, frame, potential_of

METAL = cd.Units("angstrom", "eV", "g/mol")
CORE = cd.PowerLaw(2.0, 1.6, 8, cutoff=3.0).force_shifted()


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("name", OPTIONS)
def test_what_is_read_is_what_was_written(tmp_path, name, single):
    potential = potential_of(OPTIONS[name])
    if single:
        potential.networks.float()
    cm.save_deep(potential, tmp_path / "a.safetensors", ("O", "H"), METAL)
    found = cm.load_deep(tmp_path / "a.safetensors")
    assert (found.types, found.units, found.potential.options) == (("O", "H"), METAL, OPTIONS[name])
    a, b = (p(*frame()) for p in (potential, found.potential))
    np.testing.assert_array_equal(a.energies, b.energies)
    np.testing.assert_array_equal(a.forces, b.forces)


def with_core(name):
    bare = potential_of(OPTIONS[name])
    potential = cm.DeepPotential(OPTIONS[name], cm.Prior(between={(0, 1): CORE}))
    potential.load_state_dict(bare.state_dict())
    return bare, potential


def test_a_prior_is_added(tmp_path):
    bare, potential = with_core("one side")
    x, cell, types = frame()
    found, without = potential(x, cell, types), bare(x, cell, types)
    energy = 0.0
    for i, j in zip(*np.triu_indices(len(x), 1), strict=True):
        if types[i] != types[j]:
            for image in np.array(list(np.ndindex(3, 3, 3))) - 1:
                r = np.linalg.norm(x[j] - x[i] + image @ cell)
                energy += float(CORE.energy(np.array([r]))[0]) if r < CORE.cutoff else 0.0
    assert energy > 0.1
    assert found.energy - without.energy == pytest.approx(energy, rel=1e-6)
    step = np.zeros_like(x)
    step[5, 1] = 1e-5
    slope = (potential(x + step, cell, types).energy - potential(x - step, cell, types).energy) / 2e-5
    assert found.forces[5, 1] == pytest.approx(-slope, abs=1e-6)
    cm.save_deep(potential, tmp_path / "a.safetensors", ("O", "H"), METAL)
    again = cm.load_deep(tmp_path / "a.safetensors").potential(x, cell, types)
    assert again.energy == pytest.approx(found.energy, abs=1e-4)  # the prior is a table of 2000 points now
    np.testing.assert_allclose(again.forces, found.forces, atol=1e-3)


def test_priors_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="ends at 5, environments at 4"):
        cm.DeepPotential(OPTIONS["one side"], cm.Prior(between={(0, 0): cd.PowerLaw(1.0, 1.0, 8, cutoff=5.0)}))
    with pytest.raises(ValueError, match="not inside molecules"):
        cm.DeepPotential(OPTIONS["one side"], cm.Prior(inside={(0, 0): CORE}))


def test_files_that_have_changed_are_refused(tmp_path):
    file = tmp_path / "a.safetensors"
    potential = potential_of(OPTIONS["one side"])
    with pytest.raises(ValueError, match="2 types, got the names O"):
        cm.save_deep(potential, file, ("O",), METAL)
    cm.save_deep(potential, file, ("O", "H"), METAL)
    content = bytearray(file.read_bytes())
    content[-20] ^= 1
    file.write_bytes(content)
    with pytest.raises(cd.FileError, match="not those that were written"):
        cm.load_deep(file)
    file.write_text("nothing")
    with pytest.raises(cd.FileError, match="holds no deep potential"):
        cm.load_deep(file)


@pytest.mark.parametrize("name", OPTIONS)
def test_calculator_is_the_potential_in_its_units(name):
    potential = potential_of(OPTIONS[name])
    x, cell, types = frame()
    atoms = ase.Atoms([("O", "H")[t] for t in types], positions=x, cell=cell, pbc=True)
    atoms.calc = cm.calculator(StoredDeep(potential, ("O", "H"), METAL))
    found = potential(x, cell, types)
    assert atoms.get_potential_energy() == pytest.approx(found.energy, rel=1e-12)
    np.testing.assert_allclose(atoms.get_forces(), found.forces, atol=1e-10)
    numerical = calculate_numerical_stress(atoms, eps=1e-5)
    np.testing.assert_allclose(atoms.get_stress(), numerical, atol=1e-7)
    nano = ase.Atoms(
        atoms, calculator=cm.calculator(StoredDeep(potential, ("O", "H"), cd.Units("nm", "kJ/mol", "g/mol")))
    )
    nano.set_cell(10 * cell)
    nano.set_positions(10 * x)
    assert nano.get_potential_energy() == pytest.approx(found.energy * cd.factor("kJ/mol", "eV"), rel=1e-9)
    np.testing.assert_allclose(nano.get_forces(), found.forces * cd.factor("kJ/mol", "eV") / 10, atol=1e-9)
    summed = ase.Atoms(atoms, calculator=cm.Sum(StoredDeep(potential, ("O", "H"), METAL), {("O", "H"): CORE}))
    assert summed.calc.get_potential_energy(summed) > found.energy
    atoms.symbols[0] = "Al"
    with pytest.raises(ValueError, match="knows O, H, not Al"):
        atoms.get_potential_energy()
