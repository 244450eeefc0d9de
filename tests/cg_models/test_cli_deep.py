"""`cg-models deep` as a new user types it: what it teaches, keeps when stopped, and refuses."""

from __future__ import annotations

import numpy as np
import pytest

import cg_data as cd
from cg_data.units import METAL

torch = pytest.importorskip("torch")
pytest.importorskip("vesin")
pytest.importorskip("numba")
if True:  # after the skips
    import cg_models as cm
    from cg_models.cli.deep import neighbors_seen
    from cg_models.cli.main import main

BETWEEN = cd.GaussianCore(3.0, 1.5, cutoff=4.0).force_shifted()
SMALL = ["--cutoff", "4", "--embedding", "4,8", "--axes", "4", "--fitting", "12,12", "--rate", "0.01", "--report", "10"]


def system(folder, seed, frames=12):
    """Write a DeePMD folder of beads that repel one another, with energies, forces and virials; return it."""
    noise = np.random.default_rng(seed)
    x = np.array(list(np.ndindex(3, 3, 3))) * 3.0 + 0.3 * noise.standard_normal((frames, 27, 3))
    known = cm.DeepPotential(cm.SmoothOptions(4.0, 0.5, (20,), (2, 4), 2, (2,)), cm.Prior({(0, 0): BETWEEN}))
    known.fitting[0].last.data.zero_()
    found = [known(at, np.full(3, 9.0), np.zeros(27, dtype=int)) for at in x]
    ds = cd.trajectory(
        x, np.full(3, 9.0), ["A"] * 27, units=METAL, force=[f.forces for f in found], energy=[f.energy for f in found]
    )
    virials = np.array([f.virial for f in found])
    return str(cd.write_trajectory(ds.assign(virial=(("frame", "axis", "axis2"), virials, {"units": "eV"})), folder))


@pytest.fixture
def folders(tmp_path):
    return [system(tmp_path / f"data_{k}", k) for k in (0, 1)]


def test_it_teaches_forces_energies_and_virials_of_several_folders(folders, tmp_path, capsys):
    out = tmp_path / "a.safetensors"
    assert main(["deep", *folders, "-o", str(out), *SMALL, "--atomistic", "--steps", "150"]) == 0
    said = capsys.readouterr()
    assert "22 of 24 frames of 27 atoms (A) to learn forces, energies and virials from" in said.err
    model, data = cm.load_deep(out), cd.read_trajectory(folders[1])
    assert (model.types, model.units) == (("A",), METAL)
    found = [model.potential(x, np.full(3, 9.0), np.zeros(27, dtype=int)) for x in data.position.values]
    wrong = np.array([f.forces for f in found]) - data.force.values
    assert np.square(wrong).mean() < 0.3 * data.force.values.var()
    assert np.std([f.energy for f in found] - data.energy.values) < 0.6 * np.std(data.energy.values)


def test_what_was_stopped_goes_on_bit_for_bit(folders, tmp_path, monkeypatch, capsys):
    words = [
        "deep",
        *folders,
        *SMALL,
        "--steps",
        "30",
        "--environments",
        "frame",
        "--full",
        "4",
        "--batch",
        "2",
        "--quiet",
    ]
    assert main([*words, "-o", str(tmp_path / "once.safetensors")]) == 0
    whole = cm.DeepTrainer.learn

    def stopped(trainer):
        if trainer.step == 15:
            raise KeyboardInterrupt
        return whole(trainer)

    two = ["-o", str(tmp_path / "twice.safetensors")]
    with monkeypatch.context() as patch:
        patch.setattr(cm.DeepTrainer, "learn", stopped)
        assert main([*words, *two]) == 130
    assert "interrupted after step 15" in capsys.readouterr().err
    assert main([*words, *two]) == 1
    assert "--resume goes on with it" in capsys.readouterr().err
    assert main([*words, *two, "--resume"]) == 0
    one, other = (cm.load_deep(tmp_path / f"{n}.safetensors").potential.state_dict() for n in ("once", "twice"))
    assert all(bool((one[name] == other[name]).all()) for name in one)


def test_neighbors_are_counted(tmp_path):
    """On a cubic lattice of edge 3 there are 6 + 12 neighbors within 4.4."""
    x = np.array(list(np.ndindex(3, 3, 3))) * 3.0
    frames = cm.BeadFrames(x[None], np.eye(3)[None] * 9, ("A", "B"), np.zeros(27, dtype=np.int64), METAL)
    assert neighbors_seen(frames, 4.4) == (23, 2)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--prior", "core"], "give --kT"),
        (["--axes", "9"], "axes must be"),
        (["--smooth-from", "5"], "smooth_from must be in"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(folders, tmp_path, capsys, words, says):
    assert main(["deep", folders[0], "-o", str(tmp_path / "a.safetensors"), *SMALL, *words]) == 1
    assert says in capsys.readouterr().err


def test_folders_of_other_atoms_are_refused(folders, tmp_path, capsys):
    data = cd.read_trajectory(folders[0])
    cd.write_trajectory(data.isel(particle=slice(26)).drop_vars("virial"), tmp_path / "other")
    assert main(["deep", folders[0], str(tmp_path / "other"), "-o", str(tmp_path / "a.safetensors"), *SMALL]) == 1
    assert "holds other atoms" in capsys.readouterr().err
