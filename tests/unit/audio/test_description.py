import subprocess
import sys

import numpy as np
import pytest

from tests.unit.audio.sounds import phrase, tone
from viodat.audio import audio_features, describe, log_mel_spectrogram, pitch
from viodat.errors import ConfigError


def test_equals_the_functions_called_one_by_one():
    sound = np.column_stack([phrase(1.5, seed=1), phrase(1.5, seed=2)])
    whole = describe(sound, 44_100, rates=(30, 100), with_f0=True)
    assert whole.seconds == 1.5
    assert list(whole.features) == [30.0, 100.0]
    for rate, features in whole.features.items():
        alone = audio_features(sound, 44_100, feature_rate_hz=rate)
        np.testing.assert_array_equal(features.values, alone.values)
        assert features.rate_hz == rate
    np.testing.assert_array_equal(whole.spectrogram.levels_db, log_mel_spectrogram(sound, 44_100).levels_db)
    np.testing.assert_array_equal(whole.pitch.f0_hz, pitch(sound, 44_100).f0_hz)


def test_only_what_is_asked_for():
    sound = tone(440, 0.3)
    assert describe(sound, 44_100).pitch is None
    assert describe(sound, 44_100, rates=(), spectrogram_rate_hz=None).features == {}
    alone = describe(sound, 44_100, rates=(100,), spectrogram_rate_hz=50)
    assert list(alone.features) == [100.0]
    assert alone.spectrogram.rate_hz == 50
    with pytest.raises(ConfigError, match="features rate is 5 Hz"):
        describe(sound, 44_100, rates=(100, 5))


def test_importing_the_package_loads_no_librosa():
    code = "import viodat.audio, sys; raise SystemExit('librosa' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
