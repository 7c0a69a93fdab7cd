"""The sound that every audio feature starts from: one checked channel, and its copy at another rate.

Full scale is 1. Channels are averaged. The first sample is the recording's time zero, and stays so when the
rate changes: resampling is linear-phase (soxr, quality HQ), so it shifts nothing.
"""

from __future__ import annotations

import math

import librosa
import numpy as np
from numpy.typing import NDArray

from viodat.errors import CaptureError, ConfigError

FloatArray = NDArray[np.float32]

HOP = 512
"""Samples from one feature row to the next; the sound is resampled to ``HOP`` samples per row."""

_LOUDEST = 1e6
_MOST_CHANNELS = 64
_RATE_RANGE_HZ = (1_000.0, 1_000_000.0)
_ROW_RATE_RANGE_HZ = (17.0, 1_000.0)


def mono(samples: NDArray[np.floating], rate_hz: float) -> FloatArray:
    """Check a recording and average its channels.

    Parameters
    ----------
    samples
        (N,) or (N, C) float, full scale 1.
    rate_hz
        Samples per second.

    Returns
    -------
    FloatArray
        (N,) float32, full scale 1, finite.

    Raises
    ------
    CaptureError
        If there is no sample, one is not finite, one lies beyond a million times full scale (then it is not
        sound, and its power would overflow), the type is not a float, the shape is neither (N,) nor (N, C),
        or the rate is not one of a recording of sound.
    """
    if not (math.isfinite(rate_hz) and _RATE_RANGE_HZ[0] <= rate_hz <= _RATE_RANGE_HZ[1]):
        raise CaptureError(
            f"sample rate {rate_hz:g} Hz is outside {_RATE_RANGE_HZ[0]:g} to {_RATE_RANGE_HZ[1]:g} Hz",
            mend="Give the rate that the file states, or record again.",
        )
    samples = np.asarray(samples)
    if not np.issubdtype(samples.dtype, np.floating):
        raise CaptureError(
            f"samples are {samples.dtype}; expected float32 with full scale 1",
            mend="Read the file with viodat.capture.read_audio, or divide integers by their full scale.",
        )
    if samples.ndim not in (1, 2) or (samples.ndim == 2 and samples.shape[1] == 0):
        raise CaptureError(f"samples have shape {samples.shape}; expected (N,) or (N, channels)")
    if samples.shape[0] == 0:
        raise CaptureError("the recording holds no sample", mend="Check the file, or leave it out.")
    if samples.ndim == 2 and samples.shape[1] > _MOST_CHANNELS:
        raise CaptureError(
            f"samples have shape {samples.shape}; expected (N, channels), not {samples.shape[1]} channels",
            mend="Transpose the array: time comes first.",
        )
    # Written so that NaN and infinity fail too; the comparison makes no float64 copy of a long recording.
    fine = np.abs(samples) <= _LOUDEST
    if not fine.all():
        bad = np.flatnonzero(~fine.reshape(samples.shape[0], -1).all(axis=1))
        raise CaptureError(
            f"{len(bad)} of {samples.shape[0]} samples are not finite or beyond {_LOUDEST:g} x full scale "
            f"(the first at {bad[0] / rate_hz:.3f} s)",
            mend="Repair or convert the file, or leave it out.",
        )
    if samples.ndim == 2:
        samples = samples.mean(axis=1, dtype=np.float64)
    return np.ascontiguousarray(samples, dtype=np.float32)


def check_row_rate(rate_hz: float, what: str = "feature_rate_hz") -> None:
    """Refuse a rate of rows that the definition cannot serve.

    Below 17 Hz the resampled sound (``512 * rate`` Hz) has no room for the top of the 7 octaves of chroma
    above C1; above 1000 Hz the sound would be resampled beyond half a megahertz.

    Raises
    ------
    ConfigError
        With the range.
    """
    low, high = _ROW_RATE_RANGE_HZ
    if not (math.isfinite(rate_hz) and low <= rate_hz <= high):
        raise ConfigError(
            f"{what} is {rate_hz:g} Hz; it must lie between {low:g} and {high:g} Hz",
            mend="Use 30, 100 or 300.",
        )


def resampled(sound: FloatArray, from_hz: float, to_hz: float) -> FloatArray:
    """One channel at another rate.

    Parameters
    ----------
    sound
        (N,) float32.
    from_hz, to_hz
        Samples per second.

    Returns
    -------
    FloatArray
        (ceil(N * to_hz / from_hz),) float32; ``sound`` itself if the rates are equal.
    """
    if from_hz == to_hz or len(sound) == 0:
        return sound
    # librosa refuses what would come out empty; ceil() makes that impossible for one sample or more.
    return np.asarray(librosa.resample(sound, orig_sr=from_hz, target_sr=to_hz), dtype=np.float32)


def row_count(n_samples: int) -> int:
    """Rows of a sound of ``n_samples``: one centred on every ``HOP``-th sample, the first on sample 0."""
    return 1 + n_samples // HOP


def centred_frames(sound: FloatArray, length: int, hop: int) -> FloatArray:
    """(1 + N // hop, length) view of ``sound``: frame k is centred on sample k*hop, zeros beyond both ends.

    ``length`` is even; the frame covers samples ``k*hop - length/2`` up to, not including, ``k*hop +
    length/2``.
    """
    padded = np.pad(sound, length // 2)
    return np.lib.stride_tricks.sliding_window_view(padded, length)[::hop]
