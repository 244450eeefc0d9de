"""`cg-models train` as a new user types it: what it teaches, keeps when killed, and refuses."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys

import numpy as np
import pytest

import cg_data as cd

from .commands import EDGE, dimers, fails, liquid_frames

torch = pytest.importorskip("torch")
pytest.importorskip("vesin")
if True:  # after the skips
    from safetensors import safe_open

    import cg_models as cm
    from cg_models.cli.main import main
    from cg_models.cli.priors import prior_of

SMALL = ["--cutoff", "2.5", "--features", "8", "--blocks", "1", "--radial", "10", "--batch", "4", "--no-trial"]
CORE = ["--prior", "core", "--kT", "1"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def liquid():
    return liquid_frames()


def content(path):
    """Return the header and the SHA-256 of all numbers of a potential; their order in a file is by chance."""
    with safe_open(path, framework="pt") as opened:
        return opened.metadata()


def test_train_is_force_matching_and_writes_what_runs(liquid, capsys):
    cd.save(liquid, "beads.nc")
    words = [word for word in SMALL if word != "--no-trial"]
    assert (
        main(
            [
                "train",
                "beads.nc",
                "-o",
                "b.safetensors",
                *words,
                *CORE,
                "--epochs",
                "3",
                "--floor",
                "0.1",
                "--trial-steps",
                "200",
            ]
        )
        == 0
    )
    said = capsys.readouterr()
    assert re.search(r"^trial: 200 steps .* 4 system.*: stable, kT = [01]\.\d+", said.out, re.MULTILINE)
    assert "next: cg-models evaluate b.safetensors beads.nc" in said.out
    lines = [line for line in said.err.splitlines() if line.startswith("epoch")]
    assert len(lines) == 3
    assert all("(floor 0.1, " in line and "energy per bead" in line for line in lines)

    frames = cd.read_trajectory("beads.nc")
    box = np.full(3, EDGE)
    prior = prior_of(["core"], [], cm.bead_frames(frames), cutoff=2.5, inner_cutoff=1.0, kT=1.0)
    network = cm.SchNet(cm.SchNetOptions(cutoff=2.5, features=8, filters=8, blocks=1, radial=10, inner_cutoff=1.0))
    potential = cm.BeadPotential(network, prior)
    given = cm.samples(
        potential, [cm.graph(x, box, 2.5) for x in frames.position.values], frames.force.values, frames.energy.values
    )
    learn, held = cm.split(len(given), 0.1)
    matcher = cm.ForceMatcher(
        potential, [given[k] for k in learn], [given[k] for k in held], cm.Matching(epochs=3, batch=4)
    )
    assert [e.line(0.1) for e in matcher.run()] == [line.partition(", 0:")[0] for line in lines]
    cm.save_beads(matcher.finish(), "by-hand.safetensors", ["A"], cd.Units())
    stored, mine = cm.load_beads("b.safetensors"), cm.load_beads("by-hand.safetensors")
    for name, values in mine.potential.state_dict().items():
        assert torch.equal(values, stored.potential.state_dict()[name])
    assert (stored.types, stored.units) == (("A",), cd.Units())


STOPS = """
import sys, time
import cg_models as cm
from cg_models.cli.main import main
step, count = cm.ForceMatcher.step, iter(range(1000))
def stops(matcher, some):
    if next(count) == 15:
        print("in the third epoch", file=sys.stderr, flush=True)
        time.sleep(600)
    return step(matcher, some)
cm.ForceMatcher.step = stops
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(("by", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 130)])
def test_a_killed_training_goes_on_bit_for_bit(liquid, folder, capsys, by, code):
    cd.save(liquid, "beads.nc")
    words = ["train", "beads.nc", *SMALL, *CORE, "--epochs", "5"]
    assert main([*words, "-o", "whole.safetensors"]) == 0
    killed = subprocess.Popen(
        [sys.executable, "-c", STOPS, *words, "-o", "b.safetensors"], stderr=subprocess.PIPE, text=True
    )
    for line in killed.stderr:
        if line.startswith("in the third"):
            killed.send_signal(by)
    killed.stderr.close()
    assert killed.wait() == code
    assert not (folder / "b.safetensors").exists()
    capsys.readouterr()
    fails(capsys, *words, "-o", "b.safetensors", match="--resume goes on")
    other = [word if word != "5" else "6" for word in words]
    fails(capsys, *other, "-o", "b.safetensors", "--resume", match="--epochs 5, not 6")
    cd.save(liquid.isel(frame=slice(20)), "fewer.nc")
    fewer = [word if word != "beads.nc" else "fewer.nc" for word in words]
    fails(capsys, *fewer, "-o", "b.safetensors", "--resume", match="other frames")
    assert main([*words, "-o", "b.safetensors", "--resume"]) == 0
    assert "going on after epoch 2" in capsys.readouterr().err
    assert content("b.safetensors") == content("whole.safetensors")
    assert json.loads((folder / "b.training.json").read_text())["finished"]


def test_ctrl_c_keeps_whole_epochs(liquid, folder, capsys, monkeypatch):
    cd.save(liquid, "beads.nc")
    words = ["train", "beads.nc", *SMALL, *CORE, "--epochs", "3"]
    assert main([*words, "-o", "whole.safetensors"]) == 0
    step, count = cm.ForceMatcher.step, iter(range(1000))

    def stopped(matcher, some):
        if next(count) == 8:
            raise KeyboardInterrupt
        return step(matcher, some)

    with monkeypatch.context() as patch:
        patch.setattr(cm.ForceMatcher, "step", stopped)
        assert main([*words, "-o", "b.safetensors", "--resume"]) == 130
    said = capsys.readouterr().err
    assert "no b.checkpoint.safetensors yet: starting from the beginning" in said
    assert "cg-models: interrupted in epoch 2; the same command with --resume goes on" in said
    assert main([*words, "-o", "b.safetensors", "--resume", "--quiet"]) == 0
    assert content("b.safetensors") == content("whole.safetensors")
    assert main([*words, "-o", "b.safetensors", "--seed", "1", "--quiet"]) == 0  # finished: another may begin


def test_other_formats_say_less_and_options_the_rest(liquid, capsys):
    cd.write_trajectory(liquid, "beads.dump")
    words = ["train", "beads.dump", "-o", "d.safetensors", "--units", "real", "--types", "W", "--mass", "W=18", *CORE]
    assert main([*words, *SMALL[:-1], "--epochs", "1", "--frames", "4::2", "--trial-steps", "20"]) == 0
    said = capsys.readouterr()
    assert "9 frames to learn from and 1 to validate with, of 64 beads (W)" in said.err
    assert "energy" not in said.err
    assert "kcal/mol/angstrom" in said.out
    stored = cm.load_beads("d.safetensors")
    assert (stored.types, stored.units) == (("W",), cd.Units("angstrom", "kcal/mol", "g/mol"))
    fails(capsys, *words, *SMALL, "--mass", "X=18", match="each of the types W")


def test_bonds_are_found_and_molecules_kept():
    cd.save(dimers(), "dimers.nc")
    words = ["train", "dimers.nc", "-o", "d.safetensors", *SMALL, "--kT", "1", "--epochs", "1", "--quiet"]
    assert main([*words, "--bonds", "harmonic", "--prior", "A-B=power:sigma=0.5,exponent=8", "--patience", "1"]) == 0
    stored = cm.load_beads("d.safetensors")
    assert stored.types == ("A", "B")
    assert set(stored.potential.prior.between) == set(stored.potential.prior.inside) == {(0, 1)}
    spring = stored.potential.prior.inside[0, 1]
    assert float(spring.energy(1.1) - spring.energy(1.0)) == pytest.approx(0.5 * 200 * 0.01, rel=0.15)
    assert main([*words, "--bonds", "A-B=harmonic:k=200,r0=1", "--split", "random"]) == 0
    assert float(cm.load_beads("d.safetensors").potential.prior.inside[0, 1].energy(1.1)) == pytest.approx(
        1.0, rel=1e-3
    )
    assert main([*words, "--inner-blocks", "1"]) == 0
    assert main([*words, "--alike"]) == 0


def test_train_refuses_in_one_line(liquid, capsys, folder):
    cd.save(liquid, "beads.nc")
    cd.save(liquid.drop_vars("force"), "still.nc")
    cd.save(liquid.drop_vars(["energy", "mass"]), "bare.nc")
    cd.save(dimers(), "dimers.nc")
    (folder / "text.nc").write_text("not a trajectory")
    to, width = ["-o", "b.safetensors"], ["--cutoff", "2.5"]
    fails(capsys, "train", "none.nc", *to, *width, match="no such file")
    fails(capsys, "train", "text.nc", *to, *width, match="text.nc")
    fails(capsys, "train", "beads.nc", *to, *width, "--device", "abacus", match="--device abacus is not here")
    fails(capsys, "train", "still.nc", *to, *width, match="holds no forces")
    fails(capsys, "train", "bare.nc", *to, *width, "--energy-weight", "1", match="holds no energies")
    fails(capsys, "train", "bare.nc", *to, *width, match="needs kT")
    fails(capsys, "train", "bare.nc", *to, *width, "--kT", "1", match="needs masses")
    fails(capsys, "train", "beads.nc", *to, *SMALL, "--prior", "core", match="give --kT")
    fails(capsys, "train", "beads.nc", *to, *SMALL, "--prior", "lj:cutoff=3", match="no larger cutoff")
    fails(capsys, "train", "beads.nc", *to, *SMALL, "--prior", "A-C=wca", match="not C")
    fails(capsys, "train", "beads.nc", *to, *SMALL, "--bonds", "harmonic", "--kT", "1", match="every bead")
    fails(capsys, "train", "dimers.nc", *to, *SMALL, match="--bonds harmonic")
    fails(capsys, "train", "beads.nc", "-o", "no/b.safetensors", *SMALL, match="folder that exists")
    fails(capsys, "train", "beads.nc", *to, *SMALL, "--frames", "0:1", match="none to learn from")
    assert sorted(p.name for p in folder.iterdir()) == ["bare.nc", "beads.nc", "dimers.nc", "still.nc", "text.nc"]


def test_what_does_not_run_is_said(liquid, capsys, folder):
    cd.save(liquid, "beads.nc")
    words = [word for word in SMALL if word != "--no-trial"]
    deep = ["--prior", "gaussian:epsilon=-500,sigma=0.3", "--kT", "1", "--epochs", "1", "--quiet", "--dt", "0.02"]
    assert main(["train", "beads.nc", "-o", "b.safetensors", *words, *deep]) == 1
    said = capsys.readouterr()
    assert "broke down after" in said.out
    assert "does not run" in said.err
    assert (folder / "b.safetensors").exists()
