"""The three operations on files that a campaign's promises rest on: synced writes, bounded reads, locks."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


def write_synced(path: Path, content: bytes) -> None:
    """Write a new file and wait until it is on the disk."""
    with path.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def bounded(path: Path, size: int) -> bytes:
    """Return the bytes of a file that should have at most `size`; one more if it is longer."""
    with path.open("rb") as stream:
        return stream.read(size + 1)


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Wait until nobody else holds the lock of this path; gives False where the file system has no locks.

    The kernel frees a lock when its holder dies. Threads of one process wait for each other, too.
    """
    with path.open("ab") as stream:
        alone = _flock(stream.fileno(), free=False)
        try:
            yield alone
        finally:
            _flock(stream.fileno(), free=True)  # a forked child may hold the file open after this


def _flock(handle: int, *, free: bool) -> bool:
    try:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_UN if free else fcntl.LOCK_EX)
    except ImportError:  # Windows
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return False
    return True
