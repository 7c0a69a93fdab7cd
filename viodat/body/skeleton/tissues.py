"""How far skin lets a marker wander from the bone, by what lies under it: what the fit assumes before it sees data.

Per class: the spread of a marker in its segment that postures do not explain, and how far it slides, standard deviation
over people, per radian by which the joint at the near or the far end of its segment turns, and per radian of twist
about the segment's own axis, which skin follows in part. They say how much each marker is believed, not where it is:
the slides themselves are estimated from the range-of-motion trial and the take (:mod:`.calibration`).

The sizes are viodat's choice, in the range of the studies that compared skin markers with bone: thigh 10-30 mm and
worst, knee epicondyles 10-20 mm, shank less, foot little (Leardini et al. 2005, Gait Posture 21:212; Peters et al.
2010, Gait Posture 31:1); upper arm a third of its axial rotation lost (Cutti et al. 2005, Gait Posture 21:341);
acromion a few mm up to 90 degrees of elevation (van Andel et al. 2009, Gait Posture 29:123). They are for adults and
are not scaled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from viodat.body.geometry import FloatArray


@dataclass(frozen=True)
class Tissue:
    """What lies between a class of markers and the bone: mm, and mm/rad for the slides."""

    spread_mm: float
    near_mm_per_rad: float
    far_mm_per_rad: float
    twist_mm_per_rad: float


TISSUES: Final[Mapping[str, Tissue]] = {
    "pelvis": Tissue(2.0, 4.0, 5.0, 4.0),
    "thigh": Tissue(4.0, 11.0, 9.0, 20.0),
    "knee": Tissue(3.0, 4.0, 10.0, 10.0),
    "shank": Tissue(2.0, 6.0, 5.0, 6.0),
    "ankle": Tissue(1.5, 3.0, 4.0, 3.0),
    "foot": Tissue(1.5, 3.0, 3.0, 3.0),
    "thorax": Tissue(6.0, 5.0, 5.0, 5.0),
    "head": Tissue(1.5, 2.0, 2.0, 2.0),
    "clavicle": Tissue(10.0, 6.0, 8.0, 4.0),
    "upper_arm": Tissue(9.0, 9.0, 7.0, 16.0),
    "elbow": Tissue(2.0, 3.0, 6.0, 5.0),
    "forearm": Tissue(2.5, 5.0, 4.0, 16.0),
    "wrist": Tissue(1.2, 3.0, 3.0, 4.0),
    "hand": Tissue(0.8, 2.0, 2.0, 2.0),
    "thumb": Tissue(0.8, 2.0, 2.0, 2.0),
    "thumb_ends": Tissue(3.5, 2.0, 2.0, 2.0),
}
"""By segment without its side; ``knee``, ``ankle`` and ``elbow`` are the markers over the joint at a segment's far end,
``thumb_ends`` those before and beyond the thumb's last joint, which bends between them."""

_OVER_JOINT: Final[Mapping[str, str]] = {"thigh": "knee", "shank": "ankle", "upper_arm": "elbow"}
_OVER_SHARE: Final = 0.85
"""From this share of the bone on, a marker lies over the joint at its far end."""


_THUMB_MIDDLE_MM: Final = 14.0
"""A thumb's marker farther than this from the middle of the thumb's markers lies before or beyond its last joint."""


def tissue_of(segment: str, place: FloatArray, near: FloatArray, far: FloatArray | None) -> Tissue:
    """Tissue under a marker.

    Parameters
    ----------
    segment
        Its segment, with its side.
    place, near, far
        (3,) mm, reference places of the marker and of the joint centres at both ends; ``far`` is None on segments
        without one.
    """
    part = segment.removeprefix("left_").removeprefix("right_")
    if part == "thumb" and np.linalg.norm(place - near) > _THUMB_MIDDLE_MM:
        part = "thumb_ends"
    if far is not None and part in _OVER_JOINT:
        bone = far - near
        if float((place - near) @ bone) > _OVER_SHARE * float(bone @ bone):
            part = _OVER_JOINT[part]
    return TISSUES[part]


def slide_spread(tissue: Tissue, bone: FloatArray | None, near: bool) -> FloatArray:
    """(3, 3) mm/rad, standard deviation of each coefficient of a slide: displacement along i per turn about j.

    Parameters
    ----------
    tissue
        Under the marker.
    bone
        (3,) from the near to the far end of the segment, or None.
    near
        Whether it is the joint at the near end that turns.
    """
    size = tissue.near_mm_per_rad if near else tissue.far_mm_per_rad
    variance = np.full((3, 3), size**2)
    if bone is not None and np.linalg.norm(bone) > 0:
        along = bone / np.linalg.norm(bone)
        variance += (tissue.twist_mm_per_rad * along) ** 2
    return np.asarray(np.sqrt(variance))
