from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from viodat.errors import ConfigError
from viodat.synth.lab.clocks import DeviceClock, audio_clock_rows, draw_clock


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_the_two_directions_are_inverse_to_a_nanosecond(seed):
    rng = np.random.default_rng(seed)
    clock = draw_clock(rng)
    mocap = rng.uniform(-10, 700, 200)
    assert np.abs(clock.mocap(clock.device(mocap)) - mocap).max() < 1e-9
    assert np.abs(clock.device(clock.mocap(mocap)) - mocap).max() < 1e-9
    assert (np.diff(clock.device(np.sort(mocap))) > 0).all()
    assert -5 <= clock.start_s <= 5
    assert np.abs(clock.rate_ppm(mocap)).max() <= 100
    assert clock.device(clock.start_s) == pytest.approx(0, abs=1e-15)


def test_a_fast_clock_counts_more_seconds():
    clock = DeviceClock(start_s=-2.0, ppm=50.0)
    assert float(clock.device(98.0)) == pytest.approx(100.005, abs=1e-12)
    assert float(clock.mocap(100.005)) == pytest.approx(98.0, abs=1e-12)


def test_the_rate_is_the_slope_and_wanders_slowly():
    clock = draw_clock(np.random.default_rng(3), ppm=40.0)
    t = np.linspace(0, 300, 3001)
    slope = 1e6 * (np.gradient(clock.device(t) - t, t))
    np.testing.assert_allclose(slope[1:-1], clock.rate_ppm(t)[1:-1], atol=1e-3)
    assert 0.5 < np.ptp(slope) < 10
    assert abs(slope.mean() - 40) < 10
    assert np.abs(np.diff(slope)).max() < 0.2


def test_drift_belongs_to_the_device_and_start_to_the_recording():
    clocks = [draw_clock(np.random.default_rng(seed), ppm=-60.0, start_range_s=(-5.0, -1.0)) for seed in range(50)]
    ppm, starts = np.array([c.ppm for c in clocks]), np.array([c.start_s for c in clocks])
    assert 0.3 < ppm.std() < 2
    assert np.abs(ppm + 60).max() < 5
    assert starts.min() >= -5
    assert starts.max() <= -1
    assert np.ptp(starts) > 3


def test_rows_are_one_second_apart_and_end_with_the_recording():
    clock = DeviceClock(1.25, -80.0)
    device, mocap = audio_clock_rows(clock, 10.5)
    assert device.tolist() == [*range(11), 10.5]
    np.testing.assert_allclose(clock.device(mocap), device, atol=1e-12)
    assert audio_clock_rows(clock, 3.0)[0].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("arguments", [{"ppm": 150.0}, {"ppm": np.nan}, {"start_range_s": (1.0, -1.0)}])
def test_impossible_clocks_are_refused(arguments):
    with pytest.raises(ConfigError):
        draw_clock(np.random.default_rng(0), **arguments)
