"""The 18 joints of a viodat pose, in the order of the published VioDat release.

``left_pelvis`` and ``right_pelvis`` are the hip joint centres. Index and pinky are the centres of the
metacarpophalangeal joints, thumb is that of the thumb's interphalangeal joint. The root, the origin of
root-centred poses, is the mid-pelvis: the mean of joints 2 and 8; it is not a joint of its own.
"""

from __future__ import annotations

from typing import Final

JOINTS: Final[tuple[str, ...]] = (
    "left_ankle",
    "left_elbow",
    "left_pelvis",
    "left_knee",
    "left_shoulder",
    "left_wrist",
    "right_ankle",
    "right_elbow",
    "right_pelvis",
    "right_knee",
    "right_shoulder",
    "right_wrist",
    "left_index",
    "left_pinky",
    "left_thumb",
    "right_index",
    "right_pinky",
    "right_thumb",
)

JOINT_INDEX: Final[dict[str, int]] = {name: i for i, name in enumerate(JOINTS)}

ROOT_JOINTS: Final[tuple[int, int]] = (JOINT_INDEX["left_pelvis"], JOINT_INDEX["right_pelvis"])

_SIDES: Final = ("left_", "right_")


def other_side(name: str) -> str:
    """Give the name of a joint's counterpart on the other side; its own where it has no side."""
    for side, other in (_SIDES, _SIDES[::-1]):
        if name.startswith(side):
            return other + name.removeprefix(side)
    return name


def without_side(name: str) -> str:
    """Give a joint's name without its side."""
    for side in _SIDES:
        name = name.removeprefix(side)
    return name


MIRROR: Final[tuple[int, ...]] = tuple(JOINT_INDEX[other_side(name)] for name in JOINTS)
"""Index of each joint's counterpart on the other side: ``pose[:, MIRROR]`` swaps left and right."""

_LIMB_BONES: Final = (
    ("pelvis", "knee"),
    ("knee", "ankle"),
    ("shoulder", "elbow"),
    ("elbow", "wrist"),
    ("wrist", "index"),
    ("wrist", "pinky"),
    ("wrist", "thumb"),
    ("shoulder", "pelvis"),
)

BONES: Final[tuple[tuple[str, str], ...]] = (
    *((f"left_{a}", f"left_{b}") for a, b in _LIMB_BONES),
    *((f"right_{a}", f"right_{b}") for a, b in _LIMB_BONES),
    ("left_shoulder", "right_shoulder"),
    ("left_pelvis", "right_pelvis"),
)
"""Pairs of joints to draw a line between."""
