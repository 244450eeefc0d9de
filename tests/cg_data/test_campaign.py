"""A campaign loses no finished row and believes no half-written one, whoever writes, whenever it is killed."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import pickle
import random
import shutil
import struct
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cg_data.errors import FileError
from cg_data.stores import campaign_files
from cg_data.stores.campaign import Campaign
from cg_data.stores.campaign_rows import DTYPES

ROWS = {
    "density": ([0.5, 0.5, 0.75], "sigma^-3"),
    "seed": np.array([1, 2, 1], np.int32),
    "kind": ["lj", "wca", "Müller"],
}
RESULTS = {
    "g": (("r",), (4,), "float64", ""),
    "pressure": ((), (), "float32", "epsilon/sigma^3"),
    "counts": (("r", "axis"), (4, 2), "int16", ""),
    "stable": ((), (), "bool", ""),
}
needs_posix = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks and kills processes")


def values(seed: float) -> dict[str, np.ndarray]:
    """Return results that all tell the seed."""
    return {
        "g": np.arange(4) + seed,
        "pressure": np.float32(seed),
        "counts": np.full((4, 2), int(seed), np.int16),
        "stable": np.bool_(seed > 0),
    }


def seeds_in(row: xr.Dataset) -> set[float]:
    """Return the seeds that a row was made with: one, if it is no mixture."""
    return {float(row.g[0]), float(row.pressure), *map(float, row.counts.values.flat), float(row.attrs["by"])}


@pytest.fixture
def runs(tmp_path):
    """An empty campaign of three rows."""
    return Campaign.create(tmp_path / "runs", ROWS, RESULTS, attrs={"engine": "cpu"})


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished campaign with a grid for r, not to be changed."""
    path = tmp_path_factory.mktemp("campaign") / "runs"
    rows = xr.Dataset(
        {k: ("row", *((v[0], {"units": v[1]}) if isinstance(v, tuple) else (v,))) for k, v in ROWS.items()},
        {"r": ("r", [0.5, 1.0, 1.5, 2.0], {"units": "sigma"})},
    )
    made = Campaign.create(path, rows, RESULTS)
    for i in range(3):
        made.write(i, values(i + 1.0), attrs={"by": i + 1.0})
    return made


@pytest.fixture
def copy(finished, tmp_path):
    """A copy of the finished campaign, to be damaged."""
    shutil.copytree(finished.path, tmp_path / "copy")
    return tmp_path / "copy"


class TestRows:
    def test_a_new_campaign_misses_all_rows(self, runs):
        assert runs.missing().tolist() == [0, 1, 2]
        assert runs.missing(verify=True).tolist() == [0, 1, 2]
        ds = runs.dataset()
        assert not ds.done.any()
        assert np.isnan(ds.g).all()
        assert np.isnan(ds.pressure).all()
        assert (ds.counts == -(2**15)).all()
        with pytest.raises(ValueError, match=r"row 1 .* is missing"):
            runs.row(1)

    def test_what_is_written_is_read(self, runs):
        runs.write(2, values(7.0), attrs={"by": 7.0, "steps": [1, 2]})
        row = Campaign.open(runs.path).row(2)
        assert row.g.values.tolist() == [7.0, 8.0, 9.0, 10.0]
        assert (float(row.pressure), bool(row.stable), row.counts.dtype) == (7.0, True, np.int16)
        assert (float(row.density), int(row.seed), str(row.kind.values)) == (0.75, 1, "Müller")
        assert row.density.attrs["units"] == "sigma^-3"
        assert row.pressure.attrs["units"] == "epsilon/sigma^3"
        assert row.attrs == {"by": 7.0, "steps": [1, 2], "row_id": runs.row_ids[2]}
        assert runs.missing().tolist() == [0, 1]
        ds = runs.dataset()
        assert ds.done.values.tolist() == [False, False, True]
        assert ds.g[2].values.tolist() == [7.0, 8.0, 9.0, 10.0]
        assert ds.attrs == {"engine": "cpu"}

    def test_rows_are_named_by_their_parameters(self, runs):
        """The name is the SHA-256 of the canonical JSON, spelled out here."""
        text = '{"density":0.5,"kind":"wca","seed":2}'
        assert runs.row_ids[1] == hashlib.sha256(text.encode()).hexdigest()
        runs.write(runs.row_ids[1], values(3.0))
        assert runs.missing().tolist() == [0, 2]

    def test_the_record_and_the_chunks_on_disk(self, finished):
        """The layout of the Zarr 3 standard, and the checksum, by an independent computation."""
        assert (finished.path / "g/c/1/0").read_bytes() == struct.pack("<4d", 2, 3, 4, 5)
        assert (finished.path / "pressure/c/1").read_bytes() == struct.pack("<f", 2)
        assert (finished.path / "counts/c/1/0/0").read_bytes() == struct.pack("<8h", *[2] * 8)
        assert (finished.path / "stable/c/1").read_bytes() == (finished.path / "done/c/1").read_bytes() == b"\1"
        layout = '[["counts",["r","axis"],[4,2],"int16"],["g",["r"],[4],"float64"],["pressure",[],[],"float32"],["stable",[],[],"bool"]]'
        head = f'["{finished.row_ids[1]}",{{"by":2.0}},{layout}]'.encode()
        data = struct.pack("<8h", *[2] * 8) + struct.pack("<4d", 2, 3, 4, 5) + struct.pack("<f", 2) + b"\1"
        record = json.loads((finished.path / "done/records/1.json").read_bytes())
        assert record["sha256"] == hashlib.sha256(head + data).hexdigest()

    def test_any_zarr_reader_opens_it(self, finished, runs):
        import zarr

        for given_metadata in (None, True, False):
            ds = xr.open_zarr(finished.path, chunks=None, consolidated=given_metadata).load()
            ours = finished.dataset()
            assert set(ds.variables) == set(ours.variables)
            for name in ours.variables:
                assert ds[name].dims == ours[name].dims
                np.testing.assert_array_equal(ds[name].values.astype(ours[name].dtype), ours[name].values)
        assert ds.g.encoding["chunks"] == (1, 4)
        assert ds.density.attrs == {"units": "sigma^-3", "role": "parameter"}
        assert ds.pressure.attrs["units"] == "epsilon/sigma^3"
        assert ds.r.values.tolist() == [0.5, 1.0, 1.5, 2.0]
        assert sorted(zarr.open_group(finished.path, mode="r").array_keys()) == sorted(ours.variables)
        half = xr.open_zarr(runs.path, chunks=None)
        assert np.isnan(half.g).all()
        assert not half.done.any()

    def test_discard(self, finished, copy):
        runs = Campaign.open(copy)
        runs.discard(1)
        assert runs.missing().tolist() == [1]
        ds = xr.open_zarr(copy, chunks=None)
        assert ds.done.values.tolist() == [True, False, True]
        assert np.isnan(ds.g[1]).all()
        runs.discard(1)
        runs.write(1, values(2.0), attrs={"by": 2.0})
        xr.testing.assert_identical(runs.dataset(), finished.dataset())

    def test_a_row_may_be_written_again(self, runs):
        for seed in (1.0, 2.0):
            runs.write(0, values(seed), attrs={"by": seed})
        assert seeds_in(runs.row(0)) == {2.0}

    def test_a_campaign_travels_to_workers(self, runs):
        pickle.loads(pickle.dumps(runs)).write(0, values(4.0), attrs={"by": 4})
        assert seeds_in(runs.row(0)) == {4.0}

    def test_dataset_refuses_more_than_fits(self, finished):
        with pytest.raises(ValueError, match=r"use xarray\.open_zarr"):
            finished.dataset(max_bytes=100)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    array=hnp.arrays(
        st.sampled_from(sorted(DTYPES)),
        hnp.array_shapes(min_dims=0, max_dims=3, max_side=4),
    ),
    parameter=st.floats(allow_nan=False) | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    big_endian=st.booleans(),
)  # fmt: skip
def test_round_trip(tmp_path_factory, array, parameter, big_endian):
    path = tmp_path_factory.mktemp("round") / "runs"
    dims = tuple(f"d{i}" for i in range(array.ndim))
    made = Campaign.create(path, {"p": [parameter]}, {"x": (dims, array.shape, array.dtype, "u")})
    made.write(0, {"x": array.astype(array.dtype.newbyteorder(">")) if big_endian else array}, nan=True)
    row = Campaign.open(path).row(0)
    assert row["x"].dtype == array.dtype
    assert row["x"].values.tobytes() == array.tobytes()
    assert row["p"].values.tolist() == parameter
    plain = xr.open_zarr(path, chunks=None, decode_times=False)["x"].values[0]
    assert np.asarray(plain, array.dtype).tobytes() == array.tobytes()
    shutil.rmtree(path)


class TestCreate:
    def test_the_same_campaign_is_resumed_and_another_refused(self, runs):
        runs.write(0, values(1.0))
        again = Campaign.create(runs.path, ROWS, RESULTS, attrs={"engine": "other"})
        assert again.missing().tolist() == [1, 2]
        assert again.attrs == {"engine": "cpu"}
        for rows, results in [
            (ROWS | {"seed": np.array([1, 2, 3], np.int32)}, RESULTS),
            (ROWS | {"density": ([0.5, 0.5, 0.75], "nm^-3")}, RESULTS),
            (ROWS, RESULTS | {"extra": ((), (), "f8", "")}),
            (ROWS, RESULTS | {"pressure": ((), (), "f8", "epsilon/sigma^3")}),
        ]:
            with pytest.raises(ValueError, match="other parameters or results"):
                Campaign.create(runs.path, rows, results)
        assert runs.missing().tolist() == [1, 2]

    def test_a_failed_creation_leaves_nothing(self, tmp_path, monkeypatch):
        def full(handle):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(FileError, match="No space left"):
            Campaign.create(tmp_path / "runs", ROWS, RESULTS)
        assert not list(tmp_path.iterdir())

    def test_places_that_cannot_hold_one(self, tmp_path):
        (tmp_path / "file").write_text("x")
        (tmp_path / "full").mkdir()
        (tmp_path / "full" / "mine.txt").write_text("x")
        for name in ("file", "full", "no/where"):
            with pytest.raises(FileError, match="cannot be made"):
                Campaign.create(tmp_path / name, ROWS, RESULTS)
        assert (tmp_path / "full" / "mine.txt").read_text() == "x"
        assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "full"]

    @pytest.mark.parametrize(
        ("rows", "words"),
        [
            ({"p": [1.0, np.nan]}, "'p' is NaN in row 1"),
            ({"p": [1, 2, 1]}, "rows 0 and 2 have the same parameters"),
            ({"p": [0.0, -0.0]}, "rows 0 and 1 have the same"),
            ({"p": [1], "q": [1, 2]}, "one length"),
            ({"p": []}, "dtype|one length"),
            ({}, "one length"),
            ({"p": [[1, 2]]}, "one value per row"),
            ({"p": 1.0}, "one value per row"),
            ({"p": (1.0, 2.0)}, "a tuple is"),
            ({"p": [{}, 1]}, "'p' has dtype object"),
            ({"p": np.array(["2020"], "M8[s]")}, "'p' has dtype datetime64"),
            ({"done": [1]}, "'done' is no name"),
            ({"a/b": [1]}, "'a/b' is no name"),
            ({"..": [1]}, "is no name"),
            ({"G": [1]}, "is no name"),  # one file with the result g where case does not count
            (xr.Dataset({"p": ("row", [1]), "r": ("r", [1.0, 2.0])}), "'r' has dims"),
            (xr.Dataset({"p": ("row", [1]), "m": (("row", "r"), [[1.0] * 4])}), "'m' has dims"),
            (xr.Dataset({"p": ("row", [1])}, {"row": [5]}), "'row' is no name"),
        ],
    )
    def test_wrong_rows(self, tmp_path, rows, words):
        with pytest.raises(ValueError, match=words):
            Campaign.create(tmp_path / "runs", rows, RESULTS)
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize(
        ("results", "words"),
        [
            ({}, "at least one result"),
            ({"x": ((), ())}, "'x'.*give"),
            ({"x": (("r",), (), "f8", "")}, "'x'.*pair names"),
            ({"x": (("r",), (0,), "f8", "")}, "'x'.*positive"),
            ({"x": ((), (), "O", "")}, "'x'.*dtype object"),
            ({"x": ((), (), "S4", "")}, "'x'.*dtype"),
            ({"x": ((), (), "f8", None)}, "'x'.*units"),
            ({"x": (("row",), (3,), "f8", "")}, "'row' cannot name"),
            ({"x": (("r", "r"), (3, 3), "f8", "")}, "'r' cannot name"),
            ({"x": (("r",), (3,), "f8", ""), "y": (("r",), (4,), "f8", "")}, "'y': r has length 4"),
            ({"../x": ((), (), "f8", "")}, "is no name"),
            ({"seed": ((), (), "f8", "")}, "is no name"),
        ],
    )
    def test_wrong_results(self, tmp_path, results, words):
        with pytest.raises(ValueError, match=words):
            Campaign.create(tmp_path / "runs", ROWS, results)
        assert not list(tmp_path.iterdir())

    def test_wrong_attributes(self, tmp_path):
        for attrs in ({"schema": "mine"}, {"f": len}, {"x": np.ones(2)}):
            with pytest.raises(ValueError, match=r"schema|JSON"):
                Campaign.create(tmp_path / "runs", ROWS, RESULTS, attrs=attrs)
        assert not list(tmp_path.iterdir())


class TestWrite:
    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"g": np.ones(5)}, r"'g' has shape \(5,\), the campaign stores \(4,\)"),
            ({"g": np.ones(4, complex)}, "'g' has dtype complex128"),
            ({"g": ["a"] * 4}, "'g' has dtype <U1"),
            ({"g": [1.0, np.nan, 0.0, 0.0]}, r"'g' is NaN at index \(1,\)"),
            ({"pressure": np.float64(1)}, "'pressure' has dtype float64.*float32"),
            ({"counts": np.full((4, 2), 2**15)}, "'counts' has dtype int64.*int16"),
            ({"stable": 1}, "'stable' has dtype int64"),
            ({"more": 1}, "has the results"),
        ],
    )
    def test_wrong_values(self, runs, change, words):
        with pytest.raises(ValueError, match=words):
            runs.write(0, values(1.0) | change)
        assert runs.missing().tolist() == [0, 1, 2]

    def test_wrong_rows_and_attributes(self, runs):
        for row in (-1, 3, 1.0, True, "0" * 64, None):
            with pytest.raises(ValueError, match=r"row_id|a row is"):
                runs.write(row, values(1.0))
        for attrs in ({"f": len}, {"text": "x" * 2**20}):
            with pytest.raises(ValueError, match="JSON"):
                runs.write(0, values(1.0), attrs=attrs)

    def test_fitting_values_of_other_types(self, runs):
        runs.write(
            0, {"g": [1, 2, 3, 4], "pressure": np.float32(2), "counts": np.ones((4, 2), np.uint64), "stable": True}
        )
        assert runs.row(0).g.values.tolist() == [1.0, 2.0, 3.0, 4.0]
        runs.write(0, values(1.0) | {"g": [np.nan, np.inf, 0.0, 1.0]}, nan=True)
        assert np.isnan(runs.row(0).g[0])

    @pytest.mark.parametrize("call", range(1, 7))
    def test_a_full_disk_at_every_file(self, finished, copy, monkeypatch, call):
        """Four results, `done` and the record: six files; the n-th finds the disk full."""
        runs, real, calls = Campaign.open(copy), os.fsync, []

        def full(handle):
            calls.append(handle)
            if len(calls) == call:
                raise OSError(errno.ENOSPC, "No space left on device")
            real(handle)

        monkeypatch.setattr(campaign_files.os, "fsync", full)
        with pytest.raises(OSError, match="No space left") as caught:
            runs.write(1, values(9.0), attrs={"by": 9})
        assert caught.value.errno == errno.ENOSPC
        assert Campaign.open(copy).missing().tolist() == [1]
        assert seeds_in(runs.row(0)) == {1.0}
        assert not list((copy / "done/drafts").iterdir())
        runs.write(1, values(2.0), attrs={"by": 2.0})
        xr.testing.assert_identical(runs.dataset(), finished.dataset())


class TestDamage:
    @pytest.mark.parametrize(
        "file", ["g/c/1/0", "pressure/c/1", "counts/c/1/0/0", "stable/c/1", "done/c/1", "done/records/1.json"]
    )
    def test_every_file_of_a_row(self, copy, file):
        runs, path = Campaign.open(copy), copy / file
        good = path.read_bytes()
        bad = {good[:n] for n in range(0, len(good), max(1, len(good) // 9))} | {
            good + b"\0",
            good * 2,
            b"\xff" * len(good),
        }
        bad |= {
            good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :] for at in range(0, len(good), max(1, len(good) // 9))
        }
        for content in (*bad, None):
            path.unlink(missing_ok=True)
            if content is not None:
                path.write_bytes(content)
            assert runs.missing(verify=True).tolist() == [1], content
            with pytest.raises(ValueError, match="missing or damaged"):
                runs.row(1)
        path.unlink(missing_ok=True)
        assert runs.dataset().done.values.tolist() == [True, False, True]
        assert runs.missing().tolist() == ([1] if "records" in file else [])
        path.write_bytes(good)
        assert runs.missing(verify=True).tolist() == []

    def test_records_of_strangers(self, copy):
        runs, path = Campaign.open(copy), copy / "done/records/1.json"
        record = json.loads(path.read_bytes())
        for bad in ([], 1, None, {}, record | {"sha256": 1}, record | {"attrs": []}, record | {"attrs": {"by": 3}},
                    record | {"row_id": runs.row_ids[0]}):  # fmt: skip
            path.write_text(json.dumps(bad))
            assert runs.missing(verify=True).tolist() == [1]
        for raw in (b"\xff\xfe", b"[" * 100_000, b" " * 2**20 + json.dumps(record).encode()):
            path.write_bytes(raw)
            assert runs.missing().tolist() == [1]
        shutil.copy(copy / "done/records/0.json", path)
        assert runs.missing().tolist() == [1]

    def test_chunks_of_two_writers_are_no_row(self, copy):
        shutil.copy(copy / "g/c/0/0", copy / "g/c/1/0")
        assert Campaign.open(copy).missing(verify=True).tolist() == [1]


def edit(path, change):
    """Change the metadata of array g, both where the store and where the array says it."""
    root = json.loads((path / "zarr.json").read_text())
    for file, meta in ((path / "zarr.json", root), (path / "g/zarr.json", None)):
        meta = meta or json.loads(file.read_text())
        change(meta["consolidated_metadata"]["metadata"]["g"] if meta is root else meta)
        file.write_text(json.dumps(meta))


def edit_root(path, change):
    """Change the metadata of the store."""
    root = json.loads((path / "zarr.json").read_text())
    change(root)
    (path / "zarr.json").write_text(json.dumps(root))


def rename(path, name):
    """Move array g elsewhere, as the store tells it."""

    def change(root):
        arrays = root["consolidated_metadata"]["metadata"]
        arrays[name] = arrays.pop("g")

    edit_root(path, change)


def symlink(path, name):
    """Replace a folder by a link to a copy outside."""
    shutil.move(path / name, path.parent / "outside")
    (path / name).symlink_to(path.parent / "outside")


STRANGE = {
    "pickle codec": lambda p: edit(p, lambda m: m.update(codecs=[{"name": "numcodecs.pickle", "configuration": {}}])),
    "a second codec": lambda p: edit(p, lambda m: m["codecs"].append({"name": "zstd", "configuration": {}})),
    "big endian": lambda p: edit(p, lambda m: m["codecs"][0].update(configuration={"endian": "big"})),
    "no codec": lambda p: edit(p, lambda m: m.update(codecs=[])),
    "object dtype": lambda p: edit(p, lambda m: m.update(data_type="object")),
    "dtype with a configuration": lambda p: edit(p, lambda m: m.update(data_type={"name": "null"})),
    "another dtype": lambda p: edit(p, lambda m: m.update(data_type="float32")),
    "other chunks": lambda p: edit(p, lambda m: m["chunk_grid"]["configuration"].update(chunk_shape=[3, 4])),
    "other keys": lambda p: edit(p, lambda m: m["chunk_key_encoding"]["configuration"].update(separator=".")),
    "storage transformers": lambda p: edit(p, lambda m: m.update(storage_transformers=[{"name": "x"}])),
    "negative shape": lambda p: edit(p, lambda m: m.update(shape=[3, -4])),
    "shape of text": lambda p: edit(p, lambda m: m.update(shape=["3", 4])),
    "petabytes": lambda p: edit(p, lambda m: m.update(shape=[3, 2**50])),
    "other rows": lambda p: edit(p, lambda m: m.update(shape=[4, 4])),
    "other role": lambda p: edit(p, lambda m: m["attributes"].update(role="parameter")),
    "unknown role": lambda p: edit(p, lambda m: m["attributes"].update(role="x")),
    "other units": lambda p: edit(p, lambda m: m["attributes"].update(units="nm")),
    "no attributes": lambda p: edit(p, lambda m: m.pop("attributes")),
    "other dims": lambda p: edit(p, lambda m: m.update(dimension_names=["row", "x"])),
    "the array says otherwise": lambda p: (p / "g/zarr.json").write_text("{}"),
    "no array metadata": lambda p: (p / "g/zarr.json").unlink(),
    "a path up": lambda p: rename(p, "../runs/g"),
    "an absolute path": lambda p: rename(p, "/etc"),
    "a path below": lambda p: rename(p, "g/g"),
    "Zarr 2 group": lambda p: (p / ".zgroup").write_text('{"zarr_format": 2}'),
    "Zarr 2 array": lambda p: (p / "g/.zarray").write_text('{"filters": [{"id": "pickle"}]}'),
    "an array more": lambda p: shutil.copytree(p / "g", p / "h"),
    "a linked array": lambda p: symlink(p, "g"),
    "linked chunks": lambda p: symlink(p, "g/c"),
    "linked records": lambda p: symlink(p, "done/records"),
    "version 2": lambda p: edit_root(p, lambda m: m["attributes"].update(schema_version=2)),
    "another schema": lambda p: edit_root(p, lambda m: m["attributes"].update(schema="x")),
    "another address": lambda p: edit_root(p, lambda m: m["attributes"].update(address="0" * 64)),
    "no consolidated metadata": lambda p: edit_root(p, lambda m: m.pop("consolidated_metadata")),
    "no done": lambda p: (edit_root(p, lambda m: m["consolidated_metadata"]["metadata"].pop("done")), shutil.rmtree(p / "done")),
    "a list": lambda p: (p / "zarr.json").write_text("[]"),
    "no JSON": lambda p: (p / "zarr.json").write_bytes(b"\x80\x04K\x01."),
    "deep JSON": lambda p: (p / "zarr.json").write_text("[" * 200_000),
    "empty": lambda p: (p / "zarr.json").write_text(""),
    "another parameter": lambda p: (p / "density/c/0").write_bytes(struct.pack("<3d", 0.5, 0.5, 0.76)),
    "a cut parameter": lambda p: (p / "density/c/0").write_bytes(struct.pack("<2d", 0.5, 0.5)),
    "a cut text": lambda p: (p / "kind/c/0").write_bytes((p / "kind/c/0").read_bytes()[:-1]),
    "a million texts": lambda p: (p / "kind/c/0").write_bytes(struct.pack("<I", 2**32 - 1) + bytes(20)),
    "no parameter": lambda p: (p / "density/c/0").unlink(),
}  # fmt: skip


class TestStrangeStores:
    @pytest.mark.parametrize("name", STRANGE)
    def test_are_refused(self, copy, name):
        STRANGE[name](copy)
        with pytest.raises(FileError) as caught:
            Campaign.open(copy)
        assert caught.value.remedy

    def test_what_is_no_store(self, tmp_path):
        (tmp_path / "v2").mkdir()
        (tmp_path / "v2/.zgroup").write_text('{"zarr_format": 2}')
        (tmp_path / "v2/.zarray").write_text('{"zarr_format": 2, "filters": [{"id": "pickle"}], "dtype": "|O"}')
        (tmp_path / "file").write_text("x")
        for path in (tmp_path, tmp_path / "v2", tmp_path / "file", tmp_path / "nowhere", "a\0b"):
            with pytest.raises(FileError, match=r"is not the folder of a campaign|is no campaign"):
                Campaign.open(path)

    def test_another_zarr_group(self, tmp_path):
        xr.Dataset({"x": ("row", [1.0])}).to_zarr(tmp_path / "x", consolidated=False)
        with pytest.raises(FileError, match="not of a campaign"):
            Campaign.open(tmp_path / "x")

    @pytest.mark.fuzz
    def test_fuzz_metadata_and_columns(self, finished, copy):
        """Mutated files of the store: FileError, or the campaign that it was."""
        rng = random.Random(1)
        files = [
            copy / name
            for name in ("zarr.json", "g/zarr.json", "kind/zarr.json", "density/c/0", "kind/c/0", "seed/c/0")
        ]
        goods = {file: file.read_bytes() for file in files}
        words = [
            b"null",
            b"-1",
            b"1e999",
            b"99999999999999999999",
            b'"x"',
            b"NaN",
            b"[]",
            b"{}",
            b"true",
            b"\xff",
            b"\0",
            b"",
        ]
        for k in range(int(os.environ.get("MALFORMED_FILES", "2400"))):
            file = rng.choice(files)
            raw = bytearray(goods[file])
            if k % 4 == 0:
                raw = bytearray(rng.randbytes(rng.randint(1, 300)))
            for _ in range(rng.randint(1, 3)):
                at, length = rng.randrange(len(raw) + 1), rng.randint(1, 12)
                match rng.randrange(4):
                    case 0:
                        raw[at : at + 1] = rng.randbytes(1)
                    case 1:
                        raw[at : at + length] = rng.choice(words)
                    case 2:
                        del raw[at:]
                    case _:
                        raw[at:at] = raw[at : at + 40]
            file.write_bytes(raw)
            try:
                found = Campaign.open(copy)
            except FileError:
                pass
            else:
                assert found.row_ids == finished.row_ids
                assert found.results == finished.results
                xr.testing.assert_equal(found.parameters, finished.parameters)
            file.write_bytes(goods[file])


DRIVER = """
import errno, json, os, pathlib, random, signal, sys, time
import numpy as np
from cg_data.stores import campaign_files
from cg_data.stores.campaign import Campaign

def values(seed):
    return {"g": np.arange(4) + seed, "pressure": np.float32(seed), "counts": np.full((4, 2), int(seed), np.int16),
            "stable": np.bool_(seed > 0)}

def seeds(row):
    found = {float(row.g[0]), float(row.pressure), float(row.attrs["by"])}
    return sorted(found | set(map(float, row.counts.values.flat)))

def fork(work, *args):
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work(*args)
            code = 0
        finally:
            os._exit(code)
    return child

def status(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

path, out = sys.argv[1], []
runs = Campaign.open(path)
"""


def drive(path, script: str):
    """Run a script that forks, kills and inspects writers of a store; return what it reports."""
    code = DRIVER + script + "\nsys.stdout.write(json.dumps(out))\n"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


@pytest.fixture
def many(tmp_path):
    """An empty campaign of 40 rows."""
    return Campaign.create(tmp_path / "many", {"seed": np.arange(40)}, RESULTS)


@needs_posix
class TestManyWriters:
    def test_four_processes_write_different_rows(self, many):
        codes = drive(many.path, """
def work(k):
    for i in range(k, 40, 4):
        Campaign.open(path).write(i, values(float(i)), attrs={"by": float(i)})
out = [status(c) for c in [fork(work, k) for k in range(4)]]
""")  # fmt: skip
        assert codes == [0] * 4
        assert many.missing(verify=True).tolist() == []
        assert [seeds_in(many.row(i)) for i in range(40)] == [{float(i)} for i in range(40)]

    def test_four_processes_write_the_same_row(self, many):
        """At the end it is one of the four; a reader in between meets one of them or none, never a mixture."""
        codes, seen = drive(many.path, """
def work(k):
    for n in range(60):
        runs.write(5, values(float(k)), attrs={"by": float(k)})
children, seen = [fork(work, k) for k in range(1, 5)], []
end = time.monotonic() + 0.3
while time.monotonic() < end:
    try:
        seen.append(seeds(runs.row(5)))
    except ValueError:
        pass
out = [[status(c) for c in children], seen]
""")  # fmt: skip
        assert codes == [0] * 4
        assert all(len(seeds) == 1 for seeds in seen)
        assert many.missing(verify=True).tolist() == [i for i in range(40) if i != 5]
        assert seeds_in(many.row(5)) in [{1.0}, {2.0}, {3.0}, {4.0}]
        assert not list((many.path / "done/drafts").iterdir())

    def test_without_locks_a_mixture_still_reads_as_missing(self, many):
        """A file system without locks: each of 60 meetings of 4 writers ends whole or missing."""
        found = drive(many.path, """
import fcntl
def none(handle, flag):
    raise OSError(errno.ENOLCK, "No locks available")
fcntl.flock = none
def work(k, i):
    runs.write(i, values(float(k)), attrs={"by": float(k)})
for n in range(60):
    codes = [status(c) for c in [fork(work, k, n % 40) for k in range(1, 5)]]
    try:
        out.append([codes, seeds(runs.row(n % 40))])
    except ValueError:
        out.append([codes, None])
""")  # fmt: skip
        assert len(found) == 60
        assert all(codes == [0] * 4 for codes, _ in found)
        assert all(seeds is None or len(seeds) == 1 for _, seeds in found)
        assert any(seeds for _, seeds in found)

    def test_threads_write_the_same_row(self, many):
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda k: many.write(3, values(k), attrs={"by": k}), [1.0 + k % 8 for k in range(80)]))
        assert len(seeds_in(many.row(3))) == 1

    def test_an_error_of_the_lock_is_not_hidden(self, many, monkeypatch):
        import fcntl

        def broken(handle, flag):
            raise OSError(errno.EIO, "Input/output error")

        monkeypatch.setattr(fcntl, "flock", broken)
        with pytest.raises(OSError, match="Input/output"):
            many.write(0, values(1.0))
        assert 0 in many.missing()

    def test_where_there_is_no_fcntl(self, many, monkeypatch):
        monkeypatch.setitem(sys.modules, "fcntl", None)
        many.write(0, values(1.0), attrs={"by": 1.0})
        assert seeds_in(many.row(0)) == {1.0}

    def test_two_processes_create_the_same_store(self, many):
        codes = drive(many.path, """
from cg_data.stores.campaign_rows import Result
import shutil
place = pathlib.Path(path).parent / "both"
def work(k):
    c = Campaign.create(place, runs.parameters, runs.results)
    c.write(k, values(float(k)), attrs={"by": float(k)})
import zarr
children = []
for k in range(4):
    children.append(fork(work, k))
out = [status(c) for c in children]
""")  # fmt: skip
        assert codes == [0] * 4
        both = Campaign.open(many.path.parent / "both")
        assert both.missing(verify=True).tolist() == list(range(4, 40))
        assert sorted(p.name for p in many.path.parent.iterdir()) == ["both", "many"]


@needs_posix
class TestKills:
    def test_a_kill_at_each_step_of_a_row(self, many):
        """The writer kills itself before and after its n-th operation on files, for every n: new row and old row."""
        found = drive(many.path, """
Path = pathlib.Path
def arm(step):
    calls = [0]
    def wrapped(real):
        def call(*args, **options):
            for moment in range(2):
                calls[0] += 1
                if calls[0] == step:
                    os.kill(os.getpid(), signal.SIGKILL)
                if moment == 0:
                    result = real(*args, **options)
            return result
        return call
    Path.replace, Path.unlink, Path.mkdir = wrapped(Path.replace), wrapped(Path.unlink), wrapped(Path.mkdir)
    os.fsync, os.open = wrapped(os.fsync), wrapped(os.open)

def work(step):
    arm(step)
    runs.write(0, values(2.0), attrs={"by": 2.0})

import xarray as xr
for old in (False, True):
    for step in range(1, 1000):
        runs.discard(0)
        if old:
            runs.write(0, values(1.0), attrs={"by": 1.0})
        code = status(fork(work, step))
        there = Campaign.open(path)
        whole = None if 0 in there.missing(verify=True) else seeds(there.row(0))
        fast = 0 not in there.missing()
        plain = xr.open_zarr(path, chunks=None)
        shown = plain.isel(row=0).load().assign_attrs(by=float(plain.g[0, 0]))
        out.append([old, code, whole, fast, bool(shown.done), seeds(shown) if shown.done else None])
        if code == 0:
            break
runs.write(0, values(3.0), attrs={"by": 3.0})
""")  # fmt: skip
        assert sum(code == 0 for _, code, *_ in found) == 2
        assert sum(code == -9 for _, code, *_ in found) > 60
        for old, code, whole, fast, shown_done, shown in found:
            assert whole in (None, [2.0], *([[1.0]] if old else []))
            assert fast == (whole is not None)  # no need to verify after a kill
            assert not shown_done or shown in ([1.0], [2.0])  # nor for a plain Zarr reader
            assert shown_done or whole is None
            assert code == -9 or whole == [2.0]
        assert {json.dumps(whole) for old, _, whole, *_ in found if old} == {"null", "[1.0]", "[2.0]"}
        assert seeds_in(many.row(0)) == {3.0}
        assert not list((many.path / "done/drafts").iterdir())  # those of killed writers are cleared away

    def test_twenty_five_kills_at_random_and_the_store_is_as_if_there_were_none(self, many):
        kills = drive(many.path, """
random.seed(3)
def work():
    there = Campaign.open(path)
    for i in there.missing():
        there.write(int(i), values(float(i)), attrs={"by": float(i)})
begun, there = time.monotonic(), Campaign.open(path)
for i in range(4):
    there.write(i, values(0.0), attrs={"by": 0.0})
    there.discard(i)
each = (time.monotonic() - begun) / 4  # on this machine, now
kills = 0
while kills < 25:
    child = fork(work)
    time.sleep(random.uniform(0.5, 12) * each)
    os.kill(child, signal.SIGKILL)
    killed = status(child) == -9
    there = Campaign.open(path)
    missing = there.missing().tolist()
    assert missing == there.missing(verify=True).tolist()
    kills += killed
    out.append([killed, len(missing)])
    for i in random.sample(range(40), 4):
        there.discard(i)
assert status(fork(work)) == 0
""")  # fmt: skip
        assert sum(killed for killed, _ in kills) == 25
        assert len({left for _, left in kills}) > 3  # the kills fell in different places
        calm = Campaign.create(many.path.parent / "calm", {"seed": np.arange(40)}, RESULTS)
        for i in range(40):
            calm.write(i, values(float(i)), attrs={"by": float(i)})
        assert many.missing(verify=True).size == 0
        for i in range(40):
            xr.testing.assert_identical(many.row(i), calm.row(i))
        chunks = [
            {p.relative_to(c.path): p.read_bytes() for p in c.path.rglob("*") if {"c", "records"} & set(p.parts) and p.is_file()}
            for c in (many, calm)
        ]  # fmt: skip
        assert len(chunks[1]) == 40 * (4 + 1 + 1) + 1  # results, done, record; the column of seeds
        assert chunks[0] == chunks[1]
