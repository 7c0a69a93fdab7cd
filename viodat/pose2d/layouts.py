"""Which point of a detector's list stands for which of the 18 joints.

A layout is the ordered list of points that a detector writes. All layouts share one vocabulary (``left_`` is
the person's left), so a name means the same thing everywhere. A joint that a layout lacks is NaN. The points
of detectors are not the joint centres of motion capture: the constant differences that were measured are in
docs/science/keypoints.md. Sources: MediaPipe Pose landmark list; COCO keypoint challenge; OpenPose output
format (BODY_25, COCO, hand) and its experimental BODY_25B model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.joints import JOINTS

FloatArray = NDArray[np.float64]

_POINT_OF_JOINT: Final[Mapping[str, str]] = {
    joint: joint.replace("_pelvis", "_hip") if joint.endswith("_pelvis") else joint for joint in JOINTS
}


@dataclass(frozen=True)
class Layout:
    """The points of one detector, in the order it writes them.

    Attributes
    ----------
    name
        As in :data:`LAYOUTS`.
    points
        Names of the K points.
    """

    name: str
    points: tuple[str, ...]

    @property
    def joint_points(self) -> tuple[int | None, ...]:
        """For each of the 18 joints the index of its point; None where the layout has none."""
        return tuple(
            next((self.points.index(p) for p in (joint, _POINT_OF_JOINT[joint]) if p in self.points), None)
            for joint in JOINTS
        )

    @property
    def absent(self) -> tuple[str, ...]:
        """Joints that the layout has no point for."""
        return tuple(joint for joint, point in zip(JOINTS, self.joint_points, strict=True) if point is None)


def _sided(*names: str, first: str = "left") -> tuple[str, ...]:
    sides = ("left", "right") if first == "left" else ("right", "left")
    return tuple(f"{side}_{name}" for name in names for side in sides)


def _arm_then_arm(*names: str) -> tuple[str, ...]:
    return tuple(f"{side}_{name}" for side in ("right", "left") for name in names)


_FEET = tuple(f"{side}_{name}" for side in ("left", "right") for name in ("big_toe", "small_toe", "heel"))
_COCO17 = ("nose", *_sided("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle"))

MEDIAPIPE33: Final = Layout(
    "mediapipe33",
    (
        "nose",
        *(f"{side}_eye{part}" for side in ("left", "right") for part in ("_inner", "", "_outer")),
        *_sided("ear", "mouth", "shoulder", "elbow", "wrist", "pinky", "index", "thumb"),
        *_sided("hip", "knee", "ankle", "heel", "foot_index"),
    ),
)

LAYOUTS: Final[Mapping[str, Layout]] = {
    layout.name: layout
    for layout in (
        Layout("viodat18", JOINTS),
        Layout("coco17", _COCO17),
        Layout(
            "coco18",
            (
                "nose",
                "neck",
                *_arm_then_arm("shoulder", "elbow", "wrist"),
                *_arm_then_arm("hip", "knee", "ankle"),
                *_sided("eye", "ear", first="right"),
            ),
        ),
        Layout(
            "body25",
            (
                "nose",
                "neck",
                *_arm_then_arm("shoulder", "elbow", "wrist"),
                "mid_hip",
                *_arm_then_arm("hip", "knee", "ankle"),
                *_sided("eye", "ear", first="right"),
                *_FEET,
            ),
        ),
        Layout("body25b", (*_COCO17, "upper_neck", "head_top", *_FEET)),
        MEDIAPIPE33,
    )
}
"""Every known layout by name. ``coco18`` is the same points in OpenPose's order, and a neck."""

HAND21: Final[Mapping[str, int]] = {"index": 5, "pinky": 17, "thumb": 3}
"""Joints in OpenPose's hand of 21 points: MCP of index and pinky, IP of the thumb."""


def to_joints(points_px: FloatArray, confidence: FloatArray, layout: str) -> tuple[FloatArray, FloatArray]:
    """Take the 18 joints out of a layout's points.

    Parameters
    ----------
    points_px
        (..., K, 2) px, NaN where missing.
    confidence
        (..., K), NaN where missing or unknown.
    layout
        Name in :data:`LAYOUTS`; it has K points.

    Returns
    -------
    px, confidence
        (..., 18, 2) and (..., 18); NaN for joints that the layout lacks.

    Examples
    --------
    >>> [MEDIAPIPE33.joint_points[i] for i in (0, 1, 12)]   # left ankle, left elbow, left index
    [27, 13, 19]
    """
    chosen = LAYOUTS[layout]
    if points_px.shape[-2:] != (len(chosen.points), 2):
        raise ValueError(f"layout {layout}: expected (..., {len(chosen.points)}, 2), got {points_px.shape}")
    px = np.full((*points_px.shape[:-2], len(JOINTS), 2), np.nan)
    rated = np.full((*points_px.shape[:-2], len(JOINTS)), np.nan)
    for joint, point in enumerate(chosen.joint_points):
        if point is not None:
            px[..., joint, :] = points_px[..., point, :]
            rated[..., joint] = confidence[..., point]
    return px, rated


def layouts_of_size(count: int) -> tuple[str, ...]:
    """Names of the layouts with ``count`` points."""
    return tuple(name for name, layout in LAYOUTS.items() if len(layout.points) == count)
