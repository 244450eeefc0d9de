"""Arrays of an .npz that a stranger made: nothing is unpickled, and nothing takes more memory than is there."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path

import numpy as np

from cg_data.errors import FileError
from cg_data.safe_files import sized_file

_MOST_ARRAYS = 10_000


def npz_arrays(
    path: str | Path, *, max_bytes: int, what: str, remedy: str, packed: bool = False
) -> dict[str, np.ndarray]:
    """Return the plain arrays of an .npz by name; FileError for anything else.

    They take at most `max_bytes` together; where `packed` is false, as in files that np.savez wrote, no more than the file.
    """
    file = sized_file(path, max_bytes=max_bytes, what=what)
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            unpacked = sum(entry.file_size for entry in entries)
            if unpacked > (max_bytes if packed else file.stat().st_size) or len(entries) > _MOST_ARRAYS:
                raise FileError(file, f"unpacks to {unpacked / 1e6:.0f} MB in {len(entries)} arrays",
                                remedy=f"no {what} does; this may be a zip bomb")  # fmt: skip
            return {e.filename.removesuffix(".npy"): _array(file, archive, e) for e in entries}
    except FileError:
        raise
    except Exception as error:  # zipfile and numpy raise a dozen kinds on malformed bytes
        raise FileError(file, f"is not an .npz of plain arrays ({type(error).__name__})", remedy=remedy) from None


def _array(file: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(entry) as stream:
        major, _ = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(stream)
        if dtype.hasobject:
            raise FileError(file, f"{entry.filename} holds pickled objects, which are never loaded",
                            remedy="save plain arrays")  # fmt: skip
        if math.prod(int(s) for s in shape) * dtype.itemsize > entry.file_size:
            raise FileError(file, f"{entry.filename} declares {shape}, more than it holds", remedy="is it truncated?")
    with archive.open(entry) as stream:
        array: np.ndarray = np.lib.format.read_array(stream, allow_pickle=False)
        return array
