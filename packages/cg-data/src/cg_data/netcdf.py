"""Datasets of a schema as netCDF-4 files that give back exactly what was saved.

Files are written with checksums on the metadata and on the numbers, so that damage on a disk is noticed.
A file of a stranger is looked over before anything is loaded: it may not point to other files, declare more
data than it can hold, or need a compression plugin.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import h5netcdf
import h5py
import numpy as np
import xarray as xr
from xarray.backends import H5NetCDFStore

from cg_data.errors import FileError
from cg_data.safe_files import atomic_path, sized_file
from cg_data.schemas import check

_FORMAT = ("v110", "v110")  # the first HDF5 format with checksums on all metadata; read by netCDF-C ≥ 4.6
_FILTERS = {1: "deflate", 2: "shuffle", 3: "fletcher32"}  # built into HDF5: no plugin is searched for
_DEFLATE_RATIO = 1032  # no deflate stream expands further
_SMALL = 2**20  # bytes that any file may declare
_NOT_OURS = "save it again with cg_data.netcdf.save"
_RESERVED = {
    "_FillValue", "missing_value", "scale_factor", "add_offset", "_Unsigned", "dtype", "coordinates",
    "_NCProperties", "_Netcdf4Dimid", "_Netcdf4Coordinates", "_nc3_strict",
    "CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST",
}  # fmt: skip


def save(ds: xr.Dataset, path: str | Path) -> Path:
    """Write a dataset of any schema and return its path; the file is whole or not there.

    Attributes are text, numbers or flat lists of one kind (a list of one comes back as its element, a bool as
    0 or 1); those that are None are left out.
    """
    plain = _plain(check(ds))
    encoding = {name: _encoding(variable) for name, variable in plain.variables.items()}
    with atomic_path(path) as draft, h5netcdf.File(draft, "w", libver=_FORMAT) as file:
        plain.dump_to_store(H5NetCDFStore(file), encoding=encoding)
    return Path(path)


def load(path: str | Path, schema: str | None = None, *, max_bytes: int = 8 * 2**30) -> xr.Dataset:
    """Return the checked dataset of a netCDF-4 file, in memory, the file closed; FileError for anything else.

    `max_bytes` limits the file and the arrays it declares [bytes].
    """
    file = sized_file(path, max_bytes=max_bytes, what="netCDF file")
    try:
        ds = _read(file, max_bytes)
    except FileError:
        raise
    except Exception as error:  # HDF5, h5netcdf and xarray raise anything for bytes that are not theirs
        what = f"is not a whole netCDF-4 file ({_first_line(error)})"
        raise FileError(file, what, remedy=f"copy it again, or {_NOT_OURS}") from error
    try:
        return check(ds, schema)
    except Exception as error:  # attributes of a stranger may even be unhashable
        raise FileError(file, _first_line(error), remedy=_NOT_OURS) from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _plain(ds: xr.Dataset) -> xr.Dataset:
    out = ds.drop_encoding()
    for name, variable in ds.variables.items():
        attrs = _attributes(variable.attrs, f"{name}.attrs")
        if not isinstance(name, str) or not name or "/" in name:
            raise ValueError(f"variable {name!r}: a name must be text without '/'")
        out[name] = (variable.dims, _portable(name, variable.values), attrs)
    return out.assign_attrs(_attributes(ds.attrs, "attrs")).pipe(_without_none)


def _without_none(ds: xr.Dataset) -> xr.Dataset:
    ds.attrs = {k: v for k, v in ds.attrs.items() if v is not None}
    return ds


def _portable(name: str, values: np.ndarray) -> np.ndarray:
    if values.dtype.kind in "OT" and all(isinstance(v, str) for v in values.flat):
        values = values.astype(str)
    if values.dtype.kind not in "biufU" or (values.dtype.itemsize in (2, 12, 16) and values.dtype.kind == "f"):
        raise ValueError(f"{name} has dtype {values.dtype}, which netCDF cannot hold: convert it to float64 or str")
    if values.dtype.kind == "U" and any("\0" in str(v) for v in values.flat):
        raise ValueError(f"{name} holds text with a NUL character: remove it")
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def _attributes(attrs: Mapping[Any, Any], where: str) -> dict[str, Any]:
    return {key: _attribute(key, value, where) for key, value in attrs.items() if value is not None}


def _attribute(key: Hashable, value: Any, where: str) -> Any:
    if not isinstance(key, str) or not key or "/" in key or key in _RESERVED:
        raise ValueError(f"{where}: {key!r} cannot name an attribute of a netCDF file: rename it")
    array = np.asarray(value)
    if array.dtype.kind == "b":
        array = array.astype(np.int64)
    text = array.dtype.kind == "U" and "\0" not in "".join(array.flat)
    if array.ndim > 1 or not (text or array.dtype.kind in "iuf") or (array.ndim and not array.size):
        raise ValueError(
            f"{where}[{key!r}] must be text, a number or a flat list of one kind, got {value!r}: "
            f"write anything else as JSON text"
        )
    return array.item() if array.ndim == 0 else [str(v) for v in array] if text else array


def _encoding(variable: xr.Variable) -> dict[str, Any]:
    if variable.dtype.kind not in "biuf" or variable.size == 0 or variable.ndim == 0:
        return {"_FillValue": None}
    return {"_FillValue": None, "zlib": True, "complevel": 4, "shuffle": True, "fletcher32": True}


def _read(file: Path, max_bytes: int) -> xr.Dataset:
    limit = min(max_bytes, _SMALL + _DEFLATE_RATIO * file.stat().st_size)
    with h5py.File(file, "r") as raw:
        for name in raw:
            _inspect(raw, name, file, limit)
        with h5netcdf.File(raw, "r", decode_vlen_strings=True) as netcdf:
            # the shapes of h5netcdf, not of HDF5: it extends variables to the length of unlimited dimensions
            declared = sum(math.prod(v.shape) * max(v.dtype.itemsize, 8) for v in netcdf.variables.values())
            if declared > limit:
                raise _too_much(file, declared, limit)
            store = H5NetCDFStore(netcdf)
            with xr.open_dataset(store, decode_times=False, decode_timedelta=False, cache=False) as lazy:
                return _native(lazy.load())


def _too_much(file: Path, declared: int, limit: int) -> FileError:
    return FileError(file, f"declares {declared:.3g} bytes of data, at most {limit:.3g} can be in it",
                     remedy="it is damaged; if it is yours and larger than the limit, pass max_bytes")  # fmt: skip


def _inspect(raw: h5py.File, name: str, file: Path, limit: int) -> None:
    """Raise FileError unless the object is an array stored in this very file by what is built into HDF5."""

    def refuse(what: str) -> FileError:
        return FileError(file, f"{name!r} {what}", remedy=_NOT_OURS)

    if not isinstance(raw.get(name, getlink=True), h5py.HardLink):
        raise refuse("is a link to another place")
    array = raw[name]
    if not isinstance(array, h5py.Dataset):
        raise refuse("is a group, our files are flat")
    if array.is_virtual or array.external:
        raise refuse("keeps its data in other files")
    if array.dtype.kind not in "biufS" and h5py.check_string_dtype(array.dtype) is None:
        raise refuse(f"has dtype {array.dtype}, which no dataset of ours has")
    creation = array.id.get_create_plist()
    filters = [creation.get_filter(i)[0] for i in range(creation.get_nfilters())]
    if len(filters) > len(_FILTERS) or not set(filters) <= set(_FILTERS) or len(set(filters)) < len(filters):
        raise refuse(f"is compressed by HDF5 filters {filters}, only {_FILTERS} are accepted, each once")
    if array.chunks and (size := math.prod(array.chunks) * array.dtype.itemsize) > limit:
        raise _too_much(file, size, limit)
    for key in array.attrs:
        if (size := array.attrs.get_id(key).get_storage_size()) > limit:
            raise _too_much(file, size, limit)
    if h5py.check_string_dtype(array.dtype) is not None and "\0" not in name:
        _inspect_text(array, file, limit)


def _inspect_text(array: h5py.Dataset, file: Path, limit: int) -> None:
    """Raise FileError if the texts are longer than the limit together: many may share one long piece."""
    if array.ndim != 1:
        return
    block, total = max(1, limit // file.stat().st_size), 0
    for start in range(0, len(array), block):
        total += sum(len(text) for text in array[start : start + block])
        if total > limit:
            raise _too_much(file, total, limit)


def _native(ds: xr.Dataset) -> xr.Dataset:
    out = ds.drop_encoding()
    for name, variable in ds.variables.items():
        values = variable.values.astype(str) if variable.dtype.kind in "OT" else variable.values
        native = values.astype(values.dtype.newbyteorder("="), copy=False)
        out[name] = (variable.dims, native, {k: _python(v) for k, v in variable.attrs.items()})
    out.attrs = {k: _python(v) for k, v in ds.attrs.items()}
    return out


def _python(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
