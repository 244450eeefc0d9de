"""Datasets of a schema as netCDF-4 files that give back exactly what was saved, or say that they are damaged.

A file of a stranger is looked over before anything is loaded (`netcdf_guard`): it may not point to other files,
declare more data than it can hold, or need a compression plugin.
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
from cg_data.schemas import SCHEMAS, check
from cg_data.stores.netcdf_guard import REMEDY, admit, inspect, seal, too_much

_DTYPES = {"bool", "float32", "float64", *(f"{u}int{n}" for u in ("", "u") for n in (8, 16, 32, 64))}
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
    with atomic_path(path) as draft:
        with h5netcdf.File(draft, "w") as file:
            plain.dump_to_store(H5NetCDFStore(file), encoding=encoding)
        seal(draft)
    return Path(path)


def load(path: str | Path, schema: str | None = None, *, max_bytes: int = 8 * 2**30) -> xr.Dataset:
    """Return the checked dataset of a netCDF-4 file, in memory, the file closed; FileError for anything else.

    `max_bytes` limits the file and the arrays it declares [bytes]. A file that another program wrote is read
    once before by a child process, which takes about a second.
    """
    file = sized_file(path, max_bytes=max_bytes, what="netCDF")
    try:
        ds = read(file, admit(file, max_bytes))
        _asked_for(ds, schema, file)
        return check(ds, schema)
    except FileError:
        raise
    except Exception as error:  # HDF5, h5netcdf and xarray raise anything for a file of a stranger
        fault = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise FileError(file, f"holds no dataset of ours ({fault})", remedy=REMEDY) from error


def read(file: Path, limit: int) -> xr.Dataset:
    """Return the dataset of a file that HDF5 can be trusted with; at most `limit` bytes are allocated."""
    with h5py.File(file, "r") as raw:
        inspect(raw, file, limit)
        with h5netcdf.File(file, "r", decode_vlen_strings=True) as netcdf:
            # the shapes of h5netcdf, not of HDF5: it extends variables to the length of unlimited dimensions
            declared = sum(math.prod(v.shape) * max(v.dtype.itemsize, 8) for v in netcdf.variables.values())
            if declared > limit:
                raise too_much(file, declared, limit)
            store = H5NetCDFStore(netcdf)
            with xr.open_dataset(store, decode_times=False, decode_timedelta=False, cache=False) as lazy:
                return _native(lazy.load())


def _asked_for(ds: xr.Dataset, schema: str | None, file: Path) -> None:
    """Raise FileError if the file holds a dataset of ours, but of another schema."""
    found = ds.attrs.get("schema")
    if schema is not None and isinstance(found, str) and found in SCHEMAS and found != schema:
        fault = f"is a {found} dataset, a {schema} was asked for"
        raise FileError(file, fault, remedy=f"expected {schema}: give another file, or use it as {found}")


def _plain(ds: xr.Dataset) -> xr.Dataset:
    out = ds.drop_encoding()
    for name, variable in ds.variables.items():
        if not isinstance(name, str) or not name or "/" in name:
            raise ValueError(f"variable {name!r}: a name must be text without '/'")
        attrs = _attributes(variable.attrs, f"{name}.attrs")
        out[name] = (variable.dims, _portable(name, variable.values), attrs)
    out.attrs = _attributes(ds.attrs, "attrs")
    return out


def _portable(name: str, values: np.ndarray) -> np.ndarray:
    if values.dtype.kind in "OT" and all(isinstance(v, str) for v in values.flat):
        values = values.astype(str)
    if values.dtype.kind != "U" and values.dtype.name not in _DTYPES:
        raise ValueError(f"{name} has dtype {values.dtype}, which is not portable: convert it to float64 or str")
    if values.dtype.kind == "U" and any("\0" in str(v) for v in values.flat):
        raise ValueError(f"{name} holds text with a NUL character: remove it")
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def _attributes(attrs: Mapping[Any, Any], where: str) -> dict[str, Any]:
    return {key: _attribute(key, value, where) for key, value in attrs.items() if value is not None}


def _attribute(key: Hashable, value: Any, where: str) -> Any:
    if not isinstance(key, str) or not key or "/" in key or key in _RESERVED:
        raise ValueError(f"{where}: {key!r} cannot name an attribute of a netCDF file: rename it")
    array = np.asarray(value)
    array = array.astype(np.int64) if array.dtype.kind == "b" else array
    text = array.dtype.kind == "U" and "\0" not in "".join(array.flat)
    if array.ndim > 1 or not array.size or not (text or array.dtype.name in _DTYPES):
        raise ValueError(
            f"{where}[{key!r}] must be text, a number or a flat list of one kind, got {value!r}: "
            f"write anything else as JSON text"
        )
    return array.item() if array.ndim == 0 else [str(v) for v in array] if text else array


def _encoding(variable: xr.Variable) -> dict[str, Any]:
    if variable.dtype.kind not in "biuf" or variable.size == 0 or variable.ndim == 0:
        return {"_FillValue": None}
    return {"_FillValue": None, "zlib": True, "complevel": 4, "shuffle": True}


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
