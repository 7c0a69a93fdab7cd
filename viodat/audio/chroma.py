"""Chroma of a sound: how strong each of the 12 pitch classes is, from a constant-Q transform.

The numbers are those of ``librosa.feature.chroma_cens``. The constant-Q transform underneath (Schörkhuber and
Klapuri, SMC 2010) is recomputed here because it is what costs: its filters are the same in every octave,
since the sound is halved in rate from one octave to the next, and each is zero outside a narrow band, so the
product with the spectrum is a small dense one. Filters are kept between calls.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import librosa
import numpy as np
import scipy.fft
from librosa import feature
from librosa.filters import wavelet, wavelet_lengths
from librosa.util import sparsify_rows
from numpy.typing import NDArray

from viodat.audio.sound import HOP, FloatArray, centred_frames
from viodat.audio.spectra import CHROMA_BINS_PER_OCTAVE

N_OCTAVES = 7

# Frames per block: a block's frames and spectra stay in the processor's cache.
_BLOCK = 128
# As in librosa: of each filter's spectrum, the weakest bins that add up to 1 % of its magnitude are dropped.
_SPARSITY = 0.01


def chroma_cens(sound: FloatArray, rate_hz: float, tuning: float) -> FloatArray:
    """Chroma energy normalised statistics (Müller and Ewert, ISMIR 2011).

    Parameters
    ----------
    sound
        (N,) float32 at ``rate_hz`` samples per second.
    rate_hz
        At least 8.5 kHz, so that the 7 octaves above C1 = 32.7 Hz fit.
    tuning
        Deviation from A4 = 440 Hz in thirds of a semitone.

    Returns
    -------
    FloatArray
        (12, F') float32, C to B. Every column has unit Euclidean norm whatever the level, so that in a pause it is
        the chroma of the noise, or of what sounds within the 1.6 s of the lowest filters; it is 0 only in a
        recording of exact silence. F' is ``1 + N // 512`` or one more.
    """
    magnitude = np.abs(constant_q(sound, rate_hz, tuning))
    chroma = feature.chroma_cens(C=magnitude, sr=rate_hz, hop_length=HOP, bins_per_octave=CHROMA_BINS_PER_OCTAVE)
    return np.asarray(chroma, dtype=np.float32)


def constant_q(sound: FloatArray, rate_hz: float, tuning: float) -> NDArray[np.complex64]:
    """Constant-Q transform: 7 octaves of 36 bins from C1 upwards, one column every 512 samples.

    Parameters
    ----------
    sound, rate_hz, tuning
        As for :func:`chroma_cens`.

    Returns
    -------
    NDArray[np.complex64]
        (252, F'), with the scale of ``librosa.cqt``.
    """
    halvings = _early_halvings(rate_hz, tuning)
    hop = HOP >> halvings
    if halvings:
        sound = _slowed(sound, 1 << halvings)
    octave = _octave_filters(rate_hz / (1 << halvings), tuning)
    parts = [_response(sound, hop, octave)]
    for _ in range(N_OCTAVES - 1):
        sound = _slowed(sound, 2)
        hop //= 2
        parts.append(_response(sound, hop, octave))
    # The copies are rounded up to whole samples, so a slower one may have room for one column more.
    columns = min(part.shape[0] for part in parts)
    return np.concatenate([part[:columns].T for part in reversed(parts)])


@dataclass(frozen=True)
class _Filters:
    """One octave's filters: ``response`` (K, 36) on the spectrum's bins ``first`` to ``first + K``."""

    n_fft: int
    first: int
    response: NDArray[np.complex64]


@functools.lru_cache(maxsize=64)
def _octave_filters(rate_hz: float, tuning: float) -> _Filters:
    """Compute the filters of the top octave: they serve all octaves."""
    top = _frequencies_hz(tuning)[-CHROMA_BINS_PER_OCTAVE:]
    wavelets, lengths = wavelet(freqs=top, sr=rate_hz, window="hann", norm=1, pad_fft=True)
    n_fft = wavelets.shape[1]
    scaled = wavelets * (lengths[:, np.newaxis] / n_fft)
    responses = scipy.fft.fft(scaled, axis=1)[:, : n_fft // 2 + 1]
    kept = sparsify_rows(responses, quantile=_SPARSITY, dtype=np.complex64).toarray()
    # Halving the rate doubles the power per sample and the filter's length: the scale is the same in all
    # octaves.
    kept /= np.sqrt(lengths)[:, np.newaxis]
    bins = np.flatnonzero(np.abs(kept).any(axis=0))
    first, last = int(bins[0]), int(bins[-1])
    return _Filters(n_fft, first, np.ascontiguousarray(kept[:, first : last + 1].T.astype(np.complex64)))


def _response(sound: FloatArray, hop: int, octave: _Filters) -> NDArray[np.complex64]:
    """(F', 36): each filter's output at every ``hop``-th sample."""
    frames = centred_frames(sound, octave.n_fft, hop)
    response = np.empty((len(frames), octave.response.shape[1]), dtype=np.complex64)
    band = slice(octave.first, octave.first + octave.response.shape[0])
    for start in range(0, len(frames), _BLOCK):
        block = slice(start, start + _BLOCK)
        # Single precision suffices: a chroma vector is divided by its own sum and quantised in steps of 0.05.
        np.matmul(scipy.fft.rfft(frames[block], axis=1)[:, band], octave.response, out=response[block])
    return response


def _early_halvings(rate_hz: float, tuning: float) -> int:
    """Count the halvings of the rate before the first octave, whose filters need only a part of the band."""
    _, cutoff_hz = wavelet_lengths(freqs=_frequencies_hz(tuning), sr=rate_hz, window="hann")
    spare = math.ceil(math.log2(rate_hz / 2 / cutoff_hz)) - 2
    # Each octave but the lowest halves the hop once more; it must come out whole.
    return max(0, min(spare, HOP.bit_length() - 1 - (N_OCTAVES - 1)))


def _frequencies_hz(tuning: float) -> NDArray[np.float64]:
    c1_hz = librosa.note_to_hz("C1") * 2.0 ** (tuning / CHROMA_BINS_PER_OCTAVE)
    return np.asarray(
        librosa.cqt_frequencies(
            n_bins=N_OCTAVES * CHROMA_BINS_PER_OCTAVE,
            fmin=c1_hz,
            bins_per_octave=CHROMA_BINS_PER_OCTAVE,
        )
    )


def _slowed(sound: FloatArray, factor: int) -> FloatArray:
    # scale=True keeps the energy: a copy with fewer samples is louder by the root of the factor.
    return np.asarray(librosa.resample(sound, orig_sr=factor, target_sr=1, scale=True), dtype=np.float32)
