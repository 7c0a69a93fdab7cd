"""Fingers: what they touch on the neck and on the bow, and the frames of their bones.

Places are mm; "hand's frame" is that of the segment ``left_hand`` or ``right_hand``. A finger that is not down hovers
over the string. Where a fingertip's pad touches, and how the thumb opposes it, are viodat's choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from viodat.synth.picture.instrument import NECK_WIDE_MM
from viodat.synth.player.anatomy import SIDES, Anatomy
from viodat.synth.player.body import FINGERS, Frame
from viodat.synth.player.hold import string_place
from viodat.synth.player.kinematics import Digit, digit, seen_from, within
from viodat.synth.vectors import FloatArray

DIGITS: Final = (*FINGERS, "thumb")
THUMB_TURN = 0.95
"""The thumb bends in a plane turned by about 55° against the fingers' (rad)."""
_THUMB_BONES = ("metacarpal", "proximal", "distal")
_FINGER_BONES = ("proximal", "middle", "distal")
USUAL_SEMITONES: Final = (0.0, 2.0, 3.5, 5.0)
"""Where the four fingers usually stop the string, above the first one."""
PAD_MM: Final = 5.5
"""From the end of a finger's last bone to the string under its pad."""
_HOVER_MM = 13.0
# On the bow: along the stick from the hand's middle, in hand lengths; across and above the hair, in mm of the bow.
_ON_BOW: Final = {
    "index": (0.155, -9.0, 21.0),
    "middle": (0.050, -12.0, 12.0),
    "ring": (-0.055, -12.0, 12.0),
    "pinky": (-0.150, -3.0, 29.0),
    "thumb": (0.045, 10.0, 12.0),
}
_THUMB_THICK = 0.045
"""Half the thumb's thickness in hand lengths."""


def digits_of(anatomy: Anatomy) -> dict[str, Digit]:
    """All ten digits, by ``left_index`` ... ``right_thumb``."""
    out = {}
    for side, _, sign in SIDES:
        for name in DIGITS:
            bones = _THUMB_BONES if name == "thumb" else _FINGER_BONES
            a, b, c = (anatomy.bones[f"{side}_{name}_{bone}"] for bone in bones)
            turn = THUMB_TURN if name == "thumb" else 0.0
            out[f"{side}_{name}"] = digit(sign, anatomy.places[f"{side}_{name}"], (a, b, c), turn)
    return out


def on_neck(
    anatomy: Anatomy,
    violin: Frame,
    incline_rad: FloatArray,
    hand_mm: FloatArray,
    ahead_mm: FloatArray,
    press: FloatArray,
    thumb: FloatArray,
    scale: float,
) -> dict[str, FloatArray]:
    """(T, 3) where the left fingertips are to go, in the frame that the violin is given in.

    Parameters
    ----------
    incline_rad
        (T,) the bow's incline: it says which string is played.
    hand_mm
        (T,) the hand's place from the nut, vibrato included.
    ahead_mm, press
        (T, 4) each finger's stop beyond ``hand_mm``, and how far it is down.
    thumb
        (2,) as in Hold.
    """
    out = {}
    for i, finger in enumerate(FINGERS):
        tip = string_place(incline_rad, hand_mm + ahead_mm[:, i], scale)
        tip[:, 2] += PAD_MM + _HOVER_MM * scale * (1 - press[:, i])
        # A finger in the air hangs back over its own side of the neck.
        tip[:, 1] -= 4.0 * scale * (1 - press[:, i])
        out[f"left_{finger}"] = violin.point(tip)
    out["left_thumb"] = violin.point(thumb_on_neck(anatomy, hand_mm, thumb, scale))
    return out


def thumb_on_neck(anatomy: Anatomy, hand_mm: FloatArray, place: FloatArray, scale: float) -> FloatArray:
    """(T, 3) where the left thumb's tip lies against the neck's left side, violin's frame; ``place`` as in Hold."""
    aside = scale * NECK_WIDE_MM[0] / 2 + _THUMB_THICK * anatomy.bones["hand"]
    return np.asarray(string_place(np.zeros_like(hand_mm), hand_mm, scale) + np.array([place[0], aside, place[1]]))


def on_bow(anatomy: Anatomy, bow: Frame, grip_mm: float, scale: float) -> dict[str, FloatArray]:
    """(T, 3) where the right fingertips rest on the bow, in the frame that the bow is given in."""
    out = {}
    for name, (along, across, above) in _ON_BOW.items():
        place = np.array([grip_mm + along * anatomy.bones["hand"], across * scale, above * scale])
        out[f"right_{name}"] = bow.point(place)
    return out


Shape = tuple[FloatArray, FloatArray, FloatArray]
"""Flexion, spread and bend of a digit."""


def touching(
    digits: Mapping[str, Digit], side: str, hand: Frame, targets: Mapping[str, FloatArray]
) -> dict[str, Shape]:
    """Shape of each digit of one hand whose tip goes to its target."""
    shapes = {}
    for name in DIGITS:
        target = seen_from(hand, Frame(targets[f"{side}_{name}"], hand.axes)).origin
        shapes[name] = digits[f"{side}_{name}"].touching(target)
    return shapes


def curled(
    digits: Mapping[str, Digit], side: str, hand: Frame, shapes: Mapping[str, Shape]
) -> tuple[dict[str, Frame], dict[str, FloatArray]]:
    """Frames of one hand's finger bones, and their angles by name, from the shape of each digit."""
    segments, named = {}, {}
    for name in DIGITS:
        bones = _THUMB_BONES if name == "thumb" else _FINGER_BONES
        three = digits[f"{side}_{name}"].curled(*shapes[name])
        for bone, frame in zip(bones, three, strict=True):
            segments[f"{side}_{name}_{bone}"] = within(hand, frame)
        for what, value in zip(("flexion", "spread", "bend"), shapes[name], strict=True):
            named[f"{side}_{name}_{what}"] = value
    return segments, named
