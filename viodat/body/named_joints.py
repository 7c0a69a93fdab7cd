"""Joints that another system has computed already: TRC files of markerless systems and the like.

Such files label joint centres by name instead of markers, in as many spellings as there are systems: ``LHip``
(OpenPose BODY_25, Pose2Sim), ``left_hip`` (COCO, MediaPipe), ``HipLeft`` (Kinect), ``hip_l`` (OpenSim),
``LHJC``. This module knows these spellings; it changes no number. What a system calls the index of a hand is
its own: MediaPipe's knuckles lie on the skin, at a constant distance from the joint centres of viodat.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

NAMED_LABELS: Final[Mapping[str, str]] = {
    f"{side}_{joint}": f"{side[0].upper()}{name}"
    for side in ("left", "right")
    for joint, name in (
        ("ankle", "Ankle"),
        ("elbow", "Elbow"),
        ("pelvis", "Hip"),
        ("knee", "Knee"),
        ("shoulder", "Shoulder"),
        ("wrist", "Wrist"),
        ("index", "Index"),
        ("pinky", "Pinky"),
        ("thumb", "Thumb"),
    )
}
"""viodat's joint -> the label of the same joint in BODY_25 style, which stands for all its spellings."""

# Only spellings that mean this joint in every system known: "foot" is an ankle in one and a toe in another.
_SPELLINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "ankle": ("ankle", "ajc", "anklejointcentre", "anklejointcenter"),
    "elbow": ("elbow", "ejc", "elbowjointcentre", "elbowjointcenter"),
    "pelvis": ("hip", "hjc", "hipjointcentre", "hipjointcenter", "pelvis"),
    "knee": ("knee", "kjc", "kneejointcentre", "kneejointcenter"),
    "shoulder": ("shoulder", "sjc", "shoulderjointcentre", "shoulderjointcenter"),
    "wrist": ("wrist", "wjc", "wristjointcentre", "wristjointcenter"),
    "index": ("index", "indexmcp", "indexfingermcp", "indexknuckle", "forefinger1"),
    "pinky": ("pinky", "pinkymcp", "pinkyfingermcp", "pinkyknuckle", "pinkyfinger1", "littlemcp"),
    "thumb": ("thumb", "thumbip", "thumb3"),
}

_JOINT_OF_SPELLING: Final[Mapping[str, str]] = {
    spelling: f"{side}_{joint}"
    for side in ("left", "right")
    for joint, stems in _SPELLINGS.items()
    for stem in stems
    for mark in (side, side[0])
    for spelling in (mark + stem, stem + mark)
}


def plain(label: str) -> str:
    """Give a label in lower case without anything but letters and digits: ``Left_Hip`` -> ``lefthip``."""
    return re.sub(r"[^a-z0-9]", "", label.lower())


def joint_of_label(label: str) -> str | None:
    """Joint of viodat that a label names in any known spelling, or None.

    Examples
    --------
    >>> joint_of_label("LHip"), joint_of_label("right_knee"), joint_of_label("LKNE")
    ('left_pelvis', 'right_knee', None)
    """
    return _JOINT_OF_SPELLING.get(plain(label))


def match_named_joints(labels: Iterable[str]) -> dict[str, str]:
    """Find the label of each joint that is named among ``labels``.

    Parameters
    ----------
    labels
        Labels of a file.

    Returns
    -------
    dict
        Joint of viodat -> label as the file spells it; of several labels for one joint, the first.
    """
    found: dict[str, str] = {}
    for label in labels:
        joint = joint_of_label(label)
        if joint is not None:
            found.setdefault(joint, label)
    return found
