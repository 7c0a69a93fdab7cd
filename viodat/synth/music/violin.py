"""The violin as the two hands meet it: strings, stopping lengths, and the bow's angle on each string.

A string of length L stopped ``x`` from the nut sounds at f = f_open · L / (L − x), since f ∝ 1/length at constant
tension. A full-size string is 328 mm long, the hair of a full-size bow about 650 mm. Pitches are equal-tempered
MIDI numbers with A4 = 69 = 440 Hz. Lengths are mm from the nut.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

StringName = Literal["G", "D", "A", "E"]
STRINGS: tuple[StringName, ...] = ("G", "D", "A", "E")
OPEN_MIDI: dict[StringName, int] = {"G": 55, "D": 62, "A": 69, "E": 76}
STRING_MM = 328.0
HAIR_MM = 650.0

_BRIDGE_RADIUS_MM = 42.0
_STRING_SPACING_MM = 11.3
INCLINE_RAD: dict[StringName, float] = {
    name: float(np.arcsin((1.5 - i) * _STRING_SPACING_MM / _BRIDGE_RADIUS_MM)) for i, name in enumerate(STRINGS)
}
"""Angle of the bow about the string's axis on each string, rad: 0 between D and A, positive where the bow hand is high.

It is the tangent of the bridge: luthiers curve it with a radius of about 42 mm and space the strings by about
11.3 mm, which gives ±24° for G and E and ±8° for D and A.
"""

FIRST_FINGER = {1: 2, 2: 4, 3: 5, 4: 7, 5: 9}
"""Semitones above the open string under the first finger, by position of the hand."""
_FINGER = {-1: 1, 0: 1, 1: 2, 2: 2, 3: 3, 4: 3, 5: 4, 6: 4}


def finger_for(midi: int, string: StringName, position: int) -> int | None:
    """Finger (0 = open string) that plays a pitch on a string in a position; None where no finger reaches it."""
    above = midi - OPEN_MIDI[string]
    return 0 if above == 0 else _FINGER.get(above - FIRST_FINGER[position])


def frequency_hz(midi: float) -> float:
    """Frequency of a MIDI number, which may be fractional."""
    return float(440.0 * 2 ** ((midi - 69) / 12))


def stop_mm(semitones: float, string_mm: float = STRING_MM) -> float:
    """Distance from the nut at which a string is stopped to sound that many semitones above its open pitch."""
    return float(string_mm * (1 - 2 ** (-semitones / 12)))


def vibrato_mm(extent_cents: float, sounding_mm: float) -> float:
    """Amplitude ±A of the finger on a sounding length that moves the pitch by ± ``extent_cents``.

    The extent is half the distance in cents between highest and lowest pitch. These are f/(1 ∓ A/sounding), so
    extent = 600 log2((1 + a) / (1 − a)) with a = A/sounding, and a = tanh(extent · ln 2 / 1200).
    """
    return float(sounding_mm * np.tanh(extent_cents * np.log(2) / 1200))


def vibrato_cents(amplitude_mm: float, sounding_mm: float) -> float:
    """Extent ± cents of a finger that moves by ±A; the inverse of :func:`vibrato_mm`."""
    return float(np.arctanh(amplitude_mm / sounding_mm) * 1200 / np.log(2))
