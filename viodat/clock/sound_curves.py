"""How well two sounds agree at each lag about a candidate, window by window: phase correlation.

A lag is the time on b's clock minus that on a's of the same event, s. Each window's cross-spectrum is reduced to its
phases (GCC-PHAT: Knapp & Carter 1976, "The generalized correlation method for estimation of time delay", IEEE Trans.
ASSP 24, 320-327), so that a room's and a microphone's colours count for nothing and its peak is as narrow as the band
allows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.clock.sound_coarse import LEAST_OVERLAP_S, Candidate
from viodat.clock.sound_track import WORK_HZ, Float32Array, Track

FloatArray = NDArray[np.float64]

WINDOW_S: Final = 0.256
"""Long against a room's early reflections, short against its decay and the drift: 200 ppm are 0.05 ms in it."""
REACH_S: Final = 0.040
"""Either side of the candidate: the coarse search's error and what drift it leaves."""
NEAR_S: Final = 0.000_15
"""Either side of a line: what counts as on it."""
CHANCE_SIGMAS: Final = 3.0
"""The highest of a curve's values where there is no relation: so many standard deviations of it."""
_BAND_HZ = (200.0, 7_200.0)
_BAND_OF_NYQUIST = 0.9
_BLOCK = 128
_MOST_SIGMAS = 10.0
"""What one window may say at most, in standard deviations of its own curve: a single bang decides nothing."""
_LEAST_CLARITY = 0.1


@dataclass(frozen=True, eq=False)
class Curves:
    """Phase correlation about a line: (W, P) in standard deviations of each window, P offsets of ``step_s``.

    Windows are cut at whole samples, so that offset 0 is ``missed`` (W,) steps before the line.
    """

    at_s: FloatArray
    values: Float32Array
    step_s: float
    missed: FloatArray

    @property
    def middle(self) -> int:
        """Place of offset 0."""
        return int(self.values.shape[1]) // 2

    @property
    def middle_s(self) -> float:
        """Middle of the overlap, on a's clock."""
        return float(self.at_s[0] + self.at_s[-1]) / 2

    @property
    def seconds(self) -> float:
        """From the first window to the last."""
        return float(self.at_s[-1] - self.at_s[0])

    @property
    def hop_s(self) -> float:
        """From a window to the next."""
        return float(self.at_s[1] - self.at_s[0])

    def on_line(self, offset: float, slope: float) -> FloatArray:
        """(W,) places of a line among the offsets, by its offset in the middle of the overlap."""
        return np.asarray((offset + slope * (self.at_s - self.middle_s)) / self.step_s + self.middle + self.missed)

    def clear(self) -> Float32Array:
        """(W, P) curves, each the heavier the clearer its peak.

        Where the sound sets in, it comes straight from the source; later the room answers. Windows with an onset are
        clear.
        """
        capped = np.minimum(self.values, _MOST_SIGMAS)
        clarity = np.maximum(capped.max(axis=1, keepdims=True) - CHANCE_SIGMAS, _LEAST_CLARITY)
        return np.asarray(capped * clarity, dtype=np.float32)


def phase_correlation(a: Track, b: Track, candidate: Candidate) -> Curves | None:
    """Compare two sounds about a candidate; None where the overlap is too short."""
    from scipy import fft

    rate = a.rate_hz
    length = 2 * round(WINDOW_S * rate / 2)
    half_s = length / 2 / rate
    start = max(0.0, -candidate.lag_s + candidate.drift * candidate.at_s)
    middles = half_s + np.arange(math.ceil(start / half_s), len(a.samples) * 2 // length - 1) * half_s
    first_a = np.rint((middles - half_s) * rate).astype(np.int64)
    exact = (middles + candidate.lag_s + candidate.drift * (middles - candidate.at_s) - half_s) * rate
    first_b = np.rint(exact).astype(np.int64)
    inside = (first_b >= 0) & (first_b + length <= len(b.samples)) & (first_a + length <= len(a.samples))
    middles, first_a, first_b, exact = middles[inside], first_a[inside], first_b[inside], exact[inside]
    if len(middles) * half_s < LEAST_OVERLAP_S:
        return None
    window = np.hanning(length + 1)[:-1].astype(np.float32)
    low = math.ceil(_BAND_HZ[0] * length / rate)
    high = math.floor(min(_BAND_HZ[1], _BAND_OF_NYQUIST * rate / 2) * length / rate)
    # Sounds of a low rate are read between their samples.
    finer = math.ceil(WORK_HZ / rate)
    reach = round(REACH_S * rate * finer)
    framed_a = np.lib.stride_tricks.sliding_window_view(a.samples, length)
    framed_b = np.lib.stride_tricks.sliding_window_view(b.samples, length)
    values = np.empty((len(middles), 2 * reach + 1), dtype=np.float32)
    for first in range(0, len(middles), _BLOCK):
        block = slice(first, first + _BLOCK)
        one = fft.rfft(framed_a[first_a[block]] * window, axis=1)[:, low:high]
        two = fft.rfft(framed_b[first_b[block]] * window, axis=1)[:, low:high]
        across = two * np.conj(one)
        size = np.abs(across)
        spectrum = np.zeros((len(across), length // 2 + 1), dtype=np.complex64)
        np.divide(across, size, out=spectrum[:, low:high], where=size > 0)
        curve = fft.irfft(spectrum, finer * length, axis=1)
        values[block, reach:] = curve[:, : reach + 1]
        values[block, :reach] = curve[:, -reach:]
    values -= values.mean(axis=1, keepdims=True)
    spread = values.std(axis=1, keepdims=True)
    np.divide(values, spread, out=values, where=spread > 0)
    return Curves(middles, values, 1 / (finer * rate), finer * (exact - first_b))
