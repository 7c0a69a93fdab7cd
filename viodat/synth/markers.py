"""Where a lab's markers sit on the simulated player: the 39 of Plug-in Gait and three on each hand.

Plug-in Gait computes each joint centre from a marker on the skin at half the joint's width plus half a
marker's diameter from the centre, in a plane that a third marker gives. The markers are placed here so
that those planes and distances hold exactly (Vicon, Plug-in Gait Reference Guide); what Plug-in Gait then
computes from them is the centre that was animated, up to the noise that is added. Finger markers sit on
the back of the hand, (hand thickness + marker diameter)/2 above the joint; the thumb's is on its skin.
Positions are mm in the world frame.
"""

from __future__ import annotations

import numpy as np

from viodat.synth.motion import SIDES, Frame, Player, Pose
from viodat.synth.vectors import FloatArray, rejected, unit

# The planes depend on the marker that is sought; each round reduces the error by at least a factor of two.
_ROUNDS = 60


def place_markers(player: Player, pose: Pose) -> dict[str, FloatArray]:
    """Positions of all markers without noise: label -> (T, 3) mm."""
    measured, s = player.measurements, player.scale
    diameter = measured["marker_diameter"]
    half = {stem: (measured[stem] + diameter) / 2 for stem in measured if stem.endswith(("width", "thickness"))}
    markers = _trunk(player, pose)
    for side, mark, sign in SIDES:
        joint = {name: pose.joints[f"{side}_{name}"] for name in _SIDE_POINTS}
        outward = sign * pose.pelvis.axes[..., 1]
        markers[f"{mark}KNE"], markers[f"{mark}THI"] = _leg(
            joint["pelvis"], joint["knee"], outward, half["knee_width"], 0.6
        )
        markers[f"{mark}ANK"], markers[f"{mark}TIB"] = _leg(
            joint["knee"], joint["ankle"], outward, half["ankle_width"], 0.55
        )
        markers[f"{mark}HEE"], markers[f"{mark}TOE"] = joint["heel"], joint["toe"]

        offset = measured["shoulder_offset"] + diameter / 2
        markers[f"{mark}SHO"] = _shoulder(pose.thorax, joint["shoulder"], sign, offset)
        bar = _wrist_middle(joint["wrist"], joint["elbow"], pose.radial[side], sign, half["wrist_width"])
        markers[f"{mark}WRA"] = bar + 30 * s * pose.radial[side]
        markers[f"{mark}WRB"] = bar - 30 * s * pose.radial[side]
        elbow = _elbow(joint["shoulder"], joint["elbow"], bar, sign, half["elbow_width"])
        markers[f"{mark}ELB"] = elbow
        lateral = unit(elbow - joint["elbow"])
        markers[f"{mark}UPA"] = 0.45 * joint["shoulder"] + 0.55 * joint["elbow"] + 55 * s * lateral
        markers[f"{mark}FRM"] = 0.5 * joint["elbow"] + 0.5 * joint["wrist"] + 45 * s * lateral

        reach = half["hand_thickness"]
        to_wrist = unit(joint["wrist"] - joint["hand"])
        markers[f"{mark}FIN"] = joint["hand"] + reach * rejected(bar - joint["wrist"], to_wrist)
        dorsal = _dorsal(joint["index"], joint["pinky"], bar, pose.radial[side], sign, reach)
        markers[f"{mark}IDX"] = joint["index"] + reach * dorsal
        markers[f"{mark}PNK"] = joint["pinky"] + reach * dorsal
        markers[f"{mark}THM"] = joint["thumb"] + (9 * s + diameter / 2) * unit(pose.radial[side] + dorsal)
    return markers


_SIDE_POINTS = (
    "pelvis",
    "knee",
    "ankle",
    "heel",
    "toe",
    "shoulder",
    "elbow",
    "wrist",
    "hand",
    "index",
    "pinky",
    "thumb",
)


def _trunk(player: Player, pose: Pose) -> dict[str, FloatArray]:
    s, half_asis = player.scale, player.measurements["inter_asis_distance"] / 2
    radius = player.measurements["marker_diameter"] / 2
    pelvis, thorax = pose.pelvis, pose.thorax
    head = Frame(pose.joints["head"], thorax.axes)
    # CLAV and C7, STRN and T10 have the same middle front to back, so the thorax axis through them is its z axis.
    return {
        "LFHD": head.point(90 * s, 65 * s, 40 * s),
        "RFHD": head.point(90 * s, -65 * s, 40 * s),
        "LBHD": head.point(-90 * s, 60 * s, 30 * s),
        "RBHD": head.point(-90 * s, -60 * s, 30 * s),
        "C7": thorax.point(-135 * s, 0, 60 * s),
        "CLAV": thorax.point(radius, 0, 0),
        "STRN": thorax.point(radius + 15 * s, 0, -160 * s),
        "T10": thorax.point(-150 * s, 0, -210 * s),
        "RBAK": thorax.point(-140 * s, -80 * s, -90 * s),
        "LASI": pelvis.point(0, half_asis, 0),
        "RASI": pelvis.point(0, -half_asis, 0),
        "LPSI": pelvis.point(-160 * s, 45 * s, 0),
        "RPSI": pelvis.point(-160 * s, -45 * s, 0),
    }


def _leg(
    proximal: FloatArray, centre: FloatArray, outward: FloatArray, distance_mm: float, share: float
) -> tuple[FloatArray, FloatArray]:
    """Joint marker and wand: the marker square to the bone, the wand in their plane, farther out."""
    lateral = rejected(outward, unit(proximal - centre))
    wand = (1 - share) * proximal + share * centre + (distance_mm + 30) * lateral
    return centre + distance_mm * lateral, wand


def _shoulder(thorax: Frame, centre: FloatArray, sign: float, distance_mm: float) -> FloatArray:
    arm = unit(centre - thorax.origin)
    marker = centre + distance_mm * rejected(thorax.axes[..., 2], arm)
    for _ in range(_ROUNDS):
        up = sign * np.cross(thorax.axes[..., 0], marker - thorax.origin)
        marker = centre + distance_mm * rejected(up, arm)
    return marker


def _wrist_middle(
    centre: FloatArray, elbow: FloatArray, radial: FloatArray, sign: float, distance_mm: float
) -> FloatArray:
    middle = centre
    for _ in range(_ROUNDS):
        middle = centre - sign * distance_mm * unit(np.cross(radial, elbow - middle))
    return middle


def _elbow(
    shoulder: FloatArray, centre: FloatArray, wrist_middle: FloatArray, sign: float, distance_mm: float
) -> FloatArray:
    upper_arm = unit(shoulder - centre)
    marker = centre
    for _ in range(_ROUNDS):
        out = -sign * np.cross(wrist_middle - marker, shoulder - marker)
        marker = centre + distance_mm * rejected(out, upper_arm)
    return marker


def _dorsal(
    index: FloatArray,
    pinky: FloatArray,
    wrist_middle: FloatArray,
    radial: FloatArray,
    sign: float,
    distance_mm: float,
) -> FloatArray:
    knuckles = (index + pinky) / 2
    dorsal = np.zeros_like(index)
    for _ in range(_ROUNDS):
        dorsal = sign * unit(np.cross(radial, knuckles + distance_mm * dorsal - wrist_middle))
    return dorsal
