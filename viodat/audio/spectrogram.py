"""The log-mel spectrogram: how much sound there is in each of 128 bands, in dB re full scale.

The published VioDat arrays hold a spectrogram whose definition is not published; this is viodat's own. Frames
are those of the 35-d frame (one channel resampled to ``512 * rate`` Hz, 2048 samples, periodic Hann window,
every 512 samples, centred, zeros beyond the ends), so both come from one pass over the sound. Bands are
triangles on Slaney's mel scale from 0 Hz to half the resampled rate, 25.6 kHz at 100 Hz, the same for every
recording whatever its own rate; above the recording's own half rate they hold the floor.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import librosa
import numpy as np
from librosa.filters import get_window
from numpy.typing import NDArray

from viodat.audio.sound import HOP, FloatArray, check_row_rate, mono, resampled
from viodat.audio.spectra import N_FFT, N_MELS, Spectra, spectra

FLOOR_DB = -100.0
"""Least level, about the rounding of 16-bit files. Digital silence is at the floor, not at -infinity."""


@dataclass(frozen=True)
class Spectrogram:
    """Level of each mel band over time.

    Attributes
    ----------
    levels_db
        (F, M) float32 dB. The powers of all bands of a steady full-scale sine add up to 0 dB. Nothing is
        below -100 dB.
    band_hz
        (M,) Hz, centre of each band.
    rate_hz
        Rows per second.
    """

    levels_db: FloatArray
    band_hz: NDArray[np.float64]
    rate_hz: float

    @property
    def times_s(self) -> NDArray[np.float64]:
        """(F,) s after the recording's first sample: the centre of each row."""
        return np.arange(len(self.levels_db), dtype=np.float64) / self.rate_hz


def log_mel_spectrogram(
    samples: NDArray[np.floating], rate_hz: float, *, spectrogram_rate_hz: float = 100.0
) -> Spectrogram:
    """Compute the log-mel spectrogram of a recording.

    Parameters
    ----------
    samples
        (N,) or (N, C) float, full scale 1; channels are averaged.
    rate_hz
        Samples per second.
    spectrogram_rate_hz
        Rows per second, 17 to 1000.

    Returns
    -------
    Spectrogram
        With as many rows as the 35-d frame at the same rate.

    Raises
    ------
    CaptureError, ConfigError
        As :func:`viodat.audio.features.audio_features`.
    """
    check_row_rate(spectrogram_rate_hz, "spectrogram_rate_hz")
    sound = resampled(mono(samples, rate_hz), rate_hz, HOP * spectrogram_rate_hz)
    return spectrogram_of(spectra(sound, HOP * spectrogram_rate_hz, with_tuning=False))


def spectrogram_of(shared: Spectra) -> Spectrogram:
    """Compute the spectrogram from the pass over the sound that other features share."""
    gain = _full_scale_gain(shared.rate_hz)
    power = shared.mel_power.T * gain
    tiny = np.float32(10.0 ** (FLOOR_DB / 10))
    levels = np.maximum(10.0 * np.log10(np.maximum(power, tiny)), FLOOR_DB)
    edges = librosa.mel_frequencies(N_MELS + 2, fmin=0.0, fmax=shared.rate_hz / 2)
    return Spectrogram(
        levels_db=levels.astype(np.float32),
        band_hz=np.asarray(edges[1:-1], dtype=np.float64),
        rate_hz=shared.rate_hz / HOP,
    )


@functools.lru_cache(maxsize=8)
def _full_scale_gain(rate_hz: float) -> FloatArray:
    """(M,) factor from librosa's mel power to the power re a full-scale sine.

    librosa scales each triangle to unit area, ``2 / width``; undoing it makes overlapping triangles add up to
    1 at every frequency. A sine of amplitude 1 has the power ``sum(w)**2 / 4`` in its bin and, with the two
    beside it, ``sum(w)**2 / 4`` times the window's noise bandwidth, ``N sum(w**2) / sum(w)**2`` bins, over
    all.
    """
    edges = librosa.mel_frequencies(N_MELS + 2, fmin=0.0, fmax=rate_hz / 2)
    window = get_window("hann", N_FFT, fftbins=True)
    total = N_FFT * np.sum(np.square(window)) / 4
    return np.asarray((edges[2:] - edges[:-2]) / 2 / total, dtype=np.float32)
