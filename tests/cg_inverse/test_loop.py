"""The loop around the methods, on a gas so thin that g = e^(−U/kT): its length, its limits, its way back, its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np
import pytest
import xarray as xr

import cg_data as cd
import cg_inverse as ci
import cg_sim as cs
from cg_inverse.fits.control import limited
from cg_inverse.fits.loop import Progress, rounds
from cg_inverse.rounds.judgement import Judgement
from cg_inverse.rounds.simulation import Order, States

from .liquids import lennard_jones

CUTOFF, DENSITY = 2.5, 0.02
R = np.linspace(1.0, 2.2, 50)
SHORT = ci.Control(rounds=12, steps=8000, first_steps=1000, equilibration=50, seed=3)


def counted(potential: cd.Potential, *, pairs: float, kT: float = 1.0, seed: int = 0, r_max: float = 3.0) -> xr.Dataset:
    """Return a target of Poisson counts about shell means of e^(−U/kT), `pairs` in the outermost shell at g = 1."""
    fine = 0.00625 * (np.arange(round(r_max / 0.00625)) + 0.5)
    r, volumes = fine.reshape(-1, 8).mean(axis=1), (fine**2).reshape(-1, 8)
    g = np.average((1 + cd.mayer_f(potential, fine, kT=kT)).reshape(-1, 8), axis=1, weights=volumes)
    expected = pairs * (r / r[-1]) ** 2
    counts = np.random.default_rng(seed).poisson(expected * g)
    return cd.make_target(r, counts / expected, density=DENSITY, kT=kT, g_stderr=np.sqrt(counts) / expected)


@dataclass
class Gas:
    """The two-body limit as simulations: frames of Poisson counts about e^(−U/kT), a frame every 40 steps.

    `pairs` are those of a frame in the outermost shell; `breaks` says under which potentials its dynamics break down.
    """

    problem: ci.Problem
    pairs: float = 2e4
    breaks: Callable[[cd.Interactions], bool] = lambda potential: False
    orders: list[Order] = field(default_factory=list)

    def start(self) -> States:
        return tuple((cs.fcc(32, s.density, kT=s.kT),) for s in self.problem.states)

    def __call__(
        self, potential: cd.Interactions, states: States, order: Order
    ) -> tuple[tuple[ci.Sample, ...], States]:
        self.orders.append(order)
        if self.breaks(potential):
            raise cs.BlowUp("particles flew apart", step=0)
        return tuple(self.sample(potential, k, order) for k in range(len(self.problem.states))), states

    def sample(self, potential: cd.Interactions, k: int, order: Order) -> ci.Sample:
        state = self.problem.states[k]
        edges = state.bins.fine_edges
        r, volumes = 0.5 * (edges[1:] + edges[:-1]), 4 / 3 * np.pi * np.diff(edges**3)
        n = round(self.pairs / (0.5 * state.density * state.bins.volumes[-1]))
        volume, frames = n / state.density, order.steps // 40
        u, f = potential["A", "A"].energy(r), potential["A", "A"].force(r)
        expected = 0.5 * n * (n - 1) / volume * volumes * np.exp(-np.minimum(u / state.kT, 700))
        fine = np.random.default_rng([order.seed, k]).poisson(expected, (frames, len(r)))
        pressures = state.density * state.kT + fine @ (r * f) / (3 * volume)
        sums = fine @ self.problem.basis.splines[0].averages(state.bins)
        return ci.Sample(
            state, state.bins.coarse(fine)[:, None, :], sums, pressures, np.zeros(frames), np.full(frames, volume),
            np.zeros(frames, dtype=int), {"A": n}, order.steps,
        )  # fmt: skip


def given(pairs: float = 1e6, kT: float = 1.0) -> ci.Problem:
    return ci.problem(counted(lennard_jones(), pairs=pairs, kT=kT), cutoff=CUTOFF)


def run(method: ci.IBI, gas: Gas, control: ci.Control = SHORT, **options: object) -> list[ci.Step]:
    return list(ci.iterate(method, gas, control=control, **options))  # type: ignore[arg-type]


def far(problem: ci.Problem, alpha: float = 1.0) -> ci.IBI:
    """Return IBI that begins without the attraction of the target."""
    return ci.IBI(problem, alpha=alpha, initial=cd.WCA())


def off(step: ci.Step) -> float:
    """Return the largest error of U from 1.0 to 2.2 [kT]."""
    return float(np.abs(step.potential["A", "A"].energy(R) - lennard_jones().energy(R)).max())


# ---- a step ----


@pytest.mark.parametrize("kT", [1.0, 2.5])
@pytest.mark.parametrize("cap", [0.3, 2.0])
def test_a_large_step_is_scaled_to_the_cap_and_a_small_one_left(kT, cap):
    problem = given(kT=kT)
    state, step = problem.states[0], np.random.default_rng(1).standard_normal(problem.basis.size)
    seen = (state.g[0] > np.exp(-6)) & (state.bins.r < CUTOFF) & (state.bins.r > problem.basis.splines[0].core)

    def largest(x: np.ndarray) -> float:
        return float(np.abs(problem.basis.energies(x, state.bins.r[seen])).max() / kT)

    found = limited(problem, 100 * step, cap)
    assert largest(found) == pytest.approx(cap)
    assert found == pytest.approx(found[0] / step[0] * step)
    small = step * (0.99 * cap / largest(step))
    assert np.array_equal(limited(problem, small, cap), small)


def test_inside_the_wall_a_step_may_be_as_it_must():
    """The first splines lie where g < e⁻⁶: kT is no measure there. The same step one e⁻⁶ further out is cut."""
    problem = given(pairs=1e7)
    state, spline = problem.states[0], problem.basis.splines[0]
    wall = float(state.bins.r[np.argmax(state.g[0] > np.exp(-6))])
    reach = np.array([spline(np.linspace(wall, CUTOFF, 500))[:, k].max() for k in range(spline.size)])
    inner = np.flatnonzero(reach == 0)
    assert len(inner), "the target must know its wall"
    step = 50.0 * np.eye(spline.size)[inner[0]]
    assert np.array_equal(limited(problem, step, 1.0), step)
    assert np.abs(limited(problem, 50.0 * np.eye(spline.size)[inner[-1] + 4], 1.0)).max() < 5


def test_no_round_changes_u_by_more_than_the_cap():
    """Judged at the shells' centers; between them splines can pass it by a little."""
    problem = given()
    largest = [
        np.abs(problem.basis.energies(step.change, R)).max()
        for step in run(far(problem, alpha=5.0), Gas(problem), replace(SHORT, cap=0.2))
    ]
    assert max(largest) < 0.2 * 1.02
    assert largest[0] > 0.2 * 0.98


# ---- the way back ----


def test_a_step_three_times_too_long_is_tamed():
    """Of a thin gas IBI with α = 3 makes −2 times the error of the error: alone it diverges, in the loop it ends within
    what the target's noise leaves open."""
    problem = given()
    alone, c = far(problem, alpha=3.0), problem.coefficients(cd.WCA())
    errors = []
    for k in range(4):
        sample = Gas(problem).sample(problem.basis.potential(c), 0, Order(4000, 0, k))
        errors.append(np.abs(problem.basis.energies(c, R) - lennard_jones().energy(R)).max())
        c = c + limited(problem, alone.update(c, [sample]).step, 2.0)
    assert errors[-1] > errors[0]
    steps = run(far(problem, alpha=3.0), Gas(problem), replace(SHORT, rounds=25))
    assert any("back, with half the step" in s.note for s in steps)
    assert off(min(steps, key=lambda s: s.judgement.residual)) < 0.1 * errors[0]


def test_where_the_dynamics_break_down_the_step_is_halved_until_they_hold():
    problem = given()
    start = far(problem).init()
    tried: list[np.ndarray] = []

    def breaks(potential: cd.Interactions) -> bool:
        change = potential["A", "A"].energy(R) - problem.basis.potential(start)["A", "A"].energy(R)
        tried.append(change)
        return len(tried) < 6 and bool(np.abs(change).max() > 0.2)

    steps = run(far(problem), Gas(problem, breaks=breaks), replace(SHORT, rounds=2))
    sizes = np.array([np.abs(change).max() for change in tried])
    assert sizes[0] == 0
    assert sizes[1] > 0.4
    assert sizes[1:] == pytest.approx(sizes[1] * 0.5 ** np.arange(len(sizes) - 1), rel=1e-3)
    assert sizes[-1] <= 0.2 < sizes[-2]
    assert [s.number for s in steps] == [0, 1]


def test_where_nothing_helps_it_says_so():
    problem = given()
    gas = Gas(problem)
    gas.breaks = lambda potential: len(gas.orders) > 1
    with pytest.raises(RuntimeError, match=r"no step .* helps: the dynamics broke down: particles flew apart"):
        run(far(problem), gas)
    assert 5 < len(gas.orders) < 20
    assert len({order.seed for order in gas.orders}) == len(gas.orders)


def test_a_first_potential_that_breaks_down_is_made_weaker():
    problem = given()
    depth: list[float] = []

    def breaks(potential: cd.Interactions) -> bool:
        depth.append(-float(potential["A", "A"].energy(R).min()))
        return depth[-1] > 0.5

    steps = run(ci.IBI(problem), Gas(problem, breaks=breaks), replace(SHORT, rounds=1))
    assert len(depth) > 1
    assert np.array(depth[1:]) / depth[:-1] == pytest.approx(0.75, rel=1e-3)
    assert -steps[0].potential["A", "A"].energy(R).min() == pytest.approx(depth[-1])


def test_a_first_potential_made_weaker_says_nothing_of_the_first_step():
    problem = given()
    steps = run(ci.IBI(problem), Gas(problem, breaks=lambda u: float(u["A", "A"].energy(R).min()) < -0.2),
                replace(SHORT, rounds=1))  # fmt: skip
    assert steps[0].gain == 1.0


# ---- how long, how often ----


def test_rounds_grow_as_the_residual_sinks_and_the_end_is_noise():
    problem = given(pairs=1e5)
    gas = Gas(problem, pairs=500)
    steps = run(far(problem), gas)
    lengths = [s.order.steps for s in steps]
    assert lengths[0] == SHORT.shortest == 1000
    assert lengths == sorted(lengths)
    assert lengths[-1] == SHORT.steps
    assert steps[-1].finished.startswith("the residual is noise")
    assert steps[-1].judgement.is_noise
    assert len(steps) < SHORT.rounds
    assert not any(s.finished for s in steps[:-1])
    assert off(steps[-1]) < 0.1


def test_noise_does_not_end_it_where_that_is_not_wanted():
    problem = given(pairs=1e5)
    first, second = (
        run(far(problem), Gas(problem, pairs=500), replace(SHORT, stop_at_noise=stop)) for stop in (True, False)
    )
    assert len(second) > len(first)
    assert second[len(first) - 1].judgement.is_noise


def test_rounds_grow_where_nothing_moves():
    """α = 0.001: the residual is far above noise and stays."""
    problem = given()
    steps = run(far(problem, alpha=1e-3), Gas(problem))
    assert [s.order.steps for s in steps[:4]] == [1000, 1000, 2000, 4000]
    assert steps[-1].judgement.chi2 > 100


def test_rounds_stay_short_where_the_residual_sinks_far_above_noise():
    problem = given()
    steps = run(far(problem, alpha=0.5), Gas(problem), replace(SHORT, rounds=3))
    assert [s.order.steps for s in steps] == [1000, 1000, 1000]
    assert steps[-1].finished == "3 rounds done"


def test_where_nothing_moves_it_soon_ends():
    """α = 10⁻⁶: the residual is the same but for noise of a tenth. Three rounds of growing length, four of full length,
    a few more where chance gives a new best."""
    problem = given()
    fits = [run(far(problem, 1e-6), Gas(problem, pairs=1), replace(SHORT, rounds=40, seed=k)) for k in range(20)]
    assert all("no better for 4 rounds" in steps[-1].finished for steps in fits)
    assert max(len(steps) for steps in fits) < 15


@pytest.mark.parametrize(("noise", "factor"), [(0.1, 1), (0.3, 2), (0.6, 4)])
def test_the_next_round_is_longer_by_the_share_of_noise(noise, factor):
    control = ci.Control(steps=64_000)
    assert control.longer(4000, Judgement(1.0, noise, 9.0, 50), 10.0) == 4000 * factor
    assert control.longer(40_000, Judgement(1.0, 0.9, 9.0, 50), 10.0) == 64_000


@pytest.mark.parametrize("options", [{"rounds": 0}, {"steps": 10}, {"cap": 0}, {"cap": -1.0}, {"cap": np.nan}])
def test_a_loop_that_cannot_run_is_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        ci.Control(**options)


@pytest.mark.parametrize("options", [{"first_steps": -5}, {"first_steps": 1}, {"equilibration": -1}, {"seed": -1}])
def test_lengths_and_seeds_that_cannot_be_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        ci.Control(**options)


# ---- chance ----


def real(threads: int = 1) -> tuple[ci.IBI, ci.Liquids]:
    """Return a fit of 108 particles that rounds of a second do."""
    problem = ci.problem(counted(lennard_jones(), pairs=1e5), cutoff=CUTOFF)
    problem = replace(problem, states=(replace(problem.states[0], densities={"A": 0.2}),))
    return far(problem), ci.Liquids(problem, particles=108, threads=threads)


REAL = ci.Control(rounds=3, steps=1000, first_steps=500, equilibration=50, seed=7, stop_at_noise=False)


@pytest.fixture(scope="module")
def uninterrupted() -> list[tuple[ci.Step, Progress]]:
    return list(rounds(*real(), control=REAL))


def test_every_round_has_a_seed_of_its_own_and_of_the_control(uninterrupted):
    seeds = [step.order.seed for step, _ in uninterrupted]
    others = [s.order.seed for s in run(*thin(), replace(SHORT, seed=4, rounds=3))]
    assert len(set(seeds + others)) == len(seeds) + len(others)


def thin() -> tuple[ci.IBI, Gas]:
    problem = given()
    return far(problem), Gas(problem, pairs=500)


def test_the_same_seed_gives_the_same_bits_whatever_the_threads(uninterrupted):
    again = list(ci.iterate(*real(threads=2), control=REAL))
    assert all(np.array_equal(a.coefficients, b.coefficients) for a, (b, _) in zip(again, uninterrupted, strict=True))
    assert not np.array_equal(again[0].coefficients, again[1].coefficients)
    other = next(ci.iterate(*real(), control=replace(REAL, seed=8)))
    assert not np.array_equal(other.change, again[0].change)


@pytest.mark.parametrize("done", [1, 2])
def test_a_loop_goes_on_as_if_never_interrupted(uninterrupted, done):
    left = ci.iterate(*real(), control=REAL, progress=uninterrupted[done - 1][1])
    for a, (b, _) in zip(left, uninterrupted[done:], strict=True):
        assert (a.number, a.order, a.note, a.finished) == (b.number, b.order, b.note, b.finished)
        assert np.array_equal(a.coefficients, b.coefficients)
        assert np.array_equal(a.change, b.change)


@pytest.mark.parametrize("done", range(1, 10))
def test_it_goes_on_after_any_round_of_ups_and_downs(done):
    """Too long a step, so that the way back is part of what is continued."""
    problem, control = given(), replace(SHORT, rounds=10)
    whole = list(rounds(far(problem, alpha=3.0), Gas(problem), control=control))
    assert any(step.note for step, _ in whole)
    left = rounds(far(problem, alpha=3.0), Gas(problem), control=control, progress=whole[done - 1][1])
    for (a, _), (b, _) in zip(left, whole[done:], strict=True):
        assert (a.order, a.note, a.gain) == (b.order, b.note, b.gain)
        assert np.array_equal(a.change, b.change)


def test_nothing_runs_before_it_is_asked_for():
    problem = given()
    gas = Gas(problem)
    steps = ci.iterate(far(problem), gas, control=SHORT)
    assert not gas.orders
    list(islice(steps, 2))
    assert len(gas.orders) == 2
