"""Opening files that strangers made, and writing files that are whole or not there.

Every reader goes through `text_lines` or `sized_file`, every writer through `atomic_path`.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cg_data.errors import FileError

TABLE_BYTES = 256 * 2**20  # far above any table or mapping; a trajectory reader passes its own limit
_LINE_BYTES = 2**20


def sized_file(path: str | Path, *, max_bytes: int = TABLE_BYTES, what: str = "table") -> Path:
    """Return the path if it is a regular, non-empty file of at most `max_bytes`; else raise FileError."""
    file = Path(path)
    try:
        if file.is_dir():
            raise FileError(file, "is a directory", remedy=f"give the path of one {what} file")
        if not file.exists():
            raise FileError(file, "no such file", remedy="check the path")
        if not file.is_file():
            raise FileError(file, "is not a regular file", remedy=f"give the path of one {what} file")
        size = file.stat().st_size
    except (OSError, ValueError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(path, f"cannot be opened ({error})", remedy="check the path and its permissions") from None
    if size == 0:
        raise FileError(file, "is empty", remedy="was its writer interrupted? write it again")
    if size > max_bytes:
        raise FileError(
            file,
            f"has {size / 1e6:.0f} MB, a {what} file has at most {max_bytes / 1e6:.0f} MB",
            remedy=f"is this the right file? cut it to the {what} itself",
        )
    return file


def text_lines(path: str | Path, *, max_bytes: int = TABLE_BYTES, what: str = "table") -> Iterator[tuple[int, str]]:
    """Yield (line number from 1, text without its end) of a UTF-8 file; FileError for anything else."""
    file = sized_file(path, max_bytes=max_bytes, what=what)
    try:
        with file.open("rb") as stream:
            number = 0
            while raw := stream.readline(_LINE_BYTES + 1):
                number += 1
                if len(raw) > _LINE_BYTES:
                    raise FileError(file, f"a line is longer than {_LINE_BYTES} bytes", line=number,
                                    remedy=f"this is not a text {what}")  # fmt: skip
                if b"\0" in raw:
                    raise FileError(file, "holds binary data", line=number, remedy=f"give a text {what}")
                try:
                    text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError:
                    raise FileError(file, "is not UTF-8 text", line=number,
                                    remedy="save it as UTF-8 (plain ASCII numbers)") from None  # fmt: skip
                yield number, text.rstrip("\r\n")
    except OSError as error:
        raise FileError(file, f"cannot be read ({error.strerror})", remedy="check its permissions") from None


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path in the same folder that replaces `path` on success and vanishes on failure."""
    final = Path(path)
    if final.is_dir():
        raise FileError(final, "is a directory", remedy="give the name of a file to write")
    if not final.parent.is_dir():
        raise FileError(final, f"its folder {final.parent} does not exist", remedy="make the folder first")
    try:
        handle, name = tempfile.mkstemp(dir=final.parent, prefix=f".{final.name[:32]}.", suffix=final.suffix)
    except OSError as error:
        raise FileError(final, f"cannot be written ({error.strerror})", remedy="choose another folder") from None
    os.close(handle)
    draft = Path(name)
    try:
        yield draft
        umask = os.umask(0)
        os.umask(umask)
        draft.chmod(0o666 & ~umask)
        draft.replace(final)
    finally:
        draft.unlink(missing_ok=True)
