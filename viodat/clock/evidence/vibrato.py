"""Vibrato: how the left hand rocks along the string, against how the pitch swings.

The finger that moves towards the bridge shortens the string and raises the pitch, so both swing in phase. A vibrato of
6 Hz that is seen for a second tells the lag to some milliseconds, save whole periods, which its changes tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import butter, sosfiltfilt

from viodat.clock.bowing import through_gaps, violin_frame
from viodat.clock.hearing import Hearing
from viodat.clock.inputs import Device, Motion, TrialEvidence
from viodat.clock.lag_search import RATE_HZ, Track, compare
from viodat.clock.observations import MOTION, Observation, Stream
from viodat.clock.travel import travel_s
from viodat.joints import JOINT_INDEX

if TYPE_CHECKING:
    from viodat.audio.f0 import PitchTrack

FloatArray = NDArray[np.float64]

_BAND_HZ: Final = (3.0, 10.0)
"""Vibrato is played at 4 to 8 Hz."""
_HAND: Final = ("index", "pinky", "thumb", "wrist")
_LEAST_NOTE_S: Final = 0.3
_EDGE_ROWS: Final = 2
_NEW_NOTE_CENTS: Final = 60.0
_MOST_CENTS: Final = 80.0
_TREND_PER_S: Final = 2.0
_SMOOTHED_ROWS: Final = 1.0
_ROOM_SIGMA: Final = 0.3
_HAND_NOISE_MM: Final = 0.5
_PITCH_NOISE_CENTS: Final = 4.0
_COMMON_SIGMA_S: Final = 0.003
_INFORMATION: Final = 0.5
_LEAST_S: Final = 0.6


def vibrato(trial: TrialEvidence) -> Iterator[Observation]:
    """Compare the left hand with the pitch of each device that has a pitch track."""
    devices = [device for device in trial.listening if device.sound is not None and device.sound.pitch is not None]
    if trial.motion is None or not devices:
        return
    bowing = trial.motion.bowing
    if bowing is None:
        return
    rocking = _rocking(trial.motion, bowing.place_mm)
    if rocking is None:
        return
    for device in devices:
        assert device.sound is not None
        observation = _observe(rocking, bowing.place_mm, device, device.sound)
        if observation is not None:
            yield observation


def _observe(rocking: Track, place_mm: FloatArray, device: Device, sound: Hearing) -> Observation | None:
    assert sound.pitch is not None
    travel, travel_sigma = travel_s(place_mm, device.microphone_mm)
    late = sound.late_s
    heard = _swing(sound.pitch, -travel - late)
    if heard is None:
        return None
    common = float(np.hypot(np.hypot(_COMMON_SIGMA_S, _ROOM_SIGMA * late), travel_sigma))
    found = compare([(rocking, heard)], information=_INFORMATION, common_sigma_s=common)
    if found is None:
        return None
    return Observation(
        "vibrato",
        Stream(device.name, "sound"),
        MOTION,
        found.hypotheses,
        at_s=found.at_s,
        span_s=float(np.ptp(found.curve.lag_s)),
        miss=0.5,
        common_sigma_s=common,
        windows=found.windows,
        curve=found.curve,
    )


def _rocking(motion: Motion, bridge_mm: FloatArray) -> Track | None:
    """How far the left hand stands towards the bridge, mm, without what is slower or faster than a vibrato."""
    hand = np.mean([motion.joints_mm[:, JOINT_INDEX[f"left_{name}"]] for name in _HAND], axis=0)
    frame = violin_frame(motion)
    if frame is None:
        seen = hand - motion.joints_mm[:, JOINT_INDEX["left_shoulder"]]
        to_bridge = bridge_mm - hand
    else:
        axes, origin = frame
        seen = np.einsum("tji,tj->ti", axes, hand - origin)
        to_bridge = np.einsum("tji,tj->ti", axes, bridge_mm - hand)
    known = np.isfinite(seen).all(axis=1)
    frames = len(known) / motion.rate_hz
    if known.sum() < _LEAST_S * motion.rate_hz or frames < 1.0 or not np.isfinite(bridge_mm).all():
        return None
    towards = to_bridge[known].mean(axis=0)
    along = through_gaps(seen) @ (towards / np.linalg.norm(towards))
    sos = butter(2, _BAND_HZ, "bandpass", fs=motion.rate_hz, output="sos")
    swing = sosfiltfilt(sos, along)
    at = np.arange(len(known)) / motion.rate_hz
    times = np.arange(0.0, at[-1], 1 / RATE_HZ)
    # The filter spreads what a gap hides; a straight line through it is no vibrato.
    weights = (np.interp(times, at, known.astype(np.float64)) > 0.99).astype(np.float64)
    return Track(motion.start_s, np.interp(times, at, swing) * weights, weights, _HAND_NOISE_MM)


def _swing(pitch: PitchTrack, start_s: float) -> Track | None:
    """Give the pitch within each note without its trend, cents; weight 1 inside notes."""
    hop = pitch.hop_s
    cents = 1200 * np.log2(np.where(pitch.f0_hz > 0, pitch.f0_hz, np.nan) / 440.0)
    known = np.isfinite(cents)
    known &= ~(np.abs(np.diff(cents, prepend=np.nan)) > _NEW_NOTE_CENTS)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(np.int8)))
    swing, weights = np.zeros(len(cents)), np.zeros(len(cents))
    for begin, end in zip(edges[::2] + _EDGE_ROWS, edges[1::2] - _EDGE_ROWS, strict=True):
        seconds = (end - begin) * hop
        if seconds < _LEAST_NOTE_S:
            continue
        rows = np.linspace(-1.0, 1.0, end - begin)
        degree = min(1 + int(_TREND_PER_S * seconds), 5)
        own = cents[begin:end] - np.polyval(np.polyfit(rows, cents[begin:end], degree), rows)
        swing[begin:end] = gaussian_filter1d(np.clip(own, -_MOST_CENTS, _MOST_CENTS), _SMOOTHED_ROWS)
        weights[begin:end] = 1.0
    if weights.sum() * hop < _LEAST_S:
        return None
    at = np.arange(len(cents)) * hop
    times = np.arange(0.0, at[-1], 1 / RATE_HZ)
    inside = (np.interp(times, at, weights) > 0.99).astype(np.float64)
    return Track(start_s, np.interp(times, at, swing) * inside, inside, _PITCH_NOISE_CENTS)
