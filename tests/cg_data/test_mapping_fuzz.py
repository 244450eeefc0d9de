"""Whatever the bytes, `read_mapping` gives a mapping that round-trips, or a FileError; and never takes long."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cg_data import FileError
from cg_data.mapping.bead_mapping import Mapping
from cg_data.mapping.mapping_files import read_mapping

pytestmark = pytest.mark.fuzz
FILES = int(os.environ.get("MALFORMED_FILES", "2200"))  # per reader, half of them of any bytes
HALF = settings(max_examples=FILES // 2, deadline=None, suppress_health_check=list(HealthCheck))
TOML = b"""# two kinds
[[molecule]]
name = "water"
count = "all"
atoms = ["O", "H", "H"]
bonds = [[0, 1], [0, 2]]
constraints = [[1, 2]]

[[molecule.bead]]
name = "W"
type = "W"
atoms = [0, 1, 2]
weights = "mass"
force_atoms = "molecule"

[[molecule]]
name = "dimer"
count = 12
atoms = ["A", "B", "C"]

[[molecule.bead]]
name = "a"
atoms = ["A"]
weights = "equal"

[[molecule.bead]]
name = "b"
atoms = ["B", "C"]
weights = [3.0, 1e-3]
force_weights = [1, 2]
"""
XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<cg_molecule>
  <name>ppn</name>
  <ident>propane</ident>
  <topology>
    <cg_beads>
      <cg_bead><name>b1</name><type>CH3</type><symmetry>1</symmetry><mapping>A</mapping>
        <beads> 1:ppn:C1 1:ppn:H4 1:ppn:H5 1:ppn:H6 </beads></cg_bead>
      <cg_bead><name>b2</name><type>CH2</type><symmetry>3</symmetry><mapping>B</mapping>
        <beads> 1:ppn:C2 1:ppn:H7 1:ppn:H8 </beads></cg_bead>
    </cg_beads>
    <cg_bonded><bond><name>bond</name><beads> b1 b2 </beads></bond></cg_bonded>
  </topology>
  <maps>
    <map><name>A</name><weights> 12 1 1 1 </weights></map>
    <map><name>B</name><weights> 12 1 1 </weights><d>1 0 1</d></map>
  </maps>
</cg_molecule>
"""
LAUGHS = (
    b'<?xml version="1.0"?>\n<!DOCTYPE lolz [<!ENTITY a0 "lol">'
    + b"".join(b'<!ENTITY a%d "%s">' % (i, b"&a%d;" % (i - 1) * 10) for i in range(1, 12))
    + b"]>\n<cg_molecule><name>&a11;</name></cg_molecule>"
)
QUADRATIC = b'<!DOCTYPE a [<!ENTITY x "' + b"x" * 10_000 + b'">]><a>' + b"&x;" * 5000 + b"</a>"
OUTSIDE = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><cg_molecule><name>&x;</name></cg_molecule>'
WORDS = (
    b"nan",
    b"inf",
    b"1e999",
    b"-1",
    b"99999999999",
    b"0x" + b"f" * 6000,
    b"9" * 5000,
    b"word",
    b"",
    b"[]",
    b"true",
)


@pytest.fixture(scope="module")
def attempt(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes], Mapping | None]:
    path = tmp_path_factory.mktemp("fuzz") / "mapping"

    def read(content: bytes) -> Mapping | None:
        path.write_bytes(content)
        message = ""
        try:
            mapping = read_mapping(path)
        except FileError as error:
            mapping, message = None, str(error)
        if mapping is None:
            assert message.startswith(str(path))
            assert len(message) < 1000
        else:
            assert Mapping.from_json(mapping.to_json()).digest == mapping.digest
        return mapping

    return read


@st.composite
def mutated(draw: st.DrawFn, valid: bytes) -> bytes:
    """One to three of: truncate, replace bytes, drop, double or swap lines, replace a number or a word."""
    content = valid
    for _ in range(draw(st.integers(1, 3))):
        lines = content.split(b"\n")
        i, j = (draw(st.integers(0, len(lines) - 1)) for _ in "ij")
        at = draw(st.integers(0, max(len(content) - 1, 0)))
        match draw(st.integers(0, 6)):
            case 0:
                content = content[:at]
            case 1:
                content = content[:at] + draw(st.binary(max_size=4)) + content[at + draw(st.integers(0, 4)) :]
            case 2:
                content = b"\n".join(lines[:i] + lines[i + 1 :])
            case 3:
                content = b"\n".join(lines[:i] + [lines[i]] * draw(st.integers(2, 4)) + lines[i + 1 :])
            case 4:
                lines[i], lines[j] = lines[j], lines[i]
                content = b"\n".join(lines)
            case kind:
                found = list(re.finditer(rb"[-\d.]+" if kind == 5 else rb"\w+", content))
                if found:
                    word = found[draw(st.integers(0, len(found) - 1))]
                    content = content[: word.start()] + draw(st.sampled_from(WORDS)) + content[word.end() :]
    return content


def starts(first: bytes) -> st.SearchStrategy[bytes]:
    """Arbitrary bytes, and arbitrary pieces of the format in arbitrary order, after the first bytes of the format."""
    pieces = re.findall(rb"\w+|\s+|[^\w\s]+", TOML if first == b"[" else XML)
    made = st.lists(st.sampled_from(pieces) | st.binary(max_size=3), max_size=40).map(b"".join)
    return (st.binary(max_size=200) | made).map(lambda b: first + b)


def test_the_valid_files_are_valid(attempt: Callable[[bytes], Mapping | None]) -> None:
    assert attempt(TOML) is not None
    assert attempt(XML) is not None


@given(content=st.binary(max_size=300) | starts(b"["))
@HALF
def test_toml_of_any_bytes(attempt: Callable[[bytes], Mapping | None], content: bytes) -> None:
    attempt(content)


@given(content=mutated(TOML))
@HALF
def test_damaged_toml(attempt: Callable[[bytes], Mapping | None], content: bytes) -> None:
    attempt(content)


@given(content=starts(b"<"))
@HALF
def test_xml_of_any_bytes(attempt: Callable[[bytes], Mapping | None], content: bytes) -> None:
    attempt(content)


@given(content=mutated(XML))
@HALF
def test_damaged_xml(attempt: Callable[[bytes], Mapping | None], content: bytes) -> None:
    attempt(content)


ATTACKS = {
    "billion laughs": LAUGHS,
    "quadratic blowup": QUADRATIC,
    "external entity": OUTSIDE,
    "entity in UTF-16": LAUGHS.decode().encode("utf-16"),
    "deep elements": b"<a>" * 200_000,
    "wide elements": b"<a>" + b"<b/>\n" * 200_001 + b"</a>",
    "many attributes": b"<a " + b" ".join(b'a%d="1"' % i for i in range(1500)) + b"></a>",
    "declared in another encoding": XML.replace(b"UTF-8", b"cp037").replace(b"ppn</name>", b"p\xf6n</name>"),
    "deep arrays": b"\n".join(b"[" * 10_000 for _ in range(10)).join([b"a = ", b""]),
    "dotted key": (b"a" + b".a" * 30_000 + b" = 1\n") * 15,
    "deep tables": b"[" + b".".join([b"a"] * 300_000) + b"]\n",
    "many tables": b"".join(b"[a%d]\n" % i for i in range(50_000)),
    "long line": b"a = [" + b"1," * 600_000 + b"]",
    "inline dotted key": b"a = {b" + b".a" * 300_000 + b" = 1}\n",
    "huge array": b"a = [" + b"1," * 500_000 + b"]",
    "escapes": b'a = "' + rb"\u0041" * 160_000 + b'"',
    "huge integer": TOML.replace(b"count = 12", b"count = 0x" + b"f" * 900_000),
    "huge digits": TOML.replace(b"count = 12", b"count = " + b"9" * 900_000),
    "huge weight": TOML.replace(b"3.0", b"0x" + b"f" * 900_000),
    "huge atom": TOML.replace(b"[0, 1, 2]", b"[0x" + b"f" * 900_000 + b"]"),
    "bad date": TOML.replace(b"count = 12", b"count = 1979-13-45"),
    "too large": b"#" * 2_000_000,
    "empty": b"",
    "zeros": b"\0" * 100,
}


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_are_refused(attempt: Callable[[bytes], Mapping | None], name: str) -> None:
    assert attempt(ATTACKS[name]) is None


def test_entities_are_refused_before_they_are_read(tmp_path: Path) -> None:
    (tmp_path / "m.xml").write_bytes(LAUGHS)
    with pytest.raises(FileError, match="line 2: declares a DOCTYPE; delete it"):
        read_mapping(tmp_path / "m.xml")
