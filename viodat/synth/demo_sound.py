"""The sound of the simulated violinist: one note per bow stroke, made by the bow that the picture shows.

The bow's speed over time drives the bowed strings, the left hand's vibrato bends
their pitch by ±20 cents, and the body of the instrument radiates what the bridge feels. Float samples, full scale = 1,
on the mocap clock. The travel time of sound is left out.
"""

from __future__ import annotations

import numpy as np

from viodat.synth.motion import Player, bow_speed, vibrato
from viodat.synth.sound.bowed_string import bow_violin, greatest_force_n
from viodat.synth.sound.violin_body import radiate
from viodat.synth.vectors import FloatArray

RATE_HZ = 44_100
_SCALE_HZ = tuple(196.0 * 2 ** (semitones / 12) for semitones in (0, 2, 4, 5, 7, 9, 11, 12, 11, 9, 7, 5, 4, 2))
_STRINGS = "GDAE"
_OPEN_STRINGS_HZ = (196.0, 293.66, 440.0, 659.26)
_VIBRATO_CENTS = 20.0
_BOW_BRIDGE_MM = 30.0
_FORCE_SHARE = 0.3
"""Of the greatest force that still gives a Helmholtz motion (Schelleng's limit) at the stroke's peak speed."""

_PEAK = 0.5
_SETTLING_S = 0.5
"""The strings start from rest: so long before the first sample the bow is moving already."""


def violin_sound(player: Player, start_s: float, seconds: float, seed: int) -> FloatArray:
    """Sound from ``start_s`` on the mocap clock: (N,) samples at 44.1 kHz.

    Parameters
    ----------
    seed
        Of the bow's noise.
    """
    before = round(_SETTLING_S * RATE_HZ)
    times_s = start_s + (np.arange(round(seconds * RATE_HZ) + before) - before) / RATE_HZ
    speed = bow_speed(player, times_s)
    stroke = np.cumsum(np.concatenate([[0], np.diff(np.sign(speed)) != 0]))
    # The first stroke of the sound is the first note of the scale, the settling time aside.
    note_hz = np.array(_SCALE_HZ)[(stroke - stroke[before]) % len(_SCALE_HZ)]
    string = np.searchsorted(_OPEN_STRINGS_HZ, note_hz * 1.001, side="right") - 1
    f0_hz = note_hz * 2 ** (_VIBRATO_CENTS / 1200 * vibrato(player, times_s))
    peak = float(np.abs(speed).max())
    # Held at its value for the stroke's peak: force that follows the speed makes the starts of notes rough.
    force = _FORCE_SHARE * np.choose(
        string, [greatest_force_n(name, note_hz, peak, _BOW_BRIDGE_MM) for name in _STRINGS]
    )
    bridge = bow_violin(
        string,
        f0_hz,
        speed,
        force,
        np.full_like(times_s, _BOW_BRIDGE_MM),
        np.ones(times_s.shape, bool),
        RATE_HZ,
        rng=np.random.default_rng(seed),
    )
    sound = radiate(bridge)[before:]
    return np.asarray(_PEAK * sound / np.abs(sound).max())
