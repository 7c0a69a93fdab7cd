"""Joint angles of a body: what they mean, how they follow from the segments' frames, and how far people can bend.

All angles are 0 in the neutral posture (:mod:`viodat.synth.player.body`), rad, ``left_`` or ``right_`` before the name:

``clavicle_protraction``, ``clavicle_elevation``
    Of the collarbone about the thorax' z and x axes: shoulder forward, shoulder up.
``shoulder_elevation``, ``shoulder_plane``, ``shoulder_rotation``
    Angle between upper arm and the thorax' downward axis; the direction in which it is raised, 0 to the side, π/2
    forward; inward turn of the upper arm about itself, after the shortest turn from hanging to where it points.
``elbow_flexion``
    Between the long axes of upper arm and forearm.
``forearm_pronation``, ``wrist_flexion``, ``wrist_deviation``
    The hand's turn on the forearm, in this order: about the forearm (palm down), towards the palm, towards the thumb.
``hip_flexion``, ``hip_abduction``, ``hip_rotation``
    The thigh's turn on the pelvis, in this order: forward, outward, toes out.
``knee_flexion``, ``ankle_flexion``
    Between the long axes of thigh and shank; toes up, of the foot's turn on the shank taken as at the hip.
``<finger>_flexion``, ``_spread``, ``_bend``
    At the knuckle towards the palm, then sideways towards the little finger's side (minus: the thumb's); of the middle
    joint, while the end joint bends by two thirds of it. The thumb's first two are those of its metacarpal, in a plane
    turned by 55°.

And without a side ``trunk_turn``, ``trunk_lean``, ``trunk_tilt`` of the thorax on the pelvis and ``head_turn``,
``head_nod``, ``head_tilt`` of the head on the thorax: about z to the left, about y forward, about x to the right.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from viodat.synth.player.anatomy import SIDES
from viodat.synth.player.body import Frame
from viodat.synth.player.kinematics import wrist_angles
from viodat.synth.vectors import FloatArray

LIMITS_DEG: Final[Mapping[str, tuple[float, float]]] = {
    "clavicle_protraction": (-20.0, 35.0),
    "clavicle_elevation": (-12.0, 40.0),
    "shoulder_elevation": (0.0, 180.0),
    "shoulder_rotation": (-95.0, 95.0),
    "elbow_flexion": (0.0, 150.0),
    "forearm_pronation": (-85.0, 85.0),
    "wrist_flexion": (-70.0, 80.0),
    "wrist_deviation": (-33.0, 22.0),
    "hip_flexion": (-30.0, 120.0),
    "hip_abduction": (-30.0, 45.0),
    "hip_rotation": (-45.0, 45.0),
    "knee_flexion": (2.0, 135.0),
    "ankle_flexion": (-50.0, 25.0),
    "trunk_turn": (-45.0, 45.0),
    "trunk_lean": (-30.0, 80.0),
    "trunk_tilt": (-35.0, 35.0),
    "head_turn": (-75.0, 75.0),
    "head_nod": (-50.0, 50.0),
    "head_tilt": (-45.0, 45.0),
}
"""How far people bend, degrees: the American Academy of Orthopaedic Surgeons' norms (1965), which clinics use, with
some degrees more at forearm, wrist and ankle; collarbone, upper arm's rotation, trunk and head are viodat's choice.
A knee is never locked."""


def angles_of(segments: Mapping[str, Frame]) -> dict[str, FloatArray]:
    """Angles (T,) of everything but the fingers."""
    out: dict[str, FloatArray] = {}
    for name, outer, inner in (("trunk", "pelvis", "thorax"), ("head", "thorax", "head")):
        m = _between(segments[outer], segments[inner])
        out[f"{name}_turn"] = np.arctan2(m[:, 1, 0], m[:, 0, 0])
        out[f"{name}_{'lean' if name == 'trunk' else 'nod'}"] = -np.arcsin(np.clip(m[:, 2, 0], -1, 1))
        out[f"{name}_tilt"] = np.arctan2(m[:, 2, 1], m[:, 2, 2])
    for side, _, sign in SIDES:
        out |= {f"{side}_{name}": value for name, value in _arm_angles(segments, side, sign).items()}
        out |= {f"{side}_{name}": value for name, value in _leg_angles(segments, side, sign).items()}
    return out


def _between(outer: Frame, inner: Frame) -> FloatArray:
    return np.swapaxes(outer.axes, -1, -2) @ inner.axes


def _bend(outer: Frame, inner: Frame) -> FloatArray:
    """Angle between two long axes, well-conditioned where they are nearly parallel."""
    a, b = outer.axes[..., 2], inner.axes[..., 2]
    return np.asarray(np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), np.sum(a * b, axis=-1)))


def _arm_angles(segments: Mapping[str, Frame], side: str, sign: float) -> dict[str, FloatArray]:
    thorax, clavicle, upper, forearm, hand = (
        segments[name] for name in ("thorax", *(f"{side}_{n}" for n in ("clavicle", "upper_arm", "forearm", "hand")))
    )
    girdle, shoulder = _between(thorax, clavicle), _between(thorax, upper)
    wrist = wrist_angles(forearm.axes, hand.axes, sign)
    down = -shoulder[:, :, 2]
    # Swing and twist: the twist's half angle has the quaternion's z and w as tangent.
    twist = np.arctan2(shoulder[:, 1, 0] - shoulder[:, 0, 1], shoulder[:, 0, 0] + shoulder[:, 1, 1])
    return {
        "clavicle_protraction": -sign * np.arctan2(girdle[:, 1, 0], girdle[:, 0, 0]),
        "clavicle_elevation": sign * np.arctan2(girdle[:, 2, 1], girdle[:, 2, 2]),
        "shoulder_elevation": np.arctan2(np.hypot(down[:, 0], down[:, 1]), -down[:, 2]),
        "shoulder_plane": np.arctan2(down[:, 0], sign * down[:, 1]),
        "shoulder_rotation": -sign * twist,
        "elbow_flexion": _bend(upper, forearm),
        "forearm_pronation": wrist.pronation,
        "wrist_flexion": wrist.flexion,
        "wrist_deviation": wrist.deviation,
    }


def _leg_angles(segments: Mapping[str, Frame], side: str, sign: float) -> dict[str, FloatArray]:
    pelvis, thigh, shank, foot = (
        segments[name] for name in ("pelvis", *(f"{side}_{n}" for n in ("thigh", "shank", "foot")))
    )
    hip, ankle = _between(pelvis, thigh), _between(shank, foot)
    return {
        "hip_flexion": -np.arctan2(hip[:, 0, 2], hip[:, 2, 2]),
        "hip_abduction": -sign * np.arcsin(np.clip(hip[:, 1, 2], -1, 1)),
        "hip_rotation": sign * np.arctan2(hip[:, 1, 0], hip[:, 1, 1]),
        "knee_flexion": _bend(thigh, shank),
        "ankle_flexion": -np.arctan2(ankle[:, 0, 2], ankle[:, 2, 2]),
    }
