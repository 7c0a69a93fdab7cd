"""From the animated pose to what the renderer draws: where head, violin and bow are."""

from __future__ import annotations

import numpy as np

from viodat.synth.motion import Pose
from viodat.synth.picture.figure import Posture
from viodat.synth.picture.instrument import BOW_MM, CONTACT
from viodat.synth.vectors import FloatArray, rejected, unit

# How the head lies on the chin rest: turned to the left, tilted to the left, a little down (rad).
_TURN, _TILT, _NOD = 0.5, 0.12, 0.12


def posture_of(pose: Pose, scale: float = 1.0, playing: bool = True) -> Posture:
    """Add head, violin and bow to a pose; ``scale`` is the body's size relative to 1.70 m."""
    heels, toes = (
        np.stack([pose.joints[f"{side}_{end}"] for side in ("left", "right")], axis=1) for end in ("heel", "toe")
    )
    axes = pose.thorax.axes
    if not playing:
        return Posture(pose.stacked(), heels, toes, pose.joints["head"], axes)
    left_hand = (pose.joints["left_index"] + pose.joints["left_thumb"]) / 2
    end_button = pose.thorax.point(25 * scale, 95 * scale, 8 * scale)
    along = unit(left_hand - end_button)
    top = rejected(axes @ np.array([0.0, -0.35, 1.0]), along)
    violin = np.stack([along, np.cross(top, along), top], axis=-1)
    contact = end_button + violin @ np.array(CONTACT)
    held = pose.joints["right_thumb"] * 0.5 + pose.joints["right_index"] * 0.5
    frog = held + 8 * scale * pose.distal["right"]
    tip = frog + BOW_MM * 0.87 * unit(contact - frog)
    return Posture(pose.stacked(), heels, toes, pose.joints["head"], axes @ _head_turn(), end_button, violin, frog, tip)


def _head_turn() -> FloatArray:
    cy, sy, cr, sr, cp, sp = (f(a) for a in (_TURN, -_TILT, _NOD) for f in (np.cos, np.sin))
    yaw = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    roll = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    pitch = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    return np.asarray(yaw @ pitch @ roll)
