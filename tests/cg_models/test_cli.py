"""The `cg-models` command as a new user types it: what it writes, what it says, how it fails."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

import cg_data as cd

from .commands import fails

pytest.importorskip("torch")
if True:  # after the skip
    import cg_models as cm
    from cg_models.boltzmann.theory_liquids import in_bins
    from cg_models.cli.main import main

SOFT = cd.GaussianCore(4.0, 1.0, cutoff=4.5)
FINE = (np.arange(100) + 0.5) * 0.05
NM = cd.Units("nm", "kJ/mol", "g/mol")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def distribution(name="g.csv", *, sigma=1.0, kT=1.0, units=None, **facts):
    """Write g(r) of the Gaussian core at ρσ³ = 0.5 by theory."""
    found = cd.liquid_theory(SOFT, 0.5, closure="ry")
    target = cd.make_target(
        FINE * sigma, in_bins(found.r, found.g), density=0.5 / sigma**3, kT=kT, units=units, **facts
    )
    cd.write_target(target, name)
    return name


def test_help_teaches_and_wrong_usage_is_two(capsys):
    assert main([]) == 2
    assert "invert" in capsys.readouterr().err
    for verb in ("invert", "pressure", "train", "evaluate"):
        with pytest.raises(SystemExit) as stop:
            main([verb, "--help"])
        assert stop.value.code == 0
        assert f"  cg-models {verb} " in capsys.readouterr().out
    with pytest.raises(SystemExit) as stop:
        main(["invert", "g.csv", "-o", "u.table", "--kT", "-1"])
    assert stop.value.code == 2
    assert "must be positive" in capsys.readouterr().err


def test_the_process_itself_ends_with_the_code_and_no_traceback():
    words = [sys.executable, "-m", "cg_models", "invert", "none.csv", "-o", "u.table", "--density", "1", "--kT", "1"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "cg-models: none.csv: no such file; check the path\n"


def test_invert_writes_the_table_of_what_invert_returns(capsys):
    distribution()
    assert main(["invert", "g.csv", "-o", "u.table", "--sigma", "1"]) == 0
    said = capsys.readouterr().out
    table, r = cd.read_potential("u.table"), np.linspace(0.1, 4.4, 50)
    data = cd.read_target("g.csv")
    found = cm.invert(data.r, data.g[0], 0.5, sigma=1.0)
    np.testing.assert_allclose(table.energy(r), found.potential.energy(r), atol=1e-4)
    np.testing.assert_allclose(table.energy(r), SOFT.energy(r), atol=0.15)
    assert f"score {found.score:.2f}" in said
    assert f"mean error {found.stderr.mean():.3g} epsilon" in said
    assert "next: cg-sim run --potential u.table --density 0.5 --kT 1" in said


def test_invert_keeps_units_and_writes_for_any_engine():
    distribution("nm.csv", sigma=0.4, kT=2.5, units=NM)
    assert main(["invert", "nm.csv", "-o", "u.xvg", "--sigma", "0.4"]) == 0
    r = np.linspace(0.2, 1.6, 30)
    np.testing.assert_allclose(cd.read_potential("u.xvg").energy(r), 2.5 * SOFT.energy(r / 0.4), atol=0.4)
    real = ["--to-units", "real", "--format", "lammps"]
    assert main(["invert", "nm.csv", "-o", "u.anything", "--sigma", "0.4", *real]) == 0
    other = cd.read_potential("u.anything", format="lammps")
    np.testing.assert_allclose(other.energy(10 * r), cd.read_potential("u.xvg").energy(r) / 4.184, atol=2e-3)


def test_a_fixed_number_of_particles_is_taken_into_account(capsys):
    distribution(particles=100)
    assert main(["invert", "g.csv", "-o", "a.table", "--sigma", "1"]) == 0
    data = cd.normalized(cd.read_target("g.csv"), "N(N-1)")
    found = cm.invert(data.r, data.g[0], 0.5, sigma=1.0, particles=100)
    r = np.linspace(0.1, 4.4, 50)
    np.testing.assert_allclose(cd.read_potential("a.table").energy(r), found.potential.energy(r), atol=1e-4)


def test_invert_refuses_in_one_line(capsys, folder):
    distribution()
    wanted = ["-o", "u.table"]
    bare = cd.make_target(FINE, 2 + np.sin(9 * FINE), density=0.3, kT=1.0)
    cd.write_target(bare, "odd.csv")
    fails(capsys, "invert", "odd.csv", "--sigma", "1", *wanted, match="unlike everything")
    fails(capsys, "invert", "g.csv", "--density", "0.7", *wanted, match="says that its density is 0.5")
    fails(capsys, "invert", "g.csv", "-o", "u.what", match="names no format")
    fails(capsys, "invert", "g.csv", *wanted, "--to-units", "real", match="reduced units")
    fails(capsys, "invert", "g.csv", "-o", "no/u.table", match="does not exist")
    (folder / "plain.csv").write_text("r,g\n" + "".join(f"{r},1\n" for r in FINE))
    fails(capsys, "invert", "plain.csv", *wanted, match="does not say its density")
    mixed = {pair: np.ones(100) for pair in (("A", "A"), ("A", "B"), ("B", "B"))}
    cd.write_target(cd.make_target(FINE, mixed, density={"A": 0.2, "B": 0.2}, kT=1.0), "mixed.csv")
    fails(capsys, "invert", "mixed.csv", *wanted, match="one kind of particle")
    assert not (folder / "u.table").exists()


@pytest.mark.skipif(find_spec("matplotlib") is None, reason="pictures need matplotlib")
def test_invert_draws(folder):
    distribution()
    assert main(["invert", "g.csv", "-o", "u.table", "--picture", "u.png"]) == 0
    assert (folder / "u.png").read_bytes()[:4] == b"\x89PNG"


def test_a_picture_that_cannot_be_drawn_stops_before_the_work(capsys, monkeypatch, folder):
    distribution()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    fails(capsys, "invert", "g.csv", "-o", "u.table", "--picture", "u.png", match=r"cg-models\[plot\]")
    assert not (folder / "u.table").exists()


def test_pressure_is_that_of_the_function(capsys):
    assert main(["pressure", "gaussian:epsilon=4,sigma=1,cutoff=4.5", "--density", "0.5"]) == 0
    found = cm.pressure(SOFT, 0.5)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"P = {found.value:.5g} ± {found.stderr:.2g} epsilon/sigma^3"
    assert said[1].startswith(f"score {found.score:.2f}: ")
    paper = cm.pressure(SOFT, 0.5, network="paper")
    assert main(["pressure", "gaussian:epsilon=4,sigma=1,cutoff=4.5", "--density", "0.5", "--network", "paper"]) == 0
    assert f"P = {paper.value:.5g} ±" in capsys.readouterr().out


def test_pressure_of_a_table_is_in_its_units(capsys):
    cd.write_table(SOFT, "u.csv")
    scaled = cd.GaussianCore(10.0, 0.4, cutoff=1.8)
    cd.write_table(scaled, "nm.xvg", units=NM, convert_to=NM)
    assert main(["pressure", "u.csv", "--density", "0.5"]) == 0
    one = float(capsys.readouterr().out.split()[2])
    assert one == pytest.approx(cm.pressure(SOFT, 0.5).value, rel=1e-3)
    assert main(["pressure", "nm.xvg", "--density", str(0.5 / 0.4**3), "--kT", "2.5", "--sigma", "0.4"]) == 0
    said = capsys.readouterr().out
    assert "kJ/mol/nm^3" in said
    assert float(said.split()[2]) == pytest.approx(one * 2.5 / 0.4**3, rel=3e-3)
    fails(capsys, "pressure", "nm.xvg", "--density", "5", "--sigma", "0.4", match=r"give --kT \[kJ/mol\]")
    fails(capsys, "pressure", "nm.xvg", "--density", "5", "--kT", "2.5", match=r"give --sigma \[nm\]")


def test_pressures_at_several_densities_are_a_table_and_refusals_are_said(capsys):
    assert main(["pressure", "wca", "--density", "0.2", "0.5"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert [float(row.split()[0]) for row in rows[1:]] == [0.2, 0.5]
    assert float(rows[2].split()[1]) == pytest.approx(
        1.728, rel=0.03
    )  # molecular dynamics, as in the prediction's tests
    assert main(["pressure", "wca", "--density", "0.5", "30"]) == 1
    said = capsys.readouterr()
    assert [len(row.split()) for row in said.out.splitlines()[1:]] == [4, 2]
    assert re.fullmatch(r"cg-models: density 30: networks know densities from [^\n]+\n", said.err)
    fails(capsys, "pressure", "gaussian:epsilon=-30,sigma=1,cutoff=5", "--density", "0.3", match="no solution")
    fails(capsys, "pressure", "gaussian:epsilon=1,sigma=3,cutoff=14", "--density", "0.01", match="give sigma")


def test_a_potential_that_is_none_is_said_to_be_none(capsys):
    fails(capsys, "pressure", "lj.tabel", "--density", "0.5", match="neither a file nor a formula")
    fails(capsys, "pressure", "lj:cutof=2", "--density", "0.5", match="did you mean cutoff")
    both = cd.Interactions({("A", "A"): cd.WCA(), ("A", "B"): cd.WCA(sigma=1.1), ("B", "B"): cd.WCA()})
    cd.write_table(both, "two.table")
    fails(capsys, "pressure", "two.table", "--density", "0.5", match="one kind of particle")
