"""Bases by name: what each name makes, what a folder keeps of it, and what is no name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import cg_data as cd
import cg_inverse as ci
from cg_data.units import METAL
from cg_inverse.corrections.bases import is_pair
from cg_inverse.corrections.named_bases import absolute, named_base, runs_code
from cg_inverse.fits.run_folder import ledger_of

from .metals import BASE, CONTROL, SHORT, fitted

BRIEF = replace(CONTROL, steps=1000, first_steps=1000, melting=100, equilibration=50)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cd.write_table(BASE, "base.table", format="lammps", n=2000, pair="Al-Al", units=cd.Units("angstrom", "eV", "g/mol"))
    return tmp_path


def test_a_table_is_a_base_and_is_found_from_elsewhere(here, monkeypatch):
    r = np.linspace(2.2, 5.4, 50)
    np.testing.assert_allclose(named_base("base.table").energy(r), BASE.energy(r), atol=1e-4)
    whole = fitted("hnc", rounds=2, base="base.table", control=BRIEF, folder="whole")
    fitted("hnc", rounds=1, base="base.table", control=BRIEF, folder="part")
    (here / "elsewhere").mkdir()
    monkeypatch.chdir(here / "elsewhere")
    again = ci.resume("../part", rounds=2)  # without a base: the folder has its name
    np.testing.assert_array_equal(again.ledger.rounds["g.0"], whole.ledger.rounds["g.0"])
    assert again.history.attrs["base"] == str(here / "base.table")
    cd.write_table(cd.LennardJones(epsilon=0.11, sigma=2.5, cutoff=5.5).force_shifted(), here / "base.table", format="lammps",
                   n=2000, pair="Al-Al")  # fmt: skip
    with pytest.raises(ValueError, match="not the one that this fit corrects"):
        ci.resume("../part", rounds=3)


def test_emt_and_eam_are_made_for_each_run():
    pytest.importorskip("ase", reason="pip install cg-sim[ase]")
    from ase.calculators.emt import EMT

    make = named_base("emt")
    assert not is_pair(make)
    assert isinstance(make(), EMT)
    assert make() is not make()
    assert not runs_code("emt")


def test_a_function_of_the_user_is_a_base_but_no_folder_runs_it(here):
    (here / "my_bases_of_metals.py").write_text(
        "import cg_data as cd\n"
        "def lj():\n    return cd.LennardJones(epsilon=0.1, sigma=2.5, cutoff=5.5).force_shifted()\n"
    )
    name = "my_bases_of_metals:lj"
    fitted("hnc", rounds=1, base=name, control=BRIEF, folder="run")
    assert ledger_of("run").simulation.base is None
    with pytest.raises(ValueError, match=r"name it again, .* --base"):
        ci.resume("run", rounds=2)
    assert ci.resume("run", rounds=2, base=name).history.sizes["iteration"] == 2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("emtt", "did you mean emt?"),
        ("nothing.table", "a base is emt, eam:FILE"),
        ("eam:Al.eam.fs", "Al.eam.fs is no file or folder here"),
        ("ani:", "nothing is no file or folder here"),
        ("no_such_module:base", "No module named 'no_such_module'"),
        ("math:no_such_function", "has no attribute 'no_such_function'"),
    ],
)
def test_what_is_no_base_is_said(name, message):
    with pytest.raises((ValueError, ImportError)) as refused:
        fitted(base=name)
    assert message in str(refused.value)


def test_damaged_models_are_named(here):
    pytest.importorskip("cg_models", reason="networks are in cg-models")
    pytest.importorskip("ase", reason="pip install cg-sim[ase]")
    (here / "beads.safetensors").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="holds no bead potential"):
        fitted(base="beads:beads.safetensors")
    (here / "deep.safetensors").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="holds no deep potential"):
        fitted(base="deep:deep.safetensors")
    (here / "ani").mkdir()
    with pytest.raises(ValueError, match=str(here / "ani")):
        fitted(base="ani:ani")


def test_hipnn_needs_a_cg_models_that_has_it(here):
    models = pytest.importorskip("cg_models", reason="networks are in cg-models")
    (here / "al.pt").write_bytes(b"nothing")
    wanted = ValueError if hasattr(models, "hipnn") else ImportError
    with pytest.raises(wanted):
        named_base("hipnn:al.pt")()


def test_names_of_files_become_absolute(here):
    assert absolute("eam:Al.fs") == f"eam:{here / 'Al.fs'}"
    assert absolute("base.table") == str(here / "base.table")
    assert absolute("emt") == "emt"
    assert absolute("my:function") == "my:function"


def test_the_name_is_in_the_configuration(here):
    pytest.importorskip("ase", reason="pip install cg-sim[ase]")
    fitted("hnc", rounds=1, base="emt", control=replace(BRIEF, steps=100 * 10, first_steps=100, melting=20, equilibration=10),
           simulation=replace(SHORT, dt=0.1), folder="run")  # fmt: skip
    lines = (here / "run" / "config.toml").read_text().splitlines()
    assert 'base = "emt"' in lines
    assert lines[0] == "# What this fit was made with: `cg-inverse wibi config.toml -o OTHER` repeats it."


def test_a_deep_potential_is_found_by_name(here):
    models = pytest.importorskip("cg_models", reason="networks are in cg-models")
    ase = pytest.importorskip("ase", reason="pip install cg-sim[ase]")
    potential = models.DeepPotential(models.SmoothOptions(4.0, 3.0, (20,), (4, 8), 4, (8,)))
    models.save_deep(potential, here / "water.safetensors", ["O"], METAL)
    calculator = named_base("deep:water.safetensors")()
    atoms = ase.Atoms("O2", [[0, 0, 0], [0, 0, 2.5]], cell=[9, 9, 9], pbc=True)
    expected = potential(atoms.positions, atoms.cell[:], [0, 0]).energy
    assert calculator.get_potential_energy(atoms) == pytest.approx(expected, rel=1e-12)
