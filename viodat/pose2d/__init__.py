"""2D keypoints of the performer in each video: where a detector sees the 18 joints.

Every source (a detector run on a video, or a file that another detector wrote) is one module and one entry of
:data:`viodat.pose2d.sources.SOURCES`, and gives one :class:`~viodat.pose2d.keypoints.Keypoints`: pixels
(x right, y down, the centre of the top left pixel is (0, 0)), confidences, NaN where nothing was seen.
Importing this package loads no detector.
"""

from __future__ import annotations

from viodat.pose2d.keypoints import Keypoints
from viodat.pose2d.layouts import LAYOUTS, Layout, to_joints
from viodat.pose2d.sources import SOURCES, KeypointSource, create_source, source_for
from viodat.pose2d.tracking import PersonChoice, choose_person

__all__ = [
    "LAYOUTS",
    "SOURCES",
    "KeypointSource",
    "Keypoints",
    "Layout",
    "PersonChoice",
    "choose_person",
    "create_source",
    "source_for",
    "to_joints",
]
