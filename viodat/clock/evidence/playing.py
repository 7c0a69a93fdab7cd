"""Playing: how fast the bow moves on the string, against how loud the sound is. It works without any clap.

A bow that turns round falls silent for a moment, one that starts lets the sound rise, one that is lifted lets it die
away. What the bow puts in is its speed on the string; the room keeps it for a while (the decay of its energy is
measured in the sound itself), so the level that it predicts is the logarithm of the squared speed under that decay, and
late by as much as the sound. How soon a note speaks differs between players, strokes and strings: that stays as a
common uncertainty.

Where bow and violin bear markers, the bow's tilt says which string it is on, and higher strings sound higher: what
changes slowly tells little of the time, but much of whether this is the trial's own sound.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, maximum_filter1d
from scipy.signal import lfilter

from viodat.clock.bowing import Bowing
from viodat.clock.hearing import LEVEL_HZ, Hearing
from viodat.clock.inputs import Device, TrialEvidence
from viodat.clock.lag_search import RATE_HZ, Resemblance, Track, compare, without_trend
from viodat.clock.observations import MOTION, Observation, Stream
from viodat.clock.travel import travel_s

if TYPE_CHECKING:
    from viodat.audio.f0 import PitchTrack

FloatArray = NDArray[np.float64]

_TREND_S: Final = 0.3
"""Slower change of the level is expression, or a phone's automatic gain."""
_REST_MM_S: Final = 12.0
"""A bow slower than this sounds no softer: noise of the room, and of the speed itself."""
_AROUND_S: Final = 0.5
"""Before and after playing, silence tells as much as sound."""
_MOST_DB: Final = 6.0
_NOISE_DB: Final = 0.3
"""A level that changes by less says nothing."""
_RANGE_DB: Final = 35.0
_SPEAKS_SIGMA_S: Final = 0.008
"""Notes speak 10 to 50 ms after the bow moves (Guettler and Askenfelt 1997, J. Acoust. Soc. Am. 101, 2903-2913)."""
_LATE_S, _MOST_LATE_S = 0.15, 0.015
"""A bow that bounces puts its energy in while it touches, and the string rings on without it, so the level's peak is
late: by some 15 ms where a tenth of the way is made off the string. A rule of thumb, as uncertain as it is large."""
_INFORMATION: Final = 0.5
_STRINGS_SMOOTHED_S: Final = 0.05
_STRINGS_AHEAD_S: Final = 0.02
"""A bow tilts towards a string before it sounds. A rule of thumb: what is smoothed tells less of the time."""
_TILT_NOISE_RAD, _SEMITONES_NOISE = 0.05, 1.0
_LEAST_PLAYED_S: Final = 1.5


def playing(trial: TrialEvidence) -> Iterator[Observation]:
    """Compare the bow with each device's level."""
    if trial.motion is None or not trial.listening:
        return
    bowing = trial.motion.bowing
    if bowing is None:
        return
    for device in trial.listening:
        assert device.sound is not None
        observation = _observe(bowing, device, device.sound)
        if observation is not None:
            yield observation


def _observe(bowing: Bowing, device: Device, sound: Hearing) -> Observation | None:
    if len(sound.level_db) < 2 * RATE_HZ:
        return None
    travel, travel_sigma = travel_s(bowing.place_mm, device.microphone_mm)
    level = np.maximum(sound.level_db, np.percentile(sound.level_db, 95) - _RANGE_DB)
    assert LEVEL_HZ == RATE_HZ
    heard = Track(-travel, _compressed(level), np.ones(len(level)), _NOISE_DB)
    late_s = min(_LATE_S * bowing.lifted, _MOST_LATE_S)
    best: tuple[float, float, Resemblance] | None = None
    for on_string, late, speaks_s in (
        (bowing.on_string, 0.0, _SPEAKS_SIGMA_S),
        (bowing.bouncing, late_s, float(np.hypot(_SPEAKS_SIGMA_S, late_s))),
    ):
        moved = _expected_level(bowing, on_string, sound.decay_s, late)
        if moved is None:
            continue
        common = float(np.hypot(speaks_s, travel_sigma))
        pairs = [(moved, heard)]
        if bowing.tilt_rad is not None and sound.pitch is not None:
            pairs.append((_strings(bowing, bowing.tilt_rad, late, moved), _semitones(sound.pitch, sound.late_s, heard)))
        found = compare(pairs, information=_INFORMATION, common_sigma_s=common)
        if found is None:
            continue
        height = float(found.curve.log_likelihood.max())
        if best is None or height > best[0]:
            best = height, common, found
    if best is None:
        return None
    _, common, found = best
    return Observation(
        "playing",
        Stream(device.name, "sound"),
        MOTION,
        found.hypotheses,
        at_s=found.at_s,
        span_s=float(np.ptp(found.curve.lag_s)),
        common_sigma_s=common,
        windows=found.windows,
        curve=found.curve,
    )


def _expected_level(bowing: Bowing, on_string: FloatArray | None, decay_s: float, late_s: float) -> Track | None:
    """Give the level in dB that the bow should cause, on the mocap clock; None where it hardly plays."""
    if on_string is None:
        return None
    frames = np.arange(len(bowing.speed_mm_s)) / bowing.rate_hz
    times = np.arange(0.0, frames[-1], 1 / RATE_HZ)
    put_in = np.interp(times, frames, np.abs(bowing.speed_mm_s) * on_string)
    kept = float(np.exp(-1 / (RATE_HZ * decay_s)))
    power = lfilter([1 - kept], [1, -kept], np.square(put_in))
    level = 10 * np.log10(power + _REST_MM_S**2)
    known = np.interp(times, frames, bowing.known.astype(np.float64)) > 0.99
    plays = (put_in > _REST_MM_S) & known
    if plays.sum() < _LEAST_PLAYED_S * RATE_HZ:
        return None
    around = maximum_filter1d(plays, 2 * round(_AROUND_S * RATE_HZ) + 1) & known
    return Track(bowing.start_s + late_s, _compressed(level), around.astype(np.float64), _NOISE_DB)


def _strings(bowing: Bowing, tilt_rad: FloatArray, late_s: float, beside: Track) -> Track:
    """Give the bow's tilt while it plays, rad, at another track's times."""
    frames = bowing.start_s + np.arange(len(tilt_rad)) / bowing.rate_hz
    at = beside.times_s - late_s - _STRINGS_AHEAD_S
    plays = (np.abs(bowing.speed_mm_s) * bowing.on_string > _REST_MM_S) & bowing.known
    tilt = gaussian_filter1d(tilt_rad, _STRINGS_SMOOTHED_S * bowing.rate_hz)
    weights = np.interp(at, frames, plays.astype(np.float64), left=0.0, right=0.0) > 0.99
    return Track(beside.start_s, np.interp(at, frames, tilt), weights.astype(np.float64), _TILT_NOISE_RAD)


def _semitones(pitch: PitchTrack, late_s: float, beside: Track) -> Track:
    """Give the pitch where there is one, semitones, at another track's times."""
    rows = np.arange(len(pitch.f0_hz)) * pitch.hop_s
    known = pitch.f0_hz > 0
    semitones = 12 * np.log2(np.where(known, pitch.f0_hz, 440.0) / 440.0)
    if not known.any():
        return Track(beside.start_s, np.zeros(len(beside.values)), np.zeros(len(beside.values)))
    # Beside the track's own zero: its time counts from the device's, less the travel of sound.
    at = np.arange(len(beside.values)) / RATE_HZ + late_s
    through = np.interp(rows, rows[known], semitones[known])
    smooth = gaussian_filter1d(through, _STRINGS_SMOOTHED_S / pitch.hop_s)
    weights = np.interp(at, rows, known.astype(np.float64), left=0.0, right=0.0) > 0.99
    return Track(beside.start_s, np.interp(at, rows, smooth), weights.astype(np.float64), _SEMITONES_NOISE)


def _compressed(level_db: FloatArray) -> FloatArray:
    """Quick changes of a level, the large ones compressed: one rest must not outweigh twenty bow changes."""
    return np.asarray(_MOST_DB * np.tanh(without_trend(level_db, _TREND_S) / _MOST_DB))
