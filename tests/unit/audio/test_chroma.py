import librosa
import numpy as np
import pytest

from tests.unit.audio.sounds import phrase, tone
from viodat.audio.chroma import chroma_cens, constant_q
from viodat.audio.sound import resampled
from viodat.audio.spectra import spectra

# The oracle warns where its lowest octave is shorter than one filter; zeros beyond the ends are meant.
pytestmark = pytest.mark.filterwarnings("ignore:n_fft=")


@pytest.mark.parametrize("tuning", [-0.5, 0.0, 0.37])
@pytest.mark.parametrize("feature_rate_hz", [17, 30, 100, 300, 1000])
def test_constant_q_is_librosas(feature_rate_hz, tuning):
    sr = 512 * feature_rate_hz
    y = resampled(phrase(1.3), 44_100, sr)
    expected = librosa.cqt(y, sr=sr, hop_length=512, n_bins=252, bins_per_octave=36, tuning=tuning)
    got = constant_q(y, sr, tuning)
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=0, atol=2e-6 * np.abs(expected).max())


@pytest.mark.parametrize("feature_rate_hz", [30, 100, 300])
@pytest.mark.parametrize("detune_cents", [-14, 0, 9, 40])
def test_tuning_is_librosas(detune_cents, feature_rate_hz):
    sr = 512 * feature_rate_hz
    y = resampled(tone(440 * 2 ** (detune_cents / 1200), 2.0) + phrase(2.0), 44_100, sr)
    expected = librosa.estimate_tuning(y=y, sr=sr, bins_per_octave=36)
    assert spectra(y, sr).tuning == pytest.approx(expected, abs=1e-9)


def test_a_sound_without_peaks_has_tuning_zero():
    assert spectra(np.zeros(5000, dtype=np.float32), 51_200).tuning == 0.0


def test_columns_have_unit_length_at_any_level():
    for amplitude in (0.5, 1e-4):
        norms = np.linalg.norm(chroma_cens(tone(440, 1.0, 51_200, amplitude=amplitude), 51_200, 0.0), axis=0)
        np.testing.assert_allclose(norms, 1, atol=1e-5)


def test_exact_silence_has_no_chroma():
    np.testing.assert_array_equal(chroma_cens(np.zeros(51_200, dtype=np.float32), 51_200, 0.0), 0)
