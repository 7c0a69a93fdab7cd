"""Pitch of a solo string instrument over time, fine enough in time and in cents for vibrato.

Which period sounds is decided by pYIN (Mauch and Dixon, ICASSP 2014; ``librosa.pyin``) on frames of at most
25 ms, of which a vibrato of 6 Hz has seven in each cycle. pYIN answers on a grid of pitches; within a tenth
of a semitone of that answer the period is measured again on the same frame, by the lag at which the sound
resembles itself most over as many whole periods as half a frame holds (normalised cross-correlation, as in de
Cheveigne and Kawahara, JASA 2002, with a parabola through the best lag and its neighbours). Unvoiced is NaN,
never 0. Row k is centred ``k * hop_s`` after the recording's first sample.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import librosa
import numpy as np
from numpy.typing import NDArray

from viodat.audio.sound import FloatArray, mono, resampled
from viodat.errors import ConfigError

VIOLIN_RANGE_HZ = (180.0, 3520.0)
"""From a little under G3 = 196 Hz, the lowest open string, to A7."""

LONGEST_FRAME_S = 0.025
"""Longer frames average a vibrato away."""

# The sound is brought near this rate, so that a hop is a whole number of samples and periods are finely
# sampled.
_RATE_HZ = 44_100.0
# The step of pYIN's grid, in semitones. Its cost grows with the square of 1 / step; the refinement makes up
# for it.
_GRID_SEMITONES = 0.2
# How far from pYIN's answer the refinement looks: half a step and as much again, as a ratio of periods.
_REACH = 2.0 ** (_GRID_SEMITONES / 12)
_MOST_PERIODS = 8
# Below the rounding of 16 bit there is nothing but the ringing of filters, which can look periodic.
_QUIETEST = 1e-5
# pYIN keeps about 20 kB per row: a long recording is tracked in pieces, which overlap by more than the memory
# of its Viterbi path.
_PIECE_S = 30.0
_MARGIN_S = 0.5


@dataclass(frozen=True)
class PitchTrack:
    """Fundamental frequency of a recording over time.

    Attributes
    ----------
    f0_hz
        (F,) Hz, NaN where unvoiced.
    voiced
        (F,) bool.
    voiced_probability
        (F,) in [0, 1], as pYIN states it; it is not calibrated.
    hop_s
        Seconds between rows.
    """

    f0_hz: NDArray[np.float64]
    voiced: NDArray[np.bool_]
    voiced_probability: NDArray[np.float64]
    hop_s: float

    @property
    def times_s(self) -> NDArray[np.float64]:
        """(F,) s after the recording's first sample: the centre of each row."""
        return np.arange(len(self.f0_hz), dtype=np.float64) * self.hop_s


def pitch(
    samples: NDArray[np.floating],
    rate_hz: float,
    *,
    fmin_hz: float = VIOLIN_RANGE_HZ[0],
    fmax_hz: float = VIOLIN_RANGE_HZ[1],
    frame_s: float = LONGEST_FRAME_S,
    hop_s: float = 0.01,
) -> PitchTrack:
    """Track the fundamental frequency of a recording of one instrument.

    Parameters
    ----------
    samples
        (N,) or (N, C) float, full scale 1; channels are averaged.
    rate_hz
        Samples per second.
    fmin_hz, fmax_hz
        Lowest and highest pitch looked for. ``fmax_hz`` is lowered to a quarter of ``rate_hz`` where it is
        above.
    frame_s
        Length of the analysed frame, at most 25 ms and at least two periods of ``fmin_hz``.
    hop_s
        Seconds between rows, 1 ms to 100 ms.

    Returns
    -------
    PitchTrack
        F = 1 + floor(duration / hop_s) rows.

    Raises
    ------
    CaptureError
        If the samples are not a sound (see :func:`viodat.audio.sound.mono`).
    ConfigError
        If a setting is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> tone = np.sin(2 * np.pi * 441 * np.arange(44100) / 44100).astype(np.float32)
    >>> track = pitch(tone, 44100)
    >>> len(track.f0_hz), round(float(track.f0_hz[50]), 1)
    (101, 441.0)
    """
    sound = mono(samples, rate_hz)
    fmax_hz = min(fmax_hz, rate_hz / 4)
    _check(fmin_hz, fmax_hz, frame_s, hop_s)
    hop = round(hop_s * _RATE_HZ)
    sound_hz = hop / hop_s
    sound = resampled(sound, rate_hz, sound_hz)
    # Rounding up may have added a fraction of a sample; a row starts only where the recording still runs.
    rows = 1 + min(len(sound) // hop, math.floor(len(samples) / rate_hz / hop_s + 1e-9))
    frame = 2 * math.floor(frame_s * sound_hz / 2)
    padded = np.pad(sound, (frame // 2, frame // 2 + hop))
    f0 = np.full(rows, np.nan)
    probability = np.zeros(rows)
    piece, margin = round(_PIECE_S / hop_s), round(_MARGIN_S / hop_s)
    for start in range(0, rows, piece):
        stop = min(start + piece, rows)
        low, high = max(0, start - margin), min(rows, stop + margin)
        part = padded[low * hop : (high - 1) * hop + frame]
        part_f0, part_probability = _pyin(part, sound_hz, frame, hop, fmin_hz, fmax_hz)
        f0[start:stop] = part_f0[start - low : stop - low]
        probability[start:stop] = part_probability[start - low : stop - low]
    for row in np.flatnonzero(np.isfinite(f0)):
        f0[row] = _refined(padded[row * hop : row * hop + frame], sound_hz, float(f0[row]))
    return PitchTrack(f0_hz=f0, voiced=np.isfinite(f0), voiced_probability=probability, hop_s=hop_s)


def _check(fmin_hz: float, fmax_hz: float, frame_s: float, hop_s: float) -> None:
    if not (math.isfinite(hop_s) and 0.001 <= hop_s <= 0.1):
        raise ConfigError(f"hop_s is {hop_s:g}; it must lie between 0.001 and 0.1 s", mend="Use 0.01.")
    if not 0 < frame_s <= LONGEST_FRAME_S:
        raise ConfigError(
            f"frame_s is {frame_s:g}; a frame longer than {LONGEST_FRAME_S:g} s averages a vibrato away",
            mend=f"Use {LONGEST_FRAME_S:g} or less.",
        )
    # One semitone at least: less leaves pYIN no neighbouring pitch to move to.
    if not (fmin_hz > 0 and fmin_hz * 2 ** (1 / 12) <= fmax_hz < math.inf):
        raise ConfigError(
            f"the pitch range is {fmin_hz:g} to {fmax_hz:g} Hz (at most a quarter of the sample rate)",
            mend=f"Use {VIOLIN_RANGE_HZ[0]:g} to {VIOLIN_RANGE_HZ[1]:g} Hz and a recording of 8 kHz or more.",
        )
    # Two samples are lost to rounding the frame to an even number of them.
    if (frame_s - 2 / _RATE_HZ) * fmin_hz <= 2:
        raise ConfigError(
            f"a frame of {frame_s:g} s holds fewer than two periods of fmin_hz = {fmin_hz:g} Hz",
            mend=f"Raise fmin_hz above {2 / (frame_s - 2 / _RATE_HZ):.0f} Hz or lengthen the frame "
            f"(at most {LONGEST_FRAME_S:g} s).",
        )


def _pyin(
    part: FloatArray, rate_hz: float, frame: int, hop: int, fmin_hz: float, fmax_hz: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pitch on pYIN's grid (NaN unvoiced) and probability, one for each whole frame in ``part``."""
    frames = np.lib.stride_tricks.sliding_window_view(part, frame)[::hop]
    loud = np.sqrt(np.mean(np.square(frames), axis=1)) > _QUIETEST
    if not loud.any():
        return np.full(len(frames), np.nan), np.zeros(len(frames))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        # Frames of zeros divide zero by zero inside the library; they come out unvoiced.
        warnings.simplefilter("ignore")
        f0, _, probability = librosa.pyin(
            part,
            fmin=fmin_hz,
            fmax=fmax_hz,
            sr=rate_hz,
            frame_length=frame,
            hop_length=hop,
            resolution=_GRID_SEMITONES,
            center=False,
        )
    return np.where(loud, f0, np.nan), np.where(loud, probability, 0.0)


def _refined(frame: FloatArray, rate_hz: float, f0_hz: float) -> float:
    """Find the frequency near ``f0_hz`` at which the frame repeats itself best, or leave ``f0_hz``."""
    guess = rate_hz / f0_hz
    periods = max(1, min(_MOST_PERIODS, int(len(frame) / 2 / guess)))
    shortest = math.floor(periods * guess / _REACH) - 1
    longest = math.ceil(periods * guess * _REACH) + 1
    width = len(frame) - longest
    # One fixed piece against its delayed copies, both about the middle of the frame.
    first = np.asarray(frame[:width], dtype=np.float64)
    later = np.lib.stride_tricks.sliding_window_view(frame[shortest:].astype(np.float64), width)
    power = np.sqrt(np.dot(first, first) * np.einsum("lw,lw->l", later, later))
    if not power.all():
        return f0_hz
    likeness = later @ first / power
    best = int(likeness.argmax())
    if not 0 < best < len(likeness) - 1:
        return f0_hz
    left, top, right = likeness[best - 1 : best + 2]
    curvature = left + right - 2 * top
    shift = 0.5 * (left - right) / curvature if curvature < 0 else 0.0
    return float(periods * rate_hz / (shortest + best + shift))
