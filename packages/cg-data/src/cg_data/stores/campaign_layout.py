"""The Zarr store of a campaign: how it is built, and what is checked before one is believed.

Chunks are plain little-endian numbers (parameters of text: vlen-utf8), so that no decoder runs on what a
stranger wrote, and a damaged chunk can do no more than be told by its checksum.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import struct
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from cg_data.errors import FileError
from cg_data.safe_files import sized_file
from cg_data.stores.campaign_rows import DTYPES, NAME, Result, address

SCHEMA, VERSION = "campaign", 1
FOLDERS = ("records", "locks", "drafts")  # below `done`, where Zarr looks for chunks only
_RESERVED = ("schema", "schema_version", "address")
_OLD = (".zarray", ".zgroup", ".zmetadata", ".zattrs")  # Zarr 2, whose codecs include pickle
_REMEDY = "is this the folder of a campaign? else create a new one"


def build(path: Path, table: xr.Dataset, results: Mapping[str, Result], attrs: Mapping[str, Any]) -> None:
    """Write an empty store in a temporary folder beside `path`, and rename it; whole or not there."""
    if clash := [name for name in _RESERVED if name in attrs]:
        raise ValueError(f"attrs may not hold {clash}: the store uses them itself")
    try:
        draft = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name[:32]}."))
    except OSError as error:
        raise FileError(path, f"cannot be made ({error.strerror})", remedy="choose another folder") from None
    try:
        own = {"schema": SCHEMA, "schema_version": VERSION, "address": address(table, results)}
        _write_zarr(draft, table, results, {**own, **attrs})
        for folder in FOLDERS:
            (draft / "done" / folder).mkdir()
        umask = os.umask(0)
        os.umask(umask)
        draft.chmod(0o777 & ~umask)  # mkdtemp makes it private
        _sync(draft)
        draft.rename(path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _write_zarr(folder: Path, table: xr.Dataset, results: Mapping[str, Result], attrs: Mapping[str, Any]) -> None:
    import zarr

    rows = table.sizes["row"]
    group = zarr.create_group(zarr.storage.LocalStore(folder), zarr_format=3, attributes=dict(attrs))
    for name, column in table.variables.items():
        kind = str if column.dtype.kind == "U" else column.dtype
        role = "parameter" if column.dims == ("row",) else "coordinate"
        array = group.create_array(
            name, shape=column.shape, chunks=column.shape, dtype=kind, compressors=None,
            dimension_names=column.dims, attributes={**column.attrs, "role": role},
            config={"write_empty_chunks": True},
        )  # fmt: skip
        array[:] = column.values
    done = Result((), (), "bool", "")
    for name, result in {**results, "done": done}.items():
        group.create_array(
            name, shape=(rows, *result.shape), chunks=(1, *result.shape), dtype=result.dtype,
            compressors=None, fill_value=result.missing, dimension_names=("row", *result.dims),
            attributes={"units": result.units, "role": "done" if name == "done" else "result"},
        )  # fmt: skip
    with warnings.catch_warnings():  # consolidated metadata is not yet in the text of the Zarr 3 standard
        warnings.simplefilter("ignore")
        zarr.consolidate_metadata(group.store)


def _sync(folder: Path) -> None:
    for place, _, files in os.walk(folder):
        for name in [*files, "."]:
            try:
                handle = os.open(Path(place, name), os.O_RDONLY)
            except PermissionError:  # Windows opens no folders
                continue
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def examine(path: Path) -> tuple[xr.Dataset, dict[str, Result], dict[str, Any]]:
    """Return the parameters, results and attributes of a store; FileError for anything that `build` did not make."""
    try:
        return _examine(path)
    except FileError:
        raise
    except Exception as error:  # JSON of a stranger: any key may be missing or of another type
        fault = f"is no campaign: its metadata are damaged ({type(error).__name__}: {error})"
        raise FileError(path, fault[:300], remedy=_REMEDY) from error


def _examine(path: Path) -> tuple[xr.Dataset, dict[str, Result], dict[str, Any]]:
    if not path.is_dir() or not (path / "zarr.json").is_file():
        raise FileError(path, "is not the folder of a campaign: it has no zarr.json", remedy="check the path")
    if any((path / name).exists() for name in _OLD):
        raise FileError(path, "is a Zarr 2 store, a campaign is Zarr 3", remedy=_REMEDY)
    root = _json(path / "zarr.json")
    attrs = root["attributes"]
    if root["zarr_format"] != 3 or root["node_type"] != "group" or attrs.get("schema") != SCHEMA:
        raise FileError(path, "is a Zarr store, but not of a campaign", remedy=_REMEDY)
    if attrs["schema_version"] != VERSION:
        found = attrs["schema_version"]
        raise FileError(path, f"is a campaign of version {found!r}, this cg-data reads {VERSION}", remedy=_REMEDY)
    arrays: dict[str, dict[str, Any]] = root["consolidated_metadata"]["metadata"]
    for name, meta in arrays.items():
        if not NAME.fullmatch(name):
            raise FileError(path, f"names an array {name!r}, which may lead elsewhere", remedy=_REMEDY)
        if fault := _fault(path / name, meta):
            raise FileError(path, f"array {name!r} {fault}", remedy=_REMEDY)
    if strange := {p.name for p in path.iterdir() if p.is_dir() and p.name[0] != "."} - set(arrays):
        raise FileError(path, f"holds {sorted(strange)[:5]}, no part of the campaign", remedy="move it away")
    return _contents(path, arrays, attrs)


def _contents(
    path: Path, arrays: dict[str, dict[str, Any]], attrs: dict[str, Any]
) -> tuple[xr.Dataset, dict[str, Result], dict[str, Any]]:
    rows = int(arrays["done"]["shape"][0])
    columns, results = {}, {}
    for name, meta in arrays.items():
        dims, units = tuple(meta["dimension_names"]), meta["attributes"]["units"]
        match meta["attributes"]["role"]:
            case "parameter" | "coordinate":
                columns[name] = xr.Variable(dims, _column(path / name, meta), {"units": units})
            case "result" if dims[0] == "row" and meta["shape"][0] == rows:
                results[name] = Result(dims[1:], tuple(meta["shape"][1:]), meta["data_type"], units)
            case "done" if name == "done" and meta["data_type"] == "bool" and dims == ("row",):
                pass
            case role:
                raise FileError(path, f"array {name!r} has the role {role!r}", remedy=_REMEDY)
    table = xr.Dataset(columns)
    if table.sizes["row"] != rows or address(table, results) != attrs["address"]:
        raise FileError(path, "has parameters or results that were changed after it was made", remedy=_REMEDY)
    return table, results, {k: v for k, v in attrs.items() if k not in _RESERVED}


def _json(file: Path) -> Any:
    return json.loads(sized_file(file, max_bytes=2**26, what="metadata").read_bytes())


def _fault(folder: Path, meta: dict[str, Any]) -> str | None:
    """Say what of an array's metadata is not what `build` writes."""
    places = (folder, folder / "zarr.json", folder / "c", *(folder / name for name in FOLDERS))
    if any(place.is_symlink() for place in places):
        return "is a link to another place"
    if any((folder / name).exists() for name in _OLD):
        return "has metadata of Zarr 2 beside its own"
    if _json(folder / "zarr.json") != meta:
        return "has other metadata than the store says"
    text = meta["data_type"] == "string"
    codecs = [codec["name"] for codec in meta["codecs"]]
    endian = (meta["codecs"][0].get("configuration") or {}).get("endian", "little") if codecs else None
    if codecs != ["vlen-utf8" if text else "bytes"] or endian != "little":
        return f"names the codecs {codecs}: only plain little-endian numbers and vlen-utf8 text are read"
    if not text and meta["data_type"] not in DTYPES:
        return f"has the data type {meta['data_type']!r}"
    shape, keys = meta["shape"], {"name": "default", "configuration": {"separator": "/"}}
    whole = [1, *shape[1:]] if meta["attributes"]["role"] in ("result", "done") else shape
    grid = {"name": "regular", "configuration": {"chunk_shape": whole}}
    if not all(type(n) is int and 0 < n < 2**40 for n in shape) or math.prod(whole) > 2**40:
        return f"has the shape {shape}"
    if meta["chunk_grid"] != grid or meta["chunk_key_encoding"] != keys or meta.get("storage_transformers"):
        return "is not cut into one chunk per row"
    return None


def _column(folder: Path, meta: dict[str, Any]) -> np.ndarray:
    (length,) = meta["shape"]
    raw = sized_file(folder / "c" / "0", max_bytes=2**30, what="column").read_bytes()
    if meta["data_type"] == "string":
        return np.array(_texts(raw, length), dtype=str)
    if len(raw) != length * np.dtype(meta["data_type"]).itemsize:
        raise FileError(folder / "c" / "0", f"has {len(raw)} bytes, not {length} values", remedy=_REMEDY)
    native: np.ndarray = np.frombuffer(raw, np.dtype(meta["data_type"]).newbyteorder("<")).astype(meta["data_type"])
    return native


def _texts(raw: bytes, length: int) -> list[str]:
    """Return the texts of a vlen-utf8 chunk: their number, then length and UTF-8 bytes of each."""
    found, at = [], 4
    if struct.unpack_from("<I", raw)[0] != length:
        raise ValueError(f"a column of text does not hold {length} values")
    for _ in range(length):
        (size,) = struct.unpack_from("<I", raw, at)
        found.append(raw[at + 4 : at + 4 + size].decode("utf-8"))
        at += 4 + size
    if at != len(raw):
        raise ValueError("a column of text is cut off")
    return found
