"""netCDF files give back what was saved, or FileError: for damage, for tricks, for what is no netCDF."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import random
import shutil
import struct

import h5py
import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cg_data.errors import FileError
from cg_data.schemas import SCHEMAS, check, labeled
from cg_data.stores import netcdf_guard
from cg_data.stores.netcdf import load, save

FILES = int(os.environ.get("MALFORMED_FILES", "1500"))  # damaged, and as many of any bytes
R = (np.array([0.5, 1.0, 1.5, 2.5]), "sigma")
G = np.array([[0.0, 0.1, 1.7, 1.0]])
U = np.array([[np.pi, 1e-300, -0.0, 5e-324]])
EVERY = {
    "pair-target": labeled(
        "pair-target",
        {"pair": np.array(["Al-Üx"]), "type": np.array(["Al", "Üx"]), "r": R, "g": G, "g_stderr": G / 3,
         "density": (np.array([0.1, 0.7]), "sigma^-3"), "kT": (np.float64(1.5), "epsilon"),
         "particles": np.array([2**60 + 1, 3])},
        normalization="N^2", source="", note="g(r) ≥ 0", seed=-(2**63), weights=[0.1, -0.2], files=["a b", ""],
        nothing=None, whole=True,
    ),
    "pair-table": labeled(
        "pair-table",
        {"pair": np.array(["A-A"]), "r": (R[0].astype(np.float32), "nm"), "u": (U, "kJ/mol"), "f": (-U, "kJ/mol/nm"),
         "trusted": np.array([[False, True, True, False]])},
    ),
    "potentials": labeled(
        "potentials",
        {"r": R, "u": (np.array([[np.inf, np.nan, -np.inf, 0.0]]), "epsilon"), "cutoff": ([2.5], "sigma"),
         "hard_core": np.array([True]), "density": ([0.3, 0.6], "sigma^-3"), "kT": (1, "epsilon"),
         "pressure": (np.array([[np.nan, 2.0]]), "epsilon/sigma^3"), "r_g": ([1.0], "sigma"),
         "g": np.ones((1, 2, 1), np.float32), "kept": np.array([[True, False]])},
    ),
    "ensemble": labeled(
        "ensemble",
        {
            "pair": np.array(["A-A"]),
            "r": (np.array([1.0, 1.1]), "sigma"),
            "u": (np.zeros((3, 1, 2)), "epsilon"),
            "u_spread": (np.zeros((1, 2)), "epsilon"),
            "pressure": (np.ones((3, 1)), "epsilon/sigma^3"),
            "diffusion": (np.ones((3, 1)), "sigma^2"),
        },
    ),
    "history": labeled(
        "history",
        {"iteration": np.zeros(0, np.int32), "state": np.array(["cold"]), "pair": np.array(["A-A"]),
         "kT": ([0.1], "eV"), "density": ([0.03], "angstrom^-3"), "coefficients": (np.zeros((0, 2)), "eV"),
         "r_u": R, "u": (np.zeros((0, 1, 4)), "eV"), "u_stderr": (np.zeros((0, 1, 4)), "eV"), "r": R,
         "g": np.zeros((0, 1, 1, 4)), "g_stderr": np.zeros((0, 1, 1, 4)), "g_target": G[None],
         "g_target_stderr": G[None] / 9, "pressure": (np.zeros((0, 1)), "eV/angstrom^3"),
         "pressure_stderr": (np.zeros((0, 1)), "eV/angstrom^3"),
         **{name: np.zeros(0) for name in ("residual", "noise", "chi2", "steps", "equilibration", "force_evaluations",
                                           "seed", "gain")},
         "seconds": (np.zeros(0), "s"), "simulated_seconds": (np.zeros(0), "s"), "note": np.zeros(0, "U1")},
    ),
    "trajectory": labeled(
        "trajectory",
        {"position": (np.arange(18.0).reshape(2, 3, 3) / 7, "nm"), "box": (np.array([np.eye(3)] * 2) * 4.1, "nm"),
         "energy": (np.array([1e300, -1.0]), "kJ/mol"), "time": ([0.0, 0.5], "seconds"), "step": np.array([0, 2**40]),
         "type": np.array(["O", "H", "H"]), "mass": ([15.999, 1.008, 1.008], "g/mol"),
         "molecule": np.array([0, 0, 0], np.uint8)},
        units_length="nm",
    ),
    "run": labeled(
        "run",
        {"kT": (1.2, "epsilon"), "final_position": (np.arange(6.0).reshape(2, 3) / 7, "sigma"),
         "final_velocity": (np.full((2, 3), -0.1), "sigma/(sigma*sqrt(m/(epsilon)))"),
         "final_box": (np.eye(3) * 5.1, "sigma"), "mass": ([1.0, 2.5], "m"), "particle_type": np.array(["A", "B"]),
         "pressure": (np.nan, "epsilon/sigma^3")},
        final_step=7,
    ),
}  # fmt: skip


@pytest.fixture(params=SCHEMAS)
def dataset(request):
    """One small dataset of each schema: a new schema must join the table."""
    return EVERY[request.param]


@pytest.fixture
def target_file(tmp_path):
    return save(EVERY["pair-target"], tmp_path / "target.nc")


@pytest.fixture
def foreign(target_file, tmp_path):
    """Return a function that gives a file without a seal, as other programs write, changed through h5py."""

    def make(change=lambda file: None):
        path = tmp_path / "foreign.nc"
        path.write_bytes(target_file.read_bytes()[: -netcdf_guard._SEAL_BYTES])
        with h5py.File(path, "r+") as file:
            change(file)
        return path

    return make


def same(a: xr.Dataset, b: xr.Dataset) -> None:
    """Assert equality of values to the bit, dtypes, attributes, dimensions and coordinates."""
    xr.testing.assert_identical(a, b)
    assert set(a.coords) == set(b.coords)
    assert not b.encoding
    for name in a.variables:
        assert a[name].dtype.kind == b[name].dtype.kind
        assert a[name].dtype.kind == "U" or a[name].dtype == b[name].dtype
        if a[name].dtype.kind == "f":
            assert a[name].values.tobytes() == b[name].values.tobytes()


def test_every_schema_comes_back_exactly(dataset, tmp_path):
    path = save(dataset, tmp_path / "x.nc")
    assert path == tmp_path / "x.nc"
    found = load(path, dataset.attrs["schema"])
    same(dataset, found)
    path.unlink()
    assert float(found["r" if "r" in found else "mass"].sum()) > 0  # in memory: the file is gone
    assert not list(tmp_path.iterdir())


def test_attributes_are_python_values_and_none_is_left_out(tmp_path):
    ds = EVERY["pair-target"].assign_attrs(gone=None, half=np.float32(0.5), one=[2.5])
    ds["g"].attrs["hint"] = None
    found = load(save(ds, tmp_path / "x.nc"))
    assert "gone" not in found.attrs
    assert "hint" not in found["g"].attrs
    assert (type(found.attrs["seed"]), found.attrs["seed"]) == (int, -(2**63))
    assert (type(found.attrs["half"]), found.attrs["half"], found.attrs["one"]) == (float, 0.5, 2.5)
    assert (found.attrs["whole"], found.attrs["files"], found.attrs["source"]) == (1, ["a b", ""], "")
    assert found.attrs["note"] == "g(r) ≥ 0"
    del ds["g"].attrs["hint"]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    u=hnp.arrays(
        st.sampled_from(["f8", "f4", ">f8", "i2", "u8", "i8"]),
        hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=5),
    ),
    text=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8),
)
def test_round_trip_of_any_numbers_and_text(tmp_path, u, text):
    ds = labeled(
        "potentials",
        {
            "r": (np.arange(u.shape[1]) + 1.0, "nm"),
            "u": (u, "eV"),
            "cutoff": (np.ones(len(u)), "nm"),
            "hard_core": np.zeros(len(u), bool),
            "kT": (1.0, "eV"),
        },
        label=text,
    ).assign(name=("potential", [text] * len(u)))
    found = load(save(ds, tmp_path / "x.nc"))
    assert found.attrs["label"] == text
    assert [str(name) for name in found["name"].values] == [str(np.str_(name)) for name in ds["name"].values]
    assert found["u"].dtype == u.dtype.newbyteorder("=")
    np.testing.assert_array_equal(found["u"].values, u)


def test_floats_are_compressed_and_other_programs_read_the_file(tmp_path):
    zeros = np.zeros((1, 100_000))
    r = (np.arange(100_000) + 1.0, "sigma")
    path = save(labeled("pair-table", {"pair": np.array(["A-A"]), "r": r, "u": (zeros, "eV")}), tmp_path / "x.nc")
    assert path.stat().st_size < 400_000  # of 1.6 MB
    with xr.open_dataset(path, engine="h5netcdf") as ds:
        assert ds["u"].attrs == {"units": "eV"}
        assert ds["pair"].values.tolist() == ["A-A"]
    netcdf4 = pytest.importorskip("netCDF4")
    with netcdf4.Dataset(path) as ds:
        assert ds["u"].units == "eV"
        assert ds["r"][-1] == 100_000.0


@pytest.mark.parametrize(("engine", "schema"), [("h5netcdf", "pair-target"), ("netcdf4", "trajectory")])
def test_files_of_other_programs_are_read(tmp_path, engine, schema):
    if engine == "netcdf4":
        pytest.importorskip("netCDF4")
    dataset = EVERY[schema]
    dataset.drop_attrs(deep=False).assign_attrs(
        {k: v for k, v in dataset.attrs.items() if k in ("schema", "schema_version", "normalization")}
    ).to_netcdf(tmp_path / "x.nc", engine=engine)
    xr.testing.assert_equal(load(tmp_path / "x.nc"), dataset)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda ds: ds.assign_attrs(notes={"a": 1}), "attrs.*notes.*JSON"),
        (lambda ds: ds.assign_attrs(notes=[[1, 2]]), "notes"),
        (lambda ds: ds.assign_attrs(notes=[]), "notes"),
        (lambda ds: ds.assign_attrs(notes=1 + 2j), "notes"),
        (lambda ds: ds.assign_attrs(notes=2**70), "notes"),
        (lambda ds: ds.assign_attrs(notes="a\0b"), "notes"),
        (lambda ds: ds.assign_attrs(coordinates="r"), "coordinates.*rename"),
        (lambda ds: ds.assign_attrs({"a/b": 1}), "a/b"),
        (lambda ds: ds.assign(x=ds.g.assign_attrs(scale_factor=2.0)), "scale_factor"),
        (lambda ds: ds.assign(x=("r", np.ones(4, complex))), "x has dtype complex128"),
        (lambda ds: ds.assign(x=("r", np.ones(4, np.float16))), "x has dtype float16"),
        (lambda ds: ds.assign(x=("r", np.array([1, "a", None, {}], object))), "x has dtype object"),
        (lambda ds: ds.assign(x=("r", np.array(["a\0b"] * 4))), "x holds text with a NUL"),
        (lambda ds: ds.assign({"a/b": ("r", np.ones(4))}), "a/b"),
        (lambda ds: ds.assign(kT=-ds.kT), "kT must be positive|kT carries no"),
    ],
)
def test_what_a_file_cannot_hold_is_refused_by_name(tmp_path, change, words):
    with pytest.raises(ValueError, match=words):
        save(change(EVERY["pair-target"]), tmp_path / "x.nc")
    assert not list(tmp_path.iterdir())


def test_a_failed_save_leaves_the_old_file(target_file, monkeypatch):
    before = target_file.read_bytes()

    def full(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cg_data.stores.netcdf.seal", full)
    with pytest.raises(OSError, match="No space"):
        save(EVERY["pair-table"], target_file)
    assert target_file.read_bytes() == before
    assert [p.name for p in target_file.parent.iterdir()] == ["target.nc"]


def test_the_seal_is_the_sha256_of_the_hdf5_part(target_file):
    raw = target_file.read_bytes()
    assert raw[-48:-32] == b"cg-data sha256: "
    assert raw[-32:] == hashlib.sha256(raw[:-48]).digest()
    assert raw[8] == 0  # superblock version 0: its end-of-file address is at byte 40
    assert struct.unpack("<Q", raw[40:48])[0] == len(raw) - 48


def test_wrong_schema_and_wrong_physics_are_file_errors(foreign, target_file):
    with pytest.raises(FileError, match="expected trajectory"):
        load(target_file, "trajectory")
    with pytest.raises(FileError, match="g is negative"):
        load(foreign(lambda f: f["g"].__setitem__((0, 1), -1.0)))
    with pytest.raises(FileError, match="holds no dataset of ours"):
        load(foreign(lambda f: f.attrs.__setitem__("schema", ["a", "b"])))


def test_what_is_no_netcdf_file(tmp_path, target_file):
    good = target_file.read_bytes()
    with (tmp_path / "p.npy").open("wb") as stream:
        np.save(stream, np.array([{}], dtype=object), allow_pickle=True)
    for name, content in {
        "text": b"r,g\n1,2\n", "npy": (tmp_path / "p.npy").read_bytes(), "pickle": pickle.dumps({"a": 1}),
        "empty": b"", "signature": good[:8], "netcdf3": b"CDF\x01" + bytes(100), "version": good[:8] + b"\x07" + good[9:],
        "trailing": good + b"x", "seal only": good[-48:],
    }.items():  # fmt: skip
        (tmp_path / name).write_bytes(content)
        with pytest.raises(FileError) as caught:
            load(tmp_path / name)
        assert caught.value.remedy
    for path in (tmp_path, tmp_path / "nowhere.nc", "a\0b"):
        with pytest.raises(FileError):
            load(path)
    with pytest.raises(FileError, match=r"has .* MB"):
        load(target_file, max_bytes=1000)


def test_every_truncation_and_every_changed_byte_is_noticed(target_file):
    good = target_file.read_bytes()
    for at in [*range(0, len(good), 211), len(good) - 1]:
        target_file.write_bytes(good[:at])
        if at != len(good) - 48:
            with pytest.raises(FileError):
                load(target_file)
        target_file.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        with pytest.raises(FileError):
            load(target_file)


class TestFilesOfStrangers:
    """Well-formed HDF5 that must not be believed."""

    def refused(self, path, words):
        netcdf_guard.seal(path)  # checked in this process: a sealed file needs no child
        with pytest.raises(FileError, match=words):
            load(path)

    def test_the_child_refuses_as_well(self, foreign):
        with pytest.raises(FileError, match=r"foreign\.nc: 'more' is a group, our files are flat; copy it again"):
            load(foreign(lambda f: f.create_group("more")))

    def test_links(self, foreign, tmp_path):
        shutil.copy(foreign(), tmp_path / "other.nc")

        def external(file):
            del file["g"]
            file["g"] = h5py.ExternalLink(str(tmp_path / "other.nc"), "/g")

        def soft(file):
            file["g_stderr2"] = h5py.SoftLink("/g")

        self.refused(foreign(external), "'g' is a link to another place")
        self.refused(foreign(soft), "link to another place")

    def test_data_in_other_files(self, foreign, tmp_path):
        def raw(file):
            file.create_dataset("x", (4,), "f8", external=[(str(tmp_path / "secret"), 0, 32)])

        def virtual(file):
            layout = h5py.VirtualLayout((4,), "f8")
            layout[:] = h5py.VirtualSource(str(tmp_path / "other.nc"), "r", (4,))
            file.create_virtual_dataset("x", layout)

        self.refused(foreign(raw), "'x' keeps its data in other files")
        self.refused(foreign(virtual), "'x' keeps its data in other files")

    def test_groups_and_strange_types(self, foreign):
        self.refused(foreign(lambda f: f.create_group("more")), "'more' is a group")
        self.refused(foreign(lambda f: f.create_dataset("x", (2,), h5py.ref_dtype)), "'x' has dtype object")
        self.refused(foreign(lambda f: f.create_dataset("x", (2,), h5py.vlen_dtype("i4"))), "'x' has dtype object")
        self.refused(foreign(lambda f: f.create_dataset("x", (2,), "i4,f8")), "'x' has dtype")

    def test_a_layout_without_dimensions(self, foreign):
        self.refused(foreign(lambda f: f.create_dataset("x", (7,), "f8")), "(?i)dimension")

    def test_filters(self, foreign):
        self.refused(
            foreign(lambda f: f.create_dataset("x", (100,), "f8", compression="lzf")), "packed by the HDF5 filters"
        )

    def test_petabytes_that_are_not_stored(self, foreign):
        def array(file):
            x = file.create_dataset("x", (2**47,), "f8", chunks=(1024,))
            x.make_scale("x")

        def chunk(file):
            file.create_dataset("x", (4,), "f8", maxshape=(None,), chunks=(2**26,)).make_scale("x")

        def unlimited(file):
            dim = file.create_dataset("n", (2**47,), "f4", maxshape=(None,), chunks=(64,))
            dim.make_scale("This is a netCDF dimension but not a netCDF variable.         1")
            x = file.create_dataset("x", (4,), "f8", maxshape=(None,), chunks=(64,))
            x.dims[0].attach_scale(dim)

        def texts(file):
            file.create_dataset("x", (2**40,), h5py.string_dtype(), chunks=(64,)).make_scale("x")

        for change in (array, chunk, unlimited, texts):
            self.refused(foreign(change), "declares .* bytes of data")

    def test_many_texts_that_share_one_long_piece(self, foreign, monkeypatch):
        def texts(file):
            file.create_dataset("x", data=["a" * 60_000] * 40, dtype=h5py.string_dtype()).make_scale("x")

        path = foreign(texts)
        monkeypatch.setattr(netcdf_guard, "_DEFLATE_RATIO", 0)  # as if the 40 were one piece of 60 kB
        netcdf_guard.seal(path)
        with pytest.raises(FileError, match="declares"):
            load(path)

    def test_max_bytes_limits_the_arrays(self, foreign):
        def zeros(file):
            file.create_dataset("x", data=np.zeros(10**6), compression="gzip").make_scale("x")

        path = foreign(zeros)
        assert path.stat().st_size < 100_000
        assert load(path)["x"].sizes == {"x": 10**6}
        with pytest.raises(FileError, match=r"declares .*max_bytes"):
            load(path, max_bytes=10**6)


class TestWhenHdf5Fails:
    """The child process meets the loops and crashes of HDF5, not the caller."""

    def test_an_endless_loop_is_cut(self, foreign, monkeypatch):
        """A heap of texts whose object has size 0 and index 0 sends HDF5 round for ever."""
        path = foreign()
        raw = bytearray(path.read_bytes())
        heap = raw.index(b"GCOL")
        for at in range(heap + 16, heap + 400, 8):
            raw[at : at + 8] = bytes(8)
        path.write_bytes(raw)
        monkeypatch.setattr(netcdf_guard, "_CHILD_SECONDS", 3.0)
        with pytest.raises(FileError, match=r"came to no end in 3 s|is not a whole"):
            load(path)

    @pytest.mark.parametrize(
        ("code", "words"),
        [
            ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "crashed on it .signal 11"),
            ("raise OSError('bad heap')", "is not a whole netCDF-4 file .OSError: bad heap"),
            ("import sys; sys.exit(1)", "no message"),
            ("import time; time.sleep(60)", "came to no end in 1 s"),
            (
                "import resource as r; r.setrlimit(r.RLIMIT_CPU, (1, 1)); list(iter(int, 1))",
                "crashed on it|came to no end in 1 s",
            ),
        ],
    )
    def test_what_becomes_of_the_child(self, foreign, monkeypatch, code, words):
        path = foreign()
        run = netcdf_guard.subprocess.run
        monkeypatch.setattr(netcdf_guard, "_CHILD_SECONDS", 1.0)
        monkeypatch.setattr(netcdf_guard, "_PATIENCE", 4)
        monkeypatch.setattr(netcdf_guard.subprocess, "run", lambda c, **k: run([c[0], "-c", code], **k))
        with pytest.raises(FileError, match=words):
            load(path)

    def test_the_child_reads_with_limited_memory(self, foreign, monkeypatch):
        limits = []
        monkeypatch.setattr(
            netcdf_guard.sys, "argv", ["-c", str(foreign()), "1000000", "30", "cg_data.stores.netcdf:read"]
        )
        monkeypatch.setattr(netcdf_guard, "_limit", lambda what, size: limits.append((what, size)))
        netcdf_guard.child()
        assert limits == [("RLIMIT_AS", 4 * 1_000_000 + 4 * 2**30), ("RLIMIT_CPU", 30)]

    def test_the_child_says_what_it_refuses(self, foreign, monkeypatch, capsys):
        monkeypatch.setattr(
            netcdf_guard.sys,
            "argv",
            ["-c", str(foreign(lambda f: f.create_group("m"))), "1000000", "30", "cg_data.stores.netcdf:read"],
        )
        monkeypatch.setattr(netcdf_guard, "_limit", lambda what, size: None)
        with pytest.raises(SystemExit, match="3"):
            netcdf_guard.child()
        assert "'m' is a group" in json.loads(capsys.readouterr().out)[0]

    def test_the_memory_limit_is_set(self):
        resource = pytest.importorskip("resource")
        before = resource.getrlimit(resource.RLIMIT_AS)
        try:
            netcdf_guard._limit("RLIMIT_AS", 2**44)
            assert resource.getrlimit(resource.RLIMIT_AS)[0] == 2**44
        finally:
            resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.fuzz
@settings(max_examples=FILES, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=st.binary(max_size=400), signed=st.booleans())
def test_fuzz_any_bytes(tmp_path_factory, content, signed):
    path = tmp_path_factory.getbasetemp() / "fuzz.nc"
    path.write_bytes((b"\x89HDF\r\n\x1a\n" if signed else b"") + content)
    with pytest.raises(FileError):
        load(path)


@pytest.mark.fuzz
def test_fuzz_damaged_files(tmp_path_factory):
    """Damage of every kind is noticed before HDF5 reads the file."""
    path, rng = tmp_path_factory.getbasetemp() / "fuzz.nc", random.Random(1)
    goods = [save(ds, path).read_bytes() for ds in EVERY.values()]
    for _ in range(FILES):
        good = rng.choice(goods)
        raw = bytearray(good)
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(len(raw)) if rng.random() < 0.7 else rng.randrange(96)
            length = rng.randint(1, 64)
            match rng.randrange(5):
                case 0:
                    raw[at : at + 1] = bytes([rng.randrange(256)])
                case 1:
                    raw[at : at + 8] = rng.choice([b"\xff" * 8, bytes(8), b"\x7f" + b"\xff" * 7])
                case 2:
                    start = rng.randrange(len(raw))
                    raw[at : at + length] = raw[start : start + length]
                case 3 if at > 100:
                    del raw[at:]
                case _:
                    raw[at:at] = raw[at : at + length]
        path.write_bytes(raw)
        try:
            found = load(path)
        except FileError:
            assert raw != good
        else:
            check(found)
            assert raw in (good, good[:-48])
