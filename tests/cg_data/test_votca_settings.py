"""An orphaned csg_inverse project opens: settings.xml with its targets."""

from __future__ import annotations

import numpy as np
import pytest

import cg_data as cd

SETTINGS = """<cg>
  <!-- two interactions and a bond -->
  <non-bonded>
    <name>CG-CG</name><type1>CG</type1><type2>CG</type2>
    <min>0.25</min><max>0.9</max><step>0.01</step>
    <inverse>
      <target>CG-CG.dist.tgt</target>
      <do_potential>1 0 1</do_potential>
      <post_update>pressure smooth</post_update>
      <gromacs><table>table_CG_CG.xvg</table></gromacs>
    </inverse>
  </non-bonded>
  <bonded>
    <name>bond</name><min>0.1</min><max>0.5</max><step>0.005</step>
    <inverse><target>bond.dist.tgt</target></inverse>
  </bonded>
  <inverse>
    <kBT>2.49435</kBT><program>gromacs</program><method>ibi</method><iterations_max>300</iterations_max>
    <gromacs><table_bins>0.002</table_bins></gromacs>
  </inverse>
</cg>
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "settings.xml").write_text(SETTINGS)
    rows = "".join(f"{0.25 + 0.01 * i:.2f} {min(1.0, i / 5):.3f} i\n" for i in range(66))
    (tmp_path / "CG-CG.dist.tgt").write_text(rows)
    return tmp_path / "settings.xml"


def test_everything_is_there(project):
    found = cd.read_votca_settings(project)
    assert (found.kT, found.method, found.program, found.iterations) == (2.49435, "ibi", "gromacs", 300)
    pair, bond = found.interactions
    assert (pair.pair, pair.bonded, pair.update_cycle) == (("CG", "CG"), False, (1, 0, 1))
    assert (pair.r_min, pair.r_max, pair.step) == (0.25, 0.9, 0.01)
    assert pair.options["inverse/post_update"] == "pressure smooth"
    assert pair.options["inverse/gromacs/table"] == "table_CG_CG.xvg"
    assert found.options["inverse/gromacs/table_bins"] == "0.002"
    assert (bond.bonded, bond.pair) == (True, None)


def test_targets_become_one_dataset(project):
    ds = cd.read_votca_settings(project).targets(density=33.4)
    assert ds.pair.values.tolist() == ["CG-CG"]
    assert float(ds.kT) == 2.49435
    assert ds.r.attrs["units"] == "nm"
    np.testing.assert_allclose(ds.g.values[0, :6], [0, 0.2, 0.4, 0.6, 0.8, 1.0])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<cg>", "<dg>", "mismatched tag"),
        ("<kBT>2.49435</kBT>", "<kBT>warm</kBT>", "'warm', not a number"),
        ("<min>0.25</min>", "<min>0.95</min>", "the grid 0.95 : 0.01 : 0.9 is empty"),
        ("<step>0.01</step>", "<step>0</step>", "is empty"),
        ("<name>CG-CG</name>", "", "no <name>"),
        ("<type1>CG</type1>", "", "<type1> and <type2> are missing"),
        ("<do_potential>1 0 1</do_potential>", "<do_potential>yes</do_potential>", "do_potential is 'yes'"),
        ("<target>CG-CG.dist.tgt</target>", "<target>../../etc/passwd</target>", "outside its folder"),
        ("<target>CG-CG.dist.tgt</target>", "<target>/etc/passwd</target>", "outside its folder"),
        ("<cg>", "<!DOCTYPE x [<!ENTITY a 'b'>]><cg>", "declares a DOCTYPE"),
    ],
)
def test_broken_settings_are_named(project, old, new, message):
    project.write_text(SETTINGS.replace(old, new, 1))
    with pytest.raises(cd.FileError, match=message):
        cd.read_votca_settings(project)


def test_other_xml_is_refused(tmp_path):
    path = tmp_path / "settings.xml"
    for text, message in (
        ("<html></html>", "its root is <html>, expected <cg>"),
        ("<cg></cg>", "no <non-bonded> or <bonded>"),
        ("<cg>" * 60 + "</cg>" * 60, "nested or"),
        ("not xml", "not well-formed"),
    ):
        path.write_text(text)
        with pytest.raises(cd.FileError, match=message):
            cd.read_votca_settings(path)


def test_a_billion_laughs_are_not_expanded(tmp_path):
    levels = "".join(f"<!ENTITY l{i} '{f'&l{i - 1};' * 10}'>" for i in range(1, 10))
    (tmp_path / "s.xml").write_text(f"<!DOCTYPE x [<!ENTITY l0 'ha'>{levels}]><cg>&l9;</cg>")
    with pytest.raises(cd.FileError, match="declares a DOCTYPE"):
        cd.read_votca_settings(tmp_path / "s.xml")


def test_targets_on_other_grids_or_missing(project):
    found = cd.read_votca_settings(project)
    (project.parent / "CG-CG.dist.tgt").unlink()
    with pytest.raises(cd.FileError, match="no such file"):
        found.targets(density=33.4)
    project.write_text(SETTINGS.replace("<target>CG-CG.dist.tgt</target>", ""))
    with pytest.raises(cd.FileError, match="names no non-bonded target"):
        cd.read_votca_settings(project).targets(density=33.4)
    second = (
        SETTINGS[SETTINGS.index("  <non-bonded>") : SETTINGS.index("  <bonded>")]
        .replace("CG-CG", "B-B")
        .replace(">CG<", ">B<")
    )
    project.write_text(SETTINGS.replace("  <bonded>", second + "  <bonded>", 1))
    (project.parent / "CG-CG.dist.tgt").write_text("0.1 0 i\n0.2 1 i\n0.3 1 i\n0.4 1 i\n")
    (project.parent / "B-B.dist.tgt").write_text("0.2 0 i\n0.25 0 i\n0.3 1 i\n0.35 2 i\n0.4 1 i\n0.45 1 i\n")
    ds = cd.read_votca_settings(project).targets(density={"B": 1.0, "CG": 2.0})
    np.testing.assert_allclose(ds.r.values, [0.2, 0.3, 0.4])
    np.testing.assert_allclose(ds.g.sel(pair="B-B").values, [0, 1, 1])
    np.testing.assert_allclose(ds.g.sel(pair="CG-CG").values, [1, 1, 1])
    (project.parent / "B-B.dist.tgt").write_text("1.2 0 i\n1.3 0 i\n1.4 1 i\n1.5 2 i\n")
    with pytest.raises(cd.FileError, match="share only"):
        cd.read_votca_settings(project).targets(density={"B": 1.0, "CG": 2.0})


def test_settings_of_csg_stat_need_no_kT(project):
    project.write_text(SETTINGS.replace("<kBT>2.49435</kBT>", ""))
    found = cd.read_votca_settings(project)
    assert found.kT is None
    with pytest.raises(cd.FileError, match="<inverse/kBT> is missing"):
        found.targets(density=33.4)
    assert float(found.targets(density=33.4, kT=2.4).kT) == 2.4


def test_targets_of_simplex_projects(project):
    project.write_text(
        SETTINGS.replace(
            "<target>CG-CG.dist.tgt</target>", "<optimizer><rdf><target>CG-CG.dist.tgt</target></rdf></optimizer>", 1
        )
    )
    assert cd.read_votca_settings(project).targets(density=33.4).sizes["r"] == 66
