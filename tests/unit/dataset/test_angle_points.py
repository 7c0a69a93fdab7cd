from collections import Counter

import numpy as np
import pytest

from viodat.body.angles import ANGLES
from viodat.dataset.angle_points import ANGLE_POINTS, angle_points


def angles(frames=4):
    """Angle i is i degrees in frame 0, i + 100 in frame 1 ..."""
    degrees = np.arange(len(ANGLES))[None] + 100.0 * np.arange(frames)[:, None]
    return np.radians(degrees)


def test_every_angle_stands_in_one_place():
    assert Counter(name for names in ANGLE_POINTS.values() for name in names) == Counter(ANGLES)
    assert all(len(names) <= 3 for names in ANGLE_POINTS.values())


@pytest.mark.parametrize(
    ("label", "names"),
    [
        ("LKneeAngles", ("left_knee_flexion", "left_knee_adduction", "left_knee_internal_rotation")),
        ("RElbowAngles", ("right_elbow_flexion", "right_elbow_adduction", "right_forearm_pronation")),
        ("PelvisAngles", ("pelvis_tilt", "pelvis_list", "pelvis_rotation")),
        ("LWristAngles", ("left_wrist_flexion", "left_wrist_deviation")),
    ],
)
def test_degrees_in_x_y_z_by_name(label, names):
    points = angle_points(angles())
    at = points.labels.index(label)
    for axis, name in enumerate(names):
        np.testing.assert_allclose(points.values[:, at, axis], ANGLES.index(name) + 100.0 * np.arange(4))
        assert f"{'xyz'[axis]} {name}" in points.descriptions[at]
    assert (points.values[:, at, len(names) :] == 0).all()
    assert all(len(text) <= 127 for text in points.descriptions)


def test_a_point_that_is_nowhere_determined_is_left_out():
    values = angles()
    values[:, ANGLES.index("left_hip_flexion")] = np.nan
    values[2, ANGLES.index("right_hip_adduction")] = np.nan
    points = angle_points(values)
    assert "LHipAngles" not in points.labels
    assert len(points.labels) == len(ANGLE_POINTS) - 1
    right = points.values[:, points.labels.index("RHipAngles")]
    np.testing.assert_array_equal(np.isnan(right).any(-1), [False, False, True, False])
