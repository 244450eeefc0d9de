"""Tables and targets in every engine's format: round trip, golden files, and read back by the engine's own rule.

`ENGINES` re-implements how each engine interpolates the file it is given, from its documentation and source, without
any code of ours; E, F and the pressure integral must then agree with the potential that was written.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import solve_banded

import cg_data as cd

LJ = cd.LennardJones(cutoff=2.5).force_shifted()
SOFT = cd.GaussianCore(3.0, 1.0, 3.0).shifted()
DEEP = cd.ModifiedMorse(6.5, -0.45, 2.5).smooth_cut(2.0)
POTENTIALS = {"lj": LJ, "soft": SOFT, "morse": DEEP, "truncated": cd.LennardJones(cutoff=2.5)}
FORMATS = {"csv": "t.csv", "lammps": "t.table", "lammps-rsq": "t.table", "gromacs": "t.xvg", "hoomd": "t.npz",
           "votca": "t.pot", "votca-tab": "t.tab"}  # fmt: skip


# --- how engines read -------------------------------------------------------------------------------------------------


def natural_or_clamped(x, y, first, last):
    """Numerical Recipes' spline with given end slopes, as LAMMPS uses it: second derivatives."""
    h, secant = np.diff(x), np.diff(y) / np.diff(x)
    banded = np.zeros((3, len(x)))
    banded[0, 1:], banded[2, :-1] = h / 6, h / 6
    banded[1] = np.concatenate([[0], h]) / 3 + np.concatenate([h, [0]]) / 3
    return solve_banded((1, 1), banded, np.diff(np.concatenate([[first], secant, [last]])))


def splint(x, y, y2, at):
    k = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(x) - 2)
    h = x[k + 1] - x[k]
    a, b = (x[k + 1] - at) / h, (at - x[k]) / h
    return a * y[k] + b * y[k + 1] + ((a**3 - a) * y2[k] + (b**3 - b) * y2[k + 1]) * h**2 / 6


def lammps(path: Path, keyword="A-A"):
    """pair_style table linear N: spline the file, sample at equal steps of r², interpolate e and f/r linearly in r²."""
    lines = path.read_text().splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith(keyword))
    words = lines[at + 1].split()
    assert words[0] == "N"
    n, spacing, low, high = int(words[1]), words[2], float(words[3]), float(words[4])
    assert words[5] == "FPRIME"
    assert lines[at + 2] == ""
    _, e, f = (np.array(c) for c in zip(*(map(float, s.split()[1:]) for s in lines[at + 3 : at + 3 + n]), strict=True))
    i = np.arange(n) / (n - 1)
    r = np.sqrt(low**2 + (high**2 - low**2) * i) if spacing == "RSQ" else low + (high - low) * i
    rsq = np.linspace(low**2, high**2, n)
    if spacing == "RSQ":  # LAMMPS takes matching rows as they are
        es, fs = e, f / r
    else:
        es = splint(r, e, natural_or_clamped(r, e, -f[0], -f[-1]), np.sqrt(rsq))
        fs = splint(r, f, natural_or_clamped(r, f, float(words[6]), float(words[7])), np.sqrt(rsq)) / np.sqrt(rsq)

    def evaluate(x):
        inside = (x < high) & (x >= low)
        energy = np.interp(x**2, rsq, es)
        return np.where(inside, energy, 0.0), np.where(inside, np.interp(x**2, rsq, fs) * x, 0.0)

    return evaluate


def hoomd(path: Path):
    """md.pair.Table: U and F linear and separate on linspace(r_min, r_cut, n, endpoint=False), 0 at r_cut, 0 inside r_min."""
    with np.load(path, allow_pickle=False) as data:
        low, high, u, f = (data[f"A-A/{k}"] for k in ("r_min", "r_cut", "U", "F"))
    width = (float(high) - float(low)) / len(u)

    def evaluate(x):
        s = (x - low) / width
        i = np.clip(s.astype(int), 0, len(u) - 1)
        t = s - i
        up, fp = np.append(u, 0.0), np.append(f, 0.0)
        inside = (x >= low) & (x < high)
        return tuple(np.where(inside, (1 - t) * c[i] + t * c[i + 1], 0.0) for c in (up, fp))

    return evaluate


def gromacs(path: Path, cutoff=None):
    """Seven columns; the step from the first two rows; the cubic Y + εF + ε²G + ε³H of each interval; F = −dV/dr."""
    rows = np.array([[float(w) for w in s.split()] for s in path.read_text().splitlines() if s[0] not in "#@"])
    assert rows.shape[1] == 7
    assert np.all(rows[:, 1:5] == 0)
    scale = 1 / (rows[1, 0] - rows[0, 0])
    np.testing.assert_allclose(rows[:, 0], np.arange(len(rows)) / scale, rtol=1e-9, atol=1e-12)
    v, vp = rows[:, 5], rows[:, 6]
    y, f = v[:-1], -vp[:-1] / scale
    g = 3 * (v[1:] - v[:-1]) + (vp[1:] + 2 * vp[:-1]) / scale
    h = -2 * (v[1:] - v[:-1]) - (vp[1:] + vp[:-1]) / scale

    def evaluate(x):
        i = (x * scale).astype(int)
        eps = x * scale - i
        return y[i] + eps * (f[i] + eps * (g[i] + eps * h[i])), -(f[i] + eps * (2 * g[i] + 3 * eps * h[i])) * scale

    return evaluate


def votca(path: Path):
    """csg_resample: an Akima spline through r U, its derivative for the force."""
    from scipy.interpolate import Akima1DInterpolator

    rows = [s.split() for s in path.read_text().splitlines() if not s.startswith("#")]
    assert {w[2] for w in rows} <= {"i", "o"}
    spline = Akima1DInterpolator([float(w[0]) for w in rows], [float(w[1]) for w in rows])
    return lambda x: (spline(x), -spline(x, 1))


def generic(path: Path, separator=None):
    """A reader that interpolates the columns U and F linearly, as most scripts do."""
    rows = [s.split(separator) for s in path.read_text().splitlines() if s[0] not in "#r"]
    r, u, f = np.array(rows, dtype=float).T
    return lambda x: (np.interp(x, r, u), np.interp(x, r, f))


N = 4000


def linear_in_r(curve, r, cutoff, power):
    """1.3 × h²/8 |y″|, the error of linear interpolation at equal steps of r, by finite differences of the true y."""
    h, d = cutoff / (N - 1), 1e-4
    return 1.3 * h**2 / 8 * np.abs(curve(r + d) - 2 * curve(r) + curve(r - d)) / d**2


def linear_in_rsq(curve, r, cutoff, power):
    """The same at equal steps of s = r²; LAMMPS interpolates U (power 0) and F/r (power 1)."""
    s, h, d = r**2, cutoff**2 / (N - 1), 1e-4 * r**2

    def y(at):
        return curve(np.sqrt(at)) / at ** (power / 2)

    return 1.3 * h**2 / 8 * np.abs(y(s + d) - 2 * y(s) + y(s - d)) / d**2 * r**power


def cubic(curve, r, cutoff, power):
    return 1e-6 * (1 + np.abs(curve(r)))


def akima(curve, r, cutoff, power):
    """Akima's slopes are of second order only, so forces are good to 5e-4."""
    return (1e-6, 5e-4)[power] * (1 + np.abs(curve(r)))


ENGINES = {  # format: how its engine reads it, and the error that this way of interpolating has
    "lammps": (lammps, linear_in_rsq),
    "lammps-rsq": (lammps, linear_in_rsq),
    "hoomd": (hoomd, linear_in_r),
    "gromacs": (gromacs, cubic),
    "votca": (votca, akima),
    "votca-tab": (generic, linear_in_r),
    "csv": (lambda path: generic(path, ","), linear_in_r),
}


def pressure(evaluate, kT, low, high):
    """−2π/3 ∫ r³ U′ e^{−U/kT} dr: the pair virial of a dilute gas per ρ²."""
    x, w = np.polynomial.legendre.leggauss(8)
    edges = np.linspace(low, high, 2001)
    r = edges[:-1, None] + 0.5 * np.diff(edges)[:, None] * (x + 1)
    u, f = evaluate(r)
    return 2 * np.pi / 3 * np.sum(0.5 * np.diff(edges)[:, None] * w * r**3 * f * np.exp(-u / kT))


@pytest.mark.parametrize("name", POTENTIALS)
@pytest.mark.parametrize("format", ENGINES)
def test_the_engine_reads_what_was_meant(tmp_path, format, name):
    read, allowed = ENGINES[format]
    potential, path = POTENTIALS[name], tmp_path / FORMATS[format]
    cd.write_table(potential, path, format=format, n=N)
    engine = read(path)
    low, high = 0.7 if name != "soft" else 0.05, potential.cutoff * (1 - 1e-9)
    r = np.random.default_rng(1).uniform(low, potential.cutoff - 2e-3, 5000)
    for power, curve, found in zip((0, 1), (potential.energy, potential.force), engine(r), strict=True):
        limit = allowed(curve, r, potential.cutoff, power) + 3e-7 * (1 + np.abs(curve(r)))
        assert np.all(np.abs(found - curve(r)) < limit)
    exact = pressure(lambda x: (potential.energy(x), potential.force(x)), 1.0, low, high)
    # HOOMD takes 0 at r_cut whatever the curve does: of a truncated force half a step of 2π/3 r³F is lost there.
    lost = 2 * np.pi / 3 * high**3 * abs(float(potential.force(high))) * potential.cutoff / N / 2
    extra = 1.1 * lost if format == "hoomd" else 0.0
    assert pressure(engine, 1.0, low, high) == pytest.approx(exact, rel=1e-5, abs=1e-5 + extra)


@pytest.mark.parametrize("format", ["lammps", "hoomd", "gromacs", "votca-tab"])
def test_no_engine_finds_a_hole_in_the_core(tmp_path, format):
    """Below the first trusted point every file still repels: HOOMD would apply no force, LAMMPS would stop."""
    path = tmp_path / FORMATS[format]
    cd.write_table(LJ.table(2000, r_min=0.85), path, format=format, n=2000)
    r = np.linspace(0.1, 0.85, 50)
    _, f = ENGINES[format][0](path)(r)
    assert np.all(f > 100)
    assert np.all(np.diff(f) < 0)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", POTENTIALS)
def test_round_trip(tmp_path, format, name):
    potential, path = POTENTIALS[name], tmp_path / FORMATS[format]
    cd.write_table(potential, path, format=format, n=2000)
    again = cd.read_potential(path, format=format)
    assert again.cutoff == pytest.approx(potential.cutoff, rel=1e-9)
    r = np.linspace(0.75, potential.cutoff, 400)[:-1]
    np.testing.assert_allclose(again.energy(r), potential.energy(r), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(again.force(r), potential.force(r), rtol=1e-4, atol=1e-3)
    dataset = cd.check(cd.read_table(path, format=format), "pair-table")
    assert dataset.u.shape[0] == 1


@pytest.mark.parametrize("format", FORMATS)
def test_units_are_written_converted_and_read(tmp_path, format):
    """1 kJ/mol = 1/4.184 kcal/mol, 1 nm = 10 Å: by hand."""
    path = tmp_path / FORMATS[format]
    water = cd.LennardJones(0.65, 0.3166, 0.9).force_shifted()
    cd.write_table(water, path, format=format, n=3000, units=cd.Units("nm", "kJ/mol", "g/mol"),
                   convert_to=cd.Units("angstrom", "kcal/mol", "g/mol"))  # fmt: skip
    again = cd.read_potential(path, format=format)
    assert float(again.energy(3.5)) == pytest.approx(float(water.energy(0.35)) / 4.184, rel=1e-5)
    assert float(again.force(3.5)) == pytest.approx(float(water.force(0.35)) / 41.84, rel=1e-4)
    ds = cd.read_table(path, format=format)
    assert (ds.r.attrs["units"], ds.u.attrs["units"]) == ("angstrom", "kcal/mol")


def test_several_pairs(tmp_path):
    both = cd.Interactions({("A", "A"): LJ, ("A", "B"): 2.0 * LJ})
    for name in ("m.table", "m.npz", "m.csv"):
        cd.write_table(both, tmp_path / name, n=500)
        again = cd.read_interactions(tmp_path / name)
        assert float(again["B", "A"].energy(1.2)) == pytest.approx(2 * float(LJ.energy(1.2)), rel=1e-5)
        assert float(cd.read_potential(tmp_path / name, pair="A-B").energy(1.2)) == pytest.approx(2 * float(LJ.energy(1.2)), rel=1e-5)  # fmt: skip
        assert cd.read_table(tmp_path / name).sizes["pair"] == 2
        with pytest.raises(cd.FileError, match="holds the pairs A-A, A-B"):
            cd.read_potential(tmp_path / name)
        with pytest.raises(cd.FileError, match="holds no pair C-C"):
            cd.read_potential(tmp_path / name, pair="C-C")
    with pytest.raises(ValueError, match="one pair per file"):
        cd.write_table(both, tmp_path / "m.xvg")
    different = cd.Interactions({("A", "A"): LJ, ("A", "B"): SOFT})
    with pytest.raises(ValueError, match="different cutoffs"):
        cd.write_table(different, tmp_path / "d.csv")
    cd.write_table(different, tmp_path / "d.table")
    with pytest.raises(cd.FileError, match="different grids"):
        cd.read_table(tmp_path / "d.table")
    assert cd.read_interactions(tmp_path / "d.table")["A", "B"].cutoff == 3.0


def test_error_cores_stay_errors_or_are_refused(tmp_path):
    table = LJ.table(500, r_min=0.9, inner="error")
    cd.write_table(table, tmp_path / "t.table")
    assert cd.read_potential(tmp_path / "t.table").trusted_from == pytest.approx(0.9)  # LAMMPS itself stops below
    for name in ("t.xvg", "t.npz", "t.pot", "t.tab"):
        with pytest.raises(ValueError, match="needs a core"):
            cd.write_table(table, tmp_path / name)
        assert not (tmp_path / name).exists()


def test_power_cores_stay_finite_at_zero(tmp_path):
    cd.write_table(LJ.table(1000, r_min=0.8, inner="power"), tmp_path / "t.xvg")
    u, f = gromacs(tmp_path / "t.xvg")(np.array([1e-9, 0.2, 0.6]))
    assert np.all(np.isfinite(u))
    assert np.all(np.diff(f) < 0)


# --- golden files: typed by hand, as the other program writes them ------------------------------------------------------

GMX_RDF = """# This file was created by gmx rdf
@    title "Radial distribution"
@    xaxis  label "r (nm)"
@TYPE xy
@ s0 legend "OW"
     0.0     0.0
   0.100     0.0
   0.280     2.900
   0.350     1.05
   0.500     1.000
"""
VOTCA_TGT = "# created on a Tuesday\n0.24 0.000686615 i\n0.25 0.0970981 i\n0.26 1.08917 i\n0.27 2.72246 i\n0.28 2.9 o\n"
VOTCA_POT = "5\n0.0 10.5 o\n0.1 8.5 o\n0.2 4.0 i\n0.3 -1.0 i\n0.4 0.0 i\n"
LAMMPS_TABLE = """# DATE: 2026-01-01 UNITS: real CONTRIBUTOR: somebody

LJ
N 4 R 1.0 4.0

1 1.0 8.0 16.0
2 2.0 1.0 2.0
3 3.0 0.2 0.25
4 4.0 0.0 0.0

OTHER
N 4

1 1.0 1.0 1.0
2 1.5 0.5 1.0
3 2.5 0.2 0.1
4 4.0 0.0 0.0
"""
GMX_TABLE = """#
0.0 0 0 0 0 9.0 0.0
0.1 0 0 0 0 4.0 30.0
0.2 0 0 0 0 1.0 20.0
0.3 0 0 0 0 0.0 0.0
0.4 0 0 0 0 0.0 0.0
0.5 0 0 0 0 0.0 0.0
"""


def test_golden_gmx_rdf(tmp_path):
    (tmp_path / "rdf.xvg").write_text(GMX_RDF)
    ds = cd.read_target(tmp_path / "rdf.xvg", density=33.4, kT=2.494)
    assert ds.g.values.tolist() == [[0.0, 0.0, 2.9, 1.05, 1.0]]
    assert ds.r.attrs["units"] == "nm"
    assert ds.attrs["normalization"] == "N^2"


def test_gmx_rdf_of_several_selections(tmp_path):
    """gmx rdf -ref OW -sel OW HW: the subtitle names the reference, the legends the selections."""
    rows = "0.1 0 0\n0.2 1 2\n0.3 1 1\n0.4 1 1\n"
    (tmp_path / "a.xvg").write_text(f'@ subtitle "reference OW"\n@ s0 legend "OW"\n@ s1 legend "name HW1"\n{rows}')
    ds = cd.read_target(tmp_path / "a.xvg", density={"OW": 33.4, "name_HW1": 66.8}, kT=2.494)
    assert ds.pair.values.tolist() == ["OW-OW", "OW-name_HW1"]
    (tmp_path / "b.xvg").write_text(f'@ s0 legend "first"\n@ s1 legend "second"\n{rows}')
    with pytest.raises(cd.FileError, match="does not say which pairs its 2 columns are"):
        cd.read_target(tmp_path / "b.xvg", density=1.0, kT=1.0)
    named = cd.read_target(tmp_path / "b.xvg", density={"A": 1.0, "B": 1.0}, kT=1.0, pairs=["A-A", "A-B"])
    assert float(named.g.sel(pair="A-B", r=0.2)) == 2
    with pytest.raises(cd.FileError, match="holds no pair C-C"):
        cd.read_target(tmp_path / "a.xvg", density=1.0, kT=1.0, pair="C-C")


def test_round_off_below_zero_reads_as_zero(tmp_path):
    """VOTCA's propane targets start with g = −1e-7: a spline's round-off; −1e-3 is a mistake."""
    (tmp_path / "A-B.dist.tgt").write_text("0.1 -1.01e-07 i\n0.2 1 i\n0.3 1 i\n0.4 1 i\n")
    ds = cd.read_target(tmp_path / "A-B.dist.tgt", density={"A": 1.0, "B": 2.0}, kT=2.5)
    assert (ds.pair.values.tolist(), float(ds.g[0, 0])) == (["A-B"], 0.0)
    (tmp_path / "A-B.dist.tgt").write_text("0.1 -1e-3 i\n0.2 1 i\n0.3 1 i\n0.4 1 i\n")
    with pytest.raises(cd.FileError, match="is negative"):
        cd.read_target(tmp_path / "A-B.dist.tgt", density={"A": 1.0, "B": 2.0}, kT=2.5)


def test_comments_in_lammps_tables(tmp_path):
    """LAMMPS itself drops what follows a #."""
    text = LAMMPS_TABLE.replace("\nLJ\n", "\nLJ # the pair\n").replace("R 1.0 4.0", "R 1.0 4.0  # rows").replace("3 3.0 0.2", "# a remark\n3 3.0 0.2")  # fmt: skip
    (tmp_path / "x.table").write_text(text)
    assert float(cd.read_potential(tmp_path / "x.table", pair="LJ-LJ").force(3.0)) == 0.25


@pytest.mark.parametrize("format", FORMATS)
def test_the_first_trusted_distance_survives(tmp_path, format):
    path = tmp_path / FORMATS[format]
    table = LJ.table(2000, r_min=0.85)
    cd.write_table(table, path, format=format, n=2000)
    again = cd.read_potential(path, format=format)
    assert again.trusted_from == pytest.approx(0.85, abs=0.0025)
    assert float(again.force(0.8)) == pytest.approx(float(table.force(0.8)), rel=0.02), "and the core goes on alike"


@pytest.mark.parametrize("kind", ["B-1", "A B", "A,B", "A)", "", "a=b"])
def test_types_that_files_cannot_hold_are_refused(kind):
    with pytest.raises(ValueError, match="cannot name a type"):
        cd.Interactions({("A", kind): LJ})


@pytest.mark.parametrize("big", ["1e308", "-1e308", "1e200"])
def test_values_that_make_no_curve(tmp_path, big):
    (tmp_path / "t.csv").write_text(f"r,u\n0.1,{big}\n0.2,1\n0.3,-{big}\n0.4,0\n".replace("--", ""))
    with pytest.raises(cd.FileError, match="holds values beyond"):
        cd.read_potential(tmp_path / "t.csv")
    (tmp_path / "t.pot").write_text("1D5\n0.1 1 i\n0.2 1 i\n")
    with pytest.raises(cd.FileError, match="announces 100000 rows"):
        cd.read_potential(tmp_path / "t.pot")


def test_a_wall_that_no_power_law_continues_is_named(tmp_path):
    (tmp_path / "t.csv").write_text("r,u\n0.1,1\n0.2,2\n0.3,1\n0.4,0\n")
    with pytest.raises(cd.FileError, match=r"t\.csv: its rows make no curve \(no power law"):
        cd.read_potential(tmp_path / "t.csv", inner="power")


def test_golden_votca(tmp_path):
    (tmp_path / "CG-CG.dist.tgt").write_text(VOTCA_TGT)
    ds = cd.read_target(tmp_path / "CG-CG.dist.tgt", density=33.4, kT=2.494, pairs=["CG-CG"])
    assert ds.pair.values.tolist() == ["CG-CG"]
    assert float(ds.g[0, 3]) == 2.72246
    (tmp_path / "CG-CG.pot.new").write_text(VOTCA_POT)
    table = cd.read_table(tmp_path / "CG-CG.pot.new")
    assert table.trusted.values.tolist() == [[False, False, True, True, True]]
    assert float(table.u[0, 3]) == -1.0
    with pytest.raises(cd.FileError, match="only 3 rows are data"):
        cd.read_potential(tmp_path / "CG-CG.pot.new")


def test_golden_lammps(tmp_path):
    (tmp_path / "x.table").write_text(LAMMPS_TABLE)
    lj = cd.read_potential(tmp_path / "x.table", pair="LJ-LJ")
    assert float(lj.energy(2.0)) == 1.0
    assert float(lj.force(3.0)) == 0.25
    assert float(cd.read_potential(tmp_path / "x.table", pair="OTHER-OTHER").energy(1.5)) == 0.5
    assert cd.read_table(tmp_path / "x.table", pair="LJ-LJ").r.attrs["units"] == "angstrom"


def test_golden_gmx_table(tmp_path):
    (tmp_path / "table_A_B.xvg").write_text(GMX_TABLE)
    curve = cd.read_potential(tmp_path / "table_A_B.xvg", pair="A-B")
    assert curve.cutoff == pytest.approx(0.3)
    assert float(curve.energy(0.2)) == 1.0
    assert float(curve.force(0.1)) == 30.0


@pytest.mark.parametrize(
    ("text", "r", "g"),
    [
        ("r,g\n0.1,0\n0.2,2\n0.3,1\n0.4,1\n", 0.2, 2.0),
        ("r (nm),g(r),\n0.1,0,\n0.2,2,\n0.3,1,\n0.4,1,\n,,\n", 0.2, 2.0),
        ("0.1;0\n0.2;2\n0.3;1\n0.4;1\n", 0.2, 2.0),
        ("# a remark\n0.1 0\n0.2 2\n0.3 1\n0.4 1\n", 0.2, 2.0),
        ("r (Å)\tg(r)\n0.1\t0\n0.2\t2\n0.3\t1\n0.4\t1\n", 0.2, 2.0),
        ("r [nm],g(A-A),g_stderr(A-A)\n0.1,0,0\n0.2,2,.1\n0.3,1,.1\n0.4,1,.1\n", 0.2, 2.0),
        ("\ufeffr, rdf\r\n0.1, 0\r\n0.2, 2\r\n0.3, 1\r\n0.4, 1\r\n", 0.2, 2.0),
        ("# kT = 3.0\n# density = 0.2\nr,g\n1e-1,0\n2D-1,2\n0.3,1\n0.4,1\n", 0.2, 2.0),
    ],
)
def test_dialects_of_csv(tmp_path, text, r, g):
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    ds = cd.read_target(tmp_path / "t.csv", **({} if "kT" in text else {"density": 0.5, "kT": 1.0}))
    assert float(ds.g.sel(pair="A-A", r=r)) == g
    if "kT" in text:
        assert (float(ds.kT), float(ds.density[0])) == (3.0, 0.2)
    if "(nm)" in text:
        assert ds.r.attrs["units"] == "nm"
    if "[nm]" in text:
        assert float(ds.g_stderr[0, 1]) == 0.1


names = st.sampled_from(["A", "B", "OW", "C1"])


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_targets_round_trip(tmp_path_factory, data):
    n = data.draw(st.integers(4, 40))
    pairs = data.draw(st.lists(st.tuples(names, names).map(cd.pair_of), min_size=1, max_size=3, unique=True))
    finite = st.floats(0, 1e6, allow_nan=False).filter(lambda v: v == 0 or v > 1e-200)
    curves = {p: np.array(data.draw(st.lists(finite, min_size=n, max_size=n))) for p in pairs}
    types = sorted({t for p in pairs for t in p})
    r = np.cumsum(data.draw(st.lists(st.floats(1e-3, 10), min_size=n, max_size=n)))
    ds = cd.make_target(r, curves, g_stderr={p: 0.1 * c for p, c in curves.items()}, kT=data.draw(st.floats(1e-3, 1e3)),
                        density=dict.fromkeys(types, 0.3), particles=dict.fromkeys(types, 77), normalization="N(N-1)")  # fmt: skip
    path = tmp_path_factory.mktemp("t") / "t.csv"
    again = cd.read_target(cd.write_target(ds, path))
    for name in ("r", "g", "g_stderr", "density", "kT", "particles"):
        np.testing.assert_array_equal(again[name].values, ds[name].values)
    assert again.attrs["normalization"] == "N(N-1)"


@pytest.mark.parametrize("name", ["t.xvg", "t.dist.tgt", "t.nc"])
def test_targets_in_other_formats(tmp_path, name):
    r = np.linspace(0.05, 1.2, 24)
    ds = cd.make_target(
        r, r / r.max(), density=33.0, kT=2.5, g_stderr=0.01 * r, units=cd.Units("nm", "kJ/mol", "g/mol")
    )
    again = cd.read_target(cd.write_target(ds, tmp_path / name))
    np.testing.assert_array_equal(again.g.values, ds.g.values)
    assert ("g_stderr" in again) == (name != "t.xvg")
    assert float(again.density[0]) == 33.0


def test_targets_of_two_pairs_do_not_fit_votca(tmp_path):
    r = np.linspace(0.1, 1, 10)
    ds = cd.make_target(r, {("A", "A"): r, ("A", "B"): r}, density={"A": 1.0, "B": 1.0}, kT=1.0)
    with pytest.raises(ValueError, match="one pair"):
        cd.write_target(ds, tmp_path / "t.dist.tgt")
    again = cd.read_target(cd.write_target(ds, tmp_path / "t.xvg"))
    assert again.pair.values.tolist() == ["A-A", "A-B"]


BAD = {  # what is wrong: file, text, what the message must say
    "nan": ("t.csv", "r,g\n0.1,0\n0.2,nan\n0.3,1\n0.4,1\n", r"line 3: holds nan"),
    "word": ("t.csv", "r,g\n0.1,0\n0.2,two\n0.3,1\n0.4,1\n", r"line 3: 'two' is not a number"),
    "decreasing": ("t.csv", "r,g\n0.1,0\n0.3,1\n0.2,1\n0.4,1\n", r"line 4: r does not increase"),
    "negative g": ("t.csv", "r,g\n0.1,0\n0.2,-0.5\n0.3,1\n0.4,1\n", r"line 3: column 2 is negative"),
    "negative r": ("t.csv", "r,g\n-0.1,0\n0.2,1\n0.3,1\n0.4,1\n", r"line 2: r is negative"),
    "ragged": ("t.csv", "r,g\n0.1,0\n0.2\n0.3,1\n0.4,1\n", r"line 3: has 1 columns, expected 2"),
    "short": ("t.csv", "r,g\n0.1,0\n0.2,1\n", r"2 rows, a curve needs at least 4"),
    "empty": ("t.csv", "", r"is empty"),
    "comments only": ("t.csv", "# nothing\n", r"no rows of numbers"),
    "wrong names": ("t.csv", "q,y\n0.1,0\n0.2,1\n0.3,1\n0.4,1\n", r"no column g, only q, y"),
    "no g": ("t.csv", "r,u\n0.1,0\n0.2,1\n0.3,1\n0.4,1\n", r"no column g"),
    "twice": ("t.csv", "r,g,g\n0.1,0,1\n", r"names one column twice"),
    "mixed units": ("t.csv", "r [furlong],g\n0.1,0\n0.2,1\n0.3,1\n0.4,1\n", r"column r is in 'furlong'"),
    "stray unit": ("t.csv", "r (parsec),g\n0.1,0\n0.2,1\n0.3,1\n0.4,1\n", r"column r is in 'parsec'"),
    "type name": ("t.csv", "r,g(A-B-C)\n0.1,0\n0.2,1\n0.3,1\n0.4,1\n", r"does not name a pair"),
    "running number": ("t.csv", "0.1,0,0\n0.2,1,1\n0.3,1,4\n0.4,1,9\n", r"as a coordination number does"),
    "late decimal comma": ("t.csv", "r;g\n0,1;0\n0,2;1\n", r"line 2: uses decimal commas"),
    "gOO": ("t.csv", "r,gOO,gOH\n0.1,0,0\n", r"has no column g, only r, goo, goh"),
    "decimal comma": ("t.csv", "0,1;0,0\n0,2;1,0\n", r"decimal commas"),
    "too many columns": ("t.csv", "1 2 3 4\n1 2 3 4\n", r"4 columns and no header"),
    "bad title": ("t.csv", "r,g(A-A,b\n1,2,3\n", r"is not a column name"),
    "overflow": ("t.csv", "r,g\n0.1,0\n0.2,1e999\n0.3,1\n0.4,1\n", r"line 3: 1e999 is out of range"),
    "bad header": ("t.csv", "# units_length = kg\nr,g\n0.1,0\n0.2,1\n0.3,1\n0.4,1\n", r"not a unit of length"),
    "flag": ("t.dist.tgt", "0.1 0 i\n0.2 1 x\n0.3 1 i\n0.4 1 i\n", r"line 2: the flag 'x' is unknown"),
    "count": ("t.dist.tgt", "9\n0.1 0 i\n0.2 1 i\n0.3 1 i\n0.4 1 i\n", r"announces 9 rows but holds 4"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_targets_are_named(tmp_path, name):
    file, text, message = BAD[name]
    (tmp_path / file).write_text(text)
    with pytest.raises(cd.FileError, match=message) as error:
        cd.read_target(tmp_path / file, density=1.0, kT=1.0)
    assert str(tmp_path / file) in str(error.value)


BAD_TABLES = {
    "mixed units": ("t.csv", "r [nm],u(A-A) [kJ/mol],u(B-B) [eV]\n" + "0.1,1,1\n0.2,1,1\n0.3,1,1\n0.4,1,1\n", "mixes the units"),
    "no u": ("t.csv", "r,g\n0.1,0\n0.2,1\n0.3,1\n0.4,1\n", "no column u"),
    "columns": ("t.xvg", "0 1 2 3\n1 1 2 3\n2 1 2 3\n3 1 2 3\n", "4 columns, a GROMACS table has 7"),
    "two functions": ("t.xvg", "0 1 2 0 0 1 2\n1 1 2 0 0 1 2\n2 1 2 0 0 0 0\n3 1 2 0 0 0 0\n", "mixes 2 non-zero"),
    "truncated": ("t.table", LAMMPS_TABLE[: LAMMPS_TABLE.index("4 4.0")], "announces 4 rows but holds 3; is the file truncated"),
    "not blank": ("t.table", "A\nN 4\n1 1 1 1\n2 2 1 1\n3 3 1 1\n4 4 1 1\n", "must be blank"),
    "bitmap": ("t.table", "A\nN 4 BITMAP 1 2\n\n", "BITMAP tables are not read"),
    "parameter": ("t.table", "A\nN 4 FOO 1 2\n\n", "unknown table parameter 'FOO'"),
    "number": ("t.table", "A\nN four\n\n", "cannot read the table parameters"),
    "huge": ("t.table", "A\nN 999999999999\n\n", "make no table"),
    "order": ("t.table", "A\nN 4\n\n1 1 1 1\n2 3 1 1\n3 2 1 1\n4 4 1 1\n", "r must be positive and increase"),
    "range": ("t.table", "A\nN 4\n\n1 1 1e999 1\n2 2 1 1\n3 3 1 1\n4 4 1 1\n", "out of range"),
    "off grid": ("t.table", "A\nN 4 R 1 4\n\n1 1 1 1\n2 2.5 1 1\n3 3 1 1\n4 4 1 1\n", "stands where 'R' puts 2"),
    "same pair": ("t.table", ("A\nN 4\n\n1 1 1 1\n2 2 1 1\n3 3 1 1\n4 4 1 1\n\n") * 2, "same pair"),
    "unknown units": ("t.table", LAMMPS_TABLE.replace("UNITS: real", "UNITS: si"), "is in the units 'si'"),
    "no section": ("t.table", "# nothing\n", "has no section"),
    "npz": ("t.npz", "PK not really", "not an .npz"),
    "nul": ("t.csv", "r,u\n0.1,\0\n", "holds binary data"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_TABLES)
def test_bad_tables_are_named(tmp_path, name):
    file, text, message = BAD_TABLES[name]
    (tmp_path / file).write_text(text)
    with pytest.raises(cd.FileError, match=message):
        cd.read_table(tmp_path / file)


def test_encodings_and_long_lines(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"r,g\n0.1,\xff\n")
    with pytest.raises(cd.FileError, match=r"line 2: is not UTF-8"):
        cd.read_target(tmp_path / "t.csv", density=1.0, kT=1.0)
    (tmp_path / "t.csv").write_bytes(b"0" * (2**20 + 10))
    with pytest.raises(cd.FileError, match="longer than"):
        cd.read_target(tmp_path / "t.csv", density=1.0, kT=1.0)


def test_a_two_gigabyte_text_file_is_refused_unread(tmp_path):
    with (tmp_path / "t.csv").open("wb") as stream:
        stream.truncate(2 * 10**9)
    with pytest.raises(cd.FileError, match="has 2000 MB, a table file has at most 268 MB"):
        cd.read_target(tmp_path / "t.csv", density=1.0, kT=1.0)


def test_a_zip_bomb_is_refused_unpacked(tmp_path):
    import zipfile

    with (
        zipfile.ZipFile(tmp_path / "t.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        archive.open("A-A/U.npy", "w", force_zip64=True) as stream,
    ):
        for _ in range(300):
            stream.write(bytes(2**20))
    assert (tmp_path / "t.npz").stat().st_size < 2**20
    with pytest.raises(cd.FileError, match="zip bomb"):
        cd.read_table(tmp_path / "t.npz")


def test_pickled_objects_are_never_loaded(tmp_path):
    np.savez(tmp_path / "t.npz", **{"A-A/U": np.array([{"a": 1}], dtype=object)})
    with pytest.raises(cd.FileError, match="pickled objects"):
        cd.read_table(tmp_path / "t.npz")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.zeros(5)}, "no array named"),
        ({"A-A/U": np.zeros(5)}, "lacks r_min, r_cut, F"),
        ({"A-A/U": np.zeros(5), "A-A/F": np.zeros(6), "A-A/r_min": 0.0, "A-A/r_cut": 1.0}, "two columns of one length"),
        ({"A-A/U": np.full(5, np.inf), "A-A/F": np.zeros(5), "A-A/r_min": 0.0, "A-A/r_cut": 1.0}, "must be finite"),
        ({"A-A/U": np.zeros(5), "A-A/F": np.zeros(5), "A-A/r_min": 2.0, "A-A/r_cut": 1.0}, "r_min < r_cut"),
        ({"A-A/U": np.zeros(5), "units": np.array(["kg", "eV", "m"])}, "not a unit of length"),
    ],
)
def test_hoomd_files_with_something_missing(tmp_path, arrays, message):
    np.savez(tmp_path / "t.npz", **arrays)
    with pytest.raises(cd.FileError, match=message):
        cd.read_table(tmp_path / "t.npz")


def test_paths_that_are_no_files(tmp_path):
    for path, message in (
        (tmp_path, "is a directory"),
        (tmp_path / "no.csv", "no such file"),
        ("/dev/null", "not a regular"),
    ):
        with pytest.raises(cd.FileError, match=message):
            cd.read_target(path, density=1.0, kT=1.0, format="csv")
    with pytest.raises(cd.FileError, match=r"cannot be opened|no such file"):
        cd.read_target("a\0b.csv", density=1.0, kT=1.0)


def test_writing_is_whole_or_nothing(tmp_path):
    path = tmp_path / "t.csv"
    cd.write_table(LJ, path, n=100)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="at least 4 rows"):
        cd.write_table(LJ, path, n=3)
    broken = cd.Interactions({("A", "A"): LJ, ("B", "B"): SOFT})
    with pytest.raises(ValueError, match="different cutoffs"):
        cd.write_table(broken, path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"], "no temporary file is left"
    with pytest.raises(cd.FileError, match="does not exist"):
        cd.write_table(LJ, tmp_path / "no" / "t.csv")
    with pytest.raises(cd.FileError, match="is a directory"):
        cd.write_table(LJ, tmp_path, format="csv")


def test_unknown_formats_list_the_known(tmp_path):
    with pytest.raises(ValueError, match="unknown format 'foo': one of csv, lammps"):
        cd.write_table(LJ, tmp_path / "t.csv", format="foo")
    with pytest.raises(ValueError, match="suffix names no format"):
        cd.read_table(tmp_path / "t.foo")


def test_missing_facts_are_asked_for(tmp_path):
    (tmp_path / "t.csv").write_text("r,g(A-A),g(A-B)\n0.1,0,0\n0.2,1,1\n0.3,1,1\n0.4,1,1\n")
    with pytest.raises(ValueError, match="does not say its density"):
        cd.read_target(tmp_path / "t.csv", kT=1.0)
    with pytest.raises(ValueError, match="does not say its kT"):
        cd.read_target(tmp_path / "t.csv", density={"A": 1.0, "B": 2.0})
    with pytest.raises(cd.FileError, match="need one value each"):
        cd.read_target(tmp_path / "t.csv", density=1.0, kT=1.0)
    with pytest.raises(ValueError, match="pairs names 1"):
        cd.read_target(tmp_path / "t.csv", density=1.0, kT=1.0, pairs=["X-X"])
    with pytest.raises(cd.FileError, match="must be positive"):
        cd.read_target(tmp_path / "t.csv", density={"A": 1.0, "B": 2.0}, kT=-1.0)


def test_interpolation_rules_would_notice_a_shifted_grid(tmp_path):
    """The check has teeth: HOOMD given an inclusive grid is off by far more than the tolerance (msibi's bug)."""
    r = np.linspace(0.8, 2.5, 1000)
    np.savez(tmp_path / "t.npz", **{"A-A/r_min": 0.8, "A-A/r_cut": 2.5, "A-A/U": LJ.energy(r), "A-A/F": LJ.force(r)})
    u, _ = hoomd(tmp_path / "t.npz")(np.array([0.9, 1.12]))
    assert np.max(np.abs(u - LJ.energy(np.array([0.9, 1.12])))) > 0.01
