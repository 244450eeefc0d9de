"""The `cg-data` command as a new user types it: convert, check, plot, splines, map; failures in one clear line."""

from __future__ import annotations

import json

import numpy as np
import pytest

import cg_data as cd
from cg_data.cli import main

LJ = cd.LennardJones().force_shifted()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    r = np.linspace(0.01, 4.99, 250)
    cd.write_target(
        cd.make_target(r, 1 + cd.mayer_f(LJ, r, kT=1.0), density=0.1, kT=1.0, g_stderr=0.01 + 0 * r), "g.csv"
    )
    cd.write_table(LJ, "lj.pot", n=800, units=cd.Units("nm", "kJ/mol", "g/mol"))
    return tmp_path


@pytest.mark.parametrize("result", ["lj.table", "lj.xvg", "lj.npz", "lj.tab", "lj.csv"])
def test_convert_tables(folder, capsys, result):
    assert main(["convert", "lj.pot", result, "--to-units", "real"]) == 0
    assert f"lj.pot → {result}: 1 potential(s), cutoff 2.5 nm" in capsys.readouterr().out
    again = cd.read_potential(result)
    assert float(again.energy(12.0)) == pytest.approx(float(LJ.energy(1.2)) / 4.184, rel=1e-4)


def test_convert_options(folder):
    assert main(["convert", "lj.pot", "b.txt", "--to", "lammps-rsq", "--n", "100", "--pair", "W-W"]) == 0
    text = (folder / "b.txt").read_text()
    assert "N 100 RSQ" in text
    assert "W-W" in text
    assert main(["convert", "lj.pot", "b.txt", "--to", "lammps", "--inner", "error"]) == 0


def test_mixtures_with_different_cutoffs(folder, capsys):
    pytest.importorskip("matplotlib")
    mixture = {("A", "A"): LJ, ("A", "B"): cd.WCA(), ("B", "B"): cd.LennardJones(cutoff=3.0).force_shifted()}
    cd.write_table(mixture, "m.table")
    assert main(["check", "m.table"]) == 0
    assert main(["plot", "m.table"]) == 0
    assert main(["convert", "m.table", "m.npz"]) == 0
    assert cd.read_interactions("m.npz")["B", "B"].cutoff == 3.0


def test_trajectories_are_converted_with_their_units(folder):
    ds = cd.trajectory([[[1.0, 2.0, 3.0]]], [10.0] * 3, ["O"], units=cd.Units("angstrom", "kcal/mol", "g/mol"),
                       velocity=[[[1.0, 0, 0]]], force=[[[1.0, 0, 0]]], energy=[2.0])  # fmt: skip
    cd.write_trajectory(ds, "a.dump")
    assert main(["convert", "a.dump", "b.xyz", "--to-units", "gromacs"]) == 0
    nm = cd.read_trajectory("b.xyz")
    assert nm.attrs["units_length"] == "nm"
    np.testing.assert_allclose(nm.position.values[0, 0], [0.1, 0.2, 0.3])
    # 1 Å per 48.88821 fs is 2.04548 nm/ps; 1 kcal/mol/Å is 41.84 kJ/mol/nm
    assert float(nm.velocity[0, 0, 0]) == pytest.approx(2.045483, rel=1e-6)
    assert float(nm.force[0, 0, 0]) == pytest.approx(41.84)
    assert main(["convert", "a.dump", "c.nc"]) == 0
    assert main(["convert", "c.nc", "d.dump"]) == 0


def test_netcdf_is_no_one_way_street(folder):
    assert main(["convert", "g.csv", "g.nc"]) == 0
    assert main(["convert", "g.nc", "back.csv"]) == 0
    np.testing.assert_array_equal(cd.read_target("back.csv").g.values, cd.read_target("g.csv").g.values)


def test_one_pair_of_several_is_taken(folder):
    (folder / "a.xvg").write_text(
        '@ subtitle "reference OW"\n@ s0 legend "OW"\n@ s1 legend "HW"\n0.1 0 0\n0.2 1 2\n0.3 1 1\n0.4 1 1\n'
    )
    facts = ["--density", "33.4", "--kT", "2.494"]
    assert main(["convert", "a.xvg", "oo.nc", "--pair", "OW-OW", *facts]) == 0
    assert cd.load("oo.nc").g.values[0, 1] == 1
    assert main(["convert", "a.xvg", "oh.nc", "--pair", "HW-OW", "--density", "OW=33.4,HW=66.8", "--kT", "2.494"]) == 0
    assert cd.load("oh.nc").pair.values.tolist() == ["HW-OW"]


def test_convert_targets(folder, capsys):
    assert main(["convert", "g.csv", "g.dist.tgt"]) == 0
    assert main(["convert", "g.csv", "g.nc"]) == 0
    (folder / "w.csv").write_text("r,g\n1,0\n2,1\n3,1\n4,1\n")
    arguments = ["--density", "0.0334", "--kT", "0.596", "--units", "real", "--normalization", "N(N-1)"]
    assert main(["convert", "w.csv", "w.xvg", *arguments, "--to-units", "gromacs"]) == 0
    water = cd.read_target("w.xvg")
    assert water.r.values.tolist() == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert float(water.density[0]) == pytest.approx(33.4)
    assert float(water.kT) == pytest.approx(0.596 * 4.184)
    assert water.attrs["normalization"] == "N(N-1)"


def test_check_passes_and_fails(folder, capsys):
    assert main(["check", "g.csv", "lj.pot", "--cutoff", "2.5"]) == 0
    assert "g.csv: is fine" in capsys.readouterr().out
    assert main(["check", "g.csv", "--cutoff", "9"]) == 1
    out = capsys.readouterr().out
    assert "the cutoff 9 is beyond r_max" in out
    assert "→ measure g further out" in out
    assert main(["check", "g.csv", "--particles", "10", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert "beyond-half-box" in {f["code"] for f in report["g.csv"]}


def test_check_other_kinds(folder, capsys):
    (folder / "settings.xml").write_text(
        "<cg><non-bonded><name>a</name><type1>A</type1><type2>A</type2><min>0</min><max>1</max><step>0.1</step>"
        "<inverse><target>a.dist.tgt</target></inverse></non-bonded><inverse><kBT>2.5</kBT></inverse></cg>"
    )
    assert main(["check", "settings.xml"]) == 1
    assert "a.dist.tgt does not exist" in capsys.readouterr().out
    (folder / "a.dist.tgt").write_text("0.1 0 i\n0.2 0 i\n0.3 0 i\n0.4 0 i\n")
    assert main(["check", "settings.xml"]) == 1
    assert "g is zero everywhere" in capsys.readouterr().out
    main(["convert", "g.csv", "g.nc"])
    assert main(["splines", "-n", "3", "--hard-cores", "1", "-o", "s.nc"]) == 0
    assert main(["check", "g.nc", "s.nc"]) == 0
    (folder / "m.xml").write_text(
        "<cg_molecule><name>S</name><ident>S</ident><topology><cg_beads><cg_bead><name>C</name><type>C</type>"
        "<mapping>A</mapping><beads>1:S:O</beads></cg_bead></cg_beads></topology>"
        "<maps><map><name>A</name><weights>1</weights></map></maps></cg_molecule>"
    )
    assert main(["check", "m.xml"]) == 0
    assert "a valid potentials dataset" in capsys.readouterr().out
    (folder / "t.xyz").write_text('1\nLattice="4 0 0 0 4 0 0 0 4" Properties=species:S:1:pos:R:3\nAr 0 0 0\n')
    assert main(["check", "t.xyz"]) == 0
    assert "1 frames of 1 particles" in capsys.readouterr().out


def test_unreadable_files_are_findings(folder, capsys):
    assert main(["check", "no.csv", ".", "g.csv"]) == 1
    out = capsys.readouterr().out
    assert "no.csv: 1 error(s)" in out
    assert "no such file" in out
    assert "g.csv: is fine" in out


def test_plots(folder, capsys):
    pytest.importorskip("matplotlib")
    assert main(["plot", "g.csv"]) == 0
    assert main(["plot", "lj.pot", "-o", "lj.svg"]) == 0
    main(["convert", "g.csv", "g.nc"])
    assert main(["plot", "g.nc", "-o", "again.png"]) == 0
    assert (folder / "g.png").read_bytes()[:4] == b"\x89PNG"
    assert (folder / "again.png").read_bytes()[:4] == b"\x89PNG"
    assert b"<svg" in (folder / "lj.svg").read_bytes()
    assert main(["plot", "g.csv", "-o", "no/where.png"]) == 1
    assert main(["plot", "g.csv", "-o", "picture.wrong"]) == 1
    assert "wrong" in capsys.readouterr().err


def test_splines(folder):
    pytest.importorskip("matplotlib")
    assert main(["splines", "-n", "12", "--hard-cores", "5", "--seed", "3", "-o", "s.nc", "--picture", "s.png"]) == 0
    ds = cd.load("s.nc", "potentials")
    assert ds.u.shape == (12, 50)
    assert int(ds.hard_core.sum()) == 5
    assert ds.attrs["seed"] == 3
    assert (folder / "s.png").stat().st_size > 10_000
    assert main(["plot", "s.nc", "-o", "set.png"]) == 0
    assert (folder / "set.png").stat().st_size > 10_000
    assert main(["splines", "-n", "10", "-o", "ten.nc"]) == 0
    assert int(cd.load("ten.nc").hard_core.sum()) == 5  # 344 of 657
    assert main(["splines", "-n", "2", "--hard-cores", "5", "-o", "x.nc"]) == 1
    assert not (folder / "x.nc").exists()


def test_map(folder, capsys):
    (folder / "w.xyz").write_text(
        '3\nLattice="9 0 0 0 9 0 0 0 9" Properties=species:S:1:pos:R:3:forces:R:3:masses:R:1\n'
        "O 0.0 0.0 0.0 1 0 0 16\nH 0.9 0.0 0.0 0 1 0 1\nH 8.1 0.0 0.0 0 0 1 1\n"
    )
    (folder / "w.toml").write_text(
        '[[molecule]]\nname = "water"\natoms = ["O", "H", "H"]\n\n'
        '[[molecule.bead]]\nname = "W"\ntype = "W"\natoms = [0, 1, 2]\nweights = "mass"\n'
    )
    assert main(["map", "w.xyz", "w.toml", "-o", "beads.xyz"]) == 0
    assert "3 atoms → 1 beads" in capsys.readouterr().out
    beads = cd.read_trajectory("beads.xyz")
    np.testing.assert_allclose(beads.position.values[0, 0], [0.0, 0.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(beads.force.values[0, 0], [1.0, 1.0, 1.0])
    (folder / "w.xyz").write_text((folder / "w.xyz").read_text().replace("O 0.0", "OW 0.0"))
    assert main(["map", "w.xyz", "w.toml", "-o", "other.xyz"]) == 1
    assert "cg-data map --ignore-names" in capsys.readouterr().err
    assert main(["map", "w.xyz", "w.toml", "-o", "other.xyz", "--ignore-names"]) == 0
    assert cd.read_trajectory("other.xyz").position.equals(beads.position)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["convert", "no.csv", "x.table"], "no such file"),
        (["convert", "lj.pot", "x.foo"], "suffix names no format"),
        (["convert", "settings.xml", "x.table"], "no such file"),
        (["plot", "lj.pot", "--as", "trajectory"], "only targets, tables and sets of potentials are drawn"),
        (["convert", "w.toml", "x.table"], "is a mapping: only tables, targets and trajectories"),
        (["map", "no.xyz", "no.toml", "-o", "x.nc"], "no such file"),
        (["convert", "lj.pot", "x.table", "--n", "1"], "at least 4 rows"),
    ],
)
def test_failures_are_one_line(folder, capsys, arguments, message):
    (folder / "w.toml").write_text("")
    assert main(arguments) == 1
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert not list(folder.glob("x.*"))


@pytest.mark.parametrize("arguments", [["check", "a", "--cutoff", "-3"], ["check", "a", "--particles", "1.5"], ["fly"], ["convert", "a", "b", "--units", "nm"], ["check", "a", "--density", "x"],
                                       ["check", "a", "--units", "eV,nm"]])  # fmt: skip
def test_wrong_usage_exits_2(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2


def test_a_bare_command_shows_its_help(capsys):
    assert main([]) == 2
    assert "example: cg-data" in capsys.readouterr().err


def test_help_teaches(capsys):
    for command in ([], ["convert"], ["check"], ["plot"], ["splines"], ["map"]):
        with pytest.raises(SystemExit):
            main([*command, "--help"])
        assert "example: cg-data" in capsys.readouterr().out


def test_module_is_the_command():
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-m", "cg_data", "--help"], capture_output=True, text=True, check=True)
    assert "usage: cg-data" in done.stdout


def test_densities_per_type(folder):
    (folder / "m.csv").write_text("r,g(A-A),g(A-B)\n0.5,0,0\n1,1,1\n1.5,1,1\n2,1,1\n")
    assert main(["convert", "m.csv", "m.nc", "--density", "A=0.2,B=0.3", "--kT", "1"]) == 0
    assert cd.load("m.nc").density.values.tolist() == [0.2, 0.3]
