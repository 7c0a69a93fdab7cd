"""One recording on a uniform grid of the mocap clock: truth, keypoints and sound at the grid's own times.

Truth is interpolated from the joint centres and brought into the camera's frame (OpenCV axes, mm); detections are
interpolated linearly between the video frames' real times, never over a hole of more than :data:`MAX_HOLE_S`; a row
of sound is the one stored nearest in time. Missing is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from viodat.body.interpolate import at_times
from viodat.camera import Camera
from viodat.dataset import schema
from viodat.dataset.reader import VioDataset
from viodat.dataset.schema import NS
from viodat.dataset.sound import SoundRows

MAX_HOLE_S: Final = 0.1
"""A detection is not interpolated between video frames that lie further apart than this."""

# Stamps are rounded to whole ns: the last grid point may seem to lie that far beyond the last frame.
_ROUNDING_NS: Final = 1


@dataclass(frozen=True)
class Span:
    """Where a recording's grid begins, how many grid points it has, and what is needed to read it."""

    recording: str
    trial: str
    trial_rate_hz: float
    start_ns: int
    points: int
    image_size: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Detections:
    """Keypoints of a recording: (N, 18, 2) px at (N,) int64 ns on the mocap clock."""

    px: NDArray[np.float32]
    time_ns: NDArray[np.int64]

    def at(self, start_ns: int, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """(T, 18, 2) px at ``times_s`` after ``start_ns``, linear between two frames that both have the keypoint."""
        frame_s = (self.time_ns - start_ns) / NS
        if not len(frame_s):
            return np.full((len(times_s), schema.N_JOINTS, 2), np.nan)
        after = np.clip(np.searchsorted(frame_s, times_s), 1, max(len(frame_s) - 1, 1))
        before = after - 1
        after = np.minimum(after, len(frame_s) - 1)
        step = frame_s[after] - frame_s[before]
        weight = np.divide(times_s - frame_s[before], step, out=np.zeros_like(times_s), where=step > 0)
        px = self.px.astype(np.float64)
        u = weight[:, None, None]
        mixed = px[before] + u * (px[after] - px[before])
        out = np.where(u <= 1e-6, px[before], np.where(u >= 1 - 1e-6, px[after], mixed))
        out[(step > MAX_HOLE_S) | (weight < -1e-6) | (weight > 1 + 1e-6)] = np.nan
        return out


@dataclass(frozen=True, eq=False)
class Grid:
    """Poses of one recording at its grid points, (T, 18, 2) px and (T, 18, 3) mm in the camera's frame, and sound."""

    pose2d: NDArray[np.float32]
    pose3d: NDArray[np.float32]
    sound: SoundRows

    @property
    def nbytes(self) -> int:
        """Bytes of memory."""
        return self.pose2d.nbytes + self.pose3d.nbytes + self.sound.nbytes


@dataclass(frozen=True, eq=False)
class World:
    """Joint centres of a trial, shared by its cameras: (F, 18, 3) mm in the world frame from ``start_ns`` on."""

    joints_mm: NDArray[np.float32]
    start_ns: int

    @property
    def nbytes(self) -> int:
        """Bytes of memory."""
        return self.joints_mm.nbytes


def span_of(recording: dict[str, Any], trial: dict[str, Any], rate_hz: float) -> Span | None:
    """Lay the grid over what markers and picture have in common, from table rows alone; None if they have nothing.

    Parameters
    ----------
    recording, trial
        A row of recordings with clock and calibration, and its row of trials.
    rate_hz
        Of the grid.
    """
    if trial["start_ns"] is None or recording["first_frame_ns"] is None:
        return None
    motion_end = trial["start_ns"] + round((trial["frames"] - 1) * NS / trial["rate_hz"])
    start = max(recording["first_frame_ns"], trial["start_ns"])
    length_ns = min(recording["last_frame_ns"], motion_end) - start
    if length_ns < 0:
        return None
    return Span(
        recording["recording"],
        recording["trial"],
        float(trial["rate_hz"]),
        int(start),
        int((length_ns + _ROUNDING_NS) * rate_hz / NS + 1e-9) + 1,
        (_number(recording["width_px"]), _number(recording["height_px"])),
    )


def read_world(dataset: VioDataset, trial: str) -> World:
    """Read what the grids of a trial's cameras share. Raises as :meth:`VioDataset.motion`."""
    columns = dataset.motion_arrays(trial, ("time_ns", "joints_mm"))
    times = columns["time_ns"]
    return World(columns["joints_mm"], int(times[0]) if len(times) else 0)


def poses_on_grid(
    world: World, camera: Camera, span: Span, rate_hz: float, detections: Detections | None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Poses at the grid points: (T, 18, 2) px, detected or else projected, and (T, 18, 3) mm, camera frame."""
    # Relative to the span's start: float64 seconds since an early zero would cost precision.
    times_s = np.arange(span.points) / rate_hz
    joints = at_times(world.joints_mm, (world.start_ns - span.start_ns) / NS, span.trial_rate_hz, times_s)
    pose2d = camera.project(joints) if detections is None else detections.at(span.start_ns, times_s)
    return pose2d.astype(np.float32), np.asarray(camera.to_camera(joints), dtype=np.float32)


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)
