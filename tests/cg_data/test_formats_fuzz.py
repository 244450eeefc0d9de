"""Thousands of malformed files per reader: only our own error or a valid result comes out."""

from __future__ import annotations

import os
import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cg_data as cd

FILES = int(os.environ.get("MALFORMED_FILES", "1500"))  # per reader, and half as many of any bytes
LJ = cd.LennardJones().force_shifted()
WORDS = [b"nan", b"inf", b"-1", b"1e999", b"0", b"99999999999999999999", b"x", b"", b"\x00", b"\xff", b"1_000", b"\xc2\xb2",
         b"N", b"R", b"#", b"@", b"i", b"u", b",", b"-", b"=", b"1e-320", b"9" * 400]  # fmt: skip
SETTINGS = b"""<cg><non-bonded><name>CG-CG</name><type1>CG</type1><type2>CG</type2><min>0.2</min><max>0.9</max>
<step>0.01</step><inverse><target>CG-CG.dist.tgt</target><do_potential>1 0</do_potential></inverse></non-bonded>
<inverse><kBT>2.49435</kBT><program>gromacs</program><method>ibi</method><iterations_max>300</iterations_max></inverse></cg>
"""


@pytest.fixture(scope="module")
def valid(tmp_path_factory):
    """One small valid file per reader: (name, bytes, reader)."""
    folder = tmp_path_factory.mktemp("valid")
    r = np.linspace(0.1, 1.0, 8)
    target = cd.make_target(r, r, density=0.5, kT=1.0, g_stderr=0.1 * r)
    files = {}
    for name in ("t.csv", "t.table", "t.xvg", "t.npz", "t.pot", "t.tab"):
        cd.write_table(LJ, folder / name, n=6)
        files[f"table {name}"] = (name, (folder / name).read_bytes(), read_both)
    for name in ("g.csv", "g.xvg", "g.dist.tgt"):
        cd.write_target(target, folder / name)
        read = lambda p: cd.check(cd.read_target(p, density=0.5, kT=1.0))  # noqa: E731
        files[f"target {name}"] = (name, (folder / name).read_bytes(), read)
    files["settings"] = ("settings.xml", SETTINGS, lambda p: cd.read_votca_settings(p).interactions[0].name)
    return files


def mutate(data: bytes, noise: random.Random) -> bytes:
    """Return the file damaged once to four times: cut, bytes changed, lines moved, tokens replaced."""
    for _ in range(noise.randint(1, 4)):
        match noise.randrange(6):
            case 0:
                data = data[: noise.randrange(len(data) + 1)]
            case 1 if data:
                at = noise.randrange(len(data))
                data = data[:at] + bytes([noise.randrange(256)]) + data[at + 1 :]
            case 2:
                lines = data.split(b"\n")
                noise.shuffle(lines) if noise.random() < 0.2 else lines.pop(noise.randrange(len(lines)))
                data = b"\n".join(lines)
            case 3:
                lines = data.split(b"\n")
                lines.insert(noise.randrange(len(lines) + 1), noise.choice(lines))
                data = b"\n".join(lines)
            case 4:
                tokens = data.split(b" ")
                tokens[noise.randrange(len(tokens))] = noise.choice(WORDS)
                data = b" ".join(tokens)
            case _:
                at = noise.randrange(len(data) + 1)
                data = data[:at] + noise.choice(WORDS) + data[at + noise.randrange(8) :]
    return data


def read_both(path):
    cd.check(cd.read_table(path))
    return cd.read_interactions(path)


READERS = ["table t.csv", "table t.table", "table t.xvg", "table t.npz", "table t.pot", "table t.tab", "target g.csv",
           "target g.xvg", "target g.dist.tgt", "settings"]  # fmt: skip


@pytest.mark.fuzz
@pytest.mark.parametrize("reader", READERS)
def test_mutated_files(valid, reader, tmp_path):
    name, data, read = valid[reader]
    path, noise = tmp_path / name, random.Random(reader)
    path.write_bytes(data)
    read(path)
    survived = 0
    for _ in range(FILES):
        path.write_bytes(mutate(data, noise))
        try:
            read(path)
            survived += 1
        except cd.FileError as error:
            assert str(path) in str(error)
            assert len(str(error)) < 1000
    assert survived < 0.67 * FILES, "mutation must break most files, or it tests nothing"


@pytest.mark.fuzz
@pytest.mark.parametrize("reader", READERS)
def test_arbitrary_bytes(valid, reader, tmp_path_factory):
    name, data, read = valid[reader]
    path = tmp_path_factory.mktemp("bytes") / name

    @settings(max_examples=FILES // 2, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.one_of(st.binary(max_size=300), st.tuples(st.integers(0, len(data)), st.binary(max_size=100))))
    def attempt(given_bytes):
        if isinstance(given_bytes, tuple):
            at, tail = given_bytes
            given_bytes = data[:at] + tail
        path.write_bytes(given_bytes)
        try:
            read(path)
        except cd.FileError as error:
            assert str(path) in str(error)

    attempt()
