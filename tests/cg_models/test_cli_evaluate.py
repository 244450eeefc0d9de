"""`cg-models evaluate` as a new user types it: its errors, verdicts, pictures and refusals."""

from __future__ import annotations

import re
from importlib.util import find_spec

import numpy as np
import pytest

import cg_data as cd

from .commands import EDGE, LIQUID, dimers, fails, liquid_frames, silent

torch = pytest.importorskip("torch")
pytest.importorskip("vesin")
if True:  # after the skips
    import cg_models as cm
    from cg_models.cli.main import main


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def liquid():
    return liquid_frames()


def written(name="b.safetensors", *, potential=LIQUID, units=None):
    """Write a potential that is a pair potential, its network silent, as of beads A."""
    cm.save_beads(silent(potential), name, ["A"], units or cd.Units())


def test_the_potential_of_a_trajectory_has_no_error_and_another_one_its_own(liquid, capsys):
    cd.save(liquid, "beads.nc")
    written()
    assert main(["evaluate", "b.safetensors", "beads.nc", "--kT", "1", "--trial-steps", "600"]) == 0
    said = capsys.readouterr().out
    scale = float((liquid.force**2).mean()) ** 0.5
    error, wanted = map(float, re.search(r"^forces: error (\S+) of (\S+) epsilon/sigma", said, re.MULTILINE).groups())
    assert wanted == pytest.approx(scale, rel=1e-3)
    assert error < 1e-3 * scale  # of the prior's table
    assert float(re.search(r"energies: error (\S+) epsilon per bead", said).group(1)) < 1e-4
    assert "correlation 1.000" in said
    assert re.search(r"^time: \S+ ms per call of forces \(cpu\)$", said, re.MULTILINE)
    closest = re.search(
        r"^trial: 600 steps .*: stable, .* closest pair (\S+) sigma \((\S+) in the trajectory\)$", said, re.MULTILINE
    )
    assert all(0.8 < float(each) < 1.0 for each in closest.groups())
    assert float(re.search(r"g\(r\): differs by (\S+) in the mean up to 2.6 sigma", said).group(1)) < 0.1

    written("other.safetensors", potential=cd.WCA())
    assert main(["evaluate", "other.safetensors", "beads.nc", "--no-trial"]) == 0
    said = capsys.readouterr().out
    truth = cm.Prior({(0, 0): cd.WCA()})
    each = [truth(cm.graph(x, np.full(3, EDGE), 2.5))[1].numpy() for x in liquid.position.values]
    off = float(np.sqrt(np.mean((np.stack(each) - liquid.force.values) ** 2)))
    assert float(re.search(r"^forces: error (\S+) of", said, re.MULTILINE).group(1)) == pytest.approx(off, rel=2e-3)
    assert "trial" not in said


def test_a_trajectory_in_other_units_is_turned_into_the_potentials(liquid, capsys):
    real, metal = cd.Units("angstrom", "kcal/mol", "g/mol"), cd.Units("angstrom", "eV", "g/mol")
    names = {"units_length": real.length, "units_energy": real.energy, "units_mass": real.mass}
    beads = cd.trajectory(
        liquid.position, liquid.box[0], ["A"] * 64, units=real, force=liquid.force, energy=liquid.energy
    )
    assert names.items() <= beads.attrs.items()
    cd.save(beads, "real.nc")
    cd.save(cd.in_units(beads, metal), "metal.nc")
    cd.save(liquid, "reduced.nc")
    written(units=real)
    said = []
    for name in ("real.nc", "metal.nc"):
        assert main(["evaluate", "b.safetensors", name, "--no-trial"]) == 0
        said.append(capsys.readouterr().out.splitlines()[1:3])
    assert "kcal/mol/angstrom" in said[0][0]
    assert said[0][0].split(" of ")[1] == said[1][0].split(" of ")[1]
    fails(capsys, "evaluate", "b.safetensors", "reduced.nc", "--no-trial", match="other units than the potential")


def test_evaluate_refuses_in_one_line_and_says_what_breaks_down(liquid, capsys, folder):
    cd.save(liquid, "beads.nc")
    cd.save(dimers(), "dimers.nc")
    written()
    fails(capsys, "evaluate", "beads.nc", "beads.nc", match="holds no bead potential")
    fails(capsys, "evaluate", "none.safetensors", "beads.nc", match="no such file")
    fails(capsys, "evaluate", "b.safetensors", "dimers.nc", match="knows A, not B")
    fails(capsys, "evaluate", "b.safetensors", "beads.nc", match="needs kT")
    bits = bytearray((folder / "b.safetensors").read_bytes())
    bits[-3] ^= 1
    (folder / "hurt.safetensors").write_bytes(bits)
    fails(capsys, "evaluate", "hurt.safetensors", "beads.nc", match="not those that were written")
    written("deep.safetensors", potential=cd.GaussianCore(-500.0, 0.3, cutoff=2.5).force_shifted())
    assert main(["evaluate", "deep.safetensors", "beads.nc", "--kT", "1", "--dt", "0.02"]) == 1
    said = capsys.readouterr()
    assert "broke down after" in said.out
    assert said.err == "cg-models: deep.safetensors does not run: it broke down in the trial\n"


@pytest.mark.skipif(find_spec("matplotlib") is None, reason="pictures need matplotlib")
def test_evaluate_draws(liquid, folder):
    cd.save(liquid, "beads.nc")
    written()
    assert (
        main(["evaluate", "b.safetensors", "beads.nc", "--kT", "1", "--trial-steps", "100", "--picture", "e.png"]) == 0
    )
    assert (folder / "e.png").read_bytes()[:4] == b"\x89PNG"


def test_velocities_say_kT(liquid, capsys):
    velocity = np.random.default_rng(1).normal(size=liquid.position.shape) * 1.5**0.5
    cd.save(liquid.assign(velocity=(liquid.position.dims, velocity, {"units": "sigma/tau"})), "hot.nc")
    written()
    assert main(["evaluate", "b.safetensors", "hot.nc", "--trial-steps", "50"]) == 0
    kT = float(re.search(r"at kT = (\S+):", capsys.readouterr().out).group(1))
    assert kT == pytest.approx(1.5, rel=0.05)
