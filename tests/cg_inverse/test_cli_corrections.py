"""`cg-inverse wibi --base …`: a correction from the command line, gone on with from its folder, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import cg_data as cd
import cg_inverse as ci
import cg_sim as cs
from cg_inverse.cli.config import gathered
from cg_inverse.cli.main import main
from cg_inverse.cli.plan import planned
from cg_inverse.cli.targets import read_targets
from cg_inverse.fits.run_folder import ledger_of

from .metals import BASE, CUTOFF, DENSITY, UNITS, target

FACTS = ["--pairs", "Al-Al", "--density", str(DENSITY), "--kT", "0.12", "--cutoff", str(CUTOFF)]
LIGHT = ["--particles", "108", "--runs", "1", "--steps", "1000", "--first-steps", "100", "--equilibration", "20",
         "--melting", "40", "--sample-every", "5", "--stop-at-noise", "no"]  # fmt: skip
SHORTER = 6.2  # Å: what a box of 108 atoms holds


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    near = target(steps=4000).sel(r=slice(0, SHORTER))
    np.savetxt("al.csv", np.stack([near.r.values, near.g.values[0]], axis=1), delimiter=",")
    cd.write_table(BASE, "base.table", format="lammps", n=2000, pair="Al-Al", units=UNITS)
    return tmp_path


def test_emt_is_corrected_gone_on_with_and_repeated(capsys):
    """The fit of the command is that of the verb; its folder says all that repeats it."""
    emt = pytest.importorskip("ase.calculators.emt", reason="pip install cg-sim[ase]").EMT
    command = ["wibi", "al.csv", *FACTS, *LIGHT, "--base", "emt", "--rule", "hnc", "--alpha", "0.7", "--dt", "0.1"]
    assert main([*command, "--rounds", "1", "-o", "run"]) == 0
    assert "cg-inverse report" not in capsys.readouterr().out  # a card is of potentials that stand alone
    assert main(["resume", "run", "--rounds", "2", "--quiet"]) == 0
    data = cd.read_target("al.csv", density=DENSITY, kT=0.12, pairs=["Al-Al"], units=UNITS)
    control = ci.Control(rounds=2, steps=1000, first_steps=100, equilibration=20, melting=40, stop_at_noise=False)
    simulation = ci.Simulation(particles=108, runs=1, dt=0.1, sample_every=5)
    fit = ci.wibi(data, CUTOFF, base=emt, rule="hnc", alpha=0.7, simulation=simulation, control=control)
    found = ledger_of("run")
    assert len(found.rounds) == 2
    assert found.base.name == "emt"
    assert np.any(found.rounds["coefficients"][1])
    np.testing.assert_array_equal(found.rounds["coefficients"], fit.ledger.rounds["coefficients"])
    settings = gathered("wibi", [], "run/config.toml", {})
    again = planned(settings, read_targets(settings))
    assert (again.method.rule, again.method.alpha, again.simulation.base) == ("hnc", 0.7, "emt")
    assert again.problem.basis == found.problem.basis
    assert main(["report", "run"]) == 1
    assert "a transfer card is of potentials that stand alone" in capsys.readouterr().err


def test_baths_of_several_temperatures(capsys):
    """A table as the base, two targets, each at its pressure; the configuration has all of it."""
    Path("hot.csv").write_bytes(Path("al.csv").read_bytes())
    facts = ["--pairs", "Al-Al", "--units", "metal", "--density", "0.04", "--kT", "0.12,0.16", "--cutoff", str(CUTOFF)]
    command = [
        "wibi",
        "al.csv",
        "hot.csv",
        *facts,
        *LIGHT,
        "--rounds",
        "1",
        "--base",
        "base.table",
        "--particles",
        "216",
    ]
    assert main([*command, "--pressure-bath", "0.001,0.01", "-o", "run"]) == 0
    assert "ρ = " in capsys.readouterr().out
    found = ledger_of("run").simulation
    assert [bath.pressure for bath in found.barostat] == [0.001, 0.01]
    assert [bath.tau for bath in found.barostat] == pytest.approx(
        [2 * 0.04 ** (-1 / 3) / kT**0.5 for kT in (0.12, 0.16)]
    )
    settings = gathered("wibi", [], "run/config.toml", {})
    again = planned(settings, read_targets(settings)).simulation
    assert again == found
    assert again.base == str(Path("base.table").resolve())
    main([*command, "--pressure-bath", "0.001", "--bath-tau", "9", "--print-config"])
    Path("c.toml").write_text(capsys.readouterr().out)
    settings = gathered("wibi", [], "c.toml", {})
    assert {bath.tau for bath in planned(settings, read_targets(settings)).simulation.barostat} == {9.0}


def test_how_steps_are_taken_comes_back_from_the_configuration(capsys):
    command = ["wibi", "al.csv", *FACTS, *LIGHT, "--units", "metal", "--base", "base.table", "--pressure-bath", "0.001"]
    steps = ["--rule", "imc", "--damping", "0.3", "--shell-weight", "uniform", "--to-density", "yes"]
    assert main([*command, *steps, "--rounds", "1", "--quiet", "-o", "run"]) == 0
    capsys.readouterr()
    main([*command, *steps, "--print-config"])
    Path("printed.toml").write_text(capsys.readouterr().out)
    for file in ("run/config.toml", "printed.toml"):
        settings = gathered("wibi", [], file, {})
        again = planned(settings, read_targets(settings))
        assert (again.method.rule, again.method.damping, again.method.weight) == ("imc", 0.3, "uniform")
        assert again.pressure == ci.FixedDensity()
    assert main([*command[:-2], *steps, "-o", "other"]) == 1
    assert "give --pressure-bath" in capsys.readouterr().err


def test_a_base_that_has_changed_is_refused_and_one_elsewhere_is_found(capsys):
    command = ["wibi", "al.csv", *FACTS, *LIGHT, "--units", "metal", "--base", "base.table", "-o", "run"]
    assert main([*command, "--rounds", "1", "--quiet"]) == 0
    Path("base.table").rename("moved.table")
    assert main(["resume", "run", "--rounds", "2"]) == 1
    assert "is neither a file nor a base" in capsys.readouterr().err
    assert main(["resume", "run", "--rounds", "2", "--base", "moved.table", "--quiet"]) == 0
    other = cd.LennardJones(epsilon=0.1, sigma=2.52, cutoff=CUTOFF).force_shifted()
    cd.write_table(other, "moved.table", format="lammps", n=2000, pair="Al-Al", units=UNITS)
    assert main(["resume", "run", "--rounds", "3"]) == 1
    assert "the base is not the one that this fit corrects" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--base", "emtt"], "emtt: is neither a file nor a base; did you mean emt?"),
        (["--base", "nothing"], "a base is emt, eam:FILE, ani:FOLDER, beads:FILE, deep:FILE, hipnn:FILE, a table file"),
        (["--base", "eam:Al.fs"], "Al.fs is no file or folder here"),
        (["--base", "no_such_module:f"], "No module named 'no_such_module'"),
        (["--rule", "hnc"], "--rule is for corrections to a --base"),
        (["--base", "base.table", "--units", "metal", "--knots", "0.2"], "leave out --knots"),
        (["--base", "base.table", "--units", "metal", "--ensemble", "2"], "and --ensemble"),
        (
            ["--base", "base.table", "--units", "metal", "--pressure", "0", "--pressure-bath", "0"],
            "leave out --pressure",
        ),
        (["--base", "base.table", "--units", "metal", "--pressure-bath", "0,1"], "2 values for 1 target(s)"),
        (["--base", "emt", "--pairs", "A-A"], "--pairs Al-Al"),
        (["--base", "emt", "--units", "real"], "works in Å and eV"),
    ],
)
def test_what_cannot_be_is_one_clear_line(more, message, capsys):
    pytest.importorskip("ase", reason="pip install cg-sim[ase]")
    assert main(["wibi", "al.csv", *FACTS, *LIGHT, *more]) == 1
    err = capsys.readouterr().err
    assert message in err
    assert err.startswith("cg-inverse: ")
    assert not Path("al-wibi").exists()


def test_baths_in_configurations_are_checked(capsys):
    Path("c.toml").write_text("[simulation]\nbarostat = {pressure = 0.0, period = 3}")
    assert main(["wibi", "c.toml"]) == 1
    assert "simulation.barostat takes pressure, tau, compressibility, every" in capsys.readouterr().err
    bath = ci.Simulation(barostat=[cs.CellRescaling(0.0)]).barostat
    assert bath == (cs.CellRescaling(0.0),)
