"""Thousands of damaged trajectories per reader: only our own error or a valid dataset comes out."""

from __future__ import annotations

import os
import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cg_data as cd

FILES = int(os.environ.get("MALFORMED_FILES", "1000"))  # per reader, and half as many of any bytes
WORDS = [b"nan", b"inf", b"-1", b"1e999", b"0", b"99999999999999999999", b"x", b"", b"\x00", b"\xff", b"ITEM:", b"\xc2\xb2",
         b"ITEM: ATOMS id", b"pos:R:3", b'"', b"'", b"=", b"2", b"1e-320", b"\xff" * 8, b"\x00" * 8]  # fmt: skip


@pytest.fixture(scope="module")
def valid(tmp_path_factory):
    """One small valid file per reader: (file to damage, bytes, what to read)."""
    folder = tmp_path_factory.mktemp("valid")
    noise = np.random.default_rng(0)
    box = np.array([[5.0, 0, 0], [1, 6, 0], [0, 0.5, 7]])
    ds = cd.trajectory(noise.normal(size=(2, 3, 3)), box, ["O", "H", "H"], units=cd.Units("angstrom", "eV", "g/mol"),
                       force=noise.normal(size=(2, 3, 3)), energy=[1.0, 2.0], mass=[16.0, 1.0, 1.0])  # fmt: skip
    files = {}
    for name in ("t.dump", "t.xyz"):
        path = cd.write_trajectory(ds, folder / name)
        files[name] = (path, path.read_bytes(), path)
    for member in ("type.raw", "type_map.raw", "set.000/coord.npy", "set.000/box.npy", "set.000/energy.npy"):
        system = cd.write_trajectory(ds, folder / member.replace("/", "-").replace(".", "_"))
        files[member] = (system / member, (system / member).read_bytes(), system)
    try:
        path = cd.write_trajectory(ds.drop_vars(["energy", "force"]), folder / "t.gsd")
        files["t.gsd"] = (path, path.read_bytes(), path)
    except ImportError:
        pass
    return files


READERS = [
    "t.dump",
    "t.xyz",
    "t.gsd",
    "type.raw",
    "type_map.raw",
    "set.000/coord.npy",
    "set.000/box.npy",
    "set.000/energy.npy",
]


def attempt(path, data, target):
    path.write_bytes(data)
    try:
        cd.check(cd.read_trajectory(target), "trajectory")
    except cd.FileError as error:
        assert str(target) in str(error)
        assert len(str(error)) < 1000
        return False
    return True


def mutate(data: bytes, noise: random.Random) -> bytes:
    for _ in range(noise.randint(1, 3)):
        at = noise.randrange(len(data) + 1)
        match noise.randrange(5):
            case 0:
                data = data[:at]
            case 1:
                data = data[:at] + bytes([noise.randrange(256)]) + data[at + 1 :]
            case 2:
                lines = data.split(b"\n")
                lines.insert(noise.randrange(len(lines) + 1), lines.pop(noise.randrange(len(lines))))
                data = b"\n".join(lines)
            case 3:
                tokens = data.split(b" ")
                tokens[noise.randrange(len(tokens))] = noise.choice(WORDS)
                data = b" ".join(tokens)
            case _:
                data = data[:at] + noise.choice(WORDS) + data[at + noise.randrange(9) :]
    return data


@pytest.mark.fuzz
@pytest.mark.parametrize("reader", READERS)
def test_mutated_files(valid, reader):
    if reader not in valid:
        pytest.skip("the gsd package is not installed")
    path, data, target = valid[reader]
    assert attempt(path, data, target), "the undamaged file must be read"
    noise = random.Random(reader)
    survived = sum(attempt(path, mutate(data, noise), target) for _ in range(FILES))
    assert survived < 0.93 * FILES
    path.write_bytes(data)


@pytest.mark.fuzz
@pytest.mark.parametrize("reader", READERS)
def test_arbitrary_bytes(valid, reader):
    if reader not in valid:
        pytest.skip("the gsd package is not installed")
    path, data, target = valid[reader]

    @settings(max_examples=FILES // 2, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.one_of(st.binary(max_size=400), st.tuples(st.integers(0, len(data)), st.binary(max_size=100))))
    def one(given_bytes):
        if isinstance(given_bytes, tuple):
            at, tail = given_bytes
            given_bytes = data[:at] + tail
        attempt(path, given_bytes, target)

    one()
    path.write_bytes(data)
