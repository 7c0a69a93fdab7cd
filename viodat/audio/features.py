"""The 35-d audio feature frame of VioDat, at any rate of rows (30, 100 and 300 Hz are the published ones).

VioDat's definition (Yoo et al., VioPose, WACV 2025) names the parts: onset envelope (normalised), 20 MFCC
(normalised), 12 chroma CENS, one-hot onset peaks, RMS (normalised), and a 36th number, the raw onset
envelope, that models do not use; librosa, hop 512, one channel resampled to ``512 * rate`` Hz. It is silent
on what "normalised" means and on every parameter. viodat defines them itself, and all here equals these calls
to float32 precision, with ``y`` the resampled sound, ``sr = 512 * rate`` and every parameter not named at
librosa's default (hop 512, frames of 2048):

=======  ===================  ================================================================================
columns  names                definition
=======  ===================  ================================================================================
0        onset_strength_norm  ``o / max(o)``, ``o = librosa.onset.onset_strength(y=y, sr=sr)``
1-20     mfcc_00 ... mfcc_19  ``librosa.feature.mfcc(y=y, sr=sr, n_mfcc=20)``, each coefficient less its mean
                              and divided by its standard deviation over the file
21-32    chroma_cens_C ...    ``librosa.feature.chroma_cens(y=y, sr=sr)``, first F columns
33       onset_peak           1 in the rows of ``librosa.onset.onset_detect(onset_envelope=o, sr=sr)``, else 0
34       rms_norm             ``r / max(r)``, ``r = librosa.feature.rms(y=y)``
(36th)   onset_strength       ``o``, in :attr:`AudioFeatures.onset_strength`
=======  ===================  ================================================================================

A column without variation (silence) is 0 after normalisation. Row k is centred on sample ``k * 512`` of the
resampled sound, ``k / rate`` seconds after the recording's first sample; F = 1 + N // 512 rows for N
resampled samples. Beyond both ends the sound counts as zeros.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Final

import librosa
import numpy as np
from librosa.feature import mfcc
from librosa.onset import onset_detect, onset_strength
from numpy.typing import NDArray

from viodat.audio.chroma import chroma_cens
from viodat.audio.sound import HOP, FloatArray, check_row_rate, mono, resampled, row_count
from viodat.audio.spectra import Spectra, spectra

N_MFCC: Final = 20
PITCH_CLASSES: Final = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")

FEATURE_NAMES: Final[tuple[str, ...]] = (
    "onset_strength_norm",
    *(f"mfcc_{i:02d}" for i in range(N_MFCC)),
    *(f"chroma_cens_{name}" for name in PITCH_CLASSES),
    "onset_peak",
    "rms_norm",
)
"""Names of the 35 columns, in order."""

# Least spread to divide by, so that the rounding of a constant column is not blown up to unit variance.
_STEADY_MFCC = 1e-3


@dataclass(frozen=True)
class AudioFeatures:
    """The 35-d frame of one recording.

    Attributes
    ----------
    values
        (F, 35) float32, columns as in ``names``. All finite.
    onset_strength
        (F,) float32, dB per row: the envelope before normalisation (the 36th number of the published arrays).
    rate_hz
        Rows per second.
    names
        Names of the 35 columns.
    """

    values: FloatArray
    onset_strength: FloatArray
    rate_hz: float
    names: tuple[str, ...] = FEATURE_NAMES

    def __post_init__(self) -> None:
        rows, columns = len(self.onset_strength), len(self.names)
        if self.values.shape != (rows, columns):
            raise ValueError(f"values: expected shape ({rows}, {columns}), but got {self.values.shape}")

    @property
    def times_s(self) -> NDArray[np.float64]:
        """(F,) s after the recording's first sample: the centre of each row."""
        return np.arange(len(self.values), dtype=np.float64) / self.rate_hz

    @property
    def onset_times_s(self) -> NDArray[np.float64]:
        """(n,) s after the recording's first sample: the rows whose ``onset_peak`` is 1."""
        return self.times_s[self.column("onset_peak") > 0]

    def column(self, name: str) -> FloatArray:
        """(F,) float32: one column by its name."""
        return np.asarray(self.values[:, self.names.index(name)])


def audio_features(samples: NDArray[np.floating], rate_hz: float, *, feature_rate_hz: float = 100.0) -> AudioFeatures:
    """Compute the 35-d frame of a recording.

    Parameters
    ----------
    samples
        (N,) or (N, C) float, full scale 1; channels are averaged.
    rate_hz
        Samples per second.
    feature_rate_hz
        Rows per second, 17 to 1000.

    Returns
    -------
    AudioFeatures
        F = 1 + ceil(N * 512 * feature_rate_hz / rate_hz) // 512 rows, however short the recording.

    Raises
    ------
    CaptureError
        If the samples are not a sound (see :func:`viodat.audio.sound.mono`): none at all, or some not finite.
    ConfigError
        If ``feature_rate_hz`` is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> tone = np.sin(2 * np.pi * 440 * np.arange(44100) / 44100).astype(np.float32)
    >>> features = audio_features(tone, 44100, feature_rate_hz=100)
    >>> features.values.shape, features.names[21 + int(features.values[50, 21:33].argmax())]
    ((101, 35), 'chroma_cens_A')
    """
    check_row_rate(feature_rate_hz)
    sound = resampled(mono(samples, rate_hz), rate_hz, HOP * feature_rate_hz)
    return features_of(sound, spectra(sound, HOP * feature_rate_hz))


def features_of(sound: FloatArray, shared: Spectra) -> AudioFeatures:
    """Compute the 35-d frame of a checked sound from the pass over it that other features share.

    Parameters
    ----------
    sound
        (N,) float32 at ``shared.rate_hz`` samples per second.
    shared
        What :func:`viodat.audio.spectra.spectra` made of ``sound``, tuning included.
    """
    rate_hz = shared.rate_hz
    rows = row_count(len(sound))
    mel_db = librosa.power_to_db(shared.mel_power)
    envelope = np.zeros(rows, dtype=np.float32)
    if rows > 1:
        envelope[:] = onset_strength(S=mel_db, sr=rate_hz, hop_length=HOP)
    with warnings.catch_warnings():
        # Fewer rows than the averaging window of the peak picker are no news to the caller.
        warnings.simplefilter("ignore", UserWarning)
        peaks = onset_detect(onset_envelope=envelope, sr=rate_hz, hop_length=HOP)
    values = np.zeros((rows, len(FEATURE_NAMES)), dtype=np.float32)
    values[:, 0] = _to_peak(envelope)
    values[:, 1:21] = _standardised(mfcc(S=mel_db, n_mfcc=N_MFCC)).T
    values[:, 21:33] = chroma_cens(sound, rate_hz, shared.tuning)[:, :rows].T
    values[peaks, 33] = 1.0
    values[:, 34] = _to_peak(shared.rms)
    return AudioFeatures(values=values, onset_strength=envelope, rate_hz=rate_hz / HOP)


def _to_peak(envelope: FloatArray) -> FloatArray:
    peak = envelope.max()
    return envelope / peak if peak > 0 else np.zeros_like(envelope)


def _standardised(coefficients: FloatArray) -> NDArray[np.float64]:
    mean = coefficients.mean(axis=1, dtype=np.float64, keepdims=True)
    spread = coefficients.std(axis=1, dtype=np.float64, keepdims=True)
    return np.asarray((coefficients - mean) / np.maximum(spread, _STEADY_MFCC))
