"""Statistical inefficiency, equilibration and block errors against series whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

from cg_sim.statistics.blocks import BlockMean
from cg_sim.statistics.series import equilibration, inefficiency, mean_error


def ar1(phi: float, n: int, seed: int, replicas: int = 1) -> np.ndarray:
    """x_t = φ x_{t−1} + noise, mean 0, variance 1, from the start in equilibrium: g = (1 + φ)/(1 − φ)."""
    noise = np.random.default_rng(seed).normal(size=(replicas, n))
    noise[:, 1:] *= np.sqrt(1 - phi**2)
    return lfilter([1.0], [1.0, -phi], noise, axis=1)


def direct_inefficiency(x: np.ndarray) -> float:
    """1 + 2 Σ (1 − t/N) C(t), lag by lag."""
    n, d, total = len(x), x - x.mean(), 1.0
    for t in range(1, n - 1):
        c = np.mean(d[: n - t] * d[t:]) / np.mean(d**2)
        if c <= 0 and t > 3:
            break
        total += 2 * (1 - t / n) * c
    return max(1.0, total)


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9, 0.98])
def test_inefficiency_of_an_ar1_series(phi):
    n, exact = 200_000, (1 + phi) / (1 - phi)
    error = np.sqrt(2 * (2 * 5 * exact + 1) / n)  # Madras & Sokal 1988, window of five correlation times
    assert abs(inefficiency(ar1(phi, n, seed=1)[0]) / exact - 1) < 4 * error


@pytest.mark.parametrize("n", [3, 4, 5, 17, 400])
def test_inefficiency_is_its_sum(n):
    x = ar1(0.8, n, seed=n)[0]
    assert inefficiency(x) == pytest.approx(direct_inefficiency(x), rel=1e-11)  # the rounding of a transform
    assert inefficiency(7.0 - 3.0 * x) == pytest.approx(inefficiency(x), rel=1e-11)


@pytest.mark.parametrize("x", [[1.0], [1.0, 2.0], [0.1] * 50, 1e9 + np.zeros(9), np.tile([1.0, -1.0], 500)], ids=str)
def test_inefficiency_is_one_without_correlation(x):
    assert inefficiency(x) == 1.0


def test_series_and_equilibration_agree_with_pymbar():
    timeseries = pytest.importorskip("pymbar.timeseries", reason="pymbar is an optional reference")
    relaxing = ar1(0.9, 1500, seed=3)[0] + 8 * np.exp(-np.arange(1500) / 60)
    for x in (relaxing, ar1(0.0, 1000, seed=4)[0], ar1(0.99, 1000, seed=5)[0]):
        assert inefficiency(x) == pytest.approx(timeseries.statistical_inefficiency(x), rel=1e-10)
    t0, _, samples = timeseries.detect_equilibration(relaxing, fast=False, nskip=5)
    ours = equilibration(relaxing)
    assert ours.samples > 0.95 * samples  # other t0 are tried, one effective sample more or less
    assert abs(ours.t0 - t0) < 100


@pytest.mark.parametrize("tau", [10, 100])
@pytest.mark.parametrize("n", [1000, 20_000])
def test_equilibration_cuts_a_transient(n, tau):
    x = ar1(0.8, n, seed=n + tau)[0] + 10 * np.exp(-np.arange(n) / tau)
    found = equilibration(x)
    assert 1.5 * tau < found.t0 < 10 * tau  # from 10 σ the transient is 2 σ at 1.6 τ and gone at 10 τ
    rest = mean_error(x[found.t0 :])
    assert abs(rest.mean) < 4 * rest.stderr
    assert found.samples == pytest.approx(rest.samples)
    whole = mean_error(x)
    assert whole.samples < found.samples


def test_equilibration_keeps_what_is_in_equilibrium():
    kept = [1 - equilibration(x).t0 / 2000 for x in ar1(0.9, 2000, seed=7, replicas=40)]
    assert np.mean(kept) > 0.8
    assert equilibration(np.ones(10)) == (0, 1.0, 10.0)
    assert equilibration([3.0]) == (0, 1.0, 1.0)


@pytest.mark.parametrize("phi", [0.0, 0.9])
def test_mean_error_covers_the_truth(phi):
    """Over 400 series (mean)/(error) is distributed as it should be."""
    found = [mean_error(x) for x in ar1(phi, 4000, seed=11, replicas=400)]
    z = np.array([f.mean / f.stderr for f in found])
    assert abs(np.mean(z)) < 4 / np.sqrt(400)
    assert abs(np.std(z) - 1) < 4 / np.sqrt(2 * 400)
    exact = 4000 * (1 - phi) / (1 + phi)
    assert np.mean([f.samples for f in found]) == pytest.approx(exact, rel=0.1)  # g is biased by O(g/N)


def test_mean_error_of_uncorrelated_samples_is_the_textbook_one():
    assert mean_error([0.0, 1.0]) == (0.5, 0.5, 2.0)
    assert mean_error([2.0, 2.0, 2.0]) == (2.0, 0.0, 3.0)
    assert np.isnan(mean_error([5.0]).stderr)


@pytest.mark.parametrize("bad", [[], [[1.0, 2.0]], [1.0, np.nan], [np.inf]], ids=str)
def test_series_must_be_numbers(bad):
    for function in (inefficiency, equilibration, mean_error):
        with pytest.raises(ValueError, match=r"series is one-dimensional|leave out"):
            function(bad)


def blocks_of(samples: np.ndarray) -> BlockMean:
    blocks = BlockMean(samples.shape[1:])
    for x in samples:
        blocks.add(x)
    return blocks


@pytest.mark.parametrize("n", [2, 3, 16, 32, 33, 63, 64, 65, 66, 127, 128, 1000, 4101])
def test_block_errors_are_those_of_16_to_32_blocks(n):
    x = ar1(0.5, n, seed=n, replicas=3).T + 1e3
    blocks, length = blocks_of(x), 1
    while n // length > 32:
        length *= 2
    count = n // length
    assert count == n or 16 <= count <= 32
    means = x[: count * length].reshape(count, length, 3).mean(axis=1)
    np.testing.assert_allclose(blocks.mean(), x.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(blocks.stderr(), means.std(axis=0, ddof=1) / np.sqrt(count), rtol=1e-9)  # of 1e3 + x
    ratio = np.clip(x.var(axis=0, ddof=1) / blocks.stderr() ** 2, 1, n)
    np.testing.assert_allclose(blocks.samples(), ratio, rtol=1e-9)


def test_block_errors_cover_the_truth():
    phi, n, replicas = 0.9, 20_000, 400
    blocks = blocks_of(ar1(phi, n, seed=12, replicas=replicas).T)
    z = blocks.mean() / blocks.stderr()
    student = np.sqrt(30 / 28)  # 31 blocks
    assert abs(np.std(z) / student - 1) < 4 / np.sqrt(2 * replicas)
    assert np.median(blocks.samples()) == pytest.approx(n * (1 - phi) / (1 + phi), rel=0.15)  # χ² of 30, 400 times


def test_blocks_of_nothing_one_and_constants():
    assert np.isnan(BlockMean((2,)).mean()).all()
    assert BlockMean().samples() == 0
    one = blocks_of(np.array([[1.0, 2.0]]))
    assert one.mean().tolist() == [1.0, 2.0]
    assert np.isnan(one.stderr()).all()
    assert one.samples().tolist() == [1.0, 1.0]
    same = blocks_of(np.full((300, 2), 0.1))
    assert same.mean().tolist() == [0.1, 0.1]
    assert same.stderr().tolist() == [0.0, 0.0]
    assert same.samples().tolist() == [300.0, 300.0]


@pytest.mark.parametrize("split", [0, 1, 63, 64, 100, 777])
def test_blocks_continue_bit_for_bit(split):
    x = np.random.default_rng(split).normal(size=(1000, 2, 3))
    whole, first, second = blocks_of(x), blocks_of(x[:split].reshape(-1, 2, 3)), BlockMean((2, 3))
    memory = first.memory()
    first.add(x[0])  # a memory is a copy: at 63 samples one more merges blocks
    second.remember(memory)
    for sample in x[split:]:
        second.add(sample)
    assert second.count == 1000
    for name, array in whole.memory().items():
        assert array.tobytes() == second.memory()[name].tobytes(), name
    assert whole.stderr().tobytes() == second.stderr().tobytes()


def test_blocks_refuse_other_shapes():
    with pytest.raises(ValueError, match="samples have shape"):
        BlockMean((2,)).add([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="start with the same options"):
        BlockMean((2,)).remember(BlockMean((3,)).memory())
