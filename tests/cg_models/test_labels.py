"""Labelled configurations: what calculators say, files of ours and of ANI-Al's data set, and divisions."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import cg_data as cd

pytest.importorskip("torch")
pytest.importorskip("ase")
if True:  # after the skips
    import cg_models as cm

    from .hip_networks import shaken

HARTREE = 27.211386245988  # eV, CODATA 2018


@pytest.fixture(scope="module")
def labels():
    return cm.Labels.of_atoms([*shaken(2, cells=1), *shaken(3, seed=1)])


def test_labels_are_what_calculators_say(labels):
    for atoms, (x, cell, energy, forces) in zip([*shaken(2, cells=1), *shaken(3, seed=1)], labels, strict=True):
        assert energy == atoms.get_potential_energy()
        np.testing.assert_array_equal(forces, atoms.get_forces())
        np.testing.assert_array_equal(x, atoms.positions)
        np.testing.assert_array_equal(cell, atoms.cell.array)


def test_files_give_back_what_was_written_in_single_precision(labels, tmp_path):
    cm.save_labels(labels, tmp_path / "labels.nc", reference="EMT")
    found = cm.load_labels(tmp_path / "labels.nc")
    np.testing.assert_array_equal(found.positions, labels.positions.astype(np.float32))
    np.testing.assert_array_equal(found.forces, labels.forces.astype(np.float32))
    np.testing.assert_array_equal(found.energies, labels.energies)
    np.testing.assert_array_equal(found.cells, labels.cells)
    np.testing.assert_array_equal(found.sizes, labels.sizes)
    with xr.open_dataset(tmp_path / "labels.nc", engine="h5netcdf") as data:
        assert (data.reference, data.element, data.forces.units) == ("EMT", "Al", "eV/angstrom")


def test_files_that_are_wrong_are_refused(labels, tmp_path):
    path = tmp_path / "labels.nc"
    cm.save_labels(labels, path)
    with xr.open_dataset(path, engine="h5netcdf") as data:
        other = data.load()
    other.forces.attrs["units"] = "kcal/mol/angstrom"
    other.to_netcdf(path, engine="h5netcdf")
    with pytest.raises(cd.FileError, match=r"forces must be .* in eV/angstrom"):
        cm.load_labels(path)
    path.write_bytes(b"nonsense")
    with pytest.raises(cd.FileError, match="holds no labels"):
        cm.load_labels(path)


def test_parts_are_of_the_whole(labels):
    some = labels.take([3, 0])
    np.testing.assert_array_equal(some.energies, labels.energies[[3, 0]])
    np.testing.assert_array_equal(some.forces[some.sizes[0] :], labels.forces[: labels.sizes[0]])
    learn, held = labels.split(0.4, seed=3)
    assert (len(learn), len(held)) == (3, 2)
    assert sorted([*learn.energies, *held.energies]) == sorted(labels.energies)
    again = cm.Labels.joined([labels.take([0, 1]), labels.take([2, 3, 4])])
    np.testing.assert_array_equal(again.positions, labels.positions)
    with pytest.raises(ValueError, match="leave none"):
        labels.split(0.01)


def test_wrong_arrays_are_refused(labels):
    with pytest.raises(ValueError, match=r"energies of 5 .*\(5,\)"):
        cm.Labels("Al", labels.positions, labels.cells, labels.energies[:4], labels.forces, labels.sizes)
    atoms = shaken(1)
    atoms[0].symbols[0] = "Cu"
    with pytest.raises(ValueError, match="one element and periodic, got Al, Cu"):
        cm.Labels.of_atoms(atoms)


def test_the_data_set_of_ani_al_is_read(tmp_path, labels):
    """Groups of one number of atoms; energies in hartree, and `force` the slope of the energy."""
    h5py = pytest.importorskip("h5py")
    x, cell, energy, forces = next(iter(labels))
    with h5py.File(tmp_path / "data-1.h5", "w") as file:
        for name, n in (("data_1", 2), ("data_2", 1)):
            group = file.create_group(f"al/{name}")
            given = {"coordinates": x, "cell": cell, "energy": energy / HARTREE, "force": -forces / HARTREE}
            for key, value in given.items():
                group[key] = np.stack([value] * n)
            group["species"] = [b"Al"] * len(x)
    found = cm.read_ani_h5(tmp_path / "data-1.h5", tmp_path / "data-1.h5")
    assert (len(found), found.element) == (6, "Al")
    for ours in found:
        for one, other in zip(ours, (x, cell, energy, forces), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9)
    (tmp_path / "other.h5").write_bytes(b"nonsense")
    with pytest.raises(cd.FileError, match="holds no labels"):
        cm.read_ani_h5(tmp_path / "other.h5")
    with h5py.File(tmp_path / "bare.h5", "w") as file:
        file["group/coordinates"] = np.zeros((1, 4, 3))
    with pytest.raises(cd.FileError, match=r"holds no labels .*cell"):
        cm.read_ani_h5(tmp_path / "bare.h5")
