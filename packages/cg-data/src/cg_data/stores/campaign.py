"""A table of runs on disk: rows are independent, written by any number of processes, resumable after a kill.

The store is a Zarr group that any Zarr reader opens: parameters, results with one chunk per row, and `done`.
Beside the chunks, each finished row has a record, `done/records/<row>.json`, with the SHA-256 of the row's name,
attributes and results. A row is there if its record is there and its results match it: nothing else counts.

Why this holds whenever a writer is killed and however many there are:

* Every file is a draft first, synced, then renamed: it is whole or not there, never half.
* A row is written in one order: record removed, `done` removed, results, `done`, record. A kill in between leaves
  no record, so the row is missing; and where `done` is true for a plain Zarr reader, the results are whole.
* Writers of one row wait for each other: the kernel's lock (flock) on `done/locks/<row>`, which is freed when its
  holder dies, so no lock is ever stale. The last complete writer wins.
* Where locks do not work (NFS without a lock service, Lustre without `-o flock`, Windows) two writers of the same
  row may interleave. Then the results match neither record, or are equal to those of one of them: the row reads as
  missing or as written by one writer, never as a mixture. Rename and flock work over NFS version 4.

A reader takes no lock: a row that is being rewritten reads as missing.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from cg_data.errors import FileError
from cg_data.stores import campaign_layout as layout
from cg_data.stores.campaign_files import bounded, locked, write_synced
from cg_data.stores.campaign_rows import Result, address, canonical, checked, digest, results_of, row_ids, table_of

_RECORD_BYTES = 2**20


@dataclass(frozen=True, eq=False)
class Campaign:
    """A campaign on disk. Make one with `Campaign.create` or `Campaign.open`; it may be pickled to workers.

    >>> import tempfile
    >>> rows = {"density": ([0.6, 0.7], "1/sigma^3"), "seed": [1, 1]}
    >>> runs = Campaign.create(tempfile.mkdtemp() + "/runs", rows, {"g": (("r",), (3,), "float64", "")})
    >>> runs.write(1, {"g": [0.0, 1.5, 1.0]})
    >>> runs.missing(), runs.row(1).g.values
    (array([0]), array([0. , 1.5, 1. ]))
    """

    path: Path
    parameters: xr.Dataset
    results: dict[str, Result]
    row_ids: tuple[str, ...] = field(repr=False)
    attrs: dict[str, Any]

    @staticmethod
    def create(
        path: str | Path,
        rows: xr.Dataset | Mapping[str, Any],
        results: Mapping[str, Result | Sequence[Any]],
        *,
        attrs: Mapping[str, Any] | None = None,
    ) -> Campaign:
        """Return a new campaign, or the one at `path` if it has the same parameters and results.

        `rows` are columns of parameters, `values` or `(values, units)`, or a dataset of them along `row`, which
        may also hold coordinates of the results' dimensions. `results` are `(dims, shape, dtype, units)` of
        one row. `attrs` only describe: they do not tell two campaigns apart.
        """
        folder, wanted = Path(path), results_of(results)
        table = table_of(rows, wanted)
        described = json.loads(canonical(dict(attrs or {})))
        if not (folder / "zarr.json").exists():
            try:
                layout.build(folder, table, wanted, described)
            except OSError as error:
                if not (folder / "zarr.json").exists():  # else another process was faster
                    raise FileError(folder, f"cannot be made ({error})", remedy="choose another folder") from None
        found = Campaign.open(folder)
        if address(found.parameters, found.results) != address(table, wanted):
            raise ValueError(
                f"{folder} holds a campaign with other parameters or results "
                f"({len(found.row_ids)} rows, {sorted(found.results)}): choose another path"
            )
        return found

    @staticmethod
    def open(path: str | Path) -> Campaign:
        """Return the campaign at `path`; FileError for anything else."""
        table, results, attrs = layout.examine(Path(path))
        return Campaign(Path(path), table, results, row_ids(table), attrs)

    def write(
        self,
        row: int | str,
        values: Mapping[str, Any],
        *,
        attrs: Mapping[str, Any] | None = None,
        nan: bool = False,
    ) -> None:
        """Store all results of one row, given by its index or its `row_id`; it is there when this returns."""
        i = self._index(row)
        data = checked(self.results, values, nan)
        described = json.loads(canonical(dict(attrs or {})))
        checksum = digest(self.row_ids[i], described, self.results, data)
        record = canonical({"row_id": self.row_ids[i], "sha256": checksum, "attrs": described})
        if len(record) > _RECORD_BYTES:
            raise ValueError(f"attrs of a row take at most {_RECORD_BYTES} bytes as JSON, got {len(record)}")
        with locked(self._done("locks") / str(i)) as alone:
            self._remove(i, alone)
            for name, content in data.items():
                self._put(i, self._chunk(name, i), content)
            self._put(i, self._chunk("done", i), b"\1")
            self._put(i, self._record(i), record)

    def discard(self, row: int | str) -> None:
        """Make a row missing, to be done again."""
        i = self._index(row)
        with locked(self._done("locks") / str(i)) as alone:
            self._remove(i, alone)
            for name in self.results:
                self._chunk(name, i).unlink(missing_ok=True)

    def missing(self, *, verify: bool = False) -> np.ndarray:
        """Return the indices of the rows to do; `verify` also reads and checks the results of the others."""
        there = self._read if verify else self._record_of
        return np.array([i for i in range(len(self.row_ids)) if there(i) is None], dtype=np.int64)

    def row(self, row: int | str) -> xr.Dataset:
        """Return parameters, results and attributes of one row, checked; ValueError if it is missing."""
        i = self._index(row)
        found = self._read(i)
        if found is None:
            raise ValueError(f"row {i} of {self.path} is missing or damaged: write it (again)")
        data, attrs = found
        variables = {k: (r.dims, self._array(k, data[k]), {"units": r.units}) for k, r in self.results.items()}
        return self.parameters.isel(row=i).assign(variables).assign_attrs({**attrs, "row_id": self.row_ids[i]})

    def dataset(self, *, max_bytes: int = 8 * 2**30) -> xr.Dataset:
        """Return all rows in memory, checked; missing ones hold NaN (the lowest integer, False), `done` says which.

        For more than fits in memory: `xarray.open_zarr(path)`, which does not compare checksums.
        """
        size = len(self.row_ids) * sum(result.nbytes for result in self.results.values())
        if size > max_bytes:
            raise ValueError(f"{self.path} holds {size:.3g} bytes: use xarray.open_zarr, or pass max_bytes")
        rows = len(self.row_ids)
        done = np.zeros(rows, dtype=bool)
        values = {k: np.full((rows, *r.shape), r.missing, dtype=r.dtype) for k, r in self.results.items()}
        for i in range(rows):
            if (found := self._read(i)) is not None:
                done[i] = True
                for name, data in found[0].items():
                    values[name][i] = self._array(name, data)
        variables = {k: (("row", *r.dims), values[k], {"units": r.units}) for k, r in self.results.items()}
        return self.parameters.assign({**variables, "done": ("row", done)}).assign_attrs(self.attrs)

    def _index(self, row: int | str) -> int:
        if isinstance(row, str):
            if row not in self.row_ids:
                raise ValueError(f"{self.path} has no row with the row_id {row!r}")
            return self.row_ids.index(row)
        if isinstance(row, bool) or not isinstance(row, (int, np.integer)) or not 0 <= row < len(self.row_ids):
            raise ValueError(f"a row is a row_id or an index from 0 to {len(self.row_ids) - 1}, got {row!r}")
        return int(row)

    def _done(self, folder: str) -> Path:
        return self.path / "done" / folder

    def _record(self, i: int) -> Path:
        return self._done("records") / f"{i}.json"

    def _chunk(self, name: str, i: int) -> Path:
        dims = self.results[name].dims if name in self.results else ()
        return self.path.joinpath(name, "c", str(i), *("0" for _ in dims))

    def _array(self, name: str, data: bytes) -> np.ndarray:
        result = self.results[name]
        native: np.ndarray = np.frombuffer(data, result.stored).astype(result.dtype).reshape(result.shape)
        return native

    def _remove(self, i: int, alone: bool) -> None:
        self._record(i).unlink(missing_ok=True)
        self._chunk("done", i).unlink(missing_ok=True)
        for draft in self._done("drafts").glob(f"{i}.*") if alone else ():  # of a killed writer
            draft.unlink(missing_ok=True)

    def _put(self, i: int, path: Path, content: bytes) -> None:
        draft = self._done("drafts") / f"{i}.{uuid.uuid4().hex}"
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write_synced(draft, content)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)

    def _record_of(self, i: int) -> dict[str, Any] | None:
        try:
            found = json.loads(bounded(self._record(i), _RECORD_BYTES))
            whole = found["row_id"] == self.row_ids[i] and isinstance(found["sha256"], str)
            return found if whole and isinstance(found["attrs"], dict) else None
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return None

    def _read(self, i: int) -> tuple[dict[str, bytes], dict[str, Any]] | None:
        """Return bytes of the results and attributes of a row that is there, whole and unchanged; else None."""
        record = self._record_of(i)
        try:
            if record is None or bounded(self._chunk("done", i), 1) != b"\1":
                return None
            data = {name: bounded(self._chunk(name, i), r.nbytes) for name, r in self.results.items()}
            same = digest(self.row_ids[i], record["attrs"], self.results, data) == record["sha256"]
        except (OSError, ValueError, KeyError):
            return None
        return (data, record["attrs"]) if same and all(map(self._fits, data, data.values())) else None

    def _fits(self, name: str, data: bytes) -> bool:
        return len(data) == self.results[name].nbytes
