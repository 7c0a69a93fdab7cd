"""Axes of the body's segments from bony landmarks and joint centres, as the ISB recommends them.

Every segment has x forward (anterior), y up (proximal) and z to the right: unit vectors in the columns of a matrix,
world frame. They coincide in the anatomical position: upright, arms hanging, palms forward. Left limbs have the same
directions, not mirrored ones: :mod:`viodat.body.angles` mirrors them. The axes are those of one posture, normally the
mean of the static trial; nothing is assumed of that posture. Points are (3,) mm, NaN where missing.

Sources, and where this differs because markers on the skin do not show what the paper asks for:

``pelvis``
    Wu et al. 2002: ASIS and PSIS; or the sacral marker SACR for the middle of the latter.
``thorax``
    Wu et al. 2005: suprasternal notch (CLAV), xiphoid (STRN), C7, T8; T10 where T8 has no marker.
``head``
    The ISB defines none. z is the right of the band's four markers, x runs from back to front: level when the band is.
``clavicle``
    Wu et al. 2005, with CLAV for the sternoclavicular and SHO for the acromioclavicular joint.
``upper_arm``
    Wu et al. 2005, first option: shoulder centre and epicondyles.
``forearm``
    Wu et al. 2005, but y runs from the wrist's centre, not from the ulnar styloid, to the elbow's. It turns with the
    radius.
``hand``
    After the metacarpals of Wu et al. 2005: y from between the knuckles of index and little finger to the wrist,
    z along the knuckles. Without knuckles y starts at the hand's origin or FIN, and z lies along the styloids, so that
    the hand does not turn about itself on the forearm.
``thigh``
    Wu et al. 2002: hip centre and epicondyles.
``shank``
    x of Wu et al. 2002, across the plane of malleoli and knee centre; but y is the long axis, from ankle to
    knee centre, as in Grood and Suntay 1983, not the perpendicular to the line of the malleoli.
``foot``
    x from heel (HEE) to second metatarsal head (TOE), which Vicon puts at one height above the sole; z along the
    first and fifth metatarsal heads (MT1, MT5), else y lies in the plane of x and the shank, as in Plug-in Gait. Wu et
    al. 2002 take the neutral posture for it.

Where a medial marker is missing, the lateral one and the joint's centre give the direction from side to side.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from viodat.body.geometry import FloatArray, midpoint, normal, pelvis_axes, unit
from viodat.body.plug_in_gait import SIDES, Side

_LIMBS: Final = ("clavicle", "upper_arm", "forearm", "hand", "thigh", "shank", "foot")
SEGMENTS: Final[tuple[str, ...]] = (
    "pelvis",
    "thorax",
    "head",
    *(f"{side}_{part}" for side in SIDES for part in _LIMBS),
)
"""Segments that have anatomical axes. ``forearm`` is what turns with the radius: segment ``wrist`` of a marker set."""

# Landmark -> the labels it may have, after L or R.
_SIDED: Final[Mapping[str, tuple[str, ...]]] = {
    "asis": ("ASI",),
    "psis": ("PSI",),
    "acromion": ("SHO",),
    "elbow_lateral": ("ELB", "_HLE"),
    "elbow_medial": ("ELM", "_HME"),
    "radial_styloid": ("WRA", "_RSP"),
    "ulnar_styloid": ("WRB", "_USP"),
    "hand": ("FIN",),
    "knee_lateral": ("KNE", "_FLE"),
    "knee_medial": ("KNM", "_FME"),
    "ankle_lateral": ("ANK", "_FAL"),
    "ankle_medial": ("MED", "_TAM"),
    "heel": ("HEE",),
    "toe": ("TOE",),
    "first_metatarsal": ("MT1",),
    "fifth_metatarsal": ("MT5",),
    "head_front": ("FHD",),
    "head_back": ("BHD",),
}
_MISSING: Final = np.full(3, np.nan)


def anatomical_axes(joints: Mapping[str, ArrayLike], markers: Mapping[str, ArrayLike]) -> dict[str, FloatArray]:
    """Axes of every segment that the points of one posture define.

    Parameters
    ----------
    joints
        (3,) mm, world, by the names of :data:`viodat.joints.JOINTS`, where they are known; also ``left_hand`` and
        ``right_hand``, the hands' origins of Plug-in Gait.
    markers
        (3,) mm, world, by label, as in Plug-in Gait or in the set ``anatomical-landmarks``.

    Returns
    -------
    dict
        Segment of :data:`SEGMENTS` -> (3, 3): x forward, y up, z to the right in columns, world. A segment is absent
        where one of its points is missing or NaN, or where they lie on one line.

    Examples
    --------
    >>> axes = anatomical_axes({}, {"LASI": [0, 120, 950], "RASI": [0, -120, 950], "SACR": [-150, 0, 950]})
    >>> axes["pelvis"].round(6) + 0.0
    array([[ 1.,  0.,  0.],
           [ 0.,  0., -1.],
           [ 0.,  1.,  0.]])
    """
    points = _Points(joints, markers)
    with np.errstate(all="ignore"):
        thorax = _thorax(points)
        found = {"pelvis": _pelvis(points), "thorax": thorax, "head": _head(points)}
        for side in SIDES:
            found[f"{side}_clavicle"] = _clavicle(points, side, thorax[:, 1])
            found |= {f"{side}_{part}": axes for part, axes in _arm(points, side).items()}
            found |= {f"{side}_{part}": axes for part, axes in _leg(points, side).items()}
    return {segment: found[segment] for segment in SEGMENTS if np.isfinite(found[segment]).all()}


class _Points:
    """The posture's points, looked up by what they are; NaN where one is missing."""

    def __init__(self, joints: Mapping[str, ArrayLike], markers: Mapping[str, ArrayLike]) -> None:
        self._joints, self._markers = joints, markers

    def joint(self, name: str) -> FloatArray:
        return np.asarray(self._joints.get(name, _MISSING), dtype=np.float64)

    def middle(self, *labels: str) -> FloatArray:
        """Give the first of several labels that is there."""
        for label in labels:
            point = np.asarray(self._markers.get(label, _MISSING), dtype=np.float64)
            if np.isfinite(point).all():
                return point
        return _MISSING

    def sided(self, side: Side, landmark: str) -> FloatArray:
        return self.middle(*(side[0].upper() + stem for stem in _SIDED[landmark]))

    def outward(self, side: Side, joint: str) -> FloatArray:
        """From the medial to the lateral side of a joint, (3,) mm."""
        lateral, medial = (self.sided(side, f"{joint}_{where}") for where in ("lateral", "medial"))
        centre = self.joint(f"{side}_{joint}")
        for across in (lateral - medial, lateral - centre, centre - medial):
            if np.isfinite(across).all():
                return across
        return _MISSING


def _rightward(side: Side, outward: FloatArray) -> FloatArray:
    return outward if side == "right" else -outward


def _columns(forward: FloatArray, up: FloatArray) -> FloatArray:
    return np.stack([forward, up, np.cross(forward, up)], axis=-1)


def _along(up: FloatArray, right: FloatArray) -> FloatArray:
    """Axes with y along ``up``, and z as near to ``right`` as that allows."""
    return _columns(normal(up, right), unit(up))


def _pelvis(points: _Points) -> FloatArray:
    left, right = (points.sided(side, "asis") for side in SIDES)
    back = midpoint(points.sided("left", "psis"), points.sided("right", "psis"))
    _, forward, _, up = pelvis_axes(left, right, back if np.isfinite(back).all() else points.middle("SACR"))
    return _columns(forward, up)


def _thorax(points: _Points) -> FloatArray:
    notch, xiphoid, c7 = (points.middle(label) for label in ("CLAV", "STRN", "C7"))
    up = unit(midpoint(notch, c7) - midpoint(xiphoid, points.middle("T8", "T10")))
    return _along(up, np.cross(notch - c7, up))


def _head(points: _Points) -> FloatArray:
    (left_front, right_front), (left_back, right_back) = (
        [points.sided(side, landmark) for side in SIDES] for landmark in ("head_front", "head_back")
    )
    forward = unit(midpoint(left_front, right_front) - midpoint(left_back, right_back))
    right = midpoint(right_front, right_back) - midpoint(left_front, left_back)
    return _columns(forward, normal(right, forward))


def _clavicle(points: _Points, side: Side, thorax_up: FloatArray) -> FloatArray:
    right = unit(_rightward(side, points.sided(side, "acromion") - points.middle("CLAV")))
    forward = normal(thorax_up, right)
    return _columns(forward, np.cross(right, forward))


def _arm(points: _Points, side: Side) -> dict[str, FloatArray]:
    shoulder, elbow, wrist = (points.joint(f"{side}_{name}") for name in ("shoulder", "elbow", "wrist"))
    styloids = points.sided(side, "radial_styloid") - points.sided(side, "ulnar_styloid")
    index, pinky = (points.joint(f"{side}_{name}") for name in ("index", "pinky"))
    knuckles, thumbward = midpoint(index, pinky), index - pinky
    if not np.isfinite(knuckles).all():
        origin = points.joint(f"{side}_hand")
        knuckles = origin if np.isfinite(origin).all() else points.sided(side, "hand")
        thumbward = styloids
    return {
        "upper_arm": _along(shoulder - elbow, _rightward(side, points.outward(side, "elbow"))),
        "forearm": _along(elbow - wrist, _rightward(side, styloids)),
        "hand": _along(wrist - knuckles, _rightward(side, thumbward)),
    }


def _leg(points: _Points, side: Side) -> dict[str, FloatArray]:
    hip, knee, ankle = (points.joint(f"{side}_{name}") for name in ("pelvis", "knee", "ankle"))
    forward = unit(points.sided(side, "toe") - points.sided(side, "heel"))
    across = points.sided(side, "fifth_metatarsal") - points.sided(side, "first_metatarsal")
    if np.isfinite(across).all():
        up = normal(_rightward(side, across), forward)
    else:
        up = np.cross(normal(forward, knee - ankle), forward)
    return {
        "thigh": _along(hip - knee, _rightward(side, points.outward(side, "knee"))),
        "shank": _along(knee - ankle, _rightward(side, points.outward(side, "ankle"))),
        "foot": _columns(forward, up),
    }
