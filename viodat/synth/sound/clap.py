"""Hand claps before the playing: when they are, and how they sound.

A clap is a click as the palms meet, followed by the air of the hollow between them, a broad resonance
whose pitch and width vary with how the hands are held (as the spectra of Repp 1987, "The sound of two
hands clapping", J. Acoust. Soc. Am. 81, 1100-1109, do). All figures are viodat's choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.signal import butter, sosfilt

from viodat.errors import ConfigError
from viodat.synth.sound.room import RATE_HZ
from viodat.synth.vectors import FloatArray

CLAP_SECONDS: Final = 0.06
_SILENT_SHARE = 0.15
_APART_S = (0.45, 0.9)
_FIRST_S = (0.2, 0.6)
_STRENGTH = (0.5, 1.0)
_PEAK_PA = 3.0
"""Of the strongest clap at 1 m: 103 dB re 20 µPa, some 20 dB above the violin."""
_RISE_S, _CLICK_S, _FADE_S = 0.0003, 0.0012, 0.01
_CAVITY_HZ, _CAVITY_S = (600.0, 1800.0), (0.003, 0.006)
_CAVITY_SHARE = (0.4, 0.7)
_CLICK_BAND_HZ = (400.0, 9_000.0)


@dataclass(frozen=True)
class Clap:
    """One clap: when the palms meet, s on the mocap clock, and its strength, 0 to 1."""

    time_s: float
    strength: float


def draw_claps(rng: np.random.Generator, earliest_s: float, count: int | None = None) -> tuple[Clap, ...]:
    """Draw the claps of a trial: one to three, or none in some trials.

    Parameters
    ----------
    earliest_s
        Mocap time from which on there may be claps, s: when all devices run and the hands are free.
    count
        How many; drawn where None.

    Raises
    ------
    ConfigError
        A negative count.
    """
    if count is not None and count < 0:
        raise ConfigError(f"there can't be {count} claps", mend="Use 0 or more, or None to have the number drawn.")
    number = (0 if rng.random() < _SILENT_SHARE else int(rng.integers(1, 4))) if count is None else count
    claps: list[Clap] = []
    at = earliest_s + float(rng.uniform(*_FIRST_S))
    for _ in range(number):
        claps.append(Clap(at, float(rng.uniform(*_STRENGTH))))
        at += float(rng.uniform(*_APART_S))
    return tuple(claps)


def clap_pressure(clap: Clap, *, rng: np.random.Generator) -> FloatArray:
    """Sound one clap.

    Parameters
    ----------
    rng
        Of the noise, and of how the hands are held.

    Returns
    -------
    (2646,) Pa at 1 m from the hands at 44.1 kHz; the first sample is the instant at which the palms meet.
    """
    t = np.arange(round(CLAP_SECONDS * RATE_HZ)) / RATE_HZ
    rise = np.sin(0.5 * np.pi * np.clip(t / _RISE_S, 0, 1)) ** 2
    band = butter(2, _CLICK_BAND_HZ, "bandpass", fs=RATE_HZ, output="sos")
    noise = sosfilt(band, rng.standard_normal(t.size))
    hertz = float(np.exp(rng.uniform(*np.log(_CAVITY_HZ))))
    hollow = np.exp(-t / rng.uniform(*_CAVITY_S)) * np.cos(2 * np.pi * hertz * t + rng.uniform(0, 2 * np.pi))
    share = float(rng.uniform(*_CAVITY_SHARE))
    click = noise * (np.exp(-t / _CLICK_S) + 0.15 * np.exp(-t / _FADE_S * 3))
    sound = rise * ((1 - share) * click / np.abs(click).max() + share * hollow)
    sound *= np.clip((CLAP_SECONDS - t) / _FADE_S, 0, 1)
    return np.asarray(clap.strength * _PEAK_PA * sound / np.abs(sound).max())
