"""The rows that kernels read: the same curve as the PairTable, evaluated here by the kernel's rule in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import cg_data as cd
import cg_sim as cs
from cg_data.pair_table import error_scale
from cg_sim.curves import Curves, exact_curves, fast_curves, nearest_distance, tables_of
from cg_sim.engines.cpu.session import start
from cg_sim.engines.protocol import BlowUp, Job

LJ = cd.LennardJones()
R = np.linspace(0.7, 2.5, 40)
POTENTIALS = {
    "Lennard-Jones": LJ,
    "shifted": LJ.shifted(),
    "force shifted": LJ.force_shifted(),
    "smoothly cut": LJ.smooth_cut(2.0),
    "scaled": 0.5 * LJ,
    "none": cd.LennardJones(epsilon=0.0),
    "WCA": cd.WCA(),
    "Morse ψ < 0": cd.ModifiedMorse(6.0, -1.0, 2.5),
    "Morse ψ = 0": cd.ModifiedMorse(6.0, 0.0, 2.5),
    "soft Morse": cd.ModifiedMorse(3.0, 1.0, 2.5),
    "power law": cd.PowerLaw(exponent=9.0),
    "Yukawa": cd.Yukawa(1.0, 1.0, 4.0),
    "Gaussian": cd.GaussianCore(1.0, 0.6, 2.0),
    "spring of length 0": cd.Harmonic(100.0, 0.0, 2.0),
    "spring": cd.Harmonic(100.0, 1.0, 2.0),
    "sum": cd.WCA() + cd.GaussianCore(-0.5, 1.0, 2.5),
    "Akima": cd.akima(R, LJ.energy(R)),
    "cubic spline": cd.cubic_spline(R, LJ.energy(R)),
    "tabulated": cd.tabulated(R, LJ.energy(R), LJ.force(R)),
}
SMOOTH = [  # those whose F/r is smooth in r²: no kink inside, no force at r = 0
    "Lennard-Jones", "shifted", "force shifted", "smoothly cut", "scaled", "none", "WCA", "Morse ψ < 0", "Morse ψ = 0",
    "power law", "Gaussian", "spring of length 0", "cubic spline",
]  # fmt: skip
ROUGH = ["tabulated"]  # F″ jumps at knots, little enough
ONE = (0, 0)
CEILING = 1000.0  # energy above which single precision has no rows: 1000 kT


def rows_at(curves: Curves, x: np.ndarray, pair: int = 0):
    first_argument, per_length, count, first = curves.pairs[pair].astype(float)
    place = np.clip((x - first_argument) * per_length, 0, count)
    whole = place.astype(int)
    return curves.rows.astype(float)[whole + int(first)].T, place - whole, per_length


def exact_at(curves: Curves, r: np.ndarray, pair: int = 0):
    """Return U and F of exact curves."""
    (c0, c1, c2, c3), t, per_length = rows_at(curves, r, pair)
    return c0 + t * (c1 + t * (c2 + t * c3)), -(c1 + t * (2 * c2 + 3 * t * c3)) * per_length


def fast_at(curves: Curves, r: np.ndarray, pair: int = 0):
    """Return F of fast curves."""
    (c0, c1, c2, c3), t, _ = rows_at(curves, r**2, pair)
    return r * (c0 + t * (c1 + t * (c2 + t * c3)))


def worst(ours: np.ndarray, true: np.ndarray, scale: float) -> float:
    """Largest difference relative to the larger of the local value and the characteristic one."""
    return float(np.max(np.abs(ours - true) / np.maximum(np.abs(true), scale or 1.0)))


@pytest.mark.parametrize("potential", POTENTIALS.values(), ids=POTENTIALS)
def test_exact_curves_are_the_table_to_rounding(potential):
    """At random distances, at the knots, on both sides of the cutoff and where padding is sent to."""
    table = cd.PairTable.from_potential(potential, 1000)
    scales = error_scale(table)
    curves = exact_curves({ONE: table}, 1)
    rng, edge = np.random.default_rng(0), table.cutoff * np.array([1 - 1e-12, 1 + 1e-12])
    for r in (rng.uniform(table.r_min, 1.2 * table.cutoff, 50_000), table.knots[:-1], edge, np.array([1e15])):
        u, f = exact_at(curves, r)
        assert worst(u, table.energy(r), scales[0]) < 1e-13
        assert worst(f, table.force(r), scales[1]) < 1e-13


@pytest.mark.parametrize(("inner", "energy", "force"), [("linear", 1e-12, 1e-12), ("power", 1e-7, 5e-6)])
def test_the_inner_rule_continues_an_exact_curve(inner, energy, force):
    """From 0.4 to r_min = 0.8: the line exactly, the power law with the error of cubics on the table's own grid.

    U ∝ r⁻¹⁷ is the steepest part at 0.4, where a cubic errs by h⁴U⁗/384 ≈ 1e-8 U and its slope by h³ such: 2e-6 F.
    """
    table = LJ.table(1000, r_min=0.8, inner=inner)
    r = np.random.default_rng(1).uniform(0.4, 0.8, 50_000)
    u, f = exact_at(exact_curves({ONE: table}, 1), r)
    np.testing.assert_allclose(u, table.energy(r), rtol=energy)
    np.testing.assert_allclose(f, table.force(r), rtol=force)


@pytest.mark.parametrize("rows", [1, 2, 3, 4])
def test_few_rows_below_a_coarse_table_continue_it_too(rows):
    table = cd.PairTable.from_potential(cd.LennardJones(cutoff=2.5).force_shifted(), 60, r_min=0.8)
    lowest = table.r_min - (rows + 0.5) * table.spacing
    curves = exact_curves({ONE: table}, 1, ceiling=float(table.energy(lowest)) - float(table.u_knots.min()))
    assert curves.pairs[0, 2] == table.n - 1 + rows
    r = np.linspace(curves.pairs[0, 0], 1.0, 50)
    energy, force = exact_at(curves, r)
    assert energy == pytest.approx(table.energy(r), rel=1e-9)
    assert force == pytest.approx(table.force(r), rel=1e-9)


def test_a_pair_below_a_table_that_forbids_it_breaks_the_run_down():
    """At r = 0.79 U is only 54 kT: the rule, not the energy, forbids it. inner="linear" lets the pair be."""
    state = cs.State([[1.0, 1, 1], [1.79, 1, 1]], 6.0)
    for inner, forbidden in (("error", True), ("linear", False)):
        job = Job(state, cd.as_interactions(LJ.table(1000, r_min=0.8, inner=inner)), 1.0, 1e-4, cs.NVE())
        if forbidden:
            with pytest.raises(BlowUp, match=r"particles (0 and 1|1 and 0) are 0.79 apart"):
                start(job)
        else:
            start(job).advance(1)


@pytest.mark.parametrize("name", SMOOTH)
def test_fast_curves_have_the_error_they_claim(name):
    """At random distances; the claim is from five in each row, between which a cubic may err 15 % more.

    Rows and their spacing are rounded to 2⁻²⁴, which r⁻¹² turns into up to 4e-7 of the force.
    """
    table = cd.PairTable.from_potential(POTENTIALS[name], 1000)
    curves = fast_curves({ONE: table}, 1, ceiling=CEILING)
    r = np.random.default_rng(2).uniform(curves.nearest, table.cutoff, 100_000)
    found = worst(fast_at(curves, r), table.force(r), error_scale(table)[1])
    assert found < 1.15 * curves.error + 4e-7
    assert curves.error < 1e-6
    assert not np.any(fast_at(curves, table.cutoff * np.array([1 + 1e-7, 1.5, 1e15])))


@pytest.mark.parametrize("name", ROUGH)
def test_a_rough_curve_is_held_less_well(name):
    table = cd.PairTable.from_potential(POTENTIALS[name], 1000)
    curves = fast_curves({ONE: table}, 1, ceiling=CEILING)
    r = np.random.default_rng(2).uniform(curves.nearest, table.cutoff, 100_000)
    assert 1e-6 < curves.error < 3e-5
    assert worst(fast_at(curves, r), table.force(r), error_scale(table)[1]) < 6e-5  # between the five points of a row


@pytest.mark.parametrize("name", sorted(set(POTENTIALS) - set(SMOOTH) - set(ROUGH)))
def test_what_single_precision_cannot_hold_is_refused_with_the_remedy(name):
    state = cs.fcc(256, 0.7)
    with pytest.raises(ValueError, match=r"(?s)precision='single' cannot hold.*r = 0.*use precision='double'"):
        cs.simulate(state, POTENTIALS[name], kT=1.0, steps=1, precision="single")


def test_nearest_distance_is_where_the_energy_stands_at_the_ceiling():
    r = nearest_distance(LJ.table(2000), CEILING)
    assert float(LJ.energy(r)) == pytest.approx(CEILING - 1, rel=0.02)  # a grid of 4001 points
    assert nearest_distance(cd.GaussianCore(2.0, 1.0, 2.5).table(), CEILING) == 0
    assert nearest_distance(LJ.table(1000, r_min=0.9, inner="error"), CEILING) == 0.9


THREE = {
    ("A", "A"): LJ,
    ("A", "B"): cd.LennardJones(0.7, 0.9, 1.8),
    ("B", "B"): cd.GaussianCore(2.0, 0.7, 2.2),
}


def test_several_types_keep_their_curves_apart():
    """Each ordered pair finds its own rows and ends at its own cutoff."""
    tables = tables_of(cd.Interactions(THREE), ("A", "B"))
    exact, fast = exact_curves(tables, 2), fast_curves(tables, 2, ceiling=CEILING)
    assert exact.cutoff == fast.cutoff == 2.5
    r = np.linspace(0.9, 2.6, 1001)
    for a, b in np.ndindex(2, 2):
        potential = THREE["AB"[min(a, b)], "AB"[max(a, b)]]
        u, f = exact_at(exact, r, 2 * a + b)
        np.testing.assert_allclose(u, potential.energy(r), rtol=1e-6, atol=1e-6)  # a table of 1000 knots
        np.testing.assert_allclose(f, potential.force(r), rtol=1e-6, atol=1e-5)
        np.testing.assert_allclose(fast_at(fast, r, 2 * a + b), f, atol=1e-6 * np.abs(f).max())


def test_tables_are_found_by_name_in_any_order_and_missed_by_name():
    unlike = {("B", "A"): THREE["A", "B"]}
    by_name = tables_of(cd.Interactions({**unlike, ("A", "A"): LJ, ("B", "B"): THREE["B", "B"]}), ("B", "A"))
    assert {pair: table.cutoff for pair, table in by_name.items()} == {(0, 0): 2.2, (0, 1): 1.8, (1, 1): 2.5}
    with pytest.raises(ValueError, match=r"no potential for A-B, B-B: give one for every pair .*'A', 'B'"):
        tables_of(cd.Interactions({("A", "A"): LJ}), ("A", "B"))


@pytest.mark.parametrize("density", [0.3, 0.8])
def test_single_precision_forces_are_those_of_double(density):
    """In a two-component fluid: one part in 10⁶ of the forces on average, 10⁻⁵ of the larger of |F| and F* at worst.

    Positions are known to 2⁻³² of the box, r² and the rows to 2⁻²⁴; a steep wall multiplies that by up to 14.
    """
    first = cs.fcc(500, density, composition={"A": 0.5, "B": 0.5}, kT=1.0, seed=2)
    fluid = cs.simulate(first, THREE, kT=1.0, steps=300).state
    forces = [first_forces(fluid, precision) for precision in ("double", "single")]
    error = forces[1] - forces[0]
    assert np.sqrt(np.mean(error**2)) < 1e-6 * np.sqrt(np.mean(forces[0] ** 2))
    size = np.linalg.norm(forces[0], axis=1)
    assert np.max(np.linalg.norm(error, axis=1) / np.maximum(size, error_scale(LJ)[1])) < 1e-5


def first_forces(state: cs.State, precision: str) -> np.ndarray:
    """Return the forces of the integrator itself, v/dt after a short step from rest: `frame` would report exact ones."""
    still = cs.State(state.positions, state.box, types=state.types, names=state.names)
    dt = 2.0**-20
    session = start(Job(still, cd.Interactions(THREE), 1.0, dt, cs.NVE(), precision=precision))
    session.advance(1)
    return session.state().velocities / dt
