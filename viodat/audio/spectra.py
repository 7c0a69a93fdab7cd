"""One pass over the resampled sound: what onset strength, MFCC, RMS, tuning and spectrogram share.

They are all defined on frames of 2048 samples, one every 512, centred, with zeros beyond both ends. librosa
would take the short-time Fourier transform once for each of them; here it is taken once. Powers are those of
a periodic Hann window, unnormalised, as librosa has them; mel bands are Slaney's (librosa's default), 0 Hz to
half the rate.
"""

from __future__ import annotations

import functools
import warnings
from dataclasses import dataclass

import librosa
import numpy as np
import scipy.fft
from librosa.filters import get_window, mel

from viodat.audio.sound import HOP, FloatArray, centred_frames, row_count

N_FFT = 2048
N_MELS = 128
CHROMA_BINS_PER_OCTAVE = 36

# Frames per block: a block's frames, spectra and powers stay in the processor's cache.
_BLOCK = 64
_TUNING_RANGE_HZ = (150.0, 4000.0)
_TUNING_THRESHOLD = 0.1
_TUNING_RESOLUTION = 0.01


@dataclass(frozen=True)
class Spectra:
    """What one pass over a resampled sound gives.

    Attributes
    ----------
    rate_hz
        Samples per second of the resampled sound.
    mel_power
        (128, F) float32, power in each mel band.
    rms
        (F,) float32, root mean square of 2048 samples about the row's centre; full scale 1.
    tuning
        Deviation of the player's tuning from A4 = 440 Hz, in thirds of a semitone, within ±0.5, as
        ``librosa.estimate_tuning`` has it. 0 where the sound has no peak between 150 and 4000 Hz.
    """

    rate_hz: float
    mel_power: FloatArray
    rms: FloatArray
    tuning: float


def spectra(sound: FloatArray, rate_hz: float, *, with_tuning: bool = True) -> Spectra:
    """Take the Fourier transform of every frame once and keep what the features need.

    Parameters
    ----------
    sound
        (N,) float32 at ``rate_hz``.
    rate_hz
        512 times the rate of the rows.
    with_tuning
        Leave the tuning at 0 if False: only the chroma need it.
    """
    frames = centred_frames(sound, N_FFT, HOP)
    rows = row_count(len(sound))
    mel_power = np.empty((rows, N_MELS), dtype=np.float32)
    mel_filters = np.ascontiguousarray(_mel_filters(rate_hz).T)
    window = get_window("hann", N_FFT, fftbins=True)
    peaks: list[tuple[FloatArray, FloatArray]] = []
    for start in range(0, rows, _BLOCK):
        block = slice(start, min(start + _BLOCK, rows))
        # In double precision, as librosa does: bins 80 dB below the loudest are part of the MFCC.
        spectrum = scipy.fft.rfft(frames[block] * window, axis=1).astype(np.complex64)
        magnitude = np.abs(spectrum)
        np.matmul(np.square(magnitude), mel_filters, out=mel_power[block])
        if with_tuning:
            peaks.append(_spectral_peaks(magnitude, rate_hz))
    return Spectra(
        rate_hz=rate_hz,
        mel_power=np.ascontiguousarray(mel_power.T),
        rms=_rms(sound),
        tuning=_tuning(peaks) if with_tuning else 0.0,
    )


@functools.lru_cache(maxsize=8)
def _mel_filters(rate_hz: float) -> FloatArray:
    with warnings.catch_warnings():
        # Far above 300 rows per second the lowest bands lie between two bins and stay empty: so it is defined.
        warnings.filterwarnings("ignore", message="Empty filters")
        return np.asarray(mel(sr=rate_hz, n_fft=N_FFT, n_mels=N_MELS), dtype=np.float32)


def _rms(sound: FloatArray) -> FloatArray:
    # A frame is 4 hops long and starts at a hop, so its energy is that of 4 consecutive blocks.
    per_frame = N_FFT // HOP
    padded = np.zeros((row_count(len(sound)) + per_frame - 1) * HOP, dtype=np.float32)
    padded[N_FFT // 2 : N_FFT // 2 + len(sound)] = sound
    blocks = padded.reshape(-1, HOP)
    energy = np.einsum("bs,bs->b", blocks, blocks, dtype=np.float64)
    frames = np.lib.stride_tricks.sliding_window_view(energy, per_frame).sum(axis=1)
    return np.asarray(np.sqrt(frames / N_FFT), dtype=np.float32)


def _spectral_peaks(magnitude: FloatArray, rate_hz: float) -> tuple[FloatArray, FloatArray]:
    """Frequencies and heights of a block's spectral peaks, by a parabola through three bins.

    A peak is a local maximum between 150 and 4000 Hz that is above a tenth of its frame's maximum
    (https://ccrma.stanford.edu/~jos/sasp/Sinusoidal_Peak_Interpolation.html).
    """
    bin_hz = rate_hz / N_FFT
    first = max(1, int(np.ceil(_TUNING_RANGE_HZ[0] / bin_hz)))
    # The last bin lies below the upper limit and has a neighbour.
    stop = min(int(np.ceil(min(_TUNING_RANGE_HZ[1], rate_hz / 2) / bin_hz)), magnitude.shape[1] - 1)
    here, below, above = (magnitude[:, first + d : stop + d] for d in (0, -1, 1))
    floor = _TUNING_THRESHOLD * magnitude.max(axis=1, keepdims=True)
    row, column = np.nonzero((here > below) & (here >= above) & (here > floor))
    at, left, right = (side[row, column] for side in (here, below, above))
    # The tuning is the fullest bin of a fine histogram: it takes librosa's very roundings to find the same
    # one.
    curvature = (left + right) - 2 * at.astype(np.float64)
    slope = (right - left) / np.float32(2)
    # A vertex more than one bin away is not this peak's.
    near = np.abs(slope) < np.abs(curvature)
    shift = np.where(near, -slope / np.where(near, curvature, 1.0), 0.0).astype(np.float32)
    frequencies = (first + column + shift.astype(np.float64)) * rate_hz / N_FFT
    return frequencies.astype(np.float32), at + np.float32(0.5) * slope * shift


def _tuning(peaks: list[tuple[FloatArray, FloatArray]]) -> float:
    frequencies = np.concatenate([block[0] for block in peaks])
    heights = np.concatenate([block[1] for block in peaks])
    if len(frequencies) == 0:
        return 0.0
    loud = heights >= np.median(heights)
    return float(
        librosa.pitch_tuning(frequencies[loud], resolution=_TUNING_RESOLUTION, bins_per_octave=CHROMA_BINS_PER_OCTAVE)
    )
