"""The noise: Philox against its authors' vectors, then distributions and independence of what is made from it."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit
from scipy import stats

from cg_sim.engines.cpu.kernels.phases import draw
from cg_sim.engines.cpu.kernels.thermostats import gamma_variate
from cg_sim.noise import BAROSTAT, RESCALING, THERMOSTAT, gaussians, log_uniform, philox, turn

PI = (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344, 0xA4093822, 0x299F31D0)
KNOWN = [  # counter (4 words) and key (2 words), from kat_vectors of Random123
    ((0,) * 6, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 6, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (PI, (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
]
UNLIKELY = 6e-5  # two-sided probability of |z| > 4


@njit
def _logs_and_turns(words):
    out = np.empty((3, len(words)))
    for i in range(len(words)):
        out[0, i] = log_uniform(words[i])
        out[1, i], out[2, i] = turn(words[i])
    return out


@njit
def _stream(n, seed, step, stream):
    out = np.empty((n, 4))
    for i in range(n):
        a, b, c, d = gaussians(seed, step, i, stream)
        out[i] = np.array([a, b, c, d])
    return out


def normal(n: int, seed: int = 1, step: int = 2, stream: int = THERMOSTAT) -> np.ndarray:
    return _stream(n, seed, step, stream)


@pytest.mark.parametrize(("words", "expected"), KNOWN)
def test_philox_gives_the_published_words(words, expected):
    assert tuple(int(x) for x in philox(*(np.uint64(w) for w in words))) == expected


def test_logarithm_and_turn_are_those_of_numpy():
    """Over random words and the ends of every branch: powers of two, quarter turns, the first and the last word."""
    edges = {2**k + d for k in range(33) for d in (-1, 0, 1)} | {k * 2**29 + d for k in range(9) for d in (-1, 0, 1)}
    words = np.array(sorted(w for w in edges if 0 <= w < 2**32), dtype=np.uint64)
    words = np.concatenate([words, np.random.default_rng(0).integers(0, 2**32, 100_000).astype(np.uint64)])
    log, cosine, sine = _logs_and_turns(words)
    u = words.astype(np.float64)
    np.testing.assert_allclose(log, np.log1p((u + 0.5 - 2.0**32) / 2.0**32), rtol=1e-13)
    angle = 2 * np.pi * u / 2.0**32
    np.testing.assert_allclose(cosine, np.cos(angle), atol=1e-13)  # the series ends at 2e-14
    np.testing.assert_allclose(sine, np.sin(angle), atol=1e-13)


@pytest.mark.parametrize("stream", [THERMOSTAT, RESCALING, BAROSTAT])
@pytest.mark.parametrize("component", range(4))
def test_numbers_are_standard_normal(stream, component):
    x = normal(200_000, stream=stream)[:, component]
    n = len(x)
    moments = [x.mean(), (x**2).mean() - 1, (x**3).mean(), (x**4).mean() - 3]
    z = np.array(moments) * np.sqrt(n / np.array([1, 2, 15, 96]))  # variances of xᵏ: 1, 2, 15, 96
    assert np.abs(z).max() < 4
    assert stats.kstest(x, "norm").pvalue > UNLIKELY
    assert 4 < np.abs(x).max() < 6.7  # ln(2⁻³³) allows 6.76; of 200 000 numbers 13 pass 4


def test_particles_steps_seeds_streams_and_components_are_independent():
    """Neighbors in every index, where a weak generator would show; squares too, which see a shared radius."""
    n = 100_000
    x = normal(n)
    shifted = {
        "particle": np.roll(x, 1, axis=0), "step": normal(n, step=3), "far step": normal(n, step=2 + 2**32),
        "seed": normal(n, seed=2), "far seed": normal(n, seed=1 + 2**32), "stream": normal(n, stream=RESCALING),
        "component": np.roll(x, 1, axis=1),
    }  # fmt: skip
    for what, y in shifted.items():
        for a, b in ((x, y), ((x**2 - 1) / np.sqrt(2), (y**2 - 1) / np.sqrt(2))):
            z = (a * b).mean(axis=0) * np.sqrt(n)
            assert np.abs(z).max() < 4, what


def test_noise_belongs_to_the_particle_not_to_its_place():
    ids = np.random.default_rng(1).permutation(500)
    ordered, shuffled = np.empty((3, 500)), np.empty((3, 500))
    draw(0, 500, ordered, 7, 11, np.arange(500))
    draw(0, 500, shuffled, 7, 11, ids)
    assert np.array_equal(ordered[:, ids], shuffled)
    assert np.array_equal(ordered.T, normal(500, seed=7, step=11)[:, :3])


@pytest.mark.parametrize("shape", [0.5, 1.0, 3.5, 100.0])
def test_gamma_variates_have_their_distribution(shape):
    """Mean k, variance k, third central moment 2k, and Kolmogorov–Smirnov; consecutive steps are independent."""
    n = 40_000
    x = np.array([gamma_variate(shape, 5, step) for step in range(n)])
    assert stats.kstest(x, stats.gamma(shape).cdf).pvalue > UNLIKELY
    d = x - shape
    fourth, sixth = 3 * shape**2 + 6 * shape, 15 * shape**3 + 130 * shape**2 + 120 * shape
    moments = [(d.mean(), shape), ((d**2).mean() - shape, fourth - shape**2), ((d**3).mean() - 2 * shape, sixth)]
    assert all(abs(m) * np.sqrt(n / v) < 4 for m, v in moments)
    assert abs((d[1:] * d[:-1]).mean()) / shape * np.sqrt(n) < 4
    assert gamma_variate(shape, 6, 0) != x[0]
