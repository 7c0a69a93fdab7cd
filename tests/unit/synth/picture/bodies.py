"""Bodies made by hand, so that pictures are tested without the player that is simulated."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from viodat.joints import JOINTS
from viodat.synth.player.body import FINGERS, Body, Frame

_ALONG = {"index": 83.0, "middle": 84.0, "ring": 77.0, "pinky": 71.0}
_ACROSS = {"index": 23.0, "middle": 4.0, "ring": -15.0, "pinky": -30.0}
_LONG = {"index": (45, 28), "middle": (49, 30), "ring": (45, 28), "pinky": (36, 21)}
_OF_JOINT = {
    "ankle": "foot",
    "elbow": "forearm",
    "pelvis": "thigh",
    "knee": "shank",
    "shoulder": "upper_arm",
    "wrist": "hand",
    "index": "index_proximal",
    "pinky": "pinky_proximal",
    "thumb": "thumb_distal",
}


def turn(axis, angle):
    return Rotation.from_rotvec(float(angle) * np.array(axis, float)).as_matrix()


def made(stature_mm=1700.0, plays=False, head_mm=221.0, shifts=((0.0, 0.0, 0.0),), curl=0.3):
    """A body at one instant per shift (mm): neutral, or with both arms raised to a violin."""
    s, h = stature_mm / 1700, head_mm / 221
    frames = {}

    def put(name, origin, axes=None):
        frames[name] = (np.array(origin, float), np.eye(3) if axes is None else axes)
        return frames[name]

    def at(frame, place):
        return frame[0] + frame[1] @ (s * np.array(place, float))

    pelvis = put("pelvis", (0, 0, 905 * s))
    thorax = put("thorax", at(pelvis, (10, 0, 493)), turn((0, 1, 0), 0.04) if plays else None)
    looking = turn((0, 0, 1), 0.5) @ turn((1, 0, 0), -0.12) if plays else np.eye(3)
    put("head", at(thorax, (-65, 0, 45)) + h * looking @ [20, 0, 137], looking)
    for side, sign in (("left", 1), ("right", -1)):
        clavicle = put(f"{side}_clavicle", at(thorax, (-10, sign * 22, -5)))
        thigh = put(f"{side}_thigh", at(pelvis, (0, sign * 85, 0)))
        shank = put(f"{side}_shank", at(thigh, (0, 0, -417)))
        put(f"{side}_foot", at(shank, (0, 0, -418)), turn((0, 0, 1), sign * 0.15))
        arm, bend = np.eye(3), np.eye(3)
        if plays:
            arm = turn((0, 0, 1), -0.35) @ turn((0, 1, 0), -0.9) if sign > 0 else turn((1, 0, 0), -1.0)
            bend = turn((0, 1, 0), -1.9) if sign > 0 else turn((0, 0, 1), 1.3) @ turn((1, 0, 0), -1.3)
        upper = put(f"{side}_upper_arm", at(clavicle, (-45, sign * 156, -12)), arm)
        lower = put(f"{side}_forearm", at(upper, (0, 0, -292)), arm @ bend if sign > 0 else bend)
        wrist = at(lower, (0, 0, -248))
        put(f"{side}_radius", wrist, lower[1])
        hand = put(f"{side}_hand", wrist, lower[1])
        for finger in FINGERS:
            bone, axes = at(hand, (_ACROSS[finger], 0, -_ALONG[finger])), hand[1]
            for name, length in zip(("proximal", "middle", "distal"), (*_LONG[finger], 20), strict=True):
                axes = axes @ turn((1, 0, 0), -sign * curl)
                frame = put(f"{side}_{finger}_{name}", bone, axes)
                bone = at(frame, (0, 0, -length))
        bone, axes = at(hand, (17, -sign * 9, -23)), hand[1] @ turn((0, 1, 0), -0.6)
        for name, length in (("metacarpal", 44), ("proximal", 34), ("distal", 27)):
            frame = put(f"{side}_thumb_{name}", bone, axes)
            bone = at(frame, (0, 0, -length))
    if plays:
        held = turn((0, 0, 1), 0.55) @ turn((1, 0, 0), -0.3)
        violin = put("violin", at(thorax, (-10, 60, 30)), held)
        bow = turn((0, 0, 1), 0.55 + np.pi / 2)
        put("bow", violin[0] + s * held @ [191, 0, 74] - 300 * s * bow[:, 0], bow)
    moves = np.array(shifts, float)
    segments = {
        name: Frame(origin + moves, np.broadcast_to(axes, (len(moves), 3, 3)))
        for name, (origin, axes) in frames.items()
    }
    joints = []
    for joint in JOINTS:
        side, part = joint.split("_", 1)
        joints.append(segments[f"{side}_{_OF_JOINT[part]}"].origin)
    return Body(np.arange(len(moves), dtype=float), segments, np.stack(joints, axis=1), {})
