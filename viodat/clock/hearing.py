"""What a device's microphone heard, and what is computed from it once for all kinds of evidence.

Every time counts from the recording's first sample: the device's own zero.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

if TYPE_CHECKING:  # it brings librosa
    from viodat.audio.f0 import PitchTrack

FloatArray = NDArray[np.float64]
Real = TypeVar("Real", bound=np.floating)

LEVEL_HZ: Final = 200.0
"""Rows per second of the levels."""
_BAND_HZ: Final = (150.0, 8_000.0)
_BRIGHT_HZ: Final = (2_000.0, 8_000.0)
"""Strings stop ringing here long before the room does."""
_AVERAGED_S: Final = 0.02
_FROM_WALLS: Final = 0.7
_SILENT_DB: Final = -120.0
_SLOPE_S: Final = 0.06
_STEEPEST_PERCENT: Final = 1.0
_LOUD_DB, _ABOVE_NOISE_DB = 25.0, 6.0
_DECAY_DB: Final = 10 / np.log(10)
_DECAY_S: Final = (0.005, 0.15)
_USUAL_DECAY_S: Final = 0.03
"""A furnished room of 200 m3: 60 dB in 0.4 s."""


@dataclass(frozen=True, eq=False)
class Hearing:
    """One recording's sound.

    Attributes
    ----------
    samples
        (N,) float, one channel, full scale 1; sample k is at ``k / rate_hz``. What is not finite counts as silence: it
        is 0 here, whatever was handed over (:func:`silent_where_unknown`).
    rate_hz
        Samples per second, as the file says.
    pitch
        Its pitch track, if somebody has computed it; else None.
    """

    samples: FloatArray
    rate_hz: float
    pitch: PitchTrack | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "samples", silent_where_unknown(self.samples))

    @property
    def seconds(self) -> float:
        """Duration."""
        return len(self.samples) / self.rate_hz

    @cached_property
    def level_db(self) -> FloatArray:
        """(R,) dB re full scale, :data:`LEVEL_HZ` rows per second from time 0, averaged over 20 ms about each."""
        return _level_db(self.samples, self.rate_hz, _BAND_HZ, _AVERAGED_S)

    @cached_property
    def decay_s(self) -> float:
        """Time in which the room's energy falls to 1/e, s.

        Nothing dies away faster than the room lets it, so the steepest falls of the level (bright sounds, 60 ms, loud
        and above the noise) are the room's. The usual 0.03 s where too little falls.
        """
        level = _level_db(self.samples, self.rate_hz, _BRIGHT_HZ, _AVERAGED_S / 2)
        n = round(_SLOPE_S * LEVEL_HZ)
        if len(level) < 4 * n or np.ptp(level) < _LOUD_DB:
            return _USUAL_DECAY_S
        x = np.arange(n + 1) - n / 2
        slope = np.correlate(level, x / np.square(x).sum(), mode="valid") * LEVEL_HZ
        start, end = level[: len(slope)], level[n : n + len(slope)]
        clear = (start > np.percentile(level, 90) - _LOUD_DB) & (end > np.percentile(level, 5) + _ABOVE_NOISE_DB)
        if clear.sum() < n:
            return _USUAL_DECAY_S
        steepest = float(np.percentile(slope[clear], _STEEPEST_PERCENT))
        return float(np.clip(-_DECAY_DB / min(steepest, -1.0), *_DECAY_S))

    @property
    def late_s(self) -> float:
        """By how much the room delays what is heard against the direct sound, s: the mean delay of its energy.

        At the usual distances two thirds or more of the energy come from the walls, at the room's decay.
        """
        return _FROM_WALLS * self.decay_s


def silent_where_unknown(samples: NDArray[Real]) -> NDArray[Real]:
    """Give (N,) samples with 0 where they are not finite; the same array where all are."""
    known = np.isfinite(samples)
    return samples if known.all() else np.where(known, samples, samples.dtype.type(0))


def _level_db(samples: FloatArray, rate_hz: float, band_hz: tuple[float, float], averaged_s: float) -> FloatArray:
    rows = int(len(samples) / rate_hz * LEVEL_HZ)
    high = min(band_hz[1], 0.45 * rate_hz)
    if rows < 2 or band_hz[0] >= high:
        return np.full(max(rows, 0), _SILENT_DB)
    sos = butter(2, (band_hz[0], high), "bandpass", fs=rate_hz, output="sos")
    # The filter's usual padding, or as much of it as a very short sound allows.
    padding = min(3 * (2 * len(sos) + 1), len(samples) - 1)
    power = np.concatenate([[0.0], np.cumsum(np.square(sosfiltfilt(sos, samples, padlen=padding)))])
    middle = np.arange(rows) / LEVEL_HZ * rate_hz
    half = averaged_s * rate_hz / 2
    places = np.arange(len(power))
    mean = (np.interp(middle + half, places, power) - np.interp(middle - half, places, power)) / (2 * half)
    return np.asarray(10 * np.log10(np.maximum(mean, 10 ** (_SILENT_DB / 10))))
