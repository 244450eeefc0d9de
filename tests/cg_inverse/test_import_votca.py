"""A csg_inverse project comes over: settings.xml and its targets become a target, a configuration and a command."""

from __future__ import annotations

import shlex
import tomllib
from pathlib import Path

import numpy as np
import pytest

import cg_data as cd
from cg_inverse.cli.main import main
from cg_inverse.fits.run_folder import ledger_of

from .dilute import target

SETTINGS = """<cg>
  <non-bonded>
    <name>W-W</name><type1>W</type1><type2>W</type2><min>0.0</min><max>{cutoff}</max><step>0.01</step>
    <inverse>
      <target>W-W.dist.tgt</target>
      {target}<post_update>{update}</post_update>
      <post_update_options>{type}<scale>0.4</scale></post_update_options>
      <post_add>{add}</post_add>
    </inverse>
  </non-bonded>
  {bonded}
  <inverse>
    <kBT>2.494</kBT><program>gromacs</program><method>{method}</method>
    {iie}<iterations_max>3</iterations_max>
  </inverse>
</cg>
"""
BOND = "<bonded><name>bond</name><min>0.1</min><max>0.5</max><step>0.005</step></bonded>"
DENSITY = 0.05 / 0.3**3  # nm⁻³, with σ = 0.3 nm


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A function that writes a project of a thin gas and returns its settings.xml."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "spce"
    folder.mkdir()
    gas = target()
    rows = (f"{0.3 * r:.6f} {g:.8f} i" for r, g in zip(gas.r.values, gas.g.values[0], strict=True))
    (folder / "W-W.dist.tgt").write_text("\n".join(rows) + "\n")

    def write(method="ibi", iie="", update="smooth", kind=None, bonded="", cutoff=0.6, target="", add=""):
        type_ = "" if kind is None else f"<pressure><type>{kind}</type></pressure>"
        text = SETTINGS.format(
            method=method, iie=iie, update=update, type=type_, bonded=bonded, cutoff=cutoff, target=target, add=add
        )
        (folder / "settings.xml").write_text(text)
        return folder / "settings.xml"

    return write


def test_the_next_command_is_printed_and_works(project, capsys):
    assert main(["import-votca", str(project()), "--density", f"{DENSITY}"]) == 0
    out = capsys.readouterr().out
    command = shlex.split(out.split("next: cg-inverse ")[1])
    assert command == ["ibi", "spce-imported/config.toml"]
    assert main([*command, "--particles", "256", "--steps", "1000", "--rounds", "1", "-o", "run", "--quiet"]) == 0
    ledger = ledger_of("run")
    state = ledger.problem.states[0]
    assert (ledger.problem.pairs, state.kT, state.density) == (("W-W",), 2.494, pytest.approx(DENSITY))
    assert ledger.problem.basis.cutoff == 0.6
    assert state.units == cd.Units("nm", "kJ/mol", "g/mol")
    # Boltzmann inversion of e^(−U/kT) is U: ε = kT, σ = 0.3 nm; beyond the wall within 0.03 kT (as in reduced units)
    r = np.linspace(1.05, 1.9, 30)
    found = ledger.problem.basis.potential(ledger.rounds["coefficients"][0])["W", "W"].energy(0.3 * r)
    lj = cd.LennardJones(cutoff=2.0).force_shifted()
    np.testing.assert_allclose(found / 2.494, lj.energy(r), atol=0.03)


@pytest.mark.parametrize(
    ("given", "method"),
    [
        ({"method": "imc"}, "imc"),
        ({"method": "re"}, "re"),
        ({"update": "cibi"}, "cibi"),
        ({"update": "kbibi"}, "cibi"),
        ({"method": "iie"}, "hncn"),
        ({"method": "iie", "iie": "<iie><method>gauss-newton</method></iie>"}, "hncgn"),
        ({"method": "optimizer"}, "ibi"),
    ],
)
def test_methods(project, given, method, capsys):
    assert main(["import-votca", str(project(**given)), "--density", f"{DENSITY}"]) == 0
    out = capsys.readouterr().out
    assert f"next: cg-inverse {method} " in out
    assert ("! the method optimizer is not here: ibi stands in" in out) == (given.get("method") == "optimizer")


def pressure_said(method, capsys):
    """Return what the imported configuration says of the pressure: bar and rule; 1 bar is 0.0602214 kJ/mol/nm³."""
    assert main([method, "spce-imported/config.toml", "--rounds", "1", "--print-config"]) == 0
    said = tomllib.loads(capsys.readouterr().out)["method"]
    given = said["pressure"]
    return (given[0] if isinstance(given, list) else given) / 0.0602214076, said["pressure_rule"]


@pytest.mark.parametrize("kind", [None, "simple", "wjk"])
def test_pressure_corrections_come_along(project, kind, capsys):
    """As csg_inverse reads them: the pressure is the interaction's, and the correction simple unless it says otherwise."""
    settings = project(update="pressure smooth", kind=kind, target="<p_target>500</p_target>")
    assert main(["import-votca", str(settings), "--density", f"{DENSITY}"]) == 0
    capsys.readouterr()
    assert pressure_said("ibi", capsys) == (pytest.approx(500), kind or "simple")


def test_a_pressure_without_a_number_is_asked_for(project, capsys):
    assert main(["import-votca", str(project(update="pressure")), "--density", f"{DENSITY}"]) == 1
    assert "W-W has post_update pressure, but no number in <inverse><p_target>" in capsys.readouterr().err


def test_cutoff_pressure_density_and_beginning_of_iie_come_along(project, capsys):
    iie = ("<iie><method>gauss-newton</method><cut_off>0.45</cut_off><pressure_constraint>2.0</pressure_constraint>"
           f"<densities>{DENSITY}</densities><initial_guess><method>ie</method></initial_guess><extrap_near_core>power</extrap_near_core></iie>")  # fmt: skip
    assert main(["import-votca", str(project(method="iie", iie=iie))]) == 0
    out = capsys.readouterr().out
    assert "of <densities>" in out
    assert "! iie's extrap_near_core is left out" in out
    assert pressure_said("hncgn", capsys) == (pytest.approx(2), "fixed")
    said = tomllib.loads(Path("spce-imported/config.toml").read_text())["potential"]
    assert (said["cutoff"], said["initial"]) == (0.45, "theory")


def test_a_scaled_update_is_alpha_and_what_is_not_here_is_named(project, capsys):
    assert main(["import-votca", str(project(update="scale lj", add="overwrite")), "--density", f"{DENSITY}"]) == 0
    out = capsys.readouterr().out
    assert "! post_update is left out: lj" in out
    assert "! post_add is left out: overwrite" in out
    assert tomllib.loads(Path("spce-imported/config.toml").read_text())["method"]["alpha"] == 0.4


def test_what_stays_behind_is_said(project, capsys):
    assert main(["import-votca", str(project(bonded=BOND)), "--density", f"{DENSITY}"]) == 0
    out = capsys.readouterr().out
    assert "! bonded interactions are left out: bond" in out
    assert "! smoothing is not needed" in out


def test_the_density_is_that_of_the_configuration_beside_it(project, capsys):
    settings = project()
    atoms = "".join(f"{k + 1:5d}W        W{k + 1:5d}   0.000   0.000   0.000\n" for k in range(4))
    (settings.parent / "conf.gro").write_text(f"four\n4\n{atoms}   1.0   2.0   4.0\n")
    assert main(["import-votca", str(settings)]) == 0
    assert "density 0.5 nm⁻³ of conf.gro" in capsys.readouterr().out
    assert float(cd.load("spce-imported/target.nc").density[0]) == 0.5
    (settings.parent / "conf.gro").write_text("four\n4\n   1.0   2.0   4.0\n")
    assert main(["import-votca", str(settings)]) == 1
    assert "is no .gro file of one configuration" in capsys.readouterr().err


def test_without_a_density_it_asks_for_one(project, capsys):
    assert main(["import-votca", str(project())]) == 1
    assert "give --density, in nm⁻³" in capsys.readouterr().err
    assert main(["import-votca", "nothing.xml"]) == 1
    assert "nothing.xml: no such file" in capsys.readouterr().err


def test_a_mixture_asks_for_a_density_of_each_type(project, capsys):
    settings = project()
    settings.write_text(settings.read_text().replace("<type2>W</type2>", "<type2>V</type2>"))
    assert main(["import-votca", str(settings), "--density", "5"]) == 1
    assert "give --density V=…,W=…, in nm⁻³" in capsys.readouterr().err
