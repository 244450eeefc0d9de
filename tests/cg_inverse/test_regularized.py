"""Linear problems with noise: exact without, silent on nothing but noise, calibrated on what is drawn from the prior."""

from __future__ import annotations

import numpy as np
import pytest

from cg_inverse.methods.regularized import newton, solved
from cg_inverse.problems.basis import PairBasis, SplineBasis

BASIS = PairBasis(("A-A",), (SplineBasis(0.9, 2.5, 20, 10.0),))
PENALTY = BASIS.roughness()
R = np.linspace(0.92, 2.48, 60)
SHAPES = {"more equations": BASIS.splines[0](R), "fewer equations": BASIS.splines[0](R[::5])}
shapes = pytest.mark.parametrize("rows", SHAPES.values(), ids=SHAPES)


def uneven(rows: np.ndarray) -> np.ndarray:
    """Errors that differ ten-fold."""
    return 0.01 * np.logspace(0, 1, len(rows))


def from_prior(rng: np.random.Generator, ridge: float) -> np.ndarray:
    """Draw x with the density exp(−½ ridge xᵀ PENALTY x)."""
    return np.linalg.solve(np.linalg.cholesky(PENALTY).T, rng.standard_normal(len(PENALTY))) / np.sqrt(ridge)


def test_without_noise_the_truth_is_found():
    """The smallest ridge is 10⁻¹⁰ of the largest squared singular value: times a condition number of 10⁶ here."""
    x = from_prior(np.random.default_rng(0), 1.0)
    rows = SHAPES["more equations"]
    found = solved(rows, rows @ x, np.full(len(rows), 1e-9), PENALTY)
    assert found.step == pytest.approx(x, abs=1e-4 * np.abs(x).max())
    assert found.determined == len(x)


@shapes
def test_a_given_ridge_gives_the_minimum_of_the_penalized_sum(rows):
    """The normal equations: (AᵀA + ridge P) x = Aᵀb, and covariance (AᵀA + ridge P)⁻¹."""
    rng, sigma = np.random.default_rng(1), uneven(rows)
    wanted = rng.standard_normal(len(rows))
    found = solved(rows, wanted, sigma, PENALTY, ridge=3.0)
    a, b = rows / sigma[:, None], wanted / sigma
    normal = a.T @ a + 3.0 * PENALTY
    assert found.step == pytest.approx(np.linalg.solve(normal, a.T @ b), rel=1e-6, abs=1e-8)
    assert found.covariance == pytest.approx(np.linalg.inv(normal), rel=1e-5, abs=1e-7)


@shapes
def test_the_ridge_is_that_of_the_largest_evidence(rows):
    """`wanted` is Gaussian with covariance σ² + A P⁻¹ Aᵀ/ridge: a sixth of a decade from the maximum, the grid's
    spacing, costs rank/4 · 0.19² < 0.2 in ln likelihood."""
    rng, sigma = np.random.default_rng(2), uneven(rows)
    wanted = rows @ from_prior(rng, 50.0) + sigma * rng.standard_normal(len(rows))
    chosen = solved(rows, wanted, sigma, PENALTY).ridge

    def likelihood(ridge: float) -> float:
        spread = np.diag(sigma**2) + rows @ np.linalg.solve(PENALTY, rows.T) / ridge
        lower = np.linalg.cholesky(spread)
        return float(-np.log(np.diag(lower)).sum() - 0.5 * np.sum(np.linalg.solve(lower, wanted) ** 2))

    best = max(likelihood(50.0 * f) for f in np.logspace(-4, 4, 401))
    assert likelihood(chosen) > best - 0.2
    assert likelihood(chosen) > likelihood(100 * chosen)
    assert likelihood(chosen) > likelihood(chosen / 100)


@pytest.mark.parametrize("noise", [1.0, 0.5])
def test_nothing_but_noise_gives_almost_no_step(noise):
    """What least squares would make of it is the unit; over 60 seeds the evidence takes a tenth of it at most in
    typical cases, and never all. Noise smaller than said must not be taken for a signal either."""
    rows, shares = SHAPES["more equations"], []
    for seed in range(60):
        sigma = uneven(rows)
        wanted = noise * sigma * np.random.default_rng(seed).standard_normal(len(rows))
        full = solved(rows, wanted, sigma, PENALTY, ridge=1e-8).step
        shares.append(np.linalg.norm(rows @ solved(rows, wanted, sigma, PENALTY).step) / np.linalg.norm(rows @ full))
    assert np.median(shares) < 0.15
    assert np.mean(np.array(shares) > 0.6) < 0.1


@shapes
@pytest.mark.parametrize("ridge", [1.0, 100.0])
def test_errors_are_those_of_what_is_drawn_from_the_prior(rows, ridge):
    """(x − x̂)ᵀ C⁻¹ (x − x̂) per coefficient is 1 on average, with a standard deviation of √(2/n) for each of 200
    problems. The ridge is estimated: from n equations to √(2/n), which makes the average of its inverse 2/n larger and
    more in its tail. That many are 60 or 12."""
    sigma, chi2, z = uneven(rows), [], []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        x = from_prior(rng, ridge)
        found = solved(rows, rows @ x + sigma * rng.standard_normal(len(rows)), sigma, PENALTY)
        off = x - found.step
        chi2.append(off @ np.linalg.solve(found.covariance, off) / len(x))
        z.append(off[10] / np.sqrt(found.covariance[10, 10]))
    noise, estimated = np.sqrt(2 / len(PENALTY) / 200), 4 / len(rows)
    assert 1 - 4 * noise - 0.05 < np.mean(chi2) < 1 + 4 * noise + 0.05 + estimated
    assert np.std(z) == pytest.approx(1, abs=4 / np.sqrt(400) + estimated)


def test_errors_grow_with_noise_that_is_larger_than_said():
    """Three times the noise that is said shows in χ² of what no step can explain; errors must then be right too."""
    rows, chi2 = SHAPES["more equations"], []
    sigma = uneven(rows)
    for seed in range(200):
        rng = np.random.default_rng(seed)
        x = from_prior(rng, 10.0)
        found = solved(rows, rows @ x + 3 * sigma * rng.standard_normal(len(rows)), sigma, PENALTY)
        off = x - found.step
        chi2.append(off @ np.linalg.solve(found.covariance, off) / len(x))
    assert np.mean(chi2) == pytest.approx(1, abs=0.3)


@pytest.mark.parametrize("size", [0.0, 1e-200])
def test_equations_that_say_nothing_give_no_step(size):
    found = solved(size * np.eye(4), np.ones(4), np.full(4, 0.1), np.eye(4))
    np.testing.assert_allclose(found.step, 0, atol=1e-100)
    assert np.isfinite(found.covariance).all()
    assert found.determined == 0


def test_determined_counts_directions_that_data_say_more_of_than_the_prior():
    rows = SHAPES["fewer equations"]
    sure = solved(rows, np.ones(len(rows)), np.full(len(rows), 1e-6), PENALTY, ridge=1.0)
    assert sure.determined == len(rows)
    assert solved(rows, np.ones(len(rows)), np.full(len(rows), 1e6), PENALTY, ridge=1.0).determined == 0


def test_newton_finds_the_minimum_of_a_quadratic():
    rng = np.random.default_rng(4)
    a = rng.standard_normal((40, len(PENALTY)))
    hessian, x = a.T @ a, rng.standard_normal(len(PENALTY))
    found = newton(-hessian @ x, hessian, 1e-16 * hessian, PENALTY)
    assert found.step == pytest.approx(x, abs=1e-4)


def test_newton_is_silent_on_noise():
    """The gradient's noise has the Hessian's shape, as if all came from counts; as little of it may become a step."""
    rng = np.random.default_rng(5)
    a, lengths = rng.standard_normal((40, len(PENALTY))), []
    hessian = a.T @ a
    for _ in range(40):
        gradient = np.linalg.cholesky(hessian) @ rng.standard_normal(len(PENALTY))
        step = newton(gradient, hessian, hessian, PENALTY).step
        lengths.append(np.sqrt(step @ hessian @ step / len(PENALTY)))  # 1 for the whole Newton step
    assert np.median(lengths) < 0.3
