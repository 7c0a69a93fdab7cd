"""Streams of a dataset as values: what one Parquet file of motion, video or audio holds, NaN where it has null."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Motion:
    """Joint centres and joint angles of one trial.

    Attributes
    ----------
    time_ns
        (F,) int64 ns, mocap clock.
    joints_mm
        (F, 18, 3) float32 mm, world frame, NaN where undetermined.
    sigma_mm
        (F, 18) float32 mm, NaN where the method states no uncertainty.
    valid
        (F, 18) bool.
    velocity_mm_s, acceleration_mm_s2
        (F, 18, 3) float32 mm/s and mm/s², world frame, of the joint centres, from the skeleton fit; NaN where
        undetermined, and everywhere where the method gives none or the dataset is of schema version 1.0.
    angles_rad
        (F, N) float32 rad, by the names of :data:`viodat.body.angles.ANGLES`; NaN as for the velocities.
    """

    time_ns: NDArray[np.int64]
    joints_mm: NDArray[np.float32]
    sigma_mm: NDArray[np.float32]
    valid: NDArray[np.bool_]
    velocity_mm_s: NDArray[np.float32]
    acceleration_mm_s2: NDArray[np.float32]
    angles_rad: NDArray[np.float32]


@dataclass(frozen=True)
class Video:
    """Truth and detection at each frame of one recording.

    Attributes
    ----------
    time_ns
        (N,) int64 ns on the mocap clock, or None where the device's clock is unknown.
    device_time_ns, pts
        (N,) int64: the device's own clock in ns, and the stamp itself in the recording's time base.
    pose3d_mm
        (N, 18, 3) float32 mm, camera frame.
    pose2d_px, detected_px
        (N, 18, 2) float32 px, projected truth (with lens distortion) and detected keypoints.
    confidence
        (N, 18) float32, the detector's own.
    valid
        (N, 18) bool: projected truth is there.
    """

    time_ns: NDArray[np.int64] | None
    device_time_ns: NDArray[np.int64]
    pts: NDArray[np.int64]
    pose3d_mm: NDArray[np.float32]
    pose2d_px: NDArray[np.float32]
    detected_px: NDArray[np.float32]
    confidence: NDArray[np.float32]
    valid: NDArray[np.bool_]


@dataclass(frozen=True)
class AudioTrack:
    """Audio features of one recording.

    Attributes
    ----------
    time_ns
        (N,) int64 ns on the mocap clock, or None where the device's clock is unknown.
    device_time_ns
        (N,) int64 ns on the device's own clock.
    features
        (N, 35) float32.
    log_mel_db
        (N, 128) float32 dB; None at rates other than 100 Hz.
    f0_hz
        (N,) float32 Hz, NaN where unvoiced or not computed; None at rates other than 100 Hz.
    voiced
        (N,) float32: 1 where a pitch was found, 0 where none was, NaN where pitch was not computed (a build computes
        it for one microphone of a trial); None at rates other than 100 Hz.
    """

    time_ns: NDArray[np.int64] | None
    device_time_ns: NDArray[np.int64]
    features: NDArray[np.float32]
    log_mel_db: NDArray[np.float32] | None
    f0_hz: NDArray[np.float32] | None
    voiced: NDArray[np.float32] | None
