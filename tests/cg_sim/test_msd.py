"""MSD against trajectories whose displacement is known, brute force over all time origins, freud and MDAnalysis."""

from __future__ import annotations

import numpy as np
import pytest

from cg_sim.engines.protocol import Frame
from cg_sim.observables.msd import MSD, msd_of
from cg_sim.observables.protocol import Context
from cg_sim.state import State

DT, EVERY = 0.01, 5
INTERVAL = DT * EVERY
SIDE = 6.0


def recorder_of(observable, first, *, types=None, masses=1.0, box=SIDE, kT=1.5):
    state = State(first, box, types=types, masses=masses)
    return observable.start(Context(state, kT, DT, 3 * len(first), EVERY))


def feed(recorder, trajectory, *, types=None, masses=1.0, box=SIDE, begin=0):
    for k, x in enumerate(trajectory, start=begin):
        frame = Frame(State(x, box, types=types, masses=masses), k * INTERVAL, 0.0, np.zeros((3, 3)), np.zeros_like(x))
        recorder.sample(frame)
    return recorder


def measured(observable, trajectory, *, types=None, masses=1.0, box=SIDE):
    recorder = recorder_of(observable, trajectory[0], types=types, masses=masses, box=box)
    return feed(recorder, trajectory, types=types, masses=masses, box=box).result()


def walk(frames, n, seed, *, D=1.0):
    steps = np.random.default_rng(seed).normal(scale=np.sqrt(2 * D * INTERVAL), size=(frames, n, 3))
    return np.cumsum(steps, axis=0)


def brute_force(x):
    lags = range(len(x))
    return np.array([np.mean(np.sum((x[k:] - x[: len(x) - k]) ** 2, axis=-1)) for k in lags])


@pytest.mark.parametrize("n", [1, 2, 3, 20])
@pytest.mark.parametrize(("lags", "spacing"), [(8, 1), (8, 4), (8, 8)])
def test_ballistic_motion_is_v2_t2(n, lags, spacing):
    v = np.random.default_rng(n).normal(size=(n, 3))
    x = np.arange(30)[:, None, None] * INTERVAL * v
    data = measured(MSD(lags=lags, spacing=spacing), x)
    t = np.arange(lags + 1) * INTERVAL
    np.testing.assert_allclose(data.msd_lag, t, rtol=1e-14)
    np.testing.assert_allclose(data.msd, np.mean(np.sum(v**2, axis=1)) * t**2, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(data.msd_stderr, 0.0, atol=1e-12)


def test_brownian_particles_diffuse_at_the_rate_they_were_given():
    x = walk(3000, 40, 7, D=0.8)
    data = measured(MSD(lags=40, spacing=10), x)
    assert abs(data.diffusion - 0.8) < 4 * data.diffusion_stderr
    assert 0 < data.diffusion_stderr < 0.08
    # Lag 0 is exact. Neighboring lags share their noise, each must agree by itself.
    z = (data.msd - 6 * 0.8 * data.msd_lag)[1:] / data.msd_stderr[1:]
    assert np.all(np.abs(z) < 4)


def test_standard_errors_of_d_have_the_size_of_the_scatter():
    found = [measured(MSD(lags=20, spacing=5), walk(400, 10, seed)) for seed in range(40)]
    scatter = np.std([float(d.diffusion) for d in found], ddof=1)
    claimed = np.mean([float(d.diffusion_stderr) for d in found])
    # The scatter of 40 values is known to 11 %, errors of short series to about as much.
    assert 0.6 < claimed / scatter < 1.6


def test_streaming_over_every_origin_is_brute_force_and_the_fourier_transform():
    x = walk(60, 5, 3)
    expected = brute_force(x)
    np.testing.assert_allclose(msd_of(x), expected, rtol=1e-10, atol=1e-12)
    data = measured(MSD(lags=59, spacing=1), x)
    np.testing.assert_allclose(data.msd, expected, rtol=1e-12, atol=1e-13)


def test_spaced_origins_are_those_origins():
    x = walk(64, 4, 5)
    data = measured(MSD(lags=12, spacing=4), x)
    for lag in range(13):
        origins = np.arange(0, 64 - lag, 4)
        expected = np.mean(np.sum((x[origins + lag] - x[origins]) ** 2, axis=-1))
        assert float(data.msd[lag]) == pytest.approx(expected, rel=1e-12)


def test_equals_freud_and_mdanalysis():
    freud = pytest.importorskip("freud", reason="compares with freud")
    analysis = pytest.importorskip("MDAnalysis.analysis.msd", reason="compares with MDAnalysis")
    import MDAnalysis

    x = walk(50, 8, 2).astype(np.float32).astype(np.float64)
    theirs = freud.msd.MSD(mode="window").compute(x).msd
    universe = MDAnalysis.Universe.empty(8, trajectory=True)
    universe.load_new(x.astype(np.float32))
    other = analysis.EinsteinMSD(universe, fft=False).run().results.timeseries
    # Both hold positions in single precision (7 digits of displacements of about 10).
    np.testing.assert_allclose(msd_of(x), theirs, rtol=2e-4, atol=2e-4)
    np.testing.assert_allclose(msd_of(x), other, rtol=2e-6, atol=1e-6)


def test_fourier_transform_survives_a_far_origin_and_many_particles():
    x = walk(300, 3, 9)
    np.testing.assert_allclose(msd_of(x + 1e6), msd_of(x), rtol=1e-6, atol=1e-6)  # 1e6 leaves 1e-10 of each x
    many = walk(2000, 500, 4)  # more columns than one transform takes at a time
    expected = [np.mean(np.sum((many[lag:] - many[:-lag]) ** 2, axis=-1)) for lag in (1, 7, 1500)]
    np.testing.assert_allclose(msd_of(many)[[1, 7, 1500]], expected, rtol=1e-10)


def test_types_are_separate_and_the_total_is_their_average():
    v = np.array([[1.0, 0, 0], [0, 2.0, 0], [0, 0, 2.0]])
    x = np.arange(12)[:, None, None] * INTERVAL * v
    data = measured(MSD(lags=4, spacing=2), x, types=["W", "Na", "Na"])
    t2 = (np.arange(5) * INTERVAL) ** 2
    np.testing.assert_allclose(data.msd_of_type.sel(type="W"), t2, atol=1e-14)
    np.testing.assert_allclose(data.msd_of_type.sel(type="Na"), 4 * t2, atol=1e-14)
    np.testing.assert_allclose(data.msd, 3 * t2, atol=1e-14)
    slope = np.polyfit(np.arange(1, 5) * INTERVAL, t2[1:], 1)[0]
    assert float(data.diffusion_of_type.sel(type="Na")) == pytest.approx(4 * slope / 6)


def test_drift_is_that_of_the_center_of_mass():
    x = walk(40, 4, 1)
    masses = np.array([1.0, 2.0, 3.0, 4.0])
    still = x - (masses @ x / masses.sum())[:, None, :]
    drifting = still + np.arange(40)[:, None, None] * [0.5, -1.0, 0.2]
    one = measured(MSD(lags=10, remove_drift=True), drifting, masses=masses)
    other = measured(MSD(lags=10), still, masses=masses)
    np.testing.assert_allclose(one.msd, other.msd, rtol=1e-11)
    assert float(measured(MSD(lags=10), drifting, masses=masses).msd[-1]) > 100


def test_rotation_image_and_order_of_particles_do_not_matter():
    rng = np.random.default_rng(0)
    x = walk(40, 6, 6)
    turned = x @ np.linalg.qr(rng.normal(size=(3, 3)))[0]
    moved = x + SIDE * rng.integers(-3, 4, size=(6, 3))
    expected = measured(MSD(lags=10), x)
    for other in (turned, moved, x[:, ::-1]):
        np.testing.assert_allclose(measured(MSD(lags=10), other).msd, expected.msd, rtol=1e-11, atol=1e-13)


def test_a_remembered_recorder_goes_on_bit_for_bit():
    x, observable = walk(130, 5, 8), MSD(lags=20, spacing=5)
    whole = feed(recorder_of(observable, x[0]), x).result()
    for cut in (0, 1, 47, 120):
        first = feed(recorder_of(observable, x[0]), x[:cut])
        second = recorder_of(observable, x[0])
        second.remember(first.memory())
        feed(first, x[cut:], begin=cut)  # what was remembered must not be shared
        assert feed(second, x[cut:], begin=cut).result().identical(whole)


def test_lags_that_no_origin_has_reached_are_unknown():
    data = measured(MSD(lags=10), walk(6, 3, 1))
    assert np.all(np.isfinite(data.msd[:6]))
    assert np.all(np.isnan(data.msd[6:]))
    assert np.isnan(data.diffusion)


def test_finite_size_correction_by_hand():
    x = walk(60, 3, 1)
    data = measured(MSD(lags=10, viscosity=2.0), x, box=SIDE)
    # 2.837297 · 1.5 / (6π · 2 · 6) = 0.0188154 for kT = 1.5, L = 6
    assert float(data.diffusion_corrected - data.diffusion) == pytest.approx(0.0188154, rel=1e-5)
    assert "2.837297" in data.diffusion.attrs["finite_size"]
    with pytest.raises(ValueError, match="cubic"):
        recorder_of(MSD(viscosity=2.0), x[0], box=[6.0, 6.0, 7.0])


def test_frames_at_uneven_times_are_refused():
    x = walk(4, 2, 1)
    recorder = feed(recorder_of(MSD(lags=10), x[0]), x[:2])
    with pytest.raises(ValueError, match=r"frames must come every 0\.05"):
        feed(recorder, x[2:], begin=3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lags": 0}, "multiple of spacing"),
        ({"lags": 10, "spacing": 3}, "multiple of spacing"),
        ({"fit": (0.5, 0.5)}, "two fractions"),
        ({"lags": 10, "fit": (0.95, 1.0)}, "at least two lags"),
        ({"viscosity": 0.0}, "viscosity"),
    ],
)
def test_options_that_make_no_sense(options, message):
    with pytest.raises(ValueError, match=message):
        MSD(**options)


def test_msd_of_wants_a_trajectory():
    with pytest.raises(ValueError, match="frame, particle, 3"):
        msd_of(np.zeros((4, 3)))
