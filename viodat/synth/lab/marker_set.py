"""Where the lab sticks its markers: viodat's own set of 96, and how well a hand finds each place.

VioDat names its markers nowhere; this set is viodat's choice. It holds the 39 names of Plug-in Gait at Plug-in Gait's
places, so that Plug-in Gait runs on it, and more: at least three markers on every segment that matters, the
knuckles, index, little finger and thumb of both hands, six on the violin and four on the bow. Takes carry 96 markers.
The static trial has no instrument, so it carries 86 of them and six medial ones (:data:`STATIC_ONLY`) that are taken
off before the player moves; the range-of-motion trial carries the 86.

A marker's centre lies its own radius above the skin. Markers are 14 mm, on hands, violin and bow 6.4 mm, since knuckles
of a child are 11 mm apart; the lab declares 14 mm, as Plug-in Gait's own markers have, save that of the hand (FIN). Who
subtracts 7 mm at a knuckle goes 3.8 mm too deep, as in any lab that mixes sizes.

Places are (3,) mm in the segment's frame (:mod:`viodat.synth.player.body`), those of the instrument times its size.
:data:`PALPATION_MM` was fixed before any estimator was tuned on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

import numpy as np

from viodat.synth.player.anatomy import SIDES, Anatomy
from viodat.synth.vectors import FloatArray, rejected, unit

Kind = Literal["take", "rom", "static"]

BODY_MARKER_MM: Final = 14.0
SMALL_MARKER_MM: Final = 6.4

PALPATION_MM: Final[Mapping[str, float]] = {
    "head band": 8.0,  # no landmark: where the band happens to sit
    "spine": 5.0,
    "chest": 4.0,
    "acromion": 4.0,
    "shoulder": 7.0,  # front and back of the joint, no bone under the finger
    "iliac spine": 5.0,
    "iliac crest": 8.0,
    "epicondyle": 4.0,
    "malleolus": 3.0,
    "foot": 4.0,
    "styloid": 3.0,
    "knuckle": 1.5,
    "back of the hand": 3.0,
    "finger": 1.2,
    "aligned": 5.0,  # the side of thigh and shank, by eye in the plane of hip, knee and ankle
    "free": 10.0,  # anywhere thereabouts on the limb
    "instrument": 1.0,
}
"""Standard deviation of a marker's place along each of two directions on the skin, mm, on an adult of 1.70 m.

Repeated palpation scatters iliac spines most, and epicondyles and malleoli less (Della Croce, Leardini, Chiari and
Cappozzo 2005, Gait Posture 21:226, a review). The numbers are viodat's choice, for one practised examiner.
"""

_PALPATION_CUT = 2.5


@dataclass(frozen=True)
class Marker:
    """One marker of the set.

    Attributes
    ----------
    label
        As in the C3D file.
    segment
        The segment of :data:`viodat.synth.player.body.SEGMENTS` that carries it.
    where
        How it is placed, in words.
    tissue
        What lies under it, a key of :data:`viodat.synth.lab.marker_motion.TISSUES`; empty on the instrument.
    palpation
        A key of :data:`PALPATION_MM`.
    diameter_mm
        Of the ball.
    landmark
        Its landmark among :attr:`Anatomy.landmarks`; empty if it has none.
    wrap
        Without a landmark, on a limb: share of the bone from its proximal end, and angle from the outer side towards
        the front, rad. With one: share of the way to it from the segment's origin; 0 is all the way.
    fixed
        On the instrument: place (mm of full size) and direction out of its surface, which is 0 where it is free.
    static_only
        Taken off after the static trial.
    """

    label: str
    segment: str
    where: str
    tissue: str
    palpation: str
    diameter_mm: float = BODY_MARKER_MM
    landmark: str = ""
    wrap: tuple[float, float] = (0.0, 0.0)
    fixed: tuple[tuple[float, float, float], tuple[float, float, float]] | None = None
    static_only: bool = False


# Label (also that of the landmark), segment, tissue, palpation, where.
_MIDDLE: Final = (
    ("TOP", "head", "scalp", "head band", "on the crown"),
    ("C7", "thorax", "trunk", "spine", "spinous process of the 7th cervical vertebra"),
    ("T10", "thorax", "trunk", "spine", "spinous process of the 10th thoracic vertebra"),
    ("T5", "thorax", "trunk", "spine", "spinous process of the 5th thoracic vertebra"),
    ("CLAV", "thorax", "chest", "chest", "suprasternal notch"),
    ("STRN", "thorax", "chest", "chest", "xiphoid process"),
    ("RBAK", "thorax", "trunk", "free", "on the right shoulder blade"),
    ("LBAK", "thorax", "trunk", "free", "on the left shoulder blade"),
)
_SIDED: Final = (
    ("FHD", "head", "scalp", "head band", "head band, in front"),
    ("BHD", "head", "scalp", "head band", "head band, behind"),
    ("SHO", "clavicle", "shoulder", "acromion", "acromion"),
    ("SHA", "clavicle", "shoulder", "shoulder", "front of the shoulder joint"),
    ("SHP", "clavicle", "shoulder", "shoulder", "back of the shoulder joint"),
    ("ELB", "upper_arm", "elbow", "epicondyle", "lateral epicondyle of the humerus"),
    ("WRA", "radius", "wrist", "styloid", "styloid process, thumb side"),
    ("WRB", "radius", "wrist", "styloid", "styloid process, little finger's side"),
    ("ASI", "pelvis", "pelvis", "iliac spine", "anterior superior iliac spine"),
    ("PSI", "pelvis", "pelvis", "iliac spine", "posterior superior iliac spine"),
    ("ILC", "pelvis", "pelvis", "iliac crest", "highest point of the iliac crest"),
    ("KNE", "thigh", "knee", "epicondyle", "lateral epicondyle of the femur"),
    ("TUB", "shank", "shank", "epicondyle", "tibial tuberosity"),
    ("ANK", "shank", "ankle", "malleolus", "lateral malleolus"),
    ("HEE", "foot", "foot", "foot", "heel"),
    ("TOE", "foot", "foot", "foot", "second metatarsal head"),
    ("MT1", "foot", "foot", "foot", "first metatarsal head"),
    ("MT5", "foot", "foot", "foot", "fifth metatarsal head"),
)
_MEDIAL: Final = (
    ("ELM", "upper_arm", "elbow", "epicondyle", "medial epicondyle of the humerus"),
    ("KNM", "thigh", "knee", "epicondyle", "medial epicondyle of the femur"),
    ("MED", "shank", "ankle", "malleolus", "medial malleolus"),
)
# Label, landmark, segment, palpation, where.
_HAND: Final = (
    ("FIN", "FIN", "hand", "knuckle", "back of the hand, just above the middle finger's knuckle"),
    ("IDX", "IDX", "hand", "knuckle", "knuckle of the index finger"),
    ("HND", "FIN", "hand", "back of the hand", "middle of the back of the hand"),
    ("PNK", "PNK", "hand", "knuckle", "knuckle of the little finger"),
    ("IDX2", "IDX2", "index_proximal", "finger", "middle joint of the index finger"),
    ("IDX3", "IDX3", "index_middle", "finger", "last joint of the index finger"),
    ("PNK2", "PNK2", "pinky_proximal", "finger", "middle joint of the little finger"),
    ("THM1", "THM1", "thumb_metacarpal", "finger", "knuckle of the thumb"),
    ("THM", "THM2", "thumb_proximal", "finger", "last joint of the thumb"),
    ("THM3", "THM3", "thumb_distal", "finger", "nail of the thumb"),
)
# Of the way from wrist to the middle finger's knuckle.
_HAND_MIDDLE = 0.45
# Label, segment, tissue, palpation, share along the bone, degrees from the outer side to the front, where.
_LIMB: Final = (
    ("UPA", "upper_arm", "upper arm", "free", 0.52, 0.0, "outer side of the upper arm"),
    ("UPB", "upper_arm", "upper arm", "free", 0.36, -45.0, "upper arm, high; right behind, left in front"),
    ("UPC", "upper_arm", "upper arm", "free", 0.70, 50.0, "front of the upper arm, low"),
    ("FRM", "forearm", "forearm", "free", 0.52, 0.0, "outer side of the forearm"),
    ("FRB", "forearm", "forearm", "free", 0.26, 40.0, "front of the forearm, high"),
    ("FRC", "forearm", "forearm", "free", 0.38, -55.0, "back of the forearm, high"),
    ("THI", "thigh", "thigh", "aligned", 0.62, 0.0, "outer side of the thigh"),
    ("THF", "thigh", "thigh", "free", 0.45, 75.0, "front of the thigh"),
    ("THB", "thigh", "thigh", "free", 0.74, -50.0, "back of the thigh, low"),
    # Turned as the axis of the ankle is, with which it is aligned.
    ("TIB", "shank", "shank", "aligned", 0.58, -5.7, "outer side of the shank"),
    ("TIF", "shank", "shank", "free", 0.45, 60.0, "front of the shank, beside the edge of the bone"),
)
# Label, place, direction out of the surface, where: viodat's choice, clear of chin, bow and left hand.
_VIOLIN: Final = (
    ("VLN1", (572.0, 0.0, 29.0), (0.0, 0.0, 1.0), "top of the scroll"),
    ("VLN2", (290.0, 62.0, 36.7), (0.0, 0.5, 0.87), "top, upper left bout"),
    ("VLN3", (290.0, -62.0, 36.7), (0.0, -0.5, 0.87), "top, upper right bout"),
    ("VLN4", (70.0, -80.0, 35.1), (0.0, -0.5, 0.87), "top, lower right bout"),
    ("VLN5", (120.0, 75.0, 34.7), (0.0, 0.5, 0.87), "top, lower left bout, in front of the chin rest"),
    ("VLN6", (60.0, -102.0, 19.0), (-0.2, -1.0, 0.0), "right rib, lower bout"),
)
_BOW: Final = (
    ("BOW1", (-66.0, 0.0, 28.0), (0.0, 0.0, 0.0), "button of the bow"),
    ("BOW2", (-24.0, -34.0, 10.0), (0.0, 0.0, 0.0), "on a light arm, 34 mm beside the frog"),
    ("BOW3", (330.0, 0.0, 14.5), (0.0, 0.0, 0.0), "middle of the stick"),
    ("BOW4", (654.0, 0.0, 29.0), (0.0, 0.0, 0.0), "head of the bow"),
)


def _markers() -> Iterator[Marker]:
    for label, segment, tissue, palpation, where in _MIDDLE:
        yield Marker(label, segment, where, tissue, palpation, landmark=label)
    for rows, static_only in ((_SIDED, False), (_MEDIAL, True)):
        for stem, part, tissue, palpation, where in rows:
            for side, mark, _ in SIDES:
                segment = part if part in ("head", "pelvis") else f"{side}_{part}"
                label = mark + stem
                yield Marker(label, segment, where, tissue, palpation, landmark=label, static_only=static_only)
    for stem, part, tissue, palpation, share, degrees, where in _LIMB:
        for side, mark, _ in SIDES:
            # The left arm turns its back to the floor when it holds the violin.
            wrap = (share, float(np.deg2rad(95.0 if mark + stem == "LUPB" else degrees)))
            yield Marker(mark + stem, f"{side}_{part}", where, tissue, palpation, wrap=wrap)
    for stem, landmark, part, palpation, where in _HAND:
        tissue = "hand" if part == "hand" else "finger"
        wrap = (_HAND_MIDDLE, 0.0) if stem == "HND" else (0.0, 0.0)
        for side, mark, _ in SIDES:
            segment = f"{side}_{part}"
            yield Marker(mark + stem, segment, where, tissue, palpation, SMALL_MARKER_MM, mark + landmark, wrap)
    for segment, fixed_rows in (("violin", _VIOLIN), ("bow", _BOW)):
        for label, place, outward, where in fixed_rows:
            yield Marker(label, segment, where, "", "instrument", SMALL_MARKER_MM, fixed=(place, outward))


MARKERS: Final[tuple[Marker, ...]] = tuple(_markers())
"""Every marker of the set, those of the static trial included."""

STATIC_ONLY: Final = tuple(marker.label for marker in MARKERS if marker.static_only)
"""The medial markers of elbow, knee and ankle."""


def labels_of(kind: Kind) -> tuple[str, ...]:
    """Labels of the markers that a trial carries: 96 in a take, 86 in a range-of-motion and 92 in a static trial."""
    return tuple(
        marker.label
        for marker in MARKERS
        if (kind == "static" or not marker.static_only) and (kind == "take" or marker.fixed is None)
    )


@dataclass(frozen=True)
class Placement:
    """Where the markers of one participant sit for the whole session: static trial, range of motion and takes.

    Attributes
    ----------
    places
        (N, 3) mm, centres of the markers in their segments' frames, in the order of :data:`MARKERS`.
    outward
        (N, 3) unit vectors out of the skin, same frames; 0 where a marker stands free.
    along
        (N,) share of the segment's length from its proximal end, 0 to 1; 1 on segments without long bone.
    """

    places: FloatArray
    outward: FloatArray
    along: FloatArray

    @cached_property
    def radii(self) -> FloatArray:
        """(N,) mm, of the markers."""
        return np.array([marker.diameter_mm / 2 for marker in MARKERS])


def place(anatomy: Anatomy, rng: np.random.Generator) -> Placement:
    """Stick the markers onto a participant, each missing its place along the skin as :data:`PALPATION_MM` says.

    On a small body the hand errs less, in proportion to stature; on the instrument it errs the same.
    """
    places, outward, along = [], [], []
    for marker in MARKERS:
        at, normal, share = _aim(marker, anatomy)
        size = 1.0 if marker.fixed else anatomy.scale
        missed = PALPATION_MM[marker.palpation] * size * rng.standard_normal(2).clip(-_PALPATION_CUT, _PALPATION_CUT)
        if normal.any():
            # Any direction will do that is not along the normal.
            first = rejected(np.eye(3)[int(np.argmin(np.abs(normal)))], normal)
            at = at + missed[0] * first + missed[1] * np.cross(normal, first) + marker.diameter_mm / 2 * normal
        places.append(at)
        outward.append(normal)
        along.append(share)
    return Placement(np.array(places), np.array(outward), np.array(along))


def _aim(marker: Marker, anatomy: Anatomy) -> tuple[FloatArray, FloatArray, float]:
    """Place on the skin and normal where the marker is meant to sit, and how far along the bone that is."""
    if marker.fixed:
        spot, direction = (np.array(v) for v in marker.fixed)
        return anatomy.violin_scale * spot, unit(direction) if direction.any() else direction, 1.0
    side, _, part = marker.segment.partition("_")
    length = anatomy.bones.get(f"{side}_{part}") if part in anatomy.radii else None
    if marker.landmark:
        landmark = anatomy.landmarks[marker.landmark]
        share = float(np.clip(-landmark.place[2] / length, 0.0, 1.0)) if length else 1.0
        way = marker.wrap[0] or 1.0
        return landmark.place * np.array([way, 1.0, way]), unit(landmark.outward), share
    if length is None:
        raise ValueError(f"{marker.label}: {marker.segment} has no length")
    share, angle = marker.wrap
    lateral = 1.0 if side == "left" else -1.0
    normal = np.array([np.sin(angle), lateral * np.cos(angle), 0.0])
    radius = float(np.interp(share, (0.0, 1.0), anatomy.radii[part]))
    return radius * normal - np.array([0.0, 0.0, share * length]), normal, share
