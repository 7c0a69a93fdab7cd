"""The sound of the simulated violin: one note per bow stroke, loud where the bow is fast.

Float samples, full scale = 1, on the mocap clock. A tone of twelve harmonics under a violin-like envelope;
the left hand's vibrato bends the pitch by ±20 cents; each bow change starts the next note of a scale. The
travel time of sound is left out.
"""

from __future__ import annotations

import numpy as np

from viodat.synth.motion import FloatArray, Player, bow_speed, vibrato

RATE_HZ = 44_100
_SCALE_HZ = tuple(196.0 * 2 ** (semitones / 12) for semitones in (0, 2, 4, 5, 7, 9, 11, 12, 11, 9, 7, 5, 4, 2))
_VIBRATO_CENTS = 20.0
_HARMONICS = 12


def violin_sound(player: Player, start_s: float, seconds: float, seed: int) -> FloatArray:
    """Sound from ``start_s`` on the mocap clock: (N,) samples at 44.1 kHz.

    Parameters
    ----------
    seed
        Of the bow's noise.
    """
    times_s = start_s + np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    speed = bow_speed(player, times_s)
    loudness = np.abs(speed / np.abs(speed).max()) ** 0.7
    stroke = np.cumsum(np.concatenate([[0], np.diff(np.sign(speed)) != 0]))
    note_hz = np.array(_SCALE_HZ)[stroke % len(_SCALE_HZ)]
    pitch_hz = note_hz * 2 ** (_VIBRATO_CENTS / 1200 * vibrato(player, times_s))
    phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE_HZ
    tone = np.zeros_like(times_s)
    for k in range(1, _HARMONICS + 1):
        # The body resonates near 0.5 and 2.5 kHz: harmonics fall off as 1/k, less so there.
        body = 1 + 1.5 * np.exp(-(((k * note_hz - 500) / 250) ** 2)) + np.exp(-(((k * note_hz - 2500) / 900) ** 2))
        tone += body / k * np.sin(k * phase)
    noise = np.random.default_rng(seed).normal(0, 1, times_s.shape)
    sound = loudness * (tone + 0.05 * noise) + 0.002 * noise
    return np.asarray(0.5 * sound / np.abs(sound).max())
