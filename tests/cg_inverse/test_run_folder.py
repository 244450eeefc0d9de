"""A fit's folder: exact records, tables that engines read, refusal instead of loss."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from dataclasses import fields, replace

import numpy as np
import pytest

import cg_data as cd
import cg_inverse as ci
from cg_inverse.fits.ledger import begun
from cg_inverse.fits.run_folder import PROGRESS, create, ledger_of
from cg_inverse.fits.stored_records import restore, store

from .dilute import CONTROL, CUTOFF, SIMULATION, target

METHODS = {
    "ibi": ci.IBI, "wibi": ci.WIBI, "cibi": ci.CIBI, "imc": ci.IMC, "hncn": ci.HNCN, "hncgn": ci.HNCGN,
    "re": ci.RelativeEntropy,
}  # fmt: skip
SHORT = replace(CONTROL, rounds=2, steps=1000)


def same(a, b) -> bool:
    """Whether two records hold the same, bit for bit."""
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if hasattr(a, "__dataclass_fields__"):
        return type(a) is type(b) and all(same(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))
    return a == b


@pytest.fixture(scope="module", autouse=True)
def unpictured():
    """Pictures cost more than these fits: do as where matplotlib is missing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "cg_inverse.pictures.plots", None)
        yield


@pytest.fixture(scope="module")
def fit(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fits") / "run"
    return ci.ibi(target(), CUTOFF, simulation=SIMULATION, control=SHORT, folder=folder), folder


def test_what_is_read_is_what_was_written(fit):
    found, folder = fit
    again = ledger_of(folder)
    for name in ("problem", "simulation", "control", "pressure", "progress", "rounds", "reason"):
        assert same(getattr(found.ledger, name), getattr(again, name)), name
    assert type(again.method) is ci.IBI
    assert again.method.alpha == 1.0


@pytest.mark.parametrize("pressure", [None, ci.FixedPressure((0.1, 0.2), 0.01), ci.RampCorrection(0.1, "simple")])
@pytest.mark.parametrize("name", METHODS)
def test_every_method_and_correction_can_be_kept(name, pressure, tmp_path):
    method = METHODS[name]([target(), target(kT=1.5)], CUTOFF, weights=[2, 1], knots=0.1)
    ledger = begun(method, replace(SIMULATION, particles=108), CONTROL, pressure)
    create(tmp_path / "run", ledger)
    again = ledger_of(tmp_path / "run")
    assert same(again.problem, method.problem)
    assert same(again.progress, ledger.progress)
    assert again.pressure == pressure
    expected = METHODS[name](method.problem)
    own = {f.name for f in fields(method)} - {"target", "problem", "cutoff", "weights", "knots", "initial"}
    assert all(getattr(again.method, f) == getattr(expected, f) for f in own)


def test_a_function_cannot_be_kept(tmp_path):
    with pytest.raises(TypeError, match=r"method\.weight is function, which a folder cannot keep"):
        ci.wibi(target(), CUTOFF, weight=lambda r, g: g, simulation=SIMULATION, control=SHORT, folder=tmp_path / "run")
    fit = ci.wibi(target(), CUTOFF, weight=lambda r, g: g, simulation=SIMULATION, control=replace(SHORT, rounds=1))
    assert fit.reason == "1 rounds done"


def test_simulation_settings_are_those_of_the_liquids():
    theirs = {f.name: f.default for f in fields(ci.Liquids) if f.name not in ("problem", "seed")}
    assert theirs == {f.name: f.default for f in fields(ci.Simulation)}


def test_tables_are_the_potential(fit):
    found, folder = fit
    r = np.linspace(0.96, 1.99, 200)
    expected = found.potential["A", "A"].energy(r)
    for name in ("A-A.table", "A-A.xvg", "A-A.npz", "A-A.csv"):
        # 2000 rows: GROMACS's have twice the spacing of the spline's own table, and 8 digits
        np.testing.assert_allclose(cd.read_potential(folder / name).energy(r), expected, atol=2e-4, err_msg=name)
    assert cd.load(folder / "history.nc", "history").identical(found.history)
    g = cd.load(folder / "target.nc", "pair-target")
    np.testing.assert_array_equal(g.g, target().g)


def test_gromacs_gets_its_units(tmp_path):
    argon = cd.Units("angstrom", "kcal/mol", "g/mol")
    reduced = target()
    r, g = 3.4 * reduced.r.values, reduced.g.values[0]
    data = cd.make_target(r, g, density=0.05 / 3.4**3, kT=0.24, g_stderr=reduced.g_stderr.values[0], units=argon)
    fit = ci.bi(data, 6.8, simulation=SIMULATION, control=SHORT, folder=tmp_path / "run")
    r = np.linspace(3.5, 6.5, 20)
    u = fit.potential["A", "A"].energy(r)
    np.testing.assert_allclose(4.184 * u, cd.read_potential(tmp_path / "run/A-A.xvg").energy(r / 10), atol=2e-3)
    np.testing.assert_allclose(u, cd.read_potential(tmp_path / "run/A-A.table").energy(r), atol=5e-4)


def test_bi_is_the_potential_of_mean_force_at_full_length():
    """In the dilute limit exact, but for what U″ does over shells and knots of 0.05: 0.02 kT beyond the wall."""
    fit = ci.bi(target(), CUTOFF, simulation=SIMULATION, control=SHORT)
    r = np.linspace(1.05, 1.9, 50)
    lj = cd.LennardJones(cutoff=CUTOFF).force_shifted()
    np.testing.assert_allclose(fit.potential["A", "A"].energy(r), lj.energy(r), atol=0.03)
    assert fit.history.steps.values.tolist() == [SHORT.steps]


def test_a_fit_saved_later_goes_on_like_one_kept_from_the_start(tmp_path):
    options = {"simulation": SIMULATION, "control": SHORT}
    whole = ci.ibi(target(), CUTOFF, simulation=SIMULATION, control=replace(SHORT, rounds=3))
    folder = ci.ibi(target(), CUTOFF, **options).save(tmp_path / "run")
    calls = []
    longer = ci.resume(folder, rounds=3, progress=lambda step, _: calls.append(step.number))
    assert calls == [2]
    assert same(longer.ledger.progress, whole.ledger.progress)
    assert longer.reason == "3 rounds done"
    again = ci.resume(folder)  # which has ended
    assert again.step is None
    assert again.reason == "3 rounds done"
    np.testing.assert_array_equal(again.history.coefficients, whole.history.coefficients)
    assert ci.resume(folder, rounds=2).reason == "3 rounds done"


def test_a_folder_is_not_overwritten_and_must_be_one(fit, tmp_path):
    _, folder = fit
    with pytest.raises(FileExistsError, match=f"cg-inverse resume {folder}"):
        ci.ibi(target(), CUTOFF, simulation=SIMULATION, control=SHORT, folder=folder)
    with pytest.raises(ValueError, match="is no folder"):
        ci.resume(tmp_path / "nothing")
    with pytest.raises(ValueError, match=r"has no progress\.npz"):
        ci.resume(tmp_path)


def test_damaged_progress_is_named(fit, tmp_path):
    whole = (fit[1] / PROGRESS).read_bytes()
    for content in (b"", b"PK nonsense", whole[: len(whole) // 2], whole[:-40]):
        (tmp_path / PROGRESS).write_bytes(content)
        with pytest.raises(ValueError, match=r"progress\.npz: "):
            ci.resume(tmp_path)
    store({"method": 1.0}, tmp_path / PROGRESS)
    with pytest.raises(ValueError, match="holds no fit"):
        ci.resume(tmp_path)


def test_no_pickle_is_written_or_read(tmp_path):
    with pytest.raises(TypeError, match="cannot keep"):
        store({"x": np.array([{}])}, tmp_path / "x.npz")
    np.savez(tmp_path / "x.npz", facts=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="holds pickled objects"):
        restore(tmp_path / "x.npz")


FULL = """
import resource, sys
import cg_inverse as ci
from cg_inverse.cli.main import main
limit = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
sys.exit(main(["resume", sys.argv[2], "--rounds", "5"]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no RLIMIT_FSIZE")
def test_a_full_disk_leaves_the_last_good_progress_and_one_line(tmp_path):
    """A limit on the size of files is a disk that is full for files beyond it."""
    folder = tmp_path / "run"
    ci.ibi(target(), CUTOFF, simulation=SIMULATION, control=SHORT, folder=folder)
    before = (folder / PROGRESS).read_bytes()
    command = [sys.executable, "-c", FULL, str(len(before)), str(folder)]  # one round more does not fit
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
    assert done.returncode == 1, done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(f"cg-inverse: {folder} cannot be written: File too large; ")
    assert f"cg-inverse resume {folder}" in last
    assert "Traceback" not in done.stderr
    assert (folder / PROGRESS).read_bytes() == before
    assert not list(folder.glob(".*"))
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    assert ci.resume(folder, rounds=3).reason == "3 rounds done"
