"""The `cg-sim` command as a new user types it: what it writes, what it says, how it fails."""

from __future__ import annotations

import json
import re
import shlex
import sys

import numpy as np
import pytest
import xarray as xr

import cg_data as cd
import cg_sim as cs
from cg_sim.box import nearest_image
from cg_sim.cli.main import main
from cg_sim.cli.summary import with_error

LJ = ["--potential", "lj:cutoff=2.5", "--density", "0.7", "--kT", "1", "--n", "108"]
SHORT = ["--steps", "200", "--equilibration", "100", "--sample-every", "20"]
RUN = ["run", *LJ, *SHORT]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def same(a: xr.Dataset, b: xr.Dataset) -> bool:
    return a.drop_attrs().identical(b.drop_attrs())


def test_a_run_is_written_and_summed_up_and_the_command_it_proposes_works(folder, capsys):
    pytest.importorskip("matplotlib", reason="one of the commands it proposes draws a picture")
    assert main([*RUN, "--seed", "1"]) == 0
    out = capsys.readouterr().out
    for symbol in ("T", "P", "U/N", "E/N"):
        assert re.search(rf"^ *{symbol} = -?\d+\.\d+\(\d+\) epsilon", out, re.MULTILINE), out
    assert "300 steps of 108 particles" in out
    data = cd.load("run.nc", "run")
    assert with_error(float(data.energy), float(data.energy_stderr)) in out
    assert data.attrs["seed"] == 1
    assert sorted(p.name for p in folder.iterdir()) == ["run.checkpoint.npz", "run.nc"]
    command = shlex.split(out.split("next: cg-sim ")[1].splitlines()[0])
    assert command == ["plot", "run.nc"]
    assert main(command) == 0
    assert main([*RUN, "--picture", "g.png"]) == 0
    command = shlex.split(capsys.readouterr().out.split("next: cg-sim ")[1].splitlines()[0])
    assert main(command) == 0
    assert cs.final_state(cd.load("run-2.nc")).step == 300 + 200


def test_it_is_what_simulate_returns():
    observe = [cs.Pressure(), cs.RDF(2.5, 50)]
    run = cs.simulate(cs.fcc(108, 0.7, composition={"A": 1.0}), cd.LennardJones(), kT=1.0, steps=200, equilibration=100,
                      sample_every=20, observe=observe, seed=3, checkpoint="api.npz")  # fmt: skip
    run.save("api.nc")
    assert main([*RUN, "--seed", "3", "--rdf", "2.5", "--bins", "50", "--quiet"]) == 0
    assert same(cd.load("run.nc"), cd.load("api.nc"))


def test_a_configuration_is_the_same_as_options(folder, capsys):
    options = ["--thermostat", "bussi", "--tau", "0.3", "--msd", "4", "--vacf", "4", "--structure-factor", "6",
               "--adf", "1.2,1.5", "--steinhardt", "1.3,1.5", "--mass", "A=2", "--composition", "A=1"]  # fmt: skip
    assert main([*RUN, *options]) == 0
    (folder / "sub").mkdir()
    (folder / "sub" / "a.toml").write_text(
        'potential = "lj:cutoff=2.5"\n[state]\ndensity = 0.7\nn = 108\nmass = {A = 2}\ncomposition = {A = 1}\n'
        '[run]\nkT = 1\nsteps = 200\nequilibration = 100\nthermostat = "bussi"\ntau = 0.3\n'
        "[observe]\nsample_every = 20\nmsd = 4\nvacf = 4\nstructure_factor = 6\nadf = [1.2, 1.5]\nsteinhardt = [1.3, 1.5]\n"
        '[output]\noutput = "b.nc"\n'
    )
    assert main(["run", "sub/a.toml"]) == 0
    a, b = cd.load("run.nc"), cd.load("b.nc")
    assert {"msd", "vacf", "structure_factor", "adf", "pressure", "g", "diffusion"} <= set(a)
    assert same(a, b)
    capsys.readouterr()
    assert main([*RUN, *options, "--print-config"]) == 0
    (folder / "c.toml").write_text(capsys.readouterr().out)
    assert main(["run", "c.toml", "-o", "c.nc"]) == 0
    assert same(a, cd.load("c.nc"))
    assert main(["run", "c.toml", "-o", "d.nc", "--thermostat", "nve", "--kT", "0.9", "--quiet"]) == 0
    assert cd.load("d.nc").attrs["thermostat"] == "NVE()"  # and tau, which nve has none of, is forgotten
    assert float(cd.load("d.nc").kT) == 0.9
    (folder / "e.toml").write_text(cd.load("run.nc").attrs["config"])
    assert main(["run", "e.toml", "-o", "e.nc", "--quiet"]) == 0
    assert same(a, cd.load("e.nc"))


@pytest.mark.parametrize(
    ("options", "ensemble"),
    [
        ([], "Langevin(friction=1.0)"),
        (["--friction", "2"], "Langevin(friction=2.0)"),
        (["--thermostat", "nose-hoover", "--tau", "1"], "NoseHoover(tau=1.0, chain=3, substeps=1)"),
        (["--thermostat", "nve"], "NVE()"),
        (["--pressure", "1.5", "--pressure-tau", "3"], "CellRescaling(pressure=1.5, tau=3.0, compressibility=0.1, every=10)"),
    ],
)  # fmt: skip
def test_ensembles(options, ensemble):
    assert main([*RUN, "--quiet", *options]) == 0
    attrs = cd.load("run.nc").attrs
    assert ensemble in (attrs["thermostat"], attrs["barostat"])


def test_at_constant_pressure_the_density_is_said(capsys):
    assert main([*RUN, "--pressure", "1.5", "--dt", "0.002"]) == 0
    density = float(re.search(r"rho = (\S+) sigma\^-3", capsys.readouterr().out)[1])
    data = cd.load("run.nc")
    assert density == pytest.approx(float(data.density.sum()), rel=1e-3)
    assert cs.final_state(data).density != pytest.approx(0.7, rel=1e-6)


def test_tables_and_mixtures():
    lj = cd.LennardJones().force_shifted()
    cd.write_table(lj, "lj.table", n=3000)
    facts = ["run", "--density", "0.7", "--kT", "1", "--n", "108", *SHORT, "--quiet"]
    assert main([*facts, "--potential", "lj.table", "-o", "table.nc"]) == 0
    assert main([*facts, "--potential", "lj:cutoff=2.5,cut=force-shifted", "-o", "formula.nc"]) == 0
    # 300 steps of a liquid multiply the two tables' difference of 1e-7 by less than 1e4
    np.testing.assert_allclose(cd.load("table.nc").energy, cd.load("formula.nc").energy, rtol=1e-3)
    pairs = ["--potential", "A-A=lj.table", "--potential", "A-B=wca:sigma=1.1", "--potential", "B-B=lj:epsilon=0"]
    assert main([*facts, *pairs, "--composition", "A=0.25,B=0.75", "-o", "mixture.nc"]) == 0
    mixture = cd.load("mixture.nc")
    assert mixture.pair.values.tolist() == ["A-A", "A-B", "B-B"]
    assert mixture.particles.values.tolist() == [27, 81]
    names = {"A-A": lj, "A-B": cd.WCA(), "B-B": lj}
    cd.write_table({cd.pair_of(k): p for k, p in names.items()}, "m.table")
    assert main([*facts, "--potential", "m.table", "--composition", "A=0.5,B=0.5"]) == 0
    assert cd.load("run.nc").pair.values.tolist() == ["A-A", "A-B", "B-B"]


def test_pairs_nearer_than_the_table_knows_are_said(capsys):
    """A table that begins where its particles meet; one that begins in the core is silent."""
    for name, begins in (("bare", 1.05), ("whole", 0.5)):
        table = cd.PairTable.from_potential(cd.LennardJones(cutoff=2.5).force_shifted(), 500, r_min=begins)
        cd.write_table(table, f"{name}.csv", n=500)
        command = f"run --potential {name}.csv --density 0.6 --n 256 --kT 1 --steps 400 -o {name}.nc".split()
        assert main(command) == 0
        assert ("! a pair came to" in capsys.readouterr().out) == (name == "bare")
    found = cd.load("bare.nc").attrs
    assert found["closest_pair"] < found["tables_from"] == pytest.approx(1.05, abs=0.01)
    assert "numba " in found["packages"]


def test_results_carry_the_units_of_the_table():
    sigma = 0.34
    lj = cd.LennardJones(epsilon=1.0, sigma=sigma, cutoff=2.5 * sigma).force_shifted()
    cd.write_table(
        lj, "ar.table", units=cd.Units("nm", "kJ/mol", "g/mol"), convert_to=cd.Units("angstrom", "kcal/mol", "g/mol")
    )
    facts = ["run", "--potential", "ar.table", "--n", "108", *SHORT, "--dt", "0.01"]
    assert (
        main(
            [
                *facts,
                "--density",
                "0.017",
                "--kT",
                "0.24",
                "--mass",
                "39.9",
                "--trajectory",
                "a.xyz",
                "--frames-every",
                "100",
            ]
        )
        == 0
    )
    data = cd.load("run.nc")
    assert data.attrs["units_length"] == "angstrom"
    assert (data.r.attrs["units"], data.energy.attrs["units"]) == ("angstrom", "kcal/mol")
    assert data.pressure.attrs["units"] == "kcal/mol/angstrom^3"
    assert cd.units_of(cd.read_trajectory("a.xyz")).energy == "kcal/mol"
    assert main([*facts, "--kT", "0.24", "--state", "run.nc", "-o", "more.nc"]) == 0
    assert main(["run", "--potential", "lj:cutoff=8", "--kT", "1", "--state", "run.nc", "-o", "more.nc"]) == 1


@pytest.mark.parametrize("file", ["run.nc", "run.checkpoint.npz", "a.xyz", "a.gsd"])
def test_a_run_starts_from_any_saved_configuration(file):
    assert main([*RUN, "--trajectory", "a.xyz", "--frames-every", "100", "--quiet"]) == 0
    end = cs.final_state(cd.load("run.nc"))
    if file == "a.gsd":
        gsd = pytest.importorskip("gsd.hoomd", reason="GSD files need gsd")
        with gsd.open(file, "w") as stream:
            stream.append(cs.to_gsd(end))
    again = ["run", "--potential", "lj:cutoff=2.5", "--kT", "1", "--steps", "1", "--equilibration", "0", "--dt", "1e-9",
             "--thermostat", "nve", "-o", "again.nc", "--sample-every", "1", "--state"]  # fmt: skip
    assert main([*again, file]) == 0
    state = cs.final_state(cd.load("again.nc"))
    assert state.step == end.step + 1
    np.testing.assert_allclose(nearest_image(state.positions - end.positions, end.box), 0, atol=1e-5)  # gsd is single
    np.testing.assert_allclose(state.velocities, end.velocities, atol=1e-5)


def test_a_run_does_not_overwrite_what_it_starts_from(capsys):
    assert main([*RUN, "--quiet"]) == 0
    assert main(["run", *LJ[:2], *LJ[4:6], "--state", "run.nc"]) == 1
    assert "would overwrite run.nc" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--potential", "no.table"], 1, "no.table: is neither a file nor a formula"),
        (["--potential", "ljj"], 1, "did you mean lj?"),
        (["--potential", "lj:cutof=2"], 1, "did you mean cutoff?"),
        (["--potential", "lj:cutoff=nan"], 1, "cutoff must be finite"),
        (["--potential", "morse:rho=6"], 1, "psi, cutoff is missing"),
        (["--potential", "harmonic:k=1,r0=1"], 1, "cutoff is missing"),
        (["--potential", "lj:cutoff=2.5,cut=smooth"], 1, "cut must be one of plain, shifted, force-shifted"),
        (["--n", "60"], 1, "less than twice the cutoff 2.5: take --n 88 or more"),
        (["--rdf", "4"], 1, "r_max is 4, more than half the box"),
        (["--kT", "0"], 2, "--kT: must be positive, got 0"),
        (["--steps", "2.5"], 2, "--steps: must be a whole number"),
        (["--density", "inf"], 2, "--density: must be finite"),
        (["--engine", "gromacs"], 2, "must be one of cpu, cuda, hoomd, lammps, ase, got 'gromacs'"),
        (["--tempo", "3"], 2, "unrecognized arguments: --tempo"),
        (["--thermostat", "nve", "--friction", "1"], 1, "--friction is for langevin, not for nve"),
        (["--thermostat", "langevin", "--tau", "1"], 1, "--tau is for nose-hoover and bussi"),
        (["--thermostat", "nve", "--pressure", "1"], 1, "--pressure needs a thermostat"),
        (["--compressibility", "1"], 1, "--compressibility needs --pressure"),
        (["--msd", "10", "--pressure", "1"], 1, "--msd needs a box that does not change"),
        (["--state", "x.nc"], 1, "not both"),
        (["--composition", "A=0.5"], 1, "sum to 1"),
        (["--composition", "A=0.5,A=0.5"], 2, "names a type twice"),
        (["--mass", "B=1"], 1, "--mass must name the types A"),
        (["-o", "no/run.nc"], 1, "its folder no does not exist"),
        (["--picture", "run.nc"], 1, "two results would be written to one file"),
        (["--picture", "g.bmp"], 1, "a picture is .png, .pdf or .svg"),
        (["--trajectory", "a.xyz"], 1, "belong together"),
        (["--checkpoint", "none", "--resume"], 1, "--resume needs a checkpoint"),
        (["no.toml"], 1, "no.toml: no such file"),
    ],
)  # fmt: skip
def test_mistakes_are_said_in_one_line(options, code, words, capsys, folder):
    given = dict(zip(LJ[::2], LJ[1::2], strict=True))
    kept = [word for pair in given.items() if pair[0] not in options for word in pair]
    try:
        found = main(["run", *kept, *SHORT, *options])
    except SystemExit as end:
        found = end.code
    err = capsys.readouterr().err
    assert (found, words in err) == (code, True), err
    assert err.splitlines()[-1].startswith("cg-sim")
    assert code == 2 or err.count("\n") == 1
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[runn]\n", "unknown table 'runn'; did you mean run?"),
        ("[run]\nstep = 3\n", "unknown key in [run] 'step'; did you mean steps?"),
        ("[run]\nrdf = 3\n", "it belongs in [observe]"),
        ("[run]\nkT = -1\n", "run.kT must be positive, got -1"),
        ('[run]\nkT = "warm"\n', "run.kT must be a number"),
        ("[run]\nkT = true\n", "run.kT must be a number, got True"),
        ("[run]\nkT = \n", "is not TOML"),
        ("potential = 3\n", "potential must be a text"),
        ("[observe]\nsteinhardt = [1.5]\n", "observe.steinhardt must be 2 numbers"),
    ],
)
def test_mistakes_in_a_configuration(text, words, capsys, folder):
    (folder / "a.toml").write_text(text)
    assert main(["run", "a.toml", *LJ, *SHORT]) == 1
    err = capsys.readouterr().err
    assert words in err
    assert err.startswith("cg-sim: a.toml: ")


def test_what_is_missing_is_asked_for(capsys):
    for left_out, words in (
        ("--potential", "which potential?"),
        ("--kT", "at which temperature?"),
        ("--density", "start from"),
    ):
        k = LJ.index(left_out)
        assert main(["run", *LJ[:k], *LJ[k + 2 :], *SHORT]) == 1
        assert words in capsys.readouterr().err
    assert main([]) == 2
    assert "example: cg-sim run" in capsys.readouterr().err


def test_a_blow_up_is_one_line_and_what_was_sampled_is_saved(capsys):
    assert main(["run", *LJ, "--dt", "0.1", "--steps", "2000", "--equilibration", "0"]) == 1
    err = capsys.readouterr().err
    assert re.search(r"cg-sim: step \d+: particle.* take a smaller dt.* last good state are in run.nc$", err.strip())
    assert err.count("\n") == 1
    data = cd.load("run.nc")
    assert "blew up" in data.attrs["interrupted"]
    assert np.all(np.isfinite(cs.final_state(data).positions))


def test_pictures_show_something(folder, capsys, monkeypatch):
    image = pytest.importorskip("matplotlib.image", reason="pictures need matplotlib")
    assert main([*RUN, "--picture", "g.png", "--quiet"]) == 0
    assert main(["plot", "run.nc", "-o", "again.pdf"]) == 0
    assert (folder / "again.pdf").read_bytes()[:4] == b"%PDF"
    pixels = image.imread("g.png")[..., :3]
    assert pixels.shape[0] > 400
    for half in (pixels[:, : pixels.shape[1] // 2], pixels[:, pixels.shape[1] // 2 :]):
        colored = np.ptp(half, axis=-1) > 0.3
        assert 0.001 < colored.mean() < 0.3  # curves, not a blank or a filled panel
    assert main(["plot", "no.nc"]) == 1
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["plot", "run.nc"]) == 1
    assert 'pip install "cg-sim[plot]"' in capsys.readouterr().err


def test_engines_says_what_is_here(capsys):
    assert main(["engines"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^cpu +available", out, re.MULTILINE)
    assert main(["engines", "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    assert list(table) == list(cs.engine_names())
    for name, row in table.items():
        assert row["available"] == (row["why_not"] is None)
        assert f"{name}" in out
        assert row["available"] or len(row["why_not"]) > 20


@pytest.mark.parametrize("command", [[], ["run"], ["engines"], ["plot"]])
def test_help_teaches_by_example(command, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([*command, "--help"])
    assert f"cg-sim {' '.join(command)}".strip() in capsys.readouterr().out.split("example")[-1]
