"""How g follows the potential: each method's derivative against finite differences of theory, of reweighted frames, of runs."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations_with_replacement

import numpy as np
import pytest

import cg_data as cd
import cg_inverse as ci
from cg_inverse.methods.boltzmann import shell_rows
from cg_inverse.methods.hnc import hnc_response, newton_rows
from cg_inverse.methods.protocol import Rows
from cg_inverse.methods.regularized import solved
from cg_inverse.methods.relative_entropy import entropy_derivatives
from cg_inverse.methods.residual import residual_rows
from cg_inverse.methods.responses import sampled_response

from .integral_equations import R, hnc, shell_means
from .liquids import MIXTURE, blank_target, exact_sample, lennard_jones, short_run

CASES = {
    "soft": ({("A", "A"): cd.GaussianCore(3.0, 1.0, 2.5).shifted()}, {"A": 0.3}, 1.0),
    "Lennard-Jones": ({("A", "A"): lennard_jones()}, {"A": 0.4}, 1.5),
    "mixture": (MIXTURE, {"A": 0.1, "B": 0.3}, 1.5),
}
cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


class Theory:
    """A liquid as the hypernetted chain has it, on shells of one width."""

    def __init__(self, case: tuple, width: float = 0.02, first: int = 0) -> None:
        potentials, self.densities, self.kT = case
        self.types = sorted(self.densities)
        self.pairs = list(combinations_with_replacement(self.types, 2))
        self.edges = width * np.arange(round(6.0 / width) + 1)
        self.beta_u = np.zeros((len(self.types), len(self.types), len(R)))
        for pair, potential in potentials.items():
            self._set(self.beta_u, pair, np.minimum(potential.energy(np.maximum(R, 0.3)) / self.kT, 700.0))
        self.problem = ci.problem(self.target(self.g(), first), cutoff=2.5, knots=0.16)

    def _set(self, values: np.ndarray, pair: tuple[str, str], curve: np.ndarray) -> None:
        i, j = (self.types.index(t) for t in pair)
        values[i, j] = values[j, i] = curve

    def g(self, pair: tuple[str, str] = ("A", "A"), change: np.ndarray | float = 0.0) -> np.ndarray:
        """g as (pair, shell) where U of one pair is changed."""
        beta_u = self.beta_u.copy()
        self._set(beta_u, pair, beta_u[self.types.index(pair[0]), self.types.index(pair[1])] + change / self.kT)
        found = shell_means(hnc(beta_u, np.array([self.densities[t] for t in self.types])), self.edges)
        return np.stack([found[self.types.index(a), self.types.index(b)] for a, b in self.pairs])

    def target(self, g: np.ndarray, first: int = 0):
        r = 0.5 * (self.edges[1:] + self.edges[:-1])[first:]
        curves = {p: np.maximum(row[first:], 0.0) for p, row in zip(self.pairs, g, strict=True)}
        errors = {p: np.full(len(r), 1e-3) for p in self.pairs}
        return cd.make_target(r, curves, density=self.densities, kT=self.kT, g_stderr=errors)


def worst(theory: Theory, first: int = 0) -> float:
    """Largest error of ∂g/∂c over some splines of each pair, in units of the largest response."""
    problem = theory.problem
    state, step, errors = problem.states[0], 1e-4, []
    found = hnc_response(problem, state, state.g)
    inside = (state.bins.r < 5) & (state.bins.r > 3 * state.bins.width)
    for pair in theory.pairs:
        part, spline = problem.basis.part(cd.pair_name(pair)), problem.basis.spline(cd.pair_name(pair))
        for k in (0, 3, spline.size - 1):
            change = step * spline(R)[:, k]
            slope = (theory.g(pair, change) - theory.g(pair, -change)) / (2 * step)
            errors.append(np.abs(slope - found[:, :, part.start + k])[:, inside].max())
    return max(errors) / float(np.abs(found).max())


@cases
def test_the_hnc_response_is_the_derivative_of_hnc(case):
    """Shells of width w stand for functions to O(w²): 0.2 % at w = 0.02 for Lennard-Jones, whose g rises by 1 in 0.1."""
    assert worst(Theory(case)) < 3e-3


def test_the_hnc_response_converges_with_the_shells():
    """Half the width, a quarter of the error."""
    coarse, fine = (worst(Theory(CASES["Lennard-Jones"], width)) for width in (0.04, 0.02))
    assert coarse / fine > 3.0


def test_the_core_counts_even_where_a_target_leaves_it_out():
    """Where a file has no rows h = −1 all the same; its structure factor must not know the difference."""
    assert worst(Theory(CASES["Lennard-Jones"], 0.02, first=38), first=38) < 5e-3


def gauss_newton_rows(problem: ci.Problem, sample: ci.Sample) -> Rows:
    return residual_rows(sample, hnc_response(problem, sample.state, sample.g))


@cases
@pytest.mark.parametrize("equations", [newton_rows, gauss_newton_rows], ids=["HNCN", "HNCGN"])
def test_hnc_equations_undo_a_small_change_of_the_potential(case, equations):
    """g of U, target of U + δB: what the equations ask for is δB but for what is nonlinear, δ/kT of it, and shells."""
    theory, delta = Theory(case), 0.02
    for pair in theory.pairs:
        start, spline = (
            theory.problem.basis.part(cd.pair_name(pair)).start,
            theory.problem.basis.spline(cd.pair_name(pair)),
        )
        k = spline.size // 2
        changed = theory.target(theory.g(pair, delta * spline(R)[:, k]))
        problem = replace(theory.problem, states=ci.problem(changed, cutoff=2.5, knots=0.16).states)
        asked = equations(problem, exact_sample(problem, theory.g()))
        found = solved(asked.rows, asked.wanted, 1e-4 * asked.sigma, problem.basis.roughness()).step
        wanted = np.zeros(problem.basis.size)
        wanted[start + k] = delta
        off = problem.basis.energies(found - wanted, np.linspace(1.0, 2.4, 50))
        assert np.abs(off).max() < 0.05 * delta


@pytest.mark.parametrize("scale", [1.0, -0.5])
def test_the_newton_step_is_proportional_to_a_small_residual(scale):
    theory = Theory(CASES["mixture"], 0.04)
    g, problem = theory.g(), theory.problem
    bump = 1e-4 * g * np.exp(-((problem.states[0].bins.r - 1.4) ** 2))
    wanted = []
    for factor in (1.0, scale):
        state = replace(problem.states[0], g=g + factor * bump)
        wanted.append(newton_rows(problem, exact_sample(replace(problem, states=(state,)), g)).wanted)
    assert wanted[1] == pytest.approx(scale * wanted[0], rel=1e-3, abs=1e-9)
    assert np.abs(wanted[0]).max() > 1e-5


@pytest.fixture(scope="module")
def frames() -> tuple[ci.Problem, ci.Sample]:
    problem = ci.problem(blank_target(0.4, r_max=2.4), cutoff=2.0, knots=0.15)
    return problem, short_run(problem, cd.Interactions({("A", "A"): cd.WCA()}), steps=4000, particles=200)[0]


def reweighted(sample: ci.Sample, change: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Mean over the frames as under U + change·B."""
    log_w = -(sample.sums - sample.sums.mean(axis=0)) @ change / sample.state.kT
    w = np.exp(log_w - log_w.max())
    return np.tensordot(w / w.sum(), values, axes=1)


def test_the_sampled_response_is_the_derivative_of_reweighted_frames(frames):
    """Exact over the same frames, but for n/(n − 1) of an unbiased covariance."""
    problem, sample = frames
    found = sampled_response(problem, sample, shrunk=False) * (1 - 1 / sample.frames)
    for k in range(problem.basis.size):
        change = 1e-4 * np.eye(problem.basis.size)[k]
        up, down = (reweighted(sample, s * change, sample.counts) / sample.ideal for s in (1, -1))
        assert found[:, :, k] == pytest.approx((up - down) / 2e-4, abs=1e-6 * np.abs(found).max())


def test_derivatives_of_relative_entropy_are_those_of_its_estimate(frames):
    """S = β c·⟨ΣB⟩* + ln⟨exp(−β c·ΣB)⟩ over the same frames, where ⟨ΣB⟩* are sums over the target's g."""
    problem, sample = frames
    rows = shell_rows(problem, sample.state, "A-A")
    target = (sample.state.g[0] * sample.ideal[0]) @ rows
    excess = sample.counts[:, 0] @ rows - target  # the gradient is taken at the target's resolution
    finer = sample.sums - sample.sums.mean(axis=0)  # the Hessian at the finest
    gradient, hessian, _ = entropy_derivatives(problem, sample, shrunk=False)
    step, hessian = 1e-3 * np.eye(problem.basis.size), hessian * (1 - 1 / sample.frames)

    def entropy(c: np.ndarray, sums: np.ndarray = finer) -> float:
        return float(np.log(np.mean(np.exp(-sums @ c))))

    for k, e in enumerate(step):
        slope = (entropy(e, excess) - entropy(-e, excess)) / 2e-3
        bend = (entropy(e) + entropy(-e) - 2 * entropy(0 * e)) / 1e-6
        both = step[0]
        mixed = (entropy(e + both) - entropy(e - both) - entropy(both - e) + entropy(-e - both)) / 4e-6
        assert gradient[k] == pytest.approx(slope, rel=1e-3, abs=1e-3)
        assert hessian[k, k] == pytest.approx(bend, rel=1e-3, abs=1e-3)
        assert hessian[0, k] == pytest.approx(mixed, rel=1e-3, abs=1e-3)


def test_the_sampled_response_foretells_other_runs():
    """Pairs of the first shell's peak under U ± δ·(a bump at 1.2): their difference, over 2δ, is the response at the
    middle to O(δ²). Errors of both from the spread of six runs each, |z| < 4."""
    problem = ci.problem(blank_target(0.4, r_max=2.4), cutoff=2.0, knots=0.15)
    c = problem.coefficients(cd.WCA())
    r = problem.basis.splines[0].knots[:-1]
    bump, half = np.exp(-(((r - 1.2) / 0.2) ** 2)), 0.15
    seen = np.abs(problem.states[0].bins.r - 1.2) < 0.15
    pairs, slopes = {}, []
    for sign in (1, -1):
        potential = problem.basis.potential(c + sign * half * bump)
        runs = [short_run(problem, potential, steps=4000, particles=200, seed=10 * sign + 100 + k)[0] for k in range(6)]
        pairs[sign] = np.array([s.g[0, seen].sum() for s in runs])
        slopes += [(sampled_response(problem, s, shrunk=False)[0, seen] @ bump).sum() for s in runs]
    measured = (pairs[1].mean() - pairs[-1].mean()) / (2 * half)
    error = np.sqrt((pairs[1].var(ddof=1) + pairs[-1].var(ddof=1)) / 6) / (2 * half)
    assert abs(measured - np.mean(slopes)) < 4 * np.hypot(error, np.std(slopes, ddof=1) / np.sqrt(12))
    assert abs(measured) > 10 * error
