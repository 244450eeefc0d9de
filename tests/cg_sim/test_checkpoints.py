"""Checkpoints: a resumed run is the uninterrupted one bit for bit; what is damaged or foreign is refused in words."""

from __future__ import annotations

import numpy as np
import pytest

import cg_data as cd
import cg_sim as cs
from cg_sim.checkpoints import Checkpoint
from cg_sim.cli.main import main

RUN = ["run", "--potential", "lj:cutoff=2.5", "--density", "0.7", "--kT", "1", "--n", "108", "--equilibration", "500",
       "--steps", "2500", "--sample-every", "25", "--checkpoint-every", "700", "--seed", "5", "--quiet"]  # fmt: skip
ENSEMBLES = {
    "langevin": cs.Langevin(friction=0.7),
    "nose-hoover": cs.NoseHoover(tau=0.4),
    "bussi": cs.Bussi(tau=0.4),
    "nve": cs.NVE(),
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def simulated(thermostat, barostat, **options):
    state = cs.fcc(108, 0.6, kT=1.1, composition={"A": 0.5, "B": 0.5})
    lj = cd.LennardJones()
    mixture = {("A", "A"): lj, ("A", "B"): cd.LennardJones(epsilon=0.8), ("B", "B"): cd.WCA()}
    observe = [cs.Pressure(tensor=True), cs.RDF(2.0, 40), cs.VACF(20), cs.StructureFactor(5.0)]
    return cs.simulate(
        state, mixture, kT=1.1, steps=1200, equilibration=300, thermostat=thermostat, barostat=barostat,
        observe=observe, sample_every=20, frames_every=150, checkpoint_every=350, seed=2, **options
    )  # fmt: skip


def stop_at_1000(done, total, temperature):
    if done >= 1000:
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("thermostat", "pressure", "precision"),
    [("langevin", None, "double"), ("nose-hoover", None, "double"), ("bussi", None, "double"), ("nve", None, "double"),
     ("langevin", 0.5, "double"), ("nose-hoover", 0.5, "double"), ("bussi", 0.5, "double"),
     ("langevin", None, "single"), ("nose-hoover", 0.5, "single")],
)  # fmt: skip
def test_resumed_is_uninterrupted(thermostat, pressure, precision):
    """Stopped at step 1000, continued from the checkpoint at 700."""
    ensemble = (ENSEMBLES[thermostat], None if pressure is None else cs.CellRescaling(pressure))
    whole = simulated(*ensemble, checkpoint="whole.npz", precision=precision)
    with pytest.raises(cs.Interrupted) as stop:
        simulated(*ensemble, checkpoint="c.npz", precision=precision, progress=stop_at_1000)
    assert stop.value.done == 1000
    assert stop.value.run.data.sizes["sample"] == 700 // 20
    assert Checkpoint.load("c.npz").done == 700
    resumed = simulated(*ensemble, checkpoint="c.npz", precision=precision, resume=True)
    whole.save("whole.nc")
    resumed.save("resumed.nc")
    a, b = cd.load("whole.nc"), cd.load("resumed.nc")
    assert {"g", "vacf", "structure_factor", "pressure_tensor", "final_velocity"} <= set(a)
    assert a.drop_attrs().identical(b.drop_attrs())
    assert whole.trajectory.identical(resumed.trajectory)
    assert not np.array_equal(stop.value.run.data.g, a.g)
    again = simulated(*ensemble, checkpoint="c.npz", precision=precision, resume=True)  # nothing is left to do
    assert again.data.drop_attrs().identical(resumed.data.drop_attrs())


def test_a_checkpoint_is_read_as_written():
    state = cs.fcc(20, 0.5, kT=1.0, composition={"A": 0.5, "B": 0.5}, masses=2.0)
    one = Checkpoint(state, 7, "digest", extra={"skin": np.array(0.3)}, memories=({"x": np.arange(3)}, {}))
    one.save("c.npz")
    two = Checkpoint.load("c.npz")
    assert (two.done, two.digest, two.state.names, two.state.step) == (7, "digest", ("A", "B"), 0)
    for name in ("positions", "velocities", "box", "masses", "types"):
        np.testing.assert_array_equal(getattr(two.state, name), getattr(state, name))
    np.testing.assert_array_equal(two.extra["skin"], 0.3)
    np.testing.assert_array_equal(two.memories[0]["x"], [0, 1, 2])
    assert two.memories[1] == {}


def test_a_full_disk_leaves_the_old_checkpoint(folder):
    resource = pytest.importorskip("resource", reason="Windows has no limit of a file's size")
    state = cs.fcc(500, 0.5)
    Checkpoint(state, 7, "digest").save("c.npz")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            Checkpoint(state, 8, "digest").save("c.npz")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert Checkpoint.load("c.npz").done == 7
    assert [p.name for p in folder.iterdir()] == ["c.npz"]


def damaged(kind, whole):
    match kind:
        case "empty":
            return b""
        case "text":
            return b"not a checkpoint\n" * 100
        case "half":
            return whole[: len(whole) // 2]
        case "last byte missing":
            return whole[:-1]
        case "start missing":
            return whole[1000:]
        case "zeros inside":
            return whole[:3000] + bytes(2000) + whole[5000:]


@pytest.mark.parametrize("kind", ["empty", "text", "half", "last byte missing", "start missing", "zeros inside"])
def test_a_damaged_checkpoint_is_named(folder, capsys, kind):
    assert main(RUN) == 0
    file = folder / "run.checkpoint.npz"
    broken = damaged(kind, file.read_bytes())
    file.write_bytes(broken)
    with pytest.raises(cd.FileError, match=r"run\.checkpoint\.npz"):
        Checkpoint.load(file.name)
    capsys.readouterr()
    assert main([*RUN, "--resume"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("cg-sim: run.checkpoint.npz: ")
    assert err.count("\n") == 1
    assert file.read_bytes() == broken


def test_foreign_files_and_pickles_are_refused(folder):
    np.savez("foreign.npz", x=np.zeros(3))
    np.savez("pickle.npz", facts=np.array([{"format": 1}], dtype=object))
    np.savez("later.npz", facts=np.array('{"format": 99}'))
    wrong = {"foreign": "no checkpoint .*facts", "pickle": "pickled objects", "later": "no checkpoint .*format 99"}
    for name, words in wrong.items():
        with pytest.raises(cd.FileError, match=rf"{name}\.npz: .*holds {words}"):
            Checkpoint.load(f"{name}.npz")
    with pytest.raises(cd.FileError, match="is a directory"):
        Checkpoint.load(folder)


@pytest.mark.parametrize(
    "other",
    [["--seed", "6"], ["--kT", "1.1"], ["--dt", "0.004"], ["--thermostat", "bussi"], ["--friction", "2"], ["--steps", "2600"],
     ["--pressure", "1"], ["--rdf", "2"], ["--potential", "lj:cutoff=2.5,epsilon=1.1"], ["--density", "0.69"],
     ["--sample-every", "50"], ["--mass", "2"], ["--precision", "single"]],
    ids=" ".join,
)  # fmt: skip
def test_the_checkpoint_of_another_run_is_refused(other, capsys):
    given = [word for k, word in enumerate(RUN) if other[0] not in (word, RUN[k - 1])]
    rdf = [] if other[0] == "--rdf" else ["--rdf", "2.5"]
    assert main([*RUN, "--rdf", "2.5"]) == 0
    capsys.readouterr()
    assert main([*given, *rdf, *other, "--resume"]) == 1
    assert "run.checkpoint.npz belongs to a run with other settings" in capsys.readouterr().err
    assert main([*RUN, "--rdf", "2.5", "--resume", "--threads", "2"]) == 0  # threads change nothing


def test_resume_without_a_checkpoint(capsys):
    assert main([*RUN, "--resume"]) == 0
    assert "no run.checkpoint.npz yet: starting from the beginning" in capsys.readouterr().err
    with pytest.raises(ValueError, match="resume=True needs checkpoint="):
        cs.simulate(cs.fcc(108, 0.7), cd.LennardJones(), kT=1.0, steps=1, resume=True)
