"""What is looked at before HDF5 may read a file, and before its arrays are loaded.

The HDF5 library loops without end, takes all memory or crashes on some damaged files: a few bytes overwritten in
the heap of texts are enough. So a file of ours ends in a seal, the SHA-256 of what is before it (HDF5 knows
where its own part ends, other readers do not notice the seal): damage is found before HDF5 sees the file. A file
without a seal, which another program wrote, is first read by a child process that may be killed. The seal says
that a file is as it was written, not that a friend wrote it.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import struct
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import h5py

from cg_data.errors import FileError

REMEDY = "copy it again, or write it again with cg_data.stores.netcdf.save"
_HDF5 = b"\x89HDF\r\n\x1a\n"
_SEAL = b"cg-data sha256: "
_SEAL_BYTES = len(_SEAL) + 32
_END_OF_FILE = {0: 40, 2: 28, 3: 28}  # offset of the end-of-file address in a superblock of this version
_FILTERS = {1: "deflate", 2: "shuffle", 3: "fletcher32"}  # built into HDF5: no plugin is searched for
_DEFLATE_RATIO = 1032  # no deflate stream expands further
_SMALL = 2**20  # bytes that any file may declare
_OUT_OF_TIME = 24  # SIGXCPU
_REFUSED = 3  # exit status of a child that raised FileError
_CHILD_SECONDS = 30.0  # of its processor time, and one more per 10 MB
_PATIENCE = 20  # times as long on the clock, on a machine that does other things


def seal(path: Path) -> None:
    """Append the SHA-256 of a finished file to it."""
    digest = _sha256(path, path.stat().st_size)
    with path.open("ab") as stream:
        stream.write(_SEAL + digest)


def admit(file: Path, max_bytes: int) -> int:
    """Return the bytes of data the file may declare, if HDF5 can be trusted with it; else raise FileError."""
    size = file.stat().st_size
    extra = size - _hdf5_bytes(file)
    if extra == _SEAL_BYTES:
        with file.open("rb") as stream:
            stream.seek(size - extra)
            found = stream.read()
        if found != _SEAL + _sha256(file, size - extra):
            raise FileError(file, "is damaged: its contents do not match its checksum", remedy=REMEDY)
    elif extra:
        fault = "has bytes after its end" if extra > 0 else f"is cut off: {-extra} bytes are missing"
        raise FileError(file, fault, remedy=REMEDY)
    else:
        survives(file, max_bytes)
    return declared_limit(file, max_bytes)


def declared_limit(file: Path, max_bytes: int) -> int:
    """Return the largest number of bytes that the arrays of a file of this size can hold."""
    return min(max_bytes, _SMALL + _DEFLATE_RATIO * file.stat().st_size)


def too_much(file: Path, declared: int, limit: int) -> FileError:
    """Return the error of a file that declares more data than can be in it."""
    return FileError(file, f"declares {declared:.3g} bytes of data, at most {limit:.3g} can be in it",
                     remedy="it is damaged; if it is yours and larger than the limit, pass max_bytes")  # fmt: skip


def inspect(raw: h5py.File, file: Path, limit: int) -> None:
    """Raise FileError unless all is arrays stored in this very file by what is built into HDF5."""
    for name in raw:
        if not isinstance(raw.get(name, getlink=True), h5py.HardLink):
            raise FileError(file, f"{name!r} is a link to another place", remedy=REMEDY)
        if fault := _fault(raw[name]):
            raise FileError(file, f"{name!r} {fault}", remedy=REMEDY)
        declared = math.prod(raw[name].chunks or ()) * raw[name].dtype.itemsize
        if declared > limit:
            raise too_much(file, declared, limit)
        if h5py.check_string_dtype(raw[name].dtype) is not None:
            _inspect_text(raw[name], file, limit)


def _fault(array: h5py.Dataset | h5py.Group) -> str | None:
    if not isinstance(array, h5py.Dataset):
        return "is a group, our files are flat"
    creation = array.id.get_create_plist()
    filters = [creation.get_filter(i)[0] for i in range(creation.get_nfilters())]
    if array.is_virtual or array.external:
        return "keeps its data in other files"
    if array.dtype.kind not in "biufS" and h5py.check_string_dtype(array.dtype) is None:
        return f"has dtype {array.dtype}, which no dataset of ours has"
    if not set(filters) <= set(_FILTERS) or len(set(filters)) < len(filters):
        return f"is packed by the HDF5 filters {filters}, only {_FILTERS} are accepted, each once"
    return None


def _inspect_text(array: h5py.Dataset, file: Path, limit: int) -> None:
    """Raise FileError if the texts are longer than the limit together: many may share one long piece."""
    if array.size * array.dtype.itemsize > limit:
        raise too_much(file, array.size * array.dtype.itemsize, limit)
    block, total = max(1, limit // file.stat().st_size), 0
    for start in range(0, len(array) if array.ndim == 1 else 0, block):
        total += sum(len(text) for text in array[start : start + block])
        if total > limit:
            raise too_much(file, total, limit)


def _sha256(path: Path, size: int) -> bytes:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while size > 0 and (piece := stream.read(min(size, 2**20))):
            digest.update(piece)
            size -= len(piece)
    return digest.digest()


def _hdf5_bytes(file: Path) -> int:
    """Return the length that an HDF5 file gives itself in its superblock [bytes]."""
    with file.open("rb") as stream:
        head = stream.read(48)
    if head[:3] == b"CDF":
        raise FileError(file, "is a netCDF-3 file", remedy="convert it: nccopy -k netCDF-4 old.nc new.nc")
    if head[:8] != _HDF5 or len(head) < 48:
        raise FileError(file, "is not a netCDF-4 (HDF5) file", remedy="is this the right file?")
    version = head[8]
    width = head[13] if version == 0 else head[9]
    if version not in _END_OF_FILE or width != 8:
        fault = f"has an HDF5 superblock of version {version} with {width}-byte addresses"
        raise FileError(file, fault, remedy=REMEDY)
    return int(struct.unpack_from("<Q", head, _END_OF_FILE[version])[0])


def survives(file: Path, max_bytes: int, reader: str = "cg_data.stores.netcdf:read") -> None:
    """Raise FileError unless a child process can read the file, by the function module:name(file, limit)."""
    code = "from cg_data.stores.netcdf_guard import child; child()"
    seconds = _CHILD_SECONDS + file.stat().st_size / 1e7
    command = [sys.executable, "-c", code, str(file.absolute()), str(max_bytes), str(math.ceil(seconds)), reader]
    paths = os.pathsep.join(p for p in sys.path if p)
    environment = os.environ | {"PYTHONPATH": paths, "PYTHONSAFEPATH": "1"}
    fault = f"is damaged: HDF5 came to no end in {seconds:.0f} s"
    try:
        done = subprocess.run(command, capture_output=True, timeout=_PATIENCE * seconds, env=environment, check=False)
    except subprocess.TimeoutExpired:
        raise FileError(file, fault, remedy=REMEDY) from None
    if done.returncode == -_OUT_OF_TIME:
        raise FileError(file, fault, remedy=REMEDY)
    if done.returncode < 0:
        fault = f"is damaged: HDF5 crashed on it (signal {-done.returncode})"
        raise FileError(file, fault, remedy=REMEDY)
    if done.returncode == _REFUSED:
        what, remedy = json.loads(done.stdout)
        raise FileError(file, what, remedy=remedy)
    if done.returncode:
        message = (done.stderr.decode(errors="replace").strip().splitlines() or ["no message"])[-1]
        raise FileError(file, f"is not a whole netCDF-4 file ({message[:200]})", remedy=REMEDY)


def child() -> None:
    """Read the file named in the arguments with limited memory; the exit status tells whether it could be."""
    module, name = sys.argv[4].split(":")
    read, file = getattr(import_module(module), name), Path(sys.argv[1])
    limit = declared_limit(file, int(sys.argv[2]))
    _limit("RLIMIT_AS", 4 * limit + 4 * 2**30)
    _limit("RLIMIT_CPU", int(sys.argv[3]))
    try:
        read(file, limit)
    except FileError as error:
        sys.stdout.write(json.dumps([error.what, error.remedy]))
        sys.exit(_REFUSED)


def _limit(what: str, size: int) -> None:
    """Give this process no more memory [bytes] or processor time [s]."""
    try:
        import resource
    except ImportError:  # not POSIX: the clock alone must do
        return
    kind = getattr(resource, what)
    _, hard = resource.getrlimit(kind)
    soft = size if hard == resource.RLIM_INFINITY else min(size, hard)
    resource.setrlimit(kind, (soft, hard))
