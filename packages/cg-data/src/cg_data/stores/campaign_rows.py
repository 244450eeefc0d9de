"""What the rows of a campaign are: their parameters, names, results and checksums."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

DTYPES = {"bool", "float32", "float64", *(f"{u}int{n}" for u in ("", "u") for n in (8, 16, 32, 64))}
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
_TAKEN = ("row", "done")


@dataclass(frozen=True, slots=True)
class Result:
    """What one row writes under one name: an array of this shape and dtype [units]; dims without `row`."""

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str
    units: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "dims", tuple(self.dims))
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))
        object.__setattr__(self, "dtype", np.dtype(self.dtype).name)
        if len(self.dims) != len(self.shape) or min(self.shape, default=1) < 1:
            raise ValueError(f"dims {self.dims} and shape {self.shape} must pair names with positive lengths")
        if self.dtype not in DTYPES:
            raise ValueError(f"dtype {self.dtype} cannot be stored: choose among {', '.join(sorted(DTYPES))}")
        if not isinstance(self.units, str):
            raise ValueError(f"units must be text ('' if the result has none), got {self.units!r}")

    @property
    def missing(self) -> Any:
        """What stands in the place of a row that is not there: NaN, the lowest integer, False."""
        kind = np.dtype(self.dtype)
        return np.nan if kind.kind == "f" else False if kind.kind == "b" else np.iinfo(kind).min or np.iinfo(kind).max

    @property
    def stored(self) -> np.dtype[Any]:
        """The dtype of the bytes on disk."""
        return np.dtype(self.dtype).newbyteorder("<")

    @property
    def nbytes(self) -> int:
        """The length of one row on disk [bytes]."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.stored.itemsize


def canonical(value: object) -> bytes:
    """Return the JSON text of a value that does not depend on the order of its keys."""
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
    except (TypeError, RecursionError) as error:
        raise ValueError(f"{value!r:.200} cannot be written as JSON ({error}): give text and numbers") from None


def results_of(results: Mapping[str, Result | Sequence[Any]]) -> dict[str, Result]:
    """Return the results by name from (dims, shape, dtype, units) tuples, checked against each other."""
    found, sizes = {}, dict[str, int]()
    for name, given in results.items():
        try:
            found[name] = given if isinstance(given, Result) else Result(*given)
        except (TypeError, ValueError) as error:
            raise ValueError(f"result {name!r}: {error}; give (dims, shape, dtype, units)") from None
        for dim, length in zip(found[name].dims, found[name].shape, strict=True):
            if not NAME.fullmatch(dim) or dim in _TAKEN or list(found[name].dims).count(dim) > 1:
                raise ValueError(f"result {name!r}: {dim!r} cannot name a dimension here")
            if sizes.setdefault(dim, length) != length:
                raise ValueError(f"result {name!r}: {dim} has length {length}, elsewhere {sizes[dim]}")
    if not found:
        raise ValueError("a campaign needs at least one result")
    return found


def table_of(rows: xr.Dataset | Mapping[str, Any], results: Mapping[str, Result]) -> xr.Dataset:
    """Return the parameters (row,) and the coordinates of the results' dimensions, as plain arrays with units.

    A mapping gives columns as `values` or `(values, units)`.
    """
    columns = rows.variables if isinstance(rows, xr.Dataset) else {k: _column(k, v) for k, v in rows.items()}
    plain = {str(name): _plain(str(name), variable) for name, variable in columns.items()}
    names = [*plain, *results]
    for name in names:
        if not NAME.fullmatch(name) or name in _TAKEN or sum(n.lower() == name.lower() for n in names) > 1:
            raise ValueError(f"{name!r} is no name for a column: letters, digits and _, once, not {_TAKEN}")
    sizes = {d: n for result in results.values() for d, n in zip(result.dims, result.shape, strict=True)}
    for name, variable in plain.items():
        if variable.dims != ("row",) and (variable.dims != (name,) or sizes.get(name) != variable.size):
            raise ValueError(
                f"{name!r} has dims {variable.dims} and shape {variable.shape}: a parameter is (row,), "
                f"a coordinate is one of the results' dimensions {sizes}"
            )
    lengths = {v.size for v in plain.values() if v.dims == ("row",)}
    if len(lengths) != 1 or lengths == {0}:
        raise ValueError(f"the parameters must be columns of one length above 0, got {sorted(lengths)}")
    return xr.Dataset(plain)


def _column(name: str, given: Any) -> xr.Variable:
    values, units = given if isinstance(given, tuple) and len(given) == 2 else (given, "")
    if isinstance(given, tuple) and (not isinstance(units, str) or np.ndim(values) != 1):
        raise ValueError(f"{name!r}: a tuple is (values, units); give the column itself as a list or an array")
    if np.ndim(values) != 1:
        raise ValueError(f"{name!r} must be a column of one value per row, got shape {np.shape(values)}")
    return xr.Variable(("row",), np.asarray(values), {"units": units})


def _plain(name: str, variable: xr.Variable) -> xr.Variable:
    values = variable.values
    if values.dtype.kind in "OT" and all(isinstance(v, str) for v in values.flat):
        values = values.astype(str)
    if values.dtype.kind != "U" and values.dtype.name not in DTYPES:
        raise ValueError(f"{name!r} has dtype {values.dtype}: parameters are numbers, bools or text")
    if values.dtype.kind == "f" and np.isnan(values).any():
        raise ValueError(f"{name!r} is NaN in row {int(np.argmax(np.isnan(values)))}: give every row a value")
    native = values.astype(values.dtype.newbyteorder("="))
    return xr.Variable(variable.dims, native, {"units": str(variable.attrs.get("units", ""))})


def row_ids(table: xr.Dataset) -> tuple[str, ...]:
    """Return the SHA-256 of each row's parameters; two rows may not have the same ones."""
    names = [str(name) for name, variable in table.variables.items() if variable.dims == ("row",)]
    columns = [table[name].values.tolist() for name in names]
    # + 0.0 makes −0.0 the same parameter as 0.0
    found = [
        {k: v + 0.0 if isinstance(v, float) else v for k, v in zip(names, values, strict=True)}
        for values in zip(*columns, strict=True)
    ]
    ids = tuple(hashlib.sha256(canonical(row)).hexdigest() for row in found)
    if len(set(ids)) < len(ids):
        first = {name: i for i, name in reversed(list(enumerate(ids)))}
        second = next(i for i, name in enumerate(ids) if first[name] != i)
        raise ValueError(f"rows {first[ids[second]]} and {second} have the same parameters: {found[second]}")
    return ids


def address(table: xr.Dataset, results: Mapping[str, Result]) -> str:
    """Return the SHA-256 of all that defines a campaign: parameters, coordinates, results, units."""
    coordinates = {k: v.values.tolist() for k, v in table.variables.items() if v.dims != ("row",)}
    columns = {
        k: [v.dtype.kind, v.dtype.itemsize * (v.dtype.kind != "U"), v.attrs["units"]]
        for k, v in table.variables.items()
    }
    wanted = {k: [r.dims, r.shape, r.dtype, r.units] for k, r in results.items()}
    return hashlib.sha256(canonical([row_ids(table), columns, coordinates, wanted])).hexdigest()


def checked(results: Mapping[str, Result], values: Mapping[str, Any], nan: bool) -> dict[str, bytes]:
    """Return the bytes on disk of one row's results; ValueError names the one that does not fit."""
    if set(values) != set(results):
        raise ValueError(f"a row has the results {sorted(results)}, got {sorted(values)}")
    return {name: _bytes(name, result, np.asarray(values[name]), nan) for name, result in results.items()}


def _bytes(name: str, result: Result, array: np.ndarray, nan: bool) -> bytes:
    if array.shape != result.shape:
        raise ValueError(f"{name!r} has shape {array.shape}, the campaign stores {result.shape}")
    kept = array.dtype.kind in "biuf" and np.can_cast(array.dtype, result.dtype, casting="safe")
    if array.dtype.kind in "iu" and np.dtype(result.dtype).kind in "iu":
        limits = np.iinfo(result.dtype)
        kept = bool(int(array.min()) >= limits.min and int(array.max()) <= limits.max)
    if not kept:
        raise ValueError(
            f"{name!r} has dtype {array.dtype}, which {result.dtype} cannot hold exactly: convert it with .astype"
        )
    if array.dtype.kind == "f" and not nan and np.isnan(array).any():
        where = tuple(int(i) for i in np.argwhere(np.isnan(array))[0])
        raise ValueError(f"{name!r} is NaN at index {where}: mend it, or pass nan=True if it means something")
    return array.astype(result.stored).tobytes()


def digest(row_id: str, attrs: object, results: Mapping[str, Result], data: Mapping[str, bytes]) -> str:
    """Return the SHA-256 over all of a row: its name, its attributes, and its results' layout and bytes."""
    names = sorted(results)
    layout = [[name, results[name].dims, results[name].shape, results[name].dtype] for name in names]
    total = hashlib.sha256(canonical([row_id, attrs, layout]))
    for name in names:
        total.update(data[name])
    return total.hexdigest()
