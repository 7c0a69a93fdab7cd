"""Truth as a camera sees it: joint centres at each video frame's real time, in its frame and in its pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.body import JointTrial
from viodat.body.interpolate import at_times
from viodat.body.skeleton.result import SkeletonFit
from viodat.build.joints import FROM_FIT
from viodat.camera import Camera
from viodat.clock import ClockMap

FloatArray = NDArray[np.float64]

_LEAST_MS: Final = 20.0
"""Below it nobody writes an offset in milliseconds."""


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
    pose3d_mm: FloatArray | None
    pose2d_px: FloatArray | None


@dataclass(frozen=True, eq=False)
class JointCurve:
    """A trial's joints between its frames: (K,) s on the mocap clock -> (K, 18, 3) mm, NaN where undetermined.

    Attributes
    ----------
    joints
        At the frames; those that the skeleton fit determines say so in their method.
    fit
        The fit, whose own curve then gives its joints; None where there is none. All other joints are interpolated
        from the frames (:mod:`viodat.body.interpolate`).
    """

    joints: JointTrial
    fit: SkeletonFit | None

    def __call__(self, times_s: FloatArray) -> FloatArray:
        """(K, 18, 3) mm at (K,) s."""
        joints, fit = self.joints, self.fit
        times = np.asarray(times_s, dtype=np.float64)
        places = np.full((len(times), len(joints.method), 3), np.nan)
        fitted = np.array([fit is not None and how.startswith(FROM_FIT) for how in joints.method])
        if fit is not None and fitted.any():
            places[:, fitted] = fit.joints(times)[:, fitted]
        others = [k for k, how in enumerate(joints.method) if not fitted[k] and not how.startswith("none")]
        if others:
            places[:, others] = at_times(joints.positions_mm[:, others], joints.start_s, joints.rate_hz, times)
        return places


def truth_at_frames(
    curve: JointCurve, device_times_s: FloatArray, clock: ClockMap | None, camera: Camera | None
) -> FrameTruth:
    """Find the joints at the frames' times on the mocap clock and project them.

    Parameters
    ----------
    curve
        Gives the joints at any time.
    device_times_s
        (N,) s on the device's own clock.
    clock
        Of the device's pictures, or None where it is unknown.
    camera
        The calibrated camera at the video's size, or None.
    """
    if clock is None:
        return FrameTruth(None, None, None)
    time_ns = clock.apply_ns(device_times_s)
    if camera is None:
        return FrameTruth(time_ns, None, None)
    world = curve(clock.apply(device_times_s))
    return FrameTruth(time_ns, camera.to_camera(world), camera.project(world))


def overlap_fault(clock: ClockMap | None, device_times_s: FloatArray, markers_s: tuple[float, float] | None) -> str:
    """Say if no frame of a video falls into the marker recording: then the device's clock is wrong.

    Parameters
    ----------
    clock
        Of the device's pictures, or None where it is unknown.
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
    if clock.method == "given":
        hint = milliseconds_hint(clock, device_times_s, markers_s)
        told = f"check its offset of {clock.offset_s:g} s in capture.toml [sync]{hint}"
    else:
        told = f"its offset of {clock.offset_s:g} s follows from {clock.method}, which must be wrong"
    return (
        f"its video, {first:.1f} to {last:.1f} s, and the markers, {start:.1f} to {end:.1f} s on the mocap clock, do "
        f"not overlap: {told}"
    )


def milliseconds_hint(clock: ClockMap, device_times_s: FloatArray, markers_s: tuple[float, float]) -> str:
    """Say that an offset that is far off would fit if it were ms; empty if it would not.

    Parameters
    ----------
    clock, device_times_s, markers_s
        As in :func:`overlap_fault`, of a clock that has one.
    """
    meant_s = clock.offset_s / 1000
    if abs(clock.offset_s) < _LEAST_MS or overlap_fault(replace(clock, offset_s=meant_s), device_times_s, markers_s):
        return ""
    return f"; it counts in seconds: if it was meant in ms, write {meant_s:g}"
