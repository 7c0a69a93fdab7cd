import warnings

import numpy as np
import pytest

from tests.unit.audio.sounds import times_s, tone, vibrato
from viodat.audio import pitch
from viodat.errors import CaptureError, ConfigError


def cents(f0_hz, reference_hz):
    return 1200 * np.log2(f0_hz / reference_hz)


@pytest.mark.parametrize("rate_hz", [22_050, 44_100, 48_000])
@pytest.mark.parametrize("f0_hz", [196.4, 311.9, 441.7, 880.3, 1567.2, 2637.0])
def test_a_steady_tone_is_found_to_a_cent(f0_hz, rate_hz):
    track = pitch(tone(f0_hz, 0.6, rate_hz), rate_hz)
    inside = slice(3, -3)
    assert track.voiced[inside].all()
    assert np.abs(cents(track.f0_hz[inside], f0_hz)).max() < 1.0


def sinusoid_fit(t_s, deviation_cents, rate_hz):
    """(amplitude, residual) of the best sinusoid of one rate."""
    basis = np.column_stack([np.sin(2 * np.pi * rate_hz * t_s), np.cos(2 * np.pi * rate_hz * t_s), np.ones_like(t_s)])
    weights, *_ = np.linalg.lstsq(basis, deviation_cents, rcond=None)
    return np.hypot(*weights[:2]), float(np.sum((deviation_cents - basis @ weights) ** 2))


@pytest.mark.parametrize("f0_hz", [196.0, 440.0, 1174.7])
@pytest.mark.parametrize(("vibrato_hz", "extent_cents"), [(4.5, 20), (6.0, 10), (6.0, 30), (6.0, 60), (7.5, 40)])
def test_vibrato_survives_in_rate_and_extent(f0_hz, vibrato_hz, extent_cents):
    track = pitch(vibrato(f0_hz, 2.0, extent_cents, vibrato_hz), 44_100)
    inside = slice(3, -3)
    assert track.voiced[inside].all()
    t, deviation = track.times_s[inside], cents(track.f0_hz[inside], f0_hz)
    rates = np.arange(3.0, 9.0, 0.02)
    found_hz = rates[np.argmin([sinusoid_fit(t, deviation, rate)[1] for rate in rates])]
    extent, _ = sinusoid_fit(t, deviation, found_hz)
    assert found_hz == pytest.approx(vibrato_hz, abs=0.2)
    assert extent == pytest.approx(extent_cents, abs=max(1.0, 0.05 * extent_cents))


def test_rows_are_centred_on_their_times():
    # A glide of two octaves per second: an error of 1 ms in time is one of 2.4 cents.
    t = times_s(1.0, 44_100)
    frequency = 220.0 * 2 ** (2 * t)
    phase = 2 * np.pi * (frequency - 220.0) / (2 * np.log(2))
    track = pitch((0.2 * np.sin(phase)).astype(np.float32), 44_100)
    inside = slice(5, -5)
    error_s = cents(track.f0_hz[inside], 220.0 * 2 ** (2 * track.times_s[inside])) / 2400
    assert np.abs(np.median(error_s)) < 0.002


def test_noise_and_silence_are_nan_not_zero():
    rng = np.random.default_rng(5)
    sound = np.concatenate([np.zeros(22_050), tone(440, 0.5), rng.normal(scale=0.1, size=22_050)])
    track = pitch(sound.astype(np.float32), 44_100)
    assert np.isnan(track.f0_hz[:48]).all()
    assert not track.voiced[:48].any()
    assert track.voiced[55:95].all()
    assert track.voiced[105:150].mean() < 0.2
    np.testing.assert_array_equal(np.isnan(track.f0_hz), ~track.voiced)
    assert ((track.voiced_probability >= 0) & (track.voiced_probability <= 1)).all()


def test_what_lies_below_the_rounding_of_16_bit_has_no_pitch():
    track = pitch(np.concatenate([tone(440, 0.4, amplitude=1e-3), tone(440, 0.4, amplitude=1e-6)]), 44_100)
    assert track.voiced[3:37].all()
    assert not track.voiced[43:].any()
    np.testing.assert_array_equal(track.voiced_probability[43:], 0)


def test_a_long_recording_is_tracked_in_pieces_without_a_seam():
    # Two pieces: 30 s and the rest. A slow siren makes any slip of a row at the seam visible.
    t = times_s(31.5, 8_000)
    frequency = 440 * 2 ** (np.sin(2 * np.pi * 0.5 * t) / 4)
    sound = 0.3 * np.sin(2 * np.pi * np.cumsum(frequency) / 8_000)
    track = pitch(sound.astype(np.float32), 8_000, fmin_hz=300, fmax_hz=700)
    assert len(track.f0_hz) == 3151
    seam = slice(2_900, 3_100)
    expected = np.interp(track.times_s[seam], t, frequency)
    assert np.abs(cents(track.f0_hz[seam], expected)).max() < 10


@pytest.mark.parametrize("n", [1, 2, 440, 441, 882, 1200])
def test_short_recordings_have_all_their_rows(n):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        track = pitch(tone(440, 0.1)[:n], 44_100)
    assert len(track.f0_hz) == len(track.voiced) == len(track.times_s) == 1 + n // 441


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"frame_s": 0.05}, "vibrato"),
        ({"frame_s": 0.0}, "vibrato"),
        ({"frame_s": 0.005}, "two periods"),
        ({"fmin_hz": 60.0}, "two periods"),
        ({"fmin_hz": 0.0}, "pitch range"),
        ({"fmin_hz": 500.0, "fmax_hz": 400.0}, "pitch range"),
        ({"fmin_hz": float("nan")}, "pitch range"),
        ({"hop_s": 0.0}, "hop_s"),
        ({"hop_s": float("nan")}, "hop_s"),
    ],
)
def test_settings_out_of_range_are_refused(settings, says):
    with pytest.raises(ConfigError, match=says):
        pitch(tone(440, 0.1), 44_100, **settings)


def test_what_is_no_sound_is_refused():
    sound = tone(440, 0.1)
    sound[7] = np.nan
    with pytest.raises(CaptureError, match="1 of 4410 samples"):
        pitch(sound, 44_100)
