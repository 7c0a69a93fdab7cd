"""Truth as a camera sees it: joint centres at each video frame's real time, in its frame and in its pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viodat.body import JointTrial
from viodat.body.interpolate import at_times
from viodat.camera import Camera
from viodat.clock import ClockMap


@dataclass(frozen=True)
class FrameTruth:
    """Truth at each of N video frames.

    Attributes
    ----------
    time_ns
        (N,) int64 ns, mocap clock; None where the device's clock is unknown.
    pose3d_mm
        (N, 18, 3) mm, camera frame, NaN where undetermined; None without clock or calibration.
    pose2d_px
        (N, 18, 2) px with lens distortion, NaN where undetermined or behind the camera; None likewise.
    """

    time_ns: NDArray[np.int64] | None
    pose3d_mm: NDArray[np.float64] | None
    pose2d_px: NDArray[np.float64] | None


def truth_at_frames(
    joints: JointTrial, device_times_s: NDArray[np.float64], clock: ClockMap | None, camera: Camera | None
) -> FrameTruth:
    """Interpolate the joints at the frames' times on the mocap clock and project them.

    Parameters
    ----------
    joints
        Joint centres, mm, world frame.
    device_times_s
        (N,) s on the device's own clock.
    clock
        The device's clock, or None where it is unknown.
    camera
        The calibrated camera at the video's size, or None.
    """
    if clock is None:
        return FrameTruth(None, None, None)
    time_ns = clock.apply_ns(device_times_s)
    if camera is None:
        return FrameTruth(time_ns, None, None)
    world = at_times(joints.positions_mm, joints.start_s, joints.rate_hz, clock.apply(device_times_s))
    return FrameTruth(time_ns, camera.to_camera(world), camera.project(world))


def overlap_fault(
    clock: ClockMap | None, device_times_s: NDArray[np.float64], markers_s: tuple[float, float] | None
) -> str:
    """Say if no frame of a video falls into the marker recording: then the device's clock is wrong.

    Parameters
    ----------
    clock
        The device's clock, or None where it is unknown.
    device_times_s
        (N,) s on the device's own clock, increasing.
    markers_s
        Mocap time of the first and the last marker frame, s; None where there is none.

    Returns
    -------
    str
        A sentence without its full stop; empty if they overlap, or if it cannot be told.
    """
    if clock is None or markers_s is None or not len(device_times_s):
        return ""
    first, last = clock.apply(device_times_s[[0, -1]])
    start, end = markers_s
    if last >= start and first <= end:
        return ""
    return (
        f"its video, {first:.1f} to {last:.1f} s, and the markers, {start:.1f} to {end:.1f} s on the mocap clock, do "
        f"not overlap: check its offset of {clock.offset_s:g} s in capture.toml [sync]"
    )
