"""VACF of oscillators and of Ornstein–Uhlenbeck velocities, where it is known; and against brute force."""

from __future__ import annotations

import numpy as np
import pytest

from cg_sim.engines.protocol import Frame
from cg_sim.observables.protocol import Context
from cg_sim.observables.ratio_mean import RatioMean
from cg_sim.observables.vacf import VACF
from cg_sim.state import State
from cg_sim.statistics.blocks import BlockMean

DT, EVERY = 0.02, 2
INTERVAL = DT * EVERY


def recorder_of(observable, n, types=None):
    return observable.start(Context(State(np.zeros((n, 3)), 5.0, types=types), 1.0, DT, 3 * n, EVERY))


def feed(recorder, velocities, *, types=None, begin=0):
    for k, v in enumerate(velocities, start=begin):
        state = State(np.zeros_like(v), 5.0, velocities=v, types=types)
        recorder.sample(Frame(state, k * INTERVAL, 0.0, np.zeros((3, 3)), np.zeros_like(v)))
    return recorder


def measured(observable, velocities, *, types=None):
    return feed(recorder_of(observable, velocities.shape[1], types), velocities, types=types).result()


def ornstein_uhlenbeck(frames, n, seed, *, friction, kT):
    """Velocities of free Langevin particles of mass 1, exact at any interval."""
    rng = np.random.default_rng(seed)
    decay = np.exp(-friction * INTERVAL)
    v = np.sqrt(kT) * rng.normal(size=(frames, n, 3))
    for k in range(1, frames):
        v[k] = decay * v[k - 1] + np.sqrt(1 - decay**2) * v[k]
    return v


def test_harmonic_oscillators_give_a_cosine():
    omega, speed = 3.0, 1.7
    t = np.arange(80) * INTERVAL
    # A sine and a cosine: the sum over both is the same for every origin.
    v = np.zeros((80, 2, 3))
    v[:, 0, 1], v[:, 1, 2] = speed * np.cos(omega * t), speed * np.sin(omega * t)
    data = measured(VACF(lags=40, spacing=5), v)
    expected = np.cos(omega * np.arange(41) * INTERVAL)
    np.testing.assert_allclose(data.vacf, 0.5 * speed**2 * expected, atol=1e-12)
    np.testing.assert_allclose(data.vacf_normalized, expected, atol=1e-12)
    np.testing.assert_allclose(data.vacf_stderr, 0, atol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_is_brute_force_over_every_origin(n):
    v = np.random.default_rng(n).normal(size=(30, n, 3))
    data = measured(VACF(lags=29, spacing=1), v)
    expected = [np.mean(np.sum(v[k:] * v[: 30 - k], axis=-1)) for k in range(30)]
    np.testing.assert_allclose(data.vacf, expected, rtol=1e-12, atol=1e-13)


def test_free_langevin_particles_decay_and_diffuse_as_they_must():
    friction, kT = 2.0, 1.3
    v = ornstein_uhlenbeck(4000, 30, 11, friction=friction, kT=kT)
    data = measured(VACF(lags=100, spacing=10), v)
    t = data.vacf_lag.values
    expected = 3 * kT * np.exp(-friction * t)
    assert np.all(np.abs(data.vacf - expected) < 4 * data.vacf_stderr)
    assert np.all(np.abs(data.vacf_normalized - expected / (3 * kT))[1:] < 4 * data.vacf_normalized_stderr[1:])
    # kT/(mγ) is 0.65; the rule and the end of the integral are part of what is claimed.
    claimed = np.trapezoid(expected, t) / 3
    assert claimed == pytest.approx(kT / friction, rel=2e-3)
    assert abs(data.diffusion_green_kubo - claimed) < 4 * data.diffusion_green_kubo_stderr
    assert 0 < data.diffusion_green_kubo_stderr < 0.05


def test_error_of_a_ratio_is_that_of_what_is_left_of_the_numerator():
    rng = np.random.default_rng(6)
    b = 5 + np.cumsum(rng.normal(size=200)) * 0.05  # correlated in time and with a
    a = np.stack([0.5 * b + 0.1 * rng.normal(size=200), b, rng.normal(size=200)], axis=1)
    ratio = RatioMean((3,), ())
    for x, y in zip(a, b, strict=True):
        ratio.add(x, np.array(y))
    left = BlockMean((3,))
    for x, y in zip(a, b, strict=True):
        left.add((x - ratio.mean() * y) / b.mean())
    np.testing.assert_allclose(ratio.mean(), a.mean(axis=0) / b.mean(), rtol=1e-12)
    # Variances are differences of ones about a thousand times larger.
    np.testing.assert_allclose(ratio.stderr(), left.stderr(), rtol=1e-9, atol=1e-9)
    assert ratio.stderr()[1] < 1e-8 < ratio.stderr()[0] < 0.5 * ratio.numerator.stderr()[0] / b.mean()


def test_constant_velocities_stay_correlated_per_type():
    v = np.tile([[1.0, 0, 0], [0, 3.0, 0]], (20, 1, 1))
    data = measured(VACF(lags=10, spacing=5), v, types=["B", "A"])
    np.testing.assert_allclose(data.vacf, 5.0, rtol=1e-14)
    np.testing.assert_allclose(data.vacf_of_type.sel(type="A"), 9.0, rtol=1e-14)
    np.testing.assert_allclose(data.diffusion_green_kubo_of_type.sel(type="B"), 10 * INTERVAL / 3, rtol=1e-13)


def test_without_drift_a_common_velocity_does_not_count():
    v = ornstein_uhlenbeck(60, 5, 2, friction=1.0, kT=1.0)
    v -= v.mean(axis=1, keepdims=True)
    plain = measured(VACF(lags=20), v)
    drifting = measured(VACF(lags=20, remove_drift=True), v + np.array([4.0, 0, 0]))
    np.testing.assert_allclose(drifting.vacf, plain.vacf, rtol=1e-10, atol=1e-12)


def test_rotation_and_order_of_particles_do_not_matter():
    v = ornstein_uhlenbeck(60, 5, 3, friction=1.0, kT=1.0)
    turned = v @ np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    expected = measured(VACF(lags=20), v)
    for other in (turned, v[:, ::-1]):
        np.testing.assert_allclose(measured(VACF(lags=20), other).vacf, expected.vacf, rtol=1e-11, atol=1e-12)


def test_a_remembered_recorder_goes_on_bit_for_bit():
    v, observable = ornstein_uhlenbeck(90, 4, 5, friction=1.0, kT=1.0), VACF(lags=20, spacing=4)
    whole = measured(observable, v)
    for cut in (0, 1, 33, 80):
        second = recorder_of(observable, 4)
        second.remember(feed(recorder_of(observable, 4), v[:cut]).memory())
        assert feed(second, v[cut:], begin=cut).result().identical(whole)


def test_lags_must_be_a_multiple_of_the_spacing():
    with pytest.raises(ValueError, match="multiple of spacing"):
        VACF(lags=10, spacing=4)
