"""Claps in the sound: sudden broadband onsets, and when the first of each arrives.

Within a millisecond or two a clap rises by tens of decibels over what was there before, and then decays with the room.
Doors, metronomes, plucked strings and bows thrown on the string do something like it: all of them are candidates here,
with what tells them apart. The direct sound comes first and need not be the loudest, so an onset is the first rise,
not the peak. Seconds from the recording's first sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.clock.hearing import Hearing

FloatArray = NDArray[np.float64]

_HIGH_PASS_HZ: Final = 1000.0
"""Bowed strings have most of their power below, a clap as much above."""

_BLOCK_S: Final = 0.001
_RISE_BLOCKS: Final = 3
_BEFORE_BLOCKS: Final = 33
_GAP_BLOCKS: Final = 5
"""A rise is that of the loudest of the next three milliseconds over the loudest of those 33 to 5 ms before: a coder
spreads a little noise a few milliseconds ahead of a transient, and several periods of a low string fit into 28 ms."""

_LEAST_RISE_DB: Final = 9.0
_APART_BLOCKS: Final = 40
_DECAY_BLOCKS: Final = (30, 60)
_REACH_S: Final = 0.010
_FIRST_SHARE: Final = 0.18
"""A first arrival is at least this part of the peak within the next 10 ms (15 dB below: a reflection may be stronger
than a direct sound in a phone's back); noise of a coder ahead of it is less."""

_TIMING_S: Final = 0.0003
_TIMING_DB: Final = 12.0
"""An onset that rises by far more than this is known to the first; sigma doubles with every halving of the rise."""

_LIKELY_RISE_DB: Final = (15.0, 2.0)
_LIKELY_DECAY_DB: Final = (6.0, 2.0)
_MOST: Final = 400
_FLOOR: Final = 1e-10


@dataclass(frozen=True)
class Transient:
    """One sudden onset in a sound.

    Attributes
    ----------
    time_s, sigma_s
        When it begins, s on the device's clock, and its standard deviation.
    rise_db
        Level within 3 ms over the level before.
    decay_db
        Level at its peak over the level 30 to 60 ms later.
    likely
        Probability that a hand clap sounds like it, as rise and decay tell it.
    """

    time_s: float
    sigma_s: float
    rise_db: float
    decay_db: float
    likely: float


def transients(sound: Hearing) -> tuple[Transient, ...]:
    """Find sudden onsets, in the order of time; at most the 400 strongest.

    Parameters
    ----------
    sound
        One recording.
    """
    # Imported here: `import viodat` needs no filters.
    from scipy.signal import butter, sosfilt

    block = max(1, round(_BLOCK_S * sound.rate_hz))
    blocks = len(sound.samples) // block
    if blocks <= _BEFORE_BLOCKS + _DECAY_BLOCKS[1] or sound.rate_hz <= 4 * _HIGH_PASS_HZ:
        return ()
    high = np.asarray(sosfilt(butter(2, _HIGH_PASS_HZ, "high", fs=sound.rate_hz, output="sos"), sound.samples))
    power = np.square(high[: blocks * block].reshape(blocks, block)).mean(axis=1)
    level = 10 * np.log10(power + _FLOOR)
    rise = _rises(level)
    found: list[Transient] = []
    free = np.ones(blocks, dtype=bool)
    rising = np.flatnonzero(rise >= _LEAST_RISE_DB)
    for at in rising[np.argsort(-rise[rising], kind="stable")].tolist():
        if len(found) >= _MOST:
            break
        if not free[at]:
            continue
        free[max(0, at - _APART_BLOCKS) : at + _APART_BLOCKS + 1] = False
        found.append(_transient(high, level, rise, at, block, sound.rate_hz))
    return tuple(sorted(found, key=lambda one: one.time_s))


def _rises(level: FloatArray) -> FloatArray:
    """(B,) dB, by block: the loudest of it and the next two over the loudest of those some time before."""
    from scipy.ndimage import maximum_filter1d

    after = maximum_filter1d(level, _RISE_BLOCKS, origin=-(_RISE_BLOCKS // 2), mode="nearest")
    length = _BEFORE_BLOCKS - _GAP_BLOCKS
    last = maximum_filter1d(level, length, origin=(length - 1) // 2, mode="nearest")
    rise = np.full(len(level), -np.inf)
    rise[_BEFORE_BLOCKS:] = after[_BEFORE_BLOCKS:] - last[_BEFORE_BLOCKS - _GAP_BLOCKS : -_GAP_BLOCKS]
    return rise


def _transient(high: FloatArray, level: FloatArray, rise: FloatArray, at: int, block: int, rate_hz: float) -> Transient:
    # Several blocks in a row see the same peak; the onset lies in the last of them or just before.
    begin = (at - _GAP_BLOCKS) * block
    reach = round(_REACH_S * rate_hz)
    peak_at = at + int(np.argmax(level[at : at + _RISE_BLOCKS]))
    heard = np.abs(high[begin : peak_at * block + reach])
    before = np.abs(high[max(0, begin - (_BEFORE_BLOCKS - _GAP_BLOCKS) * block) : begin])
    peak = float(heard.max())
    threshold = min(max(_FIRST_SHARE * peak, 1.2 * float(before.max(initial=0.0))), 0.7 * peak)
    first = begin + int(np.argmax(heard >= threshold))
    top = float(level[at : peak_at + 1].max())
    later = level[peak_at + _DECAY_BLOCKS[0] : peak_at + _DECAY_BLOCKS[1]]
    decay = top - 10 * float(np.log10(np.mean(10 ** (later / 10)))) if len(later) else 0.0
    likely = _logistic(float(rise[at]), *_LIKELY_RISE_DB) * _logistic(decay, *_LIKELY_DECAY_DB)
    sigma = _TIMING_S * (1 + 2 ** ((_TIMING_DB - float(rise[at])) / 3))
    return Transient(first / rate_hz, sigma, float(rise[at]), decay, likely)


def _logistic(value: float, middle: float, scale: float) -> float:
    return float(1 / (1 + np.exp(-np.clip((value - middle) / scale, -50, 50))))
