import warnings

import librosa
import numpy as np
import pytest

from tests.unit.audio.sounds import clicks, phrase, tone
from viodat.audio import FEATURE_NAMES, audio_features
from viodat.errors import CaptureError, ConfigError


def by_plain_librosa(samples, rate_hz, feature_rate_hz):
    """Compute the definition, written as one would read it, with nothing shared."""
    sr = 512 * feature_rate_hz
    y = librosa.resample(samples, orig_sr=rate_hz, target_sr=sr)
    o = librosa.onset.onset_strength(y=y, sr=sr, hop_length=512)
    m = librosa.feature.mfcc(y=y, sr=sr, n_mfcc=20, hop_length=512)
    c = librosa.feature.chroma_cens(y=y, sr=sr, hop_length=512)
    r = librosa.feature.rms(y=y, frame_length=2048, hop_length=512)[0]
    peaks = np.zeros(len(o))
    peaks[librosa.onset.onset_detect(onset_envelope=o, sr=sr, hop_length=512)] = 1
    rows = 1 + len(y) // 512
    m = (m - m.mean(axis=1, keepdims=True)) / m.std(axis=1, keepdims=True)
    return np.column_stack([o / o.max(), m.T, c.T[:rows], peaks, r / r.max()]), o


@pytest.mark.filterwarnings("ignore:n_fft=")
@pytest.mark.parametrize("feature_rate_hz", [30, 100, 300])
@pytest.mark.parametrize("rate_hz", [22_050, 44_100, 48_000])
def test_equals_plain_librosa_calls(rate_hz, feature_rate_hz):
    sound = phrase(4.1, rate_hz)
    expected, envelope = by_plain_librosa(sound, rate_hz, feature_rate_hz)
    features = audio_features(sound, rate_hz, feature_rate_hz=feature_rate_hz)
    assert features.values.shape == expected.shape
    assert features.values.dtype == np.float32
    np.testing.assert_allclose(features.values, expected, rtol=0, atol=5e-6)
    np.testing.assert_allclose(features.onset_strength, envelope, rtol=0, atol=1e-5)


@pytest.mark.filterwarnings("ignore:n_fft=")
@pytest.mark.parametrize("feature_rate_hz", [24, 50.5, 120])
def test_equals_plain_librosa_calls_at_other_rates(feature_rate_hz):
    sound = phrase(2.0)
    expected, _ = by_plain_librosa(sound, 44_100, feature_rate_hz)
    values = audio_features(sound, 44_100, feature_rate_hz=feature_rate_hz).values
    np.testing.assert_allclose(values, expected, rtol=0, atol=5e-6)


@pytest.mark.filterwarnings("ignore:n_fft=")
@pytest.mark.parametrize("short_by", [0, 1, 2, 511])
def test_equals_plain_librosa_calls_whatever_the_last_hop(short_by):
    # At 51.2 kHz nothing is resampled on the way in; the octaves of the chroma round up to whole samples.
    sound = phrase(2.0, 51_200)[: 512 * 190 - short_by]
    expected, _ = by_plain_librosa(sound, 51_200, 100)
    values = audio_features(sound, 51_200, feature_rate_hz=100).values
    assert len(values) == 1 + len(sound) // 512
    np.testing.assert_allclose(values, expected, rtol=0, atol=5e-6)


def test_names_are_the_columns():
    assert len(FEATURE_NAMES) == 35
    assert len(set(FEATURE_NAMES)) == 35
    features = audio_features(tone(440, 0.5), 44_100, feature_rate_hz=100)
    assert features.names == FEATURE_NAMES
    np.testing.assert_array_equal(features.column("rms_norm"), features.values[:, 34])


@pytest.mark.parametrize("feature_rate_hz", [30, 100, 300])
def test_onset_peaks_are_within_a_row_of_the_clicks(feature_rate_hz):
    at = np.array([0.5, 0.93, 1.4, 2.25, 2.8])
    found = audio_features(clicks(at, 3.5), 44_100, feature_rate_hz=feature_rate_hz).onset_times_s
    away = np.abs(found[:, np.newaxis] - at)
    assert away.min(axis=0).max() <= 1 / feature_rate_hz + 0.0005
    assert away.min(axis=1).max() <= 2 / feature_rate_hz
    # At 30 Hz a peak's neighbourhood of 30 ms is less than a row, so one click may be two peaks.
    assert len(at) <= len(found) <= (2 * len(at) if feature_rate_hz == 30 else len(at))


@pytest.mark.parametrize("feature_rate_hz", [30, 100, 300])
def test_rows_are_centred_on_their_times(feature_rate_hz):
    # RMS is symmetric about a row's centre: a burst's centre of energy must lie where it was put.
    rate_hz, at = 44_100, 1.2345
    sound = np.zeros(rate_hz * 2, dtype=np.float32)
    sound[round(at * rate_hz)] = 0.9
    features = audio_features(sound, rate_hz, feature_rate_hz=feature_rate_hz)
    weight = np.square(features.column("rms_norm").astype(float))
    assert np.sum(weight * features.times_s) / weight.sum() == pytest.approx(at, abs=0.6 / feature_rate_hz)


@pytest.mark.parametrize("feature_rate_hz", [30, 100, 300])
@pytest.mark.parametrize(("f0_hz", "name"), [(196.0, "G"), (293.66, "D"), (440.0, "A"), (698.46, "F")])
def test_a_tone_lights_its_pitch_class(f0_hz, name, feature_rate_hz):
    features = audio_features(tone(f0_hz, 1.5, partials=1), 44_100, feature_rate_hz=feature_rate_hz)
    middle = features.values[len(features.values) // 2]
    assert FEATURE_NAMES[21 + int(middle[21:33].argmax())] == f"chroma_cens_{name}"
    assert middle[21:33].max() > 0.9


def test_gain_changes_nothing_but_the_level():
    sound = phrase(3.0)
    loud = audio_features(sound, 44_100)
    soft = audio_features(sound * np.float32(0.125), 44_100)
    np.testing.assert_allclose(soft.values, loud.values, rtol=0, atol=2e-4)
    np.testing.assert_allclose(soft.onset_strength, loud.onset_strength, rtol=0, atol=2e-3)


def test_normalised_columns_have_the_stated_range():
    values = audio_features(phrase(3.0), 44_100).values
    assert values[:, 0].min() == 0
    assert values[:, 0].max() == 1
    assert values[:, 34].max() == 1
    np.testing.assert_allclose(values[:, 1:21].mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(values[:, 1:21].std(axis=0), 1, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(values[:, 21:33], axis=1), 1, atol=1e-5)
    assert set(np.unique(values[:, 33])) == {0.0, 1.0}


def test_stereo_is_the_mean_of_its_channels():
    left, right = phrase(1.0, seed=1), phrase(1.0, seed=2)
    both = audio_features(np.column_stack([left, right]), 44_100).values
    np.testing.assert_allclose(both, audio_features((left + right) / 2, 44_100).values, rtol=0, atol=1e-4)


def test_silence_is_zero_in_every_column():
    features = audio_features(np.zeros(44_100, dtype=np.float32), 44_100)
    np.testing.assert_array_equal(features.values, 0)
    np.testing.assert_array_equal(features.onset_strength, 0)


@pytest.mark.parametrize("feature_rate_hz", [17, 30, 100, 300, 1000])
@pytest.mark.parametrize("n", [1, 2, 100, 441, 512, 2047, 5000])
def test_short_recordings_have_all_their_rows(n, feature_rate_hz):
    sound = np.random.default_rng(n).normal(scale=0.1, size=n).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        features = audio_features(sound, 44_100, feature_rate_hz=feature_rate_hz)
    assert len(features.values) == 1 + -(-n * 512 * feature_rate_hz // 44_100) // 512
    assert np.isfinite(features.values).all()


def spoilt(value, at=22_050):
    sound = tone(440, 1.0)
    sound[at] = value
    return sound


@pytest.mark.parametrize(
    ("samples", "rate_hz", "says"),
    [
        (np.zeros(0, dtype=np.float32), 44_100, "no sample"),
        (spoilt(np.nan), 44_100, r"1 of 44100 samples are not finite .*first at 0\.500 s"),
        (spoilt(np.inf), 44_100, "not finite"),
        (spoilt(-3e38), 44_100, "full scale"),
        (np.column_stack([spoilt(np.nan), spoilt(np.nan)]), 44_100, "1 of 44100"),
        (np.zeros(100, dtype=np.int16), 44_100, "int16"),
        (np.zeros((2, 44_100), dtype=np.float32), 44_100, r"\(2, 44100\)"),
        (np.zeros((5, 0), dtype=np.float32), 44_100, r"\(5, 0\)"),
        (np.zeros((5, 2, 2), dtype=np.float32), 44_100, r"\(5, 2, 2\)"),
        (tone(440, 0.1), 0, "rate"),
        (tone(440, 0.1), -44_100, "rate"),
        (tone(440, 0.1), float("nan"), "rate"),
        (tone(440, 0.1), 1e12, "rate"),
    ],
)
def test_what_is_no_sound_is_refused_in_one_line(samples, rate_hz, says):
    with pytest.raises(CaptureError, match=says) as caught:
        audio_features(samples, rate_hz)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("feature_rate_hz", [0, -1, 16, 1e9, float("nan"), float("inf")])
def test_rates_that_the_definition_cannot_serve_are_refused(feature_rate_hz):
    with pytest.raises(ConfigError, match="between 17 and 1000 Hz"):
        audio_features(tone(440, 0.1), 44_100, feature_rate_hz=feature_rate_hz)
