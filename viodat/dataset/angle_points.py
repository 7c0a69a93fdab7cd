"""Joint angles as the points of a C3D file: three angles to a point, degrees, as Plug-in Gait stores its own.

A joint's point has flexion in x, ab- or adduction in y and axial rotation in z; its description names the three as the
dataset does. Where viodat has no third angle z is 0, as y and z of Plug-in Gait's elbow are. Labels are Plug-in Gait's
where the joint is the same; definitions and signs are viodat's (:mod:`viodat.body.angles`). Hip and knee have Plug-in
Gait's signs, but those of pelvis, thorax, spine and neck are positive backward, and the shoulder's angles are those of
the ISB.

Source: Vicon Plug-in Gait Reference Guide, outputs, for labels and the order of the three.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.body.angles import ANGLES
from viodat.capture.c3d_write import PointSeries

_MIDDLE: Final = {
    "PelvisAngles": ("pelvis_tilt", "pelvis_list", "pelvis_rotation"),
    "ThoraxAngles": ("thorax_tilt", "thorax_list", "thorax_rotation"),
    "SpineAngles": ("trunk_extension", "trunk_bending", "trunk_rotation"),
    "NeckAngles": ("head_extension", "head_bending", "head_rotation"),
}
_SIDED: Final = {
    "HipAngles": ("hip_flexion", "hip_adduction", "hip_internal_rotation"),
    "KneeAngles": ("knee_flexion", "knee_adduction", "knee_internal_rotation"),
    "AnkleAngles": ("ankle_dorsiflexion", "ankle_inversion", "ankle_internal_rotation"),
    "ClavicleAngles": ("clavicle_protraction", "clavicle_elevation"),
    "ShoulderAngles": ("shoulder_elevation", "shoulder_plane_of_elevation", "shoulder_axial_rotation"),
    "ElbowAngles": ("elbow_flexion", "elbow_adduction", "forearm_pronation"),
    "WristAngles": ("wrist_flexion", "wrist_deviation"),
}

ANGLE_POINTS: Final[Mapping[str, tuple[str, ...]]] = _MIDDLE | {
    f"{side[0].upper()}{label}": tuple(f"{side}_{name}" for name in names)
    for side in ("left", "right")
    for label, names in _SIDED.items()
}
"""Label of each point -> the angles in its x, y and z."""


def angle_points(angles_rad: NDArray[np.floating]) -> PointSeries:
    """Give a trial's angles as points.

    Parameters
    ----------
    angles_rad
        (F, N) rad, in the order of :data:`viodat.body.angles.ANGLES`, NaN where undetermined.

    Returns
    -------
    PointSeries
        Degrees; NaN in frames where one of a point's angles is undetermined. A point that is so in all frames is left
        out.
    """
    column = {name: i for i, name in enumerate(ANGLES)}
    labels, descriptions, values = [], [], []
    for label, names in ANGLE_POINTS.items():
        three = np.zeros((len(angles_rad), 3))
        three[:, : len(names)] = np.degrees(angles_rad[:, [column[name] for name in names]])
        if np.isfinite(three).all(axis=1).any():
            labels.append(label)
            descriptions.append(", ".join(f"{axis} {name}" for axis, name in zip("xyz", names, strict=False)))
            values.append(three)
    stacked = np.stack(values, axis=1) if values else np.zeros((len(angles_rad), 0, 3))
    return PointSeries(tuple(labels), tuple(descriptions), stacked)
