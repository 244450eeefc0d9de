"""Preflight: a clean target passes, and each way of getting it wrong is named with a remedy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import cg_data as cd

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"

R = np.linspace(0.01, 4.99, 250)


def liquid(r=R, noise=0.0, seed=0):
    """A g(r) shaped like a liquid's: a hard wall, a peak of 2.7 at 1.1, decaying rings, tail 1."""
    g = 1 + 1.7 * np.exp(-(r - 1.08) / 0.6) * np.cos(2 * np.pi * (r - 1.08) / 1.0)
    g *= 1 / (1 + np.exp(-(r - 0.95) / 0.018))
    g = np.where(r < 0.72, 0.0, np.maximum(g, 0))
    return g * (1 + noise * np.random.default_rng(seed).normal(size=len(r)))


def codes(target, level=None, **kwargs):
    return {f.code for f in cd.preflight(target, **kwargs) if level in (None, f.level)}


def make(r=R, g=None, **kwargs):
    facts = {"density": 0.7, "kT": 1.0, **kwargs}
    return cd.make_target(r, liquid(r) if g is None else g, **facts)


def test_a_clean_target_passes():
    assert codes(make()) <= {"noise-floor"}
    assert codes(make(particles=2000), cutoff=2.5) <= {"noise-floor", "jump-at-cutoff"}


def crystal(basis, r=R, nearest=1.0, width=0.05):
    """g(r) of a cubic crystal of given fractional basis, its shells widened to Gaussians; and its density."""
    sites = np.asarray(basis)
    cells = np.stack(np.meshgrid(*[np.arange(-4, 5)] * 3, indexing="ij"), -1).reshape(-1, 1, 3)
    d = np.linalg.norm(cells + sites - sites[0], axis=-1).ravel()
    d = np.sort(d)[1:]
    a = nearest / d[0]
    density = len(sites) / a**3
    shells = np.exp(-((r[:, None] - a * d) ** 2) / (2 * width**2)).sum(1) / (width * np.sqrt(2 * np.pi))
    return shells / (4 * np.pi * r**2 * density), density


FCC = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
DIAMOND = np.concatenate([FCC, FCC + 0.25])


def stray(r=R, at=0.4, count=1e-3, density=0.7):
    """A liquid with `count` neighbors in the one bin at `at`, that should be empty."""
    g = liquid(r)
    i = int(np.argmin(abs(r - at)))
    g[i] = count / (density * 4 * np.pi * r[i] ** 2 * (r[1] - r[0]))
    return g


NM, METAL = cd.Units("nm", "kJ/mol", "g/mol"), cd.Units("angstrom", "meV", "g/mol")
WATER = cd.Units("nm", "kJ/mol", "g/mol")
CASES = {  # code: level, target, arguments
    "beyond-half-box": ("error", lambda: make(particles=500), {}),
    "cutoff-beyond-data": ("error", lambda: make(), {"cutoff": 6.0}),
    "tail": ("error", lambda: make(g=0.5 * liquid()), {}),
    "density-unit": ("error", lambda: make(density=33.4), {}),
    "length-unit": ("warning", lambda: make(3 * R, liquid(), units=WATER, density=0.03, kT=2.494), {}),
    "kT-is-temperature": ("error", lambda: make(kT=300.0), {}),
    "intramolecular-peak": ("error", lambda: make(g=liquid() + np.where(abs(R - 0.45) < 0.03, 8.0, 0)), {}),
    "core-cut": ("warning", lambda: make(R[45:], liquid()[45:]), {}),
    "no-core": ("info", lambda: make(g=1 - 0.7 * np.exp(-(R**2))), {}),
    "grid": ("warning", lambda: make(R**1.3), {}),
    "range": ("warning", lambda: make(R[:80]), {}),
    "jump-at-cutoff": ("warning", lambda: make(), {"cutoff": 1.1}),
    "noise": ("warning", lambda: make(g=liquid(noise=0.05)), {}),
    "empty": ("error", lambda: make(g=np.zeros_like(R)), {}),
    "core-coverage": ("error", lambda: make(R[::25], np.where(R[::25] < 0.9, 0, liquid()[::25])), {}),
    "gap": ("warning", lambda: make(g=crystal(FCC)[0], density=crystal(FCC)[1]), {}),
    "stray-counts": ("warning", lambda: make(g=stray()), {}),
    "normalization": ("warning", lambda: make(g=liquid() * (1 - 1 / 64), particles=64, normalization="N(N-1)"), {}),
    "noise-floor": ("info", lambda: make(g=liquid(noise=1e-3)), {}),
}


@pytest.mark.parametrize("code", CASES)
def test_each_mistake_is_named_with_a_remedy(code):
    level, target, arguments = CASES[code]
    found = {f.code: f for f in cd.preflight(target(), **arguments)}
    assert code in found
    assert found[code].level == level
    assert len(found[code].remedy) > 10
    assert found[code].message in str(found[code])


def test_noise_is_measured_and_errors_are_believed():
    for noise in (0.03, 0.1):
        (found,) = [f for f in cd.preflight(make(g=liquid(noise=noise))) if f.code == "noise"]
        assert float(found.message.split()[-1]) == pytest.approx(noise, rel=0.25)
    assert "noise" in codes(make(g_stderr=np.full_like(R, 0.3)), "error")
    assert "noise" not in codes(make(g_stderr=np.full_like(R, 1e-3)))


def test_the_tail_knows_its_normalization():
    """With N² like pairs tend to 1 − 1/N: for N = 20 that is 0.95 and fine; said to be N(N−1) it is not."""
    g = liquid() * 0.95
    small = {"g": g, "particles": 20, "density": 0.002}
    assert "tail" not in codes(make(**small))
    assert "tail" in codes(make(**small, normalization="N(N-1)"), "warning")


def test_kT_in_kelvin_of_every_unit():
    for energy, good in (("kJ/mol", 2.5), ("kcal/mol", 0.6), ("eV", 0.026), ("K", 300.0)):
        units = cd.Units("angstrom", energy, "g/mol")
        r = R * 2.6
        assert "kT-is-temperature" not in codes(make(r, liquid(), units=units, density=0.033, kT=good))
        if energy != "K":
            assert "kT-is-temperature" in codes(make(r, liquid(), units=units, density=0.033, kT=300.0))


def test_pairs_are_named():
    both = cd.make_target(R, {("A", "A"): liquid(), ("A", "B"): 0.5 * liquid()}, density={"A": 0.4, "B": 0.3}, kT=1.0)
    (tail,) = [f for f in cd.preflight(both) if f.code == "tail"]
    assert tail.where == "A-B"


def counted(g, r=R, seed=3, per_area=200.0):
    """A histogram of g: counts of Poisson, whose relative error grows inwards."""
    expected = per_area * r**2
    return np.random.default_rng(seed).poisson(expected * g) / expected


def dilute(potential):
    return 1 + cd.mayer_f(potential, R, kT=1.0)


HONEST = {  # g: density, what may be said
    "WCA": (lambda: dilute(cd.WCA()), 0.3),
    "WCA counted": (lambda: counted(dilute(cd.WCA())), 0.3),
    "dilute LJ": (lambda: dilute(cd.LennardJones(cutoff=3.0)), 1e-6),
    "dilute LJ counted": (lambda: counted(dilute(cd.LennardJones(cutoff=3.0))), 0.01),
    "Gaussian core": (lambda: dilute(cd.GaussianCore(2.0, 1.0, 4.0)), 0.5),
    "Gaussian core counted": (lambda: counted(dilute(cd.GaussianCore(2.0, 1.0, 4.0))), 0.5),
    "ideal": (lambda: np.ones_like(R), 0.5),
    "ideal, white noise": (lambda: 1 + 0.018 * np.random.default_rng(5).normal(size=len(R)), 0.5),
    "ideal counted": (lambda: counted(np.ones_like(R)), 0.5),
    "liquid": (lambda: liquid(noise=0.01), 0.8),
}


@pytest.mark.parametrize("name", HONEST)
def test_no_false_alarm(name):
    g, density = HONEST[name]
    found = cd.preflight(make(g=g(), density=density))
    assert [str(f) for f in found if f.level != "info" and f.code != "noise"] == []
    for f in found:
        if f.code == "noise":  # true, and no more than what Poisson gives in the tail at r = 4.5: 1/√(200·20)
            assert float(f.message.split()[-1]) == pytest.approx(0.016, rel=0.6)


def real(name):
    path = SHARED / name
    if not path.is_file():
        pytest.skip(f"the reference data {path.name} is not there")
    return np.loadtxt(path, unpack=True)[:2]


@pytest.mark.parametrize(
    ("file", "density", "kT", "particles", "box"),
    [  # Å⁻³ from g/cm³ · 0.60221/26.9815; kT [meV] = 0.0861733 T
        ("al-eam/rdf_Al_mm.eam.fs_943K.txt", 0.05341, 81.3, 2048, None),
        ("al-eam/rdf_Al_mm.eam.fs_1023K.txt", 0.05296, 88.2, 2048, None),
        ("al-eam/rdf_Al_mm.eam.fs_1323K.txt", 0.05119, 114.0, 2048, None),
        ("al-eam/rdf_ANI-Al_1023K_NVT256_m8.txt", 0.05229, 88.2, 256, None),
        ("water-dft/gOO_PBE0TS_400frames.txt", 0.0332, 28.4, 64, 12.4447),
    ],
)
@pytest.mark.parametrize("normalization", ["N^2", "N(N-1)"])
def test_real_liquids_pass(file, density, kT, particles, box, normalization):
    r, g = real(file)
    facts = {"density": density, "kT": kT, "particles": particles, "units": METAL, "normalization": normalization}
    assert [str(f) for f in cd.preflight(make(r, g, **facts), box=box) if f.level != "info"] == []


def test_the_density_of_another_unit_is_seen():
    """Water with r in nm and the 0.0334 of Å⁻³: ρ r³ = 0.0334·0.275³ = 7e-4; a gas as thin has no second shell."""
    r = R * 0.25
    assert "density-unit" in codes(make(r, liquid(), units=NM, density=0.0334, kT=2.494), "warning")
    assert "density-unit" not in codes(make(r, liquid(), units=NM, density=33.4, kT=2.494))
    assert "density-unit" in codes(make(R * 2.5, liquid(), units=METAL, density=33.4, kT=25.0), "error")


@pytest.mark.parametrize(
    ("energy", "kT", "level"),
    [("meV", 300.0, "error"), ("meV", 25.85, None), ("meV", 114.0, None), ("meV", 250.0, "error"),
     ("eV", 2.33e-3, "warning"), ("kJ/mol", 25.0, "warning"), ("kJ/mol", 298.15, "error"), ("kJ/mol", 12.0, None),
     ("K", 300.0, None), ("K", 87.0, None), ("K", 1323.0, None), ("K", 1.0, "error"),
     ("epsilon", 0.05, None), ("epsilon", 30.0, None), ("epsilon", 300.0, "error")],
)  # fmt: skip
def test_kT_near_room_temperature(energy, kT, level):
    """Molten aluminum (114 meV) and argon (87 K) pass, neon at 27 K is unusual, 300 is a temperature."""
    units = cd.Units("sigma", "epsilon", "m") if energy == "epsilon" else cd.Units("angstrom", energy, "g/mol")
    target = make(R * 2.6, liquid(), units=units, density=0.033, kT=kT)
    assert [f.level for f in cd.preflight(target) if f.code == "kT-is-temperature"] == [level][: level is not None]


@pytest.mark.parametrize(("basis", "nearest"), [(FCC, 12), (DIAMOND, 4), (FCC[:1], 6)])
def test_a_crystal_is_no_molecule(basis, nearest):
    g, density = crystal(basis)
    (found,) = [f for f in cd.preflight(make(g=g, density=density)) if f.code in ("gap", "intramolecular-peak")]
    assert (found.code, found.level) == ("gap", "warning")
    assert f"of {nearest} neighbors" in found.message


def test_bonds_are_errors_and_stray_counts_are_not():
    """One neighbor at 0.45 in a bin of width h: g = 1/(0.7·4π·0.45²·h). A thousandth of it is a miscount."""
    bond = make(g=stray(at=0.45, count=1.0))
    (found,) = [f for f in cd.preflight(bond) if f.level == "error"]
    assert found.code == "intramolecular-peak"
    assert "1 neighbors at r = 0.45" in found.message
    for count in (1e-5, 1e-3):
        assert codes(make(g=stray(count=count))) - {"noise-floor"} == {"stray-counts"}
    assert codes(make(g=stray(at=0.4, count=1e-3) + stray(at=0.6, count=1.0) - liquid())) >= {
        "stray-counts",
        "intramolecular-peak",
    }


@pytest.mark.parametrize(("true", "declared"), [("N^2", "N(N-1)"), ("N(N-1)", "N^2")])
def test_the_other_normalization_fits_better(true, declared):
    g = liquid() * (1 - 1 / 64 if true == "N^2" else 1.0)
    assert "normalization" in codes(make(g=g, particles=64, normalization=declared), "warning")
    assert "normalization" not in codes(make(g=g, particles=64, normalization=true))
    assert "normalization" not in codes(make(g=g, particles=2000, normalization=declared))  # 0.0005: not to be told
    rough = g + 0.15 * np.random.default_rng(0).normal(size=len(R)) * (R > 3)
    assert "normalization" not in codes(make(g=rough, particles=64, normalization=true))


def table(r, u, f=None):
    from cg_data.schemas import labeled

    variables = {"pair": np.array(["A-A"]), "r": (r, "sigma"), "u": (u[None], "epsilon")}
    return labeled("pair-table", variables | ({} if f is None else {"f": (f[None], "epsilon/sigma")}))


def test_tables(tmp_path):
    r = np.linspace(0.8, 2.5, 300)
    lj = cd.LennardJones(cutoff=3.0)
    shifted = lj.energy(r) - lj.energy(2.5)
    assert cd.preflight_table(table(r, shifted, lj.force(r)), kT=1.0) == ()
    found = {f.code: f.level for f in cd.preflight_table(table(r, lj.energy(r), 1.5 * lj.force(r)))}
    assert found == {"jump-at-cutoff": "warning", "force-is-not-slope": "warning"}
    assert "force-is-not-slope" in {
        f.code for f in cd.preflight_table(table(r, shifted, -lj.force(r))) if f.level == "error"
    }
    assert {f.code for f in cd.preflight_table(table(r[50:], -shifted[50:]), kT=1.0)} >= {"attractive-core"}
    low = cd.GaussianCore(3.0, 1.0, 4.0).shifted()
    x = np.linspace(0.0, 3.99, 100)
    assert {f.code for f in cd.preflight_table(table(x, low.energy(x)), kT=1.0)} == {"low-wall"}
    assert {f.code for f in cd.preflight_table(table(r**3, shifted))} == {"grid"}


@pytest.mark.parametrize("format", ["csv", "gromacs", "hoomd", "lammps"])
@pytest.mark.parametrize(
    ("potential", "expected"),
    [
        (cd.GaussianCore(2.0, 1.0, 4.0).force_shifted(), set()),
        (cd.GaussianCore(2.0, 1.0, 4.0).smooth_cut(3.0), set()),
        (cd.LennardJones(cutoff=2.5), {("jump-at-cutoff", "warning")}),
        (cd.LennardJones(cutoff=2.5).shifted(), set()),
        (cd.LennardJones(cutoff=2.5).force_shifted(), set()),
        (cd.WCA(), set()),
        (cd.GaussianCore(-2.0, 1.0, 4.0), {("attractive-core", "error")}),
    ],
    ids=["soft-fs", "soft-cut", "lj", "lj-shifted", "lj-fs", "wca", "attractive"],
)
def test_tables_that_we_write(tmp_path, potential, expected, format):
    """As every engine reads them: only a truncated curve jumps, only an attractive one collapses."""
    path = tmp_path / {"csv": "q.csv", "gromacs": "q.xvg", "hoomd": "q.npz", "lammps": "q.table"}[format]
    cd.write_table(potential, path, format=format)
    found = cd.preflight_table(cd.read_table(path, format=format))
    assert {(f.code, f.level) for f in found} == expected


def test_a_jump_before_zero_rows_is_no_slope():
    """4(2.49⁻¹² − 2.49⁻⁶) = −0.0167 and then zeros; a curve that glides into its zeros has no jump."""
    r = np.linspace(0.9, 3.0, 211)
    lj = cd.LennardJones(cutoff=2.495)
    (found,) = cd.preflight_table(table(r, lj.energy(r), lj.force(r)))
    assert (found.code, found.message) == ("jump-at-cutoff", "U = -0.01671 at the last row r = 2.49")
    smooth = lj.force_shifted()
    assert cd.preflight_table(table(r, smooth.energy(r), smooth.force(r))) == ()


def test_a_table_of_zeros_is_empty_and_errors_come_first():
    r = np.linspace(0.8, 2.5, 50)
    (found,) = cd.preflight_table(table(r, np.zeros(50), np.zeros(50)), kT=1.0)
    assert (found.code, found.level) == ("empty", "error")
    lj = cd.LennardJones(cutoff=3.0)
    x = np.linspace(0.8, 1.5, 300) ** 3
    levels = [f.level for f in cd.preflight_table(table(x, lj.energy(x), -lj.force(x)))]
    assert levels == ["error", "error", "warning", "info"]


def test_a_low_wall_at_zero_is_soft():
    soft = cd.GaussianCore(3.0, 1.0, 4.0).shifted()
    for start, level in ((0.0, "info"), (0.5, "warning")):
        r = np.linspace(start, 3.99, 200)
        (found,) = cd.preflight_table(table(r, soft.energy(r)), kT=1.0)
        assert (found.code, found.level) == ("low-wall", level)


@pytest.mark.parametrize("rows", [1, 3])
def test_a_few_rows_are_too_short(rows):
    r = np.arange(float(rows))
    assert codes(make(r, np.ones(rows))) == {"too-short"}
    assert {f.code for f in cd.preflight_table(table(r, np.ones(rows)))} == {"too-short"}
