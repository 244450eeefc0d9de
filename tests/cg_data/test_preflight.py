"""Preflight: a clean target passes, and each way of getting it wrong is named with a remedy."""

from __future__ import annotations

import numpy as np
import pytest

import cg_data as cd

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
