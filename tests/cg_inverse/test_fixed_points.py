"""A potential that made the target stays within its own error, and where only pairs meet every method is exact."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import cg_data as cd
import cg_inverse as ci
from cg_inverse.methods.boltzmann import boltzmann_inversion
from cg_inverse.problems.bins import Bins

from .liquids import blank_target, dilute_sample, lennard_jones, matched, short_run

METHODS = [ci.IBI, ci.WIBI, ci.CIBI, ci.IMC, ci.HNCN, ci.HNCGN, ci.RelativeEntropy, ci.DiffTRe]
methods = pytest.mark.parametrize("method", METHODS, ids=lambda m: m.__name__)
REPEATS = 6


@pytest.fixture(scope="module", params=[0.05, 0.02], ids=["wide shells", "narrow shells"])
def at_home(request) -> tuple[ci.Problem, np.ndarray, list[ci.Sample]]:
    """A problem whose target a potential of its own spline space made, that potential, and runs with it."""
    blank = ci.problem(blank_target(0.5, r_max=3.6, width=request.param, kT=1.2), cutoff=2.5, knots=0.1)
    c = blank.coefficients(lennard_jones())
    potential = blank.basis.potential(c)
    problem = matched(blank, short_run(blank, potential, steps=30_000, particles=500, runs=2, seed=1000))
    runs = [short_run(problem, potential, steps=4000, particles=500, seed=k)[0] for k in range(REPEATS)]
    return problem, c, runs


@methods
def test_the_true_potential_stays(at_home, method):
    """ΔU over its error, from the core to the cutoff, over six runs. Its rms is 1 or less where errors are right (0
    where the evidence finds nothing but noise); shells count as independent, but share slow fluctuations: 2."""
    problem, c, runs = at_home
    r = np.linspace(0.95, 2.4, 30)
    basis, z = problem.basis.splines[0](r), []
    for sample in runs:
        found = method(problem).update(c, [sample])
        z.append(basis @ found.step / np.sqrt(np.einsum("rk,kl,rl->r", basis, found.covariance, basis)))
    assert np.sqrt(np.mean(np.square(z))) < 2.0


@methods
def test_the_true_potential_is_not_pulled_anywhere(at_home, method):
    """The mean step of six runs is no bias: below 0.02 kT where g is not small, and 4 errors of that mean. A shared
    target leaves the same noise in all steps, as much as a run of its length would: two thirds of one of theirs."""
    problem, c, runs = at_home
    r = np.linspace(1.0, 2.4, 30)
    steps = np.array([problem.basis.energies(method(problem).update(c, [s]).step, r)[0] for s in runs])
    error = np.hypot(steps.std(axis=0, ddof=1) / np.sqrt(REPEATS), steps.std(axis=0, ddof=1) / 3)
    assert np.all(np.abs(steps.mean(axis=0)) < np.maximum(4 * error, 0.02 * problem.kT))


@methods
def test_no_residual_no_step(at_home, method):
    """A target equal to what was sampled, shell by shell, asks for nothing."""
    problem, c, runs = at_home
    same = replace(runs[0].state, g=runs[0].g)
    there = replace(problem, states=(same,))
    step = method(there).update(c, [replace(runs[0], state=same)]).step
    assert np.abs(problem.basis.energies(step, np.linspace(0.9, 2.4, 50))).max() < 1e-9


def dilute_target(potential: cd.Potential, width: float = 0.02, kT: float = 1.5):
    """g = e^(−βU), averaged over shells, as a gas of one pair has it."""
    bins = Bins(width / 2, width, round(3.0 / width))
    r = 0.5 * (bins.fine_edges[1:] + bins.fine_edges[:-1])
    volumes = np.diff(bins.fine_edges**3)
    g = np.exp(-np.minimum(potential.energy(r) / kT, 700))
    mean = bins.coarse(g * volumes) / bins.coarse(volumes)
    return cd.make_target(bins.r, mean, density=1e-6, kT=kT, g_stderr=np.maximum(1e-4 * np.sqrt(mean), 1e-9))


@pytest.mark.parametrize(
    "potential",
    [lennard_jones(), cd.GaussianCore(3.0, 0.8, 2.5).force_shifted(), cd.ModifiedMorse(5.5, 0.44, 2.5).force_shifted()],
    ids=["Lennard-Jones", "soft", "Morse"],
)
@pytest.mark.parametrize("width", [0.02, 0.05])
def test_boltzmann_inversion_is_exact_where_only_pairs_meet(potential, width):
    """Within a shell ln⟨g⟩ is not ⟨ln g⟩, by (U′w)²/24 kT: a fifth of that is left, where g > 0.1, of up to 0.5 kT.
    Splines with knots 0.05 apart give 0.004."""
    target = dilute_target(potential, width)
    problem = ci.problem(target, cutoff=2.5, knots=0.05)
    c, r = boltzmann_inversion(problem), np.linspace(0.3, 2.45, 400)
    r = r[potential.energy(r) < 1.5 * np.log(10)]
    within = (potential.force(r) * width) ** 2 / (24 * 1.5)
    assert np.all(np.abs(problem.basis.energies(c, r)[0] - potential.energy(r)) < 0.004 + 0.2 * within)


def test_a_mean_force_at_the_cutoff_bends_only_the_end():
    """−kT ln g of a liquid ends at the cutoff with a value and a slope that splines cannot have."""

    class Waving(cd.PairPotential):
        cutoff = 3.5

        def u(self, r):
            return lennard_jones().energy(r) + 0.1 * np.sin(3 * r)

        def du(self, r):
            raise NotImplementedError

    problem = ci.problem(dilute_target(Waving()), cutoff=2.5)
    c, r = boltzmann_inversion(problem), np.linspace(0.95, 2.05, 200)
    assert np.abs(problem.basis.energies(c, r)[0] - Waving().energy(r)).max() < 0.003
    end = np.linspace(2.1, 2.5, 100)
    assert np.abs(problem.basis.energies(c, end)[0]).max() < 0.15


@pytest.mark.parametrize("method", [m for m in METHODS if m not in (ci.CIBI, ci.DiffTRe)], ids=lambda m: m.__name__)
def test_one_step_is_exact_where_only_pairs_meet(method):
    """g = e^(−βU) of one potential, target of another: the step is their difference, times α w for weighted IBI.

    Newton's methods are linear in Δg: off by βΔU/2 of ΔU, here 3 %; the frames' counts are Poisson's, 10⁵ a shell. DiffTRe
    goes only as far as its frames speak.
    """
    first = lennard_jones()
    bump = cd.GaussianCore(0.1, 0.25, 2.5)

    class Changed(cd.PairPotential):
        cutoff = 2.5

        def u(self, r):
            return first.energy(r) + bump.energy(np.abs(r - 1.5))

        def du(self, r):
            raise NotImplementedError

    problem = ci.problem(dilute_target(Changed()), cutoff=2.5, knots=0.1)
    c = problem.coefficients(first)
    sample = dilute_sample(problem, first)
    step = method(problem).update(c, [sample]).step
    r = np.linspace(1.0, 2.3, 40)
    wanted = bump.energy(np.abs(r - 1.5))
    if method is ci.WIBI:
        wanted = 0.5 * wanted * np.exp(-Changed().energy(r) / 1.5)
    assert problem.basis.energies(step, r)[0] == pytest.approx(wanted, abs=0.01)


def test_coordination_preserving_ibi_matches_running_coordination():
    """Where g is e^(−βU) its first step is kT ln(C/C*) in every shell within the cutoff, to what splines resolve."""
    problem = ci.problem(dilute_target(lennard_jones(epsilon=1.1)), cutoff=2.5, knots=0.1)
    sample = dilute_sample(problem, lennard_jones())
    state = problem.states[0]
    r = state.bins.r
    c, target = (np.cumsum(g * state.bins.volumes) for g in (sample.g[0], state.g[0]))
    inside = (r > 1.05) & (r < 2.0)
    step = ci.CIBI(problem).update(problem.coefficients(lennard_jones()), [sample]).step
    wanted = 1.5 * np.log(c[inside] / target[inside])
    assert problem.basis.energies(step, r[inside])[0] == pytest.approx(wanted, abs=0.1 * np.abs(wanted).max())
