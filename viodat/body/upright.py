"""Is the world Z up? A person who plays stands or sits: the shoulders are above the hips along the world's Z."""

from __future__ import annotations

from typing import Final

import numpy as np

from viodat.body.joint_centres import JointTrial

_ALONG: Final = 0.8
"""The trunk lies along an axis if so much of its length does: within 37 degrees of it."""

_AXES: Final = {
    (0, 1): ("X", "yzx"),
    (0, -1): ("-X", "zy-x"),
    (1, 1): ("Y", "zxy"),
    (1, -1): ("-Y", "xz-y"),
    (2, -1): ("-Z", "x-y-z"),
}
"""Axis and sign -> its name, and the setting that makes it Z without mirroring the world."""


def audit_upright(joints: JointTrial) -> list[str]:
    """Find a world that is not Z up, as in files of OpenSim, Pose2Sim and Motive.

    Parameters
    ----------
    joints
        Joint centres, world frame.

    Returns
    -------
    list of str
        One sentence if the median trunk (mid-hip to mid-shoulder) lies along another axis than +Z, with the setting
        that turns it; empty if it does not, or the trunk is never determined.
    """
    middle = {
        name: (joints.joint(f"left_{name}") + joints.joint(f"right_{name}")) / 2 for name in ("shoulder", "pelvis")
    }
    trunk = middle["shoulder"] - middle["pelvis"]
    trunk = trunk[np.isfinite(trunk).all(axis=-1)]
    if not len(trunk):
        return []
    median = np.median(trunk, axis=0)
    length = float(np.linalg.norm(median))
    axis = int(np.argmax(np.abs(median)))
    way = (axis, 1 if median[axis] > 0 else -1)
    if length == 0 or way not in _AXES or abs(median[axis]) < _ALONG * length:
        return []
    name, setting = _AXES[way]
    return [
        f"the trunk points along {name} of the file's world ({median[axis]:+.0f} of {length:.0f} mm), but Z should be "
        f'up; write axes = "{setting}" into capture.toml [markers]'
    ]
