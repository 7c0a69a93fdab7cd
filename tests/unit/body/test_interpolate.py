import numpy as np
import pytest

from viodat.body.interpolate import at_times

RATE_HZ = 100.0


def _vibrato(t):
    """(T, 1, 3) mm: 10 mm at 6 Hz along x, a bow stroke along y, rest along z."""
    return np.stack([10 * np.sin(2 * np.pi * 6 * t), 300 * np.sin(2 * np.pi * t), 0 * t + 900], -1)[:, None]


def test_vibrato_is_followed_to_a_hundredth_of_a_millimetre():
    start = 0.49
    frames = start + np.arange(200) / RATE_HZ
    times = np.random.default_rng(0).uniform(frames[1], frames[-2], 500)
    error = np.abs(at_times(_vibrato(frames), start, RATE_HZ, times) - _vibrato(times))
    assert error.max() < 0.02
    assert error.max() > 1e-6  # an interpolation, not the function itself


def test_the_frames_themselves_come_back():
    frames = np.arange(50) / RATE_HZ
    values = _vibrato(frames)
    np.testing.assert_allclose(at_times(values, 0.0, RATE_HZ, frames), values, atol=1e-9)


def test_nothing_is_extrapolated():
    values = _vibrato(np.arange(10) / RATE_HZ)
    out = at_times(values, 0.0, RATE_HZ, [-0.001, 0.0, 0.09, 0.0901])
    assert np.isnan(out[[0, 3]]).all()
    assert np.isfinite(out[[1, 2]]).all()


def test_a_gap_stays_a_gap_and_the_frames_at_its_edge_stay_known():
    values = _vibrato(np.arange(20) / RATE_HZ)
    values[8:11] = np.nan
    out = at_times(values, 0.0, RATE_HZ, np.array([7.0, 7.5, 9.0, 10.5, 11.0, 6.5]) / RATE_HZ)
    assert np.isfinite(out[[0, 4, 5]]).all()
    assert np.isnan(out[[1, 2, 3]]).all()
    # Beside the gap only the two nearest frames are known, so it is a straight line there.
    np.testing.assert_allclose(out[5], (values[6] + values[7]) / 2, atol=1e-9)


def test_a_joint_that_is_missing_does_not_blank_the_others():
    values = np.concatenate([_vibrato(np.arange(10) / RATE_HZ)] * 2, axis=1)
    values[:, 0] = np.nan
    out = at_times(values, 0.0, RATE_HZ, [0.033])
    assert np.isnan(out[0, 0]).all()
    assert np.isfinite(out[0, 1]).all()


@pytest.mark.parametrize("frames", [0, 1])
def test_very_short_trials(frames):
    out = at_times(np.ones((frames, 18, 3)), 0.0, RATE_HZ, [0.0, 0.001])
    assert out.shape == (2, 18, 3)
    assert np.isnan(out[1]).all()
    assert np.isfinite(out[0]).all() == (frames == 1)


def test_unknown_times_give_nan():
    assert np.isnan(at_times(np.ones((5, 2)), 0.0, RATE_HZ, [np.nan])).all()


def test_times_keep_their_shape_and_one_number_gives_one_sample():
    values = _vibrato(np.arange(20) / RATE_HZ)
    many = at_times(values, 0.0, RATE_HZ, [0.042, 0.051])
    one = at_times(values, 0.0, RATE_HZ, 0.042)
    assert one.shape == (1, 3)
    np.testing.assert_array_equal(one, many[0])
    assert at_times(values, 0.0, RATE_HZ, 5.0).shape == (1, 3)
    assert at_times(values, 0.0, RATE_HZ, np.full((2, 4), 0.05)).shape == (2, 4, 1, 3)
    assert at_times(values, 0.0, RATE_HZ, []).shape == (0, 1, 3)


def test_an_infinite_value_is_missing():
    values = _vibrato(np.arange(20) / RATE_HZ)
    hole, infinite = values.copy(), values.copy()
    hole[8], infinite[8] = np.nan, np.inf
    times = np.arange(5, 12, 0.25) / RATE_HZ
    np.testing.assert_array_equal(at_times(infinite, 0.0, RATE_HZ, times), at_times(hole, 0.0, RATE_HZ, times))
