"""Fingerprints of trials: short series by which two files of one performance are known as such.

Two trials are near-duplicates if a stretch of one is the other again: a copy under another name, cut, mirrored, turned,
filtered, or the same sound from another device. Two performances of one piece are none, however alike they are.

*Motion*: five distances between joints, 25 values per second, slower movement than about a second taken out. Distances
know neither place nor heading, and left and right stand in each of them alike, so a mirrored copy has the same. They
are kept in mm: of a copy every instant is the same to within the error of the joints, and no player repeats himself so.
*Sound*: onset strength and the first four MFCC of :mod:`viodat.audio.features`, 25 values per second, over their
surroundings of a second and a half: neither level nor colour of a device or room is in them.

How the limits were found is in docs/science/split_certificate.md.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from viodat.joints import JOINTS

Series = NDArray[np.float32]

RATE_HZ: Final = 25.0

_DISTANCES: Final = (
    (("left_wrist", "right_wrist"),),
    (("left_wrist", "left_shoulder"), ("right_wrist", "right_shoulder")),
    (("left_elbow", "right_elbow"),),
    (("left_wrist", "left_pelvis"), ("right_wrist", "right_pelvis")),
    (("left_elbow", "left_pelvis"), ("right_elbow", "right_pelvis")),
)
"""Pairs of joints whose distances are added up to one series each."""

_SMOOTH_S: Final = 0.04
_SLOW_MOTION_S: Final = 0.8
_SLOW_SOUND_S: Final = 0.2
_SURROUNDINGS_S: Final = 1.5
_FLOOR: Final = 0.3
"""Share of the whole sound's variation below which a stretch counts as quiet and is not raised further."""
_LARGEST: Final = 3.0
_MOST_MISSING: Final = 0.2
_SOUND_COLUMNS: Final = slice(0, 5)


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """What a trial's motion or sound is recognised by.

    Attributes
    ----------
    series
        (N, 5) float32, 25 rows per second: mm for motion, without unit for sound. No rows where the trial is too
        short, or joints are missing; a column of motion that is not known is 0.
    digest
        SHA-256 of all numbers that it was made of: equal for exact copies of any length. Empty where nothing changes.
    """

    series: Series
    digest: str


def fingerprint_motion(joints_mm: NDArray[np.floating], rate_hz: float = 100.0) -> Fingerprint:
    """Make the fingerprint of a trial's motion.

    Parameters
    ----------
    joints_mm
        (T, 18, 3) mm in any frame, NaN where undetermined.
    rate_hz
        Frames per second.

    Raises
    ------
    ValueError
        If ``joints_mm`` is not (T, 18, 3).
    """
    joints = np.ascontiguousarray(joints_mm, np.float32)
    if joints.ndim != 3 or joints.shape[1:] != (len(JOINTS), 3):
        raise ValueError(f"joints_mm: expected shape (T, {len(JOINTS)}, 3), but got {joints.shape}")
    digest = _digest(joints)
    columns = [_filled(_summed(joints.astype(np.float64), pairs)) for pairs in _DISTANCES]
    known = [column is not None for column in columns]
    # What the filter makes of the first and last moments depends on where the recording was cut.
    edge = round(2 * _SLOW_MOTION_S * rate_hz)
    if not any(known) or len(joints) <= 2 * edge + 1:
        return Fingerprint(np.zeros((0, len(_DISTANCES)), np.float32), digest)
    values = np.stack([np.zeros(len(joints)) if column is None else column for column in columns], 1)
    moving = _smooth(values, _SMOOTH_S, rate_hz) - _smooth(values, _SLOW_MOTION_S, rate_hz)
    return Fingerprint(_resampled(moving[edge:-edge], rate_hz), digest)


def fingerprint_audio(features: NDArray[np.floating], rate_hz: float = 100.0) -> Fingerprint:
    """Make the fingerprint of a recording's sound.

    Parameters
    ----------
    features
        (F, 35), columns as :data:`viodat.audio.features.FEATURE_NAMES`; all finite.
    rate_hz
        Rows per second.

    Raises
    ------
    ValueError
        If ``features`` is not (F, 35).
    """
    rows = np.ascontiguousarray(features, np.float32)
    if rows.ndim != 2 or rows.shape[1] != 35:
        raise ValueError(f"features: expected shape (F, 35), but got {rows.shape}")
    digest = _digest(rows)
    values = np.nan_to_num(rows[:, _SOUND_COLUMNS].astype(np.float64))
    if not len(values):
        return Fingerprint(np.zeros((0, values.shape[1]), np.float32), digest)
    change = _smooth(values, 0.5 / RATE_HZ, rate_hz) - _smooth(values, _SLOW_SOUND_S, rate_hz)
    around = _smooth(change**2, _SURROUNDINGS_S, rate_hz) + _FLOOR**2 * (change**2).mean(0)
    even = np.divide(change, np.sqrt(around), out=np.zeros_like(change), where=around > 0)
    return Fingerprint(_resampled(np.clip(even, -_LARGEST, _LARGEST), rate_hz), digest)


def _digest(array: NDArray[np.float32]) -> str:
    known = np.nan_to_num(array)
    if not len(array) or (known == known[0]).all():
        return ""
    return hashlib.sha256(f"{array.shape}".encode() + array.tobytes()).hexdigest()


def _summed(joints: NDArray[np.float64], pairs: tuple[tuple[str, str], ...]) -> NDArray[np.float64]:
    distances = [np.linalg.norm(joints[:, JOINTS.index(a)] - joints[:, JOINTS.index(b)], axis=1) for a, b in pairs]
    return np.asarray(np.sum(distances, axis=0))


def _filled(values: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Bridge what is missing by straight lines; None where too much is."""
    known = np.isfinite(values)
    if not len(values) or known.mean() < 1 - _MOST_MISSING:
        return None
    at = np.arange(len(values))
    return np.interp(at, at[known], values[known])


def _smooth(values: NDArray[np.float64], seconds: float, rate_hz: float) -> NDArray[np.float64]:
    return np.asarray(gaussian_filter1d(values, seconds * rate_hz, axis=0, mode="nearest"))


def _resampled(values: NDArray[np.float64], rate_hz: float) -> Series:
    """Take 25 values per second, on straight lines between the rows."""
    at = np.arange(int((len(values) - 1) * RATE_HZ / rate_hz + 1e-9) + 1) * (rate_hz / RATE_HZ)
    before = np.minimum(at.astype(int), len(values) - 1)
    after = np.minimum(before + 1, len(values) - 1)
    share = (at - before)[:, None]
    return np.asarray((1 - share) * values[before] + share * values[after], dtype=np.float32)
