"""Thousands of damaged files for every reader above cg-data's own formats: a FileError that names the file, or what was written.

`make malformed` damages 10 000 per reader, `MALFORMED_FILES` says how many; otherwise a few. No pickle is opened, no reader takes
long, and memory does not follow what a file promises.
"""

from __future__ import annotations

import os
import pickle
import random
import resource
import signal
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

for needed in ("cg_models", "cg_inverse", "vesin", "h5py"):
    pytest.importorskip(needed, reason=f"pip install {needed}")
if True:  # after the skips
    import cg_data as cd

    from .model_jobs import Evil
    from .whole_files import READERS, whole_files

FILES = int(os.environ.get("MALFORMED_FILES", "60"))
SLOW = {"ani-data": 100}  # times fewer: a child process reads each
SECONDS = 30  # for a file, on a busy machine
GROWTH = 600.0  # MB that no damaged small file may ask for
WORDS = [b"nan", b"-1", b"1e999", b"99999999999999999999", b"null", b"[]", b"{}", b"true", b"\xff", b"\0", b"", b'"x"', b"../../x",
         b"__import__('os')", b"\xff" * 8, bytes(8), b"\x7f" + b"\xff" * 7]  # fmt: skip


def damaged(whole: bytes, noise: random.Random) -> bytes:
    """Return a file after one to three accidents."""
    for _ in range(noise.randint(1, 3)):
        at = noise.randrange(len(whole) + 1) if noise.random() < 0.6 else noise.randrange(min(len(whole), 400) + 1)
        length = noise.randint(1, 64)
        match noise.randrange(7):
            case 0:
                whole = whole[:at]
            case 1:
                whole = whole[:at] + noise.randbytes(1) + whole[at + 1 :]
            case 2:
                word = noise.choice(WORDS)
                whole = whole[:at] + word + whole[at + len(word) :]
            case 3:
                whole = whole[:at] + noise.choice(WORDS) + whole[at:]
            case 4:
                whole = whole[:at] + whole[at + length :]
            case 5:
                whole = whole[:at] + whole[at : at + length] + whole[at:]
            case _:
                digits = [k for k in range(len(whole[at : at + 200])) if 48 <= whole[at + k] <= 57]
                for k in digits[:1]:
                    whole = whole[: at + k] + b"%d" % noise.choice([0, 9, 10**9, 10**18]) + whole[at + k + 1 :]
    return whole


def attacks(whole: bytes) -> list[bytes]:
    """What somebody would make on purpose: a pickle, a header of a terabyte, a zip that swells, names that leave the folder."""
    return [
        b"",
        pickle.dumps(Evil()),
        struct.pack("<Q", 2**40) + whole[8:],
        b"[" * 200_000,
        b'{"a":' * 100_000,
        swollen("facts.npy", (10**12,)),
        swollen("facts.npy", (2**62, 2**62)),
        swollen("../../facts.npy", (3,)),
    ]


def swollen(name: str, shape: tuple[int, ...]) -> bytes:
    """Return a zip with an array whose header promises more than is there."""
    import io

    about = repr({"descr": "<f8", "fortran_order": False, "shape": shape}).encode()
    header = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(about) + 1) + about + b"\n"
    with io.BytesIO() as stream:
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, header + bytes(10**6))
        return stream.getvalue()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, bytes, Callable[[], Any]]]:
    return whole_files(tmp_path_factory.mktemp("whole"))


class TooLong(BaseException):
    """No error that a reader could take for one of the file's."""


def out_of_time(*_: Any) -> None:
    raise TooLong


def attempt(file: Path, content: bytes, read: Callable[[], Any]) -> bool:
    """Read a file with this content; say whether it could be."""
    file.write_bytes(content)
    signal.signal(signal.SIGALRM, out_of_time)
    signal.alarm(SECONDS)
    try:
        read()
    except cd.FileError as error:
        assert any(str(place) in str(error) for place in (file, *file.parents[:-3])), error
        assert len(str(error)) < 5000, len(str(error))
        return False
    finally:
        signal.alarm(0)
    return True


def peak() -> float:
    """MB that this process has had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


@pytest.mark.fuzz
@pytest.mark.parametrize("reader", READERS)
def test_a_damaged_file_is_refused_or_harmless(reader, whole, tmp_path, monkeypatch):
    file, content, read = whole[reader]
    monkeypatch.chdir(tmp_path)
    assert attempt(file, content, read), "the whole file must be read"
    files = max(20, FILES // SLOW.get(reader, 1))
    before, noise = peak(), random.Random(zlib.crc32(reader.encode()))
    for attack in attacks(content):
        assert not attempt(file, attack, read), f"{attack[:40]!r} was read"
    read_anyway = sum(attempt(file, damaged(content, noise), read) for _ in range(files))
    file.write_bytes(content)
    assert read_anyway < 0.9 * files, "damage must break most files, or it tests nothing"
    assert not list(tmp_path.iterdir()), "a pickle was opened"
    assert peak() - before < GROWTH
