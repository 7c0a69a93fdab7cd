"""A recording's sound made ready for comparison: one rate for both, and how its spectrum changes.

Times count from the recording's first sample. The coarse search looks at how the level in each band rises and falls
against that of all bands together, which gain control, microphones and clipping hardly touch; the fine one looks at the
samples themselves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.clock.hearing import silent_where_unknown

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]

WORK_HZ: Final = 16_000.0
"""Rate at which sounds are compared: twice what a bowed string has much of, a third of the samples of 44.1 kHz."""
ROW_S: Final = 0.010
"""From one row of the coarse features to the next: their peaks are some 60 ms wide."""
_FRAME_S = 0.064
_RISE_ROWS = 2
"""Rows either side between which the level's change is taken."""
_BANDS = 32
_BAND_HZ = (150.0, 7_000.0)
_BAND_OF_NYQUIST = 0.9
_QUIET_PERCENTILE = 10.0
_MOST_SIGMAS = 4.0
_BLOCK_ROWS = 8_192
_LOUD_PERCENTILE = 97.0
_LOUDNESS_STEP = 7


@dataclass(frozen=True, eq=False)
class Track:
    """A sound at the rate of comparison.

    Attributes
    ----------
    samples
        (N,) float32, one channel.
    rate_hz
        Samples per second of them.
    """

    samples: Float32Array
    rate_hz: float

    @property
    def seconds(self) -> float:
        """Duration."""
        return len(self.samples) / self.rate_hz

    @cached_property
    def changes(self) -> Float32Array:
        """(B, R) change of the logarithmic level in each band, that of all taken off, in standard deviations.

        Row r is at ``r * ROW_S``.
        """
        return _changes(self.samples, self.rate_hz)

    @property
    def limited(self) -> Track:
        """The sound with its loudest samples, 3 in 100, clipped: a metronome's clicks, which outweigh the music."""
        loud = float(np.percentile(np.abs(self.samples[::_LOUDNESS_STEP]), _LOUD_PERCENTILE))
        return Track(np.clip(self.samples, -loud, loud), self.rate_hz) if loud > 0 else self


def track_of(samples: NDArray[np.floating], rate_hz: float, work_hz: float = WORK_HZ) -> Track | None:
    """Make a sound ready for comparison.

    Parameters
    ----------
    samples
        (N,); what is not finite counts as silence.
    rate_hz
        Samples per second.
    work_hz
        Rate of comparison.

    Returns
    -------
    Track or None
        None where there is nothing to hear: no sample, or all the same.
    """
    import soxr

    if len(samples) < 2:
        return None
    sound = silent_where_unknown(np.asarray(samples, dtype=np.float32))
    sound = sound - sound.mean(dtype=np.float64).astype(np.float32)
    if not np.ptp(sound) > 0:
        return None
    if rate_hz != work_hz:
        # soxr's linear-phase filter shifts nothing: sample 0 stays at time 0.
        sound = soxr.resample(sound, rate_hz, work_hz, quality="MQ")
    return Track(np.ascontiguousarray(sound, dtype=np.float32), work_hz)


def _changes(samples: Float32Array, rate_hz: float) -> Float32Array:
    from scipy import fft

    length = 2 * round(_FRAME_S * rate_hz / 2)
    rows = 1 + math.floor((len(samples) - 1) / (ROW_S * rate_hz))
    padded = np.pad(samples, length // 2)
    starts = np.rint(np.arange(rows) * ROW_S * rate_hz).astype(np.int64)
    frames = np.lib.stride_tricks.sliding_window_view(padded, length)
    window = np.hanning(length + 1)[:-1].astype(np.float32)
    bins = _band_edges(length, rate_hz)
    power = np.empty((len(bins) - 1, rows), dtype=np.float32)
    for first in range(0, rows, _BLOCK_ROWS):
        block = slice(first, min(first + _BLOCK_ROWS, rows))
        spectrum = fft.rfft(frames[starts[block]] * window, axis=1)[:, : bins[-1]]
        squares = np.square(spectrum.real) + np.square(spectrum.imag)
        power[:, block] = np.add.reduceat(squares, bins[:-1], axis=1).T
    # Below what is heard in the quiet, changes are those of noise: the floor keeps them small. A band that is silent
    # most of the time has a floor of its own loudness.
    floor = np.maximum(np.percentile(power, _QUIET_PERCENTILE, axis=1), 1e-6 * power.mean(axis=1))
    level = np.log(power + np.maximum(floor, 1e-20)[:, None].astype(np.float32))
    change = np.zeros_like(level)
    change[:, _RISE_ROWS:-_RISE_ROWS] = level[:, 2 * _RISE_ROWS :] - level[:, : -2 * _RISE_ROWS]
    change -= change.mean(axis=0)
    spread = change.std(axis=1, keepdims=True)
    return np.asarray(np.clip(change / np.maximum(spread, 1e-6), -_MOST_SIGMAS, _MOST_SIGMAS), dtype=np.float32)


def _band_edges(length: int, rate_hz: float) -> NDArray[np.int64]:
    """(B + 1,) first bins of the bands and the end of the last; no band is empty."""
    low, high = _BAND_HZ
    high = min(high, _BAND_OF_NYQUIST * rate_hz / 2)
    low = min(low, high / 2)
    edges = np.geomspace(low, high, _BANDS + 1) * length / rate_hz
    return np.unique(np.maximum(np.rint(edges), 1).astype(np.int64))
