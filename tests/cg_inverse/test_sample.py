"""What a run's frames become: counts, splines' sums, g and its errors, against brute force and repeated runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import cg_data as cd
import cg_inverse as ci
import cg_sim as cs
from cg_inverse.problems.basis import PairBasis, SplineBasis
from cg_inverse.problems.bins import Bins
from cg_inverse.problems.state_point import state_point
from cg_inverse.rounds.counting import PairSeries
from cg_inverse.rounds.sample import Sample

from .liquids import blank_target, lennard_jones, short_run

BINS = Bins(0.025, 0.05, 50)
PAIRS = ("A-A", "A-B", "B-B")
BASIS = PairBasis(PAIRS, tuple(SplineBasis(core, 2.3, n, 10.0) for core, n in ((0.75, 28), (0.8, 30), (0.8, 26))))


@pytest.fixture(scope="module")
def mixed() -> cs.Run:
    """A mixture of 400, its frames kept."""
    start = cs.fcc(400, 0.6, kT=1.0, composition={"A": 0.3, "B": 0.7}, seed=3)
    potentials = {("A", "A"): lennard_jones(0.9), ("A", "B"): lennard_jones(), ("B", "B"): cd.WCA()}
    return cs.simulate(
        start, potentials, kT=1.0, steps=1200, equilibration=1000, sample_every=40, frames_every=40, seed=4,
        observe=[PairSeries(BINS, PAIRS, BASIS), cs.RDF(BINS.r_max, BINS.count), cs.Pressure()],
    )  # fmt: skip


def distances(run: cs.Run, frame: int, pair: str) -> np.ndarray:
    """All distances between the two types, each pair once, to nearest images."""
    x, box = run.trajectory["position"].values[frame], np.diag(run.trajectory["box"].values[frame])
    kind = run.trajectory["type"].values
    a, b = pair.split("-")
    d = x[kind == a][:, None] - x[kind == b]
    r = np.linalg.norm(d - box * np.rint(d / box), axis=-1)
    return r[np.triu_indices(len(r), 1)] if a == b else r.ravel()


def columns(run: cs.Run) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counts as (frame, pair, shell), sums as (frame, k), and pressure, energy per particle and volume."""
    series, counted = run.data["pair_series"].values, len(PAIRS) * BINS.count
    return series[:, :counted].reshape(-1, len(PAIRS), BINS.count), series[:, counted:-3], series[:, -3:]


@pytest.mark.parametrize("pair", PAIRS)
def test_counts_are_all_pairs_of_each_shell(mixed, pair):
    counts = columns(mixed)[0]
    for frame in (0, 7, 29):
        brute = np.histogram(distances(mixed, frame, pair), BINS.edges)[0]
        assert counts[frame, PAIRS.index(pair)].tolist() == brute.tolist()


@pytest.mark.parametrize("pair", PAIRS)
def test_sums_are_those_of_splines_over_all_pairs(mixed, pair):
    """Each pair's B_k is replaced by its mean in a fine shell of δ = width/8. What that leaves per pair is B′ times a
    random offset of standard deviation δ/√12: |z| < 4.5 over 3 × 84 sums in each of which it adds in quadrature."""
    sums, spline = columns(mixed)[1], BASIS.spline(pair)
    for frame in (0, 7, 29):
        r = distances(mixed, frame, pair)
        r = r[r < 2.4]
        off = np.sqrt((spline(r, 1) ** 2).sum(axis=0) / 12) * BINS.width / 8
        assert np.all(np.abs(sums[frame, BASIS.part(pair)] - spline(r).sum(axis=0)) <= 4.5 * off + 1e-3)


def test_mean_sums_have_no_bias(mixed):
    """Over 30 frames what is random adds in quadrature; what is left is (δ²/12) B′g′/g, 5·10⁻⁴ of a sum or less."""
    sums = columns(mixed)[1].sum(axis=0)
    for pair in PAIRS:
        spline = BASIS.spline(pair)
        r = np.concatenate([distances(mixed, frame, pair) for frame in range(30)])
        r = r[r < 2.4]
        exact, off = spline(r).sum(axis=0), np.sqrt((spline(r, 1) ** 2).sum(axis=0) / 12) * BINS.width / 8
        assert np.all(np.abs(sums[BASIS.part(pair)] - exact) <= 4 * off + 5e-4 * exact)


def test_pressure_is_that_of_the_run(mixed):
    """The ideal part is ρkT here, and the kinetic one there: they differ by the temperature's fluctuation."""
    ideal = 0.6 * (float(mixed.data["temperature"]) - 1.0)
    assert columns(mixed)[2][:, 0].mean() == pytest.approx(float(mixed.data["pressure"]) - ideal, abs=0.01)


def as_sample(run: cs.Run) -> Sample:
    counts, sums, (p, u, v) = columns(run)[0], columns(run)[1], columns(run)[2].T
    target = cd.target(run.data)
    return Sample(state_point(target), counts, sums, p, u, v, np.zeros(len(p), dtype=int), run.state.counts(), 1200)


def test_g_is_that_of_the_rdf_observable(mixed):
    assert as_sample(mixed).g == pytest.approx(mixed.data["g"].values, rel=1e-12)


def test_a_recorder_continues_from_its_memory(mixed):
    record = PairSeries(BINS, PAIRS, BASIS).start(cs.Context(mixed.state, 1.0, 0.005, 1197, 40))
    record.remember({"series": mixed.data["pair_series"].values})
    assert np.array_equal(record.result()["pair_series"].values, mixed.data["pair_series"].values)


def test_blocks_hold_consecutive_frames_of_one_run(mixed):
    one = as_sample(mixed)
    run = np.repeat([0, 1, 2], 10)[np.random.default_rng(1).permutation(30)]
    mixed_up = replace(one, run=run)
    for block in range(mixed_up.blocks().max() + 1):
        members = np.flatnonzero(mixed_up.blocks() == block)
        assert len(set(run[members])) == 1
        own = np.flatnonzero(run == run[members[0]])
        assert np.all(np.diff(np.searchsorted(own, members)) == 1)


@pytest.fixture(scope="module")
def repeated() -> list[Sample]:
    """Twenty-four short runs of one liquid, each from its own lattice."""
    problem = ci.problem(blank_target(0.5, r_max=2.4), cutoff=2.0)
    potential = cd.Interactions({("A", "A"): cd.WCA()})
    return [short_run(problem, potential, steps=3000, particles=256, seed=k)[0] for k in range(24)]


def test_errors_of_g_are_the_spread_of_repeated_runs(repeated):
    """The variance over 24 runs, over what each run says of itself. Neighboring shells vary together and 24 runs give
    each shell's variance to 30 %, so that the mean over 32 shells is known to about 8 %; the errors too are from blocks
    of a run of some twenty correlation times. 0.75 to 1.35 allows for both at |z| < 4."""
    g = np.array([s.g[0] for s in repeated])
    said = np.mean([s.g_stderr[0] ** 2 for s in repeated], axis=0)
    seen = g.mean(axis=0) > 0.2
    assert np.sum(seen) > 25
    assert 0.75 < float(np.mean(g.var(axis=0, ddof=1)[seen] / said[seen])) < 1.35


def test_errors_of_g_are_right_shell_by_shell(repeated):
    """Errors averaged over nine shells must follow what differs from the first peak to the tail: the variances of 24
    runs have 23 degrees of freedom, within a factor of (1 ± 4·√(2/23)) at |z| < 4, and errors of blocks a third more."""
    g = np.array([s.g[0] for s in repeated])
    said = np.mean([s.g_stderr[0] ** 2 for s in repeated], axis=0)
    seen = g.mean(axis=0) > 0.2
    ratio = g.var(axis=0, ddof=1)[seen] / said[seen]
    assert ratio.max() < (1 + 4 * np.sqrt(2 / 23)) * 1.33
    assert ratio.min() > 0.25


def test_errors_of_pressure_are_the_spread_of_repeated_runs(repeated):
    """χ² of 23 degrees of freedom at |z| < 4."""
    p, said = np.array([s.pressure for s in repeated]), np.mean([s.pressure_stderr**2 for s in repeated])
    assert abs(p.var(ddof=1) / said - 1) < 4 * np.sqrt(2 / 23)


def test_runs_together_are_as_certain_as_their_number(repeated):
    """Two runs joined have half the variance of one; errors of the mean over 10 shells are within 25 %."""
    a, b = repeated[:2]
    both = replace(
        a, counts=np.concatenate([a.counts, b.counts]), sums=np.concatenate([a.sums, b.sums]),
        pressures=np.concatenate([a.pressures, b.pressures]), volumes=np.concatenate([a.volumes, b.volumes]),
        energies=np.concatenate([a.energies, b.energies]), run=np.repeat([0, 1], [a.frames, b.frames]),
    )  # fmt: skip
    assert both.g == pytest.approx(0.5 * (a.g + b.g), rel=1e-12)
    one = np.mean([s.g_stderr[0, 20:] ** 2 for s in repeated])
    assert np.mean(both.g_stderr[0, 20:] ** 2) == pytest.approx(0.5 * one, rel=0.5)


def test_an_ideal_gas_has_g_one_whatever_its_size():
    """Pairs are counted against N(N − 1): mean g of 60 particles is 1, not 59/60; |z| < 4 by its own errors."""
    rng = np.random.default_rng(5)
    bins, basis = Bins(0.1, 0.2, 10), PairBasis(("A-A",), (SplineBasis(0.4, 2.0, 6, 10.0),))
    state = cs.State(rng.random((60, 3)) * 5, 5.0)
    recorder = PairSeries(bins, ("A-A",), basis).start(cs.Context(state, 1.0, 0.005, 177, 1))
    for _ in range(2000):
        now = replace(state, positions=rng.random((60, 3)) * 5)
        recorder.sample(cs.Frame(now, 0.0, 0.0, np.zeros((3, 3)), np.zeros((60, 3))))
    series = recorder.result()["pair_series"].values
    target = cd.make_target(bins.r, np.ones(10), density=60 / 125, kT=1.0)
    found = Sample(
        state_point(target), series[:, None, :10], series[:, 10:-3], *series[:, -3:].T,
        np.zeros(2000, dtype=int), {"A": 60}, 2000,
    )  # fmt: skip
    z = (found.g[0] - 1) / found.g_stderr[0]
    assert np.abs(z).max() < 4
    assert abs(np.average(found.g[0], weights=bins.volumes) - 1) < 0.2 / 60
