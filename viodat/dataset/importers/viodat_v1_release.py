"""The first archive of VioDat v1.0, read and in mm: truth, keypoints and the rates of the videos by recording id."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from viodat.dataset.importers import viodat_v1_arrays as arrays
from viodat.dataset.importers.foreign_text import shown
from viodat.dataset.importers.npz import Archive
from viodat.dataset.importers.options import ImportOptions
from viodat.dataset.importers.viodat_v1_arrays import ByRecording
from viodat.errors import CaptureError

KEYPOINT_KEYS: Final = {"mediapipe": "mediapipe_2d", "openpose": "openpose_2d"}
"""Whose keypoints stand under which key."""


@dataclass
class Release:
    """What was read of the first archive."""

    fps: dict[str, float]
    poses: ByRecording
    pixels: ByRecording
    motion: ByRecording
    detected: ByRecording
    notes: list[str]


def read_release(source: Path, options: ImportOptions) -> Release:
    """Read ``mmViolin_v1.0.npz``.

    Raises
    ------
    CaptureError
        If it is damaged, holds what it should not, is not this release, or its unit of length is unknown.
    """
    key = KEYPOINT_KEYS[options.keypoints]
    notes: list[str] = []
    with Archive(source, options.limit_bytes) as archive:
        for needed in ("kp_optim_3d_vid", "kp_optim_2d_vid", "kp_video_fps"):
            if needed not in archive.names:
                there = ", ".join(map(shown, archive.names[:8])) or "nothing"
                raise CaptureError(
                    f"has no {needed}, so it is not VioDat v1.0; it has {there}",
                    where=source,
                    mend="Give mmViolin_v1.0.npz as it was published.",
                )
        fps = arrays.read_numbers(archive, "kp_video_fps")
        poses = arrays.read_frames(archive, "kp_optim_3d_vid", arrays.poses_3d)
        pixels = arrays.read_frames(archive, "kp_optim_2d_vid", arrays.poses_2d)
        motion, detected = ByRecording(), ByRecording()
        if "kp_optim_3d" in archive.names:
            motion = arrays.read_frames(archive, "kp_optim_3d", arrays.poses_3d)
        else:
            notes.append("the release has no kp_optim_3d: motion is at the rate of the video")
        if key in archive.names:
            detected = arrays.read_frames(archive, key, arrays.keypoints_2d)
        else:
            notes.append(f"the release has no {key}: there are no detected keypoints")
    scale, odd = arrays.unit_scale(poses.arrays)
    if scale is None:
        raise CaptureError(
            "its trunks are neither 150 to 900 mm nor 0.15 to 0.9 m long, so the unit of kp_optim_3d_vid is unknown",
            where=source,
        )
    for recording, reason in odd.items():
        for kind in (poses, motion):
            kind.arrays.pop(recording, None)
        poses.faults[recording] = f"kp_optim_3d_vid: {reason}"
    if scale != 1:
        notes.append("the 3D poses are in m; they were turned into mm")
        for kind in (poses, motion):
            kind.arrays = {name: values * np.float32(scale) for name, values in kind.arrays.items()}
    return Release(fps, poses, pixels, motion, detected, notes)
