"""Which segments a skeleton has and how they hang together: the two trees of the body, and the thumbs.

Pelvis and legs are one tree, thorax and arms another: the spine bends between them and no joint of the 18 lies in it.
The forearm is two segments, the ulna's part, which does not turn with the hand, and the radius' end (``wrist``), which
turns about the forearm's long axis alone. Shoulders hang on the collarbone, which turns about the sternoclavicular
joint. Thumbs and the head are free: their joints are fixed points of three or more markers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from viodat.body.plug_in_gait import SIDES


@dataclass(frozen=True)
class Link:
    """A segment's parent, and the joint centre about which it turns on it (names without side)."""

    parent: str
    joint: str


LINKS: Final[Mapping[str, Link]] = {
    "thigh": Link("pelvis", "pelvis"),
    "shank": Link("thigh", "knee"),
    "foot": Link("shank", "ankle"),
    "clavicle": Link("thorax", "sternoclavicular"),
    "upper_arm": Link("clavicle", "shoulder"),
    "forearm": Link("upper_arm", "elbow"),
    "wrist": Link("forearm", "wrist"),
    "hand": Link("wrist", "wrist"),
}
"""By segment without its side, parents first. ``pelvis`` as a joint is the hip, as among the 18 joints."""

ROOTS: Final = ("pelvis", "thorax", "head", *(f"{side}_thumb" for side in SIDES))
"""Segments that hang on nothing."""

END_POINTS: Final[Mapping[str, str]] = {"index": "hand", "pinky": "hand", "thumb": "thumb"}
"""Joints of the 18 about which no segment turns here, and the segment in which they are fixed."""

ARM: Final = ("clavicle", "upper_arm", "forearm", "wrist", "hand")
LEG: Final = ("thigh", "shank", "foot")


def parent_of(segment: str) -> str | None:
    """Parent of a segment, with its side; None of a root."""
    side, _, part = segment.partition("_")
    if part not in LINKS:
        return None
    parent = LINKS[part].parent
    return parent if parent in ROOTS else f"{side}_{parent}"


def joint_of(segment: str) -> str | None:
    """Joint about which a segment turns on its parent, with its side; None of a root."""
    side, _, part = segment.partition("_")
    return f"{side}_{LINKS[part].joint}" if part in LINKS else None


def holder_of(joint: str) -> str:
    """Segment in which one of the 18 joints is fixed: that at whose far end it lies, or the hand, or the thumb."""
    side, part = joint.split("_", 1)
    if part in END_POINTS:
        return f"{side}_{END_POINTS[part]}"
    above = next(link.parent for link in LINKS.values() if link.joint == part)
    return above if above in ROOTS else f"{side}_{above}"


SEGMENTS_FITTED: Final = frozenset(
    (*ROOTS, *(f"{side}_{part}" for side in SIDES for part in LINKS)),
)
"""Segments that a fit has, with their side."""

LIMBS: Final[Mapping[str, tuple[str, ...]]] = {
    f"{side}_{name}": (root, *(f"{side}_{part}" for part in parts))
    for name, root, parts in (("leg", "pelvis", LEG), ("arm", "thorax", ARM))
    for side in SIDES
}
"""The four limbs, each with the root it hangs on: what is calibrated together."""

TREES: Final[Mapping[str, tuple[str, ...]]] = {
    "lower body": ("pelvis", *LIMBS["left_leg"][1:], *LIMBS["right_leg"][1:]),
    "upper body": ("thorax", *LIMBS["left_arm"][1:], *LIMBS["right_arm"][1:]),
    "head": ("head",),
    **{f"{side} thumb": (f"{side}_thumb",) for side in SIDES},
}
"""What is fitted together over a trial."""
