"""Functional joint centres and axes of the range-of-motion trial: whether its motion is enough, for the report.

Hips and shoulders as centres (SCoRE), knees, elbows, wrists and ankles as axes (SARA), each from the markers of two
segments alone (:mod:`viodat.body.functional`). The skeleton fit uses the same motion in its own way, all segments of a
limb together; these numbers say of every joint what the motion determines by itself. mm, rad.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

import numpy as np

from viodat.body import MarkerSet
from viodat.body.functional import FunctionalAxis, FunctionalCentre, sara, score
from viodat.body.rigid_motion import RigidMotion, cluster_motion, common_shape
from viodat.build.quality import segment_labels
from viodat.capture.markers import MarkerTrial
from viodat.errors import BodyError

HIPS: Final = ("left_pelvis", "right_pelvis")

_PARTS: Final[tuple[tuple[str, tuple[str, ...], tuple[str, ...], Literal["centre", "axis"]], ...]] = (
    ("pelvis", ("pelvis",), ("thigh",), "centre"),
    ("knee", ("thigh",), ("shank",), "axis"),
    ("ankle", ("shank",), ("foot",), "axis"),
    ("shoulder", ("thorax",), ("upper_arm",), "centre"),
    ("elbow", ("upper_arm",), ("forearm",), "axis"),
    ("wrist", ("forearm", "wrist"), ("hand",), "axis"),
)
"""Joint, segments before and after it, what is sought; names without side, except those of the trunk."""

_TRUNK: Final = ("pelvis", "thorax")
_CLUSTER: Final = 3
_SHAPE_FRAMES: Final = 500
"""A cluster's shape is sought in so many frames, evenly spread: more change it by less than marker noise."""


@dataclass(frozen=True)
class FunctionalJoint:
    """What the range-of-motion trial says of one joint.

    Attributes
    ----------
    joint
        One of the 18.
    kind
        ``centre`` (SCoRE) or ``axis`` (SARA).
    condition, residual_mm, range_rad, frames
        As in :class:`viodat.body.functional.FunctionalCentre`.
    accepted, reason
        Whether the limits there are kept, else the number that breaks one.
    """

    joint: str
    kind: Literal["centre", "axis"]
    condition: float
    residual_mm: float
    range_rad: float
    frames: int
    accepted: bool
    reason: str


def functional_joints(rom: MarkerTrial, marker_set: MarkerSet) -> tuple[FunctionalJoint, ...]:
    """Compute the functional centre or axis of every joint whose two segments have three markers each.

    Parameters
    ----------
    rom
        The range-of-motion trial, labels checked.
    marker_set
        Which marker is on which segment.
    """
    of_segment = segment_labels(rom, marker_set)
    found: list[FunctionalJoint] = []

    @cache
    def motion(parts: tuple[str, ...], side: str) -> RigidMotion | None:
        segments = [part if part in _TRUNK else f"{side}_{part}" for part in parts]
        return _motion(rom, [label for segment in segments for label in of_segment.get(segment, ())])

    for part, before, after, kind in _PARTS:
        for side in ("left", "right"):
            first, second = motion(before, side), motion(after, side)
            if first is None or second is None:
                continue
            result: FunctionalCentre | FunctionalAxis = (
                score(first, second) if kind == "centre" else sara(first, second)
            )
            found.append(
                FunctionalJoint(
                    f"{side}_{part}",
                    kind,
                    result.condition,
                    result.residual_mm,
                    result.range_rad,
                    result.frames,
                    result.accepted,
                    result.reason,
                )
            )
    return tuple(found)


def require_hips(found: tuple[FunctionalJoint, ...], rom: MarkerTrial) -> None:
    """Refuse a range-of-motion trial that does not determine both hips.

    Raises
    ------
    BodyError
        With the reason and its number.
    """
    by_joint = {entry.joint: entry for entry in found}
    for joint in HIPS:
        entry = by_joint.get(joint)
        if entry is None:
            why = "pelvis and thigh need three markers each that are seen together"
        elif not entry.accepted:
            why = entry.reason
        else:
            continue
        raise BodyError(
            f"the functional centre of {joint} is refused: {why}",
            where=rom.source,
            mend="Record the range-of-motion trial again with larger movements, or use --joint-centres auto.",
        )


def _motion(rom: MarkerTrial, labels: list[str]) -> RigidMotion | None:
    if not labels:
        return None
    points = np.stack([rom.marker(label) for label in labels], axis=1)
    seen = np.asarray(np.isfinite(points).all(axis=-1))
    labelled = seen.any(axis=0)
    if labelled.sum() < _CLUSTER:
        return None
    points = points[:, labelled]
    start = points[int(np.argmax(seen[:, labelled].sum(axis=1)))]
    stride = max(len(points) // _SHAPE_FRAMES, 1)
    return cluster_motion(points, common_shape(points[::stride], start))
