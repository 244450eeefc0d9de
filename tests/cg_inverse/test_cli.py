"""The `cg-inverse` command as a new user types it: what it writes, what it says, how it fails."""

from __future__ import annotations

import argparse
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

import cg_data as cd
import cg_inverse as ci
from cg_inverse.cli.config import gathered
from cg_inverse.cli.main import main
from cg_inverse.cli.plan import planned
from cg_inverse.cli.reports import report
from cg_inverse.cli.settings import METHODS, ONLY, SETTINGS
from cg_inverse.cli.targets import read_targets
from cg_inverse.fits.run_folder import ledger_of

from .dilute import OPTIONS, target

FACTS = ["--density", "0.05", "--kT", "1"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    gas = target()
    cd.save(gas, "gas.nc")
    np.savetxt("gas.csv", np.stack([gas.r.values, gas.g.values[0]], axis=1), delimiter=",")
    return tmp_path


def test_from_a_target_to_tables_a_picture_and_the_next_command(folder, capsys):
    pytest.importorskip("matplotlib", reason="the folder holds a picture only where it can be drawn")
    assert main(["ibi", "gas.csv", *FACTS, *OPTIONS]) == 0
    out, err = capsys.readouterr()
    assert {p.name for p in (folder / "gas-ibi").iterdir()} == {
        "A-A.csv", "A-A.npz", "A-A.table", "A-A.xvg", "config.toml", "fit.png", "history.nc", "progress.npz", "target.nc",
    }  # fmt: skip
    history = cd.load("gas-ibi/history.nc", "history")
    best = history.sel(iteration=history.attrs["best_iteration"])
    assert f"D = {float(best.residual):.3g}" in out
    assert f"{float(history.force_evaluations.sum()):.3g} force evaluations" in out
    assert re.search(r"P = -?0\.\d+\(\d+\) epsilon/sigma\^3", out)
    lines = [line for line in err.splitlines() if line.startswith("round")]
    assert len(lines) == history.sizes["iteration"]
    assert re.search(
        r"round 1: D = \S+ \(noise \S+\), χ²/shell = \S+, P = \S+, 500 steps, \S+ s; at most \d+:\d\d left", lines[0]
    )
    assert "next: cg-inverse report gas-ibi" in out


@pytest.fixture
def unpictured(monkeypatch):
    """Pictures cost more than these fits: do as where matplotlib is missing."""
    monkeypatch.setitem(sys.modules, "cg_inverse.pictures.plots", None)


def test_without_matplotlib_only_the_picture_is_missing(unpictured, capsys):
    assert main(["bi", "gas.nc", *OPTIONS, "-o", "run"]) == 0
    assert 'no picture: pip install "cg-inverse[plot]"' in capsys.readouterr().out
    assert not Path("run/fit.png").exists()
    assert Path("run/A-A.table").exists()


@pytest.mark.usefixtures("unpictured")
def test_it_is_what_the_verb_finds():
    assert (
        main(
            [
                "imc",
                "gas.nc",
                *OPTIONS,
                "--seed",
                "4",
                "--pressure",
                "0.04",
                "--initial",
                "lj:cutoff=2,cut=shifted",
                "--quiet",
            ]
        )
        == 0
    )
    control = ci.Control(rounds=3, steps=1000, first_steps=500, equilibration=100, seed=4)
    fit = ci.imc(target(), 2.0, initial=cd.LennardJones(cutoff=2.0).shifted(), simulation=ci.Simulation(particles=256),
                 control=control, pressure=ci.FixedPressure(0.04))  # fmt: skip
    np.testing.assert_array_equal(ledger_of("gas-imc").rounds["coefficients"], fit.ledger.rounds["coefficients"])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.usefixtures("unpictured")
def test_every_method_runs_and_its_configuration_describes_it(method, capsys):
    targets = ["gas.nc", "gas.nc"] if method == "msibi" else ["gas.nc"]
    own = []
    if method == "diffsim":
        pytest.importorskip("cg_models", reason="DiffSim needs networks")
        own = ["--epochs", "4", "--per-round", "4", "--window", "20", "--boxes", "108", "--halve-after", "7"]
    assert main([method, *targets, *OPTIONS, *own, "--rounds", "1", "-o", "a", "--quiet"]) == 0
    a = ledger_of("a")
    assert len(a.rounds) == 1
    assert main([method, *targets, *OPTIONS, *own, "--rounds", "1", "--print-config"]) == 0
    Path("printed.toml").write_text(capsys.readouterr().out)
    for config in ("a/config.toml", "printed.toml"):
        settings = gathered(method, [], config, {})
        b = planned(settings, read_targets(settings))
        assert type(a.method) is type(b.method)
        for name in ("alpha", "threshold", "recipe", "network", "per_round"):
            assert getattr(a.method, name, None) == getattr(b.method, name, None)
        assert (a.simulation, a.control) == (b.simulation, b.control)
        assert a.problem.basis == b.problem.basis
        if (
            config == "printed.toml" and method != "diffsim"
        ):  # a/target.nc has the errors that gas.nc was taken to have, as counts
            np.testing.assert_array_equal(a.rounds["coefficients"][0], b.progress.coefficients)


@pytest.mark.usefixtures("unpictured")
def test_options_override_the_configuration_and_targets_its_own(folder):
    (folder / "sub").mkdir()
    Path("sub/gas.csv").write_bytes(Path("gas.csv").read_bytes())
    Path("sub/c.toml").write_text(
        '[target]\nfiles = ["gas.csv"]\ndensity = 0.05\nkT = 1\n[potential]\ncutoff = 2\n[simulation]\nparticles = 256\n'
        '[control]\nrounds = 1\nsteps = 1000\nfirst_steps = 500\nequilibration = 100\n[output]\nfolder = "run"\n'
    )
    assert main(["ibi", "sub/c.toml", "--quiet"]) == 0
    assert ledger_of("run").problem.states[0].density == 0.05
    assert main(["ibi", "--config", "sub/c.toml", "gas.nc", "--cutoff", "1.9", "--quiet", "-o", "other"]) == 0
    assert ledger_of("other").problem.basis.cutoff == 1.9


@pytest.mark.usefixtures("unpictured")
def test_resume_goes_further_and_says_so(capsys):
    main(["ibi", "gas.nc", *OPTIONS, "--stop-at-noise", "no", "--quiet", "-o", "run"])
    assert main(["resume", "run", "--rounds", "4"]) == 0
    out, err = capsys.readouterr()
    assert "going on with run at round 4" in err
    assert "4 rounds done" in out
    assert len(ledger_of("run").rounds) == 4


def test_compare_puts_fits_side_by_side(folder, capsys):
    pytest.importorskip("matplotlib", reason="it draws a picture")
    for method in ("ibi", "re"):
        main([method, "gas.nc", *OPTIONS, "--quiet", "-o", method])
    assert main(["compare", "ibi", "re", "-o", "both.png"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].split() == [
        "run",
        "method",
        "rounds",
        "D",
        "noise",
        "χ²/shell",
        "force",
        "evaluations",
        "time",
        "pressure",
    ]
    for line, name in zip(out[1:3], ("ibi", "re"), strict=True):
        assert line.split()[0] == name
        history = ledger_of(name).history
        assert f"{float(history.force_evaluations.sum()):.3g}" in line
    assert (folder / "both.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ibi"], "which target?"),
        (["ibi", "nothing.csv", "--cutoff", "2"], "nothing.csv: no such file"),
        (["ibi", "gas.csv", "--cutoff", "2"], "give density="),
        (["ibi", "gas.nc"], "where shall the potential end? give --cutoff, at most r = 2.975"),
        (["ibi", "gas.nc", "--cutoff", "5"], "the cutoff 5 is beyond r_max"),
        (["ibi", "gas.nc", "--cutoff", "2", "--density", "0.06"], "says that its density is 0.05, --density says 0.06"),
        (["ibi", "gas.nc", "--cutoff", "2", "--kT", "1.1"], "says that its kT is 1, --kT says 1.1"),
        (["ibi", "gas.csv", "--cutoff", "2", *FACTS, "--target-particles", "500", "--target-box", "20"],
         "500 particles in a cube of 20 are a density of 0.0625, not 0.05"),
        (["ibi", "gas.csv", "--cutoff", "2", "--density", "0.05", "--kT", "300"], "looks like a temperature in K"),
        (["ibi", "gas.nc", "gas.nc", "--cutoff", "2", "--weights", "1,2,3"], "2 targets, 3 weights"),
        (["ibi", "gas.nc", "gas.nc", "--cutoff", "2", "--pressure", "1,2,3"], "3 values for 2 target(s)"),
        (["msibi", "gas.nc", "--cutoff", "2"], "at least two targets"),
        (["ibi", "gas.nc", "--cutoff", "2", "--initial", "ljj"], "did you mean lj?"),
        (["resume", "nowhere"], "nowhere: is no folder"),
        (["report", "nowhere"], "nowhere: is no folder"),
        (["compare", "nowhere"], "nowhere: is no folder"),
    ],
)  # fmt: skip
def test_failures_are_one_clear_line(arguments, message, capsys):
    assert main(arguments) == 1
    err = capsys.readouterr().err
    assert message in err
    assert err.startswith("cg-inverse: ")


def preflight_cases():
    gas = target()
    r, g = gas.r.values, gas.g.values[0]
    return {
        "g does not tend to 1": (1.5 * g, "g tends to 1.5"),
        "all zero": (0 * g, "g is zero everywhere"),
        "intramolecular": (g + 40 * np.exp(-0.5 * ((r - 0.4) / 0.03) ** 2), "stands apart before a gap"),
    }


@pytest.mark.parametrize("case", preflight_cases())
def test_what_cannot_work_is_refused_with_the_remedy(case, capsys):
    g, message = preflight_cases()[case]
    g = np.where(g > 1e-6, g, 0)
    np.savetxt("bad.csv", np.stack([target().r.values, g], axis=1), delimiter=",")
    assert main(["ibi", "bad.csv", "--density", "0.3", "--kT", "1", *OPTIONS]) == 1
    err = capsys.readouterr().err
    assert message in err
    assert "→" in err
    assert not Path("bad-ibi").exists()
    data = cd.read_target("bad.csv", density=0.3, kT=1.0)
    with pytest.raises(ValueError, match=re.escape(message)):
        ci.ibi(data, 2.0)


def test_a_target_beyond_half_its_box_is_refused(capsys):
    assert main(["ibi", "gas.csv", *FACTS, *OPTIONS, "--target-box", "5"]) == 1
    assert "half the box is 2.5" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["ibi", "--cutof", "2"], ["nonsense"], ["ibi", "gas.nc", "--rounds", "0"], ["imc", "x", "--alpha", "1"]],
)
def test_wrong_usage_is_2(arguments):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2


def test_no_command_shows_the_help(capsys):
    assert main([]) == 2
    assert "hncgn" in capsys.readouterr().err


@pytest.mark.parametrize("command", [*METHODS, "resume", "report", "compare", "import-votca"])
def test_help_has_an_example_that_is_right(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    assert f"cg-inverse {command} " in shown
    if command in METHODS:
        for setting in SETTINGS:
            assert (setting.option in shown) == (command in ONLY.get(setting.name, METHODS))
        main([command, *shlex.split(re.search(rf"cg-inverse {command} (.*--cutoff.*)", shown)[1]), "--print-config"])
        config = tomllib.loads(capsys.readouterr().out)
        assert config["potential"]["cutoff"] == 2.5
        assert config["method"]["name"] == command


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[target]\nkt = 1", "unknown key in [target] 'kt'; did you mean kT?"),
        ("[control]\ncutoff = 1", "it belongs in [potential]"),
        ("[controls]\nrounds = 1", "did you mean control?"),
        ("[control]\nrounds = 0", "control.rounds must be a whole number ≥ 1"),
        ("[method]\nname = 'ibii'", "unknown method 'ibii'"),
        ("= 3", "is not TOML"),
    ],
)
def test_configurations_that_are_wrong(text, message, capsys):
    Path("c.toml").write_text(text)
    assert main(["ibi", "c.toml"]) == 1
    assert message in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send to one process")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_a_fit_after_its_round(number):
    command = [sys.executable, "-m", "cg_inverse", "ibi", "gas.nc", *OPTIONS, "--rounds", "100000", "--stop-at-noise", "no",
               "-o", "run"]  # fmt: skip
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert any(line.startswith("round 2") for line in process.stderr)
        process.send_signal(number)
        rest = process.stderr.read()
    assert process.returncode == 130, rest
    done = len(ledger_of("run").rounds)
    assert f"stopped after {done} rounds, all in run; `cg-inverse resume run` goes on" in rest
    assert cd.load("run/history.nc").sizes["iteration"] == done


def test_report_writes_the_card_of_independent_runs(capsys):
    pytest.importorskip("matplotlib", reason="a card has pictures")
    main(["hncgn", "gas.nc", *OPTIONS, "--rounds", "1", "--quiet", "-o", "run"])
    assert main(["report", "run", "--steps", "1000", "--elsewhere", "0.06,1.2"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^kT +1   1\.2 ε$", out, re.MULTILINE)
    assert re.search(r"^pressure P +0\.0\d+ ± \S+   0\.0\d+ ± \S+ ε/σ³$", out, re.MULTILINE)
    assert {p.name for p in Path("run").glob("card.*")} == {"card.json", "card.html", "card.png"}
    with pytest.raises(ValueError, match="DENSITY,KT"):
        report(argparse.Namespace(folder="run", steps=1000, elsewhere=["0.06"], seed=0))
