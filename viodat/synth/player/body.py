"""Where the player, the violin and the bow are: segment frames over time.

World frame right-handed, Z up, floor at z = 0, mm. The player faces +X, +Y is to the left. A segment's frame has its
origin at the segment's proximal joint centre and its axes in columns. In the neutral posture (upright, arms hanging,
palms towards the thighs, feet forward) the axes of every segment of the body are those of the world: x forward, y left,
z up. So the forearm's wrist lies at about (0, 0, -length), the right hand's palm faces +y, its thumb +x.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from viodat.joints import JOINT_INDEX
from viodat.synth.vectors import FloatArray

FINGERS: Final = ("index", "middle", "ring", "pinky")
_LIMBS: Final = ("clavicle", "upper_arm", "forearm", "radius", "hand", "thigh", "shank", "foot")
_FINGER_BONES: Final = (
    *(f"{finger}_{bone}" for finger in FINGERS for bone in ("proximal", "middle", "distal")),
    *(f"thumb_{bone}" for bone in ("metacarpal", "proximal", "distal")),
)
SEGMENTS: Final[tuple[str, ...]] = (
    "pelvis",
    "thorax",
    "head",
    *(f"{side}_{part}" for side in ("left", "right") for part in (*_LIMBS, *_FINGER_BONES)),
    "violin",
    "bow",
)
"""Names of the segments.

``pelvis``: origin midway between the hip centres. ``thorax``: origin at the suprasternal notch. ``head``: midway
between the ears. ``clavicle``: from the sternoclavicular joint, carries scapula and shoulder centre. ``forearm``: the
ulna, does not pronate; ``radius``: origin at the wrist centre, the distal forearm, which does. ``hand``: origin at the
wrist centre. Finger bones: origin at their proximal joint; ``<finger>_proximal`` at the metacarpophalangeal joint,
``thumb_metacarpal`` at the carpometacarpal, ``thumb_distal`` at the interphalangeal joint. ``violin``: origin at the
end button, x towards the scroll, y to the left of who looks along x with the top up, z out of the top
(:mod:`viodat.synth.picture.instrument`). ``bow``: origin where the hair meets the frog, x towards the tip, z from the
hair to the stick.
"""


@dataclass(frozen=True)
class Frame:
    """A segment at T instants: origin (T, 3) mm and axes (T, 3, 3) in columns, world."""

    origin: FloatArray
    axes: FloatArray

    def point(self, place: ArrayLike) -> FloatArray:
        """(T, 3) world position of a point (3,) that is fixed in the segment, or (T, 3) of one that moves in it."""
        local = np.asarray(place, dtype=np.float64)
        return np.asarray(self.origin + (self.axes @ local[..., None])[..., 0])

    def points(self, places: ArrayLike) -> FloatArray:
        """(T, N, 3) world positions of N points (N, 3) that are fixed in the segment."""
        return np.asarray(
            self.origin[:, None] + np.einsum("tij,nj->tni", self.axes, np.asarray(places, dtype=np.float64))
        )


@dataclass(frozen=True)
class Body:
    """The player at T instants.

    Attributes
    ----------
    times_s
        (T,) s on the mocap clock.
    segments
        Frames of all :data:`SEGMENTS`; without ``violin`` and ``bow`` in static and range-of-motion trials.
    joints
        (T, 18, 3) mm, true joint centres in the order of :data:`viodat.joints.JOINTS`.
    angles_rad
        (T,) each, by name such as ``right_elbow_flexion``.
    """

    times_s: FloatArray
    segments: Mapping[str, Frame]
    joints: FloatArray
    angles_rad: Mapping[str, FloatArray]

    def joint(self, name: str) -> FloatArray:
        """(T, 3) of one of the 18 joints."""
        return np.asarray(self.joints[:, JOINT_INDEX[name]])

    @property
    def plays(self) -> bool:
        """True where violin and bow are there."""
        return "violin" in self.segments
