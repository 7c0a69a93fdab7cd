"""From the old demo's pose to a body that :func:`viodat.synth.picture.figure.figures_of` can clothe.

Goes when the old demo goes: the pose has no fingers and no instrument, so both are put where they look right.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from viodat.synth.motion import Pose
from viodat.synth.picture.instrument import CONTACT, bow_axes
from viodat.synth.player.body import FINGERS, Body, Frame
from viodat.synth.vectors import FloatArray, rejected, unit

# How the head lies on the chin rest: turned to the left, tilted to the left, a little down (rad).
_TURN, _TILT, _NOD = 0.5, 0.12, 0.12
_PHALANGES = ((45.0, 26.0), (48.0, 30.0), (45.0, 28.0), (36.0, 21.0))
_CURL = {"rest": (0.3, 0.65, 0.85), "left": (0.75, 1.75, 2.5), "right": (0.55, 1.3, 1.7)}


def posture_of(pose: Pose, scale: float = 1.0, playing: bool = True) -> Body:
    """Add head, fingers, violin and bow to a pose; ``scale`` is the body's size relative to 1.70 m."""
    joints, axes = pose.joints, pose.thorax.axes
    segments: dict[str, Frame] = {
        "pelvis": Frame((joints["left_pelvis"] + joints["right_pelvis"]) / 2, pose.pelvis.axes),
        "thorax": Frame(pose.thorax.point(25 * scale, 0, 0), axes),
        "head": Frame(joints["head"], axes @ _head_turn() if playing else axes),
    }
    for side, sign in (("left", 1.0), ("right", -1.0)):
        segments |= _arm(pose, side, sign, scale, _CURL[side if playing else "rest"])
        heel, toe = joints[f"{side}_heel"], joints[f"{side}_toe"]
        along = rejected(toe - heel, np.array([0.0, 0.0, 1.0]))
        up = np.broadcast_to([0.0, 0.0, 1.0], along.shape)
        segments[f"{side}_foot"] = Frame(joints[f"{side}_ankle"], _columns(along, np.cross(up, along)))
    if playing:
        held = (joints["left_index"] + joints["left_thumb"]) / 2
        button = pose.thorax.point(25 * scale, 95 * scale, 8 * scale)
        along = unit(held - button)
        top = rejected(axes @ np.array([0.0, -0.35, 1.0]), along)
        violin = Frame(button, _columns(along, np.cross(top, along)))
        contact = button + violin.axes @ np.array(CONTACT)
        grip = (joints["right_thumb"] + joints["right_index"]) / 2
        frog = grip + 8 * scale * pose.distal["right"]
        segments |= {"violin": violin, "bow": Frame(frog, bow_axes(frog, contact, top))}
    return Body(np.arange(len(button) if playing else len(axes), dtype=np.float64), segments, pose.stacked(), {})


def _columns(x: FloatArray, y: FloatArray) -> FloatArray:
    return np.stack([x, y, np.cross(x, y)], axis=-1)


def _arm(pose: Pose, side: str, sign: float, scale: float, curl: tuple[float, ...]) -> Mapping[str, Frame]:
    joints, distal = pose.joints, pose.distal[side]
    wrist, index, pinky = (joints[f"{side}_{name}"] for name in ("wrist", "index", "pinky"))
    across = rejected(pose.radial[side], distal)
    hand = np.stack([across, np.cross(-distal, across), -distal], axis=-1)
    palmar = -sign * hand[..., 1]
    out = {f"{side}_radius": Frame(wrist, hand), f"{side}_hand": Frame(wrist, hand)}
    for n, (finger, lengths) in enumerate(zip(FINGERS, _PHALANGES, strict=True)):
        start = index + n / 3 * (pinky - index)
        for bone, (name, angle) in enumerate(zip(("proximal", "middle", "distal"), curl, strict=True)):
            along = np.cos(angle) * distal + np.sin(angle) * palmar
            out[f"{side}_{finger}_{name}"] = Frame(start, np.stack([across, np.cross(-along, across), -along], -1))
            start = start + scale * lengths[min(bone, 1)] * along
    thumb = joints[f"{side}_thumb"]
    root = wrist + scale * (22 * distal + 24 * across + 10 * palmar)
    along = unit(unit(thumb - root) + distal)
    for name, at in (("metacarpal", root), ("proximal", (root + thumb) / 2 + 8 * scale * across), ("distal", thumb)):
        side_on = rejected(across, along)
        out[f"{side}_thumb_{name}"] = Frame(at, np.stack([side_on, np.cross(-along, side_on), -along], -1))
    return out


def _head_turn() -> FloatArray:
    cy, sy, cr, sr, cp, sp = (f(a) for a in (_TURN, -_TILT, _NOD) for f in (np.cos, np.sin))
    yaw = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    roll = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    pitch = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    return np.asarray(yaw @ pitch @ roll)
