"""A metronome in the room: equal clicks at equal distances, a damped resonance as of a small wooden box.

Nobody plays to it: its beats tell nothing of the music. Level, pitch and decay are viodat's choice.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from viodat.errors import ConfigError
from viodat.synth.sound.room import RATE_HZ
from viodat.synth.vectors import FloatArray

METRONOME_BPM: Final = (60, 120)
_PEAK_PA: Final = 0.6
"""At 1 m: 90 dB re 20 µPa, a few dB above the violin's peaks."""
_CLICK_HZ, _RISE_S, _FADE_S = 2_200.0, 0.0003, 0.005


def metronome_pressure(bpm: float, seconds: float) -> FloatArray:
    """Sound a metronome whose first click is at 0.

    Returns
    -------
    (round(seconds · 44,100),) Pa at 1 m; clicks lie exactly 60 / ``bpm`` s apart, on samples or between them.

    Raises
    ------
    ConfigError
        No beat, or no time for one.
    """
    if bpm <= 0 or seconds <= 0:
        raise ConfigError(f"a metronome of {bpm:g} beats per minute for {seconds:g} s", mend="Use more than 0.")
    since_s = np.mod(np.arange(round(seconds * RATE_HZ)) / RATE_HZ, 60 / bpm)
    rise = np.sin(0.5 * np.pi * np.clip(since_s / _RISE_S, 0, 1)) ** 2
    return np.asarray(_PEAK_PA * rise * np.exp(-since_s / _FADE_S) * np.sin(2 * np.pi * _CLICK_HZ * since_s))
