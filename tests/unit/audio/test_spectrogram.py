import numpy as np
import pytest

from tests.unit.audio.sounds import clicks, times_s, tone
from viodat.audio import audio_features, log_mel_spectrogram
from viodat.errors import CaptureError, ConfigError


@pytest.mark.parametrize("rate_hz", [30, 100])
@pytest.mark.parametrize("f0_hz", [300.0, 1234.5, 5000.0])
def test_the_bands_of_a_full_scale_sine_add_up_to_0_db(f0_hz, rate_hz):
    sine = np.sin(2 * np.pi * f0_hz * times_s(1.0, 44_100)).astype(np.float32)
    spectrogram = log_mel_spectrogram(sine, 44_100, spectrogram_rate_hz=rate_hz)
    middle = spectrogram.levels_db[len(spectrogram.levels_db) // 2].astype(float)
    assert 10 * np.log10(np.sum(10 ** (middle / 10))) == pytest.approx(0.0, abs=0.2)
    loudest = spectrogram.band_hz[middle.argmax()]
    assert abs(loudest - f0_hz) < np.gradient(spectrogram.band_hz)[middle.argmax()]


def test_a_tenth_of_the_amplitude_is_20_db_less():
    loud = log_mel_spectrogram(tone(440, 0.5), 44_100).levels_db
    soft = log_mel_spectrogram(tone(440, 0.5) * np.float32(0.1), 44_100).levels_db
    above = soft > -90
    np.testing.assert_allclose((loud - soft)[above], 20, atol=1e-3)


def test_silence_is_the_floor():
    levels = log_mel_spectrogram(np.zeros(4410, dtype=np.float32), 44_100).levels_db
    np.testing.assert_array_equal(levels, -100)


def test_rows_are_those_of_the_features():
    sound = clicks([0.5], 1.234)
    spectrogram = log_mel_spectrogram(sound, 44_100)
    features = audio_features(sound, 44_100, feature_rate_hz=100)
    np.testing.assert_array_equal(spectrogram.times_s, features.times_s)
    assert spectrogram.levels_db.shape == (len(features.values), len(spectrogram.band_hz)) == (124, 128)
    # The loudest row is the one whose window has the burst, 20 ms dying away from 0.5 s, at its middle.
    loudest = spectrogram.times_s[np.argmax(np.sum(10 ** (spectrogram.levels_db / 10), axis=1))]
    assert loudest == pytest.approx(0.505, abs=0.01)


def test_the_same_refusals_as_the_features():
    with pytest.raises(ConfigError, match="spectrogram_rate_hz is 5 Hz"):
        log_mel_spectrogram(tone(440, 0.1), 44_100, spectrogram_rate_hz=5)
    with pytest.raises(CaptureError, match="no sample"):
        log_mel_spectrogram(np.zeros(0, dtype=np.float32), 44_100)
